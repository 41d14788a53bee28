"""The cost model and the day that is played through: what is told of sizes that nobody ran."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.sizing import CARRIED, EVERY, STAGES, fit, holds_up_to, play, reckon

#: A second to start, and ten microseconds a post.
EVEN = dict.fromkeys(STAGES, (1.0, 1e-05))


def test_a_line_is_found_again_and_nothing_is_below_zero():
    measured = {posts: dict.fromkeys(STAGES, 2 + posts / 1000) for posts in (1_000, 50_000, 1_000_000)}
    assert fit(measured)["load"] == pytest.approx((2, 1 / 1000))
    falling = {posts: dict.fromkeys(STAGES, 5 - posts / 1000000.0) for posts in (1_000, 1_000_000)}
    assert fit(falling)["load"][1] == 0


def test_a_day_is_reckoned_by_stage():
    costs = {**EVEN, "load": (0.0, 4e-5)}
    found = reckon(costs, dict.fromkeys(STAGES, (100.0, 0.001)), 10**8)
    assert found["largest"] == "load"
    assert found["cpu_seconds"] == 5 + 5 * 1000 + 4000
    assert found["memory_gb"] == 100.1
    assert found["workers"] == 1


def test_a_small_day_waits_for_the_timetable_alone():
    found = play(EVEN, 1_000, 1)
    assert found["rounds"] == 96
    assert found["last_round_minutes"] == 0.1
    assert found["p95_minutes"] == pytest.approx((0.95 * EVERY + len(STAGES)) / 60, abs=0.2)
    assert found["in_time"]


def test_a_round_that_is_not_done_makes_the_next_one_wait():
    slow = dict.fromkeys(STAGES, (EVERY / len(STAGES) + 1, 0.0))
    found = play(slow, 1_000, 1)
    assert found["rounds"] == 48, "every second quarter of an hour"
    assert found["p95_minutes"] > 2 * EVERY / 60


@given(st.integers(1_000, 10**8), st.integers(1, 16))
def test_more_machines_never_make_a_post_wait_longer_where_each_round_is_in_time(posts, machines):
    here, more = play(EVEN, posts, machines), play(EVEN, posts, machines + 1)
    assert holds_up_to(EVEN, machines + 1) >= holds_up_to(EVEN, machines)
    assert more["rounds"] >= here["rounds"]
    if here["rounds"] == 96:
        assert more["p95_minutes"] <= here["p95_minutes"]


def test_what_no_worker_shares_saturates():
    costs = {**dict.fromkeys(STAGES, (0.0, 0.0)), **dict.fromkeys(CARRIED, (0.0, 1e-4)), "load": (0.0, 1e-5)}
    one, many = play(costs, 10**7, 1), play(costs, 10**7, 16 * 16)
    assert (one["waits_for"], one["in_time"]) == ("carried", False)
    assert (many["waits_for"], many["in_time"]) == ("rest", True)
    assert not play(costs, 10**9, 16 * 16)["in_time"]


def test_the_timetable_holds_until_a_round_takes_as_long_as_the_time_between_two():
    assert holds_up_to({stage: (0.0, 1e-5 / len(STAGES)) for stage in STAGES}, 1) == EVERY * 10**5
    assert holds_up_to({stage: (float(EVERY), 0.0) for stage in STAGES}, 1) == 0
