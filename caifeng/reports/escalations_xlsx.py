"""The 预警报送清单 (Art. 6-7): issues that somebody must act on, what to do next, and who."""

from pathlib import Path

from caifeng.core.model.terms import RESPONSE_NAMES, ROLE_NAMES
from caifeng.reports.day import DayReport
from caifeng.reports.sheets import Column, printed_page, workbook
from caifeng.reports.words import (
    INTERNAL,
    SAMPLE_NOTICE,
    UNKNOWN,
    as_of_text,
    coverage_statement,
    document_date,
    level_text,
    local_time,
    next_step,
    printable,
    reason,
)

NOTHING_TO_DO = "当日没有需要预警、报送或回应的事项。"


def write_escalations_xlsx(report: DayReport, path: Path) -> None:
    """Write the list, one row per issue in the order of the log; the same input gives the same bytes.

    Raises:
        OSError: `path` cannot be written.
    """
    rows = list(report.escalations.sort("seq").iter_rows(named=True))
    levels = [row["level"] for row in rows]
    columns = [
        Column("序号", 6, [row["seq"] for row in rows], "centred"),
        Column("级别", 13, [level_text(level) for level in levels], "level"),
        Column(
            "编号和发现时间", 18, [f"{row['issue_no']}\n{local_time(row['detected_at'])}" for row in rows], "centred"
        ),
        Column("事项和评级理由", 46, [f"{printable(row['title'])}\n{reason(row)}" for row in rows]),
        Column("回应价值", 11, [RESPONSE_NAMES[row["response_value"]] for row in rows], "centred"),
        Column("报告对象", 11, [ROLE_NAMES.get(row["report_to"], UNKNOWN) for row in rows], "centred"),
        Column("下一步", 24, [next_step(row) for row in rows]),
        Column("承办", 13, [printable(row["owner_unit"]) for row in rows], "centred"),
        Column("办理记录（何时、何人、结果）", 30, ["" for _ in rows]),
    ]
    office = report.office
    parts = [INTERNAL, f"{office.name}{office.openness_office}", document_date(report.day)]
    parts.append(f"数据截至 {as_of_text(report.summary['as_of'], report.day)}")
    if report.is_sample:
        parts.append(SAMPLE_NOTICE)
    heads = ["预警报送清单", "　　".join(parts), "来源巡查：" + coverage_statement(report.summary, report.health)]
    if not rows:
        heads.append(NOTHING_TO_DO)
    heads.append("级别、报告对象为系统建议或已确认的级别所对应的本单位规定；红、橙、黄、蓝另以文字和符号标明。")
    with workbook(path, f"预警报送清单 {report.day}", report.summary["as_of"]) as (book, styles):
        printed_page(book, styles, "预警报送清单", heads, columns, levels)
