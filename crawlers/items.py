"""What a crawl lands: the rows of raw.posts and ops.fetches, field for column."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from caifeng.core.text.times import Precision

Kind = Literal["list", "detail", "snapshot"]
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


@dataclass(frozen=True)
class PageRead:
    """What a callback made of a page; FetchLogMiddleware turns it into the Fetch row."""

    found: int
    detail: str | None = None
