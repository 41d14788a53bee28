"""Rows that were set aside are listed, and come back when they are good: nothing of a day is lost."""

from dataclasses import replace as changed
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.base import Env
from caifeng.jobs.clean import clean
from caifeng.jobs.quarantine import Replay, replay, rows_set_aside, set_aside
from expectations import gate
from tests.expectations.frames import good

DAY = date(2026, 11, 22)
END = parse_as_of("2026-11-23T00:00+08:00")
RULE = "no_personal_data"
PHONE = "数据科咨询请打13812345678"


@pytest.fixture
def env(tmp_path: Path, root: Path) -> Env:
    settings = Settings(home=tmp_path / "home", config=root / "config", as_of=parse_as_of("2026-11-23T09:00+08:00"))
    return Env.open(settings)


@pytest.fixture
def bad_day(env: Env) -> Env:
    """Three observations, one of which the gate of raw.posts sets aside."""
    texts = [f"居民收入数据和大家的感受不一样，第{word}条" for word in "一二"]
    posts = good(env.contracts["raw.posts"]).with_columns(
        source_id=pl.lit("board"),
        title=pl.Series(["收入数据问题一", "收入数据问题二", "收入数据问题三"]),
        text=pl.Series([texts[0], PHONE, texts[1]]),
        url=pl.Series([f"https://example.org/{n}" for n in range(3)]),
        read_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )
    sources = good(env.contracts["ops.sources"], 1).with_columns(source_id=pl.lit("board"))
    env.lake.replace("ops.sources", DAY, sources)
    env.lake.replace("raw.posts", DAY, posts, "board-1")
    clean(env, DAY, END)
    return env


@pytest.fixture
def without_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule was wrong and is gone."""
    kept = gate.suite
    monkeypatch.setattr(gate, "suite", lambda contract: tuple(r for r in kept(contract) if r.name != RULE))


def test_rows_are_listed_by_day_table_and_rule(bad_day):
    found = set_aside(bad_day, DAY - timedelta(days=3), DAY)
    assert found.rows() == [(DAY, "raw.posts", "data", f"{RULE}: text", 1)]
    assert set_aside(bad_day, DAY, DAY, table="clean.posts").is_empty()
    assert set_aside(bad_day, DAY, DAY, rule="says_something").is_empty()
    assert set_aside(bad_day, DAY, DAY, rule=RULE).height == 1


def test_rows_are_shown_scrubbed(bad_day):
    (row,) = rows_set_aside(bad_day, DAY, rule=f"{RULE}: text").to_dicts()
    assert row["day"] == DAY
    assert "13812345678" not in row["payload"]
    assert "收入数据问题二" in row["payload"]


def test_a_row_that_is_still_bad_stays_aside(bad_day):
    found = replay(bad_day, DAY, as_of=END)
    assert found == Replay(DAY, ("clean",), before=1, came_back=0, still=1, dropped=0, new=0)
    assert bad_day.lake.read("clean.posts", DAY).height == 2


def test_after_a_rule_changed_the_row_comes_back_and_is_counted(bad_day, request):
    assert bad_day.lake.read("clean.posts", DAY).height == 2
    request.getfixturevalue("without_the_rule")
    found = replay(bad_day, DAY, as_of=END)
    assert found == Replay(DAY, ("clean",), before=1, came_back=1, still=0, dropped=0, new=0)
    assert bad_day.lake.read("clean.posts", DAY).height == 3
    assert rows_set_aside(bad_day, DAY).is_empty()
    assert "1 came back" in found.words()
    assert f"caifeng run --day {DAY} --from understand" in found.words()
    assert replay(bad_day, DAY).words() == f"{DAY}: nothing is set aside"


def test_a_row_newly_set_aside_is_counted_too(bad_day):
    more = bad_day.lake.read("raw.posts", DAY)[:1].with_columns(
        post_id=pl.lit("00000000000000ff"), url=pl.lit("https://example.org/9"), text=pl.lit("请加QQ群123456789")
    )
    bad_day.lake.replace("raw.posts", DAY, more, "board-2")
    found = replay(bad_day, DAY, as_of=END)
    assert (found.before, found.still, found.new) == (1, 1, 1)


def test_a_day_whose_words_are_gone_is_refused(bad_day):
    later = changed(bad_day, settings=bad_day.settings.model_copy(update={"as_of": END + timedelta(days=200)}))
    with pytest.raises(UsageError, match="never recomputed"):
        replay(later, DAY)


def test_a_table_that_does_not_exist_is_refused(env):
    with pytest.raises(UsageError, match="no table"):
        set_aside(env, DAY, DAY, table="clean.nothing")
