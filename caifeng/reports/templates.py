"""Builds the first form of the document templates. Afterwards the office edits them in Word or WPS.

Layout after GB/T 9704-2012 where it applies to an internal briefing: A4, upper margin 37 mm, left 28 mm, text
area 156 mm x 225 mm (5.2.1), body 3号 FangSong, page numbers 4号 on the outer side, 7 mm below the text area
(7.5). No red head with a document number and no seal: a log is not an official letter. Fonts are named, never
shipped; where they are missing, Word and WPS put FangSong and SimSun in their place.
"""

from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from caifeng.reports.words import INTERNAL

_TITLE, _BODY, _HEAD, _NOTE, _NUMBER = "方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体"
_RED = "C00000"


def build_daily_log_template(path: Path) -> None:
    """Write the template of the 政务舆情日志; the same call gives the same bytes."""
    document = _document("政务舆情日志")
    add = _Writer(document)
    line = add.paragraph(f"{INTERNAL}	{{{{ 样例说明 }}}}", font=_HEAD, size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    add.paragraph("政务舆情日志", font=_TITLE, size=32, centred=True, colour=_RED, pitch=44)
    line = add.paragraph("〔{{ 年份 }}〕第 {{ 期号 }} 期\t{{ 日期 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line = add.paragraph("{{ 编制单位 }}\t数据截至 {{ 数据截至 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line.paragraph_format.space_after = Pt(8)
    _rule_below(line)

    add.heading("一、概述")
    _only_if(add, "零报告", lambda: add.paragraph("{{ 零报告 }}"))
    add.paragraph("{{ 概述 }}")

    add.heading("二、今日新增事项")
    _table_or(add, "新增事项", "无。", _ISSUE_COLUMNS)
    add.heading("三、跟踪中事项")
    _table_or(add, "跟踪事项", "无变化。", _ISSUE_COLUMNS)
    _only_if(add, "级别说明", lambda: add.paragraph("{{ 级别说明 }}", font=_NOTE, size=10.5, pitch=15, indent=False))
    add.heading("四、需要处理")
    _table_or(add, "需要处理", "无。", _ACTION_COLUMNS)
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

    buffer = BytesIO()
    document.save(buffer)
    path.write_bytes(fixed_zip(buffer.getvalue()))


def fixed_zip(content: bytes) -> bytes:
    """The same archive with constant times: the same document gives the same bytes and the same hash."""
    buffer = BytesIO()
    with ZipFile(BytesIO(content)) as source, ZipFile(buffer, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return buffer.getvalue()


#: Head, width in mm, lines of the cell, centred.
_Columns = tuple[tuple[str, float, tuple[str, ...], bool], ...]

_ISSUE_COLUMNS: _Columns = (
    ("序号", 12, ("{{ 行.序号 }}",), True),
    ("级别", 22, ("{% cellbg 行.底色 %}{{r 行.级别 }}",), True),
    ("事项、来源和理由", 94, ("{{ 行.标题 }}", "{{ 行.编号 }}　{{ 行.来源 }}　{{ 行.传播 }}", "{{ 行.理由 }}"), False),
    ("承办和建议", 28, ("{{ 行.承办 }}", "{{ 行.建议 }}"), False),
)
_ACTION_COLUMNS: _Columns = (
    ("级别", 22, ("{% cellbg 行.底色 %}{{r 行.级别 }}",), True),
    ("事项", 72, ("{{ 行.编号 }}　{{ 行.标题 }}",), False),
    ("下一步", 38, ("{{ 行.下一步 }}",), False),
    ("承办", 24, ("{{ 行.承办 }}",), True),
)


class _Writer:
    """Adds paragraphs in the type of GB/T 9704."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def paragraph(
        self,
        text: str,
        *,
        font: str = _BODY,
        size: float = 16,
        centred: bool = False,
        colour: str | None = None,
        indent: bool = True,
        pitch: float | None = None,
    ) -> Any:
        paragraph = self.document.add_paragraph()
        _run(paragraph, text, font, size, colour)
        if centred:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        elif indent:
            paragraph.paragraph_format.first_line_indent = Pt(2 * size)
        if pitch:
            paragraph.paragraph_format.line_spacing = Pt(pitch)
        return paragraph

    def heading(self, text: str) -> None:
        paragraph = self.paragraph(text, font=_HEAD)
        paragraph.paragraph_format.keep_with_next = True

    def tag(self, text: str) -> None:
        """A control line of the template; it leaves no paragraph behind."""
        self.paragraph(text, size=9, indent=False, colour="7F7F7F", pitch=12)


def _only_if(add: _Writer, field: str, write: Any) -> None:
    add.tag(f"{{%p if {field} %}}")
    write()
    add.tag("{%p endif %}")


def _table_or(add: _Writer, field: str, otherwise: str, columns: _Columns) -> None:
    add.tag(f"{{%p if {field} %}}")
    _table(add.document, field, columns)
    add.tag("{%p else %}")
    add.paragraph(otherwise)
    add.tag("{%p endif %}")


def _table(document: Any, field: str, columns: _Columns) -> None:
    table = document.add_table(rows=4, cols=len(columns))
    table.style = "Table Grid"
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    heads, start, cells, end = table.rows
    start.cells[0].text = f"{{%tr for 行 in {field} %}}"
    end.cells[0].text = "{%tr endfor %}"
    # LibreOffice takes the widths from the grid, Word from the cells.
    for index, (head, width, lines, centred) in enumerate(columns):
        table.columns[index].width = Mm(width)
        for row in table.rows:
            row.cells[index].width = Mm(width)
        _cell(heads.cells[index], (head,), True, _HEAD)
        _cell(cells.cells[index], lines, centred, _BODY)
    _row_property(heads, "w:tblHeader")
    for row in (heads, cells):
        _row_property(row, "w:cantSplit")


def _cell(cell: Any, lines: tuple[str, ...], centred: bool, font: str) -> None:
    for index, line in enumerate(lines):
        paragraph = cell.paragraphs[0] if index == 0 else cell.add_paragraph()
        # What stands second in a cell explains the first and is set smaller.
        _run(paragraph, line, font, 10.5 if index == 0 else 9)
        paragraph.paragraph_format.line_spacing = Pt(14 if index == 0 else 12)
        if centred:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    if centred:
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER


def _row_property(row: Any, name: str) -> None:
    element = OxmlElement(name)
    element.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(element)


def _run(paragraph: Any, text: str, font: str, size: float, colour: str | None = None) -> None:
    run = paragraph.add_run(text)
    run.font.name = "Times New Roman"
    run.font.size = Pt(size)
    fonts = run._element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), font)
    fonts.set(qn("w:hint"), "eastAsia")  # quotation marks and dashes as wide as a character
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)


def _rule_below(paragraph: Any) -> None:
    borders, line = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for key, value in {"val": "single", "sz": "18", "space": "4", "color": _RED}.items():
        line.set(qn(f"w:{key}"), value)
    borders.append(line)
    paragraph._p.get_or_add_pPr().insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def _document(title: str) -> Any:
    document: Any = Document()
    properties = document.core_properties
    properties.title, properties.author, properties.comments = title, "", ""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(23)  # the number's upper edge comes 7 mm below the text area
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(16)
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _BODY)
    for name in ("w:autoSpaceDE", "w:autoSpaceDN"):  # no gap between digits and characters: 28 to a line
        element = OxmlElement(name)
        element.set(qn("w:val"), "0")
        style.element.get_or_add_pPr().append(element)
    layout = style.paragraph_format
    layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(26)
    layout.space_before = layout.space_after = Pt(0)
    document.settings.odd_and_even_pages_header_footer = True
    _page_number(section.footer, WD_ALIGN_PARAGRAPH.RIGHT)
    _page_number(section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT)
    return document


def _page_number(footer: Any, side: Any) -> None:
    footer.is_linked_to_previous = False
    paragraph = footer.paragraphs[0]
    paragraph.alignment = side
    paragraph.paragraph_format.line_spacing = Pt(16)
    # One character in from the outer edge.
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Pt(14)
    _run(paragraph, "— ", _NUMBER, 14)
    for kind in ("begin", None, "end"):
        _run(paragraph, "", _NUMBER, 14)
        run = paragraph.runs[-1]
        if kind:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        else:
            element = OxmlElement("w:instrText")
            element.set(qn("xml:space"), "preserve")
            element.text = "PAGE"
        run._r.append(element)
    _run(paragraph, " —", _NUMBER, 14)


_FIGURE_COLUMNS: _Columns = (
    ("指标", 46, ("{{ 行.指标 }}",), False),
    ("结果", 30, ("{{ 行.结果 }}",), True),
    ("分子/分母", 26, ("{{ 行.分数 }}",), True),
    ("上月", 24, ("{{ 行.上月 }}",), True),
    ("环比", 30, ("{{ 行.环比 }}",), True),
)
_REVIEW_ISSUE_COLUMNS: _Columns = (
    ("级别", 22, ("{% cellbg 行.底色 %}{{r 行.级别 }}",), True),
    ("事项", 82, ("{{ 行.标题 }}", "{{ 行.编号 }}　{{ 行.发现 }}发现"), False),
    ("进展", 26, ("{{ 行.进展 }}", "{{ 行.结论 }}"), True),
    ("承办", 26, ("{{ 行.承办 }}",), True),
)
_LATE_COLUMNS: _Columns = (
    ("事项", 58, ("{{ 行.编号 }}", "{{ 行.标题 }}"), False),
    ("时限", 26, ("{{ 行.时限 }}",), True),
    ("到期", 36, ("{{ 行.到期 }}",), True),
    ("办理", 36, ("{{ 行.办理 }}",), True),
)
_BREAKDOWN_COLUMNS: _Columns = (
    ("分组", 44, ("{{ 行.名称 }}",), False),
    ("件数", 18, ("{{ 行.件数 }}",), True),
    ("占比", 20, ("{{ 行.占比 }}",), True),
    ("上月", 18, ("{{ 行.上月 }}",), True),
    ("环比", 22, ("{{ 行.环比 }}",), True),
    ("首次回应时长", 34, ("{{ 行.时长 }}",), True),
)
_UNIT_COLUMNS: _Columns = (
    ("股室", 34, ("{{ 行.股室 }}",), False),
    ("指标", 38, ("{{ 行.指标 }}",), False),
    ("结果", 20, ("{{ 行.结果 }}",), True),
    ("分子/分母", 20, ("{{ 行.分数 }}",), True),
    ("上月", 18, ("{{ 行.上月 }}",), True),
    ("环比", 26, ("{{ 行.环比 }}",), True),
)
_MISSING_COLUMNS: _Columns = (
    ("指标", 50, ("{{ 行.指标 }}",), False),
    ("暂缺原因", 106, ("{{ 行.原因 }}",), False),
)


def build_month_review_template(path: Path) -> None:
    """Write the template of the 月报; the same call gives the same bytes."""
    document = _document("政务舆情月报")
    add = _Writer(document)
    line = add.paragraph(f"{INTERNAL}	{{{{ 样例说明 }}}}", font=_HEAD, size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    add.paragraph("政务舆情月报", font=_TITLE, size=32, centred=True, colour=_RED, pitch=44)
    line = add.paragraph("〔{{ 年份 }}〕第 {{ 期号 }} 期\t{{ 月份 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line = add.paragraph("{{ 编制单位 }}\t数据截至 {{ 数据截至 }}", size=14, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    line.paragraph_format.space_after = Pt(8)
    _rule_below(line)

    add.heading("一、总体情况")
    add.paragraph("{{ 总体 }}")
    add.heading("二、重点事项")
    _table_or(add, "重点事项", "本月没有较大以上的本单位事项。", _REVIEW_ISSUE_COLUMNS)
    add.heading("三、时效与质量指标")
    _table_or(add, "指标", "本月没有可计的指标。", _FIGURE_COLUMNS)
    _note(add, "{{ 指标说明 }}")
    _only_if(add, "逾期", lambda: _titled(add, "逾期时限", "逾期", _LATE_COLUMNS))
    add.heading("四、存在问题")
    _only_if(add, "问题提示", lambda: add.paragraph("数据提示：{{ 问题提示 }}。"))
    add.paragraph("（由政务公开办填写）", font=_NOTE)
    add.heading("五、借鉴")
    add.paragraph("（其他区域、单位的做法，由政务公开办填写）", font=_NOTE)
    add.heading("六、下步举措")
    add.paragraph("（由政务公开办填写）", font=_NOTE)
    signature = add.paragraph("{{ 署名 }}", indent=False)
    signature.paragraph_format.space_before = Pt(24)
    signature.paragraph_format.keep_with_next = True
    add.paragraph("{{ 成文日期 }}", indent=False)

    heading = add.paragraph("附表", font=_HEAD, indent=False)
    heading.paragraph_format.page_break_before = True
    heading.paragraph_format.keep_with_next = True
    for place, (title, field) in enumerate((("级别", "按级别"), ("领域", "按领域"), ("来源类别", "按来源")), 1):
        _caption(add, f"表{place}　发现事项按{title}分")
        _table_or(add, field, "本月没有发现事项。", _BREAKDOWN_COLUMNS)
    _caption(add, "表4　各股室时效与质量")
    _table_or(add, "股室指标", "本月没有到期的股室时限。", _UNIT_COLUMNS)
    _note(add, "只看应办事项是否按时、合规办理；不以批评数量、负面比例评价股室，不评价个人。")
    _caption(add, "表5　暂缺指标")
    _table_or(add, "暂缺", "无。", _MISSING_COLUMNS)

    buffer = BytesIO()
    document.save(buffer)
    path.write_bytes(fixed_zip(buffer.getvalue()))


def _note(add: _Writer, text: str) -> None:
    add.paragraph(text, font=_NOTE, size=10.5, pitch=15, indent=False)


def _caption(add: _Writer, text: str) -> None:
    caption = add.paragraph(text, font=_HEAD, size=14, indent=False)
    caption.paragraph_format.space_before = Pt(8)
    caption.paragraph_format.keep_with_next = True


def _titled(add: _Writer, title: str, field: str, columns: _Columns) -> None:
    _caption(add, title)
    _table(add.document, field, columns)
