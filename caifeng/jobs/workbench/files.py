"""Files that pages hand out: those of a day, of a review and of the ledger. What is saved is noted before it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import polars as pl

from caifeng.core.errors import UsageError
from caifeng.core.model.review import parse_period, period_code
from caifeng.jobs.dashboard import dashboard_file
from caifeng.jobs.exports import log_export
from caifeng.jobs.workbench.desk import Desk
from caifeng.reports.review import PERIOD_WORDS

#: Files of a day that pages hand out; no other name is ever opened.
DAY_FILES = ("政务舆情日志.docx", "政务舆情日志.xlsx", "预警报送清单.xlsx", "dashboard.html")
#: Of a review: its documents, its data sets and what their columns mean.
_REVIEW_SUFFIXES = (".docx", ".xlsx", ".csv", ".parquet", ".md")
_DASHBOARD = "dashboard.html"
#: The latest reviews on a page.
REVIEWS_SHOWN = 15


@dataclass(frozen=True)
class ReviewFiles:
    """The files of the review of a period."""

    code: str
    """2026-11, 2026-Q4 or 2026."""
    title: str
    """What the document is called: 月度报告 and so on."""
    documents: tuple[str, ...]
    data: tuple[str, ...]
    dashboard: bool


def day_file(desk: Desk, day: str, name: str) -> Path:
    """A file of a day.

    Raises:
        UsageError: not one of the files that pages hand out, or it was not written.
    """
    try:
        folder = date.fromisoformat(day).isoformat()
    except ValueError:
        raise UsageError("没有这一天") from None
    path = desk.settings.outputs_dir / folder / name
    if name not in DAY_FILES or not path.is_file():
        raise UsageError("没有这个文件")
    return path


def reviews(desk: Desk) -> tuple[ReviewFiles, ...]:
    """Reviews that were made, that of the latest period first, a year before its quarters and months."""
    found = []
    for folder in (desk.settings.outputs_dir / "review").glob("*"):
        try:
            period = parse_period(folder.name)
        except UsageError:
            continue
        names = _review_names(folder)
        shown = ReviewFiles(
            code=folder.name,
            title=PERIOD_WORDS[period.kind].title,
            documents=tuple(name for name in names if name.endswith((".docx", ".xlsx"))),
            data=tuple(name for name in names if not name.endswith((".docx", ".xlsx"))),
            dashboard=dashboard_file(desk.env, period.last, period.first).is_file(),
        )
        found.append((period.last, -period.first.toordinal(), shown))
    latest = sorted(found, key=lambda entry: entry[:2], reverse=True)
    return tuple(shown for _, _, shown in latest[:REVIEWS_SHOWN])


def review_file(desk: Desk, code: str, name: str) -> Path:
    """A file of the review of a period, or its dashboard.

    Raises:
        UsageError: not a period, or not one of its files.
    """
    try:
        period = parse_period(code)
    except UsageError:
        raise UsageError("没有这一期评议") from None
    folder = desk.settings.outputs_dir / "review" / period_code(period)
    path = dashboard_file(desk.env, period.last, period.first) if name == _DASHBOARD else folder / name
    if not path.is_file() or (name != _DASHBOARD and name not in _review_names(folder)):
        raise UsageError("没有这个文件")
    return path


def hand_out(desk: Desk, role: str, path: Path, what: str) -> bytes:
    """The bytes of a file, once the export log has their hash: what cannot be logged does not leave.

    Args:
        desk: where all pages read from.
        role: in which it was asked for.
        path: a file that one of the functions above named.
        what: name of the file, with its day or period.

    Raises:
        UsageError: the log cannot be written.
    """
    content = path.read_bytes()
    log_export(desk.env, role, what, _rows(path), sha256(content).hexdigest())
    return content


def _review_names(folder: Path) -> tuple[str, ...]:
    files = (path for path in folder.glob("[!.]*") if path.is_file() and not path.is_symlink())
    return tuple(sorted(path.name for path in files if path.suffix in _REVIEW_SUFFIXES))


def _rows(path: Path) -> int | None:
    match path.suffix:
        case ".parquet":
            return int(pl.scan_parquet(path).select(pl.len()).collect().item())
        case ".csv":
            return int(pl.scan_csv(path, infer_schema=False).select(pl.len()).collect().item())
    return None
