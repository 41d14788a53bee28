"""What the pages of the 工作台 show, and what their forms do: published marts and register in, plain values out.

The register is read live, so that a page shows what was decided a second ago; titles, grades and coverage come from
`analytics.duckdb` as last published. Nothing here knows of HTTP. Every decision is one call of `service.act_all`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from caifeng.cases.machine import FIELDS, TABLE, NextStep, Transition, allowed, next_step, transition
from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    CLAIM_TYPES,
    DAILY_LOG,
    DONE_STATES,
    FINDINGS,
    FORM_NAMES,
    HAND_OFF_MEDIUM_NAMES,
    KIND_NAMES,
    LOG_REASON_NAMES,
    MEDIUM_NAMES,
    OUTCOME_NAMES,
    RECIPIENT_NAMES,
    SCOPE_REASON_NAMES,
    STATE_NAMES,
    Actor,
    Case,
    ConflictError,
    Event,
    GuardError,
    OnBehalf,
    RoleError,
)
from caifeng.cases.rules import load_calendar, load_deadline_rules
from caifeng.cases.service import REGISTRAR, Step, cases_of
from caifeng.cases.store import Register
from caifeng.cases.tables import cases_frame, due_frame
from caifeng.core.clock import SHANGHAI, end_of_day
from caifeng.core.errors import UsageError
from caifeng.core.model.deadlines import CHANNEL_NAMES, DUE_NAMES
from caifeng.core.model.grading import FACTOR_NAMES, GradingRules
from caifeng.core.model.office import Office
from caifeng.core.model.terms import (
    LEVEL_NAMES,
    RESPONSE_NAMES,
    ROLE_NAMES,
)
from caifeng.core.settings import Settings
from caifeng.core.text.urls import canonical_url, is_web_url
from caifeng.core.warehouse import Warehouse
from caifeng.jobs import case_actions
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import BatchResult, act_steps
from caifeng.jobs.import_file import import_file
from caifeng.reports import words
from transforms.grade.explain import ExplanationRow, explanation_table

#: Files of a day that pages hand out; no other name is ever opened.
DAY_FILES = ("政务舆情日志.docx", "政务舆情日志.xlsx", "预警报送清单.xlsx", "dashboard.html")
#: The file that is signed.
SIGNED_FILE = DAY_FILES[0]
#: Roles of the accounts that docker/airflow.env creates, for an office that has not named its accounts.
USUAL_ACCOUNTS = {"admin": "openness_office", "office": "openness_office", "leader": "deputy", "analyst": "auditor"}

_SET_ASIDE = ("log_only", "context")
#: They sit before the screen themselves; nobody registers for them.
_AT_DESK = ("monitor", "openness_office")
_ORDER = {level: place for place, level in enumerate(words.LEVELS_ON_PAPER)}
_CLAIM_LINES = 3


# --- who -------------------------------------------------------------------------------------------------------------


def roles_of(user: str, office: Office) -> tuple[str, ...]:
    """Roles in which an account may act, its own before those it stands in for; empty: a stranger.

    Accounts that config/units.toml does not name have the role of `USUAL_ACCOUNTS`, if any.
    """
    own = [role.id for role in office.roles if user in role.users]
    standing_in = [role.id for role in office.roles if user in office.users_of(role.id)] if own else []
    roles = [role for role in dict.fromkeys([*own, *standing_in]) if role in CASE_ROLE_NAMES]
    if not roles and user in USUAL_ACCOUNTS:
        roles = [USUAL_ACCOUNTS[user]]
    return tuple(roles)


def role_for(event: str, roles: Sequence[str]) -> str:
    """The first of an account's roles that may cause an event; empty: none."""
    row = transition(event, {})
    return next((role for role in roles if row and role in row.roles), "")


# --- the desk --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """What all pages read from: made once per process."""

    env: Env
    analytics: Warehouse
    register: Register

    @classmethod
    def open(cls, settings: Settings) -> Desk:
        """Open the register and point at the published copy.

        Raises:
            UsageError: the home directory or the register cannot be used.
        """
        env = Env.open(settings)
        analytics = Warehouse(settings.analytics_file, env.contracts, settings.root / "sql")
        return cls(env, analytics, Register(settings.register_url))

    @property
    def settings(self) -> Settings:
        """Settings of this process."""
        return self.env.settings

    def read(self, table: str, first: date = date.min, last: date = date.max) -> pl.DataFrame:
        """Published rows of some days; empty, with the contract's columns, before anything was published."""
        if not self.settings.analytics_file.exists():
            return pl.DataFrame(schema={**self.analytics.contracts[table].polars_schema(), "day": pl.Date})
        return self.analytics.read(table, max(first, date(1970, 1, 1)), min(last, date(2200, 1, 1)))

    def unit_names(self) -> dict[str, str]:
        """Unit id -> name."""
        return {unit.id: unit.name for unit in self.settings.office().units}


@dataclass(frozen=True)
class _Stand:
    """Everything known about all issues at a moment."""

    issues: pl.DataFrame
    """Latest row of marts.daily_log of each issue, with its grade's `level_by_score`."""
    due: pl.DataFrame
    cases: dict[str, Case]
    rows: dict[str, dict[str, Any]]
    """Rows of `cases_frame` by issue number."""
    at: datetime


def _stand(desk: Desk) -> _Stand:
    at = desk.env.now()
    cases = cases_of(desk.register.events())
    logged = desk.read("marts.daily_log").sort("day").unique("issue_no", keep="last", maintain_order=True)
    grades = (
        desk.read("graded.issue_grades")
        .sort("as_of", "rule_version")
        .unique("issue_no", keep="last", maintain_order=True)
    )
    known = set(logged["issue_no"])
    touched = {number: case for number, case in cases.items() if number in known}
    stand = cases_frame(logged, grades, touched, at)
    config = desk.settings.config
    due = due_frame(stand, touched, load_deadline_rules(config), load_calendar(config))
    rows = {row["issue_no"]: row for row in stand.iter_rows(named=True)}
    return _Stand(logged, due, cases, rows, at)


# --- 工作台 ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Coverage:
    """How the sources did on the latest published day (Art. 4)."""

    day: date
    as_of: datetime
    marks: tuple[tuple[str, str], ...]
    """Name and status of each source."""
    not_ok: tuple[tuple[str, str, str], ...]
    """Status, name and reason (or empty) of each source that is not in order."""

    @property
    def in_order(self) -> int:
        """Sources in order."""
        return sum(status == "ok" for _, status in self.marks)


@dataclass(frozen=True)
class Due:
    """One duty with its due time."""

    duty: str
    name: str
    due_at: datetime | None
    done_at: datetime | None
    basis: str
    stage: str
    """none, half, late, overdue; done."""
    words: str
    """超期 2 小时; 剩 1 小时 20 分; the time itself where it is more than a day away."""

    @property
    def document(self) -> str:
        """Number of the document that sets it (国办发〔2016〕61号), otherwise the first words of the basis."""
        number = re.search(r"[一-龥]{2,8}〔\d{4}〕\d+号", self.basis)
        return number[0] if number else re.split("[：；（]", self.basis)[0]


@dataclass(frozen=True)
class Action:
    """A button: an event with its words."""

    event: str
    label: str
    role: str | None = None
    """Who has to do it."""


@dataclass(frozen=True)
class ToDo:
    """A case that waits for somebody, with its one next action."""

    issue_no: str
    title: str
    level: str | None
    state: str
    unit: str
    action: Action | None
    due: Due | None


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
    ticked: bool
    """May be agreed to without a second look: neither severe, nor unsure, nor lowered by an override."""
    due: Due | None


@dataclass(frozen=True)
class Log:
    """The daily log of a day and whether it is signed."""

    day: date
    file_hash: str | None
    """SHA-256 of the file; null: not written."""
    signed_by: str | None
    """Role, if this very file was signed."""
    signed_at: datetime | None
    files: tuple[str, ...]
    final: bool
    """The day is over and was evaluated at its end."""


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
class Board:
    """The 工作台."""

    at: datetime
    coverage: Coverage | None
    """Null: nothing was published yet."""
    todo: tuple[ToDo, ...]
    new: tuple[NewIssue, ...]
    logs: tuple[Log, ...]
    """Latest first."""
    to_sign: Log | None
    """The oldest final log that nobody has signed."""
    numbers: Numbers
    is_sample: bool


def board(desk: Desk) -> Board:
    """Everything on the 工作台."""
    stand = _stand(desk)
    logs = daily_logs(desk)
    summary = desk.read("marts.daily_summary").sort("day").tail(1).to_dicts()
    latest = summary[0] if summary else {}
    todo = _todo(desk, stand)
    return Board(
        at=stand.at,
        coverage=_coverage(desk, latest["day"], latest["as_of"]) if latest else None,
        todo=todo,
        new=_new(stand),
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
        is_sample=is_sample(desk),
    )


def is_sample(desk: Desk) -> bool:
    """The home was made by the demo."""
    return (desk.settings.home / "SAMPLE").exists()


def source_health(desk: Desk) -> tuple[date | None, list[dict[str, Any]]]:
    """Rows of marts.source_health of the latest published day."""
    summary = desk.read("marts.daily_summary")
    if summary.is_empty():
        return None, []
    day = summary["day"].max()
    assert isinstance(day, date)
    return day, desk.read("marts.source_health", day, day).sort("status", "name").to_dicts()


def _coverage(desk: Desk, day: date, as_of: datetime) -> Coverage:
    health = desk.read("marts.source_health", day, day).sort("source_id")
    rows = health.select("name", "status", "reason").rows()
    not_ok = tuple((status, words.printable(name), reason or "") for name, status, reason in rows if status != "ok")
    return Coverage(day, as_of, tuple((words.printable(name), status) for name, status, _ in rows), not_ok)


def _todo(desk: Desk, stand: _Stand) -> tuple[ToDo, ...]:
    units = desk.unit_names()
    found = []
    for number, row in stand.rows.items():
        open_duties = [due for due in _dues(stand, number) if due.stage != "done"]
        if row["events"] == 0 or row["state"] == "detected" or not (row["is_open"] or open_duties):
            continue
        first = min(open_duties, key=lambda due: (due.due_at is None, due.due_at or stand.at), default=None)
        case = stand.cases[number]
        step = next_step(case, first.duty if first else None, row["level"])
        found.append(
            ToDo(
                issue_no=number,
                title=_title(stand, number),
                level=row["level"],
                state=STATE_NAMES[row["state"]],
                unit=units.get(row["unit"] or "", ""),
                action=_action(step),
                due=first,
            )
        )
    far = stand.at + timedelta(days=36500)
    return tuple(sorted(found, key=lambda todo: (todo.due.due_at or far) if todo.due else far))


def _new(stand: _Stand) -> tuple[NewIssue, ...]:
    found = []
    for row in stand.issues.iter_rows(named=True):
        number = row["issue_no"]
        case = stand.cases.get(number)
        if case and case.state != "detected":
            continue
        due = next((due for due in _dues(stand, number) if due.duty in ("confirm", "refer")), None)
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
                ticked=not (severe or lowered or row["needs_review"]),
                due=due,
            )
        )
    return tuple(sorted(found, key=lambda new: (_ORDER[new.level], -new.total, new.issue_no)))


def _action(step: NextStep | None) -> Action | None:
    row = transition(step.event, {}) if step else None
    return Action(row.event, _label(row), step.role) if step and row else None


def _label(row: Transition) -> str:
    return {"approve": "登记批示", "verify": "登记核查", "publish": "登记发布"}.get(row.event, row.label)


def _title(stand: _Stand, number: str) -> str:
    found = stand.issues.filter(issue_no=number)["title"].to_list()
    return words.printable(found[0]) if found else number


def _dues(stand: _Stand, number: str) -> list[Due]:
    rows = stand.due.filter(issue_no=number).sort("due_at", nulls_last=True).to_dicts()
    return [_due(row, stand.at) for row in rows]


def _due(row: Mapping[str, Any], at: datetime) -> Due:
    due_at, done_at = row["due_at"], row["done_at"]
    if done_at is not None:
        stage, text = "done", "已办 " + short_time(done_at)
        if due_at and done_at > due_at:
            text += f"（超期 {span(done_at - due_at)}）"
    elif due_at is None:
        stage, text = "unknown", "无法计算"
    elif at > due_at:
        stage, text = "overdue", f"超期 {span(at - due_at)}"
    else:
        stage = "late" if at >= row["late_at"] else "half" if at >= row["half_at"] else "none"
        text = f"剩 {span(due_at - at)}" if due_at - at < timedelta(days=1) else short_time(due_at)
    name = DUE_NAMES.get(row["duty"], "时限")
    if row["report_to"]:
        name += f"（{ROLE_NAMES[row['report_to']]}）"
    return Due(row["duty"], name, due_at, done_at, row["basis"] or "", stage, text)


def span(length: timedelta) -> str:
    """2 天 3 小时; 1 小时 20 分; 5 分."""
    minutes = int(length.total_seconds() // 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} 天" + (f" {hours} 小时" if hours else "")
    return (f"{hours} 小时" + (f" {minutes} 分" if minutes else "")) if hours else f"{minutes} 分"


def short_time(at: datetime | None) -> str:
    """11-22 09:40 in Beijing time; — for null."""
    return words.UNKNOWN if at is None else f"{at.astimezone(SHANGHAI):%m-%d %H:%M}"


# --- 事项 ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FormField:
    """One input of a form."""

    name: str
    label: str
    kind: str
    """As `machine.Field.kind`; `code` and some ids have options."""
    required: bool
    options: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    value: str = ""
    """Filled in beforehand."""


@dataclass(frozen=True)
class Form:
    """The form of one event, for one user."""

    event: str
    label: str
    fields: tuple[FormField, ...]
    hidden: tuple[tuple[str, str], ...]
    roles: tuple[tuple[str, str], ...]
    """Roles in which the user may do it; empty: only on behalf."""
    behalf: tuple[tuple[str, str], ...]
    """Roles whose decision the user may register; empty: none."""


@dataclass(frozen=True)
class FactorLine:
    """One of the five factors: points, weight, and what it adds to the total."""

    name: str
    points: float
    weight: str
    contribution: str
    why: str


@dataclass(frozen=True)
class Why:
    """The grade as it re-adds."""

    factors: tuple[FactorLine, ...]
    total: float
    by_score: str
    reason: str
    rule_version: str
    as_of: datetime
    table: tuple[ExplanationRow, ...]
    """The whole computation; empty where its rules are no longer configured."""


@dataclass(frozen=True)
class Post:
    """A post of the issue."""

    at: datetime | None
    precision: str
    source: str
    title: str
    url: str | None
    """Null unless a reader may follow it."""
    relation: str


@dataclass(frozen=True)
class Past:
    """One line of the history."""

    at: datetime
    label: str
    who: str
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class IssuePage:
    """An issue with everything a person needs to decide."""

    issue_no: str
    title: str
    level: str | None
    confirmed: bool
    state: str
    summary: str
    suggested_level: str | None
    sequence: int
    is_open: bool
    facts: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str, str], ...]
    """Name, done|now|todo, words."""
    why: Why | None
    spread: str
    posts: tuple[Post, ...]
    dues: tuple[Due, ...]
    history: tuple[Past, ...]
    answer_text: str
    """The answer in the making, as last drafted; empty: none."""
    next: Action | None
    forms: tuple[Form, ...]
    """What this user may do, the next step first."""
    is_sample: bool


def issue_page(desk: Desk, issue_no: str, roles: Sequence[str], wanted: str | None = None) -> IssuePage:
    """An issue as a user sees it.

    Args:
        desk: where to read.
        issue_no: its number.
        roles: roles of the user.
        wanted: event whose form is to come first.

    Raises:
        UsageError: no such issue.
    """
    stand = _stand(desk)
    row = stand.rows.get(issue_no)
    if row is None:
        raise UsageError(f"没有这个事项：{issue_no}")
    logged = stand.issues.filter(issue_no=issue_no).row(0, named=True)
    events = desk.register.events(issue_no)
    case = stand.cases.get(issue_no, Case(issue_no))
    dues = _dues(stand, issue_no)
    step = next_step(case, level=row["level"])
    if not case.is_open:
        step = next((NextStep(d.duty, REGISTRAR) for d in dues if d.duty == "refer" and d.stage != "done"), None)
    units = desk.unit_names()
    forms = _forms(desk, case, row, logged, roles, wanted or (step.event if step else ""))
    return IssuePage(
        issue_no=issue_no,
        title=words.printable(logged["title"]),
        level=row["level"],
        confirmed=case.level is not None,
        state=STATE_NAMES[row["state"]],
        summary=words.printable(logged["summary"]) if logged["summary"] else "",
        suggested_level=row["system_level"],
        sequence=case.sequence,
        is_open=row["is_open"],
        facts=_facts(logged, row, units),
        steps=_steps(case, row, events, dues, step),
        why=_why(desk, issue_no),
        spread=words.spread(logged),
        posts=_posts(desk, issue_no),
        dues=tuple(dues),
        history=tuple(_past(event, units) for event in reversed(events)),
        answer_text=answer_text(case, events),
        next=_action(step),
        forms=forms,
        is_sample=is_sample(desk),
    )


def _facts(logged: Mapping[str, Any], row: Mapping[str, Any], units: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = [
        ("发现", words.local_time(row["detected_at"])),
        ("首发", f"{words.printable(logged['source_name'])} {words.local_time(logged['first_published_at'])}"),
        ("领域", words.printable(logged["topic_name"])),
        ("回应", RESPONSE_NAMES.get(row["response_value"] or "", words.UNKNOWN)),
        ("承办", units.get(row["unit"] or "", "未交办") + f"（建议 {words.printable(logged['owner_unit'])}）"),
    ]
    if logged["competent_body"]:
        pairs.append(("数据归口", words.printable(logged["competent_body"])))
    if row["accused_unit"]:
        pairs.append(("被反映股室", units.get(row["accused_unit"], row["accused_unit"]) + "（回避核查）"))
    if row["outcome"]:
        pairs.append(("核查结论", OUTCOME_NAMES[row["outcome"]]))
    if row["parent"]:
        pairs.append(("并入", row["parent"]))
    return tuple(pairs)


def _steps(
    case: Case, row: Mapping[str, Any], events: Sequence[Event], dues: Sequence[Due], step: NextStep | None
) -> tuple[tuple[str, str, str], ...]:
    last = {event.name: event.decided_at for event in events}
    if row["state"] in ("logged_only", "duplicate", "out_of_scope"):
        at = short_time(case.last_event_at)
        return (("发现", "done", short_time(row["detected_at"])), (STATE_NAMES[row["state"]], "done", at))
    line = [
        ("confirm", "确认", case.confirmed_at),
        ("assign", "交办", last.get("assign") if case.unit else None),
        ("verify", "核查", case.verified_at if case.outcome else None),
        ("draft", "拟稿", last.get("draft") if case.answer != "none" or case.final_published_at else None),
        ("submit", "报审", last.get("submit") if case.answer in ("in_review", "approved") else case.final_published_at),
        ("approve", "审批", last.get("approve") if case.answer == "approved" else case.final_published_at),
        ("publish", "公开回应", case.final_published_at),
    ]
    if case.outcome in ("true", "partly_true"):
        line.append(("result_notice", "通报结果", case.result_notice_at))
    line.append(("close", "办结", case.closed_at))
    late = {due.duty: due.words for due in dues if due.stage == "overdue"}
    shown = [("发现", "done", short_time(row["detected_at"]))]
    for event, name, done_at in line:
        if done_at is not None and not (step and step.event == event):
            shown.append((name, "done", short_time(done_at)))
        else:
            now = step is not None and step.event == event
            shown.append((name, "now" if now else "todo", late.get(event, "") if now else ""))
    return tuple(shown)


def _why(desk: Desk, issue_no: str) -> Why | None:
    grades = desk.read("graded.issue_grades").filter(issue_no=issue_no).sort("as_of", "rule_version")
    if grades.is_empty():
        return None
    grade = grades.row(-1, named=True)
    rules = desk.settings.grading()
    table: list[ExplanationRow] = []
    if grade["rule_version"] == rules.rule_version:
        topic = next((t.name for t in desk.settings.taxonomy().topics if t.id == grade["topic"]), None)
        table = explanation_table(grade, rules, topic)
    return Why(
        factors=_factors(grade, table, rules),
        total=grade["total"],
        by_score=LEVEL_NAMES[grade["level_by_score"]][0],
        reason=words.reason(grade),
        rule_version=grade["rule_version"],
        as_of=grade["as_of"],
        table=tuple(table),
    )


def _factors(grade: Mapping[str, Any], table: Iterable[ExplanationRow], rules: GradingRules) -> tuple[FactorLine, ...]:
    """The five lines that add up to the total; what each rests on is what the table lists before its sum."""
    heads = {f"{name} {factor}": factor for factor, (_, name) in FACTOR_NAMES.items()}
    found, parts = {}, list[str]()
    for line in table:
        if line.measure in heads:
            factor = heads[line.measure]
            found[factor] = FactorLine(
                FACTOR_NAMES[factor][1], grade[factor], line.weight, line.contribution, "，".join(parts)
            )
            parts = []
        else:
            value = "" if line.value in ("", "是") else f" {line.value}"
            points = f"（{float(line.points):g} 分）" if line.points not in ("", words.UNKNOWN) else ""
            parts.append(f"{line.measure}{value}{points}")
    unknown = rules.rule_version != grade["rule_version"]
    return tuple(
        found.get(factor)
        or FactorLine(name, grade[factor], words.UNKNOWN, words.UNKNOWN, "所用规则版本已停用" if unknown else "")
        for factor, (_, name) in FACTOR_NAMES.items()
    )


def _posts(desk: Desk, issue_no: str) -> tuple[Post, ...]:
    links = desk.read("graded.issue_posts").filter(issue_no=issue_no).unique("post_id", keep="last")
    posts = (
        desk.read("graded.posts")
        .unique("post_id", keep="last")
        .join(links.select("post_id", "group_id"), on="post_id")
        .sort(pl.coalesce("published_at", "first_fetched_at"), "post_id")
    )
    seen: set[str] = set()
    found = []
    for post in posts.iter_rows(named=True):
        relation = "转载" if post["group_id"] in seen else "相关" if seen else "首发"
        seen.add(post["group_id"])
        found.append(
            Post(
                post["published_at"],
                post["published_precision"],
                words.printable(post["source_name"]),
                words.printable(post["title"]),
                words.safe_url(post["url"]),
                relation,
            )
        )
    return tuple(found)


def _past(event: Event, units: Mapping[str, str]) -> Past:
    row = transition(event.name, event.payload)
    details = []
    for name, value in event.payload.items():
        if name == "suggested_level":
            continue
        details.append((_LABELS.get((event.name, name), FIELDS[name].label), shown_value(name, value, units)))
    who = CASE_ROLE_NAMES.get(event.role, event.role)
    if event.on_behalf:
        medium = MEDIUM_NAMES[event.on_behalf.medium]
        who += f"（{medium}，{short_time(event.on_behalf.decided_at)} 决定，{CASE_ROLE_NAMES[event.actor_role]}代登）"
    return Past(event.at, row.label if row else event.name, who, tuple(details))


def shown_value(name: str, value: Any, units: Mapping[str, str]) -> str:
    """A payload value in words."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if name == "claims":
        return "；".join(
            f"{claim['text']}（{CLAIM_TYPES[claim['type']]}，{FINDINGS[claim['finding']]}）" for claim in value
        )
    if FIELDS[name].kind == "time":
        return short_time(datetime.fromisoformat(value))
    return words.printable(dict(_options(name, units)).get(value, str(value)))


def answer_text(case: Case, events: Sequence[Event]) -> str:
    """The answer in the making, as last drafted; empty: none."""
    if case.answer == "none":
        return ""
    drafts = [event.payload.get("text", "") for event in events if event.name == "draft"]
    return drafts[-1] if drafts else ""


# --- forms -----------------------------------------------------------------------------------------------------------


def _options(name: str, units: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    names: dict[str, Mapping[str, str]] = {
        "level": {level: words.level_text(level) for level in words.LEVELS_ON_PAPER},
        "response_value": RESPONSE_NAMES,
        "emergency_level": {
            "none": "不是突发事件", "general": "一般", "larger": "较大", "major": "重大", "extreme": "特别重大",
        },
        "channel": CHANNEL_NAMES,
        "log_reason": LOG_REASON_NAMES,
        "scope_reason": SCOPE_REASON_NAMES,
        "outcome": OUTCOME_NAMES,
        "kind": KIND_NAMES,
        "form": FORM_NAMES,
        "recipient": RECIPIENT_NAMES,
        "report_to": ROLE_NAMES,
        "medium": HAND_OFF_MEDIUM_NAMES,
        "unit": units,
        "accused_unit": units,
    }  # fmt: skip
    return tuple(names.get(name, {}).items())


#: Words that fit better than the general ones.
_LABELS = {
    ("approve", "text"): "批示意见",
    ("verify", "basis"): "依据（文件、台账、口径）",
    ("draft", "text"): "口径全文",
    ("close", "reason"): "说明",
    ("new_lead", "text"): "内容",
}
_HINTS = {
    ("confirm", "reason"): "改动系统建议的级别时必填，不少于 10 个字",
    ("change_level", "reason"): "不少于 10 个字",
    ("reopen", "reason"): "不少于 10 个字",
    ("publish", "url"): "链接和发布渠道至少填一项",
    ("result_notice", "url"): "链接和发布渠道至少填一项",
    ("duplicate", "parent"): "并入哪个事项，如 YQ-2026-0001",
}


def _forms(
    desk: Desk, case: Case, row: Mapping[str, Any], logged: Mapping[str, Any], roles: Sequence[str], first: str
) -> tuple[Form, ...]:
    """The forms of everything that this user may do now, by own right or on behalf; the wanted one first."""
    units = desk.unit_names()
    owner = next((id for id, name in units.items() if name == logged["owner_unit"]), None)
    likely = {("confirm", "level"): row["system_level"], ("assign", "unit"): owner}
    by_right = {entry: [role for role in roles if entry in allowed(case, role)] for entry in TABLE}
    found = []
    for entry in TABLE:
        decided_elsewhere: tuple[str, ...] = ()
        if REGISTRAR in roles:
            decided_elsewhere = tuple(
                role for role in entry.roles if role not in _AT_DESK and entry in allowed(case, role)
            )
        own = by_right[entry]
        if not own and not decided_elsewhere:
            continue
        hidden = []
        if entry.kind:
            hidden.append(("kind", entry.kind))
        fields = tuple(
            FormField(
                name,
                _LABELS.get((entry.event, name), FIELDS[name].label),
                FIELDS[name].kind,
                name in entry.required,
                _options(name, units),
                _HINTS.get((entry.event, name), ""),
                likely.get((entry.event, name)) or "",
            )
            for name in (*entry.required, *entry.optional)
            if name not in ("suggested_level", *dict(hidden))
        )
        step = next_step(case, level=row["level"])
        ordered = sorted(own, key=lambda role: role != (step.role if step and step.event == entry.event else own[0]))
        found.append(
            Form(
                entry.event,
                _label(entry) if entry.event != "approve" else "同意",
                fields,
                tuple(hidden),
                tuple((role, CASE_ROLE_NAMES[role]) for role in ordered),
                tuple((role, CASE_ROLE_NAMES[role]) for role in decided_elsewhere),
            )
        )
    return tuple(sorted(found, key=lambda form: form.event != first))


def payload_of(event: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The payload of an event from the inputs of its form; empty ones are left out.

    Args:
        event: name of the event.
        given: inputs by name; times as 2026-11-22T18:00 in Beijing time, flags as yes or no; of the n-th claim
            `claim_n_text`, `claim_n_type`, `claim_n_finding`, `claim_n_evidence`.
    """
    row = transition(event, given)
    if row is None:
        raise UsageError(f"没有这种操作：{event}")
    payload: dict[str, Any] = {}
    for name in (*row.required, *row.optional):
        value = given.get(name, "").strip()
        kind = FIELDS[name].kind
        if kind == "claims":
            if claims := _claims(given):
                payload[name] = claims
        elif value:
            payload[name] = _parse_input(kind, value)
    return payload


def _parse_input(kind: str, value: str) -> Any:
    if kind == "flag":
        return value == "yes"
    if kind == "time":
        at = parse_local(value)
        return at.isoformat() if at else value
    return value.replace("\r\n", "\n")


def _claims(given: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for number in range(1, _CLAIM_LINES + 1):
        if text := given.get(f"claim_{number}_text", "").strip():
            evidence = given.get(f"claim_{number}_evidence", "").strip()
            found.append(
                {
                    "text": text,
                    "type": given.get(f"claim_{number}_type", ""),
                    "finding": given.get(f"claim_{number}_finding", ""),
                    "evidence": [evidence] if evidence else [],
                }
            )
    return found


def parse_local(value: str) -> datetime | None:
    """A time as a browser sends it, taken as Beijing time unless it says otherwise; null if it is none."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def parse_choice(value: str) -> tuple[str, str, int]:
    """A ticked box of the batch: `number|level|events seen`."""
    number, _, rest = value.partition("|")
    level, _, seen = rest.partition("|")
    return number, level, parse_seen(seen) or 0


def parse_seen(value: str | None) -> int | None:
    """Number of events that a form has seen; null where it does not say."""
    return int(value) if value and value.isdecimal() else None


def on_behalf_of(given: Mapping[str, str], scan: bytes | None) -> OnBehalf | None:
    """Who decided on paper or by phone, as filled in; null: the user decided.

    Raises:
        GuardError: the fields are incomplete.
    """
    role = given.get("behalf_role", "").strip()
    if not role:
        return None
    decided_at = parse_local(given.get("behalf_at", "").strip())
    if decided_at is None:
        raise GuardError("on_behalf", "代为登记：未填决定时间")
    return OnBehalf(role, decided_at, given.get("behalf_medium", ""), sha256(scan).hexdigest() if scan else None)


# --- acting ----------------------------------------------------------------------------------------------------------


def do(
    desk: Desk,
    issue_no: str,
    event: str,
    user: str,
    role: str,
    payload: Mapping[str, Any],
    on_behalf: OnBehalf | None = None,
    expected: int | None = None,
) -> Event:
    """One decision on one case; arguments and errors as `service.act`, and the role must be the user's own.

    Raises:
        RoleError: the user does not hold the role.
    """
    step = Step(event, payload, on_behalf)
    return act_steps(desk.env, issue_no, [step], _actor(desk, user, role), expected=expected)[0]


def _actor(desk: Desk, user: str, role: str) -> Actor:
    if role not in roles_of(user, desk.settings.office()):
        raise RoleError(f"账号 {user} 不能以“{CASE_ROLE_NAMES.get(role, role)}”的身份办理")
    return Actor(role, user)


def agree(desk: Desk, user: str, role: str, chosen: Iterable[tuple[str, str, int]]) -> BatchResult:
    """Agree to suggested levels; each case for itself, so that one refusal does not hold up the others.

    Args:
        desk: where.
        user: account.
        role: its role.
        chosen: issue number, the suggested level and the number of events that the person saw.
    """
    actor = _actor(desk, user, role)
    stand = _stand(desk)
    current, stale = list[str](), dict[str, str]()
    for number, level, seen in chosen:
        row = stand.rows.get(number)
        if row is None or row["system_level"] != level:
            stale[number] = "系统建议已更新，请重新查看"
        elif row["events"] != seen:
            stale[number] = "已由他人处理"
        else:
            current.append(number)
    result = case_actions.agree(desk.env, current, actor)
    return BatchResult(result.done, {**result.refused, **stale})


# --- 线索 ---------------------------------------------------------------------------------------------------


def add_lead(desk: Desk, user: str, role: str, title: str, text: str, url: str, source: str) -> str:
    """Register a lead and land it in the office's own inbox, if one is configured; says in words what became of it.

    Raises:
        GuardError: neither title, text nor link is given, or the link is none.
    """
    title, text, url = title.strip(), text.strip(), url.strip()
    if url and not is_web_url(url):
        raise GuardError("payload", "链接：须以 http:// 或 https:// 开头")
    headline = title or (text.splitlines()[0][:40] if text else "") or url
    if not headline:
        raise GuardError("payload", "请粘贴链接，或写下内容")
    payload = {"title": headline, "source": source.strip() or "其他"}
    payload |= {name: value for name, value in (("url", canonical_url(url) if url else ""), ("text", text)) if value}
    event = act_steps(desk.env, None, [Step("new_lead", payload)], _actor(desk, user, role))[0]
    inbox = next(
        (s for s in desk.settings.sources().usable if s.family == "inbox" and s.source_class == "manual"), None
    )
    if inbox is None:
        return "线索已登记。没有启用“人工登记”来源，未进入采集，请联系管理员启用。"
    columns = inbox.columns.model_dump() if inbox.columns else {}
    values = {
        "title": event.payload["title"],
        "text": event.payload.get("text") or event.payload["title"],
        "published_at": f"{desk.env.now().astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
        "url": event.payload.get("url"),
    }
    line = {}
    for name, heads in columns.items():
        if heads and values.get(name):
            line[heads if isinstance(heads, str) else heads[0]] = values[name]
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"lead-{event.position}.jsonl"
        file.write_text(json.dumps(line, ensure_ascii=False) + "\n", "utf8")
        report = import_file(desk.env, file, inbox.id)
    landed = report.posts or report.repeated
    return "线索已登记，下一次整理后列入新事项。" if landed else "线索已登记，但未能进入采集：" + report.words()


# --- 日志 ---------------------------------------------------------------------------------------------------


def daily_logs(desk: Desk, days: int = 14) -> tuple[Log, ...]:
    """The latest days that have files, latest first, and whether the file that stands there is signed."""
    signed = {(event.payload["day"], event.payload["file_hash"]): event for event in desk.register.events(DAILY_LOG)}
    evaluated = dict(desk.read("marts.daily_summary").select("day", "as_of").iter_rows())
    folders = sorted((path for path in desk.settings.outputs_dir.glob("????-??-??") if path.is_dir()), reverse=True)
    found = []
    for folder in folders[:days]:
        try:
            day = date.fromisoformat(folder.name)
        except ValueError:
            continue
        files = tuple(name for name in DAY_FILES if (folder / name).is_file())
        digest = sha256((folder / SIGNED_FILE).read_bytes()).hexdigest() if SIGNED_FILE in files else None
        event = signed.get((day.isoformat(), digest or ""))
        final = evaluated.get(day) is not None and evaluated[day] >= end_of_day(day)
        role = CASE_ROLE_NAMES[event.role] if event else None
        found.append(Log(day, digest, role, event.at if event else None, files, final))
    return tuple(found)


def day_file(desk: Desk, day: str, name: str) -> Path:
    """A file of a day.

    Raises:
        UsageError: not one of the files that pages hand out, or it was not written.
    """
    try:
        folder = date.fromisoformat(day).isoformat()
    except ValueError:
        raise UsageError("没有这一天") from None
    path = desk.settings.outputs_dir / folder / name
    if name not in DAY_FILES or not path.is_file():
        raise UsageError("没有这个文件")
    return path


def sign_log(desk: Desk, user: str, role: str, day: str, file_hash: str) -> Event:
    """Sign the log of a day as the person saw it.

    Raises:
        ConflictError: the file was written anew since then.
        UsageError: there is no log of that day.
    """
    actor = _actor(desk, user, role)
    current = sha256(day_file(desk, day, SIGNED_FILE).read_bytes()).hexdigest()
    if current != file_hash:
        raise ConflictError("日志已重新生成，请核对新文件后再签发")
    return act_steps(desk.env, None, [Step("log_signed", {"day": day, "file_hash": file_hash})], actor)[0]


# --- 台账 ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LedgerLine:
    """One case in the ledger."""

    issue_no: str
    title: str
    level: str | None
    confirmed: bool
    state: str
    state_name: str
    topic: str
    unit: str
    detected_at: datetime
    due: Due | None
    """The first open duty."""
    late: int
    """Duties that were or are late."""


def ledger(desk: Desk, only_open: bool = False) -> tuple[LedgerLine, ...]:
    """Every case, the latest number first."""
    stand = _stand(desk)
    units = desk.unit_names()
    topics = dict(stand.issues.select("issue_no", "topic_name").iter_rows())
    titles = dict(stand.issues.select("issue_no", "title").iter_rows())
    found = []
    for number, row in stand.rows.items():
        dues = _dues(stand, number)
        waiting = [due for due in dues if due.stage != "done"]
        if only_open and row["state"] in DONE_STATES and not waiting:
            continue
        found.append(
            LedgerLine(
                number,
                words.printable(titles[number]),
                row["level"],
                row["confirmed_level"] is not None,
                row["state"],
                STATE_NAMES[row["state"]],
                words.printable(topics[number]),
                units.get(row["unit"] or "", words.UNKNOWN),
                row["detected_at"],
                waiting[0] if waiting else None,
                sum(d.due_at is not None and (d.done_at or stand.at) > d.due_at for d in dues),
            )
        )
    return tuple(sorted(found, key=lambda line: line.issue_no, reverse=True))
