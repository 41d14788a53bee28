"""What a crawl lands, and what passes between going and reading.

Rows: RawPost (raw.posts) and Fetch (ops.fetches), field for column. Between: a Page came, a Read was made of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from caifeng.core.model.source import Source
from caifeng.core.text.times import UNKNOWN, Moment, Precision
from caifeng.core.text.urls import canonical_url, post_id

Kind = Literal["list", "detail", "snapshot", "robots"]
Outcome = Literal[
    "ok",
    "not_modified",
    "robots_denied",
    "http_error",
    "unreachable",
    "too_large",
    "undecodable",
    "unreadable",
    "empty",
]
#: Where the time of publication stood; `rule` is the source's own selector.
DateSource = Literal["rule", "meta", "script", "element", "text", "list", "url", "feed", "snapshot", "file"]
#: robots.txt of the host: it allows or denies our page, there is none, or it could not be had (then: denied).
Robots = Literal["allowed", "denied", "none", "unreachable"]


@dataclass
class RawPost:
    """One row of raw.posts; sql/raw/posts.yml says what the columns and their nulls mean."""

    post_id: str
    source_id: str
    board: str | None
    url: str
    title: str
    text: str
    published_at: datetime | None
    published_precision: Precision
    fetched_at: datetime
    observed_at: datetime
    views: int | None
    reposts: int | None
    comments: int | None
    heat: int | None
    encoding: str
    date_source: str | None = None
    date_guessed: bool = False
    parent_id: str | None = None
    index_no: str | None = None
    answer: str | None = None
    answered_at: datetime | None = None
    read_at: datetime | None = None


@dataclass
class Fetch:
    """One row of ops.fetches; sql/ops/fetches.yml says what the columns and their nulls mean."""

    source_id: str
    url: str
    fetched_at: datetime
    kind: Kind
    outcome: Outcome
    http_status: int | None
    bytes: int | None
    etag: str | None
    last_modified: str | None
    found: int
    detail: str | None
    known: int | None = None
    robots: Robots | None = None
    layout: str | None = None
    agreement: float | None = None
    posts: int = 0


@dataclass(frozen=True)
class Page:
    """A page that came, as the readers get it. Pure input: the same page gives the same Read.

    `charset` is the source's override or the HTTP header's; `listed` and `board` are what the list said of it.
    """

    url: str
    body: bytes
    kind: Kind
    fetched_at: datetime
    charset: str | None = None
    listed: Moment = UNKNOWN
    board: str | None = None


@dataclass(frozen=True)
class Link:
    """A page to ask for next.

    `comments`: replies as the list counts them (a letter: 1 answered, 0 not yet); null where it does not say. A page
    whose count rose is due again.
    """

    url: str
    kind: Kind = "detail"
    listed: Moment = UNKNOWN
    board: str | None = None
    comments: int | None = None


@dataclass(frozen=True)
class Read:
    """What a page says.

    `found` counts entries (list, snapshot) or posts (detail). `next_url` is the following page of the same list or
    thread. `problem` says in words what was left out. `layout` names where title and body stood; it changes when
    the site changes its template.
    """

    found: int
    posts: tuple[RawPost, ...] = ()
    links: tuple[Link, ...] = ()
    next_url: str | None = None
    problem: str | None = None
    layout: str | None = None


#: A family's reading: pure, raises Unreadable or Undecodable.
Reader = Callable[[Source, Page], Read]


@dataclass(frozen=True)
class PageRead:
    """What a callback made of a page; FetchLogMiddleware turns it into the Fetch row.

    `posts`: those it gave that no page of the run had given before.
    """

    found: int
    posts: int
    detail: str | None = None
    known: int | None = None
    layout: str | None = None
    agreement: float | None = field(default=None)


def post_from(
    source: Source,
    page: Page,
    *,
    title: str,
    text: str,
    encoding: str,
    published: Moment = UNKNOWN,
    date_source: DateSource | None = None,
    url: str | None = None,
    observed_at: datetime | None = None,
    views: int | None = None,
    reposts: int | None = None,
    comments: int | None = None,
    heat: int | None = None,
    parent_id: str | None = None,
    index_no: str | None = None,
    answer: str | None = None,
    answered_at: datetime | None = None,
) -> RawPost:
    """A row of raw.posts from a page; where the page states no time, the list's stands in."""
    moment = published if published.at is not None else page.listed
    stated = moment.at is not None
    return RawPost(
        post_id=post_id(url or page.url),
        source_id=source.id,
        board=page.board or source.board,
        url=canonical_url(url or page.url),
        title=title,
        text=text,
        published_at=moment.at,
        published_precision=moment.precision,
        fetched_at=page.fetched_at,
        observed_at=observed_at or page.fetched_at,
        views=views,
        reposts=reposts,
        comments=comments,
        heat=heat,
        encoding=encoding,
        date_source=None if not stated else date_source if published.at is not None else "list",
        date_guessed=moment.guessed and stated,
        parent_id=parent_id,
        index_no=index_no,
        answer=answer,
        answered_at=answered_at,
    )
