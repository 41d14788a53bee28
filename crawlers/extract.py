"""Generic extractor, first form: title, time and body of a page no source file describes. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

from caifeng.core.text.times import UNKNOWN, Moment, parse_time
from crawlers.pages.values import BLOCKS, SILENT, block_text, drop_personal, first_text, parse_html

_META_TITLES = ("meta[property='og:title']", "meta[name=ArticleTitle]", "meta[name=title]")
_META_TIMES = (
    "meta[name=PubDate]",
    "meta[name=pubdate]",
    "meta[name=publishdate]",
    "meta[name=publish-date]",
    "meta[property='article:published_time']",
    "meta[property='og:published_time']",
    "meta[property='og:release_date']",
    "meta[property='bytedance:published_time']",
    "meta[itemprop=datePublished]",
    "meta[name=weibo\\:article\\:create_at]",
    "meta[name='weibo: article:create_at']",
)
_JSON_TIME = re.compile(
    r"[\"'](?:datePublished|pubDate|publish_?[tT]ime|pubTime)[\"']\s*:\s*[\"']?([\d][^\"',}]{7,40})"
)
_TIME_NODES = "time[datetime],[class*=time],[class*=Time],[class*=date],[class*=Date],[id*=time],[id*=date]"
_FULL_DATE = re.compile(r"(?:19|20)\d{2}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}")
_DATE_LINE = re.compile(_FULL_DATE.pattern + r"|发布(?:时间|日期|于)|\d+\s?(?:分钟|小时|天)前")
_FURNITURE = (
    "nav,footer,aside,form,[role=navigation],[class*=footer],[id*=footer],[class*=breadcrumb],[class*=sidebar],"
    "[class*=copyright],[class*=recommend],[class*=related],[class*=comment],[id*=comment],[class*=share]"
)
_PUNCTUATION = re.compile(r"[，。！？；：、,!?;]")
_SOFT_404 = re.compile(
    r"(?:^|[\s\-_|–—·:：,，])(?:404(?:\s*(?:not\s*found|错误|页面|error))?|not\s*found|"
    r"(?:抱歉|对不起)?[,，\s]*(?:您|你)?(?:所)?(?:访问|查看|请求|浏览|要找)?的?(?:页面|网页|文章|帖子|主题|内容|信息)"
    r"(?:不存在|已(?:经)?(?:被)?(?:作者)?删除|已失效|找不到|未找到|无法找到)[^，。！!]{0,12}|"
    r"(?:找不到|未找到)(?:该|您|你)?(?:访问|请求|要)?的?(?:页面|网页|文章|内容|信息)|"
    r"(?:该|此|本)?(?:页面|网页|文章|帖子|内容|信息)?已删除)(?:$|[\s\-_|–—·:：,，!！。.])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Extracted:
    """What a page says. `date_source`: meta, script, element, text, or null when no time was found."""

    title: str
    published: Moment
    date_source: str | None
    body: str


def extract_page(html: str, url: str, reference: datetime) -> Extracted:
    """Title, time of publication and body of a page.

    The title comes from og:title, h1, then title; the time from meta elements, script data, elements named
    after time, then the lines above the body; the body is the element in which text is dense and links are few.

    Args:
        html: decoded page.
        url: its address (kept for rules that need it).
        reference: when it was read; relative times count from it.

    Returns:
        Empty title or body where none is found; never a name from an author element.

    Raises:
        Unreadable: the page is nested too deeply to be parsed in reasonable time.
    """
    page = parse_html(html)
    title = _title(page)
    moment, date_source = _stated_time(page, html, reference)
    drop_personal(page)
    for node in page.css(_FURNITURE):
        # A theme may name its whole wrapper "share-page"; furniture has links or is small, a wrapper has sentences.
        if node.tag in {"body", "html"}:
            continue
        if node.tag in {"nav", "footer"} or node.text().count("。") < 3 or _link_share(node) > 0.5:
            node.decompose()
    main = _densest(page)
    body = "" if main is None else _body_text(main)
    if moment.at is None and page.body is not None:
        moment = _time_above(block_text(page.body), title, body, reference)
        date_source = "text" if moment.at is not None else None
    return Extracted(title, moment, date_source, body)


def is_soft_404(title: str, text: str) -> bool:
    """Whether a page answered 200 only says that there is nothing (页面不存在, 404, 已删除, 找不到).

    A short page only: a citizen may well complain that a link leads to 404.
    """
    short = len(text) < 200
    return (short and bool(_SOFT_404.search(title))) or (len(text) < 60 and bool(_SOFT_404.search(text)))


def _title(page: LexborHTMLParser) -> str:
    for selector in _META_TITLES:
        if text := first_text(page, selector, "title"):
            return text
    whole = first_text(page, "title", "title") or ""
    for node in page.css("h1"):
        text = " ".join(node.text(separator=" ").split())
        # A logo is often the first h1; the headline is part of <title>.
        if len(text) >= 4 and (not whole or text[:12] in whole):
            return text
    return re.split(r"\s*[_|]\s*|\s+[-–—]+\s*|-{2,}", whole)[0].strip() or whole


def _stated_time(page: LexborHTMLParser, html: str, reference: datetime) -> tuple[Moment, str | None]:
    for source, texts in (
        ("meta", (text for s in _META_TIMES if (text := first_text(page, s, "time")))),
        ("script", (found[1] for found in _JSON_TIME.finditer(html))),
        ("element", _time_elements(page)),
    ):
        for text in texts:
            moment = parse_time(text, reference)
            if moment.at is not None:
                return moment, source
    return UNKNOWN, None


def _time_elements(page: LexborHTMLParser) -> Iterator[str]:
    for node in page.css(_TIME_NODES):
        text = node.attributes.get("datetime") or node.text(separator=" ", strip=True)
        # Relative times are left to the lines above the body: elsewhere they belong to other entries.
        if text and len(text) < 120 and _FULL_DATE.search(text):
            yield text


def _time_above(whole: str, title: str, body: str, reference: datetime) -> Moment:
    """Time in the lines between title and body; a line with 发布时间 first."""
    start = max(whole.find(title), 0) if title else 0
    end = whole.find(body[:30], start) if body else -1
    window = whole[start : end + 200 if end >= 0 else start + 2000]
    lines = [line for line in window.split("\n") if len(line) < 200 and _DATE_LINE.search(line)]
    for line in sorted(lines, key=lambda line: "发布" not in line):
        moment = parse_time(line, reference)
        if moment.at is not None:
            return moment
    return UNKNOWN


def _densest(page: LexborHTMLParser) -> LexborNode | None:
    """The element whose direct and near text is longest, weighed by punctuation and share of links."""
    scores: dict[int, float] = defaultdict(float)
    nodes: dict[int, LexborNode] = {}
    if page.body is None:
        return None
    for leaf in page.body.traverse(include_text=True):
        if not leaf.is_text_node or len(text := (leaf.text_content or "").strip()) < 8:
            continue
        block = leaf.parent
        while block is not None and block.tag not in BLOCKS and block.tag not in SILENT and block.tag != "a":
            block = block.parent
        if block is None or block.tag in SILENT or block.tag == "a":
            continue
        weight = len(text) + 10.0 * len(_PUNCTUATION.findall(text))
        for share in (1.0, 1.0, 0.4):
            if block is None or block.tag in {"html", "-undef"}:
                break
            scores[block.mem_id] += weight * share
            nodes[block.mem_id] = block
            block = block.parent
    best = sorted(nodes, key=lambda key: scores[key], reverse=True)[:8]
    ranked = [(scores[key] * (1 - _link_share(nodes[key])), key) for key in best]
    return nodes[max(ranked)[1]] if ranked else None


def _link_share(node: LexborNode) -> float:
    whole = len(node.text(strip=True)) or 1
    return min(1.0, sum(len(link.text(strip=True)) for link in node.css("a")) / whole)


def _body_text(main: LexborNode) -> str:
    for node in main.css("ul,ol,div,p,table"):
        if node.mem_id != main.mem_id and node.css_first("a") is not None and _link_share(node) > 0.6:
            node.decompose()
    return block_text(main)
