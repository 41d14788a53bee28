"""`caifeng grade --json`: grade JSON lines; a bad line becomes an error and the others go on."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
from pydantic import ValidationError

from caifeng.core.model.grading import FACTOR_NAMES, GradingRules, Measures
from caifeng.jobs.json_lines import LineError, parse_object, to_line
from transforms.grade.grade import MEASURES, grade

#: Keys of a graded line, in their order.
_OUTPUT = (
    "issue_no",
    *FACTOR_NAMES,
    "total",
    "coverage",
    "level",
    "level_by_score",
    "overrides",
    "needs_review",
    "response_value",
    "explanation",
)


def grade_lines(lines: Iterable[str], rules: GradingRules) -> tuple[list[str], bool]:
    """Grade one JSON object per line (fields: `caifeng.core.model.grading.Measures`).

    Args:
        lines: JSON lines; empty ones are skipped.
        rules: config/grading.toml.

    Returns:
        One JSON line per input line, in input order, and whether all of them could be graded. A line that
        could not is `{"issue_no": …, "error": "field: reason"}`, with the first reason found: an unknown,
        repeated or missing field, a wrong type (a bool or 3.0 is not an integer), a value out of range, a
        flag or fact given twice, or numbers that contradict each other. `issue_no` is null if unreadable.
    """
    results: list[dict[str, Any] | None] = []
    good: list[dict[str, Any]] = []
    for line in lines:
        if not line.strip():
            continue
        try:
            good.append(parse_measures(line, rules))
            results.append(None)
        except LineError as bad:
            results.append({"issue_no": bad.key, "error": bad.reason})
    graded = grade(pl.DataFrame(good, schema=MEASURES, orient="row"), rules).select(_OUTPUT)
    rows = graded.iter_rows(named=True)
    written = [to_line(next(rows) if result is None else result) for result in results]
    return written, len(good) == len(results)


def printed_grade(graded_row: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a graded line, in their order."""
    return {name: graded_row[name] for name in _OUTPUT}


def parse_measures(line: str, rules: GradingRules) -> dict[str, Any]:
    """Read one line of measures.

    Raises:
        LineError: it is not a complete and consistent set of measures.
    """
    issue_no, record = parse_object(line, "issue_no", MEASURES)
    return check_measures(issue_no, record, rules)


def check_measures(issue_no: str | None, record: Mapping[str, Any], rules: GradingRules) -> dict[str, Any]:
    """The fields of `Measures`, complete and consistent.

    Raises:
        LineError: they are not; "field: reason".
    """
    try:
        measures = Measures.model_validate(record).model_dump()
    except ValidationError as error:
        raise LineError(issue_no, _first_reason(error)) from error
    if measures["topic"] not in rules.topic_base:
        raise LineError(issue_no, "topic: not a topic of the rules")
    return measures


def _first_reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    # a contradiction between fields names its field in the message itself
    return f"{first['loc'][0]}: {first['msg']}" if first["loc"] else first["msg"]
