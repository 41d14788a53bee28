"""Recorded real input as two sites: an hourly hot list and a folder of article pages.

A folder of recordings has `hotlists/weibo_hourly_YYYY-MM.jsonl.gz`, one JSON object an hour with `date`,
`hour` (Asia/Shanghai) and `items`, and `extraction/html/*.gz`, pages as they were saved. Either may be
missing. Such recordings are the property of others and are never part of this repository.
"""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from functools import cached_property, lru_cache
from html import escape
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from caifeng.core.errors import UsageError
from samples.page import SHANGHAI, Page, WebSite, json_page, text_page, with_validators

HOT_FILES = "hotlists/weibo_hourly_*.jsonl.gz"
ARTICLE_FILES = "extraction/html/*.gz"

Tell = Callable[[str], None]
Snapshots = dict[datetime, list[object]]
"""Items of one month by hour (aware, Asia/Shanghai)."""


class Recordings:
    """A folder of recordings; months are read when first asked for, the last two are kept.

    Args:
        folder: the folder described above.
        tell: receives one line per malformed file, naming its first bad line; the rest is served.

    Raises:
        UsageError: the folder does not exist or holds neither kind of recording.
    """

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.folder = folder
        self._tell = tell
        self._told: set[str] = set()
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder of recordings")
        absent = [pattern for pattern in (HOT_FILES, ARTICLE_FILES) if not any(folder.glob(pattern))]
        if len(absent) == 2:
            raise UsageError(f"{folder}: nothing recorded there: neither {absent[0]} nor {absent[1]}")
        self.missing = [f"{folder}: no {pattern}; that site will be empty" for pattern in absent]
        self._month = lru_cache(maxsize=2)(self._read_month)

    def web_sites(self) -> list[WebSite]:
        """The hot list and the articles, in the order of their ports."""
        return [WebSite("weibo_hot", self._answer_hot), WebSite("articles", self._answer_article)]

    def days(self) -> list[date]:
        """Days with at least one readable snapshot, ascending."""
        months = [self._read_month(path) for path in sorted(self.folder.glob(HOT_FILES))]
        return sorted({hour.date() for month in months for hour in month})

    def _answer_hot(self, path: str, _today: date) -> Page:
        match = re.fullmatch(r"/hot/(\d{4}-\d\d-\d\d)/(index|\d\d)\.json", path)
        day = _parse_day(match[1]) if match else None
        if match is None or day is None:
            return _common(path)
        month = self._month(self.folder / HOT_FILES.replace("*", f"{day:%Y-%m}"))
        hours = sorted(hour for hour in month if hour.date() == day)
        if match[2] == "index":
            page = json_page({"snapshots": [f"/hot/{day}/{hour:%H}.json" for hour in hours]})
            return with_validators(page, hours[-1] if hours else datetime.combine(day, time.min, SHANGHAI))
        hour = next((h for h in hours if f"{h:%H}" == match[2]), None)
        if hour is None:
            return text_page(404, f"no snapshot of {day} {match[2]}:00\n")
        return with_validators(json_page({"time": hour.isoformat(), "items": month[hour]}), hour)

    def _answer_article(self, path: str, _today: date) -> Page:
        if path in ("/", "/articles/index.html"):
            return self._article_index
        file = self._articles.get(path)
        if file is None:
            return _common(path)
        try:
            body = gzip.decompress(file.read_bytes())
            modified = datetime.fromtimestamp(file.stat().st_mtime, SHANGHAI)
        except (OSError, EOFError, zlib.error) as error:
            self._tell_once(f"{file}: {error}")
            return text_page(500, f"{file.name}: {error}\n")
        # No charset: these pages come from many sites, each says its own or none.
        return with_validators(Page(200, MappingProxyType({"Content-Type": "text/html"}), body), modified)

    @cached_property
    def _articles(self) -> dict[str, Path]:
        """Decoded path -> file."""
        files = sorted(self.folder.glob(ARTICLE_FILES))
        return {f"/articles/{file.name.removesuffix('.gz').removesuffix('.html')}.html": file for file in files}

    @cached_property
    def _article_index(self) -> Page:
        rows = "\n".join(
            f'<li><a href="{quote(path)}">{escape(file.name)}</a></li>' for path, file in self._articles.items()
        )
        head = '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>'
        text = f"{head}<body><ul>\n{rows}\n</ul></body></html>\n"
        return Page(200, MappingProxyType({"Content-Type": "text/html; charset=utf-8"}), text.encode())

    def _read_month(self, path: Path) -> Snapshots:
        """Snapshots of one file; of two lines for one hour the first counts. No file, no snapshots."""
        snapshots: Snapshots = {}
        bad: list[str] = []
        number = 0
        try:
            for number, line in enumerate(_lines(path), 1):
                try:
                    hour, items = _parse_snapshot(line)
                except (ValueError, TypeError, KeyError) as error:
                    bad.append(f"line {number}: {_reason(error)}")
                else:
                    snapshots.setdefault(hour, items)
        except FileNotFoundError:
            pass
        except (OSError, EOFError, zlib.error) as error:
            bad.append(f"line {number + 1}: {error}; the rest of the file is left out")
        if bad:
            more = f"; {len(bad)} such places in all" if len(bad) > 1 else ""
            self._tell_once(f"{path}: {bad[0]}{more}")
        return snapshots

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._tell(message)


def recorded_days(folder: Path) -> list[date]:
    """Days of which `folder` has at least one readable hot-list snapshot, ascending.

    Raises:
        UsageError: as for `Recordings`.
    """
    return Recordings(folder, lambda _message: None).days()


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        yield from file


def _parse_snapshot(line: bytes) -> tuple[datetime, list[object]]:
    """Hour and items of one line; an item is [title, heat, views, comments, originals], figures or null."""
    row = json.loads(line)
    hour = datetime.combine(date.fromisoformat(row["date"]), time(row["hour"]), SHANGHAI)
    items = row["items"]
    if not isinstance(items, list) or not all(isinstance(item, list) and item for item in items):
        raise ValueError("items: not a list of [title, heat, views, comments, originals]")
    return hour, items


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _common(path: str) -> Page:
    answers = {"/healthz": "ok\n", "/robots.txt": "User-agent: *\nDisallow:\n"}
    return text_page(200, answers[path]) if path in answers else text_page(404, "404 Not Found\n")
