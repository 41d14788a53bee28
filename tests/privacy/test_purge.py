"""What has lived long enough is gone from every byte, certified, and cannot come back by computing."""

import os
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from caifeng.cases.model import LOG_REASON_NAMES, Actor
from caifeng.cases.service import act
from caifeng.core import clock
from caifeng.core.contracts import load_contracts, span_end
from caifeng.core.errors import CaifengError, ConfigError, UsageError
from caifeng.core.files import machine
from caifeng.jobs import purge as job
from caifeng.jobs.base import Env
from caifeng.jobs.bodies import destroy_bodies
from caifeng.jobs.lives import check_recomputable
from caifeng.jobs.publish import rebuild
from caifeng.jobs.purge import due, purge
from tests.privacy.homes import AT, DAY, LOST, MARK, after, finds, messages


def test_the_day_holds_what_the_sweeps_look_for(env: Env) -> None:
    places = finds(env.settings.home, MARK)
    for part in ("lake/raw/posts", "lake/clean/posts", "lake/graded/posts", "lake/clean/rejects", "lake/graded/issues"):
        assert any(place.startswith(part) for place in places), part
    for part in ("warehouse.duckdb (rows)", "analytics.duckdb (rows)", "outputs/2026-03-10/dashboard.html"):
        assert part in places
    assert env.lake.read("graded.posts", DAY).height == 2


def test_nothing_is_due_on_the_last_day_of_a_life(env: Env) -> None:
    assert due(after(env, 13)) == []
    assert due(env) == []


def test_a_clock_that_jumped_ahead_ends_no_life_unless_a_person_names_the_moment(env: Env) -> None:
    """The last run was long ago by the machine's clock; who knows better says so (`--as-of`)."""
    nobody = Env.open(env.settings.model_copy(update={"as_of": None}))
    assert due(nobody) != []
    before = finds(env.settings.home, MARK)
    for job_ in (purge, destroy_bodies):
        with pytest.raises(UsageError, match=r"14 of the 14 days before .* nothing was destroyed.*--as-of 20"):
            job_(nobody)
    assert finds(env.settings.home, MARK) == before
    assert purge(nobody, nobody.now()).counts["certificates"] == 1


def test_a_clock_is_believed_where_most_of_the_days_before_were_worked_through(env: Env) -> None:
    nobody = Env.open(env.settings.model_copy(update={"as_of": None}))
    today, runs = clock.business_day(nobody.now()), env.lake.read("ops.runs", DAY)
    for n in range(1, 8):
        nobody.lake.replace("ops.runs", today - timedelta(days=n), runs)
    assert purge(nobody).counts["words"] > 0
    shutil.rmtree(env.settings.home / "lake/ops/runs" / f"day={today - timedelta(days=1)}")
    with pytest.raises(UsageError, match="8 of the 14 days"):
        purge(nobody)


def test_irrelevant_words_go_after_fourteen_days_the_others_stay(env: Env) -> None:
    purge(after(env, 14))
    raw = env.lake.read("raw.posts", DAY)
    emptied = raw.filter(pl.col("title") == "")
    assert (raw.height, emptied.height) == (3, 1)
    assert emptied["url"].str.starts_with("inbox:removed/").all()
    assert emptied["views"].to_list() == [12]
    rejects = env.lake.read("clean.rejects", DAY)
    assert rejects["title"].to_list() == [""] * rejects.height
    assert rejects["reason"].to_list() == ["no_term"]
    assert [t for t in env.lake.read("graded.posts", DAY)["title"] if MARK not in t] == []
    assert finds(env.settings.home, LOST) == []


def test_after_181_days_no_byte_of_the_home_can_be_read(env: Env) -> None:
    home = env.settings.home
    messages(home, MARK)
    (home / "in.rejected.csv").write_text(MARK, "utf8")
    (home / "spool" / "left-here-1").mkdir(parents=True)
    (home / "spool" / "left-here-1" / "x.posts.jsonl").write_text(MARK, "utf8")
    for file in (home / "in.rejected.csv", home / "spool" / "left-here-1" / "x.posts.jsonl"):
        os.utime(file, (AT.timestamp(),) * 2)
    rows = {table: env.lake.read(table, DAY).height for table in ("raw.posts", "clean.posts", "graded.posts")}
    late = after(env, 181)
    report = purge(late)
    assert finds(home, MARK) == []
    assert rows == {table: env.lake.read(table, DAY).height for table in rows}
    assert env.lake.read("raw.posts", DAY)["views"].to_list() == [12] * 3
    assert report.counts["certificates"] == 1
    assert (report.counts["messages"], report.counts["words"] > 5, report.counts["file"] > 4) == (1, True, True)


def test_the_certificate_says_what_went_and_not_what_it_said(env: Env) -> None:
    late = after(env, 181)
    planned = due(late)
    purge(late)
    rows = late.lake.read("ops.purges", clock.business_day(late.now()))
    assert sorted(rows["place"]) == sorted(thing.place for thing in planned)
    words = rows.filter(what="words")
    assert words.height > 5
    assert (words["hash_before"] != words["hash_after"]).all()
    assert rows.filter(what="file")["hash_after"].null_count() == rows.filter(what="file").height > 0
    [paper] = (late.settings.outputs_dir / "purges").glob("*.txt")
    said = paper.read_text("utf8")
    assert said.startswith("数据销毁证明")
    assert all(thing.place in said for thing in planned)
    assert MARK not in said


def test_a_second_run_finds_nothing_and_writes_nothing(env: Env) -> None:
    late = after(env, 181)
    purge(late)
    before = {path: path.read_bytes() for path in env.settings.home.rglob("*") if path.is_file()}
    assert due(late) == []
    assert purge(late).counts["certificates"] == 0
    assert before == {path: path.read_bytes() for path in env.settings.home.rglob("*") if path.is_file()}


@pytest.mark.parametrize("stop_at", [0, 1, 4, 9])
def test_a_stopped_run_is_finished_and_certified_by_the_next(
    env: Env, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    late, planned, real, calls = after(env, 181), due(after(env, 181)), job._Plan.destroy, []

    def killed(plan: job._Plan, thing: job.Due) -> None:
        if len(calls) == stop_at:
            raise KeyboardInterrupt
        calls.append(thing)
        real(plan, thing)

    with monkeypatch.context() as patch:
        patch.setattr(job._Plan, "destroy", killed)
        with pytest.raises(KeyboardInterrupt):
            purge(late)
    assert (env.settings.home / job.JOURNAL).exists()
    purge(late)
    assert finds(env.settings.home, MARK) == []
    assert not (env.settings.home / job.JOURNAL).exists()
    rows = late.lake.read("ops.purges", clock.business_day(late.now()))
    assert sorted(rows["place"]) == sorted(thing.place for thing in planned)


def test_what_a_killed_process_was_writing_goes_with_the_next_run(env: Env) -> None:
    home = env.settings.home
    folders = ("bodies/kept/day=2026-11-24", f"outputs/{DAY}", "airflow/logs/dag_id=ingest")
    dead = [home / folder / f".half.{machine()}.999999999.tmp" for folder in folders]
    alive = home / folders[0] / f".half.{machine()}.{os.getpid()}.tmp"
    for file in (*dead, alive):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(MARK)
    purge(env)
    assert [file for file in dead if file.exists()] == []
    assert alive.exists()


def test_a_run_stopped_before_the_warehouse_is_rebuilt_rebuilds_it_next_time(
    env: Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = after(env, 181)

    def killed(_: Env) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job, "rebuild", killed)
        with pytest.raises(KeyboardInterrupt):
            purge(late)
    assert [place for place in finds(env.settings.home, MARK) if "duckdb" in place]
    purge(late)
    assert finds(env.settings.home, MARK) == []


def test_a_case_keeps_the_title_of_its_file(env: Env) -> None:
    issue = env.lake.read("graded.issues", DAY)["issue_no"].sort()[0]
    with env.register() as register:
        act(
            register,
            issue,
            "log_only",
            Actor("openness_office", "office"),
            {"log_reason": next(iter(LOG_REASON_NAMES))},
            env.now(),
        )
    purge(after(env, 181))
    titles = dict(env.lake.read("graded.issues", DAY).select("issue_no", "title").iter_rows())
    assert len(titles) == 2
    assert MARK in titles.pop(issue)
    assert list(titles.values()) == [""]


def test_text_free_rows_go_after_ten_years_and_the_cases_stay(env: Env) -> None:
    much_later = after(env, 3653)
    purge(much_later)
    assert env.lake.days("raw.posts") == env.lake.days("graded.issue_grades") == []
    assert env.lake.days("ops.purges") == [clock.business_day(much_later.now())]


def test_a_day_whose_text_is_gone_is_loaded_and_not_recomputed(env: Env) -> None:
    check_recomputable(after(env, 179), DAY)
    late = after(env, 181)
    levels = env.lake.read("graded.issue_grades", DAY).select("issue_no", "level_by_score")
    purge(late)
    with pytest.raises(UsageError, match="never recomputed"):
        check_recomputable(late, DAY)
    assert rebuild(late) == 1
    logged = late.warehouse.read("marts.daily_log", DAY)
    assert logged.height == levels.height == 2
    assert sorted(logged["level_by_score"]) == sorted(levels["level_by_score"])


def test_a_partition_that_cannot_be_read_is_named_and_the_rest_is_certified_later(env: Env) -> None:
    late = after(env, 181)
    [file] = env.lake.files("raw.posts", DAY)
    whole = file.read_bytes()
    file.write_bytes(b"broken")
    with pytest.raises(CaifengError, match="words cannot be removed"):
        purge(late)
    file.write_bytes(whole)
    purge(late)
    assert finds(env.settings.home, MARK) == []


@pytest.mark.parametrize("name", ["FILES", "rebuild", "empty"])
def test_each_step_of_the_guard_is_needed(env: Env, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(job, name, {"FILES": (), "rebuild": lambda _: 0, "empty": lambda frame, *_: frame}[name])
    purge(after(env, 181))
    assert finds(env.settings.home, MARK) != []


def test_spans_count_days_and_years() -> None:
    assert span_end("14d", DAY) - DAY == timedelta(days=14)
    assert span_end("10y", DAY.replace(year=2024, month=2, day=29)).isoformat() == "2034-02-28"


def test_every_restricted_table_has_a_life_for_its_words(root: Path) -> None:
    contracts = load_contracts(root / "sql")
    words = {"title", "text", "excerpt", "detail", "answer", "payload", "url"}
    swept = 0
    for table, contract in contracts.items():
        if contract.sensitivity != "restricted" or table == "ops.objections":
            continue
        swept += 1
        assert words & set(contract.names) <= set(contract.life.columns), table
        assert contract.life.words, table
    assert swept >= 6


def test_a_life_of_no_column_is_refused(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    text = (root / "sql" / "raw" / "posts.yml").read_text("utf8")
    (folder / "posts.yml").write_text(text.replace("columns: [title,", "columns: [headline,"), "utf8")
    with pytest.raises(ConfigError, match=r"life\.columns"):
        load_contracts(tmp_path)


def test_old_messages_leave_no_page_of_the_register(env: Env) -> None:
    messages(env.settings.home, MARK)
    purge(after(env, 181))
    with sqlite3.connect(env.settings.home / "register.db") as database:
        assert database.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    assert MARK.encode() not in (env.settings.home / "register.db").read_bytes()
