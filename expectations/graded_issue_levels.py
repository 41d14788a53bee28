"""Own rules of graded.issue_levels: a level over time follows from what was found and what people said."""

import polars as pl

from caifeng.core.model.terms import SCALE
from expectations.rule import Rule, holds

_RANK = {str(level): place for place, level in enumerate(SCALE)}


def rules() -> tuple[Rule, ...]:
    """Raised at once, lowered only when pending, a person's level never moved (docs/grading.md, Over time)."""
    pending = pl.col("lower_evaluations") > 0
    confirmed = pl.col("confirmed_level").is_null()
    same = pl.col("change") == "same"
    return (
        holds(
            _rank("standing_level") >= _rank("level"),
            "standing_level",
            "level",
            name="raised_at_once",
            reason="Art. 5: 早发现; what is found higher is not held back",
        ),
        holds(
            pl.col("level_in_force") == pl.coalesce("confirmed_level", "standing_level"),
            "level_in_force",
            "confirmed_level",
            "standing_level",
            name="people_go_first",
            reason="Art. 6: the system suggests, a person confirms",
        ),
        holds(
            (pl.col("lower_since").is_not_null() == pending) & (pl.col("lower_level").is_not_null() == pending),
            "lower_since",
            "lower_level",
            "lower_evaluations",
            name="pending_is_whole",
            reason="since when, how low and how often belong together",
        ),
        holds(
            _rank("lower_level") < _rank("standing_level"),
            "lower_level",
            "standing_level",
            name="pending_is_lower",
            reason="only a lower level is waited for",
        ),
        holds(
            (pl.col("confirmed_at").is_null() == confirmed) & (pl.col("confirmed_role").is_null() == confirmed),
            "confirmed_level",
            "confirmed_at",
            "confirmed_role",
            name="confirmed_is_whole",
            reason="a confirmed level has a time and a role",
        ),
        holds(
            pl.col("gap").eq_missing(_rank("standing_level") - _rank("confirmed_level")),
            "gap",
            "standing_level",
            "confirmed_level",
            name="gap_follows",
            reason="steps on the scale, and unknown outside it",
        ),
        holds(
            (pl.col("gap") <= 0) | pl.col("needs_look"),
            "gap",
            "needs_look",
            name="above_needs_look",
            reason="a level above the confirmed one is shown to a person",
        ),
        holds(
            (pl.col("standing_before").is_null() == (pl.col("change") == "new"))
            & (pl.col("standing_level").eq_missing(pl.col("standing_before")) == same)
            & ((pl.col("standing_since") < pl.col("as_of")) == same),
            "change",
            "standing_level",
            "standing_before",
            "standing_since",
            name="change_follows",
            reason="a level that changed stands from this evaluation on",
        ),
    )


def _rank(level: str) -> pl.Expr:
    return pl.col(level).replace_strict(_RANK, default=None, return_dtype=pl.Int64)
