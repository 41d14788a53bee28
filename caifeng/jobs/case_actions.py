"""Acting on cases from a page, a command or a form: adds what the system suggested, then calls the guarded function."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from caifeng.cases.fields import FIELDS, parse_ids
from caifeng.cases.machine import TABLE
from caifeng.cases.model import Actor, Event, GuardError, OnBehalf
from caifeng.cases.rules import load_case_rules
from caifeng.cases.service import Step, act_all, chain_faults, erase_texts
from caifeng.core import clock
from caifeng.core.errors import CaifengError, UsageError
from caifeng.core.model.register import RegisterRules
from caifeng.jobs.base import Env
from caifeng.jobs.export_cases import grades_in_force, stand_of

#: What agreeing with a suggested level means. Background and matters of others need no treatment of ours.
_AGREED: dict[str, Step] = {
    "log_only": Step("log_only", {"log_reason": "agreed"}),
    "context": Step("log_only", {"log_reason": "background"}),
    "refer_out": Step("out_of_scope", {"scope_reason": "other_place"}),
}
_TRUE, _FALSE = ("true", "yes", "是"), ("false", "no", "否")


class BatchResult(NamedTuple):
    """What became of a batch: one bad case does not hold up the others."""

    done: list[Event]
    """The deciding event of each case; what followed from it is not listed."""
    refused: dict[str, str]
    """Issue number -> why, in words for the user."""


def act_on_case(
    env: Env,
    issue_no: str | None,
    event: str,
    actor: Actor,
    payload: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
    on_behalf: OnBehalf | None = None,
    idempotency_key: str | None = None,
    expected: int | None = None,
) -> Event:
    """Do one thing to a case; arguments and errors as `caifeng.cases.service.act`, `at` is now if not given."""
    step = Step(event, payload or {}, on_behalf, idempotency_key)
    return act_steps(env, issue_no, [step], actor, at=at, expected=expected)[0]


def act_steps(
    env: Env,
    issue_no: str | None,
    steps: Sequence[Step],
    actor: Actor,
    *,
    at: datetime | None = None,
    expected: int | None = None,
) -> list[Event]:
    """Do everything that one form says, or nothing of it: a plain question is verified, answered and published at once.

    Raises:
        CaifengError: as `caifeng.cases.service.act`; UsageError also for a unit that is not configured.
    """
    moment = at or env.now()
    grades = _grades(env, moment) if any(step.event == "confirm" for step in steps) else {}
    return _act(env, issue_no, steps, actor, moment, expected, grades)


def agree(env: Env, issue_nos: Iterable[str], actor: Actor, *, at: datetime | None = None) -> BatchResult:
    """Agree with what the system suggests for each of these issues (批量同意), each on its own.

    A level of the scale, or any that owes an answer, is confirmed; 仅记 and 背景 are logged only, 转办 is passed on.
    Where config/register.toml says so, an ordinary issue is given to the unit of its topic in the same step.
    """
    moment = at or env.now()
    done: list[Event] = []
    refused: dict[str, str] = {}
    grades = _grades(env, moment)
    owners = {topic.id: topic.owner for topic in env.settings.taxonomy().topics}
    rules = load_case_rules(env.settings.config).own
    assigns = next(row.roles for row in TABLE if row.event == "assign")
    for issue_no in dict.fromkeys(issue_nos):
        try:
            grade = grades.get(issue_no)
            if grade is None:
                raise GuardError("no_suggestion", "系统尚无建议，请填写级别和理由")
            owes = grade["response_value"] in ("must", "should")
            agreed = None if owes else _AGREED.get(grade["level"])
            steps = [agreed or Step("confirm", {"level": grade["level"]})]
            owner = owners.get(grade["topic"])
            if agreed is None and owner and actor.role in assigns and _goes_by_itself(grade, rules):
                steps.append(Step("assign", {"unit": owner}))
            done.append(_act(env, issue_no, steps, actor, moment, None, grades)[0])
        except CaifengError as error:
            refused[issue_no] = str(error)
    return BatchResult(done, refused)


def verify_register(env: Env) -> list[str]:
    """Faults in the chain of the register, one line each; empty if it is whole."""
    with env.register() as register:
        return chain_faults(register.events())


def erase(env: Env, position: int, reason: str, actor: Actor, *, at: datetime | None = None) -> Event:
    """Delete the free words of one event, where the law asks for it; arguments and errors as `service.erase_texts`."""
    with env.register() as register:
        return erase_texts(register, position, reason, actor, at or env.now())


def parse_payload(pairs: Iterable[str] = (), text: str | None = None, reason: str | None = None) -> dict[str, Any]:
    """What was filled in on the command line: `key=value` pairs, or one JSON object, or both.

    Raises:
        UsageError: a pair has no `=`, the JSON is not an object, or a yes-or-no field is neither.
    """
    payload: dict[str, Any] = {}
    if text:
        try:
            payload = json.loads(text)
        except ValueError as error:
            raise UsageError(f"--payload: not JSON: {error}") from error
        if not isinstance(payload, dict):
            raise UsageError("--payload: not a JSON object")
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(f"{pair!r}: write key=value")
        payload[name] = _typed(name, value)
    return payload | ({"reason": reason} if reason else {})


def parse_on_behalf(role: str | None, decided_at: str | None, medium: str, scan_hash: str | None) -> OnBehalf | None:
    """A decision on paper or by phone from the command line; null if no role is named.

    Raises:
        UsageError: the time is missing or has no zone.
    """
    if role is None:
        return None
    try:
        moment = datetime.fromisoformat(decided_at or "")
    except ValueError as error:
        raise UsageError(f"--decided-at: not a time: {decided_at!r} (write 2026-11-22T18:00+08:00)") from error
    if moment.tzinfo is None:
        raise UsageError(f"--decided-at: time without zone: {decided_at!r} (write 2026-11-22T18:00+08:00)")
    return OnBehalf(role, moment, medium, scan_hash)


def _typed(name: str, value: str) -> Any:
    if name not in FIELDS or FIELDS[name].kind not in ("flag", "claims"):
        return value
    if FIELDS[name].kind == "flag":
        if value.lower() not in (*_TRUE, *_FALSE):
            raise UsageError(f"{name}: write true or false")
        return value.lower() in _TRUE
    try:
        return json.loads(value)
    except ValueError as error:
        raise UsageError(f"{name}: not JSON: {error}") from error


def _act(
    env: Env,
    issue_no: str | None,
    steps: Sequence[Step],
    actor: Actor,
    at: datetime,
    expected: int | None,
    grades: Mapping[str, Mapping[str, Any]],
) -> list[Event]:
    office = env.settings.office()
    if actor.role == "openness_office" and actor.unit is None:
        own = next((unit.id for unit in office.units if unit.name == office.openness_office), None)
        actor = Actor(actor.role, actor.id, own)
    units = sorted(unit.id for unit in office.units)
    ready = []
    for step in steps:
        payload = dict(step.payload)
        for name in ("unit", "accused_unit"):
            if payload.get(name) and payload[name] not in units:
                raise UsageError(f"{FIELDS[name].label}：没有 {payload[name]}（可填 {'、'.join(units)}）")
        if strange := sorted(set(parse_ids(payload.get("joint_units")) or ()) - set(units)):
            raise UsageError(f"{FIELDS['joint_units'].label}：没有 {'、'.join(strange)}（可填 {'、'.join(units)}）")
        if step.event == "extend" and issue_no:
            payload["due_at"] = _original_due(env, issue_no, payload.get("duty"), at)
        if step.event == "confirm" and issue_no:
            payload |= _suggested(grades.get(issue_no), payload)
        ready.append(Step(step.event, payload, step.on_behalf, step.idempotency_key))
    with env.register() as register:
        return act_all(register, issue_no, ready, actor, at, expected, load_case_rules(env.settings.config))


def _suggested(grade: Mapping[str, Any] | None, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The system's side of a confirmation, read from the grade so that no page can misstate it."""
    if grade is None:
        return {"suggested_level": None}  # nothing was suggested, whatever the caller says
    return {
        "suggested_level": grade["level"],
        "response_value": payload.get("response_value") or grade["response_value"],
    }


def _goes_by_itself(grade: Mapping[str, Any], rules: RegisterRules) -> bool:
    """Agreeing to it gives it to a unit: ordinary, and nothing in it may be about that unit."""
    suspected = set(grade["flags"] or ()) & set(rules.assign_by_hand)
    return rules.assign_on_agreement and grade["level"] in rules.ordinary_levels and not suspected


def _original_due(env: Env, issue_no: str, duty: str | None, at: datetime) -> str:
    """The due time of an open duty, computed so that no page can misstate it."""
    due = stand_of(env, clock.business_day(at), at, also=issue_no).due
    open_one = due.filter(pl.col("done_at").is_null(), pl.col("due_at").is_not_null(), issue_no=issue_no, duty=duty)
    if open_one.is_empty():
        raise GuardError("extended_in_time", "没有这项未办的时限，不能延期")
    return str(open_one["due_at"].dt.convert_time_zone("Asia/Shanghai").item().isoformat())


def _grades(env: Env, at: datetime) -> dict[str, dict[str, Any]]:
    """Grade in force of each issue at a moment, by number."""
    rows = grades_in_force(env, clock.business_day(at), at)
    return {
        row["issue_no"]: row
        for row in rows.select("issue_no", "level", "response_value", "topic", "flags").iter_rows(named=True)
    }
