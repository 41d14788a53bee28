"""Rules that hold for every page of a family: openness, epaper, programme, sitemap."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from caifeng.core.model.families import PRESETS
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import Undecodable
from caifeng.core.text.times import SHANGHAI
from crawlers.items import Kind, Page, Read
from crawlers.pages.values import Unreadable
from crawlers.reading import READERS
from tests.crawlers.test_pages import CASES

FETCHED = datetime(2026, 11, 20, 8, 40, tzinfo=UTC)
TODAY = date(2026, 11, 20)
words = st.text("县乡村统计数据普查员收入电价水费", min_size=4, max_size=12)


def source(family: str, **tables: Any) -> Source:
    return Source.model_validate(
        {"id": "s", "name": "样例", "family": family, "class": "portal", "reach": "county", **tables}
    )


def look(source: Source, url: str, body: str | bytes, kind: Kind = "list") -> Read:
    page = Page(url, body.encode() if isinstance(body, str) else body, kind, FETCHED)
    return READERS[source.family](source, page)


OPENNESS = source("openness", list={"urls": ["https://o.example/XxgkContent/showList/31/0/page_1.html"]})
PAPER = source("epaper", epaper={"urls": ["https://p.example/html/{day:%Y-%m/%d}/node_2.htm"], "max_pages": 4})
RADIO = source(
    "programme",
    programme={"urls": ["https://r.example/jmd"], "item": "li", "title": "b", "time": "i", "text": "p", "link": "a"},
)
NEWS = source("sitemap", sitemap={"urls": ["https://n.example/sitemap.xml"], "max_age_days": 3})


def test_presets_are_css() -> None:
    page, swept = LexborHTMLParser("<p>x</p>"), 0
    for tables in PRESETS.values():
        for rules in tables.values():
            for selector in (rule for rule in rules.values() if isinstance(rule, str)):
                page.css(selector)
                swept += 1
    assert swept > 15


@given(st.integers(1, 400), st.integers(1, 5))
def test_a_list_by_script_is_followed_by_number_while_it_has_entries(number: int, entries: int) -> None:
    rows = "".join(f"<li><a href='/XxgkContent/show/{i}.html'>文</a></li>" for i in range(entries))
    url = "https://o.example/XxgkContent/showList/31/0/page_{}.html"
    found = look(OPENNESS, url.format(number), f"<ul>{rows}</ul>")
    assert (found.found, found.next_url) == (entries, url.format(number + 1))
    assert look(OPENNESS, url.format(number), "<ul></ul>").next_url is None
    said = look(OPENNESS, url.format(number), f"<ul>{rows}</ul>共{number}页")
    assert said.next_url is None


@given(
    st.sampled_from(["2026-11-18", "2026年预算公开", "10:39", "加载中", "", "发布日期：2026-11-18", "次"]),
    st.sampled_from(["div", "td", "span", "em"]),
)
def test_an_empty_counter_stays_unknown_whatever_follows(after: str, tag: str) -> None:
    page = (
        f"<title>公告一则</title><h1>公告一则</h1><div>浏览次数：<{tag}></{tag}></div><p>{after}</p>"
        "<div><p>请各住户支持配合调查，如实申报资料，调查员会出示证件，资料依法保密。</p></div>"
    )
    (post,) = look(OPENNESS, "https://o.example/XxgkContent/show/1.html", page, "detail").posts
    assert post.views is None


@given(st.integers(0, 10**6))
def test_a_counter_is_read_wherever_its_figure_stands(count: int) -> None:
    body = "<div><p>请各住户支持配合调查，如实申报资料，调查员会出示证件，资料依法保密。</p></div>"
    for shown in (
        f"<div>浏览次数：<i>{count}</i>次</div>",
        f"<table><tr><td>浏览次数</td><td>{count:,}</td></tr></table>",
        f"<div>发布时间：2026-11-18 10:39　阅读量：[{count}]　【打印】【关闭】</div>",
    ):
        page = f"<title>公告一则</title><h1>公告一则</h1>{shown}{body}"
        (post,) = look(OPENNESS, "https://o.example/XxgkContent/show/1.html", page, "detail").posts
        assert post.views == count


@given(
    st.lists(st.sampled_from(["", "../19/", "../../2026-10/31/", "/html/2025-11/20/", "./"]), max_size=12),
    st.integers(2, 30),
)
def test_an_edition_never_leads_to_another_day(folders: list[str], node: int) -> None:
    url = f"https://p.example/html/2026-11/20/node_{node}.htm"
    links = "".join(f"<a href='{folder}node_{i}.htm'>第{i:02}版：民生</a>" for i, folder in enumerate(folders))
    found = look(PAPER, url, links + "<a href='content_1.htm'>文章</a>")
    pages = [link.url for link in found.links if link.kind == "list"]
    assert all(page.startswith("https://p.example/html/2026-11/20/node_") for page in pages)
    assert url not in pages
    assert len(pages) <= 3, "max_pages counts the page itself"
    others = sum(folder in {"", "./"} and i != node for i, folder in enumerate(folders))
    assert (found.problem is not None) == (others > 3)


@given(st.dates(date(2020, 1, 1), TODAY), st.dates(date(2019, 1, 1), TODAY), st.booleans())
def test_an_article_is_of_the_day_of_its_edition(edition: date, other: date, marked: bool) -> None:
    body = f"<p>村里的账本记到{other:%Y年%m月%d日}，一笔一笔清清楚楚，经得起查，也经得起问。</p>"
    content = f"<founder-content>{body}</founder-content>" if marked else f"<div>{body}</div>"
    page = f"<title>账本还在柜子里</title><h1>账本还在柜子里</h1><p>{other}</p>{content}"
    (post,) = look(PAPER, f"https://p.example/html/{edition:%Y-%m/%d}/content_1.htm", page, "detail").posts
    assert post.published_at is not None
    assert post.published_at.astimezone(SHANGHAI).date() == edition
    assert not post.date_guessed


@given(st.lists(st.tuples(words, st.integers(0, 23), st.integers(0, 59)), unique_by=lambda item: item[0], max_size=8))
def test_programme_items_have_lasting_addresses_and_no_time_ahead(items: list[tuple[str, int, int]]) -> None:
    rows = [f"<li><i>{hour:02}:{minute:02}</i><a href='/live'><b>{title}</b></a></li>" for title, hour, minute in items]
    page = "<ul>{}</ul>"
    found = look(RADIO, "https://r.example/jmd/2026-11-20/", page.format("".join(rows)))
    again = look(RADIO, "https://r.example/jmd/2026-11-20/", page.format("".join(reversed(rows))))
    next_day = look(RADIO, "https://r.example/jmd/2026-11-21/", page.format("".join(rows)))
    assert [post.title for post in found.posts] == [title for title, _, _ in items]
    if len(items) != 1:  # A single item's link may be its own.
        ids = [post.post_id for post in found.posts]
        assert len(set(ids)) == len(ids) == len(items)
        assert set(ids) == {post.post_id for post in again.posts}
        assert not set(ids) & {post.post_id for post in next_day.posts}
    for post, (_, hour, minute) in zip(found.posts, items, strict=True):
        at = datetime(2026, 11, 20, hour, minute, tzinfo=SHANGHAI)
        assert post.published_at is not None
        assert (post.published_at, post.published_precision) == (
            (at.astimezone(UTC), "minute") if at <= FETCHED else (datetime(2026, 11, 19, 16, tzinfo=UTC), "day")
        )


@given(st.lists(st.tuples(st.integers(1, 40), st.none() | st.integers(0, 9)), max_size=12))
def test_a_sitemap_leads_to_what_changed_lately_packed_or_not(entries: list[tuple[int, int | None]]) -> None:
    rows = "".join(
        f"<url><loc>https://n.example/a/{number}</loc>"
        + ("" if age is None else f"<lastmod>{TODAY - timedelta(age)}</lastmod>")
        + "</url>"
        for number, age in entries
    )
    xml = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'
    found = look(NEWS, "https://n.example/sitemap.xml", xml)
    ages: dict[int, int | None] = {}
    for number, age in entries:
        ages.setdefault(number, age)
    wanted = [f"https://n.example/a/{number}" for number, age in ages.items() if age is None or age <= 3]
    assert [link.url for link in found.links] == wanted
    assert found.found == len(ages)
    assert look(NEWS, "https://n.example/sitemap.xml.gz", gzip.compress(xml.encode())) == found


SITES = {
    "openness": "county_openness",
    "epaper": "city_paper",
    "programme": "county_radio",
    "sitemap": "province_news",
}
MINE = [case for case in CASES if case.parent.name in SITES.values() and case.name != "gzip_bomb"]


@settings(deadline=None)
@given(st.sampled_from(MINE), st.data())
def test_a_damaged_page_is_refused_or_read_never_a_crash(case: Path, data: st.DataObject) -> None:
    whole = next(case.glob("body.*")).read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), min_size=2, max_size=6)))
    body = b"".join(whole[a:b] for i, (a, b) in enumerate(pairwise([0, *cuts, len(whole)])) if i % 2 == 0)
    meta = json.loads((case / "meta.json").read_text("utf8"))
    try:
        found = look(Source.model_validate(meta["source"]), meta["url"], body, meta["kind"])
    except (Undecodable, Unreadable):
        return
    assert found.found >= len(found.posts)


@pytest.mark.parametrize("family", SITES)
def test_each_family_has_five_pages_and_one_that_is_broken(family: str) -> None:
    cases = [case for case in CASES if case.parent.name == SITES[family]]
    broken = [case for case in cases if '"error"' in (case / "expected.json").read_text("utf8")]
    assert len(cases) >= 5
    assert broken


def test_a_declaration_of_nonsense_is_refused() -> None:
    xml = f'<?xml version="1.0" encoding="U{"9" * 2_000}TF-8"?><urlset></urlset>'
    with pytest.raises(Unreadable, match="unknown encoding"):
        look(NEWS, "https://n.example/sitemap.xml", xml)


def test_a_prefix_without_a_namespace_is_refused() -> None:
    with pytest.raises(Unreadable, match="not XML"):
        look(NEWS, "https://n.example/sitemap.xml", "<urlset><news:loc>a</news:loc></urlset>")
