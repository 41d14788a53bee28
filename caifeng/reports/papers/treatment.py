"""交办单, 报审单, 会商纪要, 督办单: the forms a case passes with (Art. 7-9)."""

from collections.abc import Mapping
from typing import Any

from caifeng.core.model.terms import ROLE_NAMES
from caifeng.reports.papers.briefings import claim_rows, suggestion_words
from caifeng.reports.papers.issue import (
    ROOM,
    Act,
    Duty,
    IssueFile,
    Published,
    basis_words,
    deadline_words,
    findings_words,
    head_values,
    publications,
    summary_words,
    when_and_where,
)
from caifeng.reports.words import UNKNOWN, hours_words, local_time, printable, printable_lines, reason, safe_url


def assignment_values(file: IssueFile, place: int, _: Mapping[str, str]) -> dict[str, Any]:
    """Placeholders of the 交办单: what the unit is asked, and what came back."""
    assigned, verified = file.last("assign"), file.last("verify")
    verify, respond = file.duty("verify"), file.duty("respond")
    return head_values(file) | {
        "次序": f"第 {place} 次",
        "交办时间": local_time(assigned.at) if assigned else UNKNOWN,
        "首发": when_and_where(file),
        "链接": printable(safe_url(file.value("url"))),
        "内容": summary_words(file),
        "拟办意见": "。".join(part for part in (suggestion_words(file), file.said("assign", "reason", ROOM)) if part),
        "领导批示": _decisions(file, "deputy", "chief") or ROOM,
        "承办": file.unit_name(),
        "协办": file.said("plan", "joint_units", ROOM),
        "核查时限": deadline_words(verify),
        "回应时限": deadline_words(respond),
        "核查结论": findings_words(file) if verified else ROOM,
        "处置措施": file.said("plan", "measures", ROOM),
        "口径": file.said("draft", "text", ROOM),
        "渠道": "\n".join(publications(file)) or ROOM,
        "反馈时间": local_time(verified.at) if verified else ROOM,
        "销号意见": _closing(file),
        "回避": f"被反映的{printable(file.accused_unit)}不参与核查" if file.accused_unit else "无",
    }


def approval_values(file: IssueFile, place: int, _: Mapping[str, str]) -> dict[str, Any]:
    """Placeholders of the 报审单: the answer as drafted, and room for the decision."""
    draft, submitted = file.last("draft"), file.last("submit")
    return head_values(file) | {
        "次序": f"第 {place} 次",
        "报审时间": local_time(submitted.at) if submitted and file.answer in ("in_review", "approved") else UNKNOWN,
        "拟稿岗位": draft.who if draft else UNKNOWN,
        "类别": file.said("draft", "kind"),
        "审批人": ROLE_NAMES[file.approver],
        "回应时限": deadline_words(file.duty("respond")),
        "定级理由": reason(file.log) if file.log else UNKNOWN,
        "核查结论": findings_words(file),
        "会商情况": "\n".join(f"{row['单位']}：{row['意见']}" for row in _opinions(file)) or "未会商",
        "口径": file.said("draft", "text"),
        "报审意见": file.said("submit", "reason", ROOM),
        "分管意见": _decisions(file, "deputy") or ROOM,
        "主要意见": _decisions(file, "chief") or ROOM,
    }


def minutes_values(file: IssueFile, place: int, _: Mapping[str, str]) -> dict[str, Any]:
    """Placeholders of the 会商纪要 (Art. 7): who was heard, what was concluded, who does what by when."""
    minutes = file.last("minutes")
    met = minutes or file.last("consult")
    return head_values(file) | {
        "次序": f"第 {place} 次",
        "时间": local_time(met.at) if met else UNKNOWN,
        "方式": file.said("consult", "consult_medium"),
        "参加单位": file.said("consult", "invitees"),
        "议题": file.said("consult", "text", summary_words(file)),
        "意见": _opinions(file),
        "分歧": file.said("minutes", "disagreement", "无" if minutes else ROOM),
        "级别结论": file.said("minutes", "concluded_level", ROOM),
        "处置意见": file.said("minutes", "text", ROOM),
        "分工": [
            {"事项": duty.name, "责任": duty.who, "时限": deadline_words(duty), "依据": basis_words(duty)}
            for duty in file.open_duties()
        ],
    }


def supervision_values(file: IssueFile, place: int, params: Mapping[str, str]) -> dict[str, Any]:
    """Placeholders of the 督办单: what is overdue, by how much, and what is asked now."""
    duty = supervised_duty(file, params)
    orders = [act for act in file.acts if act.event == "supervise" and duty and act.codes.get("duty") == duty.duty]
    order = orders[place - 1] if place <= len(orders) else None
    late = duty is not None and duty.is_open and duty.hours_left is not None and duty.hours_left < 0
    return head_values(file) | {
        "次序": f"第 {place} 次",
        "督办时间": local_time(order.at) if order else ROOM,
        "督办事项": duty.name if duty else UNKNOWN,
        "承办": file.unit_name(),
        "责任岗位": duty.who if duty else UNKNOWN,
        "原定时限": local_time(duty.due_at) if duty else UNKNOWN,
        "延期至": local_time(duty.extended_to) if duty and duty.extended_to else "未延期",
        "超期": hours_words(duty.hours_left) if duty and late and duty.hours_left is not None else "未超期",
        "依据": printable(duty.basis) if duty else UNKNOWN,
        "已督办次数": str(min(place - 1, len(orders))),
        "内容": summary_words(file),
        "状态": file.state,
        "督办要求": printable_lines(order.said["text"]) if order and "text" in order.said else ROOM,
    }


def supervised_duty(file: IssueFile, params: Mapping[str, str]) -> Duty | None:
    """The duty a 督办单 is about: as wished, otherwise the open one that is due first."""
    wished = params.get("duty")
    if wished:
        return next((duty for duty in file.duties if wished in (duty.duty, duty.name)), None)
    return next(iter(file.open_duties()), None)


def release_values(file: IssueFile, place: int, params: Mapping[str, str]) -> dict[str, Any]:
    """Placeholders of the 发布准备单: who says what when, and what is checked before."""
    checked = file.last("check_release")
    speaker = next((role.name for role in file.office.roles if role.id == "spokesperson"), UNKNOWN)
    return head_values(file) | {
        "次序": f"第 {place} 次发布",
        "类别": file.said("draft", "kind"),
        "发布时间": printable(params["at"]) if params.get("at") else ROOM,
        "发布形式": printable(params["form"]) if params.get("form") else ROOM,
        "发言人": speaker,
        "回应时限": deadline_words(file.duty("respond")),
        "核查结论": findings_words(file),
        "口径": file.said("draft", "text"),
        "批准": _approved(file),
        "问答": claim_rows(file),
        "解读": [_explained_row(one) for one in file.explained],
        "日程": [release_row(row) for row in file.releases],
        "审查": [{"项目": line, "结果": answer or "□"} for line, answer in file.checks],
        "审查岗位": f"{checked.who}　{local_time(checked.at)}" if checked and any(a for _, a in file.checks) else ROOM,
    }  # fmt: skip


def _explained_row(one: Published) -> dict[str, str]:
    place = printable(one.url or one.place)
    return {"时间": local_time(one.published_at), "事项": one.issue_no, "形式": one.form, "链接": place}


def release_row(row: Mapping[str, Any]) -> dict[str, str]:
    """One row of marts.release_calendar in words."""
    first, last = row["first_day"], row["last_day"]
    days = f"{first:%m-%d}" if first == last else f"{first:%m-%d} 至 {last:%m-%d}"
    return {
        "日期": days + (f" {row['at']}" if row["at"] else ""),
        "内容": printable(row["indicator"]),
        "领域": printable(row["topic_name"]),
        "性质": "已公布日程" if row["status"] == "published" else "按惯例推算，待核对",
    }


def _opinions(file: IssueFile) -> list[dict[str, str]]:
    return [
        {
            "单位": printable(act.said.get("invitee")),
            "时间": local_time(act.at),
            "方式": printable(act.said.get("consult_medium")),
            "意见": printable_lines(act.said.get("opinion")),
        }
        for act in file.acts
        if act.event == "consult_result"
    ]


def _decisions(file: IssueFile, *roles: str) -> str:
    """What leaders decided on the answer in the making, and their instructions, in words."""
    decided: list[Act] = []
    for act in file.acts:
        if act.event == "submit":
            decided = [kept for kept in decided if kept.event == "set_facts"]
        elif act.role in roles and act.event in ("approve", "return", "set_facts"):
            decided.append(act)
    return "\n".join(
        f"{act.label}：{printable(act.said.get('text') or act.said.get('reason'))}（{act.who}　{local_time(act.at)}）"
        for act in decided
        if act.event != "set_facts" or "leader_instruction" in act.said
    )


def _approved(file: IssueFile) -> str:
    act = file.last("approve")
    return f"{act.who}　{local_time(act.at)}" if act and file.answer == "approved" else "尚未批准"


def _closing(file: IssueFile) -> str:
    act = file.last("close")
    return f"{act.label}：{printable(act.said.get('reason'))}（{act.who}　{local_time(act.at)}）" if act else ROOM
