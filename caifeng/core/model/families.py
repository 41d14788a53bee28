"""Site families: which tables a source file of each family has, what they say, and what a family presets.

A family is what sites have in common that run on the same kind of software. Its presets spare the source files the
selectors that all of them share; a file may override each of them.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Family = Literal[
    "list_detail",
    "openness",
    "forum",
    "message_board",
    "epaper",
    "programme",
    "hot_list",
    "feed",
    "sitemap",
    "inbox",
]

#: Tables of each family: the one it needs, then those it may have.
TABLES: dict[Family, tuple[str, ...]] = {
    "list_detail": ("list", "detail"),
    "openness": ("list", "detail"),
    "forum": ("list", "thread"),
    "message_board": ("list", "letter"),
    "epaper": ("epaper", "detail"),
    "programme": ("programme",),
    "hot_list": ("hot_list",),
    "feed": ("feed", "detail"),
    "sitemap": ("sitemap", "detail"),
    "inbox": ("columns",),
}

_DAY = re.compile(r"\{day(?::([^{}]+))?\}")


def fill_day(address: str, day: date) -> str:
    """The address with `{day}` as YYYY-MM-DD and `{day:%Y-%m/%d}` as strftime has it."""
    return _DAY.sub(lambda found: day.strftime(found[1]) if found[1] else day.isoformat(), address)


def has_day(address: str) -> bool:
    """Whether the address is another one every day."""
    return bool(_DAY.search(address))


class Strict(BaseModel):
    """Base of what a source file says: no unknown keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ListPage(Strict):
    """Where the links are. All rules are CSS selectors; `item` is one entry, the others are inside it."""

    urls: tuple[str, ...] = Field(min_length=1)
    """Start pages; `{day}` stands for the fetch day as YYYY-MM-DD, `{day:%Y-%m/%d}` for it as strftime has it."""
    item: str
    link: str = "a"
    time: str | None = None
    comments: str | None = None
    """Number of replies (forum), or whether a letter is answered (message_board): tells what must be read again."""
    next: str | None = None
    """Link to the next page; followed up to `max_pages`, and further while no entry is known (a gap)."""
    max_pages: int = Field(default=3, ge=1, le=50)


class DetailPage(Strict):
    """What a page says. CSS selectors; a measure without a selector stays unknown (null)."""

    title: str
    body: str
    time: str | None = None
    views: str | None = None
    reposts: str | None = None
    comments: str | None = None
    index_no: str | None = None
    """索引号 of a disclosure page (政府信息公开目录)."""


class ThreadPage(Strict):
    """A thread of a forum: the opening post, its counters, and the replies. CSS selectors."""

    title: str
    body: str
    """The opening post's text, on the first page of the thread."""
    time: str | None = None
    views: str | None = None
    comments: str | None = None
    """Where the number of replies stands; may be the line that also says the views (查看: 340 | 回复: 12)."""
    reply: str | None = None
    """One post of the thread, the opening one or a reply; the following three are inside it. Without it replies are
    not read."""
    reply_body: str | None = None
    reply_time: str | None = None
    reply_id: str | None = None
    """Element whose `id` or `data-id` names the reply on the site (post_123, pid123); without it its own words do."""
    first: str | None = None
    """Link to the first page of the thread, where the address of a later page does not tell (as thread-1-2-1.html
    and page=2 do); on the first page it is missing or leads to the page itself."""
    next: str | None = None
    """Link to the next page of the thread."""
    max_pages: int = Field(default=5, ge=1, le=50)

    @model_validator(mode="after")
    def _replies_have_words(self) -> Self:
        if (self.reply is None) != (self.reply_body is None):
            raise ValueError("reply and reply_body go together")
        return self


class LetterPage(Strict):
    """A letter to an office and its public answer, with both times: the ground truth of response times."""

    title: str
    body: str
    """What was asked."""
    time: str | None = None
    """When it was asked."""
    answer: str | None = None
    """The answer's text; an element that is missing or empty means: not answered yet."""
    answered: str | None = None
    """When it was answered."""
    status: str | None = None
    """Where the page says whether it is answered (已办结, 未回复): for forms that print an empty answer."""
    views: str | None = None


class EPaper(Strict):
    """A 数字报: every day an edition of its own, whose pages (版) list the articles. CSS selectors.

    Without a [detail] table articles are read by the marks of 方正 software, else by the generic extractor.
    """

    urls: tuple[str, ...] = Field(min_length=1)
    """First page of the day's edition, with `{day}` or `{day:%Y-%m/%d}`."""
    edition: str
    """Links to the other pages (版) of the edition; those into another folder (other days) are left alone."""
    item: str
    """Links to the articles of a page."""
    page_name: str | None = None
    """Where the page's own name stands (第03版：民生); becomes the article's board. Without it the name is that of the
    links that lead to the page."""
    max_pages: int = Field(default=40, ge=1, le=100)


class Programme(Strict):
    """Programme pages of a radio or TV station: the entries are the posts, there are no detail pages. CSS selectors."""

    urls: tuple[str, ...] = Field(min_length=1)
    """Programme pages; `{day}` as above."""
    item: str
    title: str
    """Inside an item."""
    time: str | None = None
    """Inside an item: a date, or the clock time of the page's day (08:30); while that lies ahead the day counts."""
    text: str | None = None
    """Inside an item: what it is about."""
    link: str | None = None
    """Inside an item: where it can be heard or seen; without it, or where several items share it (a live stream), the
    address is made from page, day and title."""
    day: str | None = None
    """Where the page says for which day it is; without it the day of its address, else the fetch day."""


class HotList(Strict):
    """A ranking served as JSON or HTML.

    Rules are JMESPath (json) or CSS selectors (html); `title`, `link` and the measures are inside one item.
    """

    urls: tuple[str, ...] = Field(min_length=1)
    """Snapshot addresses, or with `snapshots` the address of a page that lists them; `{day}` as above."""
    format: Literal["json", "html"] = "json"
    snapshots: str | None = None
    """Path to a list of snapshot addresses (relative allowed) in the page at `urls`; html: selector of the links."""
    time: str | None = None
    """Path to the time of the snapshot; without it the fetch time counts."""
    items: str
    title: str
    link: str
    """Address of a topic, `{title}` stands for the percent-encoded title; html: an address, or the selector of a
    link inside the item."""
    heat: str | None = None
    views: str | None = None
    reposts: str | None = None
    comments: str | None = None


class Sitemap(Strict):
    """sitemap.xml or .xml.gz, a sitemap index (followed one level), or a news sitemap (sitemaps.org 0.9)."""

    urls: tuple[str, ...] = Field(min_length=1)
    """Addresses of the sitemap; `{day}` as above."""
    include: str | None = None
    """Regular expression that the address of a page must contain; the sitemaps of an index are not held to it."""
    max_age_days: int = Field(default=3, ge=1, le=60)
    """Entries whose lastmod (else the news sitemap's publication_date) is more days back are left alone; an entry
    without either is asked for once."""

    @field_validator("include")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return value


class Feed(Strict):
    """RSS or Atom. With a [detail] table the entries' pages are read, without it an entry is the post."""

    urls: tuple[str, ...] = Field(min_length=1)
    """Addresses of the feed; `{day}` as above."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Headers = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed)]


class Columns(Strict):
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


#: What the files of a family need not say; each key may be overridden. Written for the software that most sites of
#: the family run on: Anhui's XxgkContent pages, Discuz!, the 数字报 of the 北大方正 kind.
PRESETS: dict[Family, dict[str, dict[str, Any]]] = {
    "openness": {
        "list": {
            # Rows first, for an entry is taken from the outermost element that is one.
            "item": ".xxgk_navli ul:has(a), ul.xxgk_navli:has(a), .xxgklist li:has(a), ul.openness > li:has(a), "
            "tr:has(a[href*='Content/show/']), li:has(> a[href*='Content/show/'])",
            "link": "a[href*='Content/show/']",
            "time": "li.rq, .rq, .date, em, td:last-child",
            "next": "a.next, .pagination a[title='下一页'], .page a[title='下一页']",
        },
    },
    "forum": {
        "list": {
            "item": "tbody[id^=normalthread_], tbody[id^=stickthread_]",
            "link": "a.xst",
            "time": "td.by em",
            "comments": "td.num a",
            "next": "div.pg a.nxt",
        },
        "thread": {
            "title": "#thread_subject",
            "body": "#postlist [id^=postmessage_]",
            "time": "#postlist [id^=authorposton]",
            "views": "#postlist .hm",
            "comments": "#postlist .hm",
            "reply": "#postlist > div[id^=post_]",
            "reply_body": "[id^=postmessage_]",
            "reply_time": "[id^=authorposton]",
            "reply_id": "[id^=postmessage_]",
            "next": "div.pg a.nxt",
        },
    },
    "epaper": {
        "epaper": {
            "edition": "a[href*='node_'], area[href*='node_']",
            # content_8812.htm of old, content/202611/20/c8812.html of late; a map over the page's image has areas.
            "item": "a[href*='content_'], area[href*='content_'], a[href*='/content/'], area[href*='/content/']",
        },
    },
}
