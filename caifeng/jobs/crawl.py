"""Land raw posts: the spiders run in a process of their own, their spool becomes raw partitions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from caifeng.core import clock
from caifeng.core.errors import CaifengError, UsageError
from caifeng.core.settings import Sources
from caifeng.jobs.base import Env, JobReport

#: Conditional requests use what was learnt in this time.
STATE_LIFE = timedelta(days=30)
#: A batch that takes longer is given up; the next run follows after half an hour.
CRAWL_SECONDS = 25 * 60


def crawl(env: Env, source_ids: Sequence[str] = (), day: date | None = None) -> JobReport:
    """Fetch the given sources (all, if none is named) and land their posts and fetches under today.

    Args:
        env: environment; its clock gives the fetch time of the whole run.
        source_ids: sources to fetch.
        day: the day that `{day}` stands for in addresses; today if not given.

    Raises:
        UsageError: a named source has no file or no current review, or there is no source at all.
        ConfigError: the one source that was named has a bad file.
        CaifengError: the crawler process itself failed.
    """
    fetched_at = env.now().replace(microsecond=0)
    today = clock.business_day(fetched_at)
    sources = env.settings.sources()
    refused = {s.id: reason for s in sources.usable if (reason := s.may_be_crawled(today))}
    wanted = _select(sources, source_ids, refused, env.settings.config)
    land_sources(env, today)
    spool = env.settings.home / "spool" / f"{fetched_at:%Y%m%dT%H%M%S}-{os.getpid()}"
    spool.mkdir(parents=True)
    try:
        if wanted:
            _run_crawlers(env, wanted, day or today, fetched_at, spool)
        counts = {"sources": len(wanted), "posts": 0, "fetches": 0}
        broken = {*sources.errors, *refused}
        for source_id in wanted:
            part = f"{source_id}-{fetched_at:%Y%m%dT%H%M%S}"
            posts = _read_spool(env, spool / f"{source_id}.posts.jsonl", "raw.posts")
            fetches = _read_spool(env, spool / f"{source_id}.fetches.jsonl", "ops.fetches")
            land(env, today, part, posts, fetches)
            counts["posts"] += posts.height
            counts["fetches"] += fetches.height
            entries = fetches.filter(pl.col("kind") != "detail")
            if entries.filter(pl.col("outcome").is_in(["ok", "not_modified", "empty"])).is_empty():
                broken.add(source_id)
    finally:
        shutil.rmtree(spool, ignore_errors=True)
    failed = tuple(sorted(broken & {*source_ids} if source_ids else broken))
    return JobReport("crawl", today, fetched_at, counts, failed)


def land(env: Env, day: date, part: str, posts: pl.DataFrame, fetches: pl.DataFrame) -> None:
    """Write one part of raw.posts and of ops.fetches; a part of the same name is replaced."""
    # Posts first: a fetch that is on record will be asked for conditionally and would not come again.
    stands = (env.lake.directory("raw.posts", day) / f"{part}.parquet").exists()
    if posts.height or stands:
        env.lake.replace("raw.posts", day, posts, part)
    env.lake.replace("ops.fetches", day, fetches, part)


def land_sources(env: Env, day: date) -> None:
    """Write the day's ops.sources: what is crawled, and the inboxes into which something was imported on that day.

    Nobody asks an inbox, so without an import it is neither silent nor broken, and does not count as a source
    that should have been checked.
    """
    imported = env.lake.read("ops.fetches", day)["source_id"].unique().to_list()
    env.lake.replace("ops.sources", day, sources_frame(env.settings.sources(), day, imported))


def sources_frame(sources: Sources, day: date, imported: Collection[str] = ()) -> pl.DataFrame:
    """The configured sources as rows of ops.sources.

    A file that cannot be read, or a source without a current review, is a row with its error.

    Args:
        sources: all sources.
        day: day on which a review must be current.
        imported: ids of the inboxes to list; the others are left out.
    """
    usable = [
        {
            "source_id": s.id,
            "name": s.name,
            "source_class": s.source_class,
            "media_tier": s.media_tier,
            "reach": s.reach,
            "place": s.place,
            "board": s.board,
            "local_board": s.local_board,
            "official_channel": s.official_channel,
            "silent_after_hours": s.silent_after_hours,
            "config_error": f"未采集：{reason}" if (reason := s.may_be_crawled(day)) else None,
        }
        for s in sources.usable
        if s.start_urls or s.id in imported
    ]
    unreadable = [
        {
            "source_id": source_id,
            "name": source_id,
            "local_board": False,
            "official_channel": False,
            "silent_after_hours": 48,
            "config_error": f"配置文件有误：{error.field or 'TOML'}：{error.reason}",
        }
        for source_id, error in sources.errors.items()
    ]
    names = ("source_id", "name", "source_class", "media_tier", "reach", "place", "board", "config_error")
    schema: dict[str, type[pl.DataType]] = dict.fromkeys(names, pl.String)
    schema |= {"local_board": pl.Boolean, "official_channel": pl.Boolean, "silent_after_hours": pl.Int64}
    return pl.DataFrame([*usable, *unreadable], schema=schema)


def _select(sources: Sources, source_ids: Sequence[str], refused: dict[str, str], config: Path) -> list[str]:
    usable = {source.id: source for source in sources.usable}
    for source_id in source_ids:
        if source_id in sources.errors:
            raise sources.errors[source_id]
        file = config / "sources" / f"{source_id}.toml"
        if source_id not in usable:
            raise UsageError(f"{file}: source file not found or not enabled")
        if not usable[source_id].start_urls:
            raise UsageError(f"{file}: an inbox is not crawled; use caifeng import FILE --source {source_id}")
        if source_id in refused:
            raise UsageError(f"{file}: {refused[source_id]}; review it: caifeng sources review {source_id}")
    crawled = [source.id for source in sources.usable if source.start_urls and source.id not in refused]
    if not (crawled or refused or sources.errors):
        raise UsageError(f"{config / 'sources'}: no source to crawl is configured; add one file per source")
    return list(source_ids) or crawled


def _run_crawlers(env: Env, source_ids: list[str], day: date, fetched_at: datetime, spool: Path) -> None:
    state = spool / "state.jsonl"
    state.write_text(_state(env, source_ids, clock.business_day(fetched_at)), "utf8")
    command = [
        *(sys.executable, "-m", "crawlers.run"),
        *("--config", str(env.settings.config)),
        *("--sources", ",".join(source_ids)),
        *("--day", day.isoformat()),
        *("--fetched-at", fetched_at.isoformat()),
        *("--state", str(state)),
        *("--spool", str(spool)),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, check=False, timeout=CRAWL_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise CaifengError(f"crawlers.run did not end within {CRAWL_SECONDS} s: {', '.join(source_ids)}") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise CaifengError(f"crawlers.run ended with {done.returncode}: {reason[0]}")


def _state(env: Env, source_ids: list[str], today: date) -> str:
    """Latest validators of each page, as JSON lines for the crawlers.

    Lists are always read: behind an unchanged list, pages may have failed before and counts go on changing. Only
    a feed whose entries are the posts has nothing behind it.
    """
    feeds = [s.id for s in env.settings.sources().usable if s.family == "feed" and s.detail is None]
    fetches = env.lake.read_range("ops.fetches", today - STATE_LIFE, today)
    latest = (
        fetches.filter(
            pl.col("source_id").is_in(source_ids),
            (pl.col("kind") != "list") | pl.col("source_id").is_in(feeds),
            pl.any_horizontal(pl.col("etag", "last_modified").is_not_null()),
        )
        .sort("fetched_at")
        .group_by("url", maintain_order=True)
        .agg(pl.col("etag", "last_modified").last())
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in latest.iter_rows(named=True))


def _read_spool(env: Env, file: Path, table: str) -> pl.DataFrame:
    schema = env.contracts[table].polars_schema()
    times = [name for name, kind in schema.items() if isinstance(kind, pl.Datetime)]
    as_text = {name: pl.String if name in times else kind for name, kind in schema.items()}
    if not file.exists() or not file.stat().st_size:
        return pl.DataFrame(schema=schema)
    rows = pl.read_ndjson(file, schema=as_text)
    return rows.with_columns(pl.col(times).str.to_datetime("%+", time_zone="UTC", time_unit="us"))
