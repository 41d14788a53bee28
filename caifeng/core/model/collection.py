"""When pages are asked for again, and how much is caught up: config/collection.toml. All numbers are our own choice."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: How the detail of a row of ops.fetches begins whose page was not asked for: it counts neither as try nor as known.
NOT_ASKED = "not asked"
RESTS = f"{NOT_ASKED}: host rests until "
GIVEN_UP = f"{NOT_ASKED}: given up after "
#: What the lists of a run carry whose process was killed: it may not have followed them to the end.
BROKEN_OFF = "broken off"

Hours = Annotated[float, Field(gt=0, le=24 * 60)]


class CollectionRules(BaseModel):
    """What the crawlers remember and repeat. A home without the file goes by these defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    revisit_hours: tuple[Hours, ...] = Field(default=(0.5, 2, 6, 24, 72), min_length=1)
    """Hours after the first reading at which the counters of a young post are read again; rising."""
    letter_hours: Hours = 24
    """Hours between two visits to a letter that has no answer yet."""
    letter_days: int = Field(default=60, ge=1, le=180)
    """Days after its first reading in which an answer is waited for."""
    retry_hours: tuple[Hours, ...] = Field(default=(0.25, 1, 4, 24, 72), min_length=1)
    """Hours to wait after the first, second, … failure of a page; one failure more and it is given up."""
    memory_days: int = Field(default=180, ge=7, le=730)
    """Days for which an address is remembered as known."""
    catch_up_pages: int = Field(default=20, ge=1, le=200)
    """Page of a list to which it is followed while no entry is known."""
    catch_up_days: int = Field(default=7, ge=0, le=31)
    """Days back that missed editions, and pages that were named but not asked, are asked for."""
    run_minutes: float = Field(default=20, gt=0, le=240)
    """After this a run asks for nothing more."""
    rest_after_runs: int = Field(default=3, ge=1, le=100)
    """Runs running in which no entry page of a host answered, after which the host rests."""
    rest_minutes: int = Field(default=30, ge=1)
    """First rest of a host; doubled by every further failed run."""
    rest_minutes_most: int = Field(default=720, ge=1)
    """Longest rest."""

    second_opinion_share: float = Field(default=0.02, ge=0, le=1)
    """Share of the articles that a second, slow extractor reads, too; their likeness is stored (ops.fetches)."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(later <= earlier for earlier, later in pairwise(self.revisit_hours)):
            raise ValueError("revisit_hours must rise")
        if self.rest_minutes_most < self.rest_minutes:
            raise ValueError("rest_minutes_most is below rest_minutes")
        return self
