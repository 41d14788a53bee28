"""A year's table of releases, as published, -> config/release_calendar/<year>.toml.

The bureaus publish it as a web page or a workbook each December or January; someone copies it into a table with the
columns date, time, indicator, topic. The first run only says what would be written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from caifeng.core.errors import DataError
from caifeng.core.files import replacing
from caifeng.core.model.release import Release, ReleaseTable
from caifeng.core.settings import Settings
from caifeng.jobs.input_file import read_input

#: Larger files are no table of a year.
MAX_BYTES = 5 * 1024 * 1024
#: Columns by the names they go by.
_COLUMNS = {
    "date": ("date", "日期", "发布日期"),
    "time": ("time", "时间", "发布时间"),
    "indicator": ("indicator", "指标", "发布内容", "内容"),
    "topic": ("topic", "主题"),
}
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y-%m-%d %H:%M:%S")
_TIMES = ("%H:%M", "%H:%M:%S", "%H：%M")


@dataclass(frozen=True)
class CalendarImport:
    """What became of a table."""

    file: Path
    """The TOML file of the year."""
    year: int
    releases: int
    replaces: bool
    """A file of that year is there already."""
    written: bool
    text: str
    """Its content, for the dry run to show."""

    def words(self) -> str:
        """One line for terminals."""
        what = "written" if self.written else "dry run, nothing written"
        place = "replaces the file there" if self.replaces else "new"
        return f"calendar   {self.year} releases={self.releases} {self.file} ({place}): {what}"


def import_calendar(settings: Settings, file: Path, document: str, *, write: bool = False) -> CalendarImport:
    """Read a table of one year, check it, and write the year's TOML file if told to.

    Args:
        settings: where the configuration is, and which topics there are.
        file: csv (UTF-8) or xlsx with the columns date, time, indicator, topic (or 日期, 时间, 指标, 主题). Several
            topics are separated by `、`, `,` or `;`, each an id or a name of the taxonomy; a row without time is
            taken as one whose time is not stated.
        document: which published table it is, for the file's `document`.
        write: False: the dry run.

    Raises:
        UsageError: the file cannot be read, or ends in something else.
        DataError: columns are missing, or rows are wrong; names each with its number. Nothing is written then.
    """
    topics = {name: topic.id for topic in settings.taxonomy().topics for name in (topic.id, topic.name)}
    releases, faults = [], []
    for number, cells in _rows(file):
        try:
            releases.append(_release(cells, topics))
        except ValueError as error:
            faults.append(f"row {number}: {error}")
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise DataError(f"{file}: {len(faults)} of {len(releases) + len(faults)} rows: {'; '.join(faults[:5])}{more}")
    if not releases:
        raise DataError(f"{file}: the table has no rows")
    try:
        table = ReleaseTable(
            year=releases[0].first.year, status="published", document=document, releases=_merged(releases)
        )
    except ValidationError as error:
        raise DataError(f"{file}: {error.errors()[0]['msg']}") from error
    target = settings.config / "release_calendar" / f"{table.year}.toml"
    report = CalendarImport(target, table.year, len(table.releases), target.exists(), write, to_toml(table))
    if write:
        with replacing(target) as temporary:
            temporary.write_text(report.text, "utf8")
    return report


def to_toml(table: ReleaseTable) -> str:
    """A table as the file of its year."""
    lines = [
        f"year = {table.year}",
        f'status = "{table.status}"',
        f"document = {_quoted(table.document)}",
        f"before_days = {table.before_days}   # the window opens; our choice",
        f"after_days = {table.after_days}    # and closes",
        "",
        "releases = [",
    ]
    for release in table.releases:
        at = f"at = {release.at.isoformat()}, " if release.at else ""
        topics = ", ".join(_quoted(topic) for topic in release.topics)
        lines.append(
            f"  {{ first = {release.first}, last = {release.last}, {at}"
            f"indicator = {_quoted(release.indicator)}, topics = [{topics}] }},"
        )
    return "\n".join([*lines, "]", ""])


def _quoted(text: str) -> str:
    """A basic string of TOML: that of JSON, but for one control character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _merged(releases: list[Release]) -> tuple[Release, ...]:
    """Rows of one indicator and day as one release with all their topics, by day and indicator."""
    merged: dict[tuple[date, str], Release] = {}
    for release in releases:
        key = (release.first, release.indicator)
        topics = (*merged[key].topics, *release.topics) if key in merged else release.topics
        kept = merged.get(key, release)
        merged[key] = kept.model_copy(update={"topics": tuple(dict.fromkeys(topics))})
    return tuple(merged[key] for key in sorted(merged))


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    """Rows that are not blank, with their number in the file (the header is row 1)."""
    frame = _frame(file, read_input(file, (".csv", ".xlsx"), MAX_BYTES))
    headers = {str(name).strip().lower(): name for name in frame.columns}
    found = {field: next((headers[n] for n in names if n in headers), None) for field, names in _COLUMNS.items()}
    if missing := [field for field, name in found.items() if name is None and field != "time"]:
        raise DataError(f"{file}: no column {', '.join(missing)}; columns found: {', '.join(frame.columns) or 'none'}")
    rows = []
    for number, record in enumerate(frame.iter_rows(named=True), start=2):
        cells = {field: str(record[name] or "").strip() if name else "" for field, name in found.items()}
        if any(cells.values()):
            rows.append((number, cells))
    return rows


def _frame(file: Path, body: bytes) -> pl.DataFrame:
    """All cells as text."""
    if file.suffix.lower() == ".xlsx":
        import fastexcel  # noqa: PLC0415 - only where a workbook is read

        try:
            sheet = fastexcel.read_excel(body).load_sheet(0, dtypes="string")
        except fastexcel.FastExcelError as error:
            raise DataError(f"{file}: is no workbook: {error}") from error
        return sheet.to_polars()
    try:
        return pl.read_csv(body.removeprefix(b"\xef\xbb\xbf"), infer_schema=False, encoding="utf8")
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: is no csv table in UTF-8: {error}") from error


def _release(cells: dict[str, str], topics: dict[str, str]) -> Release:
    if not cells["indicator"]:
        raise ValueError("indicator: empty")
    day = _parsed(cells["date"], _DATES, "date", "2026-01-09").date()
    at: time | None = None
    if cells["time"]:
        at = _parsed(cells["time"].rpartition(" ")[2], _TIMES, "time", "09:30").time()
    names = [
        name.strip() for name in cells["topic"].replace(",", "、").replace(";", "、").replace("，", "、").split("、")
    ]
    names = [name for name in names if name]
    if not names:
        raise ValueError("topic: empty")
    if unknown := [name for name in names if name not in topics]:
        raise ValueError(f"topic: not in the taxonomy: {', '.join(unknown)}")
    ids = tuple(dict.fromkeys(topics[name] for name in names))
    return Release(indicator=cells["indicator"], topics=ids, first=day, last=day, at=at)


def _parsed(text: str, formats: tuple[str, ...], field: str, example: str) -> datetime:
    for form in formats:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - a day, or a time of day; Beijing's either way
        except ValueError:
            continue
    raise ValueError(f"{field}: cannot be read: {text!r} (write {example})")
