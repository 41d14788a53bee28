"""Words of a page as people see them: headlines, dates, and how like two texts are."""

import re
from collections import Counter

from selectolax.lexbor import LexborNode

#: Shorter link texts are menus, not headlines (our choice).
HEADLINE = 6
DATE = re.compile(
    r"\d{4}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}|(?<!\d)\d{1,2}[-/月]\d{1,2}(?!\d)|\d+\s?(?:分钟|小时|天)前|昨天|刚刚"
)


def likeness(one: str, other: str) -> float:
    """F1 of character 4-grams of two texts, blanks left out; 0..1, 1 for two empty ones."""
    keys = (unspaced(one), unspaced(other))
    grams = [Counter(key[i : i + 4] for i in range(max(1, len(key) - 3))) for key in keys]
    shared = sum((grams[0] & grams[1]).values())
    return 2 * shared / (sum(grams[0].values()) + sum(grams[1].values()))


def unspaced(text: str) -> str:
    """A text without blanks, to compare."""
    return "".join(text.split())


def link_text(link: LexborNode) -> str:
    """The headline of a link; its title attribute where the text is cut."""
    text = " ".join(link.text(separator=" ").split())
    title = " ".join((link.attributes.get("title") or "").split())
    return title if len(title) > len(text) and re.search(r"…|\.\.$", text) else text
