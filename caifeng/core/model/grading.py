"""The rules of grading: config/grading.toml, and the measures of one issue that they are applied to.

Every number is configuration and says in `[basis]` where it comes from; which measure acts on which factor, and
what an override does, is code (transforms/grade). An issue is graded, never a person.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from caifeng.core.model.deadlines import OWN_RULE, PolicyBasis
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

#: Override -> the numbers that its condition or effect depends on, as fields of `OverrideRule`.
OVERRIDE_NUMBERS: dict[str, tuple[str, ...]] = {
    "O9": ("strong", "strong_c_min_a", "strong_s_min_counted", "strong_for_larger", "strong_for_major"),
    "O10": ("thin_coverage", "thin_docs"),
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
        steps = list(self)
        for (lower, low), (higher, high) in pairwise(steps):
            if low >= high:
                raise ValueError(f"must ascend from general to extreme: {higher} {high:g} is not above {lower} {low:g}")
        if any(step != round(step, 1) for _, step in steps):
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


class Basis(_Strict):
    """Why a number is this one: a document sets it, or it is the office's own, perhaps after a model."""

    rule: str | None = None
    """The rule of config/policy_basis.toml that sets it, `PB-X` or `PB-X clause`; None: the office's own."""
    modelled_on: tuple[str, ...] = Field(default=(), strict=False)
    """Rules that do not set the number but gave the office the idea; written like `rule`."""
    note: str | None = None
    """Printed in brackets behind an own number."""

    @model_validator(mode="after")
    def _own_or_cited(self) -> Self:
        if self.rule and (self.modelled_on or self.note):
            raise PydanticCustomError("basis", "modelled_on and note belong to numbers of the office's own")
        return self

    @property
    def citations(self) -> tuple[str, ...]:
        """Every rule that is named."""
        return (self.rule, *self.modelled_on) if self.rule else self.modelled_on

    def words(self, policy: PolicyBasis | None) -> str:
        """What is printed beside a number; without the documents their ids."""
        cite = policy.cite if policy else str
        if self.rule:
            return cite(self.rule)
        models = f"参照{'、'.join(map(cite, self.modelled_on))}" if self.modelled_on else None
        remarks = "；".join(remark for remark in (models, self.note) if remark)
        return f"{OWN_RULE}（{remarks}）" if remarks else OWN_RULE


_BASIS_KEYS = frozenset(Basis.model_fields)


def _flat(table: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of each leaf. A basis is a leaf, too: its own keys are no parameters."""
    for key, value in table.items():
        if isinstance(value, Mapping) and not (value.keys() and value.keys() <= _BASIS_KEYS):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _parse_basis_table(table: object) -> object:
    """Dotted keys may be quoted or not; `"ours"` and `"PB-X clause"` are short for the whole entry."""
    if not isinstance(table, Mapping):
        return table
    entries: dict[str, Any] = {}
    for key, value in _flat(table):
        if key in entries:
            raise PydanticCustomError("basis", "{key} is given twice", {"key": key})
        entries[key] = value
        if isinstance(value, str):
            entries[key] = {} if value == "ours" else {"rule": value}
    return entries


class GradingRules(_Strict):
    """One rule file. Dotted names of its numbers are the parameters of ops.grading_rules and the keys of `basis`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)
    effective_from: date
    """First day that is graded by these rules; they hold until a later file takes over."""
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
    basis: Annotated[dict[str, Basis], BeforeValidator(_parse_basis_table)]
    """Where each number and each override comes from. A key stands for all below it that have none of their own."""
    policy: PolicyBasis | None = Field(default=None, exclude=True)
    """config/policy_basis.toml, whose words are printed; not part of the file."""

    @model_validator(mode="after")
    def _every_number_has_its_basis(self) -> Self:
        if faults := _basis_faults(self.numbers, self.basis, self.policy):
            raise PydanticCustomError(
                "basis", "{faults}", {"faults": "; ".join(f"{f.key}: {f.reason}" for f in faults)}
            )
        return self

    @property
    def rule_version(self) -> str:
        """Name and first 8 hex digits of the SHA-256 of the values.

        Comments, order, `effective_from` and `basis` do not count: they change no grade.
        """
        values = self.model_dump(mode="json", exclude={"effective_from", "basis"})
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return f"{self.name}-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"

    @property
    def numbers(self) -> dict[str, float]:
        """Parameter (`weight.C`, `docs.30`, ...) -> value, sorted by parameter."""
        return {key: float(value) for key, value in sorted(_flat(_values(self.model_dump())))}

    @property
    def docs_anchors(self) -> tuple[tuple[int, float], ...]:
        """(documents, points) in ascending order; the first is 1 document."""
        return tuple(sorted((int(docs), points) for docs, points in self.docs.items()))

    def basis_words(self, *parameters: str) -> str:
        """What is printed as the source of the parameters or overrides (`weight.C`, `override.O5`), each source once.

        本单位规定, with what it is modelled on, or the document and clause that set the number.
        """
        words = [self.basis[key].words(self.policy) for key in (_basis_key(p, self.basis) for p in parameters) if key]
        plain = [word for word in words if word != OWN_RULE]
        # 本单位规定 once more beside 本单位规定（参照…） would say nothing
        told = plain if any(word.startswith(OWN_RULE) for word in plain) else words
        return "；".join(dict.fromkeys(told))


class Fault(NamedTuple):
    """What is wrong with a rule file: the dotted key (empty for the file as a whole) and the reason."""

    key: str
    reason: str


def read_rules(values: Mapping[str, Any], policy: PolicyBasis) -> tuple[GradingRules | None, list[Fault]]:
    """Validate a rule file.

    Args:
        values: the parsed TOML.
        policy: the documents that its basis may cite.

    Returns:
        The rules, or None; and every fault that was found, in the order of the file's sections.
    """
    if "policy" in values:
        return None, [Fault("policy", "unknown key")]
    faults: list[Fault] = []
    rules = None
    try:
        rules = GradingRules.model_validate({**values, "policy": policy})
    except ValidationError as error:
        # what is wrong between basis and numbers is told below, number by number, whatever else is wrong
        faults = [_fault(found) for found in error.errors(include_url=False) if found["loc"]]
    try:
        basis = _parse_basis_table(values.get("basis", {}))
    except PydanticCustomError:
        return None, faults
    if isinstance(basis, dict):
        readable = {key: entry for key, raw in basis.items() if (entry := _readable(raw))}
        more = _basis_faults(dict(_flat(_values(values))), readable, policy, also_named=basis)
        # a number that is missing or unknown, or a basis that cannot be read, has been named already
        named = [fault.key for fault in faults]
        faults += [
            fault
            for fault in more
            if not _is_within(fault.key, named) and not _is_within(fault.key.removeprefix("basis."), named)
        ]
    return rules, list(dict.fromkeys(faults))


def _is_within(key: str, tables: Iterable[str]) -> bool:
    return any(key == table or key.startswith(f"{table}.") for table in tables)


def _readable(raw: object) -> Basis | None:
    try:
        return Basis.model_validate(raw)
    except ValidationError:
        return None


def _fault(found: ErrorDetails) -> Fault:
    key = ".".join(str(part) for part in found["loc"] if part != "[key]")
    reason = {"missing": "missing", "extra_forbidden": "unknown key"}.get(found["type"], found["msg"])
    return Fault(key, reason.removeprefix("Value error, "))


def _values(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is graded with: everything but the name and what explains it."""
    return {key: value for key, value in values.items() if key not in ("name", "effective_from", "basis", "policy")}


def _basis_key(parameter: str, basis: Mapping[str, object]) -> str | None:
    """The closest entry for a parameter: its own, else that of the table it stands in."""
    parts = parameter.split(".")
    tables = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((key for key in tables if key in basis), None)


def _basis_faults(
    numbers: Mapping[str, object],
    basis: Mapping[str, Basis],
    policy: PolicyBasis | None,
    also_named: Iterable[str] = (),
) -> list[Fault]:
    """Numbers and overrides without a basis, entries that stand for nothing, citations that do not hold."""
    named = {**dict.fromkeys(also_named), **basis}
    used: dict[str, list[str]] = {}
    faults = []
    for parameter in (*numbers, *(f"override.{name}" for name in OVERRIDE_NAMES)):
        key = _basis_key(parameter, named)
        if key is None:
            faults.append(Fault(f"basis.{parameter}", "missing: where does it come from?"))
        else:
            used.setdefault(key, []).append(parameter)
    for key in named:
        if key not in used:
            faults.append(Fault(f"basis.{key}", "stands for no number or override, or for none without a closer basis"))
    if policy is None:
        return faults
    for key, entry in basis.items():
        for citation in entry.citations:
            if reason := policy.fault(citation):
                faults.append(Fault(f"basis.{key}", reason))
            elif citation == entry.rule:
                set_there = policy.rule_of(citation).numbers
                own = [p for p in used.get(key, ()) if p in numbers and numbers[p] not in set_there]
                faults += [Fault(f"basis.{key}", f"{citation} does not set {p} to {numbers[p]}") for p in own]
    return faults


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
