"""Rankings served as JSON, one snapshot or an index of snapshots. Going only."""

from typing import Any

from scrapy.http import Response

from caifeng.core.text.urls import canonical_url, post_id
from crawlers.items import Kind, PageRead, RawPost
from crawlers.pages.hot_list import read_index, read_snapshot
from crawlers.spider import SourceSpider


class HotListSpider(SourceSpider):
    """Snapshots, straight from the start addresses or through the index page that lists them."""

    @property
    def first_kind(self) -> Kind:  # type: ignore[override]
        """An index is a list; without one the start addresses are snapshots."""
        assert self.source.hot_list is not None
        return "list" if self.source.hot_list.snapshots else "snapshot"

    def parse(self, response: Response) -> list[Any]:
        """A start page: the index, or a snapshot."""
        rules = self.source.hot_list
        assert rules is not None
        if rules.snapshots is None:
            return self.parse_snapshot(response)
        addresses = read_index(response.body, response.url, rules, self.charset(response))
        out: list[Any] = []
        for address in addresses:
            out += self.ask(address, "snapshot", self.parse_snapshot)
        return [*out, PageRead(len(addresses))]

    def parse_snapshot(self, response: Response) -> list[Any]:
        """One post per topic; a ranking has titles only."""
        rules = self.source.hot_list
        assert rules is not None
        read = read_snapshot(response.body, rules, self.fetched_at, self.charset(response))
        posts = [
            RawPost(
                post_id=post_id(topic.url),
                source_id=self.source.id,
                board=self.source.board,
                url=canonical_url(topic.url),
                title=topic.title,
                text="",
                # A topic has no time of its own: the snapshot's stands in.
                published_at=read.observed_at,
                published_precision="hour",
                fetched_at=self.fetched_at,
                observed_at=read.observed_at,
                views=topic.views,
                reposts=topic.reposts,
                comments=topic.comments,
                heat=topic.heat,
                encoding="utf-8",
            )
            for topic in read.topics
        ]
        return [*posts, PageRead(len(read.topics), read.problem)]
