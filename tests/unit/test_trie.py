"""Terms found by the trie are those that a plain search finds."""

import re

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.understand.trie import find_all, find_longest, trie_of

_LETTERS = "统计局ab1城\n𠀀"
_words = st.lists(st.text(_LETTERS, min_size=0, max_size=4), min_size=0, max_size=8)
_texts = st.lists(st.text(_LETTERS, max_size=12), min_size=0, max_size=5)


def _beside(text: str, left: int) -> bool:
    """One word goes on from `left - 1` to `left`."""
    return 0 < left < len(text) and bool(re.match("[a-z]{2}|[0-9]{2}", text[left - 1 : left + 1]))


def _plain(text: str, words: set[str]) -> list[tuple[str, int, int]]:
    found = [
        (text[start:end], start, end)
        for start in range(len(text))
        for end in range(start + 1, len(text) + 1)
        if text[start:end] in words
    ]
    return [hit for hit in found if not _beside(text, hit[1]) and not _beside(text, hit[2])]


def _longest(text: str, words: set[str]) -> list[tuple[str, int, int]]:
    found, start = [], 0
    while start < len(text):
        ends = [end for end in range(start + 1, len(text) + 1) if text[start:end] in words]
        if ends:
            found.append((text[start : ends[-1]], start, ends[-1]))
        start = ends[-1] if ends else start + 1
    return found


@settings(deadline=None)
@given(_words, _texts)
def test_all_places_and_their_offsets(words: list[str], texts: list[str]) -> None:
    trie = trie_of(pl.Series(words, dtype=pl.String))
    assert trie.terms.to_list() == sorted(set(words) - {""})
    found = find_all(pl.Series(texts, dtype=pl.String), trie)
    hits = [
        (row, trie.terms[term], start, end, byte)
        for row, term, start, end, byte in zip(*(column.tolist() for column in found), strict=True)
    ]
    assert hits == [
        (row, word, start, end, len(text[:start].encode()))
        for row, text in enumerate(texts)
        for word, start, end in _plain(text, set(words))
    ]


@settings(deadline=None)
@given(_words, _texts)
def test_the_longest_term_that_begins_first(words: list[str], texts: list[str]) -> None:
    trie = trie_of(pl.Series(words, dtype=pl.String))
    found = find_longest(pl.Series(texts, dtype=pl.String), trie)
    hits = [
        (row, trie.terms[term], start, end)
        for row, term, start, end in zip(*(c.tolist() for c in found[:4]), strict=True)
    ]
    assert hits == [(row, *hit) for row, text in enumerate(texts) for hit in _longest(text, set(words))]


def test_more_hits_than_there_was_room_for() -> None:
    trie = trie_of(pl.Series(["a", "统", "统统"]))
    found = find_all(pl.Series(["统" * 20_000, "a 统"]), trie)
    assert len(found.row) == 20_000 + 19_999 + 2
    assert found.end[-1] == 3
    assert found.byte[-1] == 2


def test_terms_that_hash_alike_stay_apart() -> None:
    """Thousands of terms over thousands of characters: the table has many neighbours."""
    words = [chr(0x4E00 + i) + chr(0x4E00 + 7 * i % 20_000) for i in range(20_000)]
    trie = trie_of(pl.Series(words))
    found = find_all(pl.Series(words), trie)
    assert [trie.terms[i] for i in found.term.tolist()] == words
    known = set(words)
    strangers = [word[::-1] + "。" for word in words if word[::-1] not in known]
    assert len(strangers) > 10_000
    assert find_all(pl.Series(strangers), trie).row.size == 0
