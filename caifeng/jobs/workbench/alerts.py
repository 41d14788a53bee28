"""早期预警 of today, as graded.alerts holds them (Art. 6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from caifeng.core.clock import business_day
from caifeng.jobs.workbench.desk import Desk, lake_rows
from caifeng.reports import words

KIND_NAMES = {"level": "级别变动", "burst": "突增", "growth": "快速增长", "key_category": "重点类别"}


@dataclass(frozen=True)
class Alert:
    """One early warning."""

    kind: str
    """In words."""
    issue_no: str | None
    """Null: about a topic or a place, no single issue."""
    level: str | None
    """Level now; null: no single issue."""
    reason: str
    at: datetime
    held_until: datetime | None
    """Quiet hours hold it back until then; null: it went out at once."""


def todays_alerts(desk: Desk, at: datetime) -> list[Alert]:
    """Early warnings given today, or delivered today after quiet hours, newest first; none before there are any."""
    today = business_day(at)
    rows = lake_rows(desk, "graded.alerts", today - timedelta(days=1), today, pl.col("as_of") <= at.astimezone(UTC))
    return [
        Alert(
            kind=KIND_NAMES.get(row["kind"], row["kind"]),
            issue_no=row["issue_no"],
            level=row["level"],
            reason=words.printable(row["reason"]),
            at=row["as_of"],
            held_until=row["deliver_at"] if row["muted"] else None,
        )
        for row in sorted(rows, key=lambda row: (row["as_of"], row["alert_id"]), reverse=True)
        if today in (business_day(row["as_of"]), business_day(row["deliver_at"]))
    ]
