"""The 政务舆情日志 (Art. 5) as a document: the office's own template filled with one day.

Contents after docs/glossary.md: overview, new issues, tracked issues, what must be done, coverage of sources,
signatures. Also on a day with nothing found (零报告).
"""

from collections.abc import Collection, Iterable
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import polars as pl
from docx.opc.exceptions import PackageNotFoundError
from docxtpl import DocxTemplate, RichText
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from caifeng.core.errors import ConfigError
from caifeng.core.model.terms import SUGGESTION_NAMES
from caifeng.reports.day import DayReport, with_level
from caifeng.reports.layout import fixed_zip
from caifeng.reports.words import (
    LEVEL_COLOURS,
    OUTSIDE,
    SAMPLE_NOTICE,
    SUGGESTED_NOTE,
    ZERO_REPORT,
    as_of_text,
    coverage_statement,
    document_date,
    level_text,
    next_step,
    number,
    overview,
    printable,
    reason,
)

_ISSUE = ("序号", "编号", "级别", "底色", "标题", "理由", "来源", "传播", "承办", "建议")
_ACTION = ("编号", "级别", "底色", "标题", "下一步", "承办")
_PLAIN = (
    *("样例说明", "年份", "期号", "日期", "编制单位", "数据截至", "零报告", "概述"),
    *("级别说明", "巡查情况", "背景转办", "署名", "成文日期"),
)
_TABLES = {"新增事项": _ISSUE, "跟踪事项": _ISSUE, "需要处理": _ACTION}

#: What a template may use: plain placeholders, and for tables `table` and `table.column`.
DAILY_LOG_FIELDS: frozenset[str] = frozenset(
    [*_PLAIN, *_TABLES, *(f"{table}.{column}" for table, columns in _TABLES.items() for column in columns)]
)


def write_daily_log_docx(report: DayReport, template: Path, path: Path) -> None:
    """Fill the template with one day and write it; the same input gives the same bytes.

    Raises:
        ConfigError: the template cannot be read, or uses a placeholder that does not exist.
        OSError: `path` cannot be written.
    """
    if unknown := _unknown(template, DAILY_LOG_FIELDS):
        raise ConfigError(template, "、".join(unknown), _unknown_words(unknown))
    document = DocxTemplate(template)
    try:
        document.render(daily_log_context(report), _environment(), autoescape=True)
    except TemplateError as error:
        raise ConfigError(template, "", f"模板无法填写：{error.message}") from error
    buffer = BytesIO()
    document.save(buffer)
    path.write_bytes(fixed_zip(buffer.getvalue()))


def check_template(template: Path, fields: Collection[str]) -> list[str]:
    """What is wrong with an edited template, in plain Chinese; empty when nothing is.

    Args:
        template: a .docx with placeholders.
        fields: placeholders the code offers, such as `DAILY_LOG_FIELDS`.

    Returns:
        One sentence for the unknown placeholders, one for the missing ones, or the reason it cannot be read.
    """
    try:
        used = placeholders(template)
    except ConfigError as error:
        return [str(error)]
    unknown, missing = sorted(used - set(fields)), sorted(set(fields) - used)
    return ([_unknown_words(unknown)] if unknown else []) + (
        [f"模板缺少占位符：{'、'.join(missing)}；这些内容不会出现在文件中"] if missing else []
    )


def placeholders(template: Path) -> set[str]:
    """Names a template uses: `name` at the top, `table.column` inside a loop over a table.

    Raises:
        ConfigError: no such file, not a .docx, or a broken {{ }} or {% %}.
    """
    document = DocxTemplate(template)
    try:
        document.init_docx()
        xml = document.patch_xml(document.get_xml())
        for kind in (document.HEADER_URI, document.FOOTER_URI):
            for _, part in document.get_headers_footers(kind):
                xml += document.patch_xml(document.get_part_xml(part))
    except (OSError, PackageNotFoundError, BadZipFile, KeyError, ValueError) as error:
        raise ConfigError(template, "", "不是可以打开的 Word 文档（.docx）") from error
    try:
        tree = _environment().parse(xml)
    except TemplateSyntaxError as error:
        raise ConfigError(template, "", f"占位符写法有误（括号或标签不成对）：{error.message}") from error
    tables: dict[str, set[str]] = {}
    for loop in tree.find_all(nodes.For):
        if isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Name):
            columns = {
                attribute.attr
                for attribute in loop.find_all(nodes.Getattr)
                if isinstance(attribute.node, nodes.Name) and attribute.node.name == loop.target.name
            }
            tables.setdefault(loop.iter.name, set()).update(columns)
    return meta.find_undeclared_variables(tree) | {f"{t}.{c}" for t, columns in tables.items() for c in columns}


def daily_log_context(report: DayReport) -> dict[str, Any]:
    """Values of the placeholders (`DAILY_LOG_FIELDS`), all of them text that may be shown as it is."""
    log = with_level(report.log)
    office = f"{report.office.name}{report.office.openness_office}"
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
        "新增事项": _issues(log.filter(change="new")),
        "跟踪事项": _issues(log.filter(change="tracked")),
        "级别说明": SUGGESTED_NOTE if log["confirmed_level"].null_count() else "",
        "需要处理": [_action(row) for row in report.escalations.sort("seq").iter_rows(named=True)],
        "巡查情况": coverage_statement(report.summary, report.health),
        "背景转办": _outside_words(outside),
        "署名": signature,
        "成文日期": signed_on,
    }


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
            "传播": f"{number(row['posts'])} 帖，阅读 {number(row['views'])}",
            "承办": printable(row["owner_unit"]),
            "建议": SUGGESTION_NAMES[row["suggestion"]],
        }
        for place, row in enumerate(rows.iter_rows(named=True), 1)
    ]


def _action(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "编号": row["issue_no"],
        "级别": _level(row["level"]),
        "底色": LEVEL_COLOURS[row["level"]][0],
        "标题": printable(row["title"]),
        "下一步": next_step(row),
        "承办": printable(row["owner_unit"]),
    }


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


def _unknown(template: Path, fields: Collection[str]) -> list[str]:
    return sorted(placeholders(template) - set(fields))


def _unknown_words(unknown: Iterable[str]) -> str:
    return f"模板中有系统不提供的占位符：{'、'.join(unknown)}；请对照模板目录中的 README.md 改正"


def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
