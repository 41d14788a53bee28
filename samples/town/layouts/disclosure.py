"""A disclosure platform (政府信息公开): documents with a block of 索引号, 发布机构, 发布日期, and 浏览次数."""

import re
from datetime import date
from html import escape

from samples.page import Page
from samples.town.layouts.parts import Slice, count, cut, html_page, number, paragraphs, stamp, visible
from samples.town.story import Post, Site

FIRST = "/public/column_1.html"


def address(post: Post) -> str:
    """Address of a document within the site."""
    return f"/public/show/{post.number}.html"


def draw(site: Site, path: str, day: date) -> Page | None:
    """The list of documents, or a document."""
    if match := re.fullmatch(r"/public/column_(\d+)\.html", path):
        listed = cut(site, int(match[1]), day)
        return None if listed is None else html_page(site, 200, "法定主动公开内容", _list(listed))
    for post in visible(site, day):
        if address(post) == path:
            return html_page(site, 200, post.title, _document(site, post, day))
    return None


def _list(listed: Slice) -> str:
    rows = "\n".join(
        f'<li><span class="no">{escape(p.index_no)}</span><a href="{address(p)}">{escape(p.title)}</a>'
        f"<em>{stamp(p, day_only=True)}</em></li>"
        for p in listed.posts
    )
    more = f'<a class="next" href="/public/column_{listed.next}.html">下一页</a>' if listed.next else ""
    return f'<ul class="openness">\n{rows}\n</ul>\n<div class="page">{more}</div>'


def _document(site: Site, post: Post, day: date) -> str:
    lines = "\n".join(f"<p>　　{line}</p>" for line in paragraphs(post.body))
    return (
        '<table class="index"><tr>'
        f'<th>索引号：</th><td class="no">{escape(post.index_no)}</td>'
        f"<th>信息分类：</th><td>{escape(post.column)}</td></tr>\n"
        f"<tr><th>发布机构：</th><td>{escape(post.source)}</td>"
        f'<th>发布日期：</th><td class="published">{stamp(post)}</td></tr>\n'
        "<tr><th>生效日期：</th><td>有效</td><th>废止日期：</th><td>暂无</td></tr></table>\n"
        f'<h1 class="name">{escape(post.title)}</h1>\n'
        f'<div class="seen">浏览次数：<em class="views">{number(count(site, post, post.views, day))}</em></div>\n'
        f'<div class="document">\n{lines}\n</div>'
    )
