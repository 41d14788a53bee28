"""Reading of 政府信息公开 pages (Anhui's XxgkContent and its kin). Pure: source and page in, values out."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import dropwhile, islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from caifeng.core.model.source import Source
from caifeng.core.text.encoding import decode
from caifeng.core.text.times import UNKNOWN, Moment, parse_time
from crawlers.items import Page, RawPost, Read
from crawlers.pages import list_detail
from crawlers.pages.values import absolute, block_text, parse_count, parse_html

#: Labels of the block that heads a document (政府信息公开目录), blanks left out: 索 引 号 is 索引号.
_LABELS = (
    "索引号|索取号|信息分类|主题分类|组配分类|服务对象分类|体裁分类|发布机构|发文机关|发布文号|文号|发文字号|成文日期|"
    "生成日期|发文日期|发布日期|发布时间|公开日期|生效日期|生效时间|废止日期|废止时间|有效性|内容概述|名称|关键词|主题词|"
    "信息来源|来源|公开方式|公开范围|语种|浏览次数|浏览量|阅读次数|阅读量|点击数|点击次数|访问次数|访问量"
)
_LABEL = re.compile(rf"[【\[]?(?:{_LABELS})[】\]]?\s*[:：]")
_LABEL_ALONE = re.compile(rf"[【\[]?(?:{_LABELS})[】\]]?\s*[:：]?")
_GAP = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")
_NUMBER_OF_RECORD = "索引号|索取号"
#: When it was put on the site. 成文日期 is the document's own, which may be years back.
_PUBLISHED = "发布时间|发布日期|公开日期|生成日期|发文日期"
_SEEN = "浏览次数|浏览量|阅读次数|阅读量|点击次数|点击数|访问次数|访问量"
#: 11341622003178461W/202611-00012; what has no figure (暂无) is none.
_RECORD = re.compile(r"(?=\S*\d)\S{4,60}")
#: A count and nothing else but the tools that stand beside it: a date or a title behind an empty counter is none.
_COUNT = re.compile(
    r"[\[(（【]?\s*(\d[\d,，.]*\s*[万亿wW]?)\s*[次人]?\s*[\])）】]?(?:\s*[【\[]?(?:打印|关闭|收藏|分享|字[体号]).*)?"
)
#: More characters are no block of labels but a page; fewer labels no block.
_BLOCK_LENGTH, _BLOCK_LABELS = 1_200, 3
_BLOCK_TAGS = frozenset({"table", "ul", "dl", "div", "section"})
#: Cells looked at, and steps up from each: a block is near its label.
_BLOCK_TRIES = 10
#: Longer is a sentence.
_LABEL_LINE = 60
_CELLS = "th, td, dt, li, p, span, b, strong, em, label, div, font"

_PAGE_NUMBER = re.compile(r"(.*/page_)(\d{1,4})(\.s?html?)", re.IGNORECASE)
_PAGES = re.compile(r"共\s*(\d{1,5})\s*页|(?:pageCount|totalPages?)['\"]?\s*[:=]\s*['\"]?(\d{1,5})")


def read(source: Source, page: Page) -> Read:
    """A list page gives links, a document one post."""
    return read_list(source, page) if page.kind == "list" else read_document(source, page)


def read_list(source: Source, page: Page) -> Read:
    """A list of documents; its next page is guessed from the address where a script makes the links.

    After page_2.html comes page_3.html, as long as there are entries. No guess where the page numbers its pages by
    plain links (then the missing link means: the last page) or says how many there are.

    Raises:
        Undecodable: the body is no text.
        Unreadable: as list_detail.read_list.
    """
    read = list_detail.read(source, page)
    if read.next_url is not None or not read.found:
        return read
    return replace(read, next_url=_following(page))


def read_document(source: Source, page: Page) -> Read:
    """A document: one post. With a [detail] table by its rules alone.

    Without one the block of 索引号, 信息分类, 发布机构, … is read by its labels and taken out of the page, and the
    generic extractor reads the rest. A time outside the block that is exact to the minute or hour goes before the
    block's date; 浏览次数 that a script fills in are null.

    Raises:
        Undecodable: the body is no text.
        Unreadable: as list_detail.read_detail.
    """
    if source.detail is not None:
        return list_detail.read_post(source, page)
    decoded = decode(page.body, page.charset)
    tree = parse_html(decoded.text)
    lines = [_GAP.sub("", line) for line in block_text(tree.body).split("\n")] if tree.body is not None else []
    record = next(filter(None, map(_RECORD.match, _values(lines, _NUMBER_OF_RECORD))), None)
    count = next(filter(None, map(_COUNT.fullmatch, _values(lines, _SEEN))), None)
    times = [parse_time(value, page.fetched_at) for value in _values(lines, _PUBLISHED)]
    # The most exact one: the block has a day, the line below the title often the minute.
    stated = min((time for time in times if time.at is not None), key=lambda t: t.precision == "day", default=UNKNOWN)
    block = _block(tree)
    if block is not None:
        block.decompose()
    # Written as UTF-8 with a mark at its head, which goes before the charset that the page declares.
    rest = replace(page, body=("\ufeff" + (tree.html or "")).encode("utf8"), charset=None)
    read = list_detail.read_post(source, rest)
    (post,) = read.posts
    post = replace(
        post,
        text=_without_labels(post.text),
        encoding=decoded.encoding,
        index_no=record[0] if record else None,
        views=parse_count(count[1]) if count else None,
    )
    return replace(read, posts=(_dated(post, stated),))


def _dated(post: RawPost, stated: Moment) -> RawPost:
    """The post with the labelled date, unless it has a more exact time itself or there is no such date."""
    if stated.at is None or (post.published_precision in {"minute", "hour"} and stated.precision == "day"):
        return post
    return replace(
        post,
        published_at=stated.at,
        published_precision=stated.precision,
        date_source="element",
        date_guessed=stated.guessed,
    )


def _without_labels(text: str) -> str:
    """The text without lines of labels above it (浏览次数： 次 打印), unless there is nothing else."""
    lines = text.split("\n")
    body = list(dropwhile(lambda line: len(line) <= _LABEL_LINE and _LABEL.match(_GAP.sub("", line)), lines))
    return "\n".join(body or lines)


def _values(lines: list[str], labels: str) -> Iterator[str]:
    """What follows each of the labels, in its line or the next one, up to another label; empty ones left out."""
    labelled = re.compile(rf"(?:{labels})[】\]]?\s*[:：]\s*(.*)$")
    alone = re.compile(rf"[【\[]?(?:{labels})[】\]]?")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if found := labelled.search(line) or alone.fullmatch(line):
            value = (found.re is labelled and found[1]) or ("" if _LABEL_ALONE.fullmatch(following) else following)
            if cut := _LABEL.split(value, maxsplit=1)[0].strip():
                yield cut


def _block(tree: LexborHTMLParser) -> LexborNode | None:
    """The smallest table, list or division that holds the 索引号 and other labels; none with a headline or a body."""
    labelled = re.compile(rf"[【\[]?(?:{_NUMBER_OF_RECORD})")
    cells = (cell for cell in tree.css(_CELLS) if labelled.match(_GAP.sub("", cell.text(deep=False).strip())))
    for cell in islice(cells, _BLOCK_TRIES):
        node: LexborNode | None = cell
        for _ in range(_BLOCK_TRIES):
            if node is None or len(text := _GAP.sub("", node.text(separator=" "))) > _BLOCK_LENGTH:
                break
            if node.tag in _BLOCK_TAGS and len(re.findall(_LABELS, text)) >= _BLOCK_LABELS:
                return node if node.css_first("h1") is None else None
            node = node.parent
    return None


def _following(page: Page) -> str | None:
    """Address of the next page after …/page_<n>.html, as read_list has it; null where there is none."""
    here = _PAGE_NUMBER.fullmatch(page.url)
    if here is None:
        return None
    text = decode(page.body, page.charset).text
    before, number, after = here[1], int(here[2]), here[3]
    targets = (absolute(page.url, node.attributes.get("href")) for node in parse_html(text).css("a[href*='page_']"))
    linked = [
        int(found[2])
        for target in targets
        if target and (found := _PAGE_NUMBER.fullmatch(target)) and found[1] == before
    ]
    others = [other for other in linked if other != number]
    said = _PAGES.search(text)
    last = int(said[1] or said[2]) if said else max(others) if others else number + 1
    return f"{before}{number + 1}{after}" if number < last else None
