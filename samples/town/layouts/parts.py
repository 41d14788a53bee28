"""What the layouts share: which posts are up, figures, times, the frame of a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from html import escape
from types import MappingProxyType
from zlib import crc32

from samples.page import Page
from samples.town.story import Post, Site


def visible(site: Site, day: date) -> list[Post]:
    """Posts shown on `day`, latest first."""

    def stated(post: Post) -> datetime:
        return post.time if isinstance(post.time, datetime) else datetime.combine(post.time, time.min)

    return sorted((p for p in site.posts if p.day <= day), key=lambda p: (stated(p), p.number), reverse=True)


def count(site: Site, post: Post, counts: Sequence[int], day: date) -> int | None:
    """The figure shown on `day`: one per sample day since the post is up, the last holds on."""
    if not counts:
        return None
    age = sum(post.day < d <= day for d in site.days)
    return counts[min(age, len(counts) - 1)]


def number(value: int | None) -> str:
    """A figure as printed; unknown prints nothing."""
    return "" if value is None else str(value)


def stamp(post: Post, *, day_only: bool = False) -> str:
    """When the post was published, as pages print it."""
    exact = isinstance(post.time, datetime) and not day_only
    return post.time.strftime("%Y-%m-%d %H:%M" if exact else "%Y-%m-%d")


def paragraphs(text: str) -> list[str]:
    """Lines of a text, escaped."""
    return [escape(line) for line in text.strip().splitlines() if line.strip()]


@dataclass(frozen=True)
class Slice:
    """One page of a list, and the number of the page after it."""

    posts: list[Post]
    next: int | None


def cut(site: Site, number: int, day: date) -> Slice | None:
    """Page `number` of the list of posts; None if there is no such page."""
    posts, size = visible(site, day), site.page_size
    if number != 1 and not 1 <= number <= -(-len(posts) // size):
        return None
    return Slice(posts[(number - 1) * size : number * size], number + 1 if number * size < len(posts) else None)


def html_page(site: Site, status: int, title: str, body: str) -> Page:
    """A page of the site around `body`, in the site's encoding."""
    text = (
        "<!DOCTYPE html>\n"
        '<html lang="zh-CN"><head>'
        f'<meta http-equiv="Content-Type" content="text/html; charset={site.declared}">\n'
        f"<title>{escape(title)}_{escape(site.name)}</title></head>\n<body>\n"
        f'<div class="top"><a href="/">{escape(site.name)}</a></div>\n{body}\n'
        f'<div class="footer"><p>{escape(site.notice)}</p></div>\n</body></html>\n'
    )
    # Like many such servers, no charset in the header: the page itself has to say it.
    return Page(status, MappingProxyType({"Content-Type": "text/html"}), text.encode(site.encoding))


def writer(site: Site, key: str) -> tuple[int, str, str]:
    """User number, nickname and region, always the same for one key."""
    pick = crc32(key.encode())
    author = pick % len(site.authors)
    return 10231 + author, site.authors[author], site.regions[pick // 97 % len(site.regions)]
