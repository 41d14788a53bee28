"""Broken pages of every kind through every reader: each reads, or says Unreadable or Undecodable, in bounded time."""

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caifeng.core.model.source import Source
from caifeng.core.text.encoding import Undecodable, decode
from crawlers.extract import extract_page
from crawlers.items import Kind, Page, Read
from crawlers.pages.values import Unreadable
from crawlers.reading import READERS

HERE = Path(__file__).resolve().parent
BODIES = sorted(HERE.glob("*/*/body.*"))
AT = datetime(2026, 11, 20, 8, 40, tzinfo=UTC)
URL = "http://127.0.0.1/XxgkContent/show/102.html"
#: A hang, not a slow page: even the largest takes a fraction of this on a busy machine.
PATIENCE = 30
#: As much of a page as is ever downloaded (DOWNLOAD_MAXSIZE).
LARGEST = 5 * 1024 * 1024

_LIST = {"urls": [URL], "item": "li,tr,tbody,.item", "link": "a", "time": "time,span,em,td", "next": "a.next,a.nxt"}
_DETAIL = {
    "title": "h1,h2,.title,title",
    "body": ".body,.content,article,body",
    "time": "time,.info,.date,span",
    "views": ".info,.views,span",
    "comments": ".replies,em",
    "index_no": "td,.index",
}
_THREAD = {
    "title": "h1,#thread_subject,title",
    "body": ".body,[id^=postmessage_],td",
    "time": "em,time",
    "reply": "div,li",
    "reply_body": "p,td",
    "reply_time": "em,span",
    "reply_id": "[id]",
    "next": "a.nxt",
}
_LETTER = {
    "title": "h1,h2,td,title",
    "body": ".body,.content,td,p",
    "time": "time,td,span",
    "answer": ".answer,td,p",
    "answered": "td,span",
    "status": "td,span",
    "views": "td,span",
}
_HOT = {"urls": [URL], "time": "t", "items": "list", "title": "w", "link": "http://h.example/?q={title}", "heat": "n"}
_HOT_HTML = {
    "urls": [URL],
    "format": "html",
    "items": "li,tr",
    "title": "a,td",
    "link": "http://h.example/?q={title}",
    "heat": "span,em",
}
_RULES: tuple[tuple[str, dict[str, Any], tuple[Kind, ...]], ...] = (
    ("list_detail", {"list": _LIST, "detail": _DETAIL}, ("list", "detail")),
    ("list_detail", {"list": _LIST}, ("detail",)),
    ("openness", {"list": {"urls": [URL]}}, ("list", "detail")),
    ("forum", {"list": _LIST, "thread": _THREAD}, ("list", "detail")),
    ("message_board", {"list": _LIST, "letter": _LETTER}, ("list", "detail")),
    ("epaper", {"epaper": {"urls": [URL], "edition": "a", "item": "a,area"}, "detail": _DETAIL}, ("list", "detail")),
    (
        "programme",
        {"programme": {"urls": [URL], "item": "li,tr", "title": "a", "time": "span", "text": "p"}},
        ("list",),
    ),
    ("hot_list", {"hot_list": {**_HOT, "snapshots": "files"}}, ("list", "snapshot")),
    ("hot_list", {"hot_list": _HOT_HTML}, ("snapshot",)),
    ("feed", {"feed": {"urls": [URL]}}, ("list",)),
    ("sitemap", {"sitemap": {"urls": [URL]}}, ("list",)),
)
SOURCES = [
    (
        Source.model_validate(
            {"id": "x", "name": "测试", "family": family, "class": "portal", "reach": "county"} | tables
        ),
        kinds,
    )
    for family, tables, kinds in _RULES
]

_SOUP = (
    "<div>",
    "</p>",
    "<table><tr>",
    "<li>",
    "</body>",
    "<!--",
    "]]>",
    "<script>",
    "<svg><title>",
    "<a href=",
    "&#x0;",
    "<b",
)
_WORDS = (
    "发布时间：",
    "2026年13月45日",
    "昨天 99:99",
    "99999999999999999",
    "１２３４",
    "&#1114112;",
    "\ud83d",
    "作者：",
    "浏览次数：万",
)


def _spot(rng: random.Random, body: bytes) -> int:
    return rng.randrange(len(body) + 1)


def _insert(rng: random.Random, body: bytes, piece: bytes) -> bytes:
    at = _spot(rng, body)
    return body[:at] + piece + body[at:]


def _flip(rng: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(rng.randint(1, 1 + len(body) // 50)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _double(rng: random.Random, body: bytes) -> bytes:
    one, two = sorted((_spot(rng, body), _spot(rng, body)))
    return body[:two] + body[one:two] * rng.randint(1, 30) + body[two:]


def _recode(rng: random.Random, body: bytes) -> bytes:
    """Half of it in another encoding."""
    at = _spot(rng, body)
    other = rng.choice(["gb18030", "big5", "utf-16-le", "latin-1", "shift_jis"])
    return body[:at] + body[at:].decode("utf8", "replace").encode(other, "replace")


MUTATIONS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "cut": lambda rng, body: body[: _spot(rng, body)],
    "cut_head": lambda rng, body: body[_spot(rng, body) :],
    "flip": _flip,
    "double": _double,
    "recode": _recode,
    "soup": lambda rng, body: _insert(rng, body, "".join(rng.choices(_SOUP, k=rng.randint(1, 40))).encode()),
    "words": lambda rng, body: _insert(rng, body, rng.choice(_WORDS).encode("utf8", "surrogatepass")),
    "deep": lambda rng, body: _insert(rng, body, rng.choice(_SOUP).encode() * rng.randint(10, 3_000)),
    "attribute": lambda rng, body: body.replace(
        b"<", b'<x class="' + rng.choice([b"a ", b"'", b"\xd6\xd0"]) * rng.randint(1, 20_000) + b'"', 1
    ),
    "nulls": lambda rng, body: _insert(rng, body, b"\0" * rng.randint(1, 200)),
    "noise": lambda rng, body: _insert(rng, body, rng.randbytes(rng.randint(1, 300))),
    "digits": lambda rng, body: _insert(rng, body, rng.choice([b"1", b"2026-", b"1,", b"-"]) * rng.randint(1, 5_000)),
    "json": lambda rng, body: _insert(
        rng, body, rng.choice([b"[", b'{"list":', b"1e999", b"NaN"]) * rng.randint(1, 2_000)
    ),
}


def mutated(body: bytes, seed: int, names: list[str]) -> bytes:
    """The same for the same arguments."""
    rng = random.Random(seed)
    for name in names:
        body = MUTATIONS[name](rng, body)[:LARGEST]
    return body


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError where the block hangs."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"not done in {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def read_in_every_way(body: bytes) -> int:
    """How many readers could read it.

    Raises:
        Exception: whatever a reader raises that is not Unreadable or Undecodable.
    """
    could = 0
    for source, kinds in SOURCES:
        for kind in kinds:
            try:
                read = READERS[source.family](source, Page(URL, body, kind, AT))
            except (Unreadable, Undecodable):
                continue
            assert isinstance(read, Read)
            for post in read.posts:
                assert post.url.startswith("http")
                # Nothing from the future without a mark; nothing that cannot be written.
                post.text.encode("utf8")
                post.title.encode("utf8")
                assert post.published_at is None or post.published_at.tzinfo is not None
            could += 1
    try:
        extract_page(decode(body).text, URL, AT)
    except (Unreadable, Undecodable):
        return could
    return could + 1


cases = given(
    path=st.sampled_from(BODIES),
    seed=st.integers(0, 2**32),
    names=st.lists(st.sampled_from(sorted(MUTATIONS)), min_size=1, max_size=4),
)
unhurried = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def sweep(examples: int) -> tuple[int, int]:
    """Fuzz; returns how many pages there were, and how many of them some reader could read."""
    pages = readable = 0

    @settings(unhurried, max_examples=examples)
    @cases
    def one(path: Path, seed: int, names: list[str]) -> None:
        nonlocal pages, readable
        with within(PATIENCE):
            readable += read_in_every_way(mutated(path.read_bytes(), seed, names)) > 0
        pages += 1

    one()
    return pages, readable


def test_all_families_and_kinds_are_fuzzed() -> None:
    assert {source.family for source, _ in SOURCES} == set(READERS)
    assert {kind for _, kinds in SOURCES for kind in kinds} == {"list", "detail", "snapshot"}
    assert len(BODIES) >= 35


def test_100_broken_pages() -> None:
    pages, readable = sweep(100)
    assert pages >= 100
    assert 0 < readable < pages


@pytest.mark.slow
def test_10_000_broken_pages() -> None:
    pages, readable = sweep(10_000)
    assert pages >= 10_000
    assert readable > 1_000


#: A piece to be repeated; each asks for something that could be quadratic.
HOSTILE: dict[str, bytes] = {
    "open elements": b"<div>",
    "closed elements": b"<div></div>",
    "nested elements": b"<b><i>",
    "paragraphs": "<p>县统计局发布数据。</p>".encode(),
    "links": b"<li><a href=/a>x</a></li>",
    "tables": b"<table><tr><td>",
    "cells": b"<td>1</td>",
    "comments": b"<!--",
    "attributes": b"a=1 ",
    "quotes": b"\"'",
    "blanks": b" ",
    "lines": b"\n",
    "digits": b"1",
    "thousands": b"1,111",
    "dates": b"2026-11-20 ",
    "half dates": b"2026-",
    "times": "发布时间：".encode(),
    "by-lines": "作者：甲\n".encode(),
    "counts": "浏览次数：".encode(),
    "sentences": "，。".encode(),
    "brackets": b"[",
    "braces": b'{"list":',
    "entities": b"&amp;",
    "half entities": b"&#",
    "script times": b'"datePublished":"',
    "charsets": b"<meta charset=",
    "bytes": b"\xd6",
    "nulls": b"\0",
}


#: Large enough for quadratic work to show as a hang, small enough for all readers to get through.
HOSTILE_BYTES = 1024 * 1024


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_large_page_of_the_worst_kind_ends(name: str) -> None:
    head = b"<html><body><h1>x</h1><div class=body><li>"
    body = (head + HOSTILE[name] * (HOSTILE_BYTES // len(HOSTILE[name])))[:HOSTILE_BYTES]
    with within(len(SOURCES) * PATIENCE):
        assert read_in_every_way(body) >= 0
