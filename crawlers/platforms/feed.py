"""RSS and Atom feeds. Going only."""

from crawlers.spider import SourceSpider


class FeedSpider(SourceSpider):
    """The feed; with a [detail] table also the page of every entry, without it the entries are the posts."""
