"""The template of the 月报 in its first form."""

from pathlib import Path

from docx.enum.text import WD_TAB_ALIGNMENT
from docx.shared import Mm, Pt

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
from caifeng.reports.words import INTERNAL

_FIGURE_COLUMNS: Columns = (
    ("指标", 46, ("{{ 行.指标 }}",), False),
    ("结果", 30, ("{{ 行.结果 }}",), True),
    ("分子/分母", 26, ("{{ 行.分数 }}",), True),
    ("上月", 24, ("{{ 行.上月 }}",), True),
    ("环比", 30, ("{{ 行.环比 }}",), True),
)
_REVIEW_ISSUE_COLUMNS: Columns = (
    ("级别", 22, ("{% cellbg 行.底色 %}{{r 行.级别 }}",), True),
    ("事项", 82, ("{{ 行.标题 }}", "{{ 行.编号 }}　{{ 行.发现 }}发现"), False),
    ("进展", 26, ("{{ 行.进展 }}", "{{ 行.结论 }}"), True),
    ("承办", 26, ("{{ 行.承办 }}",), True),
)
_LATE_COLUMNS: Columns = (
    ("事项", 58, ("{{ 行.编号 }}", "{{ 行.标题 }}"), False),
    ("时限", 26, ("{{ 行.时限 }}",), True),
    ("到期", 36, ("{{ 行.到期 }}",), True),
    ("办理", 36, ("{{ 行.办理 }}",), True),
)
_BREAKDOWN_COLUMNS: Columns = (
    ("分组", 44, ("{{ 行.名称 }}",), False),
    ("件数", 18, ("{{ 行.件数 }}",), True),
    ("占比", 20, ("{{ 行.占比 }}",), True),
    ("上月", 18, ("{{ 行.上月 }}",), True),
    ("环比", 22, ("{{ 行.环比 }}",), True),
    ("首次回应时长", 34, ("{{ 行.时长 }}",), True),
)
_UNIT_COLUMNS: Columns = (
    ("股室", 34, ("{{ 行.股室 }}",), False),
    ("指标", 38, ("{{ 行.指标 }}",), False),
    ("结果", 20, ("{{ 行.结果 }}",), True),
    ("分子/分母", 20, ("{{ 行.分数 }}",), True),
    ("上月", 18, ("{{ 行.上月 }}",), True),
    ("环比", 26, ("{{ 行.环比 }}",), True),
)
_MISSING_COLUMNS: Columns = (
    ("指标", 50, ("{{ 行.指标 }}",), False),
    ("暂缺原因", 106, ("{{ 行.原因 }}",), False),
)


def build_month_review_template(path: Path) -> None:
    """Write the template of the 月报; the same call gives the same bytes."""
    document = new_document("政务舆情月报")
    add = Writer(document)
    line = add.paragraph(f"{INTERNAL}	{{{{ 样例说明 }}}}", font=HEAD, size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    add.paragraph("政务舆情月报", font=TITLE, size=32, centred=True, colour=RED, pitch=44)
    line = add.paragraph("〔{{ 年份 }}〕第 {{ 期号 }} 期\t{{ 月份 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line = add.paragraph("{{ 编制单位 }}\t数据截至 {{ 数据截至 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line.paragraph_format.space_after = Pt(8)
    rule_below(line)

    add.heading("一、总体情况")
    add.paragraph("{{ 总体 }}")
    add.heading("二、重点事项")
    table_or(add, "重点事项", "本月没有较大以上的本单位事项。", _REVIEW_ISSUE_COLUMNS)
    add.heading("三、时效与质量指标")
    table_or(add, "指标", "本月没有可计的指标。", _FIGURE_COLUMNS)
    note(add, "{{ 指标说明 }}")
    only_if(add, "逾期", lambda: titled(add, "逾期时限", "逾期", _LATE_COLUMNS))
    add.heading("四、存在问题")
    only_if(add, "问题提示", lambda: add.paragraph("数据提示：{{ 问题提示 }}。"))
    add.paragraph("（由政务公开办填写）", font=NOTE)
    add.heading("五、借鉴")
    add.paragraph("（其他区域、单位的做法，由政务公开办填写）", font=NOTE)
    add.heading("六、下步举措")
    add.paragraph("（由政务公开办填写）", font=NOTE)
    signature = add.paragraph("{{ 署名 }}", indent=False)
    signature.paragraph_format.space_before = Pt(24)
    signature.paragraph_format.keep_with_next = True
    add.paragraph("{{ 成文日期 }}", indent=False)

    heading = add.paragraph("附表", font=HEAD, indent=False)
    heading.paragraph_format.page_break_before = True
    heading.paragraph_format.keep_with_next = True
    for place, (title, field) in enumerate((("级别", "按级别"), ("领域", "按领域"), ("来源类别", "按来源")), 1):
        caption(add, f"表{place}　发现事项按{title}分")
        table_or(add, field, "本月没有发现事项。", _BREAKDOWN_COLUMNS)
    caption(add, "表4　各股室时效与质量")
    table_or(add, "股室指标", "本月没有到期的股室时限。", _UNIT_COLUMNS)
    note(add, "只看应办事项是否按时、合规办理；不以批评数量、负面比例评价股室，不评价个人。")
    caption(add, "表5　暂缺指标")
    table_or(add, "暂缺", "无。", _MISSING_COLUMNS)

    save(document, path)
