"""Personal data goes before anything is written."""

from typing import Any

from caifeng.core.text.scrub import scrub
from crawlers.items import Fetch, RawPost


class ScrubPipeline:
    """Scrub a post, and the words of a fetch."""

    def process_item(self, item: Any) -> Any:
        """The item, scrubbed in place."""
        if isinstance(item, RawPost):
            scrub_post(item)
        elif isinstance(item, Fetch) and item.detail is not None:
            item.detail = scrub(item.detail)
        return item


def scrub_post(post: RawPost) -> RawPost:
    """The post, with title, text, board and answer scrubbed in place; also for what is read outside a crawl."""
    post.title = scrub(post.title)
    post.text = scrub(post.text)
    post.board = scrub(post.board) if post.board is not None else None
    post.answer = scrub(post.answer) if post.answer is not None else None
    return post
