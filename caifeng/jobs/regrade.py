"""`caifeng regrade --dry-run`: which levels would change by other rules. What was given is never rewritten."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from caifeng.core.errors import DataError, UsageError
from caifeng.core.model.grading import FACTOR_NAMES, OVERRIDE_NUMBERS, GradingRules, LevelRule
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.jobs.base import Env
from caifeng.jobs.json_lines import to_line
from transforms.grade.grade import MEASURES, grade

HOW_RULES_COME_INTO_FORCE = (
    "regrade only shows what would change: add --dry-run. Grades that were given stay; new rules come into force as "
    "a file config/grading/<name>.toml with its name and effective_from, for the days from then on"
)


class Change(NamedTuple):
    """A level that would be another: one issue on one day, over the evaluations in which it would change alike."""

    issue_no: str
    day: date
    as_of: datetime
    """The first of these evaluations ..."""
    evaluations: int
    """... and how many there are."""
    rule_version: str
    """Rules by which the level was given."""
    level_before: str
    level_after: str
    total_before: float
    total_after: float
    moved: tuple[str, ...]
    """What moved it: a factor's part of the total (`C 13.750 -> 15.000`), an override that came (`+O9`) or
    went (`-O9`), a cut or a threshold (`level.larger 40 -> 44`)."""


class Regrading(NamedTuple):
    """Stored evaluations graded again by other rules."""

    rule_version: str
    grades: int
    """Grades that were looked at."""
    transitions: dict[tuple[str, str], int]
    """(level before, level after) -> grades, changed ones only, most frequent first."""
    changes: tuple[Change, ...]
    """By day, issue and moment."""


def regrade(env: Env, first: date, last: date, rules: GradingRules) -> Regrading:
    """Grade the stored measures of graded.issue_grades again; nothing is written.

    Where one moment was graded by several rule versions, the last one in name order that was in force counts.

    Raises:
        UsageError: the days are in the wrong order.
        DataError: no grade is stored for these days, or the rules do not value one of the stored topics.
    """
    if first > last:
        raise UsageError(f"--from {first} comes after --to {last}")
    stored = env.lake.read_range("graded.issue_grades", first, last)
    if stored.is_empty():
        raise DataError(f"nothing was graded from {first} to {last}")
    versions = _in_force(env, stored["day"].unique().to_list())
    stored = (
        stored.join(versions, on="day", how="left", maintain_order="left")
        .sort("day", "issue_no", "as_of", pl.col("rule_version") == pl.col("in_force"), "rule_version")
        .unique(["issue_no", "as_of"], keep="last", maintain_order=True)
    )
    again = grade(stored, rules).select(pl.exclude(*MEASURES.names()).name.suffix("_after"))
    changed = pl.concat([stored, again], how="horizontal").filter(pl.col("level") != pl.col("level_after"))
    pairs = (
        changed.group_by("level", "level_after")
        .len()
        .sort("len", "level", "level_after", descending=[True, False, False])
    )
    numbers = _stored_numbers(env, first, last)
    changes = [
        _change(group, numbers.get(group["rule_version"], {}), rules)
        for group in changed.group_by("day", "issue_no", "level", "level_after", maintain_order=True)
        .agg(pl.all().first(), pl.len().alias("evaluations"))
        .sort("day", "issue_no", "as_of")
        .iter_rows(named=True)
    ]
    transitions = {(before, after): count for before, after, count in pairs.iter_rows()}
    return Regrading(rules.rule_version, stored.height, transitions, tuple(changes))


def dry_run(env: Env, first: date, last: date | None, rules_file: Path, *, really_dry: bool) -> Regrading:
    """What the command line asks for; `last` defaults to the last day that was graded.

    Raises:
        UsageError: not a dry run.
        ConfigError: the rules cannot be used; one line per fault.
        DataError: as `regrade`.
    """
    if not really_dry:
        raise UsageError(HOW_RULES_COME_INTO_FORCE)
    rules = env.settings.read_grading(rules_file)
    return regrade(env, first, last or max(env.lake.days("graded.issue_grades"), default=first), rules)


def regrade_lines(regrading: Regrading, *, as_json: bool) -> list[str]:
    """For a terminal, in Chinese: totals by transition, then the changes; or one JSON line per change, totals last."""
    transitions = [
        {"level_before": before, "level_after": after, "grades": count}
        for (before, after), count in regrading.transitions.items()
    ]
    if as_json:
        changes = [{k: _plain(v) for k, v in change._asdict().items()} for change in regrading.changes]
        total = {"rule_version": regrading.rule_version, "grades": regrading.grades, "transitions": transitions}
        return [to_line(line) for line in (*changes, total)]
    changed = sum(regrading.transitions.values())
    lines = [f"按规则 {regrading.rule_version} 重算{regrading.grades}次定级，{changed}次改变；已定等级不改"]
    lines += [
        f"  {_name(before)} → {_name(after)}：{count}次" for (before, after), count in regrading.transitions.items()
    ]
    lines += [
        f"{change.day} {change.issue_no} {_name(change.level_before)} → {_name(change.level_after)}，"
        f"总分 {change.total_before:.1f} → {change.total_after:.1f}，{'，'.join(change.moved)}"
        f"（{change.evaluations}次，自{change.as_of.isoformat(timespec='minutes')}）"
        for change in regrading.changes
    ]
    return lines


def _in_force(env: Env, days: list[date]) -> pl.DataFrame:
    versions = env.settings.grading_versions()
    names = {day: next((v.rule_version for v in reversed(versions) if v.effective_from <= day), None) for day in days}
    return pl.DataFrame(
        {"day": list(names), "in_force": list(names.values())}, schema={"day": pl.Date, "in_force": pl.String}
    )


def _stored_numbers(env: Env, first: date, last: date) -> dict[str, dict[str, float]]:
    """Rule version -> parameter -> value, of the rules that graded these days."""
    rows = env.lake.read_range("ops.grading_rules", first, last, ["rule_version", "parameter", "value"])
    numbers: dict[str, dict[str, float]] = {}
    for _, version, parameter, value in rows.unique(["rule_version", "parameter"]).iter_rows():
        numbers.setdefault(version, {})[parameter] = value
    return numbers


def _change(row: dict[str, Any], before: dict[str, float], rules: GradingRules) -> Change:
    return Change(
        row["issue_no"],
        row["day"],
        row["as_of"],
        row["evaluations"],
        row["rule_version"],
        row["level"],
        row["level_after"],
        row["total"],
        row["total_after"],
        tuple(
            what_moved(
                row,
                {name: row[f"{name}_after"] for name in (*FACTOR_NAMES, "total", "overrides")},
                before,
                rules.numbers,
            )
        ),
    )


def what_moved(
    before: dict[str, Any], after: dict[str, Any], old: dict[str, float], new: dict[str, float]
) -> list[str]:
    """Which parts of the total, overrides and cuts differ between two grades of one issue.

    Args:
        before: the factors C to M, `total` and `overrides` of a grade ...
        after: ... and of another.
        old: the numbers of the rules of the first, by parameter ...
        new: ... and of the second.

    Returns:
        As `Change.moved`. A cut is named where the second total has another level by the two sets of cuts; a
        threshold, where its override holds both times.
    """
    moved = []
    for factor in FACTOR_NAMES:
        weight = old.get(f"weight.{factor}", new[f"weight.{factor}"])
        parts = f"{before[factor] * weight / 100:.3f}", f"{after[factor] * new[f'weight.{factor}'] / 100:.3f}"
        moved += [f"{factor} {parts[0]} -> {parts[1]}"] if parts[0] != parts[1] else []
    moved += [f"+{name}" for name in after["overrides"] if name not in before["overrides"]]
    moved += [f"-{name}" for name in before["overrides"] if name not in after["overrides"]]
    for name in LevelRule.model_fields:
        cut, new_cut = old.get(f"level.{name}", new[f"level.{name}"]), new[f"level.{name}"]
        if (after["total"] >= cut) != (after["total"] >= new_cut):
            moved.append(f"level.{name} {cut:g} -> {new_cut:g}")
    for name in set(before["overrides"]) & set(after["overrides"]) & OVERRIDE_NUMBERS.keys():
        for parameter in (f"override.{field}" for field in OVERRIDE_NUMBERS[name]):
            value = old.get(parameter, new[parameter])
            moved += [f"{parameter} {value:g} -> {new[parameter]:g}"] if value != new[parameter] else []
    return moved


def _name(level: str) -> str:
    return LEVEL_NAMES[level][0]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
