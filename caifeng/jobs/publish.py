"""Warehouse -> analytics.duckdb, the copy that analysts query."""

from caifeng.core import clock
from caifeng.core.errors import UsageError
from caifeng.core.files import replacing
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.base import Env, Step, nobody_waits
from caifeng.jobs.data_docs import data_docs
from caifeng.jobs.marts import evaluations
from caifeng.jobs.review import build_review, period


def publish(env: Env) -> None:
    """Swap in a fresh copy; whoever has the old one open keeps it. The page of the gates goes out with it.

    Raises:
        UsageError: there is no warehouse yet.
    """
    if not env.warehouse.file.exists():
        raise UsageError(f"{env.warehouse.file}: no warehouse yet; run `caifeng run --day D` first")
    env.warehouse.publish(env.settings.analytics_file)
    data_docs(env)


def rebuild(env: Env, step: Step = nobody_waits) -> int:
    """Make the warehouse anew from the lake, day by day, and publish it; `step` is told each day.

    Returns:
        Days rebuilt. The old file stands until the new one is complete.
    """
    days = env.lake.days("ops.sources")
    with replacing(env.warehouse.file) as temporary:
        fresh = Warehouse(temporary, env.contracts, env.warehouse.sql_dir)
        for day in days:
            fresh.load(env.lake, day)
            for evaluation in evaluations(env, day)[-1:]:
                fresh.build_marts(day, evaluation.as_of, evaluation.rule_version)
            step(day.isoformat())
        for month in sorted({f"{day:%Y-%m}" for day in days}):
            end = clock.end_of_day(period(month)[1])
            if end <= env.now():
                build_review(env, fresh, month, end)
    publish(env)
    return len(days)
