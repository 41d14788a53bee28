"""RSS and Atom feeds. Going only."""

from typing import Any

from scrapy.http import Response

from caifeng.core.text.urls import canonical_url, post_id
from crawlers.items import PageRead, RawPost
from crawlers.pages.feed import read_feed
from crawlers.platforms.list_detail import ListDetailSpider


class FeedSpider(ListDetailSpider):
    """The feed; with a [detail] table also the page of every entry, without it the entries are the posts."""

    def parse(self, response: Response, page: int = 1) -> list[Any]:
        """A feed: posts, or requests for the pages it names."""
        read = read_feed(response.body, response.url, self.fetched_at, self.charset(response))
        out: list[Any] = []
        for entry in read.entries:
            if self.source.detail is not None:
                out += self.ask(entry.url, "detail", self.parse_detail, listed=entry.published)
                continue
            out.append(
                RawPost(
                    post_id=post_id(entry.url),
                    source_id=self.source.id,
                    board=self.source.board,
                    url=canonical_url(entry.url),
                    title=entry.title,
                    text=entry.text,
                    published_at=entry.published.at,
                    published_precision=entry.published.precision,
                    fetched_at=self.fetched_at,
                    observed_at=self.fetched_at,
                    views=None,
                    reposts=None,
                    comments=None,
                    heat=None,
                    encoding=read.encoding,
                )
            )
        return [*out, PageRead(len(read.entries), read.problem)]
