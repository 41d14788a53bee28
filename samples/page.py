"""What every sample site speaks: a page, and a site that answers paths with pages."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Page:
    """One HTTP answer: status, headers without Content-Length, body in the bytes that go over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class WebSite:
    """A site to serve: its name in messages, and the answer to a decoded path on a sample day."""

    name: str
    answer: Callable[[str, date], Page]
    closed_from: date | None = None
    """First day on which its port refuses connections; None: it never does."""


def text_page(status: int, text: str) -> Page:
    """A short plain page in UTF-8, for robots.txt, health and errors."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return Page(status, MappingProxyType(headers), text.encode())


def json_page(value: object) -> Page:
    """A JSON answer in UTF-8."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Page(200, MappingProxyType(headers), json.dumps(value, ensure_ascii=False).encode())


def with_validators(page: Page, modified: datetime) -> Page:
    """The page with ETag and Last-Modified (RFC 9110, 8.8), so that it can be asked for conditionally.

    Args:
        page: a page with status 200; any other is returned unchanged.
        modified: when its body became what it is, with a time zone.
    """
    if page.status != 200:
        return page
    gmt = modified.astimezone(UTC)
    validators = {
        "ETag": f'"{hashlib.sha256(page.body).hexdigest()[:16]}"',
        "Last-Modified": format_datetime(gmt, usegmt=True),
    }
    return Page(page.status, MappingProxyType({**page.headers, **validators}), page.body)
