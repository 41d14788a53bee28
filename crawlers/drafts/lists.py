"""Entries of a list page: groups of like elements with one headline each, and the way to the next page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawlers.drafts.addresses import personal_page
from crawlers.drafts.selectors import MOST, ancestors, shape, step, within
from crawlers.drafts.words import DATE, HEADLINE, link_text
from crawlers.items import Page
from crawlers.pages.values import absolute, stated_moment

_NEXT = re.compile(r"^\W*(?:下一?页|后一?页|下一页\s*>*|next(?:\s*page)?|[>»›])\W*$", re.IGNORECASE)


@dataclass(frozen=True)
class Group:
    """Like elements with one headline each; `item`, `link`, `time` are the selectors that find them again."""

    items: tuple[LexborNode, ...]
    links: tuple[LexborNode, ...]
    urls: tuple[str, ...]
    titles: tuple[str, ...]
    item: str
    link: str
    time: str | None


def groups(tree: LexborHTMLParser, page: Page) -> Iterator[Group]:
    """Groups of like elements, the most promising first."""
    members: dict[tuple[str, ...], dict[int, list[LexborNode]]] = {}
    nodes: dict[int, LexborNode] = {}
    levels: dict[tuple[str, ...], int] = {}
    for link in tree.css("a[href]"):
        target = absolute(page.url, link.attributes.get("href"))
        if len(link_text(link)) < HEADLINE or target is None or personal_page(target):
            continue
        node: LexborNode | None = link
        for level in range(6):
            if node is None or node.tag in {"body", "html", "nav", "footer"}:
                break
            key = tuple(shape(each) for each in (node, *ancestors(node, 2)))
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
        dated = sum(bool(DATE.search(_without(item, link))) for item, link in zip(items, firsts, strict=True))
        length = median(len(link_text(link)) for link in firsts)
        score = len(items) * min(length, 25) * (3 if dated >= MOST * len(items) else 1)
        ranked.append((score, -levels[key], items, firsts))
    for _, _, items, firsts in sorted(ranked, key=lambda entry: entry[:2], reverse=True):
        if (item := common_selector(tree, items)) is None:
            continue
        if (link_rule := _link_rule(items, firsts)) is None:
            continue
        urls = tuple(absolute(page.url, link.attributes.get("href")) or "" for link in firsts)
        titles = tuple(map(link_text, firsts))
        time = _time_rule(items, firsts, page)
        yield Group(tuple(items), tuple(firsts), urls, titles, item, link_rule, time)


def common_selector(tree: LexborHTMLParser, items: Sequence[LexborNode]) -> str | None:
    """Simplest selector that finds these elements and no other headlines."""
    wanted = {item.mem_id for item in items}
    own = shape(items[0])
    anchors = [step(node) for node in ancestors(items[0], 6) if step(node) != node.tag]
    options = [f"{anchor} {own}" for anchor in anchors[:3]]
    options += [f"{outer} {inner} {own}" for inner, outer in pairwise(anchors)]
    options += [own] if own != items[0].tag else [f"{shape(p)} > {own}" for p in ancestors(items[0], 1)]
    best: tuple[float, str] | None = None
    for option in options:
        hits = tree.css(option)
        matched = {node.mem_id for node in hits}
        right = len(matched & wanted)
        # A table's head has no headline; the reader passes over it.
        strangers = [
            n for n in hits if n.mem_id not in wanted and any(len(link_text(a)) >= HEADLINE for a in n.css("a"))
        ]
        quality = right / len(wanted) - len(strangers) / len(wanted)
        if quality >= MOST and (best is None or quality > best[0]):
            best = (quality, option)
    return best[1] if best else None


def _link_rule(items: Sequence[LexborNode], links: Sequence[LexborNode]) -> str | None:
    """Selector that finds each item's headline link."""
    if items[0].tag == "a":
        return "a"
    options = ["a", shape(links[0]), *(f"{shape(p)} a" for p in ancestors(links[0], 1)), "a[title]", "a[target]"]
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
            if node.mem_id in {item.mem_id, link.mem_id} or len(text) > 30 or not DATE.search(text):
                continue
            rule = within(items, node)
            if rule is None:
                continue
            read = sum(stated_moment(each, rule, "time", page.fetched_at).at is not None for each in items)
            if read >= MOST * len(items):
                return rule
    return None


def _without(item: LexborNode, link: LexborNode) -> str:
    """Text of an item outside its headline."""
    headline = link.text(separator=" ", deep=False)
    return item.text(separator=" ").replace(headline, " ", 1) if headline.strip() else item.text(separator=" ")


def next_page(tree: LexborHTMLParser, url: str) -> tuple[str | None, bool]:
    """Selector of the link to the next page, and whether there is one that only a script can follow."""
    script = False
    for link in tree.css("a"):
        words = link.text(strip=True) or link.attributes.get("title") or ""
        if not _NEXT.match(words):
            continue
        if absolute(url, link.attributes.get("href")) is None:
            script = True
            continue
        options = [step(link)] if step(link) != "a" else []
        options += [f"{step(p)} {shape(link)}" for p in ancestors(link, 2) if step(p) != p.tag]
        if (title := link.attributes.get("title")) and re.fullmatch(r"[\w\s]+", title):
            options.insert(0, f"a[title='{title}']")
        # Position would hit 上一页 on the second page, hence the words themselves as the last resort.
        distinct = [o for o in options if [n.mem_id for n in tree.css(o)] == [link.mem_id]]
        if any(mark in distinct[0].lower() for mark in ("next", "nxt", "下")) if distinct else False:
            return distinct[0], script
        plain = re.sub(r"\W", "", words)
        return (f'a:lexbor-contains("{plain}")' if plain else next(iter(distinct), None)), script
    return None, script
