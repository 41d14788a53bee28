"""`caifeng grade --what-if`: the same issue with other measures, graded by the same rules."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Union, get_args, get_origin

import polars as pl

from caifeng.core.errors import UsageError
from caifeng.core.model.grading import FACTOR_NAMES, GradingRules, Measures
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.jobs.base import Env
from caifeng.jobs.explain import latest_grade
from caifeng.jobs.grade_lines import check_measures, parse_measures, printed_grade
from caifeng.jobs.json_lines import LineError, to_line
from caifeng.jobs.regrade import what_moved
from transforms.grade.explain import ExplanationRow, explanation_table
from transforms.grade.grade import MEASURES, grade

_LISTS = ("flags", "facts")


class WhatIf(NamedTuple):
    """An issue as it stands and as it would stand, by the same rules."""

    issue_no: str
    changes: dict[str, tuple[Any, Any]]
    """Measure -> (before, after), those that differ."""
    before: dict[str, Any]
    after: dict[str, Any]
    """Rows of `grade`."""
    moved: tuple[str, ...]
    """What moved the total and the level, as in `caifeng.jobs.regrade.Change`."""
    rules: GradingRules


def parse_assignments(text: str) -> dict[str, str]:
    """Read `views=50000,media_tier=province,flags=+key_category|-pure_question`; values are still text.

    Raises:
        UsageError: no assignment, or a field that is unknown or given twice.
    """
    assigned: dict[str, str] = {}
    for part in text.split(","):
        field, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UsageError(f"--what-if {part.strip()!r}: not field=value")
        if field not in Measures.model_fields or field == "issue_no":
            raise UsageError(f"--what-if {field}: unknown field (one of {', '.join(MEASURES.names()[1:])})")
        if field in assigned:
            raise UsageError(f"--what-if {field}: given twice")
        assigned[field] = value
    return assigned


def assume(measures: Mapping[str, Any], assigned: Mapping[str, str], rules: GradingRules) -> dict[str, Any]:
    """Measures with the assignments carried out.

    Numbers as digits; `null` is unknown; a list is whole (`flags=key_category|pure_question`, empty: none) or adds
    and takes away (`flags=+key_category|-pure_question`). Where the media tier changes from or to `none` and
    `n_media` is not given, the number of media becomes 1 or 0, which is all that can be said.

    Args:
        measures: the fields of `Measures`.
        assigned: as `parse_assignments`.
        rules: the rules, which know the topics.

    Raises:
        LineError: a value of the wrong type or out of range, or values that contradict each other; "field: reason".
    """
    key = measures["issue_no"]
    changed = dict(measures)
    for field, text in assigned.items():
        try:
            changed[field] = _read(field, text, measures[field])
        except ValueError as error:
            raise LineError(key, f"{field}: {error}") from error
    if "media_tier" in assigned and "n_media" not in assigned:
        changed["n_media"] = 0 if changed["media_tier"] == "none" else max(1, measures["n_media"])
    return check_measures(key, changed, rules)


def what_if(env: Env, issue_no: str, assignments: str) -> WhatIf:
    """The latest stored measures of an issue, changed, graded by the rules in force on that day.

    Raises:
        UsageError: the number is unknown, or an assignment cannot be carried out.
    """
    assigned = parse_assignments(assignments)
    stored = latest_grade(env, issue_no)
    measures = {name: stored[name] for name in MEASURES}
    rules = env.settings.grading(stored["day"])
    try:
        return _compare(measures, assume(measures, assigned, rules), rules)
    except LineError as error:
        raise UsageError(f"--what-if {error.reason}") from error


def what_if_json(lines: Iterable[str], assignments: str, rules: GradingRules) -> tuple[list[str], bool]:
    """The same for JSON lines of measures (docs/grading.md).

    Returns:
        One JSON line per input line, in input order, and whether all could be graded; a bad line becomes
        `{"issue_no", "error"}`.

    Raises:
        UsageError: the assignments cannot be read.
    """
    assigned = parse_assignments(assignments)
    answers, all_good = [], True
    for line in lines:
        if not line.strip():
            continue
        try:
            measures = parse_measures(line, rules)
            answers.append(what_if_line(_compare(measures, assume(measures, assigned, rules), rules)))
        except LineError as bad:
            answers.append(to_line({"issue_no": bad.key, "error": bad.reason}))
            all_good = False
    return answers, all_good


def what_if_line(found: WhatIf) -> str:
    """One JSON line: issue_no, changes, the graded lines before and after, what moved."""
    return to_line(
        {
            "issue_no": found.issue_no,
            "rule_version": found.rules.rule_version,
            "changes": {name: list(pair) for name, pair in found.changes.items()},
            "before": printed_grade(found.before),
            "after": printed_grade(found.after),
            "moved": list(found.moved),
        }
    )


def what_if_words(found: WhatIf) -> list[str]:
    """What changed and what follows, for a terminal, in Chinese."""
    assumed = "，".join(f"{name} {_shown(old)} → {_shown(new)}" for name, (old, new) in found.changes.items())
    levels = [LEVEL_NAMES[grade["level"]][0] for grade in (found.before, found.after)]
    return [
        f"{found.issue_no}  假设：{assumed or '没有变化'}（规则 {found.rules.rule_version}，不写入任何记录）",
        f"现在：{found.before['explanation']}",
        f"假设：{found.after['explanation']}",
        f"等级：{levels[0]} → {levels[1]}" if levels[0] != levels[1] else f"等级不变：{levels[0]}",
        f"变动：{'，'.join(found.moved) or '无'}",
    ]


def what_if_tables(found: WhatIf, topic_names: Mapping[str, str]) -> tuple[list[ExplanationRow], list[ExplanationRow]]:
    """The whole computation before and after, as `caifeng grade --explain` prints it."""
    before, after = (
        explanation_table(grade, found.rules, topic_names.get(grade["topic"])) for grade in (found.before, found.after)
    )
    return before, after


def _compare(before: Mapping[str, Any], after: Mapping[str, Any], rules: GradingRules) -> WhatIf:
    graded = grade(pl.DataFrame([before, after], schema=MEASURES, orient="row"), rules).to_dicts()
    changes = {name: (before[name], after[name]) for name in MEASURES if _differ(before[name], after[name])}
    parts = [{name: row[name] for name in (*FACTOR_NAMES, "total", "overrides")} for row in graded]
    moved = what_moved(parts[0], parts[1], rules.numbers, rules.numbers)
    return WhatIf(before["issue_no"], changes, graded[0], graded[1], tuple(moved), rules)


def _differ(old: Any, new: Any) -> bool:
    return sorted(old) != sorted(new) if isinstance(old, list) else old != new


def _read(field: str, text: str, now: Any) -> Any:
    """The value of a field; its range is checked with the others."""
    if field in _LISTS:
        return _read_list(text, now)
    kinds = _types(Measures.model_fields[field].annotation)
    if text == "null":
        if type(None) not in kinds:
            raise ValueError("must be known, null is not allowed")
        return None
    for kind, words in ((int, "a whole number"), (float, "a number")):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError as error:
                raise ValueError(f"{text!r} is not {words}{', nor null' if type(None) in kinds else ''}") from error
    return text


def _read_list(text: str, now: list[str]) -> list[str]:
    items = [item.strip() for item in text.split("|")] if text else []
    steps = [item for item in items if item[:1] in ("+", "-")]
    if not steps:
        return items
    if len(steps) < len(items):
        raise ValueError("either a whole list or only + and - entries")
    names = [step[1:] for step in steps]
    if len(set(names)) < len(names):
        raise ValueError("repeated")
    if absent := [step[1:] for step in steps if step[0] == "-" and step[1:] not in now]:
        raise ValueError(f"{absent[0]} is not set, so it cannot be taken away")
    added = [step[1:] for step in steps if step[0] == "+" and step[1:] not in now]
    return [item for item in now if f"-{item}" not in steps] + added


def _types(annotation: Any) -> set[Any]:
    """The plain types in a field's annotation."""
    if get_origin(annotation) in (Union, types.UnionType):
        return set().union(*map(_types, get_args(annotation)))
    return {get_args(annotation)[0]} if hasattr(annotation, "__metadata__") else {annotation}


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "、".join(value) or "无"
    return "未知" if value is None else str(value)
