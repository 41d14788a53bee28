"""What all pages read from and share: the desk, who may act, where every issue stands, its duties and its next step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from caifeng.cases.machine import (
    WAYS,
    NextStep,
    Transition,
    events_left,
    next_step,
    owes_hearing,
    transition,
)
from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    Case,
)
from caifeng.cases.rules import load_calendar, load_case_rules, load_deadline_rules
from caifeng.cases.service import cases_of
from caifeng.cases.store import Register
from caifeng.cases.tables import cases_frame, due_frame
from caifeng.core.clock import SHANGHAI
from caifeng.core.model.deadlines import DUE_NAMES
from caifeng.core.model.office import Office
from caifeng.core.model.register import RegisterRules
from caifeng.core.model.terms import ROLE_NAMES
from caifeng.core.settings import Settings
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.base import Env
from caifeng.reports import words

#: Roles of the accounts that docker/airflow.env creates, for an office that has not named its accounts.
USUAL_ACCOUNTS = {"admin": "openness_office", "office": "openness_office", "leader": "deputy", "analyst": "auditor"}


def roles_of(user: str, office: Office, at: datetime) -> tuple[str, ...]:
    """Roles in which an account may act at a moment, its own before those it stands in for; empty: a stranger.

    Accounts that config/units.toml does not name have the role of `USUAL_ACCOUNTS`, if any.
    """
    roles = [role for role in office.roles_of(user, at) if role in CASE_ROLE_NAMES]
    if not roles and user in USUAL_ACCOUNTS:
        roles = [USUAL_ACCOUNTS[user]]
    return tuple(roles)


def role_for(event: str, roles: Sequence[str]) -> str:
    """The first of an account's roles that may cause an event; empty: none."""
    row = transition(event, {})
    return next((role for role in roles if row and role in row.roles), "")


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

    def rules(self) -> RegisterRules:
        """The office's own rules of the register (config/register.toml)."""
        return load_case_rules(self.settings.config).own

    def unit_names(self) -> dict[str, str]:
        """Unit id -> name."""
        return {unit.id: unit.name for unit in self.settings.office().units}


def lake_rows(desk: Desk, table: str, first: date, last: date, *where: pl.Expr) -> list[dict[str, Any]]:
    """Rows of a lake table that is not published, in the days `first`..`last`; none where it has no partition."""
    return desk.env.lake.scan(table, first, last).filter(*where).collect().to_dicts()


def is_sample(desk: Desk) -> bool:
    """The home was made by the demo."""
    return (desk.settings.home / "SAMPLE").exists()


@dataclass(frozen=True)
class Stand:
    """Everything known about all issues at a moment."""

    issues: pl.DataFrame
    """Latest row of marts.daily_log of each issue, with its grade's `level_by_score`."""
    cases: dict[str, Case]
    rows: dict[str, dict[str, Any]]
    """Rows of `cases_frame` by issue number."""
    dues: dict[str, list[Due]]
    """Duties by issue number, the first due first; those without a due time last."""
    at: datetime


def read_stand(desk: Desk) -> Stand:
    """Read the register live and the published copy, and say where every issue stands."""
    at = desk.env.now()
    cases = cases_of(desk.register.events())
    logged = desk.read("marts.daily_log").sort("day").unique("issue_no", keep="last", maintain_order=True)
    # Duties follow the system's level over time: a level that falls for one evaluation ends none.
    standing = logged.select("issue_no", "standing_level")
    grades = (
        desk.read("graded.issue_grades")
        .sort("as_of", "rule_version")
        .unique("issue_no", keep="last", maintain_order=True)
        .join(standing, on="issue_no", how="left", maintain_order="left")
        .with_columns(level=pl.coalesce("standing_level", "level"))
    )
    known = set(logged["issue_no"])
    touched = {number: case for number, case in cases.items() if number in known}
    config, own = desk.settings.config, desk.rules()
    stand = cases_frame(logged, grades, touched, at, own)
    due = due_frame(stand, touched, load_deadline_rules(config), load_calendar(config), own)
    rows = {row["issue_no"]: row for row in stand.iter_rows(named=True)}
    dues: dict[str, list[Due]] = {}
    for row in due.sort("due_at", nulls_last=True, maintain_order=True).iter_rows(named=True):
        dues.setdefault(row["issue_no"], []).append(_due(row, at))
    return Stand(logged, cases, rows, dues, at)


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
    extended_to: datetime | None = None
    """End after a granted extension; the due time itself stays as it was."""

    @property
    def end(self) -> datetime | None:
        """By when it has to be done now, an extension included."""
        return self.extended_to or self.due_at

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


def dues_of(stand: Stand, number: str) -> list[Due]:
    """Duties of an issue, the first due first; those without a due time last."""
    return stand.dues.get(number, [])


def _due(row: Mapping[str, Any], at: datetime) -> Due:
    due_at, done_at = row["due_at"], row["done_at"]
    end = row["extended_to"] or due_at
    if done_at is not None:
        stage, text = "done", "已办 " + short_time(done_at)
        if due_at and done_at > due_at:
            text += (
                f"（超期 {span(done_at - end)}）"
                if done_at > end
                else f"（超原定时限 {span(done_at - due_at)}，在延期内）"
            )
    elif due_at is None:
        stage, text = "unknown", "无法计算"
    elif at > end:
        stage, text = "overdue", f"超期 {span(at - end)}"
    else:
        stage = "late" if at >= row["late_at"] else "half" if at >= row["half_at"] else "none"
        text = f"剩 {span(end - at)}" if end - at < timedelta(days=1) else short_time(end)
    if row["extended_to"] and done_at is None:
        text += "（已延期）"
    name = DUE_NAMES.get(row["duty"], "时限")
    if row["report_to"]:
        name += f"（{ROLE_NAMES[row['report_to']]}）"
    return Due(row["duty"], name, due_at, done_at, row["basis"] or "", stage, text, row["extended_to"])


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


def next_step_of(stand: Stand, number: str, rules: RegisterRules, duty: str | None = None) -> NextStep | None:
    """The next step of a case as the pages propose it, with what the rules suggest of it."""
    row = stand.rows[number]
    case = stand.cases.get(number, Case(number))
    return next_step(case, duty, row["level"], row["sensitive"], rules)


def ways_open(stand: Stand, number: str, rules: RegisterRules) -> dict[str, tuple[str, ...]]:
    """The forms of several events that lead on from how a case stands, the shortest way first.

    Returns:
        Name of the way -> its events still to be registered. A way that ends in 报审 is not open while a consultation
        is owed before; one for ordinary issues only to those.
    """
    row = stand.rows[number]
    case = stand.cases.get(number, Case(number))
    heard = not owes_hearing(case, rules, row["level"], row["sensitive"])
    ordinary = row["level"] in rules.ordinary_levels
    found = {way.name: events_left(way, case) for way in WAYS if ordinary or not way.is_ordinary}
    return {name: left for name, left in found.items() if left and (heard or "submit" not in left)}


def action_of(step: NextStep | None) -> Action | None:
    """The button of a next step; null: nothing to do."""
    row = transition(step.event, {}) if step else None
    return Action(row.event, label_of(row), step.role) if step and row else None


def label_of(row: Transition) -> str:
    """Words on the button of an event: what others decided is only registered here."""
    return {"approve": "登记批示", "verify": "登记核查", "publish": "登记发布"}.get(row.event, row.label)
