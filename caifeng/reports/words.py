"""Words that every document says in the same way: levels, coverage, numbers, times. Pure, no I/O.

Unknown is — and zero is 0. Times are stored in UTC and shown in Beijing time. A level is never told by colour
alone: word, mark and colour (contrast at least 4.5:1, told apart in grey by the mark).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from caifeng.core.clock import SHANGHAI, end_of_day
from caifeng.core.model.deadlines import DUE_NAMES, MISSED_STAGES
from caifeng.core.model.grading import OVERRIDE_NAMES
from caifeng.core.model.terms import LEVEL_NAMES, ROLE_NAMES, SOURCE_WARNING_NAMES, SUGGESTION_NAMES
from caifeng.core.text.visible import UNPRINTABLE

UNKNOWN = "—"

#: Highest first, as on paper; background and referrals stand outside the scale and come last.
LEVELS_ON_PAPER = tuple(LEVEL_NAMES)

#: Levels that are counted apart: not the office's own matter.
OUTSIDE = ("context", "refer_out")

#: Level -> (fill, text), six hexadecimal digits each.
LEVEL_COLOURS: dict[str, tuple[str, str]] = {
    "extreme": ("B3001B", "FFFFFF"),
    "major": ("C25700", "FFFFFF"),
    "larger": ("FFD43B", "3B2F00"),
    "general": ("1864AB", "FFFFFF"),
    "log_only": ("E9EDF3", "3A4656"),
    "context": ("E9EDF3", "3A4656"),
    "refer_out": ("E9EDF3", "3A4656"),
}

SAMPLE_NOTICE = "样例数据，内容均为虚构"
ZERO_REPORT = "当日未发现涉本单位统计工作舆情（零报告）。"
INTERNAL = "内部资料 注意保存"
SUGGESTED_NOTE = "注：标“建议”或 * 的级别由系统评出，待政务公开办确认；阈值和权重为本单位规定。"


def printable(text: str | None) -> str:
    """Scraped text on one line, without control and direction characters; — for null and for blank text."""
    return UNPRINTABLE.sub(" ", text or "").strip() or UNKNOWN


def printable_lines(text: str | None) -> str:
    """A text of several lines, each as `printable`, without empty ones; — for null and for blank text."""
    lines = [printable(line) for line in (text or "").splitlines()]
    return "\n".join(line for line in lines if line != UNKNOWN) or UNKNOWN


def shortened(text: str, length: int) -> str:
    """At most so many characters; a text that is cut ends in ….

    Args:
        text: as `printable` gives it.
        length: characters, the … included.
    """
    return text if len(text) <= length else text[: length - 1] + "…"


def hours_words(hours: float) -> str:
    """2 天 3 小时; 5.5 小时: a length of time without its sign.

    Args:
        hours: clock hours; below 48 they are said in hours with one decimal.
    """
    length = abs(hours)
    if length < 48:
        return f"{length:.1f} 小时"
    days, rest = divmod(round(length), 24)
    return f"{days} 天" + (f" {rest} 小时" if rest else "")


def signature_lines(office: str, day: date) -> tuple[str, str]:
    """Office and date of an unsealed paper: two characters in from the right, the date two further right.

    GB/T 9704-2012, 7.3.5.2: the date begins two characters to the right of the office; where it is the longer
    one, the date ends two characters in from the right instead. Lines have 28 characters.
    """
    line, margin = 28, 2
    text = document_date(day)
    # Digits are half as wide as a character.
    width = sum(0.5 if char.isascii() else 1 for char in text)
    start = min(line - margin - len(office), line - margin - width - 2)
    start = max(int(start), 0)
    return "　" * start + office, "　" * (start + 2) + text


def number(value: float | None) -> str:
    """1284 -> 1,284; 39.4 -> 39.4 (one decimal); null -> —."""
    if value is None:
        return UNKNOWN
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def change(now: int, before: int | None) -> str:
    """Difference to the day before in words; null means that day was not run."""
    if before is None:
        return "前一日无数据"
    return "持平" if now == before else f"{now - before:+,}".replace("-", "−")


def level_text(level: str) -> str:
    """`larger` -> ◆ 较大 Ⅲ."""
    name, mark, _, roman = LEVEL_NAMES[level]
    return f"{mark} {name} {roman}".rstrip()


def document_date(day: date) -> str:
    """2026年11月22日, without leading zeros (GB/T 9704-2012, 7.3.5.4)."""
    return f"{day.year}年{day.month}月{day.day}日"


def local_time(at: datetime | None) -> str:
    """2026-11-22 09:00 in Beijing time, or —."""
    return UNKNOWN if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def as_of_text(as_of: datetime, day: date) -> str:
    """Moment for which a paper was made; the end of its own day is 24:00, anything earlier is a draft."""
    if as_of == end_of_day(day):
        return f"{day:%Y-%m-%d} 24:00（北京时间）"
    return local_time(as_of) + ("（北京时间，初稿）" if as_of < end_of_day(day) else "（北京时间）")


def next_step(row: Mapping[str, Any]) -> str:
    """What to do next, for a row of marts.daily_log or marts.escalations.

    `report_to`, `due_at` and `duty` (escalations only) name whom to tell first and what is due next by when,
    `competent_body` who owns the figures.
    """
    step = SUGGESTION_NAMES[row["suggestion"]]
    if row["suggestion"] == "refer" and row["competent_body"]:
        step = f"转{printable(row['competent_body'])}"
    if role := row.get("report_to"):
        # The suggestion report_and_verify already says 报送; here it is said to whom.
        rest = "核查" if row["suggestion"] == "report_and_verify" else step
        step = f"报{ROLE_NAMES[role]}，{rest}"
    if row["needs_review"]:
        step += "；级别须人工研判"
    if row.get("due_at"):
        duty = DUE_NAMES[row["duty"]]
        late = "，已超期" if row["stage"] in MISSED_STAGES else ""
        step += f"（{duty} {row['due_at'].astimezone(SHANGHAI):%m-%d %H:%M} 前{late}）"
    return step


def reason(row: Mapping[str, Any]) -> str:
    """Why this level, in one sentence of plain words; the arithmetic is in `explanation`.

    Args:
        row: a row of marts.daily_log, or of marts.escalations, which has no `level_by_score`.
    """
    text = f"总分 {number(row['total'])}"
    if "level_by_score" in row:
        text += f"，按分数为“{LEVEL_NAMES[row['level_by_score']][0]}”"
    for override in row["overrides"]:
        text += f"；{OVERRIDE_NAMES.get(override, '触发规则')}（{override}）"
    return text + "。"


def short_reason(row: Mapping[str, Any]) -> str:
    """The total and what decided last, for a narrow cell; arguments as `reason`."""
    last = row["overrides"][-1] if row["overrides"] else None
    if last is None:
        return f"总分 {number(row['total'])}"
    return f"总分 {number(row['total'])}；{OVERRIDE_NAMES.get(last, '触发规则')}（{last}）"


def coverage_statement(summary: Mapping[str, Any], health: pl.DataFrame) -> str:
    """How many sources were reached, and which were silent, broken (why) or not asked: the proof of Art. 4.

    Args:
        summary: the row of marts.daily_summary.
        health: rows of marts.source_health of the day (the reasons).
    """
    reasons = dict(health.select("name", "reason").iter_rows())

    def why(name: str) -> str:
        reason = reasons.get(name)
        return printable(name) + (f"（{printable(reason)}）" if reason else "")

    parts = [
        f"{summary['sources_checked']}/{summary['sources_planned']} 个来源已巡查",
        "静默：" + _listed(summary["silent"]),
        "故障：" + ("、".join(map(why, summary["broken"])) or "无"),
    ]
    if summary["not_run"]:
        parts.append("未采集：" + _listed(summary["not_run"]))
    noticed = [
        f"{printable(name)}（{'、'.join(SOURCE_WARNING_NAMES[code] for code in warnings)}）"
        for name, warnings in health.sort("name").select("name", "warnings").iter_rows()
        if warnings
    ]
    if noticed:
        parts.append("需留意：" + "、".join(noticed))
    return "；".join(parts) + "。"


def _listed(names: Sequence[str]) -> str:
    return "、".join(map(printable, names)) or "无"


def safe_url(url: str | None) -> str | None:
    """The address if a reader may follow it (http or https), otherwise null."""
    return url if url and re.match(r"https?://[^\s/]", url, re.IGNORECASE) else None


def level_counts(log: pl.DataFrame) -> dict[str, int]:
    """Number of issues at each level in force, highest first; levels without an issue are left out.

    Args:
        log: rows of marts.daily_log with `level` (see `caifeng.reports.day.with_level`).
    """
    counts: dict[str, int] = dict(log.group_by("level").len().iter_rows())
    return {level: counts[level] for level in LEVELS_ON_PAPER if level in counts}


def overview(summary: Mapping[str, Any], log: pl.DataFrame) -> str:
    """The first paragraph of the log: coverage, what was collected, new issues by level, change to yesterday.

    Background and referrals are part of the new issues and named apart, so that the figures re-add.
    """
    not_run = f"，未采集 {len(summary['not_run'])} 个" if summary["not_run"] else ""
    new = level_counts(log.filter(change="new"))
    own = "、".join(f"{LEVEL_NAMES[level][0]} {count} 件" for level, count in new.items() if level not in OUTSIDE)
    apart = "、".join(f"{LEVEL_NAMES[level][0]} {new[level]} 件" for level in OUTSIDE if level in new)
    issues = f"新增事项 {number(summary['issues_new'])} 件"
    if own:
        issues += f"，其中{own}"
    if apart:
        issues += f"；另计{apart}" if own else f"，均为{apart}"
    return (
        f"监测来源 {number(summary['sources_planned'])} 个，已巡查 {number(summary['sources_checked'])} 个，"
        f"其中静默 {len(summary['silent'])} 个；故障 {len(summary['broken'])} 个{not_run}。"
        f"采集 {number(summary['observations'])} 条，新增帖文 {number(summary['posts_new'])} 条，"
        f"涉统计 {number(summary['posts_relevant'])} 条；{issues}；"
        f"跟踪中事项 {number(summary['issues_tracked'])} 件。"
        f"与前一日比：涉统计 {change(summary['posts_relevant'], summary['previous_posts_relevant'])}，"
        f"新增事项 {change(summary['issues_new'], summary['previous_issues_new'])}。"
    )


def spread(row: Mapping[str, Any]) -> str:
    """Posts and measures of an issue, unknown ones as —."""
    return (
        f"{number(row['posts'])} 帖，阅读 {number(row['views'])}，"
        f"转发 {number(row['reposts'])}，评论 {number(row['comments'])}"
    )
