"""`caifeng grade --json`: grade JSON lines; a bad line becomes an error and the others go on."""

import json
from collections.abc import Iterable
from typing import Any

import polars as pl
from pydantic import ValidationError

from caifeng.core.model.grading import FACTOR_NAMES, GradingRules, Measures
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


class _BadLineError(Exception):
    """A line that cannot be graded; `issue_no` as far as it could be read."""

    def __init__(self, issue_no: str | None, reason: str) -> None:
        self.issue_no, self.reason = issue_no, reason
        super().__init__(reason)


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
            good.append(_parse_line(line, rules))
            results.append(None)
        except _BadLineError as bad:
            results.append({"issue_no": bad.issue_no, "error": bad.reason})
    graded = grade(pl.DataFrame(good, schema=MEASURES, orient="row"), rules).select(_OUTPUT)
    rows = graded.iter_rows(named=True)
    written = [_to_json(next(rows) if result is None else result) for result in results]
    return written, len(good) == len(results)


def _parse_line(line: str, rules: GradingRules) -> dict[str, Any]:
    """Read one line.

    Raises:
        _BadLineError: it is not a complete and consistent set of measures.
    """
    repeated: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            keys = [key for key, _ in pairs]
            repeated.extend(key for key in record if keys.count(key) > 1)
        return record

    try:
        record = json.loads(line, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise _BadLineError(None, "line: not valid JSON") from error
    if not isinstance(record, dict):
        raise _BadLineError(None, "line: not a JSON object")
    issue_no = record.get("issue_no")
    known = issue_no if isinstance(issue_no, str) and _is_text(issue_no) else None
    if repeated:
        raise _BadLineError(known, f"{repeated[0]}: given twice")
    if unknown := [name for name in record if name not in MEASURES]:
        raise _BadLineError(known, f"{unknown[0]}: unknown field")
    try:
        measures = Measures.model_validate(record).model_dump()
    except ValidationError as error:
        raise _BadLineError(known, _first_reason(error)) from error
    if measures["topic"] not in rules.topic_base:
        raise _BadLineError(known, "topic: not a topic of the rules")
    return measures


def _first_reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    # a contradiction between fields names its field in the message itself
    return f"{first['loc'][0]}: {first['msg']}" if first["loc"] else first["msg"]


def _is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: JSON may smuggle in half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _to_json(result: dict[str, Any]) -> str:
    text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    return text.encode("utf8", "replace").decode("utf8")
