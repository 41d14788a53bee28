"""What a message says: level, title, deadline, link. Pure. No text of a post, nothing about persons."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

from caifeng.core.clock import SHANGHAI
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.core.text.scrub import scrub

TITLE_CHARS = 60
#: Put before a message that may already have arrived.
REPEAT_MARK = "（可能重复）"

# Control and direction characters could break a header or disguise a title.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff\s]+")
# Chats turn addresses into links and read tags as mentions: a title that somebody else wrote may do neither.
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)[^\s，。；、）】》]*", re.IGNORECASE)
_TAMED = str.maketrans({"<": "＜", ">": "＞", "@": "＠", "[": "［", "]": "］", "`": "｀", "*": "＊"})


@dataclass(frozen=True)
class Message:
    """What is sent: one line, and the whole."""

    subject: str
    text: str


def message_of(
    *,
    level: str | None,
    news: str,
    title: str,
    issue_no: str | None,
    duty: str | None,
    due_at: datetime | None,
    at: datetime,
    base_link: str,
) -> Message:
    """A message in words.

    Args:
        level: level now; None where it is about no single issue.
        news: what happened, in our own words: 已超期, 级别变化（较大→重大）.
        title: of the issue, or name of the topic or place; shown scrubbed, tamed and at most 60 characters long.
        issue_no: the issue; None leads to the first page.
        duty: name of the duty whose deadline is told.
        due_at: the deadline; None: there is none.
        at: moment for which the hours are counted, when the message is to go out.
        base_link: address of the pages.
    """
    head = f"{level_mark(level)}｜{news}" if level else f"【预警】{news}"
    shown = plain_title(title)
    path = f"/issues/{issue_no}" if issue_no else "/"
    lines = [
        head,
        f"事项：{shown}" + (f"（{issue_no}）" if issue_no else ""),
        f"时限：{deadline_words(duty, due_at, at)}",
        f"查看：{base_link}{path}",
    ]
    return Message(f"{head}：{shown}", "\n".join(lines))


def level_mark(level: str) -> str:
    """`major` -> 【橙】重大; levels without a colour carry their mark."""
    name, mark, colour, _ = LEVEL_NAMES[level]
    return f"【{colour or mark}】{name}"


def plain_title(title: str) -> str:
    """A title on one line: scrubbed, without addresses and mentions, at most 60 characters."""
    line = _ADDRESS.sub("〔链接〕", _UNPRINTABLE.sub(" ", title))
    # Scrubbed before taming: an @ is what tells a mail address.
    line = scrub(line).translate(_TAMED).strip()
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1] + "…"


def deadline_words(duty: str | None, due_at: datetime | None, at: datetime) -> str:
    """首次回应 2026-11-22 18:00（北京时间），剩 3.5 小时（按 11-22 14:30 计）; never more than is left."""
    if due_at is None:
        return "暂无"
    hours = (due_at - at).total_seconds() / 3600
    name = f"{duty} " if duty else ""
    rest = f"剩 {_hours(hours)}" if hours >= 0 else f"已超 {_hours(-hours)}"
    counted = f"{at.astimezone(SHANGHAI):%m-%d %H:%M}"
    return f"{name}{due_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}（北京时间），{rest}（按 {counted} 计）"


def _hours(hours: float) -> str:
    return f"{math.floor(hours * 10) / 10:.1f} 小时" if hours >= 1 else f"{math.floor(hours * 60)} 分钟"
