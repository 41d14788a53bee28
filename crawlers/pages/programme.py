"""Reading of programme pages of radio and TV stations. Pure: source and page in, values out."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit, urlunsplit

from selectolax.lexbor import LexborNode

from caifeng.core.model.families import Programme
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import decode
from caifeng.core.text.times import SHANGHAI, UNKNOWN, Moment, Precision, date_in_url, parse_time
from caifeng.core.text.urls import canonical_url
from crawlers.extract import is_soft_404
from crawlers.items import DateSource, Page, Read, post_from
from crawlers.pages.values import (
    Unreadable,
    absolute,
    block_text,
    drop_personal,
    first_text,
    parse_html,
    select,
    time_texts,
)

_CLOCK = re.compile(r"(?<![\d:：])([01]?\d|2[0-3])\s?[:：时点]\s?([0-5]\d)(?!\d)")
#: Who presents and makes it; the names run to the end of the line or to the next stop.
_PEOPLE = re.compile(
    r"(?:主持人?|主播|播音|嘉宾|记者|编导|导播|监制|制片人?|(?:责任)?编辑|责编|摄像|撰稿)\s*[:：][^\n。；;|｜]*[；;|｜]?"
)
#: Names the item in an address made by us; a fragment would be lost in the canonical address.
_PARAMETER = "programme"


@dataclass(frozen=True)
class Item:
    """One entry of a programme page. `text` is empty where the page has titles only."""

    url: str
    title: str
    text: str
    published: Moment
    date_source: DateSource | None


@dataclass(frozen=True)
class ProgrammeRead:
    """A programme page: its items in order, each address once. `problem` says in words what was left out."""

    items: tuple[Item, ...]
    encoding: str
    problem: str | None


def read(source: Source, page: Page) -> Read:
    """The items are the posts; there are no pages behind them."""
    assert source.programme is not None
    programme = read_programme(page.body, page.url, source.programme, page.fetched_at, page.charset)
    posts = tuple(
        post_from(
            source,
            page,
            url=item.url,
            title=item.title,
            text=item.text,
            encoding=programme.encoding,
            published=item.published,
            date_source=item.date_source,
        )
        for item in programme.items
    )
    return Read(len(posts), posts=posts, problem=programme.problem)


def read_programme(
    body: bytes, url: str, rules: Programme, fetched_at: datetime, encoding: str | None = None
) -> ProgrammeRead:
    """Read a programme page.

    An item goes on air at its clock time on the day of the page. While that lies ahead, the day alone stands for it:
    the announcement is of that day, and nothing is dated into the future. Where neither page nor address says which
    day it is, the fetch day goes with a clock time; without one the time is unknown.

    Args:
        body: as it came.
        url: address of the page, base of its links.
        rules: the source's [programme] table.
        fetched_at: reference of relative times.
        encoding: charset of the source's override or of the HTTP header.

    Raises:
        Undecodable: the body is no text.
        Unreadable: a rule is not a CSS selector, items are there but none has a title, or the page says that it is
            none (soft 404).
    """
    decoded = decode(body, encoding)
    page = parse_html(decoded.text)
    stated = parse_time(first_text(page, rules.day, "programme.day") or "", fetched_at)
    day_source: DateSource = "rule" if stated.at is not None else "url"
    of_page = stated.at or date_in_url(url, fetched_at).at
    day = None if of_page is None else _shanghai(of_page)
    nodes = select(page, rules.item, "programme.item")
    if not nodes and page.body is not None:
        drop_personal(page)
        if is_soft_404(first_text(page, "title", "title") or "", block_text(page.body)):
            raise Unreadable("soft 404")
    titled = [(node, title) for node in nodes if (title := _title(node, rules))]
    if nodes and not titled:
        raise Unreadable(f"programme.title: none of {len(nodes)} items has one ({rules.title})")
    links = [_link(node, url, rules) for node, _ in titled]
    # A link that several items share (the live stream) is no item's own address.
    shared = Counter(map(canonical_url, filter(None, links)))
    items: dict[str, Item] = {}
    for (node, title), link in zip(titled, links, strict=True):
        own = link is not None and shared[canonical_url(link)] == 1 and canonical_url(link) != canonical_url(url)
        address = link if own and link is not None else _made(url, title, day or _shanghai(fetched_at))
        published, source = _on_air(node, rules, day, day_source, fetched_at)
        items.setdefault(canonical_url(address), Item(address, title, _text(node, rules), published, source))
    left_out = len(nodes) - len(titled)
    problem = f"programme.title: {left_out} of {len(nodes)} items have no title" if left_out else None
    return ProgrammeRead(tuple(items.values()), decoded.encoding, problem)


def _title(node: LexborNode, rules: Programme) -> str:
    return _PEOPLE.sub("", first_text(node, rules.title, "programme.title") or "").strip()


def _link(node: LexborNode, url: str, rules: Programme) -> str | None:
    found = select(node, rules.link, "programme.link") if rules.link else []
    return absolute(url, found[0].attributes.get("href")) if found else None


def _made(url: str, title: str, day: date) -> str:
    """The page's address with a name for the item: the same title on another day is another item."""
    parts = urlsplit(url)
    name = sha256(f"{day}|{title}".encode()).hexdigest()[:8]
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, f"{_PARAMETER}={name}")))))


def _on_air(
    node: LexborNode, rules: Programme, day: date | None, day_source: DateSource, fetched_at: datetime
) -> tuple[Moment, DateSource | None]:
    for text in time_texts(node, rules.time, "programme.time"):
        moment = parse_time(text, fetched_at)
        if moment.at is not None:
            return moment, "rule"
        if clock := _CLOCK.search(text):
            at = _at(day or _shanghai(fetched_at), int(clock[1]), int(clock[2]))
            if at.at is not None and at.at <= fetched_at:
                return at, "rule"
    return (_at(day), day_source) if day is not None else (UNKNOWN, None)


def _at(day: date, hour: int = 0, minute: int | None = None) -> Moment:
    precision: Precision = "day" if minute is None else "minute"
    midnight = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    return Moment((midnight + timedelta(hours=hour, minutes=minute or 0)).astimezone(UTC), precision)


def _shanghai(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def _text(node: LexborNode, rules: Programme) -> str:
    if rules.text is None:
        return ""
    drop_personal(node)
    texts = (block_text(found) for found in select(node, rules.text, "programme.text")[:1])
    lines = (_PEOPLE.sub("", line).strip() for line in "\n".join(texts).split("\n"))
    return "\n".join(filter(None, lines))
