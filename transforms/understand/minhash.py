"""Texts as symbols, and their MinHash signatures: the compiled loops.

A text is read as a row of symbols: letters and Han characters in one form (half width, small, simplified), and
each figure as one symbol with its value, so that 05 is 5, 二十六 is 26 and 1,234 is 1234. Marks, blanks and
pictures are passed over. All functions are pure; numba compiles them once and keeps the result beside this file.
"""

import unicodedata
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from caifeng.core.text.compiled import character, compiled, packed, parallel
from transforms.understand.traditional import SIMPLIFIED

#: Least values kept of a text's 3-grams, and how many of them make a band: at likeness 0.5 one of 21 bands of 3
#: agrees with probability 0.94, at 0.3 with 0.44, at 0.1 with 0.02 (one-permutation MinHash; Li, Owen, Zhang 2012).
SLOTS, ROWS = 64, 3
BANDS = SLOTS // ROWS
#: Symbols of an anchor, and among how many neighbouring ones the least is chosen: 20 equal symbols in a row always
#: share one, however little of the longer text they are (winnowing; Schleimer, Wilkerson, Aiken 2003).
ANCHOR, WINDOW = 8, 13
#: Bit that makes a symbol a figure; the other 31 are a hash of its value.
FIGURE = np.uint32(1 << 31)

_EMPTY = np.uint32(0xFFFFFFFF)
_POINT, _COMMA, _ZERO, _NINE = 46, 44, 48, 57
_FOLDED = 1 << 16
_HAN_DIGITS = dict(
    zip("零〇○一二三四五六七八九两壹贰叁肆伍陆柒捌玖", [0, 0, 0, *range(1, 10), 2, *range(1, 10)], strict=True)
)
_HAN_POWERS = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
#: A single Han figure is one only behind the first of these or before the second: 第三, 周二, 三月, 一名; not 三亚.
_BEHIND = np.array([ord(c) for c in "第周"], np.int64)
_UNITS = np.array(
    [ord(c) for c in "月日号年季点时分秒个名人次岁起件家位只条万亿千度级强成倍轮届期章项元块天周审等楼层"], np.int64
)
#: Bytes of text that are read in one piece.
_PIECE = 1 << 24


class Symbols(NamedTuple):
    """Symbols of many texts: text i is `symbols[bounds[i]:bounds[i + 1]]`."""

    symbols: NDArray[np.uint32]
    bounds: NDArray[np.int64]


class Signatures(NamedTuple):
    """What texts are found by, each once per text: hashes that two alike texts have in common."""

    text: NDArray[np.int64]
    """Position of the text."""
    mark: NDArray[np.int64]
    """Hash of a band or an anchor."""
    lengths: NDArray[np.int64]
    """Symbols of each text, one per text."""


def read(texts: pl.Series) -> Symbols:
    """Read strings as symbols; null counts as empty."""
    buffer, bounds = packed(texts)
    longest = int(np.diff(bounds).max(initial=0))
    symbols, ends = np.empty(len(buffer), np.uint32), np.zeros(len(bounds), np.int64)
    _read_all(buffer, bounds, _folding(), _han_figures(), longest, ends, symbols)
    return Symbols(symbols[: ends[-1]].copy(), ends)


def sign(texts: pl.Series) -> Signatures:
    """Marks by which alike texts are found.

    Args:
        texts: strings; null counts as empty.

    Returns:
        A text of three symbols or more has 21 bands of its MinHash signature, one of 20 or more its anchors, too.
        Texts with a Jaccard similarity of 0.5 (3-grams) share a mark in 94 of 100 cases, those with a passage of 20
        equal symbols always.
    """
    values = texts.fill_null("")
    pieces = np.cumsum(values.str.len_bytes().to_numpy(), dtype=np.int64) // _PIECE
    starts = np.flatnonzero(np.diff(pieces, prepend=-1)) if len(values) else np.zeros(0, np.int64)
    bounds = [*starts.tolist(), len(values)]
    found: list[Signatures] = [Signatures(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for start, end in pairwise(bounds):
        piece = _sign_piece(values[start:end])
        found.append(Signatures(piece.text + start, piece.mark, piece.lengths))
    text, mark, lengths = (np.concatenate(column) for column in zip(*found, strict=True))
    return Signatures(text, mark, lengths)


def _sign_piece(texts: pl.Series) -> Signatures:
    buffer, bounds = packed(texts)
    sizes = np.diff(bounds)
    longest, count = int(sizes.max(initial=0)), len(sizes)
    slots, lengths = np.empty((count, SLOTS), np.uint32), np.empty(count, np.int64)
    # an anchor for each window at most, and a text has not more symbols than bytes
    room = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.maximum(sizes - ANCHOR - WINDOW + 2, 0))])
    anchors, found = np.empty(room[-1], np.uint64), np.empty(count, np.int64)
    folding, han = _folding(), _han_figures()
    parallel(
        lambda start, end: _sign(
            buffer, bounds[start : end + 1], folding, han, longest,
            slots[start:end], lengths[start:end], anchors, room[start:end], found[start:end],
        ),
        count,
    )  # fmt: skip
    owners = np.repeat(np.arange(count), found)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(found) - found, found)
    anchors = anchors[np.repeat(room[:-1], found) + within]
    signed = np.flatnonzero(lengths >= 3)
    bands = _bands(slots[signed])
    text = np.concatenate([np.repeat(signed, BANDS), owners])
    mark = np.concatenate([bands.ravel(), anchors]).view(np.int64)
    return Signatures(text, mark, lengths)


def _bands(slots: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Hash of each band, different for each place of a band: shape (texts, 21)."""
    bands = np.broadcast_to(np.arange(1, BANDS + 1, dtype=np.uint64), (len(slots), BANDS)).copy()
    for row in range(ROWS):
        bands = (bands ^ slots[:, row : BANDS * ROWS : ROWS]) * np.uint64(0x9E3779B97F4A7C15)
        bands ^= bands >> np.uint64(29)
    return bands


@cache
def _folding() -> NDArray[np.uint32]:
    """What each character of the basic plane is read as: another character, or 0 where it is passed over."""
    table = np.zeros(_FOLDED, np.uint32)
    for code in range(_FOLDED):
        form = unicodedata.normalize("NFKC", chr(code)).lower()
        if len(form) == 1 and form.isalnum() and ord(form) < _FOLDED:
            table[code] = ord(SIMPLIFIED.get(form, form))
        elif form in (".", ","):
            table[code] = ord(form)  # they may belong to a figure
    return table


@cache
def _han_figures() -> NDArray[np.int64]:
    """Value of each Han figure: 0 to 9, 10, 100 or 1000 for a power; -1 for other characters."""
    table = np.full(_FOLDED, -1, np.int64)
    for figure, value in (_HAN_DIGITS | _HAN_POWERS).items():
        table[ord(figure)] = value
    return table


@compiled
def mix(value: Any) -> Any:
    """Scatter the bits of a 64-bit number (the finaliser of SplitMix64, without its last step)."""
    value ^= value >> np.uint64(31)
    value *= np.uint64(0xBF58476D1CE4E5B9)
    value ^= value >> np.uint64(31)
    value *= np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def gram(symbols: Any, start: Any, length: Any) -> Any:
    """Hash of `length` symbols from `start`."""
    value = np.uint64(0)
    for i in range(start, start + length):
        value = mix(value + np.uint64(symbols[i]) + np.uint64(1))
    return value


@compiled
def _decode(buffer: Any, start: Any, end: Any, folding: Any, codes: Any) -> Any:
    """Characters of one text as they are read, 0 for those passed over, into `codes`; returns how many."""
    i, count = start, 0
    while i < end:
        code, size = character(buffer, i)
        if code < _FOLDED:
            code = np.int64(folding[code])
        elif not 0x20000 <= code < 0x32000:  # Han of the further planes
            code = np.int64(0)
        codes[count] = code
        count += 1
        i += size
    return count


@compiled
def _is_digit(codes: Any, i: Any, count: Any) -> Any:
    return i < count and _ZERO <= codes[i] <= _NINE


@compiled
def _figure_end(codes: Any, start: Any, count: Any) -> Any:
    """Where the figure that begins at `start` ends: digits, one decimal point, commas before three digits."""
    i = start
    point = False
    while i < count:
        if _is_digit(codes, i, count):
            i += 1
        elif codes[i] == _POINT and not point and _is_digit(codes, i + 1, count):
            point = True
            i += 1
        elif (
            codes[i] == _COMMA
            and not point
            and _is_digit(codes, i + 1, count)
            and _is_digit(codes, i + 2, count)
            and _is_digit(codes, i + 3, count)
            and not _is_digit(codes, i + 4, count)
        ):
            i += 1
        else:
            break
    return i


@compiled
def _figure(codes: Any, start: Any, end: Any) -> Any:
    """Value of a figure in digits; zeros that say nothing do not count."""
    point = end
    for i in range(start, end):
        if codes[i] == _POINT:
            point = i
    while start < point - 1 and codes[start] == _ZERO:
        start += 1
    if point < end:
        while codes[end - 1] == _ZERO:
            end -= 1
        if end == point + 1:
            end = point
    value = np.uint64(0)
    for i in range(start, end):
        if codes[i] != _COMMA:
            value = mix(value * np.uint64(31) + np.uint64(codes[i]))
    return FIGURE | np.uint32(value & np.uint64(0x7FFFFFFF))


@compiled
def _han_figure(codes: Any, start: Any, end: Any, han: Any) -> Any:
    """Value of a figure in Han characters: 二十六 by its powers, 二〇二六 digit by digit."""
    total, digit, powers = np.int64(0), np.int64(-1), False
    for i in range(start, end):
        if han[codes[i]] >= 10:
            total += han[codes[i]] * (digit if digit > 0 else np.int64(1))
            digit, powers = np.int64(-1), True
        elif powers or digit < 0:
            digit = han[codes[i]]
        else:
            digit = (digit * 10 + han[codes[i]]) % 1_000_000_000_000
    total += max(digit, np.int64(0))
    scale = np.int64(1)
    while total // scale >= 10:
        scale *= 10
    value = np.uint64(0)
    while scale > 0:
        value = mix(value * np.uint64(31) + np.uint64(_ZERO + total // scale % 10))
        scale //= 10
    return FIGURE | np.uint32(value & np.uint64(0x7FFFFFFF))


@compiled
def _is_figure(codes: Any, start: Any, end: Any, length: Any) -> Any:
    """Whether Han characters that can be figures are one: 三 of 三月 and 第三, not of 三亚 or 第一次 as 一起."""
    if end - start > 1:
        return True
    if start > 0 and (codes[start - 1] == _BEHIND[0] or codes[start - 1] == _BEHIND[1]):
        return True
    if end < length:
        for unit in _UNITS:
            if codes[end] == unit:
                return True
    return False


@compiled
def _symbols(buffer: Any, start: Any, end: Any, folding: Any, han: Any, codes: Any, out: Any) -> Any:
    """Symbols of one text into `out`; returns how many. `codes` is working space."""
    length = _decode(buffer, start, end, folding, codes)
    i, count = 0, 0
    while i < length:
        code = codes[i]
        if _ZERO <= code <= _NINE:
            stop = _figure_end(codes, i, length)
            out[count] = _figure(codes, i, stop)
            count += 1
            i = stop
        elif code < _FOLDED and han[code] >= 0:
            stop = i + 1
            while stop < length and codes[stop] < _FOLDED and han[codes[stop]] >= 0:
                stop += 1
            if _is_figure(codes, i, stop, length):
                out[count] = _han_figure(codes, i, stop, han)
            else:
                out[count] = np.uint32(code)
            count += 1
            i = stop
        else:
            if code not in (0, _POINT, _COMMA):
                out[count] = np.uint32(code)
                count += 1
            i += 1
    return count


@compiled
def _slots(symbols: Any, count: Any, out: Any) -> Any:
    """Signature of one text: in each of 64 slots the least hash of the 3-grams that fall into it."""
    for slot in range(SLOTS):
        out[slot] = _EMPTY
    for i in range(count - 2):
        value = gram(symbols, i, 3)
        place = np.int64(value >> np.uint64(58))
        out[place] = min(out[place], np.uint32(value & np.uint64(0xFFFFFFFE)))
    # A slot that got none borrows from another, in an order that depends on the slot only; what is borrowed is odd.
    for slot in range(SLOTS):
        attempt = np.uint64(0)
        while out[slot] == _EMPTY and count >= 3:
            attempt += np.uint64(1)
            lender = np.int64(mix(np.uint64(slot) * np.uint64(1_000_003) + attempt) >> np.uint64(58))
            if out[lender] != _EMPTY and not out[lender] & np.uint32(1):
                out[slot] = out[lender] | np.uint32(1)
    for slot in range(SLOTS):
        if out[slot] != _EMPTY:
            out[slot] &= np.uint32(0xFFFFFFFE)


@compiled
def _anchors(grams: Any, count: Any, out: Any) -> Any:
    """The least hash of each window, each once where it is chosen; of equals the last."""
    found, last = 0, -1
    for i in range(count - WINDOW + 1):
        if last < i:
            last = -1
        least = i
        for k in range(i + 1, i + WINDOW):
            if grams[k] <= grams[least]:
                least = k
        if least != last:
            out[found] = grams[least]
            found += 1
            last = least
    return found


@compiled
def _sign(
    buffer: Any, bounds: Any, folding: Any, han: Any, longest: Any, slots: Any, lengths: Any, anchors: Any, room: Any,
    found: Any,
) -> None:  # fmt: skip
    """Signature, length and anchors of each text."""
    codes, symbols, grams = np.empty(longest, np.int64), np.empty(longest, np.uint32), np.empty(longest, np.uint64)
    for text in range(len(lengths)):
        count = _symbols(buffer, bounds[text], bounds[text + 1], folding, han, codes, symbols)
        lengths[text] = count
        _slots(symbols, count, slots[text])
        for i in range(count - ANCHOR + 1):
            grams[i] = gram(symbols, i, ANCHOR)
        found[text] = _anchors(grams, count - ANCHOR + 1, anchors[room[text] :])


@compiled
def _read_all(buffer: Any, bounds: Any, folding: Any, han: Any, longest: Any, ends: Any, out: Any) -> None:
    """Symbols of all texts end to end into `out`, and where each ends into `ends`."""
    codes = np.empty(longest, np.int64)
    count = 0
    for text in range(len(bounds) - 1):
        count += _symbols(buffer, bounds[text], bounds[text + 1], folding, han, codes, out[count:])
        ends[text + 1] = count
