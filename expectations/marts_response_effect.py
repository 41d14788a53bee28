"""Own rules of marts.response_effect: small numbers and open windows make no figure."""

import polars as pl

from expectations.rule import Rule, holds


def rules() -> tuple[Rule, ...]:
    """No figure without its ground, no share above 1."""
    least = pl.col("least_voices")
    return (
        holds(
            pl.col("volume_drop").is_null() | (pl.col("window_complete") & (pl.col("voices_before") >= least)),
            "volume_drop",
            "window_complete",
            "voices_before",
            "least_voices",
            name="drop_rests_on_voices",
            reason="fewer voices before than least_voices, or an open window, make no figure",
        ),
        holds(
            pl.col("volume_drop").is_null() | (pl.col("volume_drop") <= 1),
            "volume_drop",
            name="drop_at_most_all",
            reason="no more can fall away than there was",
        ),
        holds(
            pl.col("negative_change").is_null()
            | (pl.col("window_complete") & (pl.min_horizontal("judged_before", "judged_after") >= least)),
            "negative_change",
            "window_complete",
            "judged_before",
            "judged_after",
            "least_voices",
            name="change_rests_on_voices",
            reason="fewer judged voices than least_voices on a side, or an open window, make no figure",
        ),
        holds(
            pl.col("quoting_share").is_null()
            | ((pl.col("voices_later") >= least) & pl.col("quoting_share").is_between(0, 1)),
            "quoting_share",
            "voices_later",
            "least_voices",
            name="share_rests_on_voices",
            reason="a share of few voices says nothing",
        ),
    )
