"""A draft finds the family and the rules on pages of each kind, writes one file that is off, and asks politely."""

import json
import tomllib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.errors import UsageError
from caifeng.core.model.source import Source
from caifeng.core.settings import load_model
from caifeng.jobs.source_new import new_source
from crawlers.drafts.addresses import dated_address, personal_page
from crawlers.drafts.draft import Draft
from crawlers.drafts.entry import draft_entry
from crawlers.drafts.source_file import source_toml
from crawlers.drafts.start import draft_start
from crawlers.drafts.words import likeness
from crawlers.items import Page
from crawlers.pages.values import Unreadable
from crawlers.reading import READERS
from tests.unit.sites import LIST, NICKNAME, TITLES, article, html, office, served

AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
URL = "http://news.example/list.html"


def page(text: str | bytes, url: str = URL, kind="list") -> Page:
    return Page(url, text.encode() if isinstance(text, str) else text, kind, AT)


@pytest.fixture
def env(tmp_path):
    return office(tmp_path)


@pytest.fixture
def site():
    with served() as running:
        yield running


def links(*rows: tuple[str, str]) -> str:
    return "<ul>" + "".join(f'<li><a href="{href}">{text}</a></li>' for href, text in rows) + "</ul>"


# --- what a start page tells ------------------------------------------------------------------------------------


def test_the_list_is_found_and_not_the_menu_or_the_side_column():
    draft = draft_start(page(LIST))
    rules = draft.tables["list"]
    assert draft.family == "list_detail"
    assert draft.entries == len(TITLES)
    assert rules["item"] == "ul.news li"
    assert rules["time"] == "span.rq"
    assert "下一页" in rules["next"]
    assert draft.entry == "http://news.example/2026/0.html"
    assert draft.entry_title == TITLES[0]


def test_drafted_rules_find_what_the_page_lists():
    draft = draft_start(page(LIST))
    source = Source.model_validate(
        {"id": "x", "name": "x", "family": "list_detail", "class": "news", "reach": "county", **draft.tables}
    )
    read = READERS["list_detail"](source, page(LIST))
    assert [link.url for link in read.links] == [f"http://news.example/2026/{n}.html" for n in range(4)]
    assert all(link.listed.precision == "day" for link in read.links)
    assert read.next_url == "http://news.example/list_2.html"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_lists_in_tables_and_without_class_names(encoding):
    rows = "".join(
        f'<tr><td>{n}</td><td><a href="/{n}.htm">{title}</a></td><td>2026-11-1{n}</td></tr>'
        for n, title in enumerate(TITLES)
    )
    text = html("公告", f'<table id="gg"><tr><th>序号</th><th>标题</th><th>日期</th></tr>{rows}</table>')
    draft = draft_start(page(text.replace("utf-8", encoding).encode(encoding)))
    assert draft.encoding == encoding
    assert draft.entries == 4
    assert draft.tables["list"]["time"] == "td:nth-of-type(3)"


def test_entries_in_several_lists_are_one_group():
    parts = "".join(
        '<ul class="group">'
        + "".join(
            f'<li><a href="/a{k}{n}.html">关于第{k}{n}号事项的通知公告</a><i>2026-11-0{n + 1}</i></li>'
            for n in range(5)
        )
        + "</ul>"
        for k in range(3)
    )
    assert draft_start(page(html("通知", f'<div class="all">{parts}</div>'))).entries == 15


def forum() -> str:
    rows = "".join(
        f'<tbody id="normalthread_{n}"><tr><th><a class="s xst" href="/thread-{n}-1-1.html">{title}</a></th>'
        f'<td class="by"><cite><a href="/space-uid-{n}.html">{NICKNAME}</a></cite><em>2026-11-20</em></td></tr></tbody>'
        for n, title in enumerate(TITLES, 1)
    )
    return html("茶馆", f"<table>{rows}</table>", '<meta name="generator" content="Discuz! X3.4">')


def mailbox() -> str:
    rows = "".join(
        f'<tr><td><a href="/l{n}.html">{title}</a></td><td>2026-11-1{n}</td><td>已答复</td></tr>'
        for n, title in enumerate(TITLES)
    )
    return html("县长信箱", f"<table>{rows}</table>")


def programme() -> str:
    items = "".join(f"<li><i>0{n}:30</i><b>统计热线第{n}期</b></li>" for n in range(5))
    return html("涡河广播节目单", f"<ul class=jm>{items}</ul>")


FAMILIES = {
    "forum": ("http://bbs.example/forum-2-1.html", forum(), "list"),
    "openness": (
        "http://zw.example/XxgkContent/showList/9/0/page_1.html",
        html("公开", links(*((f"/XxgkContent/show/{n}.html", title) for n, title in enumerate(TITLES)))),
        "list",
    ),
    "epaper": (
        "http://paper.example/html/2026-11/20/node_2.htm",
        html("晚报", links(("content_1.htm", TITLES[0]), ("node_3.htm", "第02版：民生新闻"))),
        "epaper",
    ),
    "message_board": ("http://hd.example/list.html", mailbox(), "letter"),
    "programme": ("http://radio.example/2026-11-20.html", programme(), "programme"),
    "feed": (
        "http://x.example/rss",
        '<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>'
        f"<item><title>{TITLES[0]}</title><link>/1.html</link></item></channel></rss>",
        "feed",
    ),
    "sitemap": (
        "http://x.example/sitemap.xml",
        '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        "<url><loc>http://x.example/1.html</loc><lastmod>2026-11-20</lastmod></url></urlset>",
        "sitemap",
    ),
    "hot_list": (
        "http://x.example/hot/2026-11-20/top.json",
        json.dumps({"data": {"list": [{"word": title, "hot": 99 - n} for n, title in enumerate(TITLES)]}}),
        "hot_list",
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_recognised_and_its_draft_is_a_valid_source(family, env):
    url, text, needs = FAMILIES[family]
    draft = draft_start(page(text, url))
    assert draft.family == family
    written = tomllib.loads(source_toml(draft, "some_site", "某站", env.settings.office()))
    assert needs in written
    assert written["enabled"] is False
    assert "review" not in written
    assert Source.model_validate(written).family == family


def test_a_date_in_the_address_becomes_a_template():
    assert (
        dated_address("http://p.example/html/2026-11/20/node_2.htm")[0]
        == "http://p.example/html/{day:%Y-%m/%d}/node_2.htm"
    )
    assert dated_address("http://p.example/20261120/a.json")[0] == "http://p.example/{day:%Y%m%d}/a.json"
    assert dated_address("http://p.example/list_1.html") == ("http://p.example/list_1.html", False)


def test_a_ranking_gives_paths_to_titles_and_figures():
    data = {
        "updated": "2026-11-20 09:00",
        "data": {"hot": [{"title": t, "score": 100 - n, "id": n} for n, t in enumerate(TITLES)]},
    }
    rules = draft_start(page(json.dumps(data), "http://hot.example/api.json")).tables["hot_list"]
    assert (rules["items"], rules["title"], rules["heat"], rules["time"]) == ("data.hot", "title", "score", "updated")


@pytest.mark.parametrize("text", ["", "<html></html>", "{", "[1,2]", html("首页", "<p>没有链接</p>"), "<rss><channel>"])
def test_a_page_with_nothing_to_go_by_is_said_to_be_so(text):
    with pytest.raises(Unreadable):
        draft_start(page(text))


# --- what an entry page tells -----------------------------------------------------------------------------------


def test_detail_rules_read_what_the_generic_extractor_reads():
    draft = draft_entry(draft_start(page(LIST)), page(article(0), "http://news.example/2026/0.html", "detail"))
    detail = draft.tables["detail"]
    assert detail == {"title": "h1.bt", "body": "div.nr", "time": "span.sj", "views": "em.hits"}
    assert NICKNAME not in json.dumps(draft.found, ensure_ascii=False)


def test_without_reliable_selectors_the_generic_extractor_is_left_to_it(env):
    # Neither headline nor body has an element of its own.
    words = "，".join(["居民收入稳步增长"] * 30) + "。"
    bare = html(TITLES[0], f"<font>{TITLES[0]}</font><br>2026-11-20 09:30<br>{words}<br>{words}")
    draft = draft_entry(draft_start(page(LIST)), page(bare, "http://news.example/2026/0.html", "detail"))
    assert "detail" not in draft.tables
    assert "# No [detail]" in source_toml(draft, "x", "x", env.settings.office())


def test_a_counter_filled_by_a_script_stays_unknown():
    empty = article(1).replace('<em class="hits">10</em>', '<em class="hits"></em>')
    assert empty != article(1)
    draft = draft_entry(draft_start(page(LIST)), page(empty, "http://news.example/2026/1.html", "detail"))
    assert "views" not in draft.tables["detail"]
    assert any("脚本" in line for line in draft.found)


def test_a_letter_gives_question_answer_and_both_times():
    letter = html(
        TITLES[2],
        f'<h2 class="tit">{TITLES[2]}</h2><table class="f"><tr><td>留言人</td><td class="w">{NICKNAME}</td>'
        '<td>留言时间</td><td class="t">2026-11-12 20:10</td></tr></table>'
        '<div class="ask"><p>普查员来家里问种了几亩地，这和普查有什么关系？</p><p>请统计局解答一下，谢谢。</p></div>'
        '<div class="reply"><span class="rt">回复时间：2026-11-13 09:00</span>'
        '<div class="reply-text"><p>您好，农业普查需要了解土地经营情况，资料依法保密。</p></div></div>',
    )
    start = replace(draft_start(page(mailbox())), entry_title=TITLES[2])
    rules = draft_entry(start, page(letter, "http://news.example/l2.html", "detail")).tables["letter"]
    assert (rules["title"], rules["body"], rules["answer"]) == ("h2.tit", "div.ask", "div.reply-text")
    assert (rules["time"], rules["answered"]) == ("td.t", "span.rt")


# --- the file ---------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(name=st.text(min_size=1, max_size=30), title=st.text(max_size=30), remark=st.text(max_size=30))
def test_no_title_breaks_the_file(name, title, remark, office_of_tests):
    tables = {"list": {"urls": ["http://x.example/"], "item": "li"}}
    draft = Draft(
        "list_detail", "http://x.example/", title, "utf-8", tables, checks={"list.item": remark, "detail": remark}
    )
    assert tomllib.loads(source_toml(draft, "x", name, office_of_tests))["name"] == name


@pytest.fixture(scope="module")
def office_of_tests(tmp_path_factory):
    return office(tmp_path_factory.mktemp("office")).settings.office()


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_a_share(one, other):
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, one) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://weibo.com/u/1234567890",
        "https://weibo.com/1234567890",
        "https://m.weibo.cn/u/1234567890",
        "http://bbs.example/space-uid-17.html",
        "http://bbs.example/home.php?mod=space&uid=17",
        "https://www.zhihu.com/people/someone",
        "https://space.bilibili.com/1234",
        "https://www.douyin.com/user/MS4wLjABAAAA",
        "http://club.example/user/8812",
        "https://social.example/@someone",
    ],
)
def test_pages_of_persons_are_refused(url, env):
    assert personal_page(url)
    with pytest.raises(UsageError, match="个人账号"):
        new_source(env, url)
    assert not list((env.settings.config / "sources").iterdir())


@pytest.mark.parametrize(
    "url",
    [
        "http://www.example.gov.cn/zwgk/list_1.html",
        "http://bbs.example/forum-38-1.html",
        "https://s.weibo.com/top/summary",
        "http://news.example/2026/11/20/1234.html",
        "http://www.example.gov.cn/people/index.html",
    ],
)
def test_sections_of_sites_are_no_persons(url):
    assert personal_page(url) is None


# --- asking the site --------------------------------------------------------------------------------------------


def test_new_writes_one_file_that_is_off_and_unreviewed(env, site):
    drafted = new_source(env, f"{site.base}/list.html", "wohe", "涡河新闻网")
    assert drafted.file == env.settings.config / "sources" / "wohe.toml"
    assert [path.name for path in (env.settings.config / "sources").iterdir()] == ["wohe.toml"]
    source = load_model(drafted.file, Source)
    assert (source.id, source.name, source.enabled, source.review) == ("wohe", "涡河新闻网", False, None)
    assert source.detail is not None
    assert env.settings.sources().usable == ()
    assert site.asked == ["/robots.txt", "/list.html", "/2026/0.html"]
    assert all(agent.startswith("CaifengBot/") and "(+" in agent for agent in site.agents)
    assert any("caifeng sources review wohe" in line for line in drafted.lines())


def test_new_never_overwrites(env, site):
    file = new_source(env, f"{site.base}/list.html", "wohe").file
    before = file.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        new_source(env, f"{site.base}/list.html", "wohe")
    assert file.read_bytes() == before


@pytest.mark.parametrize("source_id", ["../x", "A", "x y", "x" * 61])
def test_an_id_is_a_file_name(source_id, env, site):
    with pytest.raises(UsageError, match="--id"):
        new_source(env, f"{site.base}/list.html", source_id)
    assert site.asked == []


def test_robots_txt_is_asked_first_and_obeyed(env, site):
    site.pages["/robots.txt"] = "User-agent: *\nDisallow: /list\n"
    with pytest.raises(UsageError, match=r"robots\.txt forbids"):
        new_source(env, f"{site.base}/list.html")
    assert site.asked == ["/robots.txt"]


def test_a_site_whose_robots_txt_fails_is_not_asked(env, site):
    site.pages["/robots.txt"] = (503, {})
    with pytest.raises(UsageError, match="HTTP 503"):
        new_source(env, f"{site.base}/list.html")
    assert site.asked == ["/robots.txt"]


def test_an_entry_that_robots_txt_forbids_is_a_remark(env, site):
    site.pages["/robots.txt"] = "User-agent: *\nDisallow: /2026/\n"
    drafted = new_source(env, f"{site.base}/list.html")
    assert any("条目页没有打开" in line for line in drafted.lines())
    assert site.asked == ["/robots.txt", "/list.html"]


@pytest.mark.parametrize("target", ["http://10.0.0.1/admin", "file:///etc/hostname"])
def test_no_redirect_leads_into_a_private_network(target, env, site):
    site.pages["/list.html"] = (302, {"Location": target})
    with pytest.raises(UsageError, match=r"private address|not an http"):
        new_source(env, f"{site.base}/list.html")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, {}), "HTTP 404"),
        ((302, {"Location": "/list.html"}), "redirects"),
        (b"\x00\x01\xff\xfe" * 400, "characters are unreadable"),
        (b"<p>" + b"x" * 6_000_000, "larger than"),
        (html("页面", '<meta property="og:type" content="profile">'), "个人账号"),
    ],
    ids=["404", "loop", "noise", "large", "profile"],
)
def test_a_page_that_cannot_be_used_is_one_line_and_no_file(answer, words, env, site):
    site.pages["/list.html"] = answer
    with pytest.raises(UsageError, match=words) as failed:
        new_source(env, f"{site.base}/list.html")
    assert failed.value.exit_code == 2
    assert not list((env.settings.config / "sources").iterdir())
