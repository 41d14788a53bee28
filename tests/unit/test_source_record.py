"""A recorded page has no person on it, reads as before, and is a case that the fixture test passes."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from caifeng.core.errors import DataError, UsageError
from caifeng.core.model.source import Source
from caifeng.core.settings import load_model
from caifeng.core.text.scrub import find_pii
from caifeng.jobs.source_record import fixture, record_source, scrub_page, words
from crawlers.items import Page
from tests.crawlers.test_pages import outcome
from tests.unit.sites import NICKNAME, PHONE, REPORTER, TITLES, article, html, office, put_source, served

AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
NAMES = {"news.example": "woheside.example"}
UID = "8841207"
SOURCE = Source.model_validate(
    {
        "id": "woheside",
        "name": "x",
        "family": "list_detail",
        "class": "news",
        "reach": "county",
        "list": {"urls": ["http://news.example/list.html"], "item": "li"},
        "detail": {"title": "h1.bt", "body": "div.nr"},
    }
)
THREAD = html(
    TITLES[0],
    f'<!-- posted by {NICKNAME} --><div class="post"><a href="/space-uid-{UID}.html">'
    f'<img src="/avatar/{UID}.jpg" alt="{NICKNAME}"></a>'
    f'<table><tr><td>来信人</td><td class="c">{NICKNAME}</td><td>时间</td><td>2026-11-20 09:30</td></tr></table>'
    f'<em class="username">{NICKNAME}</em><p>IP属地：安徽</p><h1 class="bt">{TITLES[0]}</h1>'
    f'<div class="nr" data-uid="{UID}" onclick="talk({UID})">'
    f"<p>请拨打{PHONE}咨询，人均可支配收入 12345 元，同比增长 4.8%。（通讯员 {REPORTER}）</p>"
    f"<p>责任编辑：{REPORTER}</p></div></div>",
    f'<meta name="author" content="{REPORTER}">'
    f'<script>var user={{"nick":"{NICKNAME}","pubDate":"2026-11-20 09:30"}};</script>',
)


@pytest.fixture
def env(tmp_path):
    return office(tmp_path)


@pytest.fixture
def site():
    with served() as running:
        yield running


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_nobody_is_left_on_a_scrubbed_page(encoding):
    body = THREAD.replace('charset="utf-8"', f'charset="{encoding}"').encode(encoding)
    ending, clean = scrub_page(body, None, NAMES)
    text = clean.decode(encoding)
    assert ending == "html"
    assert not [word for word in (NICKNAME, REPORTER, PHONE, UID, "安徽") if word in text]
    assert not find_pii(text)
    # What the page says about the matter stays, and so do its elements.
    assert TITLES[0] in text
    assert "人均可支配收入 12345 元，同比增长 4.8%" in text
    assert '"pubDate":"2026-11-20 09:30"' in text
    before, after = LexborHTMLParser(THREAD), LexborHTMLParser(text)
    for selector in ("h1.bt", "div.nr", "em.username", "td.c", "table"):
        assert len(before.css(selector)) == len(after.css(selector)) == 1


def test_feeds_and_rankings_lose_their_people():
    feed = (
        '<?xml version="1.0"?><rss version="2.0"><channel><item><title>x</title>'
        f"<author>{NICKNAME}</author><dc:creator>{REPORTER}</dc:creator>"
        f"<link>http://news.example/1?uid={UID}</link></item></channel></rss>"
    )
    ending, clean = scrub_page(feed.encode(), None, NAMES)
    assert ending == "xml"
    assert not re.search(f"{NICKNAME}|{REPORTER}|{UID}|news.example", clean.decode())
    ranking = {"data": [{"word": TITLES[0], "user_name": NICKNAME, "uid": int(UID), "hot": 3}]}
    ending, clean = scrub_page(json.dumps(ranking).encode(), None, NAMES)
    assert ending == "json"
    assert json.loads(clean) == {"data": [{"word": TITLES[0], "user_name": "", "uid": None, "hot": 3}]}


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="县局普查，。 1234567890<b></b>", max_size=20), st.text(alphabet="，。 <i></i>a", max_size=10))
def test_a_number_anywhere_is_gone_or_the_page_is_refused(before, after):
    text = article(0, f"<p>{before}电话{PHONE}{after}</p>")
    page = Page("http://news.example/2026/0.html", text.encode(), "detail", AT)
    try:
        kept = fixture(SOURCE, "detail_1", page)
    except DataError:
        return
    assert PHONE not in kept.page.body.decode()
    assert PHONE not in json.dumps(kept.read, ensure_ascii=False)


@given(st.text(max_size=80))
def test_words_are_scrubbed_once_for_all(text):
    assert words(words(text)) == words(text)


def test_recorded_cases_pass_the_test_of_all_fixtures(env, site, tmp_path):
    put_source(env, site.base)
    site.pages["/2026/0.html"] = article(0, f"<p>请拨打{PHONE}咨询普查登记的有关事项。</p>")
    recording = record_source(env, "woheside", tmp_path / "cases" / "woheside")
    assert [folder.name for folder in recording.folders] == ["list", "detail_1", "detail_2"]
    for folder in recording.folders:
        assert sorted(path.name for path in folder.iterdir()) == ["body.html", "expected.json", "meta.json"]
        assert outcome(folder) == json.loads((folder / "expected.json").read_text("utf8"))
        everything = "".join(path.read_text("utf8") for path in folder.iterdir())
        assert not [word for word in (PHONE, NICKNAME, REPORTER, "127.0.0.1") if word in everything]
    post = json.loads((recording.folders[1] / "expected.json").read_text("utf8"))["posts"][0]
    assert post["title"] == TITLES[0]
    assert "〔手机号〕" in post["text"]
    assert post["url"] == "http://woheside.example/2026/0.html"
    assert recording.lines()[-1] == "read expected.json line by line; you are its only check"


def test_nothing_is_overwritten_and_half_recordings_do_not_happen(env, site, tmp_path):
    put_source(env, site.base)
    record_source(env, "woheside", tmp_path / "cases")
    with pytest.raises(UsageError, match="is there already"):
        record_source(env, "woheside", tmp_path / "cases")
    site.pages["/2026/1.html"] = html("404", "<h1>页面不存在</h1>")
    with pytest.raises(UsageError):
        record_source(env, "woheside", tmp_path / "others")
    assert not (tmp_path / "others").exists()


def test_an_ordinary_page_is_not_refused():
    page = Page("http://news.example/2026/0.html", article(0, f"<p>电话{PHONE}。</p>").encode(), "detail", AT)
    assert "〔手机号〕" in fixture(SOURCE, "detail_1", page).read["posts"][0]["text"]


def test_a_page_that_would_read_otherwise_is_refused(env, site):
    path = put_source(env, site.base)
    # The rules read the body out of an element that names the author: without its words nothing is left of it.
    path.write_text(path.read_text("utf8").replace('views = "em.hits"', 'views = "span.author"'), "utf8")
    counted = article(0).replace(f'<span class="author">{NICKNAME}</span>', '<span class="author">阅读 12</span>')
    page = Page(f"{site.base}/2026/0.html", counted.encode(), "detail", AT)
    with pytest.raises(DataError, match="reads otherwise: views"):
        fixture(load_model(path, Source), "detail_1", page)


def test_no_site_is_asked_without_a_review(env):
    path = put_source(env, "http://news.example")
    path.write_text(path.read_text("utf8").replace("min_delay_seconds = 0\n", ""), "utf8")
    with pytest.raises(UsageError, match="caifeng sources review woheside"):
        record_source(env, "woheside")
    with pytest.raises(UsageError, match="no such source"):
        record_source(env, "nobody")
