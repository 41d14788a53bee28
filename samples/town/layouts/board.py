"""A forum in the manner of Discuz! X3: thread list, threads of several pages, writers all over the page."""

import re
from datetime import date, timedelta
from html import escape

from samples.page import Page
from samples.town.layouts.parts import Slice, count, cut, html_page, number, paragraphs, stamp, visible, writer
from samples.town.story import Post, Site

FIRST = "/forum-38-1.html"
#: Posts on one page of a thread.
FLOORS = 10
REPLY_EVERY = timedelta(minutes=11)


def address(post: Post) -> str:
    """Address of a post within the site."""
    return f"/thread-{post.number}-1-1.html"


def draw(site: Site, path: str, day: date) -> Page | None:
    """The list of threads, or a page of a thread with 查看 and 回复."""
    if match := re.fullmatch(r"/forum-38-(\d+)\.html", path):
        listed = cut(site, int(match[1]), day)
        return None if listed is None else html_page(site, 200, site.board, _board_list(site, listed, day))
    if match := re.fullmatch(r"/thread-(\d+)-(\d+)-1\.html", path):
        for post in visible(site, day):
            if post.number == int(match[1]):
                thread = _board_thread(site, post, int(match[2]), day)
                return None if thread is None else html_page(site, 200, post.title, thread)
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


def _board_thread(site: Site, post: Post, page: int, day: date) -> str | None:
    floors = _floors(site, post)
    pages = -(-len(floors) // FLOORS)
    if not 1 <= page <= pages:
        return None
    views, replies = (number(count(site, post, c, day)) for c in (post.views, post.replies))
    more = f'<a class="nxt" href="/thread-{post.number}-{page + 1}-1.html">下一页</a>' if page < pages else ""
    shown = "".join(floors[(page - 1) * FLOORS : page * FLOORS])
    return (
        '<div id="postlist" class="pl bm">\n'
        f'<div class="hm ptn"><span class="xg1">查看:</span> <span class="xi1 views">{views}</span>'
        f'<span class="pipe">|</span>'
        f'<span class="xg1">回复:</span> <span class="xi1 replies">{replies}</span></div>\n'
        f'<h1 class="ts"><span id="thread_subject">{escape(post.title)}</span></h1>\n'
        f'{shown}</div>\n<div class="pg"><strong>{page}</strong>{more}</div>'
    )


def _floors(site: Site, post: Post) -> list[str]:
    """The opening post, and the replies at a fixed distance; every third one quotes it, names and all."""
    _, asked, _ = writer(site, post.id)
    opened = f"发表于 {stamp(post)}"
    floors = [_floor(site, post.id, post.number * 100, opened, "<br>\n".join(paragraphs(post.body)))]
    for n, words in enumerate(post.answers, 1):
        said = post.time + n * REPLY_EVERY
        posted = f'发表于 <span title="{said:%Y-%m-%d %H:%M:%S}">{said:%m-%d %H:%M}</span>'
        quote = f'<div class="quote"><blockquote>{escape(asked)} {opened}<br>{escape(post.title)}</blockquote></div>'
        text = (quote if n % 3 == 0 else "") + escape(words)
        floors.append(_floor(site, f"{post.id}/{n}", post.number * 100 + n, posted, text))
    return floors


def _floor(site: Site, key: str, pid: int, posted: str, text: str) -> str:
    uid, author, region = writer(site, key)
    return (
        f'<div id="post_{pid}"><div class="pls"><a href="/space-uid-{uid}.html">'
        f'<img src="/avatar/{uid}_middle.jpg" alt="{escape(author)}"></a>'
        f'<a class="xw1" href="/space-uid-{uid}.html">{escape(author)}</a>'
        f"<p>IP属地：{escape(region)}</p></div>\n"
        f'<div class="plc"><div class="authi"><em id="authorposton{pid}">{posted}</em></div>\n'
        f'<div class="t_f" id="postmessage_{pid}">{text}</div></div></div>\n'
    )
