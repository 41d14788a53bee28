"""The table of transitions, and that no sequence of acts reaches a state it must not."""

import tempfile
from collections import Counter
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from caifeng.cases import model
from caifeng.cases.diagram import diagram
from caifeng.cases.machine import FIELDS, GUARDS, TABLE, NextStep, allowed, next_step, overall_outcome, project
from caifeng.cases.model import CHECK_NAMES, Actor, Case, ConflictError, GuardError, OnBehalf, RoleError
from caifeng.cases.service import act, chain_faults, read_case
from caifeng.core.model.deadlines import DUE_NAMES
from tests.cases.cases import ONE, SCAN, START, TWO, open_register

ROLES = tuple(model.CASE_ROLE_NAMES)


def test_every_row_names_known_states_answers_roles_fields_and_guards():
    assert len(TABLE) > 20
    for row in TABLE:
        assert set(row.states) <= set(model.STATE_NAMES), row.event
        assert row.to_state in (None, *model.STATE_NAMES), row.event
        assert {*(row.answers or ()), row.to_answer} <= {None, *model.ANSWER_NAMES}, row.event
        assert set(row.roles) <= set(ROLES), row.event
        assert row.roles, row.event
        assert {*row.required, *row.optional} <= set(FIELDS), row.event
        assert set(row.guards) <= set(GUARDS), row.event
        assert bool(row.states) == (row.subject is None), row.event
    assert {guard for row in TABLE for guard in row.guards} == set(GUARDS)


def test_the_auditor_only_looks():
    assert all("auditor" not in row.roles for row in TABLE)


def test_every_state_can_be_reached_and_left_or_is_the_end():
    reached = {row.to_state for row in TABLE} | {"detected"}
    assert set(model.STATE_NAMES) <= reached
    left = {state for row in TABLE for state in row.states if row.to_state not in (None, state)}
    assert set(model.STATE_NAMES) == left


def test_an_event_has_one_row_or_one_per_kind():
    for event, rows in Counter(row.event for row in TABLE).items():
        kinds = {row.kind for row in TABLE if row.event == event}
        assert len(kinds) == rows, event


def test_only_publishing_and_deciding_is_kept_from_the_desk():
    for row in TABLE:
        if row.event in ("approve", "return"):
            assert set(row.roles) == {"deputy", "chief"}
        if row.event in ("publish", "result_notice"):
            assert not {"section", "monitor"} & set(row.roles)


def test_contracts_list_the_codes_of_the_register(root):
    contracts = {
        path.stem: {c["name"]: c for c in yaml.safe_load(path.read_text("utf8"))["columns"]}
        for path in (root / "sql" / "cases").glob("*.yml")
    }
    events = list(dict.fromkeys(row.event for row in TABLE))
    expected = {
        ("cases", "state"): list(model.STATE_NAMES),
        ("cases", "answer"): list(model.ANSWER_NAMES),
        ("cases", "outcome"): list(model.OUTCOME_NAMES),
        ("cases", "channel"): list(FIELDS["channel"].values),
        ("cases", "reason_code"): [*model.LOG_REASON_NAMES, *model.SCOPE_REASON_NAMES],
        ("events", "event"): events,
        ("events", "role"): list(ROLES),
        ("events", "medium"): list(model.MEDIUM_NAMES),
        ("responses", "form"): list(model.FORM_NAMES),
        ("hand_offs", "recipient"): list(model.RECIPIENT_NAMES),
        ("hand_offs", "medium"): list(model.HAND_OFF_MEDIUM_NAMES),
        ("hand_offs", "kind"): list(model.HAND_OFFS.values()),
        ("hand_offs", "round"): list(model.ROUND_NAMES),
        ("cases", "adoption"): list(model.ADOPTION_NAMES),
        ("responses", "kind"): [*model.KIND_NAMES, "result"],
        ("due", "duty"): [*DUE_NAMES, "unknown"],
        ("claims", "type"): list(model.CLAIM_TYPES),
        ("claims", "finding"): list(model.FINDINGS),
    }
    for (table, column), codes in expected.items():
        assert sorted(contracts[table][column]["values"]) == sorted(codes), (table, column)


def test_findings_add_up_to_an_outcome():
    def claims(*findings):
        return [{"type": "fact", "finding": finding} for finding in findings]

    assert overall_outcome(claims("false", "false")) == "false"
    assert overall_outcome(claims("true")) == "true"
    assert overall_outcome(claims("true", "false", "unverifiable")) == "partly_true"
    assert overall_outcome(claims("false", "unverifiable")) is None
    assert overall_outcome([{"type": "question", "finding": "none"}]) is None


def test_the_next_step_of_an_open_case_is_one_that_its_role_may_take():
    states = [s for s in model.STATE_NAMES if s not in model.DONE_STATES]
    swept = 0
    for state in states:
        for answer, kind in (("none", None), ("drafted", "final"), ("in_review", "final"), ("approved", "final")):
            outcome = "false" if state in ("verified", "responded") else None
            if state == "detected" and answer != "none":
                continue
            if outcome is None and answer != "none":
                kind = "interim"
            for checked, told in product((None, "c"), (None, START)):
                case = Case(
                    ONE, state=state, answer=answer, draft_kind=kind, outcome=outcome and ("true" if told else outcome),
                    level="major", checked_by=checked, final_published_at=told if state == "responded" else None,
                )  # fmt: skip
                step = next_step(case)
                assert step is not None
                assert step.event in {row.event for row in allowed(case, step.role)}, (case, step)
                swept += 1
    assert swept > 48


EVENTS = sorted({row.event for row in TABLE if row.subject is None})
#: What brings a case on its way; the others are tried by `anything`.
ONWARD = (
    "confirm", "assign", "verify", "draft", "submit", "approve", "check_release", "publish", "plan", "plan_done",
    "adopt", "result_notice", "close", "reopen", "second_wave", "correct_response", "mark_illegal", "approve_illegal",
)  # fmt: skip
CLAIMS = [
    {"text": "漏登十二户", "type": "fact", "finding": "true"},
    {"text": "建议补登", "type": "suggestion", "finding": "none"},
]
REASON = "经会商，影响范围较大，应当上调"
#: A payload that fits every event, by field.
FULL = {
    "level": "general", "suggested_level": "general", "log_reason": "praise", "scope_reason": "irrelevant",
    "unit": "general", "outcome": "true", "basis": "查阅台账", "kind": "final", "text": "情况如下",
    "form": "portal_notice", "place": "门户网站", "report_to": "deputy", "recipient": "city_stats",
    "medium": "phone", "parent": TWO, "reason": REASON, "claims": CLAIMS, "measures": "补登",
    "due_day": "2026-12-04", "evidence": "台账", "adoption": "adopted", "corrects": 1, "invitees": ["police"],
    "invitee": "police", "consult_medium": "phone", "opinion": "同意", "concluded_level": "major",
    "claim": 1, "content_url": "https://bbs.example.cn/1", "capture_hash": SCAN, "duty": "verify",
    "due_at": "2026-11-25T18:00:00+08:00", "new_due_at": "2026-11-27T18:00:00+08:00", "hand_off": 2, "posts": ["p1"],
    "receipt_at": "2026-11-20T09:30:00+08:00", **dict.fromkeys(CHECK_NAMES, "yes"),
}  # fmt: skip
#: Where a careless or a wicked person writes something else.
SPOILED = st.fixed_dictionaries(
    {},
    optional={
        "level": st.sampled_from(["general", "larger", "major", "log_only"]),
        "reason": st.sampled_from(["太短", REASON]),
        "response_value": st.sampled_from(["must", "log_only"]),
        "sensitive": st.booleans(),
        "bureau_accused": st.booleans(),
        "channel": st.just("suggestion"),
        "parent": st.sampled_from([ONE, TWO]),
        "unit": st.sampled_from(["general", "rural"]),
        "accused_unit": st.sampled_from(["rural", "general"]),
        "outcome": st.sampled_from(["true", "false", "not_ours", "opinion_or_suggestion"]),
        "kind": st.sampled_from(["interim", "final", "update"]),
        "recipient": st.sampled_from(["city_stats", "police", "county_net"]),
        "suspected_illegal": st.booleans(),
        "claim": st.sampled_from([1, 2, 3]),
        "corrects": st.sampled_from([1, 2]),
        "hand_off": st.integers(1, 9),
        "no_respondent_data": st.sampled_from(["yes", "no"]),
        "duty": st.sampled_from(["verify", "respond"]),
    },
)
PEOPLE = ("a", "b", "c")
UNITS = (None, "rural", "enforcement")


class RandomDesk(RuleBasedStateMachine):
    """Whatever anybody tries, in whatever order, for themselves or for others: the walls hold."""

    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.opened = open_register(Path(self.folder.name))
        self.register = self.opened.__enter__()
        self.at = START

    def teardown(self):
        self.opened.__exit__(None, None, None)
        self.folder.cleanup()

    def attempt(self, event, role, actor, payload, on_behalf=None, issue_no=ONE, unit=None):
        self.at += timedelta(minutes=1)
        row = next(row for row in TABLE if row.event == event)
        full = {**{name: FULL[name] for name in row.required}, **payload}
        given = {name: value for name, value in full.items() if name in (*row.required, *row.optional)}
        before = read_case(self.register, issue_no)
        try:
            act(self.register, issue_no, event, Actor(role, actor, unit), given, self.at, on_behalf)
        except (RoleError, GuardError, ConflictError):
            assert read_case(self.register, issue_no) == before
        else:
            self.reached[event] += 1

    @rule(
        event=st.sampled_from(EVENTS),
        role=st.sampled_from(ROLES),
        actor=st.sampled_from(PEOPLE),
        unit=st.sampled_from(UNITS),
        payload=SPOILED,
        issue_no=st.sampled_from([ONE, TWO]),
    )
    def anything(self, event, role, actor, unit, payload, issue_no):
        self.attempt(event, role, actor, payload, issue_no=issue_no, unit=unit)

    @rule(payload=SPOILED, spoiled=st.sampled_from([False, False, True]))
    def the_next_step(self, payload, spoiled):
        """By whom and with what it should be, mostly: so that long ways are walked, not only the first steps."""
        case = read_case(self.register, ONE)
        step = next_step(case) or NextStep("reopen", "monitor")
        actor = {"approve": "c", "check_release": "b"}.get(step.event, "a")
        extra = {"kind": case.draft_kind} if step.event == "publish" else {}
        self.attempt(step.event, step.role, actor, {**FULL, **(payload if spoiled else {}), **extra})

    @rule(data=st.data(), actor=st.sampled_from(PEOPLE), payload=SPOILED)
    def something_possible(self, data, actor, payload):
        case = read_case(self.register, ONE)
        role = data.draw(st.sampled_from(("openness_office", "deputy", "chief")))
        rows = [row for row in allowed(case, role) if row.event in ONWARD]
        if rows:
            self.attempt(data.draw(st.sampled_from(rows)).event, role, actor, {**FULL, **payload})

    @rule(
        event=st.sampled_from(
            ("approve", "check_release", "verify", "approve_illegal", "plan_done", "close", "extend")
        ),
        role=st.sampled_from(ROLES),
        actor=st.sampled_from(PEOPLE),
        payload=SPOILED,
        medium=st.sampled_from(["paper", "phone"]),
        scan=st.sampled_from([SCAN, None]),
    )
    def for_somebody_else(self, event, role, actor, payload, medium, scan):
        self.attempt(event, "openness_office", actor, payload, OnBehalf(role, self.at, medium, scan), unit="openness")

    @rule(
        actor=st.sampled_from(PEOPLE),
        event=st.sampled_from(("report_up", "consult", "consult_result", "extend", "second_wave", "correct_response")),
        payload=SPOILED,
    )
    def beside_the_way(self, actor, event, payload):
        self.attempt(event, "chief" if event == "extend" else "openness_office", actor, payload)

    @invariant()
    def walls_hold(self):
        events = self.register.events()
        assert chain_faults(events) == []
        for issue_no in (ONE, TWO):
            own = [event for event in events if event.subject == issue_no]
            assert [event.sequence for event in own] == list(range(1, len(own) + 1))
            assert project(issue_no, own) == read_case(self.register, issue_no)
            check_history(own)


class Told:
    """What an independent reader of the events keeps in mind since the treatment began."""

    def __init__(self, level=None, sensitive=None, accused=None, bureau=None, channel=None):
        self.level, self.sensitive, self.accused, self.bureau = level, sensitive, accused, bureau
        self.channel = channel
        self.outcome = self.kind = self.approver = self.checker = None
        self.writers, self.extended, self.illegal, self.up = set(), set(), [], set()
        self.heard = self.final = self.planned = self.kept = self.told = self.adopted = self.proposed = False
        self.unit = None
        self.wrong = False


def check_history(events):
    """An independent reading of one case's events: what must never have happened."""
    now, state = Told(), "detected"
    for event in events:
        assert event.from_state == state
        state = event.to_state
        said, name = event.payload, event.name
        proved = event.on_behalf is not None and event.on_behalf.scan_hash is not None
        if name in ("reopen", "second_wave"):
            now = Told(now.level, now.sensitive, now.accused, now.bureau)
        if name in ("confirm", "change_level", "assign", "set_facts"):
            now.level = said.get("level", now.level)
            now.sensitive = said.get("sensitive", now.sensitive)
            now.accused = said.get("accused_unit", now.accused)
            now.bureau = said.get("bureau_accused", now.bureau)
            now.channel = said.get("channel", now.channel)
            now.unit = said.get("unit", now.unit)
        if name == "report_up":
            now.up.add(said["recipient"])
        if name == "consult_result":
            now.heard = True
        if name == "verify":
            assert now.accused is None or said.get("unit") != now.accused, "the accused unit verified itself"
            if event.role == "section" and event.on_behalf is None and "unit" not in said:
                assert now.unit is None or now.unit != now.accused or event.actor_id, "as above"
            assert not now.bureau or "city_stats" in now.up, "concluded before the city bureau was told"
            now.outcome, now.adopted = said["outcome"], False
            now.proposed = any(claim["type"] == "suggestion" for claim in said.get("claims", ()))
        if name == "mark_illegal":
            now.illegal = [event]
        if name == "approve_illegal":
            now.illegal.append(event)
            assert len(now.illegal) <= 3
            unproved = [e.actor_id for e in now.illegal if e.on_behalf is None]
            assert len(set(unproved)) == len(unproved), "one person decided twice"
        if name == "refer" and said.get("suspected_illegal"):
            assert {e.role for e in now.illegal[1:]} == {"deputy", "chief"}, "handed over without two leaders"
            assert said["recipient"] in ("police", "county_net")
        if name == "plan":
            assert now.outcome in ("true", "partly_true")
            now.planned, now.kept = True, False
        if name == "plan_done":
            now.kept = True
        now.adopted = now.adopted or name == "adopt"
        if name == "extend":
            assert said["duty"] not in now.extended, "extended twice"
            assert event.role in ("deputy", "chief")
            now.extended.add(said["duty"])
        if name == "draft":
            now.kind, now.approver, now.checker = said["kind"], None, None
            now.writers.add(event.actor_id)
        if name == "submit":
            now.writers.add(event.actor_id)
            grave = now.level in ("major", "extreme") or now.sensitive
            assert now.kind == "interim" or not grave or now.heard, "submitted although nobody was heard"
        if name in ("return", "withdraw"):
            now.approver = now.checker = None
        if name == "approve":
            assert event.role in ("deputy", "chief")
            assert event.actor_id not in now.writers or proved, "the drafter approved"
            now.approver = event.role
        if name == "check_release":
            assert event.actor_id not in now.writers or proved, "the drafter checked"
            assert all(said[line] == "yes" for line in CHECK_NAMES), "released against the checklist"
            now.checker = event.actor_id
        if name == "publish":
            assert now.approver is not None, "published without approval"
            assert now.checker is not None, "published unchecked"
            assert said["kind"] == now.kind
            assert now.level != "major" or now.approver == "chief"
            assert now.kind == "interim" or now.outcome is not None, "final answer without verification"
            assert now.kind != "update" or now.final
            now.final = now.final or now.kind == "final"
            now.wrong = now.wrong and now.kind != "final"
        if name == "result_notice":
            assert now.planned, "result told before anything was planned"
            assert now.checker not in (None, event.actor_id), "released by whoever checked it, or unchecked"
            now.told = True
        if name in ("publish", "withdraw", "result_notice"):
            now.kind, now.approver, now.checker, now.writers = None, None, None, set()
        if name == "correct_response":
            now.wrong = True
        if name == "close":
            if now.outcome == "true":
                assert now.told, "closed without telling the result"
                assert now.planned, "closed without a plan"
                assert now.kept, "closed before it was put right"
            suggested = now.proposed or now.channel == "suggestion"
            assert now.outcome != "opinion_or_suggestion" or not suggested or now.adopted, "suggestion left unanswered"
            assert now.kind is None, "closed with an answer under way"
            assert not now.wrong, "closed with a wrong answer in public"


TestRandomDesk = RandomDesk.TestCase
TestRandomDesk.settings = settings(
    max_examples=10, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)


class LongDesk(RandomDesk):
    """The same for longer."""


TestLongDesk = pytest.mark.slow(LongDesk.TestCase)
TestLongDesk.settings = settings(
    max_examples=300, stateful_step_count=120, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_random_walks_come_far():
    """The walks above, counted: they reach publication, results and closing, or they prove nothing."""
    RandomDesk.reached.clear()
    run_state_machine_as_test(
        RandomDesk,
        settings=settings(
            max_examples=12, stateful_step_count=70, deadline=None, suppress_health_check=list(HealthCheck),
            derandomize=True, database=None, phases=[Phase.generate],
        ),
    )  # fmt: skip
    assert {"publish", "check_release", "approve", "verify", "extend", "plan", "close"} <= set(RandomDesk.reached)


def test_the_page_of_states_is_drawn_from_the_table(root):
    assert (root / "docs" / "case-states.md").read_text("utf8") == diagram(), (
        "caifeng case diagram > docs/case-states.md"
    )
    assert all(f"`{row.event}" in diagram() for row in TABLE)
