"""How posts are put together: config/grouping.toml. All numbers are our own choice."""

from pydantic import BaseModel, ConfigDict, Field


class GroupingRules(BaseModel):
    """When one text counts as a repost of another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_days: int = Field(ge=1, le=180)
    """Days back in which an original is looked for."""
    min_similarity: float = Field(gt=0, le=1)
    """Jaccard similarity of character 3-grams from which an edited text is a repost."""
    min_characters: int = Field(ge=3)
    """Letters and figures below which only the same text is a repost: short headlines are alike by chance."""
    issue_window_days: int = Field(ge=1, le=90)
    """Days after its last movement in which an issue takes in new groups."""
    issue_shared_terms: int = Field(ge=1)
    """Matched terms, a town among them, that two groups of one topic and stance share to be one issue."""
