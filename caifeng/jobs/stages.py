"""The stages of a day in their order, and how one is run. Light at import: see the package."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from importlib import import_module
from typing import TYPE_CHECKING

from caifeng.core import clock
from caifeng.core.errors import UsageError

if TYPE_CHECKING:
    from caifeng.core.settings import Settings
    from caifeng.jobs.base import JobReport

#: Module and function of each stage share its name: caifeng.jobs.<stage>.<stage>(env, day, as_of).
STAGES = ("clean", "understand", "cluster", "grade", "load", "marts", "outputs")
#: Stages that read the words of a day; once these have ended their life, the day is only loaded (docs/privacy.md).
READS_WORDS = frozenset(STAGES[:4])


def between(first: str | None, last: str | None) -> tuple[str, ...]:
    """Stages from `first` to `last`, both included.

    Raises:
        UsageError: a name is not a stage, or they are in the wrong order.
    """
    for name in filter(None, (first, last)):
        if name not in STAGES:
            raise UsageError(f"unknown stage {name!r}; stages are {', '.join(STAGES)}")
    start, stop = STAGES.index(first or STAGES[0]), STAGES.index(last or STAGES[-1])
    if start > stop:
        raise UsageError(f"stage {first} comes after {last}")
    return STAGES[start : stop + 1]


def run_stages(
    settings: Settings, day: date, stages: tuple[str, ...] = STAGES, as_of: datetime | None = None
) -> Iterator[JobReport]:
    """Run stages of one day in order, yielding each report as it is done.

    Args:
        settings: where things are.
        day: fetch day.
        stages: names from STAGES.
        as_of: moment of the evaluation, in any zone; the end of the day if not given.

    Raises:
        UsageError: a stage reads the words of the day, and these have ended their life.
    """
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.lives import check_recomputable

    env = Env.open(settings)
    if not READS_WORDS.isdisjoint(stages) and day in env.lake.days("graded.posts"):
        check_recomputable(env, day)
    moment = clock.in_utc(as_of) if as_of else clock.end_of_day(day)
    for stage in stages:
        job = getattr(import_module(f"caifeng.jobs.{stage}"), stage)
        with timed(env, stage, day, moment) as reports:
            reports.append(job(env, day, moment))
        yield reports[0]
