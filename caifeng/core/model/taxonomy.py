"""What counts as statistics work and what it is about: config/taxonomy/*.toml and config/gazetteer.toml.

Data only; the rules are applied by transforms/understand. Terms are written as a person would write them; they
are compared in the matching form of caifeng.core.text.normalise. Names of persons and accounts are refused:
the unit of this system is the issue, never a person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from caifeng.core.model.terms import JURISDICTION_NAMES, RELEVANCE_REASONS
from caifeng.core.text.names import name_spans

#: The topic of a post that concerns statistics work but names no subject.
FALLBACK_TOPIC = "other_stats"

Flag = Literal[
    "key_category", "alleges_fabrication", "alleges_leak", "impostor_fraud", "staff_conduct", "specific_checkable"
]
Fact = Literal["names_bureau", "names_unit", "official_notice"]


Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_SURNAMES = (
    "赵钱孙李周吴郑王冯陈杨朱秦许何吕张孔曹严魏姜谢邹潘葛范彭马方袁柳唐罗薛贺倪汤余孟黄萧姚邵汪毛戴宋庞熊董梁杜阮蓝贾江郭林徐邱骆"
    "高夏蔡田胡霍万卢丁邓洪石崔龚程陆荣翁段侯武刘叶黎白赖乔谭申冉桑牛尚温庄晏柴瞿阎欧沈韩"
)
# Handles, accounts by number or address, by-lines, polite and masked forms; names beside a role: name_spans.
_PERSON = re.compile(
    r"[@＠]|(?:先生|女士|小姐|[某×＊*]{2})$|\d{6,}|(?:weibo|douyin|zhihu|tieba)\.|\buid"
    r"|^(?:记者|作者|通讯员|编辑|责编|摄影|博主|楼主|网友|用户|[Uu][Pp]主?|大[Vv])"
    rf"(?:[:：/|].*|[\s“\"]*[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}[”\"]?)$"
    rf"|^[老小阿][{_SURNAMES}]$"
)


def _check_terms(terms: tuple[str, ...]) -> tuple[str, ...]:
    for entry in terms:
        for term in entry.split("|"):
            if not term.strip():
                raise ValueError("a term is empty")
            if _PERSON.search(term) or name_spans(term):
                raise ValueError(f"{term!r} looks like a person or an account; terms name things, not people")
    if twice := sorted(term for term, times in Counter(terms).items() if times > 1):
        raise ValueError(f"listed twice: {', '.join(twice)}")
    return terms


Terms = Annotated[tuple[str, ...], AfterValidator(_check_terms)]


def _check_sentences(sentences: tuple[str, ...]) -> tuple[str, ...]:
    if any(not sentence.strip() for sentence in sentences):
        raise ValueError("a sentence is empty")
    if twice := sorted(sentence for sentence, times in Counter(sentences).items() if times > 1):
        raise ValueError(f"listed twice: {', '.join(twice)}")
    return sentences


Sentences = Annotated[tuple[str, ...], AfterValidator(_check_sentences)]


def _one_of(names: dict[str, str]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"{value!r} is none of {', '.join(names)}")
        return value

    return AfterValidator(check)


#: Stands in a rule for our country and each of its provinces, cities and counties.
PLACES = "{places}"


class Rule(_Strict):
    """Words that together are about a topic where each alone is not: [[rule]] in a topic's file.

    The first entry of `all` is the anchor. The rule holds where every other entry of `all`, and one of `any` if
    given, stands beside the anchor, and none of `none` does. It then counts like one of the topic's `terms`.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(?:_[a-z0-9]+)*$")
    """Shown in the evidence as <topic>/<id>."""
    all: Terms = Field(min_length=1)
    """甲|乙 stands for either; {places} for our country and any place in it."""
    any: Terms = ()
    none: Terms = ()
    within: int = Field(default=20, ge=1, le=500)
    """Characters between the anchor and each of the others."""
    in_title: bool = False
    """The anchor stands in the title."""
    boards: Terms = ()
    """Only on a board whose name contains one of these."""
    strong: bool = False
    """Counts like a strong term, also beside words of the exclusions."""

    @model_validator(mode="after")
    def _is_more_than_a_term(self) -> Self:
        if PLACES in self.all[:1]:
            raise ValueError("all: the first entry is the anchor and names words, not {places}")
        if len(self.all) == 1 and not (self.any or self.boards or self.in_title):
            raise ValueError("all: one entry without a condition is a term; write it under terms")
        return self


class Topic(_Strict):
    """One file config/taxonomy/<id>.toml: a subject that an issue can have (docs/glossary.md)."""

    id: str = Field(pattern=r"^[a-z0-9]+(?:_[a-z0-9]+)*$")
    name: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    """Id of the unit in config/units.toml that answers for it."""
    competent_body: str | None = None
    """Another body that owns the figures; the office then refers instead of answering."""
    national: bool = False
    """Talk of it without any place is about the whole country."""
    strong: Terms = ()
    """Stand alone, also beside words of the exclusions: nobody else uses them."""
    terms: Terms = ()
    """Stand alone unless an exclusion is near."""
    ambiguous: Terms = ()
    """Count only with a context word near."""
    context: Terms = ()
    """Context words of this topic instead of the common ones."""
    strict: bool = False
    """All strong terms (统计局, 普查, those of the topics) are its context, and `context` if given: for everyday
    words such as 敲门 or 排名, which say what a post is about but neither make it relevant nor count without."""
    exclude: Terms = ()
    """Near one of these, terms, rules and ambiguous terms of this topic do not count."""
    rule: tuple[Rule, ...] = ()
    """Compound rules."""
    weight: float = Field(default=1.0, gt=0, le=3)
    """Multiplies its points. What happened (a fraud, a leak) outranks the census in which it happened."""
    examples: Sentences = ()
    """Invented sentences that must get this topic as their first one."""
    counter_examples: Sentences = ()
    """Invented sentences that must not: irrelevant, or another topic's."""


class ReasonExample(_Strict):
    """An invented sentence and why it is relevant or not."""

    text: str = Field(min_length=1)
    reason: Annotated[str, _one_of(RELEVANCE_REASONS)]


class Relevance(_Strict):
    """config/taxonomy/_relevance.toml: rules common to all topics."""

    window: int = Field(default=60, ge=1, le=500)
    """Characters within which words are near to each other."""
    title_weight: float = Field(default=2.0, ge=1, le=10)
    """Multiplies the points of a term in the title. Our choice."""
    boards: Terms = ("统计",)
    """On a board whose name contains one of these, ambiguous terms need no further context."""
    strong: Terms
    context: Terms
    idioms: Terms = ()
    """Removed before anything is compared: 据不完全统计."""
    masks: Terms = ()
    """Longer words that merely contain a term: 物种普查, 劳工统计局."""
    foreign: Terms = ()
    """Other countries, their offices and markets."""
    separate: Terms = ()
    """Parts of the country with a statistical system of their own."""
    domestic: Terms = ()
    """This country; its provinces and cities come from the gazetteer."""
    exclusions: dict[str, Terms] = {}
    """Fields that use the same words, by name."""
    examples: tuple[ReasonExample, ...] = ()
    """Sentences of other fields and countries, and of our own beside them."""


class SignalRule(_Strict):
    """Fires when every condition it states holds; several rules may share an id."""

    any: Terms = ()
    """At least one occurs (and passes `near` and `unless`). `{towns}` stands for the towns of the gazetteer."""
    all: Terms = ()
    """Each occurs somewhere."""
    none: Terms = ()
    """None occurs anywhere."""
    near: Terms = ()
    """One of these stands within `within` characters of the `any` term."""
    within: int = Field(default=20, ge=1, le=500)
    unless: Terms = ()
    """One of these close before the `any` term (6 characters) takes its force: 没有, 严禁, 防范."""
    pattern: str | None = None
    """Regular expression that matches somewhere in the text."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.any:
            raise ValueError("any: a rule needs at least one term")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern: {error}") from error
        return self


class FlagRule(SignalRule):
    """Sets a content flag (grading: factor C)."""

    id: Flag


class FactRule(SignalRule):
    """Sets a fact (grading: overrides)."""

    id: Fact


class Signals(_Strict):
    """config/taxonomy/_signals.toml: what a post says beyond its subject."""

    flags: tuple[FlagRule, ...] = ()
    facts: tuple[FactRule, ...] = ()
    emotive: Terms = ()


class Area(_Strict):
    """A province, city or county of the country."""

    code: str = Field(pattern=r"^\d{2}(?:\d{2}){0,2}$")
    """GB/T 2260: two figures for a province, four for a city, six for a county."""
    name: str
    short: str = ""
    """Name without its rank; empty where that would be an everyday word or another place."""


class Areas(_Strict):
    """config/taxonomy/_areas.toml: "code name [short]" per row, from Administrative-divisions-of-China (WTFPL)."""

    rows: tuple[str, ...] = ()

    def parsed(self) -> Iterator[Area]:
        """The rows as areas.

        Raises:
            ValueError: a row has other than two or three parts, or a code that is not 2, 4 or 6 figures.
        """
        for row in self.rows:
            parts = row.split()
            if len(parts) not in (2, 3):
                raise ValueError(f"rows: not 'code name [short]': {row!r}")
            try:
                yield Area(code=parts[0], name=parts[1], short="".join(parts[2:]))
            except ValidationError as error:
                raise ValueError(f"rows: {row!r}: {error.errors()[0]['msg']}") from error


class PlaceExample(_Strict):
    """An invented sentence and whose matter it is."""

    text: str = Field(min_length=1)
    jurisdiction: Annotated[str, _one_of(JURISDICTION_NAMES)]
    local_board: bool = False
    """Posted on a board of the office's place."""


class Gazetteer(_Strict):
    """config/gazetteer.toml: the places around the office; its own names are in config/units.toml."""

    place: str = Field(pattern=r"^\d{6}$")
    """Code of the office's county."""
    towns: Terms = ()
    """Towns whose names occur nowhere else."""
    towns_ambiguous: Terms = ()
    """Towns that need the county, city or province in the same text."""
    own: Terms = ()
    """How people of the place speak of it: 我县. Counts on a board of the place only."""
    neighbours: Terms = ()
    """Short names of counties near by."""
    sisters: Terms = ()
    """Names of the other counties of the own city."""
    city_wide: Terms = ()
    """With the city's name: about all its counties."""
    nation_wide: Terms = ()
    """About many places at once: 31省份."""
    nation: Terms = ()
    """The whole country."""
    false_friends: Terms = ()
    """Longer words that merely contain the county's name: 蒙城路."""
    false_friend_context: Terms = ()
    """Anywhere in a text, they make the county's short name mean something else: 魁北克."""
    examples: tuple[PlaceExample, ...] = ()
    """One at least for each kind of place and each false friend."""


class Taxonomy(_Strict):
    """All rules of understanding, consistent with each other."""

    topics: tuple[Topic, ...]
    relevance: Relevance
    signals: Signals
    gazetteer: Gazetteer
    areas: tuple[Area, ...] = ()

    @property
    def topic_ids(self) -> tuple[str, ...]:
        """Ids of the topics, in file order."""
        return tuple(topic.id for topic in self.topics)


def taxonomy_from(files: dict[str, dict[str, Any]]) -> Taxonomy:
    """Build the taxonomy from parsed TOML files.

    Args:
        files: file stem -> content: `_relevance`, `_signals`, `gazetteer`, optionally `_areas`; every other
            stem is a topic.

    Raises:
        ValueError: a file is missing, has a wrong field, or contradicts another; names file and field.
    """
    for needed in ("_relevance", "_signals", "gazetteer", FALLBACK_TOPIC):
        if needed not in files:
            raise ValueError(f"{needed}.toml: file is missing")
    common = {"_relevance", "_signals", "_areas", "gazetteer"}
    topics = {stem: _validate(Topic, stem, files[stem]) for stem in sorted(set(files) - common)}
    relevance = _validate(Relevance, "_relevance", files["_relevance"])
    gazetteer = _validate(Gazetteer, "gazetteer", files["gazetteer"])
    signals = _validate(Signals, "_signals", files["_signals"])
    rows = _validate(Areas, "_areas", files.get("_areas", {}))
    try:
        areas = tuple(rows.parsed())
    except ValueError as error:
        raise ValueError(f"_areas.toml: {error}") from error
    _check_topics(topics, relevance)
    if areas and gazetteer.place not in {area.code for area in areas}:
        raise ValueError(f"gazetteer.toml: place: {gazetteer.place} is not in _areas.toml")
    return Taxonomy(
        topics=tuple(topics.values()), relevance=relevance, signals=signals, gazetteer=gazetteer, areas=areas
    )


def _validate(model: type[Model], stem: str, content: dict[str, Any]) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "file"
        raise ValueError(f"{stem}.toml: {field}: {first['msg'].removeprefix('Value error, ')}") from error


def _check_topics(topics: dict[str, Topic], relevance: Relevance) -> None:
    excluded = {term for group in relevance.exclusions.values() for term in group}
    for stem, topic in topics.items():
        if topic.id != stem:
            raise ValueError(f"{stem}.toml: id: is {topic.id!r}, the file name says {stem!r}")
        counted = (*topic.strong, *topic.terms, *topic.ambiguous)
        if not counted and stem != FALLBACK_TOPIC:
            raise ValueError(f"{stem}.toml: terms: the topic has no term at all")
        if twice := sorted(term for term, times in Counter(counted).items() if times > 1):
            raise ValueError(f"{stem}.toml: terms: in more than one list: {', '.join(twice)}")
        if twice := sorted(id_ for id_, times in Counter(rule.id for rule in topic.rule).items() if times > 1):
            raise ValueError(f"{stem}.toml: rule: id given twice: {', '.join(twice)}")
        if both := sorted((excluded | set(topic.exclude)) & set(counted)):
            raise ValueError(f"{stem}.toml: exclude: both counted and excluded: {', '.join(both)}")
        if both := sorted(set(relevance.masks) & set(counted)):
            raise ValueError(f"_relevance.toml: masks: {stem}.toml counts them: {', '.join(both)}")
    inside = {*relevance.strong, *relevance.foreign, *relevance.domestic}
    inside |= {term for topic in topics.values() for term in (*topic.strong, *topic.terms, *topic.ambiguous)}
    if idle := [mask for mask in relevance.masks if not any(t in mask and t != mask for t in inside)]:
        raise ValueError(f"_relevance.toml: masks: contain no term, so they hide nothing: {', '.join(idle)}")
    if both := sorted(set(relevance.strong) & (excluded | set(relevance.masks))):
        raise ValueError(f"_relevance.toml: strong: also excluded: {', '.join(both)}")


#: Codes of the flags and facts that rules can set.
FLAGS, FACTS = (tuple(get_args(codes)) for codes in (Flag, Fact))
