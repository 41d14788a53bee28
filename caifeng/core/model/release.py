"""When official figures come out: config/release_calendar/<year>.toml, one table a year, loaded by hand each January.

Talk about a figure rises around its release, by itself. So a burst is compared with earlier releases, not with plain
days, and a post near a release of its topic says so (`release_window`, docs/grading.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time, timedelta
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

#: Where the dates of a table come from -> what screens say.
STATUS_NAMES: dict[str, str] = {"published": "按公布的日程", "by_custom": "按惯例推算，待核对"}

#: An entry that covers more days says in which month to expect a figure, not when people will talk. Our choice.
LONGEST_WINDOW = timedelta(days=7)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Release(_Strict):
    """One release: on a day, or, where the day is not known yet, between two days."""

    indicator: str = Field(min_length=1)
    topics: tuple[str, ...] = Field(min_length=1, strict=False)
    """Ids of config/taxonomy of which it makes people talk."""
    first: date
    last: date
    """Same as `first` where the day is known."""
    at: time | None = None
    """Time of day, Beijing time; null: not stated."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.first <= self.last <= self.first + timedelta(days=31):
            raise PydanticCustomError("order", "last must follow first within a month")
        return self

    @property
    def opens_window(self) -> bool:
        """Whether its day is known well enough to expect talk around it."""
        return self.last - self.first < LONGEST_WINDOW


class ReleaseTable(_Strict):
    """One year."""

    year: int = Field(ge=2000, le=2099)
    status: Literal["published", "by_custom"]
    document: str = Field(min_length=1)
    """Which table it is taken from, or by which rules it was derived."""
    before_days: int = Field(default=1, ge=0, le=7)
    """The window opens so many days before a release ..."""
    after_days: int = Field(default=3, ge=0, le=14)
    """... and closes at the end of so many days after it. Both our choice."""
    releases: tuple[Release, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        seen = set[tuple[str, date]]()
        for release in self.releases:
            if release.first.year != self.year or release.last.year != self.year:
                raise PydanticCustomError("year", "{day}: not in the year of the table", {"day": str(release.first)})
            if (release.indicator, release.first) in seen:
                raise PydanticCustomError(
                    "twice", "{day} {name}: given twice", {"day": str(release.first), "name": release.indicator}
                )
            seen.add((release.indicator, release.first))
        return self

    def carried_to(self, year: int) -> ReleaseTable:
        """The same days of another year, by custom: for years whose table is not at hand (replays, drafts)."""

        def moved(day: date) -> date:
            return date(year, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)

        releases = tuple(r.model_copy(update={"first": moved(r.first), "last": moved(r.last)}) for r in self.releases)
        return self.model_copy(
            update={
                "year": year,
                "status": "by_custom",
                "document": f"{self.document}（由{self.year}年推算）",
                "releases": releases,
            }
        )


class TopicDay(NamedTuple):
    """A day on which a release makes people talk of a topic."""

    topic: str
    day: date
    phase: Literal["release", "near"]
    """release: it comes out that day, or may; near: shortly before or after."""


class ReleaseCalendar:
    """The tables of the years that are loaded."""

    def __init__(self, tables: Iterable[ReleaseTable]) -> None:
        self.tables = tuple(sorted(tables, key=lambda table: table.year))
        self.years = frozenset(table.year for table in self.tables)

    def topic_days(self) -> list[TopicDay]:
        """Every day inside a window, each topic and day once; the day of a release outranks those near it."""
        phases: dict[tuple[str, date], Literal["release", "near"]] = {}
        for table in self.tables:
            for release in table.releases:
                if not release.opens_window:
                    continue
                days = range(-table.before_days, (release.last - release.first).days + table.after_days + 1)
                for day in (release.first + timedelta(days=n) for n in days):
                    inside = release.first <= day <= release.last
                    for topic in release.topics:
                        if inside or (topic, day) not in phases:
                            phases[topic, day] = "release" if inside else "near"
        return [TopicDay(topic, day, phase) for (topic, day), phase in sorted(phases.items())]

    def rows(self) -> list[dict[str, Any]]:
        """One row per release and topic, as in ops.releases."""
        return [
            {
                "indicator": release.indicator,
                "topic": topic,
                "first_day": release.first,
                "last_day": release.last,
                "at": release.at.strftime("%H:%M") if release.at else None,
                "opens_on": release.first - timedelta(days=table.before_days) if release.opens_window else None,
                "closes_on": release.last + timedelta(days=table.after_days) if release.opens_window else None,
                "status": table.status,
            }
            for table in self.tables
            for release in table.releases
            for topic in dict.fromkeys(release.topics)
        ]
