"""The rules of grading: config/grading.toml, and the measures of one issue that they are applied to.

Every number is configuration (our own choice unless the file names a document); which measure acts on which
factor, and what an override does, is code (transforms/grade). An issue is graded, never a person.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from caifeng.core.model.source import MediaTier, Reach

Flag = Literal[
    "key_category",
    "alleges_fabrication",
    "alleges_leak",
    "impostor_fraud",
    "staff_conduct",
    "specific_checkable",
    "release_window",
    "constructive_suggestion",
    "pure_question",
]
Fact = Literal[
    "names_bureau",
    "names_unit",
    "local_board",
    "official_channel",
    "official_notice",
    "second_wave",
    "superior_orders",
    "leader_instruction",
    "offline_collective",
]
Tone = Literal["negative", "neutral", "positive", "unknown"]
Jurisdiction = Literal["local", "city", "province", "national", "other", "unknown"]
EmergencyLevel = Literal["none", "general", "larger", "major", "extreme"]

#: Topics every rule file must value; an office may add its own.
TOPICS = (
    "gdp",
    "price",
    "employment",
    "income",
    "wage",
    "pop_census",
    "agri_census",
    "econ_census",
    "investment",
    "housing",
    "industry_energy",
    "consumption",
    "data_fabrication",
    "enforcement",
    "household_visit",
    "impostor_fraud",
    "data_leak",
    "staff_conduct",
    "three_public",
    "release_service",
    "ranking_eval",
    "resident_welfare",
    "method_education",
    "praise_publicity",
    "other_stats",
)

#: Factor -> (short name, full name) on paper, in the order of Art. 6.
FACTOR_NAMES: dict[str, tuple[str, str]] = {
    "C": ("内容", "舆情内容"),
    "R": ("影响", "影响范围"),
    "A": ("关注", "公众关注度"),
    "S": ("反响", "社会反响程度"),
    "M": ("介入", "媒体介入度"),
}

FLAG_NAMES: dict[str, str] = {
    "key_category": "重点回应类别",
    "alleges_fabrication": "指称数据造假",
    "alleges_leak": "指称信息泄露",
    "impostor_fraud": "冒充或诈骗",
    "staff_conduct": "投诉作风或执法",
    "specific_checkable": "内容具体可核查",
    "release_window": "临近相关数据发布",
    "constructive_suggestion": "建设性意见",
    "pure_question": "单纯咨询",
}

#: Override -> what it says on paper, in the order in which overrides are listed.
OVERRIDE_NAMES: dict[str, str] = {
    "O9": "单项因素突出，不低于较大（两项以上不低于重大）",
    "O1": "突发事件为重大以上，不低于重大",
    "O2a": "中央媒体点名本地，不低于重大",
    "O2b": "省级媒体点名本地，不低于较大",
    "O3": "上级要求回应，不低于较大",
    "O4": "领导批示，不低于较大",
    "O5": "指称造假并点名单位，或指称信息泄露，不低于较大",
    "O6": "冒充或诈骗，不低于较大",
    "O7": "线下聚集苗头，不低于重大，需人工复核",
    "O8": "二次舆情，升一级",
    "O10": "数据覆盖不足且仅一篇，不高于较大",
    "O12": "官方通报或上级事项，列为背景",
    "O11": "外地事项，转办",
}

Points = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
FlagPoints = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
Percent = Annotated[int, Field(ge=0, le=100)]
Threshold = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _complete(names: Iterable[str], *, ascending: bool = False) -> Callable[[dict[str, float]], dict[str, float]]:
    """Validator: every name has a value; with `ascending` values do not fall in the order of the names."""
    wanted = tuple(names)

    def check(points: dict[str, float]) -> dict[str, float]:
        if missing := [name for name in wanted if name not in points]:
            raise ValueError(f"missing: {', '.join(missing)}")
        values = [points[name] for name in wanted]
        if ascending and values != sorted(values):
            raise ValueError(f"must not fall from {wanted[0]} to {wanted[-1]}")
        return points

    return check


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Weight(_Strict):
    """Weights of the five factors in percent: whole numbers, so that the total is exact in tenths."""

    C: Percent
    R: Percent
    A: Percent
    S: Percent
    M: Percent

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if (total := self.C + self.R + self.A + self.S + self.M) != 100:
            raise ValueError(f"the weights add to {total} percent, not to 100")
        return self


class ReachRule(_Strict):
    """R: weights in percent of geo, spread and persist, and points per source class and per active day."""

    geo: Percent
    spread: Percent
    persist: Percent
    points_per_class: Points
    points_per_day: Points

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.geo + self.spread + self.persist != 100:
            raise ValueError("geo, spread and persist must add to 100 percent")
        return self


class AttentionRule(_Strict):
    """A: how the highest and the mean measure mix (percent), the log scale, and the growth bonus."""

    highest: Percent
    mean: Percent
    points_per_decade: Points
    zero_views: float = Field(gt=0, allow_inf_nan=False)
    zero_reposts: float = Field(gt=0, allow_inf_nan=False)
    zero_comments: float = Field(gt=0, allow_inf_nan=False)
    growth: Threshold
    """Growth in 24 hours from which the bonus is given; 1.0 = +100 %."""
    growth_docs: int = Field(ge=1)
    growth_bonus: Points

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.highest + self.mean != 100:
            raise ValueError("highest and mean must add to 100 percent")
        return self


class ReactionRule(_Strict):
    """S: weights in percent of neg, intensity and recur, z of the Wilson bound, points per earlier issue."""

    neg: Percent
    intensity: Percent
    recur: Percent
    z: float = Field(gt=0, allow_inf_nan=False)
    points_per_issue: Points

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.neg + self.intensity + self.recur != 100:
            raise ValueError("neg, intensity and recur must add to 100 percent")
        if self.neg == 100:
            raise ValueError("neg can be unknown, so it cannot carry the whole factor")
        return self


class MediaRule(_Strict):
    """M: points for each medium after the first, and their ceiling."""

    points_per_medium: Points
    most_extra: Points


class LevelRule(_Strict):
    """Lowest total of each level, one decimal; a boundary belongs to the higher level."""

    general: Points
    larger: Points
    major: Points
    extreme: Points

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        steps = [self.general, self.larger, self.major, self.extreme]
        if any(low >= high for low, high in pairwise(steps)):
            raise ValueError("must ascend from general to extreme")
        if any(step != round(step, 1) for step in steps):
            raise ValueError("at most one decimal, as the total has")
        return self


class OverrideRule(_Strict):
    """Thresholds of the overrides O9 and O10."""

    strong: Points
    """O9: a factor is strong from here."""
    strong_c_min_a: Points
    """O9: content counts as strong only with this much attention."""
    strong_s_min_counted: int = Field(ge=0)
    """O9: reaction counts as strong only with this many documents and comments."""
    strong_for_larger: int = Field(ge=1, le=5)
    strong_for_major: int = Field(ge=1, le=5)
    thin_coverage: float = Field(ge=0, le=1)
    """O10: below this coverage the data are thin ..."""
    thin_docs: int = Field(ge=1)
    """O10: ... if there are no more documents than this."""

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.strong_for_larger >= self.strong_for_major:
            raise ValueError("strong_for_larger must be below strong_for_major")
        return self


def _check_docs(points: dict[str, float]) -> dict[str, float]:
    if "1" not in points:
        raise ValueError("needs a value for 1 document")
    values = [points[docs] for docs in sorted(points, key=int)]
    if values != sorted(values):
        raise ValueError("must not fall with the number of documents")
    return points


class GradingRules(_Strict):
    """The whole file. Dotted names of its values are the parameters of ops.grading_rules."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)
    weight: Weight
    topic_base: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], Points], AfterValidator(_complete(TOPICS))
    ]
    flag: Annotated[dict[Flag, FlagPoints], AfterValidator(_complete(get_args(Flag)))]
    reach: ReachRule
    geo: Annotated[dict[Reach, Points], AfterValidator(_complete(get_args(Reach), ascending=True))]
    attention: AttentionRule
    docs: Annotated[dict[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")], Points], AfterValidator(_check_docs)]
    """Points of `distinct_docs` at its anchors, linear in log10 between them, constant above the last."""
    reaction: ReactionRule
    media: MediaRule
    media_tier: Annotated[dict[MediaTier, Points], AfterValidator(_complete(get_args(MediaTier), ascending=True))]
    level: LevelRule
    override: OverrideRule

    @property
    def rule_version(self) -> str:
        """Name and first 8 hex digits of the SHA-256 of the values; comments and order do not count."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return f"{self.name}-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"

    @property
    def docs_anchors(self) -> tuple[tuple[int, float], ...]:
        """(documents, points) in ascending order; the first is 1 document."""
        return tuple(sorted((int(docs), points) for docs, points in self.docs.items()))


Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
CountFrom1 = Annotated[int, Field(ge=1, le=2**63 - 1)]


def _check_once(items: list[str]) -> list[str]:
    if len(set(items)) < len(items):
        raise PydanticCustomError("repeated", "repeated")
    return items


def _check_unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError("unicode", "not valid Unicode") from error
    return text


class Measures(_Strict):
    """One line of `caifeng grade --json`: what is known of an issue; null is unknown, 0 is zero.

    Whether the topic is known depends on the rules and is checked by the caller.
    """

    issue_no: Annotated[str, AfterValidator(_check_unicode)]
    topic: str
    flags: Annotated[list[Flag], AfterValidator(_check_once)]
    tone: Tone
    geo: Reach
    source_classes: CountFrom1
    active_days: CountFrom1
    views: Count | None
    reposts: Count | None
    comments: Count | None
    distinct_docs: CountFrom1
    growth_24h: Annotated[float, Field(allow_inf_nan=False)] | None
    neg_docs: Count
    counted_docs: Count
    emotive_docs: Count
    same_topic_issues_90d: Count
    media_tier: MediaTier
    n_media: Count
    emergency_level: EmergencyLevel
    facts: Annotated[list[Fact], AfterValidator(_check_once)]
    jurisdiction: Jurisdiction

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.neg_docs > self.counted_docs:
            raise PydanticCustomError("together", "neg_docs: more than counted_docs")
        if self.emotive_docs > self.distinct_docs:
            raise PydanticCustomError("together", "emotive_docs: more than distinct_docs")
        if (self.n_media == 0) != (self.media_tier == "none"):
            raise PydanticCustomError("together", "n_media: must be 0 exactly when media_tier is none")
        return self
