"""Good frames of any table, made from its contract, and ways to spoil them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from caifeng.core.contracts import Column, Contract

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)

#: What a name means in every table; the rest follows from type and values.
_BY_NAME: dict[str, Any] = {
    "url": "https://example.org/1",
    "title": "居民收入数据",
    "text": "公布的收入数据和大家的感受不一样",
    "summary": "公布的收入数据",
    "text_hash": "00000000000000aa",
    "origin_post_id": "00000000000000bb",
    "published_precision": "minute",
    "published_at": NOON - timedelta(hours=1),
    "first_published_at": NOON - timedelta(hours=1),
    "detail": None,
}
#: Values that the own rules of a table ask for.
_BY_TABLE: dict[str, dict[str, Any]] = {
    "clean.rejects": {"stage": "clean", "reason": "soft_404"},
    "clean.repost_groups": {"is_origin": True},
    "graded.posts": {"topic": "income", "topics": ["income", "wage"], "evidence": ["income:收入@2"]},
    "graded.issue_grades": {
        "coverage": 0.5, "views": 0, "reposts": None, "comments": None, "C": 70.0, "R": 20.0, "A": 30.0, "S": 0.0,
        "M": 10.0, "total": 30.5, "level": "larger", "level_by_score": "general", "overrides": ["O5"],
        "response_value": "must", "media_tier": "self",
        "explanation": "较大(黄) 30.5 = 内容70.0×.25 + 影响20.0×.20 + 关注30.0×.25 + 反响0.0×.15 + 介入10.0×.15",
    },
    "graded.measure_evidence": {
        "measure": "views", "value": "10", "setter": "rule", "role": None, "event_id": None, "shown": 10,
        "detail": "10@2026-11-22T04:00:00Z",
    },
    "marts.daily_log": {
        "system_level": "larger", "confirmed_level": None, "suggestion": "report_and_verify",
        "level_in_force": "larger", "level_yesterday": "general", "level_change": "raised",
    },
    "marts.daily_summary": {
        "sources_planned": 4, "sources_ok": 1, "sources_checked": 2,
        "silent": ["甲"], "broken": ["乙"], "not_run": ["丙"],
        "posts_new": 3, "posts_relevant": 1, "rejected_irrelevant": 2, "issues_new": 1, "issues_tracked": 1,
        "extreme": 0, "major": 0, "larger": 1, "general": 0, "log_only": 1, "context": 0, "refer_out": 0,
    },
    "graded.issue_levels": {
        "level": "general", "standing_level": "larger", "standing_before": "larger", "change": "same",
        "standing_since": NOON - timedelta(days=1), "lower_level": "general", "confirmed_level": "general",
        "level_in_force": "general", "in_force_before": "general", "gap": 1,
    },
    "cases.responses": {"approved_at": NOON - timedelta(hours=2), "supersedes": None},
    "graded.alerts": {"level": "larger", "level_before": "general", "deliver_at": NOON + timedelta(hours=1)},
    "marts.publications_due": {"state": "published", "overdue_days": 0},
    "graded.answer_proposals": {"kind": "letter_reply", "score": 1.0},
    "marts.escalations": {"level": "larger", "report_to": "deputy"},
    "marts.source_health": {"status": "ok", "fetches": 3, "fetches_ok": 1, "fetches_not_modified": 1},
    "ops.fetches": {"http_status": 200},
    "ops.deadlines": {"detected_at": NOON, "due_at": NOON + timedelta(hours=48)},
}  # fmt: skip
#: Columns that tell rows apart.
_NUMBERED = {
    "post_id": "{:016x}",
    "issue_no": "YQ-2026-{:04d}",
    "alert_id": "level/YQ-2026-{:04d}/larger/20261122T040000Z",
    "source_id": "source{}",
    "group_id": "g{}",
    "parameter": "weight.{}",
    "topic": "income",
}


def good(contract: Contract, rows: int = 3) -> pl.DataFrame:
    """Rows that keep every rule of a table; the first grain column that is not a closed set tells them apart."""
    fixed = {column.name: _value(column) for column in contract.columns} | _BY_TABLE.get(contract.table, {})
    made = []
    for i in range(rows):
        numbered = {name: form.format(i + 1) for name, form in _NUMBERED.items() if name in fixed}
        if "topic" in contract.grain:
            numbered["topic"] = f"topic{i}"
        for name in ("seq", "row_no", "position"):
            if name in fixed:
                numbered[name] = i + 1
        if not set(numbered) & set(contract.grain):
            closed = {column.name for column in contract.columns if column.values}
            free = next(name for name in contract.grain if name not in closed)
            numbered[free] = f"row{i}" if isinstance(fixed[free], str) else NOON
        made.append({**fixed, **numbered})
    return pl.DataFrame(made, schema=contract.polars_schema())


def _value(column: Column) -> Any:
    if column.name in _BY_NAME:
        return _BY_NAME[column.name]
    if column.values:
        return [column.values[0]] if column.type.startswith("list") else column.values[0]
    kinds = {"string": "字", "int64": 1, "float64": 0.5, "boolean": True, "timestamp": NOON, "date": NOON.date()}
    return kinds.get(column.type, [])


def spoil(frame: pl.DataFrame, row: int = 0, **values: Any) -> pl.DataFrame:
    """The frame with other values in one row."""
    rows = frame.to_dicts()
    rows[row] |= values
    return pl.DataFrame(rows, schema=frame.schema)
