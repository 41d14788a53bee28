"""The approval form (报审) of Airflow's DAG `approval`: what it is asked to show, and its answer into the register.

The register decides: a request that was answered on the page or on paper is `settled`, whatever the form says later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caifeng.cases.machine import NextStep, next_step
from caifeng.cases.model import CASE_ROLE_NAMES, KIND_NAMES, OUTCOME_NAMES, Actor, Case, Event, RoleError
from caifeng.cases.service import Step, cases_of
from caifeng.core.errors import UsageError
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.core.settings import Settings
from caifeng.jobs.case_actions import act_steps
from caifeng.jobs.workbench.desk import USUAL_ACCOUNTS, Desk, roles_of
from caifeng.jobs.workbench.issue import answer_text
from caifeng.reports import words

#: Answers of the approval form.
APPROVAL_OPTIONS = ("同意", "退回", "不予")


@dataclass(frozen=True)
class ApprovalRequest:
    """What the approval form is asked to show: words of the register and of the rules, nothing scraped."""

    request_id: str
    issue_no: str
    subject: str
    body: str
    users: tuple[str, ...]

    def conf(self) -> dict[str, Any]:
        """Parameters of the DAG `approval`."""
        return {
            "request_id": self.request_id, "issue_no": self.issue_no, "subject": self.subject, "body": self.body,
            "users": list(self.users),
        }  # fmt: skip


def approval_request(desk: Desk, submitted: Event) -> ApprovalRequest:
    """The request that a `submit` event makes; the level decides who is asked."""
    case = cases_of(desk.register.events(submitted.subject))[submitted.subject]
    events = desk.register.events(submitted.subject)
    role = (next_step(case) or NextStep("approve", "deputy")).role
    level = words.level_text(case.level) if case.level else words.UNKNOWN
    answer = _markdown(answer_text(case, events))
    users = desk.settings.office().users_of(role, desk.env.now())
    outcome = OUTCOME_NAMES[case.outcome] if case.outcome else "核查中"
    body = (
        f"**级别** {level}　**类别** {KIND_NAMES[case.draft_kind or 'final']}　**核查结论** {outcome}\n\n"
        f"**拟发口径**\n\n{answer}\n\n"
        f"请{CASE_ROLE_NAMES[role]}审批。退回、不予须写明意见。详情见工作台事项 {case.issue_no}。"
    )
    return ApprovalRequest(
        request_id=_request_id(submitted),
        issue_no=submitted.subject,
        subject=f"报审 {submitted.subject} {KIND_NAMES[case.draft_kind or 'final']}（{level}）",
        body=body,
        users=users or tuple(u for u, r in USUAL_ACCOUNTS.items() if r == role),
    )


def _request_id(submitted: Event) -> str:
    return f"{submitted.subject}-{submitted.sequence}"


def _markdown(text: str) -> str:
    """The office's own text without the signs that Markdown or HTML would take for their own."""
    return "".join("\\" + sign if sign in "\\`*_{}[]<>()#+-!|~" else sign for sign in text)


def settle_request(settings: Settings, request_id: str, option: str, opinion: str, level: str | None, user: str) -> str:
    """Write the answer of the approval form into the register; the same answer twice counts once.

    Args:
        settings: where the register is.
        request_id: as `ApprovalRequest.request_id`.
        option: one of `APPROVAL_OPTIONS`. 不予 sends the draft back with that word: nothing may be published.
        opinion: what the leader wrote.
        level: level that the leader set, code or name; null or empty: as it is.
        user: account that answered.

    Returns:
        What became of it: `approved`, `returned`, or `settled` where the request was answered elsewhere before.

    Raises:
        RoleError, GuardError: this account may not, or a rule forbids it; the request stays open.
    """
    desk = Desk.open(settings)
    try:
        issue_no, _, sequence = request_id.rpartition("-")
        events = desk.register.events(issue_no)
        case = cases_of(events).get(issue_no, Case(issue_no))
        asked = next((e for e in events if e.sequence == int(sequence) and e.name == "submit"), None)
        if asked is None:
            raise UsageError(f"no such request: {request_id}")
        later = [e for e in events if e.sequence > asked.sequence and e.name in ("approve", "return", "withdraw")]
        if later or case.answer != "in_review":
            return "settled"
        step = next_step(case)
        office = desk.settings.office()
        roles = roles_of(user, office, desk.env.now())
        wanted = step.role if step else "deputy"
        role = wanted if wanted in roles else next((r for r in roles if r in ("chief", "deputy")), "")
        if not role:
            raise RoleError(f"账号 {user} 不能审批")
        steps = []
        level = {names[0]: code for code, names in LEVEL_NAMES.items()}.get(level or "", level)
        if level and level != case.level:
            steps.append(Step("change_level", {"level": level, "reason": f"审批时核定级别，意见：{opinion or '无'}"}))
        if option == "同意":
            steps.append(Step("approve", {"text": opinion}, idempotency_key=request_id))
        else:
            said = opinion.strip() or "未写意见"
            reason = said if option == "退回" else f"不予：{said}"
            steps.append(Step("return", {"reason": reason}, idempotency_key=request_id))
        act_steps(desk.env, issue_no, steps, Actor(role, user), expected=case.sequence)
        return "approved" if option == "同意" else "returned"
    finally:
        desk.register.close()


def request_of(desk: Desk, answered: Event) -> str | None:
    """Id of the request that an `approve` or `return` event answers; null if there is none."""
    events = desk.register.events(answered.subject)
    submitted = [event for event in events if event.name == "submit" and event.sequence < answered.sequence]
    return _request_id(submitted[-1]) if submitted else None


def settle_as_asked(request_id: str, option: str, opinion: str, level: str | None, user: str) -> str:
    """`settle_request` with the settings of this process: what the DAG `approval` calls."""
    return settle_request(Settings.load(), request_id, option, opinion, level, user)
