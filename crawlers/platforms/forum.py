"""Forum threads (Discuz! and its kin). Going only."""

from crawlers.spider import SourceSpider


class ForumSpider(SourceSpider):
    """Lists of threads, every thread, and the following pages of each."""
