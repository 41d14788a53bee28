"""Sites with list pages that lead to detail pages: portals, disclosure platforms, boards, news. Going only."""

from typing import Any

from scrapy.http import Response

from caifeng.core.text.times import UNKNOWN, Moment
from caifeng.core.text.urls import canonical_url, post_id
from crawlers.items import PageRead, RawPost
from crawlers.pages.list_detail import read_detail, read_list
from crawlers.spider import SourceSpider


class ListDetailSpider(SourceSpider):
    """Start pages, their next pages up to `max_pages`, and every entry once."""

    def parse(self, response: Response, page: int = 1) -> list[Any]:
        """A list page: its entries, then the next page."""
        rules = self.source.list
        assert rules is not None
        read = read_list(response.body, response.url, rules, self.fetched_at, self.charset(response))
        out: list[Any] = []
        for entry in read.entries:
            out += self.ask(entry.url, "detail", self.parse_detail, listed=entry.listed)
        if read.next_url and page < rules.max_pages:
            out += self.ask(read.next_url, "list", self.parse, page=page + 1)
        detail = f"{read.without_link} items without a web link" if read.without_link else None
        return [*out, PageRead(len(read.entries), detail)]

    def parse_detail(self, response: Response, listed: Moment = UNKNOWN) -> list[Any]:
        """A detail page: one post. The list's time stands in where the page states none."""
        read = read_detail(response.body, response.url, self.source.detail, self.fetched_at, self.charset(response))
        published = read.published if read.published.at is not None else listed
        post = RawPost(
            post_id=post_id(response.url),
            source_id=self.source.id,
            board=self.source.board,
            url=canonical_url(response.url),
            title=read.title,
            text=read.text,
            published_at=published.at,
            published_precision=published.precision,
            fetched_at=self.fetched_at,
            observed_at=self.fetched_at,
            views=read.views,
            reposts=read.reposts,
            comments=read.comments,
            heat=None,
            encoding=read.encoding,
        )
        return [post, PageRead(1)]
