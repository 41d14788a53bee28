"""Reading of sites with list pages and detail pages. Pure: body, address, rules and fetch time in, values out."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from caifeng.core.model.families import DetailPage, ListPage
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import decode
from caifeng.core.text.times import Moment
from caifeng.core.text.urls import canonical_url
from crawlers.extract import extract_page, is_soft_404
from crawlers.items import DateSource, Link, Page, Read, post_from
from crawlers.pages.values import (
    Unreadable,
    absolute,
    block_text,
    drop_personal,
    first_text,
    layout_of,
    parse_count,
    parse_html,
    select,
    stated_moment,
    whole_page,
)


@dataclass(frozen=True)
class Entry:
    """One entry of a list: where it leads, and its time and the words of its counter if the list shows them."""

    url: str
    listed: Moment
    comments: str | None


@dataclass(frozen=True)
class ListRead:
    """A list page: its entries in order, each address once; the next page; items without a usable link."""

    entries: tuple[Entry, ...]
    next_url: str | None
    without_link: int


@dataclass(frozen=True)
class PostRead:
    """A detail page. Measures not shown are null, never 0."""

    title: str
    text: str
    published: Moment
    views: int | None
    reposts: int | None
    comments: int | None
    encoding: str
    date_source: DateSource | None = None
    index_no: str | None = None
    layout: str | None = None


def read(source: Source, page: Page) -> Read:
    """A list page gives links, a detail page one post."""
    if page.kind == "list":
        assert source.list is not None
        listed = read_list(page.body, page.url, source.list, page.fetched_at, page.charset)
        links = tuple(Link(entry.url, listed=entry.listed) for entry in listed.entries)
        problem = f"{listed.without_link} items without a web link" if listed.without_link else None
        return Read(len(links), links=links, next_url=listed.next_url, problem=problem)
    return read_post(source, page)


def read_post(source: Source, page: Page) -> Read:
    """A detail page: one post."""
    found = read_detail(page.body, page.url, source.detail, page.fetched_at, page.charset)
    post = post_from(
        source,
        page,
        title=found.title,
        text=found.text,
        encoding=found.encoding,
        published=found.published,
        date_source=found.date_source,
        views=found.views,
        reposts=found.reposts,
        comments=found.comments,
        index_no=found.index_no,
    )
    return Read(1, posts=(post,), layout=found.layout)


def read_list(body: bytes, url: str, rules: ListPage, fetched_at: datetime, encoding: str | None = None) -> ListRead:
    """Read a list page.

    Args:
        body: as it came.
        url: address of the page, base of its links.
        rules: the source's [list] table.
        fetched_at: reference of relative times.
        encoding: charset of the source's override or of the HTTP header.

    Raises:
        Undecodable: the body is no text.
        Unreadable: a rule is not a CSS selector, or items are there but none has a link.
    """
    page = parse_html(decode(body, encoding).text)
    items = select(page, rules.item, "list.item")
    entries: dict[str, Entry] = {}
    without_link = 0
    for item in items:
        links = [item] if item.tag == "a" and rules.link == "a" else select(item, rules.link, "list.link")
        target = absolute(url, links[0].attributes.get("href") if links else None)
        if target is None:
            without_link += 1
            continue
        listed = stated_moment(item, rules.time, "list.time", fetched_at)
        comments = first_text(item, rules.comments, "list.comments")
        entries.setdefault(canonical_url(target), Entry(target, listed, comments))
    if items and not entries:
        raise Unreadable(f"list.link: none of {len(items)} items has a web link ({rules.link})")
    following = select(page, rules.next, "list.next") if rules.next else []
    next_url = absolute(url, following[0].attributes.get("href")) if following else None
    return ListRead(tuple(entries.values()), next_url, without_link)


def read_detail(
    body: bytes, url: str, rules: DetailPage | None, fetched_at: datetime, encoding: str | None = None
) -> PostRead:
    """Read a detail page by the source's [detail] table, or by the generic extractor where there is none.

    Raises:
        Undecodable: the body is no text.
        Unreadable: title or body are not where the rules say, or the page says that it is none (soft 404).
    """
    decoded = decode(body, encoding)
    if rules is None:
        found = extract_page(decoded.text, url, fetched_at)
        title, text, moment = found.title, found.body, found.published
        date_source = cast("DateSource | None", found.date_source)
        views = reposts = comments = index_no = layout = None
        missing = "title" if not title else "body" if not text else None
        reason = f"generic extractor: no {missing}"
    else:
        page = parse_html(decoded.text)
        # Measures and time first: both may sit in the line that also names the author.
        moment = stated_moment(page, rules.time, "detail.time", fetched_at)
        views = parse_count(first_text(page, rules.views, "detail.views"))
        reposts = parse_count(first_text(page, rules.reposts, "detail.reposts"))
        comments = parse_count(first_text(page, rules.comments, "detail.comments"))
        date_source = "rule"
        index_no = first_text(page, rules.index_no, "detail.index_no")
        title = first_text(page, rules.title, "detail.title") or ""
        layout = layout_of(page, rules.title, rules.body)
        drop_personal(page)
        text = "\n".join(filter(None, map(block_text, select(page, rules.body, "detail.body")[:1])))
        missing = "title" if not title else "body" if not text else None
        if missing and is_soft_404(*whole_page(page)):
            raise Unreadable("soft 404")
        reason = f"detail.{missing}: nothing found ({rules.title if missing == 'title' else rules.body})"
    if is_soft_404(title, text):
        raise Unreadable("soft 404")
    if missing:
        raise Unreadable(reason)
    return PostRead(
        title,
        text,
        moment,
        views,
        reposts,
        comments,
        decoded.encoding,
        date_source if moment.at is not None else None,
        index_no,
        layout,
    )
