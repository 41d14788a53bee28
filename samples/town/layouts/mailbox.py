"""A message board of a government (互动交流): letters, later their answers, each with its time."""

import re
from datetime import date
from html import escape

from samples.page import Page
from samples.town.layouts.parts import Slice, count, cut, html_page, number, paragraphs, stamp, visible, writer
from samples.town.story import Post, Site

FIRST = "/hdjl/list_1.html"


def address(post: Post) -> str:
    """Address of a letter within the site."""
    return f"/hdjl/show/{post.number}.html"


def draw(site: Site, path: str, day: date) -> Page | None:
    """The list of letters with their state, or a letter with its answer once it is there."""
    if match := re.fullmatch(r"/hdjl/list_(\d+)\.html", path):
        listed = cut(site, int(match[1]), day)
        return None if listed is None else html_page(site, 200, site.board, _list(listed, day))
    for post in visible(site, day):
        if address(post) == path:
            return html_page(site, 200, post.title, _letter(site, post, day))
    return None


def _is_answered(post: Post, day: date) -> bool:
    return post.answered is not None and post.answered.date() <= day


def _list(listed: Slice, day: date) -> str:
    rows = "\n".join(
        f'<tr class="letter"><td><a href="{address(p)}">{escape(p.title)}</a></td>'
        f'<td class="asked">{stamp(p, day_only=True)}</td>'
        f'<td class="state">{"已答复" if _is_answered(p, day) else "办理中"}</td></tr>'
        for p in listed.posts
    )
    more = f'<a class="next" href="/hdjl/list_{listed.next}.html">下一页</a>' if listed.next else ""
    return f'<table id="letters">\n{rows}\n</table>\n<div class="page">{more}</div>'


def _letter(site: Site, post: Post, day: date) -> str:
    _, nickname, _ = writer(site, post.id)
    question = "\n".join(f"<p>{line}</p>" for line in paragraphs(post.body))
    return (
        f'<h1 class="subject">{escape(post.title)}</h1>\n'
        f'<table class="facts"><tr><td>来信人</td><td class="writer">{escape(nickname)}</td>'
        f'<td>来信时间</td><td class="asked">{stamp(post)}</td>'
        f'<td>浏览次数</td><td class="hits">{number(count(site, post, post.views, day))}</td></tr></table>\n'
        f'<div class="question">\n{question}\n</div>\n{_answer(post, day)}'
    )


def _answer(post: Post, day: date) -> str:
    if not _is_answered(post, day):
        return '<div class="reply">正在办理</div>'
    lines = "\n".join(f"<p>{line}</p>" for line in paragraphs(post.answer))
    return (
        f'<div class="reply"><span class="office">答复单位：{escape(post.source)}</span>'
        f'<span class="answered">答复时间：{post.answered:%Y-%m-%d %H:%M}</span>\n'
        f'<div class="answer">\n{lines}\n</div></div>'
    )
