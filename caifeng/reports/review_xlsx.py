"""月报, 季报 and 年度总结 as workbooks: a page to print, all tables to work with, and what the columns mean."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from caifeng.core.model.terms import LEVEL_NAMES, SOURCE_CLASS_NAMES
from caifeng.reports.fields import Field
from caifeng.reports.review import (
    DIMENSION_NAMES,
    FIGURES,
    FOUND,
    MISSING_WORDS,
    PeriodReview,
    change_text,
    fraction_text,
    missing_text,
    overview,
    previous_text,
    unit_name,
    value_text,
    year_change_text,
)
from caifeng.reports.sheets import Column, printed_page, table_sheet, workbook
from caifeng.reports.words import INTERNAL, SAMPLE_NOTICE, as_of_text

_LEVELS = {level: names[0] for level, names in LEVEL_NAMES.items()}
_KINDS = {"count": "数量", "rate": "比率", "hours": "小时", "index": "系数"}
_NAMES = {figure: words.name for figure, words in FIGURES.items()}

_PERIOD = Field("期间", "月份、季度或年份，如 2026-11、2026-Q4、2026", width=10)
_FIRST = Field("期初", "期间的第一天", width=11)
_LAST = Field("期末", "期间的最后一天", width=11)
_AS_OF = Field("数据截至", "所依据的时点（北京时间）", width=17)
_RULES = Field("规则版本", "编制时所用评级规则的版本", width=14)
_FIGURE = Field("指标", "指标名称，算法见字段说明", names=_NAMES, width=22)
_COMPARED: dict[str, Field] = {
    "numerator": Field("分子", "计入的件数；数量指标为数量", "见暂缺原因", width=8),
    "denominator": Field("分母", "应计的件数，到期未办的在内", "数量指标，或见暂缺原因", width=8),
    "value": Field("值", "数量；比率（0–1）和系数（四位小数）；小时（一位小数）", "分母为 0，或见暂缺原因", width=9),
}

FIGURE_FIELDS: dict[str, Field] = {
    "period": _PERIOD,
    "period_start": _FIRST,
    "period_end": _LAST,
    "seq": Field("序号", "纸面顺序", width=6),
    "figure": _FIGURE,
    "kind": Field("类型", "数量、比率、小时或系数", names=_KINDS, width=7),
    **_COMPARED,
    "missing": Field("暂缺原因", "为什么没有值", "有值", MISSING_WORDS, 18),
    "previous_value": Field("上期值", "上期同一指标", "上期没有，或没有编总结", width=9),
    "previous_denominator": Field("上期分母", "上期同一指标的分母", "同上期值", width=9),
    "change": Field("环比", "数量、小时为（本期−上期）/上期；比率、系数为本期−上期", "一方没有，或基数为 0", width=8),
    "last_year_value": Field("上年同期值", "上年同期同一指标", "上年同期没有，或没有编总结"),
    "last_year_denominator": Field("上年同期分母", "上年同期同一指标的分母", "同上年同期值", width=14),
    "change_on_year": Field("同比", "算法同环比", "同环比", width=8),
    "as_of": _AS_OF,
    "rule_version": _RULES,
}
UNIT_FIELDS: dict[str, Field] = {
    "period": _PERIOD,
    "period_start": _FIRST,
    "period_end": _LAST,
    "owner_unit": Field("股室", "事项交办的股室；未交办的由政务公开办负责", width=20),
    **{
        name: field
        for name, field in FIGURE_FIELDS.items()
        if name in ("seq", "figure", "kind", "numerator", "denominator", "value")
    },
    "numerator": Field("分子", "计入的件数；数量指标为数量", width=8),
    "denominator": Field("分母", "应计的件数，到期未办的在内", "数量指标", width=8),
    "value": Field("值", "数量；比率（0–1，四位小数）", "分母为 0", width=9),
    "previous_value": FIGURE_FIELDS["previous_value"],
    "previous_denominator": FIGURE_FIELDS["previous_denominator"],
    "change": FIGURE_FIELDS["change"],
    "as_of": _AS_OF,
    "rule_version": _RULES,
}
BREAKDOWN_FIELDS: dict[str, Field] = {
    "period": _PERIOD,
    "period_start": _FIRST,
    "period_end": _LAST,
    "dimension": Field("分组方式", "按级别、领域或来源类别", names=DIMENSION_NAMES),
    "item": Field("分组", "级别、领域代码或来源类别", names={**_LEVELS, **SOURCE_CLASS_NAMES}, width=18),
    "name": Field("领域", "领域名称", "其他分组方式", width=16),
    "issues": Field("件数", "本期发现的事项", width=8),
    "share": Field("占比", "占本期发现事项的比例", "本期没有发现事项", width=8),
    "previous_issues": Field("上期件数", "上期发现的事项", "上期没有编总结", width=9),
    "change": Field("环比", "（本期−上期）/上期", "基数为 0 或未知", width=8),
    "answered": Field("已回应", "其中已公开回应的", width=8),
    "median_hours": Field("回应时长中位数", "首次公开回应所用小时数的中位数", "没有已回应的", width=16),
    "p90_hours": Field("九成以内", "九成事项在此小时数内首次回应", "没有已回应的", width=9),
    "as_of": _AS_OF,
    "rule_version": _RULES,
}
ISSUE_FIELDS: dict[str, Field] = {
    "period": _PERIOD,
    "period_start": _FIRST,
    "period_end": _LAST,
    "issue_no": Field("事项编号", "登记簿编号，一经编定不再改变", width=15),
    "title": Field("标题", "事项标题", width=40),
    "detected_at": Field("发现时间", "本系统首次采到的时间（北京时间）", width=17),
    "first_published_at": Field("首发时间", "已知最早发布时间（北京时间）", "未知", width=17),
    "found_hours": Field("发现用时", "首发至发现的小时数", "首发时间未知", width=9),
    "found_in_time": Field("及时发现", "24 小时内发现（重大以上 2 小时）", "首发时间未知，或不够精确", width=9),
    "told_by_others": Field(
        "他方告知", "最早帖文由上级、其他单位告知（config/review.toml）", "没有写明这类来源", width=10
    ),
    "topic": Field("领域代码", "所属领域的代码", width=16),
    "topic_name": Field("涉及领域", "所属领域", width=16),
    "source_class": Field("来源类别", "首发来源的类别", names=SOURCE_CLASS_NAMES),
    "level": Field("级别", "确认级别，未确认的为系统建议级别", names=_LEVELS, width=9),
    "confirmed_level": Field("确认级别", "人工确认的级别", "尚未确认", _LEVELS, 9),
    "is_own": Field("本单位事项", "不属背景、转办，未并案、未转出", width=11),
    "state": Field("状态", "办理到哪一步", "登记簿没有导出", width=9),
    "outcome": Field("核查结论", "核查的结论", "未核查", width=14),
    "unit": Field("交办股室", "事项交办的股室", "未交办", width=14),
    "owner_unit": Field("领域承办", "负责该领域的股室", width=14),
    "first_response_hours": Field("首次回应用时", "自计时起至首次公开回应的小时数", "未回应", width=13),
    "as_of": _AS_OF,
    "rule_version": _RULES,
}
ITEM_FIELDS: dict[str, Field] = {
    "period": _PERIOD,
    "period_start": _FIRST,
    "period_end": _LAST,
    "figure": _FIGURE,
    "item": Field("计数对象", "事项和计时起点、来源和日期、日志日期、登记事件、应公开事项或登记表的行", width=36),
    "issue_no": Field("事项编号", "登记簿编号", "不是事项", width=15),
    "unit": Field("股室", "事项交办的股室；未交办的由政务公开办负责", "不属股室", width=20),
    "level": Field("级别", "确认级别，未确认的为系统建议级别", "不是事项，或尚未评级", _LEVELS, 9),
    "system_level": Field("建议级别", "系统建议的级别", "其他指标", _LEVELS, 9),
    "confirmed_level": Field("确认级别", "人工确认的级别", "其他指标", _LEVELS, 9),
    "hit": Field("计入分子", "是否计入分子", width=9),
    "hours": Field("小时", "首次公开回应所用小时数", "其他指标", width=8),
    "due_at": Field("到期", "时限（北京时间）", "没有时限", width=17),
    "done_at": Field("办理", "办理时间（北京时间）", "未办，或没有时限", width=17),
    "as_of": _AS_OF,
    "rule_version": _RULES,
}
MEASURE_FIELDS: dict[str, Field] = {
    "period": _PERIOD,
    "raised_for": Field("提出期", "哪一期总结提出的", width=10),
    "carried_over": Field("结转", "此前各期提出的", width=7),
    "measure": Field("举措", "要改进什么", width=50),
    "unit": Field("责任股室", "负责的股室", width=20),
    "due_on": Field("完成时限", "最迟完成之日", width=11),
    "state": Field("状态", "期末状态；到期未完成的为逾期", width=11),
    "done_on": Field("完成日期", "完成之日", "未完成", width=11),
    "as_of": _AS_OF,
    "rule_version": _RULES,
}
PRACTICE_FIELDS: dict[str, Field] = {
    "period": _PERIOD,
    "noted_on": Field("记录日期", "记录之日", width=11),
    "is_new": Field("本期记录", "在本期内记录的", width=9),
    "region": Field("地区", "哪里的做法", width=16),
    "body": Field("单位", "哪个单位的做法", width=20),
    "title": Field("标题", "做法的名称", width=30),
    "topic": Field("领域", "涉及的统计领域", "不属某一领域", width=16),
    "outcome": Field("核查结论", "当地核查的结论", "没有写明", width=14),
    "form": Field("回应形式", "当地怎样回应", "没有写明", width=14),
    "url": Field("链接", "公开页面的网址（纯文本，不设跳转）", "没有", width=36),
    "summary": Field("做法摘要", "好在哪里，不超过 200 字", width=60),
    "noted_by_role": Field("记录岗位", "由哪个岗位记录", "自动采集", width=12),
    "as_of": _AS_OF,
    "rule_version": _RULES,
}
SEASON_FIELDS: dict[str, Field] = {
    "period": _PERIOD,
    "month": Field("月份", "月份", width=9),
    "releases": Field("发布次数", "当月发布的次数，按最早可能之日", "当月没有运行", width=9),
    "issues": Field("发现事项", "当月发现的事项", "当月没有运行", width=9),
    "issues_own": Field("本单位事项", "其中本单位的", "当月没有运行", width=11),
    "near_release": Field("临近发布", "在同领域发布前后 3 日内发现的（本单位规定）", "当月没有运行", width=9),
    "as_of": _AS_OF,
    "rule_version": _RULES,
}
RULE_FIELDS: dict[str, Field] = {
    "period": _PERIOD,
    "graded_by": Field("试算规则", "试算的规则版本", width=16),
    "parameter": Field("参数", "变动的权重（weight）或分界（level）", width=20),
    "direction": Field("变动", "增减 10%", names={"up": "增 10%", "down": "减 10%"}, width=8),
    "issues": Field("试算事项", "试算的事项", width=9),
    "flipped": Field("级别改变", "级别会改变的事项", width=9),
    "share": Field("占比", "级别会改变的比例", "没有事项", width=8),
    "as_of": _AS_OF,
    "rule_version": _RULES,
}
#: Sheet -> (table, head and words of its columns).
SHEETS: dict[str, tuple[str, Mapping[str, Field]]] = {
    "指标": ("marts.review_month", FIGURE_FIELDS),
    "股室": ("marts.kpi_unit", UNIT_FIELDS),
    "分布": ("marts.review_breakdown", BREAKDOWN_FIELDS),
    "事项": ("marts.review_issues", ISSUE_FIELDS),
    "举措": ("marts.improvements", MEASURE_FIELDS),
    "借鉴": ("marts.practice_library", PRACTICE_FIELDS),
    "发布对照": ("marts.review_season", SEASON_FIELDS),
    "规则": ("marts.review_rules", RULE_FIELDS),
    "走势": ("marts.review_month", FIGURE_FIELDS),
    "明细": ("marts.review_items", ITEM_FIELDS),
}
_MEANING_FIELDS = {
    "sheet": Field("工作表", "", width=10),
    "head": Field("栏目或指标", "", width=24),
    "column": Field("字段", "", width=24),
    "meaning": Field("含义", "", width=70),
    "unknown": Field("“—”表示", "", width=28),
}


def write_review_xlsx(review: PeriodReview, path: Path) -> None:
    """Write 打印页, the sheets of `SHEETS` and 字段说明; the same input gives the same bytes.

    Raises:
        OSError: `path` cannot be written.
    """
    frames = {
        "指标": review.figures.sort("seq"),
        "股室": _with_units(review, review.units.sort("owner_unit", "seq"), "owner_unit"),
        "分布": review.breakdown,
        "事项": _with_units(review, review.issues, "unit").with_columns(
            pl.col("state").replace(dict(review.states)), pl.col("outcome").replace(dict(review.outcomes))
        ),
        "举措": _with_units(review, review.improvements, "unit").with_columns(
            pl.col("state").replace(dict(review.measure_states))
        ),
        "借鉴": review.practices.with_columns(
            pl.col("topic").replace(dict(review.topics)),
            pl.col("outcome").replace(dict(review.outcomes)),
            pl.col("form").replace(dict(review.forms)),
            pl.col("noted_by_role").replace({role.id: role.name for role in review.office.roles}).fill_null(FOUND),
        ),
        "发布对照": review.season,
        "规则": review.sensitivity,
        "走势": review.months,
        "明细": _with_units(review, review.items, "unit"),
    }
    least, (title, _, before) = review.rules.small_number, review.words
    with workbook(path, f"政务舆情{title} {review.period.name}", review.as_of) as (book, styles):
        rows = list(review.figures.sort("seq").iter_rows(named=True))
        columns = [
            Column("指标", 30, [FIGURES[row["figure"]].name for row in rows]),
            Column("结果", 16, [value_text(row, least) for row in rows], "centred"),
            Column("分子/分母", 14, [fraction_text(row) for row in rows], "centred"),
            Column(before, 14, [previous_text(row, least) for row in rows], "centred"),
            Column("环比", 18, [change_text(row, least) for row in rows], "centred"),
            Column("同比", 18, [year_change_text(row, least) for row in rows], "centred"),
            Column("暂缺原因", 34, [missing_text(row) for row in rows]),
        ]
        printed_page(book, styles, "打印页", _heads(review), columns, ["log_only"] * len(rows))
        for name, (_, fields) in SHEETS.items():
            dated = frames[name].with_columns(pl.col(pl.Date).dt.to_string("%Y-%m-%d"))
            table_sheet(book, styles, name, dated, fields)
        table_sheet(book, styles, "字段说明", _meanings(), _MEANING_FIELDS)


def _heads(review: PeriodReview) -> list[str]:
    office = review.office
    parts = [INTERNAL, f"{office.name}{office.openness_office}", review.period.name]
    parts.append(f"数据截至 {as_of_text(review.as_of, review.period.last)}")
    if review.is_sample:
        parts.append(SAMPLE_NOTICE)
    return [f"政务舆情{review.words.title}", "　　".join(parts), "总体：" + overview(review)]


def _with_units(review: PeriodReview, frame: pl.DataFrame, column: str) -> pl.DataFrame:
    names = {unit: unit_name(unit, review.office) for unit in frame[column].drop_nulls().unique()}
    return frame.with_columns(pl.col(column).replace(names))


def _meanings() -> pl.DataFrame:
    rows = [
        (sheet, field.head, column, field.meaning, field.unknown or "不会出现")
        for sheet, (_, fields) in SHEETS.items()
        for column, field in fields.items()
    ]
    rows += [("指标", words.name, figure, words.formula, "见暂缺原因") for figure, words in FIGURES.items()]
    return pl.DataFrame(rows, schema=list(_MEANING_FIELDS), orient="row")
