"""A forum in the manner of Discuz: thread list, thread with 查看 and 回复, writers all over the page."""

import re
from datetime import date
from html import escape

from samples.page import Page
from samples.town.layouts.parts import Slice, count, cut, html_page, number, paragraphs, stamp, visible, writer
from samples.town.story import Post, Site

FIRST = "/forum-38-1.html"


def address(post: Post) -> str:
    """Address of a post within the site."""
    return f"/thread-{post.number}-1-1.html"


def draw(site: Site, path: str, day: date) -> Page | None:
    """A forum in the manner of Discuz: thread list, thread with 查看 and 回复, writers all over the page."""
    if match := re.fullmatch(r"/forum-38-(\d+)\.html", path):
        listed = cut(site, int(match[1]), day)
        return None if listed is None else html_page(site, 200, site.board, _board_list(site, listed, day))
    for post in visible(site, day):
        if address(post) == path:
            return html_page(site, 200, post.title, _board_thread(site, post, day))
    return None


def _board_list(site: Site, listed: Slice, day: date) -> str:
    rows = []
    for post in listed.posts:
        uid, author, _ = writer(site, post.id)
        replies, views = (number(count(site, post, c, day)) for c in (post.replies, post.views))
        rows.append(
            f'<tbody class="thread" id="normalthread_{post.number}"><tr>'
            f'<th><a class="s xst" href="{address(post)}">{escape(post.title)}</a></th>'
            f'<td class="by"><cite><a href="/space-uid-{uid}.html">{escape(author)}</a></cite>'
            f"<em>{stamp(post, day_only=True)}</em></td>"
            f'<td class="num"><a class="xi2">{replies}</a><em>{views}</em></td></tr></tbody>'
        )
    more = f'<a class="nxt" href="/forum-38-{listed.next}.html">下一页</a>' if listed.next else ""
    table = "\n".join(rows)
    return (
        f'<h1 class="xs2">{escape(site.board)}</h1>\n'
        f'<div id="threadlist"><table>\n{table}\n</table></div>\n<div class="pg">{more}</div>'
    )


def _board_thread(site: Site, post: Post, day: date) -> str:
    views, replies = (number(count(site, post, c, day)) for c in (post.views, post.replies))
    opening = "<br>\n".join(paragraphs(post.body))
    floors = [_board_floor(site, post.id, f"发表于 {stamp(post)}", opening, "first")]
    floors += [
        _board_floor(site, f"{post.id}/{n}", f"{n + 1}楼", escape(answer), "reply")
        for n, answer in enumerate(post.answers, 1)
    ]
    return (
        f'<div class="hm"><span class="xg1">查看:</span> <span class="xi1 views">{views}</span>'
        f'<span class="pipe">|</span>'
        f'<span class="xg1">回复:</span> <span class="xi1 replies">{replies}</span></div>\n'
        f'<h1 class="ts"><span id="thread_subject">{escape(post.title)}</span></h1>\n'
        f'<div id="postlist">\n{"".join(floors)}</div>'
    )


def _board_floor(site: Site, key: str, posted: str, text: str, css: str) -> str:
    uid, author, region = writer(site, key)
    return (
        f'<div class="{css}"><div class="pls"><a href="/space-uid-{uid}.html">'
        f'<img src="/avatar/{uid}_middle.jpg" alt="{escape(author)}"></a>'
        f'<a class="xw1" href="/space-uid-{uid}.html">{escape(author)}</a>'
        f"<p>IP属地：{escape(region)}</p></div>\n"
        f'<div class="plc"><div class="authi"><em class="posted">{posted}</em></div>\n'
        f'<div class="t_f">{text}</div></div></div>\n'
    )
