"""What makes two texts the same: a hash of their letters and figures."""

import hashlib
import unicodedata
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from caifeng.core.text.compiled import character, compiled, encode, packed

#: What a character counts as; a number that is no digit is a letter.
_NOTHING, _GAP, _LETTER, _DIGIT, _MARK, _COMMA = range(6)
#: Planes with letters of many scripts; beyond them only Han ideographs count.
_KNOWN, _HAN_ENDS = 0x20000, 0x33480
_INVISIBLE = (
    *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF, 0xAD, 0x34F, 0x180E,
    *range(0xFE00, 0xFE10), *range(9), *range(0x0E, 0x20), 0x7F,
)  # fmt: skip
_MINUS_SIGN = 0x2212


def content_hash(title: pl.Expr, text: pl.Expr) -> pl.Expr:
    """Identity of a text: 16 hex digits of SHA-256 over its letters and figures, title and body.

    Marks, white space and letter case do not count; figures do, with decimal point, sign and the gap between
    two figures (3.5, 35, -35 and 3、5 are four things; 1,234 is 1234). Polars' own hash changes between
    versions, so the digest is Python's: one call per row, about a microsecond.

    Args:
        title: strings; null counts as empty.
        text: strings; null counts as empty.
    """
    both = pl.struct(title.fill_null("").alias("title"), text.fill_null("").alias("text"))
    return both.map_batches(
        lambda pairs: _digests(pairs.struct.field("title"), pairs.struct.field("text")),
        return_dtype=pl.String,
        is_elementwise=True,
    )


def _digests(titles: pl.Series, texts: pl.Series) -> pl.Series:
    title, ends = letters_and_figures(titles)
    text, stops = letters_and_figures(texts)
    starts, begins = [0, *ends], [0, *stops]
    digests = [
        hashlib.sha256(b"%b\n%b" % (title[start:end], text[begin:stop])).hexdigest()[:16]
        for start, end, begin, stop in zip(starts, ends, begins, stops, strict=False)
    ]
    return pl.Series(titles.name, digests, dtype=pl.String)


def letters_and_figures(texts: pl.Series) -> tuple[bytes, list[int]]:
    """What counts of each text, as UTF-8 end to end, and where each one's ends."""
    buffer, bounds = packed(texts)
    kinds, forms = _tables()
    out, ends = np.empty(2 * len(buffer) + 4, np.uint8), np.empty(len(bounds) - 1, np.int64)
    size = _condense(buffer, bounds, kinds, forms, out, ends)
    return out[:size].tobytes(), ends.tolist()


@cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Kind and form (half width, small) of each character of the known planes."""
    kinds, forms = np.full(_KNOWN, _GAP, np.uint8), np.arange(_KNOWN, dtype=np.int32)
    for code in range(_KNOWN):
        plain = code - 0xFEE0 if 0xFF01 <= code <= 0xFF5E else ord("-") if code == _MINUS_SIGN else code
        forms[code] = ord(chr(plain).casefold()[0])
        category = unicodedata.category(chr(forms[code]))
        if chr(plain) in ".-":
            kinds[code] = _MARK
        elif plain == ord(","):
            kinds[code] = _COMMA
        elif category == "Nd":
            kinds[code] = _DIGIT
        elif category[0] in "LN":
            kinds[code] = _LETTER
    kinds[list(_INVISIBLE)] = _NOTHING
    return kinds, forms


@compiled
def _kind(kinds: Any, code: Any) -> Any:
    if code < _KNOWN:
        return kinds[code]
    return np.uint8(_LETTER) if code < _HAN_ENDS else np.uint8(_GAP)


@compiled
def _parts_thousands(buffer: Any, at: Any, end: Any, kinds: Any) -> Any:
    """Three digits follow."""
    digits = 0
    while digits < 3:
        if at >= end:
            return False
        code, size = character(buffer, at)
        kind = _kind(kinds, code)
        if kind not in (_DIGIT, _NOTHING):
            return False
        digits += kind == _DIGIT
        at += size
    return True


@compiled
def _condense(buffer: Any, bounds: Any, kinds: Any, forms: Any, out: Any, ends: Any) -> Any:
    """Letters and digits of each text; marks and one gap only before a digit, no gap directly behind a letter."""
    size = 0
    for row in range(len(bounds) - 1):
        at, end = bounds[row], bounds[row + 1]
        kept = size  # up to here nothing is taken back
        after_digit, digit_before, gap = False, False, False
        while at < end:
            code, step = character(buffer, at)
            at += step
            kind = _kind(kinds, code)
            if kind == _NOTHING:
                continue
            if kind in (_LETTER, _DIGIT):
                if kind == _LETTER:
                    size = kept
                form = np.int64(forms[code]) if code < _KNOWN else code
                size = encode(form, out, size)
                kept, gap = size, False
                after_digit = digit_before = kind == _DIGIT
                continue
            parted = kind == _COMMA and digit_before and _parts_thousands(buffer, at, end, kinds)
            digit_before = False
            if parted:
                continue
            if kind == _MARK:
                out[size] = np.uint8(forms[code])
                size, gap = size + 1, False
            elif not gap and (after_digit or size > kept):
                out[size] = np.uint8(32)
                size, gap = size + 1, True
        size = kept
        ends[row] = size
    return size
