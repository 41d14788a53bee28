"""The start page: which family it is of, and where the entries are."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from caifeng.core.model.families import Family
from caifeng.core.text.encoding import Undecodable, decode
from crawlers.drafts.addresses import dated_address
from crawlers.drafts.draft import Draft, read_with
from crawlers.drafts.lists import common_selector, groups, next_page
from crawlers.drafts.ranking import draft_ranking
from crawlers.drafts.selectors import shape, within
from crawlers.drafts.words import HEADLINE, link_text
from crawlers.items import Page
from crawlers.pages.values import Unreadable, absolute, first_text, parse_html, stated_moment

_CLOCK = re.compile(r"^\s*(?:[01]?\d|2[0-4])[:：][0-5]\d")
_STATE_OF_LETTER = re.compile(r"已回复|已答复|已办结|已办理|办理中|处理中|待回复|未回复|受理中|待办理|办理状态")
_ANSWERED = re.compile(r"已回复|已答复|已办结")
_BOARD_TITLE = re.compile(r"信箱|留言|来信|互动交流|问政|咨询投诉|网上信访|民意")
_PROGRAMME_TITLE = re.compile(r"节目单|节目表|节目预告|播出单|广播|电视")
_RANKING_TITLE = re.compile(r"热搜|热榜|热点榜|热度榜|风云榜")
_DISCLOSURE = re.compile(r"/(?:Xxgk|Openness)Content/show/", re.IGNORECASE)
_NO_PAGE = re.compile(r"\.(?:pdf|docx?|xlsx?|zip|rar|jpe?g|png|mp[34]|wps)$", re.IGNORECASE)


def draft_start(page: Page) -> Draft:
    """Recognise the family and find the entries.

    Raises:
        Undecodable: the body is no text.
        Unreadable: there is nothing to go by: no list, feed or ranking, or it is a page about one account.
    """
    if page.body[:2] == b"\x1f\x8b":
        return _machine(page, "sitemap", "sitemap", "压缩的网站地图")
    decoded = decode(page.body, page.charset)
    text = decoded.text.lstrip("\ufeff \t\r\n")
    if text[:1] in {"{", "["}:
        return draft_ranking(page, text)
    root = re.match(r"(?:<\?[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<(\w+(?::\w+)?)", text, re.DOTALL)
    match root[1].lower() if root else "":
        case "rss" | "rdf:rdf" | "feed":
            return _machine(page, "feed", "feed", "订阅源（RSS/Atom）")
        case "urlset" | "sitemapindex":
            return _machine(page, "sitemap", "sitemap", "网站地图（sitemap）")
    return _from_html(page, decoded.text, decoded.encoding)


def _machine(page: Page, family: Family, table: str, words: str) -> Draft:
    """A feed or a sitemap: its address says it all; the reader finds an entry to look at."""
    draft = Draft(family, page.url, "", "utf-8", {table: {"urls": [dated_address(page.url)[0]]}})
    found = [f"类型：{words}"]
    if family == "feed":
        text = decode(page.body, page.charset).text
        title = re.search(r"<title[^>]*>(?:\s*<!\[CDATA\[)?([^<\]]{1,80})", text)
        draft = replace(draft, title=" ".join(title[1].split()) if title else "")
    read = read_with(draft, page)
    links = [link.url for link in read.links if link.kind == "detail"]
    posts = [post for post in read.posts if len(post.text) < 60]
    if family == "feed" and read.posts and len(posts) * 2 > len(read.posts):
        found.append("条目只有标题或摘要：去读条目的页面（[detail]）")
        links = [post.url for post in read.posts]
    elif family == "feed":
        found.append("条目自带正文，不必打开页面")
    found.append(f"条目：{read.found} 条")
    return replace(draft, entries=read.found, entry=links[0] if links else None, found=tuple(found))


def _from_html(page: Page, text: str, encoding: str) -> Draft:
    tree = parse_html(text)
    if tree.css_first("meta[property='og:type'][content='profile']") is not None:
        raise Unreadable("个人账号页面不作为来源：本系统只看事项，不看个人")
    title = " ".join((first_text(tree, "title", "title") or "").split())
    family, words = _family(tree, page.url, title)
    address, dated = dated_address(page.url)
    found = [f"类型：{words}", f"编码：{encoding}"]
    if dated:
        found.append(f"地址随日期变化：{address}")
    draft = Draft(family, page.url, title, encoding, {}, found=tuple(found))
    alternate = tree.css_first("link[rel=alternate][type*=rss], link[rel=alternate][type*=atom]")
    if alternate is not None and (feed := absolute(page.url, alternate.attributes.get("href"))):
        draft = replace(draft, found=(*draft.found, f"本页另有订阅源，往往更省事：{feed}"))
    match family:
        case "epaper":
            return _epaper(draft, page, tree, address)
        case "programme":
            return _programme(draft, tree, address)
        case "forum" | "openness":
            preset = replace(draft, tables={"list": {"urls": [address]}})
            if (fitting := _fits(preset, page)) is not None:
                return fitting
            return _with_list(draft, page, tree, address)
        case "message_board":
            with_letter = _with_list(draft, page, tree, address)
            letter = {"title": "h1", "body": "body"}
            return replace(with_letter, tables={**with_letter.tables, "letter": letter})
        case _:
            return _with_list(draft, page, tree, address)


def _family(tree: LexborHTMLParser, url: str, title: str) -> tuple[Family, str]:
    generator = tree.css_first("meta[name=generator]")
    if "discuz" in ((generator and generator.attributes.get("content")) or "").lower() or tree.css_first(
        "[id^=normalthread_], #threadlist, #postlist"
    ):
        return "forum", "Discuz! 论坛"
    hrefs = [link.attributes.get("href") or "" for link in tree.css("a[href], area[href]")]
    if sum(bool(_DISCLOSURE.search(href)) for href in hrefs) >= 2:
        return "openness", "政府信息公开平台（XxgkContent）"
    articles = sum("content_" in href for href in hrefs)
    if articles and ("node_" in url or any("node_" in href for href in hrefs)):
        return "epaper", "数字报"
    rows = _entry_texts(tree)
    letters = sum(bool(_STATE_OF_LETTER.search(row)) for row in rows)
    if rows and letters >= len(rows) / 2 and (letters >= 3 or _BOARD_TITLE.search(title)):
        return "message_board", "留言（来信）与答复"
    if _PROGRAMME_TITLE.search(title) and len(_clock_items(tree)) >= 3:
        return "programme", "节目单"
    if _RANKING_TITLE.search(title):
        return "list_detail", "榜单网页（按列表读取；若有 JSON 接口，用其地址另拟）"
    return "list_detail", "列表页与详情页"


def _entry_texts(tree: LexborHTMLParser) -> list[str]:
    """Text of rows and list items that hold a headline."""
    nodes = (node for node in tree.css("tr, li, dl, dd") if all(n.mem_id == node.mem_id for n in node.css("tr, li")))
    return [node.text(separator=" ") for node in nodes if any(len(link_text(a)) >= HEADLINE for a in node.css("a"))]


def _with_list(draft: Draft, page: Page, tree: LexborHTMLParser, address: str) -> Draft:
    """Find the entries: the group of like siblings with the most headlines, those with dates first."""
    group = next(iter(groups(tree, page)), None)
    if group is None:
        raise Unreadable("找不到条目列表：页面没有成组的标题链接（可能由脚本生成），请给出栏目列表页或订阅源的地址")
    rules: dict[str, Any] = {"urls": [address], "item": group.item, "link": group.link}
    checks = dict(draft.checks)
    if group.time:
        rules["time"] = group.time
    found = [*draft.found, f"条目：{len(group.items)} 条（{group.item}），首条：{group.titles[0]}"]
    found.append(f"列表时间：{group.time}" if group.time else "列表上没有看到时间")
    following, script = next_page(tree, page.url)
    if following:
        rules["next"] = following
        found.append(f"下一页：{following}")
    else:
        found.append("下一页由脚本翻页，只读第一页" if script else "没有看到下一页")
    usable = [n for n, url in enumerate(group.urls) if not _NO_PAGE.search(urlsplit(url).path)]
    # A letter that has its answer tells more.
    answered = [n for n in usable if _ANSWERED.search(group.items[n].text(separator=" "))]
    first = next(iter(answered or usable), 0)
    return replace(
        draft,
        tables={"list": rules},
        entries=len(group.items),
        entry=group.urls[first],
        entry_title=group.titles[first],
        entry_listed=stated_moment(group.items[first], group.time, "list.time", page.fetched_at),
        found=tuple(found),
        checks=checks,
    )


def _fits(draft: Draft, page: Page) -> Draft | None:
    """The draft with what its family's presets find, or null where they find nothing."""
    try:
        read = read_with(draft, page)
    except (Unreadable, Undecodable):
        return None
    links = [link.url for link in read.links if link.kind == "detail"]
    if not links:
        return None
    words = f"条目：{read.found} 条（本类网站的通用规则适用，不必写选择器）"
    following = ("下一页：能找到",) if read.next_url else ("没有看到下一页",)
    return replace(draft, entries=read.found, entry=links[0], found=(*draft.found, words, *following))


def _epaper(draft: Draft, page: Page, tree: LexborHTMLParser, address: str) -> Draft:
    dated = "{day" in address
    if not dated:
        # The paper's front door leads to today's edition.
        doors = (
            absolute(page.url, a.attributes.get("href")) for a in tree.css("a[href*='node_'], area[href*='node_']")
        )
        address, dated = next((found for door in doors if door and (found := dated_address(door))[1]), (address, False))
    draft = replace(draft, tables={"epaper": {"urls": [address]}})
    if not dated:
        draft = replace(draft, checks={"epaper.urls": "check: replace the date in the address by {day:%Y-%m/%d}"})
        draft = replace(draft, found=(*draft.found, "地址里没有认出日期：请按报纸的地址规律改写"))
    articles = [u for a in tree.css("a[href*='content_']") if (u := absolute(page.url, a.attributes.get("href")))]
    editions = {u for a in tree.css("a[href*='node_']") if (u := absolute(page.url, a.attributes.get("href")))}
    unique = list(dict.fromkeys(articles))
    words = f"本版文章 {len(unique)} 篇，各版链接 {len(editions)} 个"
    return replace(draft, entries=len(unique), entry=unique[0] if unique else None, found=(*draft.found, words))


def _programme(draft: Draft, tree: LexborHTMLParser, address: str) -> Draft:
    items = _clock_items(tree)
    item = common_selector(tree, items) or shape(items[0])
    rules: dict[str, Any] = {"urls": [address], "item": item}
    inner = [node for node in items[0].traverse() if node.is_element_node and node.mem_id != items[0].mem_id]
    clock = next(
        (n for n in reversed(inner) if _CLOCK.match(n.text(strip=True)) and len(n.text(strip=True)) < 14), None
    )
    named = [n for n in inner if clock is None or n.mem_id != clock.mem_id]
    best = max(named, key=lambda n: (len(n.text(strip=True, deep=False)), n.tag == "a"), default=None)
    rules["title"] = within(items, best) or "a" if best is not None else "a"
    if clock is not None and (time := within(items, clock)):
        rules["time"] = time
    if items[0].css_first("a[href]") is not None:
        rules["link"] = "a"
    words = f"节目：{len(items)} 条（{item}）"
    checks = {"programme.title": "check: the programme's name"}
    return replace(draft, tables={"programme": rules}, entries=len(items), found=(*draft.found, words), checks=checks)


def _clock_items(tree: LexborHTMLParser) -> list[LexborNode]:
    """The largest group of like elements that begin with a time of day."""
    alike: dict[tuple[str, int], list[LexborNode]] = {}
    for node in tree.css("li, tr, dd, p, div"):
        text = node.text(strip=True, separator=" ")
        if 5 <= len(text) <= 120 and _CLOCK.match(text) and len(re.findall(r"\d[:：]\d\d", text)) <= 2:
            alike.setdefault((shape(node), node.parent.mem_id if node.parent else 0), []).append(node)
    return max(alike.values(), key=len, default=[])
