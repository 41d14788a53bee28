"""Levels beside each other: what the system found, what it suggests over time, what a person confirmed.

A confirmed level is never moved by the machine; where the two part, the pages say so (domain: 人工定级与系统定级并列).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from caifeng.cases.model import CASE_ROLE_NAMES, DONE_STATES, Event
from caifeng.core.clock import business_day
from caifeng.core.model.terms import LEVEL_NAMES, SCALE
from caifeng.jobs.quality import document_week, latest_figures
from caifeng.jobs.workbench.desk import Desk, Stand, lake_rows, short_time
from caifeng.reports import words

#: Days back that the history of an issue goes; grades of all days stay in graded.issue_levels.
HISTORY_DAYS = 14
#: Weeks whose agreement the 工作台 shows.
WEEKS_SHOWN = 4
#: With fewer decisions a figure says nothing: only their number is shown (small-number rule of the reviews).
ENOUGH = 5
_RANK = {str(level): place for place, level in enumerate(SCALE)}


def is_above(level: str | None, confirmed: str | None) -> bool:
    """Whether a level is above the confirmed one: higher on the scale, or on it while that is not (背景, 转办)."""
    return level in _RANK and confirmed is not None and _RANK[level] > _RANK.get(confirmed, -1)


@dataclass(frozen=True)
class Decision:
    """The last word of a person on a level."""

    level: str
    suggested: str | None
    """What the system had suggested then; null: not known."""
    at: datetime
    who: str
    reason: str


def last_decision(events: Iterable[Event]) -> Decision | None:
    """Who set the level of a case last; null: nobody has. The suggestion is that of the confirmation before it."""
    found, suggested = None, None
    for event in events:
        suggested = event.codes.get("suggested_level", suggested)
        if event.name in ("confirm", "change_level"):
            who = CASE_ROLE_NAMES.get(event.role, event.role)
            reason = str(event.payload.get("reason") or "")
            found = Decision(event.codes["level"], suggested, event.decided_at, who, reason)
    return found


@dataclass(frozen=True)
class LevelLine:
    """One evaluation in the history of levels; null: not known, or nobody."""

    as_of: datetime
    system: str | None
    standing: str | None
    confirmed: str | None
    rule_version: str


@dataclass(frozen=True)
class Levels:
    """The levels of an issue side by side."""

    system: str | None
    system_at: datetime | None
    standing: str | None
    """What the system suggests over time; null: not computed."""
    standing_since: datetime | None
    lower_since: datetime | None
    """Since when a lower level has been found that does not count yet; null: none."""
    confirmed: Decision | None
    in_force: str | None
    needs_look: bool
    """The system now suggests more than a person confirmed."""
    history: tuple[LevelLine, ...]
    """Evaluations at which something changed, and the latest; the latest first."""

    @property
    def suggested(self) -> str | None:
        """What the system suggests: over time, or as last found."""
        return self.standing or self.system


def levels_of(
    desk: Desk, issue_no: str, row: Mapping[str, Any], grades: Sequence[Mapping[str, Any]], events: Iterable[Event]
) -> Levels:
    """The levels of an issue.

    Args:
        desk: where to read.
        issue_no: its number.
        row: its row of `cases_frame`.
        grades: its rows of graded.issue_grades, oldest first: the history where levels over time were not computed.
        events: its events.
    """
    today = business_day(desk.env.now())
    stored = lake_rows(
        desk, "graded.issue_levels", today - timedelta(days=HISTORY_DAYS), today, pl.col("issue_no") == issue_no
    )
    stored.sort(key=lambda line: (line["as_of"], line["rule_version"]))
    last = stored[-1] if stored else {}
    decision = last_decision(events) if row["confirmed_level"] else None
    standing = last.get("standing_level")
    return Levels(
        system=row["system_level"],
        system_at=grades[-1]["as_of"] if grades else None,
        standing=standing,
        standing_since=last.get("standing_since"),
        lower_since=last.get("lower_since"),
        confirmed=decision,
        in_force=row["level"],
        # what was decided since the last evaluation counts at once
        needs_look=last["needs_look"]
        if stored and last["confirmed_level"] == row["confirmed_level"]
        else is_above(standing or row["system_level"], row["confirmed_level"]),
        history=_history(stored or grades),
    )


def _history(rows: Sequence[Mapping[str, Any]]) -> tuple[LevelLine, ...]:
    lines = [
        LevelLine(r["as_of"], r["level"], r.get("standing_level"), r.get("confirmed_level"), r["rule_version"])
        for r in rows
    ]

    def says(line: LevelLine) -> tuple[Any, ...]:
        return line.system, line.standing, line.confirmed, line.rule_version

    changed = lines[:1] + [line for before, line in pairwise(lines) if says(before) != says(line)]
    if lines and changed[-1] != lines[-1]:
        changed.append(lines[-1])
    return tuple(reversed(changed))


@dataclass(frozen=True)
class Review:
    """An issue whose level a person should look at."""

    issue_no: str
    title: str
    suggested: str | None
    confirmed: str | None
    """Null: nobody has confirmed one."""
    why: str
    urgent: bool
    """Something that whoever decided could not know: a higher suggestion since, or nobody has decided."""
    sequence: int
    """Events of the case; 0: nobody has touched it, and it can still be passed on with one click."""


def review_queue(stand: Stand, events: Iterable[Event]) -> tuple[Review, ...]:
    """Issues whose level waits for a look: needs review, suggested above what was confirmed, or simply another.

    Closed cases and those that were passed on are over. First what nobody has seen, highest level first; a
    difference for which a person gave a reason, knowing the same suggestion, comes last (`urgent` is false).
    """
    by_case: dict[str, list[Event]] = {}
    for event in events:
        by_case.setdefault(event.subject, []).append(event)
    found = []
    for logged in stand.issues.iter_rows(named=True):
        number = logged["issue_no"]
        row = stand.rows[number]
        if row["state"] in DONE_STATES:
            continue
        suggested = logged.get("standing_level") or row["system_level"]
        decision = last_decision(by_case.get(number, ())) if row["confirmed_level"] else None
        why, urgent = _why(suggested, decision, logged)
        if why:
            title = words.printable(logged["title"])
            level = decision.level if decision else None
            found.append(Review(number, title, suggested, level, why, urgent, row["events"]))

    def place(review: Review) -> tuple[bool, int, str]:
        return not review.urgent, -_RANK.get(review.suggested or "", -1), review.issue_no

    return tuple(sorted(found, key=place))


def _why(suggested: str | None, decision: Decision | None, logged: Mapping[str, Any]) -> tuple[str, bool]:
    """Why a person should look, in words, and whether nobody has; empty: no need."""
    if decision is None:
        return ("规则要求人工复核，尚未确认" + _overridden(logged), True) if logged["needs_review"] else ("", False)
    if suggested == decision.level or suggested is None:
        return "", False
    given = f"{decision.who} {short_time(decision.at)} 定为“{_name(decision.level)}”"
    if decision.suggested == suggested:
        reason = f"；理由：{decision.reason}" if decision.reason else ""
        return f"{given}，当时系统已建议“{_name(suggested)}”{reason}", False
    if is_above(suggested, decision.level):
        return f"{given}，此后系统建议升为“{_name(suggested)}”，需留意", True
    return f"{given}，系统现建议“{_name(suggested)}”", True


def _overridden(logged: Mapping[str, Any]) -> str:
    return f"：{words.reason(logged)}" if logged["overrides"] else ""


def _name(level: str) -> str:
    return LEVEL_NAMES[level][0]


@dataclass(frozen=True)
class Agreement:
    """How well suggested and confirmed levels agreed in a week."""

    week: str
    span: str
    n: int
    """Decisions."""
    kappa: float | None
    """Weighted kappa; null: fewer than `ENOUGH` decisions, or all levels the same."""

    @property
    def words(self) -> str:
        """0.82（n=12）; n=3."""
        return f"n={self.n}" if self.kappa is None else f"{self.kappa:.2f}（n={self.n}）"


def agreement(desk: Desk, today: date) -> tuple[Agreement, ...]:
    """Weighted kappa of the latest weeks in which levels were decided, the latest first."""
    rows = latest_figures(desk.read("marts.quality_week", today - timedelta(days=7 * (WEEKS_SHOWN + 1)), today))
    found = [
        Agreement(
            row["week"], document_week(row["week"]), row["checked"], row["value"] if row["checked"] >= ENOUGH else None
        )
        for row in rows.filter(figure="level_kappa").iter_rows(named=True)
    ]
    return tuple(found[:WEEKS_SHOWN])
