"""Reading of feeds: RSS 2.0, RSS 1.0 (RDF), Atom. Pure: body, address and fetch time in, values out."""

import html
import re
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

import feedparser  # type: ignore[import-untyped]
from selectolax.lexbor import LexborNode

from caifeng.core.model.source import Source
from caifeng.core.text.encoding import decode
from caifeng.core.text.times import UNKNOWN, Moment, parse_time
from caifeng.core.text.urls import canonical_url
from crawlers.items import Link, Page, Read, post_from
from crawlers.pages.list_detail import read_post
from crawlers.pages.values import Unreadable, absolute, block_text, drop_personal, parse_html
from crawlers.pages.xml import checked_xml

#: Fri, 20 Nov 2026 09:30:00 without zone or with CST, which here means China and not Chicago.
_LOCAL_ENGLISH = re.compile(r"(\d{1,2} [A-Z][a-z]{2} \d{4} \d{1,2}:\d{2}(?::\d{2})?)\s*(?:CST|BJT)?\s*$")


@dataclass(frozen=True)
class FeedEntry:
    """One entry. `text` is empty where the feed has titles only."""

    url: str
    title: str
    text: str
    published: Moment


@dataclass(frozen=True)
class FeedRead:
    """A feed: its entries in order, each address once. `problem` says in words which entries were left out."""

    entries: tuple[FeedEntry, ...]
    encoding: str
    problem: str | None


def read(source: Source, page: Page) -> Read:
    """The feed: its entries are the posts, or with a [detail] table they lead to them; such a page is one post."""
    if page.kind == "detail":
        return read_post(source, page)
    feed = read_feed(page.body, page.url, page.fetched_at, page.charset)
    if source.detail is not None:
        links = tuple(Link(entry.url, listed=entry.published) for entry in feed.entries)
        return Read(len(links), links=links, problem=feed.problem)
    posts = tuple(
        post_from(
            source,
            page,
            url=entry.url,
            title=entry.title,
            text=entry.text,
            encoding=feed.encoding,
            published=entry.published,
            date_source="feed",
        )
        for entry in feed.entries
    )
    return Read(len(posts), posts=posts, problem=feed.problem)


def read_feed(body: bytes, url: str, fetched_at: datetime, encoding: str | None = None) -> FeedRead:
    """Read a feed. Elements that name an author are never looked at.

    Args:
        body: as it came.
        url: address of the feed, base of its links.
        fetched_at: reference of relative times.
        encoding: charset of the source's override or of the HTTP header.

    Raises:
        Undecodable: the body is no text.
        Unreadable: not well-formed XML, an entity is declared, no feed, or none of its entries can be used.
    """
    decoded = decode(body, encoding)
    xml = checked_xml(decoded.text)
    # A stream: feedparser takes bytes and strings for file names and addresses first.
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    feed = feedparser.parse(BytesIO(xml), response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    if not feed.version:
        raise Unreadable("not a feed: neither RSS nor Atom")
    entries: dict[str, FeedEntry] = {}
    faults = dict.fromkeys(("link", "title", "readable text"), 0)
    for raw in feed.entries:
        target = absolute(url, raw.get("link"))
        try:
            # Not by lines: a headline may well begin with 网友：, which in a body is a by-line.
            title = " ".join(_node(raw.get("title_detail")).text().split())
            text = max((block_text(_node(part)) for part in _bodies(raw)), key=len)
        except Unreadable:
            faults["readable text"] += 1
            continue
        if target is None or not title:
            faults["title" if target else "link"] += 1
            continue
        entries.setdefault(canonical_url(target), FeedEntry(target, title, text, _published(raw, fetched_at)))
    left_out = ", ".join(f"{number} without {what}" for what, number in faults.items() if number)
    problem = f"{sum(faults.values())} of {len(feed.entries)} entries left out: {left_out}" if left_out else None
    if problem and not entries:
        raise Unreadable(problem)
    return FeedRead(tuple(entries.values()), decoded.encoding, problem)


def _bodies(raw: Any) -> list[Any]:
    """Where the words may stand: content:encoded and Atom content, then the summary."""
    return [*raw.get("content", ()), raw.get("summary_detail")]


def _node(part: Any) -> LexborNode:
    """A title or body as the detail pages have it: parsed, without who wrote it; empty where there is none."""
    value = (part or {}).get("value") or ""
    if part and part.get("type") == "text/plain":
        value = html.escape(value).replace("\n", "<br>")
    page = parse_html(f"<body><div>{value}</div></body>")
    drop_personal(page)
    assert page.body is not None
    return page.body


def _published(raw: Any, fetched_at: datetime) -> Moment:
    for name in ("published", "updated", "created"):
        # .get of feedparser's own dict answers `updated` with `published`, with a warning.
        stated = dict.get(raw, name)
        if isinstance(stated, str):
            moment = parse_time(_LOCAL_ENGLISH.sub(r"\1 +0800", stated), fetched_at)
            if moment.at is not None:
                return moment
    return UNKNOWN
