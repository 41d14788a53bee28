"""Values out of a page: nodes, text, counts. Pure functions, shared by the page parsers."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from caifeng.core.text.times import UNKNOWN, Moment, parse_time
from caifeng.core.text.urls import is_web_url


class Unreadable(ValueError):  # noqa: N818 - reads as the outcome it becomes
    """The page is not what the source's rules expect; names the rule."""


_WORDS = re.compile(r"\w+")
#: Elements left open, those that need no end not counted.
MAX_UNCLOSED = 5_000
_TAG = re.compile(r"<(/?[a-z][a-z0-9]*)", re.IGNORECASE)
_NO_END = frozenset(
    _WORDS.findall(
        "br hr img input meta link source area col wbr embed param base track p li dt dd td th tr tbody thead tfoot "
        "option optgroup colgroup html head body"
    )
)
_UNITS = {"千": 10**3, "k": 10**3, "万": 10**4, "w": 10**4, "亿": 10**8}
_LABEL = r"(?:浏览|阅读|点击|查看|访问|人气|评论|回复|跟帖|转发|分享|讨论|热度)(?:次数|人数|量|数|次)?+"
# At most 15 digits: more is no count.
_NUMBER = r"(\d{1,3}(?:[,，]\d{3}){1,4}|\d{1,15})(?![\d,，]\d)(\.\d{1,9})?\s*([千万亿kKwW])?"
_LABELLED = re.compile(_LABEL + r"\s*[:：]?\s*[(（\[]?\s*" + _NUMBER)
# 10:39 浏览次数： is a time and a counter that has not loaded.
_NUMBER_FIRST = re.compile(_NUMBER + r"\s*[+＋]?\s*(?:次|人|条|个)?\s*" + _LABEL + r"(?!\s*[:：])")
_BARE = re.compile(r"^[^\d]{0,12}?[(（\[]?\s*" + _NUMBER + r"\s*[+＋]?\s*[次人条个]?\s*[)）\]]?$")

#: Elements that begin and end a line.
BLOCKS = frozenset(
    _WORDS.findall(
        "address article aside blockquote center dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li "
        "main ol p pre section table tbody td th tr ul br"
    )
)
#: Elements whose text is not read.
SILENT = frozenset(_WORDS.findall("script style noscript template iframe svg form button select textarea title head"))
#: Elements that carry who wrote; removed wherever they are no larger than a name.
_PERSONAL = (
    "[itemprop=author],[rel=author],[class*=author],[class*=Author],[class*=username],[class*=user-name],"
    "[class*=nickname],[class*=avatar],[class*=ip-location],[class*=ip_location],[class*=iploc]"
)
_BYLINE = re.compile(
    r"^[(（\[【]?\s*(?:作者|发布者|发布人|发帖人|楼主|网友|网名|昵称|用户名?|留言人|来信人|写信人|姓名|记者|通讯员|撰稿|"
    r"(?:责任)?编辑|责编|审核|校对|IP属地|IP归属地|IP地址|IP)\s*[:：].{0,40}$"
)
_IP_PLACE = re.compile(r"[(（]?\s*IP\s*(?:属地|归属地|地址)\s*[:：]?\s*[\w.]{1,20}\s*[)）]?", re.IGNORECASE)


def parse_html(text: str) -> LexborHTMLParser:
    """Parse a decoded page.

    Raises:
        Unreadable: thousands of elements are never closed. HTML5 parsing takes quadratic time in the depth, so a
            hostile page within the size limit could hold up the whole run.
    """
    # Counting tags takes as long as parsing: only where there are enough of them.
    if text.count("<") - text.count("</") > MAX_UNCLOSED:
        tags = Counter(tag.lower() for tag in _TAG.findall(text))
        opened = (tag for tag in tags if tag[0] != "/" and tag not in _NO_END)
        if sum(max(0, tags[tag] - tags[f"/{tag}"]) for tag in opened) > MAX_UNCLOSED:
            raise Unreadable("nested too deeply")
    return LexborHTMLParser(text)


def parse_count(text: str | None) -> int | None:
    """A count as sites show it: 340, 1,204, 1.2万, 3.5亿, 10万+, 浏览次数：340, 阅读 1.2w.

    Null where none is shown (浏览次数： before its script ran, --): unknown is never zero.
    """
    if not text:
        return None
    plain = text.strip()
    found = _LABELLED.search(plain) or _NUMBER_FIRST.search(plain) or _BARE.match(plain)
    if not found:
        return None
    whole, fraction, unit = found.groups()
    number = float(whole.replace(",", "").replace("，", "") + (fraction or ""))
    return round(number * _UNITS.get((unit or "").lower(), 1))


def absolute(base: str, href: str | None) -> str | None:
    """The link made absolute; null for what is no web address (javascript:, mailto:, #)."""
    if not href or href.strip().startswith("#"):
        return None
    try:
        target = urljoin(base, href.strip())
    except ValueError:
        return None
    return target if is_web_url(target) else None


def select(node: LexborHTMLParser | LexborNode, selector: str, rule: str) -> list[LexborNode]:
    """Nodes that match.

    Raises:
        Unreadable: the selector is not CSS; names the rule.
    """
    try:
        return list(node.css(selector))
    except Exception as error:  # selectolax raises its own and built-in errors for bad selectors
        raise Unreadable(f"{rule}: not a CSS selector: {selector}") from error


def first_text(node: LexborHTMLParser | LexborNode, selector: str | None, rule: str) -> str | None:
    """Text of the first match on one line, or a meta element's content; null without selector, match or text."""
    if selector is None:
        return None
    for found in select(node, selector, rule):
        text = found.attributes.get("content") if found.tag == "meta" else found.text(separator=" ")
        return " ".join((text or "").split()) or None
    return None


def time_texts(node: LexborHTMLParser | LexborNode, selector: str | None, rule: str) -> list[str]:
    """Where the time may stand in the first match, exact forms first: 2小时前 often has the full time as its title."""
    if selector is None:
        return []
    for found in select(node, selector, rule):
        exact: Sequence[str | None] = [found.attributes.get(name) for name in ("datetime", "content", "title")]
        inner = [child.attributes.get("title") for child in found.css("[title]")]
        return [text for text in (*exact, *inner, found.text(separator=" ")) if text]
    return []


def layout_of(page: LexborHTMLParser, *selectors: str) -> str | None:
    """Where the first matches stand in the page, as 8 hex digits; null where one is missing.

    Tags and classes of their ancestors, digits left out: the same for all pages of one template, another one after
    the site has changed it, even if the selectors still match.
    """
    paths = []
    for selector in selectors:
        node = page.css_first(selector)
        if node is None:
            return None
        steps = []
        while node is not None and node.tag not in {"html", "-undef"}:
            steps.append(f"{node.tag}.{node.attributes.get('class') or ''}")
            node = node.parent
        paths.append(re.sub(r"\d+", "", "/".join(steps)))
    return sha256("|".join(paths).encode("utf8")).hexdigest()[:8]


def stated_moment(node: LexborHTMLParser | LexborNode, selector: str | None, rule: str, reference: datetime) -> Moment:
    """The time that the first match states; unknown without selector, match or time. Relative ones count from then."""
    moments = (parse_time(text, reference) for text in time_texts(node, selector, rule))
    return next((moment for moment in moments if moment.at is not None), UNKNOWN)


def whole_page(page: LexborHTMLParser) -> tuple[str, str]:
    """Title element and all the words of a page, empty where there are none."""
    return first_text(page, "title", "title") or "", block_text(page.body) if page.body else ""


def drop_personal(root: LexborHTMLParser | LexborNode) -> None:
    """Remove elements that name the author, in place; larger ones are containers and stay."""
    for node in root.css(_PERSONAL):
        if len(node.text(strip=True)) <= 40:
            node.decompose()


def block_text(node: LexborNode) -> str:
    """Text of a node: one line per block, blanks folded, scripts and by-lines left out."""
    pieces: list[str] = []
    stack: list[LexborNode | str] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, str):
            pieces.append(current)
        elif current.is_text_node:
            pieces.append(current.text_content or "")
        elif current.is_element_node and current.tag not in SILENT:
            border = "\n" if current.tag in BLOCKS else ""
            children = list(current.iter(include_text=True))
            stack.extend([border, *reversed(children), border] if border else reversed(children))
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in map(drop_place, lines) if line and not is_byline(line))


def is_byline(line: str) -> bool:
    """Whether a line only says who wrote, edited or sent it."""
    return _BYLINE.match(line) is not None


def drop_place(line: str) -> str:
    """The line without the IP location that platforms append."""
    return _IP_PLACE.sub("", line).strip()
