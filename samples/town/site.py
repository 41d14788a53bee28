"""Pages of the sample town: pure functions from story, path and day to the bytes a site would send."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from html import escape
from types import MappingProxyType
from typing import Any
from zlib import crc32

from samples.page import SHANGHAI, Page, WebSite, json_page, text_page, with_validators
from samples.town.story import Layout, Post, Site, Story, Topic

LIST_PATHS: dict[Layout, str] = {
    "portal": "/zwgk/list_1.html",
    "board": "/forum-38-1.html",
    "hotlist": "/hot/{day}/index.json",
}
"""Where a reader starts, by layout; `{day}` as in a source file."""


def web_sites(story: Story) -> list[WebSite]:
    """The sites of the story, ready to be served, in the order of their ports."""
    return [WebSite(site.id, partial(render, site)) for site in story.sites]


def render(site: Site, path: str, day: date) -> Page:
    """What `site` answers to a GET of `path` on `day`.

    Args:
        site: the site with its posts or topics.
        path: decoded path without query; unknown ones give 404.
        day: the current sample day; nothing of a later day is visible.

    Returns:
        The page; with ETag and Last-Modified (the sample day since which its
        bytes are the same) if it is 200.
    """
    if path == "/healthz":
        return text_page(200, "ok\n")
    page = _draw(site, path, day)
    changed = day
    for earlier in reversed([d for d in site.days if d < day]):
        if _draw(site, path, earlier) != page:
            break
        changed = earlier
    return with_validators(page, datetime.combine(changed, time.min, SHANGHAI))


def post_path(layout: Layout, post: Post) -> str:
    """Address of a post within its site."""
    if layout == "board":
        return f"/thread-{post.number}-1-1.html"
    folder = "internal" if post.fault == "robots" else "content/detail"
    return f"/{folder}/{post.number}.html"


def _draw(site: Site, path: str, day: date) -> Page:
    if path == "/robots.txt":
        return text_page(200, "".join(["User-agent: *\n", *(f"Disallow: {p}\n" for p in site.disallow)]))
    if path == "/":
        path = LIST_PATHS[site.layout].format(day=day)
    layouts = {"portal": _draw_portal, "board": _draw_board, "hotlist": _draw_hotlist}
    return layouts[site.layout](site, path, day) or _html(site, 404, "找不到页面", "<p>404 Not Found</p>")


def _visible(site: Site, day: date) -> list[Post]:
    """Posts shown on `day`, latest first."""

    def stated(post: Post) -> datetime:
        return post.time if isinstance(post.time, datetime) else datetime.combine(post.time, time.min)

    return sorted((p for p in site.posts if p.day <= day), key=lambda p: (stated(p), p.number), reverse=True)


def _count(site: Site, post: Post, counts: Sequence[int], day: date) -> int | None:
    """The figure shown on `day`: one per sample day since the post is up, the last holds on."""
    if not counts:
        return None
    age = sum(post.day < d <= day for d in site.days)
    return counts[min(age, len(counts) - 1)]


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _stamp(post: Post, *, day_only: bool = False) -> str:
    exact = isinstance(post.time, datetime) and not day_only
    return post.time.strftime("%Y-%m-%d %H:%M" if exact else "%Y-%m-%d")


def _paragraphs(text: str) -> list[str]:
    return [escape(line) for line in text.strip().splitlines() if line.strip()]


@dataclass(frozen=True)
class _Slice:
    """One page of a list, and the number of the page after it."""

    posts: list[Post]
    next: int | None


def _slice(site: Site, number: int, day: date) -> _Slice | None:
    posts, size = _visible(site, day), site.page_size
    if number != 1 and not 1 <= number <= -(-len(posts) // size):
        return None
    return _Slice(posts[(number - 1) * size : number * size], number + 1 if number * size < len(posts) else None)


def _html(site: Site, status: int, title: str, body: str) -> Page:
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


def _draw_portal(site: Site, path: str, day: date) -> Page | None:
    """A county government portal: numbered list pages, detail pages with 发布时间, 信息来源, 浏览次数."""
    if match := re.fullmatch(r"/zwgk/list_(\d+)\.html", path):
        listed = _slice(site, int(match[1]), day)
        return None if listed is None else _html(site, 200, "政务公开", _portal_list(listed))
    for post in _visible(site, day):
        if post_path("portal", post) != path or post.fault == "not_found":
            continue
        if post.fault == "soft_404":
            return _html(site, 200, "页面提示", '<div class="tip"><p>您访问的页面不存在</p></div>')
        return _html(site, 200, post.title, _portal_detail(site, post, day))
    return None


def _portal_list(listed: _Slice) -> str:
    rows = "\n".join(
        f'<li><a href="{post_path("portal", p)}" title="{escape(p.title)}">{escape(p.title)}</a>'
        f'<span class="date">{_stamp(p, day_only=True)}</span></li>'
        for p in listed.posts
    )
    more = f'<a class="next" href="/zwgk/list_{listed.next}.html">下一页</a>' if listed.next else ""
    return f'<div class="list"><ul>\n{rows}\n</ul></div>\n<div class="page">{more}</div>'


def _portal_detail(site: Site, post: Post, day: date) -> str:
    views = _number(_count(site, post, post.views, day))
    paragraphs = "\n".join(f"<p>　　{line}</p>" for line in _paragraphs(post.body))
    return (
        f'<div class="position">当前位置：首页 &gt; 政务公开 &gt; {escape(post.column)}</div>\n'
        f'<h1 class="title">{escape(post.title)}</h1>\n'
        f'<div class="info"><span class="time">发布时间：{_stamp(post)}</span>'
        f'<span class="from">信息来源：{escape(post.source)}</span>'
        f'<span>浏览次数：<em class="views">{views}</em></span></div>\n'
        f'<div class="content">\n{paragraphs}\n</div>\n'
        '<div class="share">分享到：<a href="#">打印本页</a> <a href="#">关闭窗口</a></div>'
    )


def _draw_board(site: Site, path: str, day: date) -> Page | None:
    """A forum in the manner of Discuz: thread list, thread with 查看 and 回复, writers all over the page."""
    if match := re.fullmatch(r"/forum-38-(\d+)\.html", path):
        listed = _slice(site, int(match[1]), day)
        return None if listed is None else _html(site, 200, site.board, _board_list(site, listed, day))
    for post in _visible(site, day):
        if post_path("board", post) == path:
            return _html(site, 200, post.title, _board_thread(site, post, day))
    return None


def _writer(site: Site, key: str) -> tuple[int, str, str]:
    """User number, nickname and region, always the same for one key."""
    pick = crc32(key.encode())
    author = pick % len(site.authors)
    return 10231 + author, site.authors[author], site.regions[pick // 97 % len(site.regions)]


def _board_list(site: Site, listed: _Slice, day: date) -> str:
    rows = []
    for post in listed.posts:
        uid, author, _ = _writer(site, post.id)
        replies, views = (_number(_count(site, post, c, day)) for c in (post.replies, post.views))
        rows.append(
            f'<tbody class="thread" id="normalthread_{post.number}"><tr>'
            f'<th><a class="s xst" href="{post_path("board", post)}">{escape(post.title)}</a></th>'
            f'<td class="by"><cite><a href="/space-uid-{uid}.html">{escape(author)}</a></cite>'
            f"<em>{_stamp(post, day_only=True)}</em></td>"
            f'<td class="num"><a class="xi2">{replies}</a><em>{views}</em></td></tr></tbody>'
        )
    more = f'<a class="nxt" href="/forum-38-{listed.next}.html">下一页</a>' if listed.next else ""
    table = "\n".join(rows)
    return (
        f'<h1 class="xs2">{escape(site.board)}</h1>\n'
        f'<div id="threadlist"><table>\n{table}\n</table></div>\n<div class="pg">{more}</div>'
    )


def _board_thread(site: Site, post: Post, day: date) -> str:
    views, replies = (_number(_count(site, post, c, day)) for c in (post.views, post.replies))
    opening = "<br>\n".join(_paragraphs(post.body))
    floors = [_board_floor(site, post.id, f"发表于 {_stamp(post)}", opening, "first")]
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
    uid, author, region = _writer(site, key)
    return (
        f'<div class="{css}"><div class="pls"><a href="/space-uid-{uid}.html">'
        f'<img src="/avatar/{uid}_middle.jpg" alt="{escape(author)}"></a>'
        f'<a class="xw1" href="/space-uid-{uid}.html">{escape(author)}</a>'
        f"<p>IP属地：{escape(region)}</p></div>\n"
        f'<div class="plc"><div class="authi"><em class="posted">{posted}</em></div>\n'
        f'<div class="t_f">{text}</div></div></div>\n'
    )


def _draw_hotlist(site: Site, path: str, day: date) -> Page | None:
    """A hot list: an index of the snapshots of a day, and hourly snapshots, all JSON."""
    if path == "/topic":
        return _html(site, 200, "话题", "<p>话题页（样例），没有用户内容。</p>")
    match = re.fullmatch(r"/hot/(\d{4}-\d\d-\d\d)/(index|\d\d)\.json", path)
    asked = next((d for d in site.days if match and d.isoformat() == match[1]), None)
    if match is None or asked is None or asked > day:
        return None
    midnight = datetime.combine(asked, time.min)
    hours = [h for h in (midnight + timedelta(hours=n) for n in range(24)) if h not in site.missing]
    if match[2] == "index":
        return json_page({"snapshots": [f"/hot/{h:%Y-%m-%d}/{h:%H}.json" for h in hours]})
    return next((json_page(_snapshot(site, h)) for h in hours if f"{h:%H}" == match[2]), None)


def _snapshot(site: Site, hour: datetime) -> dict[str, Any]:
    """Topics on the list in `hour`, hottest first, those without heat at the end."""

    def figure(topic: Topic, line: tuple[int, int] | None) -> int | None:
        return None if line is None else max(0, line[0] + line[1] * ((hour - topic.start) // timedelta(hours=1)))

    listed = [t for t in site.topics if t.start <= hour <= t.end]
    listed.sort(key=lambda t: (t.heat is None, -(figure(t, t.heat) or 0), t.title))
    items = [[t.title, *(figure(t, line) for line in (t.heat, t.views, t.comments, t.originals))] for t in listed]
    return {"time": hour.replace(tzinfo=SHANGHAI).isoformat(), "items": items}
