"""Own rules of clean.rejects. Volumes by source are judged in source_profile."""

import polars as pl

from expectations.rule import Rule, holds

_READABILITY = ["empty", "soft_404", "unknown_source", "duplicate", "objection"]


def rules() -> tuple[Rule, ...]:
    """Each stage has its own reasons."""
    return (
        holds(
            (pl.col("stage") == "clean") == pl.col("reason").is_in(_READABILITY),
            "stage",
            "reason",
            name="reason_fits_stage",
            reason="cleaning judges readability, understanding judges relevance",
        ),
    )
