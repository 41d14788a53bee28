"""Own rules of graded.alerts, the early warnings (Art. 6)."""

import polars as pl

from expectations.rule import Rule, holds


def rules() -> tuple[Rule, ...]:
    """Named by its kind, about an issue unless it is a burst, delivered in time."""
    return (
        holds(
            pl.col("alert_id").str.starts_with(pl.col("kind") + "/"),
            "alert_id",
            "kind",
            name="named_by_kind",
            reason="an alert is known by what it is about, so that it is given once",
        ),
        holds(
            (pl.col("kind") == "burst") | pl.col("issue_no").is_not_null(),
            "kind",
            "issue_no",
            name="about_an_issue",
            reason="only a burst can be of a topic or a place",
        ),
        holds(
            (pl.col("kind") != "level") | pl.col("level").ne_missing(pl.col("level_before")),
            "kind",
            "level",
            "level_before",
            name="level_changed",
            reason="one alert per issue and level change",
        ),
        holds(
            (pl.col("deliver_at") > pl.col("alerted_at")) == pl.col("muted"),
            "deliver_at",
            "alerted_at",
            "muted",
            name="muted_is_late",
            reason="what is not put off is delivered at once",
        ),
        holds(
            ~(pl.col("level").is_in(["major", "extreme"]) & pl.col("muted")),
            "level",
            "muted",
            name="high_is_not_muted",
            reason="quiet hours never hold back 重大 and above (config/early_warning.toml)",
        ),
    )
