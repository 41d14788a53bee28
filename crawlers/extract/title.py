"""The headline of a page."""

import re

from selectolax.lexbor import LexborHTMLParser

from crawlers.extract.body import AFTER
from crawlers.extract.lines import Line, letters
from crawlers.pages.values import first_text

#: Names of meta elements, in lower case and without blanks, the best first.
_META_TITLES = ("articletitle", "og:title", "title")
_HEADINGS = "h1,h2,h3,[class*=title],[class*=Title],[id*=title]"
_SEPARATOR = re.compile(r"\s*[_|｜]\s*|\s+[-–—]+\s*|-{2,}|\s*::\s*|[—–]{1,2}(?=[^—–]{2,14}$)|-(?=[^-]{2,14}$)")
_SURE_SEPARATOR = re.compile(r"\s*[_|｜]\s*")
_QUOTES = ('"', "'")


def read_metas(page: LexborHTMLParser) -> dict[str, str]:
    """Contents of the meta elements by name; of repeated ones the first that says something."""
    found: dict[str, str] = {}
    for node in page.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        if text := " ".join((attributes["content"] or "").split()):
            found.setdefault("".join(name.split()).lower(), text)
    return found


def find_title(page: LexborHTMLParser, contents: dict[str, str]) -> str:
    """A heading that `<title>` or a meta title confirms, then the meta title, then `<title>` without the site's name.

    Args:
        page: the page, whole.
        contents: its meta elements by name.
    """
    whole = first_text(page, "title", "title") or ""
    metas = [contents[name] for name in _META_TITLES if name in contents]
    known = [letters(text) for text in (whole, *metas)]
    best = ""
    for node in page.css(_HEADINGS)[:80]:
        text = " ".join(node.text(separator=" ").split())
        if not 4 <= len(text) <= 150 or len(key := letters(text)) <= len(letters(best)):
            continue
        if any(key in other for other in known) or any(_goes_on(stated, text) for stated in metas):
            best = text
    stated = _without_site(metas[0], cautious=True) if metas else _without_site(whole)
    if metas and _goes_on(metas[0], whole):
        stated = _without_site(whole)
    # A site's name is a part of <title>, too: the headline is not much shorter than what is stated.
    return best if len(letters(best)) * 2 >= len(letters(stated)) else stated


def _goes_on(cut: str, whole: str) -> bool:
    """Whether a meta title was cut at an unescaped quote."""
    return bool(cut) and whole.startswith(cut) and whole[len(cut) :].lstrip().startswith(_QUOTES)


def _without_site(text: str, cautious: bool = False) -> str:
    """The longest part between separators; with `cautious`, only what no headline contains (_ and |) separates."""
    parts = [part.strip() for part in (_SURE_SEPARATOR if cautious else _SEPARATOR).split(text)]
    return max(parts, key=len) or text


def heading_above(lines: list[Line], first: int) -> str:
    """The last heading shortly before the body; empty without one."""
    above = (line for line in reversed(lines[max(0, first - 10) : first + 1]) if line.heading and not line.linked)
    return next((line.text for line in above if 4 <= len(line.text) <= 100 and not AFTER.match(line.text)), "")
