"""Grading: from what is known of an issue to its level, openly. One row in, one row out, no state."""

import polars as pl

from caifeng.core.model.grading import FACTOR_NAMES, GradingRules
from transforms.grade import factors, overrides
from transforms.grade.explain import explanation
from transforms.grade.inputs import MEASURES, check_measures

__all__ = ["GRADES", "MEASURES", "grade"]

#: Columns that grading adds to `MEASURES`. Factors and total 0 to 100 with one decimal.
GRADES = pl.Schema(
    {
        **{factor: pl.Float64() for factor in FACTOR_NAMES},
        "total": pl.Float64(),
        "coverage": pl.Float64(),
        "level": pl.String(),
        "level_by_score": pl.String(),
        "overrides": pl.List(pl.String()),
        "needs_review": pl.Boolean(),
        "response_value": pl.String(),
        "sensitive": pl.Boolean(),
        "explanation": pl.String(),
    }
)


def grade(issues: pl.DataFrame, rules: GradingRules) -> pl.DataFrame:
    """Grade every issue by the five factors of Art. 6 and the overrides.

    Args:
        issues: one row per issue with at least the columns of `MEASURES`; null in views, reposts, comments
            and growth_24h is unknown, other nulls are errors; numbers within the ranges of
            `caifeng.core.model.grading.Measures`.
        rules: config/grading.toml.

    Returns:
        The columns of `MEASURES`, then those of `GRADES`, never null, in the order of the input. The total
        comes from the rounded factors on integer tenths, so that the printed sum re-adds.

    Raises:
        DataError: a column is missing, null stands where the value must be known, or a value is unknown.
    """
    strong = overrides.strong_factors(rules).values()
    return (
        check_measures(issues, rules)
        .lazy()
        .with_columns(factors.points(rules))
        .with_columns(factors.factors(rules))
        .with_columns(factors.total(rules))
        .with_columns(
            overrides.rank_by_score(rules),
            pl.sum_horizontal(factor.cast(pl.Int64) for factor in strong).alias("strong"),
        )
        .with_columns(overrides.fired(rules))
        .with_columns(overrides.rank_raised(rules), overrides.overrides_list())
        .with_columns(overrides.rank_capped())
        .with_columns(
            overrides.level(),
            overrides.level_name("rank_by_score").alias("level_by_score"),
            overrides.needs_review(),
            overrides.sensitive(),
            # Polars divides by a constant as x * (1 / 10), which makes 93.10000000000001 of 931; round(1) mends it
            *((pl.col(f"{name}10") / 10).round(1).alias(name) for name in (*FACTOR_NAMES, "total")),
        )
        .with_columns(overrides.response_value(), explanation(rules))
        .select(*MEASURES.names(), *GRADES.names())
        .collect()
    )
