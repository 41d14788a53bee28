"""The dog barks when the system is silent, once a day a thing, also when nothing of it runs any more."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs import status as status_module
from caifeng.jobs.base import Env, timed
from caifeng.jobs.status import LOG_NAME, NAMES, VITAL, status, status_listing
from caifeng.jobs.timetable import late
from caifeng.jobs.watchdog import KIND, watchdog
from caifeng.notify.outbox import Outbox

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 20)


@pytest.fixture
def env(tmp_path) -> Env:
    return Env.open(Settings(home=tmp_path, config=ROOT / "config"))


def at(clock: str):
    return parse_as_of(f"{DAY}T{clock}+08:00")


def alarms(env: Env) -> list:
    with env.register() as register:
        return [row for row in Outbox(register.engine).rows() if row.kind == KIND]


def write_log(env: Env) -> None:
    path = env.settings.outputs_dir / DAY.isoformat() / LOG_NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b"paper")


@pytest.mark.parametrize(
    ("clock", "written", "barks"), [("17:29", False, False), ("17:30", False, True), ("17:30", True, False)]
)
def test_no_log_by_half_past_five_is_told(env, clock, written, barks):
    if written:
        write_log(env)
    _, unwell = watchdog(env, at(clock))
    assert ("log" in {check.name for check in unwell}) is barks
    assert any("日志异常" in row.subject for row in alarms(env)) is barks


def test_each_thing_is_told_once_a_day(env):
    for clock in ("18:00", "18:05", "23:00"):
        watchdog(env, at(clock))
    first = len(alarms(env))
    assert first == 3, "no crawl, no publication, no log; each to one role"
    watchdog(env, at("23:00") + timedelta(days=1))
    assert len(alarms(env)) == 2 * first


def test_a_replay_tells_nobody(tmp_path):
    env = Env.open(Settings(home=tmp_path, config=ROOT / "config", as_of=at("18:00")))
    report, unwell = watchdog(env, at("18:00"))
    assert unwell
    assert report.counts["enqueued"] == 0
    assert alarms(env) == []


def test_it_says_what_is_wrong_even_if_the_register_is_broken(env):
    (env.settings.home / "register.db").write_bytes(b"no database at all" * 100)
    report, unwell = watchdog(env, at("18:00"))
    assert {check.name for check in unwell} >= {"crawl", "log"}
    assert report.counts["enqueued"] == 0
    assert {check.name: check.ok for check in status(env, at("18:00"))}["register"] is False


def test_a_full_disk_is_told(env, monkeypatch):
    monkeypatch.setattr(status_module.shutil, "disk_usage", lambda _: type("Room", (), {"free": 1e9})())
    _, unwell = watchdog(env, at("09:00"))
    assert "disk" in {check.name for check in unwell}


def test_a_dag_that_is_late_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("CAIFENG_HOME", str(tmp_path))
    monkeypatch.setenv("CAIFENG_CONFIG", str(ROOT / "config"))
    monkeypatch.delenv("CAIFENG_AS_OF", raising=False)
    assert late("publish", 30) == 1
    assert late("publish", 30) == 0, "once a day"
    (row,) = alarms(Env.open(Settings.load()))
    assert "publish" in row.subject


def test_status_is_one_screen_and_every_check_has_its_name(env):
    now = env.now()
    with timed(env, "crawl", DAY):
        pass
    found = status(env, now + timedelta(minutes=1))
    assert [check.name for check in found] == list(NAMES)
    assert list(VITAL) == list(NAMES)[: len(VITAL)]
    listing = status_listing(found)
    assert len(listing.cells) == len(found) <= 24
    assert {cells[0] for cells in listing.cells} <= {"正常", "异常"}
