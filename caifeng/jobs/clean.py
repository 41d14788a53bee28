"""raw.posts of a day -> clean.posts, clean.post_metrics, clean.answers, clean.rejects."""

from collections.abc import Callable
from datetime import date, datetime

import polars as pl

from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.crawl import sources_frame
from caifeng.jobs.gates import gated, gated_replace, watch_sources
from caifeng.jobs.objections import objected, with_reason
from transforms.clean.clean import Cleaned, clean_posts
from transforms.clean.readings import latest_readings
from transforms.parts import pieces_of


def clean(env: Env, day: date, as_of: datetime, work: Callable[..., Cleaned] = clean_posts) -> JobReport:
    """Clean what of a day had been fetched by `as_of`, with the sources' attributes of that day.

    All later stages follow from this, so a day replayed as of an earlier moment is what it then was. `work` is what
    another engine puts in the place of `clean_posts`.
    """
    sources = env.lake.read("ops.sources", day)
    if sources.is_empty():
        sources = sources_frame(env.settings.sources(), day)
        env.lake.replace("ops.sources", day, sources)
    raw = gated(env, "raw.posts", day, latest_readings(_landed(env, day, as_of)))
    observed, known = raw.height, _known(env, day, raw["post_id"].unique())
    pieces = pieces_of(raw, "post_id")
    del raw  # what is cleaned makes room for what comes of it
    cleaned = work(pieces, sources, known)
    gated_replace(env, "clean.posts", day, cleaned.posts)
    gated_replace(env, "clean.post_metrics", day, cleaned.metrics)
    gated_replace(env, "clean.answers", day, cleaned.answers)
    gated_replace(env, "clean.rejects", day, with_reason(cleaned.rejects, objected(env)), "clean")
    watch_sources(env, day)
    counts = {"raw": observed, "posts": cleaned.posts.height, "rejected": cleaned.rejects.height}
    return JobReport("clean", day, as_of, counts)


def _landed(env: Env, day: date, as_of: datetime) -> pl.DataFrame:
    return env.lake.read("raw.posts", day).filter(pl.col("fetched_at") <= as_of)


def _known(env: Env, day: date, ids: pl.Series) -> pl.DataFrame:
    """Which of these posts the days before know; day by day, for they know many more."""
    days = [before for before in env.lake.days("clean.posts") if day - LOOKBACK <= before < day]
    found = (env.lake.read_range("clean.posts", before, before, ["post_id"])["post_id"] for before in days)
    return pl.DataFrame({"post_id": pl.concat([ids.clear(), *(ids.filter(ids.is_in(b.implode())) for b in found)])})
