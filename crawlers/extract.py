"""Generic extractor: title, time and body of a page no source file describes. Pure.

The page is read once into lines (the text between two block borders) and boxes (the block elements around them). Each
line counts as content (sentences) or furniture (links, template phrases). The body is the box with the most content for
its furniture, near the headline; what a template adds inside of it is cut off at both ends. No site is known by name.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from selectolax.lexbor import LexborHTMLParser, LexborNode

from caifeng.core.text.times import SHANGHAI, UNKNOWN, Moment, parse_time
from caifeng.core.text.urls import is_web_url
from crawlers.pages.values import BLOCKS, SILENT, drop_personal, drop_place, first_text, is_byline, parse_html

#: Names of meta elements, in lower case and without blanks, the best first.
_META_TITLES = ("articletitle", "og:title", "title")
_META_TIMES = (
    "pubdate",
    "publishdate",
    "publish-date",
    "publish_time",
    "article:published_time",
    "og:published_time",
    "og:release_date",
    "bytedance:published_time",
    "datepublished",
    "parsely-pub-date",
    "weibo:article:create_at",
)
_JSON_TIME = re.compile(
    r"[pP]ub(?:lished|lish_?(?:[tT]ime|[dD]ate)|lishedAt|_?[dD]ate|Time)\\?[\"']?\s*[:=]\s*"
    r"\\?[\"']?([\d][^\"',}\\]{7,40})"
)
_JSON_TEXT = re.compile(
    r"[\"'](?:articleBody|content|contentHtml|htmlContent|articleContent|body|text|detail)[\"']\s*:\s*"
    r'("(?:[^"\\]|\\.){80,}")'
)
_JSON_TITLE = re.compile(r"[\"'](?:headline|articleTitle|title)[\"']\s*:\s*(\"(?:[^\"\\\n]|\\.){4,120}\")")
_TIME_NODES = "time[datetime],[class*=time],[class*=Time],[class*=date],[class*=Date],[id*=time],[id*=date]"
_FULL_DATE = re.compile(r"(?:19|20)\d{2}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}")
_DATE_LINE = re.compile(
    _FULL_DATE.pattern
    + r"|[〇○零一二三四五六七八九]{4}年|(?:发布|发表)(?:时间|日期|于)|\d+\s?(?:分钟|小时|天)前|(?:昨天|今天|前天)\s?"
    r"\d{1,2}:|"
    r"(?<!\d)\d{1,2}(?:-|月)\d{1,2}日?\s+\d{1,2}:\d{2}"
)
_DIGIT = re.compile(r"[\d〇一二三]")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_URL_DATE = re.compile(
    r"(?<!\d)(?P<year>20\d{2})(?:[-/_]?(?P<month>0[1-9]|1[0-2])[-/_]?(?P<day>0[1-9]|[12]\d|3[01]))(?!\d)"
)
#: Times that say when a page was changed or printed, not when it was published.
_OTHER_TIME = re.compile(r"更新|修改|成文|打印|截至|有效|今天是|当前时间")

#: Elements whose text is no line of the page. A form is read: ASP.NET wraps whole pages in one.
_UNREAD = sorted(SILENT - {"form", "head", "title"})
#: Boxes; the other blocks only end a line.
_BOXES = frozenset(
    {"address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "figure", "footer", "form", "header"}
    | {"main", "nav", "ol", "section", "table", "td", "th", "ul"}
)
_BORDERS = BLOCKS | _BOXES
_FURNITURE = re.compile(
    r"foot(?!note)|bread-?crumb|crumbs|side-?bar|copy-?right|recommend|related|relevant|share|\bnav\b|nav-?bar|"
    r"menu|pagination|pager|qr-?code|\bads?\b|advert|\blogin|\brank|tool-?bar|hot-?(?:news|list|article)|\bhead-?nav"
)
_COMMENTS = re.compile(r"comment(?!ary|ator)|pinglun|gentie|disqus")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[，。！？；：、…,!?;]")
_NOT_WORD = re.compile(r"[\W_]+")
_TEMPLATE = re.compile(
    r"版权所有|著作权|All Rights Reserved|Copyright|©|ICP[备证]|公网安备|网站标识码|技术支持[:：]|主办单位?[:：]|"
    r"承办单位?[:：]|"
    r"未经.{0,12}(?:授权|许可|允许).{0,20}(?:转载|复制|镜像)|违法和不良信息举报|互联网新闻信息服务许可|增值电信业务|"
    r"您?(?:所)?(?:当前|现在|的)的?位置|^免责声明|建议使用.{0,20}浏览器|扫(?:一扫|描).{0,12}(?:二维码|关注|分享|手机|微信)|"
    r"请(?:使用|用|在)?(?:微信|手机)扫|^(?:【|\[)?(?:网站)?(?:免责|版权)(?:声明|说明)|"
    r"仅代表(?:该)?作者(?:本人|个人)|不代表本(?:网|站|平台)|欢迎(?:关注|扫码|下载)|点击(?:下载|关注|查看更多)",
    re.IGNORECASE,
)
#: A line of the template at head or tail of an article.
_EDGE = re.compile(
    r"^[\s\[【(（|·•＞>-]*(?:"
    r"(?:文章|信息|稿件|新闻|本文)?来源\s*[:：].{0,40}|(?:本文)?(?:转载)?(?:来自|出自|摘自)[:：].{0,30}|原标题\s*[:：].{0,80}|"
    r"(?:浏览|阅读|点击|访问|查看)(?:次数|量|数)?\s*[:：(（]?\s*[\d,.万+次)）]*|[\d,.万+]+\s*(?:次)?(?:浏览|阅读|评论|跟帖|赞|人参与).{0,6}|"
    r"字(?:体|号)(?:大小)?\s*[:：]?.{0,16}|[大中小+\-A\s/【】\[\]]{1,16}|分享(?:到|至|本文)?\s*[:：]?.{0,20}|"
    r"打印(?:本页|本文|页面|此页)?.{0,12}|关闭(?:窗口|本页)?.{0,6}|收藏(?:本文|本页)?|纠错|举报|点赞|转发|评论|返回(?:顶部|列表|首页|上一页)|"
    r"复制链接|保护视力色.{0,12}|朗读|语音播报.{0,8}|听新闻|微信|微博|QQ空间|QQ好友|朋友圈|首页|正文|"
    r"上一[篇条页]\s*[:：]?.{0,80}|下一[篇条页]\s*[:：]?.{0,80}|"
    r"(?:责任)?编辑\s*[:：].{0,20}|责编\s*[:：].{0,20}|(?:作者|记者|通讯员|审核|校对|值班编委|监制|撰稿|摄影|来稿)\s*[:：/].{0,30}|"
    r"(?:标签|(?:文章)?关键词|关键字|主题词|分类|栏目|索引号|发布机构|发文机关|文号|信息分类|公开方式|公开范围|有效性|TAGS?)\s*[:：].{0,80}|"
    r"(?:发布|发表|发文|发稿|成文|更新|录入|生成)(?:时间|日期|于)\s*[:：]?.{0,60}|时间\s*[:：].{0,40}|日期\s*[:：].{0,40}"
    r")[\s\]】)）|]*$",
    re.IGNORECASE,
)
#: Headings of what others wrote, and of what follows an article.
_OTHERS = re.compile(
    r"^\W*(?:(?:网友|用户|全部|热门|最新|精彩|发表|我要|我来|相关)(?:评论|留言|跟帖|回复|说两句)|"
    r"(?:评论|跟帖|留言)\s*[(（]?\s*\d*\s*[条)）]*|\d+\s*条(?:评论|留言|跟帖)|评论(?:区|列表)|文明上网.{0,40}|登录后.{0,10}评论.{0,10})\W*$"
)
_AFTER = re.compile(
    r"^\W*(?:(?:相关|延伸|推荐|精彩|热门|更多|最新|往期|猜你|为您|大家都在|热点|其他).{0,4}"
    r"(?:阅读|链接|新闻|文章|推荐|内容|资讯|报道|信息|喜欢|专题|看|回顾|稿件|热点|帖子|解读|文件)|"
    r"(?:延伸|推荐)\s*[·•]\s*(?:推荐|阅读)|分享到.{0,20}|(?:阅读)?[上下]一[篇条].{0,60})\W*$"
)
#: The last line of an article; in the first half it may be anything.
_LAST = re.compile(r"^[\s\[【(（]*(?:(?:特别|版权|免责)?声明|责任编辑|责编)\s*[:：]")
_REPLY = re.compile(r"发表于|只看(?:该作者|楼主)|\d+\s*[楼#]|沙发|板凳|举报|回复")
_SEPARATOR = re.compile(r"\s*[_|｜]\s*|\s+[-–—]+\s*|-{2,}|\s*::\s*|[—–]{1,2}(?=[^—–]{2,14}$)|-(?=[^-]{2,14}$)")
_SURE_SEPARATOR = re.compile(r"\s*[_|｜]\s*")
_QUOTES = ('"', "'")
_HEADINGS = "h1,h2,h3,[class*=title],[class*=Title],[id*=title]"
_EMPTY = frozenset({"br", "img", "input", "-comment", "hr", "source", "wbr"})
_PARTS = frozenset({"nav", "footer", "aside"})
_HEADING_TAGS = frozenset({"h1", "h2", "h3"})
_ATTACHMENT = re.compile(r"^\W{0,2}附件|\.(?:docx?|xlsx?|pptx?|pdf|wps|et|ofd|zip|rar)\W?$", re.IGNORECASE)
_PUBLISHED = re.compile(r"(?:发布|发表|发文|发稿|刊发)\s*(?:时间|日期|于)|(?:^|\s)(?:时间|日期)\s*[:：]")
_UNTIDY = (
    (re.compile(r"(\d{4}[-/.年]\d{2}[-/.月]\d{2}日?)(\d{2}:\d{2})"), r"\1 \2"),
    (re.compile(r"(20\d{2})\s+(\d{1,2}\s?/\s?\d{1,2})(?!\d)"), r"\1/\2"),
    (re.compile(r"(?<![\d-])([12]\d-[01]\d-[0-3]\d)(\s?\d{2}:\d{2})"), r"20\1 \2"),
)
_FULL_TIME = re.compile(_FULL_DATE.pattern + r"日?\s{0,3}\d{1,2}:\d{2}")
_DATE_ONLY = re.compile(
    r"^[\[(（【]?\s*(?:(?:19|20)\d{2}[-/.年])?\d{1,2}[-/.月]\d{1,2}日?(?:\s*\d{1,2}:\d{2}(?::\d{2})?)?(?:\s.{0,30})?$"
)
#: How far the headline helps: its body begins within this many lines (our choice).
_NEAR = 25
#: Weight of a furniture character against one of content (our choice).
_WEIGHT = 0.5
#: Elements named like furniture are judged until so many times the page's text was looked at: they may be nested.
_JUDGED = 20
#: What a box hands on to the one around it (our choice): scattered texts count less than one text.
_DILUTION = 0.9
#: A body below this many characters sends us looking elsewhere (our choice).
_SHORT = 60
_BARE_404 = re.compile(r"^\W*404\W*$")
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
    """What a page says.

    `date_source`: meta, script, element, text, url, or null when no time was found. `unlikely`: the address names a day
    more than one day away from the time found, or that time is more than a day in the future.
    """

    title: str
    published: Moment
    date_source: str | None
    body: str
    unlikely: bool = False


@dataclass(slots=True)
class _Line:
    """Text between two block borders; `linked` of its characters are links."""

    text: str
    linked: int
    box: int
    heading: bool


@dataclass(slots=True)
class _Reading:
    """Lines and boxes in document order. A box comes after its parent; `furniture` holds skipped characters by box."""

    lines: list[_Line] = field(default_factory=list)
    boxes: list[LexborNode] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    furniture: list[float] = field(default_factory=list)


def extract_page(html: str, url: str, reference: datetime) -> Extracted:
    """Title, time of publication and body of a page.

    Title: a heading that the page's `<title>` or meta title confirms, then the meta title, then `<title>` without the
    site's name. Time: what the page shows near the headline, to the minute, unless it is more than a day from the meta
    or script value; then meta, script, elements named after time, the address. Body: see the module.

    Args:
        html: decoded page.
        url: its address; the day in it is the last resort and a check. May be empty.
        reference: when it was read; relative times count from it.

    Returns:
        Empty title or body where none is found; never a name from an author element.

    Raises:
        Unreadable: the page is nested too deeply to be parsed in reasonable time.
    """
    page = parse_html(html)
    metas = _metas(page)
    title = _title(page, metas)
    page.strip_tags(_UNREAD)
    root = page.body or page.root
    reading = _read(root, title, strict=True) if root is not None else _Reading()
    headline = _headline(reading.lines, title)
    main = _main_box(reading, headline)
    if root is not None and (main is None or len(reading.boxes[main].text(strip=True)) < _SHORT):
        # The theme may have named the article itself as it names furniture.
        loose = _read(root, title, strict=False)
        at = _headline(loose.lines, title)
        if (other := _main_box(loose, at, shortest=4)) is not None:
            reading, main, headline = loose, other, at
    first = _first_line(reading, main)
    if headline is None:
        # <title> names only the site, or nothing.
        title = _heading_above(reading.lines, first) or title
    shown = _shown_time(reading.lines, headline, first, reference)
    stated = _stated_time(
        [metas[name] for name in _META_TIMES if name in metas], "" if _to_the_minute(shown) else html, reference
    )
    elements = [] if _to_the_minute(shown) else [parse_time(text, reference) for text in _time_elements(page)]
    body = "" if main is None else _body(reading.boxes[main], title)
    if len(body) < _SHORT and len(scripted := _script_text(html)) > 3 * len(body):
        body, title = scripted, (_script_title(html) if headline is None else "") or title
    day = _day_in(url)
    moment, source = _settle(shown, stated, elements, day, reference)
    if moment.at is None and (signed := _signed_day(body, reference)).at is not None:
        moment, source = signed, "text"
    unlikely = moment.at is not None and (
        moment.at > reference + timedelta(days=1) or (day is not None and abs(moment.at - day) > timedelta(days=2))
    )
    return Extracted(title, moment, source, body, unlikely)


def is_soft_404(title: str, text: str) -> bool:
    """Whether a page answered 200 only says that there is nothing (页面不存在, 404, 已删除, 找不到).

    A short page only: a citizen may well complain that a link leads to 404.
    """
    if len(text) < 200 and _SOFT_404.search(title):
        return True
    # A bare 404 beside other words may be a counter: 浏览次数：404.
    alone = len(text) < 12
    said = (found for found in _SOFT_404.finditer(text) if alone or not _BARE_404.match(found[0]))
    return len(text) < 60 and next(said, None) is not None


def own_address(html: str) -> str:
    """The address a page states for itself (canonical link, og:url); empty without one.

    Raises:
        Unreadable: the page is nested too deeply to be parsed in reasonable time.
    """
    page = parse_html(html)
    for selector, name in (("link[rel=canonical]", "href"), ("meta[property='og:url']", "content")):
        for node in page.css(selector)[:1]:
            if is_web_url(address := (node.attributes.get(name) or "").strip()):
                return address
    return ""


# Title


def _metas(page: LexborHTMLParser) -> dict[str, str]:
    """Contents of the meta elements by name; of repeated ones the first that says something."""
    found: dict[str, str] = {}
    for node in page.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        if text := " ".join((attributes["content"] or "").split()):
            found.setdefault("".join(name.split()).lower(), text)
    return found


def _title(page: LexborHTMLParser, contents: dict[str, str]) -> str:
    whole = first_text(page, "title", "title") or ""
    metas = [contents[name] for name in _META_TITLES if name in contents]
    known = [_key(text) for text in (whole, *metas)]
    best = ""
    for node in page.css(_HEADINGS)[:80]:
        text = " ".join(node.text(separator=" ").split())
        if not 4 <= len(text) <= 150 or len(key := _key(text)) <= len(_key(best)):
            continue
        if any(key in other for other in known) or any(_goes_on(stated, text) for stated in metas):
            best = text
    stated = _without_site(metas[0], cautious=True) if metas else _without_site(whole)
    if metas and _goes_on(metas[0], whole):
        stated = _without_site(whole)
    # A site's name is a part of <title>, too: the headline is not much shorter than what is stated.
    return best if len(_key(best)) * 2 >= len(_key(stated)) else stated


def _goes_on(cut: str, whole: str) -> bool:
    """Whether a meta title was cut at an unescaped quote."""
    return bool(cut) and whole.startswith(cut) and whole[len(cut) :].lstrip().startswith(_QUOTES)


def _without_site(text: str, cautious: bool = False) -> str:
    """The longest part between separators; with `cautious`, only what no headline contains (_ and |) separates."""
    parts = [part.strip() for part in (_SURE_SEPARATOR if cautious else _SEPARATOR).split(text)]
    return max(parts, key=len) or text


def _heading_above(lines: list[_Line], first: int) -> str:
    """The last heading shortly before the body; empty without one."""
    above = (line for line in reversed(lines[max(0, first - 10) : first + 1]) if line.heading and not line.linked)
    return next((line.text for line in above if 4 <= len(line.text) <= 100 and not _AFTER.match(line.text)), "")


def _key(text: str) -> str:
    return _NOT_WORD.sub("", text).lower()


# Time


def _stated_time(metas: list[str], html: str, reference: datetime) -> tuple[Moment, str | None]:
    """The first time that meta elements or script data state; midnight is a day."""
    scripts = (found[1] for found in _JSON_TIME.finditer(html))
    for source, texts in (("meta", metas), ("script", scripts)):
        for text in texts:
            moment = parse_time(text, reference)
            if moment.at is not None and moment.at <= reference + timedelta(days=1):
                midnight = moment.at.astimezone(SHANGHAI).strftime("%H%M%S") == "000000"
                return (Moment(moment.at, "day") if midnight else moment), source
    return UNKNOWN, None


def _time_elements(page: LexborHTMLParser) -> Iterator[str]:
    for node in page.css(_TIME_NODES):
        text = node.attributes.get("datetime") or node.text(separator=" ", strip=True)
        # Relative times are left to the lines near the headline: elsewhere they belong to other entries.
        if text and len(text) < 120 and _FULL_DATE.search(text):
            yield text


def _shown_time(lines: list[_Line], headline: int | None, first: int, reference: datetime) -> Moment:
    """Time in the lines between headline and body; then in any line that calls it the time of publication."""
    start = max(0, first - 12) if headline is None or headline > first else headline
    zone = range(max(0, start - 6), min(first + 4, len(lines)))
    texts = {i: text for i in zone if _may_hold_time(text := _tidy(lines[i].text))}
    order = sorted(texts, key=lambda i: (i < start, _PUBLISHED.search(texts[i]) is None, lines[i].linked > 0))
    labelled = [i for i in range(len(lines)) if i not in texts and _PUBLISHED.search(lines[i].text)][:3]
    found = UNKNOWN
    for i in (*order, *labelled):
        text = texts.get(i) or _tidy(lines[i].text[:200])
        following = lines[i + 1].text[:60] if i + 1 < len(lines) else ""
        # 发布日期 in one cell, the day in the next one, the clock in a third.
        if _CLOCK.fullmatch(following) or not _DIGIT.search(text):
            text = f"{text} {following}"
        moment = parse_time(text, reference)
        if moment.at is None or moment.at > reference + timedelta(days=1):
            continue
        if _to_the_minute(moment):
            return moment
        # A lone date over the headline may be the site's calendar.
        if found.at is None and (i >= start or i not in texts):
            found = moment
    return found


def _tidy(text: str) -> str:
    """A line with its date and clock apart, the year with its day, and two-digit years made full."""
    for pattern, replacement in _UNTIDY:
        text = pattern.sub(replacement, text)
    return text


def _may_hold_time(text: str) -> bool:
    if len(text) > 200 or not _DATE_LINE.search(text):
        return False
    return bool(_PUBLISHED.search(text)) or not ("。" in text or "，" in text or _OTHER_TIME.search(text))


def _signed_day(body: str, reference: datetime) -> Moment:
    """The date under a notice."""
    for line in reversed(body.split("\n")[-3:]):
        if len(line) < 30 and _DATE_LINE.search(line):
            moment = parse_time(line, reference)
            if moment.at is not None and moment.at <= reference:
                return moment
    return UNKNOWN


def _settle(
    shown: Moment, stated: tuple[Moment, str | None], elements: list[Moment], day: datetime | None, reference: datetime
) -> tuple[Moment, str | None]:
    """The time to believe, and where it stands."""
    candidates: list[tuple[Moment, str | None]] = [(shown, "text"), stated]
    candidates += [
        (moment, "element") for moment in elements if moment.at and moment.at <= reference + timedelta(days=1)
    ]
    candidates = [(moment, source) for moment, source in candidates if moment.at is not None]
    if not candidates:
        return (Moment(day, "day"), "url") if day is not None and day <= reference else (UNKNOWN, None)
    best = candidates[0]
    if best[1] == "text" and len(candidates) > 1 and candidates[1][1] != "element":
        # Shown and stated disagree: the address decides, then what is stated.
        apart = _apart(best[0], candidates[1][0])
        if apart > timedelta(days=1) and (day is None or _apart(best[0], Moment(day, "day")) > timedelta(days=1)):
            best = candidates[1]
    if not _to_the_minute(best[0]):
        finer = (c for c in candidates if _to_the_minute(c[0]) and _same_day(c[0], best[0]))
        best = next(finer, best)
    return best


def _to_the_minute(moment: Moment) -> bool:
    return moment.precision == "minute"


def _apart(one: Moment, other: Moment) -> timedelta:
    return abs(one.at - other.at) if one.at and other.at else timedelta()


def _same_day(one: Moment, other: Moment) -> bool:
    return bool(one.at and other.at) and one.at.astimezone(SHANGHAI).date() == other.at.astimezone(SHANGHAI).date()  # type: ignore[union-attr]


def _day_in(url: str) -> datetime | None:
    """The day written in an address (/2026/11/22/, t20261122_1.html), 00:00 Shanghai time."""
    for found in _URL_DATE.finditer(url):
        try:
            return datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=SHANGHAI)
        except ValueError:
            continue
    return None


# Body


def _read(root: LexborNode, title: str, strict: bool) -> _Reading:
    """Lines and boxes of an element. With `strict`, elements that are named like furniture are only measured."""
    reading = _Reading()
    lines, parents = reading.lines, reading.parents
    everything = root.text() if strict else ""
    sentences, budget = everything.count("。"), _JUDGED * len(everything)
    pieces: list[str] = []
    linked, box, heading = 0, -1, False
    stack: list[LexborNode | int] = [root]
    while stack:
        node = stack.pop()
        tag = "" if isinstance(node, int) else node.tag or ""
        if tag == "-text":
            pieces.append(node.text_content or "")  # type: ignore[union-attr]
            continue
        border = not tag or tag in _BORDERS
        if border and pieces:
            if text := " ".join("".join(pieces).split()):
                lines.append(_Line(text, linked, box, heading))
            pieces.clear()
            linked = 0
        if isinstance(node, int):
            heading = False
            box = parents[node] if node >= 0 else box
            continue
        if tag == "a":
            text = node.text()
            # A link around paragraphs is a box; most are words.
            if len(text) <= 120:
                pieces.append(text)
                linked += len(text.strip())
                continue
        elif tag in _BOXES or node is root:
            if box >= 0 and budget > 0 and (name := _furniture_name(node, tag)):
                whole = node.text()
                budget -= len(whole)
                if _is_furniture(node, name, whole, title, sentences):
                    text = " ".join(node.text(separator=" ").split())
                    reading.furniture[box] += len(text)
                    if len(text) < 200 and _DATE_LINE.search(text):
                        lines.append(_Line(text, len(text), box, False))
                    continue
            parents.append(box)
            reading.boxes.append(node)
            reading.furniture.append(0.0)
            box, heading = len(parents) - 1, False
            stack.append(box)
        elif border and tag != "br":
            heading = tag in _HEADING_TAGS
            stack.append(-1)
        elif tag in _EMPTY:
            continue
        children = list(node.iter(include_text=True))
        children.reverse()
        stack.extend(children)
    if text := " ".join("".join(pieces).split()):
        lines.append(_Line(text, linked, box, heading))
    return reading


def _furniture_name(node: LexborNode, tag: str) -> str | None:
    """What names an element as furniture: nav, comments, other; null for most."""
    attributes = node.attributes
    if tag in _PARTS:
        return "nav" if tag == "nav" else "other"
    if not attributes:
        return None
    name = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()
    if _COMMENTS.search(name):
        return "comments"
    style = attributes.get("style")
    return "other" if _FURNITURE.search(name) or (style and _HIDDEN.search(style)) else None


def _is_furniture(node: LexborNode, name: str, text: str, title: str, sentences: int) -> bool:
    """Whether an element named like furniture is it, and not a wrapper that a theme named so (share-page)."""
    if title and title in text and len(text) > 300 + len(title):
        return name == "nav"
    own = text.count("。")
    return name == "comments" or own < 3 or own < 0.3 * sentences or _link_share(node) > 0.5


def _main_box(reading: _Reading, headline: int | None, shortest: int = 12) -> int | None:
    """The box with the most content for its furniture; null where no line of the page is content.

    Lines without punctuation count a little, from `shortest` characters on.
    """
    size = len(reading.boxes)
    content, furniture = [0.0] * size, list(reading.furniture)
    first = [len(reading.lines)] * size
    sizes = [0.0] * len(reading.lines)
    start = len(reading.lines) if headline is None else headline
    after, read = False, 0
    for i, line in enumerate(reading.lines):
        own = len(line.text) - line.linked
        # What follows 网友评论 is by others.
        if start <= i and not after and read > _SHORT and len(line.text) < 30:
            after = _OTHERS.match(line.text) is not None
        marks = len(_PUNCTUATION.findall(line.text)) if own >= 8 else 0
        if _ATTACHMENT.search(line.text):
            content[line.box] += 0.5 * len(line.text)
        elif line.linked > own or (own >= 8 and len(line.text) < 150 and _TEMPLATE.search(line.text)):
            furniture[line.box] += len(line.text)
        elif marks or own >= shortest:
            sizes[i] = (own + 5.0 * marks if marks else 0.3 * own) * (0.3 if after else 1.0)
            read += own if marks and i > start else 0
            content[line.box] += sizes[i]
            if marks or shortest < 12:
                first[line.box] = min(first[line.box], i)
    # What there is to read between the headline and each line: a body follows its headline.
    between, gaps = 0.0, [0.0] * (len(reading.lines) + 1)
    for i in range(start, len(reading.lines)):
        gaps[i] = between
        between += sizes[i]
    best, main = 0.0, None
    whole = list(content)
    # Backwards: every box is complete before its parent, which wins only if it adds more than it dilutes.
    for box in range(size - 1, -1, -1):
        if content[box]:
            near = 1.0
            if start <= first[box] < len(reading.lines):
                near += 3 / (1 + gaps[first[box]] / max(150, content[box] / 3))
            score = content[box] ** 2 / (content[box] + _WEIGHT * furniture[box]) * near
            if score > best:
                best, main = score, box
        if (parent := reading.parents[box]) >= 0:
            content[parent] += _DILUTION * content[box]
            whole[parent] += whole[box]
            furniture[parent] += furniture[box]
            first[parent] = min(first[parent], first[box])
    # Up to where more text stands in boxes of its own, as long as it comes without furniture.
    up = -1 if main is None else reading.parents[main]
    while main is not None and up >= 0 and furniture[up] - furniture[main] <= 0.1 * (whole[up] - whole[main]):
        main = up if whole[up] > whole[main] else main
        up = reading.parents[up]
    return main


def _headline(lines: list[_Line], title: str) -> int | None:
    """Where the title stands on the page: a heading first, then a line that is no link."""
    key = _key(title)
    if len(key) < 4:
        return None
    same = [i for i, line in enumerate(lines) if len(line.text) < 2 * len(title) + 8 and key in _key(line.text)]
    return min(same, key=lambda i: (not lines[i].heading, lines[i].linked > 0, i)) if same else None


def _first_line(reading: _Reading, main: int | None) -> int:
    """Number of the first line inside a box; 0 without a box."""
    if main is None:
        return 0
    inside = [False] * len(reading.boxes)
    for box, parent in enumerate(reading.parents):
        inside[box] = box == main or (parent >= 0 and inside[parent])
    return next((i for i, line in enumerate(reading.lines) if inside[line.box]), 0)


def _body(main: LexborNode, title: str) -> str:
    """Lines of the main box without what the template put around and between them."""
    drop_personal(main)
    lines = _read(_first_post(main), title, strict=True).lines
    texts = [line.text for line in lines]
    links = [line.linked > 0.6 * len(line.text) and not _ATTACHMENT.search(line.text) for line in lines]
    heading = _key(title)
    start = 0
    for i, text in enumerate(texts[:_NEAR]):
        timed = len(text) < 80 and "。" not in text and _FULL_TIME.search(text)
        key = _key(text)
        if (
            (heading and heading in key and len(key) < len(heading) + 8)
            or timed
            or _DATE_ONLY.match(text)
            or _is_edge(text)
        ):
            start = i + 1
        elif "。" in text or len(text) > 60:
            break
    stop = _end(texts, links, start)
    kept = []
    for i in range(start, stop):
        # A link alone between paragraphs is part of the text, several are a list.
        listed = links[i] and (i == start or i + 1 == stop or links[i - 1] or links[i + 1])
        if not listed and not is_byline(texts[i]) and (text := drop_place(texts[i])):
            kept.append(text)
    return "\n".join(kept)


def _end(texts: list[str], links: list[bool], start: int) -> int:
    """Number of lines up to the end of the article."""
    total = sum(map(len, texts[start:]))
    seen = 0
    stop = len(texts)
    for i in range(start, len(texts)):
        text, share = texts[i], seen / (total or 1)
        if (
            (seen > _SHORT and len(text) < 30 and _OTHERS.match(text))
            or (share > 0.35 and len(text) < 60 and _AFTER.match(text))
            or (share > 0.5 and len(text) < 200 and _LAST.match(text))
        ):
            stop = i
            break
        seen += 0 if links[i] else len(texts[i])
    while stop > start and (
        links[stop - 1] or _is_edge(texts[stop - 1]) or _LAST.match(texts[stop - 1]) or is_byline(texts[stop - 1])
    ):
        stop -= 1
    return stop


def _is_edge(text: str) -> bool:
    return bool(_EDGE.match(text) or (len(text) < 300 and _TEMPLATE.search(text)))


def _first_post(main: LexborNode) -> LexborNode:
    """The opening post where the box holds a thread: alike siblings that can be answered."""
    children = [child for child in main.iter() if child.tag in _BOXES]
    alike = [
        c
        for c in children
        if c.tag == children[0].tag and c.attributes.get("class") == children[0].attributes.get("class")
    ]
    posts = [child for child in alike if _REPLY.search(child.text())]
    return posts[0] if len(posts) >= 2 and 2 * len(posts) > len(children) else main


def _link_share(node: LexborNode) -> float:
    whole = len(node.text(strip=True)) or 1
    return min(1.0, sum(len(link.text(strip=True)) for link in node.css("a")) / whole)


# Data scripts


def _script_text(html: str) -> str:
    """The longest text among the usual fields of JSON-LD and page data, for pages that a script draws."""
    for source in (html, html.replace('\\"', '"').replace("\\\\", "\\")):
        found = (_json_string(quoted) for quoted in _JSON_TEXT.findall(source))
        texts = [text for text in found if len(_PUNCTUATION.findall(text)) >= 3]
        if texts:
            longest = max(texts, key=len)
            page = parse_html(longest)
            page.strip_tags(_UNREAD)
            return _body(page.body, "") if "<" in longest and page.body else "\n".join(longest.split("\n"))
    return ""


def _script_title(html: str) -> str:
    return next((text for quoted in _JSON_TITLE.findall(html) if (text := _json_string(quoted))), "")


def _json_string(quoted: str) -> str:
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return ""
