"""How stance and feeling are read: config/stance. Data only; transforms/understand/stance.py applies it.

Terms are written as a person would write them and compared in the matching form. Every number is our choice:
no law sets one.
"""

from __future__ import annotations

import gzip
import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

Stance = Literal["complaint", "question", "suggestion", "praise", "neutral"]
Model = TypeVar("Model", bound=BaseModel)


def _check_terms(terms: tuple[str, ...]) -> tuple[str, ...]:
    for term in terms:
        # a sign such as [怒] or :) is one character long at least; a line break may end a term
        if not term.strip():
            raise ValueError("a term is empty")
    if twice := sorted({term for term in terms if terms.count(term) > 1}) if len(set(terms)) < len(terms) else []:
        raise ValueError(f"listed twice: {', '.join(twice)}")
    return terms


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(str(error)) from error
    return pattern


Terms = Annotated[tuple[str, ...], AfterValidator(_check_terms)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Feelings(_Strict):
    """Terms of one strength."""

    score: float = Field(ge=-5, le=5)
    """Above zero is pleased, below is not; about 1 for 不错, 2 for 非常好."""
    terms: Terms


class Degrees(_Strict):
    """Adverbs that strengthen or weaken a feeling beside them."""

    factor: float = Field(gt=0, le=5)
    after: bool = False
    """Stand directly behind the word: 好极了."""
    terms: Terms


class Words(_Strict):
    """config/stance/words.toml: feeling in words, and what turns or strengthens it."""

    silent: Terms = ()
    """Longer words that merely contain a feeling (满意度), and entries of other lists that we do not share."""
    negators: Terms = ()
    disclaimers: Terms = ()
    """Take the force of what follows: 严禁造假."""
    feelings: tuple[Feelings, ...] = ()
    degrees: tuple[Degrees, ...] = ()


class Emoticons(_Strict):
    """config/stance/emoticons.toml: feeling in signs."""

    feelings: tuple[Feelings, ...] = ()


class PolarityNumbers(_Strict):
    """Weights of one expression of feeling."""

    negation_reach: int = Field(ge=0, le=20)
    negated: float = Field(ge=0, le=2)
    negated_negative: float = Field(ge=0, le=2)
    """The same where a negative word is turned."""
    disclaimer_reach: int = Field(ge=0, le=50)
    degree_reach: int = Field(ge=0, le=20)
    sarcasm_reach: int = Field(ge=0, le=50)
    after_but: float = Field(ge=0, le=5)
    before_but: float = Field(ge=0, le=5)
    quoted: float = Field(ge=0, le=1)
    unreal: float = Field(ge=0, le=1)
    last: float = Field(ge=0, le=5)
    title: float = Field(ge=0, le=5)
    emoticon: float = Field(ge=0, le=5)
    borrowed: float = Field(ge=0, le=2)
    """Factor of the scores of JioNLP, where our own lists say nothing."""
    phrase: float = Field(ge=0, le=2)
    """Feeling per point of a phrase of praise or complaint that has no score of its own."""
    smoothing: float = Field(gt=0, le=20)
    intense: float = Field(gt=0, le=50)


class DecisionNumbers(_Strict):
    """From which points on something is said."""

    negative_below: float = Field(ge=-1, le=0)
    positive_above: float = Field(ge=0, le=1)
    complaint: float = Field(gt=0)
    praise: float = Field(gt=0)
    question: float = Field(gt=0)
    suggestion: float = Field(gt=0)
    neutral: float = Field(gt=0)
    margin: float = Field(ge=0)
    feeling: float = Field(ge=0)
    outweighs: float = Field(ge=0)
    firm_wish: float = Field(gt=0)
    firm: float = Field(gt=0)


class Cues(_Strict):
    """Phrases that speak for a stance, each different one once."""

    stance: Stance
    points: float = Field(gt=0, le=10)
    rhetorical: bool = False
    """Has the form of a question and asks nothing: with it, no form counts as a question."""
    firm: bool = False
    """The voice of an office or a reporter: settles the stance, unless somebody speaks of his own affairs."""
    terms: Terms


class Pattern(_Strict):
    """A form of text that speaks for a stance."""

    stance: Stance
    points: float = Field(gt=0, le=10)
    firm: bool = False
    name: str = Field(min_length=1)
    """How the evidence calls it."""
    pattern: Annotated[str, AfterValidator(_check_pattern)]
    """Regular expression over title, line break, text in matching form."""


class Marks(_Strict):
    """Terms that say how to take what stands around them."""

    but: Terms = ()
    """What follows in the sentence weighs more, what went before less."""
    quote: Terms = ()
    """From here to the end another one speaks."""
    unreal: Terms = ()
    """Wished or supposed, as in a suggestion: feeling that follows in the clause is not real."""
    reported: Terms = ()
    """Told by others: neither feeling nor complaint that follows in the clause is the writer's."""
    sarcasm: Terms = ()
    """Praise near it is meant the other way round."""
    personal: Terms = ()
    """Somebody speaks of his own affairs: no announcement, whatever it quotes."""


class StanceFile(_Strict):
    """config/stance/stance.toml."""

    polarity: PolarityNumbers
    decision: DecisionNumbers
    marks: Marks = Marks()
    cues: tuple[Cues, ...] = ()
    patterns: tuple[Pattern, ...] = ()


class StanceRules(StanceFile):
    """All rules of stance and feeling."""

    words: Words
    emoticons: Emoticons
    borrowed: tuple[tuple[str, float], ...] = ()
    """term, score of lists by others (JioNLP)."""


def stance_rules_from(files: dict[str, dict[str, Any]], borrowed: bytes = b"") -> StanceRules:
    """Build the rules from parsed TOML files.

    Args:
        files: `stance`, `words`, `emoticons` -> content.
        borrowed: content of jionlp_words.tsv.gz: one `term<TAB>score` per line, gzipped; empty for none.

    Raises:
        ValueError: a file is missing, has a wrong field or a wrong line; names file and field or line.
    """
    for needed in ("stance", "words", "emoticons"):
        if needed not in files:
            raise ValueError(f"{needed}.toml: file is missing")
    stance = _validate(StanceFile, "stance", files["stance"])
    return StanceRules(
        **{name: getattr(stance, name) for name in StanceFile.model_fields},
        words=_validate(Words, "words", files["words"]),
        emoticons=_validate(Emoticons, "emoticons", files["emoticons"]),
        borrowed=tuple(_borrowed(borrowed)),
    )


def _validate(model: type[Model], stem: str, content: dict[str, Any]) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "file"
        raise ValueError(f"{stem}.toml: {field}: {first['msg'].removeprefix('Value error, ')}") from error


def _borrowed(content: bytes) -> list[tuple[str, float]]:
    if not content:
        return []
    name = "jionlp_words.tsv.gz"
    try:
        lines = gzip.decompress(content).decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(f"{name}: not a gzipped UTF-8 table: {error}") from error
    rows = []
    for number, line in enumerate(lines, 1):
        term, _, score = line.partition("\t")
        try:
            rows.append((term, float(score)))
        except ValueError as error:
            raise ValueError(f"{name}: line {number}: not term<TAB>score: {line!r}") from error
    return rows
