"""Personal data goes before anything is written."""

from typing import Any

from caifeng.core.text.scrub import scrub
from crawlers.items import Fetch, RawPost


class ScrubPipeline:
    """Scrub title, text and board of a post, and the words of a fetch."""

    def process_item(self, item: Any) -> Any:
        """The item, scrubbed in place."""
        if isinstance(item, RawPost):
            item.title = scrub(item.title)
            item.text = scrub(item.text)
            item.board = scrub(item.board) if item.board is not None else None
        elif isinstance(item, Fetch) and item.detail is not None:
            item.detail = scrub(item.detail)
        return item
