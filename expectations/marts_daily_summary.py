"""Own rules of marts.daily_summary: the figures of a day add up."""

from functools import reduce

import polars as pl

from expectations.rule import Rule, expects, holds

_LATENCIES = ("found", "report", "answered")
_LEVELS = ("extreme", "major", "larger", "general", "log_only", "context", "refer_out")


def rules() -> tuple[Rule, ...]:
    """One row a day; levels add to the issues, sources to the plan."""
    found = pl.sum_horizontal("sources_ok", *(pl.col(c).list.len() for c in ("silent", "broken", "not_run")))
    return (
        expects(
            "expect_table_row_count_to_equal",
            name="one_row_a_day",
            reason="Art. 5: a log every day, also a zero report (零报告)",
            value=1,
        ),
        holds(
            pl.sum_horizontal(_LEVELS) == pl.col("issues_new") + pl.col("issues_tracked"),
            *_LEVELS,
            name="levels_add_up",
            reason="every issue of the day has one level",
        ),
        holds(
            found == pl.col("sources_planned"),
            "sources_planned",
            name="sources_add_up",
            reason="Art. 4: every planned source is in order, silent, broken or not asked",
        ),
        holds(
            pl.col("sources_checked") == pl.col("sources_ok") + pl.col("silent").list.len(),
            "sources_checked",
            name="checked_are_reached",
            reason="checked is in order or silent",
        ),
        holds(
            pl.col("posts_relevant") + pl.col("rejected_irrelevant") == pl.col("posts_new"),
            "posts_new",
            name="posts_add_up",
            reason="in = out + rejected; a difference is in clean.quarantine or lost",
            on_fail="log",
        ),
        holds(
            pl.col("sources_checked") * 2 >= pl.col("sources_planned"),
            "sources_checked",
            name="half_the_sources_checked",
            reason="with less, a quiet day proves nothing",
            on_fail="log",
            owner="monitor",
        ),
        holds(
            reduce(
                pl.Expr.and_,
                (pl.col(f"{name}_hours").is_null() == (pl.col(f"{name}_issues") == 0) for name in _LATENCIES),
            ),
            *(f"{name}_{what}" for name in _LATENCIES for what in ("hours", "issues")),
            name="medians_rest_on_issues",
            reason="unknown is not zero: no issue, no median (Art. 5: 早发现、早报告、早反馈)",
        ),
    )
