"""How posts are put together: config/grouping.toml. All numbers are our own choice."""

from pydantic import BaseModel, ConfigDict, Field


class GroupingRules(BaseModel):
    """When one text counts as a repost of another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_days: int = Field(ge=1, le=180)
    """Days back in which an original is looked for."""
    min_similarity: float = Field(gt=0, le=1)
    """Share of the shorter text that stands in passages of the other, from which it may be a repost or an excerpt."""
    min_similarity_short: float = Field(gt=0, le=1)
    """The same where these passages are short together, as a set phrase can be."""
    long_passage: int = Field(ge=1)
    """Letters and figures in passages from which they are no longer short."""
    max_replaced: float = Field(ge=0, le=1)
    """Letters between two passages that others replaced, as a share of the shorter text, up to which it is an edit."""
    max_replaced_ends: float = Field(ge=0, le=1)
    """The same before the first passage and behind the last, where the next reporter goes on in his own words."""
    min_characters: int = Field(ge=3)
    """Letters and figures below which only the same text is a repost: short headlines are alike by chance."""
    issue_window_days: int = Field(ge=1, le=90)
    """Days after its last movement in which an issue takes in new groups."""
    issue_similarity: float = Field(gt=0, le=1)
    """Cosine similarity with an issue's founding text from which a new group belongs to it."""
    issue_subject_similarity: float = Field(gt=0, le=1)
    """The same for the matched terms of the rules, for texts that name one town and have one stance."""
    issue_shared_terms: int = Field(ge=1)
    """Matched terms that such texts share at least."""
    issue_terms: int = Field(ge=4, le=256)
    """Heaviest character pairs of a text that are compared."""
    issue_text_characters: int = Field(ge=20)
    """Characters from the beginning of a text that are looked at: the matter stands at the head."""
    second_wave_hours: float = Field(ge=0)
    """Hours after the final answer from which talk about it counts as coming back."""
    second_wave_voices: int = Field(ge=1)
    """Different texts that come back, from which an issue is a second wave (二次舆情)."""
