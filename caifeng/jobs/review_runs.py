"""What the DAG review_periods calls. Light at import, no Polars (see caifeng.jobs)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from caifeng.core import clock
from caifeng.core.model.publications import Period
from caifeng.core.model.review import parse_period, period_code


def periods_of_run(conf: dict[str, Any] | None) -> list[str]:
    """The periods a run is for: the one asked for (`period`), else the month that ended before this one began.

    After the last month of a quarter or a year that quarter and that year come too.

    Raises:
        UsageError: what is asked for is no period.
    """
    if conf and conf.get("period"):
        return [period_code(parse_period(str(conf["period"])))]
    from caifeng.core.settings import Settings

    today = clock.business_day(clock.now(Settings.load().as_of))
    ended = today.replace(day=1) - timedelta(days=1)
    periods = [Period.of("month", ended), Period.of("quarter", ended), Period.of("year", ended)]
    return [period_code(period) for period in periods if period.last == ended]


def scheduled_reviews() -> dict[str, int]:
    """Review what has ended, as `review_periods`; a period that was over before the first day was landed is left out.

    A new installation is started in the middle of a month: there is nothing to say of the months before.
    """
    from caifeng.core.settings import Settings
    from caifeng.jobs.base import Env

    days = Env.open(Settings.load()).lake.days("ops.sources")
    return review_periods([code for code in periods_of_run(None) if days and parse_period(code).last >= days[0]])


def review_periods(codes: Sequence[str]) -> dict[str, int]:
    """Build the marts of these periods and write their documents and data sets; the number of files of each.

    Raises:
        DataError: no day of a period was run.
    """
    from caifeng.core.settings import Settings
    from caifeng.jobs import review
    from caifeng.jobs.base import Env, timed

    env = Env.open(Settings.load())
    files = {}
    for code in codes:
        with timed(env, "review", parse_period(code).last) as reports:
            reports.append(review.review_period(env, code))
        files[code] = int(reports[0].counts["files"])
    return files
