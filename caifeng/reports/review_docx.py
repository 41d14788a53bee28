"""月报, 季报 and 年度总结 (Art. 13) as documents: the office's own template filled with one period.

Overview, main issues, figures, problems, what others did well, measures; a person writes beside them; tables follow.
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
    FOUND,
    TREND_FIGURES,
    PeriodReview,
    agreement_rows,
    breakdown_rows,
    change_text,
    fraction_text,
    item_name,
    missing_text,
    overdue_rows,
    overview,
    previous_text,
    problems,
    ratio_text,
    trend_rows,
    unit_name,
    value_text,
    year_change_text,
)
from caifeng.reports.review_score import score, score_text
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
    *("样例说明", "年份", "期号", "期间", "编制单位", "数据截至", "总体", "指标说明", "综合得分", "问题提示"),
    *("重点说明", "逾期说明", "定级对照", "署名", "成文日期"),
)
_DIVIDED = ("名称", "件数", "占比", "上期", "环比", "时长")
_FIGURE = ("指标", "结果", "分数", "上期", "环比", "同比")
_TABLES = {
    "走势": ("月份", *(FIGURES[name].name for name in TREND_FIGURES)),
    "重点事项": ("级别", "底色", "标题", "编号", "发现", "进展", "结论", "承办"),
    "案例": ("级别", "标题", "编号", "领域", "结论", "时长"),
    "指标": _FIGURE,
    "逾期": ("编号", "标题", "时限", "到期", "办理"),
    "规则": ("参数", "变动", "事项", "改变", "占比"),
    "发布对照": ("月份", "发布", "事项", "本单位", "临近发布", "占比"),
    "借鉴": ("地区", "单位", "标题", "领域", "摘要", "链接"),
    "举措": ("提出期", "举措", "责任股室", "完成时限", "状态"),
    "按级别": _DIVIDED,
    "按领域": _DIVIDED,
    "按来源": _DIVIDED,
    "股室指标": ("股室", *_FIGURE[:-1]),
    "暂缺": ("指标", "原因"),
}

#: What a template may use: plain placeholders, and for tables `table` and `table.column`.
REVIEW_FIELDS: frozenset[str] = frozenset(
    [*_PLAIN, *_TABLES, *(f"{table}.{column}" for table, columns in _TABLES.items() for column in columns)]
)

#: Rows of a table on paper; the workbook has all of them.
MOST_ROWS = 40
_RULES_SHOWN = 8
_MAIN = {"extreme": 0, "major": 1, "larger": 2}


def figures_note(least: int) -> str:
    """What stands below the figures."""
    return (
        f"注：时限类指标按到期日所在期间计，到期未办的计入分母；分母不足 {least} 的只写件数（n=），不写百分比"
        "（本单位规定）；率的环比、同比为百分点之差，基数为 0 的不计。“—”表示没有可比或可计的数据。"
    )


def write_review_docx(review: PeriodReview, template: Path, path: Path) -> None:
    """Fill the template with one period and write it; the same input gives the same bytes.

    Raises:
        ConfigError: the template cannot be read, or uses a placeholder that does not exist.
        OSError: `path` cannot be written.
    """
    if unknown := sorted(placeholders(template) - REVIEW_FIELDS):
        raise ConfigError(template, "、".join(unknown), check_template(template, REVIEW_FIELDS)[0])
    document = DocxTemplate(template)
    try:
        environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
        document.render(review_context(review), environment, autoescape=True)
    except TemplateError as error:
        raise ConfigError(template, "", f"模板无法填写：{error.message}") from error
    buffer = BytesIO()
    document.save(buffer)
    path.write_bytes(fixed_zip(buffer.getvalue()))


def review_context(review: PeriodReview) -> dict[str, Any]:
    """Values of the placeholders (`REVIEW_FIELDS`), all of them text that may be shown as it is."""
    office = f"{review.office.name}{review.office.openness_office}"
    signature, signed_on = signature_lines(office, business_day(review.as_of))
    figures = list(review.figures.sort("seq").iter_rows(named=True))
    least, period = review.rules.small_number, review.period
    main, late = _main_issues(review), overdue_rows(review)
    values = {row["figure"]: row["value"] for row in figures}
    issue_of_year = {"month": period.first.month, "quarter": (period.first.month + 2) // 3, "year": 1}
    return {
        "样例说明": SAMPLE_NOTICE if review.is_sample else "",
        "年份": str(period.first.year),
        "期号": str(issue_of_year[period.kind]),
        "期间": period.name,
        "编制单位": office,
        "数据截至": as_of_text(review.as_of, period.last),
        "总体": overview(review),
        "走势": [_trend(row) for row in trend_rows(review)],
        "重点事项": [_main_issue(review, row) for row in main[:MOST_ROWS]],
        "重点说明": _rest(len(main), "件", "事项", "级别最高"),
        "案例": [_case(review, row) for row in main if row["outcome"] and row["state"] == "closed"][:MOST_ROWS],
        "指标": [_figure(row, least) for row in figures if row["value"] is not None and row["seq"] > _VOLUMES],
        "指标说明": figures_note(least),
        "综合得分": score_text(score(values, review.rules.score)) if review.rules.score.enabled else "",
        "逾期": [_late(row) for row in late.head(MOST_ROWS).iter_rows(named=True)],
        "逾期说明": _rest(late.height, "项", "明细", "到期最早"),
        "定级对照": _agreement(review),
        "规则": _rules(review.sensitivity),
        "发布对照": [_season(row) for row in review.season.sort("month").iter_rows(named=True)],
        "问题提示": "；".join(problems(review)),
        "借鉴": [_practice(review, row) for row in review.practices.filter("is_new").iter_rows(named=True)],
        "举措": [_measure(review, row) for row in _measures_in_order(review.improvements)],
        "按级别": _divided(review, "level"),
        "按领域": _divided(review, "topic"),
        "按来源": _divided(review, "source_class"),
        "股室指标": [
            {"股室": unit_name(row["owner_unit"], review.office), **_unit_figure(row, least)}
            for row in review.units.sort("owner_unit", "seq").iter_rows(named=True)
            if row["value"] is not None and (row["kind"] != "count" or row["value"] > 0)
        ],
        "暂缺": [{"指标": FIGURES[row["figure"]].name, "原因": missing_text(row)} for row in figures if row["missing"]],
        "署名": signature,
        "成文日期": signed_on,
    }


#: Figures up to this place are volumes, told in the overview.
_VOLUMES = 10


def _rest(rows: int, counter: str, sheet: str, first: str) -> str:
    if rows <= MOST_ROWS:
        return ""
    return f"共 {rows} {counter}，列出{first}的 {MOST_ROWS} {counter}，其余见工作簿“{sheet}”。"


def _main_issues(review: PeriodReview) -> list[dict[str, Any]]:
    main = review.issues.filter(pl.col("is_own") & pl.col("level").is_in(list(_MAIN)))
    return sorted(main.iter_rows(named=True), key=lambda row: (_MAIN[row["level"]], row["issue_no"]))


def _main_issue(review: PeriodReview, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "级别": _level(row["level"]),
        "底色": LEVEL_COLOURS[row["level"]][0],
        "标题": printable(row["title"]),
        "编号": row["issue_no"],
        "发现": local_time(row["detected_at"]),
        "进展": review.states.get(row["state"], UNKNOWN),
        "结论": review.outcomes.get(row["outcome"], "尚无核查结论"),
        "承办": unit_name(row["unit"], review.office) if row["unit"] else printable(row["owner_unit"]),
    }


def _case(review: PeriodReview, row: dict[str, Any]) -> dict[str, str]:
    hours = row["first_response_hours"]
    return {
        "级别": level_text(row["level"]),
        "标题": printable(row["title"]),
        "编号": row["issue_no"],
        "领域": printable(row["topic_name"]),
        "结论": review.outcomes[row["outcome"]],
        "时长": UNKNOWN if hours is None else f"{hours:.1f} 小时",
    }


def _trend(row: dict[str, Any]) -> dict[str, str]:
    return {"月份": row["name"], **dict(zip(_TABLES["走势"][1:], row["values"], strict=True))}


def _figure(row: dict[str, Any], least: int) -> dict[str, str]:
    return {**_unit_figure(row, least), "同比": year_change_text(row, least)}


def _unit_figure(row: dict[str, Any], least: int) -> dict[str, str]:
    return {
        "指标": FIGURES[row["figure"]].name,
        "结果": value_text(row, least),
        "分数": fraction_text(row),
        "上期": previous_text(row, least),
        "环比": change_text(row, least),
    }


def _late(row: dict[str, Any]) -> dict[str, str]:
    return {
        "编号": row["issue_no"],
        "标题": printable(row["title"]) if row["title"] else "（此前发现）",
        "时限": DUE_NAMES[row["duty"]],
        "到期": local_time(row["due_at"]),
        "办理": local_time(row["done_at"]) if row["done_at"] else "未办",
    }


def _agreement(review: PeriodReview) -> str:
    row = review.figure("level_agreed")
    if not row["denominator"]:
        return f"{review.words.this}没有确认级别的事项。"
    pairs = agreement_rows(review.items)
    apart = "；".join(f"建议{a}、确认{b} {n} 件" for a, b, n in pairs)
    return f"确认级别 {row['denominator']} 件，与系统建议一致 {row['numerator']} 件" + (
        f"；不一致的：{apart}。" if pairs else "。"
    )


def _rules(sensitivity: pl.DataFrame) -> list[dict[str, str]]:
    flipped = sensitivity.filter(pl.col("flipped") > 0).sort(
        "share", "graded_by", "parameter", "direction", descending=[True, False, False, False]
    )
    return [
        {
            "参数": f"{row['parameter']}（{row['graded_by']}）",
            "变动": "增 10%" if row["direction"] == "up" else "减 10%",
            "事项": number(row["issues"]),
            "改变": number(row["flipped"]),
            "占比": f"{row['share']:.1%}",
        }
        for row in flipped.head(_RULES_SHOWN).iter_rows(named=True)
    ]


def _season(row: dict[str, Any]) -> dict[str, str]:
    return {
        "月份": f"{int(row['month'][5:])}月",
        "发布": number(row["releases"]),
        "事项": number(row["issues"]),
        "本单位": number(row["issues_own"]),
        "临近发布": number(row["near_release"]),
        "占比": f"{row['near_release'] / row['issues']:.1%}" if row["issues"] else UNKNOWN,
    }


def _practice(review: PeriodReview, row: dict[str, Any]) -> dict[str, str]:
    found = "" if row["noted_by_role"] else FOUND
    words = [review.outcomes.get(row["outcome"], ""), review.forms.get(row["form"], ""), found]
    told = "，".join(word for word in words if word)
    return {
        "地区": printable(row["region"]),
        "单位": printable(row["body"]),
        "标题": printable(row["title"]),
        "领域": printable(review.topics.get(row["topic"], row["topic"] or UNKNOWN)),
        "摘要": printable(row["summary"]) + (f"（{told}）" if told else ""),
        "链接": printable(row["url"] or UNKNOWN),
    }


def _measures_in_order(improvements: pl.DataFrame) -> list[dict[str, Any]]:
    # What was carried over first: it waits the longest.
    return list(improvements.sort("carried_over", "due_on", "measure", descending=[True, False, False]).to_dicts())


def _measure(review: PeriodReview, row: dict[str, Any]) -> dict[str, str]:
    return {
        "提出期": row["raised_for"] + ("（结转）" if row["carried_over"] else ""),
        "举措": printable(row["measure"]),
        "责任股室": unit_name(row["unit"], review.office),
        "完成时限": f"{row['due_on']:%Y-%m-%d}",
        "状态": review.measure_states[row["state"]],
    }


def _divided(review: PeriodReview, dimension: str) -> list[dict[str, str]]:
    return [
        {
            "名称": item_name(row),
            "件数": number(row["issues"]),
            "占比": UNKNOWN if row["share"] is None else f"{row['share']:.1%}",
            "上期": number(row["previous_issues"]),
            "环比": ratio_text(row["change"]),
            "时长": _hours(row, review.rules.small_number),
        }
        for row in breakdown_rows(review.breakdown, dimension)
    ]


def _hours(row: dict[str, Any], least: int) -> str:
    if not row["answered"]:
        return UNKNOWN
    if row["answered"] < least:
        return f"n={row['answered']}"
    return f"中位 {row['median_hours']:.1f}，九成 {row['p90_hours']:.1f} 小时"


def _level(level: str) -> RichText:
    text = RichText()
    text.add(level_text(level), size=21, color=LEVEL_COLOURS[level][1], bold=True, font="eastAsia:黑体")
    return text
