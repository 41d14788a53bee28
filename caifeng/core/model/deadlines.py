"""The rules of deadlines: config/deadlines.toml, and the documents they rest on: config/policy_basis.toml.

Every number is configuration. A limit that cites a document must be one that the document sets; a limit without
a citation is the office's own and is printed as such. Which limit applies when is code (caifeng/cases/deadlines.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import time, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Channel = Literal["public", "website", "hotline_question", "hotline_other", "suggestion"]

#: Duty -> its name on screens and paper, in the order of the work.
DUE_NAMES: dict[str, str] = {
    "confirm": "确认等级",
    "report_inside": "内部报告",
    "report_up": "归口报送",
    "refer": "转办",
    "verify": "核查",
    "respond": "首次回应",
    "respond_final": "最终回应",
    "press_conference": "新闻发布会",
    "rectify": "整改",
}
#: Duties that a level or a channel brings (`caifeng deadlines --json`); 整改 has its due time from its plan.
COMPUTED_DUTIES = tuple(duty for duty in DUE_NAMES if duty != "rectify")

CHANNEL_NAMES: dict[str, str] = {
    "public": "公开舆情",
    "website": "政府网站留言",
    "hotline_question": "12345咨询",
    "hotline_other": "12345其他诉求",
    "suggestion": "意见建议",
}

#: Steps of the ladder on which an open duty stands -> words.
WARNING_NAMES: dict[str, str] = {
    "none": "正常",
    "half": "过半",
    "late": "临期",
    "overdue": "超期",
    "supervise": "督办",
    "chief": "报主要领导",
}
#: Steps that say that a duty was missed.
MISSED_STAGES = ("overdue", "supervise", "chief")

#: What stands in place of a document where the limit is the office's own.
OWN_RULE = "本单位规定"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Span(_Strict):
    """A length of time: clock minutes or hours through nights and holidays, or working days. Exactly one is given."""

    minutes: int | None = Field(default=None, ge=1, le=24 * 60)
    hours: int | None = Field(default=None, ge=1, le=24 * 366)
    working_days: int | None = Field(default=None, ge=1, le=250)

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if sum(value is not None for value in self.length) != 1:
            raise PydanticCustomError("span", "give exactly one of minutes, hours, working_days")
        return self

    @property
    def length(self) -> tuple[int | None, int | None, int | None]:
        """(minutes, hours, working days), two of them None."""
        return self.minutes, self.hours, self.working_days

    @property
    def clock_time(self) -> timedelta:
        """Length in clock time; zero for working days, which need a calendar."""
        return timedelta(minutes=self.minutes or 0, hours=self.hours or 0)


class Limit(Span):
    """A length of time and why it is this one."""

    basis: tuple[str, ...] = Field(default=(), strict=False)
    """Ids of the rules that set it, in the order printed; empty: the office's own."""
    modelled_on: tuple[str, ...] = Field(default=(), strict=False)
    """Ids of rules that do not bind us here but gave the office the number."""
    note: str | None = None
    """Printed in brackets behind an own limit."""

    @model_validator(mode="after")
    def _own_or_cited(self) -> Self:
        if self.basis and (self.modelled_on or self.note):
            raise PydanticCustomError("limit", "modelled_on and note belong to limits without basis")
        return self


class PolicyRule(_Strict):
    """One rule of one document: what it says, and how sure we are."""

    id: str = Field(pattern=r"^PB-[A-Z0-9]+(-[A-Z0-9]+)*$")
    document: str
    number: str | None = None
    """Document number, or for a law its last amendment."""
    clause: str | None = None
    clause_read: bool = True
    """False: the number of the section is known from memory only and is not printed."""
    words: tuple[str, ...] = Field(strict=False)
    """Decisive passages, exact, `…` for a cut; empty where the words were not read."""
    in_force: str | None = Field(default=None, pattern=r"^\d{4}(-\d\d(-\d\d)?)?$")
    """Day, month or year, as far as known."""
    fixes: str
    """What it settles for us, in our words."""
    limits: tuple[Span, ...] = Field(default=(), strict=False)
    """The lengths of time that it sets."""
    numbers: tuple[float, ...] = Field(default=(), strict=False)
    """The other numbers that it sets."""
    clauses: tuple[str, ...] = Field(default=(), strict=False)
    """Further clauses of the document that may be cited, where they are not worth an entry each."""
    status: Literal["verified", "reported", "known", "not_found"]
    seen: str
    """Where the words were read, and what was not read."""

    @model_validator(mode="after")
    def _quotes_only_what_was_read(self) -> Self:
        if self.words and self.status in ("known", "not_found"):
            raise PydanticCustomError("words", "words that were not read must not be quoted")
        return self

    @property
    def title(self) -> str:
        """《document》（number）clause."""
        number = f"（{self.number}）" if self.number else ""
        return f"《{self.document}》{number}{self.clause if self.clause and self.clause_read else ''}"

    @property
    def citable(self) -> tuple[str, ...]:
        """Clauses that a citation may name: its own if that was read, whole or one of several, and the further ones."""
        own = (self.clause, *self.clause.split("，")) if self.clause and self.clause_read else ()
        return tuple(dict.fromkeys((*own, *self.clauses)))

    def short(self, clause: str | None = None) -> str:
        """What fits beside a number: the document's number, or its title where it has none of its own; the clause."""
        name = self.number if self.number and "〔" in self.number else f"《{self.document}》"
        place = clause or (self.clause if self.clause_read else None) or ""
        return name + (place if place.startswith("第") or not place else f"（{place}）")

    @property
    def citation(self) -> str:
        """Title, then the words."""
        return f"{self.title}：“{'……'.join(self.words)}”" if self.words else self.title


class PolicyBasis(_Strict):
    """The whole file."""

    rules: tuple[PolicyRule, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        ids = [rule.id for rule in self.rules]
        if twice := sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1}):
            raise PydanticCustomError("ids", "rules: given twice: {ids}", {"ids": ", ".join(twice)})
        return self

    @property
    def by_id(self) -> dict[str, PolicyRule]:
        """The rules by their id."""
        return {rule.id: rule for rule in self.rules}

    def rule_of(self, citation: str) -> PolicyRule:
        """The rule that `PB-X` or `PB-X clause` names; it must exist."""
        return self.by_id[citation.split(" ", 1)[0]]

    def fault(self, citation: str) -> str | None:
        """What is wrong with a citation `PB-X` or `PB-X clause`; None if it holds."""
        rule_id, _, clause = citation.partition(" ")
        if rule_id not in self.by_id:
            return f"unknown basis {rule_id!r}: neither ours nor a rule of policy_basis.toml"
        if clause and clause not in self.by_id[rule_id].citable:
            return f"unknown clause {clause!r} of {rule_id} in policy_basis.toml"
        return None

    def cite(self, citation: str) -> str:
        """Document and clause of a citation that holds, in short."""
        _, _, clause = citation.partition(" ")
        return self.rule_of(citation).short(clause or None)


class OfficeClock(_Strict):
    """Times of day, Beijing time."""

    working_day_ends: time
    """A limit of n working days ends at this time of the n-th."""
    confirm_before: time
    """一般: found before this time of a working day, confirmed on that day ..."""
    confirm_same_day: time
    confirm_next_day: time
    """... otherwise at this time of the next working day."""
    night_from: time
    """The night, first moment included ..."""
    night_to: time
    """... to this moment, excluded ..."""
    morning: time
    """... after which work that is moved out of the night is due."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.night_to <= self.morning < self.night_from:
            raise PydanticCustomError("clock", "night_to, morning and night_from must follow each other in the day")
        if self.confirm_before > self.confirm_same_day:
            raise PydanticCustomError("clock", "confirm_before must not be after confirm_same_day")
        return self


class WarningRule(_Strict):
    """Percent of the span of a duty after which it is shown as `half`, then as `late`."""

    half: int = Field(ge=1, le=99)
    late: int = Field(ge=1, le=99)

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.half >= self.late:
            raise PydanticCustomError("warning", "half must be below late")
        return self


class LadderRule(_Strict):
    """What follows after a duty was missed; hours after its due time, or after the one it was extended to."""

    supervise_after_hours: int = Field(ge=1, le=720)
    """督办单 to the head of the section."""
    chief_after_hours: int = Field(ge=2, le=720)
    """To the head of the office ..."""
    orders_before_chief: int = Field(ge=1, le=9)
    """... or as soon as so many 督办单 were issued for the duty."""

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.supervise_after_hours >= self.chief_after_hours:
            raise PydanticCustomError("ladder", "supervise_after_hours must be below chief_after_hours")
        return self


class ReferOutRule(_Strict):
    """Duties for an issue of another place or body."""

    refer: Limit


class GeneralRule(_Strict):
    """Duties at 一般, besides confirming (clock) and the first answer (channel)."""

    verify: Limit
    verify_complex: Limit
    respond_final: Limit
    respond_final_complex: Limit


class LargerRule(_Strict):
    """Duties at 较大. Confirming and reporting inside are moved out of the night."""

    confirm: Limit
    report_inside: Limit
    report_up_sensitive: Limit
    verify: Limit
    verify_complex: Limit
    respond: Limit
    respond_final: Limit
    respond_final_complex: Limit


class SevereRule(_Strict):
    """Duties at 重大 and at 特别重大."""

    confirm: Limit
    report_inside: Limit
    report_up: Limit
    verify: Limit
    respond: Limit
    respond_final: Limit


class ChannelRule(_Strict):
    """First answer below 较大, by the channel on which the matter came."""

    public: Limit
    website: Limit
    hotline_question: Limit
    hotline_other: Limit
    suggestion: Limit
    suggestion_complex: Limit
    must: Limit
    """Where an answer is a must: this one, if it ends earlier."""


class EmergencyRule(_Strict):
    """Duties in a major or extreme emergency, at every level."""

    respond: Limit
    press_conference: Limit


class DeadlineRules(_Strict):
    """config/deadlines.toml, together with the documents it cites (`policy`)."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)
    clock: OfficeClock
    warning: WarningRule
    ladder: LadderRule
    refer_out: ReferOutRule
    general: GeneralRule
    larger: LargerRule
    major: SevereRule
    extreme: SevereRule
    channel: ChannelRule
    emergency: EmergencyRule
    policy: PolicyBasis

    @model_validator(mode="after")
    def _cites_truly(self) -> Self:
        """A limit may only cite rules that exist, and as its basis only those that set this very length."""
        known = self.policy.by_id
        for field, limit in self._limits():
            for rule_id in (*limit.basis, *limit.modelled_on):
                if rule_id not in known:
                    raise PydanticCustomError(
                        "basis",
                        "{field}: {rule} is not in policy_basis.toml",
                        {"field": field, "rule": rule_id},
                    )
                if rule_id in limit.basis and limit.length not in [span.length for span in known[rule_id].limits]:
                    raise PydanticCustomError(
                        "basis",
                        "{field}: {rule} does not set this length; a limit of the office's own cites nothing",
                        {"field": field, "rule": rule_id},
                    )
        return self

    def _limits(self) -> Iterator[tuple[str, Limit]]:
        for section, rows in self:
            if isinstance(rows, BaseModel):
                yield from ((f"{section}.{name}", value) for name, value in rows if isinstance(value, Limit))

    @property
    def rule_version(self) -> str:
        """Name and first 8 hex digits of the SHA-256 of the values; comments, order and quotations do not count."""
        values = self.model_dump(mode="json", exclude={"policy"})
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return f"{self.name}-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"

    def basis_of(self, limit: Limit | None, start: str) -> str:
        """What is printed beside a limit.

        Args:
            limit: one of these rules; None for a time of day, which is the office's own.
            start: words for the moment from which it runs. No document names one, so it is printed as our choice.

        Returns:
            Each cited document with its words, and the start; or 本单位规定, with what it is modelled on.
        """
        if limit is None:
            return OWN_RULE
        known = self.policy.by_id
        if limit.basis:
            cited = "；".join(known[rule_id].citation for rule_id in limit.basis)
            return f"{cited}；起算点：{start}（本单位约定）"
        remarks = [f"参照{known[rule_id].title}" for rule_id in limit.modelled_on]
        if limit.note:
            remarks.append(limit.note)
        return f"{OWN_RULE}（{'；'.join(remarks)}）" if remarks else OWN_RULE
