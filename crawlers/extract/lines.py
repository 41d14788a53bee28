"""A page as lines (the text between two block borders) and boxes (the block elements around them)."""

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from crawlers.pages.values import BLOCKS, SILENT

#: Elements whose text is no line of the page. A form is read: ASP.NET wraps whole pages in one.
UNREAD = sorted(SILENT - {"form", "head", "title"})
#: Boxes; the other blocks only end a line.
BOXES = frozenset(
    {"address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "figure", "footer", "form", "header"}
    | {"main", "nav", "ol", "section", "table", "td", "th", "ul"}
)
FULL_DATE = re.compile(r"(?:19|20)\d{2}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}")
DATE_LINE = re.compile(
    FULL_DATE.pattern
    + r"|[〇○零一二三四五六七八九]{4}年|(?:发布|发表)(?:时间|日期|于)|\d+\s?(?:分钟|小时|天)前|(?:昨天|今天|前天)\s?"
    r"\d{1,2}:|"
    r"(?<!\d)\d{1,2}(?:-|月)\d{1,2}日?\s+\d{1,2}:\d{2}"
)
_BORDERS = BLOCKS | BOXES
_EMPTY = frozenset({"br", "img", "input", "-comment", "hr", "source", "wbr"})
_PARTS = frozenset({"nav", "footer", "aside"})
_HEADING_TAGS = frozenset({"h1", "h2", "h3"})
_FURNITURE = re.compile(
    r"foot(?!note)|bread-?crumb|crumbs|side-?bar|copy-?right|recommend|related|relevant|share|\bnav\b|nav-?bar|"
    r"menu|pagination|pager|qr-?code|\bads?\b|advert|\blogin|\brank|tool-?bar|hot-?(?:news|list|article)|\bhead-?nav"
)
_COMMENTS = re.compile(r"comment(?!ary|ator)|pinglun|gentie|disqus")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
#: Elements named like furniture are judged until so many times the page's text was looked at: they may be nested.
_JUDGED = 20
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(slots=True)
class Line:
    """Text between two block borders; `linked` of its characters are links."""

    text: str
    linked: int
    box: int
    heading: bool


@dataclass(slots=True)
class Reading:
    """Lines and boxes in document order. A box comes after its parent; `furniture` holds skipped characters by box."""

    lines: list[Line] = field(default_factory=list)
    boxes: list[LexborNode] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    furniture: list[float] = field(default_factory=list)


def read_lines(root: LexborNode, title: str, strict: bool) -> Reading:
    """Lines and boxes of an element. With `strict`, elements that are named like furniture are only measured."""
    reading = Reading()
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
                lines.append(Line(text, linked, box, heading))
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
        elif tag in BOXES or node is root:
            if box >= 0 and budget > 0 and (name := _furniture_name(node, tag)):
                whole = node.text()
                budget -= len(whole)
                if _is_furniture(node, name, whole, title, sentences):
                    text = " ".join(node.text(separator=" ").split())
                    reading.furniture[box] += len(text)
                    if len(text) < 200 and DATE_LINE.search(text):
                        lines.append(Line(text, len(text), box, False))
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
        lines.append(Line(text, linked, box, heading))
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


def _link_share(node: LexborNode) -> float:
    whole = len(node.text(strip=True)) or 1
    return min(1.0, sum(len(link.text(strip=True)) for link in node.css("a")) / whole)


def find_headline(lines: list[Line], title: str) -> int | None:
    """Where the title stands on the page: a heading first, then a line that is no link."""
    key = letters(title)
    if len(key) < 4:
        return None
    same = [i for i, line in enumerate(lines) if len(line.text) < 2 * len(title) + 8 and key in letters(line.text)]
    return min(same, key=lambda i: (not lines[i].heading, lines[i].linked > 0, i)) if same else None


def first_line(reading: Reading, main: int | None) -> int:
    """Number of the first line inside a box; 0 without a box."""
    if main is None:
        return 0
    inside = [False] * len(reading.boxes)
    for box, parent in enumerate(reading.parents):
        inside[box] = box == main or (parent >= 0 and inside[parent])
    return next((i for i, line in enumerate(reading.lines) if inside[line.box]), 0)


def letters(text: str) -> str:
    """Letters and digits alone, in lower case, to compare."""
    return _NOT_WORD.sub("", text).lower()
