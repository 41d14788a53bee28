"""A government portal or news site: numbered list pages, detail pages with 发布时间, 信息来源, 浏览次数."""

import re
from datetime import date
from html import escape

from samples.page import Page
from samples.town.layouts.parts import Slice, count, cut, html_page, number, paragraphs, stamp, visible
from samples.town.story import Post, Site

FIRST = "/zwgk/list_1.html"


def address(post: Post) -> str:
    """Address of a post within the site."""
    return f"/{'internal' if post.fault == 'robots' else 'content/detail'}/{post.number}.html"


def draw(site: Site, path: str, day: date) -> Page | None:
    """A page of the list, or a post; both in the new layout from the day of a redesign on."""
    redesigned = site.redesigned_from is not None and site.redesigned_from <= day
    if match := re.fullmatch(r"/zwgk/list_(\d+)\.html", path):
        listed = cut(site, int(match[1]), day)
        return (
            None
            if listed is None
            else html_page(site, 200, site.board or "政务公开", (_wall if redesigned else _list)(listed))
        )
    for post in visible(site, day):
        if address(post) != path or post.fault == "not_found":
            continue
        if post.fault == "soft_404":
            return html_page(site, 200, "页面提示", '<div class="tip"><p>您访问的页面不存在</p></div>')
        return html_page(site, 200, post.title, _story(post) if redesigned else _detail(site, post, day))
    return None


def _list(listed: Slice) -> str:
    rows = "\n".join(
        f'<li><a href="{address(p)}" title="{escape(p.title)}">{escape(p.title)}</a>'
        f'<span class="date">{stamp(p, day_only=True)}</span></li>'
        for p in listed.posts
    )
    more = f'<a class="next" href="/zwgk/list_{listed.next}.html">下一页</a>' if listed.next else ""
    return f'<div class="list"><ul>\n{rows}\n</ul></div>\n<div class="page">{more}</div>'


def _wall(listed: Slice) -> str:
    """The list after a redesign: cards, and the rest comes by script."""
    cards = "\n".join(
        f'<article class="card"><h3><a href="{address(p)}">{escape(p.title)}</a></h3>'
        f"<time>{stamp(p, day_only=True)}</time></article>"
        for p in listed.posts
    )
    return f'<section class="wall">\n{cards}\n</section>\n<button class="more">加载更多</button>'


def _story(post: Post) -> str:
    lines = "\n".join(f"<p>{line}</p>" for line in paragraphs(post.body))
    return (
        f'<header class="hero"><h2>{escape(post.title)}</h2><time>{stamp(post)}</time></header>\n'
        f'<section class="story">\n{lines}\n</section>'
    )


def _detail(site: Site, post: Post, day: date) -> str:
    views = number(count(site, post, post.views, day))
    lines = "\n".join(f"<p>　　{line}</p>" for line in paragraphs(post.body))
    return (
        f'<div class="position">当前位置：首页 &gt; 政务公开 &gt; {escape(post.column)}</div>\n'
        f'<h1 class="title">{escape(post.title)}</h1>\n'
        f'<div class="info"><span class="time">发布时间：{stamp(post)}</span>'
        f'<span class="from">信息来源：{escape(post.source)}</span>'
        f'<span>浏览次数：<em class="views">{views}</em></span></div>\n'
        f'<div class="content">\n{lines}\n</div>\n'
        '<div class="share">分享到：<a href="#">打印本页</a> <a href="#">关闭窗口</a></div>'
    )
