"""Why an issue has its level: the latest grade as a table that a person checks by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from caifeng.core.errors import DataError, UsageError
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.workbench.desk import Desk
from caifeng.jobs.workbench.evidence import evidence_of
from transforms.grade.explain import ExplanationRow, explanation_table


class Explanation(NamedTuple):
    """An issue, its latest grade and the arithmetic behind it."""

    title: str
    grade: dict[str, Any]
    table: list[ExplanationRow]


def explain(env: Env, issue_no: str) -> Explanation:
    """Explain the latest grade of an issue, by the rules that gave it.

    Raises:
        UsageError: the number is unknown.
        DataError: it was graded by rules that no file holds any more.
    """
    graded = latest_grade(env, issue_no)
    issue = _latest(env, "graded.issues", issue_no, "day")
    rules = env.settings.grading_version(graded["rule_version"])
    if rules is None:
        raise DataError(
            f"{issue_no} was graded by rules {graded['rule_version']}, which no file under {env.settings.config} holds "
            f"any more: run `caifeng run --day {graded['day']} --from grade` to grade it anew"
        )
    topic = next((t.name for t in env.settings.taxonomy().topics if t.id == graded["topic"]), None)
    return Explanation(issue["title"], graded, explanation_table(graded, rules, topic))


def evidence_lines(settings: Settings, grade: Mapping[str, Any]) -> list[str]:
    """What each measure of a grade rests on, a line each: value, who set it, then its posts with their addresses."""
    desk = Desk.open(settings)
    try:
        measures = evidence_of(desk, grade)
    finally:
        desk.register.close()
    posts = sorted({source.post_id for measure in measures for source in measure.sources if source.post_id})
    shown = desk.env.lake.scan("graded.posts", date.min, grade["day"]).filter(pl.col("post_id").is_in(posts))
    address = dict(shown.select("post_id", "url").collect().iter_rows())
    lines = []
    for measure in measures:
        lines.append(f"{measure.name} {measure.value}（{measure.setter}）")
        for source in measure.sources:
            event = f"登记第{source.event_no}条" if source.event_no else ""
            told = " ".join(filter(None, (source.detail, event, address.get(source.post_id or ""))))
            if told:
                lines.append(f"    {told}")
    return lines


def latest_grade(env: Env, issue_no: str) -> dict[str, Any]:
    """The latest row of graded.issue_grades of an issue, with its `day`.

    Where one moment was graded by several rule versions, the one in force on that day counts.

    Raises:
        UsageError: the number is unknown.
    """
    found = _of_issue(env, "graded.issue_grades", issue_no)
    last = found.filter(pl.col("as_of") == pl.col("as_of").max())
    in_force = pl.col("rule_version") == env.settings.grading(last["day"][0]).rule_version
    return last.sort(in_force, "rule_version").row(-1, named=True)


def _latest(env: Env, table: str, issue_no: str, order: str) -> dict[str, Any]:
    return _of_issue(env, table, issue_no).sort(order).row(-1, named=True)


def _of_issue(env: Env, table: str, issue_no: str) -> pl.DataFrame:
    rows = env.lake.read_range(table, date.min, date.max).filter(pl.col("issue_no") == issue_no)
    if rows.is_empty():
        raise UsageError(f"no such issue: {issue_no} (numbers look like YQ-2026-0001)")
    return rows
