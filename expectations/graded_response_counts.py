"""Own rules of graded.response_counts, the voices around first responses."""

import polars as pl

from expectations.rule import Rule, holds


def rules() -> tuple[Rule, ...]:
    """Parts are never more than their whole, and the window is complete when it is over."""
    parts = {
        "negative_before": "judged_before",
        "judged_before": "voices_before",
        "negative_after": "judged_after",
        "judged_after": "voices_after",
        "quoting": "voices_later",
        "questions_new": "voices_later",
        "peak_before": "voices_before",
        "peak_after": "voices_after",
    }
    return (
        *(
            holds(
                pl.col(part) <= pl.col(whole),
                part,
                whole,
                name=f"{part}_within",
                reason="some voices are not more than all of them",
            )
            for part, whole in parts.items()
        ),
        holds(
            pl.col("window_complete") == (pl.col("window_ends_at") <= pl.col("as_of")),
            "window_complete",
            "window_ends_at",
            "as_of",
            name="complete_when_over",
            reason="an open window would make the answer look better than it is",
        ),
    )
