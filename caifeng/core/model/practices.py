"""How good practice is found on pages of other regions (Art. 13): config/practices.toml. Words are our own choice."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Words = tuple[str, ...]
PracticeForm = Literal[
    "portal_notice", "openness_platform", "policy_interpretation", "press_conference", "briefing", "press_release",
    "interview", "gov_new_media", "hotline_reply", "board_reply", "face_to_face",
]  # fmt: skip
PracticeOutcome = Literal[
    "false", "true", "partly_true", "misunderstanding", "unverifiable", "opinion_or_suggestion", "not_ours"
]


class PracticeRules(BaseModel):
    """Words by which a page of another region shows that it answered; without any none is noted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: Words = ()
    """In the title: something was answered or done well."""
    lead: int = Field(default=200, ge=1, le=2000)
    """Characters at the beginning of a text in which an outcome counts as it does in the title."""
    forms: dict[PracticeForm, Words] = Field(default_factory=dict)
    """Form of the answer (Art. 12) -> words in the title; the first form that fits counts."""
    outcomes: dict[PracticeOutcome, Words] = Field(default_factory=dict)
    """What verification had found -> words in title or lead; the first outcome that fits counts."""
