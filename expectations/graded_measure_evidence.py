"""Own rules of graded.measure_evidence: who set a measure is said, and unknown is never a number."""

import polars as pl

from expectations.rule import Rule, holds

_MEASURE = ("issue_no", "as_of", "rule_version", "measure")
#: Measures that may be unknown (transforms/grade/inputs.py), written a second time on purpose.
_MAY_BE_UNKNOWN = ("views", "reposts", "comments", "growth_24h")


def rules() -> tuple[Rule, ...]:
    """Persons have their event, rules their posts; one measure has one value; parts do not exceed the whole."""
    by_person = pl.col("setter") == "person"
    return (
        holds(
            (pl.col("event_id").is_not_null() == by_person) & (pl.col("role").is_not_null() == by_person),
            "setter",
            "event_id",
            "role",
            name="person_has_event",
            reason="what only people set is in the register, and nothing else is",
        ),
        holds(
            pl.col("value").is_not_null()
            | (
                pl.col("measure").is_in(_MAY_BE_UNKNOWN)
                & pl.col("post_id").is_null()
                & pl.col("shown").is_null()
                & pl.col("detail").is_not_null()
            ),
            "value",
            "measure",
            "post_id",
            "shown",
            "detail",
            name="unknown_is_said",
            reason="null is unknown and 0 is zero: no post shows an unknown count, and it is said which sources do not",
        ),
        holds(
            pl.col("value").n_unique().over(_MEASURE) == 1,
            *_MEASURE,
            "value",
            name="one_value",
            reason="all evidence of a measure is for the value that was graded",
        ),
        holds(
            (pl.col("shown").sum().over(_MEASURE) <= pl.col("value").cast(pl.Int64, strict=False)).fill_null(
                value=True
            ),
            *_MEASURE,
            "value",
            "shown",
            name="shown_within_value",
            reason="a part does not exceed the whole",
        ),
    )
