"""Programme pages of radio and TV stations. Going only."""

from crawlers.spider import SourceSpider


class ProgrammeSpider(SourceSpider):
    """The programme pages; the items on them are the posts."""
