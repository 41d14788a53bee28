"""graded.posts of the days before -> graded.bursts of a day, and the release calendar as it then stood."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from caifeng.cases.workdays import HolidayNotice, WorkCalendar
from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import ConfigError
from caifeng.core.model.bursts import BurstRules
from caifeng.core.model.release import ReleaseCalendar, ReleaseTable
from caifeng.core.settings import load_model
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.gates import gated_replace
from transforms.understand.bursts import count_voices, find_bursts

_POST_COLUMNS = [
    "post_id", "topic", "jurisdiction", "evidence", "source_class", "first_fetched_at", "published_at",
    "published_precision",
]  # fmt: skip


def bursts(env: Env, day: date, as_of: datetime) -> JobReport:
    """Find what was raised on a day; runs after `cluster`, whose groups and issues it reads.

    The usual is learnt from the days before (config/bursts.toml), so the bursts of a day do not change when later
    days are run.
    """
    rules = load_model(env.settings.config / "bursts.toml", BurstRules)
    calendar = load_calendar(env.settings.config)
    first = day - timedelta(days=rules.history_days)
    posts = env.lake.read_range("graded.posts", first, day, _POST_COLUMNS).drop("day")
    listed = posts.filter(pl.col("source_class") == "hotlist").select("post_id")
    heat = env.lake.read_range("clean.post_metrics", first, day, ["post_id", "observed_at", "heat"], listed)
    voices = count_voices(
        posts=posts,
        groups=env.lake.read_range("clean.repost_groups", first, day, ["post_id", "group_id"]).drop("day"),
        links=env.lake.read_range("graded.issue_posts", first, day, ["post_id", "issue_no"])
        .sort("day")
        .unique("post_id", keep="last")
        .drop("day"),
        heat=heat.drop("day"),
        rules=rules,
    )
    since = min(env.lake.days("clean.posts"), default=day)
    notices = [load_model(path, HolidayNotice) for path in sorted((env.settings.config / "holidays").glob("*.toml"))]
    types = day_types(max(first, since), day, WorkCalendar(notices))
    found = find_bursts(voices, types, calendar, rules, since)
    today = pl.col("detected_at").dt.convert_time_zone(SHANGHAI.key).dt.date() == day
    gated_replace(env, "graded.bursts", day, found.filter(today))
    env.lake.replace("ops.releases", day, releases_frame(calendar, day))
    kinds = dict(found.filter(today)["kind"].value_counts().sort("kind").iter_rows())
    return JobReport("bursts", day, as_of, {"voices": voices.height, "bursts": sum(kinds.values()), **kinds})


def load_calendar(config: Path) -> ReleaseCalendar:
    """The yearly tables of config/release_calendar; none is no error: then no release is known.

    Raises:
        ConfigError: a table cannot be read, or is not of the year that its name says.
    """
    tables = []
    for path in sorted((config / "release_calendar").glob("*.toml")):
        table = load_model(path, ReleaseTable)
        if str(table.year) != path.stem:
            raise ConfigError(path, "year", f"is {table.year}, the file name says {path.stem}")
        tables.append(table)
    return ReleaseCalendar(tables)


def day_types(first: date, last: date, calendar: WorkCalendar) -> pl.DataFrame:
    """`day` and `day_type` (working, weekend, holiday) from `first` to `last`.

    In a year whose holiday notice is not loaded the days of the week decide: here a guess costs little.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return pl.DataFrame(
        {"day": days, "day_type": [_day_type(day, calendar) for day in days]},
        schema={"day": pl.Date, "day_type": pl.String},
    )


def _day_type(day: date, calendar: WorkCalendar) -> str:
    if day.year in calendar.years and calendar.is_working_day(day):
        return "working"
    if day.weekday() < 5:
        return "holiday" if day.year in calendar.years else "working"
    return "weekend"


def releases_frame(calendar: ReleaseCalendar, day: date) -> pl.DataFrame:
    """Releases of the year of `day` and the years beside it, as rows of ops.releases."""
    near = ReleaseCalendar(table for table in calendar.tables if abs(table.year - day.year) <= 1)
    schema = {
        "indicator": pl.String, "topic": pl.String, "first_day": pl.Date, "last_day": pl.Date, "at": pl.String,
        "opens_on": pl.Date, "closes_on": pl.Date, "status": pl.String,
    }  # fmt: skip
    return pl.DataFrame(near.rows(), schema=schema)
