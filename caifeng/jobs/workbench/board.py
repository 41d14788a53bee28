"""The 工作台, the ledger and the sources: every issue at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from caifeng.cases.machine import tracked_until, way_called
from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    STATE_NAMES,
)
from caifeng.core.clock import business_day
from caifeng.core.model.register import RegisterRules
from caifeng.core.model.terms import RESPONSE_NAMES, SOURCE_WARNING_NAMES
from caifeng.jobs.duty import on_duty
from caifeng.jobs.workbench.alerts import Alert, todays_alerts
from caifeng.jobs.workbench.desk import (
    Action,
    Desk,
    Due,
    Stand,
    action_of,
    dues_of,
    is_sample,
    next_step_of,
    read_stand,
    ways_open,
)
from caifeng.jobs.workbench.forms import ways_for
from caifeng.jobs.workbench.levels import ENOUGH, Agreement, Review, agreement, review_queue
from caifeng.jobs.workbench.logs import Log, daily_logs
from caifeng.jobs.workbench.outside import Block, OwedList, Unsent, beside, owed, unsent
from caifeng.reports import words

_ORDER = {level: place for place, level in enumerate(words.LEVELS_ON_PAPER)}


@dataclass(frozen=True)
class Coverage:
    """How the sources did on the latest published day (Art. 4)."""

    day: date
    as_of: datetime
    marks: tuple[tuple[str, str], ...]
    """Name and status of each source."""
    not_ok: tuple[tuple[str, str, str], ...]
    """Status (`noticed`: in order, but not as usual), name and reason (or empty) of each source to look at."""

    @property
    def in_order(self) -> int:
        """Sources in order."""
        return sum(status == "ok" for _, status in self.marks)


@dataclass(frozen=True)
class ToDo:
    """A case that waits for somebody, with its next action."""

    issue_no: str
    title: str
    level: str | None
    state: str
    unit: str
    actions: tuple[Action, ...]
    """What comes next: the ways that the user may take, otherwise the one next event."""
    due: Due | None
    sequence: int
    publishes: str | None
    """Kind of the answer whose link is registered in the list itself; null: nothing is to be published now."""
    tracked_until: datetime | None
    """Answered, and only watched until then; null otherwise."""
    closes: bool
    """Nothing is left but to close it: one click in the list."""


@dataclass(frozen=True)
class NewIssue:
    """An issue that nobody has judged yet."""

    issue_no: str
    title: str
    level: str
    """Suggested."""
    why: str
    total: float
    posts: int
    views: int | None
    reposts: int | None
    sequence: int
    answerable: bool
    """Ordinary, and an answer is owed: it can be answered in one form."""
    ticked: bool
    """May be agreed to without a second look: neither severe, nor unsure, nor lowered by an override."""
    due: Due | None


@dataclass(frozen=True)
class Numbers:
    """Figures of the latest day; null is unknown."""

    observations: int | None
    relevant: int | None
    new: int | None
    under_way: int
    relevant_before: int | None
    new_before: int | None


@dataclass(frozen=True)
class Latency:
    """One of 早发现, 早报告, 早反馈 (Art. 5), over the issues of the latest day."""

    name: str
    what: str
    hours: float | None
    """Median; null: unknown, or of fewer than `ENOUGH` issues."""
    n: int


@dataclass(frozen=True)
class Board:
    """The 工作台."""

    at: datetime
    coverage: Coverage | None
    """Null: nothing was published yet."""
    stale: tuple[str, ...]
    """What is old, or far less than usual, in words (marts.freshness)."""
    review: tuple[Review, ...]
    """Issues whose level waits for a look."""
    agreement: tuple[Agreement, ...]
    """Suggested against confirmed levels, the latest week first."""
    alerts: list[Alert]
    """Early warnings of today, newest first."""
    todo: tuple[ToDo, ...]
    new: tuple[NewIssue, ...]
    """Issues that nobody has judged, apart from those in `review`."""
    logs: tuple[Log, ...]
    """Latest first."""
    to_sign: Log | None
    """The oldest final log that nobody has signed."""
    numbers: Numbers
    latencies: tuple[Latency, ...]
    unsent: Block[tuple[Unsent, ...]]
    """Messages that need a person."""
    owed: Block[OwedList | None]
    """What must be published unasked; holds nothing before it was first listed."""
    on_duty: str
    """值班：account and role; empty without a roster."""
    is_sample: bool


def board(desk: Desk, roles: Sequence[str] = ()) -> Board:
    """Everything on the 工作台, for an account that holds these roles."""
    stand = read_stand(desk)
    logs = daily_logs(desk)
    summary = desk.read("marts.daily_summary").sort("day").tail(1).to_dicts()
    latest = summary[0] if summary else {}
    todo = _todo(desk, stand, roles)
    review = review_queue(stand, desk.register.events())
    return Board(
        at=stand.at,
        coverage=_coverage(desk, latest["day"], latest["as_of"]) if latest else None,
        stale=_stale(desk, latest["day"]) if latest else (),
        review=review,
        agreement=agreement(desk, business_day(stand.at)),
        alerts=todays_alerts(desk, stand.at),
        todo=todo,
        new=_new(stand, desk.rules(), {issue.issue_no for issue in review}),
        logs=logs,
        to_sign=next((log for log in reversed(logs) if log.final and log.file_hash and not log.signed_by), None),
        numbers=Numbers(
            latest.get("observations"),
            latest.get("posts_relevant"),
            latest.get("issues_new"),
            len(todo),
            latest.get("previous_posts_relevant"),
            latest.get("previous_issues_new"),
        ),
        latencies=_latencies(latest),
        unsent=beside(lambda: unsent(desk, stand, CASE_ROLE_NAMES)),
        owed=beside(lambda: owed(desk, stand.at)),
        on_duty=duty.words if (duty := on_duty(desk.settings.office(), stand.at)) else "",
        is_sample=is_sample(desk),
    )


def _latencies(summary: Mapping[str, Any]) -> tuple[Latency, ...]:
    names = {
        "found": ("早发现", "发布到发现"),
        "report": ("早报告", "发现到报告或预警"),
        "answered": ("早反馈", "发现到首次回应"),
    }
    found = []
    for key, (name, what) in names.items():
        n = summary.get(f"{key}_issues") or 0
        found.append(Latency(name, what, summary.get(f"{key}_hours") if n >= ENOUGH else None, n))
    return tuple(found)


def source_health(desk: Desk) -> tuple[date | None, list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of marts.source_health of the latest published day, and of marts.time_review."""
    summary = desk.read("marts.daily_summary")
    if summary.is_empty():
        return None, [], []
    day = summary["day"].max()
    assert isinstance(day, date)
    health = desk.read("marts.source_health", day, day).sort("status", "name")
    return day, health.to_dicts(), desk.read("marts.time_review", day, day).sort("source_name", "post_id").to_dicts()


def _stale(desk: Desk, day: date) -> tuple[str, ...]:
    """Sources not read for a day, and far fewer posts than usual; broken and silent ones are in the coverage."""
    found = desk.read("marts.freshness").filter(pl.col("day") == day, pl.col("state").is_in(["stale", "volume_low"]))
    return tuple(f"{row['name']}：{row['phrase']}" for row in found.sort("source_id").iter_rows(named=True))


def _coverage(desk: Desk, day: date, as_of: datetime) -> Coverage:
    health = desk.read("marts.source_health", day, day).sort("source_id")
    rows = health.select("name", "status", "reason", "warnings").rows()
    not_ok = tuple(
        (
            "noticed" if status == "ok" else status,
            words.printable(name),
            reason or "、".join(SOURCE_WARNING_NAMES[code] for code in noticed),
        )
        for name, status, reason, noticed in rows
        if status != "ok" or noticed
    )
    return Coverage(day, as_of, tuple((words.printable(name), status) for name, status, *_ in rows), not_ok)


def _todo(desk: Desk, stand: Stand, roles: Sequence[str]) -> tuple[ToDo, ...]:
    units, rules = desk.unit_names(), desk.rules()
    found = []
    for number, row in stand.rows.items():
        open_duties = [due for due in dues_of(stand, number) if due.stage != "done"]
        if row["events"] == 0 or row["state"] == "detected" or not (row["is_open"] or open_duties):
            continue
        first = min(open_duties, key=lambda due: (due.end is None, due.end or stand.at), default=None)
        case = stand.cases[number]
        step = next_step_of(stand, number, rules, first.duty if first else None)
        until = tracked_until(case, rules) if step and step.event == "close" else None
        watched = until is not None and stand.at < until
        action = action_of(step)
        found.append(
            ToDo(
                issue_no=number,
                title=_title(stand, number),
                level=row["level"],
                state=STATE_NAMES[row["state"]],
                unit=units.get(row["unit"] or "", ""),
                actions=() if watched or action is None else _ways(stand, number, rules, roles, action) or (action,),
                due=first,
                sequence=case.sequence,
                publishes=case.draft_kind if step and step.event == "publish" else None,
                tracked_until=until if watched else None,
                closes=bool(step and step.event == "close" and not watched),
            )
        )
    far = stand.at + timedelta(days=36500)
    return tuple(sorted(found, key=lambda todo: (todo.due.end or far) if todo.due else far))


def _ways(stand: Stand, number: str, rules: RegisterRules, roles: Sequence[str], action: Action) -> tuple[Action, ...]:
    """The forms of several events that this account may take from the next event on."""
    ways = ways_open(stand, number, rules)
    return tuple(
        Action(name, way.label, action.role)
        for name in ways_for(ways, roles)
        if action.event in ways[name] and (way := way_called(name))
    )


def next_of(desk: Desk, roles: Sequence[str], name: str) -> str | None:
    """The first case on the to-do list that waits for this form (event or way); null: none does."""
    todo = _todo(desk, read_stand(desk), roles)
    return next((one.issue_no for one in todo if name in [action.event for action in one.actions]), None)


def _new(stand: Stand, rules: RegisterRules, reviewed: set[str]) -> tuple[NewIssue, ...]:
    """Issues that nobody has judged, without those that already stand in the review queue."""
    found = []
    for row in stand.issues.iter_rows(named=True):
        number = row["issue_no"]
        case = stand.cases.get(number)
        if number in reviewed or (case and case.state != "detected"):
            continue
        due = next((due for due in dues_of(stand, number) if due.duty in ("confirm", "refer")), None)
        severe = row["system_level"] in ("larger", "major", "extreme")
        lowered = _ORDER[row["system_level"]] > _ORDER[row["level_by_score"]]
        found.append(
            NewIssue(
                issue_no=number,
                title=words.printable(row["title"]),
                level=row["system_level"],
                why=f"{RESPONSE_NAMES[row['response_value']]}；{words.reason(row)}",
                total=row["total"],
                posts=row["posts"],
                views=row["views"],
                reposts=row["reposts"],
                sequence=case.sequence if case else 0,
                answerable=row["response_value"] in ("must", "should")
                and "register_answer" in ways_open(stand, number, rules),
                ticked=not (severe or lowered or row["needs_review"]),
                due=due,
            )
        )
    return tuple(sorted(found, key=lambda new: (_ORDER[new.level], -new.total, new.issue_no)))


def _title(stand: Stand, number: str) -> str:
    found = stand.issues.filter(issue_no=number)["title"].to_list()
    return words.printable(found[0]) if found else number
