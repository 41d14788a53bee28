"""Own rules of clean.posts."""

import polars as pl

from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """Something to read, and times known for most posts."""
    return (
        holds(
            (pl.col("title") != "") | (pl.col("text") != ""),
            "title",
            "text",
            name="says_something",
            reason="empty pages are rejects",
            on_fail="quarantine",
        ),
        expects(
            "expect_column_values_to_not_be_null",
            "published_at",
            name="times_mostly_known",
            reason="deadlines also run from publication; if most times are unknown, a date is no longer read",
            on_fail="log",
            owner="monitor",
            min_rows=20,
            mostly=0.5,
        ),
    )
