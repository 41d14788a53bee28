"""Frames of the lake tables cases.*: pure functions of events, issues and grades; no clock, no reading.

A case exists for every issue. What the system suggests stands beside what people decided, and never becomes an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from caifeng.cases.corrections import SetFact
from caifeng.cases.deadlines import DeadlineInput, due_dates, ladder
from caifeng.cases.machine import apply, next_step
from caifeng.cases.model import DONE_STATES, HAND_OFFS, Case, Event
from caifeng.cases.workdays import MissingYearError, WorkCalendar
from caifeng.core.clock import SHANGHAI, business_day
from caifeng.core.model.deadlines import OWN_RULE, DeadlineRules
from caifeng.core.model.register import RegisterRules

_TIME = pl.Datetime("us", "UTC")

#: When each duty was done, as an attribute of the case.
_DONE_AT = {
    "confirm": "confirmed_at",
    "report_inside": "reported_inside_at",
    "report_up": "reported_up_at",
    "refer": "referred_at",
    "verify": "verified_at",
    "respond": "first_published_at",
    "respond_final": "final_published_at",
    "press_conference": "press_conference_at",
    "rectify": "plan_done_at",
}
_EMERGENCIES = ("major", "extreme")

_CASE_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(
        (
            "issue_no", "state", "answer", "confirmed_level", "set_response_value", "set_emergency_level",
            "set_channel", "unit", "accused_unit", "parent", "reason_code", "outcome", "adoption",
            "next_event", "next_role",
        ),
        pl.String,
    ),
    **dict.fromkeys(("events", "reopened", "opinions", "rounds", "awaiting_receipt"), pl.Int64),
    "bureau_accused": pl.Boolean,
    "plan_due": pl.Date,
    "set_sensitive": pl.Boolean,
    "set_complex": pl.Boolean,
    **dict.fromkeys(("opened_at", *_DONE_AT.values(), "plan_at", "result_notice_at"), _TIME),
    **dict.fromkeys(("closed_at", "last_event_at"), _TIME),
}  # fmt: skip
_EVENT_SCHEMA: dict[str, Any] = {
    "event_id": pl.String, "position": pl.Int64, "issue_no": pl.String, "sequence": pl.Int64, "event": pl.String,
    "from_state": pl.String, "to_state": pl.String, "role": pl.String, "registered_by": pl.String,
    "medium": pl.String, "scan_hash": pl.String, "decided_at": _TIME, "at": _TIME, "level": pl.String,
    "outcome": pl.String, "reason_code": pl.String, "unit": pl.String, "log_day": pl.Date, "file_hash": pl.String,
    "payload_hash": pl.String, "hash": pl.String,
}  # fmt: skip
_CLAIM_SCHEMA: dict[str, Any] = {
    "issue_no": pl.String, "event_id": pl.String, "claim_no": pl.Int64, "type": pl.String, "finding": pl.String,
    "evidence": pl.Int64, "concluded_at": _TIME,
}  # fmt: skip
_RESPONSE_SCHEMA: dict[str, Any] = {
    "issue_no": pl.String, "round_no": pl.Int64, "event_id": pl.String, "kind": pl.String, "form": pl.String,
    "url": pl.String, "index_no": pl.String, "published_at": _TIME, "approved_by": pl.String, "approved_at": _TIME,
    "supersedes": pl.Int64, "claims_answered": pl.List(pl.String), "registered_at": _TIME,
}  # fmt: skip
_HAND_OFF_SCHEMA: dict[str, Any] = {
    "issue_no": pl.String, "event_id": pl.String, "kind": pl.String, "round": pl.String, "recipient": pl.String,
    "medium": pl.String, "suspected_illegal": pl.Boolean, "sent_at": _TIME, "receipt_at": _TIME,
}  # fmt: skip
_DUE_SCHEMA: dict[str, Any] = {
    "issue_no": pl.String, "duty": pl.String, "started_at": _TIME, "half_at": _TIME, "late_at": _TIME, "due_at": _TIME,
    "extended_to": _TIME, "supervise_at": _TIME, "chief_at": _TIME,
    "basis": pl.String, "done_at": _TIME, "report_to": pl.String, "next_event": pl.String, "next_role": pl.String,
    "as_of": _TIME,
}  # fmt: skip
_SET_SCHEMA: dict[str, Any] = dict.fromkeys(
    ("issue_no", "measure", "value", "setter", "role", "post_id", "event_id", "detail"), pl.String
)
#: Fields that are one of a list of the grading input.
_MEASURES = {
    "superior_orders": "facts.superior_orders",
    "leader_instruction": "facts.leader_instruction",
    "offline_collective": "facts.offline_collective",
    "key_category": "flags.key_category",
}


def cases_frame(
    issues: pl.DataFrame, grades: pl.DataFrame, cases: Mapping[str, Case], as_of: datetime, rules: RegisterRules
) -> pl.DataFrame:
    """Table cases.cases without `is_open` of referrals (see `due_frame`): every issue with how its case stands.

    Args:
        issues: one row per issue, `issue_no` and `detected_at`.
        grades: at most one row per issue, its grade in force; columns as graded.issue_grades.
        cases: cases that have events.
        as_of: moment of the snapshot.
        rules: the office's own, by which a consultation is a next step.
    """
    said = {number: rest for number, *rest in grades.select("issue_no", "level", "sensitive").iter_rows()}
    rows = [_case_row(case, rules, *said.get(number, (None, None))) for number, case in cases.items()]
    known = pl.DataFrame(rows, schema=_CASE_SCHEMA)
    suggested = grades.select(
        "issue_no",
        pl.col("level").alias("system_level"),
        pl.col("response_value").alias("system_response_value"),
        pl.col("emergency_level").alias("system_emergency_level"),
        pl.col("sensitive").alias("system_sensitive"),
        pl.col("facts").list.contains("official_channel").alias("by_official_channel"),
        pl.col("as_of").alias("graded_as_of"),
        "rule_version",
    )
    # Somebody who writes to the office itself asks it; how a post came otherwise is said by a person.
    channel = pl.when(pl.col("by_official_channel")).then(pl.lit("website")).otherwise(pl.lit("public"))
    return (
        issues.select("issue_no", "detected_at")
        .join(known, on="issue_no", how="left")
        .join(suggested, on="issue_no", how="left")
        .with_columns(
            pl.col("state").fill_null("detected"),
            pl.col("answer").fill_null("none"),
            pl.col("events", "reopened", "opinions", "rounds", "awaiting_receipt").fill_null(0),
            pl.coalesce("opened_at", "detected_at").alias("started_at"),
            pl.coalesce("confirmed_level", "system_level").alias("level"),
            pl.coalesce("set_response_value", "system_response_value").alias("response_value"),
            pl.coalesce("set_emergency_level", "system_emergency_level", pl.lit("none")).alias("emergency_level"),
            pl.coalesce("set_sensitive", "system_sensitive", False).alias("sensitive"),
            pl.coalesce("set_complex", False).alias("complex"),
            pl.coalesce("set_channel", channel).alias("channel"),
            pl.lit(as_of).cast(_TIME).alias("as_of"),
        )
        .with_columns(
            is_open=~pl.col("state").is_in(DONE_STATES),
            next_event=pl.when(pl.col("events") == 0).then(pl.lit("confirm")).otherwise("next_event"),
            next_role=pl.when(pl.col("events") == 0).then(pl.lit("openness_office")).otherwise("next_role"),
        )
        .select(pl.exclude(*(name for name in _CASE_SCHEMA if name.startswith("set_")), "opened_at"))
        .select(pl.exclude("^system_(response_value|emergency_level|sensitive)$", "by_official_channel"))
        .sort("issue_no")
    )


def due_frame(
    stand: pl.DataFrame,
    cases: Mapping[str, Case],
    rules: DeadlineRules,
    calendar: WorkCalendar,
    own: RegisterRules,
) -> pl.DataFrame:
    """Table cases.due: what each case owes by when, done or open. Ungraded cases owe nothing yet.

    A case that is over owes nothing more but a referral; what it had done stays. Where the working days of a year are
    not known, one row `unknown` says so instead of a guess.

    Args:
        stand: rows of `cases_frame`.
        cases: cases that have events.
        rules: limits in force.
        calendar: working days.
        own: the office's own rules, by which a consultation is a next step.
    """
    rows: list[dict[str, Any]] = []
    for row in stand.filter(pl.col("level").is_not_null()).iter_rows(named=True):
        case = cases.get(row["issue_no"]) or Case(row["issue_no"])
        rows += _due_rows(row, case, rules, calendar, own)
    return pl.DataFrame(rows, schema=_DUE_SCHEMA).sort("issue_no", "duty")


def events_frame(events: Iterable[Event], day: date) -> pl.DataFrame:
    """Table cases.events: what was registered on a Shanghai day."""
    rows = [
        {
            "event_id": event.event_id,
            "position": event.position,
            "issue_no": event.subject if event.from_state is not None else None,
            "sequence": event.sequence,
            "event": event.name,
            "from_state": event.from_state,
            "to_state": event.to_state,
            "role": event.role,
            "registered_by": event.actor_role,
            "medium": event.on_behalf.medium if event.on_behalf else None,
            "scan_hash": event.on_behalf.scan_hash if event.on_behalf else None,
            "decided_at": event.decided_at,
            "at": event.at,
            "level": event.codes.get("level"),
            "outcome": event.codes.get("outcome"),
            "reason_code": event.codes.get("log_reason") or event.codes.get("scope_reason"),
            "unit": event.codes.get("unit"),
            "log_day": date.fromisoformat(event.codes["day"]) if "day" in event.codes else None,
            "file_hash": event.codes.get("file_hash"),
            "payload_hash": event.payload_hash,
            "hash": event.hash,
        }
        for event in _of_day(events, day)
    ]
    return pl.DataFrame(rows, schema=_EVENT_SCHEMA)


def claims_frame(events: Iterable[Event], day: date) -> pl.DataFrame:
    """Table cases.claims: findings claim by claim, of the verifications registered on a Shanghai day."""
    rows = [
        {
            "issue_no": event.subject,
            "event_id": event.event_id,
            "claim_no": number,
            "type": claim["type"],
            "finding": claim["finding"],
            "evidence": len(claim["evidence"]),
            "concluded_at": event.decided_at,
        }
        for event in _of_day(events, day)
        if event.name == "verify"
        for number, claim in enumerate(event.payload.get("claims", ()), start=1)
    ]
    return pl.DataFrame(rows, schema=_CLAIM_SCHEMA)


def responses_frame(events: Sequence[Event], day: date) -> pl.DataFrame:
    """Table cases.responses: what was published, registered on a Shanghai day.

    Args:
        events: all events up to the end of the day; earlier ones tell the round, the approval and what is corrected.
        day: Shanghai day.
    """
    rows = []
    stand: dict[str, Case] = {}
    for event in events:
        if event.from_state is None:
            continue
        before = stand.get(event.subject) or Case(event.subject)
        stand[event.subject] = apply(before, event)
        if event.name not in ("publish", "result_notice"):
            continue
        if business_day(event.at) != day:
            continue
        published_at = event.codes.get("published_at")
        rows.append(
            {
                "issue_no": event.subject,
                "round_no": stand[event.subject].rounds,
                "event_id": event.event_id,
                "kind": event.codes.get("kind", "result"),
                "form": event.codes["form"],
                "url": event.payload.get("url"),
                "index_no": event.payload.get("index_no"),
                "published_at": datetime.fromisoformat(published_at) if published_at else event.decided_at,
                "approved_by": before.approved_by if event.name == "publish" else None,
                "approved_at": before.approved_at if event.name == "publish" else None,
                "supersedes": before.correcting if event.codes.get("kind") == "final" else None,
                "claims_answered": event.codes.get("claims_answered", []),
                "registered_at": event.at,
            }
        )
    return pl.DataFrame(rows, schema=_RESPONSE_SCHEMA)


def hand_offs_frame(events: Sequence[Event], day: date) -> pl.DataFrame:
    """Table cases.hand_offs: what was reported, referred or shared, or receipted, on a Shanghai day.

    A receipt that comes on a later day gives the hand-off another row on that day; the latest row counts.

    Args:
        events: all events up to the end of the day; earlier ones tell the round and what a receipt is for.
        day: Shanghai day.
    """
    rows: dict[str, dict[str, Any]] = {}
    touched: list[str] = []
    told: set[tuple[str, str, str]] = set()
    for event in events:
        if event.name in HAND_OFFS:
            towards = (event.subject, event.name, event.codes["recipient"])
            rows[event.event_id] = {
                "issue_no": event.subject,
                "event_id": event.event_id,
                "kind": HAND_OFFS[event.name],
                "round": event.codes.get("round") or ("follow_up" if towards in told else "first"),
                "recipient": event.codes["recipient"],
                "medium": event.codes["medium"],
                "suspected_illegal": event.codes.get("suspected_illegal", False),
                "sent_at": event.decided_at,
                "receipt_at": _time(event.codes.get("receipt_at")),
            }
            told.add(towards)
            known = event.event_id
        elif event.name == "receipt":
            known = f"{event.subject}#{event.codes['hand_off']}"
            rows[known] = rows[known] | {"receipt_at": _time(event.codes["receipt_at"])}
        else:
            continue
        if business_day(event.at) == day:
            touched.append(known)
    return pl.DataFrame([rows[known] for known in dict.fromkeys(touched)], schema=_HAND_OFF_SCHEMA)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def set_measures(said: Iterable[SetFact]) -> pl.DataFrame:
    """What people set, as measures with their setter: `known` of transforms.grade.measure.measure_issues.

    Args:
        said: `facts_in_force`.

    Returns:
        issue_no, measure (`emergency_level`, `facts.superior_orders`, `flags.key_category`, `sensitive`), value (the
        code, or `true` or `false`), setter (`person`), role, post_id (null), event_id, detail (registered when).
    """
    rows = [
        {
            "issue_no": fact.issue_no,
            "measure": _MEASURES.get(fact.field, fact.field),
            "value": str(fact.value).lower(),
            "setter": "person",
            "role": fact.role,
            "event_id": fact.event_id,
            "detail": f"set@{fact.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        for fact in said
    ]
    return pl.DataFrame(rows, schema=_SET_SCHEMA)


def _of_day(events: Iterable[Event], day: date) -> list[Event]:
    return [event for event in events if business_day(event.at) == day]


def _case_row(case: Case, rules: RegisterRules, level: str | None, sensitive: bool | None) -> dict[str, Any]:
    values = {field.name: getattr(case, field.name) for field in fields(Case)}
    step = next_step(case, None, level, sensitive, rules)
    row = values | {
        "confirmed_level": case.level,
        "events": case.sequence,
        "awaiting_receipt": len(case.awaiting_receipt),
        "next_event": step and step.event,
        "next_role": step and step.role,
        **{
            f"set_{name}": values[name]
            for name in ("response_value", "emergency_level", "sensitive", "complex", "channel")
        },
    }
    return {name: row[name] for name in _CASE_SCHEMA}


def _due_rows(
    row: Mapping[str, Any], case: Case, rules: DeadlineRules, calendar: WorkCalendar, own: RegisterRules
) -> list[dict[str, Any]]:
    started_at = row["started_at"]
    common = {"issue_no": row["issue_no"], "started_at": started_at, "as_of": row["as_of"]}
    asked = DeadlineInput(
        **{name: row[name] for name in ("issue_no", "level", "emergency_level", "sensitive", "complex", "channel")},
        response_value=row["response_value"],
        detected_at=started_at,
    )
    try:
        dates = due_dates(asked, rules, calendar)
    except MissingYearError as error:
        if not case.is_open:
            return []
        return [{**common, "duty": "unknown", "basis": f"{error.year}年节假日安排未载入，无法计算时限"}]
    due: dict[str, tuple[datetime, datetime, str]] = {
        duty: (started_at, due_at, dates.basis[duty]) for duty, due_at in dates.due.items() if due_at
    }
    if case.plan_at and case.plan_due:
        end = datetime.combine(case.plan_due, rules.clock.working_day_ends, SHANGHAI)
        due["rectify"] = (case.plan_at, max(end, case.plan_at), f"{OWN_RULE}（整改方案所定期限）")
    found = []
    for duty, (starts, due_at, basis) in due.items():
        done_at = _done_at(case, duty, row["emergency_level"])
        if done_at is None and not (case.is_open or (duty == "refer" and _still_refers(case))):
            continue
        given = dict(case.extended).get(duty)
        extended_to = given if given and given > due_at else None
        orders = [at for name, at in case.supervised if name == duty]
        steps = ladder(starts, due_at, rules, extended_to, orders)
        step = None if done_at else next_step(case, duty, row["level"], row["sensitive"], own)
        found.append(
            {
                **common,
                "duty": duty,
                "started_at": starts,
                "half_at": steps.half_at,
                "late_at": steps.late_at,
                "due_at": due_at,
                "extended_to": extended_to,
                "supervise_at": steps.supervise_at,
                "chief_at": steps.chief_at,
                "basis": basis,
                "done_at": done_at,
                "report_to": dates.report_inside_to if duty == "report_inside" else None,
                "next_event": step and step.event,
                "next_role": step and step.role,
            }
        )
    return found


def _still_refers(case: Case) -> bool:
    """Whether a case that was passed on still owes the letter; what was no matter of statistics at all owes none."""
    return case.state == "out_of_scope" and case.reason_code != "irrelevant"


def _done_at(case: Case, duty: str, emergency_level: str) -> datetime | None:
    if duty == "respond" and emergency_level in _EMERGENCIES:
        # 国办发〔2016〕80号 asks for authoritative information: a mere 已关注 does not satisfy it.
        return case.final_published_at
    done_at: datetime | None = getattr(case, _DONE_AT[duty])
    return done_at


def kept(stand: pl.DataFrame, due: pl.DataFrame, today: Iterable[str], day: date) -> pl.DataFrame:
    """Rows of `cases_frame` that belong into the snapshot of a day, with `is_open` counting open referrals, too.

    Kept are issues of the day, cases that were acted on that day, and whatever still waits for somebody: a case under
    treatment, or a duty of a case that nobody has touched.

    Args:
        stand: rows of `cases_frame`.
        due: rows of `due_frame`.
        today: numbers of the issues that were new or moved on the day.
        day: Shanghai day.
    """
    waiting = pl.col("issue_no").is_in(due.filter(pl.col("done_at").is_null())["issue_no"].implode())
    acted = pl.col("last_event_at").dt.convert_time_zone("Asia/Shanghai").dt.date() == day
    under_way = (pl.col("events") > 0) & pl.col("is_open")
    return stand.filter(
        pl.col("issue_no").is_in(pl.Series(list(today), dtype=pl.String).implode())
        | acted.fill_null(False)
        | under_way
        | waiting
    ).with_columns(is_open=under_way | waiting)
