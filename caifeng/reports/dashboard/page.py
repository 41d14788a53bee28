"""The page: HTML, style, drawing library, script and data in one file, without a request to anywhere.

Scraped text is hostile. It travels as JSON in a block that is not script, with < > & and the line separators escaped,
and the page inserts it as text only. The policy in the page allows the two inlined scripts by their hashes, and
nothing from outside.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any

from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.reports.dashboard.columns import (
    Words,
    answer_columns,
    axis,
    effect_rows,
    heat_columns,
    issue_columns,
    log_columns,
    overdue_rows,
    post_columns,
    release_rows,
    source_rows,
    topic_posts,
    unit_table,
)
from caifeng.reports.dashboard.data import DashboardData
from caifeng.reports.dashboard.figures import figures, queries
from caifeng.reports.words import (
    LEVEL_COLOURS,
    LEVELS_ON_PAPER,
    OUTSIDE,
    SAMPLE_NOTICE,
    SUGGESTED_NOTE,
    ZERO_REPORT,
    as_of_text,
    coverage_statement,
    document_date,
    level_text,
)

#: Said beside every figure on what followed an answer (Art. 11, 13).
CAUTION = "关联，不证明因果"


def dashboard_html(data: DashboardData, echarts_js: str) -> str:
    """The whole page; the same input gives the same text.

    Args:
        data: frames of the days shown.
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
    """What the page shows: words, and columns for what it counts and filters. Unknown is null or —."""
    summary = data.shown_summaries.row(-1, named=True)
    addresses = Words()
    issues = issue_columns(data, addresses)
    posts = post_columns(data, addresses, issues["sources"])
    days = data.days
    return {
        "sample": SAMPLE_NOTICE if data.is_sample else "",
        "kind": "period" if data.is_period else "day",
        "first": days[0].isoformat(),
        "last": data.day.isoformat(),
        "span": f"{document_date(days[0])}至{document_date(data.day)}" if data.is_period else document_date(data.day),
        "office": f"{data.office.name}{data.office.openness_office}",
        "asOf": as_of_text(summary["as_of"], data.day),
        "rules": summary["rule_version"],
        "coverage": coverage_statement(
            summary, data.health.filter(day=summary["day"]) if "day" in data.health.columns else data.health
        ),
        "zero": ZERO_REPORT if summary["zero_report"] and not data.is_period else "",
        "figures": figures(data),
        "range": f"近 {len(days)} 天" if len(days) > 1 else "当日",
        "levels": [_level(level) for level in LEVELS_ON_PAPER],
        "axis": axis(data),
        "issues": issues,
        "log": log_columns(data),
        "heat": heat_columns(data),
        "posts": posts,
        "addresses": addresses.listed(),
        "answers": answer_columns(data),
        "topicPosts": topic_posts(data),
        "releases": release_rows(data),
        "overdue": overdue_rows(data),
        "units": unit_table(data),
        "effects": effect_rows(data),
        "caution": CAUTION,
        "sources": source_rows(data),
        "queries": queries(data),
        "note": SUGGESTED_NOTE + "“—”表示未知，不按 0 计。",
    }


def _level(level: str) -> dict[str, Any]:
    fill, colour = LEVEL_COLOURS[level]
    return {
        "id": level,
        "name": LEVEL_NAMES[level][0],
        "text": level_text(level),
        "fill": f"#{fill}",
        "colour": f"#{colour}",
        "outside": level in OUTSIDE,
    }


def _json_block(value: Any) -> str:
    """JSON that cannot end the block it stands in, whatever a title says."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _csp_hash(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
