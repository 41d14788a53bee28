"""The treatment of a case as data: which event may follow, by whom, with what, under which guards.

Two things run side by side: the treatment itself (`state`), and the answer in the making (`answer`: drafted, in
review, approved), because an interim notice 已关注、正在核查 is written while the facts are still being verified.
Rests on 《政务舆情回应制度》 Art. 6 (confirm), 7 (会商、报审、归口报送), 8-9 (verify first, clarify or fix, tell the
result), 10 (tell others), 11-12 (publish). docs/case-states.md is drawn from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    CHECK_NAMES,
    DAILY_LOG,
    ERASURES,
    KIND_NAMES,
    LABELS,
    LEADS,
    LEDGER,
    PUBLICATIONS,
    STATE_NAMES,
    Case,
)


class Transition(NamedTuple):
    """One event: where it may happen, who may cause it, what it needs, and where it leads.

    `to_state` and `to_answer` null: unchanged. `answers` null: whatever the answer in the making. `subject` is set
    for events of no case; `kind` tells the rows of `publish` apart. A guard is a function of guards.GUARDS.
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
_SPEAKERS = ("openness_office", "spokesperson")
_WORKING = ("confirmed", "assigned", "verified", "responded")
_FOUND_OUT = ("verified", "responded")
_EVERYBODY = tuple(role for role in CASE_ROLE_NAMES if role != "auditor")
#: What the duties of a case rest on.
DUTY_FIELDS = ("response_value", "emergency_level", "sensitive", "complex", "channel", "accused_unit", "bureau_accused")
#: What no rule may set, or what a rule only suggests. Said by whichever event says it; the latest one counts.
FACT_FIELDS = (
    "emergency_level", "superior_orders", "leader_instruction", "offline_collective", "key_category", "sensitive",
)  # fmt: skip
_TOLD, _TOLD_MORE = ("recipient", "medium"), ("round", "receipt_at", "receipt_role", "text")
_SHOWN = ("url", "place", "index_no", "published_at", "text", "claims_answered")
_BEFORE_RELEASE = ("approver_has_rank", "place_is_named", "published_after_approval", "release_was_checked")

TABLE: tuple[Transition, ...] = (
    # research and judgement (Art. 6)
    Transition(
        "confirm", "确认级别", (*_DESK, *_LEADERS), ("detected",), "confirmed",
        required=("level",), optional=("suggested_level", "reason", *DUTY_FIELDS), guards=("change_has_reason",),
    ),
    Transition(
        "change_level", "调整级别", (*_OFFICE, *_LEADERS), _WORKING,
        required=("level", "reason"), optional=DUTY_FIELDS, guards=("reason_is_said",),
    ),
    Transition(
        "set_facts", "登记事实", (*_DESK, *_LEADERS), ("detected", *_WORKING),
        required=("reason",), optional=FACT_FIELDS, guards=("fact_is_said", "reason_is_said"),
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
    # consultation (Art. 7): invitees have no account, the office registers what they say
    Transition(
        "consult", "发起会商", (*_OFFICE, *_LEADERS), ("detected", *_WORKING),
        required=("invitees", "consult_medium"), optional=("asked_at", "answer_by", "text"),
        guards=("times_are_past",),
    ),
    Transition(
        "consult_result", "登记会商意见", _OFFICE, ("detected", *_WORKING),
        required=("invitee", "consult_medium", "opinion"), optional=("answered_at",),
        guards=("invitee_was_asked", "times_are_past"),
    ),
    Transition(
        "minutes", "登记会商纪要", (*_OFFICE, *_LEADERS), ("detected", *_WORKING),
        required=("concluded_level", "text"), optional=("disagreement",), guards=("opinion_was_heard",),
    ),
    # assignment and verification (Art. 8, 9)
    Transition(
        "assign", "交办", (*_OFFICE, *_LEADERS), ("confirmed", "assigned"), "assigned",
        required=("unit",), optional=("accused_unit", "bureau_accused", "reason"), guards=("unit_is_not_accused",),
    ),
    Transition(
        "verify", "登记核查结论", ("section", "openness_office"), ("confirmed", "assigned", "verified"), "verified",
        required=("outcome", "basis"), optional=("unit", "claims", "suggestion"),
        guards=(
            "verifier_is_not_accused", "own_case", "city_is_told", "no_final_under_way", "outcome_follows_claims",
        ),
    ),
    # content suspected of being illegal (国办发〔2016〕61号): a hand-over about an address, never about a person;
    # the normal answer is due all the same
    Transition(
        "mark_illegal", "标记涉嫌违法内容", ("section", "openness_office"), _FOUND_OUT,
        required=("claim", "content_url", "capture_hash", "basis"), guards=("claim_is_a_fact",),
    ),
    Transition(
        "approve_illegal", "同意移交涉嫌违法线索", _LEADERS, _FOUND_OUT,
        required=("reason",), guards=("mark_is_made", "approvers_differ", "reason_is_said"),
    ),
    # what is put right (Art. 9), what is adopted (国办发〔2014〕57号, 〔2016〕80号)
    Transition(
        "plan", "制定整改方案", ("section", *_OFFICE, *_LEADERS), _FOUND_OUT,
        required=("measures", "unit", "due_day"), optional=("joint_units", "text"),
        guards=("result_is_owed", "plan_day_fits"),
    ),
    Transition(
        "progress", "登记整改进展", ("section", *_OFFICE), _FOUND_OUT,
        required=("text",), guards=("plan_is_under_way",),
    ),
    Transition(
        "plan_done", "整改验收", (*_OFFICE, *_LEADERS), _FOUND_OUT,
        required=("evidence",), optional=("evidence_hash",), guards=("plan_is_under_way", "actor_is_not_accused"),
    ),
    Transition(
        "adopt", "登记采纳情况", ("section", *_OFFICE, *_LEADERS), _FOUND_OUT,
        required=("adoption", "reason"), guards=("something_was_proposed", "actor_is_not_accused"),
    ),
    # the answer in the making
    Transition(
        "draft", "拟稿", _WRITERS, _WORKING, answers=("none", "drafted"), to_answer="drafted",
        required=("kind", "text"), guards=("final_is_verified", "update_follows_final", "author_is_not_accused"),
    ),
    Transition(
        "submit", "报审", _WRITERS, _WORKING, answers=("drafted",), to_answer="in_review",
        optional=("reason",), guards=("final_is_verified", "others_were_heard"),
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
    Transition(
        "check_release", "发布审查", (*_DESK, "spokesperson", *_LEADERS), _WORKING,
        answers=("none", "in_review", "approved"), required=tuple(CHECK_NAMES),
        guards=("something_is_to_be_published", "checker_did_not_draft", "checklist_holds"),
    ),
    # publication (Art. 11, 12). A final answer moves the case; an interim notice leaves it where it is.
    Transition(
        "publish", "发布关注通报", _SPEAKERS, _WORKING, None, ("approved",), "none",
        required=("kind", "form"), optional=_SHOWN, guards=(*_BEFORE_RELEASE, "claims_are_known"), kind="interim",
    ),
    Transition(
        "publish", "发布正式回应", _SPEAKERS, _FOUND_OUT, "responded", ("approved",), "none",
        required=("kind", "form"), optional=_SHOWN,
        guards=("final_is_verified", *_BEFORE_RELEASE, "claims_are_known"), kind="final",
    ),
    Transition(
        "publish", "发布后续回应", _SPEAKERS, ("responded",), None, ("approved",), "none",
        required=("kind", "form"), optional=_SHOWN,
        guards=("update_follows_final", *_BEFORE_RELEASE, "claims_are_known"), kind="update",
    ),
    Transition(
        "result_notice", "通报办理结果", _SPEAKERS, ("responded",), answers=("none",),
        required=("form",), optional=_SHOWN,
        guards=("plan_was_made", "place_is_named", "published_before_now", "release_was_checked", "claims_are_known"),
    ),
    Transition(
        "correct_response", "更正已发布的回应", (*_SPEAKERS, *_LEADERS), ("responded", "closed"), "responded",
        ("none",), required=("corrects", "reason"), guards=("round_was_published", "reason_is_said"),
    ),
    Transition(
        "close", "办结", (*_OFFICE, *_LEADERS), ("verified", "responded"), "closed", ("none",),
        optional=("reason",),
        guards=(
            "answer_was_given", "correction_was_made", "plan_was_made", "plan_was_kept", "result_was_told",
            "adoption_was_said", "actor_is_not_accused",
        ),
    ),
    Transition(
        "reopen", "重新办理", (*_DESK, *_LEADERS),
        ("responded", "closed", "logged_only", "duplicate", "out_of_scope"), "detected", ("none",),
        required=("reason",), guards=("reason_is_said",),
    ),
    Transition(
        "second_wave", "二次舆情，重新办理", (*_DESK, *_LEADERS), ("responded", "closed"), "detected", ("none",),
        required=("reason",), guards=("reason_is_said",),
    ),
    # time: one extension per duty, one level up; supervision of what is overdue
    Transition(
        "extend", "批准延期", _LEADERS, _WORKING,
        required=("duty", "due_at", "new_due_at", "reason"),
        guards=("extension_has_rank", "extended_once", "extended_in_time", "reason_is_said"),
    ),
    Transition(
        "supervise", "发出督办单", (*_OFFICE, *_LEADERS), ("detected", *_WORKING),
        required=("duty",), optional=("text",),
    ),
    # told to others: recorded, the case stays where it is (Art. 7, 10)
    Transition(
        "report_inside", "报告领导", _DESK, ("detected", *_WORKING), required=("report_to",), optional=("text",),
    ),
    Transition(
        "report_up", "归口报送", (*_OFFICE, *_LEADERS), ("detected", *_WORKING),
        required=_TOLD, optional=_TOLD_MORE, guards=("times_are_past",),
    ),
    Transition(
        "refer", "转办", _DESK, ("detected", *_WORKING, "out_of_scope"),
        required=_TOLD, optional=(*_TOLD_MORE, "suspected_illegal"),
        guards=("times_are_past", "handing_over_is_decided"),
    ),
    Transition(
        "share", "信息共享", _OFFICE, ("detected", *_WORKING, "closed"),
        required=_TOLD, optional=_TOLD_MORE, guards=("times_are_past",),
    ),
    Transition(
        "receipt", "登记回执", _DESK, tuple(STATE_NAMES),
        required=("hand_off", "receipt_at"), optional=("receipt_role",),
        guards=("receipt_is_awaited", "times_are_past"),
    ),
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
    # what the office publishes by itself (Art. 14.5; caifeng.jobs.publications)
    Transition(
        "publication_started", "登记公开起算日期", _DESK, (),
        required=("item", "period", "started_on"), subject=PUBLICATIONS,
    ),
    Transition(
        "publication_noted", "登记主动公开", _DESK, (),
        required=("item", "period"), optional=("published_on", "url"), subject=PUBLICATIONS,
    ),
    # cases of the time before this system (caifeng.jobs.case_import); they owe nothing and are in no figure
    Transition(
        "imported", "补录旧台账", _DESK, (),
        required=("title", "found_on"), optional=("old_no", "level", "source", "url", "unit", "closed_on", "text"),
        subject=LEDGER,
    ),
    # free words that the law wants gone; the event that held them stays, and so does the chain
    Transition(
        "erased", "依法删除登记文字", (*_OFFICE, *_LEADERS), (),
        required=("position", "reason"), guards=("reason_is_said",), subject=ERASURES,
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
    if row.event == "publish" and case.draft_kind not in (None, row.kind):
        return f"在办的是{KIND_NAMES[case.draft_kind]}，不是{KIND_NAMES[row.kind or 'final']}"
    return None


_ANSWER_WORDS = {"none": "没有在办口径", "drafted": "口径已拟稿", "in_review": "口径在报审", "approved": "口径已同意"}
