"""What may be filled in: every payload field of the register, and how it is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from caifeng.cases.model import (
    ADOPTION_NAMES,
    CHECK_ANSWER_NAMES,
    CHECK_NAMES,
    CLAIM_TYPES,
    CONSULT_MEDIUM_NAMES,
    FIGURE_CHECKS,
    FINDINGS,
    FORM_NAMES,
    HAND_OFF_MEDIUM_NAMES,
    INVITEE_NAMES,
    KIND_NAMES,
    LOG_REASON_NAMES,
    OUTCOME_NAMES,
    RECIPIENT_NAMES,
    ROUND_NAMES,
    SCOPE_REASON_NAMES,
    GuardError,
)
from caifeng.core.model.deadlines import CHANNEL_NAMES, DUE_NAMES
from caifeng.core.model.terms import EMERGENCY_LEVELS, LEVEL_NAMES, RESPONSE_NAMES, STANCE_NAMES


class Field(NamedTuple):
    """A payload field: its name on screen, its kind, and the closed values of a code.

    `text`, `url` and `claims` are free words: kept apart from the rest, so that they can be erased one day. `codes` are
    several of the closed values, `ids` several ids, both sorted; `number` counts from 1.
    """

    label: str
    kind: Literal["code", "codes", "id", "ids", "number", "flag", "time", "day", "hash", "text", "url", "claims"] = (
        "text"
    )
    values: tuple[str, ...] = ()
    names: Mapping[str, str] = {}
    """Words of the values, where they are this module's own."""


def _named(label: str, names: Mapping[str, str], kind: Literal["code", "codes"] = "code") -> Field:
    return Field(label, kind, tuple(names), names)


FIELDS: dict[str, Field] = {
    "level": Field("级别", "code", tuple(LEVEL_NAMES)),
    "suggested_level": Field("系统建议级别", "code", tuple(LEVEL_NAMES)),
    "response_value": Field("回应价值", "code", tuple(RESPONSE_NAMES)),
    "emergency_level": Field("突发事件等级", "code", EMERGENCY_LEVELS),
    "superior_orders": Field("上级要求回应", "flag"),
    "leader_instruction": Field("领导批示", "flag"),
    "offline_collective": Field("线下聚集苗头", "flag"),
    "key_category": Field("重点回应类别", "flag"),
    "sensitive": Field("敏感", "flag"),
    "complex": Field("情况复杂", "flag"),
    "bureau_accused": Field("指称本局数据造假", "flag"),
    "channel": Field("来件渠道", "code", tuple(CHANNEL_NAMES)),
    "reason": Field("理由"),
    "log_reason": _named("仅记原因", LOG_REASON_NAMES),
    "scope_reason": _named("转出原因", SCOPE_REASON_NAMES),
    "parent": Field("并入事项", "id"),
    "posts": Field("分出的帖文", "ids"),
    "unit": Field("承办股室", "id"),
    "accused_unit": Field("被反映股室", "id"),
    "outcome": _named("核查结论", OUTCOME_NAMES),
    "basis": Field("核查依据"),
    "claims": Field("逐条核查", "claims"),
    "suggestion": Field("含意见建议", "flag"),
    "adoption": _named("采纳情况", ADOPTION_NAMES),
    # consultation
    "invitees": _named("会商对象", INVITEE_NAMES, "codes"),
    "invitee": _named("会商对象", INVITEE_NAMES),
    "consult_medium": _named("会商方式", CONSULT_MEDIUM_NAMES),
    "asked_at": Field("征询时间", "time"),
    "answer_by": Field("请于何时前回复", "time"),
    "answered_at": Field("答复时间", "time"),
    "opinion": Field("会商意见"),
    "concluded_level": Field("会商级别结论", "code", tuple(LEVEL_NAMES)),
    "disagreement": Field("分歧意见"),
    # what is put right
    "measures": Field("整改措施"),
    "due_day": Field("完成期限", "day"),
    "joint_units": Field("配合股室", "ids"),
    "evidence": Field("验收依据"),
    "evidence_hash": Field("验收材料校验值", "hash"),
    # answers
    "kind": _named("回应类别", KIND_NAMES),
    "text": Field("内容"),
    "form": _named("回应形式", FORM_NAMES),
    "url": Field("链接", "url"),
    "place": Field("发布渠道"),
    "index_no": Field("索引号"),
    "published_at": Field("发布时间", "time"),
    "claims_answered": Field("所答各条的序号", "ids"),
    "corrects": Field("更正第几次发布", "number"),
    **{
        name: _named(
            label, {c: w for c, w in CHECK_ANSWER_NAMES.items() if c in ("yes", "no") or name in FIGURE_CHECKS}
        )
        for name, label in CHECK_NAMES.items()
    },
    # told to others
    "recipient": _named("报送对象", RECIPIENT_NAMES),
    "report_to": Field("报告对象", "code", ("deputy", "chief")),
    "medium": _named("报送方式", HAND_OFF_MEDIUM_NAMES),
    "round": _named("报送次第", ROUND_NAMES),
    "receipt_at": Field("回执时间", "time"),
    "receipt_role": Field("收件岗位"),
    "hand_off": Field("对应第几步报送", "number"),
    "suspected_illegal": Field("涉嫌违法线索", "flag"),
    "claim": Field("第几条说法", "number"),
    "content_url": Field("内容链接", "url"),
    "capture_hash": Field("页面存证校验值", "hash"),
    # time
    "duty": _named("时限事项", DUE_NAMES),
    "due_at": Field("原定时限", "time"),
    "new_due_at": Field("延至", "time"),
    # of no case
    "day": Field("日志日期", "day"),
    "file_hash": Field("文件校验值", "hash"),
    "title": Field("标题"),
    "source": Field("来源"),
    "post_id": Field("帖文", "id"),
    "relevant": Field("涉统计", "flag"),
    "topic": Field("领域", "id"),
    "stance": Field("立场", "code", tuple(STANCE_NAMES)),
    "item": Field("公开事项", "id"),
    "period": Field("所属时期", "id"),
    "published_on": Field("公开日期", "day"),
    "found_on": Field("发现日期", "day"),
    "closed_on": Field("办结日期", "day"),
    "old_no": Field("原编号"),
    "started_on": Field("起算日期", "day"),
    "position": Field("登记序号", "number"),
}

FREE_WORDS = ("text", "url", "claims")


def checked_payload(
    label: str, required: tuple[str, ...], optional: tuple[str, ...], payload: Mapping[str, Any]
) -> dict[str, Any]:
    """The payload with its declared fields, texts stripped.

    Args:
        label: name of the event on screen.
        required: fields that must be there.
        optional: fields that may be there.
        payload: what was filled in; null and empty values are left out.

    Raises:
        GuardError: a field is unknown, missing, or not of its kind (guard `payload`).
    """
    known = (*required, *optional)
    if unknown := sorted(set(payload) - set(known)):
        raise GuardError("payload", f"{label}：没有这一项：{'、'.join(unknown)}")
    given = {name: value for name, value in payload.items() if value not in (None, "")}
    if missing := [FIELDS[name].label for name in required if name not in given]:
        raise GuardError("payload", f"{label}：未填{'、'.join(missing)}")
    checked = {name: _checked(FIELDS[name], given[name]) for name in known if name in given}
    if any(claim["type"] == "suggestion" for claim in checked.get("claims", ())):
        checked["suggestion"] = True  # among the codes, so that it outlives an erasure of the claims
    return checked


def published_at(payload: Mapping[str, Any], otherwise: datetime) -> datetime:
    """When something was published: as filled in, or the moment given."""
    return datetime.fromisoformat(payload["published_at"]) if "published_at" in payload else otherwise


def _checked(field: Field, value: Any) -> Any:
    good: Any = None
    match field.kind:
        case "code" if value in field.values:
            good = value
        case "codes" if (codes := parse_ids(value)) and set(codes) <= set(field.values):
            good = codes
        case "flag" if isinstance(value, bool):
            good = value
        case "claims" if isinstance(value, list | tuple) and value:
            good = [_claim(field, claim) for claim in value]
        case "id" if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,40}", value):
            good = value
        case "ids":
            good = parse_ids(value)
        case "number" if not isinstance(value, bool) and re.fullmatch(r"[1-9][0-9]{0,8}", str(value), re.ASCII):
            good = int(value)
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


def parse_ids(value: Any) -> list[str] | None:
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
