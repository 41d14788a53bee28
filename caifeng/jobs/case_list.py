"""The register for the terminal and the workbench: what waits for whom, and one case in full."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from caifeng.cases.deadlines import Ladder, hours_left, stage_at
from caifeng.cases.machine import FIELDS, TABLE, Transition, allowed
from caifeng.cases.model import (
    ANSWER_NAMES,
    CASE_ROLE_NAMES,
    MEDIUM_NAMES,
    OUTCOME_NAMES,
    STATE_NAMES,
    Case,
    Event,
)
from caifeng.core import clock
from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import UsageError
from caifeng.core.listing import Listing
from caifeng.core.model.deadlines import DUE_NAMES, MISSED_STAGES, WARNING_NAMES
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.jobs.base import LOOKBACK, Env
from caifeng.jobs.export_cases import Stand, stand_of
from caifeng.reports.words import printable

EVENT_NAMES: dict[str, str] = {row.event: row.label for row in reversed(TABLE)} | {"publish": "发布"}
_STEP_NAMES = EVENT_NAMES | {"verify": "核查", "approve": "审批", "draft": "拟稿"}
_STAGE_NAMES = WARNING_NAMES | {"done": "已办", "unknown": "待算"}


class Due(NamedTuple):
    """One duty of a case."""

    duty: str
    due_at: datetime | None
    extended_to: datetime | None
    """Where it was extended, once; `due_at` stays what it was."""
    basis: str
    done_at: datetime | None
    hours_left: float | None
    """To `extended_to`, otherwise to `due_at`; two decimals, negative when overdue; null where done or unknown."""
    stage: str
    """none, half, late, overdue, supervise, chief, done, unknown."""
    next_event: str | None
    next_role: str | None


class CaseLine(NamedTuple):
    """A case in the list."""

    issue_no: str
    title: str
    state: str
    answer: str
    is_open: bool
    events: int
    level: str | None
    confirmed_level: str | None
    system_level: str | None
    response_value: str | None
    detected_at: datetime
    unit: str | None
    next_event: str | None
    """Next step towards the first open duty, otherwise towards closing."""
    next_role: str | None
    due: tuple[Due, ...]
    """Open duties first, by due time."""


class CaseFile(NamedTuple):
    """A case in full."""

    line: CaseLine
    case: Case
    events: tuple[Event, ...]


def list_cases(env: Env, as_of: datetime | None = None, *, all_of_day: bool = False) -> list[CaseLine]:
    """Cases that wait for somebody at a moment, what is due first first.

    Args:
        env: where things are.
        as_of: moment; now if not given.
        all_of_day: also those of the day that wait for nobody.
    """
    moment = as_of or env.now()
    stand = stand_of(env, clock.business_day(moment), moment)
    rows = stand.cases if all_of_day else stand.cases.filter("is_open")
    lines = _lines(env, stand, rows, moment)
    return sorted(lines, key=lambda line: (_first_due(line), line.issue_no))


def case_file(env: Env, issue_no: str, as_of: datetime | None = None) -> CaseFile:
    """One case with its duties and everything that was done.

    Raises:
        UsageError: there is no such issue at that moment.
    """
    moment = as_of or env.now()
    stand = stand_of(env, clock.business_day(moment), moment, also=issue_no)
    rows = stand.cases.filter(pl.col("issue_no") == issue_no)
    if rows.is_empty():
        raise UsageError(f"no such issue: {issue_no} (numbers look like YQ-2026-0001)")
    events = tuple(event for event in stand.events if event.subject == issue_no)
    return CaseFile(_lines(env, stand, rows, moment)[0], stand.by_number.get(issue_no) or Case(issue_no), events)


def actions(file: CaseFile, role: str) -> tuple[Transition, ...]:
    """What a role may do next with a case: the buttons of its page."""
    return allowed(file.case, role)


def case_listing(env: Env, as_of: datetime | None = None) -> Listing:
    """`caifeng case list`: the cases that wait for somebody, what is due first first; values as `CaseLine`."""
    lines = list_cases(env, as_of)
    return Listing(
        "待办事项",
        ("编号", "级别", "状态", "下一步", "时限", "标题"),
        [(x.issue_no, _level(x), STATE_NAMES[x.state], _step(x), _due_words(x), x.title) for x in lines],
        [_json(line) for line in lines],
        "没有待办事项",
    )


def case_show_lines(env: Env, issue_no: str, as_of: datetime | None = None, *, as_json: bool = False) -> Iterator[str]:
    """`caifeng case show`: state, duties with their basis, what each role may do next, and what was done.

    Raises:
        UsageError: there is no such issue.
    """
    file = case_file(env, issue_no, as_of)
    line, case = file.line, file.case
    if as_json:
        events = [_event_json(event) for event in file.events]
        yield json.dumps({**_json(line), "timeline": events}, ensure_ascii=False)
        return
    yield f"{issue_no}  {line.title}"
    yield f"级别 {_level(line)}　状态 {STATE_NAMES[line.state]}　{ANSWER_NAMES[line.answer]}　下一步 {_step(line)}"
    if case.outcome:
        yield f"核查结论 {OUTCOME_NAMES[case.outcome]}"
    yield "时限"
    for due in line.due:
        when = "—" if due.due_at is None else _local(due.due_at)
        when += f"（延至 {_local(due.extended_to)}）" if due.extended_to else ""
        done = f"，{_local(due.done_at)} 办" if due.done_at else ""
        yield f"  {DUE_NAMES.get(due.duty, '未定')}  {when}  {_STAGE_NAMES[due.stage]}{done}  {due.basis}"
    yield "可办"
    for role, name in CASE_ROLE_NAMES.items():
        if rows := allowed(case, role):
            yield f"  {name}（{role}）：" + "、".join(f"{row.label} {row.event}" for row in rows)
    yield "经过"
    for event in file.events:
        yield "  " + event_words(event)


def event_words(event: Event) -> str:
    """One line of the timeline, for terminals; what was filled in comes last."""
    behalf = event.on_behalf
    who = CASE_ROLE_NAMES[event.role]
    if behalf:
        registered = f"{CASE_ROLE_NAMES[event.actor_role]}代为登记"
        who += f"（{MEDIUM_NAMES[behalf.medium]}，{_local(behalf.decided_at)}；{registered}）"
    said = "；".join(f"{FIELDS[name].label} {_value(name, value)}" for name, value in event.payload.items())
    return f"{event.sequence}. {_local(event.at)}  {who}  {EVENT_NAMES[event.name]}  {said}".rstrip()


def _lines(env: Env, stand: Stand, rows: pl.DataFrame, as_of: datetime) -> list[CaseLine]:
    day = clock.business_day(as_of)
    issues = env.lake.read_range("graded.issues", day - LOOKBACK, day, ["issue_no", "title"])
    titles = dict(issues.sort("day").select("issue_no", "title").iter_rows())
    due: dict[str, list[Due]] = {}
    for row in stand.due.sort("due_at", "duty", nulls_last=True).iter_rows(named=True):
        due.setdefault(row["issue_no"], []).append(_due(row, as_of))
    found = []
    for row in rows.iter_rows(named=True):
        duties = tuple(sorted(due.get(row["issue_no"], ()), key=lambda d: d.done_at is not None))
        first = next((d for d in duties if d.done_at is None), None)
        values = {name: row[name] for name in CaseLine._fields if name in row}
        steps = {"next_event": first.next_event, "next_role": first.next_role} if first and first.next_event else {}
        found.append(CaseLine(**{**values, **steps, "title": printable(titles.get(row["issue_no"])), "due": duties}))
    return found


def _due(row: dict[str, Any], as_of: datetime) -> Due:
    left, stage = None, "unknown"
    if row["done_at"]:
        stage = "done"
    elif row["due_at"]:
        end = row["extended_to"] or row["due_at"]
        left = round(hours_left(end, as_of), 2)
        stage = stage_at(Ladder(row["half_at"], row["late_at"], end, row["supervise_at"], row["chief_at"]), as_of)
    values = {name: row[name] for name in Due._fields if name in row}
    return Due(**values, hours_left=left, stage=stage)


def _first_due(line: CaseLine) -> float:
    left = [(due.extended_to or due.due_at).timestamp() for due in line.due if due.due_at and due.done_at is None]
    return min(left, default=float("inf"))


def _level(line: CaseLine) -> str:
    if line.level is None:
        return "未评级"
    name, mark = LEVEL_NAMES[line.level][:2]
    return f"{mark} {name}{'' if line.confirmed_level else '（建议）'}"


def _step(line: CaseLine) -> str:
    if line.next_event is None or line.next_role is None:
        return "—"
    return f"{CASE_ROLE_NAMES[line.next_role]}{_STEP_NAMES[line.next_event]}"


def _due_words(line: CaseLine) -> str:
    due = next((due for due in line.due if due.done_at is None), None)
    if due is None:
        return "无时限"
    if due.hours_left is None or due.due_at is None:
        return due.basis
    name = DUE_NAMES[due.duty]
    if due.stage in MISSED_STAGES:
        return f"{name}超期 {-due.hours_left:.1f} 小时"
    return f"{name}剩 {due.hours_left:.1f} 小时（{_local(due.extended_to or due.due_at)} 前）"


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if FIELDS[name].kind == "codes":
        return "、".join(FIELDS[name].names.get(code, code) for code in value)
    return str(value) if not isinstance(value, list) else f"{len(value)} 条"


def _local(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _json(line: CaseLine) -> dict[str, Any]:
    values = line._asdict() | {"due": [due._asdict() for due in line.due]}
    encoded: dict[str, Any] = json.loads(json.dumps(values, default=_iso))
    return encoded


def _event_json(event: Event) -> dict[str, Any]:
    behalf = event.on_behalf
    values = {
        "event_id": event.event_id,
        "event": event.name,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "role": event.role,
        "registered_by": event.actor_role,
        "actor": event.actor_id,
        "medium": behalf and behalf.medium,
        "decided_at": event.decided_at,
        "at": event.at,
        "payload": event.payload,
        "hash": event.hash,
    }
    encoded: dict[str, Any] = json.loads(json.dumps(values, default=_iso))
    return encoded


def _iso(value: Any) -> str:
    assert isinstance(value, datetime)
    return value.astimezone(SHANGHAI).isoformat()
