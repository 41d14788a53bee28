"""Land raw posts: the spiders run in a process of their own, their spool becomes raw partitions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl

from caifeng.core import clock
from caifeng.core.errors import CaifengError, UsageError
from caifeng.core.files import is_running, machine
from caifeng.core.model.collection import BROKEN_OFF
from caifeng.core.model.source import Source
from caifeng.core.settings import Sources
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.crawl_plan import due_now, load_collection, make_plan, read_history
from transforms.collect.known import ENTRIES, READ

#: Time in which a crawler process must end after its run is over; then it is killed and what it wrote is landed.
GRACE_SECONDS = 5 * 60
#: Age after which a spool counts as left behind, whoever made it; no run takes so long.
STALE_SPOOL = timedelta(hours=6)


def crawl(
    env: Env,
    source_ids: Sequence[str] = (),
    day: date | None = None,
    planned: bool = False,
    most_pages: int | None = None,
) -> JobReport:
    """Fetch sources and land their posts and fetches under today.

    First lands what killed runs left in the spool. A second run at the same moment (a fixed clock) does the same
    again and changes nothing.

    Args:
        env: environment; its clock gives the fetch time of the whole run.
        source_ids: sources to fetch, whether or not it is their turn; if none is named, those whose turn it is.
        day: the day that `{day}` stands for in addresses; if not given, today and the days that were missed.
        most_pages: details and snapshots that each source is asked for at most; for trials.
        planned: the timetable names the sources, no person: hosts that rest after failures are left alone.

    Raises:
        UsageError: a named source has no file or no current review, or there is no source at all.
        ConfigError: the one source that was named has a bad file, or config/collection.toml has.
        CaifengError: the crawler process itself failed; what it had written is landed.
    """
    fetched_at = env.now().replace(microsecond=0)
    today = clock.business_day(fetched_at)
    rules = load_collection(env.settings.config)
    sources = env.settings.sources()
    refused = {s.id: reason for s in sources.usable if (reason := s.may_be_crawled(today))}
    wanted = _select(sources, source_ids, refused, env.settings.config)
    land_sources(env, today)
    counts = {"sources": 0, "posts": 0, "fetches": 0}
    if recovered := land_left_behind(env):
        counts["recovered"] = recovered
    broken = {*sources.errors, *refused}
    if wanted:
        history = read_history(env, fetched_at, timedelta(days=rules.memory_days))
        if not source_ids:
            due = due_now(wanted, history.fetches, fetched_at)
            wanted = sorted((s for s in wanted if s.id in due), key=lambda s: due.index(s.id))
        plan = make_plan(wanted, history, rules, fetched_at, day, insist=bool(source_ids) and not planned)
        plan = plan.model_copy(update={"most_pages": most_pages})
    if wanted:
        counts["sources"] = len(wanted)
        ids = [source.id for source in wanted]
        spool = _new_spool(env, fetched_at)
        (spool / "plan.json").write_text(plan.model_dump_json(exclude_defaults=True), "utf8")
        try:
            _run_crawlers(env, ids, day or today, fetched_at, spool, round(rules.run_minutes * 60) + GRACE_SECONDS)
        except CaifengError:
            _land_spool(env, spool, broken_off=True)
            raise
        for source_id, posts, fetches in _land_spool(env, spool):
            counts["posts"] += posts.height
            counts["fetches"] += fetches.height
            entries = fetches.filter(pl.col("kind").is_in(ENTRIES))
            if entries.filter(pl.col("outcome").is_in(READ)).is_empty():
                broken.add(source_id)
    failed = tuple(sorted(broken & {*source_ids} if source_ids else broken))
    return JobReport("crawl", today, fetched_at, counts, failed)


def land_left_behind(env: Env) -> int:
    """Land what killed runs left in the spool, under the names they would have given it.

    Returns:
        How many fetches were recovered.
    """
    recovered = 0
    for spool in sorted((env.settings.home / "spool").glob("*-*-*")):
        fetched_at, node, pid = _owner(spool.name)
        if fetched_at is None or not _is_left_behind(spool, node, pid):
            continue
        # By its new name it is ours: of two runs that find it, one lands it.
        mine = _spool_name(env, fetched_at)
        try:
            if spool != mine:
                spool.rename(mine)
        except OSError:
            continue
        recovered += sum(fetches.height for _, _, fetches in _land_spool(env, mine, broken_off=True))
    return recovered


def land(env: Env, day: date, part: str, posts: pl.DataFrame, fetches: pl.DataFrame) -> None:
    """Write one part of raw.posts and of ops.fetches; a part of the same name is replaced.

    A post that somebody objected to is landed without its words.
    """
    from caifeng.jobs.objections import without_words  # noqa: PLC0415 - with all that purging needs

    posts = without_words(env, posts)
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
            "peer_region": s.peer.region if s.peer else None,
            "peer_body": s.peer.body if s.peer else None,
            "silent_after_hours": s.silent_after_hours,
            "alarm_volume_share": s.alarms.volume_share,
            "alarm_volume_from": s.alarms.volume_from,
            "alarm_missing_times": s.alarms.missing_times_jump,
            "alarm_agreement": s.alarms.agreement,
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
    names = (
        "source_id", "name", "source_class", "media_tier", "reach", "place", "board", "config_error", "peer_region",
        "peer_body",
    )  # fmt: skip
    schema: dict[str, type[pl.DataType]] = dict.fromkeys(names, pl.String)
    schema |= {"local_board": pl.Boolean, "official_channel": pl.Boolean, "silent_after_hours": pl.Int64}
    schema |= {"alarm_volume_share": pl.Float64, "alarm_volume_from": pl.Int64}
    schema |= {"alarm_missing_times": pl.Float64, "alarm_agreement": pl.Float64}
    return pl.DataFrame([*usable, *unreadable], schema=schema)


def _select(sources: Sources, source_ids: Sequence[str], refused: dict[str, str], config: Path) -> list[Source]:
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
    crawled = [source for source in sources.usable if source.start_urls and source.id not in refused]
    if not (crawled or refused or sources.errors):
        raise UsageError(f"{config / 'sources'}: no source to crawl is configured; add one file per source")
    return [usable[source_id] for source_id in dict.fromkeys(source_ids)] or crawled


def _run_crawlers(env: Env, source_ids: list[str], day: date, fetched_at: datetime, spool: Path, seconds: int) -> None:
    command = [
        *(sys.executable, "-m", "crawlers.run"),
        *("--config", str(env.settings.config)),
        *("--sources", ",".join(source_ids)),
        *("--day", day.isoformat()),
        *("--fetched-at", fetched_at.isoformat()),
        *("--plan", str(spool / "plan.json")),
        *("--spool", str(spool)),
        *("--bodies", str(env.settings.home)),
    ]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        # If this process is killed, the crawlers go on; their spool is left alone until they have ended.
        (spool / "crawlers.pid").write_text(str(process.pid), "utf8")
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise CaifengError(f"crawlers.run did not end within {seconds} s: {', '.join(source_ids)}") from error
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        reason = said.strip().splitlines()[-1:] or ["no message"]
        raise CaifengError(f"crawlers.run ended with {process.returncode}: {reason[0]}")


def _new_spool(env: Env, fetched_at: datetime) -> Path:
    spool = _spool_name(env, fetched_at)
    spool.mkdir(parents=True, exist_ok=True)
    return spool


def _spool_name(env: Env, fetched_at: datetime) -> Path:
    """spool/<fetch time>-<machine>-<process>: whose it is can be told after the process is gone."""
    return env.settings.home / "spool" / f"{fetched_at:%Y%m%dT%H%M%S}-{machine()}-{os.getpid()}"


def _owner(name: str) -> tuple[datetime | None, str, int]:
    at, _, rest = name.partition("-")
    node, _, pid = rest.rpartition("-")
    try:
        return datetime.strptime(at, "%Y%m%dT%H%M%S").replace(tzinfo=UTC), node, int(pid)
    except ValueError:
        return None, "", 0


def _is_left_behind(spool: Path, node: str, pid: int) -> bool:
    """Whether nobody writes there any more: its processes have ended, or nothing was written for hours.

    Process ids say so of this machine only, and after a restart they may be another's.
    """
    newest = max((file.stat().st_mtime for file in spool.iterdir()), default=0)
    if clock.now().timestamp() - newest > STALE_SPOOL.total_seconds():
        return True
    crawlers = spool / "crawlers.pid"
    pids = [pid, int(crawlers.read_text("utf8") or 0) if crawlers.exists() else 0]
    return node == machine() and not any(number > 0 and is_running(number) for number in pids)


def _land_spool(env: Env, spool: Path, broken_off: bool = False) -> list[tuple[str, pl.DataFrame, pl.DataFrame]]:
    """Land a spool and delete it; if landing fails, it stays for the next run.

    Returns:
        Source id, posts and fetches of each source in the spool.
    """
    fetched_at, _, _ = _owner(spool.name)
    assert fetched_at is not None
    day = clock.business_day(fetched_at)
    landed = []
    for file in sorted(spool.glob("*.fetches.jsonl")):
        source_id = file.name.removesuffix(".fetches.jsonl")
        posts = _read_spool(env, spool / f"{source_id}.posts.jsonl", "raw.posts")
        fetches = _read_spool(env, file, "ops.fetches")
        if broken_off:
            fetches = _as_broken_off(fetches, posts)
            # A post without any request on record cannot be accounted for; its page is asked for again.
            posts = posts if fetches.height else posts.clear()
        part = f"{source_id}-{fetched_at:%Y%m%dT%H%M%S}"
        land(
            env,
            day,
            part,
            _with_earlier(env, "raw.posts", day, part, posts),
            _with_earlier(env, "ops.fetches", day, part, fetches),
        )
        landed.append((source_id, posts, fetches))
    shutil.rmtree(spool, ignore_errors=True)
    return landed


def _as_broken_off(fetches: pl.DataFrame, posts: pl.DataFrame) -> pl.DataFrame:
    """Fetches of a process that was killed: without pages whose post was not written, lists marked as BROKEN_OFF.

    Which page gave which post can no longer be told: the first row answers for all that were written.
    """
    has_post = (pl.col("kind") != "detail") | (pl.col("outcome") != "ok") | pl.col("url").is_in(posts["url"].to_list())
    marked = pl.concat_str("detail", pl.lit(BROKEN_OFF), separator="; ", ignore_nulls=True)
    return fetches.filter(has_post).with_columns(
        detail=pl.when(pl.col("kind").is_in(ENTRIES)).then(marked).otherwise("detail"),
        posts=pl.when(pl.int_range(pl.len()) == 0).then(posts.height).otherwise(0),
    )


def _with_earlier(env: Env, table: str, day: date, part: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with those that a run at the same moment landed before: raw rows are only ever added."""
    file = env.lake.directory(table, day) / f"{part}.parquet"
    if not file.exists():
        return frame
    earlier = pl.read_parquet(file, hive_partitioning=False)
    others = earlier.join(frame, on=env.contracts[table].grain, how="anti", nulls_equal=True)
    return pl.concat([frame, others], how="diagonal")


def _read_spool(env: Env, file: Path, table: str) -> pl.DataFrame:
    """Whole lines only: a process that was killed leaves half of one."""
    schema = env.contracts[table].polars_schema()
    times = [name for name, kind in schema.items() if isinstance(kind, pl.Datetime)]
    as_text = {name: pl.String if name in times else kind for name, kind in schema.items()}
    written = file.read_bytes() if file.exists() else b""
    whole = written[: written.rfind(b"\n") + 1]
    if not whole.strip():
        return pl.DataFrame(schema=schema)
    rows = pl.read_ndjson(BytesIO(whole), schema=as_text)
    return rows.with_columns(pl.col(times).str.to_datetime("%+", time_zone="UTC", time_unit="us"))
