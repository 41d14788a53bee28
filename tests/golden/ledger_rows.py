"""Invented ledgers: say what matters of a row, the rest is ordinary."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from caifeng.core.contracts import load_contracts
from caifeng.core.model.office import Office, Unit
from caifeng.jobs.ledger import REGISTER_WORDS
from caifeng.reports.ledger_xlsx import Ledger
from tests.golden import invented

ROOT = Path(__file__).parents[2]
CONTRACT = load_contracts(ROOT / "sql")["marts.ledger"]
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
AS_OF = datetime(2026, 11, 24, 16, tzinfo=UTC)


def at(day: int, hour: float, month: int = 11) -> datetime:
    """A Beijing time of November 2026."""
    return datetime(2026, month, day, tzinfo=UTC) + timedelta(hours=hour - 8)


_USUAL: dict[str, Any] = {
    "detected_at": at(20, 9),
    "title": "居民收入数据是怎么来的",
    "summary": "想了解居民收入调查抽了多少户。",
    "source_name": "清河论坛",
    "source_class": "board",
    "media_tier": "self",
    "url": "https://bbs.example.cn/thread-9.html",
    "first_published_at": at(20, 8.5),
    "topic": "income",
    "topic_name": "居民收入",
    "jurisdiction": "local",
    "stance": "question",
    "tone": "neutral",
    "posts": 3,
    "views": 1284,
    "comments": 0,
    "system_level": "general",
    "level": "general",
    "total": 28.4,
    "overrides": [],
    "explanation": "一般(蓝) 28.4 = 内容45.0×.25 + …",
    "key_category": False,
    "response_value": "should",
    "sensitive": False,
    "owner_unit": "社会人口股",
    "suggestion": "answer",
    "channel": "public",
    "state": "detected",
    "is_open": True,
    "opinions": 0,
    "response_forms": [],
    "response_urls": [],
    "reported_to": [],
    "awaiting_receipt": 0,
    "respond_due_at": at(22, 9),
    "next_duty": "confirm",
    "next_due_at": at(20, 18),
    **dict.fromkeys(("supervisions", "returns", "reopened", "rounds", "events"), 0),
    "as_of": AS_OF,
    "rule_version": "2026.1",
}


def rows(*changes: dict[str, Any]) -> pl.DataFrame:
    """Rows of marts.ledger, YQ-2026-0001 and so on; what is not named is ordinary, or null."""
    full = [{"issue_no": f"YQ-2026-{n:04d}", **_USUAL, **change} for n, change in enumerate(changes, 1)]
    return pl.DataFrame(full, schema=CONTRACT.polars_schema())


def office() -> Office:
    """The invented office, with two units."""
    units = (Unit(id="general", name="综合股"), Unit(id="social", name="社会人口股"))
    return invented.report().office.model_copy(update={"units": units})


def ledger(*changes: dict[str, Any], first: date = FIRST, last: date = LAST) -> Ledger:
    """A ledger of such rows."""
    return Ledger(first, last, AS_OF, office(), rows(*changes), REGISTER_WORDS, is_sample=True)


def usual() -> Ledger:
    """One issue nobody touched, one answered, one overdue, one part of another."""
    unit = "social"
    return ledger(
        {},
        {
            "state": "closed", "is_open": False, "confirmed_level": "larger", "level": "larger", "unit": unit,
            "outcome": "misunderstanding", "remedy": "clarify", "confirmed_at": at(20, 10), "assigned_at": at(20, 10),
            "verified_at": at(20, 20), "submitted_at": at(21, 9), "approved_at": at(21, 10),
            "first_response_at": at(21, 11), "final_response_at": at(21, 11), "closed_at": at(24, 12),
            "last_event_at": at(24, 12), "response_forms": ["portal_notice"], "reported_to": ["county_openness"],
            "response_urls": ["https://tj.example.gov.cn/hy/9.html"], "next_duty": None, "next_due_at": None,
            "confirm_on_time": True, "verify_on_time": True, "respond_on_time": True, "rounds": 1, "returns": 1,
            "recorder_role": "openness_office", "reviewer_role": "deputy", "events": 11, "overrides": ["O5"],
        },
        {
            "state": "assigned", "confirmed_level": "general", "unit": unit, "views": None, "next_duty": "verify",
            "next_due_at": at(22, 18), "respond_on_time": False, "verify_on_time": False, "overdue_hours": 63.5,
            "supervisions": 2, "reopened": 1, "plan_due": date(2026, 12, 10), "events": 5,
        },
        {
            "state": "duplicate", "is_open": False, "parent": "YQ-2026-0001", "next_duty": None, "next_due_at": None,
            "respond_due_at": None, "title": None, "level": None, "system_level": None, "events": 1,
        },
    )  # fmt: skip
