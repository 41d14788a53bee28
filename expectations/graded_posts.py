"""Own rules of graded.posts: what the rules understood."""

import polars as pl

from caifeng.core.model.taxonomy import FALLBACK_TOPIC
from expectations.rule import Rule, expects, holds

#: Where more of the relevant posts have no topic of their own, the taxonomy has a gap.
FALLBACK_SHARE = 0.15


def rules() -> tuple[Rule, ...]:
    """Topic and evidence belong together; few posts fall back to 其他涉统计."""
    return (
        holds(
            pl.col("topic") == pl.col("topics").list.first(),
            "topic",
            "topics",
            name="best_topic_first",
            reason="the topic is the one with the highest score",
        ),
        holds(
            pl.col("evidence").list.len() > 0,
            "evidence",
            name="has_evidence",
            reason="nothing is held relevant without a term that shows why",
        ),
        expects(
            "expect_column_values_to_not_be_in_set",
            "topic",
            name="few_fall_back",
            reason=f"less than {FALLBACK_SHARE:.0%} of the posts without a topic of their own: add terms or a topic",
            on_fail="log",
            owner="office",
            min_rows=20,
            value_set=[FALLBACK_TOPIC],
            mostly=1 - FALLBACK_SHARE,
        ),
    )
