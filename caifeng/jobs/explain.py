"""Why an issue has its level: the latest grade as a table that a person checks by hand."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import polars as pl

from caifeng.core.errors import DataError, UsageError
from caifeng.jobs.base import Env
from transforms.grade.explain import ExplanationRow, explanation_table


class Explanation(NamedTuple):
    """An issue, its latest grade and the arithmetic behind it."""

    title: str
    grade: dict[str, Any]
    table: list[ExplanationRow]


def explain(env: Env, issue_no: str) -> Explanation:
    """Explain the latest grade of an issue.

    Raises:
        UsageError: the number is unknown.
        DataError: it was graded by rules that are no longer configured.
    """
    graded = _latest(env, "graded.issue_grades", issue_no, "as_of")
    issue = _latest(env, "graded.issues", issue_no, "day")
    rules = env.settings.grading()
    if graded["rule_version"] != rules.rule_version:
        raise DataError(
            f"{issue_no} was graded by rules {graded['rule_version']}, in force are {rules.rule_version}: "
            f"run `caifeng run --day {graded['day']} --from grade` to grade it anew"
        )
    topic = next((t.name for t in env.settings.taxonomy().topics if t.id == graded["topic"]), None)
    return Explanation(issue["title"], graded, explanation_table(graded, rules, topic))


def _latest(env: Env, table: str, issue_no: str, order: str) -> dict[str, Any]:
    rows = env.lake.read_range(table, date.min, date.max).filter(pl.col("issue_no") == issue_no).sort(order)
    if rows.is_empty():
        raise UsageError(f"no such issue: {issue_no} (numbers look like YQ-2026-0001)")
    return rows.row(-1, named=True)
