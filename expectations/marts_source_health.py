"""Own rules of marts.source_health, the proof of coverage (Art. 4)."""

import polars as pl

from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """Parts do not exceed the whole; broken sources are somebody's work today."""
    return (
        holds(
            pl.sum_horizontal("fetches_ok", "fetches_not_modified", "fetches_failed") <= pl.col("fetches"),
            "fetches",
            name="outcomes_among_fetches",
            reason="a part does not exceed the whole; empty lists are neither",
        ),
        holds(
            pl.col("posts_relevant") <= pl.col("posts_new"),
            "posts_relevant",
            "posts_new",
            name="relevant_among_new",
            reason="a part does not exceed the whole",
        ),
        expects(
            "expect_column_values_to_not_be_in_set",
            "status",
            name="source_is_read",
            reason="Art. 4: a source that is broken or was not asked is not watched; repair it or switch it off",
            on_fail="log",
            owner="monitor",
            value_set=["broken", "not_run"],
        ),
    )
