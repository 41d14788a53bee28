"""The template of the 政务舆情日志 in its first form."""

from pathlib import Path

from docx.enum.text import WD_TAB_ALIGNMENT
from docx.shared import Mm, Pt

from caifeng.reports.layout import (
    HEAD,
    RED,
    TITLE,
    Columns,
    Writer,
    new_document,
    note,
    one_page,
    only_if,
    rule_below,
    save,
    table_or,
    titled,
)
from caifeng.reports.words import INTERNAL

#: Width of the text in mm: wider than a letter's, so that most titles stay on one line (our choice).
_WIDTH = 172

_ISSUE_COLUMNS: Columns = (
    ("级别", 24, ("{% cellbg 行.底色 %}{{r 行.级别 }}",), True),
    (
        "事项、来源和理由",
        122,
        (
            "{{ 行.序号 }}. {{ 行.标题 }}",
            "{{ 行.编号 }}　{{ 行.来源 }}　{{ 行.发现 }}　{{ 行.属性 }}　{{ 行.传播 }}",
            "{{ 行.理由 }}",
        ),
        False,
    ),
    ("承办和建议", 26, ("{{ 行.承办 }}", "{{ 行.建议 }}"), False),
)
_OTHER_COLUMNS: Columns = (
    ("级别", 20, ("{{ 行.级别 }}",), True),
    ("事项", 72, ("{{ 行.编号 }}　{{ 行.标题 }}",), False),
    ("传播和理由", 60, ("{{ 行.传播 }}；{{ 行.理由 }}",), False),
    ("建议", 20, ("{{ 行.建议 }}",), True),
)
_TRACKED_COLUMNS: Columns = (
    ("级别", 20, ("{{ 行.级别 }}",), True),
    ("事项", 86, ("{{ 行.编号 }}　{{ 行.标题 }}",), False),
    ("进展", 44, ("{{ 行.进展 }}",), False),
    ("承办", 22, ("{{ 行.承办 }}",), True),
)
_ACTION_COLUMNS: Columns = (
    ("级别", 20, ("{{ 行.级别 }}",), True),
    ("事项", 72, ("{{ 行.编号 }}　{{ 行.标题 }}",), False),
    ("下一步和时限", 58, ("{{ 行.下一步 }}",), False),
    ("承办", 22, ("{{ 行.承办 }}",), True),
)
_RELEASE_COLUMNS: Columns = (
    ("日期", 46, ("{{ 行.日期 }}",), True),
    ("发布内容", 64, ("{{ 行.内容 }}",), False),
    ("领域", 34, ("{{ 行.领域 }}",), True),
    ("性质", 28, ("{{ 行.性质 }}",), True),
)


def build_daily_log_template(path: Path) -> None:
    """Write the template of the 政务舆情日志; the same call gives the same bytes."""
    document = new_document("政务舆情日志")
    one_page(document)
    section = document.sections[0]
    section.left_margin, section.right_margin = Mm(20), Mm(210 - 20 - _WIDTH)
    add = Writer(document)
    line = add.paragraph(f"{INTERNAL}	{{{{ 样例说明 }}}}", font=HEAD, size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH), WD_TAB_ALIGNMENT.RIGHT)
    add.paragraph("政务舆情日志", font=TITLE, size=26, centred=True, colour=RED, pitch=38)
    line = add.paragraph("〔{{ 年份 }}〕第 {{ 期号 }} 期\t{{ 日期 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH), WD_TAB_ALIGNMENT.RIGHT)
    line = add.paragraph("{{ 编制单位 }}\t数据截至 {{ 数据截至 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH), WD_TAB_ALIGNMENT.RIGHT)
    line.paragraph_format.space_after = Pt(8)
    rule_below(line)

    add.heading("一、概述")
    only_if(add, "零报告", lambda: _text(add, "{{ 零报告 }}"))
    _text(add, "{{ 概述 }}")

    add.heading("二、今日新增事项")
    table_or(add, "新增事项", "无一般以上的新增事项。", _ISSUE_COLUMNS, size=14)
    only_if(add, "其他新增", lambda: titled(add, "仅记、背景和转办", "其他新增", _OTHER_COLUMNS, 9))
    add.heading("三、跟踪中事项进展")
    table_or(add, "跟踪事项", "无一般以上的事项有变化。", _TRACKED_COLUMNS, size=14, cell=9)
    only_if(add, "其他跟踪", lambda: note(add, "{{ 其他跟踪 }}"))
    only_if(add, "级别说明", lambda: note(add, "{{ 级别说明 }}"))
    add.heading("四、需要处理和到期提醒")
    table_or(add, "需要处理", "无。", _ACTION_COLUMNS, size=14, cell=9)
    add.heading("五、明日关注")
    table_or(add, "明日关注", "{{ 关注说明 }}", _RELEASE_COLUMNS, size=14, cell=9)
    add.heading("六、来源巡查情况")
    _text(add, "{{ 巡查情况 }}{{ 背景转办 }}")
    signing = add.paragraph("记录（监测员）：\t审核（政务公开办）：\t签发：", size=14, indent=False)
    for position in (60, 124):
        signing.paragraph_format.tab_stops.add_tab_stop(Mm(position))
    signing.paragraph_format.space_before = Pt(8)
    signing.paragraph_format.keep_with_next = True
    # Signature and date (GB/T 9704-2012, 7.3.5.2); the code sets the blanks before them.
    signature = add.paragraph("{{ 署名 }}", indent=False)
    signature.paragraph_format.space_before = Pt(10)
    signature.paragraph_format.keep_with_next = True
    add.paragraph("{{ 成文日期 }}", indent=False)

    save(document, path)


def _text(add: Writer, text: str) -> None:
    """A paragraph of the log: 4号, so that an ordinary day stays on two pages."""
    add.paragraph(text, size=14, pitch=22)
