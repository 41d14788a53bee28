"""Threads: whose words are read as whose, and that a reply is the same reply wherever it stands."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.model.source import Source
from caifeng.core.text.encoding import Undecodable
from caifeng.core.text.urls import canonical_url, post_id
from crawlers.items import Page, Read
from crawlers.pages.forum import read, thread_address
from crawlers.pages.values import Unreadable

HERE = Path(__file__).resolve().parent
AT = datetime(2026, 11, 20, 8, 40, tzinfo=UTC)
SOURCE = Source.model_validate(
    {
        "id": "tea_board",
        "name": "样例",
        "family": "forum",
        "class": "board",
        "reach": "county",
        "list": {"urls": ["http://tea.example/forum-38-1.html"]},
    }
)
URL = "http://tea.example/thread-5-1-1.html"


def thread(*floors: str, title: str = "农村收入怎么调查", counters: str = "", url: str = URL) -> Read:
    posts = "".join(
        f'<div id="post_{n}"><em id="authorposton{n}">发表于 2026-11-20 10:{n:02}</em>'
        f'<div class="t_f" id="postmessage_{n}">{words}</div></div>'
        for n, words in enumerate(floors, 10)
    )
    body = (
        f'<html><body><div id="postlist"><div class="hm">{counters}</div><span id="thread_subject">{title}</span>'
        f"{posts}</div></body></html>"
    )
    return read(SOURCE, Page(url, body.encode(), "detail", AT))


def fixture(name: str) -> Read:
    meta: dict[str, Any] = json.loads((HERE / "tea_board" / name / "meta.json").read_text("utf8"))
    body = (HERE / "tea_board" / name / "body.html").read_bytes()
    return read(SOURCE, Page(meta["url"], body, "detail", AT))


@given(st.integers(1, 10**9), st.integers(1, 9999), st.integers(1, 99))
def test_all_pages_of_a_thread_have_one_address(tid: int, page: int, list_page: int) -> None:
    static = f"http://tea.example/thread-{tid}-{page}-{list_page}.html"
    assert thread_address(static) == (f"http://tea.example/thread-{tid}-1-1.html", page)
    query = f"http://tea.example/forum.php?page={page}&tid={tid}&mod=viewthread&extra=page%3D{list_page}&authorid=77"
    assert thread_address(query) == (f"http://tea.example/forum.php?mod=viewthread&tid={tid}", page)
    for url in (static, query):
        address, _ = thread_address(url)
        assert thread_address(address) == (address, 1)
        assert canonical_url(address) == address


@given(st.text(max_size=60))
def test_any_address_has_a_thread(path: str) -> None:
    url = f"http://bbs.example/{path}"
    address, number = thread_address(url)
    assert number >= 1
    assert thread_address(address)[0] == address


def test_a_reply_is_the_same_reply_on_another_page_of_the_thread() -> None:
    first, second = fixture("thread"), fixture("thread_page_2")
    by_id = {post.post_id: post for post in first.posts}
    moved = [post for post in second.posts if post.post_id in by_id]
    assert [post.url for post in moved] == ["http://tea.example/thread-123-1-1.html?pid=906"]
    assert moved == [by_id[post.post_id] for post in moved]
    assert {post.parent_id for post in (*first.posts, *second.posts)} == {None, first.posts[0].post_id}
    assert first.posts[0].post_id == post_id("http://tea.example/thread-123-1-1.html")


def test_a_reply_has_no_measures_no_title_and_not_the_lists_time() -> None:
    opening, *replies = fixture("thread").posts
    assert (opening.views, opening.comments, opening.parent_id) == (34012, 12, None)
    assert len(replies) == 3
    for reply in replies:
        assert (reply.title, reply.views, reply.reposts, reply.comments, reply.heat) == ("", None, None, None, None)
        assert canonical_url(reply.url) == reply.url
        assert "pid=" in reply.url


@pytest.mark.parametrize(
    ("words", "is_post"),
    [
        ("统计公报", True),
        ("看公报", False),
        ("顶", False),
        ("顶顶顶顶顶顶", False),
        ("赞赞赞赞赞", False),
        ("！！！……12345", False),
        ('<img src="a.jpg">', False),
        ("<blockquote>前面的人说了很多话</blockquote>嗯", False),
        ("GDP涨了", True),
        ("", False),
    ],
)
def test_a_reply_without_words_is_no_post(words: str, is_post: bool) -> None:
    found = thread("开头的帖子说了些话。", words)
    assert found.found == 2
    assert len(found.posts) == 1 + is_post


@pytest.mark.parametrize(
    ("counters", "views", "comments"),
    [
        ("查看: 340 | 回复: 12", 340, 12),
        ("查看: 340 回复: 12", 340, 12),
        ("回复: 12 | 浏览次数：1.2万", 12000, 12),
        ("查看:  | 回复: 12", None, 12),
        ("查看: 340 | 回复: ", 340, None),
        ("查看: 0 | 回复: 0", 0, 0),
        ("340", 340, 340),
        ("", None, None),
        ("正在载入", None, None),
    ],
)
def test_each_counter_is_read_by_its_own_label(counters: str, views: int | None, comments: int | None) -> None:
    opening = thread("开头的帖子说了些话。", counters=counters).posts[0]
    assert (opening.views, opening.comments) == (views, comments)


NAMES = st.text(alphabet="阿桥河畔听雨人小鱼干老树皮风筝Qq_7", min_size=2, max_size=8)


@given(NAMES)
def test_nobody_who_writes_is_named(name: str) -> None:
    decorations = (
        f'<i class="pstatus"> 本帖最后由 {name} 于 2026-11-20 10:41 编辑 </i>',
        f"本帖最后由 {name} 于 2026-11-20 10:41 编辑<br>",
        f"{name} 发表于 2026-11-20 09:00<br>",
        f"回复 3# {name} 的帖子<br>",
        f"<b>回复 <a href='#'>2#</a> <i>{name}</i> 的帖子</b><br>",
        f"回复 {name} ：",
        f"回复{name}：",
        f"@{name} ",
        f"引用 2楼 {name} 的话：<br>",
        f'<a href="/space-uid-8.html">{name}</a> ',
        f'<a href="home.php?mod=space&uid=8">@{name}</a> ',
        f'<span class="username">{name}</span>',
        f'<div class="sign">{name}的签名</div>',
        f"来自 {name}<br>",
        f"来自 IP：60.1.2.* {name}<br>",
    )
    said = "这句是他自己的话。"
    swept = 0
    for decoration in decorations:
        opening, reply = thread(decoration + said, f"<div>{decoration}{said}</div>").posts
        for post in (opening, reply):
            assert name not in post.text, decoration
            assert said in post.text, decoration
            swept += 1
    assert swept == 2 * len(decorations)


def test_offices_may_be_mentioned_and_figures_stay() -> None:
    opening, reply = thread("@蒙城县统计局 请回应", "回复 县统计局：回复率80%是怎么算的？").posts
    assert opening.text == "@蒙城县统计局 请回应"
    assert reply.text == "回复 县统计局：回复率80%是怎么算的？"
    assert thread("开头的话在这里", "回复率：只有八成").posts[1].text == "回复率：只有八成"


def test_a_reply_is_judged_without_what_it_quotes() -> None:
    quote = '<div class="quote"><blockquote>某人 发表于 2026-11-20 09:00<br>统计局编数据</blockquote></div>'
    opening, reply = thread(f"{quote}我转一段别人的话。", f"{quote}不信谣不传谣。").posts
    assert opening.text == "统计局编数据\n我转一段别人的话。"
    assert reply.text == "不信谣不传谣。"


def test_without_an_id_the_words_name_the_reply_and_hold_no_number() -> None:
    source = SOURCE.model_copy(update={"thread": SOURCE.thread.model_copy(update={"reply_id": None})})  # type: ignore[union-attr]
    body = (
        '<div id="postlist"><span id="thread_subject">借电表</span>'
        '<div id="post_1"><p id="postmessage_1">谁家有</p></div>'
        '<div id="post_2"><p id="postmessage_2">打我电话{number}</p></div></div>'
    )
    urls = {
        read(source, Page(URL, body.format(number=number).encode(), "detail", AT)).posts[1].url
        for number in ("15500001234", "15500004321")
    }
    assert len(urls) == 1
    assert "?reply=" in urls.pop()


@given(st.sampled_from(sorted(p.parent.name for p in HERE.glob("tea_board/*/meta.json"))), st.data())
def test_a_damaged_page_is_read_or_refused(name: str, data: st.DataObject) -> None:
    body = (HERE / "tea_board" / name / "body.html").read_bytes()
    at, until = sorted((data.draw(st.integers(0, len(body))), data.draw(st.integers(0, len(body)))))
    broken = body[:at] + data.draw(st.binary(max_size=20)) + body[until:]
    for kind in ("list", "detail"):
        try:
            found = read(SOURCE, Page(URL, broken, kind, AT))
        except (Unreadable, Undecodable):
            continue
        assert found.found >= len(found.posts)
        assert len({post.post_id for post in found.posts}) == len(found.posts)
