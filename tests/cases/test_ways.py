"""Several events in one form: what is left of a way, what is proposed next, and what the office may switch."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from caifeng.cases.machine import WAYS, events_left, next_step, row_fits, tracked_until, transition, way_called
from caifeng.cases.model import ANSWER_NAMES, KIND_NAMES, STATE_NAMES, Case
from caifeng.cases.table import TABLE
from caifeng.core.model.register import RegisterRules
from tests.cases.cases import ONE, START

CASES = st.builds(
    Case,
    issue_no=st.just(ONE),
    state=st.sampled_from(sorted(STATE_NAMES)),
    answer=st.sampled_from(sorted(ANSWER_NAMES)),
    draft_kind=st.sampled_from([None, *KIND_NAMES]),
    unit=st.sampled_from([None, "general"]),
    outcome=st.sampled_from([None, "false", "true"]),
    checked_by=st.sampled_from([None, "b"]),
    final_published_at=st.sampled_from([None, START]),
)


@given(case=CASES)
def test_what_is_left_of_a_way_is_never_one_event_alone_and_never_starts_anew(case):
    for way in WAYS:
        left = events_left(way, case)
        assert len(left) != 1
        assert list(left) == [event for event in way.events if event in left], "in its own order"
        if left:
            assert case.is_open
            assert left[-1] == way.events[-1]
            assert "confirm" not in left or case.state == "detected"
            assert "draft" not in left or case.answer == "none"


def test_ways_ask_only_fields_of_their_events_and_all_required_ones_but_those_that_follow():
    follow = {("confirm", "level"), ("draft", "kind"), ("publish", "kind")}
    swept = 0
    for way in WAYS:
        for event, names in way.asks:
            row = next(row for row in TABLE if row.event == event and row.kind in (None, "final"))
            assert set(names) <= {*row.required, *row.optional}, (way.name, event)
            assert {name for name in row.required if (event, name) not in follow} <= set(names), (way.name, event)
            swept += 1
        asked = [name for _, names in way.asks for name in names]
        assert len(asked) == len(set(asked)), "one input, one meaning"
    assert swept >= 15


def test_the_first_event_left_fits_a_case_as_it_may_really_stand():
    swept = 0
    for state, (answer, outcome) in product(("detected", "confirmed", "assigned"), (("none", None),)):
        case = Case(ONE, state=state, answer=answer, outcome=outcome, unit="general" if state == "assigned" else None)
        for way in WAYS:
            if left := events_left(way, case):
                row = transition(left[0], {})
                assert row is not None
                assert row_fits(row, case) is None, (way.name, state)
                swept += 1
    assert swept == 7
    approving = way_called("approve_release")
    assert approving is not None
    case = Case(ONE, state="verified", answer="in_review", draft_kind="interim", outcome="false", unit="general")
    assert events_left(approving, case) == ("approve", "check_release")


def test_an_interim_notice_and_an_answered_case_have_forms_of_their_own():
    way = way_called("conclude")
    assert way is not None
    assert events_left(way, Case(ONE, state="verified", answer="drafted", draft_kind="interim", outcome="false")) == ()
    answered = Case(ONE, state="responded", outcome="false", final_published_at=START)
    assert events_left(way, answered) == ()
    corrected = Case(ONE, state="responded", outcome="false", final_published_at=START, correcting=1)
    assert events_left(way, corrected) == ("draft", "submit")


@pytest.mark.parametrize(
    ("said", "suggested", "proposed"),
    [
        ({"level": "major"}, {}, "consult"),
        ({"level": "general", "sensitive": True}, {}, "consult"),
        ({"level": "general"}, {"sensitive": True}, "consult"),
        ({"level": "general", "sensitive": False}, {"sensitive": True}, "draft"),
        ({"level": "general"}, {"sensitive": False}, "draft"),
        ({"level": "major", "consulted": frozenset({"police"})}, {}, "consult_result"),
        ({"level": "major", "opinions": 1}, {}, "draft"),
    ],
)
def test_a_consultation_is_proposed_where_it_will_be_asked_for_or_the_rules_suggest_it(said, suggested, proposed):
    case = Case(ONE, state="verified", outcome="false", unit="general", **said)
    step = next_step(case, rules=RegisterRules(), **suggested)
    assert step is not None
    assert step.event == proposed
    off = next_step(case, rules=RegisterRules(consult_before_submit=False), **suggested)
    assert off is not None
    assert off.event == "draft"


def test_an_interim_notice_waits_for_no_consultation():
    case = Case(ONE, state="assigned", level="major", unit="general", answer="drafted", draft_kind="interim")
    step = next_step(case, "respond", rules=RegisterRules())
    assert step is not None
    assert step.event == "submit"


def test_a_case_is_watched_from_what_was_told_last():
    rules = RegisterRules(tracking_hours=24)
    assert tracked_until(Case(ONE), rules) is None
    told = Case(ONE, final_published_at=START, result_notice_at=START + timedelta(hours=5))
    assert tracked_until(told, rules) == START + timedelta(hours=29)


def test_a_severe_level_is_never_ordinary():
    with pytest.raises(ValidationError):
        RegisterRules(ordinary_levels=("larger",))
