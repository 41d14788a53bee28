"""The figures on top of the dashboard, each with the query on analytics.duckdb that gives the same number."""

# The queries are shown to readers and never run here; they hold our own names and codes only.
# ruff: noqa: E501, S608

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from caifeng.core.model.deadlines import MISSED_STAGES
from caifeng.reports.dashboard.data import DashboardData
from caifeng.reports.review import FIGURES, fraction_text, value_text
from caifeng.reports.words import OUTSIDE, change, number

#: Figures of a review that stand on top of the page of its period.
REVIEWED = ("sources_checked", "found_in_time", "respond_on_time", "closed")
_OWED = ("must", "should")


def figures(data: DashboardData) -> list[dict[str, str]]:
    """Name, value, note and query of each figure, in their order on the page."""
    return _of_period(data) if data.is_period else _of_day(data)


def queries(data: DashboardData) -> dict[str, str]:
    """The query behind each part of the page, on analytics.duckdb, where nothing is filtered."""
    span = f"day BETWEEN {_sql(data.begin)} AND {_sql(data.day)}"
    week = len(data.buckets) < len(data.days)
    bucket = "date_trunc('week', day)" if week else "day"
    last = "QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1"
    issues = (
        f"WITH log AS (SELECT * FROM marts.daily_log WHERE {span} {last}), "
        f"ledger AS (SELECT * FROM marts.ledger WHERE {span} {last}), "
        "issues AS (SELECT log.*, ledger.* EXCLUDE (day), coalesce(ledger.level, log.level_in_force) AS level_now "
        "FROM log LEFT JOIN ledger ON ledger.issue_no = log.issue_no) "
    )
    own = f"level_now NOT IN ({_listed(OUTSIDE)})"
    stack = (
        "SELECT day, level_in_force, count(*) FROM marts.daily_log WHERE " + span + " GROUP BY ALL ORDER BY ALL"
        if not week
        else f"SELECT week, level_in_force, count(*) FROM (SELECT {bucket} AS week, * FROM marts.daily_log WHERE {span} "
        "QUALIFY row_number() OVER (PARTITION BY issue_no, week ORDER BY day DESC) = 1) GROUP BY ALL ORDER BY ALL"
    )
    return {
        "volume": f"SELECT {bucket}, sum(posts_relevant), sum(issues_new) FROM marts.daily_summary WHERE {span} "
        "GROUP BY ALL ORDER BY ALL",
        "stack": stack,
        "topics": f"{issues}SELECT topic_name, level_now, count(*) FROM issues GROUP BY ALL ORDER BY ALL",
        "classes": f"{issues}SELECT source_class, count(*) FROM issues GROUP BY ALL ORDER BY ALL",
        "funnel": f"{issues}SELECT count(*), count(confirmed_at), count(assigned_at), count(verified_at), "
        "count(first_response_at), count(closed_at), avg(confirm_on_time::INT), avg(verify_on_time::INT), "
        f"avg(respond_on_time::INT) FROM issues WHERE {own}",
        "overdue": f"SELECT issue_no, duty, due_at, overdue_hours FROM marts.deadlines WHERE day = {_sql(data.day)} "
        f"AND stage IN ({_listed(MISSED_STAGES)}) ORDER BY due_at",
        "units": f"SELECT owner_unit, figure, numerator, denominator, value FROM marts.kpi_unit "
        f"WHERE period = '{data.review}' ORDER BY ALL",
        "effects": f"SELECT issue_no, volume_drop, negative_change, quoting_share, second_wave "
        f"FROM marts.response_effect WHERE {span} {last}",
        "releases": f"SELECT DISTINCT indicator, first_day, status FROM marts.release_calendar WHERE {span} "
        f"AND first_day BETWEEN {_sql(data.days[0])} AND {_sql(data.day)} ORDER BY first_day",
        "sources": f"SELECT source_id, status, count(*) FROM marts.source_health WHERE {span} GROUP BY ALL ORDER BY ALL",
        "heat": "SELECT day, posts_new, posts, views, reposts FROM marts.issue_daily WHERE issue_no = '…' ORDER BY day",
    }


def _of_day(data: DashboardData) -> list[dict[str, str]]:
    summary: Mapping[str, Any] = data.shown_summaries.row(-1, named=True)
    where = f"FROM marts.daily_summary WHERE day = {_sql(data.day)}"

    def plain(name: str, column: str, note: str) -> dict[str, str]:
        return _figure(name, summary[column], note, f"SELECT {column} {where}")

    def against(now: str) -> str:
        before = summary[f"previous_{now}"]
        return f"比前一日 {change(summary[now], before)}" if before is not None else "前一日无数据"

    return [
        plain("采集", "observations", f"新增帖文 {number(summary['posts_new'])}"),
        plain("涉统计新帖", "posts_relevant", against("posts_relevant")),
        plain("新增事项", "issues_new", against("issues_new")),
        plain("跟踪中", "issues_tracked", "当日有变化的旧事项"),
        plain("需要回应", "to_answer", "必须或应当回应"),
        _figure(
            "背景和转办",
            summary["context"] + summary["refer_out"],
            "另计",
            f"SELECT context + refer_out {where}",
        ),
        _overdue(data),
    ]


def _of_period(data: DashboardData) -> list[dict[str, str]]:
    days = data.shown_summaries
    span = f"day BETWEEN {_sql(data.begin)} AND {_sql(data.day)}"

    def total(name: str, column: str, note: str = "") -> dict[str, str]:
        query = f"SELECT sum({column}) FROM marts.daily_summary WHERE {span}"
        return _figure(name, int(days[column].sum()), note, query)

    owed = data.issues.filter(pl.col("response_value").is_in(_OWED)).height
    latest = "QUALIFY row_number() OVER (PARTITION BY issue_no ORDER BY day DESC) = 1"
    owed_query = (
        f"SELECT count(*) FROM (SELECT * FROM marts.daily_log WHERE {span} {latest}) "
        f"WHERE response_value IN ({_listed(_OWED)})"
    )
    issues_query = f"SELECT count(DISTINCT issue_no) FROM marts.daily_log WHERE {span}"
    found = [
        total("采集", "observations", f"运行 {days.height} 天，共 {len(data.days)} 天"),
        total("涉统计新帖", "posts_relevant"),
        total("新增事项", "issues_new"),
        _figure("在列事项", data.issues.height, "每件只计一次", issues_query),
        _figure("需要回应", owed, "必须或应当回应", owed_query),
        _overdue(data),
    ]
    if not data.figures.is_empty():
        table = {7: "review_month", 4: "review_year"}.get(len(data.review), "review_quarter")
        for row in data.figures.filter(pl.col("figure").is_in(REVIEWED)).sort("seq").iter_rows(named=True):
            query = (
                f"SELECT value FROM marts.{table} WHERE period_end = {_sql(row['period_end'])} "
                f"AND figure = '{row['figure']}'"
            )
            value = value_text(row, data.small_number)
            found.append(
                {"name": FIGURES[row["figure"]].name, "value": value, "note": fraction_text(row), "sql": query}
            )
    return found


def _overdue(data: DashboardData) -> dict[str, str]:
    count = 0 if data.deadlines.is_empty() else data.deadlines.filter(pl.col("stage").is_in(MISSED_STAGES)).height
    query = f"SELECT count(*) FROM marts.deadlines WHERE day = {_sql(data.day)} AND stage IN ({_listed(MISSED_STAGES)})"
    return _figure("超期时限", count, "已到期尚未办理", query)


def _figure(name: str, value: int, note: str, query: str) -> dict[str, str]:
    return {"name": name, "value": number(value), "note": note, "sql": query}


def _sql(day: date) -> str:
    return f"DATE '{day}'"


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join(f"'{code}'" for code in codes)
