"""robots.txt as RFC 9309 has it, with a record of every decision."""

import asyncio
import math
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser, RobotParser
from scrapy.utils.httpobj import urlparse_cached

from caifeng.core.text.urls import canonical_url
from crawlers.items import Fetch, Outcome
from crawlers.middlewares.fetch_log import RobotsDenied, outcome_of, words_of
from crawlers.middlewares.hosts import hosts

#: A host that asks for longer pauses cannot be read in one run; none of it is (our choice).
MAX_CRAWL_DELAY = 60.0
#: As much of a robots.txt as must be read (RFC 9309, 2.5).
MAX_BYTES = 500 * 1024


class RobotsUnreachable(IgnoreRequest):
    """robots.txt could not be had, hence nothing of the host may be fetched (RFC 9309, 2.3.1.4)."""


@dataclass(frozen=True)
class Rules:
    """A host's rules: a parser; neither, if there is no robots.txt; or why none of its pages may be fetched."""

    parser: RobotParser | None = None
    unreachable: str | None = None
    denied: str | None = None


class RobotsMiddleware:
    """Ask each host for its robots.txt once per source and run, and obey it. There is no switch.

    The decision stands in request.meta["robots"], for the Fetch row; robots.txt itself has a row of kind robots,
    whose `layout` is the hash of its text. Its Crawl-delay is honoured up to MAX_CRAWL_DELAY.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._agent: str = crawler.settings["ROBOTSTXT_USER_AGENT"]
        self._asked: dict[str, asyncio.Future[Rules]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to construct it."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Judge a request by its host's rules; raise IgnoreRequest where they forbid it."""
        if "kind" not in request.meta:  # robots.txt itself
            return
        parts = urlparse_cached(request)
        if parts.netloc not in self._asked:
            self._asked[parts.netloc] = asyncio.ensure_future(self._ask(parts.scheme, parts.netloc))
        rules = await self._asked[parts.netloc]
        if rules.unreachable is not None:
            request.meta["robots"] = "unreachable"
            raise RobotsUnreachable(f"robots.txt: {rules.unreachable}")
        denied = rules.denied
        if rules.parser is not None and not rules.parser.allowed(request.url, self._agent):
            denied = "Forbidden by robots.txt"
        request.meta["robots"] = "denied" if denied else "allowed" if rules.parser else "none"
        if denied:
            raise RobotsDenied(denied)

    async def _ask(self, scheme: str, netloc: str) -> Rules:
        url = f"{scheme}://{netloc}/robots.txt"
        try:
            response = await self._crawler.engine.download_async(Request(url, callback=NO_CALLBACK))
        except Exception as error:  # whatever it was: there are no rules, and the row says why
            rules, outcome = Rules(unreachable=words_of(error)), outcome_of(error)
            await self._record(url, outcome, rules.unreachable)
            return rules
        status, text = response.status, None
        if 200 <= status < 300:
            text = response.body[:MAX_BYTES]
            rules, outcome = self._read(text, netloc), "ok"
            detail = rules.denied
        elif 400 <= status < 500 and status != 429:  # 429 is "not now", and no "there is none"
            rules, outcome, detail = Rules(), "empty", f"no robots.txt: HTTP {status}"
        else:
            assert response.request is not None
            detail = response.request.meta.get("rest") or f"HTTP {status}"
            rules, outcome = Rules(unreachable=detail), "http_error"
        await self._record(url, outcome, detail, response, text)
        return rules

    def _read(self, text: bytes, netloc: str) -> Rules:
        parser = ProtegoRobotParser.from_crawler(self._crawler, text)
        delay = parser.crawl_delay(self._agent) or 0.0
        if math.isnan(delay) or delay > MAX_CRAWL_DELAY:
            return Rules(denied=f"robots.txt: Crawl-delay {delay:g} s, more than {MAX_CRAWL_DELAY:g} s")
        hosts()[netloc].crawl_delay = max(0.0, delay)
        return Rules(parser)

    async def _record(
        self,
        url: str,
        outcome: Outcome,
        detail: str | None,
        response: Response | None = None,
        text: bytes | None = None,
    ) -> None:
        spider: Any = self._crawler.spider
        row = Fetch(
            source_id=spider.source.id,
            url=canonical_url(url),
            fetched_at=spider.fetched_at,
            kind="robots",
            outcome=outcome,
            http_status=None if response is None else response.status,
            bytes=None if response is None else len(response.body),
            etag=None,
            last_modified=None,
            found=0,
            detail=detail,
            layout=None if text is None else sha256(text).hexdigest()[:8],
        )
        await self._crawler.engine.scraper.start_itemproc_async(row, response=None)
