"""For which days a DAG run is: asked for, announced, by the clock, and of a backfill long ago."""

import pytest

from caifeng.core.settings import parse_as_of
from caifeng.jobs.timetable import day_of_run, days_of_run


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-11-23T00:10+08:00")


def test_a_backfill_is_for_the_day_before_its_own_clock():
    assert day_of_run(None, [], 1, parse_as_of("2026-08-27T00:10+08:00")) == "2026-08-26"
    assert day_of_run(None, [], 1) == "2026-11-22"
    assert day_of_run({"day": "2026-01-05"}, [], 1, parse_as_of("2026-08-27T00:10+08:00")) == "2026-01-05"


def test_days_announced_while_the_run_before_was_busy_are_all_published():
    announced = [{"day": "2026-11-23"}, {"day": "2026-11-22"}, {}, {"day": "2026-11-23"}]
    assert days_of_run(None, announced) == ["2026-11-22", "2026-11-23"]
    assert days_of_run({"day": "2026-11-20"}, announced) == ["2026-11-20"]
    assert days_of_run(None, []) == ["2026-11-23"]
