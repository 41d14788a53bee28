"""The type of a paper: page, fonts, headings, tables. Templates are written with it; the office edits them.

Layout after GB/T 9704-2012 where it applies to an internal briefing: A4, upper margin 37 mm, left 28 mm, text
area 156 mm x 225 mm (5.2.1), body 3号 FangSong, page numbers 4号 on the outer side, 7 mm below the text area
(7.5). No red head with a document number and no seal: a briefing is not an official letter. Fonts are named, never
shipped; where they are missing, Word and WPS put FangSong and SimSun in their place.
"""

from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from caifeng.reports.words import INTERNAL

TITLE, BODY, HEAD, NOTE, NUMBER = "方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体"
RED = "C00000"

#: Head, width in mm, lines of the cell, centred.
Columns = tuple[tuple[str, float, tuple[str, ...], bool], ...]

#: One line of a form: its heads with what stands beside each (one or two), least height in mm.
FormRow = tuple[tuple[tuple[str, str], ...], float]

#: Widths of a form in mm: head, value, head, value.
_FORM = (26, 52, 26, 52)


def fixed_zip(content: bytes) -> bytes:
    """The same archive with constant times: the same document gives the same bytes and the same hash."""
    buffer = BytesIO()
    with ZipFile(BytesIO(content)) as source, ZipFile(buffer, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            target.writestr(entry, source.read(name))
    return buffer.getvalue()


def save(document: Any, path: Path) -> None:
    """Write the document; the same content gives the same bytes."""
    buffer = BytesIO()
    document.save(buffer)
    path.write_bytes(fixed_zip(buffer.getvalue()))


class Writer:
    """Adds paragraphs in the type of GB/T 9704."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def paragraph(
        self,
        text: str,
        *,
        font: str = BODY,
        size: float = 16,
        centred: bool = False,
        colour: str | None = None,
        indent: bool = True,
        pitch: float | None = None,
    ) -> Any:
        """Add a paragraph of `size` points, indented by two characters, on lines of `pitch` points."""
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
        """Add a heading of the first level; it stays with what follows."""
        paragraph = self.paragraph(text, font=HEAD)
        paragraph.paragraph_format.keep_with_next = True

    def tag(self, text: str) -> None:
        """A control line of the template; it leaves no paragraph behind."""
        self.paragraph(text, size=9, indent=False, colour="7F7F7F", pitch=12)


def only_if(add: Writer, field: str, write: Any) -> None:
    """What `write` adds appears only if the field is filled."""
    add.tag(f"{{%p if {field} %}}")
    write()
    add.tag("{%p endif %}")


def table_or(add: Writer, field: str, otherwise: str, columns: Columns, size: float = 16, cell: float = 10.5) -> None:
    """A table with one row per item of the field; a sentence of `size` points if there is none."""
    add.tag(f"{{%p if {field} %}}")
    table(add.document, field, columns, cell)
    add.tag("{%p else %}")
    add.paragraph(otherwise, size=size, pitch=None if size == 16 else 1.5 * size)
    add.tag("{%p endif %}")


def table(document: Any, field: str, columns: Columns, size: float = 10.5) -> None:
    """A table with one row per item of the field, its first lines of `size` points; its head repeats on every page."""
    grid = document.add_table(rows=4, cols=len(columns))
    grid.style = "Table Grid"
    grid.alignment = WD_TABLE_ALIGNMENT.CENTER
    grid.autofit = False
    heads, start, cells, end = grid.rows
    start.cells[0].text = f"{{%tr for 行 in {field} %}}"
    end.cells[0].text = "{%tr endfor %}"
    # LibreOffice takes the widths from the grid, Word from the cells.
    for index, (head, width, lines, centred) in enumerate(columns):
        grid.columns[index].width = Mm(width)
        for row in grid.rows:
            row.cells[index].width = Mm(width)
        _cell(heads.cells[index], (head,), True, HEAD, size)
        _cell(cells.cells[index], lines, centred, BODY, size)
    _row_property(heads, "w:tblHeader")
    for row in (heads, cells):
        _row_property(row, "w:cantSplit")


def _cell(cell: Any, lines: tuple[str, ...], centred: bool, font: str, size: float) -> None:
    for index, line in enumerate(lines):
        paragraph = cell.paragraphs[0] if index == 0 else cell.add_paragraph()
        # What stands second in a cell explains the first and is set smaller.
        _run(paragraph, line, font, size if index == 0 else 9)
        paragraph.paragraph_format.line_spacing = Pt(12 if index or size < 10.5 else 14)
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


def rule_below(paragraph: Any) -> None:
    """The red line under the head of a briefing."""
    borders, line = OxmlElement("w:pBdr"), OxmlElement("w:bottom")
    for key, value in {"val": "single", "sz": "18", "space": "4", "color": RED}.items():
        line.set(qn(f"w:{key}"), value)
    borders.append(line)
    paragraph._p.get_or_add_pPr().insert_element_before(
        borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def new_document(title: str) -> Any:
    """An empty A4 document with page numbers; no author is written into it."""
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
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), BODY)
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
    _run(paragraph, "— ", NUMBER, 14)
    for kind in ("begin", None, "end"):
        _run(paragraph, "", NUMBER, 14)
        run = paragraph.runs[-1]
        if kind:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        else:
            element = OxmlElement("w:instrText")
            element.set(qn("xml:space"), "preserve")
            element.text = "PAGE"
        run._r.append(element)
    _run(paragraph, " —", NUMBER, 14)


def note(add: Writer, text: str) -> None:
    """A small line that explains what stands above it."""
    add.paragraph(text, font=NOTE, size=10.5, pitch=15, indent=False)


def caption(add: Writer, text: str) -> None:
    """The title of a table."""
    line = add.paragraph(text, font=HEAD, size=14, indent=False)
    line.paragraph_format.space_before = Pt(8)
    line.paragraph_format.keep_with_next = True


def titled(add: Writer, title: str, field: str, columns: Columns, size: float = 10.5) -> None:
    """A table under its title."""
    caption(add, title)
    table(add.document, field, columns, size)


def form(add: Writer, rows: tuple[FormRow, ...]) -> None:
    """A form: heads with a value or with room to write beside them; a line grows with what is filled in."""
    grid = add.document.add_table(rows=len(rows), cols=len(_FORM))
    grid.style = "Table Grid"
    grid.alignment = WD_TABLE_ALIGNMENT.CENTER
    grid.autofit = False
    for index, width in enumerate(_FORM):
        grid.columns[index].width = Mm(width)
    for row, (pairs, height) in zip(grid.rows, rows, strict=True):
        row.height, row.height_rule = Mm(height), WD_ROW_HEIGHT_RULE.AT_LEAST
        for cell, width in zip(row.cells, _FORM, strict=True):
            cell.width = Mm(width)
        if len(pairs) == 1:
            row.cells[1].merge(row.cells[3])
        for place, (head, value) in enumerate(pairs):
            label, room = row.cells[2 * place], row.cells[2 * place + 1]
            _form_cell(label, (head,), HEAD)
            label.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
            label.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
            _form_cell(room, tuple(value.split("\n")), BODY)
            if height < _ROOMY:
                room.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER


#: From this height on (mm) a line of a form is room to write; its text begins at the top.
_ROOMY = 16


def _form_cell(cell: Any, lines: tuple[str, ...], font: str) -> None:
    for index, line in enumerate(lines):
        paragraph = cell.paragraphs[0] if index == 0 else cell.add_paragraph()
        _run(paragraph, line, font, 11)
        paragraph.paragraph_format.line_spacing = Pt(16)


def one_page(document: Any) -> None:
    """Upper and lower margins of a form or a log that should take few pages (our choice; GB/T 9704 is for text)."""
    section = document.sections[0]
    section.top_margin, section.bottom_margin = Mm(22), Mm(18)
    section.footer_distance = Mm(8)


def internal_head(add: Writer, title: str, number: str, size: float = 26) -> None:
    """The head of an internal paper: mark, title, number and date, office and moment, red line."""
    between(add, INTERNAL, "{{ 样例说明 }}", font=HEAD)
    add.paragraph(title, font=TITLE, size=size, centred=True, colour=RED, pitch=size + 14)
    between(add, number, "{{ 成文日期 }}")
    line = between(add, "{{ 编制单位 }}", "数据截至 {{ 数据截至 }}")
    line.paragraph_format.space_after = Pt(6)
    rule_below(line)


def form_head(add: Writer, title: str, number: str) -> None:
    """The head of a form that is passed from hand to hand: mark, title, number."""
    between(add, INTERNAL, "{{ 样例说明 }}", font=HEAD)
    add.paragraph(title, font=TITLE, size=22, centred=True, pitch=40)
    between(add, "{{ 编制单位 }}", "{{ 成文日期 }}", size=12)
    between(add, number, "数据截至 {{ 数据截至 }}", size=10.5)


def paragraphs(add: Writer, field: str, head: str, *, size: float = 16, pitch: float | None = None) -> None:
    """One paragraph per item of the field, under a word that says what they are; nothing if there is none."""
    add.tag(f"{{%p if {field} %}}")
    if head:
        add.paragraph(head, size=size, pitch=pitch)
    add.tag(f"{{%p for 段 in {field} %}}")
    add.paragraph("{{ 段 }}", size=size, pitch=pitch)
    add.tag("{%p endfor %}")
    add.tag("{%p endif %}")


def between(add: Writer, left: str, right: str, *, font: str = BODY, size: float = 14) -> Any:
    """One line, its parts at the left and the right edge of the text area."""
    line = add.paragraph(f"{left}\t{right}", font=font, size=size, indent=False)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
    return line


def signed(add: Writer) -> None:
    """Office and date of an unsealed paper (GB/T 9704-2012, 7.3.5.2); the code sets the blanks before them."""
    signature = add.paragraph("{{ 署名 }}", indent=False)
    signature.paragraph_format.space_before = Pt(10)
    signature.paragraph_format.keep_with_next = True
    add.paragraph("{{ 署名日期 }}", indent=False)
