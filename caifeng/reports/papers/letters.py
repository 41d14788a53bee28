"""归口报送单 and 转办函: what goes to others (Art. 7, 10). About content and facts, never about a person."""

from collections.abc import Mapping
from typing import Any

from caifeng.reports.papers.briefings import suggestion_words
from caifeng.reports.papers.issue import (
    ROOM,
    HandOff,
    IssueFile,
    acts_words,
    deadline_words,
    findings_words,
    head_values,
    publications,
    summary_words,
    when_and_where,
)
from caifeng.reports.words import UNKNOWN, local_time, number, printable, printable_lines, safe_url, spread


def report_up_values(file: IssueFile, place: int, params: Mapping[str, str]) -> dict[str, Any]:
    """Placeholders of the 归口报送单."""
    duty = file.duty("report_up")
    return head_values(file) | _sent(file, "report_up", place, params) | {
        "报送时限": deadline_words(duty),
        "依据": printable(duty.basis) if duty else "制度第七条",
        "发现时间": local_time(file.detected_at),
        "首发": when_and_where(file),
        "内容": summary_words(file),
        "传播": spread(file.log) if file.log else UNKNOWN,
        "核查": findings_words(file),
        "措施": "；".join(acts_words(file, 6)) or UNKNOWN,
        "回应": publications(file),
        "建议": suggestion_words(file),
    }  # fmt: skip


def referral_values(file: IssueFile, place: int, params: Mapping[str, str]) -> dict[str, Any]:
    """Placeholders of the 转办函."""
    illegal = file.last("mark_illegal") if file.last("approve_illegal") else None
    body = file.value("competent_body")
    return head_values(file) | _sent(file, "refer", place, params) | {
        "发现时间": local_time(file.detected_at),
        "首发": when_and_where(file),
        "链接": printable(safe_url(file.value("url"))),
        "内容": summary_words(file),
        "转办理由": file.said("out_of_scope", "scope_reason", f"数据由{printable(body)}归口" if body else UNKNOWN),
        "办理时限": deadline_words(file.duty("respond")),
        "线索": (
            [{"链接": printable(illegal.said.get("content_url")), "存证": printable(illegal.said.get("capture_hash"))}]
            if illegal
            else []
        ),
    }  # fmt: skip


def recipient_of(file: IssueFile, params: Mapping[str, str]) -> str | None:
    """Whom a letter goes to, by its name; null: not named, or nobody of that name."""
    wished = params.get("recipient", "")
    return file.recipients.get(wished) or (wished if wished in file.recipients.values() else None)


def sent_to(file: IssueFile, event: str, recipient: str | None) -> list[HandOff]:
    """What that recipient was told before, in order; everybody where none is named."""
    return [one for one in file.hand_offs if one.event == event and recipient in (None, one.recipient)]


def _sent(file: IssueFile, event: str, place: int, params: Mapping[str, str]) -> dict[str, str]:
    """Recipient, round and proof of sending; what is not registered is left to be filled in by hand."""
    recipient = recipient_of(file, params)
    earlier = sent_to(file, event, recipient) if recipient else []
    sent = earlier[place - 1] if place <= len(earlier) else None
    words = sent.round if sent else "终报" if params.get("final") else "首报" if place == 1 else "续报"
    follow_up = sum(one.round == "续报" for one in earlier[: place - 1]) + 1
    return {
        "主送": recipient or ROOM,
        "次第": f"续报（第 {number(follow_up)} 次）" if words == "续报" else words,
        "次序": f"第 {place} 号",
        "方式": sent.medium if sent else ROOM,
        "报送时间": local_time(sent.sent_at) if sent else ROOM,
        "附言": printable_lines(sent.text) if sent and sent.text else "",
        "回执时间": local_time(sent.receipt_at) if sent and sent.receipt_at else ROOM,
        "收件岗位": printable(sent.receipt_role) if sent and sent.receipt_role else ROOM,
    }
