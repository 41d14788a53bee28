"""Keep pages of a source as fixtures: fetched politely, scrubbed of persons, read the same as before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from caifeng.core import clock
from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import DataError, UsageError
from caifeng.core.files import replacing
from caifeng.core.model.families import fill_day
from caifeng.core.model.source import Source
from caifeng.core.settings import load_model
from caifeng.core.text.encoding import Undecodable, decode
from caifeng.core.text.scrub import find_pii, scrub
from caifeng.core.text.times import Moment
from caifeng.jobs.base import Env
from caifeng.jobs.visit import Visitor
from crawlers.drafts.addresses import personal_page
from crawlers.drafts.words import likeness
from crawlers.items import Kind, Page, Read
from crawlers.pages.values import Unreadable, parse_html
from crawlers.reading import READERS

#: Entry pages kept beside the list page.
ENTRIES = 2
#: Share of 4-grams that must be left of a text after scrubbing (our choice): fewer, and a rule took more than names.
LEFT = 0.9

_ROLES = (
    "作者|发布者|发布人|发帖人|楼主|网友|网名|昵称|用户名|留言人|来信人|写信人|投诉人|反映人|咨询人|姓名|本报记者|记者|通讯员|"
    "撰稿|摄影|文字|责任编辑|责编|编辑|审核|校对|签发|联系人|IP属地|IP归属地|IP地址"
)
_BYLINE = re.compile(
    rf"((?:{_ROLES})\s*[:：/]\s*)[^\s，。；;|｜)）\]】:：]{{1,20}}(?:[ 、][\u4e00-\u9fff·]{{2,4}}(?!\S))*"
)
_BRACKETED = re.compile(r"[(（【\[](?:本报|本网|通讯员|记者|作者|编辑)[^)）】\]\n]{1,30}[)）】\]]")
_LABEL = re.compile(rf"^\s*(?:{_ROLES})\s*[:：]?\s*$")
_PERSONAL = (
    "[itemprop=author],[rel=author],[class*=author],[class*=Author],[class*=username],[class*=user-name],"
    "[class*=nickname],[class*=avatar],[class*=writer],[class*=ip-location],[class*=ip_location],[class*=iploc]"
)
_DATE_KEY = re.compile(r"[\"']\w*(?:[dD]ate|[tT]ime)\w*[\"']\s*:\s*[\"']?\d[^\"',}]{7,40}[\"']?")
_USER_IN_ADDRESS = re.compile(
    r"(?i)(space-(?:uid|username)-|[?&](?:uid|userid|user_id|authorid|username)=)[^.&#\"'<>\s]+"
)
_AVATAR = re.compile(r"(?i)avatar|/head/|headimg|userface")
_AUTHOR_XML = re.compile(r"(?is)(<(author|dc:creator|managingEditor|webMaster|itunes:author)\b[^>]*>).*?(</\2\s*>)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PERSON_KEY = re.compile(r"(?i)author|nick|user|uid|avatar|account|(?:^|_)ip(?:_|$)|location")
_OUTSIDE = frozenset({"post_id", "parent_id", "url", "next_url", "links", "text", "title", "board", "answer"})


@dataclass(frozen=True)
class Fixture:
    """One scrubbed page: what stands in its folder. `page` is it as the reader gets it."""

    case: str
    ending: str
    page: Page
    read: dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """The folders that were written."""

    folders: tuple[Path, ...]

    def lines(self) -> list[str]:
        """For the terminal."""
        return [*map(str, self.folders), "read expected.json line by line; you are its only check"]


def record_source(env: Env, source_id: str, into: Path | None = None, day: date | None = None) -> Recording:
    """Save one list page and two entry pages of a source as fixtures of tests/crawlers/test_pages.py.

    Personal data is scrubbed, author elements and by-lines are emptied, user ids leave the addresses, the host
    becomes <id>.example; encoding and readings stay.

    Args:
        env: environment; its clock gives the fetch time.
        source_id: name of the file under sources/.
        into: folder for the cases; tests/crawlers/<id> of the repository if not given.
        day: the day that `{day}` stands for; today if not given.

    Raises:
        UsageError: no such source, an inbox, no current review, a page that cannot be had or read, or a case that is
            there already. Nothing is written.
        ConfigError: the file is no valid source.
        DataError: a scrubbed page still has personal data, or reads otherwise than the page. Nothing is written.
    """
    file = env.settings.config / "sources" / f"{source_id}.toml"
    if not file.is_file():
        raise UsageError(f"{file}: no such source")
    source = load_model(file, Source)
    fetched_at = env.now().replace(microsecond=0)
    today = clock.business_day(fetched_at)
    if not source.start_urls:
        raise UsageError(f"{file}: an inbox has no pages")
    if reason := source.may_be_crawled(today):
        raise UsageError(f"{file}: {reason}; review it: caifeng sources review {source_id}")
    target = into or env.settings.root / "tests" / "crawlers" / source_id
    fixtures = []
    for case, page in _pages(source, env.settings.office().contact, day or today, fetched_at):
        if (target / case).exists():
            raise UsageError(f"{target / case}: is there already; move it away, or give --into")
        fixtures.append(fixture(source, case, page))
    for each in fixtures:
        _write(target / each.case, example_source(source), each)
    return Recording(tuple(target / each.case for each in fixtures))


def fixture(source: Source, case: str, page: Page) -> Fixture:
    """The page without persons, and what the family's reader makes of it.

    Raises:
        UsageError: the page cannot be read.
        DataError: personal data is left, or the scrubbed page reads otherwise than the page.
    """
    try:
        before = READERS[source.family](source, page)
        ending, body = scrub_page(page.body, page.charset, hosts(source, page.url))
    except (Unreadable, Undecodable) as error:
        raise UsageError(f"{page.url}: {error}") from error
    clean = replace(page, url=_addresses(page.url, hosts(source, page.url)), body=body)
    try:
        after = READERS[source.family](example_source(source, page.url), clean)
    except (Unreadable, Undecodable) as error:
        raise DataError(f"{page.url}: cannot be read any more once scrubbed: {error}") from error
    left = find_pii(decode(body, page.charset).text)
    # Long digit runs in addresses and scripts look like numbers of persons; what is landed must be free of them.
    if left:
        raise DataError(f"{page.url}: personal data is left after scrubbing: {', '.join(left)}; record it by hand")
    if where := _difference(before, after):
        raise DataError(f"{page.url}: the scrubbed page reads otherwise: {where}; record it by hand")
    return Fixture(case, ending, clean, _plain(after))


def hosts(source: Source, url: str) -> dict[str, str]:
    """Hosts (with port) of the source and what stands for them."""
    own = dict.fromkeys(urlsplit(address).netloc for address in (*source.start_urls, url))
    return {host: f"{source.id}{f'-{n + 1}' if n else ''}.example" for n, host in enumerate(own) if host}


def example_source(source: Source, url: str = "") -> Source:
    """The source with its hosts replaced, without its review: as it goes into meta.json."""
    values = source.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"review", "min_delay_seconds"})
    text = _addresses(json.dumps(values, ensure_ascii=False), hosts(source, url or source.start_urls[0]))
    return Source.model_validate(json.loads(text))


def scrub_page(body: bytes, charset: str | None, names: dict[str, str]) -> tuple[str, bytes]:
    """A page without persons, in its own encoding, and the ending for its file (html, xml, json).

    Args:
        body: as it came.
        charset: the source's override or the HTTP header's.
        names: hosts and what stands for them.

    Raises:
        Undecodable: the body is no text.
        Unreadable: it is nested too deeply.
    """
    decoded = decode(body, charset)
    text = decoded.text.lstrip("\ufeff")
    opening = text.lstrip()[:200].lower()
    if opening[:1] in {"{", "["}:
        ending, clean = "json", json.dumps(_clean_json(json.loads(text), names), ensure_ascii=False, indent=1)
    elif opening.startswith("<?xml") or re.match(r"<(?:rss|feed|rdf|urlset|sitemapindex)\b", opening):
        ending, clean = "xml", words(_addresses(_AUTHOR_XML.sub(r"\1\3", text), names))
    else:
        ending, clean = "html", _clean_html(text, names)
    return ending, clean.encode(decoded.encoding, "xmlcharrefreplace" if ending != "json" else "strict")


def words(text: str) -> str:
    """Text without personal data and names in by-lines."""
    return scrub(_BRACKETED.sub("", _BYLINE.sub(r"\1", text)))


def _clean_html(text: str, names: dict[str, str]) -> str:
    page = parse_html(_COMMENT.sub(_clean_comment, text))
    _empty_authors(page)
    for node in list(page.root.traverse(include_text=True)) if page.root is not None else []:
        if node.is_text_node:
            _clean_text(node)
        elif node.is_element_node:
            _clean_attributes(node, names)
    return page.html or ""


def _empty_authors(page: LexborHTMLParser) -> None:
    """Take the words out of what names a person; the elements stay, for they are the layout."""
    for node in page.css(_PERSONAL):
        if len(node.text(strip=True)) <= 40:
            node.inner_html = ""
    for link in page.css("a[href]"):
        href = link.attributes.get("href") or ""
        if personal_page(href) or _USER_IN_ADDRESS.search(href):
            link.inner_html = ""
    for cell in page.css("td, th, dt, dd, span, label, em, b, strong, li, div, i"):
        value = _next_element(cell) if _LABEL.match(cell.text(strip=True)) else None
        if value is not None and len(value.text(strip=True)) <= 40:
            value.inner_html = ""


def _clean_comment(found: re.Match[str]) -> str:
    """Comments go, but for the properties that paper software writes into them, without their author."""
    return words(_AUTHOR_XML.sub(r"\1\3", found[0])) if "enpproperty" in found[0] else ""


def _clean_text(node: LexborNode) -> None:
    content = node.text_content or ""
    if not content.strip():
        return
    if node.parent is not None and node.parent.tag in {"script", "style"}:
        # Scripts carry accounts and what not; of them readers use the times.
        stated = ", ".join(_DATE_KEY.findall(content)) if node.parent.tag == "script" else ""
        clean = f"{{{stated}}}" if stated else ""
    else:
        clean = words(content)
    if clean != content:
        node.replace_with(clean)


def _clean_attributes(node: LexborNode, names: dict[str, str]) -> None:
    author = node.tag == "meta" and re.search(r"(?i)author|editor|creator", str(node.attributes.get("name")))
    for name, value in list(node.attributes.items()):
        if not value:
            continue
        clean = words(_addresses(value, names))
        avatar = _AVATAR.search(node.attributes.get("src") or "")
        if (
            name.startswith("on")
            or (author and name == "content")
            or (avatar and name in {"src", "data-src", "alt"})
            or (name.startswith("data-") and _PERSON_KEY.search(name))
        ):
            clean = ""
        if clean != value:
            node.attrs[name] = clean


def _clean_json(value: Any, names: dict[str, str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _clean_json(entry, names, name) for name, entry in value.items()}
    if isinstance(value, list):
        return [_clean_json(entry, names, key) for entry in value]
    if _PERSON_KEY.search(key):
        return "" if isinstance(value, str) else None
    return words(_addresses(value, names)) if isinstance(value, str) else value


def _addresses(text: str, names: dict[str, str]) -> str:
    """The text with hosts replaced and user ids taken out of addresses."""
    for host, name in names.items():
        text = re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])", name, text)
    return _USER_IN_ADDRESS.sub(r"\g<1>0", text)


def _pages(source: Source, contact: str, day: date, fetched_at: datetime) -> Iterator[tuple[str, Page]]:
    """The list page, then entries of it, with the names of their cases."""
    start = source.start_urls[0]
    snapshot = source.hot_list is not None and not source.hot_list.snapshots
    with Visitor(contact) as visitor:
        for url in source.start_urls:
            visitor.trust(url)
        first = _visit(visitor, source, Page(fill_day(start, day), b"", "snapshot" if snapshot else "list", fetched_at))
        yield "snapshot" if snapshot else "list", first
        try:
            links = READERS[source.family](source, first).links
        except (Unreadable, Undecodable) as error:
            raise UsageError(f"{first.url}: {error}") from error
        kinds: list[Kind] = ["detail", "snapshot"]
        for n, link in enumerate([link for link in links if link.kind in kinds][:ENTRIES], 1):
            page = Page(link.url, b"", link.kind, fetched_at, None, link.listed, link.board)
            yield f"{link.kind}_{n}", _visit(visitor, source, page)


def _visit(visitor: Visitor, source: Source, page: Page) -> Page:
    visit = visitor.get(page.url)
    return replace(page, url=visit.url, body=visit.body, charset=source.encoding or visit.charset)


def _write(folder: Path, source: Source, kept: Fixture) -> None:
    page = kept.page
    meta: dict[str, Any] = {
        "source": source.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True),
        "kind": page.kind,
        "url": page.url,
        "encoding": page.charset,
        "fetched_at": page.fetched_at.isoformat(),
    }
    if page.board is not None:
        meta["board"] = page.board
    if page.listed.at is not None:
        meta["listed"] = _stated(page.listed)
    files: dict[str, bytes] = {
        f"body.{kept.ending}": page.body,
        "meta.json": (json.dumps(meta, ensure_ascii=False, indent=2) + "\n").encode(),
        "expected.json": (json.dumps(kept.read, ensure_ascii=False, indent=2) + "\n").encode(),
    }
    for name, content in files.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)


def _stated(moment: Moment) -> str:
    assert moment.at is not None
    form = "%Y-%m-%d" if moment.precision == "day" else "%Y-%m-%d %H:%M"
    return moment.at.astimezone(SHANGHAI).strftime(form)


def _plain(read: Read) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(asdict(read), default=lambda at: at.isoformat()))
    return values


def _difference(before: Read, after: Read) -> str | None:
    """Where two readings differ in more than scrubbed words; null where they do not."""
    if before.found != after.found or len(before.posts) != len(after.posts):
        return f"{before.found} entries, {len(before.posts)} posts; then {after.found}, {len(after.posts)}"
    if len(before.links) != len(after.links) or (before.next_url is None) != (after.next_url is None):
        return "links"
    for one, other in zip(before.links, after.links, strict=True):
        if (one.kind, one.listed) != (other.kind, other.listed):
            return f"link {other.url}"
    if before.layout != after.layout:
        return "layout"
    for old, new in zip(before.posts, after.posts, strict=True):
        for name, value in asdict(old).items():
            if name not in _OUTSIDE and value != getattr(new, name):
                return f"{name}: {value!r}, then {getattr(new, name)!r}"
        for name in ("title", "text", "board", "answer"):
            was, now = words(getattr(old, name) or ""), words(getattr(new, name) or "")
            if was != now and likeness(was, now) < LEFT:
                return name
    return None


def _next_element(node: LexborNode) -> LexborNode | None:
    following = node.next
    while following is not None and not following.is_element_node:
        following = following.next
    return following
