"""The one way to act on a case: every page, command and form calls `act`, and only here is an event added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from caifeng.cases.machine import (
    FIELDS,
    FREE_WORDS,
    GUARDS,
    USUAL_RULES,
    Act,
    CaseRules,
    Transition,
    apply,
    checked_payload,
    project,
    row_fits,
    transition,
)
from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    GENESIS,
    MEDIUM_NAMES,
    Actor,
    Case,
    ConflictError,
    Event,
    GuardError,
    OnBehalf,
    RoleError,
    chain_hash,
    payload_hash,
)
from caifeng.cases.store import Book, Register
from caifeng.core.errors import UsageError
from caifeng.core.text.scrub import scrub
from caifeng.core.text.urls import canonical_url

#: Who may register what somebody else decided on paper or by phone.
REGISTRAR = "openness_office"
#: An answer is the office's own public text: its telephone numbers stay. All other free words are scrubbed.
OWN_TEXTS = ("draft",)
#: Clocks of two machines may differ by so much.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Step:
    """One wish: an event with what was filled in."""

    event: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    on_behalf: OnBehalf | None = None
    idempotency_key: str | None = None


def act(
    register: Register,
    issue_no: str | None,
    event: str,
    actor: Actor,
    payload: Mapping[str, Any],
    at: datetime,
    on_behalf: OnBehalf | None = None,
    idempotency_key: str | None = None,
    expected: int | None = None,
    rules: CaseRules = USUAL_RULES,
) -> Event:
    """Add one event if role, state and guards allow it.

    Args:
        register: where it is kept.
        issue_no: the case; null for events of no case (log_signed, new_lead, …).
        event: name from the table of transitions.
        actor: who registers it.
        payload: what was filled in; fields as the table declares them.
        at: now, with a zone.
        on_behalf: who decided, where that was on paper or by phone.
        idempotency_key: the same key again returns the first event and adds nothing.
        expected: number of events of the case that the caller has seen; null: whatever there is.
        rules: what the office asks for beyond the law (config/register.toml).

    Raises:
        RoleError: the role may not do this.
        GuardError: state, payload or a guard forbids it.
        ConflictError: somebody else acted on the case since `expected`, or the key belongs to another action.
        UsageError: there is no such event or issue.
    """
    return act_all(register, issue_no, [Step(event, payload, on_behalf, idempotency_key)], actor, at, expected, rules)[
        0
    ]


def act_all(
    register: Register,
    issue_no: str | None,
    steps: Sequence[Step],
    actor: Actor,
    at: datetime,
    expected: int | None = None,
    rules: CaseRules = USUAL_RULES,
) -> list[Event]:
    """Add the events of one form, all of them or none; arguments and errors as `act`."""
    with register.writing() as book:
        return [
            _act(book, issue_no, step, actor, at, None if expected is None else expected + place, rules)
            for place, step in enumerate(steps)
        ]


def read_case(register: Register, issue_no: str) -> Case:
    """How a case stands now.

    Raises:
        UsageError: the number was never given.
    """
    with register.writing() as book:
        return _case(book, issue_no)


def erase_texts(register: Register, position: int, reason: str, actor: Actor, at: datetime) -> Event:
    """Delete the free words of one event, where the law asks for it; its codes and its place in the chain stay.

    Args:
        register: where it is kept.
        position: place of the event in the register.
        reason: by which rule, in at least ten characters; never the words themselves.
        actor: openness office or a leader.
        at: now.

    Returns:
        The event `erased`, without which missing words are a fault of the chain.

    Raises:
        UsageError: there is no such event, or it has no words (any more).
        RoleError, GuardError: as `act`.
    """
    return act(register, None, "erased", actor, {"position": position, "reason": reason}, at)


def _act(
    book: Book, issue_no: str | None, step: Step, actor: Actor, at: datetime, expected: int | None, rules: CaseRules
) -> Event:
    row = transition(step.event, step.payload)
    if row is None:
        raise UsageError(f"no such event: {step.event!r}")
    if (row.subject is None) != (issue_no is not None):
        raise UsageError(
            f"{step.event}: " + ("needs an issue number" if row.subject is None else "belongs to no issue")
        )
    subject = issue_no or str(row.subject)
    payload = checked_payload(row.label, row.required, row.optional, step.payload)
    if step.event not in OWN_TEXTS:
        payload = _scrubbed(payload)
    if step.idempotency_key and (earlier := book.by_key(step.idempotency_key)):
        if (earlier.subject, earlier.name, earlier.payload) != (subject, step.event, payload):
            raise ConflictError(f"编号 {step.idempotency_key} 已用于另一项操作")
        return earlier
    _check_role(row, actor, step.on_behalf, at)
    history = book.events(subject)
    case = _case(book, issue_no, history) if issue_no else Case(subject, sequence=len(history))
    if expected is not None and case.sequence != expected:
        raise ConflictError("您打开页面之后有人先处理了这个事项，请刷新后再办")
    if history and at < history[-1].at - CLOCK_TOLERANCE:
        raise GuardError("time", "登记时间早于该事项的上一步，请检查时钟")
    if issue_no and (words := row_fits(row, case)):
        raise GuardError("state", words)
    wish = Act(case, actor, step.on_behalf, payload, at, history, lambda number: _other(book, number), rules)
    for guard in row.guards:
        if words := GUARDS[guard](wish):
            raise GuardError(guard, words)
    event = book.append(
        subject,
        step.event,
        states=(case.state, row.to_state or case.state) if issue_no else (None, None),
        actor=actor,
        on_behalf=step.on_behalf,
        at=at,
        codes={name: value for name, value in payload.items() if FIELDS[name].kind not in FREE_WORDS},
        texts={name: value for name, value in payload.items() if FIELDS[name].kind in FREE_WORDS},
        idempotency_key=step.idempotency_key,
    )
    if issue_no:
        apply(case, event)
    if event.name == "erased":
        book.erase(event.codes["position"])
    return event


def _case(book: Book, issue_no: str, history: Sequence[Event] | None = None) -> Case:
    if not book.knows(issue_no):
        raise UsageError(f"no such issue: {issue_no} (numbers look like YQ-2026-0001)")
    return project(issue_no, book.events(issue_no) if history is None else history)


def _other(book: Book, issue_no: str) -> Case | None:
    return _case(book, issue_no) if book.knows(issue_no) else None


def _check_role(row: Transition, actor: Actor, on_behalf: OnBehalf | None, at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("`at` needs a zone")
    if actor.role not in CASE_ROLE_NAMES or not 1 <= len(actor.id) <= 64:
        raise RoleError(f"没有这个角色或账号：{actor.role} {actor.id}")
    role = on_behalf.role if on_behalf else actor.role
    if role not in row.roles:
        needed = "、".join(CASE_ROLE_NAMES[allowed] for allowed in row.roles)
        raise RoleError(f"{CASE_ROLE_NAMES.get(role, role)}不能{row.label}（须{needed}）")
    if on_behalf is None:
        return
    if actor.role != REGISTRAR:
        raise RoleError("代为登记须由政务公开办办理")
    if on_behalf.medium not in MEDIUM_NAMES or on_behalf.decided_at.tzinfo is None:
        raise GuardError("on_behalf", "代为登记：须写明方式和带时区的决定时间")
    if on_behalf.decided_at > at:
        raise GuardError("on_behalf", "代为登记：决定时间晚于现在")
    if on_behalf.medium == "paper" and not on_behalf.scan_hash:
        raise GuardError("on_behalf", "代为登记：书面决定须附扫描件校验值")
    if on_behalf.scan_hash and (len(on_behalf.scan_hash) != 64 or set(on_behalf.scan_hash) - set("0123456789abcdef")):
        raise GuardError("on_behalf", "代为登记：扫描件校验值须为64位十六进制（SHA-256）")


def _scrubbed(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload without personal data in its free words."""

    def clean(value: Any) -> Any:
        match value:
            case str():
                return scrub(value)
            case list():
                return [clean(item) for item in value]
            case dict():
                return {name: clean(item) for name, item in value.items()}
        return value

    kept = {name: clean(value) if FIELDS[name].kind in ("text", "claims") else value for name, value in payload.items()}
    if "content_url" in kept:  # content is named, never who wrote it
        kept["content_url"] = canonical_url(kept["content_url"])
    return kept


def verify_chain(register: Register) -> list[str]:
    """What is wrong with the register, one line each; empty: nothing was changed, left out or put in between."""
    return chain_faults(register.events())


def chain_faults(events: Sequence[Event]) -> list[str]:
    """As `verify_chain`, for events in the order of their position. Words are missing only where `erased` says so."""
    faults = []
    erased = {event.codes["position"]: event.position for event in events if event.name == "erased"}
    previous = GENESIS
    for position, event in enumerate(events, start=1):
        if event.position != position:
            faults.append(f"{event.event_id}: position {event.position}, expected {position}")
        if event.previous_hash != previous:
            faults.append(f"{event.event_id}: does not follow the event before it")
        if event.hash != chain_hash(event):
            faults.append(f"{event.event_id}: was changed")
        if event.texts is None and erased.get(event.position, 0) <= event.position:
            faults.append(f"{event.event_id}: its words are missing, and no erasure is registered")
        if event.texts is not None and event.payload_hash != payload_hash(event.payload, event.salt or ""):
            faults.append(f"{event.event_id}: its payload was changed")
        previous = event.hash
    return faults


def cases_of(events: Sequence[Event]) -> dict[str, Case]:
    """Every case that has events, by number."""
    by_case: dict[str, list[Event]] = {}
    for event in events:
        if event.from_state is not None:
            by_case.setdefault(event.subject, []).append(event)
    return {issue_no: project(issue_no, own) for issue_no, own in by_case.items()}
