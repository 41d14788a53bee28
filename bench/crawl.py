"""Crawl throughput: our crawler beside a bare Scrapy spider that runs the same page parser, on a site in memory.

`python -m bench.crawl serve|ours|bare …` are the processes that `run` starts: Twisted's reactor starts once a process,
and the memory of each is its own.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import scrapy
from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response
from scrapy.settings import Settings

from caifeng.core.model.source import Source
from crawlers import run as crawlers_run
from crawlers import settings as house
from crawlers.items import Kind, Page, RawPost
from crawlers.plan import Plan
from crawlers.reading import READERS

ROOT = Path(__file__).resolve().parents[1]
AT = datetime(2026, 11, 20, 8, 40, tzinfo=UTC)
LINKS = 100
#: The house asks a host one thing at a time; here both ask eight, and nobody waits.
CONCURRENCY = 8
LIFTED = {
    "CONCURRENT_REQUESTS": CONCURRENCY,
    "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
    "AUTOTHROTTLE_ENABLED": False,
    "DOWNLOAD_DELAY": 0,
    "MAX_REQUESTS": 10**9,
    "RUN_SECONDS": 3_600,
}
PARAGRAPHS = (
    "县统计局公布前三季度住户收支调查结果，全县居民人均可支配收入同比增长，工资性收入仍是增收的主要来源。",
    "普查员入户时会佩戴证件，登记的内容只用于统计，居民有疑问可以向所在社区或者县统计局询问。",
    "有网友在论坛留言，询问物价指数与自己的感受为何不同，工作人员解释了调查的商品和权重。",
    "下一步将继续做好数据核查，按月公开主要指标，及时回应群众关心的问题。",
)


def run(pages: int = 10_000, rounds: int = 3) -> dict[str, Any]:
    """Crawl `pages` pages with both, by turns, `rounds` times.

    Returns:
        `ratio` of wall times and `ratio_cpu` of processor times (ours / bare, medians of the rounds; the second one
        also holds on a busy machine), seconds of each, pages a second, and our peak memory in MB after a quarter of
        the posts and at the end.
    """
    lists = max(1, pages // (LINKS + 1))
    said: dict[str, list[dict[str, Any]]] = {"ours": [], "bare": []}
    with _server() as port:
        for turn in range(rounds):
            # By turns, so that both meet the same machine.
            for who in ("ours", "bare") if turn % 2 else ("bare", "ours"):
                said[who].append(_crawl(who, port, lists))
    assert {one["posts"] for turns in said.values() for one in turns} == {lists * LINKS}
    pairs = [*zip(said["ours"], said["bare"], strict=True)]
    asked = lists * (LINKS + 1)
    wall = median(ours["seconds"] for ours, _ in pairs)
    return {
        "pages": asked,
        "ratio": round(median(ours["seconds"] / bare["seconds"] for ours, bare in pairs), 3),
        "ratio_cpu": round(median(ours["cpu"] / bare["cpu"] for ours, bare in pairs), 3),
        "ratios": [round(ours["seconds"] / bare["seconds"], 3) for ours, bare in pairs],
        "ours_seconds": round(wall, 2),
        "bare_seconds": round(median(bare["seconds"] for _, bare in pairs), 2),
        "pages_per_second": round(asked / wall),
        "quarter_mb": said["ours"][-1]["quarter_mb"],
        "peak_mb": said["ours"][-1]["peak_mb"],
    }


def detail_page(number: int) -> bytes:
    """A page of about 30 KB, most of it the site's frame, as such pages are."""
    title = f"第{number}期统计信息"
    columns = "".join(f'<li><a href="/nav/{n}.html" title="栏目{n}">政务公开栏目第{n}项</a></li>' for n in range(250))
    text = "".join(f"<p>{PARAGRAPHS[(number + n) % len(PARAGRAPHS)]}</p>" for n in range(12))
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title></head><body><ul>{columns}</ul>'
        f'<h1 class="title">{title}</h1><div class="info">发布时间：<time>2026-11-20 09:30</time>浏览：{number}</div>'
        f'<div class="content">{text}</div><script>var x = "{"a" * 6_000}";</script></body></html>'
    ).encode()


def list_page(number: int) -> bytes:
    """A list of LINKS details."""
    items = "".join(
        f'<li><a href="/a/{number * LINKS + n}.html">第{number * LINKS + n}期</a><span>2026-11-20</span></li>'
        for n in range(LINKS)
    )
    return f'<html><head><meta charset="utf-8"></head><body><ul class="list">{items}</ul></body></html>'.encode()


async def serve() -> None:
    """Answer from memory, with keep-alive, until killed; print the port."""
    details = [detail_page(number) for number in range(LINKS)]
    head = b"HTTP/1.1 %d X\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1]
                number = int(path.rpartition(b"/")[2].partition(b".")[0] or 0) if path.endswith(b".html") else 0
                if path.startswith(b"/a/"):
                    status, body = 200, details[number % LINKS]
                elif path.startswith(b"/list/"):
                    status, body = 200, list_page(number)
                else:
                    status, body = 404, b""
                writer.write(head % (status, len(body)) + body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - for the process that waits
    await server.serve_forever()


def source_of(port: int, lists: int) -> dict[str, Any]:
    """The site as a source file."""
    urls = [f"http://127.0.0.1:{port}/list/{number}.html" for number in range(lists)]
    return {
        "id": "bench",
        "name": "测试",
        "family": "list_detail",
        "class": "portal",
        "reach": "county",
        "min_delay_seconds": 0,
        "list": {"urls": urls, "item": "ul.list li", "time": "span"},
        "detail": {"title": "h1.title", "body": "div.content", "time": "time", "views": "div.info"},
    }


class Memory:
    """Scrapy extension: prints our peak memory after a quarter of the posts and at the end."""

    def __init__(self, crawler: Any) -> None:
        self._left = crawler.settings.getint("POSTS") // 4
        crawler.signals.connect(self._scraped, signals.item_scraped)
        self.quarter_mb: float | None = None

    @classmethod
    def from_crawler(cls, crawler: Any) -> Memory:
        """Scrapy's way to construct it."""
        return cls(crawler)

    def _scraped(self, item: Any) -> None:
        if isinstance(item, RawPost):
            self._left -= 1
            if self._left == 0:
                print(json.dumps({"quarter_mb": _peak_mb()}), flush=True)  # noqa: T201 - for the process that waits


def ours(port: int, lists: int, spool: Path) -> None:
    """Our crawl with all that it does: guard, robots.txt, pace, fetch log, scrubbing, spool, encrypted bodies."""
    # House settings are constants of a module, from where crawl() takes them.
    vars(house).update(LIFTED, POSTS=lists * LINKS, EXTENSIONS={"bench.crawl.Memory": 0})
    source = Source.model_validate(source_of(port, lists))
    plan = Plan(run_seconds=3_600)
    crawlers_run.crawl([source], date(2026, 11, 20), AT, plan, spool, "mailto:bench@example.org", bodies=spool)


class BareSpider(scrapy.Spider):
    """As short as a spider can be: the same reader, the same items, written to nowhere but one file."""

    name = "bare"

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """The lists."""
        for url in self.source.start_urls:
            yield scrapy.Request(url, cb_kwargs={"kind": "list"})

    def parse(self, response: Response, kind: Kind) -> Iterator[Any]:
        """Links of a list, posts of a detail."""
        read = READERS["list_detail"](self.source, Page(response.url, response.body, kind, AT, "utf-8"))
        yield from read.posts
        for link in read.links:
            yield scrapy.Request(link.url, cb_kwargs={"kind": "detail"})


def bare(port: int, lists: int, spool: Path) -> None:
    """Scrapy with its default middlewares and its own feed export."""
    settings = {
        "CONCURRENT_REQUESTS": CONCURRENCY,
        "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
        "DOWNLOAD_DELAY": 0,
        "LOG_LEVEL": "WARNING",
        "TELNETCONSOLE_ENABLED": False,
        "FEEDS": {str(spool / "bench.posts.jsonl"): {"format": "jsonlines", "encoding": "utf8"}},
    }
    process = AsyncCrawlerProcess(Settings(settings))
    process.crawl(BareSpider, source=Source.model_validate(source_of(port, lists)))
    process.start()


def _peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _crawl(who: str, port: int, lists: int) -> dict[str, Any]:
    """Run one of the two in a process of its own; its figures."""
    with tempfile.TemporaryDirectory() as spool:
        command = [sys.executable, "-m", "bench.crawl", who, str(port), str(lists), spool]
        began, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - our own module
        seconds, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        with (Path(spool) / "bench.posts.jsonl").open("rb") as file:
            posts = sum(1 for _ in file)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said: dict[str, Any] = {"seconds": seconds, "cpu": cpu, "posts": posts}
    for line in done.stdout.splitlines():
        said |= json.loads(line)
    return said


@contextmanager
def _server() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-m", "bench.crawl", "serve"], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


def main(arguments: list[str]) -> None:
    """One of the processes that `run` starts."""
    match arguments:
        case ["serve"]:
            asyncio.run(serve())
        case ["ours" | "bare" as who, port, lists, spool]:
            {"ours": ours, "bare": bare}[who](int(port), int(lists), Path(spool))
            print(json.dumps({"peak_mb": _peak_mb()}))  # noqa: T201 - for the process that waits
        case _:
            print(json.dumps(run(*map(int, arguments))))  # noqa: T201 - the benchmark's output


if __name__ == "__main__":
    main(sys.argv[1:])
