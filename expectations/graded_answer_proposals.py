"""Own rules of graded.answer_proposals, what may answer an open case (Art. 11)."""

import polars as pl

from expectations.rule import Rule, holds


def rules() -> tuple[Rule, ...]:
    """Only the answer to a letter is certain, everything says why, and nothing is published after it was found."""
    return (
        holds(
            (pl.col("score") == 1.0) == (pl.col("kind") == "letter_reply"),
            "score",
            "kind",
            name="only_letters_are_certain",
            reason="an answer on a letter is the answer; any other post is proposed by likeness, and a person decides",
        ),
        holds(
            pl.col("score").is_between(0.0, 1.0, closed="right"),
            "score",
            name="score_in_range",
            reason="likeness and points, clipped",
        ),
        holds(
            pl.col("why") != "",
            "why",
            name="says_why",
            reason="a person must be able to judge the proposal",
        ),
        holds(
            pl.col("found_at") <= pl.col("as_of"),
            "found_at",
            "as_of",
            name="found_by_then",
            reason="what was found later does not count",
        ),
    )
