"""Sites read by their sitemap. Going only."""

from crawlers.spider import SourceSpider


class SitemapSpider(SourceSpider):
    """The sitemap, those that an index names, and every fresh page once."""
