"""Whether every row of a day is accounted for, from the page to the level: ops.reconciliation.

Counts are taken per source, because losses of one source and surpluses of another must not add up to nothing. Rows
that a gate set aside (clean.quarantine) are accounted for by their step.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl

from caifeng.core.errors import DataError
from caifeng.jobs.base import LOOKBACK, Env
from transforms.clean.readings import OBSERVATION, latest_readings

#: The source of what belongs to no single one.
ALL = "all"
#: The post of a row that a gate set aside.
_POST = pl.col("payload").str.json_path_match("$.post_id").alias("post_id")


def reconcile(env: Env, day: date, as_of: datetime) -> pl.DataFrame:
    """Account for the rows of a day, keep the result, and stop at a gap.

    Returns:
        Rows of ops.reconciliation.

    Raises:
        DataError: rows are missing or came from nowhere; names step, source and both numbers.
    """
    steps = account(env, day, as_of)
    env.lake.replace("ops.reconciliation", day, steps)
    open_gaps = steps.filter(pl.col("gap") != 0)
    if open_gaps.height:
        words = "; ".join(
            f"{row['step']} of {row['source_id']}: {row['came_in']} in, {row['went_out']} accounted for"
            for row in open_gaps.iter_rows(named=True)
        )
        raise DataError(f"{day}: rows are not accounted for, nothing is published: {words}")
    return steps


def account(env: Env, day: date, as_of: datetime) -> pl.DataFrame:
    """Rows of ops.reconciliation as the lake stands; sources without rows of a step are left out."""
    fetches = env.lake.read("ops.fetches", day).filter(pl.col("fetched_at") <= as_of)
    # of a large day the texts are most, and nobody counts them
    raw = _columns(env, "raw.posts", day, *OBSERVATION, "fetched_at", "read_at").filter(pl.col("fetched_at") <= as_of)
    rejects = _columns(env, "clean.rejects", day, *OBSERVATION, "stage")
    clean, posts = (_columns(env, table, day, "post_id", "source_id") for table in ("clean.posts", "graded.posts"))
    quarantine, grouped = env.lake.read("clean.quarantine", day), env.lake.read("clean.repost_groups", day)
    linked = env.lake.read("graded.issue_posts", day)
    source_of = _sources_of([quarantine.select(_POST), grouped, linked], [posts, clean, raw])
    aside = _set_aside(quarantine, source_of)

    # Of what was fetched before pages were counted, or has no request on record, nothing can be said.
    uncounted = fetches.filter(pl.col("posts").is_null())["source_id"].unique().to_list()
    counted = set(fetches["source_id"]) - set(uncounted)
    gave = fetches.filter(pl.col("source_id").is_in(counted)).group_by("source_id").agg(rows=pl.sum("posts"))
    read = raw.filter(pl.col("read_at").is_null(), pl.col("source_id").is_in(counted))
    observed, dropped = latest_readings(raw), rejects.filter(pl.col("stage") == "clean")
    moments = ["post_id", "observed_at"]
    survivors = observed.join(dropped, on=["source_id", *moments], how="anti").unique(moments)
    measures = _columns(env, "clean.post_metrics", day, "post_id", "observed_at").join(
        survivors.select("source_id", *moments), on=moments, how="left"
    )
    judged = pl.concat([posts, rejects.filter(stage="understand").select(posts.columns)])
    # A person may take in a post of an earlier day; it is no row of this one.
    taken_in = _of_earlier_days(env, day, judged.join(clean, on="post_id", how="anti")["post_id"])
    here = judged.filter(~pl.col("post_id").is_in(taken_in))
    graded = env.lake.read("graded.issue_grades", day).filter(pl.col("as_of") == as_of).unique("issue_no")
    issues = pl.DataFrame({"source_id": [ALL], "rows": [env.lake.read("graded.issues", day).height]})
    return pl.concat(
        [
            _step("landed", gave, _count(read)),
            _step(
                "cleaned",
                _count(observed),
                _count(measures.with_columns(pl.col("source_id").fill_null(ALL))),
                _count(dropped),
                _of(aside, "raw.posts", "clean.post_metrics", "clean.rejects"),
            ),
            _step("judged", _count(clean), _count(here), _of(aside, "graded.posts")),
            _step("grouped", _count(posts), _count(_named(grouped, source_of)), _of(aside, "clean.repost_groups")),
            _step("linked", _count(posts), _count(_named(linked, source_of)), _of(aside, "graded.issue_posts")),
            _step("graded", issues, pl.DataFrame({"source_id": [ALL], "rows": [graded.height]})),
        ]
    )


def _columns(env: Env, table: str, day: date, *names: str) -> pl.DataFrame:
    return env.lake.read_range(table, day, day, list(names)).drop("day")


def _of_earlier_days(env: Env, day: date, post_ids: pl.Series) -> list[str]:
    """Those of the posts that were cleaned before this day."""
    if post_ids.is_empty():
        return []
    earlier = env.lake.read_range("clean.posts", day - LOOKBACK, day - timedelta(days=1), ["post_id"])
    return earlier.filter(pl.col("post_id").is_in(post_ids.implode()))["post_id"].to_list()


def _step(name: str, came_in: pl.DataFrame, *went_out: pl.DataFrame) -> pl.DataFrame:
    """Both sides of a step, by source; each frame has `source_id` and `rows`."""
    out = pl.concat([frame.cast({"rows": pl.Int64}) for frame in went_out])
    return (
        came_in.select("source_id", came_in=pl.col("rows").cast(pl.Int64))
        .join(out.group_by("source_id").agg(went_out=pl.sum("rows")), on="source_id", how="full", coalesce=True)
        .with_columns(pl.col("came_in", "went_out").fill_null(0))
        .select(
            pl.lit(name).alias("step"), "source_id", "came_in", "went_out", gap=pl.col("came_in") - pl.col("went_out")
        )
        .filter((pl.col("came_in") != 0) | (pl.col("went_out") != 0))
        .sort("source_id")
    )


def _count(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("source_id").agg(rows=pl.len())


def _named(rows: pl.DataFrame, source_of: pl.DataFrame) -> pl.DataFrame:
    """Rows with the source of their post; what belongs to no known post shows under `all`."""
    named = rows.select("post_id").join(source_of, on="post_id", how="left")
    return named.with_columns(pl.col("source_id").fill_null(ALL))


def _sources_of(rows: Sequence[pl.DataFrame], posts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """`post_id` and `source_id` of the posts that rows name, by the first table that knows them."""
    wanted = pl.concat([frame.select("post_id") for frame in rows]).drop_nulls().unique()
    found = pl.DataFrame(schema={"post_id": pl.String, "source_id": pl.String})
    for table in posts:
        missing = wanted.join(found, on="post_id", how="anti")
        if missing.is_empty():  # of a large day no million rows are sorted for a handful
            break
        known = table.select("post_id", "source_id").join(missing, on="post_id", how="semi")
        found = pl.concat([found, known.unique("post_id", keep="first", maintain_order=True)])
    return found


def _set_aside(quarantine: pl.DataFrame, source_of: pl.DataFrame) -> pl.DataFrame:
    """`table_name`, `source_id` of rows that gates set aside; `all` where the row names neither source nor post."""
    rows = quarantine.select(
        "table_name",
        _POST,
        named=pl.col("payload").str.json_path_match("$.source_id"),
    ).join(source_of, on="post_id", how="left")
    return rows.select("table_name", source_id=pl.coalesce("named", "source_id", pl.lit(ALL)))


def _of(aside: pl.DataFrame, *tables: str) -> pl.DataFrame:
    return _count(aside.filter(pl.col("table_name").is_in(tables)))
