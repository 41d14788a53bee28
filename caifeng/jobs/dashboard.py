"""Marts -> the dashboard of a day or of a period. The page itself is made by caifeng.reports.dashboard."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from caifeng.cases.model import CASE_ROLE_NAMES, KIND_NAMES, STATE_NAMES
from caifeng.core.errors import UsageError
from caifeng.core.files import replacing
from caifeng.core.model.publications import Period
from caifeng.core.model.review import parse_period, period_code
from caifeng.jobs.base import Env
from caifeng.jobs.runs import unwatched
from caifeng.reports.dashboard import DAYS_SHOWN, DashboardData, dashboard_html, echarts_source

#: A period of more days than two years is a slip of the pen.
MOST_DAYS = 732
_POST_COLUMNS = ("post_id", "title", "source_name", "published_at", "url")


def read_dashboard(env: Env, day: date, first: date | None = None) -> DashboardData:
    """What the dashboard of a day, or of the period `first`..`day`, is made from.

    Raises:
        UsageError: the period ends before it begins, or is longer than two years.
    """
    if first and not 0 <= (day - first).days < MOST_DAYS:
        raise UsageError(f"not a period: {first} to {day} (1 to {MOST_DAYS} days)")
    begin = first or day - timedelta(days=DAYS_SHOWN - 1)
    read = env.warehouse.read
    # An answer may be registered before the issue is seen again in the days shown.
    answers = read("cases.responses", begin - timedelta(days=366), day).drop("day")
    return DashboardData(
        day=day,
        first=first,
        office=env.settings.office(),
        summaries=read("marts.daily_summary", begin, day),
        log=read("marts.daily_log", begin, day),
        health=read("marts.source_health", begin, day),
        weights=env.settings.grading(day).weight.model_dump(),
        is_sample=(env.settings.home / "SAMPLE").exists(),
        ledger=read("marts.ledger", begin, day),
        topics=read("marts.topic_daily", begin, day),
        heat=read("marts.issue_daily", begin, day),
        deadlines=read("marts.deadlines", day),
        effects=read("marts.response_effect", begin, day),
        releases=read("marts.release_calendar", begin, day),
        answers=answers,
        posts=_posts(env, begin, day),
        small_number=env.settings.review_rules().small_number,
        states=STATE_NAMES,
        roles=CASE_ROLE_NAMES,
        kinds=KIND_NAMES,
        **_review(env, day, first),
    )


def write_dashboard(env: Env, path: Path, day: date, first: date | None = None) -> None:
    """Write the page; the file is replaced whole.

    Raises:
        DataError: the day, or every day of the period, was not run.
        UsageError: not a period.
    """
    with env.warehouse.reading():
        data = read_dashboard(env, day, first)
    html = dashboard_html(data, echarts_source())
    with replacing(path) as unfinished:
        unfinished.write_text(html, "utf8")


def dashboard_file(env: Env, day: date, first: date | None = None) -> Path:
    """Where the page of a day or of a period stands."""
    folder = f"{day}" if first is None else f"dashboard/{first}_{day}"
    return env.settings.outputs_dir / folder / "dashboard.html"


def _posts(env: Env, first: date, last: date) -> pl.DataFrame:
    """Posts of issues, the latest last; day by day, as the text of the posts would fill the memory."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = [
        env.warehouse.read("graded.issue_posts", day)
        .select("issue_no", "post_id")
        .join(env.warehouse.read("graded.posts", day).select(_POST_COLUMNS), on="post_id")
        for day in days
    ]
    return pl.concat(found).sort("published_at", "post_id", nulls_last=True).drop("post_id")


def _review(env: Env, day: date, first: date | None) -> dict[str, Any]:
    """Figures and units of the review of the same period, or of the day's month, if it was made.

    A review is made weeks after the days that show it, so it is no input of theirs: none of them is out of date for it.
    """
    periods = [Period("month", day.replace(day=1))]
    if first:
        quarter = (day.month + 2) // 3
        periods = [parse_period(code) for code in (f"{day:%Y-%m}", f"{day:%Y}-Q{quarter}", f"{day:%Y}")]
        periods = [period for period in periods if (period.first, period.last) == (first, day)]
    for period in periods:
        code = period_code(period)
        with unwatched(env.lake):
            figures, units = (
                env.warehouse.read(table, period.last).filter(pl.col("period") == code)
                for table in (f"marts.review_{period.kind}", "marts.kpi_unit")
            )
        if not figures.is_empty():
            return {"review": code, "figures": figures, "units": units}
    return {}
