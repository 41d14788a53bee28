"""No request into a private network on the word of a web page, and none to a host that asks us to stop."""

import asyncio
from time import monotonic
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached

from caifeng.core.net import is_private
from caifeng.core.text.urls import is_web_url
from crawlers.middlewares.fetch_log import NO_ANSWER
from crawlers.middlewares.hosts import hosts

#: Refusals or failed connections in a row after which the rest of the run leaves the host alone (our choice).
PATIENCE = 3
#: Longest wait for an address of a host, in seconds (our choice).
RESOLVE_SECONDS = 20.0

_REFUSALS = frozenset({403, 429, 503})


class Forbidden(IgnoreRequest):
    """The address may not be asked for; says why."""


class GuardMiddleware:
    """Refuse other schemes, private addresses, and hosts that have had enough.

    Links and redirects are hostile input: http://169.254.169.254/ in a forum post must not reach the machine's own
    network, in whatever form the address is written. Only loopback addresses that an operator wrote into the source
    file are trusted (sample town). The answer's own address is looked at again, because a name may resolve to
    another one the second time (DNS rebinding).

    A host that refuses (403, 429, 503) or does not answer three times running is not asked again in this run. After
    RUN_SECONDS nothing is asked any more, so that the run ends and every address left over gets its row.

    Proxies: an office may reach the web only through its own gateway, which http_proxy and https_proxy of the
    environment name; that is its network and no disguise. Nothing else ever sets a proxy, and loopback needs none.
    """

    def __init__(self, crawler: Crawler) -> None:
        source = crawler.spider.source  # type: ignore[union-attr]
        self._trusted = {urlsplit(url).hostname for url in source.start_urls} if source.is_loopback else set()
        self._private: dict[str, bool] = {}
        self._over = monotonic() + crawler.settings.getfloat("RUN_SECONDS")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to construct it."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Raise Forbidden where a request must not go out."""
        if not is_web_url(request.url):
            raise Forbidden("not an http or https address")
        parts = urlparse_cached(request)
        if reason := hosts()[parts.netloc].rest:
            raise Forbidden(f"not asked: {reason}")
        if monotonic() > self._over:
            raise Forbidden("not asked: the time of the run is up")
        host = parts.hostname or ""
        if host in self._trusted:
            request.meta["proxy"] = None
            return
        if host not in self._private:
            self._private[host] = any(map(is_private, await _addresses(host)))
        if self._private[host]:
            raise Forbidden("leads to a private address")

    def process_response(self, request: Request, response: Response) -> Response:
        """Count refusals in a row; raise Forbidden where the answer came from a private address."""
        parts = urlparse_cached(response)
        if (
            parts.hostname not in self._trusted
            # Behind the office's gateway the address is the gateway's.
            and request.meta.get("proxy") is None
            and response.ip_address is not None
            and is_private(str(response.ip_address))
        ):
            raise Forbidden("leads to a private address")
        if "kind" in request.meta:
            self._count(parts.netloc, "refused" if response.status in _REFUSALS else None)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Count connections that failed."""
        if "kind" in request.meta and isinstance(exception, NO_ANSWER):
            self._count(urlparse_cached(request).netloc, "did not answer")

    def _count(self, netloc: str, failure: str | None) -> None:
        host = hosts()[netloc]
        host.failures = host.failures + 1 if failure else 0
        if host.failures >= PATIENCE and host.rest is None:
            host.rest = f"the host {failure} {PATIENCE} requests running"


async def _addresses(host: str) -> list[str]:
    """Addresses of a host; none where it cannot be resolved, for then the download says so itself."""
    try:
        lookup = asyncio.get_running_loop().getaddrinfo(host, None)
        found = await asyncio.wait_for(lookup, RESOLVE_SECONDS)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return []
    return [str(entry[4][0]) for entry in found]
