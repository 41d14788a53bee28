"""Warehouse -> review of a period (Art. 13, 14): marts, documents, data sets, in outputs/review/<period>/."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import polars as pl

from caifeng.cases.model import FORM_NAMES, OUTCOME_NAMES, STATE_NAMES
from caifeng.core import clock
from caifeng.core.contracts import data_dictionary
from caifeng.core.errors import ConfigError, DataError, UsageError
from caifeng.core.files import replacing
from caifeng.core.model.publications import Period
from caifeng.core.model.review import ReviewKind, ReviewRules, months_of, parse_period, period_code, year_before
from caifeng.core.warehouse import Span, Warehouse
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.dashboard import dashboard_file, write_dashboard
from caifeng.jobs.sheets_import import STATE_NAMES as MEASURE_STATES
from caifeng.reports.review import PERIOD_WORDS, PeriodReview
from caifeng.reports.review_docx import write_review_docx
from caifeng.reports.review_xlsx import write_review_xlsx

#: What a spreadsheet would take for a formula when it opens a .csv; the Parquet files have the text as it is.
_FORMULA = r"^([=+\-@\t\r])"
#: Registers kept as sheets: what was imported after the days under review counts too, by the moment of the review.
_SHEETS = ("ops.training", "ops.assessments", "ops.improvements", "ops.practices")


def review_period(env: Env, code: str, as_of: datetime | None = None) -> JobReport:
    """Review a period: build its marts, write its dashboard, documents and data sets.

    Args:
        env: environment.
        code: 2026-11, 2026-Q4 or 2026.
        as_of: moment of the review; the end of the period, or now while it lasts, if not given.

    Raises:
        UsageError: not a period, or one that has not begun.
        DataError: no day of the period was loaded into the warehouse.
        ConfigError: the template names unknown fields, or config/review.toml breaks its model.
    """
    period = parse_period(code)
    moment = (as_of or min(env.now(), clock.end_of_day(period.last))).replace(microsecond=0)
    if moment <= clock.start_of_day(period.first):
        raise UsageError(f"{code} has not begun as of {moment.isoformat()}")
    for table in _SHEETS:
        for day in env.lake.days(table):
            if clock.start_of_day(day) <= moment:
                env.warehouse.load(env.lake, day, (table,))
    rows = build_review(env, env.warehouse, period_code(period), moment)
    files = write_review(env, period_code(period))
    counts = {name.removeprefix("marts."): number for name, number in rows.items()}
    return JobReport("review", period.last, moment, {**counts, "files": files})


def build_review(env: Env, warehouse: Warehouse, code: str, as_of: datetime) -> dict[str, int]:
    """Build the review marts of a period, and before it of its months and of those that it is compared with.

    Args:
        env: environment.
        warehouse: where to build, the days of these periods loaded.
        code: 2026-11, 2026-Q4 or 2026.
        as_of: moment of the review; other periods are reviewed as of their end, or of this moment while they last.

    Returns:
        Rows of the period, by mart.
    """
    period, review_rules = parse_period(code), env.settings.review_rules()
    run = env.lake.days("ops.sources")
    for other in sorted({year_before(period), period.later(-1), *months_of(period)} - {period}, key=_order):
        if any(other.first <= day <= other.last for day in run) and clock.start_of_day(other.first) < as_of:
            _build(env, warehouse, other, min(as_of, clock.end_of_day(other.last)), review_rules)
    return _build(env, warehouse, period, as_of, review_rules)


def _order(period: Period) -> tuple[date, str]:
    return period.last, period.kind


def _build(env: Env, warehouse: Warehouse, period: Period, as_of: datetime, rules: ReviewRules) -> dict[str, int]:
    graded_by = env.settings.grading(period.last).rule_version
    return warehouse.build_marts(period.last, as_of, graded_by, span_of(period, rules))


def span_of(period: Period, rules: ReviewRules) -> Span:
    """A period as a partition of the review marts, with what their SELECTs ask for."""
    before, year_ago = period.later(-1), year_before(period)
    parameters: dict[str, Any] = {"first": period.first, **rules.parameters()}
    for name, other in (("before", before), ("year_ago", year_ago)):
        parameters |= {name: period_code(other), f"{name}_first": other.first, f"{name}_last": other.last}
    return Span(cast("ReviewKind", period.kind), period_code(period), parameters)


def write_review(env: Env, code: str) -> int:
    """Write dashboard, documents and data sets of a period from its marts; each file is replaced whole.

    Returns:
        Number of documents and data sets.

    Raises:
        DataError: the period was not reviewed, or no day of it was run.
        ConfigError: the template names unknown fields; everything else is written all the same.
    """
    review = read_review(env, code)
    if review.figure("days_run")["missing"] == "not_run":
        raise DataError(f"{code}: no day of it is in the warehouse: run `caifeng backfill` first")
    first, last = review.period.first, review.period.last
    write_dashboard(env, dashboard_file(env, last, first), last, first)
    folder = env.settings.outputs_dir / "review" / code
    title = PERIOD_WORDS[review.period.kind].title
    template = env.settings.config / "templates" / f"{title}.docx"
    frames = {
        f"review_{review.period.kind}": review.figures,
        "review_month": review.months,
        "kpi_unit": review.units,
        "review_breakdown": review.breakdown,
        "review_issues": review.issues,
        "review_items": review.items,
        "improvements": review.improvements,
        "practice_library": review.practices,
        "review_season": review.season,
        "review_rules": review.sensitivity,
    }
    contracts = {f"marts.{name}": env.contracts[f"marts.{name}"] for name in frames}
    writers: dict[str, Callable[[Path], object]] = {
        f"{title}.docx": lambda path: write_review_docx(review, template, path),
        f"{title}.xlsx": lambda path: write_review_xlsx(review, path),
        "data-dictionary.md": lambda path: path.write_text(data_dictionary(contracts), "utf8"),
    }
    for name, frame in frames.items():
        writers[f"{name}.parquet"] = _parquet(frame)
        writers[f"{name}.csv"] = _csv(frame)
    broken: ConfigError | None = None
    for name, write in writers.items():
        try:
            with replacing(folder / name) as temporary:
                write(temporary)
        except ConfigError as error:
            broken = error
    if broken:
        raise broken
    return len(writers)


def read_review(env: Env, code: str) -> PeriodReview:
    """The review marts of a period, as the documents need them.

    Raises:
        DataError: the period was not reviewed.
    """
    period = parse_period(code)
    figures = env.warehouse.read(f"marts.review_{period.kind}", period.last)
    if figures.is_empty():
        raise DataError(
            f"marts.review_{period.kind} has no row for {code}: "
            f"run `caifeng report {period.kind} --{period.kind} {code}`"
        )

    def read(mart: str) -> pl.DataFrame:
        return env.warehouse.read(f"marts.{mart}", period.last).filter(pl.col("period") == period_code(period))

    months = env.warehouse.read("marts.review_month", period.first, period.last)
    return PeriodReview(
        period=period,
        office=env.settings.office(),
        figures=figures.sort("seq"),
        months=months.sort("day", "seq"),
        breakdown=read("review_breakdown"),
        issues=read("review_issues"),
        items=read("review_items"),
        units=read("kpi_unit"),
        improvements=read("improvements"),
        practices=read("practice_library"),
        season=read("review_season"),
        sensitivity=read("review_rules"),
        topics={topic.id: topic.name for topic in env.settings.taxonomy().topics},
        rules=env.settings.review_rules(),
        states=STATE_NAMES,
        outcomes=OUTCOME_NAMES,
        forms=FORM_NAMES,
        measure_states={**MEASURE_STATES, "overdue": "逾期"},
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


def period(code: str) -> tuple[date, date]:
    """First and last day of a period given as 2026-11, 2026-Q4 or 2026.

    Raises:
        UsageError: it is none.
    """
    found = parse_period(code)
    return found.first, found.last
