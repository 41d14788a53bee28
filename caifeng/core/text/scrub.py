"""Personal data out of scraped text, before it is written anywhere.

Individuals who write to an office leave phone numbers, cards and plates; keeping them is not needed to answer
(个人信息保护法 Art. 6, minimum necessary; 网络数据安全管理条例 Art. 24). Figures, dates, 索引号 and document
numbers are the subject of this system and must survive, hence checksums and borders, not "many digits".

The patterns are written without look-around, so that Python and the Rust regex engine of Polars read them alike:
group 1 is what is personal, the rest is its surroundings. Names of people are found by other means, in `names`.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from caifeng.core.text.names import name_spans

_D = "[0-9０-９]"
_SEP = r"[ \u00a0\u3000\-－—]"
_GAP = f"{_SEP}?"
_START = r"(?:^|[^0-9０-９.．])"
_END = r"(?:$|[^0-9０-９])"
# A figure with a unit is no phone number. The unit may follow 万 or 亿, but a bare 万 may be a surname.
_END_NO_UNIT = (
    r"(?:$|[^0-9０-９.．万亿千百元吨户件个公亩度平立辆台％%]|[.．](?:$|[^0-9０-９])|"
    r"[万亿千百](?:$|[^元吨人户件个公亩度平立辆台]))"
)
_TO = r"(?:号码|号|是|为|[:：=\s]){0,4}"
_PLATE_CHARS = "A-HJ-NP-Z0-9"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

#: Name -> Rust-compatible pattern, group 1 the personal part. ID and bank cards need a checksum, which no regular
#: expression can do, and names a list of words that are none, which needs look-around: `find_pii` has them.
PII_PATTERNS: dict[str, str] = {
    "email": r"([A-Za-z0-9._%+\-]{1,64}[@＠][A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,5})",
    "id_card_named": rf"身份证{_TO}([1-9１-９]{_D}{{14}}(?:{_D}{{2}}[0-9０-９XxＸｘ])?){_END}",
    "bank_card_named": (
        rf"(?:银行卡|卡号|账号|帐号){_TO}"
        rf"({_D}{{4}}(?:{_GAP}{_D}{{4}}){{3}}(?:{_GAP}{_D}{{1,3}})?){_END}"
    ),
    "mobile": rf"{_START}((?:[+＋]?(?:00)?86{_GAP})?[1１][3-9３-９]{_D}{{9}}){_END_NO_UNIT}",
    # In groups of 3-4-4. Three figures in a table row look alike, so no further figure may stand beside them.
    "mobile_grouped": (
        rf"(?:^|[^0-9０-９.．\s]|[^0-9０-９.．\s][ \u3000])((?:[+＋]?86{_GAP})?"
        rf"[1１][3-9３-９]{_D}(?:{_SEP}{_D}{{4}}{_GAP}|{_D}{{4}}{_SEP}){_D}{{4}})"
        r"(?:[ \u3000]?$|[ \u3000]?[^0-9０-９.．%％\s])"
    ),
    "landline": (
        rf"(?:^|[^0-9０-９.．\-－])([(（]?[0０](?:[1１][0０]|[2２]{_D}|[3-9３-９]{_D}{{2}})[)）]?"
        rf"{_GAP}[2-8２-８]{_D}{{6,7}}(?:[\-－转]{_D}{{1,5}})?){_END}"
    ),
    "landline_named": rf"(?:电话|座机|致电|传真){_TO}([2-8２-８]{_D}{{6,7}}){_END_NO_UNIT}",
    # 苏GDP2024 is no plate.
    "plate": (
        rf"([{_PROVINCES}](?:[A-FHJ-NP-Z][·•. ]?[{_PLATE_CHARS}]{{4}}|"
        rf"G[·•. ]?(?:[A-CE-HJ-NP-Z0-9][{_PLATE_CHARS}]{{3}}|D[A-HJ-NQ-Z0-9][{_PLATE_CHARS}]{{2}}))"
        rf"(?:[{_PLATE_CHARS}]{{1,2}}|[挂学警港澳]))(?:$|[^A-Za-z0-9\-])"
    ),
    "wechat": (
        r"(?i)(?:微信号|微信[:：]|加微信|薇信|威信|v信|加v|vx|wx号|wechat[:：])"
        + _TO
        + r"([A-Za-z][A-Za-z0-9_\-]{5,19})"
    ),
    "wechat_bare": r"微信\s?([A-Za-z][A-Za-z_\-]{0,18}[0-9_][A-Za-z0-9_\-]{0,18})",
    "qq": r"(?i)(?:qq|扣扣|企鹅)(?:群|号码|号)?" + _TO + rf"([1-9１-９]{_D}{{4,10}}){_END_NO_UNIT}",
}

_CHECKED_PATTERNS = {
    "id_card": (
        rf"(?:^|[^0-9０-９A-Za-z])([1-9１-９]{_D}{{5}}{_GAP}[12１２]{_D}{{7}}{_GAP}{_D}{{3}}[0-9０-９XxＸｘ])"
        r"(?:$|[^0-9０-９A-Za-z])"
    ),
    "bank_card": rf"(?:^|[^0-9０-９A-Za-z.．])([3-6３-６]{_D}{{15,18}})(?:$|[^0-9０-９A-Za-z])",
    # Four figures of a table row look alike; only UnionPay numbers (62) are taken for cards in groups.
    "bank_card_grouped": (
        rf"(?:^|[^0-9０-９\s]|[^0-9０-９\s][ \u3000])"
        rf"([6６][2２]{_D}{{2}}(?:{_GAP}{_D}{{4}}){{3}}(?:{_GAP}{_D}{{1,3}})?)"
        r"(?:[ \u3000]?$|[ \u3000]?[^0-9０-９\s])"
    ),
}

_MARKS = {
    "name": "〔姓名〕",
    "id_card": "〔身份证号〕",
    "bank_card": "〔银行卡号〕",
    "email": "〔邮箱〕",
    "mobile": "〔手机号〕",
    "landline": "〔电话〕",
    "plate": "〔车牌〕",
    "wechat": "〔微信号〕",
    "qq": "〔QQ号〕",
}

#: What must stand somewhere in a text for a kind to be in it; most texts have none of the three.
_FOUR_FIGURES, _AT, _LATIN = re.compile(f"{_D}{{4}}"), re.compile("[@＠]"), re.compile("[A-Za-z]")
_NEEDS = {"email": _AT, "plate": _LATIN, "wechat": _LATIN, "wechat_bare": _LATIN}
#: Passes of `scrub`: a marker may be the border that uncovers the next number.
_PASSES = 8

#: Order matters: the longer number first.
_ORDER = (
    "id_card_named",
    "id_card",
    "bank_card_named",
    "bank_card",
    "bank_card_grouped",
    "email",
    "mobile",
    "mobile_grouped",
    "landline",
    "landline_named",
    "plate",
    "wechat",
    "wechat_bare",
    "qq",
)


def scrub(text: str) -> str:
    """Replace personal data by markers such as 〔手机号〕 and 〔姓名〕; everything else stays as it is. Idempotent."""
    for _ in range(_PASSES):
        clean = _scrub_once(text)
        if clean == text:
            break
        text = clean
    return text


def find_pii(text: str) -> list[str]:
    """Names of the kinds of personal data in the text, sorted: id_card, bank_card, email, mobile, name and so on."""
    return sorted({_kind(name) for name, _, _ in _all_spans(text)})


def _scrub_once(text: str) -> str:
    taken, marks = bytearray(len(text)), []
    for name, start, end in _all_spans(text):
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            marks.append((start, end, _MARKS[_kind(name)]))
    pieces, position = [], 0
    for start, end, mark in sorted(marks):
        pieces += [text[position:start], mark]
        position = end
    return "".join(pieces) + text[position:]


def _all_spans(text: str) -> Iterator[tuple[str, int, int]]:
    present = {hint for hint in (_FOUR_FIGURES, _AT, _LATIN) if hint.search(text)}
    for name in _ORDER:
        if _NEEDS.get(name, _FOUR_FIGURES) in present:
            yield from ((name, start, end) for start, end in _spans(name, text))
    yield from (("name", start, end) for start, end in name_spans(text))


def _kind(name: str) -> str:
    for suffix in ("_named", "_grouped", "_bare"):
        name = name.removesuffix(suffix)
    return name


def _spans(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Where group 1 matches; the search goes on at its end, for two numbers may share a border."""
    pattern = _pattern(name)
    holds: Callable[[str], bool] = {"id_card": _is_id, "bank_card": _is_card}.get(
        _kind(name) if name in _CHECKED_PATTERNS else "", _always
    )
    position = 0
    while found := pattern.search(text, position):
        start, end = found.span(1)
        if holds(_digits(found[1])):
            yield start, end
        position = end


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(PII_PATTERNS.get(name) or _CHECKED_PATTERNS[name], re.MULTILINE)


def _always(_: str) -> bool:
    return True


def _digits(text: str) -> str:
    """ASCII digits and a final X of a number written in groups or full width."""
    return "".join("X" if c in "XxＸｘ" else str(int(c)) for c in text if c.isdecimal() or c in "XxＸｘ")


def _is_id(number: str) -> bool:
    """Checksum of the 18-digit citizen number (GB 11643-1999), with a plausible month and day of birth."""
    if len(number) != 18 or "X" in number[:17]:
        return False
    if not ("1800" <= number[6:10] <= "2099" and "01" <= number[10:12] <= "12" and "01" <= number[12:14] <= "31"):
        return False
    total = sum(int(digit) * (1 << (17 - i)) for i, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17]


def _is_card(number: str) -> bool:
    """Luhn check (ISO/IEC 7812-1) of 16 to 19 digits."""
    if not 16 <= len(number) <= 19 or len(set(number)) == 1:
        return False
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(number))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
