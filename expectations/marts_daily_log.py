"""Own rules of marts.daily_log, the 政务舆情日志 (Art. 5)."""

import polars as pl

from expectations.common import published_before_found
from expectations.rule import Rule, expects, holds


def rules() -> tuple[Rule, ...]:
    """Numbered 1 to n, with a topic that has a name, a short summary, and referrals that are referred."""
    return (
        published_before_found("first_published_at", "detected_at"),
        expects(
            "expect_column_values_to_be_unique",
            "seq",
            name="numbered_once",
            reason="a line of the log is quoted by its number",
        ),
        holds(
            pl.col("seq").is_between(1, pl.len()),
            "seq",
            name="numbered_without_gap",
            reason="a gap on paper looks like a line taken out",
        ),
        expects(
            "expect_column_value_lengths_to_be_between",
            "summary",
            name="summary_is_short",
            reason="an excerpt, not the text (著作权, 个人信息保护法 Art. 6)",
            max_value=120,
        ),
        holds(
            (pl.col("system_level") != "refer_out") | (pl.col("suggestion") == "refer"),
            "system_level",
            "suggestion",
            name="referrals_are_referred",
            reason="谁主管谁负责 (国办发〔2016〕61号)",
        ),
        holds(
            pl.col("confirmed_level").is_null()
            | (pl.col("confirmed_level") != "refer_out")
            | (pl.col("suggestion") == "refer"),
            "confirmed_level",
            "suggestion",
            name="confirmed_referrals_are_referred",
            reason="what a person confirmed goes before what the rules say",
            on_fail="log",
            owner="office",
        ),
        holds(
            (pl.col("level_yesterday").is_null() == (pl.col("level_change") == "new"))
            & (pl.col("level_in_force").eq_missing(pl.col("level_yesterday")) == (pl.col("level_change") == "same")),
            "level_change",
            "level_in_force",
            "level_yesterday",
            name="level_change_follows",
            reason="a change is one against the last evaluation of an earlier day",
        ),
    )
