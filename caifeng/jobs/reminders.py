"""What waits for somebody beside the duties of cases: receipts, approvals, unsigned logs, publications.

Each thing has a key and is told once (caifeng.jobs.notify); a later step has a key of its own. The hours are those of
config/notify.toml.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import NamedTuple

import polars as pl

from caifeng.cases.machine import next_step
from caifeng.cases.model import DAILY_LOG, RECIPIENT_NAMES, Case, Event
from caifeng.cases.rules import load_calendar
from caifeng.cases.workdays import MissingYearError
from caifeng.core.clock import SHANGHAI, business_day
from caifeng.core.model.notify import RemindRules
from caifeng.jobs.base import Env
from caifeng.jobs.export_cases import Stand
from caifeng.jobs.publications import noted_since

#: The file that is signed.
_SIGNED_FILE = "政务舆情日志.docx"


class Waiting(NamedTuple):
    """Something that waits, and who is told of it."""

    key: str
    """What is told once: what it is, which one, which step."""
    what: str
    """Of caifeng.core.model.notify.REMIND_NAMES."""
    step: str
    """`receipt/1`: the first reminder of it; `publication_overdue`."""
    told: tuple[str, ...]
    """Role ids; `next` stands for `next_role`."""
    next_role: str | None
    issue_no: str | None
    level: str | None
    """Level of the issue in force; null for what is of no issue."""
    emergency_level: str
    title: str | None
    """Null: that of the issue."""
    due: str
    """Name of the due time, as printed."""
    due_at: datetime


def waiting(env: Env, stand: Stand, now: datetime, rules: RemindRules) -> list[Waiting]:
    """Everything that has waited too long at a moment.

    Args:
        env: where things are.
        stand: how the cases stand at the moment.
        now: the moment.
        rules: after how long, and who is told.

    Raises:
        ConfigError: the holidays cannot be read.
    """
    return [
        *_of_cases(stand, now, rules),
        *_unsigned_logs(env, stand.events, now, rules),
        *_publications(env, stand.events, now, rules),
    ]


def _of_cases(stand: Stand, now: datetime, rules: RemindRules) -> Iterator[Waiting]:
    """归口报送 without a receipt, 报审 without an answer: the last step that each has reached."""
    events = {(event.subject, event.sequence): event for event in stand.events}
    submitted = {event.subject: event for event in stand.events if event.name == "submit"}
    levels = {row["issue_no"]: row for row in stand.cases.select("issue_no", "level", "emergency_level").to_dicts()}

    def made(what: str, case: Case, event: Event, hours: Sequence[float], told: tuple[str, ...]) -> Iterator[Waiting]:
        began = event.decided_at
        reached = [after for after in hours if now >= began + timedelta(hours=after)]
        if not reached:
            return
        row = levels.get(case.issue_no, {})
        step = next_step(case) if what == "approval" else None
        due = "登记回执" if what == "receipt" else "审批"
        if what == "receipt":
            due += f"（{RECIPIENT_NAMES[event.codes['recipient']]}）"
        yield Waiting(
            key=f"{what}/{event.event_id}/{len(reached)}",
            what=what,
            step=f"{what}/{len(reached)}",
            told=told,
            next_role=step and step.role,
            issue_no=case.issue_no,
            level=row.get("level") or case.level,
            emergency_level=row.get("emergency_level") or case.emergency_level or "none",
            title=None,
            due=due,
            due_at=began + timedelta(hours=reached[-1]),
        )

    for issue_no, case in sorted(stand.by_number.items()):
        for sequence in sorted(case.awaiting_receipt):
            if (sent := events[issue_no, sequence]).name == "report_up":
                yield from made("receipt", case, sent, rules.receipt_after_hours, rules.receipt)
        if case.answer == "in_review" and case.is_open:
            yield from made("approval", case, submitted[issue_no], rules.approval_after_hours, rules.approval)


def _unsigned_logs(env: Env, events: Sequence[Event], now: datetime, rules: RemindRules) -> Iterator[Waiting]:
    """Logs that are not signed by the hour of the next working day; those that are due together make one."""
    evaluated = env.lake.days("graded.issue_grades")
    if not evaluated:
        return
    today, calendar = business_day(now), load_calendar(env.settings.config)
    signed: dict[str, set[str]] = {}
    for event in events:
        if event.subject == DAILY_LOG and event.name == "log_signed":
            signed.setdefault(event.payload["day"], set()).add(event.payload["file_hash"])
    owed: dict[datetime, list[date]] = {}
    day = max(evaluated[0], today - timedelta(days=rules.log_days))
    while day < today:
        if not _is_signed(env, day, signed.get(day.isoformat(), set())):
            try:
                by = datetime.combine(calendar.working_day_after(day), rules.log_signed_by, SHANGHAI)
            except MissingYearError:
                # Without a calendar the next day is asked for: an early reminder does no harm, none would.
                by = datetime.combine(day + timedelta(days=1), rules.log_signed_by, SHANGHAI)
            if now > by:
                owed.setdefault(by, []).append(day)
        day += timedelta(days=1)
    for by, days in sorted(owed.items()):
        yield Waiting(
            key=f"log/{by:%Y%m%d}",
            what="log",
            step="log",
            told=rules.log,
            next_role=None,
            issue_no=None,
            level=None,
            emergency_level="none",
            title="、".join(f"{each:%m-%d}" for each in days) + " 的日志",
            due="签发",
            due_at=by,
        )


def _is_signed(env: Env, day: date, hashes: set[str]) -> bool:
    """Whether the file that stands there was signed; where there is none any more, whether one was."""
    file = env.settings.outputs_dir / day.isoformat() / _SIGNED_FILE
    if not hashes or not file.is_file():
        return bool(hashes)
    return sha256(file.read_bytes()).hexdigest() in hashes


def _publications(env: Env, events: Sequence[Event], now: datetime, rules: RemindRules) -> Iterator[Waiting]:
    """Publications due soon or overdue, as the last list of a day (ops.publications) and the words since have it."""
    today = business_day(now)
    listed = [day for day in env.lake.days("ops.publications") if day <= today]
    if not listed:
        return
    rows = env.lake.read("ops.publications", listed[-1]).filter(
        pl.col("state").is_in(("due_soon", "overdue")), pl.col("due_on").is_not_null()
    )
    for row in rows.sort("due_on", "item", "period").to_dicts():
        if (row["item"], row["period"]) in noted_since(events, row["as_of"]):
            continue
        overdue = row["due_on"] < today
        what = "publication_overdue" if overdue else "publication_soon"
        yield Waiting(
            key=f"{what}/{row['item']}/{row['period']}/{row['due_on']:%Y%m%d}",
            what=what,
            step=what,
            told=rules.publication_overdue if overdue else rules.publication_soon,
            next_role=None,
            issue_no=None,
            level=None,
            emergency_level="none",
            title=row["name"] + ("" if row["period"] == "once" else f"（{row['period_name']}）"),
            due="公开",
            # on its last day a publication is still in time
            due_at=datetime.combine(row["due_on"] + timedelta(days=1), time(), SHANGHAI),
        )
