"""登记事实: what only people set of an issue, who may, when; the latest word counts for grade and deadlines."""

from datetime import timedelta

import pytest

from caifeng.cases.corrections import facts_in_force
from caifeng.cases.machine import FACT_FIELDS, FIELDS, TABLE
from caifeng.cases.model import CASE_ROLE_NAMES, DONE_STATES, STATE_NAMES, Actor, GuardError, OnBehalf, RoleError
from caifeng.cases.tables import set_measures
from caifeng.core.clock import end_of_day
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_on_case
from caifeng.jobs.export_cases import export_cases
from tests.cases.cases import ONE, SCAN, START, THREE, TWO, Desk, open_register
from tests.cases.test_case_marts import FOUND, FRIDAY, ISSUES, duties, exported, land, local

REASON = "应急管理局来函通报事件等级"


@pytest.fixture
def register(tmp_path):
    with open_register(tmp_path) as opened:
        yield opened


def in_force(register, until=None):
    return {(said.issue_no, said.field): said.value for said in facts_in_force(register.events(until=until))}


def test_desk_and_leaders_set_facts_in_every_open_state():
    (row,) = [row for row in TABLE if row.event == "set_facts"]
    assert row.label == "登记事实"
    assert set(row.roles) == {"monitor", "openness_office", "deputy", "chief"}
    assert set(row.states) == set(STATE_NAMES) - set(DONE_STATES)
    assert row.to_state is row.to_answer is None
    assert {FIELDS[name].kind for name in FACT_FIELDS} == {"code", "flag"}


@pytest.mark.parametrize("name", FACT_FIELDS)
def test_each_fact_is_set_and_taken_back(register, name):
    desk = Desk(register)
    values = ("major", "none") if name == "emergency_level" else (True, False)
    for value in values:
        event = desk.do("set_facts", "monitor", **{name: value}, reason=REASON)
        assert event.codes == {name: value}
        assert getattr(desk.case, name) == value
        assert in_force(register) == {(ONE, name): value}
    assert (desk.case.state, desk.case.confirmed_at, desk.case.sequence) == ("detected", None, 2)


@pytest.mark.parametrize(
    ("payload", "guard"),
    [
        ({"reason": REASON}, "fact_is_said"),
        ({"sensitive": True, "reason": "领导批示"}, "reason_is_said"),
        ({"sensitive": True}, "payload"),
        ({"emergency_level": "huge", "reason": REASON}, "payload"),
        ({"emergency_level": True, "reason": REASON}, "payload"),
        ({"key_category": "yes", "reason": REASON}, "payload"),
        ({"level": "major", "reason": REASON}, "payload"),
        ({"second_wave": True, "reason": REASON}, "payload"),
    ],
)
def test_only_facts_of_the_list_with_their_reason(register, payload, guard):
    with pytest.raises(GuardError) as error:
        Desk(register).do("set_facts", "monitor", **payload)
    assert error.value.guard == guard
    assert register.events() == ()


def test_nobody_else_sets_facts_and_the_office_registers_for_leaders(register):
    desk = Desk(register)
    refused = sorted(set(CASE_ROLE_NAMES) - {"monitor", "openness_office", "deputy", "chief"})
    assert len(refused) == 3
    for role in refused:
        with pytest.raises(RoleError):
            desk.do("set_facts", role, leader_instruction=True, reason=REASON)
    behalf = OnBehalf("chief", START, "paper", SCAN)
    with pytest.raises(RoleError):
        desk.do("set_facts", "monitor", on_behalf=behalf, leader_instruction=True, reason=REASON)
    event = desk.do("set_facts", "openness_office", on_behalf=behalf, leader_instruction=True, reason=REASON)
    (said,) = facts_in_force(register.events())
    assert (said.role, said.event_id, said.at) == ("chief", event.event_id, event.at)


@pytest.mark.parametrize("set_aside", [("log_only", {"log_reason": "praise"}), ("duplicate", {"parent": TWO})])
def test_what_is_over_takes_no_facts(register, set_aside):
    desk = Desk(register)
    event, payload = set_aside
    desk.do(event, "monitor", **payload)
    with pytest.raises(GuardError) as error:
        desk.do("set_facts", "monitor", sensitive=True, reason=REASON)
    assert error.value.guard == "state"


def test_the_latest_word_counts_whichever_event_says_it(register):
    desk = Desk(register)
    desk.do("set_facts", "monitor", emergency_level="larger", sensitive=True, key_category=False, reason=REASON)
    desk.confirm(emergency_level="major")
    assert (desk.case.emergency_level, desk.case.sensitive) == ("major", True)
    before = desk.at
    desk.do("set_facts", "deputy", emergency_level="none", reason="应急管理局已宣布响应终止")
    desk.do("change_level", "openness_office", level="larger", sensitive=False, reason="各方反映已经明显减少了")
    assert in_force(register) == {
        (ONE, "emergency_level"): "none",
        (ONE, "sensitive"): False,
        (ONE, "key_category"): False,
    }
    assert in_force(register, until=before)[ONE, "emergency_level"] == "major"
    words = {said.field: getattr(desk.case, said.field) for said in facts_in_force(register.events())}
    assert words == {"emergency_level": "none", "sensitive": False, "key_category": False}


def test_a_reopened_case_keeps_its_facts(register):
    desk = Desk(register)
    given = {name: "major" if name == "emergency_level" else True for name in FACT_FIELDS}
    desk.do("set_facts", "chief", **given, reason=REASON)
    desk.do("log_only", "monitor", log_reason="background")
    desk.do("reopen", "monitor", reason="群众又有新的反映，重新办理")
    assert {name: getattr(desk.case, name) for name in FACT_FIELDS} == given


def test_facts_of_a_merged_issue_hold_for_its_parent_which_may_say_otherwise(register):
    one, two = Desk(register, ONE), Desk(register, TWO)
    one.do("set_facts", "monitor", leader_instruction=True, sensitive=True, reason=REASON)
    two.do("set_facts", "monitor", sensitive=False, reason=REASON)
    one.at = two.at = max(one.at, two.at)
    one.do("merge", "monitor", parent=TWO)
    two.at = one.at
    two.do("merge", "monitor", parent=THREE)
    said = in_force(register)
    assert said[THREE, "leader_instruction"] is True
    # of those merged the last word counts: that of TWO
    assert said[THREE, "sensitive"] is False
    three = Desk(register, THREE)
    three.at = two.at
    three.do("set_facts", "monitor", leader_instruction=False, reason=REASON)
    assert in_force(register)[THREE, "leader_instruction"] is False
    one.at = three.at
    one.do("reopen", "monitor", reason="并案有误，应当分开办理才对")
    assert in_force(register)[ONE, "leader_instruction"] is True


def test_measures_say_who_set_them(register):
    Desk(register).do("set_facts", "deputy", superior_orders=True, emergency_level="extreme", reason=REASON)
    rows = set_measures(facts_in_force(register.events())).to_dicts()
    assert {row["measure"]: row["value"] for row in rows} == {
        "emergency_level": "extreme",
        "facts.superior_orders": "true",
    }
    assert {(row["setter"], row["role"], row["post_id"], row["event_id"]) for row in rows} == {
        ("person", "deputy", None, f"{ONE}#1")
    }
    assert {row["detail"] for row in rows} == {f"set@{START + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"}
    assert set_measures(()).is_empty()


def test_deadlines_see_the_emergency_from_its_registration_on(tmp_path, root):
    end = end_of_day(FRIDAY)
    env = Env.open(Settings(home=tmp_path / "home", config=root / "config", as_of=end))
    land(env, FRIDAY, ISSUES, FOUND)
    with env.register() as register:
        register.allot_numbers([issue[0] for issue in ISSUES], 2026, FOUND)
    at = FOUND + timedelta(hours=1)
    given = {"emergency_level": "major", "sensitive": True, "reason": REASON}
    act_on_case(env, TWO, "set_facts", Actor("monitor", "m"), given, at=at)
    export_cases(env, FRIDAY, at - timedelta(minutes=1))
    assert "press_conference" not in duties(env, TWO)
    assert exported(env, "cases.cases")[TWO]["emergency_level"] == "none"
    export_cases(env, FRIDAY, end)
    case = exported(env, "cases.cases")[TWO]
    assert (case["emergency_level"], case["sensitive"], case["state"]) == ("major", True, "detected")
    assert (case["next_event"], case["next_role"]) == ("confirm", "openness_office")
    assert "press_conference" in duties(env, TWO)
    assert duties(env, TWO)["respond"]["due_at"] == local(2026, 11, 20, 21, 30)
    assert duties(env, TWO)["confirm"]["done_at"] is None
