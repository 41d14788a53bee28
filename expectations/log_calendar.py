"""Rules of the calendar of logs: no table of its own, one row per calendar day up to the day that is run."""

import polars as pl

from expectations.rule import Rule, holds

#: Columns of the frame.
COLUMNS = ("date", "has_log")


def rules() -> tuple[Rule, ...]:
    """A log for every calendar day."""
    return (
        holds(
            pl.col("has_log"),
            "has_log",
            name="log_every_day",
            reason="Art. 5: a log every day, also a zero report (零报告); run the days named: caifeng backfill",
            on_fail="log",
            owner="monitor",
        ),
    )
