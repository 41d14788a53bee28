"""raw.posts of a day -> clean.posts, clean.post_metrics, clean.answers, clean.rejects."""

from datetime import date, datetime, timedelta

import polars as pl

from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.crawl import sources_frame
from caifeng.jobs.gates import gated, gated_replace, watch_sources
from transforms.clean.clean import clean_posts
from transforms.clean.readings import latest_readings


def clean(env: Env, day: date, as_of: datetime) -> JobReport:
    """Clean what of a day had been fetched by `as_of`, with the sources' attributes of that day.

    All later stages follow from this, so a day replayed as of an earlier moment is what it then was.
    """
    sources = env.lake.read("ops.sources", day)
    if sources.is_empty():
        sources = sources_frame(env.settings.sources(), day)
        env.lake.replace("ops.sources", day, sources)
    landed = env.lake.read("raw.posts", day).filter(pl.col("fetched_at") <= as_of)
    raw = gated(env, "raw.posts", day, latest_readings(landed))
    known = env.lake.read_range("clean.posts", day - LOOKBACK, day - timedelta(days=1), ["post_id"])
    cleaned = clean_posts(raw, sources, known)
    gated_replace(env, "clean.posts", day, cleaned.posts)
    gated_replace(env, "clean.post_metrics", day, cleaned.metrics)
    gated_replace(env, "clean.answers", day, cleaned.answers)
    gated_replace(env, "clean.rejects", day, cleaned.rejects, "clean")
    watch_sources(env, day)
    counts = {"raw": raw.height, "posts": cleaned.posts.height, "rejected": cleaned.rejects.height}
    return JobReport("clean", day, as_of, counts)
