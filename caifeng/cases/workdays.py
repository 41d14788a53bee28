"""The working days of China: the State Council's yearly notice on holidays, one file per year in config/holidays/.

Holidays and the weekends worked in their place (调休) follow no formula. A year without its notice has no calendar:
asking for one of its days is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import count
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from caifeng.core.errors import ConfigError

#: The notice of the next year usually comes in November.
_WARN_FROM_MONTH = 11


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Holiday(_Strict):
    """Days off in a row, both ends included, as the notice gives them."""

    name: str
    first: date
    last: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.first <= self.last <= self.first + timedelta(days=30):
            raise PydanticCustomError("order", "last must follow first within 30 days")
        return self

    @property
    def days(self) -> list[date]:
        """Every day off."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


class HolidayNotice(_Strict):
    """The notice for one year: config/holidays/<year>.toml."""

    year: int = Field(ge=2000, le=2099)
    document: str
    number: str
    issued: date
    holidays: tuple[Holiday, ...] = Field(min_length=1, strict=False)
    working_weekends: tuple[date, ...] = Field(strict=False)
    """Saturdays and Sundays that are worked (调休)."""

    @model_validator(mode="after")
    def _is_plausible(self) -> Self:
        off = [day for holiday in self.holidays for day in holiday.days]
        listed = [*off, *self.working_weekends]
        for problem, days in (
            ("listed twice", [day for day in listed if listed.count(day) > 1]),
            ("not in the year", [day for day in listed if not self._covers(day)]),
            ("no Saturday or Sunday", [day for day in self.working_weekends if day.weekday() < 5]),
        ):
            if days:
                raise PydanticCustomError("days", "{day}: {problem}", {"day": str(days[0]), "problem": problem})
        return self

    def _covers(self, day: date) -> bool:
        """Of this year, or of the December before, in which a New Year holiday can begin."""
        return day.year == self.year or (day.year, day.month) == (self.year - 1, 12)


class MissingYearError(ConfigError):
    """The working days of a year are needed, and its notice is not loaded."""

    def __init__(self, year: int) -> None:
        self.year = year
        super().__init__(
            f"holidays/{year}.toml", "", f"the working days of {year} are needed, but its holiday notice is not loaded"
        )


class WorkCalendar:
    """Working days of the years whose notice is loaded."""

    def __init__(self, notices: Iterable[HolidayNotice]) -> None:
        notices = tuple(notices)
        self.years = frozenset(notice.year for notice in notices)
        self._off = frozenset(day for notice in notices for holiday in notice.holidays for day in holiday.days)
        self._worked = frozenset(day for notice in notices for day in notice.working_weekends)

    def is_working_day(self, day: date) -> bool:
        """Whether the office works on a day.

        Raises:
            MissingYearError: the notice of its year is not loaded.
        """
        if day.year not in self.years:
            raise MissingYearError(day.year)
        return day in self._worked or (day.weekday() < 5 and day not in self._off)

    def working_day_after(self, day: date, n: int = 1) -> date:
        """The n-th working day after a day, which itself does not count and need not be in a loaded year.

        Raises:
            MissingYearError: it cannot be reached within the loaded years.
        """
        later = (day + timedelta(days=passed) for passed in count(1))
        working = (candidate for candidate in later if self.is_working_day(candidate))
        for _ in range(n - 1):
            next(working)
        return next(working)


def calendar_warnings(calendar: WorkCalendar, today: date) -> list[str]:
    """Notices to be entered now: this year's, and from 1 November on the next year's. One line each."""
    needed = [today.year, *([today.year + 1] if today.month >= _WARN_FROM_MONTH else [])]
    return [
        f"holidays/{year}.toml: missing; enter the State Council's holiday notice for {year}, "
        "until then deadlines in working days of that year are errors"
        for year in needed
        if year not in calendar.years
    ]
