"""The treatment of a case as data: which event may follow, by whom, with what, under which guards.

Two things run side by side: the treatment itself (`state`), and the answer in the making (`answer`: drafted, in
review, approved), because an interim notice 已关注、正在核查 is written while the facts are still being verified.
Rests on 《政务舆情回应制度》 Art. 6 (confirm), 7 (报审、归口报送), 8-9 (verify first, clarify or fix, tell the result),
11-12 (publish).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    CLAIM_TYPES,
    DAILY_LOG,
    FINDINGS,
    FORM_NAMES,
    HAND_OFF_MEDIUM_NAMES,
    KIND_NAMES,
    LABELS,
    LEADS,
    LOG_REASON_NAMES,
    OUTCOME_NAMES,
    RECIPIENT_NAMES,
    RESULT_OWED,
    SCOPE_REASON_NAMES,
    STATE_NAMES,
    Actor,
    Case,
    Event,
    GuardError,
    OnBehalf,
)
from caifeng.core.errors import DataError
from caifeng.core.model.deadlines import CHANNEL_NAMES
from caifeng.core.model.terms import EMERGENCY_LEVELS, LEVEL_NAMES, RESPONSE_NAMES, STANCE_NAMES

#: Levels at which only the head of the office approves (domain: 重大以上由主要领导审批).
CHIEF_LEVELS = ("major", "extreme")
#: A changed level, a return and a reopening say why in at least so many characters.
REASON_CHARACTERS = 10


class Field(NamedTuple):
    """A payload field: its name on screen, its kind, and the closed values of a code.

    `text`, `url` and `claims` are free words: kept apart from the rest, so that they can be erased one day.
    """

    label: str
    kind: Literal["code", "id", "ids", "flag", "time", "day", "hash", "text", "url", "claims"] = "text"
    values: tuple[str, ...] = ()


FIELDS: dict[str, Field] = {
    "level": Field("级别", "code", tuple(LEVEL_NAMES)),
    "suggested_level": Field("系统建议级别", "code", tuple(LEVEL_NAMES)),
    "response_value": Field("回应价值", "code", tuple(RESPONSE_NAMES)),
    "emergency_level": Field("突发事件等级", "code", EMERGENCY_LEVELS),
    "sensitive": Field("敏感", "flag"),
    "complex": Field("情况复杂", "flag"),
    "channel": Field("来件渠道", "code", tuple(CHANNEL_NAMES)),
    "reason": Field("理由"),
    "log_reason": Field("仅记原因", "code", tuple(LOG_REASON_NAMES)),
    "scope_reason": Field("转出原因", "code", tuple(SCOPE_REASON_NAMES)),
    "parent": Field("并入事项", "id"),
    "posts": Field("分出的帖文", "ids"),
    "unit": Field("承办股室", "id"),
    "accused_unit": Field("被反映股室", "id"),
    "outcome": Field("核查结论", "code", tuple(OUTCOME_NAMES)),
    "basis": Field("核查依据"),
    "claims": Field("逐条核查", "claims"),
    "kind": Field("回应类别", "code", tuple(KIND_NAMES)),
    "text": Field("内容"),
    "form": Field("回应形式", "code", tuple(FORM_NAMES)),
    "url": Field("链接", "url"),
    "place": Field("发布渠道"),
    "index_no": Field("索引号"),
    "published_at": Field("发布时间", "time"),
    "recipient": Field("报送对象", "code", tuple(RECIPIENT_NAMES)),
    "report_to": Field("报告对象", "code", ("deputy", "chief")),
    "medium": Field("报送方式", "code", tuple(HAND_OFF_MEDIUM_NAMES)),
    "receipt_at": Field("回执时间", "time"),
    "day": Field("日志日期", "day"),
    "file_hash": Field("文件校验值", "hash"),
    "title": Field("标题"),
    "source": Field("来源"),
    "post_id": Field("帖文", "id"),
    "relevant": Field("涉统计", "flag"),
    "topic": Field("领域", "id"),
    "stance": Field("立场", "code", tuple(STANCE_NAMES)),
}


FREE_WORDS = ("text", "url", "claims")


class Transition(NamedTuple):
    """One event: where it may happen, who may cause it, what it needs, and where it leads.

    `to_state` and `to_answer` null: unchanged. `answers` null: whatever the answer in the making. `subject` is set
    for events of no case; `kind` tells the two rows of `publish` apart. A guard is a function of GUARDS.
    """

    event: str
    label: str
    roles: tuple[str, ...]
    states: tuple[str, ...]
    to_state: str | None = None
    answers: tuple[str, ...] | None = None
    to_answer: str | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    subject: str | None = None
    kind: str | None = None


_OFFICE = ("openness_office",)
_DESK = ("monitor", "openness_office")
_LEADERS = ("deputy", "chief")
_WRITERS = ("section", "openness_office", "spokesperson")
_WORKING = ("confirmed", "assigned", "verified", "responded")
_EVERYBODY = tuple(role for role in CASE_ROLE_NAMES if role != "auditor")
_DUTY_FIELDS = ("response_value", "emergency_level", "sensitive", "complex", "channel", "accused_unit")
_TOLD, _TOLD_MORE = ("recipient", "medium"), ("receipt_at", "text")

TABLE: tuple[Transition, ...] = (
    # research and judgement (Art. 6)
    Transition(
        "confirm", "确认级别", (*_DESK, *_LEADERS), ("detected",), "confirmed",
        required=("level",), optional=("suggested_level", "reason", *_DUTY_FIELDS), guards=("change_has_reason",),
    ),
    Transition(
        "change_level", "调整级别", (*_OFFICE, *_LEADERS), _WORKING,
        required=("level", "reason"), optional=_DUTY_FIELDS, guards=("reason_is_said",),
    ),
    Transition(
        "log_only", "仅记日志", _DESK, ("detected", "confirmed"), "logged_only", ("none",),
        required=("log_reason",), optional=("reason",),
    ),
    Transition(
        "duplicate", "并案", _DESK, ("detected", "confirmed", "assigned"), "duplicate", ("none",),
        required=("parent",), optional=("reason",), guards=("parent_is_another_case",),
    ),
    # what the machine put together or kept apart, corrected: the posts go with it (caifeng.cases.corrections)
    Transition(
        "merge", "合并事项", _DESK, ("detected", "confirmed", "assigned"), "duplicate", ("none",),
        required=("parent",), optional=("reason",), guards=("parent_is_another_case",),
    ),
    Transition(
        "split", "拆分事项", _DESK, ("detected", *_WORKING),
        required=("posts",), optional=("parent", "reason"), guards=("target_is_another_case",),
    ),
    Transition(
        "out_of_scope", "转出", _DESK, ("detected", "confirmed", "assigned", "verified"), "out_of_scope", ("none",),
        required=("scope_reason",), optional=("reason",),
    ),
    # assignment and verification (Art. 8, 9)
    Transition(
        "assign", "交办", (*_OFFICE, *_LEADERS), ("confirmed", "assigned"), "assigned",
        required=("unit",), optional=("accused_unit", "reason"), guards=("unit_is_not_accused",),
    ),
    Transition(
        "verify", "登记核查结论", ("section", "openness_office"), ("confirmed", "assigned", "verified"), "verified",
        required=("outcome", "basis"), optional=("unit", "claims"),
        guards=("verifier_is_not_accused", "own_case", "no_final_under_way", "outcome_follows_claims"),
    ),
    # the answer in the making
    Transition(
        "draft", "拟稿", _WRITERS, _WORKING, answers=("none", "drafted"), to_answer="drafted",
        required=("kind", "text"), guards=("final_is_verified",),
    ),
    Transition(
        "submit", "报审", _WRITERS, _WORKING, answers=("drafted",), to_answer="in_review",
        optional=("reason",), guards=("final_is_verified",),
    ),
    Transition(
        "approve", "同意", _LEADERS, _WORKING, answers=("in_review",), to_answer="approved",
        optional=("text",), guards=("approver_has_rank", "approver_did_not_draft", "final_is_verified"),
    ),
    Transition(
        "return", "退回", _LEADERS, _WORKING, answers=("in_review", "approved"), to_answer="drafted",
        required=("reason",),
    ),
    Transition(
        "withdraw", "撤回拟稿", _WRITERS, _WORKING, answers=("drafted", "in_review", "approved"), to_answer="none",
        required=("reason",),
    ),
    # publication (Art. 11, 12). A final answer moves the case; an interim notice leaves it where it is.
    Transition(
        "publish", "发布关注通报", ("openness_office", "spokesperson"), _WORKING, None, ("approved",), "none",
        required=("kind", "form"), optional=("url", "place", "index_no", "published_at", "text"),
        guards=("approver_has_rank", "place_is_named", "published_after_approval"), kind="interim",
    ),
    Transition(
        "publish", "发布正式回应", ("openness_office", "spokesperson"), ("verified", "responded"), "responded",
        ("approved",), "none",
        required=("kind", "form"), optional=("url", "place", "index_no", "published_at", "text"),
        guards=(
            "final_is_verified", "approver_has_rank", "place_is_named", "published_after_approval",
        ), kind="final",
    ),
    Transition(
        "result_notice", "通报办理结果", ("openness_office", "spokesperson"), ("responded",),
        required=("form",), optional=("url", "place", "index_no", "published_at", "text"),
        guards=("place_is_named", "published_before_now"),
    ),
    Transition(
        "close", "办结", (*_OFFICE, *_LEADERS), ("verified", "responded"), "closed", ("none",),
        optional=("reason",), guards=("answer_was_given", "result_was_told"),
    ),
    Transition(
        "reopen", "重新办理", (*_DESK, *_LEADERS),
        ("responded", "closed", "logged_only", "duplicate", "out_of_scope"), "detected", ("none",),
        required=("reason",), guards=("reason_is_said",),
    ),
    # told to others: recorded, the case stays where it is (Art. 7, 10)
    Transition(
        "report_inside", "报告领导", _DESK, ("detected", *_WORKING), required=("report_to",), optional=("text",),
    ),
    Transition(
        "report_up", "归口报送", (*_OFFICE, *_LEADERS), ("detected", *_WORKING),
        required=_TOLD, optional=_TOLD_MORE,
    ),
    Transition("refer", "转办", _DESK, ("detected", *_WORKING, "out_of_scope"), required=_TOLD, optional=_TOLD_MORE),
    Transition("share", "信息共享", _OFFICE, ("detected", *_WORKING, "closed"), required=_TOLD, optional=_TOLD_MORE),
    Transition("note", "记事", _EVERYBODY, tuple(STATE_NAMES), required=("text",)),
    # of no case
    Transition(
        "log_signed", "签发日志", (*_OFFICE, *_LEADERS), (),
        required=("day", "file_hash"), guards=("not_signed_yet",), subject=DAILY_LOG,
    ),
    Transition(
        "new_lead", "新增线索", _EVERYBODY, (),
        required=("title", "source"), optional=("url", "text", "published_at"), subject=LEADS,
    ),
    # what the machine made of a post, confirmed or corrected (caifeng.jobs.quality)
    Transition(
        "label", "判定帖文", _DESK, (),
        required=("post_id",), optional=("relevant", "topic", "stance", "reason"), guards=("label_says_something",),
        subject=LABELS,
    ),
)  # fmt: skip


def transition(event: str, payload: Mapping[str, Any]) -> Transition | None:
    """The row of the table for an event; of `publish` the one for the payload's `kind`."""
    rows = [row for row in TABLE if row.event == event]
    return next((row for row in rows if row.kind in (None, payload.get("kind"))), rows[0] if rows else None)


def allowed(case: Case, role: str) -> tuple[Transition, ...]:
    """What this role may do next with a case: the buttons of its page. Guards are asked when it is done."""
    return tuple(row for row in TABLE if row.subject is None and role in row.roles and row_fits(row, case) is None)


def row_fits(row: Transition, case: Case) -> str | None:
    """Why the row does not fit how the case stands, in Chinese; null if it does."""
    if case.state not in row.states:
        return f"事项现为“{STATE_NAMES[case.state]}”，不能{row.label}"
    if row.answers is not None and case.answer not in row.answers:
        needed = "、".join(_ANSWER_WORDS[answer] for answer in row.answers)
        return f"{_ANSWER_WORDS[case.answer]}，不能{row.label}（须{needed}）"
    if row.kind == "interim" and case.draft_kind == "final":
        return "在办的是正式回应，不是关注通报"
    if row.kind == "final" and case.draft_kind == "interim":
        return "在办的是关注通报，不是正式回应"
    return None


_ANSWER_WORDS = {"none": "没有在办口径", "drafted": "口径已拟稿", "in_review": "口径在报审", "approved": "口径已同意"}


# --- guards ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """All that a guard may look at."""

    case: Case
    actor: Actor
    on_behalf: OnBehalf | None
    payload: Mapping[str, Any]
    at: datetime
    history: tuple[Event, ...]
    """Earlier events of the subject."""
    other: Callable[[str], Case | None]
    """Another case by its number; null where there is none."""

    @property
    def role(self) -> str:
        """The role that decides."""
        return self.on_behalf.role if self.on_behalf else self.actor.role


def _change_has_reason(act: Act) -> str | None:
    if act.payload["level"] == act.payload.get("suggested_level"):
        return None
    return "级别与系统建议不同，" + _need_reason(act) if _need_reason(act) else None


def _reason_is_said(act: Act) -> str | None:
    return _need_reason(act) or None


def _need_reason(act: Act) -> str:
    said = len(act.payload.get("reason", "").strip()) >= REASON_CHARACTERS
    return "" if said else f"理由不少于 {REASON_CHARACTERS} 个字"


def _parent_is_another_case(act: Act) -> str | None:
    parent = act.other(act.payload["parent"])
    if parent is None:
        return f"没有事项 {act.payload['parent']}"
    if parent.issue_no == act.case.issue_no:
        return "不能并入自身"
    return f"{parent.issue_no} 已并入 {parent.parent}，请并入后者" if parent.state == "duplicate" else None


def _target_is_another_case(act: Act) -> str | None:
    return _parent_is_another_case(act) if act.payload.get("parent") else None


def _unit_is_not_accused(act: Act) -> str | None:
    accused = act.payload.get("accused_unit") or act.case.accused_unit
    return "被反映的股室不能核查自己，请交其他股室" if act.payload["unit"] == accused else None


def _verifier_is_not_accused(act: Act) -> str | None:
    unit = act.payload.get("unit") or act.actor.unit or (act.case.unit if act.role == "section" else None)
    accused = act.case.accused_unit
    own = act.role == "section" and act.actor.role == "section" and act.actor.unit
    if accused and accused in (unit, own):
        return "被反映的股室不能认定自己的核查结论"
    return None


def _own_case(act: Act) -> str | None:
    if act.role != "section" or act.on_behalf or not act.actor.unit:
        return None
    return None if act.actor.unit == act.case.unit else "事项没有交给本股室"


def _no_final_under_way(act: Act) -> str | None:
    under_way = act.case.draft_kind == "final" and act.case.answer in ("in_review", "approved")
    return "正式回应正在报审或已同意，先退回或撤回再改结论" if under_way else None


def _outcome_follows_claims(act: Act) -> str | None:
    outcome = overall_outcome(act.payload.get("claims", ()))
    if outcome is None or outcome == act.payload["outcome"]:
        return None
    return f"逐条核查的结果是“{OUTCOME_NAMES[outcome]}”，与所填结论不符"


def _final_is_verified(act: Act) -> str | None:
    kind = act.payload.get("kind") or act.case.draft_kind
    return "未核查不能作正式回应；可先发关注通报" if kind == "final" and act.case.outcome is None else None


def _approver_has_rank(act: Act) -> str | None:
    role = act.case.approved_by if act.case.answer == "approved" else act.role
    return "重大以上事项须主要领导同意" if act.case.level in CHIEF_LEVELS and role != "chief" else None


def _approver_did_not_draft(act: Act) -> str | None:
    # A decision on paper or by phone is the leader's, whoever registers it.
    return "拟稿人不能审批自己的口径" if not act.on_behalf and act.actor.id in act.case.drafters else None


def _place_is_named(act: Act) -> str | None:
    return None if act.payload.get("url") or act.payload.get("place") else "须填链接或发布渠道"


def _published_before_now(act: Act) -> str | None:
    return "发布时间晚于现在" if _published_at(act.payload, act.at) > act.at else None


def _published_after_approval(act: Act) -> str | None:
    if act.case.approved_at and _published_at(act.payload, act.at) < act.case.approved_at:
        return "发布时间早于同意时间"
    return _published_before_now(act)


def _answer_was_given(act: Act) -> str | None:
    if act.case.final_published_at or act.case.response_value in ("log_only", "refer_out"):
        return None
    if act.case.outcome == "not_ours":
        return None if act.case.referred_at else "非本单位职责的，先转办再办结"
    return "应当回应而未正式回应，不能办结"


def _result_was_told(act: Act) -> str | None:
    owed = act.case.outcome in RESULT_OWED and act.case.result_notice_at is None
    return "属实或部分属实的，通报办理结果后才能办结" if owed else None


def _label_says_something(act: Act) -> str | None:
    said = {"relevant", "topic", "stance"} & set(act.payload)
    return None if said else "须判定是否涉统计、领域或立场"


def _not_signed_yet(act: Act) -> str | None:
    signed = {(event.payload.get("day"), event.payload.get("file_hash")) for event in act.history}
    return "这份日志已经签发" if (act.payload["day"], act.payload["file_hash"]) in signed else None


GUARDS: dict[str, Callable[[Act], str | None]] = {
    "change_has_reason": _change_has_reason,
    "reason_is_said": _reason_is_said,
    "parent_is_another_case": _parent_is_another_case,
    "target_is_another_case": _target_is_another_case,
    "unit_is_not_accused": _unit_is_not_accused,
    "verifier_is_not_accused": _verifier_is_not_accused,
    "own_case": _own_case,
    "no_final_under_way": _no_final_under_way,
    "outcome_follows_claims": _outcome_follows_claims,
    "final_is_verified": _final_is_verified,
    "approver_has_rank": _approver_has_rank,
    "approver_did_not_draft": _approver_did_not_draft,
    "place_is_named": _place_is_named,
    "published_before_now": _published_before_now,
    "published_after_approval": _published_after_approval,
    "answer_was_given": _answer_was_given,
    "result_was_told": _result_was_told,
    "not_signed_yet": _not_signed_yet,
    "label_says_something": _label_says_something,
}


def overall_outcome(claims: Iterable[Mapping[str, Any]]) -> str | None:
    """Outcome that the findings on the factual claims add up to; null where they leave it open."""
    findings = {claim["finding"] for claim in claims if claim["type"] == "fact"}
    if findings in ({"true"}, {"false"}):
        return str(next(iter(findings)))
    return "partly_true" if {"true", "false"} <= findings else None


# --- payloads --------------------------------------------------------------------------------------------------------


def checked_payload(row: Transition, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload with its declared fields, texts stripped.

    Raises:
        GuardError: a field is unknown, missing, or not of its kind (guard `payload`).
    """
    known = (*row.required, *row.optional)
    if unknown := sorted(set(payload) - set(known)):
        raise GuardError("payload", f"{row.label}：没有这一项：{'、'.join(unknown)}")
    given = {name: value for name, value in payload.items() if value not in (None, "")}
    if missing := [FIELDS[name].label for name in row.required if name not in given]:
        raise GuardError("payload", f"{row.label}：未填{'、'.join(missing)}")
    return {name: _checked(FIELDS[name], given[name]) for name in known if name in given}


def _checked(field: Field, value: Any) -> Any:
    good: Any = None
    match field.kind:
        case "code" if value in field.values:
            good = value
        case "flag" if isinstance(value, bool):
            good = value
        case "claims" if isinstance(value, list | tuple) and value:
            good = [_claim(field, claim) for claim in value]
        case "id" if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,40}", value):
            good = value
        case "ids":
            good = _ids(value)
        case "hash" if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value):
            good = value
        case "url" if isinstance(value, str) and re.fullmatch(r"https?://[^\s/]\S{0,1999}", value):
            good = value
        case "text" if isinstance(value, str):
            good = _text(value)
        case "time" | "day" if isinstance(value, str):
            good = _moment(value, field.kind)
    if good is None:
        allowed = f"（可填 {'、'.join(field.values)}）" if field.values else ""
        raise GuardError("payload", f"{field.label}：填写有误{allowed}")
    return good


def _ids(value: Any) -> list[str] | None:
    """Ids given as a list, or in one text with spaces, commas or lines between them; sorted, each once."""
    given = re.split(r"[\s,，、;；]+", value.strip()) if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not 1 <= len(given) <= 1000:
        return None
    good = all(isinstance(one, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", one) for one in given)
    return sorted(set(given)) if good else None


def _text(value: str) -> str | None:
    text = value.strip()
    printable = not re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", text)
    return text if text and printable and len(text) <= 20_000 else None


def _moment(value: str, kind: str) -> str | None:
    try:
        if kind == "day":
            return date.fromisoformat(value).isoformat()
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.isoformat() if moment.tzinfo else None


def _claim(field: Field, claim: Any) -> dict[str, Any]:
    if not isinstance(claim, Mapping) or not {"text", "type", "finding"} <= set(claim) <= {
        "text", "type", "finding", "evidence",
    }:  # fmt: skip
        raise GuardError("payload", f"{field.label}：每条须有 text、type、finding，可有 evidence")
    evidence = claim.get("evidence", [])
    if claim["type"] not in CLAIM_TYPES or claim["finding"] not in FINDINGS or not isinstance(evidence, list):
        raise GuardError("payload", f"{field.label}：类型、结论或证据填写有误")
    return {
        "text": _checked(FIELDS["text"], claim["text"]),
        "type": claim["type"],
        "finding": claim["finding"],
        "evidence": [_checked(FIELDS["text"], item) for item in evidence],
    }


# --- projection ------------------------------------------------------------------------------------------------------


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
    if event.name == "reopen":
        case = Case(
            case.issue_no,
            opened_at=event.at,
            reopened=case.reopened + 1,
            level=case.level,
            response_value=case.response_value,
            emergency_level=case.emergency_level,
            sensitive=case.sensitive,
            complex=case.complex,
            accused_unit=case.accused_unit,
        )
    if row.to_answer == "none":
        changes |= {"draft_kind": None, "drafters": frozenset(), "approved_by": None, "approved_at": None}
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
    return {"confirmed_at": case.confirmed_at or event.decided_at} | _said(event, "level", *_DUTY_FIELDS)


def _set_aside(case: Case, event: Event) -> dict[str, Any]:
    reason = event.payload.get("log_reason") or event.payload.get("scope_reason")
    return {"confirmed_at": case.confirmed_at or event.decided_at, "reason_code": reason} | _said(event, "parent")


def _drafted(case: Case, event: Event) -> dict[str, Any]:
    earlier = case.drafters if case.answer == "drafted" else frozenset()
    return {"drafters": earlier | {event.actor_id}, "approved_by": None, "approved_at": None} | (
        {"draft_kind": event.payload["kind"]} if event.name == "draft" else {}
    )


def _approved(_: Case, event: Event) -> dict[str, Any]:
    return {"approved_by": event.role, "approved_at": event.decided_at}


def _returned(_: Case, __: Event) -> dict[str, Any]:
    return {"approved_by": None, "approved_at": None}


def _published(case: Case, event: Event) -> dict[str, Any]:
    at = _published_at(event.payload, event.decided_at)
    final = event.payload["kind"] == "final"
    return {
        "first_published_at": case.first_published_at or at,
        "final_published_at": case.final_published_at or (at if final else None),
        "press_conference_at": case.press_conference_at
        or (at if event.payload["form"] == "press_conference" else None),
    }


def _published_at(payload: Mapping[str, Any], otherwise: datetime) -> datetime:
    return datetime.fromisoformat(payload["published_at"]) if "published_at" in payload else otherwise


_Change = Callable[[Case, Event], dict[str, Any]]


def _first(attribute: str) -> _Change:
    """Change that notes when something happened for the first time."""
    return lambda case, event: {attribute: getattr(case, attribute) or event.decided_at}


_CHANGES: dict[str, _Change] = {
    "confirm": _judged,
    "change_level": _judged,
    "log_only": _set_aside,
    "duplicate": _set_aside,
    "merge": _set_aside,
    "out_of_scope": _set_aside,
    "assign": lambda _, event: _said(event, "unit", "accused_unit"),
    "verify": lambda case, event: {"verified_at": case.verified_at or event.decided_at} | _said(event, "outcome"),
    "draft": _drafted,
    "submit": _drafted,
    "approve": _approved,
    "return": _returned,
    "publish": _published,
    "result_notice": lambda case, event: {
        "result_notice_at": case.result_notice_at or _published_at(event.payload, event.decided_at)
    },
    "close": lambda _, event: {"closed_at": event.decided_at},
    "report_inside": _first("reported_inside_at"),
    "report_up": _first("reported_up_at"),
    "refer": _first("referred_at"),
}


# --- who is next -----------------------------------------------------------------------------------------------------


class NextStep(NamedTuple):
    """What has to be done next, and which role does it."""

    event: str
    role: str


def next_step(case: Case, duty: str | None = None, level: str | None = None) -> NextStep | None:
    """The next step towards a duty (docs: deadlines), or towards closing the case if none is named; null: nothing.

    Args:
        case: how the case stands.
        duty: key of a due time: confirm, report_inside, report_up, refer, verify, respond, respond_final,
            press_conference.
        level: level in force, for a case that nobody has confirmed.
    """
    own = {
        "confirm": NextStep("confirm", "openness_office"),
        "report_inside": NextStep("report_inside", "openness_office"),
        "report_up": NextStep("report_up", "openness_office"),
        "refer": NextStep("refer", "openness_office"),
    }
    if duty in own:
        return own[duty]
    if not case.is_open:
        return None
    if case.state == "detected":
        return own["confirm"]
    approver = "chief" if (case.level or level) in CHIEF_LEVELS else "deputy"
    answering = {
        "drafted": NextStep("submit", "openness_office"),
        "in_review": NextStep("approve", approver),
        "approved": NextStep("publish", "openness_office"),
    }
    wants_answer = duty in ("respond", "respond_final", "press_conference") or (duty is None and not case.closed_at)
    if wants_answer and case.answer in answering and not (duty == "respond_final" and case.draft_kind == "interim"):
        return answering[case.answer]
    if case.outcome is None:
        return NextStep("verify", "section") if case.state == "assigned" else NextStep("assign", "openness_office")
    if duty is None and case.final_published_at:
        owed = case.outcome in RESULT_OWED and case.result_notice_at is None
        return NextStep("result_notice" if owed else "close", "openness_office")
    if duty is None and case.response_value in ("log_only", "refer_out"):
        return NextStep("close", "openness_office")
    return NextStep("draft", "openness_office")
