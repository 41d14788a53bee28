"""The 政务舆情日志 (Art. 5) as a document: the office's own template filled with one day.

Contents after docs/glossary.md: overview, new issues, tracked issues, what must be done, coverage of sources,
signatures. Also on a day with nothing found (零报告).
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from docxtpl import RichText

from caifeng.core.model.early_warning import CHANGE_NAMES
from caifeng.core.model.terms import STANCE_NAMES, SUGGESTION_NAMES
from caifeng.reports.day import DayReport, with_level
from caifeng.reports.papers.fill import check_template, field_names, fill, placeholders
from caifeng.reports.papers.treatment import release_row
from caifeng.reports.words import (
    LEVEL_COLOURS,
    OUTSIDE,
    SAMPLE_NOTICE,
    SUGGESTED_NOTE,
    UNKNOWN,
    ZERO_REPORT,
    as_of_text,
    coverage_statement,
    document_date,
    hours_words,
    level_text,
    local_time,
    next_step,
    number,
    overview,
    printable,
    reason,
    short_reason,
    shortened,
    signature_lines,
)

#: The review's papers take these from here, too.
__all__ = [
    "DAILY_LOG_FIELDS",
    "check_template",
    "daily_log_context",
    "placeholders",
    "signature_lines",
    "write_daily_log_docx",
]

#: Days ahead that 明日关注 looks at, and lines it may take (our choice).
DAYS_AHEAD, MOST_RELEASES = 3, 6

_ISSUE = ("序号", "编号", "级别", "底色", "标题", "理由", "来源", "发现", "属性", "传播", "承办", "建议")
_PLAIN = (
    *("样例说明", "年份", "期号", "日期", "编制单位", "数据截至", "零报告", "概述"),
    *("级别说明", "其他跟踪", "关注说明", "巡查情况", "背景转办", "署名", "成文日期"),
)
_TABLES = {
    "新增事项": _ISSUE,
    "其他新增": ("编号", "级别", "标题", "传播", "理由", "建议"),
    "跟踪事项": ("编号", "级别", "标题", "进展", "承办"),
    "需要处理": ("编号", "级别", "标题", "下一步", "承办"),
    "明日关注": ("日期", "内容", "领域", "性质"),
}

#: Levels that are told in one line: nothing is owed for them by their level.
_BRIEF = ("log_only", *OUTSIDE)

#: What a template may use: plain placeholders, and for tables `table` and `table.column`.
DAILY_LOG_FIELDS: frozenset[str] = field_names(_PLAIN, _TABLES)


def write_daily_log_docx(report: DayReport, template: Path, path: Path, releases: pl.DataFrame | None = None) -> None:
    """Fill the template with one day and write it; the same input gives the same bytes.

    Args:
        report: the day.
        template: the office's own template.
        path: where to write.
        releases: marts.release_calendar of the day; null: not read, and the log says so.

    Raises:
        ConfigError: the template cannot be read, or uses a placeholder that does not exist.
        OSError: `path` cannot be written.
    """
    fill(template, DAILY_LOG_FIELDS, daily_log_context(report, releases), path)


def daily_log_context(report: DayReport, releases: pl.DataFrame | None = None) -> dict[str, Any]:
    """Values of the placeholders (`DAILY_LOG_FIELDS`), all of them text that may be shown as it is."""
    log = with_level(report.log)
    office = f"{report.office.name}{report.office.openness_office}"
    brief = pl.col("level").is_in(_BRIEF)
    outside = log.filter(pl.col("level").is_in(OUTSIDE))
    signature, signed_on = signature_lines(office, report.day)
    return {
        "样例说明": SAMPLE_NOTICE if report.is_sample else "",
        "年份": str(report.day.year),
        # One log every calendar day, so the number is the day of the year.
        "期号": str(report.day.timetuple().tm_yday),
        "日期": document_date(report.day),
        "编制单位": office,
        "数据截至": as_of_text(report.summary["as_of"], report.day),
        "零报告": ZERO_REPORT if report.summary["zero_report"] else "",
        "概述": overview(report.summary, log),
        "新增事项": _issues(log.filter(~brief, change="new")),
        "其他新增": [_brief(row) for row in log.filter(brief, change="new").iter_rows(named=True)],
        "跟踪事项": [_tracked(row) for row in log.filter(~brief, change="tracked").iter_rows(named=True)],
        "其他跟踪": _others_words(log.filter(brief, change="tracked").height),
        "级别说明": SUGGESTED_NOTE if log["confirmed_level"].null_count() else "",
        "需要处理": [_action(row) for row in report.escalations.sort("seq").iter_rows(named=True)],
        "明日关注": _ahead(releases, report.day),
        "关注说明": "今后三日无已列日程的数据发布。" if releases is not None else f"{UNKNOWN}（未读取发布日程）",
        "巡查情况": coverage_statement(report.summary, report.health),
        "背景转办": _outside_words(outside),
        "署名": signature,
        "成文日期": signed_on,
    }


def _issues(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "序号": str(place),
            "编号": row["issue_no"],
            "级别": _level(row["level"], row["standing"]),
            "底色": LEVEL_COLOURS[row["level"]][0],
            "标题": printable(row["title"]),
            "理由": reason(row),
            "来源": printable(row["source_name"]),
            "发现": f"{local_time(row['detected_at'])[5:]} 发现",
            "属性": f"{printable(row['topic_name'])}·{STANCE_NAMES[row['stance']]}",
            "传播": f"{number(row['posts'])} 帖，阅读 {number(row['views'])}",
            "承办": printable(row["owner_unit"]),
            "建议": SUGGESTION_NAMES[row["suggestion"]],
        }
        for place, row in enumerate(rows.iter_rows(named=True), 1)
    ]


def _ahead(releases: pl.DataFrame | None, day: date) -> list[dict[str, str]]:
    """What is released in the next days, or may be; a release of several topics is one line."""
    if releases is None or releases.is_empty():
        return []
    first, last = day + timedelta(days=1), day + timedelta(days=DAYS_AHEAD)
    near = releases.filter(pl.col("first_day") <= last, pl.col("last_day") >= first)
    rows = near.sort("topic").group_by("indicator", "first_day", "last_day", "at", "status").agg("topic_name")
    # What is fixed to a day comes before what may come on any day of a month.
    ordered = rows.sort(pl.col("last_day") - pl.col("first_day"), "first_day", "indicator")
    joined = ordered.with_columns(pl.col("topic_name").list.join("、", ignore_nulls=True))
    return [release_row(row) for row in joined.head(MOST_RELEASES).iter_rows(named=True)]


def _brief(row: dict[str, Any]) -> dict[str, str]:
    return {
        "编号": row["issue_no"],
        "级别": _level_words(row["level"], row["standing"]),
        "标题": shortened(printable(row["title"]), 40),
        "传播": f"{number(row['posts'])} 帖，阅读 {number(row['views'])}",
        "理由": short_reason(row),
        "建议": SUGGESTION_NAMES[row["suggestion"]],
    }


def _tracked(row: dict[str, Any]) -> dict[str, str]:
    change = CHANGE_NAMES.get(row["level_change"] or "", UNKNOWN)
    answered = "" if row["answered_hours"] is None else f"，已回应（用时 {hours_words(row['answered_hours'])}）"
    return {
        "编号": row["issue_no"],
        "级别": _level_words(row["level"], row["standing"]),
        "标题": shortened(printable(row["title"]), 40),
        "进展": f"{number(row['posts'])} 帖，阅读 {number(row['views'])}，级别{change}{answered}",
        "承办": printable(row["owner_unit"]),
    }


def _action(row: dict[str, Any]) -> dict[str, str]:
    return {
        "编号": row["issue_no"],
        "级别": level_text(row["level"]),
        "标题": shortened(printable(row["title"]), 40),
        "下一步": next_step(row),
        "承办": printable(row["owner_unit"]),
    }


def _level_words(level: str, standing: str) -> str:
    return level_text(level) + ("" if standing == "已确认" else "*")


def _others_words(count: int) -> str:
    return f"另有仅记、背景、转办 {count} 件有新数据，见电子表格。" if count else ""


def _level(level: str, standing: str | None = None) -> RichText:
    colour = LEVEL_COLOURS[level][1]
    text = RichText()
    text.add(level_text(level), size=21, color=colour, bold=True, font="eastAsia:黑体")
    if standing:
        text.add(f"\n{standing}", size=18, color=colour, font="eastAsia:仿宋_GB2312")
    return text


def _outside_words(outside: pl.DataFrame) -> str:
    if outside.is_empty():
        return ""
    background, referred = (outside.filter(level=level).height for level in OUTSIDE)
    return f"另计背景 {background} 件、转办 {referred} 件。"
