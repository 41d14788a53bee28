"""Own rules of cases.events: what people did follows the states of a case (docs/case-states.md)."""

import polars as pl

from expectations.rule import Rule, holds

#: State -> states that may follow it, written a second time on purpose; a test compares it with the register's table.
STEPS: dict[str, tuple[str, ...]] = {
    "detected": ("confirmed", "duplicate", "logged_only", "out_of_scope"),
    "confirmed": ("assigned", "duplicate", "logged_only", "out_of_scope", "verified"),
    "assigned": ("duplicate", "out_of_scope", "verified"),
    "verified": ("closed", "out_of_scope", "responded"),
    "responded": ("closed", "detected"),
    "closed": ("detected", "responded"),
    "logged_only": ("detected",),
    "duplicate": ("detected",),
    "out_of_scope": ("detected",),
}


def rules() -> tuple[Rule, ...]:
    """A case goes from state to state by the steps there are, and each event begins where the one before ended."""
    before = pl.struct("sequence", "to_state").shift(1).over("issue_no", order_by="sequence")
    follows = before.struct.field("sequence") == pl.col("sequence") - 1
    step = pl.concat_str("from_state", "to_state", separator=">")
    steps = [f"{state}>{after}" for state, others in STEPS.items() for after in (state, *others)]
    return (
        holds(
            step.is_in(steps),
            "from_state",
            "to_state",
            name="legal_step",
            reason="回应制度 Art. 6-9 in order: no answer before the facts, no closing before the answer",
        ),
        holds(
            ~follows | pl.col("issue_no").is_null() | (before.struct.field("to_state") == pl.col("from_state")),
            "issue_no",
            "sequence",
            "from_state",
            "to_state",
            name="states_in_order",
            reason="an event begins in the state in which the one before left the case",
        ),
        holds(
            (pl.col("event") != "change_level") | pl.col("level").is_not_null(),
            "event",
            "level",
            name="changed_to_a_level",
            reason="Art. 6: a person who changes the level says which one it is (the reason stands in the register)",
        ),
    )
