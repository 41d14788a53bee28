"""Which sources are due, which hosts rest, which editions were missed. ops.fetches in, small frames out."""

from datetime import datetime

import polars as pl

from caifeng.core.model.collection import NOT_ASKED, CollectionRules
from transforms.collect.known import ENTRIES, READ, SLACK

#: Failures that say nothing of the host: we refused, not it.
_OURS = r"^(?:not asked|not an http|leads to)"


def last_asked(fetches: pl.DataFrame) -> pl.DataFrame:
    """When each source's entry pages were last asked for.

    Returns:
        `source_id`, `asked_at` (null: only rows that say it was not asked), `turn_at` (these included).
    """
    asked = ~pl.col("detail").str.starts_with(NOT_ASKED).fill_null(False)
    entries = fetches.filter(pl.col("kind").is_in(ENTRIES))
    return entries.group_by("source_id").agg(
        asked_at=pl.col("fetched_at").filter(asked).max(), turn_at=pl.col("fetched_at").max()
    )


def due_sources(asked: pl.DataFrame, cadence: pl.DataFrame, at: datetime) -> list[str]:
    """Sources whose turn it is, those that have waited longest first.

    Args:
        asked: frame of `last_asked`.
        cadence: `source_id`, `every_minutes`.
        at: the moment of the run.
    """
    return (
        cadence.join(asked, on="source_id", how="left")
        .filter((pl.col("turn_at") + pl.duration(minutes="every_minutes") <= at + SLACK).fill_null(True))
        .sort("asked_at", "source_id", nulls_last=False)["source_id"]
        .to_list()
    )


def resting_hosts(fetches: pl.DataFrame, rules: CollectionRules, at: datetime) -> pl.DataFrame:
    """Hosts that are to be left alone, and until when.

    A run of a host failed when none of its entry pages was had: no connection, 5xx or 429. After `rest_after_runs` such
    runs since the last good one it rests for `rest_minutes`, doubled by each further failed run. A host that itself
    said `retry after <ISO time>` (Retry-After, RFC 9110, 10.2.3) rests until then.

    Args:
        fetches: rows of ops.fetches before `at`, detail pages included.
        rules: config/collection.toml.
        at: the moment of the run.

    Returns:
        `host` (with port), `until`, `wish` (the host's own), in the order of hosts; only those still resting.
    """
    rows = fetches.with_columns(host=pl.col("url").str.extract(r"^https?://([^/?#]+)"))
    wished = rows.select(
        "host",
        until=pl.col("detail")
        .str.extract(r"retry after (\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d))")
        .str.to_datetime("%+", time_zone="UTC", time_unit="us", strict=False),
        wish=pl.lit(True),
    )
    down = (pl.col("outcome") == "unreachable") | (pl.col("http_status") >= 500) | (pl.col("http_status") == 429)
    runs = (
        rows.filter(
            pl.col("kind").is_in(ENTRIES), ~pl.col("detail").str.contains(_OURS).fill_null(False), pl.col("host") != ""
        )
        .group_by("host", "fetched_at")
        .agg(failed=down.fill_null(False).all())
    )
    good_at = pl.col("fetched_at").filter(~pl.col("failed")).max()
    since = pl.col("failed") & (pl.col("fetched_at") > good_at).fill_null(True)
    doubled = (pl.col("times") - rules.rest_after_runs).clip(0, 20)
    minutes = pl.min_horizontal(rules.rest_minutes * pl.lit(2).pow(doubled), pl.lit(rules.rest_minutes_most))
    broken = (
        runs.group_by("host")
        .agg(times=since.sum().cast(pl.Int64), failed_at=pl.col("fetched_at").filter(since).max())
        .filter(pl.col("times") >= rules.rest_after_runs)
        .select("host", until=pl.col("failed_at") + pl.duration(minutes=minutes), wish=pl.lit(False))
    )
    return (
        pl.concat([wished, broken])
        .filter(pl.col("until") > at)
        .sort("until")
        .unique(["host", "wish"], keep="last", maintain_order=True)
        .sort("host", "until")
    )


def last_filled(fetches: pl.DataFrame) -> dict[str, datetime]:
    """Entry address -> when it last had entries: editions of `{day}` that need not be asked for again."""
    had = pl.col("kind").is_in(ENTRIES) & pl.col("outcome").is_in([o for o in READ if o != "empty"])
    rows = fetches.filter(had).group_by("url").agg(pl.col("fetched_at").max())
    return dict(rows.sort("url").iter_rows())


def oldest_entry(fetches: pl.DataFrame) -> dict[str, datetime]:
    """When each source was first asked for, as far as the rows go back."""
    rows = fetches.filter(pl.col("kind").is_in(ENTRIES)).group_by("source_id").agg(pl.col("fetched_at").min())
    return dict(rows.sort("source_id").iter_rows())
