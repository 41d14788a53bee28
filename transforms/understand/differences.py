"""What two texts share, and what differs where they stand side by side: a copy, or the same template again?

Both are read as symbols (`transforms.understand.minhash`). Passages of one that stand in the other are found, longest
first, also where sentences changed places; what is left between two neighbouring passages stands side by side. A
figure, place or name that differs there makes two texts of one. Figures in an added head or tail stand beside nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from caifeng.core.text.compiled import compiled, parallel
from transforms.understand.minhash import FIGURE, Symbols, gram, mix, read

#: Equal symbols in a row from which a passage counts as the same: three meet by chance too often.
PASSAGE = 4
#: From so many on a passage counts also where it changed its place; a short one then is chance.
MOVED = 8
#: Places of a passage that are tried, the first ones: 的的的的… has one everywhere.
_MOST_PLACES = 64
#: Symbols between two passages up to which they are compared one by one; what is longer was rewritten.
_LONGEST_GAP = 200
#: Symbols of the longest name of a place: 双江拉祜族佤族布朗族傣族自治县 is found by its first ones.
_LONGEST_NAME = 8

#: Why two texts that share much are not copies.
NO_CONFLICT, FIGURES, PLACES, NAMES, OPPOSITES, WORDS = range(6)
CONFLICTS = ("", "figures", "places", "names", "opposites", "words")
_FOUND = ("length", "passages", "between", "outside", "conflict")

#: Words of one group exclude each other: 男子 and 女子, 上涨 and 下跌, 城镇 and 农村.
_OPPOSITES = ("男女", "东南西北", "涨跌升降增减", "城乡农", "同环", "上下")
#: The last letter of a place's name: {坛城|板桥}镇.
_LEVELS = "省市区县镇乡村州旗"
#: The commonest family names, without those that are everyday words (高, 万, 常, 于, 方).
_FAMILY_NAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范廖贾夏韦付邹孟熊秦邱侯尹薛闫雷龙史陶贺顾毛郝龚邵钱严覃武戴莫孔向汤樊"
)


class Lexicon(NamedTuple):
    """Names by which two texts can differ, as the compiled loops need them."""

    places: NDArray[np.uint64]
    """Sorted hashes of the names of places."""
    opposites: NDArray[np.int64]
    """Group of each character of the basic plane, 0 for none."""
    levels: NDArray[np.bool_]
    family: NDArray[np.bool_]


def make_lexicon(places: Sequence[str]) -> Lexicon:
    """Names ready for `compare`.

    Args:
        places: names of places, in any writing; those of one character are passed over.
    """
    names = read(pl.Series(list(places), dtype=pl.String))
    opposites = np.zeros(1 << 16, np.int64)
    for number, group in enumerate(_OPPOSITES, start=1):
        opposites[[ord(c) for c in group]] = number
    return Lexicon(np.unique(_hash_names(names)), opposites, _marked(_LEVELS), _marked(_FAMILY_NAMES))


def _marked(characters: str) -> NDArray[np.bool_]:
    table = np.zeros(1 << 16, np.bool_)
    table[[ord(c) for c in characters]] = True
    return table


def _hash_names(names: Symbols) -> NDArray[np.uint64]:
    starts, ends = names.bounds[:-1], names.bounds[1:]
    return np.array(
        [gram(names.symbols, a, b - a) for a, b in zip(starts, ends, strict=True) if 2 <= b - a <= _LONGEST_NAME],
        dtype=np.uint64,
    )


def compare(
    texts: Symbols, one: NDArray[np.int64], other: NDArray[np.int64], lexicon: Lexicon, least: float = 0
) -> pl.DataFrame:
    """Compare pairs of texts.

    Args:
        texts: all texts.
        one: positions of the earlier text of each pair.
        other: positions of the later one.
        lexicon: names that separate.
        least: share of the shorter text that must stand in passages; of pairs below, the differences are not looked at.

    Returns:
        A row per pair, in order: `length` (symbols of the shorter text), `passages` (symbols in passages), `between`
        and `outside` (symbols replaced by others between two passages, and before the first or after the last),
        `conflict` (0 for none, see `CONFLICTS`); the last three are 0 below `least`.
    """
    found = np.zeros((len(one), 5), np.int64)
    longest = int(np.diff(texts.bounds).max(initial=0))
    parallel(
        lambda start, end: _compare(
            texts.symbols, texts.bounds, one[start:end], other[start:end], longest, least, *lexicon, found[start:end]
        ),
        len(one),
    )
    return pl.DataFrame(found, schema=dict.fromkeys(_FOUND, pl.Int64))


def likeness(texts: Symbols, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """Jaccard similarity of the 3-grams of pairs of texts; arguments as of `compare`."""
    found = np.zeros(len(one), np.float64)
    longest = int(np.diff(texts.bounds).max(initial=0))
    parallel(
        lambda start, end: _similarities(
            texts.symbols, texts.bounds, one[start:end], other[start:end], longest, found[start:end]
        ),
        len(one),
    )
    return found


@compiled
def _masked(symbol: Any) -> Any:
    """All figures look alike."""
    return FIGURE if symbol & FIGURE else symbol


@compiled
def _masked_gram(text: Any, start: Any) -> Any:
    value = np.uint64(0)
    for i in range(start, start + PASSAGE):
        value = mix(value + np.uint64(_masked(text[i])))
    return value


@compiled
def _index(text: Any, heads: Any, following: Any) -> None:
    """Places of each row of PASSAGE symbols in a text, as chains by hash, the first place first."""
    heads[:] = -1
    mask = np.uint64(len(heads) - 1)
    for i in range(len(text) - PASSAGE, -1, -1):
        bucket = np.int64(_masked_gram(text, i) & mask)
        following[i] = heads[bucket]
        heads[bucket] = i


@compiled
def _longest(one: Any, heads: Any, following: Any, other: Any, at: Any, expected: Any) -> Any:
    """The passage of `one` that stands at `at` in `other`: place and length; of equals the one nearest to `expected`.

    Equal figures weigh double, so that a date meets the same date and not another one.
    """
    best_place, best_length, best_score = -1, 0, -1
    if at + PASSAGE > len(other):
        return best_place, best_length
    place, tries = heads[np.int64(_masked_gram(other, at) & np.uint64(len(heads) - 1))], 0
    while place >= 0 and tries < _MOST_PLACES:
        length, same = 0, 0
        while (
            place + length < len(one)
            and at + length < len(other)
            and _masked(one[place + length]) == _masked(other[at + length])
        ):
            same += one[place + length] == other[at + length]
            length += 1
        score = 2 * same + length
        nearer = score == best_score and abs(place - expected) < abs(best_place - expected)
        if length >= PASSAGE and (score > best_score or nearer):
            best_place, best_length, best_score = place, length, score
        place = following[place]
        tries += 1
    return best_place, best_length


@compiled
def _passages(one: Any, other: Any, heads: Any, following: Any, passages: Any) -> Any:
    """Passages of `other` that stand in `one`, in the order of `other`: place in one, in other, length."""
    found, at, expected = 0, 0, 0
    while at + PASSAGE <= len(other):
        place, length = _longest(one, heads, following, other, at, expected)
        if length:
            # a longer one that begins at the next symbol is the better
            next_place, next_length = _longest(one, heads, following, other, at + 1, expected + 1)
            if next_length > length + 1:
                at, place, length = at + 1, next_place, next_length
            passages[found, 0], passages[found, 1], passages[found, 2] = place, at, length
            found += 1
            at += length
            expected = place + length
        else:
            at += 1
            expected += 1
    return found


@compiled
def _trim(one: Any, other: Any, passage: Any) -> None:
    """A passage neither begins nor ends with figures that differ: beside nothing they stand beside nothing equal."""
    while passage[2] > 0 and one[passage[0]] != other[passage[1]]:
        passage[0] += 1
        passage[1] += 1
        passage[2] -= 1
    while passage[2] > 0 and one[passage[0] + passage[2] - 1] != other[passage[1] + passage[2] - 1]:
        passage[2] -= 1


@compiled
def _keep(one: Any, other: Any, passages: Any, found: Any) -> Any:
    """Keep passages that use each place once, longest first; short ones only in the order of the kept ones."""
    order = np.argsort(-passages[:found, 2], kind="mergesort")
    kept = np.empty((found, 3), np.int64)
    count = 0
    for position in order:
        passage = passages[position].copy()
        _trim(one, other, passage)
        for k in range(count):
            start, end = kept[k, 0], kept[k, 0] + kept[k, 2]
            if passage[2] > 0 and passage[0] < end and start < passage[0] + passage[2]:
                cut = end - passage[0] if passage[0] >= start else 0
                if cut:
                    passage[0] += cut
                    passage[1] += cut
                    passage[2] -= cut
                else:
                    passage[2] = start - passage[0]
        if passage[2] > 0:
            _trim(one, other, passage)
        fits = passage[2] >= 2
        if passage[2] < MOVED:
            for k in range(count):
                fits = fits and (passage[0] < kept[k, 0]) == (passage[1] < kept[k, 1])
        if fits:
            kept[count] = passage
            count += 1
    places = np.argsort(kept[:count, 1])
    for k in range(count):
        passages[k] = kept[places[k]]
    return count


@compiled
def _common(one: Any, other: Any) -> Any:
    """Length of the longest common subsequence of two short rows; 0 for long ones."""
    if len(one) > _LONGEST_GAP or len(other) > _LONGEST_GAP:
        return 0
    row = np.zeros(len(other) + 1, np.int64)
    for symbol in one:
        corner = 0
        for j in range(len(other)):
            above = row[j + 1]
            if symbol == other[j]:
                row[j + 1] = corner + 1
            elif row[j] > above:
                row[j + 1] = row[j]
            corner = above
    return row[len(other)]


@compiled
def _holds(text: Any, symbol: Any) -> Any:
    for each in text:  # noqa: SIM110 - numba knows no any()
        if each == symbol:
            return True
    return False


@compiled
def _figures_differ(one: Any, other: Any, opens: Any, closes: Any) -> Any:
    """Whether a figure stands beside another one, with the same symbol before or behind, and in one text only.

    `opens` and `closes`: something equal stands before and behind the two rows; nothing before a head.
    """
    if len(one) > _LONGEST_GAP or len(other) > _LONGEST_GAP:
        return False
    for i in range(len(one)):
        if one[i] & FIGURE and not _holds(other, one[i]):
            for j in range(len(other)):
                if other[j] & FIGURE and not _holds(one, other[j]):
                    before, behind = i == j and opens, len(one) - i == len(other) - j and closes
                    if i > 0 and j > 0:
                        before = _masked(one[i - 1]) == _masked(other[j - 1])
                    if i + 1 < len(one) and j + 1 < len(other):
                        behind = _masked(one[i + 1]) == _masked(other[j + 1])
                    if before or behind:
                        return True
    return False


@compiled
def _place(text: Any, start: Any, end: Any, places: Any) -> Any:
    """The longest name of a place that reaches into text[start:end]: where it begins, and its length or 0."""
    best, best_length = 0, 0
    for i in range(max(0, start - _LONGEST_NAME + 1), end):
        for length in range(max(2, start - i + 1), min(_LONGEST_NAME, len(text) - i) + 1):
            if length > best_length:
                value = gram(text, i, length)
                found = np.searchsorted(places, value)
                if found < len(places) and places[found] == value:
                    best, best_length = i, length
    return best, best_length


@compiled
def _within(one: Any, other: Any) -> Any:
    """Whether a row of symbols stands in another."""
    for start in range(len(other) - len(one) + 1):  # noqa: SIM110
        if np.array_equal(other[start : start + len(one)], one):
            return True
    return False


@compiled
def _letters_only(text: Any) -> Any:
    """No figure, and Han characters only."""
    for symbol in text:  # noqa: SIM110
        if symbol & FIGURE or symbol < 0x3400:
            return False
    return True


@compiled
def _latin(text: Any) -> Any:
    """A name like eStarPro or LPL2: small letters and figures, a letter at least."""
    letters = 0
    for symbol in text:
        small = 97 <= symbol <= 122
        if not small and not symbol & FIGURE:
            return False
        letters += small
    return letters > 0 and len(text) >= 2


@compiled
def _opposed(one: Any, other: Any, opposites: Any) -> Any:
    for symbol in one:
        group = opposites[symbol] if symbol < len(opposites) else 0
        if group and not _holds(other, symbol):
            for against in other:
                if against < len(opposites) and opposites[against] == group and not _holds(one, against):
                    return True
    return False


@compiled
def _conflict(
    one: Any, a: Any, b: Any, other: Any, c: Any, d: Any, opens: Any, closes: Any, names: Any
) -> Any:  # fmt: skip
    """Why one[a:b] and other[c:d], which stand side by side, cannot be one thing: `CONFLICTS`, 0 where they can."""
    places, opposites, levels, family = names
    left, right = one[a:b], other[c:d]
    if _figures_differ(left, right, opens, closes):
        return FIGURES
    longest = max(b - a, d - c)
    # a head of more than a name is a dateline: 新华社北京电
    if longest <= (16 if opens else 8):
        start, length = _place(one, a, b, places)
        if length:
            begin, size = _place(other, c, d, places)
            if size:
                mine, theirs = one[start : start + length], other[begin : begin + size]
                if not _within(mine, theirs) and not _within(theirs, mine):
                    return PLACES
    shortest = min(b - a, d - c)
    if shortest >= 2 and longest <= 4 and _letters_only(left) and _letters_only(right):
        common = _common(left, right)
        named = a > 0 and c > 0 and one[a - 1] == other[c - 1] and one[a - 1] < len(family) and family[one[a - 1]]
        if (common <= 1 and family[left[0]] and family[right[0]]) or (common == 0 and named and longest == 2):
            return NAMES
        level = b < len(one) and d < len(other) and one[b] == other[d] and one[b] < len(levels) and levels[one[b]]
        if (level and common == 0) or (common <= 1 and levels[left[-1]] and levels[right[-1]]):
            return PLACES
    if shortest >= 2 and _latin(left) and _latin(right) and 2 * _common(left, right) < longest:
        return NAMES
    if longest == 1 and _letters_only(left) and _letters_only(right) and family[left[0]] and family[right[0]]:
        return NAMES
    if longest <= 3 and _opposed(left, right, opposites):
        return OPPOSITES
    return NO_CONFLICT


@compiled
def _judge(one: Any, other: Any, passages: Any, count: Any, names: Any, out: Any) -> None:
    """Replaced symbols and the first conflict of a pair."""
    for k in range(count):
        for i in range(passages[k, 2]):
            if one[passages[k, 0] + i] != other[passages[k, 1] + i]:
                out[4] = FIGURES
    seen = np.zeros(count + 1, np.uint64)
    a, c = 0, 0
    whole, single, added = 0, 0, 0
    for k in range(count + 1):
        b, d = len(one), len(other)
        if k < count:
            b, d = passages[k, 0], passages[k, 1]
        if b >= a:  # else sentences changed places, and nothing stands side by side
            start, end, begin, stop = a, b, c, d
            while start < end and begin < stop and one[start] == other[begin]:
                start += 1
                begin += 1
            while start < end and begin < stop and one[end - 1] == other[stop - 1]:
                end -= 1
                stop -= 1
            if end > start and stop > begin:
                common = _common(one[start:end], other[begin:stop])
                replaced = min(end - start, stop - begin) - common
                inside = 0 < k < count
                out[2 if inside else 3] += replaced
                # the last figure of a text that was cut off can be the beginning of a longer one
                cut = k == count and min(end - start, stop - begin) == 1 and max(end - start, stop - begin) >= PASSAGE
                if out[4] == NO_CONFLICT and not cut:
                    opens, closes = k > 0 or start > a, k < count or end < b
                    out[4] = _conflict(one, start, end, other, begin, stop, opens, closes, names)
                if replaced and min(end - start, stop - begin) >= 2 and 3 * common <= end - start:
                    # the same two words side by side twice: a name of the one and a name of the other
                    pair = gram(one[start:end], 0, end - start) ^ mix(gram(other[begin:stop], 0, stop - begin))
                    if out[4] == NO_CONFLICT and _holds(seen[:k], pair):
                        out[4] = WORDS
                    seen[k] = pair
                    whole += inside and common == 0 and abs((end - start) - (stop - begin)) <= 2 and end - start <= 6
                    added += abs((end - start) - (stop - begin)) > 2
                else:
                    single += 1
            else:
                added += (end - start) + (stop - begin)
        else:
            added += 1
        if k < count:
            a, c = passages[k, 0] + passages[k, 2], passages[k, 1] + passages[k, 2]
    # All that differs is a word for a word: who reposts adds, cuts or mistypes, a template changes its subject.
    if out[4] == NO_CONFLICT and whole and not added and single <= 1:
        out[4] = WORDS


@compiled
def _similarity(one: Any, other: Any, grams: Any) -> Any:
    """Jaccard similarity of the 3-grams of two texts; 1 for two without any."""
    first, second = max(len(one) - 2, 0), max(len(other) - 2, 0)
    for i in range(first):
        grams[i] = gram(one, i, 3)
    for i in range(second):
        grams[first + i] = gram(other, i, 3)
    left, right = np.sort(grams[:first]), np.sort(grams[first : first + second])
    i, j, both, union = 0, 0, 0, 0
    while i < first or j < second:
        value = left[i] if j >= second or (i < first and left[i] <= right[j]) else right[j]
        here, there = i < first and left[i] == value, j < second and right[j] == value
        union += 1
        both += here and there
        while i < first and left[i] == value:
            i += 1
        while j < second and right[j] == value:
            j += 1
    return both / union if union else 1.0


@compiled
def _compare(
    symbols: Any, bounds: Any, ones: Any, others: Any, longest: Any, least: Any, places: Any, opposites: Any,
    levels: Any, family: Any, out: Any,
) -> None:  # fmt: skip
    names = (places, opposites, levels, family)
    size = 16
    while size < longest:
        size *= 2
    heads, following = np.empty(size, np.int64), np.empty(longest + 1, np.int64)
    passages = np.empty((longest // PASSAGE + 2, 3), np.int64)
    for pair in range(len(ones)):
        one = symbols[bounds[ones[pair]] : bounds[ones[pair] + 1]]
        other = symbols[bounds[others[pair]] : bounds[others[pair] + 1]]
        size = 16
        while size < len(one):
            size *= 2
        _index(one, heads[:size], following)
        count = _passages(one, other, heads[:size], following, passages)
        count = _keep(one, other, passages, count)
        out[pair, 0] = min(len(one), len(other))
        out[pair, 1] = passages[:count, 2].sum()
        if out[pair, 1] >= least * out[pair, 0]:
            _judge(one, other, passages, count, names, out[pair])


@compiled
def _similarities(symbols: Any, bounds: Any, ones: Any, others: Any, longest: Any, out: Any) -> None:
    grams = np.empty(2 * longest + 1, np.uint64)
    for pair in range(len(ones)):
        one = symbols[bounds[ones[pair]] : bounds[ones[pair] + 1]]
        other = symbols[bounds[others[pair]] : bounds[others[pair] + 1]]
        out[pair] = _similarity(one, other, grams)
