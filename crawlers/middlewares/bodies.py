"""Every page that may yield posts goes into the encrypted store, read or not: that is what a repair needs."""

import logging
from pathlib import Path
from typing import Any

from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.spidermiddlewares.base import BaseSpiderMiddleware
from w3lib.encoding import http_content_type_encoding

from caifeng.core import clock
from caifeng.core.bodies import Body, BodyStore, part_name
from caifeng.core.errors import CaifengError
from caifeng.core.model.source import Source
from caifeng.core.text.times import UNKNOWN
from caifeng.core.text.urls import canonical_url
from crawlers.items import PageRead, RawPost

log = logging.getLogger(__name__)


class BodiesMiddleware(BaseSpiderMiddleware):
    """Store a page when its reading has ended, with the posts it gave; off without the setting BODIES_HOME.

    Lists are not stored: nothing is landed from them, and their entries cannot be asked for after the event.
    A store that cannot be written is logged and holds nothing up: the posts matter more than their pages.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        home = crawler.settings.get("BODIES_HOME")
        if not home:
            raise NotConfigured
        self._store = BodyStore(Path(home))

    def get_processed_item(self, item: Any, response: Response | None) -> Any:
        """Remember the posts of a page; what was made of the page ends it."""
        if response is not None:
            if isinstance(item, RawPost):
                response.meta.setdefault("post_ids", []).append(item.post_id)
            elif isinstance(item, PageRead):
                self._keep(response, response.meta.pop("post_ids", []))
        return item

    def process_spider_exception(self, response: Response, exception: Exception) -> None:
        """A page that could not be read is stored as well; the next middleware says why it could not."""
        self._keep(response, [])

    def _keep(self, response: Response, post_ids: list[str]) -> None:
        spider: Any = self.crawler.spider
        source, kind = spider.source, response.meta.get("kind", "")
        if not (200 <= response.status < 300 and (post_ids or may_yield_posts(source, kind))):
            return
        header = (response.headers.get("Content-Type") or b"").decode("latin-1")
        said: dict[str, Any] = response.cb_kwargs
        body = Body(
            source.id,
            response.url,
            kind,
            spider.fetched_at,
            response.body,
            http_content_type_encoding(header),
            said.get("listed", UNKNOWN),
            said.get("board"),
            tuple(post_ids),
        )
        day = clock.business_day(spider.fetched_at)
        try:
            self._store.append(day, part_name(source.id, spider.fetched_at), body)
        except (OSError, CaifengError) as error:
            log.error("%s is not stored: %s", canonical_url(response.url), error)


def may_yield_posts(source: Source, kind: str) -> bool:
    """Whether pages of this kind are posts to the source, or hold them; a list only where its entries are posts."""
    entries_are_posts = source.family == "programme" or (source.family == "feed" and source.detail is None)
    return kind in {"detail", "snapshot"} or (kind == "list" and entries_are_posts)
