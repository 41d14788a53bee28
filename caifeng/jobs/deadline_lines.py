"""`caifeng deadlines --json`: due dates of JSON lines; a bad line becomes an error and the others go on."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from caifeng.cases.deadlines import DeadlineInput, due_dates
from caifeng.cases.workdays import MissingYearError, WorkCalendar
from caifeng.core.model.deadlines import DeadlineRules
from caifeng.jobs.json_lines import LineError, parse_object, to_line


def deadline_lines(lines: Iterable[str], rules: DeadlineRules, calendar: WorkCalendar) -> tuple[list[str], bool]:
    """Compute the due dates of one JSON object per line (fields: `caifeng.cases.deadlines.DeadlineInput`).

    Args:
        lines: JSON lines; empty ones are skipped.
        rules: limits in force.
        calendar: working days.

    Returns:
        One JSON line per input line, in input order, and whether all of them could be computed. A good line gives
        `issue_no`, `due` (every key of DUE_NAMES, ISO 8601 with +08:00, null: no such duty), `report_inside_to`
        and `basis`. A bad one gives `{"issue_no": …, "error": "field: reason"}` with the first reason found: an
        unknown, repeated or missing field, a wrong type, a time that cannot be read or has no zone, or a working
        day of a year whose holiday notice is not loaded. `issue_no` is null if unreadable.
    """
    answers = []
    for line in lines:
        if line.strip():
            try:
                answers.append(_answer(line, rules, calendar))
            except LineError as bad:
                answers.append({"issue_no": bad.key, "error": bad.reason})
    return [to_line(answer) for answer in answers], not any("error" in answer for answer in answers)


def _answer(line: str, rules: DeadlineRules, calendar: WorkCalendar) -> dict[str, Any]:
    issue_no, record = parse_object(line, "issue_no", DeadlineInput.model_fields)
    if isinstance(record.get("issue_no"), str) and issue_no is None:
        raise LineError(None, "issue_no: not valid Unicode")
    try:
        result = due_dates(DeadlineInput.model_validate(record), rules, calendar)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise LineError(issue_no, f"{first['loc'][0]}: {first['msg']}") from error
    except MissingYearError as error:
        reason = f"needs the working days of {error.year}, whose holiday notice is not loaded"
        raise LineError(issue_no, f"detected_at: {reason}") from error
    return {
        "issue_no": issue_no,
        "due": {key: at.isoformat() if at else None for key, at in result.due.items()},
        "report_inside_to": result.report_inside_to,
        "basis": result.basis,
    }
