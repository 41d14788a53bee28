"""Rankings, one snapshot or an index of snapshots. Going only."""

from crawlers.items import Kind
from crawlers.spider import SourceSpider


class HotListSpider(SourceSpider):
    """Snapshots, straight from the start addresses or through the index page that lists them."""

    @property
    def first_kind(self) -> Kind:  # type: ignore[override]
        """An index is a list; without one the start addresses are snapshots."""
        assert self.source.hot_list is not None
        return "list" if self.source.hot_list.snapshots else "snapshot"
