"""Sites with list pages that lead to detail pages: portals, news, radio and TV news. Going only."""

from crawlers.spider import SourceSpider


class ListDetailSpider(SourceSpider):
    """Start pages, their next pages, and every entry once."""
