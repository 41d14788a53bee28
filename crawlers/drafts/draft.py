"""What the pages told so far, and what the family's reader makes of it."""

from dataclasses import dataclass, field
from typing import Any

from caifeng.core.model.families import Family
from caifeng.core.model.source import Source
from caifeng.core.text.times import UNKNOWN, Moment
from crawlers.items import Kind, Page, Read
from crawlers.reading import READERS


@dataclass(frozen=True)
class Draft:
    """What the pages told.

    `tables` are the family's tables as the file will have them, `checks` a remark per `table.key` (or per table),
    `found` lines in Chinese for the terminal. `entry` is the page to open next, with the title its list gave it.
    """

    family: Family
    url: str
    title: str
    encoding: str
    tables: dict[str, dict[str, Any]]
    entries: int = 0
    entry: str | None = None
    entry_title: str = ""
    entry_kind: Kind = "detail"
    entry_listed: Moment = UNKNOWN
    found: tuple[str, ...] = ()
    checks: dict[str, str] = field(default_factory=dict)


def read_with(draft: Draft, page: Page) -> Read:
    """What the family's reader makes of a page with the draft's rules."""
    source = Source.model_validate(
        {
            "id": "draft",
            "name": "draft",
            "family": draft.family,
            "class": "news",
            "reach": "county",
            **draft.tables,
        }
    )
    return READERS[source.family](source, page)
