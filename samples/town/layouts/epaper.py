"""A newspaper's electronic edition (数字报): per day pages node_<n>.htm, one per 版, with articles content_<n>.htm."""

import re
from datetime import date
from html import escape

from samples.page import Page
from samples.town.layouts.parts import html_page, paragraphs
from samples.town.story import Post, Site

FIRST = "/html/{day}/node_1.htm"
_WEEKDAYS = "一二三四五六日"


def address(post: Post) -> str:
    """Address of an article within the site."""
    return f"/html/{post.day}/content_{post.number}.htm"


def draw(site: Site, path: str, day: date) -> Page | None:
    """One 版 of an edition, or an article of it; editions of later days do not exist yet."""
    if match := re.fullmatch(r"/html/(\d{4}-\d\d-\d\d)/node_(\d+)\.htm", path):
        articles = [p for p in site.posts if p.day.isoformat() == match[1] and p.day <= day]
        pages = sorted({p.column for p in articles})
        number = int(match[2])
        if not 1 <= number <= len(pages):
            return None
        shown = [p for p in articles if p.column == pages[number - 1]]
        return html_page(site, 200, pages[number - 1], _page(shown, number, len(pages)))
    article = next((p for p in site.posts if address(p) == path and p.day <= day), None)
    return None if article is None else html_page(site, 200, article.title, _article(article))


def _head(post: Post) -> str:
    return (
        f'<div class="head"><span class="date">{post.day:%Y年%m月%d日}</span> '
        f"星期{_WEEKDAYS[post.day.weekday()]} <span>第{escape(post.column)}版</span></div>\n"
    )


def _page(articles: list[Post], number: int, last: int) -> str:
    rows = "\n".join(
        f'<li><a href="{address(p).rsplit("/", 1)[1]}">{escape(p.title)}</a></li>'
        for p in sorted(articles, key=lambda p: p.number)
    )
    more = f'<a class="next-page" href="node_{number + 1}.htm">下一版</a>' if number < last else ""
    return f'{_head(articles[0])}<ul class="titles">\n{rows}\n</ul>\n<div class="turn">{more}</div>'


def _article(post: Post) -> str:
    lines = "\n".join(f"<p>　　{line}</p>" for line in paragraphs(post.body))
    reporter = f'<p class="by">{escape(post.source)}</p>\n' if post.source else ""
    return f'{_head(post)}<h1 class="headline">{escape(post.title)}</h1>\n{reporter}<div id="ozoom">\n{lines}\n</div>'
