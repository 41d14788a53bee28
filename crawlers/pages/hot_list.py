"""Reading of rankings served as JSON or HTML. Pure: body, address, rules and fetch time in, values out.

Both kinds give topics by the same rules; they differ in how a rule finds its value: JMESPath or CSS.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urljoin

import jmespath
from jmespath.exceptions import JMESPathError
from selectolax.lexbor import LexborHTMLParser, LexborNode

from caifeng.core.model.families import HotList
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import Decoded, decode
from caifeng.core.text.scrub import scrub
from caifeng.core.text.times import UNKNOWN, Moment, parse_time
from caifeng.core.text.urls import is_web_url
from crawlers.items import Link, Page, Read, post_from
from crawlers.pages.values import (
    Unreadable,
    absolute,
    first_text,
    layout_of,
    parse_count,
    parse_html,
    select,
    time_texts,
)


@dataclass(frozen=True)
class Topic:
    """One entry of a snapshot. Measures not shown are null, never 0."""

    title: str
    url: str
    heat: int | None
    views: int | None
    reposts: int | None
    comments: int | None


@dataclass(frozen=True)
class SnapshotRead:
    """A ranking at a time. `problem` says in words which items were left out."""

    observed_at: datetime
    topics: tuple[Topic, ...]
    problem: str | None
    encoding: str
    layout: str | None = None


def read(source: Source, page: Page) -> Read:
    """An index gives the snapshots, a snapshot one post per topic; a ranking has titles only."""
    rules = source.hot_list
    assert rules is not None
    if page.kind == "list":
        addresses = read_index(page.body, page.url, rules, page.charset)
        return Read(len(addresses), links=tuple(Link(address, "snapshot") for address in addresses))
    snapshot = read_snapshot(page.body, rules, page.fetched_at, page.charset, page.url)
    posts = tuple(
        post_from(
            source,
            page,
            url=topic.url,
            title=topic.title,
            text="",
            encoding=snapshot.encoding,
            # A topic has no time of its own: the snapshot's stands in.
            published=Moment(snapshot.observed_at, "hour"),
            date_source="snapshot",
            observed_at=snapshot.observed_at,
            views=topic.views,
            reposts=topic.reposts,
            comments=topic.comments,
            heat=topic.heat,
        )
        for topic in snapshot.topics
    )
    return Read(len(posts), posts=posts, problem=snapshot.problem, layout=snapshot.layout)


def read_index(body: bytes, url: str, rules: HotList, encoding: str | None = None) -> tuple[str, ...]:
    """Addresses of the snapshots, in order, each once.

    Raises:
        Undecodable: the body is no text.
        Unreadable: no JSON, or `snapshots` does not lead to a list of addresses (html: to web links).
    """
    assert rules.snapshots is not None
    decoded = decode(body, encoding)
    if rules.format == "html":
        links = select(parse_html(decoded.text), rules.snapshots, "hot_list.snapshots")
        found = [absolute(url, link.attributes.get("href")) for link in links]
        web = tuple(dict.fromkeys(filter(None, found)))
        if links and not web:
            raise Unreadable(f"hot_list.snapshots: none of {len(links)} is a web link ({rules.snapshots})")
        return web
    listed = _at(_parse(decoded), rules.snapshots, "hot_list.snapshots")
    if not isinstance(listed, list):
        raise Unreadable(f"hot_list.snapshots: {rules.snapshots} gives {_kind(listed)}, a list is expected")
    addresses = [urljoin(url, entry) for entry in listed if isinstance(entry, str)]
    web = tuple(dict.fromkeys(filter(is_web_url, addresses)))
    if listed and not web:
        raise Unreadable(f"hot_list.snapshots: {rules.snapshots} holds no web address")
    return web


def read_snapshot(
    body: bytes, rules: HotList, fetched_at: datetime, encoding: str | None = None, url: str = ""
) -> SnapshotRead:
    """One snapshot; its time is the fetch time where the source states none.

    Args:
        body: as it came.
        rules: the source's [hot_list] table.
        fetched_at: reference of relative times.
        encoding: charset of the source's override or of the HTTP header.
        url: address of the page, base of the links of an HTML ranking.

    Raises:
        Undecodable: the body is no text.
        Unreadable: no JSON; a rule is no path or no CSS selector; `time` or `items` do not lead to a time and a list;
            no item has a title and an address.
    """
    decoded = decode(body, encoding)
    if rules.format == "html":
        tree = parse_html(decoded.text)
        observed_at = _page_time(tree, rules, fetched_at)
        items: list[Any] = select(tree, rules.items, "hot_list.items")
        topics = [_node_topic(item, rules, url) for item in items]
        layout = layout_of(tree, rules.items)
    else:
        page = _parse(decoded)
        observed_at = _stated_time(page, rules, fetched_at)
        items = _at(page, rules.items, "hot_list.items")
        if not isinstance(items, list):
            raise Unreadable(f"hot_list.items: {rules.items} gives {_kind(items)}, a list is expected")
        topics = [_value_topic(item, rules) for item in items]
        layout = None
    read_ones = tuple(topic for topic in topics if topic is not None)
    what = "text" if rules.format == "json" else "text with a web link"
    if items and not read_ones:
        raise Unreadable(f"hot_list.title: {rules.title} gives no {what} in any of {len(items)} items")
    left_out = len(items) - len(read_ones)
    missing = "title" if rules.format == "json" else "title or link"
    problem = f"hot_list.title: {left_out} of {len(items)} items have no {missing}" if left_out else None
    return SnapshotRead(observed_at, read_ones, problem, decoded.encoding, layout)


def _page_time(tree: LexborHTMLParser, rules: HotList, fetched_at: datetime) -> datetime:
    if rules.time is None:
        return fetched_at
    moments = (parse_time(text, fetched_at) for text in time_texts(tree, rules.time, "hot_list.time"))
    stated = next((moment.at for moment in moments if moment.at is not None), None)
    if stated is None:
        raise Unreadable(f"hot_list.time: {rules.time} finds no time")
    return stated


def _node_topic(item: LexborNode, rules: HotList, base: str) -> Topic | None:
    shown = first_text(item, rules.title, "hot_list.title") or ""
    title = scrub(shown)
    url: str | None
    if "{title}" in rules.link or is_web_url(rules.link):
        url = _topic_address(rules, title)
    elif title != shown:
        # The link of a search repeats the title, personal data and all.
        url = urljoin(base, f"?topic={quote(title, safe='')}")
    else:
        links = select(item, rules.link, "hot_list.link")
        url = absolute(base, links[0].attributes.get("href")) if links else None
    if not title or url is None:
        return None

    def count(selector: str | None, rule: str) -> int | None:
        return parse_count(first_text(item, selector, rule))

    return Topic(
        title=title,
        url=url,
        heat=count(rules.heat, "hot_list.heat"),
        views=count(rules.views, "hot_list.views"),
        reposts=count(rules.reposts, "hot_list.reposts"),
        comments=count(rules.comments, "hot_list.comments"),
    )


def _stated_time(page: Any, rules: HotList, fetched_at: datetime) -> datetime:
    if rules.time is None:
        return fetched_at
    stated = _at(page, rules.time, "hot_list.time")
    moment = parse_time(str(stated), fetched_at) if isinstance(stated, (str, int)) else UNKNOWN
    if moment.at is None:
        raise Unreadable(f"hot_list.time: {rules.time} gives {_kind(stated)}, a time is expected")
    return moment.at


def _value_topic(item: Any, rules: HotList) -> Topic | None:
    title = _at(item, rules.title, "hot_list.title")
    if not isinstance(title, str) or not title.strip():
        return None
    title = scrub(" ".join(title.split()))
    return Topic(
        title=title,
        url=_topic_address(rules, title),
        heat=_count(item, rules.heat, "hot_list.heat"),
        views=_count(item, rules.views, "hot_list.views"),
        reposts=_count(item, rules.reposts, "hot_list.reposts"),
        comments=_count(item, rules.comments, "hot_list.comments"),
    )


def _topic_address(rules: HotList, title: str) -> str:
    """Of a title that was scrubbed before it became part of an address."""
    return rules.link.replace("{title}", quote(title, safe=""))


def _count(item: Any, path: str | None, rule: str) -> int | None:
    value = _at(item, path, rule) if path else None
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return round(value) if 0 <= value < 2**63 else None
    return parse_count(value) if isinstance(value, str) else None


def _parse(decoded: Decoded) -> Any:
    try:
        return json.loads(decoded.text)
    except (ValueError, RecursionError) as error:  # ValueError also stands for numbers of thousands of digits
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable(f"not JSON{where}") from error


def _at(page: Any, path: str, rule: str) -> Any:
    try:
        return jmespath.search(path, page)
    except JMESPathError as error:
        raise Unreadable(f"{rule}: not a path: {path}") from error


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "nothing"}
    return names.get(type(value), "a number")
