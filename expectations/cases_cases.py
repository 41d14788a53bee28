"""Own rules of cases.cases: how a case stands agrees with what was done (Art. 6-9, 11)."""

import polars as pl

from expectations.rule import Rule, holds


def rules() -> tuple[Rule, ...]:
    """Answered means published, closed means when, and a person's level goes before that of the rules."""
    return (
        holds(
            (pl.col("state") != "responded") | pl.col("first_published_at").is_not_null(),
            "state",
            "first_published_at",
            name="answered_means_published",
            reason="Art. 11: what counts as answered has a publication with its address or place",
        ),
        holds(
            (pl.col("rounds") > 0) | pl.col("first_published_at").is_null(),
            "rounds",
            "first_published_at",
            name="published_is_counted",
            reason="a publication is a round of its case",
        ),
        holds(
            (pl.col("state") != "closed") | pl.col("closed_at").is_not_null(),
            "state",
            "closed_at",
            name="closed_means_when",
            reason="Art. 14: figures of timeliness rest on the moment of closing",
        ),
        holds(
            pl.col("level").eq_missing(pl.coalesce("confirmed_level", "system_level")),
            "level",
            "confirmed_level",
            "system_level",
            name="people_go_first",
            reason="Art. 6: the level is that of the rules, unless a person set another one and said why",
        ),
    )
