"""What DAG tasks call: one job with one day each. Light at import, no Polars (see the package)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from caifeng.core import clock
from caifeng.core.errors import DataError
from caifeng.jobs.stages import run_stages

#: Sources that one crawler process fetches side by side.
SOURCES_PER_BATCH = 8


def day_of_run(
    conf: dict[str, Any] | None,
    event_extras: Iterable[dict[str, Any]],
    lag_days: int = 0,
    at: datetime | None = None,
) -> str:
    """The day a DAG run is for: asked for, else of the triggering assets, else today minus `lag_days`.

    Args:
        conf: the run's configuration; `day` as YYYY-MM-DD.
        event_extras: extras of the asset events that triggered the run; the latest `day` counts, because the
            day before is completed by its own run after midnight.
        lag_days: for runs by the clock; 1 means the day that has just ended.
        at: moment for which the clock started the run: of a backfill, long ago; now if not given.
    """
    if conf and conf.get("day"):
        return date.fromisoformat(conf["day"]).isoformat()
    days = [str(extra["day"]) for extra in event_extras if "day" in extra]
    if days:
        return max(days)
    return (clock.business_day(at or _now()) - timedelta(days=lag_days)).isoformat()


def days_of_run(conf: dict[str, Any] | None, event_extras: Iterable[dict[str, Any]]) -> list[str]:
    """The days a DAG run is for, in order: asked for, else each day of the triggering assets, else today.

    What was announced while the run before was busy comes in one run: during a backfill, and after midnight, when the
    completed day and the new one wait together.
    """
    extras = [extra for extra in event_extras if "day" in extra]
    if (conf and conf.get("day")) or not extras:
        return [day_of_run(conf, [])]
    return sorted({str(extra["day"]) for extra in extras})


def plan_batches() -> list[list[str]]:
    """Ids of the sources whose turn it is, in batches; one batch is one crawler process.

    Sources on one host share a batch. Empty if no source is due.
    """
    from caifeng.core.settings import Settings
    from caifeng.jobs.base import Env
    from caifeng.jobs.crawl_plan import RECENT, batches, crawlable, due_now, read_history

    env = Env.open(Settings.load())
    now = env.now().replace(microsecond=0)
    sources = crawlable(env, clock.business_day(now))
    due = due_now(sources, read_history(env, now, RECENT).fetches, now)
    return batches([source for source in sources if source.id in due], SOURCES_PER_BATCH)


def crawl_batch(source_ids: Sequence[str], day: str) -> dict[str, Any]:
    """Fetch and land one batch; sources that fail are in the result and in the log, not an error.

    A day in the past is the one that `{day}` stands for in addresses; today, missed days are asked for as well.
    """
    from caifeng.core.settings import Settings
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.crawl import crawl

    env, of = Env.open(Settings.load()), date.fromisoformat(day)
    with timed(env, "crawl", of) as reports:
        only = None if of == clock.business_day(env.now()) else of
        reports.append(crawl(env, source_ids, only, planned=True))
    return {**reports[0].counts, "failed": list(reports[0].failed)}


def run_stage(stage: str, day: str) -> dict[str, int]:
    """Run one stage that evaluates: as of now, or of the end of the day once it is over."""
    from caifeng.core.settings import Settings

    of = date.fromisoformat(day)
    as_of = min(_now(), clock.end_of_day(of)).replace(microsecond=0)
    return next(iter(run_stages(Settings.load(), of, (stage,), as_of))).counts


def run_marts(day: str) -> dict[str, int]:
    """Load the day and build its marts as of its latest evaluation."""
    return _run_as_evaluated(("load", "marts"), day)


def write_outputs(day: str) -> dict[str, int]:
    """Write the day's documents and dashboard as of its latest evaluation."""
    return _run_as_evaluated(("outputs",), day)


def publish_analytics() -> None:
    """Swap in the analysts' copy."""
    from caifeng.core.settings import Settings
    from caifeng.jobs.base import Env, timed
    from caifeng.jobs.publish import publish

    env = Env.open(Settings.load())
    with timed(env, "publish", clock.business_day(env.now())):
        publish(env)


def destroy_bodies() -> dict[str, int]:
    """Destroy the keys of stored pages whose life has ended."""
    from caifeng.core.settings import Settings
    from caifeng.jobs import bodies
    from caifeng.jobs.base import Env

    counts: dict[str, int] = bodies.destroy_bodies(Env.open(Settings.load())).counts
    return counts


def destroy_words() -> dict[str, int]:
    """End the words of posts and cases whose life is over, and certify it."""
    from caifeng.core.settings import Settings
    from caifeng.jobs import purge
    from caifeng.jobs.base import Env

    counts: dict[str, int] = purge.purge(Env.open(Settings.load())).counts
    return counts


def clean_airflow() -> dict[str, int]:
    """End what Airflow itself keeps beyond its life: runs, XCom, forms, logs."""
    from caifeng.core.settings import Settings
    from caifeng.jobs import purge
    from caifeng.jobs.base import Env

    counts: dict[str, int] = purge.clean_airflow(Env.open(Settings.load())).counts
    return counts


def send_notices() -> dict[str, int]:
    """Put alarms, warnings and due duties into the outbox, send what waits; a fixed clock (a replay) sends nothing."""
    from caifeng.core.settings import Settings
    from caifeng.jobs.base import Env
    from caifeng.jobs.notify import enqueue_due, send_waiting
    from caifeng.jobs.watchdog import watchdog

    settings = Settings.load()
    env = Env.open(settings)
    counts = {**enqueue_due(env, env.now()).counts, "alarms": watchdog(env, env.now())[0].counts["alarms"]}
    return counts if settings.as_of else {**counts, **send_waiting(env, env.now()).counts}


def late(dag: str, minutes: int) -> int:
    """What Airflow calls when a run of a DAG has not ended in time (deadline alert): an alarm into the outbox."""
    from caifeng.core.settings import Settings
    from caifeng.jobs import watchdog
    from caifeng.jobs.base import Env

    env = Env.open(Settings.load())
    return watchdog.late(env, env.now(), dag, minutes)


def _run_as_evaluated(stages: tuple[str, ...], day: str) -> dict[str, int]:
    from caifeng.core.settings import Settings
    from caifeng.jobs.base import Env
    from caifeng.jobs.marts import evaluations

    settings, of = Settings.load(), date.fromisoformat(day)
    graded = evaluations(Env.open(settings), of)
    if not graded:
        raise DataError(f"{day} has not been graded; run the DAG process_day for it first")
    reports = list(run_stages(settings, of, stages, graded[-1].as_of))
    return reports[-1].counts


def _now() -> Any:
    from caifeng.core.settings import Settings

    return clock.now(Settings.load().as_of)
