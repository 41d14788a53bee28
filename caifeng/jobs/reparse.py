"""Read the stored pages of a day again, and land what they say by the rules of today for that day."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import cast

import polars as pl

from caifeng.core.bodies import Body, BodyStore
from caifeng.core.errors import UsageError
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import Undecodable
from caifeng.core.text.urls import canonical_url
from caifeng.jobs.base import Env, JobReport
from crawlers.items import Kind, Page, RawPost
from crawlers.pages.values import Unreadable
from crawlers.pipelines.scrub import scrub_post
from crawlers.reading import READERS
from transforms.clean.readings import OBSERVATION, latest_readings

_log = logging.getLogger("caifeng.reparse")

#: A post of a page of one fetch.
_FETCHED_POST = ("source_id", "post_id", "fetched_at")
#: What an observation says once its page, read rightly, no longer holds it: cleaning rejects it as empty.
_NOTHING = {"title": "", "text": "", "published_precision": "unknown", "date_guessed": False}


@dataclass(frozen=True)
class Reparsed:
    """What a re-reading found. `changes` has the columns source_id, url, change (new, changed, withdrawn), fields."""

    report: JobReport
    changes: pl.DataFrame

    def lines(self) -> list[str]:
        """One line per change, for a terminal: addresses and names of columns, nothing of what was written."""
        return [
            f"{row['change']:<9} {row['source_id']} {row['url']}"
            + (f" ({', '.join(row['fields'])})" if row["fields"] else "")
            for row in self.changes.iter_rows(named=True)
        ]


def reparse(env: Env, day: date, source_ids: Sequence[str] = (), *, dry_run: bool = False) -> Reparsed:
    """Read the stored pages of a day with the rules that hold for it (`Source.on`), and land what differs.

    Only differences are landed, as one part `<source>-<moment>-reread` per source, so that running it again lands
    nothing. Each row has the times of its fetch and, in `read_at`, that of the re-reading; cleaning takes the latest
    (`latest_readings`). An observation that its page does not yield any more is landed empty. What a page gave that
    cannot be read by these rules stays as it was. To go on: `caifeng run --day D`.

    Args:
        env: environment; its clock gives `read_at`.
        day: fetch day.
        source_ids: sources to read; all, if none is named.
        dry_run: only say what would be landed.

    Returns:
        Counts: bodies, posts read from them, of these new and changed; withdrawn; pages still unreadable, of which
        nothing is landed; lost: pages that were read at their fetch and are not with these rules, whose posts stay as
        they are; damaged records. `failed` are sources whose rules cannot be used.

    Raises:
        UsageError: no source of that name, no page of the day stands, or the same moment was used before.
    """
    moment = env.now().replace(microsecond=0)
    rules = _rules(env, day, source_ids)
    pages, damaged = _read_again(env, day, rules, source_ids)
    landed = latest_readings(env.lake.read("raw.posts", day))
    schema = env.contracts["raw.posts"].polars_schema()

    # As in a crawl, a post seen on two pages is taken from the first.
    rows = {(p.source_id, p.post_id, p.observed_at): p for page in reversed(pages) for p in reversed(page.posts or ())}
    read = pl.DataFrame([asdict(post) for post in rows.values()], schema=schema)
    said = [name for name in schema if name != "read_at"]
    fresh = read.join(landed, on=said, how="anti", nulls_equal=True, maintain_order="left")
    new = fresh.join(landed, on=OBSERVATION, how="anti", maintain_order="left")
    changed = fresh.join(landed, on=OBSERVATION, how="semi", maintain_order="left")
    withdrawn = _withdrawn(landed, read, pages)
    if not dry_run:
        _land(env, day, moment, pl.concat([fresh, withdrawn]))
    changes = pl.concat([_named(new, "new"), _changed_fields(changed, landed, said), _named(withdrawn, "withdrawn")])
    known = set(landed.select(_FETCHED_POST).iter_rows())
    counts = {
        "bodies": len(pages),
        "posts": read.height,
        "new": new.height,
        "changed": changed.height,
        "withdrawn": withdrawn.height,
        "unreadable": sum(page.posts is None and known.isdisjoint(page.fetched_posts()) for page in pages),
        "lost": sum(
            page.posts is None and page.body.source_id in rules and not known.isdisjoint(page.fetched_posts())
            for page in pages
        ),
        "damaged": damaged,
    }
    failed = tuple(sorted({page.body.source_id for page in pages} - {*rules}))
    return Reparsed(JobReport("reparse", day, moment, counts, failed), changes.sort("source_id", "url", "change"))


@dataclass(frozen=True)
class _Reread:
    """A stored page without its bytes, and the posts it yields now; None where it cannot be read."""

    body: Body
    posts: tuple[RawPost, ...] | None

    def fetched_posts(self) -> list[tuple[str, str, datetime]]:
        """Columns _FETCHED_POST of what the page gave at its fetch."""
        return [(self.body.source_id, post, self.body.fetched_at) for post in self.body.ids]


def _rules(env: Env, day: date, source_ids: Sequence[str]) -> dict[str, Source]:
    """The chosen sources with the rules of the day."""
    sources = env.settings.sources()
    usable = {source.id: source.on(day) for source in sources.usable}
    for source_id in source_ids:
        if source_id in sources.errors:
            raise sources.errors[source_id]
        if source_id not in usable:
            file = env.settings.config / "sources" / f"{source_id}.toml"
            raise UsageError(f"{file}: source file not found or not enabled")
    return {source_id: usable[source_id] for source_id in source_ids or usable}


def _read_again(env: Env, day: date, rules: dict[str, Source], source_ids: Sequence[str]) -> tuple[list[_Reread], int]:
    """The stored pages of a day, each fetch once, and the number of damaged records."""
    store = BodyStore(env.settings.home)
    pages: dict[tuple[str, str, str, datetime], _Reread] = {}
    damaged = 0
    for part, life in store.parts(day).items():
        for body in store.read(life, day, part):
            if body is None:
                damaged += 1
            elif not source_ids or body.source_id in source_ids:
                source = rules.get(body.source_id)
                posts = _posts(source, body) if source else None
                pages[body.source_id, body.kind, body.url, body.fetched_at] = _Reread(replace(body, body=b""), posts)
    if not pages and not damaged:
        raise UsageError(f"{day}: no page stands; all stand for 24 hours, relevant and unread ones for 30 days")
    return list(pages.values()), damaged


def _posts(source: Source, body: Body) -> tuple[RawPost, ...] | None:
    """The posts of a page as a crawl would land them; None where it cannot be read."""
    charset = source.encoding or body.charset
    kind = cast("Kind", body.kind)
    page = Page(body.url, body.body, kind, body.fetched_at, charset, body.listed, body.board)
    try:
        return tuple(map(scrub_post, READERS[source.family](source, page).posts))
    except (Undecodable, Unreadable):
        return None
    except Exception:
        # Ours to mend, as in a crawl; the other pages go on.
        _log.exception("reading %s failed", canonical_url(body.url))
        return None


def _withdrawn(landed: pl.DataFrame, read: pl.DataFrame, pages: list[_Reread]) -> pl.DataFrame:
    """Observations that came from the pages read, and that no page yields any more, emptied."""
    schema = landed.schema
    keys = {name: schema[name] for name in _FETCHED_POST}
    gave, silent = (
        pl.DataFrame(
            [row for p in pages if (p.posts is None) is unread for row in p.fetched_posts()], keys, orient="row"
        )
        for unread in (False, True)
    )
    gone = (
        landed.join(gave, on=_FETCHED_POST, how="semi", maintain_order="left")
        .join(silent, on=_FETCHED_POST, how="anti", maintain_order="left")
        .join(read, on=OBSERVATION, how="anti", maintain_order="left")
        .filter((pl.col("title") != "") | (pl.col("text") != ""))
    )
    stays = {*OBSERVATION, "fetched_at", "board", "url", "encoding", *_NOTHING}
    return gone.with_columns(
        *(pl.lit(value).alias(name) for name, value in _NOTHING.items()),
        *(pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in stays),
    )


def _changed_fields(changed: pl.DataFrame, landed: pl.DataFrame, said: list[str]) -> pl.DataFrame:
    both = changed.join(landed, on=OBSERVATION, how="left", suffix=":before", maintain_order="left")
    names = [name for name in said if name not in OBSERVATION]
    differ = [pl.when(pl.col(name).ne_missing(pl.col(f"{name}:before"))).then(pl.lit(name)) for name in names]
    return _named(both, "changed", pl.concat_list(differ).list.drop_nulls())


def _named(rows: pl.DataFrame, change: str, fields: pl.Expr | None = None) -> pl.DataFrame:
    none = pl.lit([], pl.List(pl.String))
    return rows.select("source_id", "url", change=pl.lit(change), fields=none if fields is None else fields)


def _land(env: Env, day: date, moment: datetime, rows: pl.DataFrame) -> None:
    folder = env.lake.directory("raw.posts", day)
    parts = {f"{source_id}-{moment:%Y%m%dT%H%M%S}-reread": part for (source_id,), part in rows.group_by("source_id")}
    if taken := [name for name in sorted(parts) if (folder / f"{name}.parquet").exists()]:
        raise UsageError(f"{folder / taken[0]}.parquet: was landed at this very moment; raw posts are never replaced")
    from caifeng.jobs.objections import without_words  # noqa: PLC0415 - with all that purging needs

    for name, part in parts.items():
        known = without_words(env, part)
        env.lake.replace("raw.posts", day, known.with_columns(read_at=pl.lit(moment)), name)
