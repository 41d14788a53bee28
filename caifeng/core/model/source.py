"""A source: one file under config/sources/, one website section that is watched (Art. 4)."""

import codecs
from ipaddress import ip_address
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SourceClass = Literal[
    "portal", "board", "message_board", "disclosure", "news", "epaper", "rss", "hotlist", "broadcast", "manual"
]
MediaTier = Literal["none", "self", "county", "city", "province", "central"]
Reach = Literal["village", "county", "city", "province", "nation"]

#: Politeness floor for every host that is not this machine: one request per host in 5 s (product decision).
MIN_DELAY_SECONDS = 5.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ListPage(_Strict):
    """Where the links are. All rules are CSS selectors; `item` is one entry, the others are inside it."""

    urls: tuple[str, ...] = Field(min_length=1)
    """Start pages; `{day}` stands for the fetch day as YYYY-MM-DD."""
    item: str
    link: str = "a"
    time: str | None = None
    next: str | None = None
    max_pages: int = Field(default=3, ge=1, le=50)


class DetailPage(_Strict):
    """What a page says. CSS selectors; a measure without a selector stays unknown (null)."""

    title: str
    body: str
    time: str | None = None
    views: str | None = None
    reposts: str | None = None
    comments: str | None = None


class HotList(_Strict):
    """A ranking served as JSON. All rules are JMESPath; `title` and the measures are inside one item."""

    urls: tuple[str, ...] = Field(min_length=1)
    """Snapshot addresses, or with `snapshots` the address of a page that lists them; `{day}` as above."""
    snapshots: str | None = None
    """Path to a list of snapshot addresses (relative allowed) in the page at `urls`."""
    time: str | None = None
    """Path to the time of the snapshot; without it the fetch time counts."""
    items: str
    title: str
    link: str
    """Address of a topic, `{title}` stands for the percent-encoded title."""
    heat: str | None = None
    views: str | None = None
    reposts: str | None = None
    comments: str | None = None


class Source(_Strict):
    """One file config/sources/<id>.toml."""

    id: str = Field(pattern=r"^[a-z0-9]+(?:[_-][a-z0-9]+)*$", max_length=60)
    name: str = Field(min_length=1)
    family: Literal["list_detail", "hot_list"]
    source_class: SourceClass = Field(alias="class")
    media_tier: MediaTier = "none"
    reach: Reach
    place: str | None = Field(default=None, pattern=r"^\d{2,12}$")
    """Code of the place the source belongs to (GB/T 2260)."""
    board: str | None = None
    local_board: bool = False
    """A board of this place: national topics raised here concern the office."""
    official_channel: bool = False
    """The office's own mailbox, board or hotline: whoever writes here asks the office."""
    enabled: bool = True
    encoding: str | None = None
    """Only where the site declares a wrong charset."""
    min_delay_seconds: float = Field(default=MIN_DELAY_SECONDS, ge=0)
    silent_after_hours: int = Field(default=48, ge=1)
    """Hours without a new post after which the source is called silent."""
    list: ListPage | None = None
    detail: DetailPage | None = None
    """Absent: the generic extractor reads the pages."""
    hot_list: HotList | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                codecs.lookup(value)
            except LookupError as error:
                raise ValueError(str(error)) from error
        return value

    @model_validator(mode="after")
    def _family_has_its_rules(self) -> Self:
        wanted = {"list_detail": "list", "hot_list": "hot_list"}[self.family]
        if getattr(self, wanted) is None:
            raise ValueError(f"family {self.family} needs a [{wanted}] table")
        hosts = {urlsplit(url).hostname or "" for url in self.start_urls}
        if self.min_delay_seconds < MIN_DELAY_SECONDS and not all(map(_is_loopback, hosts)):
            raise ValueError(f"min_delay_seconds below {MIN_DELAY_SECONDS} is allowed for loopback hosts only")
        return self

    @property
    def start_urls(self) -> tuple[str, ...]:
        """Start addresses of the family's rules, `{day}` not yet filled in."""
        rules = self.list if self.family == "list_detail" else self.hot_list
        assert rules is not None
        return rules.urls


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
