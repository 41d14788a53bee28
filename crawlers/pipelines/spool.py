"""Rows to JSON lines in the spool, from where the job lands them in the lake."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TextIO

from scrapy.crawler import Crawler

from crawlers.items import Fetch, RawPost


class SpoolPipeline:
    """Write <source_id>.posts.jsonl and <source_id>.fetches.jsonl; both exist even when empty."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._files: dict[type, TextIO] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to construct it."""
        return cls(crawler)

    def open_spider(self) -> None:
        """Start both files anew."""
        source_id = self._crawler.spider.source.id  # type: ignore[union-attr]
        for row_type, path in spool_paths(Path(self._crawler.settings["SPOOL_DIR"]), source_id).items():
            self._files[row_type] = path.open("w", encoding="utf8")

    def close_spider(self) -> None:
        """Close both files."""
        for file in self._files.values():
            file.close()

    def process_item(self, item: Any) -> Any:
        """Write the row; times as ISO 8601."""
        self._files[type(item)].write(json.dumps(vars(item), ensure_ascii=False, default=_iso) + "\n")
        return item


def spool_paths(spool: Path, source_id: str) -> dict[type, Path]:
    """Files of a source in the spool, by row type."""
    return {RawPost: spool / f"{source_id}.posts.jsonl", Fetch: spool / f"{source_id}.fetches.jsonl"}


def _iso(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
