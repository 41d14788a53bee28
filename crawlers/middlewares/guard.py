"""No request into a private network on the word of a web page, and none to a host that asks us to stop."""

import asyncio
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from caifeng.core.text.urls import is_web_url

#: Refusals in a row after which the rest of the run leaves the host alone.
PATIENCE = 3


class Forbidden(IgnoreRequest):
    """The address may not be asked for; says why."""


class GuardMiddleware:
    """Refuse other schemes, and hosts other than the source's own that resolve to a private address.

    Links and redirects are hostile input: http://169.254.169.254/ in a forum post must not reach the machine's
    own network. The hosts an operator wrote into the source file are trusted, also on loopback (sample town).
    A host that answers 403, 429 or 503 three times running is not asked again in this run.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._refusals: dict[str, int] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to construct it."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Raise Forbidden where a request must not go out."""
        if not is_web_url(request.url):
            raise Forbidden("not an http or https address")
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        if self._refusals.get(parts.netloc, 0) >= PATIENCE:
            raise Forbidden(f"not asked: the host refused {PATIENCE} requests running")
        spider = self._crawler.spider
        trusted = {urlsplit(url).hostname for url in spider.source.start_urls}  # type: ignore[union-attr]
        if host not in trusted and any(map(_is_private, await _addresses(host))):
            raise Forbidden("leads to a private address")

    def process_response(self, request: Request, response: Response) -> Response:
        """Count refusals in a row."""
        host = urlsplit(response.url).netloc
        refused = response.status in {403, 429, 503} and "kind" in request.meta
        self._refusals[host] = self._refusals.get(host, 0) + 1 if refused else 0
        return response


async def _addresses(host: str) -> list[str]:
    """Addresses of a host; none where it cannot be resolved, for then the download says so itself."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
    except OSError:
        return []
    return [str(entry[4][0]) for entry in found]


def _is_private(address: str) -> bool:
    return not ip_address(address.partition("%")[0]).is_global
