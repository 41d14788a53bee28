"""How fast a host is asked: the source's delay, robots.txt's Crawl-delay, and Retry-After (RFC 9110, 10.2.3)."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from crawlers.middlewares.hosts import hosts

#: Longest Retry-After that is waited for within a run, in seconds (our choice).
MAX_WAIT_SECONDS = 120.0
#: A site may send us away for a week at most: a slip of the pen must not silence a source for good (our choice).
MAX_REST_SECONDS = 7 * 24 * 3600.0
_FIRST = 1_000


class PaceMiddleware:
    """Nearest to the wire, so that robots.txt, redirects and second tries keep the pace as well.

    Scrapy's own delay and AutoThrottle hold per source; here all sources of the run share one clock per host. An
    answer 429 or 503 with a Retry-After of up to two minutes is waited for once; after a longer one the host rests,
    and the row's detail says until when: `retry after 2026-11-20T10:00:00+00:00`.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._delay = crawler.settings.getfloat("DOWNLOAD_DELAY")
        self._fetched_at: datetime = crawler.spider.fetched_at  # type: ignore[union-attr]
        self._started = monotonic()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to construct it."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait for the host's next moment."""
        host = hosts()[urlparse_cached(request).netloc]
        gap = max(self._delay, host.crawl_delay)
        now = monotonic()
        at = max(now, host.free_at)
        if gap:
            host.free_at = at + gap
        if at > now:
            await asyncio.sleep(at - now)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Do as Retry-After says: the request once more after a short while, or the host at rest."""
        if response.status not in {429, 503}:
            return response
        seconds = retry_after(response, self._now())
        if seconds is None:
            return response
        host = hosts()[urlparse_cached(request).netloc]
        if seconds <= MAX_WAIT_SECONDS and not request.meta.get("waited"):
            host.free_at = max(host.free_at, monotonic() + seconds)
            # Before all others: whether the host has had its rest is known after one request.
            return request.replace(meta={**request.meta, "waited": True}, dont_filter=True, priority=_FIRST)
        until = (self._now() + timedelta(seconds=math.ceil(seconds))).replace(microsecond=0)
        host.rest = request.meta["rest"] = f"retry after {until.isoformat()}"
        return response

    def _now(self) -> datetime:
        # The run's instant goes on with the machine's monotonic clock.
        return self._fetched_at.astimezone(UTC) + timedelta(seconds=monotonic() - self._started)


def retry_after(response: Response, now: datetime) -> float | None:
    """Seconds that a response asks us to wait, 0 to a week; null where it does not say so legibly.

    Args:
        response: its Retry-After is a number of seconds or an HTTP date, which is taken relative to its Date, where
            there is one: the site's clock need not be right.
        now: aware; stands in for a missing Date.
    """
    stated = _header(response, "Retry-After")
    if stated.isascii() and stated.isdigit():
        return min(float(stated[:20]), MAX_REST_SECONDS)
    until = _http_date(stated)
    if until is None:
        return None
    seconds = (until - (_http_date(_header(response, "Date")) or now)).total_seconds()
    return min(max(seconds, 0.0), MAX_REST_SECONDS)


def _header(response: Response, name: str) -> str:
    return (response.headers.get(name) or b"").decode("latin-1").strip()


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
