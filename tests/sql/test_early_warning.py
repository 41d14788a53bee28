"""marts.early_warning; levels over time and latencies in marts.daily_log; their medians in marts.daily_summary."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caifeng.core.clock import end_of_day
from tests.sql.review_town import RULES, Town

DAY = date(2026, 11, 22)
BEFORE = DAY - timedelta(days=1)
FOUND = end_of_day(DAY) - timedelta(hours=12)
ONE = "YQ-2026-0001"
HOUR = timedelta(hours=1)


class Office:
    """A town in which issues are found, graded, warned of and treated."""

    def __init__(self, folder: Path) -> None:
        self.town = Town(folder)
        self.town.add("ops.topics", DAY, topic="gdp", name="生产总值", owner_unit="综合股")

    def issue(
        self, number: int = 1, *, level: str = "larger", published: float | None = 2, precision: str = "minute",
        new: bool = True,
    ) -> str:  # fmt: skip
        """Found at `FOUND`, published so many hours before."""
        issue_no = f"YQ-2026-{number:04d}"
        self.town.add(
            "graded.issues", DAY, issue_no=issue_no, topic="gdp", title=f"事项{number}", is_new=new, detected_at=FOUND,
            origin_post_id=f"{number:016x}", jurisdiction="local", posts=1,
            first_published_at=None if published is None else FOUND - published * HOUR,
        )  # fmt: skip
        self.town.add(
            "graded.posts", DAY, post_id=f"{number:016x}", title="标题", url="https://example.org/1",
            published_precision=precision, published_at=None,
        )  # fmt: skip
        self.town.add(
            "graded.issue_grades", DAY, issue_no=issue_no, as_of=end_of_day(DAY), rule_version=RULES, level=level,
            topic="gdp", level_by_score="general", response_value="refer_out" if level == "refer_out" else "should",
        )  # fmt: skip
        return issue_no

    def level(self, level: str = "larger", day: date = DAY, issue_no: str = ONE, **values: Any) -> None:
        at = values.pop("as_of", end_of_day(day))
        usual = {"level": level, "standing_level": level, "level_in_force": level, "rule_version": RULES, "as_of": at}
        self.town.add("graded.issue_levels", day, issue_no=issue_no, **{**usual, "standing_since": at, **values})

    def alert(self, name: str, at: datetime, issue_no: str | None = ONE, day: date = DAY, **values: Any) -> None:
        usual = {"kind": "level", "key": issue_no or "gdp", "topic": "gdp", "detected_at": FOUND, "since": at}
        self.town.add(
            "graded.alerts", day, alert_id=name, issue_no=issue_no, as_of=at, rule_version=RULES, alerted_at=at,
            **{**usual, "deliver_at": at, **values},
        )  # fmt: skip

    def marts(self, as_of: datetime | None = None) -> None:
        self.town.fill()
        self.town.warehouse.build_marts(DAY, as_of or end_of_day(DAY), RULES)

    def log(self, issue_no: str = ONE) -> dict[str, Any]:
        return self.town.warehouse.read("marts.daily_log", DAY).filter(issue_no=issue_no).row(0, named=True)

    def summary(self) -> dict[str, Any]:
        return self.town.warehouse.read("marts.daily_summary", DAY).row(0, named=True)

    def warnings(self) -> pl.DataFrame:
        return self.town.warehouse.read("marts.early_warning", DAY).sort("seq")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.mark.parametrize(
    ("yesterday", "today", "change"),
    [
        (None, "larger", "new"),
        ("larger", "larger", "same"),
        ("general", "larger", "raised"),
        ("log_only", "general", "raised"),
        ("extreme", "major", "lowered"),
        ("context", "general", "moved"),
        ("major", "refer_out", "moved"),
    ],
)
def test_the_log_says_how_the_level_changed_since_yesterday(office, yesterday, today, change):
    office.issue(level=today)
    office.level(today)
    if yesterday:
        office.level("log_only", BEFORE, as_of=end_of_day(BEFORE) - HOUR)
        office.level(yesterday, BEFORE)
    office.level("extreme", as_of=end_of_day(DAY) - HOUR)
    office.marts()
    row = office.log()
    assert (row["level_yesterday"], row["level_in_force"], row["level_change"]) == (yesterday, today, change)


def test_the_log_has_standing_and_confirmed_level_side_by_side(office):
    office.issue(level="general")
    office.level(
        "general", standing_level="major", confirmed_level="larger", level_in_force="larger", gap=1, needs_look=True
    )
    office.marts()
    row = office.log()
    assert (row["system_level"], row["standing_level"], row["level_in_force"]) == ("general", "major", "larger")
    assert row["needs_look"] is True
    assert office.summary()["to_look_at"] == 1


def test_a_day_graded_before_levels_were_kept_shows_what_was_found(office):
    office.issue(level="larger")
    office.town.add("cases.cases", DAY, issue_no=ONE, confirmed_level="major")
    office.marts()
    row = office.log()
    assert (row["standing_level"], row["level_in_force"], row["level_change"]) == ("larger", "major", "new")
    assert row["needs_look"] is False


def test_levels_of_other_rules_and_later_moments_do_not_count(office):
    office.issue()
    office.level("larger")
    office.level("extreme", rule_version="rules-2")
    office.level("major", day=DAY + timedelta(days=1))
    office.marts()
    assert office.log()["standing_level"] == "larger"


def test_three_latencies_of_an_issue(office):
    office.issue(published=2.5)
    office.alert("level/a", FOUND + HOUR / 2, deliver_at=FOUND + 9 * HOUR, muted=True)
    office.alert("level/b", FOUND + 10 * HOUR)
    for event, hours in (("report_up", 5), ("report_inside", 3), ("assign", 1)):
        office.town.add(
            "cases.events", DAY, event_id=event, issue_no=ONE, event=event, decided_at=FOUND + hours * HOUR,
            at=FOUND + 6 * HOUR,
        )  # fmt: skip
    for number, hours in ((1, 8), (2, 11)):
        office.town.add(
            "cases.responses", DAY, issue_no=ONE, round_no=number, published_at=FOUND + hours * HOUR,
            registered_at=FOUND + hours * HOUR,
        )  # fmt: skip
    office.marts()
    row = office.log()
    assert (row["found_hours"], row["warned_hours"], row["reported_hours"], row["answered_hours"]) == (2.5, 9, 3, 8)
    office.marts(end_of_day(DAY))
    rows = office.warnings().to_dicts()
    assert [row["alert_id"] for row in rows] == ["level/b", "level/a"]
    assert [row["warned_hours"] for row in rows] == [10, 9]
    assert {(row["found_hours"], row["reported_hours"], row["answered_hours"]) for row in rows} == {(2.5, 3, 8)}
    assert [row["title"] for row in rows] == ["事项1", "事项1"]


def test_unknown_is_not_zero(office):
    office.issue(1, published=None)
    office.issue(2, published=9, precision="day")
    office.issue(3, published=0)
    office.marts()
    names = ("found_hours", "warned_hours", "reported_hours", "answered_hours")
    assert [[office.log(f"YQ-2026-000{n}")[name] for name in names] for n in (1, 2, 3)] == [
        [None] * 4, [None] * 4, [0.0, None, None, None],
    ]  # fmt: skip
    row = office.summary()
    assert (row["found_hours"], row["found_issues"]) == (0.0, 1)
    assert (row["report_hours"], row["report_issues"], row["answered_hours"], row["answered_issues"]) == (
        None, 0, None, 0,
    )  # fmt: skip


def test_what_was_registered_or_said_later_does_not_count(office):
    office.issue()
    later = end_of_day(DAY) + HOUR
    office.alert("level/a", later)
    office.town.add("cases.events", DAY, event_id="e", issue_no=ONE, event="report_up", decided_at=FOUND, at=later)
    office.town.add("cases.responses", DAY, issue_no=ONE, round_no=1, published_at=FOUND, registered_at=later)
    office.marts()
    row = office.log()
    assert (row["warned_hours"], row["reported_hours"], row["answered_hours"]) == (None, None, None)
    assert office.warnings().is_empty()


def test_medians_of_the_day_are_of_the_offices_own_issues_with_their_number(office):
    for number, hours in enumerate((1, 2, 4, 8, 100), start=1):
        office.issue(number, published=hours)
        office.alert(f"level/{number}", FOUND + number * HOUR, f"YQ-2026-{number:04d}")
    office.town.add(
        "cases.events", DAY, event_id="e", issue_no="YQ-2026-0005", event="report_up", decided_at=FOUND, at=FOUND
    )
    office.issue(6, published=500, level="context")
    office.issue(7, published=500, level="refer_out")
    office.issue(8, published=700, new=False)
    office.marts()
    row = office.summary()
    assert (row["found_hours"], row["found_issues"]) == (4.0, 5)
    # reported by the register where it was: 1, 2, 3, 4 and 0 hours
    assert (row["report_hours"], row["report_issues"]) == (2.0, 5)
    assert (row["answered_hours"], row["answered_issues"]) == (None, 0)


def test_a_burst_of_a_topic_is_listed_without_an_issue(office):
    office.alert("burst/topic/gdp", FOUND + HOUR, None, kind="burst", level=None)
    office.marts()
    (row,) = office.warnings().to_dicts()
    assert (row["issue_no"], row["title"], row["topic_name"], row["found_hours"]) == (None, None, "生产总值", None)
    assert row["warned_hours"] == 1.0


def test_warnings_of_other_days_are_not_listed_but_count_for_the_issue(office):
    office.issue(new=False)
    office.alert("level/old", FOUND - HOUR * 24, day=BEFORE, detected_at=FOUND)
    office.marts()
    assert office.warnings().is_empty()
    assert office.log()["warned_hours"] == -24.0
