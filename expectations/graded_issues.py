"""Own rules of graded.issues."""

import polars as pl

from expectations.common import published_before_found
from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """An issue has a title, at least one post, and a last post that is not before its first."""
    return (
        published_before_found("first_published_at", "detected_at"),
        expects(
            "expect_column_value_lengths_to_be_between",
            "title",
            name="has_title",
            reason="an issue without a title cannot be put into the log (Art. 5)",
            on_fail="log",
            owner="monitor",
            min_value=1,
        ),
        expects(
            "expect_column_values_to_be_between",
            "posts",
            name="has_posts",
            reason="an issue is made of posts",
            min_value=1,
        ),
        holds(
            pl.col("last_post_at") >= pl.col("first_published_at"),
            "last_post_at",
            "first_published_at",
            name="last_not_before_first",
            reason="the latest post or measure is not before the earliest post",
        ),
    )
