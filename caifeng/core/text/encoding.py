"""Bytes of a page to text, with the encoding's canonical name.

Chinese sites declare charsets that are wrong, too narrow (gb2312 for GBK text) or missing, so a declaration
is a hint that has to stand comparison: where another reading gives clearly more usual characters, that one wins.
"""

import codecs
import re
from dataclasses import dataclass
from functools import cache

#: Share of replacement or control characters above which a page is noise, not text. Our choice.
MAX_NOISE = 0.01
#: What a declaration is worth against another reading, in points of `_quality`. Our choice: right and wrong
#: readings of Chinese lie about one point apart.
_DECLARED_BONUS = 0.4
#: Quality from which a reading as UTF-16 makes sense, which any bytes are. Our choice: Chinese text has 0.7 and more.
_SENSE = 0.6
#: Quality from which UTF-16 and Western readings are not tried. Our choice.
_CERTAIN = 0.5
#: How many bytes of a page are looked at to tell its encoding: Chinese and what stands close to it.
_SAMPLE_BYTES = 4_000
#: Western text reads as gb18030 or Big5 only by accident, and Chinese never has most of its high bytes alone.
_WESTERN = "cp1252"

_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w-]+)""", re.IGNORECASE)
# A piece starts with the first byte of a character: the one that ends it may be the second half of the last, and 16
# ASCII bytes in a row are no part of any other.
_PIECE = re.compile(rb"[\x80-\xff](?:[\x00-\x7f]{0,15}[\x80-\xff]){0,4000}[\x00-\x7f]?")
_ASCII = re.compile("[\t\n\r\x20-\x7e]+")
_ALONE = re.compile("(?<![\x80-\uffff])[\x80-\uffff](?![\x80-\uffff])")
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
    UTF-8, then GB18030, Big5 or UTF-16 by common characters. A declaration gives way to a reading whose
    characters are clearly more usual, latin-1, which decodes anything, to most; Western text is known by high bytes
    that stand alone and called `cp1252`. A character cut off at the end is dropped; up to
    1 % of the characters may be unreadable. Where a byte of GBK text is lost, what follows it up to the next
    ASCII character is misread, and no more.

    The encoding is told from 4 KB of it, so the time is that of decoding the page two or three times.

    Raises:
        Undecodable: the best reading is noise.
    """
    for bom, codec in _BOMS:
        if body.startswith(bom):
            return _checked(_read(body, codec), "utf-8" if codec == "utf-8-sig" else codec)
    hints = tuple(dict.fromkeys(name for name in map(_canonical, (declared, _declared_inside(body))) if name))
    if b"\x00" not in body:
        # latin-1 is what servers say that know nothing.
        first = next((name for name in hints if name != _WESTERN), "utf-8")
        if body.isascii():
            return _checked(body.decode("ascii"), first)
        if first == "utf-8":
            try:
                return _checked(body.decode("utf-8"), "utf-8")
            except UnicodeDecodeError:
                pass
    encoding = _likeliest(body, hints)
    return _checked(_read(body, encoding), encoding)


def _likeliest(body: bytes, hints: tuple[str, ...]) -> str:
    """The encoding that reads a piece of the page best; among equals the first."""
    head, sample = body[:_SAMPLE_BYTES], _sample(body)

    def worth(name: str) -> float:
        if name.startswith("utf-16"):
            quality = _quality_of_pairs(_read(head, name))
        else:
            text = _read(sample, name)
            quality = _lone_letters(text) if name == _WESTERN else _quality(text)
        # The first declaration, the server's or the source's, before the page's own.
        return quality + (_DECLARED_BONUS * (1 - 0.25 * hints.index(name)) if name in hints else 0.0)

    names = dict.fromkeys((*hints, "utf-8", "gb18030", "big5"))
    best = max(names, key=worth)
    return best if worth(best) >= _CERTAIN else max((best, "utf-16-le", "utf-16-be", _WESTERN), key=worth)


def _sample(body: bytes) -> bytes:
    """The first 4,000 bytes that tell something: Chinese, without the long stretches of ASCII between."""
    if b"\x00" in body[:_SAMPLE_BYTES]:
        return body[:_SAMPLE_BYTES]
    pieces, size = [], 0
    for found in _PIECE.finditer(body):
        pieces.append(found[0])
        size += len(found[0])
        if size >= _SAMPLE_BYTES:
            break
    return b" ".join(pieces)[: 2 * _SAMPLE_BYTES]


def _canonical(name: str | None) -> str | None:
    """Canonical codec name; None for an unknown charset."""
    if not name:
        return None
    try:
        codec = codecs.lookup(name.strip().strip("\"'"))
    except (LookupError, ValueError):
        return None
    if codec.name in {"gb2312", "gbk", "gb18030", "hz"}:
        return "gb18030"
    if codec.name in {"big5", "big5hkscs", "cp950"}:
        return "big5"
    if codec.name.startswith(("iso8859", "cp125", "latin")):
        return _WESTERN
    if codec.name == "ascii":
        return None
    # Python also has codecs that are not charsets (base64, rot13, idna).
    is_text = getattr(codec, "_is_text_encoding", True) and codec.incrementaldecoder is not None
    return codec.name if is_text and codec.name not in {"idna", "punycode", "unicode-escape", "undefined"} else None


def _declared_inside(body: bytes) -> str | None:
    """Charset named in the head of an HTML or XML page."""
    found = _XML.search(body[:512]) or _META.search(body[:4096])
    return found.group(1).decode("ascii", "replace") if found else None


def _read(body: bytes, codec: str) -> str:
    """The text, U+FFFD for what is unreadable, without a character that is cut off at the end."""
    try:
        return codecs.getincrementaldecoder(codec)("replace").decode(body)
    except (UnicodeError, LookupError):
        return "\ufffd" * len(body)


def _quality(text: str) -> float:
    """How usual the characters that are not ASCII are, -2..1; 0 where there are none."""
    telling = _ASCII.sub("", text)
    weights = _weights()
    return sum(weights.get(character) or _rare(character) for character in telling) / len(telling) if telling else 0.0


@cache
def _weights() -> dict[str, float]:
    """Weight of usual characters.

    The standards sort Chinese characters by use: level 1 of GB/T 2312 (3,755, rows 16-55) and level 1 of Big5
    (5,401, A440-C67E) hold nearly all of running text, while text read with the wrong codec is scattered.
    """
    level_1 = [bytes((high, low)) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF)]
    frequent = [bytes((high, low)) for high in range(0xA4, 0xC7) for low in (*range(0x40, 0x7F), *range(0xA1, 0xFF))]
    usual = "".join(code.decode("gb2312", "ignore") for code in level_1)
    usual += "".join(code.decode("big5", "ignore") for code in frequent)
    return (
        dict.fromkeys(usual, 0.6)
        | dict.fromkeys("·—‘’…、〈〉「」『』【】〔〕％－／～％℃", 0.6)
        | dict.fromkeys(_COMMON, 1.0)
    )


def _rare(character: str) -> float:
    """Weight of what is not usual: unreadable, unassigned and control characters speak against a reading."""
    if character < "\xa0" or character == "\ufffd":
        return -2.0
    if "\ud800" <= character <= "\uf8ff":  # surrogates and private use
        return -1.0
    # Rare Han and other symbols prove nothing; letters of other scripts (Hangul, Yi, Cyrillic) hardly occur.
    return 0.05 if "\u4e00" <= character <= "\u9fff" or "\u3000" <= character <= "\u30ff" else -0.2


def _quality_of_pairs(text: str) -> float:
    """Quality of a reading as UTF-16, ASCII included, which the wrong order of bytes turns into Han."""
    if not text:
        return -2.0
    ascii_share = 1 - len(_ASCII.sub("", text)) / len(text)
    quality = ascii_share + (1 - ascii_share) * _quality(text)
    return quality if quality >= _SENSE else -2.0


def _lone_letters(text: str) -> float:
    """Quality of a Western reading, at most 0.4: most accented letters stand alone among ASCII."""
    wide = len(_ASCII.sub("", text))
    share = (len(_ALONE.findall(text)) - text.count("\ufffd")) / wide if wide else 0.0
    return 0.4 * share if share > 0.5 else -2.0


def _checked(text: str, encoding: str) -> Decoded:
    noise = len(_CONTROL.findall(text))
    if noise > MAX_NOISE * len(text):
        raise Undecodable(f"{noise} of {len(text)} characters are unreadable as {encoding}")
    return Decoded(text, encoding)
