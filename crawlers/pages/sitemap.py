"""Reading of sitemaps (sitemaps.org 0.9), indexes and news sitemaps included. Pure: source and page in, values out."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

from caifeng.core.model.families import Sitemap
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import decode
from caifeng.core.text.times import SHANGHAI, UNKNOWN, Moment, parse_time
from caifeng.core.text.urls import canonical_url
from crawlers.items import Link, Page, Read
from crawlers.pages.list_detail import read_post
from crawlers.pages.values import Unreadable, absolute
from crawlers.pages.xml import checked_xml

#: Unpacked; our choice: room for the 50,000 entries that sitemaps.org allows, none for a gzip bomb.
MAX_BYTES = 20 * 1024 * 1024
#: Stands where the list's board would, so that an index within an index is known: it is not followed.
_OF_INDEX = "sitemapindex"
_PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class SitemapEntry:
    """A page, or for an index a sitemap. `listed` is news:publication_date, for `changed` (lastmod) is no such time."""

    url: str
    listed: Moment
    changed: Moment


@dataclass(frozen=True)
class SitemapRead:
    """A sitemap: its entries in order, each address once, whatever their age."""

    is_index: bool
    entries: tuple[SitemapEntry, ...]
    problem: str | None


def read(source: Source, page: Page) -> Read:
    """A sitemap gives links to pages, an index to sitemaps; both leave out what is too old. A page is one post."""
    if page.kind == "detail":
        return read_post(source, page)
    rules = source.sitemap
    assert rules is not None
    sitemap = read_sitemap(page.body, page.url, page.fetched_at, page.charset)
    if sitemap.is_index and page.board == _OF_INDEX:
        raise Unreadable("a sitemap index within an index is not followed")
    fresh = [entry for entry in sitemap.entries if _is_fresh(entry, rules, page.fetched_at)]
    if sitemap.is_index:
        links = tuple(Link(entry.url, "list", board=_OF_INDEX) for entry in fresh)
        return Read(len(sitemap.entries), links=links, problem=sitemap.problem)
    wanted = [entry for entry in sitemap.entries if _is_wanted(entry, rules)]
    links = tuple(Link(entry.url, listed=entry.listed) for entry in fresh if _is_wanted(entry, rules))
    return Read(len(wanted), links=links, problem=sitemap.problem)


def read_sitemap(body: bytes, url: str, fetched_at: datetime, encoding: str | None = None) -> SitemapRead:
    """Read a sitemap or an index, packed (.xml.gz) or not.

    Args:
        body: as it came.
        url: its address, base of its links.
        fetched_at: reference of times.
        encoding: charset of the source's override or of the HTTP header.

    Raises:
        Undecodable: the body is no text.
        Unreadable: broken gzip or too large unpacked; not well-formed XML, an entity is declared; neither urlset nor
            sitemapindex; none of its entries has an address.
    """
    xml = checked_xml(decode(_unpacked(body), encoding).text)
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - checked above
    except ElementTree.ParseError as error:
        # A prefix without a namespace is well-formed, but no sitemap.
        raise Unreadable(f"not XML: {error}") from error
    kind = _name(root)
    if kind not in {"urlset", "sitemapindex"}:
        raise Unreadable(f"not a sitemap: the root is {kind[:40]}")
    nodes = [node for node in root if _name(node) == ("url" if kind == "urlset" else "sitemap")]
    entries: dict[str, SitemapEntry] = {}
    without = 0
    for node in nodes:
        target = absolute(url, _text(node, "loc"))
        if target is None:
            without += 1
            continue
        listed = _moment(_text(node, "news", "publication_date"), fetched_at)
        changed = _moment(_text(node, "lastmod"), fetched_at)
        entries.setdefault(canonical_url(target), SitemapEntry(target, listed, changed))
    problem = f"{without} of {len(nodes)} entries without a web address" if without else None
    if problem and not entries:
        raise Unreadable(problem)
    return SitemapRead(kind == "sitemapindex", tuple(entries.values()), problem)


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(_GZIP):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, MAX_BYTES)
    except zlib.error as error:
        raise Unreadable("not gzip") from error
    if len(plain) >= MAX_BYTES and not unpacker.eof:
        raise Unreadable(f"more than {MAX_BYTES // 1024 // 1024} MB unpacked")
    return plain


def _name(node: ElementTree.Element) -> str:
    """The element's name without its namespace."""
    return node.tag.rpartition("}")[2]


def _text(node: ElementTree.Element, *path: str) -> str | None:
    """Text of the first element at a path of names, whatever their namespaces."""
    for name in path:
        found = _child(node, name)
        if found is None:
            return None
        node = found
    return (node.text or "").strip() or None


def _child(node: ElementTree.Element, name: str) -> ElementTree.Element | None:
    children: Iterator[ElementTree.Element] = (child for child in node if _name(child) == name)
    return next(children, None)


def _moment(text: str | None, fetched_at: datetime) -> Moment:
    """A time as sitemaps.org has it; such plain forms first, for there may be 50,000 of them."""
    if not text:
        return UNKNOWN
    try:
        if _PLAIN_TIME.fullmatch(text):
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
            return Moment(at.astimezone(UTC), "day" if len(text) == len("2026-11-20") else "minute")
    except (ValueError, OverflowError):
        return UNKNOWN
    return parse_time(text, fetched_at)


def _is_fresh(entry: SitemapEntry, rules: Sitemap, fetched_at: datetime) -> bool:
    """Whether it changed, or else appeared, on one of the last days by the calendar; true where neither is said."""
    moment = entry.changed if entry.changed.at is not None else entry.listed
    if moment.at is None:
        return True
    age = fetched_at.astimezone(SHANGHAI).date() - moment.at.astimezone(SHANGHAI).date()
    return age.days <= rules.max_age_days


def _is_wanted(entry: SitemapEntry, rules: Sitemap) -> bool:
    return rules.include is None or bool(re.search(rules.include, entry.url))
