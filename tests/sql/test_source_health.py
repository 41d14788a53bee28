"""marts.source_health: what each source did on a day, against what it did before; marts.time_review."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caifeng.core.clock import end_of_day
from tests.sql.review_town import Town

DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


class Watched:
    """One source over several days."""

    def __init__(self, folder: Path) -> None:
        self.town = Town(folder)
        self.town.add("ops.sources", DAY, source_id="s", name="甲报", source_class="news", silent_after_hours=48)
        self._number = 0

    def fetch(self, day: date, **values: Any) -> None:
        self._number += 1
        row = {"source_id": "s", "url": f"http://x/{self._number}", "kind": "list", "outcome": "ok", "found": 3}
        self.town.add("ops.fetches", day, **{**row, "fetched_at": end_of_day(day) - timedelta(hours=9), **values})

    def post(self, day: date, *, relevant: bool = False, **values: Any) -> None:
        self._number += 1
        at = end_of_day(day) - timedelta(hours=9)
        row = {"post_id": f"p{self._number}", "source_id": "s", "first_fetched_at": at, "published_at": at, **values}
        self.town.add("clean.posts", day, **row)
        if relevant:
            self.town.add("graded.posts", day, post_id=row["post_id"], source_name="甲报", title="标题")

    def health(self, as_of: datetime | None = None) -> dict[str, Any]:
        self.town.fill()
        self.town.warehouse.build_marts(DAY, as_of or end_of_day(DAY), "rules-1")
        (row,) = self.town.warehouse.read("marts.source_health", DAY).to_dicts()
        return row


@pytest.fixture
def source(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def days_before(number: int) -> list[date]:
    return [DAY - timedelta(days=back) for back in range(number, 0, -1)]


def test_a_source_in_order(source: Watched) -> None:
    source.fetch(DAY)
    source.fetch(DAY, kind="detail", outcome="not_modified")
    source.post(DAY, relevant=True)
    source.post(DAY)
    row = source.health()
    assert (row["status"], row["warnings"], row["phrase"]) == ("ok", [], "正常，新增 2 条")
    assert (row["fetches"], row["fetches_ok"], row["fetches_not_modified"], row["fetches_failed"]) == (2, 1, 1, 0)
    assert (row["posts_new"], row["posts_relevant"]) == (2, 1)
    assert row["newest_published_at"] == end_of_day(DAY) - timedelta(hours=9)
    assert row["posts_usual"] is None


def test_never_asked_and_broken_and_silent(source: Watched) -> None:
    assert source.health()["phrase"] == "未采集"
    source.fetch(DAY, outcome="unreachable", found=0, detail="connection refused")
    assert source.health()["phrase"] == "故障，无法连接×1"
    source.fetch(DAY)
    row = source.health()
    assert (row["status"], row["phrase"]) == ("silent", "静默，尚无内容")
    source.post(DAY - timedelta(days=3))
    assert source.health()["phrase"] == "静默，已 81 小时无新内容"


def test_a_resting_host_is_named_as_such(source: Watched) -> None:
    source.fetch(DAY, outcome="unreachable", found=0, detail="not asked: host rests until 2026-11-22T10:00:00+00:00")
    assert source.health()["phrase"] == "故障，屡次失败，暂停访问×1"


def test_robots_rows_are_no_pages(source: Watched) -> None:
    source.fetch(DAY, kind="robots", found=0)
    row = source.health()
    assert (row["status"], row["fetches"]) == ("not_run", 0)


@pytest.mark.parametrize(("new", "expected"), [(2, ["volume_low"]), (3, [])])
def test_fewer_than_the_usual_share_is_named(source: Watched, new: int, expected: list[str]) -> None:
    for day in days_before(6):
        source.fetch(day)
        for _ in range(10):
            source.post(day)
    source.fetch(DAY)
    for _ in range(new):
        source.post(DAY)
    row = source.health()
    assert (row["posts_usual"], row["warnings"]) == (10, expected)
    assert ("平日约 10 条" in row["phrase"]) == bool(expected)


def test_a_quiet_source_or_a_short_past_is_not_judged(source: Watched) -> None:
    for day in days_before(14):
        source.fetch(day)
        for _ in range(4):
            source.post(day)
    source.fetch(DAY)
    assert source.health()["warnings"] == []


def test_a_new_template_is_named(source: Watched) -> None:
    source.fetch(DAY - timedelta(days=1), kind="detail", layout="aaaa")
    source.fetch(DAY, kind="detail", layout="bbbb")
    source.fetch(DAY, kind="detail", layout="aaaa")
    assert source.health()["warnings"] == ["layout_changed"]
    source.fetch(DAY, kind="detail", layout="aaaa")
    assert source.health()["warnings"] == []


def test_a_first_template_is_no_change(source: Watched) -> None:
    source.fetch(DAY, kind="detail", layout="bbbb")
    assert source.health()["warnings"] == []


def test_another_robots_txt_is_named(source: Watched) -> None:
    for day, text in ((DAY - timedelta(days=2), "r1"), (DAY - timedelta(days=1), "r2"), (DAY, "r2")):
        source.fetch(day, kind="robots", url="http://x/robots.txt", layout=text)
    assert source.health()["warnings"] == []
    source.fetch(
        DAY, kind="robots", url="http://x/robots.txt", layout="r3", fetched_at=end_of_day(DAY) - timedelta(hours=1)
    )
    assert source.health()["warnings"] == ["robots_changed"]


def test_gap_missing_times_and_disagreement(source: Watched) -> None:
    for _ in range(5):
        source.post(DAY - timedelta(days=1))
        source.post(DAY, published_at=None)
    source.fetch(DAY, detail="gap: no known entry on 3 pages")
    source.fetch(DAY, kind="detail", agreement=0.2)
    row = source.health()
    assert row["warnings"] == ["gap", "times_missing", "extractors_disagree"]
    assert (row["untimed_share"], row["agreement"]) == (1.0, 0.2)
    assert row["phrase"] == "正常，新增 5 条；列表更新过快，可能有漏采；多数内容读不到发布时间；两种正文提取结果差异大"


def test_later_fetches_do_not_count(source: Watched) -> None:
    source.fetch(DAY, fetched_at=NOON)
    source.fetch(DAY, fetched_at=NOON + timedelta(hours=2), outcome="http_error", http_status=500, found=0)
    assert source.health(NOON)["fetches_failed"] == 0


def test_doubtful_times_of_relevant_posts_are_listed(source: Watched) -> None:
    source.fetch(DAY)
    source.post(DAY, relevant=True, stated_at=NOON, date_doubt="future", published_at=None)
    source.post(DAY, stated_at=NOON, date_doubt="guessed", published_at=None)
    source.post(DAY, relevant=True)
    source.health()
    rows = source.town.warehouse.read("marts.time_review", DAY)
    assert rows.select("title", "stated_at", "date_doubt").rows() == [("标题", NOON, "future")]
    assert isinstance(rows, pl.DataFrame)
