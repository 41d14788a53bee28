"""The dashboard: one self-contained page that opens by double click, by mail and inside Airflow, without a network.

Scraped text is hostile. It travels as JSON in a block that is not script, with < > & and the line separators escaped,
and the page inserts it as text only. The policy in the page allows the two inlined scripts by their hashes, and
nothing from outside.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any

import polars as pl

from caifeng.core.errors import DataError
from caifeng.core.model.grading import FACTOR_NAMES, OVERRIDE_NAMES
from caifeng.core.model.office import Office
from caifeng.core.model.terms import LEVEL_NAMES, SUGGESTION_NAMES
from caifeng.reports.day import level_in_force, with_level
from caifeng.reports.fields import HEALTH_FIELDS
from caifeng.reports.words import (
    LEVEL_COLOURS,
    LEVELS_ON_PAPER,
    SAMPLE_NOTICE,
    SUGGESTED_NOTE,
    ZERO_REPORT,
    as_of_text,
    change,
    coverage_statement,
    document_date,
    level_text,
    local_time,
    number,
    printable,
    reason,
    safe_url,
    spread,
)

#: Days on the time axis, the day itself included.
DAYS_SHOWN = 30


@dataclass(frozen=True)
class DashboardData:
    """What the page is made from. Frames have the columns of their contracts and `day`; times are UTC."""

    day: date
    office: Office
    summaries: pl.DataFrame
    """marts.daily_summary of the day and of days before it; a day without a row was not run."""
    log: pl.DataFrame
    """marts.daily_log of the same days."""
    health: pl.DataFrame
    """marts.source_health of the day; without `day` is as good."""
    weights: Mapping[str, int]
    """Percent of each factor C, R, A, S, M by which the day was graded (config/grading.toml)."""
    is_sample: bool = False


def dashboard_html(data: DashboardData, echarts_js: str) -> str:
    """The whole page; the same input gives the same text.

    Args:
        data: frames of the day and the days before.
        echarts_js: the drawing library (`echarts_source`).

    Raises:
        DataError: there is no summary of the day, or the factors of an issue do not re-add to its total.
    """
    assets = files("caifeng.reports") / "assets"
    script = (assets / "dashboard.js").read_text("utf8")
    return Template((assets / "dashboard.html").read_text("utf8")).substitute(
        css=(assets / "dashboard.css").read_text("utf8"),
        data=_json_block(dashboard_json(data)),
        echarts=echarts_js,
        script=script,
        script_hashes=f"{_csp_hash(echarts_js)} {_csp_hash(script)}",
    )


def echarts_source() -> str:
    """Apache ECharts 6.1.0 as shipped with the package (Apache-2.0, see the notices beside it)."""
    return (files("caifeng.reports") / "assets" / "echarts.min.js").read_text("utf8")


def dashboard_json(data: DashboardData) -> dict[str, Any]:
    """What the page shows, as text ready to show; numbers only where a chart draws them. Unknown is null or —."""
    first = data.day - timedelta(days=DAYS_SHOWN - 1)
    summaries = data.summaries.filter(pl.col("day").is_between(first, data.day)).sort("day")
    log = data.log.filter(pl.col("day").is_between(first, data.day))
    of_the_day = summaries.filter(day=data.day)
    if of_the_day.is_empty():
        raise DataError(f"marts.daily_summary: no row for {data.day}, the dashboard cannot be made")
    summary = of_the_day.row(0, named=True)
    today = with_level(log.filter(day=data.day))
    days = _days(summaries, log)
    return {
        "sample": SAMPLE_NOTICE if data.is_sample else "",
        "day": data.day.isoformat(),
        "dayText": document_date(data.day),
        "office": f"{data.office.name}{data.office.openness_office}",
        "asOf": as_of_text(summary["as_of"], data.day),
        "coverage": coverage_statement(summary, data.health),
        "zero": ZERO_REPORT if summary["zero_report"] else "",
        "figures": _figures(summary),
        "range": f"近 {len(days)} 天" if len(days) > 1 else "当日",
        "levels": [_level(level) for level in LEVELS_ON_PAPER],
        "days": days,
        "topics": _topics(log),
        "sources": [_source(row) for row in data.health.sort("source_id").iter_rows(named=True)],
        "issues": [_issue(row, data.weights) for row in today.iter_rows(named=True)],
        "note": SUGGESTED_NOTE + "“—”表示未知，不按 0 计。",
    }


def _figures(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    def figure(name: str, value: int, note: str = "") -> dict[str, str]:
        return {"name": name, "value": number(value), "note": note}

    def against(now: str, before: str) -> str:
        return f"比前一日 {change(summary[now], summary[before])}" if summary[before] is not None else "前一日无数据"

    return [
        figure("采集", summary["observations"], f"新增帖文 {number(summary['posts_new'])}"),
        figure("涉统计新帖", summary["posts_relevant"], against("posts_relevant", "previous_posts_relevant")),
        figure("新增事项", summary["issues_new"], against("issues_new", "previous_issues_new")),
        figure("跟踪中", summary["issues_tracked"]),
        figure("需要回应", summary["to_answer"], "必须或应当回应"),
        figure("背景和转办", summary["context"] + summary["refer_out"], "另计"),
    ]


def _level(level: str) -> dict[str, str]:
    fill, colour = LEVEL_COLOURS[level]
    return {
        "id": level,
        "name": LEVEL_NAMES[level][0],
        "text": level_text(level),
        "fill": f"#{fill}",
        "colour": f"#{colour}",
    }


def _days(summaries: pl.DataFrame, log: pl.DataFrame) -> list[dict[str, Any]]:
    """One entry per calendar day from the first to the last; all figures of a day that was not run are null."""
    counts = _counts(log, "day")
    run = {row["day"]: row for row in summaries.iter_rows(named=True)}
    span = pl.date_range(min(run), max(run), eager=True).to_list()
    return [
        {
            "day": day.isoformat(),
            "posts": run[day]["posts_relevant"] if day in run else None,
            "issues": run[day]["issues_new"] if day in run else None,
            "levels": counts.get(day, _no_issues()) if day in run else None,
        }
        for day in span
    ]


def _topics(log: pl.DataFrame) -> list[dict[str, Any]]:
    """Issues by topic and level, each counted once with its latest level; most frequent topic first."""
    latest = log.sort("day").unique("issue_no", keep="last", maintain_order=True)
    counts = _counts(latest, "topic_name")
    topics = [
        {"name": printable(topic), "levels": levels, "total": sum(levels.values())} for topic, levels in counts.items()
    ]
    return sorted(topics, key=lambda topic: (-topic["total"], topic["name"]))


def _counts(log: pl.DataFrame, key: str) -> dict[Any, dict[str, int]]:
    counts: dict[Any, dict[str, int]] = {}
    for value, level, count in log.group_by(key, level_in_force().alias("level")).len().iter_rows():
        counts.setdefault(value, _no_issues())[level] = count
    return counts


def _no_issues() -> dict[str, int]:
    return dict.fromkeys(LEVELS_ON_PAPER, 0)


def _source(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": printable(row["name"]),
        "kind": HEALTH_FIELDS["source_class"].value(row["source_class"]) or "—",
        "status": row["status"],
        "statusText": HEALTH_FIELDS["status"].value(row["status"]),
        "fetches": number(row["fetches"]),
        "failed": number(row["fetches_failed"]),
        "observations": number(row["observations"]),
        "postsNew": number(row["posts_new"]),
        "postsRelevant": number(row["posts_relevant"]),
        "lastNew": local_time(row["last_new_post_at"]),
        "reason": printable(row["reason"]),
    }


def _issue(row: Mapping[str, Any], weights: Mapping[str, int]) -> dict[str, Any]:
    # In integers, as the total was computed (tenths of a point times percent), so that the table re-adds exactly.
    shares = {factor: weights[factor] * round(10 * row[factor]) for factor in FACTOR_NAMES}
    if (sum(shares.values()) + 50) // 100 != round(10 * row["total"]):
        added = f"{sum(shares.values()) / 1000:.3f}"
        raise DataError(f"marts.daily_log: {row['issue_no']}: factors add to {added}, not to {row['total']}")
    return {
        "number": row["issue_no"],
        "level": row["level"],
        "standing": row["standing"],
        "title": printable(row["title"]),
        "url": safe_url(row["url"]),
        "why": reason(row),
        "total": f"{row['total']:.1f}",
        "topic": printable(row["topic_name"]),
        "source": printable(row["source_name"]),
        "detected": local_time(row["detected_at"]),
        "spread": spread(row),
        "owner": printable(row["owner_unit"]),
        "step": SUGGESTION_NAMES[row["suggestion"]],
        "factors": [
            {
                "name": name,
                "points": f"{row[factor]:.1f}",
                "weight": f"{weights[factor]}%",
                "share": f"{shares[factor] / 1000:.3f}",
            }
            for factor, (_, name) in FACTOR_NAMES.items()
        ],
        "weights": f"{sum(weights.values())}%",
        "sum": f"{sum(shares.values()) / 1000:.3f}",
        "reasons": [f"{override}　{OVERRIDE_NAMES.get(override, '')}".rstrip() for override in row["overrides"]],
        "explanation": printable(row["explanation"]),
    }


def _json_block(value: Any) -> str:
    """JSON that cannot end the block it stands in, whatever a title says."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _csp_hash(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
