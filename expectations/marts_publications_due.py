"""Own rules of marts.publications_due, what must be published unasked (Art. 14.5)."""

import polars as pl

from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """Nothing is overdue by a guess, nothing is published by nobody."""
    state, due, source = pl.col("state"), pl.col("due_on"), pl.col("source")
    return (
        expects(
            "expect_column_values_to_be_unique",
            "position",
            name="numbered_once",
            reason="the list is read from the top",
        ),
        holds(
            state.is_in(["published", "published_late"]) == source.is_not_null(),
            "state",
            "source",
            name="published_by_somebody",
            reason="what counts as published was found on a page or said by a person",
        ),
        holds(
            due.is_not_null() | ~state.is_in(["overdue", "due_soon", "not_due", "published_late"]),
            "state",
            "due_on",
            name="judged_by_a_day",
            reason="a due day that is not known is said to be unknown, never guessed",
        ),
    )
