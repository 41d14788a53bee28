"""数字报: every day an edition of its own. Going only."""

from crawlers.spider import SourceSpider


class EPaperSpider(SourceSpider):
    """The day's edition: its first page, the other pages (版), and every article once."""
