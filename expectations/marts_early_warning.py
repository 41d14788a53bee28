"""Own rules of marts.early_warning, the early warnings of a day (Art. 6)."""

import polars as pl

from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """Numbered once, and no warning is delivered before it is given."""
    return (
        expects(
            "expect_column_values_to_be_unique",
            "seq",
            name="numbered_once",
            reason="a line of the list is quoted by its number",
        ),
        holds(
            pl.col("deliver_at") >= pl.col("alerted_at"),
            "deliver_at",
            "alerted_at",
            name="delivered_after_given",
            reason="quiet hours put off, they do not bring forward",
        ),
    )
