"""A first source file for a site nobody has described yet. Pure: pages in, draft out; a person checks it.

The start page tells the family and where the entries are, one entry page where title, time and body are. What is
proposed was tried on these pages: list rules find the entries, detail rules read what the generic extractor reads.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from selectolax.lexbor import LexborHTMLParser, LexborNode

from caifeng.core.model.families import TABLES, DetailPage, Family
from caifeng.core.model.office import Office
from caifeng.core.model.source import MIN_DELAY_SECONDS, Source
from caifeng.core.text.encoding import Undecodable, decode
from caifeng.core.text.times import UNKNOWN, Moment, parse_time
from crawlers.extract import extract_page
from crawlers.items import Kind, Page
from crawlers.pages.list_detail import read_detail
from crawlers.pages.values import (
    Unreadable,
    absolute,
    block_text,
    drop_personal,
    first_text,
    parse_count,
    parse_html,
    time_texts,
)
from crawlers.reading import READERS

#: Shorter link texts are menus, not headlines (our choice).
HEADLINE = 6
#: Share of the generic extractor's text, as character 4-grams (F1), that a body selector must give (our choice).
SAME_TEXT = 0.95
#: Share of the entries that a rule must fit (our choice).
MOST = 0.8

_ID_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{1,40}")
_CLASS_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,40}\d{0,2}")
_STATES = frozenset({"first", "last", "odd", "even", "active", "current", "on", "cur", "hover", "selected", "visited"})
_DATE = re.compile(
    r"\d{4}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}|(?<!\d)\d{1,2}[-/月]\d{1,2}(?!\d)|\d+\s?(?:分钟|小时|天)前|昨天|刚刚"
)
_CLOCK = re.compile(r"^\s*(?:[01]?\d|2[0-4])[:：][0-5]\d")
_STATE_OF_LETTER = re.compile(r"已回复|已答复|已办结|已办理|办理中|处理中|待回复|未回复|受理中|待办理|办理状态")
_ANSWERED = re.compile(r"已回复|已答复|已办结")
_BOARD_TITLE = re.compile(r"信箱|留言|来信|互动交流|问政|咨询投诉|网上信访|民意")
_PROGRAMME_TITLE = re.compile(r"节目单|节目表|节目预告|播出单|广播|电视")
_RANKING_TITLE = re.compile(r"热搜|热榜|热点榜|热度榜|风云榜")
_NEXT = re.compile(r"^\W*(?:下一?页|后一?页|下一页\s*>*|next(?:\s*page)?|[>»›])\W*$", re.IGNORECASE)
_DISCLOSURE = re.compile(r"/(?:Xxgk|Openness)Content/show/", re.IGNORECASE)
_NO_PAGE = re.compile(r"\.(?:pdf|docx?|xlsx?|zip|rar|jpe?g|png|mp[34]|wps)$", re.IGNORECASE)
_DATED_PATHS = (
    (re.compile(r"(?<!\d)(20\d\d)-(\d\d)/(\d\d)(?!\d)"), "{day:%Y-%m/%d}"),
    (re.compile(r"(?<!\d)(20\d\d)-(\d\d)-(\d\d)(?!\d)"), "{day}"),
    (re.compile(r"(?<!\d)(20\d\d)/(\d\d)/(\d\d)(?!\d)"), "{day:%Y/%m/%d}"),
    (re.compile(r"(?<!\d)(20\d\d)(\d\d)/(\d\d)(?!\d)"), "{day:%Y%m/%d}"),
    (re.compile(r"(?<!\d)(20\d\d)(\d\d)(\d\d)(?!\d)"), "{day:%Y%m%d}"),
)
#: Pages about one account. The office watches issues, never persons (docs/privacy.md).
_PERSONAL_PAGES = (
    re.compile(r"//(?:www\.|m\.)?weibo\.(?:com|cn)/(?:u/|n/|p/|profile/|\d+/?(?:[?#]|$))", re.IGNORECASE),
    re.compile(r"//space\.bilibili\.com/|//mp\.weixin\.qq\.com/mp/profile", re.IGNORECASE),
    re.compile(
        r"[?&/](?:space-(?:uid|username)-|mod=space)|[?&](?:uid|userid|user_id|authorid|username)=", re.IGNORECASE
    ),
    re.compile(
        r"/(?:u|user|users|people|profile|space|author|member)/(?:profile/)?[\w%-]*\d[\w%-]*/?(?:[?#]|$)", re.IGNORECASE
    ),
    re.compile(
        r"//(?:www\.)?(?:zhihu\.com/people|douyin\.com/user|toutiao\.com/c/user|douban\.com/people)/|/@[\w.%-]+/?$"
    ),
)
_VIEWS = re.compile(r"浏览|阅读|点击|查看|访问|人气")
_BY_POSITION = re.compile(r"(?:^|[ >])(?:div|ul|ol|section)(?::nth-of-type\(\d+\))?$")
_NO_COUNTER = frozenset({"script", "style", "a", "li", "dd", "tr", "ul", "table", *(f"h{n}" for n in range(1, 7))})
_COMMENTS = re.compile(r"评论|回复|跟帖")
_LETTER_LABELS = {
    "time": re.compile(r"^(?:来信|留言|提问|写信|咨询|提交|发布|诉求)(?:时间|日期)\s*[:：]?"),
    "answered": re.compile(r"^(?:回复|答复|办结|办理|反馈)(?:时间|日期)\s*[:：]?"),
}
_ANSWER_HEAD = re.compile(r"(?:回复|答复|办结|办理|反馈)(?:时间|日期)")
_ANSWER_MARK = re.compile(r"answer|reply|huifu|dafu|result", re.IGNORECASE)
_PRECISIONS = {"minute": "到分钟", "hour": "到小时", "day": "到日", "unknown": "未知"}
_CENTRAL = re.compile(
    r"(?:^|\.)(?:people|xinhuanet|news|cctv|cnr|chinanews|gmw|ce|jjckb|youth|stats\.gov)\.(?:com\.)?cn$|people\.com"
)


@dataclass(frozen=True)
class Draft:
    """What the pages told.

    `tables` are the family's tables as the file will have them, `checks` a remark per `table.key` (or per table),
    `found` lines in Chinese for the terminal. `entry` is the page to open next, with the title its list gave it.
    """

    family: Family
    url: str
    title: str
    encoding: str
    tables: dict[str, dict[str, Any]]
    entries: int = 0
    entry: str | None = None
    entry_title: str = ""
    entry_kind: Kind = "detail"
    entry_listed: Moment = UNKNOWN
    found: tuple[str, ...] = ()
    checks: dict[str, str] = field(default_factory=dict)


def personal_page(url: str) -> str | None:
    """Why an address is refused as a page about one account, in Chinese; null if it is none."""
    if any(pattern.search(url) for pattern in _PERSONAL_PAGES):
        return "个人账号页面不作为来源：本系统只看事项，不看个人"
    return None


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
        return _ranking(page, text)
    root = re.match(r"(?:<\?[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<(\w+(?::\w+)?)", text, re.DOTALL)
    match root[1].lower() if root else "":
        case "rss" | "rdf:rdf" | "feed":
            return _machine(page, "feed", "feed", "订阅源（RSS/Atom）")
        case "urlset" | "sitemapindex":
            return _machine(page, "sitemap", "sitemap", "网站地图（sitemap）")
    return _from_html(page, decoded.text, decoded.encoding)


def draft_entry(draft: Draft, page: Page) -> Draft:
    """Add what an entry page tells: detail rules that read what the generic extractor reads, or none.

    Raises:
        Undecodable: the body is no text.
    """
    if draft.family == "hot_list":
        return _ranking_items(draft, page)
    try:
        match draft.family:
            case "message_board":
                return _letter(draft, page)
            case "list_detail" | "feed" | "sitemap":
                return _detail(draft, page)
            case _:
                return _try_entry(draft, page)
    except Unreadable as error:
        remark = f"打开的条目页读不出正文（{error}）：请换一页核对"
        return replace(draft, found=(*draft.found, remark))


def identify(draft: Draft, office: Office) -> tuple[dict[str, str], str | None]:
    """Class, media tier and reach as far as host and title tell, and the office's place code if its name is there."""
    host = (urlsplit(draft.url).hostname or "").lower()
    official = host == "gov.cn" or host.endswith(".gov.cn")
    kind = {
        "openness": "disclosure",
        "forum": "board",
        "message_board": "message_board",
        "epaper": "epaper",
        "programme": "broadcast",
        "hot_list": "hotlist",
        "feed": "rss",
    }.get(draft.family)
    if kind is None:
        board = re.match(r"(?:bbs|forum|club)\.", host) or "论坛" in draft.title
        kind = "portal" if official or re.search(r"人民政府|统计局", draft.title) else "board" if board else "news"
    reach = "nation" if draft.family == "hot_list" or _CENTRAL.search(host) else "county"
    place = None
    if reach == "county":
        if office.county_short in draft.title:
            place = office.place
        elif office.city_short in draft.title or re.search(r"[\u4e00-\u9fff]市", draft.title):
            reach = "city"
        elif office.province_short in draft.title or "省" in draft.title:
            reach = "province"
    medium = {"nation": "central"}.get(reach, reach)
    tier = "none" if official or kind in {"portal", "disclosure", "message_board"} else medium
    if kind in {"board", "hotlist"}:
        tier = "self"
    return {"class": kind, "media_tier": tier, "reach": reach}, place


def site_name(draft: Draft) -> str:
    """A name for the log: the site, then the column, as a page's title has them the other way round."""
    parts = [part for part in re.split(r"\s*[_|]\s*|\s+[-–—]+\s*|-{2,}", draft.title) if part]
    if draft.family == "epaper":
        # The first part is the page of the day.
        return parts[-1] if parts else ""
    return "·".join(dict.fromkeys((parts[-1], parts[0]))) if parts else ""


def source_toml(draft: Draft, source_id: str, name: str, office: Office) -> str:
    """The source file. It is off and has no review, so that nothing is crawled before a person has looked.

    Raises:
        Unreadable: the draft makes no valid source.
    """
    identity, place = identify(draft, office)
    tables = {table: rules for table, rules in draft.tables.items() if rules or table not in {"thread"}}
    lines = [
        "# Drafted by `caifeng sources new` from the pages themselves; lines marked `check` need a person's eye.",
        f"id = {_toml(source_id)}",
        _line("name", name, "check: as the log shall print it"),
        _line("family", draft.family, ""),
        *(_line(key, value, "check: guessed from address and title") for key, value in identity.items()),
        _line("place", place, "check: the office's own place, named in the title")
        if place
        else f"# place = {_toml(office.place)}{' ' * 10}# check: GB/T 2260 code, if the site belongs to one place",
        _line("enabled", False, "set to true after `caifeng sources review`"),
    ]
    if _is_loopback(draft.url):
        lines.append(_line("min_delay_seconds", 0, f"loopback only; elsewhere {MIN_DELAY_SECONDS:g}"))
    for table, rules in tables.items():
        lines += ["", f"[{table}]" + (f"{' ' * 4}# {_remark(draft.checks[table])}" if table in draft.checks else "")]
        lines += [_line(key, value, draft.checks.get(f"{table}.{key}", "")) for key, value in rules.items()]
    absent = [table for table in TABLES[draft.family] if table not in tables and table in draft.checks]
    lines += [line for table in absent for line in ("", f"# No [{table}]: {_remark(draft.checks[table])}")]
    text = "\n".join(lines) + "\n"
    try:
        Source.model_validate(tomllib.loads(text))
    except ValidationError as error:
        first = error.errors()[0]
        raise Unreadable(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return text


def read_with(draft: Draft, page: Page) -> Any:
    """What the family's reader makes of a page with the draft's rules."""
    source = Source.model_validate(
        {
            "id": "draft",
            "name": "draft",
            "family": draft.family,
            "class": "news",
            "reach": "county",
            **draft.tables,
        }
    )
    return READERS[source.family](source, page)


# --- start pages ------------------------------------------------------------------------------------------------


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
    return [node.text(separator=" ") for node in nodes if any(len(_link_text(a)) >= HEADLINE for a in node.css("a"))]


def _with_list(draft: Draft, page: Page, tree: LexborHTMLParser, address: str) -> Draft:
    """Find the entries: the group of like siblings with the most headlines, those with dates first."""
    group = next(iter(_groups(tree, page)), None)
    if group is None:
        raise Unreadable("找不到条目列表：页面没有成组的标题链接（可能由脚本生成），请给出栏目列表页或订阅源的地址")
    rules: dict[str, Any] = {"urls": [address], "item": group.item, "link": group.link}
    checks = dict(draft.checks)
    if group.time:
        rules["time"] = group.time
    found = [*draft.found, f"条目：{len(group.items)} 条（{group.item}），首条：{group.titles[0]}"]
    found.append(f"列表时间：{group.time}" if group.time else "列表上没有看到时间")
    following, script = _next_page(tree, page.url)
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
        entry_listed=_first(time_texts(group.items[first], group.time, "list.time"), page),
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
    item = _common_selector(tree, items) or _shape(items[0])
    rules: dict[str, Any] = {"urls": [address], "item": item}
    inner = [node for node in items[0].traverse() if node.is_element_node and node.mem_id != items[0].mem_id]
    clock = next(
        (n for n in reversed(inner) if _CLOCK.match(n.text(strip=True)) and len(n.text(strip=True)) < 14), None
    )
    named = [n for n in inner if clock is None or n.mem_id != clock.mem_id]
    best = max(named, key=lambda n: (len(n.text(strip=True, deep=False)), n.tag == "a"), default=None)
    rules["title"] = _within(items, best) or "a" if best is not None else "a"
    if clock is not None and (time := _within(items, clock)):
        rules["time"] = time
    if items[0].css_first("a[href]") is not None:
        rules["link"] = "a"
    words = f"节目：{len(items)} 条（{item}）"
    checks = {"programme.title": "check: the programme's name"}
    return replace(draft, tables={"programme": rules}, entries=len(items), found=(*draft.found, words), checks=checks)


def _clock_items(tree: LexborHTMLParser) -> list[LexborNode]:
    """The largest group of like elements that begin with a time of day."""
    groups: dict[tuple[str, int], list[LexborNode]] = {}
    for node in tree.css("li, tr, dd, p, div"):
        text = node.text(strip=True, separator=" ")
        if 5 <= len(text) <= 120 and _CLOCK.match(text) and len(re.findall(r"\d[:：]\d\d", text)) <= 2:
            groups.setdefault((_shape(node), node.parent.mem_id if node.parent else 0), []).append(node)
    return max(groups.values(), key=len, default=[])


# --- lists ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Group:
    """Like elements with one headline each; `item`, `link`, `time` are the selectors that find them again."""

    items: tuple[LexborNode, ...]
    links: tuple[LexborNode, ...]
    urls: tuple[str, ...]
    titles: tuple[str, ...]
    item: str
    link: str
    time: str | None


def _groups(tree: LexborHTMLParser, page: Page) -> Iterator[_Group]:
    """Groups of like elements, the most promising first."""
    members: dict[tuple[str, ...], dict[int, list[LexborNode]]] = {}
    nodes: dict[int, LexborNode] = {}
    levels: dict[tuple[str, ...], int] = {}
    for link in tree.css("a[href]"):
        target = absolute(page.url, link.attributes.get("href"))
        if len(_link_text(link)) < HEADLINE or target is None or personal_page(target):
            continue
        node: LexborNode | None = link
        for level in range(6):
            if node is None or node.tag in {"body", "html", "nav", "footer"}:
                break
            key = tuple(_shape(step) for step in (node, *_ancestors(node, 2)))
            members.setdefault(key, {}).setdefault(node.mem_id, []).append(link)
            nodes[node.mem_id] = node
            levels[key] = min(level, levels.get(key, level))
            node = node.parent
    ranked = []
    for key, group in members.items():
        if len(group) < 2 or sum(map(len, group.values())) > 1.3 * len(group):
            continue
        items = [nodes[mem_id] for mem_id in group]
        firsts = [links[0] for links in group.values()]
        dated = sum(bool(_DATE.search(_without(item, link))) for item, link in zip(items, firsts, strict=True))
        length = median(len(_link_text(link)) for link in firsts)
        score = len(items) * min(length, 25) * (3 if dated >= MOST * len(items) else 1)
        ranked.append((score, -levels[key], items, firsts))
    for _, _, items, firsts in sorted(ranked, key=lambda entry: entry[:2], reverse=True):
        if (item := _common_selector(tree, items)) is None:
            continue
        if (link_rule := _link_rule(items, firsts)) is None:
            continue
        urls = tuple(absolute(page.url, link.attributes.get("href")) or "" for link in firsts)
        titles = tuple(map(_link_text, firsts))
        time = _time_rule(items, firsts, page)
        yield _Group(tuple(items), tuple(firsts), urls, titles, item, link_rule, time)


def _common_selector(tree: LexborHTMLParser, items: Sequence[LexborNode]) -> str | None:
    """Simplest selector that finds these elements and no other headlines."""
    wanted = {item.mem_id for item in items}
    own = _shape(items[0])
    anchors = [_step(node) for node in _ancestors(items[0], 6) if _step(node) != node.tag]
    options = [f"{anchor} {own}" for anchor in anchors[:3]]
    options += [f"{outer} {inner} {own}" for inner, outer in pairwise(anchors)]
    options += [own] if own != items[0].tag else [f"{_shape(p)} > {own}" for p in _ancestors(items[0], 1)]
    best: tuple[float, str] | None = None
    for option in options:
        hits = tree.css(option)
        matched = {node.mem_id for node in hits}
        right = len(matched & wanted)
        # A table's head has no headline; the reader passes over it.
        strangers = [
            n for n in hits if n.mem_id not in wanted and any(len(_link_text(a)) >= HEADLINE for a in n.css("a"))
        ]
        quality = right / len(wanted) - len(strangers) / len(wanted)
        if quality >= MOST and (best is None or quality > best[0]):
            best = (quality, option)
    return best[1] if best else None


def _link_rule(items: Sequence[LexborNode], links: Sequence[LexborNode]) -> str | None:
    """Selector that finds each item's headline link."""
    if items[0].tag == "a":
        return "a"
    options = ["a", _shape(links[0]), *(f"{_shape(p)} a" for p in _ancestors(links[0], 1)), "a[title]", "a[target]"]
    options += [f"a[href*='{part}']" for part in _common_parts(links)]
    pairs = list(zip(items, links, strict=True))

    def fits(option: str) -> bool:
        firsts = ((item.css_first(option), link) for item, link in pairs)
        return sum(first is not None and first.mem_id == link.mem_id for first, link in firsts) >= MOST * len(pairs)

    return next(filter(fits, options), None)


def _common_parts(links: Sequence[LexborNode]) -> list[str]:
    """Path segments that all addresses share and that are words."""
    parts = [set(re.findall(r"/[A-Za-z][\w-]*/", link.attributes.get("href") or "")) for link in links]
    return sorted(set.intersection(*parts)) if parts else []


def _time_rule(items: Sequence[LexborNode], links: Sequence[LexborNode], page: Page) -> str | None:
    """Selector of the time inside an item, if most items have one there that can be read."""
    for item, link in zip(items, links, strict=True):
        for node in reversed([n for n in item.traverse() if n.is_element_node]):
            text = node.text(strip=True, separator=" ")
            if node.mem_id in {item.mem_id, link.mem_id} or len(text) > 30 or not _DATE.search(text):
                continue
            rule = _within(items, node)
            if rule is None:
                continue
            read = sum(_first(time_texts(each, rule, "time"), page).at is not None for each in items)
            if read >= MOST * len(items):
                return rule
    return None


def _within(items: Sequence[LexborNode], node: LexborNode) -> str | None:
    """Selector, inside an item, whose first match is this element in its own item and something in most others."""
    own = _shape(node)
    position = 1 + sum(1 for _ in _before(node))
    options = [own, *(f"{_shape(p)} {own}" for p in _ancestors(node, 1)), f"{node.tag}:nth-of-type({position})"]
    inside = next((i for i in items if any(n.mem_id == node.mem_id for n in i.css(node.tag or "*"))), None)
    for option in options:
        first = inside.css_first(option) if inside is not None else None
        if first is None or first.mem_id != node.mem_id:
            continue
        if sum(item.css_first(option) is not None for item in items) >= MOST * len(items):
            return option
    return None


def _before(node: LexborNode) -> Iterator[LexborNode]:
    other = node.prev
    while other is not None:
        if other.tag == node.tag:
            yield other
        other = other.prev


def _next_page(tree: LexborHTMLParser, url: str) -> tuple[str | None, bool]:
    """Selector of the link to the next page, and whether there is one that only a script can follow."""
    script = False
    for link in tree.css("a"):
        words = link.text(strip=True) or link.attributes.get("title") or ""
        if not _NEXT.match(words):
            continue
        if absolute(url, link.attributes.get("href")) is None:
            script = True
            continue
        options = [_step(link)] if _step(link) != "a" else []
        options += [f"{_step(p)} {_shape(link)}" for p in _ancestors(link, 2) if _step(p) != p.tag]
        if (title := link.attributes.get("title")) and re.fullmatch(r"[\w\s]+", title):
            options.insert(0, f"a[title='{title}']")
        # Position would hit 上一页 on the second page, hence the words themselves as the last resort.
        distinct = [o for o in options if [n.mem_id for n in tree.css(o)] == [link.mem_id]]
        if any(mark in distinct[0].lower() for mark in ("next", "nxt", "下")) if distinct else False:
            return distinct[0], script
        plain = re.sub(r"\W", "", words)
        return (f'a:lexbor-contains("{plain}")' if plain else next(iter(distinct), None)), script
    return None, script


# --- entry pages ------------------------------------------------------------------------------------------------


def _detail(draft: Draft, page: Page) -> Draft:
    """Detail rules that read this page as the generic extractor does; none where they would not."""
    decoded = decode(page.body, page.charset)
    generic = extract_page(decoded.text, page.url, page.fetched_at)
    if not generic.body:
        raise Unreadable("generic extractor: no body")
    tree = parse_html(decoded.text)
    rules: dict[str, str] = {}
    stated = generic.published if generic.published.at is not None else draft.entry_listed
    if time := _detail_time(tree, stated, page):
        rules["time"] = time
    counters, empty = _counters(tree)
    drop_personal(tree)
    title = _title_rule(tree, {draft.entry_title, generic.title})
    body = _body_rule(tree, generic.body)
    seen = [f"条目页：{generic.title or draft.entry_title}", f"正文：{len(generic.body)} 字"]
    at = generic.published.at
    shown = f"{_PRECISIONS[generic.published.precision]}（{generic.date_source}）" if at else "通用抽取没有认出"
    seen.append(f"时间：{shown}")
    if empty:
        seen.append("浏览次数由脚本填写，页面里没有数字：记为未知")
    if title and body:
        proposed = {"title": title, "body": body, **rules, **counters}
        if _same(proposed, page, generic.body, generic.published, {draft.entry_title, generic.title}):
            seen.append("详情选择器：已拟好，与通用抽取读得一致")
            return replace(draft, tables={**draft.tables, "detail": proposed}, found=(*draft.found, *seen))
    seen.append("详情选择器：没有可靠的，交给通用抽取")
    checks = {**draft.checks, "detail": "no selectors were found that read what the generic extractor reads"}
    return replace(draft, checks=checks, found=(*draft.found, *seen))


def _same(rules: Mapping[str, str], page: Page, body: str, published: Moment, titles: set[str]) -> bool:
    """Whether the rules read what the generic extractor read; the time may be finer."""
    try:
        read = read_detail(page.body, page.url, DetailPage.model_validate(rules), page.fetched_at, page.charset)
    except (Unreadable, Undecodable):
        return False
    agrees = published.at is None or read.published.at is None or _near(read.published, published)
    lost = published.at is not None and read.published.at is None and bool(rules.get("time"))
    return _key(read.title) in set(map(_key, titles)) and likeness(read.text, body) >= SAME_TEXT and agrees and not lost


def _near(one: Moment, other: Moment) -> bool:
    if one.at is None or other.at is None:
        return False
    coarse = "day" in {one.precision, other.precision}
    return abs((one.at - other.at).total_seconds()) < (86_400 if coarse else 60)


def _title_rule(tree: LexborHTMLParser, titles: set[str]) -> str | None:
    """Selector of the headline: the first h1, h2 or named element whose whole text is a title we know."""
    known = {_key(title) for title in titles if title}
    # Lists cut long headlines: 关于开展第四次全国…
    cut = tuple(_key(re.sub(r"(?:…|\.{3}|\.\.)$", "", title)) for title in titles if re.search(r"(?:…|\.\.)$", title))
    for tag in ("h1", "h2", "h3", "*"):
        for node in tree.css(f"body {tag}"):
            text = _key(node.text(separator=" "))
            if not text or len(text) > 120 or not (text in known or any(text.startswith(c) for c in cut if len(c) > 8)):
                continue
            if node.tag == "a" or (rule := _selector(tree, node)) is None:
                continue
            return rule
    return None


def _body_rule(tree: LexborHTMLParser, body: str) -> str | None:
    """Selector of the smallest element whose text is the body."""
    best: tuple[float, str] | None = None
    for node in tree.css("body *"):
        if node.tag in {"p", "span", "a", "script", "style"} or len(node.text(strip=True)) < 0.8 * len(_key(body)):
            continue
        score = likeness(block_text(node), body)
        if score < SAME_TEXT or (best is not None and score < best[0]):
            continue
        if (rule := _selector(tree, node)) is not None:
            best = (score, rule)
    return best[1] if best else None


def _detail_time(tree: LexborHTMLParser, published: Moment, page: Page) -> str | None:
    """Selector of the smallest element that states the time of publication as the extractor read it, or finer."""
    if published.at is None:
        return None
    for node in reversed(tree.css("body *")):
        text = node.text(separator=" ", strip=True)
        if node.tag in {"script", "style", "a", "p"} or len(text) > 160 or not _DATE.search(text):
            continue
        rule = _selector(tree, node)
        if rule is None:
            continue
        moment = _first(time_texts(tree, rule, "time"), page)
        if _near(moment, published) and (published.precision == "day" or moment.precision != "day"):
            return rule
    return None


def _counters(tree: LexborHTMLParser) -> tuple[dict[str, str], bool]:
    """Selectors of the counters that stand on the page, and whether one is named without its number."""
    rules: dict[str, str] = {}
    empty = False
    for measure, label in (("views", _VIEWS), ("comments", _COMMENTS)):
        for node in reversed(tree.css("body *")):
            text = node.text(separator=" ", strip=True)
            if len(text) > 60 or node.tag in _NO_COUNTER or not label.search(text):
                continue
            # One of many is an entry of a list of other articles.
            if _shape(node) != node.tag and len(tree.css(_shape(node))) > 2:
                continue
            count = parse_count(text)
            inner = [
                n for n in node.css("*") if parse_count(n.text(strip=True)) is not None and n.mem_id != node.mem_id
            ]
            if count is None:
                beside = _next_element(node)
                rule = _selector(tree, beside) if beside is not None and len(text) < 8 else None
                if beside is not None and rule and parse_count(beside.text(strip=True)) is not None:
                    rules[measure] = rule
                    break
                empty = empty or measure == "views"
                continue
            target = inner[-1] if len(inner) == 1 and _selector(tree, inner[-1]) else node
            labels = {name for name, other in (("views", _VIEWS), ("comments", _COMMENTS)) if other.search(text)}
            rule = _selector(tree, target)
            if labels != {measure} or rule is None or _BY_POSITION.search(rule):
                continue
            rules[measure] = rule
            break
    return rules, empty and "views" not in rules


def _letter(draft: Draft, page: Page) -> Draft:
    """Rules of a letter and its answer, as far as labels and names of classes tell."""
    decoded = decode(page.body, page.charset)
    tree = parse_html(decoded.text)
    rules: dict[str, str] = {}
    for key, label in _LETTER_LABELS.items():
        if rule := _labelled(tree, label, page):
            rules[key] = rule
    counters, _ = _counters(tree)
    answers = [n for n in tree.css("[class], [id]") if _ANSWER_MARK.search(f"{n.attributes.get('class')} {n.id}")]
    texts = [n for n in answers if len(n.text(strip=True)) >= 10]
    # The words alone; a container also has the office and the time.
    plain = [n for n in texts if not _ANSWER_HEAD.search(n.text(strip=True))]
    answer = max(plain or texts, key=lambda n: (len(n.text(strip=True)), -_level(n)), default=None)
    if answer is not None and (rule := _selector(tree, answer)):
        rules["answer"] = rule
    title = _title_rule(tree, {draft.entry_title})
    for node in texts:
        if node.parent is not None:
            node.decompose()
    generic = extract_page(tree.html or "", page.url, page.fetched_at)
    body = _body_rule(tree, generic.body) if generic.body else None
    letter = {"title": title or "h1", "body": body or "body", **rules}
    letter |= {"views": counters["views"]} if "views" in counters else {}
    checks = dict(draft.checks)
    if not title:
        checks["letter.title"] = "check: nothing on the page equals the list's title"
    if not body:
        checks["letter.body"] = "check: where the question stands, and only the question"
    if "answer" not in letter:
        checks["letter"] = "check: answer, answered: the letter looked at has none; open an answered one"
    words = {"time": "来信时间", "answer": "答复", "answered": "答复时间", "views": "浏览次数"}
    seen = "、".join(f"{name}{'有' if key in letter else '没有认出'}" for key, name in words.items())
    found = (*draft.found, f"来信页：{draft.entry_title}", seen)
    return replace(draft, tables={**draft.tables, "letter": letter}, checks=checks, found=found)


def _labelled(tree: LexborHTMLParser, label: re.Pattern[str], page: Page) -> str | None:
    """Selector of the element with a time beside, or behind, its label."""
    for node in reversed(tree.css("body *")):
        text = node.text(strip=True, separator=" ")
        if len(text) > 60 or not (found := label.match(text)):
            continue
        candidates = [node] if _DATE.search(text[found.end() :]) else []
        beside = _next_element(node)
        candidates += [beside] if beside is not None else []
        for candidate in candidates:
            rule = _selector(tree, candidate)
            if rule and _first(time_texts(tree, rule, "time"), page).at is not None:
                return rule
    return None


def _try_entry(draft: Draft, page: Page) -> Draft:
    """Families whose pages need no rules: say what the reader makes of one."""
    read = read_with(draft, replace(page, kind="detail"))
    posts = [
        f"条目页：{p.title or p.text[:20]}，正文 {len(p.text)} 字，时间 {p.published_precision}" for p in read.posts[:1]
    ]
    return replace(draft, found=(*draft.found, *(posts or ["条目页：没有读出内容"])))


# --- rankings ---------------------------------------------------------------------------------------------------


def _ranking(page: Page, text: str) -> Draft:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise Unreadable(f"不是完整的 JSON：{error}") from error
    address, _ = dated_address(page.url)
    draft = Draft("hot_list", page.url, "", "utf-8", {"hot_list": {"urls": [address]}}, found=("类型：JSON 榜单",))
    addresses = [
        (path, values)
        for path, values in _lists(data)
        if values and all(isinstance(v, str) and re.search(r"^https?://|\.json|/", v) for v in values)
    ]
    if addresses:
        path, values = addresses[0]
        rules = {"urls": [address], "snapshots": path}
        entry = absolute(page.url, values[-1])
        words = f"目录页：{len(values)} 份快照（{path}），打开最新一份"
        return replace(
            draft, tables={"hot_list": rules}, entry=entry, entry_kind="snapshot", found=(*draft.found, words)
        )
    return _ranking_items(draft, page)


def _ranking_items(draft: Draft, page: Page) -> Draft:
    """Find the topics, their titles and figures in a JSON ranking."""
    try:
        data = json.loads(decode(page.body, page.charset).text)
    except ValueError as error:
        raise Unreadable(f"不是完整的 JSON：{error}") from error
    best: tuple[int, str, list[Any], str] | None = None
    for path, values in _lists(data):
        titles = _titles(values)
        if titles and (best is None or len(values) > best[0]):
            best = (len(values), path, values, titles)
    if best is None:
        raise Unreadable("JSON 里没有一组带标题的条目")
    count, path, values, title = best
    rules = {**draft.tables["hot_list"], "items": path or "@", "title": title}
    parts = urlsplit(page.url)
    rules["link"] = f"{parts.scheme}://{parts.netloc}/?q={{title}}"
    for measure, names in (
        ("heat", r"heat|hot|score|raw|num"),
        ("views", r"view|read|pv"),
        ("comments", r"comment|discuss|reply"),
    ):
        if key := _figure(values, names):
            rules[measure] = key
    if (clock := _clock_key(data, page)) is not None:
        rules["time"] = clock
    checks = {"hot_list.link": "check: a topic's address on the site; {title} stands for its title"}
    if values and isinstance(values[0], list):
        numeric = [n for n, value in enumerate(values[0]) if isinstance(value, int | float) or value is None]
        rules |= {"heat": f"[{numeric[0]}]"} if numeric else {}
        checks["hot_list.heat"] = f"check: columns with figures: {numeric}"
    words = f"条目：{count} 条（{path or '@'}），标题在 {title}"
    tables = {"hot_list": rules}
    return replace(draft, tables=tables, entries=count, checks=checks, found=(*draft.found, words))


def _lists(data: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Lists in a JSON value with their JMESPath; within lists nothing is looked for."""
    if isinstance(data, list):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            name = key if re.fullmatch(r"[A-Za-z_]\w*", key) else json.dumps(key)
            yield from _lists(value, f"{path}.{name}" if path else name)


def _titles(values: list[Any]) -> str | None:
    """Where the items have their titles: the field with the most different texts in Chinese."""
    fields: Counter[str] = Counter()
    seen: dict[str, set[str]] = {}
    for value in values:
        pairs: Iterable[tuple[str, Any]] = (
            value.items()
            if isinstance(value, dict)
            else ((f"[{n}]", v) for n, v in enumerate(value))
            if isinstance(value, list)
            else ()
        )
        for key, text in pairs:
            if isinstance(text, str) and re.search(r"[\u4e00-\u9fff]{2}", text) and len(text) <= 120:
                seen.setdefault(key, set()).add(text)
    fields.update({key: len(texts) for key, texts in seen.items() if len(texts) >= MOST * len(values)})
    return fields.most_common(1)[0][0] if fields else None


def _figure(values: list[Any], names: str) -> str | None:
    keys = Counter(
        key
        for value in values
        if isinstance(value, dict)
        for key, number in value.items()
        if re.search(names, key, re.IGNORECASE)
        and (isinstance(number, int | float) or parse_count(str(number)) is not None)
    )
    return keys.most_common(1)[0][0] if keys else None


def _clock_key(data: Any, page: Page) -> str | None:
    if not isinstance(data, dict):
        return None
    for key, value in data.items():
        named = re.search(r"time|date|updated", key, re.IGNORECASE)
        if named and isinstance(value, str | int) and parse_time(str(value), page.fetched_at).at is not None:
            return str(key)
    return None


# --- words and selectors ----------------------------------------------------------------------------------------


def dated_address(url: str) -> tuple[str, bool]:
    """The address with its date as `{day…}`, and whether it has one."""
    for pattern, template in _DATED_PATHS:
        if pattern.search(url):
            return pattern.sub(template, url, count=1), True
    return url, False


def likeness(one: str, other: str) -> float:
    """F1 of character 4-grams of two texts, blanks left out; 0..1, 1 for two empty ones."""
    keys = (_key(one), _key(other))
    grams = [Counter(key[i : i + 4] for i in range(max(1, len(key) - 3))) for key in keys]
    shared = sum((grams[0] & grams[1]).values())
    return 2 * shared / (sum(grams[0].values()) + sum(grams[1].values()))


def _key(text: str) -> str:
    return "".join(text.split())


def _link_text(link: LexborNode) -> str:
    """The headline of a link; its title attribute where the text is cut."""
    text = " ".join(link.text(separator=" ").split())
    title = " ".join((link.attributes.get("title") or "").split())
    return title if len(title) > len(text) and re.search(r"…|\.\.$", text) else text


def _without(item: LexborNode, link: LexborNode) -> str:
    """Text of an item outside its headline."""
    headline = link.text(separator=" ", deep=False)
    return item.text(separator=" ").replace(headline, " ", 1) if headline.strip() else item.text(separator=" ")


def _first(texts: list[str], page: Page) -> Moment:
    moments = [parse_time(text, page.fetched_at) for text in texts]
    return next((moment for moment in moments if moment.at is not None), UNKNOWN)


def _shape(node: LexborNode) -> str:
    """Tag and classes that look like names, states left out; never an id, for items repeat."""
    classes = [c for c in (node.attributes.get("class") or "").split() if _CLASS_NAME.fullmatch(c) and c not in _STATES]
    return (node.tag or "") + "".join(f".{c}" for c in classes[:2])


def _step(node: LexborNode) -> str:
    """The element by its id where that is a name, else by its shape."""
    return f"#{node.id}" if node.id and _ID_NAME.fullmatch(node.id) else _shape(node)


def _ancestors(node: LexborNode, most: int) -> list[LexborNode]:
    found: list[LexborNode] = []
    above = node.parent
    while above is not None and above.tag not in {"html", "-undef", "body"} and len(found) < most:
        found.append(above)
        above = above.parent
    return found


def _next_element(node: LexborNode) -> LexborNode | None:
    following = node.next
    while following is not None and not following.is_element_node:
        following = following.next
    return following


def _level(node: LexborNode) -> int:
    return len(_ancestors(node, 100))


def _selector(tree: LexborHTMLParser, node: LexborNode) -> str | None:
    """Simplest selector whose first match is this element; null where only its position would tell."""
    own = _step(node)
    anchors = [_step(above) for above in _ancestors(node, 5) if _step(above) != above.tag]
    options = [own] if own != node.tag or node.tag in {"h1", "h2", "time", "article", "main"} else []
    options += [f"{anchor} {own}" for anchor in anchors]
    options += [f"{anchor} {own}:nth-of-type({1 + sum(1 for _ in _before(node))})" for anchor in anchors[:1]]
    for option in options:
        first = tree.css_first(option)
        if first is not None and first.mem_id == node.mem_id:
            return option
    return None


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _toml(value: Any) -> str:
    """JSON strings and lists are TOML, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _remark(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def _line(key: str, value: Any, remark: str) -> str:
    text = f"{key} = {_toml(value)}"
    return f"{text:<32}  # {_remark(remark)}" if remark else text
