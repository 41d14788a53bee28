"""Half a year of posts behind a day: what a run after `clean` and the analysts' copy cost, and the size of the home."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import polars as pl

from bench.day import raw_day, sources
from bench.end_to_end import one_stage
from caifeng.core.clock import end_of_day
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.marts import Evaluation
from caifeng.jobs.stages import run_stages

POSTS = 10_000_000
DAYS = 180
LAST = date(2026, 11, 22)
#: Tables of the history. clean.rejects of irrelevant posts keep no text and live 10 years: they are most of the rows.
TABLES = (
    "clean.posts", "clean.post_metrics", "clean.rejects", "clean.repost_groups", "clean.repost_bands",
    "graded.posts", "graded.issues", "graded.issue_posts", "graded.issue_grades", "ops.sources", "ops.topics",
)  # fmt: skip
#: Numbers of issues that are set aside for a day of the history.
_ISSUES = 400
_NAMED = {"post_id", "origin_post_id"}


def run(posts: int = POSTS, days: int = DAYS, home: Path | None = None) -> dict[str, Any]:
    """Run a day on `days` days of history with `posts` posts in all.

    One day is run through all stages; the days before it are that day with other names and dates, written to the lake
    and loaded into the warehouse as the product does. Then the last day is run anew, stage by stage.
    """
    with TemporaryDirectory() as folder:
        root = home or Path(folder)
        started = perf_counter()
        env = Env.open(Settings(home=root))
        _model(env, LAST, posts // days)
        tables = {table: env.lake.read(table, LAST) for table in TABLES}
        grading = env.lake.files("graded.issue_grades", LAST)[-1].stem
        for back in range(days - 1, 0, -1):
            day = LAST - timedelta(days=back)
            for table, frame in tables.items():
                part = _part(table, grading, day)
                env.lake.replace(table, day, _of_day(frame, back), part)
            env.warehouse.load(env.lake, day)
        prepared = round(perf_counter() - started, 1)
        stages = {stage: one_stage(stage, root, LAST) for stage in ("understand", "cluster", "grade", "load", "marts")}
        publishing = _timed(lambda: env.warehouse.publish(env.settings.analytics_file))
        sizes = {
            "lake": sum(file.stat().st_size for file in env.settings.lake_dir.rglob("*.parquet")),
            "warehouse": env.settings.warehouse_file.stat().st_size,
            "analytics": env.settings.analytics_file.stat().st_size,
        }
        return {
            "posts": posts,
            "days": days,
            "prepare_seconds": prepared,
            "day_after_clean_seconds": round(sum(stage["seconds"] for stage in stages.values()), 1),
            "day_after_clean_cpu_seconds": round(sum(stage["cpu_seconds"] for stage in stages.values()), 1),
            "publish": publishing,
            "peak_memory_mb": max(stage["peak_memory_mb"] for stage in stages.values()),
            "bytes_per_post": {name: round(size / posts, 1) for name, size in sizes.items()},
            "stages": stages,
            "one_mart_side_by_side": side_by_side(env),
        }


def side_by_side(env: Env) -> dict[str, Any]:
    """Relevant posts by topic and day, over all days, from the same rows: Polars, pandas and SQLite."""
    first, last = env.lake.days("graded.posts")[0], env.lake.days("graded.posts")[-1]
    query = "SELECT day, topic, count(*), count(DISTINCT source_id) FROM {} GROUP BY day, topic ORDER BY day, topic"
    frame = env.lake.read_range("graded.posts", first, last, ["topic", "source_id"])
    rows = frame.with_columns(pl.col("day").cast(pl.String))
    pandas = rows.to_pandas()
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE posts (day TEXT, topic TEXT, source_id TEXT)")
        connection.executemany("INSERT INTO posts VALUES (?, ?, ?)", rows.iter_rows())
        ways = {
            "polars": lambda: (
                rows.group_by("day", "topic").agg(pl.len(), pl.n_unique("source_id")).sort("day", "topic")
            ),
            "pandas": lambda: pandas.groupby(["day", "topic"]).agg(
                posts=("source_id", "size"), sources=("source_id", "nunique")
            ),
            "sqlite": lambda: connection.execute(query.format("posts")).fetchall(),
        }
        found = {name: _timed(way) for name, way in ways.items()}
    return {"rows": rows.height, **found}


def _model(env: Env, day: date, posts: int) -> None:
    env.lake.replace("ops.sources", day, sources())
    env.lake.replace("raw.posts", day, raw_day(posts, day))
    for _ in run_stages(env.settings, day, ("clean", "understand", "cluster", "grade", "load", "marts")):
        pass


def _of_day(frame: pl.DataFrame, back: int) -> pl.DataFrame:
    """The rows as those of a day so many days before: names of their own, times as much earlier."""
    names = [(f"{back:04x}" + pl.col(name).str.slice(4)).alias(name) for name in frame.columns if name in _NAMED]
    times = [
        pl.col(name) - timedelta(days=back) for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)
    ]
    marks = [pl.col("group_id").str.replace(r"^g.{3}", f"g{back:03x}")] if "group_id" in frame.columns else []
    if "issue_no" in frame.columns:  # numbers run on, so many a day
        tail = pl.col("issue_no").str.extract(r"(\d+)$").cast(pl.Int64) + _ISSUES * back
        marks.append(pl.col("issue_no").str.replace(r"\d+$", "") + tail.cast(pl.String).str.zfill(5))
    marks += [pl.col("mark") + back] if "mark" in frame.columns else []
    return frame.with_columns(names + times + marks)


def _part(table: str, grading: str, day: date) -> str:
    named = table == "graded.issue_grades"
    return Evaluation(end_of_day(day), grading.partition("-")[2]).part if named else "data"


def _timed(work: Any) -> dict[str, float]:
    started, worked = perf_counter(), process_time()
    work()
    return {"seconds": round(perf_counter() - started, 3), "cpu_seconds": round(process_time() - worked, 3)}
