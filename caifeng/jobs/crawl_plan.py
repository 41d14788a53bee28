"""What the crawlers are to do next: the history of collection from the lake, made into the plan of one run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import polars as pl

from caifeng.core import clock
from caifeng.core.errors import DataError
from caifeng.core.files import replacing
from caifeng.core.model.collection import CollectionRules
from caifeng.core.model.families import fill_day, has_day
from caifeng.core.model.source import Source
from caifeng.core.settings import load_model
from caifeng.core.text.urls import canonical_url
from caifeng.jobs.base import Env
from crawlers.plan import Plan, PlannedPage, SourcePlan
from transforms.collect.hosts import due_sources, last_asked, last_filled, oldest_entry, resting_hosts
from transforms.collect.known import (
    FETCH_COLUMNS,
    known_pages,
    thin_fetches,
    thin_posts,
    unsettled_pages,
)

#: Longer than the slowest cadence of a source (seven days) and than the longest rest of a host.
RECENT = timedelta(days=8)
#: Pages of a source that a run is told to ask for again (our choice): the unread ones first, then the youngest. In 20
#: minutes 240 can be asked for at 5 s each; the others stay due.
MOST_DUE = 1_000
_POST_COLUMNS = ("source_id", "url", "observed_at", "comments", "answer", "answered_at", "board", "parent_id")
_READ_COLUMNS = {"ops.fetches": FETCH_COLUMNS, "raw.posts": _POST_COLUMNS}
_THIN = {"ops.fetches": thin_fetches, "raw.posts": thin_posts}


class History(NamedTuple):
    """What was collected before a moment: rows of `thin_fetches` and of `thin_posts`."""

    fetches: pl.DataFrame
    posts: pl.DataFrame


def load_collection(config: Path) -> CollectionRules:
    """Read config/collection.toml; without the file the defaults hold.

    Raises:
        ConfigError: the file breaks the model.
    """
    path = config / "collection.toml"
    return load_model(path, CollectionRules) if path.exists() else CollectionRules()


def read_history(env: Env, at: datetime, remembered: timedelta) -> History:
    """What ops.fetches and raw.posts say of the time before `at`, as far back as is remembered.

    Rows of `at` itself are left out, so that a run repeated at the same moment does the same again. Days that are over
    are thinned once and kept under cache/collect, which can be deleted at any time; a day's file is made anew when its
    partition has changed.

    Raises:
        DataError: a partition cannot be read.
    """
    fetches, posts = (
        pl.concat(
            [_thinned(env, table, day, at) for day in _days(env, table, at, remembered)] or [_nothing(env, table)]
        )
        for table in _THIN
    )
    before = fetches.filter(pl.col("fetched_at") < at)
    return History(before, posts.filter(pl.col("observed_at") < at).unique(["source_id", "url"], keep="last"))


def crawlable(env: Env, today: date) -> list[Source]:
    """Sources that may be asked on a day."""
    return [s for s in env.settings.sources().usable if s.start_urls and s.may_be_crawled(today) is None]


def due_now(sources: Sequence[Source], fetches: pl.DataFrame, at: datetime) -> list[str]:
    """Ids of the sources whose turn it is (`every_minutes`), those that have waited longest first."""
    rows = {"source_id": [s.id for s in sources], "every_minutes": [s.every_minutes for s in sources]}
    cadence = pl.DataFrame(rows, schema={"source_id": pl.String, "every_minutes": pl.Int64})
    return due_sources(last_asked(fetches), cadence, at)


def batches(sources: Sequence[Source], size: int) -> list[list[str]]:
    """Ids in batches, one crawler process each.

    Sources that share a host stay together, however many they are: two processes would not know of each other and ask
    it twice as often.
    """
    groups: list[tuple[set[str], list[str]]] = []
    for source in sources:
        hosts = {urlsplit(url).netloc.lower() for url in source.start_urls}
        shared = [group for group in groups if group[0] & hosts]
        groups = [group for group in groups if group not in shared]
        groups.append((hosts.union(*(h for h, _ in shared)), [*(i for _, ids in shared for i in ids), source.id]))
    filled: list[list[str]] = []
    for _, ids in groups:
        if filled and len(filled[-1]) + len(ids) <= size:
            filled[-1] += ids
        else:
            filled.append(ids)
    return filled


def make_plan(
    sources: Sequence[Source],
    history: History,
    rules: CollectionRules,
    at: datetime,
    day: date | None = None,
    insist: bool = False,
) -> Plan:
    """The plan of one run.

    Args:
        sources: what is asked in this run.
        history: what was collected before.
        rules: config/collection.toml.
        at: the moment of the run.
        day: the only day that `{day}` stands for; without it today and the days that were missed.
        insist: ask hosts that rest because they failed, too; not those that named a time themselves.
    """
    fetches, posts = (frame.filter(pl.col("source_id").is_in([s.id for s in sources])) for frame in history)
    recent = history.fetches.filter(pl.col("fetched_at") >= at - RECENT)
    pages = known_pages(fetches, posts, _traits(sources), rules, at)
    unsettled = unsettled_pages(fetches, pages)
    rests = resting_hosts(recent, rules, at).filter(pl.col("wish") | (not insist)).sort("until")
    filled, oldest = last_filled(recent), oldest_entry(fetches)
    plans = {}
    for source in sources:
        mine = pl.col("source_id") == source.id
        days = (day,) if day else _editions(source, clock.business_day(at), filled, oldest.get(source.id), rules)
        own = pages.filter(mine)
        known = own.filter("known", kind="detail")["url"]
        if entries_are_posts(source):
            known = pl.concat([known, posts.filter(mine)["url"]]).unique().sort()
        plans[source.id] = SourcePlan(
            days=days,
            known=tuple(known),
            unsettled=tuple(unsettled.filter(mine)["url"]),
            pages=(
                *_planned(source, own),
                *_validators(source, fetches.filter(mine, pl.col("fetched_at") >= at - RECENT)),
            ),
        )
    return Plan(
        run_seconds=max(1, round(rules.run_minutes * 60)),
        second_opinion_share=rules.second_opinion_share,
        catch_up_pages=rules.catch_up_pages,
        revisit_seconds=round(rules.revisit_hours[0] * 3600),
        remembers_since=at - timedelta(days=rules.memory_days),
        rests=dict(rests.select("host", "until").iter_rows()),
        sources=plans,
    )


def entries_are_posts(source: Source) -> bool:
    """Whether a source's entries have no pages of their own."""
    return source.family == "programme" or (source.family == "feed" and source.detail is None)


def _traits(sources: Sequence[Source]) -> pl.DataFrame:
    rows = [(s.id, _shows_counters(s), s.family == "message_board") for s in sources]
    return pl.DataFrame(
        rows, schema={"source_id": pl.String, "counters": pl.Boolean, "letters": pl.Boolean}, orient="row"
    )


def _shows_counters(source: Source) -> bool:
    if source.thread is not None:
        return bool(source.thread.views or source.thread.comments or source.thread.reply)
    if source.letter is not None:
        return source.letter.views is not None
    if source.detail is None:
        # Disclosure pages show 浏览次数 beside the 索引号.
        return source.family == "openness"
    return bool(source.detail.views or source.detail.reposts or source.detail.comments)


def _editions(
    source: Source, today: date, filled: dict[str, datetime], oldest: datetime | None, rules: CollectionRules
) -> tuple[date, ...]:
    """Today, and before it the days since the last good one, for addresses that carry the day.

    A ranking's day is good only if it was read after it was over; an edition is there in the morning.
    """
    dated = [url for url in source.start_urls if has_day(url)]
    if not dated or oldest is None:
        return (today,)

    def is_good(day: date) -> bool:
        over = clock.end_of_day(day) if source.family == "hot_list" else None
        read = (filled.get(canonical_url(fill_day(url, day))) for url in dated)
        return all(at is not None and (over is None or at >= over) for at in read)

    missed: list[date] = []
    for back in range(1, rules.catch_up_days + 1):
        day = today - timedelta(days=back)
        if day < clock.business_day(oldest) or is_good(day):
            break
        missed.append(day)
    return (*reversed(missed), today)


def _planned(source: Source, pages: pl.DataFrame) -> list[PlannedPage]:
    """Pages of which more is to be said than that they are known."""
    counts = source.family in {"forum", "message_board"}
    told = pl.col("due") | pl.col("given_up")
    told |= pl.col("comments").is_not_null() if counts else pl.lit(source.family == "sitemap")
    # The following pages of a thread are found on its first one, which must come in full.
    keeps = pl.lit(source.family != "forum") & (pl.col("kind") == "detail")
    urgent = pages.filter(told).sort(pl.col("due"), pl.col("read_at").is_null(), "first_at", descending=True)
    rows = urgent.filter(~pl.col("due") | (pl.col("due").cum_sum() <= MOST_DUE)).select(
        *("url", "kind", "due", "read_at", "comments", "board"),
        pl.when(keeps).then(pl.col("etag", "last_modified")),
        given_up=pl.when("given_up").then(pl.format("{} tries", "failures")),
        outcome=pl.when("given_up").then("outcome"),
        http_status=pl.when("given_up").then("http_status"),
    )
    return [PlannedPage.model_validate(_said(row)) for row in rows.iter_rows(named=True)]


def _validators(source: Source, fetches: pl.DataFrame) -> list[PlannedPage]:
    """Entry pages that may answer 304: those behind which nothing is to be found.

    Behind an unchanged list, pages may still be unread and its next pages may have moved.
    """
    kinds = [*(["snapshot"] if source.family == "hot_list" else []), *(["list"] if entries_are_posts(source) else [])]
    rows = (
        fetches.filter(pl.col("kind").is_in(kinds) & pl.any_horizontal(pl.col("etag", "last_modified").is_not_null()))
        .sort("url", "fetched_at")
        .group_by("url", maintain_order=True)
        .agg(pl.col("kind", "etag", "last_modified").last())
    )
    return [PlannedPage.model_validate(_said(row)) for row in rows.iter_rows(named=True)]


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _days(env: Env, table: str, at: datetime, remembered: timedelta) -> list[date]:
    first, last = clock.business_day(at - remembered), clock.business_day(at)
    return [day for day in env.lake.days(table) if first <= day <= last]


def _thinned(env: Env, table: str, day: date, at: datetime) -> pl.DataFrame:
    if day >= clock.business_day(at):
        return _THIN[table](_read_columns(env, table, day))
    folder = env.settings.home / "cache" / "collect" / table
    # A file that is added, replaced or removed changes the time of its directory.
    kept = folder / f"{day.isoformat()}-{env.lake.directory(table, day).stat().st_mtime_ns}.parquet"
    if kept.exists():
        try:
            return pl.read_parquet(kept, hive_partitioning=False)
        except (pl.exceptions.PolarsError, OSError):
            kept.unlink(missing_ok=True)
    thinned = _THIN[table](_read_columns(env, table, day))
    with replacing(kept) as temporary:
        thinned.write_parquet(temporary, compression="zstd")
    for older in folder.glob(f"{day.isoformat()}-*.parquet"):
        if older != kept:
            older.unlink(missing_ok=True)
    return thinned


def _read_columns(env: Env, table: str, day: date) -> pl.DataFrame:
    """A partition without its texts."""
    files = env.lake.files(table, day)
    if not files:
        return _nothing(env, table, thin=False)
    try:
        return pl.read_parquet(files, columns=list(_READ_COLUMNS[table]), hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{table}: day={day}: cannot be read: {error}") from error


def _nothing(env: Env, table: str, thin: bool = True) -> pl.DataFrame:
    schema = env.contracts[table].polars_schema()
    empty = pl.DataFrame(schema={name: schema[name] for name in _READ_COLUMNS[table]})
    return _THIN[table](empty) if thin else empty
