"""Reading of 数字报: every day an edition of its own. Pure: source and page in, values out.

An edition is a set of pages (版) in one folder, node_2.htm, node_3.htm, …, each with links to its articles. Much of it
runs on software of 北大方正, which marks what it prints: <founder-title>, <founder-content>, the comment enpproperty.
"""

import html
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from urllib.parse import urljoin

from caifeng.core.model.families import DetailPage
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import decode
from caifeng.core.text.times import SHANGHAI, UNKNOWN, Moment, date_in_url, parse_time
from caifeng.core.text.urls import canonical_url
from crawlers.extract import is_soft_404
from crawlers.items import DateSource, Link, Page, RawPost, Read
from crawlers.pages import list_detail
from crawlers.pages.values import Unreadable, absolute, block_text, first_text, parse_html, select

#: 第03版：民生, A01版 要闻, 03版; up to 20 characters of name.
_PAGE_NAME = re.compile(r"第?\s*[A-Z]?\d{1,3}\s*版\s*(?:[:：·]?\s*(?![上下]一?版|PDF)[^\s:：·|]{1,20})?")
#: What the software says of an article. The author in it is never looked at.
_PROPERTIES = "enpproperty"
_PROPERTY = re.compile(r"<(date|introtitle|subtitle)>(.{1,300}?)</\1>", re.DOTALL)
#: Characters of that comment that are read.
_PROPERTIES_LENGTH = 5_000
#: content_8801.htm?div=-1: the same article, opened from the page's image.
_DIV = re.compile(r"\?div=-?\d+$")
#: /202611/20/ for /2026-11/20/.
_MONTH_FOLDER = re.compile(r"/(20\d{2})(\d{2})/(\d{2})/")
_MARKUP = re.compile(r"<[^>]{0,200}>")
#: Title and body as 方正 marks them, the first that is there; with both no selectors are needed.
_TITLES = ("founder-title", "#Title", "h1")
_BODIES = ("founder-content", "#ozoom")
#: What stands above (肩题) and below (副题) the headline.
_ABOVE = "#PreTitle, .introtitle, .pretitle, .yinti, .jianti"
_BELOW = "#SubTitle, .subtitle, .futi"


def read(source: Source, page: Page) -> Read:
    """A page of the edition gives its articles and the other pages, an article is one post."""
    return read_edition(source, page) if page.kind == "list" else read_article(source, page)


def read_edition(source: Source, page: Page) -> Read:
    """A page of an edition: links to its articles and to the other pages of the same edition.

    Links to pages in another folder, and to articles of another day, are left alone. The page's own name
    (第03版：民生) becomes the board of its articles: where `page_name` says, else as the link that led here was called.

    Raises:
        Undecodable: the body is no text.
        Unreadable: a rule is not a CSS selector; neither articles nor other pages are there.
    """
    rules = source.epaper
    assert rules is not None
    tree = parse_html(decode(page.body, page.charset).text)
    day, folder = _edition(page.url, page), urljoin(page.url, ".")
    nodes = select(tree, rules.edition, "epaper.edition")
    named = [(target, node) for node in nodes if (target := absolute(page.url, node.attributes.get("href")))]
    folders = Counter(urljoin(target, ".") for target, _ in named)
    if day is None and folders and folder not in folders:
        # An address that lasts shows today's edition: most of its links are to that one.
        folder = folders.most_common(1)[0][0]
    names: dict[str, str | None] = {}
    addresses: dict[str, str] = {}
    for target, node in named:
        if urljoin(target, ".") == folder:
            key = canonical_url(target)
            addresses.setdefault(key, target)
            names[key] = names.get(key) or _page_name(node.text(separator=" "))
    own = canonical_url(page.url)
    stated = first_text(tree, rules.page_name, "epaper.page_name")
    board = (_page_name(stated) or stated) if stated else page.board or names.get(own)
    articles: dict[str, str] = {}
    for node in select(tree, rules.item, "epaper.item"):
        target = absolute(page.url, _DIV.sub("", node.attributes.get("href") or ""))
        if target is not None and len({None, day, _edition(target, page)}) <= 2:
            articles.setdefault(canonical_url(target), target)
    if not articles and not addresses:
        title = first_text(tree, "title", "title") or ""
        gone = is_soft_404(title, block_text(tree.body) if tree.body else "")
        raise Unreadable("soft 404" if gone else f"epaper.item: nothing found ({rules.item})")
    others = [Link(target, "list", board=names[key]) for key, target in addresses.items() if key != own]
    links = (*(Link(target, board=board) for target in articles.values()), *others[: rules.max_pages - 1])
    left_out = len(others) - (rules.max_pages - 1)
    problem = f"epaper.max_pages: {left_out} more pages in the edition" if left_out > 0 else None
    # A page with nothing but an advertisement is no failure: the pages it leads to count as well.
    return Read(len(links), links=links, problem=problem)


def read_article(source: Source, page: Page) -> Read:
    """An article: one post.

    Without a [detail] table the marks of 方正 are used, else the generic extractor. The article is of the edition's
    day, unless a rule of the source says otherwise: a date found in the words is not when it was printed.

    Raises:
        Undecodable: the body is no text.
        Unreadable: as list_detail.read_detail.
    """
    if source.detail is not None:
        read = list_detail.read_post(source, page)
        return replace(read, posts=tuple(_dated(post, page) for post in read.posts))
    text = decode(page.body, page.charset).text
    tree, said = parse_html(text), _properties(text)
    title = next((mark for mark in _TITLES if first_text(tree, mark, "mark")), None)
    # Also an empty one: a picture without words is no article, and what else is on the page is not its text.
    body = next((mark for mark in _BODIES if tree.css_first(mark) is not None), None)
    rules = DetailPage(title=title, body=body) if title and body else None
    read = list_detail.read_post(source.model_copy(update={"detail": rules}), page)
    above = first_text(tree, _ABOVE, "title") or said.get("introtitle")
    below = first_text(tree, _BELOW, "title") or said.get("subtitle")
    (post,) = read.posts
    if rules is not None:
        post = replace(post, title=" ".join(filter(None, (above, post.title, below))))
    return replace(read, posts=(_dated(post, page, parse_time(said.get("date", ""), page.fetched_at)),))


def _edition(url: str, page: Page) -> datetime | None:
    """Start of the day that an address names; null where it names none."""
    return date_in_url(_MONTH_FOLDER.sub(r"/\1-\2/\3/", url), page.fetched_at).at


def _page_name(text: str | None) -> str | None:
    found = _PAGE_NAME.search(" ".join((text or "").split()))
    return found[0].strip() if found else None


def _properties(text: str) -> dict[str, str]:
    """Title parts and date of the comment enpproperty, those that are filled."""
    _, _, rest = text.partition(f"<!--{_PROPERTIES}")
    said = dict(_PROPERTY.findall(rest[:_PROPERTIES_LENGTH].partition(_PROPERTIES)[0]))
    plain = {name: " ".join(html.unescape(_MARKUP.sub("", value)).split()) for name, value in said.items()}
    return {name: value for name, value in plain.items() if value}


def _dated(post: RawPost, page: Page, stored: Moment = UNKNOWN) -> RawPost:
    """The post with the edition's day, or with a time on that day where one is stated.

    `stored` is when the software filed it, often the night before. The day is no guess, unlike other days in
    addresses: an edition is filed under the day it is of.
    """
    edition = _edition(page.url, page)
    if post.date_source == "rule" or edition is None:
        return post

    def is_of_edition(at: datetime | None) -> bool:
        return at is not None and at.astimezone(SHANGHAI).date() == edition.astimezone(SHANGHAI).date()

    stated = is_of_edition(post.published_at) and post.date_source != "url"
    if stated and post.published_precision != "day":
        return post
    if is_of_edition(stored.at) and stored.precision != "day" and stored.at != edition:
        return _at(post, stored, "meta")
    return post if stated else _at(post, Moment(edition, "day"), "url")


def _at(post: RawPost, moment: Moment, source: DateSource) -> RawPost:
    return replace(
        post,
        published_at=moment.at,
        published_precision=moment.precision,
        date_source=source,
        date_guessed=moment.guessed,
    )
