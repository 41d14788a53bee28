"""The rules as a table, so that a grade can be recomputed with SQL (marts.grade_audit)."""

import polars as pl

from caifeng.core.model.grading import GradingRules


def rules_frame(rules: GradingRules) -> pl.DataFrame:
    """One row per number of the rules: rule_version, parameter (`weight.C`, `docs.30`, ...), value, basis.

    Shape of ops.grading_rules, sorted by parameter.
    """
    numbers = rules.numbers
    return pl.DataFrame(
        {
            "rule_version": [rules.rule_version] * len(numbers),
            "parameter": list(numbers),
            "value": list(numbers.values()),
            "basis": [rules.basis_words(parameter) for parameter in numbers],
        },
        schema={"rule_version": pl.String, "parameter": pl.String, "value": pl.Float64, "basis": pl.String},
    )
