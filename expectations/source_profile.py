"""Volumes by source against their own past: one row per source of a day, made by caifeng.jobs.gates.

No contract: it is a view of raw.posts and clean.rejects, judged and thrown away. Its warnings are recorded under
the table clean.rejects, part by_source.
"""

import polars as pl

from expectations.rule import Rule, holds

#: Columns of the profile.
COLUMNS = ("source_id", "observed", "rejected", "usual_share")
#: A share of unreadable pages this much above the usual one is a jump ...
JUMP = 0.2
#: ... if the source gave at least so many.
JUMP_ROWS = 10


def rules() -> tuple[Rule, ...]:
    """No source without a row; no source that suddenly cannot be read."""
    share = pl.col("rejected") / pl.col("observed")
    return (
        holds(
            pl.col("observed") > 0,
            "observed",
            name="source_gave_rows",
            reason="Art. 4: silence is not success; look whether the source is down or its list has moved",
            on_fail="log",
            owner="monitor",
        ),
        holds(
            (pl.col("observed") < JUMP_ROWS) | (share <= pl.col("usual_share").fill_null(0) + JUMP),
            "rejected",
            name="rejects_did_not_jump",
            reason="unreadable pages far above the usual share: the layout has changed",
            on_fail="log",
            owner="monitor",
        ),
    )
