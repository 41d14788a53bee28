"""marts.freshness: how old and how much, per source and for all; unknown is not zero."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from caifeng.core.settings import Settings
from caifeng.jobs.base import Env

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 20)
AS_OF = datetime(2026, 11, 20, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def env(tmp_path) -> Env:
    return Env.open(Settings(home=tmp_path, config=ROOT / "config"))


def frame(env: Env, table: str, rows: list[dict]) -> pl.DataFrame:
    schema = env.contracts[table].polars_schema()
    return pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows], schema=schema)


def source(name: str) -> dict:
    return {
        "source_id": name, "name": name, "source_class": "portal", "media_tier": "none", "reach": "county",
        "local_board": False, "official_channel": False, "silent_after_hours": 48,
    }  # fmt: skip


def fetch(name: str, at: datetime, outcome: str = "ok") -> dict:
    return {
        "source_id": name, "url": f"https://{name}.example/", "fetched_at": at, "kind": "list", "outcome": outcome,
        "found": 1,
    }  # fmt: skip


def freshness(env: Env, fetches: list[dict], *names: str) -> dict[str, dict]:
    env.lake.replace("ops.sources", DAY, frame(env, "ops.sources", [source(name) for name in names]))
    env.lake.replace("ops.fetches", DAY, frame(env, "ops.fetches", fetches))
    env.warehouse.load(env.lake, DAY)
    env.warehouse.build_marts(DAY, AS_OF, "rules-1")
    return {row["source_id"]: row for row in env.warehouse.read("marts.freshness", DAY).iter_rows(named=True)}


def test_each_source_and_all_have_an_age_and_unknown_is_null(env):
    found = freshness(env, [fetch("a", AS_OF - 2 * HOUR), fetch("b", AS_OF - HOUR, "unreachable")], "a", "b", "c")
    assert set(found) == {"a", "b", "c", "all"}
    assert found["a"]["read_hours"] == pytest.approx(2)
    assert found["a"]["state"] == "silent"
    assert found["a"]["phrase"] == "尚无内容"
    assert {found[name]["state"] for name in "bc"} == {"never_read"}
    assert found["b"]["read_hours"] is None
    assert found["c"]["last_read_at"] is None
    assert found["all"]["read_hours"] == pytest.approx(2)
    assert found["all"]["posts_new"] == 0


def test_a_page_not_read_for_a_day_is_stale(env):
    found = freshness(env, [fetch("a", AS_OF - 30 * HOUR)], "a")
    assert found["a"]["state"] == "stale"
    assert found["a"]["phrase"] == "已 30 小时未读到"


def test_without_sources_there_is_no_row(env):
    assert freshness(env, []) == {}
