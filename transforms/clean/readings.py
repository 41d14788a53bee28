"""Readings of the same observation: at the fetch, and again from the stored page (caifeng reparse)."""

import polars as pl

#: What one observation is, however often its page is read.
OBSERVATION = ("source_id", "post_id", "observed_at")


def latest_readings(raw: pl.DataFrame) -> pl.DataFrame:
    """Of each observation its latest reading: the one at the fetch (`read_at` null), or the last one after it.

    Raw is never edited: what was read first stays beside what was read later.

    Args:
        raw: raw.posts of a day, all readings.
    """
    # Descending puts null first: that would be taken for the latest, hence ascending with null first and the last kept.
    ordered = raw.select(*OBSERVATION, "read_at", row=pl.int_range(pl.len())).sort(
        "read_at", nulls_last=False, maintain_order=True
    )
    latest = ordered.unique(OBSERVATION, keep="last", maintain_order=True)["row"]
    # on most days no page was read again: nothing has to be copied
    return raw if latest.len() == raw.height and latest.is_sorted() else raw[latest]
