"""Conditional requests: a page that has not changed is not sent again (RFC 9110, 13.1)."""

from collections.abc import Mapping
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler

from caifeng.core.text.urls import canonical_url


class ConditionalMiddleware:
    """Set If-None-Match and If-Modified-Since from the state of the last run (spider.state, by canonical address).

    The answer 304 passes on as it is; FetchLogMiddleware calls it not_modified.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to construct it."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Add the validators, unless the request was redirected: they belong to the address first asked for."""
        states: Mapping[str, Mapping[str, str | None]] = self._crawler.spider.validators  # type: ignore[union-attr]
        if not states or "kind" not in request.meta or request.meta.get("redirect_times"):
            return
        state = states.get(canonical_url(request.url), {})
        for header, name in (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified")):
            if value := state.get(name):
                request.headers[header] = value
