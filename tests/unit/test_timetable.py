"""Which day a DAG run is for."""

from datetime import date

import pytest

from caifeng.core import clock
from caifeng.core.errors import UsageError
from caifeng.jobs.stages import STAGES, between
from caifeng.jobs.timetable import day_of_run


def test_an_asked_for_day_wins_over_events_and_clock():
    assert day_of_run({"day": "2026-11-20"}, [{"day": "2026-11-21"}]) == "2026-11-20"


def test_the_latest_event_counts_the_day_before_has_its_own_run():
    assert day_of_run({}, [{"day": "2026-11-21"}, {"day": "2026-11-22"}, {"other": 1}]) == "2026-11-22"


def test_the_clock_decides_in_shanghai_time(monkeypatch):
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-11-21T16:10:00+00:00")  # 00:10 on the 22nd in Shanghai
    assert day_of_run(None, []) == "2026-11-22"
    assert day_of_run({"day": None}, [], lag_days=1) == "2026-11-21"


def test_a_day_that_is_no_day_is_refused():
    with pytest.raises(ValueError, match="month must be in"):
        day_of_run({"day": "2026-13-01"}, [])


def test_a_day_ends_at_midnight_in_shanghai():
    end = clock.end_of_day(date(2026, 11, 22))
    assert end.isoformat() == "2026-11-22T16:00:00+00:00"
    assert clock.business_day(end) == date(2026, 11, 23)


def test_stages_can_be_cut_at_both_ends():
    assert between(None, None) == STAGES
    assert between("grade", "marts") == ("grade", "load", "marts")


@pytest.mark.parametrize(("first", "last"), [("polish", None), (None, "polish"), ("marts", "clean")])
def test_stages_that_do_not_exist_or_go_backwards_are_refused(first, last):
    with pytest.raises(UsageError):
        between(first, last)
