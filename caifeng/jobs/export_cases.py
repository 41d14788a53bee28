"""Register + graded issues -> cases.*, as of a moment: what people decided, and what is owed by when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

from caifeng.cases.model import Case, Event
from caifeng.cases.rules import load_calendar, load_case_rules, load_deadline_rules
from caifeng.cases.service import cases_of
from caifeng.cases.tables import (
    cases_frame,
    claims_frame,
    due_frame,
    events_frame,
    hand_offs_frame,
    kept,
    responses_frame,
)
from caifeng.core.clock import business_day
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.marts import evaluations


class Stand(NamedTuple):
    """How all cases stand at a moment."""

    cases: pl.DataFrame
    """cases.cases: of the day, acted on that day, or waiting for somebody."""
    due: pl.DataFrame
    """cases.due of these."""
    events: tuple[Event, ...]
    """Every event up to the moment."""
    by_number: dict[str, Case]
    """Cases that have events."""


def export_cases(env: Env, day: date, as_of: datetime) -> JobReport:
    """Write the day's cases.* partitions as of a moment; events registered later are left out.

    Raises:
        ConfigError: the rules of deadlines or the holidays cannot be read.
        DataError: events of a case do not follow from each other.
    """
    stand = stand_of(env, day, as_of)
    frames = {
        "cases.cases": stand.cases,
        "cases.due": stand.due,
        "cases.events": events_frame(stand.events, day),
        "cases.claims": claims_frame(stand.events, day),
        "cases.responses": responses_frame(stand.events, day),
        "cases.hand_offs": hand_offs_frame(stand.events, day),
    }
    for table, frame in frames.items():
        env.lake.replace(table, day, frame)
    counts = {table.removeprefix("cases."): frame.height for table, frame in frames.items()}
    return JobReport("export_cases", day, as_of, counts)


def stand_of(env: Env, day: date, as_of: datetime, also: str | None = None) -> Stand:
    """How the cases stand at a moment of a day; what was detected or done later is left out.

    Args:
        env: where things are.
        day: the day of the snapshot.
        as_of: the moment.
        also: an issue to be kept although nobody waits for it.
    """
    as_of = as_of.astimezone(UTC)
    with env.register() as register:
        events = register.events(until=as_of)
    by_number = cases_of(events)
    first = day - LOOKBACK
    issues = env.lake.read_range("graded.issues", first, day, ["issue_no", "detected_at"])
    issues = issues.filter(pl.col("detected_at") <= as_of)
    # A case under treatment, or acted on that day, stays known, however old its issue is.
    living = {n for n, case in by_number.items() if case.is_open or _acted_on(case, day)}
    if older := sorted(living - set(issues["issue_no"])):
        earlier = env.lake.read_range("graded.issues", date.min, first - timedelta(days=1), ["issue_no", "detected_at"])
        issues = pl.concat([issues, earlier.filter(pl.col("issue_no").is_in(older))])
    found = issues.group_by("issue_no").agg(pl.col("detected_at").min())
    config = env.settings.config
    own = load_case_rules(config).own
    stand = cases_frame(found, grades_in_force(env, day, as_of), by_number, as_of, own)
    due = due_frame(stand, by_number, load_deadline_rules(config), load_calendar(config), own)
    today = issues.filter((pl.col("day") == day) | pl.col("issue_no").eq_missing(pl.lit(also)))["issue_no"]
    cases = kept(stand, due, today, day)
    return Stand(cases, due.join(cases.select("issue_no"), on="issue_no", how="semi"), events, by_number)


def grades_in_force(env: Env, day: date, as_of: datetime) -> pl.DataFrame:
    """The latest grade of each issue at a moment; where one moment has several, the one by the rules in force.

    `level` is the system's level over time (graded.issue_levels): a level that falls for one evaluation ends no duty.
    The last evaluation of a day has all issues of that day, so only its files are read.
    """
    files: list[Path] = []
    for found in env.lake.days("graded.issue_grades"):
        if day - LOOKBACK <= found <= day:
            made = [evaluation for evaluation in evaluations(env, found) if evaluation.as_of <= as_of]
            folder = env.lake.directory("graded.issue_grades", found)
            files += [folder / f"{last.part}.parquet" for last in made if last.as_of == made[-1].as_of]
    if not files:
        return pl.DataFrame(schema=env.contracts["graded.issue_grades"].polars_schema())
    in_force = pl.col("rule_version") == env.settings.grading(day).rule_version
    return (
        _with_standing_level(env, pl.read_parquet(files, hive_partitioning=False), files)
        .sort("as_of", in_force, "rule_version")
        .unique("issue_no", keep="last", maintain_order=True)
    )


def _with_standing_level(env: Env, grades: pl.DataFrame, files: Sequence[Path]) -> pl.DataFrame:
    """The grades with `level` over time; one that was given before there was such a table keeps its own."""
    days = {file.parent.name: date.fromisoformat(file.parent.name[4:]) for file in files}
    folders = {name: env.lake.directory("graded.issue_levels", found) for name, found in days.items()}
    beside = [folders[file.parent.name] / file.name for file in files]
    found = [file for file in beside if file.exists()]
    if not found:
        return grades
    keys = ["issue_no", "as_of", "rule_version"]
    levels = pl.read_parquet(found, hive_partitioning=False).select(*keys, "standing_level")
    joined = grades.join(levels, on=keys, how="left", maintain_order="left")
    return joined.with_columns(level=pl.coalesce("standing_level", "level")).drop("standing_level")


def _acted_on(case: Case, day: date) -> bool:
    return case.last_event_at is not None and business_day(case.last_event_at) == day
