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
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

TITLE, BODY, HEAD, NOTE, NUMBER = "方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体"
RED = "C00000"

#: Head, width in mm, lines of the cell, centred.
Columns = tuple[tuple[str, float, tuple[str, ...], bool], ...]


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


def table_or(add: Writer, field: str, otherwise: str, columns: Columns) -> None:
    """A table with one row per item of the field; a sentence if there is none."""
    add.tag(f"{{%p if {field} %}}")
    table(add.document, field, columns)
    add.tag("{%p else %}")
    add.paragraph(otherwise)
    add.tag("{%p endif %}")


def table(document: Any, field: str, columns: Columns) -> None:
    """A table with one row per item of the field; its head repeats on every page."""
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
        _cell(heads.cells[index], (head,), True, HEAD)
        _cell(cells.cells[index], lines, centred, BODY)
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


def titled(add: Writer, title: str, field: str, columns: Columns) -> None:
    """A table under its title."""
    caption(add, title)
    table(add.document, field, columns)
