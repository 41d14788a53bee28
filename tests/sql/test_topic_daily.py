"""marts.topic_daily and marts.issue_daily: what was said of a topic on a day, and the heat of an issue over time."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from caifeng.core.clock import end_of_day
from tests.sql.review_town import RULES, Town

DAY = date(2026, 11, 22)
BEFORE = DAY - timedelta(days=3)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def build(town: Town, *days: date) -> None:
    town.fill()
    for day in days or (DAY,):
        town.warehouse.build_marts(day, end_of_day(day), RULES)


def test_posts_count_under_their_topic_and_reposts_among_them(town):
    for topic in ("census", "prices", "quiet"):
        town.add("ops.topics", DAY, topic=topic, name=f"领域{topic}")
    for number, (topic, is_origin) in enumerate((("census", True), ("census", False), ("prices", True))):
        town.add("graded.posts", DAY, post_id=f"{number:016x}", topic=topic)
        town.add("clean.repost_groups", DAY, post_id=f"{number:016x}", is_origin=is_origin)
    town.add("graded.posts", BEFORE, post_id="f" * 16, topic="prices")
    build(town)
    rows = town.warehouse.read("marts.topic_daily", DAY).sort("topic")
    assert rows.select("topic", "topic_name", "posts", "reposts", "issues").rows() == [
        ("census", "领域census", 2, 1, 0),
        ("prices", "领域prices", 1, 0, 0),
    ]


def test_a_day_on_which_nothing_was_said_has_empty_marts(town):
    town.add("ops.topics", DAY, topic="census", name="普查")
    build(town)
    assert town.warehouse.read("marts.topic_daily", DAY).is_empty()
    assert town.warehouse.read("marts.issue_daily", DAY).is_empty()
