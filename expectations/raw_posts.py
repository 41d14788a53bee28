"""Own rules of raw.posts: what a page may say. Bad rows are set aside on the way to clean.posts; raw stays raw."""

import polars as pl

from expectations.common import CLOCK_SKEW
from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """Addresses without user ids, times of observation, and signs of a changed layout."""
    return (
        holds(
            ~pl.col("url").str.contains(r"(?i)weibo\.com/(?:u/)?\d{5,}|space-uid-|[?&](?:uid|userid|user_id)="),
            "url",
            name="no_user_id",
            reason="no author leaves the page parser, neither in an address",
            on_fail="quarantine",
        ),
        holds(
            pl.col("observed_at") <= pl.col("fetched_at") + CLOCK_SKEW,
            "observed_at",
            "fetched_at",
            name="observed_before_fetched",
            reason="measures cannot hold for a time after they were read",
            on_fail="quarantine",
            owner="monitor",
        ),
        expects(
            "expect_column_values_to_be_between",
            "heat",
            name="heat_not_negative",
            reason="a heat figure counts something; its scale is the source's own",
            on_fail="quarantine",
            owner="monitor",
            min_value=0,
        ),
        holds(
            pl.col("published_at") <= pl.col("fetched_at") + CLOCK_SKEW,
            "published_at",
            "fetched_at",
            name="published_before_fetched",
            reason="cleaning makes such times unknown; if many are wrong, a date is read wrongly",
            on_fail="log",
            owner="monitor",
            min_rows=20,
            mostly=0.95,
        ),
        holds(
            (pl.col("title") != "") | (pl.col("text") != ""),
            "title",
            "text",
            name="says_something",
            reason="cleaning rejects empty pages; if many are empty, a layout has changed",
            on_fail="log",
            owner="monitor",
            min_rows=20,
            mostly=0.9,
        ),
    )
