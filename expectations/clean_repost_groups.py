"""Own rules of clean.repost_groups."""

import polars as pl

from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """A likeness is a share, and a group has one origin."""
    return (
        expects(
            "expect_column_values_to_be_between",
            "similarity",
            name="similarity_is_a_share",
            reason="likeness runs from 0 to 1",
            min_value=0,
            max_value=1,
        ),
        holds(
            pl.col("is_origin").sum().over("group_id") <= 1,
            "group_id",
            "is_origin",
            name="one_origin",
            reason="the origin is the earliest post of its group, known on one day only",
        ),
    )
