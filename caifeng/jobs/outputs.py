"""Marts -> paper and dashboard of one day, in outputs/<day>/. Each file is replaced whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from caifeng.core.checksums import write_checksums
from caifeng.core.errors import DataError
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.dashboard import read_dashboard
from caifeng.jobs.papers import produce
from caifeng.reports.daily_log_docx import write_daily_log_docx
from caifeng.reports.daily_log_xlsx import write_daily_log_xlsx
from caifeng.reports.dashboard import dashboard_html, echarts_source
from caifeng.reports.day import DayReport
from caifeng.reports.escalations_xlsx import write_escalations_xlsx


def outputs(env: Env, day: date, as_of: datetime) -> JobReport:
    """Write the daily log (docx, xlsx), the escalation list and the dashboard.

    Raises:
        DataError: the day's marts have not been built.
        ConfigError: a template names unknown fields; the other files were written.
    """
    with env.warehouse.reading():
        report = read_day(env, day)
        board = read_dashboard(env, day)
        releases = env.warehouse.read("marts.release_calendar", day)
    template = env.settings.config / "templates" / "政务舆情日志.docx"
    folder = env.settings.outputs_dir / day.isoformat()
    writers: dict[str, Callable[[Path], object]] = {
        "政务舆情日志.docx": lambda path: write_daily_log_docx(report, template, path, releases),
        "政务舆情日志.xlsx": lambda path: write_daily_log_xlsx(report, path),
        "预警报送清单.xlsx": lambda path: write_escalations_xlsx(report, path),
        "dashboard.html": lambda path: path.write_text(dashboard_html(board, echarts_source()), "utf8"),
    }
    try:
        files = produce(folder, writers)
    finally:
        write_checksums(folder, writers)
    return JobReport("outputs", day, as_of, {"files": files})


def read_day(env: Env, day: date) -> DayReport:
    """The marts of one day, as the documents need them."""
    summary = env.warehouse.read("marts.daily_summary", day)
    if summary.is_empty():
        raise DataError(f"marts.daily_summary has no row for {day}: run `caifeng run --day {day}` first")
    return DayReport(
        day=day,
        office=env.settings.office(),
        summary=summary.row(0, named=True),
        log=env.warehouse.read("marts.daily_log", day).sort("seq"),
        escalations=env.warehouse.read("marts.escalations", day).sort("seq"),
        health=env.warehouse.read("marts.source_health", day),
        is_sample=(env.settings.home / "SAMPLE").exists(),
    )
