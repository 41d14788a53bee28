"""The working-day calendar: the two notices, day by day, and no guess for a year without one."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.cases.rules import load_calendar
from caifeng.cases.workdays import MissingYearError, calendar_warnings
from caifeng.core.errors import ConfigError

DAYS = st.dates(date(2025, 1, 1), date(2026, 11, 30))


@pytest.fixture(scope="module")
def calendar(pytestconfig):
    return load_calendar(pytestconfig.rootpath / "config")


def days_of(year):
    return [date(year, 1, 1) + timedelta(days=n) for n in range(365)]


@pytest.mark.parametrize("year", [2025, 2026])
def test_every_day_agrees_with_an_independent_calendar(calendar, year):
    days = days_of(year)
    ours = [day for day in days if calendar.is_working_day(day)]
    assert days[-1] == date(year, 12, 31)
    assert ours == [day for day in days if chinese_calendar.is_workday(day)]
    assert len(ours) == 248


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 2, 13), True),  # the Friday before the Spring Festival
        (date(2026, 2, 14), True),  # a Saturday worked in its place
        (date(2026, 2, 16), False),
        (date(2026, 2, 23), False),
        (date(2026, 2, 24), True),
        (date(2026, 9, 20), True),  # a Sunday
        (date(2026, 10, 7), False),
        (date(2026, 10, 10), True),
        (date(2026, 11, 21), False),
        (date(2026, 11, 23), True),
    ],
)
def test_known_days(calendar, day, works):
    assert calendar.is_working_day(day) is works


def test_the_nth_working_day(calendar):
    friday = date(2026, 11, 20)
    assert calendar.working_day_after(friday) == date(2026, 11, 23)
    assert calendar.working_day_after(friday, 5) == date(2026, 11, 27)
    assert calendar.working_day_after(date(2026, 2, 13)) == date(2026, 2, 14)
    assert calendar.working_day_after(date(2026, 2, 13), 2) == date(2026, 2, 24)
    assert calendar.working_day_after(date(2026, 9, 30)) == date(2026, 10, 8)
    assert calendar.working_day_after(date(2025, 12, 31)) == date(2026, 1, 4)
    assert calendar.working_day_after(date(2024, 12, 31)) == date(2025, 1, 2)


@given(DAYS, st.integers(1, 15))
def test_exactly_n_working_days_lie_between(calendar, day, n):
    end = calendar.working_day_after(day, n)
    between = [day + timedelta(days=k) for k in range(1, (end - day).days + 1)]
    assert calendar.is_working_day(end)
    assert sum(map(calendar.is_working_day, between)) == n


@pytest.mark.parametrize("year", [2024, 2027])
def test_a_year_without_notice_is_an_error_that_names_it(calendar, year):
    with pytest.raises(MissingYearError, match=str(year)) as caught:
        calendar.is_working_day(date(year, 6, 1))
    assert caught.value.year == year
    assert caught.value.exit_code == 2


def test_counting_into_a_year_without_notice_is_an_error(calendar):
    assert calendar.working_day_after(date(2026, 12, 29), 2) == date(2026, 12, 31)
    with pytest.raises(MissingYearError, match="2027"):
        calendar.working_day_after(date(2026, 12, 29), 3)
    with pytest.raises(MissingYearError, match="2027"):
        calendar.working_day_after(date(2026, 12, 31))


def test_warnings_begin_on_the_first_of_november(calendar):
    assert calendar_warnings(calendar, date(2026, 10, 31)) == []
    for day in (date(2026, 11, 1), date(2026, 12, 31)):
        (warning,) = calendar_warnings(calendar, day)
        assert "holidays/2027.toml" in warning
    assert calendar_warnings(calendar, date(2025, 11, 1)) == []
    (warning,) = calendar_warnings(calendar, date(2027, 1, 1))
    assert "2027" in warning
    assert len(calendar_warnings(calendar, date(2027, 11, 1))) == 2


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("year = 2026", "year = 2027", "2026-01-01: not in the year"),
        ("2026-01-04, ", "2026-01-05, ", "2026-01-05: no Saturday or Sunday"),
        ("2026-01-04, ", "2026-01-03, ", "2026-01-03: listed twice"),
        ("2026-01-04, ", "2025-01-04, ", "2025-01-04: not in the year"),
        ("2026-01-04, ", '"2026-01-04", ', "working_weekends.0"),
        ("last = 2026-02-23", "last = 2026-02-13", "holidays.1: last must follow first"),
        ("last = 2026-02-23", "last = 9999-12-31", "holidays.1: last must follow first"),
        ("issued =", "author =", "issued"),
        ("year = 2026", "year = ", "not valid TOML"),
    ],
)
def test_a_wrong_notice_is_named(config_copy, old, new, reason):
    path = config_copy / "holidays" / "2026.toml"
    text = path.read_text("utf8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf8")
    with pytest.raises(ConfigError, match=reason) as caught:
        load_calendar(config_copy)
    assert str(path) in str(caught.value)


def test_a_file_is_named_after_its_year(config_copy):
    holidays = config_copy / "holidays"
    (holidays / "2026.toml").rename(holidays / "2027.toml")
    with pytest.raises(ConfigError, match=r"2027\.toml: year: is 2026"):
        load_calendar(config_copy)


def test_a_new_year_holiday_may_begin_in_december(config_copy):
    (config_copy / "holidays" / "2027.toml").write_text(
        'year = 2027\ndocument = "invented"\nnumber = "invented"\nissued = 2026-11-30\n'
        "working_weekends = [2026-12-27]\n"
        'holidays = [{ name = "元旦", first = 2026-12-31, last = 2027-01-02 }]\n',
        "utf8",
    )
    calendar = load_calendar(config_copy)
    assert calendar.is_working_day(date(2026, 12, 27))
    assert not calendar.is_working_day(date(2026, 12, 31))
    assert calendar.working_day_after(date(2026, 12, 30)) == date(2027, 1, 4)


def test_no_notice_at_all(tmp_path):
    with pytest.raises(ConfigError, match="no holiday notice"):
        load_calendar(tmp_path)
