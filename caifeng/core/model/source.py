"""A source: one file under config/sources/, one website section, feed or inbox that is watched (Art. 4)."""

import codecs
import datetime as dt
from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

SourceClass = Literal[
    "portal", "board", "message_board", "disclosure", "news", "epaper", "rss", "hotlist", "broadcast", "manual"
]
MediaTier = Literal["none", "self", "county", "city", "province", "central"]
Reach = Literal["village", "county", "city", "province", "nation"]
Family = Literal["list_detail", "hot_list", "feed", "inbox"]

#: Tables of each family: the one it needs, then those it may have.
_TABLES: dict[Family, tuple[str, ...]] = {
    "list_detail": ("list", "detail"),
    "hot_list": ("hot_list",),
    "feed": ("feed", "detail"),
    "inbox": ("columns",),
}
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


class Feed(_Strict):
    """RSS or Atom. With a [detail] table the entries' pages are read, without it an entry is the post."""

    urls: tuple[str, ...] = Field(min_length=1)
    """Addresses of the feed; `{day}` as above."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Headers = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed)]


class Columns(_Strict):
    """Which columns of an imported file hold what: one header, or several of which the first with a value counts.

    A field without headers stays unknown. Of every field with headers, one must be in the file.
    """

    id: Headers = ()
    """The row's own number (工单编号): the same number is the same post, also when its words are corrected."""
    title: Headers = ()
    text: Headers = ()
    url: Headers = ()
    board: Headers = ()
    published_at: Headers = ()
    views: Headers = ()
    reposts: Headers = ()
    comments: Headers = ()

    @model_validator(mode="after")
    def _something_to_read(self) -> Self:
        if not self.title and not self.text:
            raise ValueError("title or text needs a column")
        return self


class Review(_Strict):
    """Assessment of a site before it is crawled (网络数据安全管理条例 Art. 18: effect on the service, no intrusion)."""

    role: str = Field(min_length=1)
    """Who assessed: a role of the office, never a person."""
    date: dt.date
    robots: Literal["allowed", "partly", "none"]
    """What robots.txt says of our pages; none: the site has no robots.txt."""
    rate: str = Field(min_length=1)
    """How often we ask, and why that does not burden the site."""
    terms: str = Field(min_length=1)
    """What the terms of use say."""
    personal_data: str = Field(min_length=1)
    """What personal data the pages hold, and what becomes of it (Art. 24)."""
    decision: Literal["approved", "refused"]
    next_review: dt.date
    """Last day on which the decision holds."""

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        if self.next_review <= self.date:
            raise ValueError("next_review must come after date")
        return self


class Source(_Strict):
    """One file config/sources/<id>.toml."""

    id: str = Field(pattern=r"^[a-z0-9]+(?:[_-][a-z0-9]+)*$", max_length=60)
    name: str = Field(min_length=1)
    family: Family
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
    """Absent: the generic extractor reads the pages (list_detail), or the entries are the posts (feed)."""
    hot_list: HotList | None = None
    feed: Feed | None = None
    columns: Columns | None = None
    sheet: str | None = None
    """Sheet of an imported workbook; without it the first one. Inbox only."""
    review: Review | None = None

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
        needed, *_ = own = _TABLES[self.family]
        if getattr(self, needed) is None:
            raise ValueError(f"family {self.family} needs a [{needed}] table")
        for table in sorted({name for tables in _TABLES.values() for name in tables} - set(own)):
            if getattr(self, table) is not None:
                raise ValueError(f"family {self.family} has no [{table}] table")
        if self.sheet is not None and self.family != "inbox":
            raise ValueError(f"family {self.family} has no sheet")
        if self.min_delay_seconds < MIN_DELAY_SECONDS and self.start_urls and not self.is_loopback:
            raise ValueError(f"min_delay_seconds below {MIN_DELAY_SECONDS} is allowed for loopback hosts only")
        return self

    @property
    def start_urls(self) -> tuple[str, ...]:
        """Start addresses of the family's rules, `{day}` not yet filled in; none for an inbox."""
        rules = self.list or self.hot_list or self.feed
        return rules.urls if rules else ()

    @property
    def is_loopback(self) -> bool:
        """Whether all start addresses are on this machine; false for an inbox, which has none."""
        hosts = {urlsplit(url).hostname or "" for url in self.start_urls}
        return bool(hosts) and all(map(_is_loopback, hosts))

    def may_be_crawled(self, today: dt.date) -> str | None:
        """Why the crawlers may not go there (网络数据安全管理条例 Art. 18), in Chinese; null if they may.

        An approval holds until the end of its `next_review`. Loopback needs none, nor does an inbox, for no site
        is asked.
        """
        if self.is_loopback or not self.start_urls:
            return None
        if self.review is None:
            return "未经审查"
        if self.review.decision == "refused":
            return "审查未通过"
        return "审查已过期" if today > self.review.next_review else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
