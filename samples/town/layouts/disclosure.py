"""A disclosure platform (政府信息公开) as the province's: documents with a block of 索引号, 发布机构, and 浏览次数."""

import re
from datetime import date
from html import escape

from samples.page import Page
from samples.town.layouts.parts import Slice, count, cut, html_page, number, paragraphs, stamp, visible
from samples.town.story import Post, Site

_LIST = "/XxgkContent/showList/31/0/page_{}.html"
FIRST = _LIST.format(1)


def address(post: Post) -> str:
    """Address of a document within the site."""
    return f"/XxgkContent/show/{post.number}.html"


def draw(site: Site, path: str, day: date) -> Page | None:
    """The list of documents, or a document."""
    if match := re.fullmatch(_LIST.format(r"(\d+)"), path):
        listed = cut(site, int(match[1]), day)
        return None if listed is None else html_page(site, 200, "法定主动公开内容", _list(listed, int(match[1])))
    for post in visible(site, day):
        if address(post) == path:
            return html_page(site, 200, post.title, _document(site, post, day))
    return None


def _list(listed: Slice, page: int) -> str:
    rows = "\n".join(
        f'<ul><li class="xh">{place}</li><li class="mc"><a href="{address(p)}">{escape(p.title)}</a></li>'
        f'<li class="rq">{stamp(p, day_only=True)}</li></ul>'
        for place, p in enumerate(listed.posts, 1)
    )
    # Like its model, it makes the page links by script; readers go by the number in the address.
    script = f"<script>page({listed.next - 1}, {listed.next})</script>" if listed.next else f"共{page}页"
    return f'<div class="xxgk_navli">\n{rows}\n</div>\n<div class="page">{script}</div>'


def _document(site: Site, post: Post, day: date) -> str:
    lines = "\n".join(f"<p>　　{line}</p>" for line in paragraphs(post.body))
    return (
        '<table class="index"><tr>'
        f'<th>索 引 号：</th><td class="no">{escape(post.index_no)}</td>'
        f"<th>信息分类：</th><td>{escape(post.column)}</td></tr>\n"
        f"<tr><th>发布机构：</th><td>{escape(post.source)}</td>"
        f"<th>发文日期：</th><td>{stamp(post, day_only=True)}</td></tr>\n"
        f"<tr><th>名　　称：</th><td>{escape(post.title)}</td><th>有效性：</th><td>有效</td></tr></table>\n"
        f'<h1 class="name">{escape(post.title)}</h1>\n'
        f'<div class="tools">发布时间：<span class="published">{stamp(post)}</span>　浏览次数：'
        f'<em class="views">{number(count(site, post, post.views, day))}</em>　【打印】【关闭】</div>\n'
        f'<div class="document">\n{lines}\n</div>'
    )
