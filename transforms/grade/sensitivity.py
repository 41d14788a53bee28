"""How much levels hang on single numbers of the rules: weights and cuts moved one at a time."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import polars as pl

from caifeng.core.model.grading import FACTOR_NAMES, GradingRules, LevelRule
from transforms.grade import factors, overrides
from transforms.grade.inputs import check_measures

#: Shape of ops.rule_sensitivity.
SENSITIVITY = pl.Schema(
    {
        "rule_version": pl.String(),
        "parameter": pl.String(),
        "direction": pl.String(),
        "value": pl.Float64(),
        "issues": pl.Int64(),
        "flipped": pl.Int64(),
        "share": pl.Float64(),
        "raised": pl.Int64(),
        "lowered": pl.Int64(),
        "examples": pl.List(pl.String()),
    }
)

_EXAMPLES = 5


class _Variant(NamedTuple):
    """The rules with one number moved."""

    parameter: str
    direction: str
    value: float
    weights: Mapping[str, float]
    level: LevelRule


def sensitivity(issues: pl.DataFrame, rules: GradingRules, step: float = 0.1) -> pl.DataFrame:
    """Count the levels that flip when one weight or one cut moves up or down.

    A moved weight makes the others shrink or grow in proportion, so that all add to 100; they need not be whole
    here. A moved cut is rounded to one decimal and stops at its neighbours. Factors, overrides and everything else
    stay as they are; a level outside the scale (`context`, `refer_out`) never flips.

    Args:
        issues: one row per issue with at least the columns of `MEASURES`.
        rules: the rule version.
        step: how far a number moves, as a share of itself; 0.1 is 10 %.

    Returns:
        `SENSITIVITY`: two rows for each weight and each cut, in the order of the rule file; `share` is null where
        there are no issues.

    Raises:
        DataError: as `grade`.
    """
    strong = overrides.strong_factors(rules).values()
    graded = (
        check_measures(issues, rules)
        .lazy()
        .with_columns(factors.points(rules))
        .with_columns(factors.factors(rules))
        .with_columns(pl.sum_horizontal(factor.cast(pl.Int64) for factor in strong).alias("strong"))
        .with_columns(overrides.fired(rules))
        .select("issue_no", *(f"{factor}10" for factor in FACTOR_NAMES), "strong", pl.col("^O[0-9]+[ab]?$"))
        .collect()
    )
    variants = list(_variants(rules, step))
    before = _rank(graded, rules, rules.weight.model_dump(), rules.level)
    ranks = pl.collect_all([before, *(_rank(graded, rules, v.weights, v.level) for v in variants)])
    unmoved = ranks[0].to_series()
    return pl.DataFrame(
        [
            _row(rules.rule_version, variant, graded["issue_no"], unmoved, moved.to_series())
            for variant, moved in zip(variants, ranks[1:], strict=True)
        ],
        schema=SENSITIVITY,
        orient="row",
    )


def _variants(rules: GradingRules, step: float) -> Iterator[_Variant]:
    moves = (("up", 1 + step), ("down", 1 - step))
    weights: dict[str, float] = rules.weight.model_dump()
    for factor, weight in weights.items():
        for direction, times in moves:
            moved = _moved_weights(weights, factor, min(100.0, round(weight * times, 6)))
            yield _Variant(f"weight.{factor}", direction, moved[factor], moved, rules.level)
    cuts: dict[str, float] = rules.level.model_dump()
    edges = [0.0, *cuts.values(), 100.0]
    for number, (name, cut) in enumerate(cuts.items()):
        for direction, times in moves:
            value = min(max(round(cut * times, 1), edges[number]), edges[number + 2])
            level = rules.level.model_copy(update={name: value})
            yield _Variant(f"level.{name}", direction, value, weights, level)


def _moved_weights(weights: Mapping[str, float], factor: str, weight: float) -> dict[str, float]:
    others = 100 - weights[factor]
    if not others:  # it carries everything: there is nothing that could make room or take it
        return dict(weights)
    return {name: weight if name == factor else w * (100 - weight) / others for name, w in weights.items()}


def _rank(graded: pl.DataFrame, rules: GradingRules, weights: Mapping[str, float], level: LevelRule) -> pl.LazyFrame:
    """Index of SCALE of each issue; null outside the scale."""
    weighed = pl.sum_horizontal(pl.col(f"{factor}10") * weight for factor, weight in weights.items())
    return (
        graded.lazy()
        # half up, as in `factors.total`; the small term keeps a half a half where the weights are not whole
        .with_columns((weighed / 100 + 0.5 + 1e-9).floor().cast(pl.Int64).alias("total10"))
        .with_columns(overrides.rank_by_score(rules.model_copy(update={"level": level})))
        .with_columns(overrides.rank_raised(rules))
        .select(pl.when(~(pl.col("O11") | pl.col("O12"))).then(overrides.rank_capped()).cast(pl.Int8).alias("rank"))
    )


def _row(
    rule_version: str, variant: _Variant, issue_nos: pl.Series, before: pl.Series, after: pl.Series
) -> tuple[object, ...]:
    raised, lowered = int((after > before).sum()), int((after < before).sum())
    flipped = raised + lowered
    examples = issue_nos.filter((after != before).fill_null(value=False)).unique().sort().head(_EXAMPLES).to_list()
    share = flipped / before.len() if before.len() else None
    counts = (before.len(), flipped, share, raised, lowered)
    return (rule_version, variant.parameter, variant.direction, variant.value, *counts, examples)
