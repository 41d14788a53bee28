"""Reading of inbox files: csv, xlsx, jsonl. Pure: bytes, column map and import time in, posts and faults out.

What an office is sent by others (12345 work orders, a district's report) or writes down itself (paper, radio,
phone) comes as a table. Columns without an entry in the map, such as names and phone numbers, are not looked at.
"""

import csv
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import fastexcel

from caifeng.core.model.families import Columns
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import Undecodable, decode
from caifeng.core.text.scrub import scrub
from caifeng.core.text.times import UNKNOWN, Moment, parse_time
from caifeng.core.text.urls import canonical_url, is_web_url, post_id
from crawlers.items import RawPost
from crawlers.pages.values import Unreadable, parse_count

#: Endings of files that can be read.
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".jsonl", ".ndjson")
#: Column of a returned file that says what is wrong with the row.
REASON = "原因"

TITLE_LIMIT, TEXT_LIMIT, BOARD_LIMIT = 300, 20_000, 60
#: A title made from a text that has none.
_HEADLINE_LIMIT = 40
#: Lines among which the one with the headers is looked for; exports like to begin with a caption.
_HEAD_LINES = 10
_SEPARATORS = (",", ";", "\t")

#: What people write where there is nothing.
_NOTHING = frozenset({"", "-", "--", "—", "——", "/", "无", "暂无", "未知", "N/A", "n/a", "NULL", "null", "None"})
_COUNT = re.compile(r"\d[\d,，]*(?:\.\d+)?\s*[千万亿kKwW]?\s*[+＋]?\s*[次人条个]?")
_WORKBOOK_DAY = re.compile(r"^(\d{4}-\d{2}-\d{2}) 00:00:00$")
#: A cell that a spreadsheet would run as a formula; written with a quote in front, read without it.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_GUARDED = re.compile(r"^'(?=[=+\-@\t\r])")


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file. `cells` are keyed by header; `fault` says why it could not be taken apart."""

    cells: dict[str, str | None]
    fault: str | None = None


@dataclass(frozen=True)
class Table:
    """A file taken apart: headers in order, each once, and the rows below them that are not blank."""

    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str
    separator: str | None = None
    """Of a csv file."""
    sheet: str | None = None
    """Of a workbook."""


class BadRow(ValueError):  # noqa: N818 - reads as what it is
    """A row that cannot become a post: our field, and in Chinese the column and why."""

    def __init__(self, field: str, headers: Iterable[str], reason: str) -> None:
        self.field = field
        super().__init__(f"{field}（{'、'.join(headers)}）：{reason}" if headers else f"{field}：{reason}")


class MissingColumn(ValueError):  # noqa: N818
    """The file does not fit the column map; `key` is the place in the source file."""

    def __init__(self, key: str, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"{key}: {reason}")


def read_table(body: bytes, suffix: str, source: Source) -> Table:
    """Take a file apart.

    Args:
        body: as it came.
        suffix: its ending, one of SUFFIXES.
        source: an inbox; its headers tell the header line and the separator, its `encoding` and `sheet` count.

    Raises:
        Undecodable: the body is no text, though it should be.
        Unreadable: no workbook, no table, or quotes out of order; says where.
        MissingColumn: a field of the map has none of its columns in the file, or the sheet is not there.
    """
    assert source.columns is not None
    wanted = {_header(header) for _, headers in source.columns for header in headers}
    if suffix == ".xlsx":
        table = _from_workbook(body, source, wanted)
    elif suffix in {".jsonl", ".ndjson"}:
        table = _from_json_lines(body, source.encoding, wanted)
    else:
        table = _from_csv(body, source.encoding, wanted)
    for field, headers in source.columns:
        if headers and not set(map(_header, headers)) & set(table.headers):
            found = "、".join(table.headers) or "none"
            raise MissingColumn(f"columns.{field}", f"no column {' / '.join(headers)}; columns found: {found}")
    return table


def read_row(row: Row, source: Source, encoding: str, fetched_at: datetime) -> tuple[RawPost, bool]:
    """One row as a post, personal data scrubbed.

    A row without address gets one of its own, `inbox:<source>/<16 hex digits>`, from its number where the map
    names a column for it, otherwise from its words and time: imported again it is the same post.

    Args:
        row: from `read_table`.
        source: the inbox.
        encoding: of the file.
        fetched_at: time of the import; relative times count from it.

    Returns:
        The post, and whether a field was longer than its limit and cut.

    Raises:
        BadRow: neither title nor text, or a value that is there cannot be read.
    """
    columns = source.columns
    assert columns is not None
    if row.fault is not None:
        raise BadRow("row", (), row.fault)
    title, title_cut = _words(row, columns.title, TITLE_LIMIT)
    text, text_cut = _words(row, columns.text, TEXT_LIMIT)
    board, board_cut = _words(row, columns.board, BOARD_LIMIT)
    if not title and not text:
        raise BadRow("title, text", _present(row, (*columns.title, *columns.text)), "标题和内容都为空")
    published = _published(row, columns, fetched_at)
    url = _url(row, columns)
    if url is None:
        number = _value(row, columns.id)
        own = [number] if number else [title, text, published.at.isoformat() if published.at else ""]
        url = f"inbox:{source.id}/{sha256(chr(31).join(own).encode()).hexdigest()[:16]}"
    return RawPost(
        post_id=post_id(url),
        source_id=source.id,
        board=board or source.board,
        url=canonical_url(url),
        title=" ".join(title.split()) or _headline(text),
        text=text,
        published_at=published.at,
        published_precision=published.precision,
        fetched_at=fetched_at,
        observed_at=fetched_at,
        views=_count(row, "views", columns.views),
        reposts=_count(row, "reposts", columns.reposts),
        comments=_count(row, "comments", columns.comments),
        heat=None,
        encoding=encoding,
        date_source="file" if published.at is not None else None,
        date_guessed=published.guessed,
    ), title_cut or text_cut or board_cut


def guarded(cell: str) -> str:
    """A csv cell that no spreadsheet runs as a formula; `read_table` takes the guard off again."""
    return f"'{cell}" if _FORMULA.match(cell) and cell not in _NOTHING else cell


def _value(row: Row, headers: Iterable[str]) -> str | None:
    """First of the columns that has something in this row."""
    for header in headers:
        value = (row.cells.get(_header(header)) or "").strip()
        if value not in _NOTHING:
            return value
    return None


def _present(row: Row, headers: Iterable[str]) -> list[str]:
    """Of the columns a field may come from, those that the row has."""
    return [header for header in headers if _header(header) in row.cells]


def _words(row: Row, headers: Iterable[str], limit: int) -> tuple[str, bool]:
    value = _value(row, headers) or ""
    # Cut twice: scrubbing is slow on what is thrown away, and must not meet half a number at the final border.
    clean = scrub(value[: 4 * limit])
    return clean[:limit], len(clean) > limit or len(value) > 4 * limit


def _headline(text: str) -> str:
    first = re.split(r"[。！？!?\n]", text, maxsplit=1)[0].strip() or " ".join(text.split())
    return first if len(first) <= _HEADLINE_LIMIT else f"{first[:_HEADLINE_LIMIT]}…"


def _published(row: Row, columns: Columns, fetched_at: datetime) -> Moment:
    value = _value(row, columns.published_at)
    if value is None:
        return UNKNOWN
    moment = parse_time(value, fetched_at)
    if moment.at is None:
        raise BadRow("published_at", _present(row, columns.published_at), "不是时间")
    return moment


def _url(row: Row, columns: Columns) -> str | None:
    value = _value(row, columns.url)
    if value is not None and not is_web_url(value):
        raise BadRow("url", _present(row, columns.url), "不是网址（须以 http:// 或 https:// 开头）")
    return value


def _count(row: Row, field: str, headers: tuple[str, ...]) -> int | None:
    value = _value(row, headers)
    if value is None:
        return None
    count = parse_count(value) if _COUNT.fullmatch(value) else None
    if count is None:
        raise BadRow(field, _present(row, headers), "不是次数")
    return count


def _from_csv(body: bytes, encoding: str | None, wanted: set[str]) -> Table:
    decoded = decode(body, encoding)
    if "\0" in decoded.text:
        raise Undecodable("the file is binary")
    # The separator that shows most of the wanted headers, then most columns.
    separator = max(_SEPARATORS, key=lambda separator: _head(decoded.text, separator, wanted))
    lines: list[list[str]] = []
    reader = csv.reader(io.StringIO(decoded.text, newline=""), delimiter=separator, strict=True)
    try:
        lines.extend(reader)
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}: {error}") from error
    cells = ([_GUARDED.sub("", cell) for cell in line] for line in lines)
    headers, rows = _below(cells, wanted)
    return Table(headers, rows, decoded.encoding, separator)


def _head(text: str, separator: str, wanted: set[str]) -> tuple[int, int]:
    """Most wanted headers, then most cells, in one of the first lines."""
    best = (0, 0)
    reader = csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=separator)
    try:
        for _, line in zip(range(_HEAD_LINES), reader, strict=False):
            best = max(best, (len(wanted & set(map(_header, line))), len(line)))
    except csv.Error:
        pass
    return best


def _from_workbook(body: bytes, source: Source, wanted: set[str]) -> Table:
    """Whoever read the file has looked through it (caifeng/core/office_file.py)."""
    try:
        book = fastexcel.read_excel(body)
        names = book.sheet_names
        if source.sheet is not None and source.sheet not in names:
            raise MissingColumn("sheet", f"no sheet {source.sheet}; sheets found: {'、'.join(names) or 'none'}")
        sheet = source.sheet or next(iter(names), None)
        if sheet is None:
            raise Unreadable("the workbook has no sheet")
        frame = book.load_sheet(sheet, header_row=None, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise Unreadable(f"not an xlsx workbook: {str(error).splitlines()[0]}") from error
    cells = (["" if cell is None else _workbook_cell(cell) for cell in row] for row in frame.iter_rows())
    headers, rows = _below(cells, wanted)
    return Table(headers, rows, "utf-8", sheet=sheet)


def _workbook_cell(cell: str) -> str:
    """A date without clock time comes as midnight; line ends may come escaped."""
    return _WORKBOOK_DAY.sub(r"\1", cell.replace("_x000D_", ""))


def _from_json_lines(body: bytes, encoding: str | None, wanted: set[str]) -> Table:
    decoded = decode(body, encoding)
    headers: dict[str, None] = {}
    rows = []
    for number, line in enumerate(decoded.text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value: Any = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            rows.append(Row({"原文": line}, f"第 {number} 行不是 JSON 对象"))
            continue
        nested = [k for k, cell in value.items() if isinstance(cell, (dict, list, bool)) and _header(k) in wanted]
        headers |= dict.fromkeys(map(_header, value))
        cells = {_header(key): _json_cell(cell) for key, cell in value.items()}
        rows.append(Row(cells, f"{'、'.join(nested)}不是文字或数字" if nested else None))
    if not rows:
        raise Unreadable("the file is empty")
    return Table(tuple(headers), tuple(rows), decoded.encoding)


def _json_cell(cell: Any) -> str | None:
    return cell if cell is None or isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


def _below(lines: Iterable[list[str]], wanted: set[str]) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Headers and rows of a table whose header line is the one of the first lines that shows most wanted headers."""
    filled = [line for line in lines if any(cell.strip() for cell in line)]
    if not filled:
        raise Unreadable("the file is empty")
    top = max(range(min(_HEAD_LINES, len(filled))), key=lambda at: len(wanted & set(map(_header, filled[at]))))
    width = max(index for index, cell in enumerate(filled[top], 1) if cell.strip())
    headers = list(map(_header, filled[top][:width]))
    # A header that stands twice: the first counts.
    names = [n if n and n not in headers[:at] else f"{n or '列'}{at + 1}" for at, n in enumerate(headers)]
    rows = []
    for line in filled[top + 1 :]:
        surplus = [cell for cell in line[width:] if cell.strip()]
        cells: dict[str, str | None] = dict(zip(names, line, strict=False))
        if surplus:
            cells |= {f"列{width + at}": cell for at, cell in enumerate(line[width:], 1)}
        rows.append(Row(cells, f"比表头多 {len(surplus)} 列" if surplus else None))
    return tuple(names), tuple(rows)


def _header(cell: str) -> str:
    return "".join(cell.replace("\ufeff", "").split())
