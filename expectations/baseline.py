"""Rules that follow from a table's contract, and from nothing else."""

from __future__ import annotations

import polars as pl

from caifeng.core.contracts import Column, Contract
from expectations.rule import OnFail, Rule, expects, holds

#: Tables whose rows come from outside, so that one bad row is the world's fault and not the code's.
OBSERVED_TABLES = ("raw.posts", "clean.posts", "clean.post_metrics", "clean.rejects")


def row_policy(contract: Contract) -> OnFail:
    """What a bad row does: set aside among observations, a stop where our own code made it."""
    return "quarantine" if contract.table in OBSERVED_TABLES else "stop"


def structure_rule(contract: Contract) -> Rule:
    """Every declared column with its type, and no other; judged on the frame of `structure`."""
    return expects(
        "expect_column_distinct_values_to_equal_set",
        "column",
        name="columns_and_types",
        reason="a table has the columns of its contract",
        value_set=structure(contract.polars_schema())["column"].to_list(),
    )


def structure(schema: pl.Schema) -> pl.DataFrame:
    """A schema as a frame with the one column `column`: name and type of each."""
    return pl.DataFrame({"column": [f"{name} {kind}" for name, kind in schema.items()]})


def baseline_rules(contract: Contract) -> tuple[Rule, ...]:
    """Not null, closed values, ranges that follow from the unit, and one row per grain.

    A whole number with a unit is a count, so it is not negative; one that may be negative says "signed" in its
    unit. Points lie between 0 and 100, shares between 0 and 1.
    """
    policy = row_policy(contract)
    per_column = [rule for column in contract.columns for rule in _column_rules(column, policy)]
    return (_grain_rule(contract), *per_column)


def _grain_rule(contract: Contract) -> Rule:
    single = len(contract.grain) == 1
    return expects(
        "expect_column_values_to_be_unique" if single else "expect_compound_columns_to_be_unique",
        *contract.grain,
        name="one_row_per_grain",
        reason="the grain identifies a row within its day",
        screen=pl.struct(contract.grain).is_unique(),
    )


def _column_rules(column: Column, policy: OnFail) -> list[Rule]:
    rules = []
    name, listed, values = column.name, column.type.startswith("list"), pl.col(column.name)
    if column.null_means is None:
        reason = "null is unknown, and the contract gives it no meaning here"
        known = values.is_not_null()
        if listed:
            rules.append(holds(known, name, name="not_null", reason=reason, on_fail=policy))
        else:
            # pandas takes a number that is none (NaN) for null, Polars does not
            screen = known & values.is_not_nan().fill_null(value=True) if column.type == "float64" else known
            expectation = "expect_column_values_to_not_be_null"
            rules.append(expects(expectation, name, name="not_null", reason=reason, on_fail=policy, screen=screen))
    if column.values:
        reason = "the contract closes the set of values"
        if listed:
            allowed = values.list.eval(pl.element().is_in(column.values)).list.all()
            rules.append(holds(allowed, name, name="known_values", reason=reason, on_fail=policy))
        else:
            rules.append(
                expects(
                    "expect_column_values_to_be_in_set",
                    name,
                    name="known_values",
                    reason=reason,
                    on_fail=policy,
                    screen=values.is_in(column.values),
                    value_set=list(column.values),
                )
            )
    if limits := _limits(column):
        low, high = limits
        rules.append(
            expects(
                "expect_column_values_to_be_between",
                name,
                name="in_range",
                reason=f"follows from its unit: {column.unit}",
                on_fail=policy,
                screen=values >= low if high is None else values.is_between(low, high),
                min_value=low,
                max_value=high,
            )
        )
    return rules


def _limits(column: Column) -> tuple[int, int | None] | None:
    unit = column.unit or ""
    if column.type == "int64" and unit and "signed" not in unit:
        return 0, None
    if column.type == "float64" and unit.startswith("points"):
        return 0, 100
    if column.type == "float64" and unit == "share":
        return 0, 1
    return None
