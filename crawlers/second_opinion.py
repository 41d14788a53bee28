"""A second extractor as a check on the first: how alike the two bodies of a page are. Pure.

Disagreement is an alarm, not a verdict: it says that one of two independent readings is wrong
(docs/decisions/0019-second-extractor.md).
"""

import re
from collections import Counter
from hashlib import sha256

#: Length of the compared pieces, in characters.
_GRAM = 4
_LEFT_OUT = re.compile(r"[\W_]+")


def agreement(html: str, url: str, body: str) -> float | None:
    """Likeness of our body and trafilatura's.

    Args:
        html: decoded page.
        url: its address; may be empty.
        body: what our extractor or the source's rules took from it.

    Returns:
        0..1, see `likeness`; null when neither found a body.
    """
    # Slow to import, and the crawlers need it for a sample only.
    from trafilatura import extract  # noqa: PLC0415

    other = extract(html, url=url or None, include_comments=False, with_metadata=False)
    return likeness(body, other or "")


def likeness(one: str, other: str) -> float | None:
    """Dice coefficient of the multisets of character 4-grams over letters, digits and Han.

    Returns:
        0..1; null when both texts are without such characters. A text shorter than four is one piece.
    """
    first, second = _grams(one), _grams(other)
    whole = first.total() + second.total()
    return 2 * (first & second).total() / whole if whole else None


def is_sampled(url: str, share: float) -> bool:
    """Whether a page belongs to the sample: always the same answer for an address.

    Args:
        url: its canonical address.
        share: part of the pages to check, 0..1.
    """
    return int(sha256(url.encode("utf8", "replace")).hexdigest()[:8], 16) < share * 2**32


def _grams(text: str) -> Counter[str]:
    plain = _LEFT_OUT.sub("", text)
    if not plain:
        return Counter()
    return Counter(plain[i : i + _GRAM] for i in range(max(1, len(plain) - _GRAM + 1)))
