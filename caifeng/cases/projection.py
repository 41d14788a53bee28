"""How a case stands: the sum of its events, in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from caifeng.cases.fields import published_at
from caifeng.cases.model import HAND_OFFS, Actor, Case, Event
from caifeng.cases.table import DUTY_FIELDS, FACT_FIELDS, transition
from caifeng.core.errors import DataError

#: Events that begin the treatment anew; what people know of the issue stays, what was done for it does not count.
BEGIN_ANEW = ("reopen", "second_wave")
_KEPT = (
    "issue_no", "level", "response_value", "suggestion", "bureau_accused", "complex", "accused_unit", "rounds",
    "awaiting_receipt", *FACT_FIELDS,
)  # fmt: skip
#: An answer in the making that is no more.
_NO_ANSWER: dict[str, Any] = {
    "draft_kind": None, "drafters": frozenset(), "approved_by": None, "approved_at": None, "checked_by": None,
}  # fmt: skip


def project(issue_no: str, events: Iterable[Event]) -> Case:
    """How a case stands after its events, in their order: the same events always give the same case.

    Raises:
        DataError: an event does not follow from the one before; the register was tampered with or is incomplete.
    """
    case = Case(issue_no)
    for event in events:
        case = apply(case, event)
    return case


def apply(case: Case, event: Event) -> Case:
    """The case after one more event.

    Raises:
        DataError: the event does not fit the case.
    """
    row = transition(event.name, event.payload)
    if event.sequence != case.sequence + 1 or event.from_state != case.state or row is None:
        raise DataError(f"{event.event_id}: does not follow from {case.issue_no}#{case.sequence} ({case.state})")
    changes = _CHANGES[event.name](case, event) if event.name in _CHANGES else {}
    if event.name in BEGIN_ANEW:
        kept = {name: getattr(case, name) for name in _KEPT}
        case = Case(**kept, opened_at=event.at, reopened=case.reopened + 1)
    if row.to_answer == "none":
        changes |= _NO_ANSWER
    return replace(
        case,
        state=event.to_state or case.state,
        answer=row.to_answer or case.answer,
        sequence=event.sequence,
        last_event_at=event.at,
        **changes,
    )


def _said(event: Event, *names: str) -> dict[str, Any]:
    return {name: event.payload[name] for name in names if name in event.payload}


def _judged(case: Case, event: Event) -> dict[str, Any]:
    return {"confirmed_at": case.confirmed_at or event.decided_at} | _said(event, "level", *DUTY_FIELDS)


def _set_aside(case: Case, event: Event) -> dict[str, Any]:
    reason = event.payload.get("log_reason") or event.payload.get("scope_reason")
    return {"confirmed_at": case.confirmed_at or event.decided_at, "reason_code": reason} | _said(event, "parent")


def _drafted(case: Case, event: Event) -> dict[str, Any]:
    earlier = case.drafters if case.answer == "drafted" else frozenset()
    return {**_NO_ANSWER, "draft_kind": case.draft_kind, "drafters": earlier | {event.actor_id}} | (
        {"draft_kind": event.payload["kind"]} if event.name == "draft" else {}
    )


def _approved(_: Case, event: Event) -> dict[str, Any]:
    return {"approved_by": event.role, "approved_at": event.decided_at}


def _returned(_: Case, __: Event) -> dict[str, Any]:
    return {"approved_by": None, "approved_at": None, "checked_by": None}


def _published(case: Case, event: Event) -> dict[str, Any]:
    at = published_at(event.payload, event.decided_at)
    final = event.payload["kind"] == "final"
    return {
        "rounds": case.rounds + 1,
        "correcting": None if final else case.correcting,
        "first_published_at": case.first_published_at or at,
        "final_published_at": case.final_published_at or (at if final else None),
        "press_conference_at": case.press_conference_at
        or (at if event.payload["form"] == "press_conference" else None),
    }


def _told_result(case: Case, event: Event) -> dict[str, Any]:
    return {
        "rounds": case.rounds + 1,
        "checked_by": None,
        "result_notice_at": case.result_notice_at or published_at(event.payload, event.decided_at),
    }


def _handed_off(case: Case, event: Event) -> dict[str, Any]:
    first = {"report_up": "reported_up_at", "refer": "referred_at"}.get(event.name)
    changes: dict[str, Any] = {first: getattr(case, first) or event.decided_at} if first else {}
    if event.name == "report_up":
        changes["reported_to"] = case.reported_to | {event.payload["recipient"]}
    if "receipt_at" not in event.payload:
        changes["awaiting_receipt"] = case.awaiting_receipt | {event.sequence}
    return changes


def _planned(_: Case, event: Event) -> dict[str, Any]:
    due = date.fromisoformat(event.payload["due_day"])
    return {"plan_at": event.decided_at, "plan_due": due, "plan_done_at": None}


_Change = Callable[[Case, Event], dict[str, Any]]


_CHANGES: dict[str, _Change] = {
    "confirm": _judged,
    "change_level": _judged,
    "set_facts": lambda _, event: _said(event, *FACT_FIELDS),
    "log_only": _set_aside,
    "duplicate": _set_aside,
    "merge": _set_aside,
    "out_of_scope": _set_aside,
    "assign": lambda _, event: _said(event, "unit", "accused_unit", "bureau_accused"),
    "consult": lambda case, event: {"consulted": case.consulted | set(event.payload["invitees"])},
    "consult_result": lambda case, _: {"opinions": case.opinions + 1},
    "verify": lambda case, event: (
        {"verified_at": case.verified_at or event.decided_at, "suggestion": None, "adoption": None}
        | _said(event, "outcome", "suggestion")
    ),
    "mark_illegal": lambda _, event: {"illegal_mark": _who(event), "illegal_approved": ()},
    "approve_illegal": lambda case, event: {"illegal_approved": (*case.illegal_approved, _who(event))},
    "plan": _planned,
    "plan_done": lambda _, event: {"plan_done_at": event.decided_at},
    "adopt": lambda _, event: _said(event, "adoption"),
    "draft": _drafted,
    "submit": _drafted,
    "approve": _approved,
    "return": _returned,
    "check_release": lambda _, event: {"checked_by": event.actor_id},
    "publish": _published,
    "result_notice": _told_result,
    "correct_response": lambda _, event: {"correcting": event.payload["corrects"], "closed_at": None},
    "close": lambda _, event: {"closed_at": event.decided_at},
    "extend": lambda case, event: {
        "extended": (*case.extended, (event.payload["duty"], datetime.fromisoformat(event.payload["new_due_at"])))
    },
    "supervise": lambda case, event: {"supervised": (*case.supervised, (event.payload["duty"], event.decided_at))},
    "report_inside": lambda case, event: {"reported_inside_at": case.reported_inside_at or event.decided_at},
    **dict.fromkeys(HAND_OFFS, _handed_off),
    "receipt": lambda case, event: {"awaiting_receipt": case.awaiting_receipt - {event.payload["hand_off"]}},
}


def _who(event: Event) -> Actor:
    return Actor(event.role, event.actor_id)
