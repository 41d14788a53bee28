"""When each duty of an issue is due: one pure function of the issue, the rules and the calendar.

Clock hours run through nights, weekends and holidays; working days follow the calendar. All times are Beijing time.
Rules: Art. 7, 8 and 11 of 《政务舆情回应制度》; numbers and documents: config/deadlines.toml, config/policy_basis.toml.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from caifeng.cases.workdays import WorkCalendar
from caifeng.core.clock import SHANGHAI
from caifeng.core.model.deadlines import COMPUTED_DUTIES, Channel, DeadlineRules, Limit, OfficeClock
from caifeng.core.model.grading import EmergencyLevel

_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)

#: Whom to tell inside the office, by level.
_REPORT_INSIDE_TO: dict[str, Literal["deputy", "chief"]] = {"larger": "deputy", "major": "chief", "extreme": "chief"}

Stage = Literal["none", "half", "late", "overdue", "supervise", "chief"]


def _parse_time(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        if _ISO_TIME.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("time", "not a time (write 2026-11-22T18:00:00+08:00)")


def _to_beijing_time(at: datetime) -> datetime:
    if not 2000 <= at.year <= 2099:
        raise PydanticCustomError("time", "not in the years 2000 to 2099")
    return at.astimezone(SHANGHAI)


class DeadlineInput(BaseModel):
    """One line of `caifeng deadlines --json`: what decides the deadlines of an issue. Nothing may be unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    issue_no: str
    level: Literal["log_only", "general", "larger", "major", "extreme", "context", "refer_out"]
    response_value: Literal["must", "should", "log_only", "refer_out"]
    emergency_level: EmergencyLevel
    """Level of the underlying emergency, set by a person; it is not the level of the issue."""
    sensitive: bool
    complex: bool
    channel: Channel
    """How the matter came; all but `public` are a person asking the office."""
    detected_at: Annotated[AwareDatetime, BeforeValidator(_parse_time), AfterValidator(_to_beijing_time)]
    """When it was found; for channels other than `public` when it was received. Any zone, kept as +08:00."""


class DueDates(NamedTuple):
    """When each duty of an issue is due."""

    due: dict[str, datetime | None]
    """Every key of COMPUTED_DUTIES; Beijing time (+08:00); None: no such duty."""
    report_inside_to: Literal["deputy", "chief"] | None
    basis: dict[str, str]
    """Why, for each duty there is; printable."""


class _Duty(NamedTuple):
    at: datetime
    limit: Limit | None
    """None: a time of day of the office."""


def due_dates(case: DeadlineInput, rules: DeadlineRules, calendar: WorkCalendar) -> DueDates:
    """When each duty is due, and by which rule.

    Args:
        case: the issue.
        rules: limits in force, with the documents they cite.
        calendar: working days.

    Raises:
        MissingYearError: a duty is counted in working days of a year whose notice is not loaded.
    """
    respond = _first_answer(case, rules, calendar)
    duties = _duties_of_level(case, rules, calendar, answer_due=respond is not None)
    if respond:
        duties["respond"] = respond
    if _in_emergency(case):
        duties["press_conference"] = _within(rules.emergency.press_conference, case, rules, calendar)

    start = "发现时间" if case.channel == "public" else "收到时间"
    return DueDates(
        due={key: duties[key].at if key in duties else None for key in COMPUTED_DUTIES},
        report_inside_to=_REPORT_INSIDE_TO.get(case.level),
        basis={key: rules.basis_of(duties[key].limit, start) for key in COMPUTED_DUTIES if key in duties},
    )


def hours_left(due: datetime, as_of: datetime) -> float:
    """Clock hours from `as_of` to `due`; negative when overdue."""
    return (due - as_of) / timedelta(hours=1)


def warning_stage(start: datetime, due: datetime, as_of: datetime, *, half: int = 50, late: int = 80) -> Stage:
    """How far the span of a duty has run.

    Args:
        start: when the clock of the duty began, `detected_at` for all of `due_dates`.
        due: its original end; an extension does not move the stages.
        as_of: moment of the evaluation.
        half: percent of the span from which it is `half` (config/deadlines.toml: warning).
        late: percent of the span from which it is `late`.

    Returns:
        `overdue` after `due`, not at it; before, the stage reached.
    """
    if as_of > due:
        return "overdue"
    passed, span = as_of - start, due - start
    if passed * 100 >= span * late:
        return "late"
    return "half" if passed * 100 >= span * half else "none"


class Ladder(NamedTuple):
    """When an open duty comes to each step of the ladder (Art. 7, 14.4; config/deadlines.toml: warning, ladder)."""

    half_at: datetime
    late_at: datetime
    missed_after: datetime
    """The due time, or the one it was extended to; missed after it, not at it."""
    supervise_at: datetime
    chief_at: datetime


def ladder(
    start: datetime,
    due: datetime,
    rules: DeadlineRules,
    extended_to: datetime | None = None,
    orders: Sequence[datetime] = (),
) -> Ladder:
    """The ladder of a duty.

    Args:
        start: when its clock began.
        due: its original end; the shares of the span are those of it, whatever was extended.
        rules: limits in force.
        extended_to: its end after an extension.
        orders: when 督办单 were issued for it, in their order; those before its end do not count.
    """
    end = extended_to or due
    chief_at = end + timedelta(hours=rules.ladder.chief_after_hours)
    counting = [at for at in orders if at > end]
    if len(counting) >= rules.ladder.orders_before_chief:
        chief_at = min(chief_at, counting[rules.ladder.orders_before_chief - 1])
    supervise_at = min(end + timedelta(hours=rules.ladder.supervise_after_hours), chief_at)
    half, late = (start + (due - start) * percent / 100 for percent in (rules.warning.half, rules.warning.late))
    return Ladder(half, late, end, supervise_at, chief_at)


def stage_at(steps: Ladder, as_of: datetime) -> Stage:
    """The step of the ladder on which an open duty stands at a moment."""
    if as_of > steps.missed_after:
        return "chief" if as_of >= steps.chief_at else "supervise" if as_of >= steps.supervise_at else "overdue"
    return "late" if as_of >= steps.late_at else "half" if as_of >= steps.half_at else "none"


def _in_emergency(case: DeadlineInput) -> bool:
    return case.emergency_level in ("major", "extreme")


def _duties_of_level(
    case: DeadlineInput, rules: DeadlineRules, calendar: WorkCalendar, *, answer_due: bool
) -> dict[str, _Duty]:
    """The duties of a level, without the first answer. At 一般 only a due one asks for a final one."""

    def within(limit: Limit) -> _Duty:
        return _within(limit, case, rules, calendar)

    def by_day(limit: Limit) -> _Duty:
        return _Duty(_out_of_the_night(within(limit).at, rules.clock), limit)

    if case.level == "refer_out":
        return {"refer": within(rules.refer_out.refer)}
    if case.level == "general":
        general = rules.general
        final = general.respond_final_complex if case.complex else general.respond_final
        return {
            "confirm": _Duty(_same_or_next_working_day(case.detected_at, rules.clock, calendar), None),
            "verify": within(general.verify_complex if case.complex else general.verify),
            **({"respond_final": within(final)} if answer_due else {}),
        }
    if case.level == "larger":
        larger = rules.larger
        return {
            "confirm": by_day(larger.confirm),
            "report_inside": by_day(larger.report_inside),
            **({"report_up": within(larger.report_up_sensitive)} if case.sensitive else {}),
            "verify": within(larger.verify_complex if case.complex else larger.verify),
            "respond_final": within(larger.respond_final_complex if case.complex else larger.respond_final),
        }
    if case.level in ("major", "extreme"):
        severe = rules.major if case.level == "major" else rules.extreme
        return {
            "confirm": within(severe.confirm),
            "report_inside": within(severe.report_inside),
            "report_up": within(severe.report_up),
            "verify": within(severe.verify),
            "respond_final": within(severe.respond_final),
        }
    return {}  # log_only, context


def _first_answer(case: DeadlineInput, rules: DeadlineRules, calendar: WorkCalendar) -> _Duty | None:
    """The first answer: by the emergency, else from 较大 on by the level, else by the channel."""
    if _in_emergency(case):
        return _within(rules.emergency.respond, case, rules, calendar)
    if case.level in ("larger", "major", "extreme"):
        by_level = {"larger": rules.larger.respond, "major": rules.major.respond, "extreme": rules.extreme.respond}
        return _within(by_level[case.level], case, rules, calendar)
    if case.level == "refer_out" or case.response_value not in ("must", "should"):
        return None
    suggestion = rules.channel.suggestion_complex if case.complex else rules.channel.suggestion
    by_channel = {
        "public": rules.channel.public,
        "website": rules.channel.website,
        "hotline_question": rules.channel.hotline_question,
        "hotline_other": rules.channel.hotline_other,
        "suggestion": suggestion,
    }
    asked = _within(by_channel[case.channel], case, rules, calendar)
    if case.response_value == "should":
        return asked
    must = _within(rules.channel.must, case, rules, calendar)
    return must if must.at < asked.at else asked


def _within(limit: Limit, case: DeadlineInput, rules: DeadlineRules, calendar: WorkCalendar) -> _Duty:
    found = case.detected_at
    if limit.working_days is None:
        return _Duty(found + limit.clock_time, limit)
    day = calendar.working_day_after(found.date(), limit.working_days)
    return _Duty(_at(day, rules.clock.working_day_ends), limit)


def _out_of_the_night(at: datetime, clock: OfficeClock) -> datetime:
    """D(x) of the rules: a time in the night is moved to the morning that ends it."""
    if at.time() >= clock.night_from:
        return _at(at.date() + timedelta(days=1), clock.morning)
    return _at(at.date(), clock.morning) if at.time() < clock.night_to else at


def _same_or_next_working_day(found: datetime, clock: OfficeClock, calendar: WorkCalendar) -> datetime:
    """W(x) of the rules: still today if the office has time for it, else first thing on the next working day."""
    if found.time() < clock.confirm_before and calendar.is_working_day(found.date()):
        return _at(found.date(), clock.confirm_same_day)
    return _at(calendar.working_day_after(found.date()), clock.confirm_next_day)


def _at(day: date, time_of_day: time) -> datetime:
    return datetime.combine(day, time_of_day, SHANGHAI)
