"""Finding terms in many texts at once: one Aho-Corasick pass, then joins on the hits only.

A *document* is the matching form of title, line break, body. Offsets are characters of that form.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from caifeng.core.text.normalise import IDIOMS, fold_terms, matching_form
from transforms.understand.minhash import compiled

#: Columns of a frame of hits; `byte` is where the term begins in the document's UTF-8, to cut out what is beside it.
HITS = pl.Schema({"row": pl.UInt32, "term": pl.String, "start": pl.Int64, "end": pl.Int64, "byte": pl.Int64})

#: 1 for a small ASCII letter, 2 for an ASCII figure, else 0, by byte.
_KINDS = np.array([1 if 97 <= code <= 122 else 2 if 48 <= code <= 57 else 0 for code in range(256)], np.uint8)


def documents(texts: pl.DataFrame, idioms: tuple[str, ...] = IDIOMS) -> pl.DataFrame:
    """One document per row of `texts` (title, text), in order.

    Returns:
        `row` (0, 1, …), `doc`, `title_end` (characters of the title; hits that start before it are in it).
    """
    return (
        texts.lazy()
        .select(
            title=matching_form(pl.col("title").fill_null(""), idioms),
            text=matching_form(pl.col("text").fill_null(""), idioms),
        )
        .select(
            doc=pl.concat_str("title", pl.lit("\n"), "text"),
            title_end=pl.col("title").str.len_chars().cast(pl.Int64),
        )
        .with_row_index("row")
        .collect()
    )


def rules_frame(rules: Iterable[tuple[str, ...]], columns: list[str]) -> pl.DataFrame:
    """A rule table, its first column `term` in matching form; empty terms and repeated rows are dropped.

    Args:
        rules: one tuple per rule, the term first; every part a string.
        columns: names of the parts, beginning with `term`.
    """
    frame = pl.DataFrame(list(rules), schema=dict.fromkeys(columns, pl.String), orient="row")
    return frame.with_columns(fold_terms(pl.col("term"))).filter(pl.col("term") != "").unique(maintain_order=True)


def find_terms(docs: pl.DataFrame, terms: pl.Series) -> pl.DataFrame:
    """Every place where a term occurs, overlapping ones included.

    A term that begins or ends with an ASCII letter or figure matches whole words only: PMI is not in GPMI,
    70城 not in 170城; 2025GDP is two words.

    Args:
        docs: `row`, `doc` as from `documents`.
        terms: terms in matching form.

    Returns:
        Frame of HITS, sorted by row, start and end.
    """
    patterns = terms.unique().sort()
    if docs.is_empty() or patterns.is_empty():
        return pl.DataFrame(schema=HITS)
    wanted = pl.lit(patterns.implode())
    # Eager on purpose: in a lazy plan the pattern list is broadcast and the automaton built once per row.
    # Both functions walk the text the same way, so their lists run in parallel.
    found = docs.select(
        "row",
        "doc",
        term=pl.col("doc").str.extract_many(wanted, overlapping=True),
        byte=pl.col("doc").str.find_many(wanted, overlapping=True),
    ).filter(pl.col("byte").list.len() > 0)
    hits = measured(found)
    buffer, first, after = hits.buffer, hits.first, hits.after
    apart = ~_same_word(buffer, first - 1, first) & ~_same_word(buffer, after - 1, after)
    return hits.frame.filter(pl.Series(apart)).select(list(HITS)).sort("row", "start", "end")


class Measured(NamedTuple):
    """Terms found, and the text that they were found in, for a look at what is beside them."""

    frame: pl.DataFrame
    """One row per term: `row`, `term`, `start`, `end` (characters), `byte`."""
    buffer: NDArray[np.uint8]
    """UTF-8 of all documents, each between line breaks."""
    first: NDArray[np.int64]
    """Where in `buffer` each term begins, and …"""
    after: NDArray[np.int64]
    """… the byte after its end."""


def measured(found: pl.DataFrame) -> Measured:
    """Offsets of terms in characters: the bytes that begin a character are counted once for all texts.

    Args:
        found: `row`, `doc`, lists `term` and `byte` as from `extract_many` and `find_many`.
    """
    joined = b"\n" + b"\n".join(found["doc"].cast(pl.Binary).to_list()) + b"\n"
    buffer = np.frombuffer(joined, np.uint8)
    before = _characters_before(buffer)
    hits = found.select(
        "row",
        "term",
        "byte",
        _at=1 + (pl.col("doc").str.len_bytes().cast(pl.Int64) + 1).cum_sum().shift(1, fill_value=0),
    ).explode("term", "byte")
    at, byte = hits["_at"].to_numpy(), hits["byte"].cast(pl.Int64).to_numpy()
    first = at + byte
    after = first + hits["term"].str.len_bytes().cast(pl.Int64).to_numpy()
    frame = hits.select(
        "row",
        "term",
        start=pl.Series(before[first] - before[at]).cast(pl.Int64),
        end=pl.Series(before[after] - before[at]).cast(pl.Int64),
        byte=pl.Series(byte),
    )
    return Measured(frame, buffer, first, after)


@compiled
def _characters_before(buffer: NDArray[np.uint8]) -> NDArray[np.int32]:
    before = np.empty(len(buffer) + 1, np.int32)
    count = 0
    for place in range(len(buffer)):
        before[place] = count
        count += (buffer[place] & 0xC0) != 0x80
    before[len(buffer)] = count
    return before


def _same_word(buffer: NDArray[np.uint8], left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Both bytes are ASCII letters, or both figures; a byte of a Chinese character is neither."""
    one: NDArray[np.uint8] = _KINDS[buffer[left]]
    other: NDArray[np.uint8] = _KINDS[buffer[right]]
    same: NDArray[np.bool_] = (one != 0) & (one == other)
    return same


def inside(hits: pl.DataFrame, masks: pl.DataFrame, by: tuple[str, ...] = ("row",)) -> pl.Series:
    """Whether each hit lies inside a longer hit of `masks` that agrees with it in `by`."""
    at = [*by, "start", "end"]
    # In this order a hit comes after exactly those masks that could be longer than it and hold it, so one pass over
    # their ends is enough: a text of a megabyte with a hit in every word must not cost the square of its hits.
    order = {**dict.fromkeys([*by, "start"], False), "end": True, "mask": False}
    spans = pl.concat(
        [hits.select(at).with_columns(mask=False), masks.select(at).with_columns(mask=True)]
    ).with_row_index("place")
    texts = [name for name in by if name != "row"]  # numbers sort faster than strings
    spans = spans.with_columns(pl.col(texts).cast(pl.Categorical).to_physical())
    spans = spans.sort(list(order), descending=list(order.values()))
    new = spans.select(pl.any_horizontal(pl.col(by) != pl.col(by).shift(1)).fill_null(value=True)).to_series()
    held = np.zeros(len(spans), np.bool_)
    _hold(new.to_numpy(), spans["end"].to_numpy(), spans["mask"].to_numpy(), spans["place"].to_numpy(), held)
    return pl.Series("inside", held[: len(hits)])


def drop_inside(hits: pl.DataFrame, masks: pl.DataFrame, by: tuple[str, ...] = ("row",)) -> pl.DataFrame:
    """Hits that do not lie inside a longer hit of `masks` that agrees with them in `by`."""
    return hits.filter(~inside(hits, masks, by))


@compiled
def _hold(
    new: NDArray[np.bool_],
    end: NDArray[np.int64],
    mask: NDArray[np.bool_],
    place: NDArray[np.uint32],
    held: NDArray[np.bool_],
) -> None:
    reach = -1
    for number in range(len(new)):
        if new[number]:
            reach = -1
        if mask[number]:
            reach = max(reach, end[number])
        else:
            held[place[number]] = reach >= end[number]


def around(hits: pl.DataFrame, others: pl.DataFrame, by: tuple[str, ...], column: str) -> pl.DataFrame:
    """Add to each hit `_around`: `column` of a hit of `others` within which it lies or that is the same, or null.

    Of several, the one that reaches furthest counts. Order is not kept.
    """
    reached = (
        others.select(*by, "start", "end", _around=column)
        .sort(*by, "start", "end", "_around")
        .with_columns(_reach=pl.col("end").cum_max().over(by))
        .with_columns(_around=pl.when(pl.col("end") == pl.col("_reach")).then("_around").forward_fill().over(by))
        .group_by(*by, "start", maintain_order=True)
        .agg(pl.col("_reach", "_around").last())
        .sort("start")
    )
    return (
        hits.sort("start")
        .join_asof(reached, on="start", by=list(by), strategy="backward", check_sortedness=False)
        .with_columns(_around=pl.when(pl.col("_reach") >= pl.col("end")).then("_around"))
        .select(*hits.columns, "_around")
    )


def nearest(hits: pl.DataFrame, others: pl.DataFrame, by: list[str], before: int, after: int) -> pl.DataFrame:
    """Add to each hit the nearest other term that does not overlap it, on either side.

    Args:
        hits: columns `start`, `end` and those of `by`.
        others: columns `term`, `start`, `end` and those of `by`; further columns are kept.
        by: columns in which both agree, `row` among them.
        before: characters allowed between the end of the other term and the start of the hit.
        after: characters allowed between the end of the hit and the start of the other term.

    Returns:
        The hits with every further column of `others` as `before_<name>` and `after_<name>`, null where there
        is none within reach. Order is not kept.
    """
    extra = [name for name in others.columns if name not in by]
    left = others.select(*by, *(pl.col(n).alias(f"before_{n}") for n in extra), _at=pl.col("end"))
    right = others.select(*by, *(pl.col(n).alias(f"after_{n}") for n in extra), _at=pl.col("start"))
    # of two that end or begin at one place the shorter one counts
    left = left.sort("_at", "before_start", maintain_order=True)
    right = right.sort("_at", "after_end", maintain_order=True)
    return (
        hits.with_columns(_at=pl.col("start"))
        .sort("_at")
        .join_asof(left, on="_at", by=by, strategy="backward", tolerance=before, check_sortedness=False)
        .drop("_at")
        .with_columns(_at=pl.col("end"))
        .sort("_at")
        .join_asof(right, on="_at", by=by, strategy="forward", tolerance=after, check_sortedness=False)
        .drop("_at")
    )


def evidence(rule: pl.Expr | str, term: str = "term", offset: str = "start") -> pl.Expr:
    """One match as printed in evidence lists, rule:term@offset; strings name columns."""
    return pl.format("{}:{}@{}", rule, term, offset)
