"""XML as it comes from outside: made readable, and refused where it declares entities. Pure, shared by the parsers."""

import html
import re
from typing import Any
from xml.parsers import expat

from crawlers.pages.values import Unreadable

#: Elements within elements; feeds have ten or so.
MAX_DEPTH = 200

_XML_HEAD = re.compile(r"^\s*<\?xml[^>]{0,300}\?>")
#: Not allowed in XML 1.0, yet met in feeds.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_XML_NAMES = frozenset({"amp", "lt", "gt", "quot", "apos"})


def checked_xml(text: str) -> bytes:
    """A decoded document as UTF-8 that is safe to be parsed.

    Without its XML declaration, which names the encoding of before; HTML's named characters, which XML does not
    know, as numbers.

    Raises:
        Unreadable: not well-formed, nested too deeply, or an entity is declared.
    """
    text = _CONTROL.sub("", _XML_HEAD.sub("", text.lstrip("\ufeff"), count=1))
    xml = _NAMED.sub(_numbered, text).encode("utf8", "replace")
    _check(xml)
    return xml


def _numbered(found: re.Match[str]) -> str:
    character = html.unescape(found[0])
    return found[0] if found[1] in _XML_NAMES or character == found[0] else "".join(f"&#{ord(c)};" for c in character)


def _check(xml: bytes) -> None:
    """Refuse what is not well-formed, and every entity declaration before it can be expanded or followed.

    Entities that multiply (billion laughs) and external ones (files, addresses of the own network) have no place
    in a feed or a sitemap. feedparser would also read a broken document somehow; a guess is not what the site said.
    """
    parser = expat.ParserCreate()
    depth = 0

    def refuse(*_: Any) -> None:
        raise Unreadable("XML entities are refused")

    def opened(*_: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")

    def closed(_: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(_name: str, system: str | None, _public: str | None, has_subset: int) -> None:
        # RSS 0.91 names a public DTD, which is not fetched; a subset of one's own can only declare entities.
        if has_subset or (system and not system.startswith(("http://", "https://"))):
            raise Unreadable("XML document type with declarations is refused")

    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse  # type: ignore[assignment]
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    try:
        parser.Parse(xml, True)
    except LookupError as error:
        # A declaration too long to be taken off names an encoding that nobody knows.
        raise Unreadable("not XML: unknown encoding") from error
    except expat.ExpatError as error:
        raise Unreadable(f"not XML at line {error.lineno}: {expat.ErrorString(error.code)}") from error
