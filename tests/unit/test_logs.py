"""Logs: lines that say run, day, stage and source, kept for half a year, with nothing personal in them."""

import json
import logging
from datetime import date, timedelta

import pytest

from caifeng.jobs import logs

TODAY = date(2026, 11, 23)


def lines(home):
    return [json.loads(line) for path in sorted((home / "logs").glob("caifeng-*.jsonl")) for line in path.open()]


def test_a_line_says_of_what_run_day_stage_and_source_it_is(tmp_path):
    log = logging.getLogger("caifeng.test")
    with logs.context(tmp_path, run="r1", day="2026-11-20", stage="clean"):
        log.info("%d posts, 电话13800138000", 3, extra={"source": "portal"})
        with logs.context(tmp_path, stage="gate"):
            log.warning("inner")
    log.warning("after")
    first, second = lines(tmp_path)
    assert {name: first[name] for name in ("run", "day", "stage", "source", "level", "logger")} == {
        "run": "r1", "day": "2026-11-20", "stage": "clean", "source": "portal", "level": "info",
        "logger": "caifeng.test",
    }  # fmt: skip
    assert first["message"].startswith("3 posts")
    assert "13800138000" not in first["message"]
    assert (second["stage"], second["run"], second["message"]) == ("gate", "r1", "inner")


def test_what_is_older_than_the_law_asks_goes_and_nothing_else(tmp_path):
    old, edge = TODAY - timedelta(days=185), TODAY - timedelta(days=184)
    names = [f"caifeng-{old}.jsonl", f"caifeng-{edge}.jsonl", "runs.jsonl", "runs-2026-04.jsonl", "runs-2026-05.jsonl"]
    kept = {names[1], "runs.jsonl", "runs-2026-05.jsonl", "airflow.log", f"runs/{edge}.jsonl"}
    for name in {*names, *kept, f"runs/{old}.jsonl"}:
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")
    assert len(logs.remove_old(tmp_path, TODAY)) == 3
    left = {path.relative_to(tmp_path / "logs").as_posix() for path in (tmp_path / "logs").rglob("*.*")}
    assert left == kept


@pytest.mark.parametrize(
    ("at", "set_aside"), [("2026-11-30T23:00:00+00:00", False), ("2026-12-01T00:00:00+00:00", True)]
)
def test_a_month_is_set_aside_when_the_next_begins(tmp_path, at, set_aside):
    logs.add_line(tmp_path, {"at": "2026-11-20T16:00:00+00:00", "job": "clean"})
    logs.add_line(tmp_path, {"at": at, "job": "load"})
    assert (tmp_path / "logs" / "runs-2026-11.jsonl").exists() is set_aside
    assert len((tmp_path / "logs" / "runs.jsonl").read_text().splitlines()) == 2 - set_aside
