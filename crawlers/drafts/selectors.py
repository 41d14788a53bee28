"""Selectors that find given elements again: named ones first, positions last."""

import re
from collections.abc import Iterator, Sequence

from selectolax.lexbor import LexborHTMLParser, LexborNode

#: Share of the entries that a rule must fit (our choice).
MOST = 0.8
_ID_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{1,40}")
_CLASS_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,40}\d{0,2}")
_STATES = frozenset({"first", "last", "odd", "even", "active", "current", "on", "cur", "hover", "selected", "visited"})


def selector(tree: LexborHTMLParser, node: LexborNode) -> str | None:
    """Simplest selector whose first match is this element; null where only its position would tell."""
    own = step(node)
    anchors = [step(above) for above in ancestors(node, 5) if step(above) != above.tag]
    options = [own] if own != node.tag or node.tag in {"h1", "h2", "time", "article", "main"} else []
    options += [f"{anchor} {own}" for anchor in anchors]
    options += [f"{anchor} {own}:nth-of-type({1 + sum(1 for _ in before(node))})" for anchor in anchors[:1]]
    for option in options:
        first = tree.css_first(option)
        if first is not None and first.mem_id == node.mem_id:
            return option
    return None


def within(items: Sequence[LexborNode], node: LexborNode) -> str | None:
    """Selector, inside an item, whose first match is this element in its own item and something in most others."""
    own = shape(node)
    position = 1 + sum(1 for _ in before(node))
    options = [own, *(f"{shape(p)} {own}" for p in ancestors(node, 1)), f"{node.tag}:nth-of-type({position})"]
    inside = next((i for i in items if any(n.mem_id == node.mem_id for n in i.css(node.tag or "*"))), None)
    for option in options:
        first = inside.css_first(option) if inside is not None else None
        if first is None or first.mem_id != node.mem_id:
            continue
        if sum(item.css_first(option) is not None for item in items) >= MOST * len(items):
            return option
    return None


def shape(node: LexborNode) -> str:
    """Tag and classes that look like names, states left out; never an id, for items repeat."""
    classes = [c for c in (node.attributes.get("class") or "").split() if _CLASS_NAME.fullmatch(c) and c not in _STATES]
    return (node.tag or "") + "".join(f".{c}" for c in classes[:2])


def step(node: LexborNode) -> str:
    """The element by its id where that is a name, else by its shape."""
    return f"#{node.id}" if node.id and _ID_NAME.fullmatch(node.id) else shape(node)


def level(node: LexborNode) -> int:
    """How many elements are around it, up to body."""
    return len(ancestors(node, 100))


def ancestors(node: LexborNode, most: int) -> list[LexborNode]:
    """The elements around it, the nearest first, body left out."""
    found: list[LexborNode] = []
    above = node.parent
    while above is not None and above.tag not in {"html", "-undef", "body"} and len(found) < most:
        found.append(above)
        above = above.parent
    return found


def before(node: LexborNode) -> Iterator[LexborNode]:
    """Siblings of the same tag that come before it, the nearest first."""
    other = node.prev
    while other is not None:
        if other.tag == node.tag:
            yield other
        other = other.prev


def next_element(node: LexborNode) -> LexborNode | None:
    """The sibling after it; null for the last."""
    following = node.next
    while following is not None and not following.is_element_node:
        following = following.next
    return following
