"""Import a file into an inbox: the good rows become raw posts, the bad ones come back with reasons."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
import xlsxwriter

from caifeng.core import clock
from caifeng.core.errors import ConfigError, DataError, UsageError
from caifeng.core.files import replacing
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import Undecodable
from caifeng.core.text.scrub import scrub
from caifeng.jobs.base import Env
from caifeng.jobs.crawl import land, land_sources
from caifeng.jobs.input_file import read_input
from crawlers.items import Fetch, RawPost
from crawlers.pages.inbox import REASON, SUFFIXES, BadRow, MissingColumn, Row, Table, guarded, read_row, read_table
from crawlers.pages.values import Unreadable

#: Larger files are no list of messages.
MAX_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True)
class ImportReport:
    """What became of a file: rows = posts + repeated + rejected."""

    source_id: str
    day: date
    fetched_at: datetime
    rows: int
    posts: int
    repeated: int
    """Rows that say once more what an earlier row says."""
    rejected: int
    shortened: int
    """Posts of which a field was cut to its limit."""
    faults: dict[str, int] = field(default_factory=dict)
    """Rejected rows by field."""
    rejected_file: Path | None = None
    """Copy of the bad rows with the column 原因; null if there is none."""

    @property
    def counts(self) -> dict[str, int]:
        """The figures, for the log of runs."""
        names = ("rows", "posts", "repeated", "rejected", "shortened")
        return {name: getattr(self, name) for name in names}

    def words(self) -> str:
        """One line for logs and terminals."""
        counts = " ".join(f"{name}={number}" for name, number in self.counts.items())
        faults = "".join(f" {name}:{number}" for name, number in self.faults.items())
        return f"import     {self.day} {self.source_id} {counts}{' faults' + faults if faults else ''}"


def import_file(env: Env, file: Path, source_id: str) -> ImportReport:
    """Land the rows of a file under today, as one part named after the file's content.

    The same file imported again on the same day replaces what it landed, with the time of its first import, so
    that nothing changes. Rows that cannot be read are written to `<name>.rejected.<ending>` beside the file, as
    they are, for the office to correct and import; everything else of personal data is scrubbed before landing.

    Args:
        env: environment; its clock gives the fetch time.
        file: csv (tsv, txt), xlsx or jsonl.
        source_id: a source of the family inbox.

    Raises:
        UsageError: no such file or inbox, an ending we do not read, a file too large, or the copy of the bad rows
            cannot be written (then nothing is landed).
        ConfigError: the source file is wrong, or a column or sheet it names is not in the file.
        DataError: the file is empty or is not what its ending says.
    """
    source = _inbox(env, source_id)
    body, suffix = read_input(file, SUFFIXES, MAX_BYTES), file.suffix.lower()
    try:
        table = read_table(body, suffix, source)
    except (Undecodable, Unreadable) as error:
        raise DataError(f"{file}: {error}") from error
    except MissingColumn as error:
        path = env.settings.config / "sources" / f"{source_id}.toml"
        raise ConfigError(path, error.key, f"{file.name}: {error.reason}") from error

    now = env.now().replace(microsecond=0)
    today = clock.business_day(now)
    part = f"{source_id}-{sha256(body).hexdigest()[:16]}"
    fetched_at = _first_import(env, today, part) or now
    posts, bad, faults, repeated, shortened = dict[str, RawPost](), list[tuple[Row, str]](), Counter[str](), 0, 0
    for row in table.rows:
        try:
            post, cut = read_row(row, source, table.encoding, fetched_at)
        except BadRow as error:
            bad.append((row, str(error)))
            faults[error.field] += 1
            continue
        repeated += post.post_id in posts
        shortened += cut and post.post_id not in posts
        posts.setdefault(post.post_id, post)

    rejected_file = return_bad_rows(file, suffix, table, bad) if bad else None
    detail = ", ".join(f"{number} {name}" for name, number in sorted(faults.items()))
    fetch = Fetch(
        source_id=source_id,
        # The name may tell a name's phone number; the folder tells more of the office than the log needs.
        url=f"file:{scrub(file.name)}",
        fetched_at=fetched_at,
        kind="list",
        outcome="ok" if posts else "unreadable" if bad else "empty",
        http_status=None,
        bytes=len(body),
        etag=None,
        last_modified=None,
        found=len(posts),
        posts=len(posts),
        detail=f"{len(bad)} of {len(table.rows)} rows rejected: {detail}" if bad else None,
    )
    land(
        env,
        today,
        part,
        pl.DataFrame([asdict(post) for post in posts.values()], schema=env.contracts["raw.posts"].polars_schema()),
        pl.DataFrame([asdict(fetch)], schema=env.contracts["ops.fetches"].polars_schema()),
    )
    land_sources(env, today)
    return ImportReport(
        source_id,
        today,
        fetched_at,
        len(table.rows),
        len(posts),
        repeated,
        len(bad),
        shortened,
        dict(sorted(faults.items())),
        rejected_file,
    )


def _inbox(env: Env, source_id: str) -> Source:
    sources = env.settings.sources()
    path = env.settings.config / "sources" / f"{source_id}.toml"
    if source_id in sources.errors:
        raise sources.errors[source_id]
    usable = {source.id: source for source in sources.usable}
    inboxes = "、".join(source.id for source in sources.usable if source.family == "inbox") or "none"
    if source_id not in usable:
        raise UsageError(f"{path}: source file not found or not enabled; inboxes: {inboxes}")
    if usable[source_id].family != "inbox":
        raise UsageError(f"{path}: family {usable[source_id].family} is crawled, not imported; inboxes: {inboxes}")
    return usable[source_id]


def _first_import(env: Env, day: date, part: str) -> datetime | None:
    """When the same content was first imported on that day."""
    file = env.lake.directory("ops.fetches", day) / f"{part}.parquet"
    if not file.exists():
        return None
    at: datetime = pl.read_parquet(file, columns=["fetched_at"]).item()
    return at


def return_bad_rows(file: Path, suffix: str, table: Table, bad: list[tuple[Row, str]]) -> Path:
    """Write the bad rows beside the file, in its format, with the column 原因 at the end."""
    target = file.with_name(f"{file.stem}.rejected{file.suffix}")
    names = dict.fromkeys(table.headers)
    for row, _ in bad:
        names |= dict.fromkeys(row.cells)
    names.pop(REASON, None)
    lines = [{**{name: row.cells.get(name) for name in names}, REASON: reason} for row, reason in bad]
    with replacing(target) as temporary:
        if suffix in {".jsonl", ".ndjson"}:
            body = "".join(
                json.dumps({k: v for k, v in line.items() if v is not None}, ensure_ascii=False) + "\n"
                for line in lines
            )
            temporary.write_text(body, "utf8")
        elif suffix == ".xlsx":
            options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
            with xlsxwriter.Workbook(temporary, options) as book:
                sheet = book.add_worksheet(table.sheet)
                for number, cells in enumerate([[*names, REASON], *(line.values() for line in lines)]):
                    sheet.write_row(number, 0, ["" if cell is None else cell for cell in cells])
        else:
            text = io.StringIO()
            writer = csv.writer(text, delimiter=table.separator or ",")
            writer.writerow([*names, REASON])
            writer.writerows([guarded(cell or "") for cell in line.values()] for line in lines)
            # With a byte order mark, for spreadsheets take anything else for the local charset.
            temporary.write_bytes(text.getvalue().encode("utf-8-sig"))
    return target
