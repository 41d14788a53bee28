"""The rules as a table, so that a grade can be recomputed with SQL (marts.grade_audit)."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from caifeng.core.model.grading import GradingRules


def rules_frame(rules: GradingRules) -> pl.DataFrame:
    """One row per number of the rules: rule_version, parameter (`weight.C`, `docs.30`, ...), value.

    Shape of ops.grading_rules, sorted by parameter.
    """
    rows = sorted(_leaves(rules.model_dump(exclude={"name"})))
    return pl.DataFrame(
        {
            "rule_version": [rules.rule_version] * len(rows),
            "parameter": [parameter for parameter, _ in rows],
            "value": [value for _, value in rows],
        },
        schema={"rule_version": pl.String, "parameter": pl.String, "value": pl.Float64},
    )


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", float(value)
