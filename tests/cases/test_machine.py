"""The table of transitions, and that no sequence of acts reaches a state it must not."""

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from caifeng.cases import model
from caifeng.cases.machine import FIELDS, GUARDS, TABLE, allowed, next_step, overall_outcome, project
from caifeng.cases.model import Actor, Case, ConflictError, GuardError, OnBehalf, RoleError
from caifeng.cases.service import act, chain_faults, read_case
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
            case = Case(ONE, state=state, answer=answer, draft_kind=kind, outcome=outcome, level="major")
            step = next_step(case)
            assert step is not None
            assert step.event in {row.event for row in allowed(case, step.role)}, (state, answer, step)
            swept += 1
    assert swept > 12


EVENTS = sorted({row.event for row in TABLE if row.subject is None})
#: What brings a case on its way; the others are tried by `anything`.
ONWARD = ("confirm", "assign", "verify", "draft", "submit", "approve", "publish", "close", "reopen")
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "level": st.sampled_from(["general", "larger", "major", "log_only"]),
        "suggested_level": st.just("general"),
        "reason": st.sampled_from(["太短", "经会商，影响范围较大，应当上调"]),
        "response_value": st.sampled_from(["must", "log_only"]),
        "log_reason": st.just("praise"),
        "scope_reason": st.just("irrelevant"),
        "parent": st.sampled_from([ONE, TWO]),
        "unit": st.sampled_from(["general", "rural"]),
        "accused_unit": st.just("rural"),
        "outcome": st.sampled_from(["true", "false", "not_ours"]),
        "basis": st.just("查阅台账"),
        "kind": st.sampled_from(["interim", "final"]),
        "text": st.just("经核查，情况如下。"),
        "form": st.just("portal_notice"),
        "place": st.just("门户网站"),
        "report_to": st.just("deputy"),
        "recipient": st.just("city_stats"),
        "medium": st.just("phone"),
    },
)


def moves(row, case):
    """Whether it changes how the case stands, so that a walk comes somewhere."""
    return row.to_state not in (None, case.state) or row.to_answer not in (None, case.answer) or row.event == "publish"


class RandomDesk(RuleBasedStateMachine):
    """Whatever anybody tries, in whatever order: the walls hold."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.opened = open_register(Path(self.folder.name))
        self.register = self.opened.__enter__()
        self.at = START
        self.accepted = 0

    def teardown(self):
        self.opened.__exit__(None, None, None)
        self.folder.cleanup()

    def attempt(self, event, role, actor, payload, on_behalf=None, issue_no=ONE):
        self.at += timedelta(minutes=1)
        row = next(row for row in TABLE if row.event == event)
        given = {name: value for name, value in payload.items() if name in (*row.required, *row.optional)}
        before = read_case(self.register, issue_no)
        try:
            act(self.register, issue_no, event, Actor(role, actor), given, self.at, on_behalf)
        except (RoleError, GuardError, ConflictError):
            assert read_case(self.register, issue_no) == before
        else:
            self.accepted += 1

    @rule(
        event=st.sampled_from(EVENTS),
        role=st.sampled_from(ROLES),
        actor=st.sampled_from(["a", "b"]),
        payload=PAYLOADS,
        issue_no=st.sampled_from([ONE, TWO]),
    )
    def anything(self, event, role, actor, payload, issue_no):
        self.attempt(event, role, actor, payload, issue_no=issue_no)

    @rule(data=st.data(), actor=st.sampled_from(["a", "b"]), payload=PAYLOADS, spoiled=st.booleans())
    def something_sensible(self, data, actor, payload, spoiled):
        """So that long ways are walked, not only the first steps."""
        case = read_case(self.register, ONE)
        role = data.draw(st.sampled_from(("openness_office", "deputy", "chief")))
        rows = [row for row in allowed(case, role) if row.event in ONWARD and moves(row, case)]
        if read_case(self.register, ONE).state == "responded" and data.draw(st.booleans()):
            self.attempt("result_notice", "openness_office", actor, {"form": "portal_notice", "place": "门户网站"})
        elif rows:
            row = data.draw(st.sampled_from(rows))
            extra = {"kind": case.draft_kind} if row.event == "publish" else {}
            full = {
                "level": "general", "suggested_level": "general", "log_reason": "praise", "scope_reason": "irrelevant",
                "unit": "general", "outcome": "true", "basis": "查阅台账", "kind": "final", "text": "情况如下",
                "form": "portal_notice", "place": "门户网站", "report_to": "deputy", "recipient": "city_stats",
                "medium": "phone", "parent": TWO, "reason": "经会商，影响范围较大，应当上调",
            }  # fmt: skip
            self.attempt(row.event, role, actor, {**full, **(payload if spoiled else {}), **extra})

    @precondition(lambda self: read_case(self.register, ONE).answer == "in_review")
    @rule(role=st.sampled_from(["deputy", "chief"]), payload=PAYLOADS, medium=st.sampled_from(["paper", "phone"]))
    def on_paper(self, role, payload, medium):
        behalf = OnBehalf(role, self.at, medium, SCAN if medium == "paper" else None)
        self.attempt("approve", "openness_office", "a", payload, behalf)

    @invariant()
    def walls_hold(self):
        events = self.register.events()
        assert chain_faults(events) == []
        for issue_no in (ONE, TWO):
            own = [event for event in events if event.subject == issue_no]
            assert [event.sequence for event in own] == list(range(1, len(own) + 1))
            assert project(issue_no, own) == read_case(self.register, issue_no)
            check_history(own)


def check_history(events):
    """An independent reading of one case's events: what must never have happened."""
    outcome = level = approver = None
    drafters, kind, told = set(), None, False
    state = "detected"
    for event in events:
        assert event.from_state == state
        state = event.to_state
        payload = event.payload
        if event.name == "reopen":
            outcome, kind, approver, told = None, None, None, False
            final = False
        level = payload.get("level", level) if event.name in ("confirm", "change_level") else level
        if event.name == "confirm":
            final = False
        if event.name == "verify":
            outcome = payload["outcome"]
        if event.name == "draft":
            kind, approver = payload["kind"], None
            drafters.add(event.actor_id)
        if event.name in ("return", "withdraw"):
            approver = None
        if event.name == "approve":
            assert event.role in ("deputy", "chief")
            assert event.on_behalf or event.actor_id not in drafters
            approver = event.role
        if event.name == "publish":
            assert approver is not None, "published without approval"
            assert payload["kind"] == kind
            assert level != "major" or approver == "chief"
            assert kind == "interim" or outcome is not None, "final answer without verification"
            final = final or kind == "final"
            kind, approver, drafters = None, None, set()
        if event.name == "withdraw":
            drafters = set()
        told = told or event.name == "result_notice"
        if event.name == "close":
            assert outcome != "true" or told, "closed without telling the result"
            assert kind is None, "closed with an answer under way"


TestRandomDesk = RandomDesk.TestCase
TestRandomDesk.settings = settings(
    max_examples=30, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
