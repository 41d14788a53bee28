"""Characters that a terminal or a reader would obey instead of show: a scraped title may hold any of them."""

import re

# C1 and delete, line and paragraph separators, direction marks, what UTF-8 cannot hold.
_OTHERS = r"\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff"

#: One or more of them, line feeds and tabs among them.
UNPRINTABLE = re.compile(rf"[\x00-\x1f{_OTHERS}]+")
_OBEYED = re.compile(rf"[\x00-\x08\x0b-\x1f{_OTHERS}]")


def visible(text: str) -> str:
    """The text with each of them as JSON writes it, ESC as backslash u001b, so that JSON stays what it is.

    Line feeds and tabs are kept.
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
