"""The template of the 政务舆情日志 in its first form."""

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
    new_document,
    only_if,
    rule_below,
    save,
    table_or,
)
from caifeng.reports.words import INTERNAL

_ISSUE_COLUMNS: Columns = (
    ("序号", 12, ("{{ 行.序号 }}",), True),
    ("级别", 22, ("{% cellbg 行.底色 %}{{r 行.级别 }}",), True),
    ("事项、来源和理由", 94, ("{{ 行.标题 }}", "{{ 行.编号 }}　{{ 行.来源 }}　{{ 行.传播 }}", "{{ 行.理由 }}"), False),
    ("承办和建议", 28, ("{{ 行.承办 }}", "{{ 行.建议 }}"), False),
)
_ACTION_COLUMNS: Columns = (
    ("级别", 22, ("{% cellbg 行.底色 %}{{r 行.级别 }}",), True),
    ("事项", 72, ("{{ 行.编号 }}　{{ 行.标题 }}",), False),
    ("下一步", 38, ("{{ 行.下一步 }}",), False),
    ("承办", 24, ("{{ 行.承办 }}",), True),
)


def build_daily_log_template(path: Path) -> None:
    """Write the template of the 政务舆情日志; the same call gives the same bytes."""
    document = new_document("政务舆情日志")
    add = Writer(document)
    line = add.paragraph(f"{INTERNAL}	{{{{ 样例说明 }}}}", font=HEAD, size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    add.paragraph("政务舆情日志", font=TITLE, size=32, centred=True, colour=RED, pitch=44)
    line = add.paragraph("〔{{ 年份 }}〕第 {{ 期号 }} 期\t{{ 日期 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line = add.paragraph("{{ 编制单位 }}\t数据截至 {{ 数据截至 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line.paragraph_format.space_after = Pt(8)
    rule_below(line)

    add.heading("一、概述")
    only_if(add, "零报告", lambda: add.paragraph("{{ 零报告 }}"))
    add.paragraph("{{ 概述 }}")

    add.heading("二、今日新增事项")
    table_or(add, "新增事项", "无。", _ISSUE_COLUMNS)
    add.heading("三、跟踪中事项")
    table_or(add, "跟踪事项", "无变化。", _ISSUE_COLUMNS)
    only_if(add, "级别说明", lambda: add.paragraph("{{ 级别说明 }}", font=NOTE, size=10.5, pitch=15, indent=False))
    add.heading("四、需要处理")
    table_or(add, "需要处理", "无。", _ACTION_COLUMNS)
    add.heading("五、来源巡查情况")
    add.paragraph("{{ 巡查情况 }}{{ 背景转办 }}")
    signing = add.paragraph("记录：\t审核：\t签发：")
    for position in (60, 110):
        signing.paragraph_format.tab_stops.add_tab_stop(Mm(position))
    signing.paragraph_format.space_before = Pt(8)
    signing.paragraph_format.keep_with_next = True
    # Signature and date (GB/T 9704-2012, 7.3.5.2); the code sets the blanks before them.
    signature = add.paragraph("{{ 署名 }}", indent=False)
    signature.paragraph_format.space_before = Pt(10)
    signature.paragraph_format.keep_with_next = True
    add.paragraph("{{ 成文日期 }}", indent=False)

    save(document, path)
