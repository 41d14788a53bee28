"""What the dashboard is made from: mart frames of the days it shows, and what every part of it derives from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import polars as pl

from caifeng.core.errors import DataError
from caifeng.core.model.office import Office
from caifeng.reports.words import LEVELS_ON_PAPER, OUTSIDE

#: Days on the time axis of a day's page, the day itself included.
DAYS_SHOWN = 30
#: More days than these are shown by week (Monday to Sunday, ISO 8601).
MOST_DAYS_BY_DAY = 62


def _none() -> pl.DataFrame:
    return pl.DataFrame()


@dataclass(frozen=True)
class DashboardData:
    """What the page is made from. Frames have the columns of their contracts and `day`; times are UTC.

    A frame that is left out is one without rows: its part of the page says so.
    """

    day: date
    """The day; of a period the last one."""
    office: Office
    summaries: pl.DataFrame
    """marts.daily_summary of the days shown; a day without a row was not run."""
    log: pl.DataFrame
    """marts.daily_log of the same days."""
    health: pl.DataFrame
    """marts.source_health of the same days; rows without `day` are of the day."""
    weights: Mapping[str, int]
    """Percent of each factor C, R, A, S, M by which the day was graded (config/grading.toml)."""
    is_sample: bool = False
    first: date | None = None
    """First day of a period; without it the page is of one day, after the 29 days before it."""
    ledger: pl.DataFrame = field(default_factory=_none)
    """marts.ledger of the same days; of an issue the latest row counts."""
    topics: pl.DataFrame = field(default_factory=_none)
    """marts.topic_daily of the same days."""
    heat: pl.DataFrame = field(default_factory=_none)
    """marts.issue_daily of the same days."""
    deadlines: pl.DataFrame = field(default_factory=_none)
    """marts.deadlines of the day."""
    effects: pl.DataFrame = field(default_factory=_none)
    """marts.response_effect of the same days; of an issue the latest row counts."""
    releases: pl.DataFrame = field(default_factory=_none)
    """marts.release_calendar of the same days; of a release the latest row counts."""
    answers: pl.DataFrame = field(default_factory=_none)
    """cases.responses registered up to the moment of the page."""
    posts: pl.DataFrame = field(default_factory=_none)
    """Posts to follow: issue_no, title, source_name, published_at, url, the latest last."""
    figures: pl.DataFrame = field(default_factory=_none)
    """marts.review_month, review_quarter or review_year of `review`."""
    units: pl.DataFrame = field(default_factory=_none)
    """marts.kpi_unit of `review`."""
    review: str = ""
    """Period whose review is shown: 2026-11, 2026-Q4 or 2026; empty: none was made."""
    small_number: int = 5
    """Rates over fewer pieces are printed as n=3 (config/review.toml)."""
    states: Mapping[str, str] = field(default_factory=dict)
    """State of a case -> its name on paper."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Role -> its name on paper."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Kind of an answer -> its name on paper."""

    @property
    def is_period(self) -> bool:
        """Whether it is the page of a period."""
        return self.first is not None

    @property
    def begin(self) -> date:
        """First day that may be shown."""
        return self.first or self.day - timedelta(days=DAYS_SHOWN - 1)

    @cached_property
    def shown_summaries(self) -> pl.DataFrame:
        """marts.daily_summary of the days shown, in order.

        Raises:
            DataError: the day, or every day of the period, was not run.
        """
        found = self.shown(self.summaries).sort("day")
        if found.is_empty() if self.is_period else self.day not in found["day"]:
            what = f"{self.first} to {self.day}" if self.is_period else f"{self.day}"
            raise DataError(f"marts.daily_summary: no row for {what}, the dashboard cannot be made")
        return found

    def shown(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of the days shown; rows without `day` are of the day."""
        if frame.is_empty():
            return frame
        dated = frame if "day" in frame.columns else frame.with_columns(pl.lit(self.day).alias("day"))
        return dated.filter(pl.col("day").is_between(self.begin, self.day))

    def latest(self, frame: pl.DataFrame, *key: str) -> pl.DataFrame:
        """Of the days shown the last row of each key."""
        rows = self.shown(frame)
        return rows if rows.is_empty() else rows.sort("day").unique(key, keep="last", maintain_order=True)

    @cached_property
    def days(self) -> list[date]:
        """Calendar days on the time axis: of a period all, of a day's page from the first that was run."""
        begin = self.begin if self.is_period else self.shown_summaries["day"][0]
        span: list[date] = pl.date_range(begin, self.day, eager=True).to_list()
        return span

    @cached_property
    def buckets(self) -> list[tuple[int, int]]:
        """Places on the time axis, as first and last index of `days`: a day each, or a week each in long periods."""
        if len(self.days) <= MOST_DAYS_BY_DAY:
            return [(index, index) for index in range(len(self.days))]
        starts = [index for index, day in enumerate(self.days) if index == 0 or day.weekday() == 0]
        return list(zip(starts, [*(start - 1 for start in starts[1:]), len(self.days) - 1], strict=True))

    @cached_property
    def rows(self) -> pl.DataFrame:
        """marts.daily_log of the days shown with `in_force`: the level of that day."""
        level = pl.coalesce("level_in_force", "confirmed_level", "system_level")
        return self.shown(self.log).with_columns(level.alias("in_force"))

    @cached_property
    def issues(self) -> pl.DataFrame:
        """One row per issue in the order of the page: level, total (highest first), number.

        Returns:
            The latest row of the log, with `level` (the ledger's where it has one, as a person may have changed it
            since), `is_confirmed`, `index`, and the ledger's columns, those the log has, too, ending in `_ledger`.
        """
        found = self.rows.sort("day", "issue_no").unique("issue_no", keep="last", maintain_order=True)
        kept = self.latest(self.ledger, "issue_no")
        if kept.is_empty():
            empty = {"level": pl.String, "state": pl.String, "unit": pl.String, "confirmed_level": pl.String}
            kept = pl.DataFrame(schema={"issue_no": pl.String, **empty, **self.step_columns()})
        joined = found.join(kept, on="issue_no", how="left", suffix="_ledger").with_columns(
            pl.coalesce("level", "in_force").alias("level"),
            pl.coalesce("confirmed_level_ledger", "confirmed_level").is_not_null().alias("is_confirmed"),
        )
        order = pl.col("level").replace_strict({level: n for n, level in enumerate(LEVELS_ON_PAPER)})
        return joined.sort(order, -pl.col("total"), "issue_no").with_row_index("index")

    @cached_property
    def index_of(self) -> pl.DataFrame:
        """issue_no -> `index`, its place in `issues`."""
        return self.issues.select("issue_no", pl.col("index").cast(pl.Int64))

    def placed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of issues that are shown, with `index`."""
        if frame.is_empty():
            return frame.with_columns(pl.lit(0, pl.Int64).alias("index")).clear()
        return frame.join(self.index_of, on="issue_no", how="inner")

    @staticmethod
    def step_columns() -> dict[str, pl.DataType]:
        """Columns of marts.ledger that say how far an issue is, and when each step was in time."""
        moments = (
            "confirmed_at", "assigned_at", "verified_at", "first_response_at", "final_response_at", "closed_at",
            "next_due_at",
        )  # fmt: skip
        marks = ("confirm_on_time", "verify_on_time", "respond_on_time")
        return {
            **{name: pl.Datetime("us", "UTC") for name in moments},
            **{name: pl.Boolean() for name in marks},
            "next_duty": pl.String(),
        }

    def is_own(self) -> pl.Expr:
        """The office's own matter, of a frame with `level`."""
        return ~pl.col("level").is_in(OUTSIDE)
