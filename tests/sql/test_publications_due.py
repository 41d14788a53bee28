"""marts.publications_due, marts.training, marts.assessments: what a day shows."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from caifeng.core.clock import end_of_day
from tests.sql.review_town import RULES, Town

DAY = date(2026, 11, 22)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def build(town: Town, day: date = DAY) -> None:
    town.fill()
    town.warehouse.build_marts(day, end_of_day(day), RULES)


def test_the_list_of_the_day_and_no_other_is_shown_in_its_order(town):
    for position, period in enumerate(("2026-09", "2026-10", "2026-11"), 1):
        town.add("ops.publications", DAY, item="economy", period=period, position=4 - position, unit="general")
    town.add("ops.publications", DAY - timedelta(days=1), item="economy", period="2026-08", position=1)
    build(town)
    rows = town.warehouse.read("marts.publications_due", DAY).sort("position")
    assert rows["period"].to_list() == ["2026-11", "2026-10", "2026-09"]
    assert rows["due_on"].to_list() == [None] * 3
    assert set(rows["as_of"].dt.convert_time_zone("UTC")) == {end_of_day(DAY)}


def test_a_day_without_list_has_an_empty_mart(town):
    build(town)
    assert town.warehouse.read("marts.publications_due", DAY).height == 0


def test_training_of_the_year_by_its_last_import(town):
    march, known = date(2026, 3, 12), DAY - timedelta(days=200)
    for day, hours, held_on, topic in (
        (known, 4.0, march, "统计法"),
        (DAY, None, march, "统计法"),  # corrected: the hours are not known after all
        (DAY, 2.0, date(2025, 12, 30), "去年的培训"),
        (DAY + timedelta(days=1), 9.0, march, "次日才登记"),
    ):
        town.add(
            "ops.training", day, row_id=f"{topic}{hours}", held_on=held_on, topic=topic, unit="general", hours=hours,
            imported_at=end_of_day(day),
        )  # fmt: skip
    build(town)
    assert town.warehouse.read("marts.training", DAY).select("topic", "hours").rows() == [("统计法", None)]


def test_assessments_of_the_year_by_their_last_import(town):
    for day, points, period in ((DAY - timedelta(days=30), 2.0, "2026Q3"), (DAY, 3.0, "2026Q3"), (DAY, 1.0, "2025")):
        town.add(
            "ops.assessments", day, row_id=f"{period}{points}", period=period, unit="census", kind="praise",
            reason="回应及时", points=points, imported_at=end_of_day(day),
        )  # fmt: skip
    build(town)
    assert town.warehouse.read("marts.assessments", DAY).select("period", "points").rows() == [("2026Q3", 3.0)]
