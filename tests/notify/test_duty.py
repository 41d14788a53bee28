"""The duty roster and stand-ins: who is on duty at a moment, who acts for whom, and what a roster may not be."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from caifeng.cases.model import Actor, RoleError
from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import ConfigError
from caifeng.core.model.office import Office
from caifeng.core.settings import Settings
from caifeng.jobs.approvals import approval_request, settle_request
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_on_case
from caifeng.jobs.check import check_configuration
from caifeng.jobs.duty import on_duty, roster_listing, roster_warnings
from caifeng.jobs.notify import addressed, enqueue_due, load_notify, outbox_rows
from caifeng.jobs.workbench.desk import Desk
from tests.notify.desk import ONE, land, notice, open_desk

MONDAY = date(2026, 11, 23)
PLACE = {
    "name": "某县统计局", "short_name": "县统计局", "county": "某县", "county_short": "某县", "city": "某市",
    "city_short": "某市", "province": "安徽省", "province_short": "安徽", "place": "341622",
    "contact": "mailto:zwgk@example.gov.cn",
}  # fmt: skip
ROLES = [
    {"id": "monitor", "name": "监测员", "users": ["m1", "m2"]},
    {"id": "openness_office", "name": "政务公开办", "users": ["o1"], "stand_ins": ["monitor"]},
    {"id": "deputy", "name": "分管领导", "users": ["d1"], "stand_ins": ["chief"]},
    {"id": "chief", "name": "主要领导", "users": ["c1"], "stand_ins": ["deputy"]},
]
WEEKLY = {"first": MONDAY, "days": 7, "users": ["m1", "m2"], "changes_at": time(8, 30)}


def office(**fields):
    return Office.model_validate({**PLACE, "roles": ROLES, **fields})


def at(day, *clock):
    return datetime(2026, *day, *clock, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("moment", "user"),
    [
        (at((11, 23), 8, 29), None),
        (at((11, 23), 8, 30), "m1"),
        (at((11, 29), 3), "m1"),  # Sunday, at night
        (at((11, 30), 8, 29), "m1"),
        (at((11, 30), 8, 30), "m2"),
        (at((12, 7), 23, 59), "m1"),
    ],
)
def test_a_turn_runs_through_nights_and_the_weekend(moment, user):
    found = on_duty(office(duty=WEEKLY), moment.astimezone(UTC))
    assert (found and found.user) == user


def test_a_dated_turn_goes_before_and_says_when_it_ends():
    roster = {**WEEKLY, "turns": [{"first": date(2026, 11, 25), "last": date(2026, 11, 26), "user": "o1"}]}
    swapped = on_duty(office(duty=roster), at((11, 27), 2))
    assert swapped.words == "值班：o1（政务公开办）"
    assert swapped.until == at((11, 27), 8, 30)
    assert on_duty(office(duty=roster), at((11, 27), 9)).user == "m1"
    assert on_duty(office(duty={**WEEKLY, "users": ["m1"]}), at((11, 27), 9)).until is None
    assert on_duty(office(), at((11, 27), 9)) is None


def test_a_stand_in_is_on_duty_for_whoever_is_away():
    away = [{"user": "m1", "first": date(2026, 11, 24), "last": date(2026, 11, 25), "stand_in": "o1"}]
    found = on_duty(office(duty=WEEKLY, absences=away), at((11, 25), 23))
    assert (found.user, found.stands_in_for, found.roles) == ("o1", "m1", ("openness_office",))
    assert found.words == "值班：o1（政务公开办，代 m1）"
    assert on_duty(office(duty=WEEKLY, absences=away), at((11, 26), 9)).user == "m1"


def turn(first, last, user="m1"):
    return {"first": date(2026, 12, first), "last": date(2026, 12, last), "user": user}


@pytest.mark.parametrize(
    ("duty", "said"),
    [
        ({"turns": [turn(1, 3), turn(3, 5)]}, "2026-12-03: two turns on this day"),
        ({"turns": [turn(1, 3), turn(5, 6)]}, "2026-12-04: nobody is on duty"),
        ({"turns": [turn(2, 3)]}, "2026-12-01: nobody is on duty"),
        ({"turns": [turn(3, 1)]}, "ends on 2026-12-01, before it begins"),
        ({"users": ["m1"], "turns": [turn(4, 9), turn(5, 6)]}, "2026-12-05: two turns"),
        ({"users": ["m1"], "turns": [{**turn(1, 2), "first": date(2026, 11, 30)}]}, "2026-11-30: a turn before"),
        ({"turns": [turn(1, 3, "stranger")]}, "no role has these users: stranger"),
        ({"users": ["m1", "stranger"]}, "no role has these users: stranger"),
        ({"users": []}, "nobody takes turns"),
    ],
)
def test_a_roster_with_a_gap_an_overlap_or_a_stranger_is_refused(duty, said):
    with pytest.raises(ValidationError) as error:
        office(duty={"first": date(2026, 12, 1), **duty})
    assert said in str(error.value)


def away(user, first, last, stand_in):
    return {"user": user, "first": date(2026, 12, first), "last": date(2026, 12, last), "stand_in": stand_in}


@pytest.mark.parametrize(
    ("absences", "said"),
    [
        ([away("d1", 1, 5, "c1"), away("d1", 5, 6, "c1")], "2026-12-05: d1 is away twice"),
        ([away("d1", 1, 5, "c1"), away("c1", 4, 9, "o1")], "2026-12-04: c1 stands in for d1 and is away"),
        ([away("d1", 1, 5, "d1")], "stands in for itself"),
        ([away("d1", 1, 5, "nobody")], "no role has these users: nobody"),
    ],
)
def test_stand_ins_that_make_no_sense_are_refused(absences, said):
    with pytest.raises(ValidationError) as error:
        office(absences=absences)
    assert said in str(error.value)


def test_check_names_the_day(config_copy):
    path = config_copy / "units.toml"
    text = path.read_text("utf8")
    path.write_text(
        text + '\n[office.duty]\nfirst = 2026-12-01\n[[office.duty.turns]]\nfirst = 2026-12-02\n'
        'last = 2026-12-03\nuser = "office"\n', "utf8",
    )  # fmt: skip
    faults = check_configuration(Settings(config=config_copy))
    assert any("units.toml" in fault and "2026-12-01: nobody is on duty" in fault for fault in faults)


def test_the_commented_examples_of_the_file_are_a_valid_configuration(config_copy):
    path = config_copy / "units.toml"
    head, _, example = path.read_text("utf8").partition("# [office.duty]")
    lines = [
        line.removeprefix("# ") for line in ("# [office.duty]" + example).splitlines() if " = " in line or "[" in line
    ]
    users = {"office1": "office", "office2": "analyst", "leader1": "leader", "leader2": "office"}
    text = "\n".join(lines)
    for example_user, user in users.items():
        text = text.replace(example_user, user)
    path.write_text(f"{head}\n{text}\n", "utf8")
    found = Settings(config=config_copy).office()
    assert found.duty is not None
    assert found.duty.turns
    assert found.absences


@given(st.integers(0, 364 * 24 * 60), st.integers(1, 14))
def test_somebody_is_on_duty_at_every_moment_after_the_first(minutes, days):
    moment = datetime(2026, 12, 1, tzinfo=SHANGHAI) + timedelta(minutes=minutes)
    duty = {"first": date(2026, 12, 1), "days": days, "users": ["m1", "m2", "o1"]}
    found = on_duty(office(duty=duty), moment)
    assert found is not None
    assert found.until > moment
    after = on_duty(office(duty=duty), found.until)
    assert after.user != found.user


def test_the_roster_is_printed_and_its_end_is_said_in_time():
    dated = office(duty={"first": date(2026, 12, 1), "turns": [turn(1, 3), turn(4, 5, "m2")]})
    listing = roster_listing(dated, date(2026, 12, 4), 3)
    assert listing.cells == [
        (date(2026, 12, 4), "周五", "m2", "监测员", None),
        (date(2026, 12, 5), "周六", "m2", "监测员", None),
        (date(2026, 12, 6), "周日", "无人", None, None),
    ]
    assert [(row["day"].day, row["user"]) for row in listing.values] == [(4, "m2"), (5, "m2"), (6, None)]
    assert "2026-12-05" in roster_warnings(dated, date(2026, 12, 1))[0]
    assert roster_warnings(dated, date(2026, 11, 1)) == []
    assert roster_warnings(office(duty=WEEKLY), date(2030, 1, 1)) == []
    assert roster_warnings(office(), date(2030, 1, 1)) == []


# --- who may act, who is told ----------------------------------------------------------------------------------------


def test_a_stand_in_may_act_only_in_its_period():
    found = office(absences=[away("d1", 1, 5, "o1")])
    assert found.users_of("deputy", at((12, 3), 12)) == ("d1", "o1", "c1")
    assert found.users_of("deputy", at((12, 6), 0)) == ("d1", "c1")
    assert found.users_of("deputy") == ("d1", "c1")
    # a stand-in of a stand-in is none: whoever acts for the deputy does not act for the chief
    assert "o1" not in found.users_of("chief", at((12, 3), 12))
    assert "deputy" in found.roles_of("o1", at((12, 3), 12))
    assert "deputy" not in found.roles_of("o1", at((12, 6), 12))
    assert found.roles_of("stranger", at((12, 3), 12)) == ()


def test_reminders_go_to_the_stand_in_of_a_post_whose_holders_are_all_away():
    found = office(absences=[away("d1", 1, 5, "c1"), away("m1", 1, 5, "o1")])
    assert found.reached_through("deputy", at((12, 3), 12)) == ("chief",)
    assert found.reached_through("deputy", at((12, 6), 12)) == ("deputy",)
    assert found.reached_through("monitor", at((12, 3), 12)) == ("monitor",)  # m2 is there
    assert found.reached_through("spokesperson", at((12, 3), 12)) == ("spokesperson",)


def test_a_message_says_who_is_on_duty_and_reaches_the_stand_in(tmp_path, config_copy, monkeypatch):
    monkeypatch.setenv("CAIFENG_TEST_TOKEN", "token-of-the-robot")
    path = config_copy / "units.toml"
    head = 'id = "chief"\nname = "主要领导"\nusers = ["{user}"]'
    text = path.read_text("utf8").replace(head.format(user="leader"), head.format(user="head"))
    path.write_text(
        text + '\n[office.duty]\nfirst = 2026-11-16\nusers = ["analyst"]\n'
        '[[office.absences]]\nuser = "leader"\nfirst = 2026-11-20\nlast = 2026-11-20\nstand_in = "head"\n', "utf8",
    )  # fmt: skip
    group = (
        '[[channel]]\nid = "group"\nkind = "wecom"\ntoken_env = "CAIFENG_TEST_TOKEN"\n'
        'members = ["openness_office", "deputy", "chief", "auditor"]\n'
    )
    env = open_desk(tmp_path, config_copy, group, '[duty]\noverdue = ["deputy", "duty"]')
    found = datetime(2026, 11, 20, 6, tzinfo=UTC)
    land(env, found, {"issue_no": ONE, "level": "major"})
    # A clock on the wall in Beijing shows the same moment.
    enqueue_due(env, (found + timedelta(minutes=61)).astimezone(SHANGHAI))
    (row,) = [row for row in outbox_rows(env) if row.stage == "confirm/overdue"]
    assert row.roles == ("chief", "auditor")
    assert row.text.endswith("\n值班：analyst（监督员）")
    rules = load_notify(config_copy)
    later = notice(roles=("deputy",), at=datetime(2026, 11, 22, tzinfo=UTC))
    ((_, told),) = addressed(later, rules.channel, env.settings.office())
    assert told.roles == ("deputy",)


def test_a_stranger_on_the_roster_stops_the_configuration(tmp_path, config_copy):
    path = config_copy / "units.toml"
    path.write_text(path.read_text("utf8") + '\n[office.duty]\nfirst = 2026-11-16\nusers = ["nobody"]\n', "utf8")
    with pytest.raises(ConfigError, match="nobody"):
        Env.open(Settings(home=tmp_path / "home", config=config_copy)).settings.office()


def test_a_stand_in_is_asked_to_approve_and_may_while_the_leader_is_away(tmp_path, config_copy):
    path = config_copy / "units.toml"
    away_on_friday = (
        '\n[[office.roles]]\nid = "clerk"\nname = "办公室"\nusers = ["clerk1"]\n'
        '[[office.absences]]\nuser = "leader"\nfirst = 2026-11-20\nlast = 2026-11-20\nstand_in = "clerk1"\n'
    )
    path.write_text(path.read_text("utf8") + away_on_friday, "utf8")
    friday = datetime(2026, 11, 20, 6, tzinfo=UTC)
    settings = Settings(home=tmp_path / "home", config=config_copy, as_of=friday)
    env = Env.open(settings)
    land(env, friday, {"issue_no": ONE, "level": "general"})
    office_actor = Actor("openness_office", "office")
    act_on_case(env, ONE, "confirm", office_actor, {"level": "general"})
    act_on_case(env, ONE, "draft", office_actor, {"kind": "interim", "text": "已关注，正在核查。"})
    submitted = act_on_case(env, ONE, "submit", office_actor)
    desk = Desk.open(settings)
    request = approval_request(desk, submitted)
    desk.register.close()
    assert request.users == ("leader", "clerk1")
    saturday = settings.model_copy(update={"as_of": friday + timedelta(days=1)})
    with pytest.raises(RoleError, match="不能审批"):
        settle_request(saturday, request.request_id, "同意", "", None, "clerk1")
    assert settle_request(settings, request.request_id, "同意", "", None, "clerk1") == "approved"
