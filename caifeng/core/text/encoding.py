"""Bytes of a page to text, with the encoding's canonical name.

Chinese sites declare charsets that are wrong, too narrow (gb2312 for GBK text) or missing, so a declaration
is a hint that has to prove itself by strict decoding; without a usable one, common characters decide.
"""

import codecs
import re
from dataclasses import dataclass

#: Share of replacement or control characters above which a page is noise, not text.
MAX_NOISE = 0.01

_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w-]+)""", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

#: Frequent characters, simplified and traditional. A wrong codec yields rare ones.
_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行"
    "所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日者意无力它"
    "与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应向头文体政相见被利什二等产或新"
    "制身果加西月话合回特代内信表化老给位次度门任常先通教原东提立及比员解水名真论处各入几口认条平系气题活更别"
    "变四总何电数安少报才结反受目太量再建务做接必场件计管期市直资命山金指统区保至社便空决治展科司五基书非则听"
    "达光放强难权思完设式路记南品住告类求据程北边该交规万取望领共确传师清今切院让识带导运县局查普调村镇增百"
    "，。、：；？！“”（）《》"
    "這個們來為國說時會對於過發後裡種經麼學現當沒動還進樣開從實無與長機關點業將兩間問應頭體見產話給門兒東聲"
    "員義認條題別變總電數報結務場計區隊聽難權書統邊規覺術領確傳師觀導爭運縣調鎮"
)


class Undecodable(ValueError):  # noqa: N818 - reads as the outcome it becomes
    """The bytes are not text in any encoding we know."""


@dataclass(frozen=True)
class Decoded:
    """Text of a page and the canonical name of its encoding (utf-8, gb18030, big5, otherwise Python's)."""

    text: str
    encoding: str


def decode(body: bytes, declared: str | None = None) -> Decoded:
    """Decode a page.

    Order: byte order mark, `declared` (the source's override or the HTTP charset), `<meta charset>`, strict
    UTF-8, then GB18030 or Big5 by the share of common characters. A declared charset that does not decode
    strictly falls through to the next one; latin-1 and ASCII declarations are ignored, for they decode
    anything. A page no encoding decodes strictly is accepted with up to 1 % replacement characters.

    Raises:
        Undecodable: no encoding gives a text.
    """
    for bom, codec in _BOMS:
        if body.startswith(bom) and (text := _strict(body, codec)) is not None:
            return _checked(text, "utf-8" if codec == "utf-8-sig" else codec)
    hints = [name for name in map(_canonical, (declared, _declared_inside(body))) if name]
    utf8 = _strict(body, "utf-8")
    for name in hints:
        text = _strict(body, name)
        if text is None:
            continue
        # UTF-8 text can be legal GBK: where both decode, the more usual characters win.
        if utf8 is not None and utf8 != text and _commonness(utf8) > _commonness(text):
            continue
        return _checked(text, name)
    if utf8 is not None:
        return _checked(utf8, "utf-8")
    strict = [(text, name) for name in ("gb18030", "big5") if (text := _strict(body, name)) is not None]
    if strict:
        return _checked(*max(strict, key=lambda pair: _commonness(pair[0])))
    # The best of the damaged readings; a stable sort keeps the declared charset in front.
    candidates = [(body.decode(name, "replace"), name) for name in (*hints, "utf-8", "gb18030", "big5")]
    return _checked(*min(candidates, key=lambda pair: pair[0].count("\ufffd")))


def _canonical(name: str | None) -> str | None:
    """Canonical codec name; None for an unknown charset or one that decodes anything."""
    if not name:
        return None
    try:
        codec = codecs.lookup(name.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return None
    if codec in {"gb2312", "gbk", "gb18030", "hz"}:
        return "gb18030"
    if codec in {"big5", "big5hkscs", "cp950"}:
        return "big5"
    if codec.startswith(("iso8859", "cp125", "latin")) or codec == "ascii":
        return None
    # Python also has codecs that are not charsets (base64, rot13, idna).
    is_text = getattr(codecs.lookup(codec), "_is_text_encoding", True)
    return codec if is_text and codec not in {"idna", "punycode", "unicode-escape", "undefined"} else None


def _declared_inside(body: bytes) -> str | None:
    """Charset named in the head of an HTML or XML page."""
    found = _XML.search(body[:512]) or _META.search(body[:4096])
    return found.group(1).decode("ascii", "replace") if found else None


def _strict(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except (UnicodeError, LookupError):
        return None


def _commonness(text: str) -> float:
    """Share of frequent characters among the non-ASCII ones of the first 20,000 characters, 0..1."""
    wide = [character for character in text[:20_000] if character > "\x7f"]
    return sum(character in _COMMON for character in wide) / len(wide) if wide else 0.0


def _checked(text: str, encoding: str) -> Decoded:
    noise = len(_CONTROL.findall(text))
    if noise > MAX_NOISE * len(text):
        raise Undecodable(f"{noise} of {len(text)} characters are unreadable as {encoding}")
    return Decoded(text, encoding)
