"""Gates in the lake: good rows are written, bad ones set aside, findings recorded, a broken day stops."""

import dataclasses
import logging
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.gates import (
    RECORDED,
    gate_marts,
    gate_records,
    gated,
    gated_replace,
    profile_sources,
    watch_calendar,
    watch_sources,
)
from expectations.gate import GateError
from tests.expectations.frames import good, spoil

DAY = date(2026, 11, 22)


@pytest.fixture
def env(tmp_path: Path, root: Path) -> Env:
    return Env.open(Settings(home=tmp_path / "home", config=root / "config"))


def frame(env: Env, table: str, rows: int = 3) -> pl.DataFrame:
    return good(env.contracts[table], rows)


def test_good_rows_are_written_and_every_rule_is_recorded(env):
    posts = frame(env, "clean.posts")
    path = gated_replace(env, "clean.posts", DAY, posts)
    assert path.name == "data.parquet"
    assert env.lake.read("clean.posts", DAY).equals(posts)
    quality = env.lake.read("ops.quality", DAY)
    assert set(quality["table_name"]) == {"clean.posts"}
    assert quality.height > 20
    assert quality.filter(~pl.col("success")).is_empty()
    assert env.lake.files("clean.quarantine", DAY) == []


def test_a_bad_row_is_set_aside_and_comes_back_when_it_is_good_again(env, caplog):
    posts = frame(env, "clean.posts")
    with caplog.at_level(logging.WARNING, "caifeng.gates"):
        gated_replace(env, "clean.posts", DAY, spoil(posts, 1, text="打13812345678"))
    assert "clean.posts: rule no_personal_data: text, 1 of 3 rows" in caplog.text
    assert "13812345678" not in caplog.text
    assert env.lake.read("clean.posts", DAY).height == 2
    aside = env.lake.read("clean.quarantine", DAY)
    assert aside.select("table_name", "part", "row_key").rows() == [("clean.posts", "data", posts["post_id"][1])]
    gated_replace(env, "clean.posts", DAY, posts)
    assert env.lake.read("clean.posts", DAY).height == 3
    assert env.lake.read("clean.quarantine", DAY).is_empty()


def test_two_runs_of_the_same_frame_give_the_same_bytes(env):
    def run() -> list[bytes]:
        gated_replace(env, "clean.posts", DAY, spoil(frame(env, "clean.posts"), 0, url="x"))
        tables = ("clean.posts", "clean.quarantine", "ops.quality")
        return [file.read_bytes() for table in tables for file in env.lake.files(table, DAY)]

    first = run()
    assert len(first) == 3
    assert run() == first


def test_a_stop_leaves_the_table_as_it_was_and_its_finding_on_record(env):
    grades = frame(env, "graded.issue_grades")
    gated_replace(env, "graded.issue_grades", DAY, grades)
    with pytest.raises(GateError, match=r"graded\.issue_grades: rule level_follows"):
        gated_replace(env, "graded.issue_grades", DAY, spoil(grades, 0, level="extreme"))
    assert env.lake.read("graded.issue_grades", DAY).equals(grades)
    quality = env.lake.read("ops.quality", DAY)
    assert quality.filter(pl.col("success") == False)["rule"].to_list() == ["level_follows"]  # noqa: E712


def test_parts_are_recorded_side_by_side(env):
    rejects = frame(env, "clean.rejects")
    other = rejects.with_columns(stage=pl.lit("understand"), reason=pl.lit("no_term"))
    gated_replace(env, "clean.rejects", DAY, rejects, "clean")
    gated_replace(env, "clean.rejects", DAY, other, "understand")
    assert env.lake.read("clean.rejects", DAY).height == 6
    assert set(env.lake.read("ops.quality", DAY)["part"]) == {"clean", "understand"}


def test_lesser_types_are_cast_and_wrong_columns_stop_the_day(env):
    issues = frame(env, "graded.issues")
    counted = issues.with_columns(pl.col("posts").cast(pl.UInt32))
    assert gated(env, "graded.issues", DAY, counted).schema == issues.schema
    with pytest.raises(GateError, match=r"columns_and_types.*declared but not there: title"):
        gated(env, "graded.issues", DAY, issues.drop("title"))


class Marts:
    """A warehouse that holds frames."""

    def __init__(self, frames: dict[str, pl.DataFrame]) -> None:
        self.frames = frames

    def read(self, table: str, day: date) -> pl.DataFrame:
        return self.frames[table].select(pl.lit(day).alias("day"), pl.all())

    def reading(self) -> AbstractContextManager[None]:
        return nullcontext()


def marts_of(env: Env) -> dict[str, pl.DataFrame]:
    tables = [t for t, contract in env.contracts.items() if t.startswith("marts.") and contract.partition == "day"]
    return {table: frame(env, table, 1 if table == "marts.daily_summary" else 3) for table in tables}


def test_marts_are_checked_before_documents_are_written(env):
    frames = marts_of(env)
    frames["marts.source_health"] = spoil(frames["marts.source_health"], 0, status="not_run")
    counts = gate_marts(dataclasses.replace(env, warehouse=Marts(frames)), DAY)
    assert counts["marts"] == len(frames) >= 5
    assert counts["warnings"] == 1
    assert counts["rules"] == env.lake.read("ops.quality", DAY).height > 100


def test_a_mart_that_does_not_add_up_stops_the_day_after_all_were_checked(env):
    frames = marts_of(env)
    frames["marts.daily_summary"] = spoil(frames["marts.daily_summary"], 0, major=7)
    with pytest.raises(GateError, match=r"marts\.daily_summary: rule levels_add_up"):
        gate_marts(dataclasses.replace(env, warehouse=Marts(frames)), DAY)
    assert set(env.lake.read("ops.quality", DAY)["table_name"]) == set(frames)


def test_records_are_checked_before_they_are_loaded(env):
    env.lake.replace("cases.events", DAY, frame(env, "cases.events"))
    assert gate_records(env, DAY)["tables"] == len(RECORDED)
    env.lake.replace("cases.events", DAY, spoil(frame(env, "cases.events"), 0, to_state="closed"))
    env.lake.replace("ops.fetches", DAY, spoil(frame(env, "ops.fetches"), 0, robots=None))
    with pytest.raises(GateError, match=r"ops\.fetches: rule robots_decided.*cases\.events: rule legal_step"):
        gate_records(env, DAY)
    assert set(env.lake.read("ops.quality", DAY)["table_name"]) == set(RECORDED)


def test_a_calendar_day_without_a_log_is_warned_of(env):
    def graded(day: date) -> None:
        env.lake.replace("graded.issue_grades", day, frame(env, "graded.issue_grades").clear(), "20261119T160000-1")

    assert watch_calendar(env, DAY).results == ()  # nothing was run before
    graded(DAY - timedelta(days=3))
    graded(DAY - timedelta(days=1))
    report = watch_calendar(env, DAY)
    assert [(r.rule.name, r.detail) for r in report.warned] == [("log_every_day", "2026-11-20")]
    report.raise_if_failed()
    graded(DAY - timedelta(days=2))
    assert watch_calendar(env, DAY).warned == ()


def rows(day: date, source_id: str, count: int, **more: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"day": [day] * count, "source_id": [source_id] * count} | {k: [v] * count for k, v in more.items()}
    )


def test_the_profile_compares_with_the_days_before():
    before = DAY - timedelta(days=1)
    raw = pl.concat([rows(before, "portal", 20), rows(DAY, "portal", 10), rows(DAY, "new", 4)])
    rejects = pl.concat(
        [
            rows(before, "portal", 2, stage="clean"),
            rows(DAY, "portal", 6, stage="clean"),
            rows(DAY, "portal", 3, stage="understand"),
        ]
    )
    sources = pl.DataFrame({"source_id": ["silent", "portal", "new"]})
    profile = profile_sources(sources, raw, rejects, DAY)
    assert profile.rows() == [("new", 4, 0, None), ("portal", 10, 6, 0.1), ("silent", 0, 0, None)]


def test_a_source_that_gave_nothing_and_one_that_became_unreadable_are_warned_of(env):
    before, part = DAY - timedelta(days=1), "portal-1"
    sources = frame(env, "ops.sources", 2).with_columns(source_id=pl.Series(["portal", "silent"]))
    env.lake.replace("ops.sources", DAY, sources)
    posts = frame(env, "raw.posts", 12).with_columns(source_id=pl.lit("portal"))
    for day in (before, DAY):
        env.lake.replace("raw.posts", day, posts, part)
    bad = frame(env, "clean.rejects", 6).with_columns(source_id=pl.lit("portal"))
    env.lake.replace("clean.rejects", DAY, bad, "clean")
    report = watch_sources(env, DAY)
    assert {r.rule.name: r.detail for r in report.warned} == {
        "source_gave_rows": "silent",
        "rejects_did_not_jump": "portal",
    }
    report.raise_if_failed()
    assert set(env.lake.read("ops.quality", DAY)["part"]) == {"by_source"}


def test_a_usual_share_is_no_jump(env):
    before = DAY - timedelta(days=1)
    env.lake.replace("ops.sources", DAY, frame(env, "ops.sources", 1).with_columns(source_id=pl.lit("portal")))
    for day in (before, DAY):
        posts = frame(env, "raw.posts", 12).with_columns(source_id=pl.lit("portal"))
        env.lake.replace("raw.posts", day, posts)
        bad = frame(env, "clean.rejects", 6).with_columns(source_id=pl.lit("portal"))
        env.lake.replace("clean.rejects", day, bad, "clean")
    assert watch_sources(env, DAY).warned == ()
