"""Reading of rankings served as JSON. Pure: body, address, rules and fetch time in, values out."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urljoin

import jmespath
from jmespath.exceptions import JMESPathError

from caifeng.core.model.source import HotList
from caifeng.core.text.encoding import decode
from caifeng.core.text.scrub import scrub
from caifeng.core.text.times import parse_time
from caifeng.core.text.urls import is_web_url
from crawlers.pages.values import Unreadable, parse_count


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


def read_index(body: bytes, url: str, rules: HotList, encoding: str | None = None) -> tuple[str, ...]:
    """Addresses of the snapshots, in order, each once.

    Raises:
        Undecodable: the body is no text.
        Unreadable: no JSON, or `snapshots` does not lead to a list of addresses.
    """
    assert rules.snapshots is not None
    listed = _at(_parse(body, encoding), rules.snapshots, "hot_list.snapshots")
    if not isinstance(listed, list):
        raise Unreadable(f"hot_list.snapshots: {rules.snapshots} gives {_kind(listed)}, a list is expected")
    addresses = [urljoin(url, entry) for entry in listed if isinstance(entry, str)]
    web = tuple(dict.fromkeys(filter(is_web_url, addresses)))
    if listed and not web:
        raise Unreadable(f"hot_list.snapshots: {rules.snapshots} holds no web address")
    return web


def read_snapshot(body: bytes, rules: HotList, fetched_at: datetime, encoding: str | None = None) -> SnapshotRead:
    """One snapshot; its time is the fetch time where the source states none.

    Raises:
        Undecodable: the body is no text.
        Unreadable: no JSON; `time` or `items` do not lead to a time and a list; no item has a title.
    """
    page = _parse(body, encoding)
    observed_at = fetched_at
    if rules.time is not None:
        stated = _at(page, rules.time, "hot_list.time")
        moment = parse_time(str(stated), fetched_at) if isinstance(stated, (str, int)) else None
        if moment is None or moment.at is None:
            raise Unreadable(f"hot_list.time: {rules.time} gives {_kind(stated)}, a time is expected")
        observed_at = moment.at
    items = _at(page, rules.items, "hot_list.items")
    if not isinstance(items, list):
        raise Unreadable(f"hot_list.items: {rules.items} gives {_kind(items)}, a list is expected")
    topics = [topic for item in items if (topic := _read_topic(item, rules)) is not None]
    if items and not topics:
        raise Unreadable(f"hot_list.title: {rules.title} gives no text in any of {len(items)} items")
    left_out = len(items) - len(topics)
    problem = f"hot_list.title: {left_out} of {len(items)} items have no title" if left_out else None
    return SnapshotRead(observed_at, tuple(topics), problem)


def _read_topic(item: Any, rules: HotList) -> Topic | None:
    title = _at(item, rules.title, "hot_list.title")
    if not isinstance(title, str) or not title.strip():
        return None
    # Scrubbed before it becomes part of an address.
    title = scrub(" ".join(title.split()))
    return Topic(
        title=title,
        url=rules.link.replace("{title}", quote(title, safe="")),
        heat=_count(item, rules.heat, "hot_list.heat"),
        views=_count(item, rules.views, "hot_list.views"),
        reposts=_count(item, rules.reposts, "hot_list.reposts"),
        comments=_count(item, rules.comments, "hot_list.comments"),
    )


def _count(item: Any, path: str | None, rule: str) -> int | None:
    value = _at(item, path, rule) if path else None
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return round(value) if 0 <= value < 2**63 else None
    return parse_count(value) if isinstance(value, str) else None


def _parse(body: bytes, encoding: str | None) -> Any:
    text = decode(body, encoding).text
    try:
        return json.loads(text)
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
