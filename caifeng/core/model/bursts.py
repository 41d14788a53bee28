"""When more is said than usual: config/bursts.toml. All numbers are our own choice."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

BurstKind = Literal["topic", "place", "issue"]
#: Kind of series -> its name on screens.
BURST_NAMES: dict[str, str] = {"topic": "主题", "place": "地点", "issue": "事项"}

DayType = Literal["working", "weekend", "holiday", "near", "release"]
#: In the order of their codes in the kernel.
DAY_TYPES: tuple[DayType, ...] = ("working", "weekend", "holiday", "near", "release")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KindRules(_Strict):
    """What one kind of series starts with, and how much it takes to raise it."""

    prior_per_day: float = Field(gt=0)
    """Voices a day that are expected where nothing is known yet."""
    min_count: int = Field(ge=2)
    """Voices below which nothing is raised, however quiet it was; never one ordinary post."""
    min_voices: int = Field(ge=1)
    """Different posts (repost groups) that it takes, whatever they count."""


class BurstRules(_Strict):
    """How the usual is learnt, and from where on more is a burst."""

    history_days: int = Field(ge=14, le=180)
    """Days back from which the usual is learnt."""
    windows: tuple[int, ...] = Field(min_length=1)
    """Hours over which voices are counted together, each ending now."""
    alarm_z: float = Field(gt=0)
    """Standard deviations above the usual (after variance stabilisation) from which on it is a burst."""
    calm_z: float
    """Below this it has calmed."""
    cool_down_hours: int = Field(ge=1)
    """A series is raised again only after it has been calm for so long."""
    alpha: float = Field(gt=0, le=1)
    """Weight of the latest day in the running mean of plain days."""
    alpha_release: float = Field(gt=0, le=1)
    """The same for days of a release and days near one, of which there are few."""
    near_factor: float = Field(ge=1)
    release_factor: float = Field(ge=1)
    """How much louder than plain days they are taken to be until one has been seen."""
    profile_prior: float = Field(gt=0)
    """Voices, spread evenly over the day, that the hours of the day are learnt against."""
    cold_days: int = Field(ge=0)
    """So many days after its first one an installation does not know the usual ..."""
    cold_min_count: int = Field(ge=2)
    """... and raises only from so many voices on; on the first day nothing."""
    hot_list_voices: int = Field(ge=1)
    """An entry of a hot list counts as so many voices: many people have chosen it."""
    hot_list_heat: int = Field(ge=1)
    """One voice more for each factor of ten by which its heat is above this figure."""
    evidence: int = Field(ge=1, le=20)
    """Posts named with a burst."""
    topic: KindRules
    place: KindRules
    issue: KindRules

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.calm_z >= self.alarm_z:
            raise PydanticCustomError("z", "calm_z must be below alarm_z")
        if any(not 1 <= hours <= 168 for hours in self.windows) or list(self.windows) != sorted(set(self.windows)):
            raise PydanticCustomError("windows", "windows must be hours from 1 to 168, ascending")
        return self

    def kind(self, name: str) -> KindRules:
        """Rules of a kind of series."""
        rules: KindRules = getattr(self, name)
        return rules
