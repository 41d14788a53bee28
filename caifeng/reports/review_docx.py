"""The 月报 (Art. 13) as a document: the office's own template filled with one month.

Overview, main issues, figures, then what a person writes: problems, examples of others, next steps; tables follow.
"""

from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
from docxtpl import DocxTemplate, RichText
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from caifeng.core.clock import business_day
from caifeng.core.errors import ConfigError
from caifeng.core.model.deadlines import DUE_NAMES
from caifeng.reports.daily_log_docx import check_template, placeholders, signature_lines
from caifeng.reports.layout import fixed_zip
from caifeng.reports.review import (
    FIGURES,
    SMALL_NUMBER,
    MonthReview,
    breakdown_rows,
    change_text,
    fraction_text,
    item_name,
    missing_text,
    month_name,
    overdue_rows,
    overview,
    previous_text,
    problems,
    ratio_text,
    unit_name,
    value_text,
)
from caifeng.reports.words import (
    LEVEL_COLOURS,
    SAMPLE_NOTICE,
    UNKNOWN,
    as_of_text,
    level_text,
    local_time,
    number,
    printable,
)

_PLAIN = (
    *("样例说明", "年份", "期号", "月份", "编制单位", "数据截至", "总体", "指标说明", "问题提示"),
    *("署名", "成文日期"),
)
_DIVIDED = ("名称", "件数", "占比", "上月", "环比", "时长")
_TABLES = {
    "重点事项": ("级别", "底色", "标题", "编号", "发现", "进展", "结论", "承办"),
    "指标": ("指标", "结果", "分数", "上月", "环比"),
    "逾期": ("编号", "标题", "时限", "到期", "办理"),
    "按级别": _DIVIDED,
    "按领域": _DIVIDED,
    "按来源": _DIVIDED,
    "股室指标": ("股室", "指标", "结果", "分数", "上月", "环比"),
    "暂缺": ("指标", "原因"),
}

#: What a template may use: plain placeholders, and for tables `table` and `table.column`.
MONTH_REVIEW_FIELDS: frozenset[str] = frozenset(
    [*_PLAIN, *_TABLES, *(f"{table}.{column}" for table, columns in _TABLES.items() for column in columns)]
)

FIGURES_NOTE = (
    "注：时限类指标按到期月份计，到期未办的计入分母；分母不足 5 的只写件数（n=），不写百分比；"
    "率的环比为百分点之差。“—”表示没有可比或可计的数据。"
)


def write_month_review_docx(review: MonthReview, template: Path, path: Path) -> None:
    """Fill the template with one month and write it; the same input gives the same bytes.

    Raises:
        ConfigError: the template cannot be read, or uses a placeholder that does not exist.
        OSError: `path` cannot be written.
    """
    if unknown := sorted(placeholders(template) - MONTH_REVIEW_FIELDS):
        raise ConfigError(template, "、".join(unknown), check_template(template, MONTH_REVIEW_FIELDS)[0])
    document = DocxTemplate(template)
    try:
        environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
        document.render(month_review_context(review), environment, autoescape=True)
    except TemplateError as error:
        raise ConfigError(template, "", f"模板无法填写：{error.message}") from error
    buffer = BytesIO()
    document.save(buffer)
    path.write_bytes(fixed_zip(buffer.getvalue()))


def month_review_context(review: MonthReview) -> dict[str, Any]:
    """Values of the placeholders (`MONTH_REVIEW_FIELDS`), all of them text that may be shown as it is."""
    office = f"{review.office.name}{review.office.openness_office}"
    signature, signed_on = signature_lines(office, business_day(review.as_of))
    figures = list(review.figures.sort("seq").iter_rows(named=True))
    return {
        "样例说明": SAMPLE_NOTICE if review.is_sample else "",
        "年份": str(review.first.year),
        "期号": str(review.first.month),
        "月份": month_name(review.first),
        "编制单位": office,
        "数据截至": as_of_text(review.as_of, review.last),
        "总体": overview(review),
        "重点事项": _main_issues(review),
        "指标": [_figure(row) for row in figures if row["value"] is not None and row["seq"] > 10],
        "指标说明": FIGURES_NOTE,
        "逾期": [_late(row) for row in overdue_rows(review).iter_rows(named=True)],
        "问题提示": "；".join(problems(review)),
        "按级别": _divided(review, "level"),
        "按领域": _divided(review, "topic"),
        "按来源": _divided(review, "source_class"),
        "股室指标": [
            {"股室": unit_name(row["owner_unit"], review.office), **_figure(row)}
            for row in review.units.sort("owner_unit", "seq").iter_rows(named=True)
            if row["value"] is not None
        ],
        "暂缺": [{"指标": FIGURES[row["figure"]].name, "原因": missing_text(row)} for row in figures if row["missing"]],
        "署名": signature,
        "成文日期": signed_on,
    }


def _main_issues(review: MonthReview) -> list[dict[str, Any]]:
    main = review.issues.filter(pl.col("is_own") & pl.col("level").is_in(["extreme", "major", "larger"]))
    order = {"extreme": 0, "major": 1, "larger": 2}
    return [
        {
            "级别": _level(row["level"]),
            "底色": LEVEL_COLOURS[row["level"]][0],
            "标题": printable(row["title"]),
            "编号": row["issue_no"],
            "发现": local_time(row["detected_at"]),
            "进展": review.states.get(row["state"], UNKNOWN),
            "结论": review.outcomes.get(row["outcome"], "尚无核查结论"),
            "承办": unit_name(row["unit"], review.office) if row["unit"] else printable(row["owner_unit"]),
        }
        for row in sorted(main.iter_rows(named=True), key=lambda row: (order[row["level"]], row["issue_no"]))
    ]


def _figure(row: dict[str, Any]) -> dict[str, str]:
    return {
        "指标": FIGURES[row["figure"]].name,
        "结果": value_text(row),
        "分数": fraction_text(row),
        "上月": previous_text(row),
        "环比": change_text(row),
    }


def _late(row: dict[str, Any]) -> dict[str, str]:
    return {
        "编号": row["issue_no"],
        "标题": printable(row["title"]) if row["title"] else "（此前月份发现）",
        "时限": DUE_NAMES[row["duty"]],
        "到期": local_time(row["due_at"]),
        "办理": local_time(row["done_at"]) if row["done_at"] else "未办",
    }


def _divided(review: MonthReview, dimension: str) -> list[dict[str, str]]:
    return [
        {
            "名称": item_name(row),
            "件数": number(row["issues"]),
            "占比": UNKNOWN if row["share"] is None else f"{row['share']:.1%}",
            "上月": number(row["previous_issues"]),
            "环比": ratio_text(row["change"]),
            "时长": _hours(row),
        }
        for row in breakdown_rows(review.breakdown, dimension)
    ]


def _hours(row: dict[str, Any]) -> str:
    if not row["answered"]:
        return UNKNOWN
    if row["answered"] < SMALL_NUMBER:
        return f"n={row['answered']}"
    return f"中位 {row['median_hours']:.1f}，九成 {row['p90_hours']:.1f} 小时"


def _level(level: str) -> RichText:
    text = RichText()
    text.add(level_text(level), size=21, color=LEVEL_COLOURS[level][1], bold=True, font="eastAsia:黑体")
    return text
