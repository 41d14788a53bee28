"""Warehouse -> review of a month (Art. 13, 14): marts, 月报 (docx, xlsx), data sets, in outputs/review/<month>/."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from caifeng.cases.model import OUTCOME_NAMES, STATE_NAMES
from caifeng.core import clock
from caifeng.core.contracts import data_dictionary
from caifeng.core.errors import DataError, UsageError
from caifeng.core.files import replacing
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.base import Env, JobReport
from caifeng.reports.review import MonthReview
from caifeng.reports.review_docx import write_month_review_docx
from caifeng.reports.review_xlsx import write_month_review_xlsx

#: What a spreadsheet would take for a formula when it opens a .csv; the Parquet files have the text as it is.
_FORMULA = r"^([=+\-@\t\r])"


def review_month(env: Env, month: str, as_of: datetime | None = None) -> JobReport:
    """Review a month: build its marts, write its documents and data sets.

    Args:
        env: environment.
        month: YYYY-MM.
        as_of: moment of the review; the end of the month, or now while the month lasts, if not given.

    Raises:
        UsageError: not a month, or one that has not begun.
        DataError: no day of the month was loaded into the warehouse.
        ConfigError: the template names unknown fields.
    """
    first, last = period(month)
    moment = (as_of or min(env.now(), clock.end_of_day(last))).replace(microsecond=0)
    if moment <= clock.start_of_day(first):
        raise UsageError(f"{month} has not begun as of {moment.isoformat()}")
    rows = build_review(env, env.warehouse, month, moment)
    files = write_review(env, month)
    counts = {name.removeprefix("marts."): number for name, number in rows.items()}
    return JobReport("review", last, moment, {**counts, "files": files})


def build_review(env: Env, warehouse: Warehouse, month: str, as_of: datetime) -> dict[str, int]:
    """Build the review marts of a month, and before it of those that it is compared with.

    Args:
        env: environment.
        warehouse: where to build, the days of the months loaded.
        month: YYYY-MM.
        as_of: moment of the review; the months it is compared with are reviewed as of their end.

    Returns:
        Rows of the month, by mart.
    """
    first, last = period(month)
    rules = env.settings.grading(last).rule_version
    run = {day.replace(day=1) for day in env.lake.days("ops.sources")}
    year_ago, before = first.replace(year=first.year - 1), (first - timedelta(days=1)).replace(day=1)
    for earlier in (year_ago, before):
        if earlier in run:
            end = _last_day(earlier)
            warehouse.build_marts(end, clock.end_of_day(end), rules, "month")
    return warehouse.build_marts(last, as_of, rules, "month")


def write_review(env: Env, month: str) -> int:
    """Write documents and data sets of a month from its marts; each file is replaced whole.

    Returns:
        Number of files.

    Raises:
        DataError: the month was not reviewed, or no day of it was run.
        ConfigError: the template names unknown fields.
    """
    review = read_review(env, month)
    if review.figure("days_run")["missing"] == "not_run":
        raise DataError(f"{month}: no day of it is in the warehouse: run `caifeng backfill` first")
    folder = env.settings.outputs_dir / "review" / month
    template = env.settings.config / "templates" / "月报.docx"
    frames = {
        "review_month": review.figures,
        "kpi_unit": review.units,
        "review_breakdown": review.breakdown,
        "review_issues": review.issues,
        "review_items": review.items,
    }
    contracts = {f"marts.{name}": env.contracts[f"marts.{name}"] for name in frames}
    writers: dict[str, Callable[[Path], object]] = {
        "月报.docx": lambda path: write_month_review_docx(review, template, path),
        "月报.xlsx": lambda path: write_month_review_xlsx(review, path),
        "data-dictionary.md": lambda path: path.write_text(data_dictionary(contracts), "utf8"),
    }
    for name, frame in frames.items():
        writers[f"{name}.parquet"] = _parquet(frame)
        writers[f"{name}.csv"] = _csv(frame)
    for name, write in writers.items():
        with replacing(folder / name) as temporary:
            write(temporary)
    return len(writers)


def read_review(env: Env, month: str) -> MonthReview:
    """The review marts of a month, as the documents need them.

    Raises:
        DataError: the month was not reviewed.
    """
    first, last = period(month)
    figures = env.warehouse.read("marts.review_month", last)
    if figures.is_empty():
        raise DataError(f"marts.review_month has no row for {month}: run `caifeng report month --month {month}`")
    return MonthReview(
        first=first,
        last=last,
        office=env.settings.office(),
        figures=figures.sort("seq"),
        breakdown=env.warehouse.read("marts.review_breakdown", last),
        issues=env.warehouse.read("marts.review_issues", last),
        items=env.warehouse.read("marts.review_items", last),
        units=env.warehouse.read("marts.kpi_unit", last),
        states=STATE_NAMES,
        outcomes=OUTCOME_NAMES,
        is_sample=(env.settings.home / "SAMPLE").exists(),
    )


def _parquet(frame: pl.DataFrame) -> Callable[[Path], object]:
    return lambda path: frame.write_parquet(path, compression="zstd", statistics=True)


def _csv(frame: pl.DataFrame) -> Callable[[Path], object]:
    shown = frame.with_columns(
        pl.col(pl.String).str.replace(_FORMULA, "'$1"),
        pl.col(pl.Datetime).dt.convert_time_zone("Asia/Shanghai").dt.to_string("%Y-%m-%dT%H:%M:%S%:z"),
    )
    # With a mark of order, so that spreadsheets read it as UTF-8.
    return lambda path: shown.write_csv(path, include_bom=True)


def period(month: str) -> tuple[date, date]:
    """First and last day of a month given as YYYY-MM.

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(r"[1-9]\d{3}-(0[1-9]|1[0-2])", month):
        raise UsageError(f"not a month: {month!r} (write 2026-11)")
    first = date.fromisoformat(f"{month}-01")
    return first, _last_day(first)


def _last_day(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])
