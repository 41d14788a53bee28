"""Own rules of marts.escalations, the 预警报送清单 (Art. 6-7)."""

import polars as pl

from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """Numbered once, and told to whom the level asks for."""
    asked = (
        pl.when(pl.col("level").is_in(["major", "extreme"]))
        .then(pl.lit("chief"))
        .when(pl.col("level") == "larger")
        .then(pl.lit("deputy"))
    )
    return (
        expects(
            "expect_column_values_to_be_unique",
            "seq",
            name="numbered_once",
            reason="a line of the list is quoted by its number",
        ),
        holds(
            pl.col("report_to").eq_missing(asked),
            "level",
            "report_to",
            name="told_by_level",
            reason="Art. 6: 分等级预警",
        ),
    )
