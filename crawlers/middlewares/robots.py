"""robots.txt as RFC 9309 has it."""

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.robotstxt import RobotParser
from scrapy.utils.httpobj import urlparse_cached

from crawlers.middlewares.fetch_log import words_of


class RobotsUnreachable(IgnoreRequest):
    """robots.txt could not be had, hence nothing of the host may be fetched (RFC 9309, 2.3.1.4)."""


class RobotsMiddleware(RobotsTxtMiddleware):
    """Scrapy's middleware, and: a robots.txt that is out of order forbids the host, a missing one does not."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._out_of_order: dict[str, str | None] = {}

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Judge a request by its host's rules; raises IgnoreRequest where they forbid it."""
        if reason := self._out_of_order.get(urlparse_cached(request).netloc):
            raise RobotsUnreachable(f"robots.txt: {reason}")
        super().process_request_2(rp, request)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500:
            raise RobotsUnreachable(f"HTTP {response.status}")
        if response.status >= 400:
            response = response.replace(body=b"")
        await super()._parse_robots(response, netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        self._out_of_order[netloc] = words_of(exc)
        super()._robots_error(exc, netloc)
