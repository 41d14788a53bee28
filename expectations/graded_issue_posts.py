"""Own rules of graded.issue_posts."""

import polars as pl

from expectations.rule import Rule, holds


def rules() -> tuple[Rule, ...]:
    """Reposts of one text belong to one issue."""
    return (
        holds(
            pl.col("issue_no").n_unique().over("group_id") == 1,
            "group_id",
            "issue_no",
            name="one_issue_per_group",
            reason="a repost repeats a voice, it does not open a second issue",
        ),
    )
