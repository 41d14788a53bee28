"""政府信息公开 sites. Going only."""

from crawlers.spider import SourceSpider


class OpennessSpider(SourceSpider):
    """The lists of documents, their next pages, and every document once."""
