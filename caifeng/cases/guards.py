"""The guards: rules that forbid an act for now and say why, in Chinese. Each looks at one `Act` and at nothing else.

Who is meant by "the same person" is the account, whatever role it acts in, also as a stand-in; a decision registered
for somebody counts as that person's only if somebody else registered it, or if its scan is kept
(docs/decisions/0029-named-persons.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from caifeng.cases.fields import FIELDS, published_at
from caifeng.cases.model import (
    CHECK_NAMES,
    FIGURE_CHECKS,
    INVITEE_NAMES,
    OUTCOME_NAMES,
    RESULT_OWED,
    Actor,
    Case,
    Event,
    OnBehalf,
)
from caifeng.cases.table import FACT_FIELDS
from caifeng.cases.workdays import MissingYearError, WorkCalendar
from caifeng.core.clock import business_day
from caifeng.core.model.deadlines import DUE_NAMES
from caifeng.core.model.register import RegisterRules

#: Levels at which only the head of the office approves (domain: 重大以上由主要领导审批).
CHIEF_LEVELS = ("major", "extreme")
#: A changed level, a return and a reopening say why in at least so many characters.
REASON_CHARACTERS = 10
#: Who takes over content that is suspected of being illegal (国办发〔2016〕61号: 移交公安、网络监管部门).
TAKES_OVER = ("police", "county_net")


class CaseRules(NamedTuple):
    """What the guards know of the office: its own rules, and its working days."""

    own: RegisterRules = RegisterRules()
    calendar: WorkCalendar | None = None
    """Null: no working day is known, and nothing is refused for counting too many."""


#: As config/register.toml comes, without a calendar.
USUAL_RULES = CaseRules()


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
    rules: CaseRules = USUAL_RULES

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
    accused = act.case.accused_unit
    if accused and accused in _units_speaking(act):
        return "被反映的股室不能认定自己的核查结论"
    return None


def _units_speaking(act: Act) -> tuple[str | None, ...]:
    """Units that stand behind an act: the one it names, that of the account, and for a section the one in charge."""
    named = act.payload.get("unit")
    if act.on_behalf:  # the registrar's own unit only writes it down
        return (named or act.case.unit,) if act.role == "section" else (named,)
    return (named, act.actor.unit or (act.case.unit if act.role == "section" else None))


def _actor_is_not_accused(act: Act) -> str | None:
    accused = act.case.accused_unit
    own = act.case.unit if act.on_behalf or not act.actor.unit else act.actor.unit
    speaks = own if act.role == "section" else None if act.on_behalf else act.actor.unit
    return "被反映的股室不能为自己作结论，请由其他股室或领导办理" if accused and speaks == accused else None


def _author_is_not_accused(act: Act) -> str | None:
    return _actor_is_not_accused(act) if act.payload.get("kind") != "interim" else None


def _city_is_told(act: Act) -> str | None:
    if act.case.bureau_accused and "city_stats" not in act.case.reported_to:
        return "指称本局数据造假的，先归口报送市统计局，再认定核查结论"
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
    return "未核查不能作正式回应；可先发关注通报" if kind != "interim" and act.case.outcome is None else None


def _update_follows_final(act: Act) -> str | None:
    kind = act.payload.get("kind") or act.case.draft_kind
    return "尚无正式回应，不能发后续回应" if kind == "update" and not act.case.final_published_at else None


def owes_hearing(case: Case, rules: RegisterRules, level: str | None = None, sensitive: bool | None = None) -> bool:
    """A consultation is still owed before a final answer is submitted.

    Args:
        case: how the case stands; what people said of it goes before the suggestions.
        rules: the office's own rules.
        level: suggested level, for a case that nobody has confirmed.
        sensitive: suggested as 敏感; null: not known.
    """
    if not rules.consult_before_submit or case.opinions:
        return False
    return (case.level or level) in CHIEF_LEVELS or bool(sensitive if case.sensitive is None else case.sensitive)


def _others_were_heard(act: Act) -> str | None:
    if act.case.draft_kind != "interim" and owes_hearing(act.case, act.rules.own):
        return "重大以上或敏感事项，先会商并登记至少一方意见，再报审正式回应（制度第七条；时点为本单位规定）"
    return None


def _approver_has_rank(act: Act) -> str | None:
    role = act.case.approved_by if act.case.answer == "approved" else act.role
    return "重大以上事项须主要领导同意" if act.case.level in CHIEF_LEVELS and role != "chief" else None


def _approver_did_not_draft(act: Act) -> str | None:
    if act.actor.id not in act.case.drafters or _is_proved(act):
        return None
    if act.on_behalf:
        return "拟稿人代为登记审批的，须附批示或电话记录的扫描件；或由他人登记"
    return "拟稿人不能审批自己的口径"


def _is_proved(act: Act) -> bool:
    """Decided by somebody else, with a scan kept: then even the drafter may write it down."""
    return bool(act.on_behalf and act.on_behalf.scan_hash)


def _something_is_to_be_published(act: Act) -> str | None:
    if act.case.answer != "none" or act.case.state == "responded":
        return None
    return "没有待发布的口径，无须发布审查"


def _checker_did_not_draft(act: Act) -> str | None:
    if act.actor.id in act.case.drafters and not _is_proved(act):
        return "拟稿人不能审查自己的口径（保密审查、发布审查须由他人办理）"
    return None


def _checklist_holds(act: Act) -> str | None:
    failed = [
        label
        for name, label in CHECK_NAMES.items()
        if act.payload[name] not in ("yes", *(("not_applicable",) if name in FIGURE_CHECKS else ()))
    ]
    return f"发布审查未通过：{'、'.join(failed)}" if failed else None


def _release_was_checked(act: Act) -> str | None:
    if act.case.checked_by is None:
        return "未经发布审查（保密审查），不能发布"
    # The words of a result notice come with the notice: whoever publishes it wrote it.
    if act.case.answer == "none" and act.case.checked_by == act.actor.id:
        return "发布审查须由发布人以外的人办理"
    return None


def _claims_are_known(act: Act) -> str | None:
    asked = act.payload.get("claims_answered", ())
    known = {str(number) for number, _ in enumerate(_claims(act), start=1)}
    unknown = sorted(set(asked) - known)
    return f"核查结论中没有第 {'、'.join(unknown)} 条说法" if unknown else None


def _claims(act: Act) -> tuple[Mapping[str, Any], ...]:
    """Claims of the verification in force; empty where it has none or its words were erased."""
    since = [event for event in act.history if event.name in ("verify", "reopen", "second_wave")]
    return tuple(since[-1].payload.get("claims", ())) if since else ()


def _round_was_published(act: Act) -> str | None:
    if act.case.correcting:
        return f"第 {act.case.correcting} 次发布正在更正"
    if act.payload["corrects"] > act.case.rounds:
        return f"只发布过 {act.case.rounds} 次"
    return None


def _correction_was_made(act: Act) -> str | None:
    return f"第 {act.case.correcting} 次发布有误，更正发布后才能办结" if act.case.correcting else None


def _times_are_past(act: Act) -> str | None:
    late = [
        FIELDS[name].label
        for name in ("asked_at", "answered_at", "receipt_at")
        if name in act.payload and datetime.fromisoformat(act.payload[name]) > act.at
    ]
    return f"{'、'.join(late)}晚于现在" if late else None


def _invitee_was_asked(act: Act) -> str | None:
    invitee = act.payload["invitee"]
    return None if invitee in act.case.consulted else f"没有就此事项征询过{INVITEE_NAMES[invitee]}，先发起会商"


def _opinion_was_heard(act: Act) -> str | None:
    return None if act.case.opinions else "尚未登记任何一方的会商意见"


def _result_is_owed(act: Act) -> str | None:
    return None if act.case.outcome in RESULT_OWED else "核查属实或部分属实的，才制定整改方案"


def _plan_day_fits(act: Act) -> str | None:
    today, due = business_day(act.at), date.fromisoformat(act.payload["due_day"])
    if due < today:
        return "完成期限早于今天"
    limit = act.rules.own.plan_working_days
    if due > today + timedelta(days=3 * limit + 30) or _working_days(act.rules.calendar, today, due) > limit:
        return f"整改期限不超过 {limit} 个工作日（本单位规定）"
    return None


def _working_days(calendar: WorkCalendar | None, after: date, until: date) -> int:
    """Working days known in between; a day of a year without its notice is not counted, so nothing rests on a guess."""

    def works(day: date) -> bool:
        try:
            return calendar is not None and calendar.is_working_day(day)
        except MissingYearError:
            return False

    return sum(works(after + timedelta(days=passed)) for passed in range(1, (until - after).days + 1))


def _plan_is_under_way(act: Act) -> str | None:
    if act.case.plan_at is None:
        return "尚未制定整改方案"
    return "整改已验收；如须继续，请另定方案" if act.case.plan_done_at else None


def _plan_was_made(act: Act) -> str | None:
    owed = act.case.outcome in RESULT_OWED and act.case.plan_at is None
    return "属实或部分属实的，先制定整改方案（制度第九条）" if owed else None


def _plan_was_kept(act: Act) -> str | None:
    owed = act.case.outcome in RESULT_OWED and act.case.plan_done_at is None
    return "整改未验收，不能办结" if owed else None


def _something_was_proposed(act: Act) -> str | None:
    return None if act.case.outcome == "opinion_or_suggestion" else "核查结论不是意见建议，没有采纳与否"


def _adoption_was_said(act: Act) -> str | None:
    return "对意见建议，登记采纳情况和理由后才能办结" if act.case.owes_adoption else None


def _claim_is_a_fact(act: Act) -> str | None:
    number = act.payload["claim"]
    claims = _claims(act)
    if number > len(claims):
        return f"核查结论中没有第 {number} 条说法"
    return None if claims[number - 1]["type"] == "fact" else "只有事实性说法可以标记涉嫌违法；意见、疑问、建议不能"


def _mark_is_made(act: Act) -> str | None:
    return None if act.case.illegal_mark else "没有标记涉嫌违法内容"


def _approvers_differ(act: Act) -> str | None:
    mark, earlier = act.case.illegal_mark, act.case.illegal_approved
    if act.actor.id in {approver.id for approver in earlier} | ({mark.id} if mark else set()) and not _is_proved(act):
        return "标记和两次同意须由三个不同的人作出"
    if len(earlier) >= 2:
        return "两位领导已经同意"
    if earlier and earlier[0].role == act.role:
        return "两次同意须由分管领导和主要领导分别作出"
    return None


def _handing_over_is_decided(act: Act) -> str | None:
    if not act.payload.get("suspected_illegal"):
        return None
    if act.payload["recipient"] not in TAKES_OVER:
        return "涉嫌违法线索只移交公安机关或网信部门"
    return None if len(act.case.illegal_approved) == 2 else "移交涉嫌违法线索须两位领导同意，其中一位是主要领导"


def _receipt_is_awaited(act: Act) -> str | None:
    sent = act.payload["hand_off"]
    if sent not in act.case.awaiting_receipt:
        return f"第 {sent} 步不是等待回执的报送、转办或共享"
    hand_off = next(event for event in act.history if event.sequence == sent)
    return "回执时间早于报送时间" if datetime.fromisoformat(act.payload["receipt_at"]) < hand_off.decided_at else None


def _extension_has_rank(act: Act) -> str | None:
    return "重大以上事项延期须主要领导批准" if act.case.level in CHIEF_LEVELS and act.role != "chief" else None


def _extended_once(act: Act) -> str | None:
    duty = act.payload["duty"]
    return f"{DUE_NAMES[duty]}已延期一次，不能再延" if duty in dict(act.case.extended) else None


def _extended_in_time(act: Act) -> str | None:
    due, new = (datetime.fromisoformat(act.payload[name]) for name in ("due_at", "new_due_at"))
    decided = act.on_behalf.decided_at if act.on_behalf else act.at
    if decided > due:
        return "已超过原定时限，不能再批准延期"
    return None if new > due else "延期后的时限须晚于原定时限"


def _place_is_named(act: Act) -> str | None:
    return None if act.payload.get("url") or act.payload.get("place") else "须填链接或发布渠道"


def _published_before_now(act: Act) -> str | None:
    return "发布时间晚于现在" if published_at(act.payload, act.at) > act.at else None


def _published_after_approval(act: Act) -> str | None:
    if act.case.approved_at and published_at(act.payload, act.at) < act.case.approved_at:
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


def _fact_is_said(act: Act) -> str | None:
    return None if set(FACT_FIELDS) & set(act.payload) else "须填写至少一项事实"


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
    "actor_is_not_accused": _actor_is_not_accused,
    "author_is_not_accused": _author_is_not_accused,
    "city_is_told": _city_is_told,
    "own_case": _own_case,
    "no_final_under_way": _no_final_under_way,
    "outcome_follows_claims": _outcome_follows_claims,
    "final_is_verified": _final_is_verified,
    "update_follows_final": _update_follows_final,
    "others_were_heard": _others_were_heard,
    "approver_has_rank": _approver_has_rank,
    "approver_did_not_draft": _approver_did_not_draft,
    "something_is_to_be_published": _something_is_to_be_published,
    "checker_did_not_draft": _checker_did_not_draft,
    "checklist_holds": _checklist_holds,
    "release_was_checked": _release_was_checked,
    "claims_are_known": _claims_are_known,
    "round_was_published": _round_was_published,
    "correction_was_made": _correction_was_made,
    "times_are_past": _times_are_past,
    "invitee_was_asked": _invitee_was_asked,
    "opinion_was_heard": _opinion_was_heard,
    "result_is_owed": _result_is_owed,
    "plan_day_fits": _plan_day_fits,
    "plan_is_under_way": _plan_is_under_way,
    "plan_was_made": _plan_was_made,
    "plan_was_kept": _plan_was_kept,
    "something_was_proposed": _something_was_proposed,
    "adoption_was_said": _adoption_was_said,
    "claim_is_a_fact": _claim_is_a_fact,
    "mark_is_made": _mark_is_made,
    "approvers_differ": _approvers_differ,
    "handing_over_is_decided": _handing_over_is_decided,
    "receipt_is_awaited": _receipt_is_awaited,
    "extension_has_rank": _extension_has_rank,
    "extended_once": _extended_once,
    "extended_in_time": _extended_in_time,
    "place_is_named": _place_is_named,
    "published_before_now": _published_before_now,
    "published_after_approval": _published_after_approval,
    "answer_was_given": _answer_was_given,
    "result_was_told": _result_was_told,
    "fact_is_said": _fact_is_said,
    "label_says_something": _label_says_something,
    "not_signed_yet": _not_signed_yet,
}


def overall_outcome(claims: Iterable[Mapping[str, Any]]) -> str | None:
    """Outcome that the findings on the factual claims add up to; null where they leave it open."""
    findings = {claim["finding"] for claim in claims if claim["type"] == "fact"}
    if findings in ({"true"}, {"false"}):
        return str(next(iter(findings)))
    return "partly_true" if {"true", "false"} <= findings else None
