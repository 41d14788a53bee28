"""Letters: no writer leaves the page, and a response time is stated only where the page states a possible one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.model.source import Source
from crawlers.items import Page, Read
from crawlers.pages.message_board import answers_shown, read, without_writer
from samples.page import SHANGHAI
from samples.town.layouts import mailbox
from samples.town.story import load_story

AT = datetime(2026, 11, 20, 8, 40, tzinfo=UTC)
HEAD = {"id": "letters", "name": "样例", "family": "message_board", "class": "message_board", "reach": "county"}
SOURCE = Source.model_validate(
    {
        **HEAD,
        "list": {"urls": ["http://letters.example/list"], "item": "li", "comments": ".state"},
        "letter": {
            "title": "h1",
            "body": ".ask",
            "time": ".asked",
            "answer": ".reply",
            "answered": ".answered",
            "status": ".status",
        },
    }
)


def letter(asked: str, answered: str, reply: str = "常住人口在统计公报中发布。", status: str = "") -> Read:
    body = (
        f'<h1>历年人口</h1><p class="asked">{asked}</p><div class="ask">在哪里查历年人口？</div>'
        f'<p class="answered">{answered}</p><div class="reply">{reply}</div><p class="status">{status}</p>'
    )
    return read(SOURCE, Page("http://letters.example/7", body.encode(), "detail", AT))


NOW = datetime(2026, 11, 20, 16, tzinfo=SHANGHAI)
MINUTES = st.integers(0, 6 * 365 * 24 * 60).map(lambda n: NOW - timedelta(minutes=n))


@given(MINUTES, MINUTES)
def test_an_answer_before_its_question_has_no_time(asked: datetime, answered: datetime) -> None:
    found = letter(f"{asked:%Y-%m-%d %H:%M}", f"{answered:%Y-%m-%d %H:%M}")
    (post,) = found.posts
    assert post.answer == "常住人口在统计公报中发布。"
    if answered < asked:
        assert post.answered_at is None
        assert found.problem == "letter.answered: before the letter"
    else:
        assert post.answered_at == answered
        assert found.problem is None


@given(MINUTES, st.integers(-400, 400))
def test_days_are_compared_where_no_clock_is_shown(asked: datetime, days: int) -> None:
    answered = asked.date() + timedelta(days=days)
    (post,) = letter(f"{asked:%Y-%m-%d %H:%M}", f"{answered:%Y-%m-%d}").posts
    possible = days >= 0 and datetime(answered.year, answered.month, answered.day, tzinfo=SHANGHAI) <= AT
    assert (post.answered_at is not None) == possible


@pytest.mark.parametrize("state", ["未回复", "未办结", "办理中", "正在办理", "待处理", "已受理", "转办中", "暂无回复"])
def test_an_open_letter_has_no_answer(state: str) -> None:
    assert answers_shown(state) == 0
    (post,) = letter("2026-11-18 09:00", "2026-11-19 10:00", status=state).posts
    assert (post.answer, post.answered_at) == (None, None)
    (post,) = letter("2026-11-18 09:00", "2026-11-19 10:00", reply=state).posts
    assert (post.answer, post.answered_at) == (None, None)


@pytest.mark.parametrize("state", ["已回复", "已办结", "办结", "已答复", "回复"])
def test_a_closed_letter_without_an_answer_is_told(state: str) -> None:
    assert answers_shown(state) == 1
    assert letter("2026-11-18 09:00", "2026-11-19 10:00", status=state).problem is None
    silent = letter("2026-11-18 09:00", "", reply="", status=state)
    assert silent.posts[0].answer is None
    assert silent.problem is not None
    assert "no answer is shown" in silent.problem


@pytest.mark.parametrize("state", ["", "公开", "3", None])
def test_other_words_say_nothing_of_an_answer(state: str | None) -> None:
    assert answers_shown(state) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("来信人：半桥\n我想查人口。", "我想查人口。"),
        ("来信人\n半桥\n我想查人口。", "我想查人口。"),
        ("【姓名】：半桥\n手机号码：155****0000\n我想查人口。", "我想查人口。"),
        ("联系地址：\n某巷七号\n我想查人口。", "我想查人口。"),
        ("我想查人口。\n写信人：半桥", "我想查人口。"),
        ("联系电话：155，请尽快回电，谢谢。", "联系电话：155，请尽快回电，谢谢。"),
        ("姓名登记错了怎么改？", "姓名登记错了怎么改？"),
        ("姓名\n" + "这一封信没有写名字，" * 5, "这一封信没有写名字，" * 5),
    ],
)
def test_who_wrote_stays_on_the_page(text: str, kept: str) -> None:
    assert without_writer(text) == kept


def test_the_list_says_which_letters_are_answered() -> None:
    body = "".join(
        f'<li><a href="/{n}">信</a><i class="state">{state}</i></li>'
        for n, state in enumerate(["已办结", "未回复", ""])
    )
    links = read(SOURCE, Page("http://letters.example/list", body.encode(), "list", AT)).links
    assert [link.comments for link in links] == [1, 0, None]


def test_the_towns_letters_get_their_answers_on_their_day() -> None:
    story, swept = load_story(), 0
    site = story.site("mailbox")
    rules = {
        "title": "h1.subject",
        "body": "div.question",
        "time": "td.asked",
        "answer": "div.reply .answer",
        "answered": "div.reply .answered",
    }
    source = Source.model_validate({**HEAD, "list": {"urls": ["http://m.example/"], "item": "tr"}, "letter": rules})
    for post in site.posts:
        for day in (day for day in story.days if day >= post.day):
            page = mailbox.draw(site, mailbox.address(post), day)
            assert page is not None
            at = datetime(day.year, day.month, day.day, 23, 50, tzinfo=SHANGHAI)
            (read_post,) = read(source, Page("http://m.example" + mailbox.address(post), page.body, "detail", at)).posts
            is_answered = post.answered is not None and post.answered.date() <= day
            assert (read_post.answer is not None) == is_answered
            assert (read_post.answered_at is not None) == is_answered
            swept += is_answered
    assert swept >= 6
