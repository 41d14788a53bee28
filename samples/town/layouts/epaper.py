"""A newspaper's electronic edition (数字报), as 方正 software makes it.

Per day a folder with pages node_<n>.htm, one per 版, from node_2.htm on, each naming all of them, and with articles
content_<n>.htm.
"""

import re
from datetime import date, timedelta
from html import escape

from samples.page import Page
from samples.town.layouts.parts import html_page, paragraphs
from samples.town.story import Post, Site

FIRST = "/html/{day:%Y-%m/%d}/node_2.htm"
_WEEKDAYS = "一二三四五六日"
#: node_1 is the cover of the software, which readers do not see.
_FIRST_NODE = 2
_NAMES = {"A01": "要闻", "A02": "民生", "A03": "副刊"}


def address(post: Post) -> str:
    """Address of an article within the site."""
    return f"/html/{post.day:%Y-%m/%d}/content_{post.number}.htm"


def draw(site: Site, path: str, day: date) -> Page | None:
    """One 版 of an edition, or an article of it; editions of later days do not exist yet."""
    if match := re.fullmatch(r"/html/(\d{4}-\d\d/\d\d)/node_(\d+)\.htm", path):
        articles = [p for p in site.posts if f"{p.day:%Y-%m/%d}" == match[1] and p.day <= day]
        columns = sorted({p.column for p in articles})
        index = int(match[2]) - _FIRST_NODE
        if not 0 <= index < len(columns):
            return None
        shown = [p for p in articles if p.column == columns[index]]
        return html_page(site, 200, _name(columns[index]), _page(shown, columns))
    article = next((p for p in site.posts if address(p) == path and p.day <= day), None)
    return None if article is None else html_page(site, 200, article.title, _article(article))


def _name(column: str) -> str:
    return f"第{column}版：{_NAMES[column]}" if column in _NAMES else f"第{column}版"


def _head(post: Post) -> str:
    return (
        f'<div class="head"><span class="date">{post.day:%Y年%m月%d日}</span> '
        f"星期{_WEEKDAYS[post.day.weekday()]} <strong>{escape(_name(post.column))}</strong></div>\n"
    )


def _page(articles: list[Post], columns: list[str]) -> str:
    ordered = sorted(articles, key=lambda p: p.number)
    links = [address(p).rsplit("/", 1)[1] for p in ordered]
    areas = "".join(
        f'<area shape="polygon" coords="0,{80 * i},240,{80 * i},240,{80 * i + 76},0,{80 * i + 76}" href="{link}">'
        for i, link in enumerate(links)
    )
    rows = "\n".join(f'<li><a href="{link}">{escape(p.title)}</a></li>' for p, link in zip(ordered, links, strict=True))
    pages = "\n".join(
        f'<tr><td><a id="pageLink" href="node_{number}.htm">{escape(_name(column))}</a></td></tr>'
        for number, column in enumerate(columns, _FIRST_NODE)
    )
    before = articles[0].day - timedelta(days=1)
    return (
        f'{_head(articles[0])}<map name="pagepicmap">{areas}</map>\n<table class="pages">\n{pages}\n</table>\n'
        f'<a class="preart" href="../../{before:%Y-%m/%d}/node_{_FIRST_NODE}.htm">上一期</a>\n'
        f'<ul class="titles">\n{rows}\n</ul>'
    )


def _article(post: Post) -> str:
    lines = "\n".join(f"<p>　　{line}</p>" for line in paragraphs(post.body))
    reporter = f'<p class="by">{escape(post.source)}</p>\n' if post.source else ""
    return (
        f"{_head(post)}<!--enpproperty <articleid>{post.number}</articleid><date>{post.day} 00:00:00.0</date>"
        f"<author>{escape(post.source)}</author><title>{escape(post.title)}</title><keyword></keyword>"
        "<subtitle></subtitle><introtitle></introtitle>/enpproperty-->\n"
        f'<h1 class="headline"><founder-title>{escape(post.title)}</founder-title></h1>\n{reporter}'
        f'<div id="ozoom"><founder-content><!--enpcontent-->\n{lines}\n<!--/enpcontent--></founder-content></div>'
    )
