"""Letters to an office and their public answers. Going only."""

from crawlers.spider import SourceSpider


class MessageBoardSpider(SourceSpider):
    """Lists of letters, and every letter with its answer."""
