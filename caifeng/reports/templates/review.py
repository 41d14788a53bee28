"""The templates of 月报, 季报 and 年度总结 in their first form."""

from functools import partial
from pathlib import Path

from docx.enum.text import WD_TAB_ALIGNMENT
from docx.shared import Mm, Pt

from caifeng.core.model.review import ReviewKind
from caifeng.reports.layout import (
    HEAD,
    NOTE,
    RED,
    TITLE,
    Columns,
    Writer,
    caption,
    new_document,
    note,
    only_if,
    rule_below,
    save,
    table_or,
    titled,
)
from caifeng.reports.review import FIGURES, PERIOD_WORDS, TREND_FIGURES
from caifeng.reports.words import INTERNAL

_TREND_COLUMNS: Columns = (
    ("月份", 18, ("{{ 行.月份 }}",), True),
    *((FIGURES[name].name, 23, (f"{{{{ 行.{FIGURES[name].name} }}}}",), True) for name in TREND_FIGURES),
)
_ISSUE_COLUMNS: Columns = (
    ("级别", 22, ("{% cellbg 行.底色 %}{{r 行.级别 }}",), True),
    ("事项", 82, ("{{ 行.标题 }}", "{{ 行.编号 }}　{{ 行.发现 }}发现"), False),
    ("进展", 26, ("{{ 行.进展 }}", "{{ 行.结论 }}"), True),
    ("承办", 26, ("{{ 行.承办 }}",), True),
)
_CASE_COLUMNS: Columns = (
    ("级别", 24, ("{{ 行.级别 }}",), True),
    ("事项", 64, ("{{ 行.标题 }}", "{{ 行.编号 }}"), False),
    ("领域", 22, ("{{ 行.领域 }}",), True),
    ("核查结论", 22, ("{{ 行.结论 }}",), True),
    ("首次回应", 24, ("{{ 行.时长 }}",), True),
)
_LATE_COLUMNS: Columns = (
    ("事项", 58, ("{{ 行.编号 }}", "{{ 行.标题 }}"), False),
    ("时限", 26, ("{{ 行.时限 }}",), True),
    ("到期", 36, ("{{ 行.到期 }}",), True),
    ("办理", 36, ("{{ 行.办理 }}",), True),
)
_RULE_COLUMNS: Columns = (
    ("参数（规则版本）", 66, ("{{ 行.参数 }}",), False),
    ("变动", 24, ("{{ 行.变动 }}",), True),
    ("试算事项", 22, ("{{ 行.事项 }}",), True),
    ("级别改变", 22, ("{{ 行.改变 }}",), True),
    ("占比", 22, ("{{ 行.占比 }}",), True),
)
_SEASON_COLUMNS: Columns = (
    ("月份", 22, ("{{ 行.月份 }}",), True),
    ("发布次数", 26, ("{{ 行.发布 }}",), True),
    ("发现事项", 26, ("{{ 行.事项 }}",), True),
    ("本单位", 26, ("{{ 行.本单位 }}",), True),
    ("临近同领域发布", 30, ("{{ 行.临近发布 }}",), True),
    ("占比", 26, ("{{ 行.占比 }}",), True),
)
_PRACTICE_COLUMNS: Columns = (
    ("地区、单位", 40, ("{{ 行.地区 }}", "{{ 行.单位 }}"), False),
    ("领域", 24, ("{{ 行.领域 }}",), True),
    ("做法", 92, ("{{ 行.标题 }}", "{{ 行.摘要 }}", "{{ 行.链接 }}"), False),
)
_MEASURE_COLUMNS: Columns = (
    ("提出期", 32, ("{{ 行.提出期 }}",), True),
    ("举措", 56, ("{{ 行.举措 }}",), False),
    ("责任股室", 26, ("{{ 行.责任股室 }}",), True),
    ("完成时限", 24, ("{{ 行.完成时限 }}",), True),
    ("状态", 18, ("{{ 行.状态 }}",), True),
)
_MISSING_COLUMNS: Columns = (
    ("指标", 50, ("{{ 行.指标 }}",), False),
    ("暂缺原因", 106, ("{{ 行.原因 }}",), False),
)
_BY_PEOPLE = "（由政务公开办填写）"


def build_review_template(path: Path, kind: ReviewKind) -> None:
    """Write the template of the review of a month, quarter or year; the same call gives the same bytes."""
    title, this, before = PERIOD_WORDS[kind]
    document = new_document(f"政务舆情{title}")
    add = Writer(document)
    _head(add, f"政务舆情{title}", kind)

    add.heading("一、总体情况")
    add.paragraph("{{ 总体 }}")
    if kind != "month":
        titled(add, f"{this}各月走势", "走势", _TREND_COLUMNS)
    add.heading("二、重点事项")
    table_or(add, "重点事项", f"{this}没有较大以上的本单位事项。", _ISSUE_COLUMNS)
    only_if(add, "重点说明", lambda: note(add, "{{ 重点说明 }}"))
    if kind == "year":
        only_if(add, "案例", lambda: titled(add, "案例库（已办结）", "案例", _CASE_COLUMNS))
    add.heading("三、时效与质量指标")
    table_or(add, "指标", f"{this}没有可计的指标。", _figure_columns(before, kind))
    note(add, "{{ 指标说明 }}")
    only_if(add, "综合得分", lambda: add.paragraph("{{ 综合得分 }}"))
    only_if(add, "逾期", lambda: titled(add, "逾期时限", "逾期", _LATE_COLUMNS))
    only_if(add, "逾期说明", lambda: note(add, "{{ 逾期说明 }}"))
    if kind != "month":
        add.paragraph("定级对照：{{ 定级对照 }}")
        only_if(add, "规则", lambda: titled(add, "规则调整依据：单个参数变动 10% 的影响", "规则", _RULE_COLUMNS))
    if kind == "year":
        only_if(add, "发布对照", lambda: titled(add, "各月事项与发布日程对照", "发布对照", _SEASON_COLUMNS))
    add.heading("四、存在问题")
    only_if(add, "问题提示", lambda: add.paragraph("数据提示：{{ 问题提示 }}。"))
    add.paragraph(_BY_PEOPLE, font=NOTE)
    add.heading("五、借鉴")
    table_or(add, "借鉴", f"{this}没有登记其他区域、单位的做法。", _PRACTICE_COLUMNS)
    add.heading("六、下步举措")
    table_or(add, "举措", f"{this}没有登记改进举措，也没有结转的举措。", _MEASURE_COLUMNS)
    add.paragraph(_BY_PEOPLE, font=NOTE)
    if kind == "year":
        add.heading("七、下一年度工作安排")
        add.paragraph(_BY_PEOPLE, font=NOTE)
    signature = add.paragraph("{{ 署名 }}", indent=False)
    signature.paragraph_format.space_before = Pt(24)
    signature.paragraph_format.keep_with_next = True
    add.paragraph("{{ 成文日期 }}", indent=False)
    _appendix(add, kind)
    save(document, path)


build_month_review_template = partial(build_review_template, kind="month")
build_quarter_review_template = partial(build_review_template, kind="quarter")
build_year_review_template = partial(build_review_template, kind="year")


def _head(add: Writer, title: str, kind: ReviewKind) -> None:
    line = add.paragraph(f"{INTERNAL}	{{{{ 样例说明 }}}}", font=HEAD, size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    add.paragraph(title, font=TITLE, size=32, centred=True, colour=RED, pitch=44)
    number = "〔{{ 年份 }}〕" if kind == "year" else "〔{{ 年份 }}〕第 {{ 期号 }} 期"
    line = add.paragraph(number + "\t{{ 期间 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line = add.paragraph("{{ 编制单位 }}\t数据截至 {{ 数据截至 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line.paragraph_format.space_after = Pt(8)
    rule_below(line)


def _appendix(add: Writer, kind: ReviewKind) -> None:
    _, this, before = PERIOD_WORDS[kind]
    heading = add.paragraph("附表", font=HEAD, indent=False)
    heading.paragraph_format.page_break_before = True
    heading.paragraph_format.keep_with_next = True
    for place, (title, field) in enumerate((("级别", "按级别"), ("领域", "按领域"), ("来源类别", "按来源")), 1):
        caption(add, f"表{place}　发现事项按{title}分")
        table_or(add, field, f"{this}没有发现事项。", _breakdown_columns(before, kind))
    caption(add, "表4　各股室时效与质量")
    table_or(add, "股室指标", f"{this}没有到期的股室时限。", _unit_columns(before, kind))
    note(add, "只看应办事项是否按时、合规办理；不以批评数量、负面比例评价股室，不评价个人。")
    caption(add, "表5　暂缺指标")
    table_or(add, "暂缺", "无。", _MISSING_COLUMNS)


def _change(kind: ReviewKind) -> str:
    # The period before a year is the year before.
    return "同比" if kind == "year" else "环比"


def _figure_columns(before: str, kind: ReviewKind) -> Columns:
    wide = 28 if kind == "year" else 0
    columns: Columns = (
        ("指标", 42 + wide // 4, ("{{ 行.指标 }}",), False),
        ("结果", 24 + wide // 4, ("{{ 行.结果 }}",), True),
        ("分子/分母", 22 + wide // 4, ("{{ 行.分数 }}",), True),
        (before, 18 + wide // 4, ("{{ 行.上期 }}",), True),
    )
    if kind == "year":
        return (*columns, ("同比", 22, ("{{ 行.同比 }}",), True))
    return (*columns, ("环比", 25, ("{{ 行.环比 }}",), True), ("同比", 25, ("{{ 行.同比 }}",), True))


def _breakdown_columns(before: str, kind: ReviewKind) -> Columns:
    return (
        ("分组", 44, ("{{ 行.名称 }}",), False),
        ("件数", 18, ("{{ 行.件数 }}",), True),
        ("占比", 20, ("{{ 行.占比 }}",), True),
        (before, 18, ("{{ 行.上期 }}",), True),
        (_change(kind), 22, ("{{ 行.环比 }}",), True),
        ("首次回应时长", 34, ("{{ 行.时长 }}",), True),
    )


def _unit_columns(before: str, kind: ReviewKind) -> Columns:
    return (
        ("股室", 34, ("{{ 行.股室 }}",), False),
        ("指标", 38, ("{{ 行.指标 }}",), False),
        ("结果", 20, ("{{ 行.结果 }}",), True),
        ("分子/分母", 20, ("{{ 行.分数 }}",), True),
        (before, 18, ("{{ 行.上期 }}",), True),
        (_change(kind), 26, ("{{ 行.环比 }}",), True),
    )
