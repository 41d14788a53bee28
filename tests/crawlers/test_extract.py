"""The generic extractor on layouts of every sort that we made up, and the second opinion on it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.extract import extract_page, is_soft_404, own_address
from crawlers.pages.values import Unreadable
from crawlers.second_opinion import agreement, is_sampled, likeness
from tests.crawlers.layouts import BODY, NAV, PS, TITLE, comments, framed, layouts, page

SHANGHAI = ZoneInfo("Asia/Shanghai")
READ_AT = datetime(2026, 11, 22, 12, 0, tzinfo=SHANGHAI)
LAYOUTS = layouts()


def extract(html: str, url: str = ""):
    return extract_page(html, url, READ_AT)


def beijing(found) -> str | None:
    at = found.published.at
    return None if at is None else at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def test_there_are_layouts() -> None:
    assert len(LAYOUTS) >= 35


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name: str) -> None:
    layout = LAYOUTS[name]
    found = extract(layout.html, layout.url)
    assert found.title == layout.title
    assert found.body == layout.body
    if layout.when is None:
        assert found.published.at is None
        assert found.date_source is None
    else:
        day_only = len(layout.when) == 10
        assert beijing(found) == layout.when + (" 00:00" if day_only else "")
        assert found.published.precision == ("day" if day_only else "minute")
        assert found.date_source in {"meta", "script", "element", "text", "url"}


@pytest.mark.parametrize("count", [0, 1, 5, 50])
def test_comments_never_win(count: int) -> None:
    assert extract(page(f"{NAV}<h1>{TITLE}</h1><div>{PS}</div>{comments(count)}")).body == BODY


def test_list_page_has_no_body_of_sentences() -> None:
    items = "".join(
        f"<li><a href='{i}.html'>青禾县开展第{i}次统计调查</a><span>2026-10-01</span></li>" for i in range(40)
    )
    assert "。" not in extract(framed(f"<div class='list'><ul>{items}</ul></div>", title="统计信息")).body


@pytest.mark.parametrize(
    "html", ["", "<", "   ", "<html></html>", "没有标签的文字", "<p>", "<body><frameset>", "\x00" * 40]
)
def test_nothing_gives_nothing_and_never_fails(html: str) -> None:
    found = extract(html)
    assert found.published.at is None
    assert found.date_source is None


def test_a_theme_may_name_its_wrapper_like_furniture() -> None:
    html = page(
        f"<div class='sidebar-right comment-open share'>{NAV}<h1>{TITLE}</h1><div class='share-text'>{PS}</div></div>"
    )
    assert extract(html).body == BODY


def test_who_wrote_it_is_left_out() -> None:
    html = framed(
        f"<h1>{TITLE}</h1><div class='t'>2026-10-28 09:16 <span class='author'>写稿人甲</span></div>"
        f"<div class='c'><span class='nickname'>会员乙</span>{PS}<p>作者：写稿人甲</p><p>IP属地：安徽</p></div>"
    )
    found = extract(html)
    assert found.body == BODY
    assert not [name for name in ("写稿人甲", "会员乙", "安徽") if name in found.title + found.body]


def times(shown: str, meta: str = "", url: str = ""):
    head = f"<meta property='article:published_time' content='{meta}'>" if meta else ""
    return extract(framed(f"<h1>{TITLE}</h1><div>{shown}</div><div>{PS}</div>", head=head), url)


def test_what_the_page_shows_goes_before_a_close_meta_time() -> None:
    found = times("2026-10-28 09:16 来源：青禾日报", meta="2026-10-28T09:21:30+08:00")
    assert (beijing(found), found.date_source) == ("2026-10-28 09:16", "text")


def test_a_meta_time_in_the_wrong_zone_is_corrected_by_the_page() -> None:
    assert beijing(times("2026-10-28 09:16", meta="2026-10-28T09:16:00Z")) == "2026-10-28 09:16"


def test_a_meta_time_far_from_what_is_shown_wins_unless_the_address_knows_better() -> None:
    meta = "2026-10-20T08:00:00+08:00"
    assert times("2026-10-28 09:16", meta).date_source == "meta"
    found = times("2026-10-28 09:16", meta, "http://www.example.invalid/2026/10/28/1.html")
    assert (beijing(found), found.date_source) == ("2026-10-28 09:16", "text")


def test_the_minute_of_the_meta_time_completes_a_day_shown() -> None:
    found = times("2026年10月28日", meta="2026-10-28T09:16:00+08:00")
    assert (beijing(found), found.published.precision, found.date_source) == ("2026-10-28 09:16", "minute", "meta")


def test_midnight_in_a_meta_element_is_a_day() -> None:
    found = times("", meta="2026-10-28T00:00:00+08:00")
    assert (beijing(found), found.published.precision) == ("2026-10-28 00:00", "day")


def test_changed_and_printed_are_not_published() -> None:
    assert beijing(times("更新时间：2026-11-01 10:00", meta="2026-10-28 09:16:00")) == "2026-10-28 09:16"
    assert beijing(times("发布时间：2026-10-28 09:16 更新时间：2026-11-01 10:00")) == "2026-10-28 09:16"


def test_dates_in_sentences_and_sidebars_are_not_the_time() -> None:
    html = page(f"{NAV}<h1>{TITLE}</h1><div><p>2019年5月20日 10:00，第一次会议召开，会议研究了统计工作。</p>{PS}</div>")
    assert extract(html).published.at is None


def test_future_times_are_not_believed() -> None:
    assert times("2027-10-28 09:16").published.at is None


@given(st.integers(978_300_000, 1_795_000_000), st.sampled_from(["-", "/", "."]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_minute_shown_is_found(seconds: int, mark: str, joined: bool) -> None:
    at = datetime.fromtimestamp(seconds, SHANGHAI)
    text = at.strftime(f"%Y{mark}%m{mark}%d{'' if joined else ' '}%H:%M")
    found = times(f"<span>{text}</span>")
    assert found.published.at == at.replace(second=0)


@given(st.text(alphabet="<>/=\"' abdivptrl统计。，\n&;-!", max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_soup_is_read(soup: str) -> None:
    found = extract(f"<div>{soup}</div>{PS}")
    assert isinstance(found.body, str)
    assert found.published.precision in {"minute", "hour", "day", "unknown"}


def test_hostile_nesting_is_refused() -> None:
    with pytest.raises(Unreadable):
        extract("<div>" * 6_000)
    # Deep but closed is only deep.
    assert extract("<div>" * 3_000 + PS + "</div>" * 3_000).body == BODY


def test_own_address() -> None:
    url = "https://www.example.invalid/a.html"
    assert (
        own_address(f"<link rel='canonical' href='{url}'><meta property='og:url' content='http://other.invalid/'>")
        == url
    )
    assert own_address(f"<meta property='og:url' content='{url}'>") == url
    assert own_address("<link rel='canonical' href='javascript:0'>") == ""


def test_soft_404() -> None:
    assert is_soft_404("404", "")
    assert is_soft_404("页面不存在", "您访问的页面不存在")
    assert not is_soft_404(TITLE, BODY)


def test_two_extractors_agree_on_a_plain_page_and_not_on_a_wrong_body() -> None:
    html = page(f"<article><h1>{TITLE}</h1>{PS}</article>")
    assert agreement(html, "", BODY) > 0.9
    assert agreement(html, "", "首页 政务公开 办事服务 互动交流") < 0.2
    assert agreement("<html></html>", "", "") is None


def test_likeness() -> None:
    assert likeness("统计数据，公布。", "统计 数据公布") == 1.0
    assert likeness("统计数据公布", "") == 0.0
    assert likeness("，。", " ") is None
    assert likeness("局", "局") == 1.0
    # Three of the four pieces of abcdefg: 2 * 3 / (4 + 3).
    assert likeness("abcdefg", "abcdef") == pytest.approx(6 / 7)


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_symmetric_and_bounded(one: str, other: str) -> None:
    value = likeness(one, other)
    assert value == likeness(other, one)
    assert value is None or 0 <= value <= 1


def test_sample() -> None:
    urls = [f"http://www.example.invalid/{i}.html" for i in range(4_000)]
    taken = {url for url in urls if is_sampled(url, 0.05)}
    assert 120 < len(taken) < 280
    assert taken == {url for url in urls if is_sampled(url, 0.05)}
    assert taken <= {url for url in urls if is_sampled(url, 0.5)}
    assert not any(is_sampled(url, 0.0) for url in urls)
    assert all(is_sampled(url, 1.0) for url in urls)


def test_relative_times_count_from_the_reading() -> None:
    found = times("3小时前")
    assert found.published.at == READ_AT - timedelta(hours=3)
    assert found.published.precision == "hour"
