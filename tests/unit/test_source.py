"""The file of a source: strict, and no site is crawled without a review that holds."""

import tomllib
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from caifeng.core.model.source import Source

TODAY = date(2026, 11, 22)
HEAD: dict[str, Any] = {"id": "one", "name": "一", "class": "news", "reach": "county"}
REVIEW: dict[str, Any] = {
    "role": "政务公开办",
    "date": date(2026, 11, 1),
    "robots": "allowed",
    "rate": "每 30 分钟一次，每页间隔 5 秒",
    "terms": "无限制",
    "personal_data": "页面有来信人称呼，不采集",
    "decision": "approved",
    "next_review": date(2027, 10, 31),
}


def tables(url: str = "https://news.example/rss.xml") -> dict[str, dict[str, Any]]:
    return {
        "list_detail": {"list": {"urls": [url], "item": "li"}},
        "hot_list": {"hot_list": {"urls": [url], "items": "a", "title": "b", "link": "https://x.example/{title}"}},
        "feed": {"feed": {"urls": [url]}},
        "inbox": {"columns": {"title": "标题", "text": ["内容", "诉求内容"]}},
    }


def source(family: str = "feed", url: str = "https://news.example/rss.xml", **more: Any) -> Source:
    return Source.model_validate({**HEAD, "family": family, **tables(url)[family], **more})


@pytest.mark.parametrize("family", list(tables()))
def test_each_family_needs_its_table_and_takes_no_other(family: str) -> None:
    assert source(family).family == family
    with pytest.raises(ValidationError, match=f"family {family} needs"):
        Source.model_validate({**HEAD, "family": family})
    others = [rules for name, rules in tables().items() if name != family]
    assert len(others) == 3
    for rules in others:
        with pytest.raises(ValidationError, match=f"family {family} has no"):
            source(family, **rules)


def test_a_feed_may_follow_its_links_and_a_ranking_may_not() -> None:
    detail = {"title": "h1", "body": "article"}
    assert source("feed", detail=detail).detail is not None
    with pytest.raises(ValidationError, match=r"no \[detail\]"):
        source("hot_list", detail=detail)


def test_headers_are_one_or_several() -> None:
    columns = source("inbox").columns
    assert columns is not None
    assert (columns.title, columns.text, columns.url) == (("标题",), ("内容", "诉求内容"), ())
    assert source("inbox").start_urls == ()


@pytest.mark.parametrize(
    "columns", [{}, {"url": "链接"}, {"title": ""}, {"title": [""]}, {"title": "标题", "author": "姓名"}, {"title": 3}]
)
def test_a_map_without_words_or_with_unknown_fields_is_refused(columns: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="columns"):
        source("inbox", columns=columns)


def test_only_an_inbox_has_a_sheet() -> None:
    assert source("inbox", sheet="工单").sheet == "工单"
    with pytest.raises(ValidationError, match="no sheet"):
        source("feed", sheet="工单")


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://127.0.0.1:8990/rss.xml", True),
        ("http://localhost/rss.xml", True),
        ("http://[::1]/rss.xml", True),
        ("http://10.0.0.1/rss.xml", False),
        ("https://localhost.example/rss.xml", False),
        ("https://127.0.0.1.example/rss.xml", False),
    ],
)
def test_loopback_needs_no_review_everything_else_does(url: str, is_loopback: bool) -> None:
    assert source(url=url).is_loopback is is_loopback
    assert source(url=url).may_be_crawled(TODAY) == (None if is_loopback else "未经审查")


def test_one_foreign_host_among_loopback_ones_needs_a_review() -> None:
    mixed = source(feed={"urls": ["http://127.0.0.1/a.xml", "https://news.example/b.xml"]})
    assert not mixed.is_loopback
    assert mixed.may_be_crawled(TODAY) == "未经审查"


def test_an_inbox_asks_no_site() -> None:
    assert not source("inbox").is_loopback
    assert source("inbox").may_be_crawled(TODAY) is None


def test_a_refused_site_stays_refused() -> None:
    refused = source(review={**REVIEW, "decision": "refused"})
    assert refused.may_be_crawled(TODAY) == "审查未通过"
    assert refused.may_be_crawled(date(2030, 1, 1)) == "审查未通过"


@given(st.integers(-400, 400))
def test_an_approval_holds_to_the_end_of_its_last_day(days: int) -> None:
    last = REVIEW["next_review"]
    words = source(review=REVIEW).may_be_crawled(last + timedelta(days=days))
    assert words == ("审查已过期" if days > 0 else None)


@pytest.mark.parametrize("field", list(REVIEW))
def test_every_answer_of_a_review_is_asked_for(field: str) -> None:
    with pytest.raises(ValidationError, match=f"review.{field}"):
        source(review={name: value for name, value in REVIEW.items() if name != field})


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "maybe"},
        {"robots": "yes"},
        {"role": ""},
        {"next_review": date(2026, 11, 1)},
        {"reviewer": "某人"},
        {"date": "yesterday"},
    ],
)
def test_a_review_is_strict(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="review"):
        source(review={**REVIEW, **change})


def test_a_review_as_it_stands_in_a_file() -> None:
    text = """
    id = "one"
    name = "一"
    family = "feed"
    class = "rss"
    reach = "county"
    [feed]
    urls = ["https://news.example/rss.xml"]
    [review]
    role = "政务公开办"
    date = 2026-11-01
    robots = "none"
    rate = "每 30 分钟一次"
    terms = "无"
    personal_data = "无"
    decision = "approved"
    next_review = 2027-11-01
    """
    read = Source.model_validate(tomllib.loads(text))
    assert read.review is not None
    assert read.review.next_review == date(2027, 11, 1)
    assert read.may_be_crawled(TODAY) is None
