"""What all platforms share: a spider is driven wholly by its Source, and goes; reading is in crawlers/pages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy.http import Response
from w3lib.encoding import http_content_type_encoding

from caifeng.core.model.source import Source
from caifeng.core.text.urls import canonical_url
from crawlers.items import Kind

Validators = Mapping[str, Mapping[str, str | None]]


class SourceSpider(scrapy.Spider):
    """Base of the platforms.

    Args:
        source: the source file.
        day: fetch day, stands for `{day}` in start addresses.
        fetched_at: the one instant of the whole run, UTC aware.
        validators: canonical address -> etag and last_modified of the last run.
        turns: one lock per host, shared by all spiders of the process, so that sources on the same host
            take turns and the host sees one request at a time.
    """

    name = "source"
    first_kind: Kind = "list"

    def __init__(
        self,
        source: Source,
        day: date,
        fetched_at: datetime,
        validators: Validators,
        turns: dict[str, asyncio.Lock],
    ) -> None:
        super().__init__(name=source.id)
        self.source, self.day, self.fetched_at, self.validators = source, day, fetched_at, validators
        # Taken in order, so that two spiders never wait for each other.
        hosts = sorted({urlsplit(url).netloc.lower() for url in source.start_urls})
        self._turns = [turns.setdefault(host, asyncio.Lock()) for host in hosts]
        self._held: list[asyncio.Lock] = []
        self._asked: set[str] = set()

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Wait for the hosts' turn, then ask for the start pages."""
        for turn in self._turns:
            await turn.acquire()
            self._held.append(turn)
        for url in self.source.start_urls:
            for request in self.ask(url.replace("{day}", self.day.isoformat()), self.first_kind, self.parse):
                yield request

    def closed(self, reason: str) -> None:
        """Give the turn to the next source of the host."""
        while self._held:
            self._held.pop().release()

    def ask(self, url: str, kind: Kind, callback: Callable[..., Any], **arguments: Any) -> Sequence[scrapy.Request]:
        """One request, or none if the run already asked for this address."""
        address = canonical_url(url)
        if address in self._asked:
            return []
        self._asked.add(address)
        # dont_filter: two addresses may redirect to one page, and each must end in its row.
        return [scrapy.Request(url, callback, meta={"kind": kind}, cb_kwargs=arguments, dont_filter=True)]

    def charset(self, response: Response) -> str | None:
        """The source's override, else the charset of the HTTP header."""
        header = response.headers.get("Content-Type")
        return self.source.encoding or (http_content_type_encoding(header.decode("latin-1")) if header else None)
