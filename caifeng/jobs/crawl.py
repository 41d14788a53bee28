"""Land raw posts: the spiders run in a process of their own, their spool becomes raw partitions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
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
        UsageError: a named source has no file, or there is no source at all.
        ConfigError: the one source that was named has a bad file.
        CaifengError: the crawler process itself failed.
    """
    fetched_at = env.now().replace(microsecond=0)
    today = clock.business_day(fetched_at)
    sources = env.settings.sources()
    wanted = _select(sources, source_ids, env.settings.config)
    env.lake.replace("ops.sources", today, sources_frame(sources))
    spool = env.settings.home / "spool" / f"{fetched_at:%Y%m%dT%H%M%S}-{os.getpid()}"
    spool.mkdir(parents=True)
    try:
        if wanted:
            _run_crawlers(env, wanted, day or today, fetched_at, spool)
        counts = {"sources": len(wanted), "posts": 0, "fetches": 0}
        broken = set(sources.errors) - {s.id for s in sources.usable}
        for source_id in wanted:
            part = f"{source_id}-{fetched_at:%Y%m%dT%H%M%S}"
            posts = _read_spool(env, spool / f"{source_id}.posts.jsonl", "raw.posts")
            fetches = _read_spool(env, spool / f"{source_id}.fetches.jsonl", "ops.fetches")
            # Posts first: a fetch that is on record will be asked for conditionally and would not come again.
            if posts.height:
                env.lake.replace("raw.posts", today, posts, part)
            env.lake.replace("ops.fetches", today, fetches, part)
            counts["posts"] += posts.height
            counts["fetches"] += fetches.height
            entries = fetches.filter(pl.col("kind") != "detail")
            if entries.filter(pl.col("outcome").is_in(["ok", "not_modified", "empty"])).is_empty():
                broken.add(source_id)
    finally:
        shutil.rmtree(spool, ignore_errors=True)
    failed = tuple(sorted(broken & {*wanted, *sources.errors} if not source_ids else broken & {*source_ids}))
    return JobReport("crawl", today, fetched_at, counts, failed)


def sources_frame(sources: Sources) -> pl.DataFrame:
    """The configured sources as rows of ops.sources; a file that cannot be read is a row with its error."""
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
            "config_error": None,
        }
        for s in sources.usable
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
    columns = ("source_class", "media_tier", "reach", "place", "board")
    return pl.DataFrame([*usable, *unreadable], infer_schema_length=None).with_columns(
        pl.lit(None, pl.String).alias(c) for c in columns if not usable
    )


def _select(sources: Sources, source_ids: Sequence[str], config: Path) -> list[str]:
    usable = [source.id for source in sources.usable]
    for source_id in source_ids:
        if source_id in sources.errors:
            raise sources.errors[source_id]
        if source_id not in usable:
            raise UsageError(f"{config / 'sources' / source_id}.toml: source file not found or not enabled")
    if not usable and not sources.errors:
        raise UsageError(f"{config / 'sources'}: no source is configured; add one file per source")
    return list(source_ids) or usable


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

    Lists are always read: behind an unchanged list, pages may have failed before and counts go on changing.
    """
    fetches = env.lake.read_range("ops.fetches", today - STATE_LIFE, today)
    latest = (
        fetches.filter(
            pl.col("source_id").is_in(source_ids),
            pl.col("kind") != "list",
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
