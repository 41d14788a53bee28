"""Words of the register: who acts, what was decided, how a case stands. Roles and units, never personal names.

A case is one issue (舆情事项) under treatment. It exists as soon as the issue is detected; what the system suggests
is not an event, only what people decide is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any, Literal

from caifeng.core.errors import CaifengError

Role = Literal["monitor", "openness_office", "section", "deputy", "chief", "spokesperson", "auditor"]
Medium = Literal["paper", "phone", "page", "form"]

CASE_ROLE_NAMES: dict[str, str] = {
    "monitor": "监测员",
    "openness_office": "政务公开办",
    "section": "承办股室",
    "deputy": "分管领导",
    "chief": "主要领导",
    "spokesperson": "新闻发言人",
    "auditor": "监督员",
}
MEDIUM_NAMES: dict[str, str] = {"paper": "书面", "phone": "电话", "page": "页面", "form": "审批表单"}

#: Treatment of a case; `answer` below runs beside it, because an interim notice is drafted while facts are verified.
STATE_NAMES: dict[str, str] = {
    "detected": "待确认",
    "confirmed": "已确认",
    "assigned": "核查中",
    "verified": "已核查",
    "responded": "已回应",
    "closed": "办结",
    "logged_only": "仅记日志",
    "duplicate": "并案",
    "out_of_scope": "转出",
}
#: Nothing more is owed in these states, except the letter to whoever is responsible (转办).
DONE_STATES = ("closed", "logged_only", "duplicate", "out_of_scope")

ANSWER_NAMES: dict[str, str] = {"none": "无在办口径", "drafted": "已拟稿", "in_review": "报审中", "approved": "已同意"}

OUTCOME_NAMES: dict[str, str] = {
    "false": "不属实",
    "true": "属实",
    "partly_true": "部分属实",
    "misunderstanding": "误解",
    "unverifiable": "无法核实",
    "opinion_or_suggestion": "意见建议或咨询",
    "not_ours": "非本单位职责",
}
#: Outcomes whose result must be told (制度第九条：属实的，限期解决并通报办理情况).
RESULT_OWED = ("true", "partly_true")

LOG_REASON_NAMES: dict[str, str] = {
    "agreed": "同意系统建议",
    "no_answer_owed": "无需回应",
    "praise": "肯定或宣传",
    "background": "背景信息",
    "answered_before": "已有公开答复",
}
SCOPE_REASON_NAMES: dict[str, str] = {
    "irrelevant": "与统计工作无关",
    "not_ours": "非本单位职责",
    "other_place": "外地事项",
}
#: A response that was drafted, approved and checked; the result of what was put right (result_notice) is one more.
KIND_NAMES: dict[str, str] = {"interim": "关注通报", "final": "正式回应", "update": "后续回应"}

FORM_NAMES: dict[str, str] = {
    "portal_notice": "门户公告",
    "openness_platform": "政府信息公开平台",
    "policy_interpretation": "政策或数据解读",
    "press_conference": "新闻发布会",
    "briefing": "吹风会",
    "press_release": "新闻通稿",
    "interview": "接受采访",
    "gov_new_media": "政务新媒体",
    "hotline_reply": "热线答复",
    "board_reply": "留言答复",
    "face_to_face": "当面答复",
}
RECIPIENT_NAMES: dict[str, str] = {
    "county_pub": "县委宣传部",
    "county_net": "县委网信办",
    "county_openness": "县政府办（政务公开）",
    "city_stats": "市统计局",
    "survey_team": "调查队",
    "police": "公安机关",
    "petition": "信访或12345",
    "other_body": "其他单位",
}
HAND_OFF_MEDIUM_NAMES: dict[str, str] = {"system": "系统", "fax": "传真", "phone": "电话", "written": "书面"}
ROUND_NAMES: dict[str, str] = {"first": "首报", "follow_up": "续报", "final": "终报"}
#: Events that tell others, and the kind of hand-off that each is in tables (归口报送, 转办, 信息共享).
HAND_OFFS: dict[str, str] = {"report_up": "report", "refer": "refer", "share": "share"}
#: Who may be asked for an opinion (制度第七条); none of them has an account.
INVITEE_NAMES: dict[str, str] = {
    "publicity": "宣传部门",
    "internet": "网信部门",
    "emergency": "应急部门",
    "openness": "政府信息公开部门",
    "police": "公安机关",
    "section": "涉事股室",
}
CONSULT_MEDIUM_NAMES: dict[str, str] = {"phone": "电话", "paper": "书面", "meeting": "会议"}
#: What became of a suggestion (国办发〔2016〕80号: 建设性意见，采纳情况公开).
ADOPTION_NAMES: dict[str, str] = {"adopted": "采纳", "partly": "部分采纳", "not_adopted": "不采纳"}
#: The release checklist 发布审查: what is ticked before anything is published.
CHECK_NAMES: dict[str, str] = {
    "no_unpublished_figures": "未涉及未公布的统计数据",
    "no_respondent_data": "未泄露单个调查对象资料",
    "no_citizen_named": "未点名公民个人",
    "period_stated": "所引数据注明时期",
    "unit_stated": "所引数据注明计量单位",
    "source_stated": "所引数据注明来源",
}
CHECK_ANSWER_NAMES: dict[str, str] = {"yes": "是", "no": "否", "not_applicable": "不涉及"}
#: Lines that do not apply where no figure is quoted.
FIGURE_CHECKS = ("period_stated", "unit_stated", "source_stated")
CLAIM_TYPES: dict[str, str] = {"fact": "事实", "judgement": "判断", "question": "疑问", "suggestion": "建议"}
FINDINGS: dict[str, str] = {"false": "不属实", "true": "属实", "unverifiable": "无法核实", "none": "不作认定"}

#: Events that belong to no case have one of these subjects.
DAILY_LOG, LEADS, LABELS = "daily_log", "leads", "labels"
PUBLICATIONS, ERASURES, LEDGER = "publications", "erasures", "ledger"

#: What the first event of the register names as its predecessor.
GENESIS = "0" * 64


class RoleError(CaifengError):
    """This role may not do this."""

    exit_code = 2


class GuardError(CaifengError):
    """A rule forbids the action now; `guard` names it."""

    def __init__(self, guard: str, words: str) -> None:
        self.guard = guard
        super().__init__(words)


class ConflictError(CaifengError):
    """Somebody else acted first; look again."""


@dataclass(frozen=True)
class Actor:
    """Who acts: a role, a pseudonymous account id, and for a section its unit (config/units.toml)."""

    role: str
    id: str
    unit: str | None = None


@dataclass(frozen=True)
class OnBehalf:
    """A decision taken away from the screen and registered by the openness office."""

    role: str
    decided_at: datetime
    medium: str
    scan_hash: str | None = None
    """SHA-256 of the scanned paper, hexadecimal; required for `paper`."""


@dataclass(frozen=True)
class Event:
    """One thing that a person did; added once, never changed."""

    position: int
    """Place in the register, from 1."""
    subject: str
    """Issue number, or `daily_log`, `leads`, `labels`, `publications`, `erasures`."""
    sequence: int
    """Place within the subject, from 1."""
    name: str
    from_state: str | None
    """State before; null for events of no case."""
    to_state: str | None
    actor_role: str
    actor_id: str
    on_behalf: OnBehalf | None
    at: datetime
    """When it was registered, UTC."""
    idempotency_key: str | None
    codes: Mapping[str, Any]
    """Payload fields from closed lists, ids, times: what the state of the case rests on."""
    payload_hash: str
    previous_hash: str
    hash: str
    texts: Mapping[str, Any] | None = None
    """Payload fields in free words; null after a lawful erasure."""
    salt: str | None = None

    @property
    def event_id(self) -> str:
        """Readable and stable: YQ-2026-0001#3."""
        return f"{self.subject}#{self.sequence}"

    @property
    def payload(self) -> dict[str, Any]:
        """Everything that was filled in."""
        return {**self.codes, **(self.texts or {})}

    @property
    def role(self) -> str:
        """The role that decided."""
        return self.on_behalf.role if self.on_behalf else self.actor_role

    @property
    def decided_at(self) -> datetime:
        """When it was decided, which on paper or by phone is before it was registered."""
        return self.on_behalf.decided_at if self.on_behalf else self.at


def payload_hash(payload: Mapping[str, Any], salt: str) -> str:
    """SHA-256 of a payload; the salt keeps a short text from being guessed after a lawful erasure."""
    return hashlib.sha256((salt + _canonical(payload)).encode()).hexdigest()


def chain_hash(event: Event) -> str:
    """SHA-256 over everything of an event but its texts, for which `payload_hash` stands."""
    values = {f.name: getattr(event, f.name) for f in fields(Event) if f.name not in ("hash", "texts", "salt")}
    behalf = event.on_behalf
    values["at"] = _moment(event.at)
    values["on_behalf"] = behalf and [behalf.role, _moment(behalf.decided_at), behalf.medium, behalf.scan_hash]
    return hashlib.sha256(_canonical(values).encode()).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True)
class Case:
    """How a case stands after its events; null is "nobody has said", never "no"."""

    issue_no: str
    state: str = "detected"
    answer: str = "none"
    """State of the answer in the making, apart from `state`: none, drafted, in_review, approved."""
    sequence: int = 0
    """Number of events; callers hand it back to notice that somebody else acted."""
    opened_at: datetime | None = None
    """When it was opened again; null: it counts from its detection."""
    reopened: int = 0
    last_event_at: datetime | None = None

    level: str | None = None
    """Level as confirmed by a person."""
    response_value: str | None = None
    emergency_level: str | None = None
    superior_orders: bool | None = None
    leader_instruction: bool | None = None
    offline_collective: bool | None = None
    key_category: bool | None = None
    sensitive: bool | None = None
    complex: bool | None = None
    channel: str | None = None
    unit: str | None = None
    """Unit that verifies."""
    accused_unit: str | None = None
    bureau_accused: bool | None = None
    """The bureau itself is said to have made figures up: the city bureau is told before anything is concluded."""
    parent: str | None = None
    """Issue that this one is a duplicate of."""
    reason_code: str | None = None
    outcome: str | None = None
    suggestion: bool | None = None
    """Something was proposed, so that it has to be said whether it is adopted."""
    adoption: str | None = None

    draft_kind: str | None = None
    drafters: frozenset[str] = frozenset()
    """Accounts that drafted or submitted the answer in the making."""
    approved_by: str | None = None
    """Role that approved the answer in the making."""
    approved_at: datetime | None = None
    checked_by: str | None = None
    """Account that went through the release checklist for what is to be published next."""
    rounds: int = 0
    """Publications so far, results included."""
    correcting: int | None = None
    """Round that turned out to be wrong and is not yet put right in public."""

    consulted: frozenset[str] = frozenset()
    """Invitees that were asked (会商)."""
    opinions: int = 0
    """Opinions that came back."""
    plan_at: datetime | None = None
    """When the latest plan of what is put right was made (整改方案)."""
    plan_due: date | None = None
    plan_done_at: datetime | None = None
    reported_to: frozenset[str] = frozenset()
    """Authorities it was reported to (归口报送)."""
    awaiting_receipt: frozenset[int] = frozenset()
    """Hand-offs without a receipt, by the sequence of their event."""
    illegal_mark: Actor | None = None
    """Who marked content as suspected of being illegal (涉嫌违法); never says anything about a person."""
    illegal_approved: tuple[Actor, ...] = ()
    extended: tuple[tuple[str, datetime], ...] = ()
    """Duties that were given more time, once each, and until when."""
    supervised: tuple[tuple[str, datetime], ...] = ()
    """Duties for which a supervision order (督办单) was issued, and when."""

    # When each duty was first fulfilled since the case was opened; null: not yet.
    confirmed_at: datetime | None = None
    reported_inside_at: datetime | None = None
    reported_up_at: datetime | None = None
    referred_at: datetime | None = None
    verified_at: datetime | None = None
    first_published_at: datetime | None = None
    final_published_at: datetime | None = None
    press_conference_at: datetime | None = None
    result_notice_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def owes_adoption(self) -> bool:
        """It has to be said whether what was proposed is adopted."""
        proposed = self.suggestion or self.channel == "suggestion"
        return bool(self.outcome == "opinion_or_suggestion" and proposed and self.adoption is None)

    @property
    def is_open(self) -> bool:
        """Somebody still has to act on it."""
        return self.state not in DONE_STATES
