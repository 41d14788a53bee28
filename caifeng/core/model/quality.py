"""How people check the machine: config/quality.toml. All numbers are our own choice."""

from pydantic import BaseModel, ConfigDict, Field


class QualityRules(BaseModel):
    """The weekly sample and its intervals. A home without the file goes by these defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample_size: int = Field(default=20, ge=1, le=500)
    """Posts held irrelevant that are drawn each week."""
    z: float = Field(default=1.96, gt=0, le=4)
    """Half width of the intervals, in standard deviations."""
    text_days: int = Field(default=14, ge=1, le=180)
    """Days in which a post held irrelevant can still be taken in: the life of its text (docs/privacy.md)."""
