"""How answers are found, and what is counted around them: config/answers.toml. All numbers are our own choice."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from caifeng.core.model.source import SourceClass

AnswerKind = Literal["letter_reply", "portal_article", "new_media"]
#: Where an answer was found -> its name on screens.
ANSWER_KIND_NAMES: dict[str, str] = {
    "letter_reply": "来信答复",
    "portal_article": "门户文章",
    "new_media": "政务新媒体",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OwnSources(_Strict):
    """Which sources speak for the office."""

    classes: tuple[SourceClass, ...] = ("portal", "disclosure")
    """Kinds of source that do, where they belong to the office's own place."""
    new_media: tuple[str, ...] = ()
    """Ids of the sources that are the office's accounts on other platforms."""


class AnswerRules(_Strict):
    """When a post of an own source is proposed as the answer to a case."""

    title_words: tuple[str, ...] = ("回应", "答复", "说明", "情况通报", "澄清", "解读")
    """Words of answering in a headline."""
    public_words: tuple[str, ...] = ("网友", "网民", "反映")
    """Words by which a text says that it speaks of what people said."""
    public_words_within: int = Field(default=80, ge=1)
    """Characters at the beginning of a text where they count."""
    title_points: float = Field(default=0.10, ge=0, le=1)
    """What a word of answering adds to the likeness."""
    public_points: float = Field(default=0.15, ge=0, le=1)
    """What a word about the public adds."""
    term_weight: float = Field(default=0.5, ge=0, le=1)
    """How much the likeness of the matched terms counts beside that of the words, where both name one place."""
    least_score: float = Field(default=0.28, gt=0, le=1)
    """Likeness and points together from which a post is proposed."""
    beside_best: float = Field(default=0.75, ge=0, le=1)
    """A post that fits several cases is proposed for those that are like it by this share of the most."""
    most: int = Field(default=5, ge=1)
    """Posts proposed for one case, the best ones."""


class EffectRules(_Strict):
    """What is counted around the first response."""

    watched_days: int = Field(default=30, ge=3, le=180)
    """Days for which a response is counted anew, so that late posts come in; at least the window of 72 hours."""
    least_voices: int = Field(default=5, ge=1)
    """Voices below which no change and no share is given (small numbers)."""
    quote_characters: int = Field(default=12, ge=6)
    """Letters and figures of a clause of the answer that make a quotation."""


class AnswersConfig(_Strict):
    """The whole file."""

    own: OwnSources = OwnSources()
    proposal: AnswerRules = AnswerRules()
    effect: EffectRules = EffectRules()
