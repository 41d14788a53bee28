"""Every request of a source, whatever its end, becomes exactly one Fetch row: the proof of coverage."""

import logging
from collections.abc import Iterable
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.http import Response
from scrapy.spidermiddlewares.base import BaseSpiderMiddleware
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from caifeng.core.text.encoding import Undecodable
from caifeng.core.text.urls import canonical_url
from crawlers.items import Fetch, Outcome, PageRead
from crawlers.pages.values import Unreadable

log = logging.getLogger(__name__)


class FetchLogMiddleware(BaseSpiderMiddleware):
    """Turn the end of each request into its row.

    A callback that read its page leaves one PageRead; one that raised, or was never reached, is accounted for
    here. Requests for robots.txt are made below the spider and leave no row.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to construct it."""
        return cls(crawler)

    def get_processed_request(self, request: Request, response: Response | None) -> Request:
        """Remember the address asked for, and catch the request's failure."""
        return request.replace(errback=self._failed, meta={**request.meta, "asked": request.url})

    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        """A PageRead becomes the Fetch row; other items pass."""
        if not isinstance(item, PageRead) or response is None:
            return item
        request = response.request
        assert request is not None
        outcome: Outcome = "ok" if item.found else "empty"
        return self._row(request, outcome, item.detail, response, item.found)

    def process_spider_exception(self, response: Response, exception: Exception) -> Iterable[Fetch]:
        """A page that could not be read."""
        assert response.request is not None
        outcome: Outcome = "undecodable" if isinstance(exception, Undecodable) else "unreadable"
        if not isinstance(exception, (Undecodable, Unreadable)):
            # Ours to mend; the row keeps the source visible as broken until then.
            log.error("reading %s failed", canonical_url(response.url), exc_info=exception)
        return [self._row(response.request, outcome, words_of(exception), response)]

    def _failed(self, failure: Failure) -> list[Fetch]:
        request: Request = failure.request  # type: ignore[attr-defined]
        error = failure.value
        assert error is not None
        response = error.response if isinstance(error, HttpError) else None
        return [self._row(request, _outcome_of(error), words_of(error), response)]

    def _row(
        self, request: Request, outcome: Outcome, detail: str | None, response: Response | None, found: int = 0
    ) -> Fetch:
        spider: Any = self._crawler.spider
        url = canonical_url(request.meta["asked"])
        # A page we could not use must be sent in full next time, so its validators are not kept.
        known = dict(spider.validators.get(url, {})) if outcome == "not_modified" else {}
        if response is not None and outcome in {"ok", "not_modified"}:
            for header, name in (("ETag", "etag"), ("Last-Modified", "last_modified")):
                if value := response.headers.get(header):
                    known[name] = value.decode("latin-1")
        return Fetch(
            source_id=spider.source.id,
            url=url,
            fetched_at=spider.fetched_at,
            kind=request.meta["kind"],
            outcome=outcome,
            http_status=None if response is None else response.status,
            bytes=None if response is None else len(response.body),
            etag=known.get("etag"),
            last_modified=known.get("last_modified"),
            found=found,
            detail=detail,
        )


def _outcome_of(error: BaseException) -> Outcome:
    if isinstance(error, HttpError):
        return "not_modified" if error.response.status == 304 else "http_error"
    if isinstance(error, DownloadCancelledError) or "DOWNLOAD_MAXSIZE" in str(error):
        return "too_large"
    # Exactly IgnoreRequest: its subclasses are refusals of ours, told apart by name.
    if type(error) is IgnoreRequest and "robots.txt" in str(error):
        return "robots_denied"
    return "unreachable"


def words_of(error: BaseException) -> str | None:
    """Why a request ended as it did, in words and without anything the page said."""
    if isinstance(error, HttpError):
        return None if error.response.status == 304 else f"HTTP {error.response.status}"
    if isinstance(error, DownloadCancelledError) or "DOWNLOAD_MAXSIZE" in str(error):
        return "body larger than the limit"
    for kind, words in (
        (DownloadConnectionRefusedError, "connection refused"),
        (CannotResolveHostError, "host not found"),
        (DownloadTimeoutError, "no answer in time"),
    ):
        if isinstance(error, kind):
            return words
    if isinstance(error, (IgnoreRequest, Undecodable, Unreadable)):
        return str(error)
    return f"{type(error).__name__}: {error}"[:200]
