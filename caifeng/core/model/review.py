"""What reviews go by: the periods they cover, and config/review.toml. All numbers are our own choice."""

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from caifeng.core.errors import UsageError
from caifeng.core.model.publications import Period

ReviewKind = Literal["month", "quarter", "year"]
#: Parts of the composite score, as domain rules name them; their weights add to 100.
PartId = Literal["found", "reported", "answered", "settled", "published", "learned"]
PART_NAMES: dict[str, str] = {
    "found": "发现",
    "reported": "报送",
    "answered": "回应",
    "settled": "办结",
    "published": "公开",
    "learned": "总结",
}

_CODE = re.compile(r"([1-9]\d{3})(?:-(0[1-9]|1[0-2])|-?Q([1-4]))?")


def parse_period(code: str) -> Period:
    """The period that a code names: 2026-11, 2026-Q4 or 2026.

    Raises:
        UsageError: it names none.
    """
    found = _CODE.fullmatch(code)
    if not found:
        raise UsageError(f"not a period: {code!r} (write 2026-11, 2026-Q4 or 2026)")
    year, month, quarter = found.groups()
    if month:
        return Period("month", date(int(year), int(month), 1))
    if quarter:
        return Period("quarter", date(int(year), 3 * int(quarter) - 2, 1))
    return Period("year", date(int(year), 1, 1))


def period_code(period: Period) -> str:
    """2026-11, 2026-Q4 or 2026: name of its folder, and `period` of the review marts."""
    return period.code.replace("Q", "-Q")


def year_before(period: Period) -> Period:
    """The same period of the year before."""
    return Period(period.kind, period.first.replace(year=period.first.year - 1))


def months_of(period: Period) -> list[Period]:
    """The months of a period, in order."""
    length = {"month": 1, "quarter": 3, "year": 12}[period.kind]
    return [Period("month", period.first).later(n) for n in range(length)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScorePart(_Strict):
    """A part of the composite score: its weight, and the rates of which it takes the mean."""

    weight: int = Field(ge=0, le=100)
    figures: tuple[str, ...] = Field(min_length=1)


class ScoreRules(_Strict):
    """The composite score; off unless the office turns it on."""

    enabled: bool = False
    deduct_overdue: float = Field(default=2, ge=0, le=100)
    """Points for each duty that is open and overdue at the end of the period."""
    veto_missed_major: bool = True
    """A 重大 or 特别重大 issue of which others told us first makes the score 0."""
    parts: dict[PartId, ScorePart] = Field(default_factory=lambda: dict(_PARTS))

    @model_validator(mode="after")
    def _adds_to_a_hundred(self) -> Self:
        if (total := sum(part.weight for part in self.parts.values())) != 100:
            raise PydanticCustomError("weights", f"weights add to {total}, not to 100")
        return self


_PARTS: dict[PartId, ScorePart] = {
    "found": ScorePart(weight=20, figures=("found_in_time", "sources_checked", "days_run")),
    "reported": ScorePart(weight=15, figures=("report_inside_on_time", "report_up_on_time")),
    "answered": ScorePart(weight=30, figures=("respond_on_time", "respond_final_on_time")),
    "settled": ScorePart(weight=20, figures=("closed_on_time", "verify_on_time", "rectify_on_time")),
    "published": ScorePart(weight=10, figures=("published_on_time", "result_told", "clarified")),
    "learned": ScorePart(weight=5, figures=("improvements_on_time", "log_signed")),
}


class ReviewRules(_Strict):
    """Numbers of the reviews. A home without the file goes by these defaults."""

    small_number: int = Field(default=5, ge=1, le=100)
    """Below this denominator a rate is printed as n=3, never as a percentage."""
    found_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """Found in time: hours from publication to detection."""
    found_hours_major: Annotated[int, Field(ge=1, le=720)] = 2
    """The same at 重大 and above."""
    close_days: int = Field(default=3, ge=0, le=60)
    """Clock days after its last duty by which a case is to be closed: the 72 hours in which the answer is watched."""
    season_days: int = Field(default=3, ge=0, le=31)
    """An issue goes with a release of its topic so many days before and after it."""
    told_by_others: tuple[str, ...] = ()
    """Ids of the sources through which superiors or other bodies tell us; empty: nobody keeps count."""
    score: ScoreRules = ScoreRules()

    def parameters(self) -> dict[str, Any]:
        """Those that the SELECTs of the review marts ask for."""
        return {
            "found_hours": self.found_hours,
            "found_hours_major": self.found_hours_major,
            "close_days": self.close_days,
            "season_days": self.season_days,
            "told_by_others": ",".join(self.told_by_others),
        }
