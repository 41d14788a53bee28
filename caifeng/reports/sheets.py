"""What the workbooks have in common: fonts, paper, level colours, and text that stays text.

Scraped text is written with `write_string` only, and formulas and links are off: a title that begins with = is a
title. The creation time is the moment of the data, so the same input gives the same bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import xlsxwriter

from caifeng.core.clock import SHANGHAI
from caifeng.reports.fields import HEALTH_FIELDS, Field
from caifeng.reports.words import LEVEL_COLOURS, UNKNOWN, printable

_FONT, _HEAD_FONT, _TITLE_FONT = "仿宋_GB2312", "黑体", "方正小标宋简体"
_A4 = 9
_LINE_POINTS = 15


class Styles(NamedTuple):
    """Cell formats of a workbook."""

    title: Any
    note: Any
    head: Any
    text: Any
    centred: Any
    number: Any
    one_decimal: Any
    time: Any
    levels: Mapping[str, Any]


class Column(NamedTuple):
    """A column of a printed page."""

    head: str
    width: float
    """In characters; a Chinese character takes two."""
    cells: Sequence[str | int]
    style: str = "text"


@contextmanager
def workbook(path: Path, title: str, as_of: datetime) -> Iterator[tuple[Any, Styles]]:
    """A workbook that is written to `path` as a whole when the block ends without an error.

    Raises:
        OSError: `path` cannot be written.
    """
    buffer = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties({"title": title, "created": as_of.replace(tzinfo=None)})
    yield book, _styles(book)
    book.close()
    path.write_bytes(buffer.getvalue())


def printed_page(
    book: Any, styles: Styles, name: str, heads: Sequence[str], columns: Sequence[Column], levels: Sequence[str]
) -> Any:
    """A sheet for paper: A4 landscape, one page wide, title and notes, repeated head, page x of y.

    Args:
        book: the workbook.
        styles: its formats.
        name: name of the sheet.
        heads: title and notes, one row each.
        columns: columns with their cells; a column of style `level` takes its colour from `levels`.
        levels: level of each row.
    """
    sheet = book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer('&C&"宋体"&10第 &P 页　共 &N 页')
    sheet.center_horizontally()
    width = sum(column.width for column in columns)
    for row, text in enumerate(heads):
        style = styles.note if row else styles.title
        sheet.merge_range(row, 0, row, len(columns) - 1, "", style)
        sheet.write_string(row, 0, text, style)
        # Merged cells do not grow by themselves.
        sheet.set_row(row, _LINE_POINTS * _lines(text, width) + 3 if row else 30)
    top = len(heads)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, column.width)
        sheet.write_string(top, place, column.head, styles.head)
        for row, cell in enumerate(column.cells):
            style = styles.levels[levels[row]] if column.style == "level" else getattr(styles, column.style)
            if isinstance(cell, int):
                sheet.write_number(top + 1 + row, place, cell, style)
            else:
                sheet.write_string(top + 1 + row, place, cell, style)
    for row in range(len(levels)):
        needed = max(_lines(str(column.cells[row]), column.width) for column in columns)
        sheet.set_row(top + 1 + row, _LINE_POINTS * needed + 7)
    sheet.set_row(top, 20)
    sheet.repeat_rows(top)
    sheet.freeze_panes(top + 1, 0)
    return sheet


def table_sheet(book: Any, styles: Styles, name: str, frame: pl.DataFrame, fields: Mapping[str, Field]) -> Any:
    """A sheet to work with: every column under its Chinese head, frozen head, filters, ids as text, — for unknown.

    Args:
        book: the workbook.
        styles: its formats.
        name: name of the sheet.
        frame: rows; the columns named in `fields` are written in that order.
        fields: head, words and width of each column.
    """
    sheet = book.add_worksheet(name)
    for place, (column, field) in enumerate(fields.items()):
        sheet.set_column(place, place, max(field.width, 2 * len(field.head) + 4))
        sheet.write_string(0, place, field.head, styles.head)
        for row, raw in enumerate(frame[column].to_list(), 1):
            _write(sheet, row, place, field.value(raw), styles)
    sheet.set_row(0, 20)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(frame.height, 1), len(fields) - 1)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.repeat_rows(0)
    # All columns of the log are far too many for one page's width; the printed page is for that.
    if len(fields) <= len(HEALTH_FIELDS):
        sheet.fit_to_pages(1, 0)
    return sheet


def _write(sheet: Any, row: int, place: int, value: Any, styles: Styles) -> None:
    if value is None:
        sheet.write_string(row, place, UNKNOWN, styles.centred)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, place, value.astimezone(SHANGHAI).replace(tzinfo=None), styles.time)
    elif isinstance(value, int):
        sheet.write_number(row, place, value, styles.number)
    elif isinstance(value, float):
        sheet.write_number(row, place, value, styles.one_decimal)
    elif isinstance(value, list):
        sheet.write_string(row, place, "、".join(value), styles.text)
    else:
        # Empty text is text that is known to be empty, not an unknown value.
        sheet.write_string(row, place, printable(value) if value else "", styles.text)


def _lines(text: str, width: float) -> int:
    """Lines that a text takes in a column; too many rather than too few."""
    usable = max(width - 3, 1)
    return sum(max(1, -(-sum(1 if char.isascii() else 2 for char in line) // int(usable))) for line in text.split("\n"))


def _styles(book: Any) -> Styles:
    cell = {"font_name": _FONT, "font_size": 11, "border": 1, "valign": "vcenter", "text_wrap": True}
    return Styles(
        title=book.add_format({"font_name": _TITLE_FONT, "font_size": 20, "align": "center", "valign": "vcenter"}),
        note=book.add_format({"font_name": _FONT, "font_size": 11, "text_wrap": True, "valign": "vcenter"}),
        head=book.add_format(
            {**cell, "font_name": _HEAD_FONT, "align": "center", "bg_color": "#E8EEF5", "text_wrap": False}
        ),
        text=book.add_format({**cell, "indent": 1}),
        centred=book.add_format({**cell, "align": "center"}),
        number=book.add_format({**cell, "num_format": "#,##0"}),
        one_decimal=book.add_format({**cell, "num_format": "0.0#"}),
        time=book.add_format({**cell, "num_format": "yyyy-mm-dd hh:mm", "align": "center"}),
        levels={
            level: book.add_format(
                {
                    **cell,
                    "font_name": _HEAD_FONT,
                    "align": "center",
                    "bg_color": f"#{fill}",
                    "font_color": f"#{text}",
                }
            )
            for level, (fill, text) in LEVEL_COLOURS.items()
        },
    )
