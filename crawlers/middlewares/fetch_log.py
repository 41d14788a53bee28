"""Every request of a source, whatever its end, becomes exactly one Fetch row: the proof of coverage."""

import logging
import zlib
from collections.abc import Iterable
from gzip import BadGzipFile
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Response
from scrapy.spidermiddlewares.base import BaseSpiderMiddleware
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.internet.error import ConnectError, ConnectionLost
from twisted.python.failure import Failure

from caifeng.core.text.encoding import Undecodable
from caifeng.core.text.urls import canonical_url
from crawlers.items import Fetch, Outcome, PageRead
from crawlers.pages.values import Unreadable

log = logging.getLogger(__name__)

#: Connections that failed, whatever the page: the host's fault (guard.py counts them).
NO_ANSWER = (
    CannotResolveHostError,
    ConnectError,
    ConnectionLost,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
#: What Scrapy's unpacking raises on a body that is not what Content-Encoding says.
_BAD_COMPRESSION = (BadGzipFile, zlib.error, EOFError)
_WORDS = (
    (DownloadConnectionRefusedError, "connection refused"),
    (CannotResolveHostError, "host not found"),
    (DownloadTimeoutError, "no answer in time"),
    (ResponseDataLossError, "connection lost in mid-body"),
    ((DownloadFailedError, ConnectionLost), "connection lost"),
    (ConnectError, "no connection"),
    (_BAD_COMPRESSION, "body not compressed as its header says"),
)


class RobotsDenied(IgnoreRequest):
    """robots.txt forbids the address."""


class FetchLogMiddleware(BaseSpiderMiddleware):
    """Turn the end of each request into its row.

    A callback that read its page leaves one PageRead; one that raised, or was never reached, is accounted for
    here. Requests for robots.txt are made below the spider; robots.py writes their rows.

    A site may link without end. Once a source has asked for MAX_REQUESTS addresses, those that a page still names are
    left out, and the page's row says how many.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._crawler = crawler
        self._most = crawler.settings.getint("MAX_REQUESTS")
        self._requests = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to construct it."""
        return cls(crawler)

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Remember the address asked for, and catch the request's failure; null where the source has had its share."""
        self._requests += 1
        if self._requests > self._most and response is not None:
            assert response.request is not None
            response.request.meta["left_out"] = response.request.meta.get("left_out", 0) + 1
            return None
        request.errback = self._failed
        request.meta["asked"] = request.url
        return request

    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        """A PageRead becomes the Fetch row; other items pass."""
        if not isinstance(item, PageRead) or response is None:
            return item
        request = response.request
        assert request is not None
        outcome: Outcome = "ok" if item.found else "empty"
        left_out = request.meta.get("left_out")
        share = f"{left_out} addresses not asked: {self._most} requests are a source's share" if left_out else None
        row = self._row(request, outcome, "; ".join(filter(None, (item.detail, share))) or None, response, item.found)
        row.known, row.layout, row.agreement = item.known, item.layout, item.agreement
        row.posts = item.posts
        return row

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
        outcome = outcome_of(error)
        detail = None if outcome == "not_modified" else request.meta.get("rest") or words_of(error)
        return [self._row(request, outcome, detail, response)]

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
            robots=request.meta.get("robots"),
        )


def outcome_of(error: BaseException) -> Outcome:
    """What came of a request that ended in an error."""
    if isinstance(error, HttpError):
        return "not_modified" if error.response.status == 304 else "http_error"
    if _is_too_large(error):
        return "too_large"
    if isinstance(error, _BAD_COMPRESSION):
        return "undecodable"
    return "robots_denied" if isinstance(error, RobotsDenied) else "unreachable"


def words_of(error: BaseException) -> str:
    """Why a request ended as it did, in words and without anything the page said."""
    if isinstance(error, HttpError):
        return f"HTTP {error.response.status}"
    if _is_too_large(error):
        return "body larger than the limit"
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            return words
    if isinstance(error, (IgnoreRequest, Undecodable, Unreadable)):
        return str(error)
    return f"{type(error).__name__}: {error}"[:200]


def _is_too_large(error: BaseException) -> bool:
    # Cut off on the wire, or while it was unpacked.
    return isinstance(error, DownloadCancelledError) or "DOWNLOAD_MAXSIZE" in str(error)
