"""Own rules of ops.fetches."""

import polars as pl

from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """Outcomes fit the status, and every refusal by robots.txt is on record as such."""
    return (
        expects(
            "expect_column_values_to_be_between",
            "http_status",
            name="is_http_status",
            reason="RFC 9110: three digits",
            min_value=100,
            max_value=599,
        ),
        holds(
            (pl.col("outcome") != "robots_denied") | pl.col("http_status").is_null(),
            "outcome",
            "http_status",
            name="denied_is_not_asked",
            reason="RFC 9309: a page that robots.txt denies is not requested",
        ),
        holds(
            pl.col("outcome").is_in(["ok", "empty"]) | (pl.col("found") == 0),
            "outcome",
            "found",
            name="nothing_read_nothing_found",
            reason="rows found on a page that could not be read are invented",
        ),
        holds(
            pl.col("robots").is_not_null() | (pl.col("kind") == "robots") | pl.col("url").str.starts_with("file:"),
            "robots",
            "kind",
            "url",
            name="robots_decided",
            reason="RFC 9309, 反不正当竞争法 Art. 13: what robots.txt said is on record for every page asked for",
        ),
    )
