"""Shared by the tests of the register: a register with some issues, and a clock that moves on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from caifeng.cases.model import CHECK_NAMES, Actor, Case, Event, OnBehalf
from caifeng.cases.service import act, read_case
from caifeng.cases.store import Register

START = datetime(2026, 11, 20, 1, tzinfo=UTC)
ONE, TWO, THREE = "YQ-2026-0001", "YQ-2026-0002", "YQ-2026-0003"
SCAN = "a" * 64


class Desk:
    """One register, one case at a time; every act is a minute later than the one before."""

    def __init__(self, register: Register, issue_no: str = ONE) -> None:
        self.register, self.issue_no, self.at = register, issue_no, START

    def do(
        self,
        event: str,
        role: str,
        actor: str | None = None,
        *,
        on_behalf: OnBehalf | None = None,
        key: str | None = None,
        expected: int | None = None,
        of_unit: str | None = None,
        **payload: Any,
    ) -> Event:
        self.at += timedelta(minutes=1)
        who = Actor(role, actor or f"{role}-1", of_unit)
        return act(self.register, self.issue_no, event, who, payload, self.at, on_behalf, key, expected)

    @property
    def case(self) -> Case:
        return read_case(self.register, self.issue_no)

    def confirm(self, level: str = "general", **payload: Any) -> None:
        self.do("confirm", "monitor", **{"level": level, "suggested_level": level, "response_value": "must", **payload})

    def assign(self, unit: str = "general", **payload: Any) -> None:
        self.do("assign", "openness_office", unit=unit, **payload)

    def verify(self, outcome: str = "false") -> None:
        self.do("verify", "section", outcome=outcome, basis="查阅台账三份，与公报一致")

    def approved(self, kind: str = "final", approver: str = "deputy") -> None:
        self.do("draft", "openness_office", kind=kind, text="经核查，情况如下。")
        self.do("submit", "openness_office")
        self.do("approve", approver)

    def check(self, role: str = "deputy", actor: str | None = None, **payload: Any) -> Event:
        return self.do("check_release", role, actor, **{**dict.fromkeys(CHECK_NAMES, "yes"), **payload})

    def publish(self, kind: str = "final", **payload: Any) -> Event:
        if not self.case.checked_by:
            self.check()
        given = {"form": "portal_notice", "url": "https://www.example.gov.cn/1.html", **payload}
        return self.do("publish", "openness_office", kind=kind, **given)

    def consult(self, invitee: str = "publicity") -> None:
        """One opinion asked for and heard."""
        self.do("consult", "openness_office", invitees=[invitee], consult_medium="phone")
        self.do("consult_result", "openness_office", invitee=invitee, consult_medium="phone", opinion="同意口径")

    def put_right(self) -> None:
        """Planned, done and told."""
        self.do("plan", "section", measures="补登十二户", unit="social", due_day="2026-12-04")
        self.do("plan_done", "openness_office", evidence="补登台账")
        self.check()
        self.do("result_notice", "openness_office", form="portal_notice", place="县政府门户")

    def answered(self, outcome: str = "false") -> None:
        """From detected to responded."""
        self.confirm()
        self.assign()
        self.verify(outcome)
        self.approved()
        self.publish()


@contextmanager
def open_register(place: Path | str) -> Iterator[Register]:
    """A register with three issues, in a folder or at an address."""
    register = Register(place if isinstance(place, str) else f"sqlite:///{place / 'register.db'}")
    register.allot_numbers(["a", "b", "c"], 2026, START)
    try:
        yield register
    finally:
        register.close()
