"""Who is next: the next step of a case, towards a duty or towards closing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from caifeng.cases.guards import CHIEF_LEVELS, owes_hearing
from caifeng.cases.model import RESULT_OWED, Case
from caifeng.core.model.register import RegisterRules


class NextStep(NamedTuple):
    """What has to be done next, and which role does it."""

    event: str
    role: str


def next_step(
    case: Case,
    duty: str | None = None,
    level: str | None = None,
    sensitive: bool | None = None,
    rules: RegisterRules | None = None,
) -> NextStep | None:
    """The next step towards a duty (docs: deadlines), or towards closing the case if none is named; null: nothing.

    Args:
        case: how the case stands.
        duty: key of a due time: confirm, report_inside, report_up, refer, verify, respond, respond_final,
            press_conference, rectify.
        level: level in force, for a case that nobody has confirmed.
        sensitive: suggested as 敏感, for a case of which nobody has said so or otherwise; null: not known.
        rules: the office's own rules; null: a consultation is never proposed.
    """
    step = _next_step(case, duty, level)
    final = case.draft_kind != "interim" and (case.outcome is not None or case.answer == "drafted")
    if step and final and step.event in ("draft", "submit") and rules and owes_hearing(case, rules, level, sensitive):
        return NextStep("consult_result" if case.consulted else "consult", "openness_office")
    return step


def tracked_until(case: Case, rules: RegisterRules) -> datetime | None:
    """Until when an answered case is watched for what people say to it; null: nothing was published."""
    said = [at for at in (case.final_published_at, case.result_notice_at) if at is not None]
    return max(said) + timedelta(hours=rules.tracking_hours) if said else None


def _next_step(case: Case, duty: str | None, level: str | None) -> NextStep | None:
    own = {
        "confirm": NextStep("confirm", "openness_office"),
        "report_inside": NextStep("report_inside", "openness_office"),
        "report_up": NextStep("report_up", "openness_office"),
        "refer": NextStep("refer", "openness_office"),
    }
    if duty in own:
        return own[duty]
    if not case.is_open:
        return None
    if case.state == "detected":
        return own["confirm"]
    approver = "chief" if (case.level or level) in CHIEF_LEVELS else "deputy"
    if duty == "rectify":
        return NextStep("plan_done", "openness_office")
    answering = {
        "drafted": NextStep("submit", "openness_office"),
        "in_review": NextStep("approve", approver),
        "approved": NextStep("publish", "openness_office") if case.checked_by else NextStep("check_release", approver),
    }
    wants_answer = duty in ("respond", "respond_final", "press_conference") or (duty is None and not case.closed_at)
    if wants_answer and case.answer in answering and not (duty == "respond_final" and case.draft_kind == "interim"):
        return answering[case.answer]
    if case.outcome is None:
        return NextStep("verify", "section") if case.state == "assigned" else NextStep("assign", "openness_office")
    no_answer_owed = case.response_value in ("log_only", "refer_out") and case.outcome not in RESULT_OWED
    if duty is None and case.correcting is None and (case.final_published_at or no_answer_owed):
        return _towards_closing(case, approver)
    return NextStep("draft", "openness_office")


def _towards_closing(case: Case, approver: str) -> NextStep:
    """What is left once nothing more is owed to the public but the result."""
    if case.owes_adoption:
        return NextStep("adopt", "openness_office")
    if case.outcome in RESULT_OWED:
        if case.plan_at is None:
            return NextStep("plan", "openness_office")
        if case.plan_done_at is None:
            return NextStep("plan_done", "openness_office")
        if case.result_notice_at is None:
            checked = NextStep("result_notice", "openness_office")
            return checked if case.checked_by else NextStep("check_release", approver)
    return NextStep("close", "openness_office")
