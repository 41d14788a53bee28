"""What is out of date because something it rests on has changed since, and making exactly that anew.

A stage of a day is out of date when a part that its last run read (ops.runs), its rules, or what people have decided
is not any more what it then was, when a file it wrote is not as it left it, or when it was evaluated before its day was
over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from caifeng.core.clock import SHANGHAI, business_day, end_of_day
from caifeng.core.errors import UsageError
from caifeng.core.lake import Lake
from caifeng.core.listing import Listing
from caifeng.jobs.base import LOOKBACK, Env, JobReport, timed
from caifeng.jobs.marts import evaluations
from caifeng.jobs.rules import rules_of
from caifeng.jobs.runs import RECORDS, Run, entries, part_hash, partition_hash, range_hash, read_runs, rows_hash
from caifeng.jobs.stages import STAGES

#: Stages that need no text, so that they can be run again for any day ...
WITHOUT_TEXT = ("load", "marts", "outputs")
#: ... and those that need the text of relevant posts only. What is not relevant loses its text after 14 days, and would
#: be judged anew without it (product.md, retention).
_RELEVANT_TEXT = ("cluster", "grade", *WITHOUT_TEXT)
_IRRELEVANT_LIVES = timedelta(days=14)
_NAMED = 3


class Stale(NamedTuple):
    """A stage of a day that is out of date."""

    day: date
    stage: str
    reasons: tuple[str, ...]
    """What has changed; empty where only an earlier stage or day is, and it is not known yet what will come of it."""


def stale(env: Env, first: date | None = None, last: date | None = None) -> list[Stale]:
    """What is out of date, in the order in which it would be made anew.

    Args:
        env: where things are.
        first: first day looked at; the first one that was landed if not given.
        last: last day; the latest one if not given.

    Returns:
        Stages with the reasons known, and those that read what these write, without reasons.
    """
    found: list[Stale] = []
    touched: set[str] = set()
    for day in days_of(env, first, last):
        runs = _last_runs(env, day)
        for stage in _stages_of(env, day):
            reasons = tuple(why(env, day, stage, runs.get(stage)))
            run = runs.get(stage)
            if reasons or (run and _reads(run, touched)):
                found.append(Stale(day, stage, reasons))
                touched |= {_partition(name) for name in entries(run.outputs)} if run else {f"*/day={day}"}
    return found


def stale_listing(found: Sequence[Stale]) -> Listing:
    """`caifeng stale`: values as `Stale`."""
    follows = "follows from what is above, if that differs"
    return Listing(
        "过期的环节",
        ("日期", "环节", "原因"),
        [(each.day, each.stage, "; ".join(each.reasons) or follows) for each in found],
        [each._asdict() for each in found],
        "everything is up to date",
    )


def refresh(env: Env, first: date | None = None, last: date | None = None) -> Iterator[JobReport]:
    """Run what is out of date, in day order, and nothing else; whether a stage is, is asked when its turn comes.

    Yields:
        The report of each stage that was run.

    Raises:
        UsageError: there is no warehouse; `caifeng rebuild` makes one.
    """
    if not env.warehouse.file.exists():
        raise UsageError(f"{env.warehouse.file}: no warehouse; run `caifeng rebuild` first")
    for day in days_of(env, first, last):
        for stage in _stages_of(env, day):
            if any(why(env, day, stage, _last_runs(env, day).get(stage))):
                job = getattr(import_module(f"caifeng.jobs.{stage}"), stage)
                moment = _moment(env, day)
                if stage in WITHOUT_TEXT and (graded := evaluations(env, day)):
                    moment = graded[-1].as_of  # what shows a grading is of the moment of the grading
                with timed(env, stage, day, moment) as reports:
                    reports.append(job(env, day, moment))
                yield reports[0]


def days_of(env: Env, first: date | None, last: date | None) -> list[date]:
    """Days that were landed, from the first to the last one asked for."""
    return [d for d in env.lake.days("ops.sources") if (first or date.min) <= d <= (last or date.max)]


def why(env: Env, day: date, stage: str, run: Run | None) -> Iterator[str]:
    """Reasons for which a stage of a day is out of date, given its last run."""
    if run is None:
        yield "no run is on record"
        return
    if run.outcome == "failed":
        yield f"its last run failed: {run.reason}"
        return
    moment = _moment(env, day)
    if stage not in WITHOUT_TEXT and run.as_of and run.as_of < moment == end_of_day(day):
        yield f"evaluated as of {run.as_of.astimezone(SHANGHAI):%m-%d %H:%M}, before its day was over"
    then, now = entries(run.rules), entries(rules_of(env.settings, stage, day, _known_by(run, moment, stage)))
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            yield "people decided something since" if name == "register" else f"{name} changed"
    for name, value in entries(run.outputs).items():
        if not name.startswith(tuple(f"{table.replace('.', '/')}/" for table in RECORDS)):
            found = _output(env, name)
            if found != value:
                yield f"{name} {'is missing' if found is None else 'is not as it was left'}"
    own = entries(run.outputs)
    for name, value in entries(run.inputs).items():
        if _input(env, name, own) != value:
            yield f"{name} changed{_which(env, name, run, own)}"


def _known_by(run: Run, moment: datetime, stage: str) -> datetime:
    """Until when decisions count: while the day runs, those made since; of what shows a grading, up to its moment."""
    return run.as_of or moment if stage in WITHOUT_TEXT and run.as_of == moment else moment


def _moment(env: Env, day: date) -> datetime:
    return min(env.now().replace(microsecond=0), end_of_day(day))


def _stages_of(env: Env, day: date) -> tuple[str, ...]:
    """What can be run again: all stages while the text of all posts lives, then fewer."""
    age = business_day(env.now()) - day
    return STAGES if age < _IRRELEVANT_LIVES else _RELEVANT_TEXT if age < LOOKBACK else WITHOUT_TEXT


def _last_runs(env: Env, day: date) -> dict[str, Run]:
    return {run.job: run for run in read_runs(env.settings.home, env.lake, day)}


def _reads(run: Run, touched: set[str]) -> bool:
    """Whether a run reads of partitions that will be written."""
    for name in entries(run.inputs):
        folder, _, days = name.rpartition("/")
        first, _, last = days.removeprefix("day=").partition("..")
        for partition in touched:
            where, _, day = partition.rpartition("/day=")
            if where in (folder, "*") and first <= day <= (last or first):
                return True
    return False


def _partition(name: str) -> str:
    """Partition of an output, which is a file of it or a mart."""
    return name.rpartition("/")[0] if name.endswith(".parquet") else name


def _output(env: Env, name: str) -> str | None:
    """Hash of what stands under the name of an output; None if nothing does."""
    if not name.startswith("marts/"):
        table, day, _ = _range(name.rpartition("/")[0])
        files = {path.name: path for path in Lake.files(env.lake, table, day)}
        path = files.get(name.rpartition("/")[2])
        return part_hash(env.lake, path) if path else None
    return _mart(env, name)


def _input(env: Env, name: str, own: dict[str, str]) -> str | None:
    """Hash of what stands under the name of an input now."""
    if name.startswith("marts/"):
        return _mart(env, name)
    table, first, last = _range(name)
    if name.partition("/day=")[2]:
        return partition_hash(env.lake, table, first, own)
    return range_hash(env.lake, table, first, last)


def _mart(env: Env, name: str) -> str | None:
    if not env.warehouse.file.exists():
        return None
    table, first, last = _range(name)
    return rows_hash(env.warehouse.read(table, first, last))


def _range(name: str) -> tuple[str, date, date]:
    """Table, first and last day of a partition's or a range's name."""
    schema, table, days = name.split("/")
    first, _, last = days.removeprefix("day=").partition("..")
    return f"{schema}.{table}", date.fromisoformat(first), date.fromisoformat(last or first)


def _which(env: Env, name: str, run: Run, own: dict[str, str]) -> str:
    """The newest files that were written after the run, in brackets; a file that is gone cannot be named."""
    if name.startswith("marts/"):
        return ""
    table, first, last = _range(name)
    folder = f"{name.rpartition('/')[0]}"
    newer: list[Path] = [
        path
        for day in Lake.days(env.lake, table)
        if first <= day <= last
        for path in Lake.files(env.lake, table, day)
        if path.stat().st_mtime > (run.started_at + timedelta(seconds=run.seconds)).timestamp()
        and f"{folder}/{path.parent.name}/{path.name}" not in own
    ]
    named = [f"{path.parent.name}/{path.name}" for path in newer[-_NAMED:]]
    more = [f"and {len(newer) - _NAMED} more"] if len(newer) > _NAMED else []
    return f" ({', '.join(named + more)})" if named else ""
