"""A source: one file under config/sources/, one website section, feed or inbox that is watched (Art. 4)."""

import codecs
import datetime as dt
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from caifeng.core.model.families import (
    PRESETS,
    TABLES,
    Columns,
    DetailPage,
    EPaper,
    Family,
    Feed,
    HotList,
    LetterPage,
    ListPage,
    Programme,
    Sitemap,
    Strict,
    ThreadPage,
)

SourceClass = Literal[
    "portal", "board", "message_board", "disclosure", "news", "epaper", "rss", "hotlist", "broadcast", "manual"
]
MediaTier = Literal["none", "self", "county", "city", "province", "central"]
Reach = Literal["village", "county", "city", "province", "nation"]
#: Politeness floor for every host that is not this machine: one request per host in 5 s (product decision).
MIN_DELAY_SECONDS = 5.0


class Peer(Strict):
    """Another region's office: its pages are examples of what others did well (Art. 13), never issues of ours."""

    region: str = Field(min_length=1, max_length=200)
    """Region, in words, as the practice library names it."""
    body: str = Field(min_length=1, max_length=200)
    """Unit that did it, in words."""


class Alarms(Strict):
    """When a source that answers is named all the same. All numbers are our own choice; a file may set its own."""

    volume_share: float = Field(default=0.3, ge=0, le=1)
    """Fewer new posts than this share of the median of 14 days."""
    volume_from: int = Field(default=5, ge=1)
    """... if that median is at least so many posts."""
    missing_times_jump: float = Field(default=0.5, gt=0, le=1)
    """Share of new posts without a usable time above that of 14 days by more than this."""
    agreement: float = Field(default=0.5, ge=0, le=1)
    """Mean likeness of the two extractors in the day's sample below this."""


class Review(Strict):
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


class Former(Strict):
    """A layout that the site has left: the tables that were other then. The rest is as in the layout after it."""

    until: dt.date
    """Last day on which it held."""
    without: tuple[str, ...] = ()
    """Tables that there were none of then."""
    list: ListPage | None = None
    detail: DetailPage | None = None
    thread: ThreadPage | None = None
    letter: LetterPage | None = None
    epaper: EPaper | None = None
    programme: Programme | None = None
    hot_list: HotList | None = None
    feed: Feed | None = None
    sitemap: Sitemap | None = None

    @property
    def rules(self) -> dict[str, Any]:
        """What was other, by name of the table; null where there was none."""
        names = type(self).model_fields.keys() - {"until", "without"}
        tables = {name: table for name in sorted(names) if (table := getattr(self, name)) is not None}
        return {**tables, **dict.fromkeys(self.without)}


class Source(Strict):
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
    peer: Peer | None = None
    """Absent: what the source says is public opinion."""
    enabled: bool = True
    encoding: str | None = None
    """Only where the site declares a wrong charset."""
    min_delay_seconds: float = Field(default=MIN_DELAY_SECONDS, ge=0)
    silent_after_hours: int = Field(default=48, ge=1)
    """Hours without a new post after which the source is called silent."""
    alarms: Alarms = Alarms()
    every_minutes: int = Field(default=60, ge=15, le=24 * 60)
    """How often it is read: fast sources 15 to 60 minutes, each at least once a day, for the log is daily (Art. 5)."""
    list: ListPage | None = None
    detail: DetailPage | None = None
    """Absent: the generic extractor reads the pages, or (feed) the entries are the posts."""
    thread: ThreadPage | None = None
    letter: LetterPage | None = None
    epaper: EPaper | None = None
    programme: Programme | None = None
    hot_list: HotList | None = None
    feed: Feed | None = None
    sitemap: Sitemap | None = None
    columns: Columns | None = None
    sheet: str | None = None
    """Sheet of an imported workbook; without it the first one. Inbox only."""
    review: Review | None = None
    former: tuple[Former, ...] = ()
    """Layouts that the site has left, in order of time: what was stored then stays readable (caifeng reparse)."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                codecs.lookup(value)
            except LookupError as error:
                raise ValueError(str(error)) from error
        return value

    @model_validator(mode="before")
    @classmethod
    def _family_presets(cls, values: Any) -> Any:
        """Fill in what the family presets; what the file says goes first."""
        if not isinstance(values, dict):
            return values
        presets = PRESETS.get(values.get("family"), {})  # type: ignore[arg-type]
        filled: dict[str, Any] = {
            name: {**rules, **own}
            for name, rules in presets.items()
            if isinstance(own := values.get(name, {} if name == "thread" else None), dict)
        }
        former = values.get("former")
        if isinstance(former, (tuple, list)):
            filled["former"] = [_with_presets(layout, presets) for layout in former]
        return {**values, **filled}

    @model_validator(mode="after")
    def _family_has_its_rules(self) -> Self:
        self._check_tables()
        self._check_former()
        if self.peer is not None and (self.local_board or self.official_channel):
            raise ValueError("peer: another region's page is no board, mailbox or hotline of ours")
        if self.sheet is not None and self.family != "inbox":
            raise ValueError(f"family {self.family} has no sheet")
        if self.min_delay_seconds < MIN_DELAY_SECONDS and self.start_urls and not self.is_loopback:
            raise ValueError(f"min_delay_seconds below {MIN_DELAY_SECONDS} is allowed for loopback hosts only")
        return self

    def _check_tables(self) -> None:
        needed, *_ = own = TABLES[self.family]
        if getattr(self, needed) is None:
            raise ValueError(f"family {self.family} needs a [{needed}] table")
        if self.family == "message_board" and self.letter is None:
            raise ValueError("family message_board needs a [letter] table")
        for table in sorted({name for tables in TABLES.values() for name in tables} - set(own)):
            if getattr(self, table) is not None:
                raise ValueError(f"family {self.family} has no [{table}] table")

    def _check_former(self) -> None:
        days = [layout.until for layout in self.former]
        if days != sorted({*days}):
            raise ValueError("former: until must ascend")
        for layout in self.former:
            where = f"former until {layout.until}"
            if not layout.rules:
                raise ValueError(f"{where}: says nothing that was other then")
            for name in layout.without:
                if name not in TABLES[self.family] or getattr(layout, name, None) is not None:
                    raise ValueError(f"{where}: without: no optional table that is left out: {name}")
            try:
                self.on(layout.until)._check_tables()
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from error

    def on(self, day: dt.date) -> Self:
        """The source with the rules that held on a day: of each table the one of the earliest layout still to end."""
        rules: dict[str, Any] = {}
        for layout in reversed(self.former):
            if day <= layout.until:
                rules |= layout.rules
        return self.model_copy(update={**rules, "former": ()}) if rules else self

    @property
    def start_urls(self) -> tuple[str, ...]:
        """Start addresses of the family's rules, `{day}` not yet filled in; none for an inbox."""
        rules = getattr(self, TABLES[self.family][0])
        return () if isinstance(rules, Columns) else rules.urls

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


def _with_presets(layout: Any, presets: Mapping[str, Mapping[str, Any]]) -> Any:
    """A former layout with its family's presets in the tables it names."""
    if not isinstance(layout, dict):
        return layout
    return {**layout, **{n: {**rules, **layout[n]} for n, rules in presets.items() if isinstance(layout.get(n), dict)}}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
