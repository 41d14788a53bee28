"""Reading of forum threads (Discuz! and its kin). Pure: source and page in, values out.

The opening post is one post, with the thread's title and counters. A reply is a post of its own: it is judged by its
own words, has no title and no counters, and names the thread it belongs to.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from urllib.parse import urlsplit, urlunsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from caifeng.core.model.families import ThreadPage
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import decode
from caifeng.core.text.scrub import scrub
from caifeng.core.text.times import UNKNOWN
from caifeng.core.text.urls import canonical_url, post_id
from crawlers.extract import is_soft_404
from crawlers.items import Link, Page, RawPost, Read, post_from
from crawlers.pages.list_detail import read_list
from crawlers.pages.values import (
    Unreadable,
    absolute,
    block_text,
    drop_personal,
    first_text,
    layout_of,
    parse_count,
    parse_html,
    select,
    stated_moment,
)

#: A reply of fewer letters says nothing of its own (顶, 路过, a picture). Our choice.
MIN_LETTERS = 4

# Discuz! static addresses: thread-<thread>-<page>-<page of the list one came from>.html.
_STATIC = re.compile(r"(/thread-\d{1,12})-(\d{1,6})-\d{1,6}(?=\.html?$)", re.ASCII)
_PAGE_KEYS = frozenset({"page", "pn"})
# How one came to the thread, and in which order it is shown: not which thread it is.
_VIEW_KEYS = _PAGE_KEYS | {"extra", "highlight", "ordertype", "fromuid"}

# A notice instead of a thread is a short page.
_NOTICE = 200
_GONE = re.compile(r"(?:主题|[帖贴]子|内容|版块)(?:不存在|已?被?删除|已?被?关闭)|已被删除|正在被?审核")
_MEMBERS = re.compile(
    r"(?:尚未|没有|请先|需要|必须|后才能)登[录陆]|登[录陆]后|没有权限|无权(?:访问|查看|浏览)|阅读权限"
)

_VIEWS = "查看|浏览|阅读|点击|人气"
_COMMENTS = "回复|回帖|评论|跟帖"
_PIECES = re.compile(rf"[|｜]|(?=(?:{_VIEWS}|{_COMMENTS})\w{{0,3}}\s*[:：])")

# Edit marks, signatures, hidden noise against copying, notes on attachments.
_FURNITURE = (
    ".pstatus,.sign,.signature,.jammer,.locked,.attach_nopermission,.tip,.aimg_tip,"
    "[style*='display:none'],[style*='display: none']"
)
_QUOTES = "blockquote,.quote,.quotes,.blockquote,.reply-quote"
_USER_LINKS = "a[href*='space-uid'],a[href*='space-username'],a[href*='mod=space'],a[href*='/user/'],a[href*='/u/']"
# Offices may be named: they are whom the public speaks to.
_OFFICE = re.compile(r"(?:局|政府|委|委员会|办|办公室|队|中心|发布|公安|法院|检察院|热线)$")
_EDITED = re.compile(r"本[帖贴]最后由.{1,60}?编辑")
_MENTION = re.compile(r"(?<![\w.+%-])[@＠]([\w\-]{1,24})")
_ANSWERED_POST = re.compile(r"^回复\s*(?:\d+\s*[#楼])?\s*\S{0,24}?\s*的[帖贴]子")
_ANSWERED_NAME = re.compile(r"^回复(?![率量数时])\s*(?:\d+\s*[#楼])?\s*[@＠]?([^\s:：]{0,16})\s*[:：]\s*")
_NAMES_LINE = re.compile(
    r"^(?:.{0,40}?发表于\s*(?:\d|[今昨前]天|刚|半).{0,30}"
    r"|引用(?:[:：]?$|(?=.{0,40}$).{0,38}(?:[#楼]|发表|的话|的[帖贴]子|[:：]$).*)"
    r"|来自\s*[:：]?\s*(?:IP.{0,30}|[^\s，。！？；、]{1,12}))$"
)


def read(source: Source, page: Page) -> Read:
    """A list page gives the threads with their number of replies; a page of a thread gives its posts."""
    if page.kind == "list":
        return read_links(source, page, parse_count, lambda url: thread_address(url)[0])
    return _read_thread(source, page)


def read_links(
    source: Source,
    page: Page,
    count: Callable[[str | None], int | None],
    address: Callable[[str], str] = canonical_url,
) -> Read:
    """A list page whose entries say by a count what has come since: replies, or an answer.

    Args:
        source: with its [list] table.
        page: the list.
        count: what the text at `list.comments` means.
        address: one spelling of an entry's address, for the same thread may be listed by several.

    Raises:
        Undecodable, Unreadable: as read_list does.
    """
    rules = source.list
    assert rules is not None
    listed = read_list(page.body, page.url, rules, page.fetched_at, page.charset)
    links: dict[str, Link] = {}
    for entry in listed.entries:
        url = address(entry.url)
        links.setdefault(url, Link(url, listed=entry.listed, comments=count(entry.comments)))
    problem = f"{listed.without_link} items without a web link" if listed.without_link else None
    return Read(len(links), links=tuple(links.values()), next_url=listed.next_url, problem=problem)


def thread_address(url: str) -> tuple[str, int]:
    """Canonical address of a thread's first page, and the number of the page that `url` leads to.

    The same for all pages of the thread, from whichever page of the list one came: Discuz!'s thread-1-2-3.html and
    forum.php?mod=viewthread&tid=1&page=2, and every address with `page` or `pn`. Of other addresses the page is 1.
    """
    parts = urlsplit(canonical_url(url))
    number = int(found[2]) if (found := _STATIC.search(parts.path)) else 1
    kept = []
    for pair in filter(None, parts.query.split("&")):
        key, _, value = pair.partition("=")
        if key in _PAGE_KEYS and re.fullmatch(r"\d{1,6}", value, re.ASCII):
            number = int(value)
        if key not in _VIEW_KEYS:
            kept.append(pair)
    thread = urlunsplit(parts._replace(path=_STATIC.sub(r"\1-1-1", parts.path), query="&".join(kept)))
    return thread, max(1, number)


def _read_thread(source: Source, page: Page) -> Read:
    rules = source.thread
    assert rules is not None
    decoded = decode(page.body, page.charset)
    tree = parse_html(decoded.text)
    thread, is_first = _place(tree, page, rules)
    title = first_text(tree, rules.title, "thread.title") or ""
    floors = select(tree, rules.reply, "thread.reply") if rules.reply else []
    body = _opening(tree, floors, rules) if is_first else None
    if not title or (body is None and not floors):
        _refused(tree)
        rule = "title" if not title else "body" if is_first else "reply"
        raise Unreadable(f"thread.{rule}: nothing found ({getattr(rules, rule)})")
    posts: list[RawPost] = []
    if body is not None:
        text = _words(body)
        if is_soft_404(title, text):
            raise Unreadable("soft 404")
        posts.append(
            post_from(
                source,
                page,
                url=thread,
                title=title,
                text=text,
                encoding=decoded.encoding,
                published=stated_moment(tree, rules.time, "thread.time", page.fetched_at),
                date_source="rule",
                views=_labelled(first_text(tree, rules.views, "thread.views"), _VIEWS),
                comments=_labelled(first_text(tree, rules.comments, "thread.comments"), _COMMENTS),
            )
        )
        around = _around(body)
        floors = [floor for floor in floors if floor.mem_id not in around]
    posts += _replies(source, page, rules, thread, floors, decoded.encoding)
    hidden = is_first and body is None
    return Read(
        len(floors) + (body is not None),
        posts=tuple(posts),
        next_url=_link(tree, rules.next, "thread.next", page.url),
        problem="thread.body: the opening post is not shown" if hidden else None,
        layout=layout_of(tree, rules.title, rules.body) if is_first else None,
    )


def _refused(tree: LexborHTMLParser) -> None:
    """Say so if the page is only a notice of the forum: no such thread, or members only."""
    notice = block_text(tree.body) if tree.body else ""
    if len(notice) < _NOTICE:
        if _MEMBERS.search(notice):
            raise Unreadable("the forum wants a login")
        if _GONE.search(notice):
            raise Unreadable("soft 404")
    if is_soft_404(first_text(tree, "title", "title") or "", notice):
        raise Unreadable("soft 404")


def _place(tree: LexborHTMLParser, page: Page, rules: ThreadPage) -> tuple[str, bool]:
    """Address of the thread's first page, and whether this is it."""
    thread, number = thread_address(page.url)
    first = _link(tree, rules.first, "thread.first", page.url)
    if first is not None and thread_address(first)[0] != thread:
        return thread_address(first)[0], False
    return thread, number == 1


def _opening(tree: LexborHTMLParser, floors: list[LexborNode], rules: ThreadPage) -> LexborNode | None:
    """Where the opening post's words stand; null if it is hidden, so that the first words are those of a reply."""
    for body in select(tree, rules.body, "thread.body")[:1]:
        around = _around(body)
        return None if any(floor.mem_id in around for floor in floors[1:]) else body
    return None


def _around(node: LexborNode) -> set[int]:
    """The node and what it stands in."""
    found = set()
    current: LexborNode | None = node
    while current is not None:
        found.add(current.mem_id)
        current = current.parent
    return found


def _replies(
    source: Source, page: Page, rules: ThreadPage, thread: str, floors: list[LexborNode], encoding: str
) -> list[RawPost]:
    """One post per reply that says something. Its address names the reply, wherever in the thread it stands."""
    # The list's time is that of the thread.
    page = replace(page, listed=UNKNOWN)
    posts: dict[str, RawPost] = {}
    for floor in floors:
        assert rules.reply_body is not None
        text = "\n".join(
            _words(node, quotes=False) for node in select(floor, rules.reply_body, "thread.reply_body")[:1]
        )
        if sum(letter.isalpha() and letter not in "顶赞" for letter in text) < MIN_LETTERS:
            continue
        url = f"{thread}{'&' if '?' in thread else '?'}{_reply_key(floor, rules, text)}"
        post = post_from(
            source,
            page,
            url=url,
            title="",
            text=text,
            encoding=encoding,
            published=stated_moment(floor, rules.reply_time, "thread.reply_time", page.fetched_at),
            date_source="rule",
            parent_id=post_id(thread),
        )
        posts.setdefault(post.post_id, post)
    return list(posts.values())


def _reply_key(floor: LexborNode, rules: ThreadPage, text: str) -> str:
    if rules.reply_id is not None:
        for node in select(floor, rules.reply_id, "thread.reply_id")[:1]:
            for name in ("id", "data-id"):
                if found := re.findall(r"\d{1,20}", node.attributes.get(name) or "", re.ASCII):
                    return f"pid={found[-1]}"
    # Scrubbed first: from a hash a phone number could be found by trying.
    return f"reply={sha256(scrub(text).encode('utf8')).hexdigest()[:16]}"


def _words(body: LexborNode, *, quotes: bool = True) -> str:
    """Words of a post without names: of editors, of those it answers, of those it mentions, and without furniture."""
    # A copy: what is removed here may hold another post that is still to be read.
    words = parse_html(body.inner_html or "")
    if words.body is None:
        return ""
    _drop(words, _FURNITURE if quotes else f"{_FURNITURE},{_QUOTES}")
    _drop(words, _USER_LINKS, keep=_OFFICE)
    drop_personal(words)
    lines = (_without_names(line) for line in block_text(words.body).split("\n"))
    return "\n".join(filter(None, lines))


def _drop(tree: LexborHTMLParser, selector: str, keep: re.Pattern[str] | None = None) -> None:
    """Remove matches in place, each outermost one once."""
    inside: set[int] = set()
    outermost = []
    for node in tree.css(selector):
        if node.mem_id in inside or (keep is not None and keep.search(node.text(strip=True))):
            continue
        inside.update(child.mem_id for child in node.traverse())
        outermost.append(node)
    for node in outermost:
        node.decompose()


def _without_names(line: str) -> str:
    line = _EDITED.sub("", line).strip()
    if _NAMES_LINE.match(line):
        return ""
    line = _ANSWERED_POST.sub("", line)
    line = _ANSWERED_NAME.sub(lambda found: found[0] if _OFFICE.search(found[1]) else "", line)
    return _MENTION.sub(lambda found: found[0] if _OFFICE.search(found[1]) else "", line).strip()


def _labelled(text: str | None, label: str) -> int | None:
    """The count of its own label; other counts may stand in the same line (查看: 340 | 回复: 12)."""
    pieces = _PIECES.split(text or "")
    if not re.search(f"{_VIEWS}|{_COMMENTS}", text or ""):
        return parse_count(text)
    return next((parse_count(piece) for piece in pieces if re.search(label, piece)), None)


def _link(tree: LexborHTMLParser, selector: str | None, rule: str, base: str) -> str | None:
    for node in select(tree, selector, rule)[:1] if selector else []:
        return absolute(base, node.attributes.get("href"))
    return None
