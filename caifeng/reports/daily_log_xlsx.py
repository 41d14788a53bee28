"""The 政务舆情日志 as a workbook: a page to print, all columns to work with, sources, and what the columns mean."""

from pathlib import Path

import polars as pl

from caifeng.core.model.terms import LEVEL_NAMES, SUGGESTION_NAMES
from caifeng.reports.day import DayReport, with_level
from caifeng.reports.fields import HEALTH_FIELDS, LOG_FIELDS, Field
from caifeng.reports.sheets import Column, printed_page, table_sheet, workbook
from caifeng.reports.words import (
    INTERNAL,
    SAMPLE_NOTICE,
    SUGGESTED_NOTE,
    ZERO_REPORT,
    as_of_text,
    coverage_statement,
    document_date,
    level_text,
    local_time,
    overview,
    printable,
    reason,
    spread,
)

_MEANING_FIELDS = {
    "sheet": Field("工作表", "", width=10),
    "head": Field("栏目", "", width=16),
    "column": Field("字段", "", width=20),
    "meaning": Field("含义", "", width=70),
    "unknown": Field("“—”表示", "", width=20),
}


def write_daily_log_xlsx(report: DayReport, path: Path) -> None:
    """Write sheets 打印页, 明细, 来源 and 字段说明; the same input gives the same bytes.

    Raises:
        OSError: `path` cannot be written.
    """
    log = with_level(report.log)
    with workbook(path, f"政务舆情日志 {report.day}", report.summary["as_of"]) as (book, styles):
        levels = log["level"].to_list()
        printed_page(book, styles, "打印页", _heads(report, log), _columns(log), levels)
        table_sheet(book, styles, "明细", log, LOG_FIELDS)
        table_sheet(book, styles, "来源", report.health, HEALTH_FIELDS)
        table_sheet(book, styles, "字段说明", _meanings(), _MEANING_FIELDS)


def _heads(report: DayReport, log: pl.DataFrame) -> list[str]:
    office = report.office
    parts = [INTERNAL, f"{office.name}{office.openness_office}", document_date(report.day)]
    parts.append(f"数据截至 {as_of_text(report.summary['as_of'], report.day)}")
    if report.is_sample:
        parts.append(SAMPLE_NOTICE)
    heads = ["政务舆情日志", "　　".join(parts), "来源巡查：" + coverage_statement(report.summary, report.health)]
    if report.summary["zero_report"]:
        heads.append(ZERO_REPORT)
    heads.append("概述：" + overview(report.summary, log))
    if log["confirmed_level"].null_count():
        heads.append(SUGGESTED_NOTE)
    return heads


def _columns(log: pl.DataFrame) -> list[Column]:
    rows = list(log.iter_rows(named=True))
    return [
        Column("序号", 6, [row["seq"] for row in rows], "centred"),
        Column("级别", 13, [f"{level_text(row['level'])}\n{row['standing']}" for row in rows], "level"),
        Column(
            "编号",
            14,
            [f"{row['issue_no']}\n{LOG_FIELDS['change'].value(row['change'])}" for row in rows],
            "centred",
        ),
        Column("事项和评级理由", 46, [f"{printable(row['title'])}\n{reason(row)}" for row in rows]),
        Column("领域", 12, [printable(row["topic_name"]) for row in rows], "centred"),
        Column(
            "来源和发现时间", 20, [f"{printable(row['source_name'])}\n{local_time(row['detected_at'])}" for row in rows]
        ),
        Column("传播", 25, [spread(row).replace("，转发", "\n转发") for row in rows]),
        Column("承办", 13, [printable(row["owner_unit"]) for row in rows], "centred"),
        Column("处置建议", 13, [SUGGESTION_NAMES[row["suggestion"]] for row in rows], "centred"),
    ]


def _meanings() -> pl.DataFrame:
    sheets = {"明细": LOG_FIELDS, "来源": HEALTH_FIELDS}
    rows = [
        (sheet, field.head, column, field.meaning, field.unknown or "不会出现")
        for sheet, fields in sheets.items()
        for column, field in fields.items()
    ]
    marks = "；".join(f"{mark} {name} {roman}".rstrip() for name, mark, _, roman in LEVEL_NAMES.values())
    rows.append(("打印页", "级别", "level", f"确认级别，未确认的为系统建议级别。{marks}", "不会出现"))
    return pl.DataFrame(rows, schema=list(_MEANING_FIELDS), orient="row")
