"""Gates between the stages: check, record what was found, set bad rows aside, or stop the day.

Every gate replaces its part of ops.quality, and of clean.quarantine where rows are set aside, before it stops
anything: the record stays when the day does not go on. The rules are in `expectations/`.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from caifeng.jobs.base import Env
from caifeng.jobs.runs import unwatched
from expectations import log_calendar, source_profile
from expectations.gate import (
    GateError,
    GateReport,
    check,
    in_words,
    judge_rules,
    quality_frame,
    quarantine,
    quarantine_frame,
)

#: What is usual for a source is learnt from so many days before.
USUAL = timedelta(days=14)
#: So far back a missing log is warned of (our choice: what a monthly review still asks for).
LOGS_BACK = timedelta(days=31)
#: Tables that are written without a gate and checked by `gate_records` before they are loaded.
RECORDED = (
    *("ops.fetches", "cases.cases", "cases.due", "cases.events", "cases.claims", "cases.responses"),
    "cases.hand_offs",
)

_log = logging.getLogger("caifeng.gates")


def gated(env: Env, table: str, day: date, frame: pl.DataFrame, part: str = "data") -> pl.DataFrame:
    """Check a frame and return its good rows.

    Args:
        env: environment.
        table: table with a contract.
        day: partition that the frame is, or will be.
        frame: its rows; values of a lesser type (Int32) are cast to that of the contract.
        part: under which name the findings are recorded; those of an earlier run are replaced.

    Returns:
        The rows without those that a rule with on_fail `quarantine` sets aside.

    Raises:
        GateError: a rule that stops the day is broken; names table, rule and count.
    """
    frame = _as_declared(frame, env.contracts[table].polars_schema())
    report = check(table, frame, env.contracts[table])
    good, bad = quarantine(frame, report)
    _record(env, day, report, part)
    set_aside = f"{table}-{part}"
    # an earlier run may have set rows aside that are good now
    if bad.height or (env.lake.directory("clean.quarantine", day) / f"{set_aside}.parquet").exists():
        env.lake.replace("clean.quarantine", day, quarantine_frame(bad, report, part), set_aside)
    report.raise_if_failed()
    return good


def gated_replace(env: Env, table: str, day: date, frame: pl.DataFrame, part: str = "data") -> Path:
    """Check a frame and replace a part of the lake by its good rows: `Lake.replace` with a gate before it.

    Raises:
        GateError: a rule that stops the day is broken; the part stays as it was.
        DataError: the frame breaks its contract.
    """
    return env.lake.replace(table, day, gated(env, table, day, frame, part), part)


def gate_marts(env: Env, day: date) -> dict[str, int]:
    """Check every mart of a day as it stands in the warehouse, before documents are written from it.

    Returns:
        Number of marts, rules and warnings.

    Raises:
        GateError: a rule is broken; raised after all marts have been checked.
    """
    reports = []
    marts = [
        table for table, contract in env.contracts.items() if table.startswith("marts.") and contract.partition == "day"
    ]
    with env.warehouse.reading():
        frames = {mart: env.warehouse.read(mart, day).drop("day") for mart in marts}
    for table, frame in frames.items():
        contract = env.contracts[table]
        reports.append(check(table, _as_declared(frame, contract.polars_schema()), contract))
        _record(env, day, reports[-1], "data")
    watch_calendar(env, day)
    _raise_all(reports)
    return {
        "marts": len(reports),
        "rules": sum(len(report.results) for report in reports),
        "warnings": sum(len(report.warned) for report in reports),
    }


def gate_records(env: Env, day: date) -> dict[str, int]:
    """Check what crawlers and register put on record for a day, as it stands in the lake, before it is loaded.

    Returns:
        Number of tables, rules and warnings.

    Raises:
        GateError: a rule is broken; raised after all tables have been checked.
    """
    reports = []
    for table in RECORDED:
        reports.append(check(table, env.lake.read(table, day), env.contracts[table]))
        _record(env, day, reports[-1], "data")
    _raise_all(reports)
    return {
        "tables": len(reports),
        "rules": sum(len(report.results) for report in reports),
        "warnings": sum(len(report.warned) for report in reports),
    }


def watch_calendar(env: Env, day: date) -> GateReport:
    """Warn of calendar days before this one without a log (Art. 5), back to the first day that was run."""
    with unwatched(env.lake):
        logged = set(env.lake.days("graded.issue_grades"))  # a file also where there was nothing to grade
    report = GateReport("marts.daily_summary", ("date",), 0, ())
    if earlier := sorted(found for found in logged if found < day):
        first = max(earlier[0], day - LOGS_BACK)
        calendar = [first + timedelta(days=n) for n in range((day - first).days)]
        frame = pl.DataFrame({"date": calendar, "has_log": [found in logged for found in calendar]})
        results = judge_rules(frame, log_calendar.rules(), ("date",))
        report = GateReport("marts.daily_summary", ("date",), frame.height, results)
    _record(env, day, report, "calendar")
    return report


def _raise_all(reports: list[GateReport]) -> None:
    """Stop the day if one of the reports does; names all that failed."""
    failed = [report for report in reports if report.failed]
    if failed:
        raise GateError(
            "; ".join(f"{report.table}: {in_words(result)}" for report in failed for result in report.failed)
        )


def watch_sources(env: Env, day: date) -> GateReport:
    """Compare the day's volumes by source with the days before; findings are logged and never stop a day."""
    with unwatched(env.lake):  # what is only looked at to warn makes nothing out of date
        profile = profile_sources(
            sources=env.lake.read("ops.sources", day),
            raw=env.lake.read_range("raw.posts", day - USUAL, day, ["source_id"]),
            rejects=env.lake.read_range("clean.rejects", day - USUAL, day, ["source_id", "stage"]),
            day=day,
        )
    results = judge_rules(profile, source_profile.rules(), ("source_id",))
    report = GateReport("clean.rejects", ("source_id",), profile.height, results)
    _record(env, day, report, "by_source")
    return report


def profile_sources(sources: pl.DataFrame, raw: pl.DataFrame, rejects: pl.DataFrame, day: date) -> pl.DataFrame:
    """Observations and unreadable ones of each source on a day, with the share that was usual before.

    Args:
        sources: `source_id` of the sources that should have been read on the day.
        raw: `day` and `source_id` of observations, the day and those before.
        rejects: `day`, `source_id` and `stage` of rejects, the same days.
        day: the day that is looked at.

    Returns:
        Columns of source_profile.COLUMNS, by source. The usual share is null for a source that is new.
    """
    keys = ["day", "source_id"]
    unreadable = rejects.filter(pl.col("stage") == "clean").group_by(keys).agg(rejected=pl.len().cast(pl.Int64))
    volumes = (
        raw.group_by(keys)
        .agg(observed=pl.len().cast(pl.Int64))
        .join(unreadable, on=keys, how="left")
        .with_columns(pl.col("rejected").fill_null(0))
    )
    today, before = pl.col("day") == day, pl.col("day") < day
    usual = volumes.filter(before).group_by("source_id").agg(usual_share=pl.sum("rejected") / pl.sum("observed"))
    return (
        sources.select("source_id")
        .join(volumes.filter(today), on="source_id", how="left")
        .with_columns(pl.col("observed", "rejected").fill_null(0))
        .join(usual, on="source_id", how="left")
        .select(*source_profile.COLUMNS)
        .sort("source_id")
    )


def _record(env: Env, day: date, report: GateReport, part: str) -> None:
    env.lake.replace("ops.quality", day, quality_frame([report], part), f"{report.table}-{part}")
    for result in (*report.warned, *report.quarantined):
        _log.warning("%s %s: %s", day, report.table, in_words(result))


def _as_declared(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """The columns in the contract's types; as it is, where that cannot be done: then the gate says what is wrong."""
    try:
        return frame.cast({name: kind for name, kind in schema.items() if name in frame.columns})
    except pl.exceptions.PolarsError:
        return frame
