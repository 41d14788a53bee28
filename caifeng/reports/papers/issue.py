"""One issue as the papers need it: plain values and words, gathered by caifeng.jobs.papers. Null is unknown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from caifeng.core.clock import business_day
from caifeng.core.model.deadlines import MISSED_STAGES
from caifeng.core.model.office import Office
from caifeng.core.text.scrub import scrub
from caifeng.reports.words import (
    SAMPLE_NOTICE,
    UNKNOWN,
    document_date,
    hours_words,
    level_text,
    local_time,
    printable,
    printable_lines,
    signature_lines,
)

#: Where the office writes by hand. An unknown value is —, room to write is empty.
ROOM = ""


class Claim(NamedTuple):
    """One thing that was said, and what verification found."""

    text: str
    kind: str
    finding: str
    evidence: tuple[str, ...]


class Act(NamedTuple):
    """One event of the case, in words."""

    event: str
    sequence: int
    at: datetime
    """When it was decided."""
    label: str
    role: str
    who: str
    """Role in words; who registered it, where that was somebody else."""
    said: Mapping[str, str]
    """Field -> words; times are ISO 8601. Without the words where they were erased."""
    codes: Mapping[str, Any]
    claims: tuple[Claim, ...] = ()


class Duty(NamedTuple):
    """Something owed by a time."""

    duty: str
    name: str
    due_at: datetime | None
    extended_to: datetime | None
    done_at: datetime | None
    hours_left: float | None
    stage: str
    basis: str
    who: str
    """Role that takes the next step towards it; — where it is done."""

    @property
    def is_open(self) -> bool:
        """Not done yet."""
        return self.done_at is None

    @property
    def end(self) -> datetime | None:
        """By when it has to be done now, an extension included."""
        return self.extended_to or self.due_at

    def standing(self) -> str:
        """已办 2026-11-22 09:00; 超期 3.5 小时; 剩 2.0 小时; —."""
        if self.done_at:
            return f"已办 {local_time(self.done_at)}"
        if self.hours_left is None:
            return UNKNOWN
        return ("超期 " if self.stage in MISSED_STAGES else "剩 ") + hours_words(self.hours_left)


class HandOff(NamedTuple):
    """What was told to others: one row of cases.hand_offs with its words."""

    sequence: int
    event: str
    recipient: str
    medium: str
    round: str
    sent_at: datetime
    receipt_at: datetime | None
    receipt_role: str | None
    text: str | None


class Published(NamedTuple):
    """One row of cases.responses, with its place where the register names it."""

    issue_no: str
    round_no: int
    kind: str
    form: str
    url: str | None
    place: str | None
    published_at: datetime


@dataclass(frozen=True)
class IssueFile:
    """Everything a paper about one issue may say, as of a moment. Frames and rows as their contracts; times are UTC."""

    issue_no: str
    office: Office
    as_of: datetime
    title: str
    state: str
    """In words."""
    detected_at: datetime
    is_open: bool = True
    level: str | None = None
    """Level in force."""
    confirmed: bool = False
    outcome: str | None = None
    """In words."""
    outcome_code: str | None = None
    unit: str | None = None
    """Unit it was assigned to, its name."""
    accused_unit: str | None = None
    answer: str = "none"
    """State of the answer in the making: none, drafted, in_review, approved."""
    approver: str = "deputy"
    """Role that decides on the answer: deputy, chief."""
    next_step: str = UNKNOWN
    """Next step of a person, in words."""
    log: Mapping[str, Any] | None = None
    """Latest row of marts.daily_log."""
    history: Sequence[Mapping[str, Any]] = ()
    """All its rows of marts.daily_log, with their `day`."""
    grade: Mapping[str, Any] | None = None
    """Latest row of graded.issue_grades."""
    computation: Sequence[Mapping[str, str]] = ()
    """Lines of the explanation table: measure, value, points, weight, contribution, basis."""
    posts: pl.DataFrame = field(default_factory=pl.DataFrame)
    """graded.posts of the issue, texts as excerpts, by time."""
    effect: Mapping[str, Any] | None = None
    """Row of marts.response_effect."""
    acts: tuple[Act, ...] = ()
    duties: tuple[Duty, ...] = ()
    hand_offs: tuple[HandOff, ...] = ()
    published: tuple[Published, ...] = ()
    explained: tuple[Published, ...] = ()
    """Interpretations (政策或数据解读) published for issues of the same topic."""
    releases: Sequence[Mapping[str, Any]] = ()
    """marts.release_calendar of the topic."""
    recipients: Mapping[str, str] = field(default_factory=dict)
    """Whom others may be told: code -> name."""
    checks: Sequence[tuple[str, str]] = ()
    """The release check: line and answer; an answer of "" has not been given."""
    is_sample: bool = False

    def last(self, *events: str) -> Act | None:
        """The latest of these events."""
        return next((act for act in reversed(self.acts) if act.event in events), None)

    def count(self, event: str) -> int:
        """How often an event happened."""
        return sum(act.event == event for act in self.acts)

    def said(self, event: str, name: str, otherwise: str = UNKNOWN) -> str:
        """What the latest such event says in a field, lines kept."""
        act = self.last(event)
        return printable_lines(act.said[name]) if act and name in act.said else otherwise

    def duty(self, name: str) -> Duty | None:
        """A duty by its key."""
        return next((duty for duty in self.duties if duty.duty == name), None)

    def open_duties(self) -> list[Duty]:
        """Duties that are not done, the first due first."""
        return [duty for duty in self.duties if duty.is_open and duty.duty != "unknown"]

    def value(self, name: str) -> Any:
        """A column of the latest row of marts.daily_log; null without one."""
        return self.log[name] if self.log else None

    def unit_name(self) -> str:
        """The unit it was assigned to; otherwise the one of its topic, said to be a suggestion."""
        if self.unit:
            return printable(self.unit)
        owner = printable(self.value("owner_unit"))
        return owner if owner == UNKNOWN else f"{owner}（建议，尚未交办）"


def head_values(file: IssueFile) -> dict[str, Any]:
    """What every paper says of itself and of the issue."""
    day = business_day(file.as_of)
    office = f"{file.office.name}{file.office.openness_office}"
    signature, signed_on = signature_lines(office, day)
    return {
        "样例说明": SAMPLE_NOTICE if file.is_sample else "",
        "编制单位": office,
        "数据截至": f"{local_time(file.as_of)}（北京时间）",
        "成文日期": document_date(day),
        "编号": file.issue_no,
        "标题": printable(file.title),
        "级别": level_words(file),
        "署名": signature,
        "署名日期": signed_on,
    }


#: Keys of `head_values`.
HEAD = ("样例说明", "编制单位", "数据截至", "成文日期", "编号", "标题", "级别")
SIGNED = ("署名", "署名日期")


def level_words(file: IssueFile) -> str:
    """◆ 较大 Ⅲ（已确认）."""
    if file.level is None:
        return UNKNOWN
    return level_text(file.level) + ("（已确认）" if file.confirmed else "（系统建议，待确认）")


def when_and_where(file: IssueFile) -> str:
    """First publication: time and source, each — where unknown."""
    return f"{local_time(file.value('first_published_at'))}　{printable(file.value('source_name'))}"


def summary_words(file: IssueFile) -> str:
    """The first 120 characters of the origin, scrubbed; — where only a title is known."""
    return de_identified(file.value("summary") or "")


def de_identified(text: str) -> str:
    """A text as it may be quoted: on one line, scrubbed once more on its way to paper."""
    return printable(scrub(printable(text)))


def deadline_words(duty: Duty | None) -> str:
    """2026-11-23 18:00（剩 5.0 小时）, with an extension said apart; — where nothing is owed or it is unknown."""
    if duty is None or duty.due_at is None:
        return UNKNOWN
    extended = f"，延至 {local_time(duty.extended_to)}" if duty.extended_to else ""
    return f"{local_time(duty.due_at)}{extended}（{duty.standing()}）"


#: Events that are kept for the record and are no measure.
_NO_MEASURE = ("note", "receipt", "return", "withdraw")


def acts_words(file: IssueFile, most: int) -> list[str]:
    """What was done, the latest `most` steps: time, role, step, to whom."""
    done = [act for act in file.acts if act.event not in _NO_MEASURE]
    return [f"{local_time(act.at)}　{act.who}{act.label}{_towards(act)}" for act in done[-most:]]


def _towards(act: Act) -> str:
    whom = act.said.get("recipient") or (act.said.get("unit") if act.event == "assign" else None)
    return f"（{printable(whom)}）" if whom else ""


def basis_words(duty: Duty) -> str:
    """Number of the document that sets the time (国办发〔2016〕61号), otherwise the basis as it is."""
    number = re.search(r"[一-龥]{2,8}〔\d{4}〕\d+号", duty.basis)
    return number[0] if number else printable(duty.basis)


def findings_words(file: IssueFile) -> str:
    """Outcome and basis of the verification; — and why where there is none."""
    if not file.outcome:
        return f"{UNKNOWN}（尚未登记核查结论）"
    return f"{file.outcome}。{file.said('verify', 'basis')}"


def publications(file: IssueFile) -> list[str]:
    """What was published in answer: time, kind, form, place."""
    return [
        f"{local_time(one.published_at)}　{one.kind}　{one.form}　{printable(one.url or one.place)}"
        for one in file.published
    ]


def empty_fields(values: Mapping[str, Any]) -> Iterator[str]:
    """Placeholders that have no value: unknown (—), no row, or room to write."""
    for name, value in values.items():
        if name != "样例说明" and (not value or str(value).startswith(UNKNOWN)):
            yield name
