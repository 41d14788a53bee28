"""What the office must publish unasked, and by when (Art. 14.5): config/publications.toml.

A due day is a day of a month after the period, so many days after something came to be, or follows a release. A number
that cites a document must be one that the document sets; any other is the office's own and is printed as such.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from caifeng.core.model.deadlines import OWN_RULE, PolicyBasis, PolicyRule

#: State of a publication -> its name on screens and paper, the most urgent first.
STATE_NAMES: dict[str, str] = {
    "overdue": "已超期",
    "due_soon": "临近到期",
    "unknown_calendar": "日程未载入",
    "unknown_start": "起算日待登记",
    "not_due": "未到期",
    "published_late": "逾期公开",
    "published": "已公开",
}

#: Who says that something was published: a page was found, or a person registered it.
SOURCE_NAMES: dict[str, str] = {"crawled": "采集发现，待确认", "person": "人工登记"}

#: What stands in place of a citation where a rule is the office's own.
OURS = "ours"

PeriodKind = Literal["month", "quarter", "year", "once"]
_MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}
_QUARTERS = "一二三四"


class Period(NamedTuple):
    """What a publication is about: a month, a quarter, a year, or nothing that recurs."""

    kind: PeriodKind
    first: date
    """First day; of `once` it means nothing."""

    @classmethod
    def of(cls, kind: PeriodKind, day: date) -> Period:
        """The period in which a day lies."""
        if kind == "once":
            return cls(kind, date.min)
        length = _MONTHS[kind]
        return cls(kind, date(day.year, (day.month - 1) // length * length + 1, 1))

    @property
    def last(self) -> date:
        """Last day."""
        return self.later(1).first - timedelta(days=1)

    def later(self, n: int) -> Period:
        """The n-th period after it; before it where n is negative."""
        return Period(self.kind, month_later(self.first, n * _MONTHS[self.kind]))

    @property
    def code(self) -> str:
        """2026-10, 2026Q3, 2026, or `once`."""
        quarter = (self.first.month + 2) // 3
        forms = {"month": f"{self.first:%Y-%m}", "quarter": f"{self.first:%Y}Q{quarter}", "year": f"{self.first:%Y}"}
        return forms.get(self.kind, "once")

    @property
    def name(self) -> str:
        """As printed: 2026年10月."""
        year, quarter = f"{self.first.year}年", _QUARTERS[(self.first.month - 1) // 3]
        forms = {"month": f"{year}{self.first.month}月", "quarter": f"{year}{quarter}季度", "year": year}
        return forms.get(self.kind, "—")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Cited(_Strict):
    basis: str
    """The rule that sets the number, `PB-X` or `PB-X clause`; `ours`: the office's own."""


class ByDate(_Cited):
    """A day of the n-th month after the last one of the period: of a month's figures the 20th of the next, say."""

    kind: Literal["date"]
    months_after: int = Field(ge=1, le=24)
    day: int = Field(ge=1, le=31)
    """In a shorter month its last day."""


class AfterEvent(_Cited):
    """So many days, or working days, after something that a person registers: a budget was approved, a rule adopted."""

    kind: Literal["event"]
    event: str = Field(min_length=1)
    """From what it runs, as printed: 财政部门批复之日."""
    days: int | None = Field(default=None, ge=1, le=366)
    working_days: int | None = Field(default=None, ge=1, le=250)
    asked_after_months: int | None = Field(default=None, ge=0, le=36)
    """So many months after the period began it is asked for, also before its day is registered. Our choice."""
    asked_from: date | None = None
    """The same for what has no period; absent: always."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.days is None) == (self.working_days is None):
            raise PydanticCustomError("due", "give exactly one of days, working_days")
        return self


class ByRelease(_Cited):
    """On the day of a release of config/release_calendar, or so many working days after it."""

    kind: Literal["release"]
    release: str = Field(min_length=1)
    """Name of the release, what stands in brackets left out: 国民经济运行情况."""
    working_days: int = Field(default=0, ge=0, le=250)


DueRule = Annotated[ByDate | AfterEvent | ByRelease, Field(discriminator="kind")]


class Item(_Strict):
    """One thing that must be published."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")
    name: str = Field(min_length=1)
    period: PeriodKind
    unit: str
    """Id of the unit that answers for it, config/units.toml."""
    basis: tuple[str, ...] = Field(min_length=1, strict=False)
    """Why it must be published: `PB-X` or `PB-X clause`, or `ours`."""
    due: DueRule
    url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Where it appears, if that is known."""
    titles: tuple[str, ...] = Field(default=(), strict=False)
    """Regular expressions; a title that fits one of them is a proposal. None: only a person can say."""
    without: tuple[str, ...] = Field(default=(), strict=False)
    """Words whose title is about something else."""
    names_office: bool = False
    """Every office publishes such a thing: the title, the board or the source must name ours."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for pattern in self.titles:
            try:
                re.compile(pattern)
            except re.error as error:
                raise PydanticCustomError("titles", "no expression: {pattern}", {"pattern": pattern}) from error
            if re.search(r"\(\?[=!<]|\\[1-9]", pattern):
                raise PydanticCustomError(
                    "titles", "no look-around, no back-reference: {pattern}", {"pattern": pattern}
                )
        event = isinstance(self.due, AfterEvent)
        if self.period == "once" and not event:
            raise PydanticCustomError("due", "what is published once has a due rule of the kind event")
        if isinstance(self.due, AfterEvent):
            if (self.period == "once") != (self.due.asked_after_months is None):
                raise PydanticCustomError("due", "asked_after_months belongs to what has a period, and is needed there")
            if self.period != "once" and self.due.asked_from is not None:
                raise PydanticCustomError("due", "asked_from belongs to what is published once")
        return self


class Publications(_Strict):
    """The whole file."""

    since: date
    """What was to be asked for before is not asked for. Our choice: when the office began to use the system."""
    soon_days: int = Field(ge=0, le=60)
    """So many days before it is due a publication is shown as due soon. Our choice."""
    shown_days: int = Field(ge=1, le=3660)
    """So long something published is still shown. Our choice."""
    items: tuple[Item, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        ids = [item.id for item in self.items]
        if twice := sorted({item_id for item_id in ids if ids.count(item_id) > 1}):
            raise PydanticCustomError("ids", "items: given twice: {ids}", {"ids": ", ".join(twice)})
        return self

    def faults(self, policy: PolicyBasis, units: Collection[str], releases: Collection[str]) -> Iterator[list[str]]:
        """What does not fit the other files: field and reason of each.

        Args:
            policy: the rules that may be cited, config/policy_basis.toml.
            units: ids of config/units.toml.
            releases: names of the releases that are loaded; none: nothing can be said of them.
        """
        for item in self.items:
            field = f"items.{item.id}"
            if item.unit not in units:
                yield [f"{field}.unit", f"{item.unit!r} is no unit of config/units.toml"]
            for citation in item.basis:
                if citation != OURS and (fault := policy.fault(citation)):
                    yield [f"{field}.basis", fault]
            if item.due.basis != OURS:
                if fault := policy.fault(item.due.basis):
                    yield [f"{field}.due.basis", fault]
                elif not _sets(policy.rule_of(item.due.basis), item.due):
                    yield [f"{field}.due.basis", f"{item.due.basis} does not set this length; write `{OURS}`"]
            due = item.due
            if isinstance(due, ByRelease) and releases and not any(is_release(name, due.release) for name in releases):
                yield [f"{field}.due.release", f"no release of this name in config/release_calendar: {due.release!r}"]


def is_release(indicator: str, name: str) -> bool:
    """Whether an entry of the release calendar is the release of this name; brackets tell the period."""
    return indicator == name or indicator.startswith((f"{name}（", f"{name}("))


def month_later(first: date, months: int) -> date:
    """The first day of the n-th month after that of a day."""
    month = first.year * 12 + first.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)


def basis_words(item: Item, policy: PolicyBasis) -> str:
    """What is printed beside a publication: why it is owed, then how long it may take and from when.

    Every citation of the item and of its due rule must hold.
    """
    cited = [OWN_RULE if citation == OURS else policy.cite(citation) for citation in item.basis]
    due, own = item.due, item.due.basis == OURS
    if isinstance(due, ByDate):
        length = f"期末后第{due.months_after}个月{due.day}日前"
    elif isinstance(due, AfterEvent):
        length = f"自{due.event}起{due.days}日内" if due.days else f"自{due.event}起{due.working_days}个工作日内"
    else:
        length = f"{due.release}发布{f'后{due.working_days}个工作日内' if due.working_days else '当日'}"
        # no document says that the clock of a county's figures starts with the nation's
        length += "" if own else "（起算点：本单位约定）"
    return f"{'、'.join(dict.fromkeys(cited))}；时限：{length}（{OWN_RULE if own else policy.cite(due.basis)}）"


def _sets(rule: PolicyRule, due: ByDate | AfterEvent | ByRelease) -> bool:
    if isinstance(due, ByDate):
        return {due.months_after, due.day} <= set(rule.numbers)
    if due.working_days:
        return any(span.working_days == due.working_days for span in rule.limits)
    return isinstance(due, AfterEvent) and due.days in rule.numbers
