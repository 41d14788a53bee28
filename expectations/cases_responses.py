"""Own rules of cases.responses: an answer can be found again (Art. 11, 12)."""

import polars as pl

from expectations.rule import Rule, holds

#: Forms of Art. 12 that leave a page.
_WITH_PAGE = ("portal_notice", "openness_platform", "policy_interpretation", "press_release", "board_reply")


def rules() -> tuple[Rule, ...]:
    """Approved before it is published, corrected only what was there, and with an address where there is a page."""
    return (
        holds(
            pl.col("url").is_not_null() | ~pl.col("form").is_in(_WITH_PAGE),
            "url",
            "form",
            name="has_address",
            reason="Art. 11, 12: the register takes an address or a place; a page should be linked, not described",
            on_fail="log",
            owner="office",
        ),
        holds(
            pl.col("approved_at") <= pl.col("published_at"),
            "approved_at",
            "published_at",
            name="approved_before_published",
            reason="Art. 10: nothing goes out that nobody has approved",
            on_fail="log",
            owner="office",
        ),
        holds(
            pl.col("supersedes") < pl.col("round_no"),
            "supersedes",
            "round_no",
            name="corrects_an_earlier_one",
            reason="a correction is of something published before; that stays on record",
        ),
    )
