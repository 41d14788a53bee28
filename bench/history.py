"""Half a year of posts behind a day: what a run after `clean` and the analysts' copy cost, and the size of the home."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl
from sqlglot import transpile

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
#: What the queries of two marts read.
_READ = {
    "ops.topics": ("day", "topic", "name"),
    "graded.posts": ("day", "post_id", "topic"),
    "clean.repost_groups": ("day", "post_id", "is_origin"),
    "graded.issue_posts": ("day", "post_id", "issue_no"),
    "marts.daily_log": (
        "day", "issue_no", "topic", "change", "level_in_force", "posts", "views", "reposts", "comments"
    ),
}  # fmt: skip
_LEVELS = ("extreme", "major", "larger", "general", "log_only", "context", "refer_out")
_COUNTS = ("views", "reposts", "comments")
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
            "side_by_side": side_by_side(env),
        }


def side_by_side(env: Env, day: date = LAST) -> dict[str, Any]:
    """The same marts of a day from the same rows: DuckDB in the warehouse, SQLite and pandas in memory.

    SQLite runs the mart's own SELECT, transpiled, over tables with an index on day and key; pandas does what it says.

    Raises:
        ValueError: they do not come out the same.
    """
    with env.warehouse.reading() as duckdb, sqlite3.connect(":memory:") as sqlite:
        tables = {
            name: duckdb.execute(f"SELECT {', '.join(columns)} FROM {name}").pl()  # noqa: S608 - own names
            for name, columns in _READ.items()
        }
        _fill(sqlite, tables)
        frames = {name: frame.to_pandas() for name, frame in tables.items()}
        found: dict[str, Any] = {"rows": {name: frame.height for name, frame in tables.items()}}
        for mart, in_pandas in (("topic_daily", _topic_daily), ("issue_daily", _issue_daily)):
            query = (env.settings.root / "sql" / "marts" / f"{mart}.sql").read_text("utf8")
            known = {"day": day, "as_of": None, "rule_version": ""}
            words = {**known, "day": day.isoformat()}
            ways: dict[str, Callable[[], list[tuple[Any, ...]]]] = {
                "duckdb": partial(lambda q, k: duckdb.execute(q, k).fetchall(), query, known),
                "sqlite": partial(
                    lambda q, k: sqlite.execute(q, k).fetchall(), transpile(query, "duckdb", write="sqlite")[0], words
                ),
                "pandas": partial(in_pandas, frames, np.datetime64(day)),
            }
            made = {name: sorted(tuple(row)[: -len(known) + 1] for row in way()) for name, way in ways.items()}
            if made["sqlite"] != made["duckdb"] or made["pandas"] != made["duckdb"]:
                raise ValueError(f"{mart}: {made}")
            found[mart] = {"made": len(made["duckdb"]), **{name: _timed(way) for name, way in ways.items()}}
    return found


def _fill(sqlite: sqlite3.Connection, tables: dict[str, pl.DataFrame]) -> None:
    for schema in sorted({name.partition(".")[0] for name in tables}):
        sqlite.execute(f"ATTACH ':memory:' AS {schema}")
    for name, frame in tables.items():
        schema, _, table = name.partition(".")
        sqlite.execute(f"CREATE TABLE {name} ({', '.join(frame.columns)})")
        rows = frame.with_columns(pl.col("day").cast(pl.String)).iter_rows()
        sqlite.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * frame.width)})", rows)  # noqa: S608 - own names
        sqlite.execute(f"CREATE INDEX {schema}.{table}_key ON {table} ({frame.columns[0]}, {frame.columns[1]})")


def _topic_daily(tables: dict[str, Any], day: Any) -> list[tuple[Any, ...]]:
    """marts.topic_daily, its last two columns left empty."""
    topics, posts, groups, log = (
        _on(tables[name], day) for name in ("ops.topics", "graded.posts", "clean.repost_groups", "marts.daily_log")
    )
    said = posts.merge(groups, on="post_id", how="left")
    said["copy"] = said["is_origin"] == False  # noqa: E712 - unknown is neither
    said = said.groupby("topic").agg(posts=("post_id", "size"), copies=("copy", "sum"))
    log["new"] = log["change"] == "new"
    for level in _LEVELS:
        log[level] = log["level_in_force"] == level
    logged = log.groupby("topic").agg(
        issues=("issue_no", "size"), new=("new", "sum"), **{level: (level, "sum") for level in _LEVELS}
    )
    counts = topics[["topic", "name"]].merge(said, on="topic", how="left").merge(logged, on="topic", how="left")
    counts = counts[counts["posts"].notna() | counts["issues"].notna()]
    numbers = counts.columns[2:]
    counts[numbers] = counts[numbers].fillna(0).astype(int)
    return [(*row, None, "") for row in counts.itertuples(index=False, name=None)]


def _issue_daily(tables: dict[str, Any], day: Any) -> list[tuple[Any, ...]]:
    """marts.issue_daily, its last two columns left empty."""
    links, posts = _on(tables["graded.issue_posts"], day), _on(tables["graded.posts"], day)
    found = links.merge(posts[["post_id"]], on="post_id").groupby("issue_no").size().rename("posts_new")
    logs = tables["marts.daily_log"]
    earlier = logs[logs["day"] < day].sort_values("day").drop_duplicates("issue_no", keep="last")
    log = _on(logs, day).merge(found, on="issue_no", how="left")
    log = log.merge(
        earlier[["issue_no", *_COUNTS]], on="issue_no", how="left", suffixes=("", "_before"), indicator=True
    )
    log["posts_new"] = log["posts_new"].fillna(0)
    for count in _COUNTS:
        gained = log[count] - log[f"{count}_before"]
        log[f"{count}_gained"] = gained.where(log["_merge"] == "both", log[count])
    shown = ["issue_no", "level_in_force", "posts_new", "posts", *_COUNTS, *(f"{count}_gained" for count in _COUNTS)]
    rows = log[shown].astype(object).where(log[shown].notna(), None)
    whole = (
        tuple(int(value) if isinstance(value, float) else value for value in row)
        for row in rows.itertuples(index=False, name=None)
    )
    return [(*row, None, "") for row in whole]


def _on(table: Any, day: Any) -> Any:
    return table[table["day"] == day].drop(columns="day")


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
