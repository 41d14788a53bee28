"""Many terms looked for in many texts at once: a trie of their characters, walked from every character of a text.

The library's automaton was taken first; it has to walk a text twice, for the terms and for their places, counts in
bytes, and gives strings where numbers would do (docs/decisions/0027). Terms are short, so a walk ends after a step
or two.
"""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from caifeng.core.text.compiled import character, compiled, packed

_PLANE = 1 << 16
#: Room for what is found, at first: so many, and one for so many bytes.
_FEW, _BYTES_PER_HIT = 1024, 24
#: Spreads keys over the table: 2**64 over the golden ratio.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Trie(NamedTuple):
    """Terms to look for; made by `trie_of`."""

    terms: pl.Series
    """Distinct terms; the number of a term is its place here."""
    heads: NDArray[np.int32]
    """Node of each first character of the basic plane; 0: no term begins with it."""
    keys: NDArray[np.uint64]
    """Hash table of edges, as node and character in one number; 0: free."""
    nodes: NDArray[np.int32]
    """Node to which each edge leads."""
    ends: NDArray[np.int32]
    """Number of the term that ends at a node; -1: none does."""
    kind: pl.Enum
    """The terms as an enumeration."""
    kinds: NDArray[np.uint8]
    """1 for a small ASCII letter, 2 for an ASCII figure, else 0, by byte."""


class Found(NamedTuple):
    """Terms found, in the order of texts and places; of those that begin at one place the shorter first."""

    row: NDArray[np.int32]
    """Number of the text."""
    term: NDArray[np.int32]
    """Number of the term."""
    start: NDArray[np.int32]
    """Characters before it, and …"""
    end: NDArray[np.int32]
    """… characters up to its end."""
    byte: NDArray[np.int32]
    """Bytes of UTF-8 before it."""


def trie_of(terms: pl.Series) -> Trie:
    """Make a trie; repeated and empty terms count once and not at all."""
    distinct = terms.filter(terms != "").unique().sort()
    buffer, bounds = packed(distinct)
    size = 1 << max(4, int(2 * len(buffer)).bit_length())
    heads, keys = np.zeros(_PLANE, np.int32), np.zeros(size, np.uint64)
    nodes, ends = np.zeros(size, np.int32), np.full(len(buffer) + 2, -1, np.int32)
    count = _grow(buffer, bounds, heads, keys, nodes, ends)
    kinds = np.array([1 if 97 <= code <= 122 else 2 if 48 <= code <= 57 else 0 for code in range(256)], np.uint8)
    return Trie(distinct, heads, keys, nodes, ends[:count].copy(), pl.Enum(distinct), kinds)


def find_all(texts: pl.Series, trie: Trie) -> Found:
    """Every place where a term occurs as a word of its own, overlapping ones included.

    A term that begins or ends with a small ASCII letter or a figure matches whole words only: pmi is not in gpmi,
    70城 not in 170城; 2025gdp is two words.
    """
    return _find(texts, trie, longest=False)


def find_longest(texts: pl.Series, trie: Trie) -> Found:
    """A text cut into terms: the first place where any begins, the longest one there, then on from its end."""
    return _find(texts, trie, longest=True)


def _find(texts: pl.Series, trie: Trie, *, longest: bool) -> Found:
    buffer, bounds = packed(texts)
    room = _FEW + len(buffer) // _BYTES_PER_HIT
    while True:
        found = Found(*(np.empty(room, np.int32) for _ in Found._fields))
        count = _walk(buffer, bounds, trie.heads, trie.keys, trie.nodes, trie.ends, trie.kinds, longest, *found)
        if count <= room:
            return Found(*(column[:count] for column in found))
        room = count  # once more: arrays that grow within a compiled loop make it twenty times slower


@compiled
def _slot(keys: Any, node: Any, code: Any) -> Any:
    """Place in the table where the edge of a node stands, or where it would."""
    key = np.uint64(node) << np.uint64(21) | np.uint64(code)
    mask = np.uint64(len(keys) - 1)
    at = (key * _SPREAD) >> np.uint64(40) & mask
    while keys[at] != np.uint64(0) and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return at, key


@compiled
def _step(heads: Any, keys: Any, nodes: Any, node: Any, code: Any) -> Any:
    """Node after one more character; 0 where no term goes on like this. The root is node 0."""
    if node == 0 and code < _PLANE:
        return heads[code]
    at, _ = _slot(keys, node + 1, code)
    return nodes[at]


@compiled
def _grow(buffer: Any, bounds: Any, heads: Any, keys: Any, nodes: Any, ends: Any) -> Any:
    """Enter the terms into the tables; returns how many nodes there are."""
    count = 1
    for term in range(len(bounds) - 1):
        at, node = bounds[term], 0
        while at < bounds[term + 1]:
            code, size = character(buffer, at)
            following = _step(heads, keys, nodes, node, code)
            if following == 0:
                following = count
                count += 1
                if node == 0 and code < _PLANE:
                    heads[code] = following
                else:
                    place, key = _slot(keys, node + 1, code)
                    keys[place] = key
                    nodes[place] = following
            node = following
            at += size
        ends[node] = term
    return count


@compiled
def _alone(buffer: Any, low: Any, high: Any, first: Any, after: Any, kinds: Any) -> Any:
    """Neither letters nor figures of the same word stand directly beside it."""
    before = first > low and kinds[buffer[first]] != 0 and kinds[buffer[first - 1]] == kinds[buffer[first]]
    behind = after < high and kinds[buffer[after]] != 0 and kinds[buffer[after - 1]] == kinds[buffer[after]]
    return not before and not behind


@compiled
def _walk(
    buffer: Any, bounds: Any, heads: Any, keys: Any, nodes: Any, ends: Any, kinds: Any, longest: Any,
    rows: Any, terms: Any, starts: Any, stops: Any, places: Any,
) -> Any:  # fmt: skip
    """Write down what is found as far as there is room; returns how much there is."""
    count = 0
    for row in range(len(bounds) - 1):
        low, high = bounds[row], bounds[row + 1]
        at, start = low, 0
        while at < high:
            code, size = character(buffer, at)
            node = _step(heads, keys, nodes, 0, code)
            here, stop = at + size, start + 1
            next_at, next_start = here, stop
            found = -1
            while node != 0:
                if ends[node] >= 0 and (longest or _alone(buffer, low, high, at, here, kinds)):
                    if found < 0 or not longest:
                        found = count
                        count += 1
                    if found < len(rows):
                        rows[found], terms[found] = row, ends[node]
                        starts[found], stops[found], places[found] = start, stop, at - low
                    if longest:
                        next_at, next_start = here, stop
                if here >= high:
                    break
                code, size = character(buffer, here)
                node = _step(heads, keys, nodes, node, code)
                here += size
                stop += 1
            at, start = next_at, next_start
    return count
