"""Finding terms in many texts at once: one pass over the characters, then joins on the hits only.

A *document* is the matching form of title, line break, body. Offsets are characters of that form.
"""

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from caifeng.core.text.compiled import compiled
from caifeng.core.text.normalise import IDIOMS, fold_terms, folded_form, matching_form
from transforms.understand.trie import Trie, find_all


def documents(texts: pl.DataFrame, idioms: tuple[str, ...] = IDIOMS, *, read: bool = False) -> pl.DataFrame:
    """One document per row of `texts` (title, text), in order.

    Args:
        texts: `title`, `text`; null counts as empty.
        idioms: phrases that are left out.
        read: both are in their reading form already, as in clean.posts.

    Returns:
        `row` (0, 1, …), `doc`, `title_end` (characters of the title; hits that start before it are in it).
    """
    form = folded_form if read else matching_form
    return (
        texts.lazy()
        .select(
            title=form(pl.col("title").fill_null(""), idioms),
            text=form(pl.col("text").fill_null(""), idioms),
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


def find_terms(docs: pl.DataFrame, trie: Trie) -> pl.DataFrame:
    """Every place where a term occurs as a word of its own, overlapping ones included (trie.find_all).

    Args:
        docs: `row`, `doc` as from `documents`.
        trie: of terms in matching form.

    Returns:
        `row`, `term` (an enumeration: joins go by numbers, not by words), `start` and `end` in characters, `byte` where
        it begins in the document's UTF-8; sorted by row, start and end.
    """
    found = find_all(docs["doc"], trie)
    columns = {"row": docs["row"].gather(found.row), "term": pl.Series(found.term, dtype=pl.UInt32).cat.to(trie.kind)}
    columns |= {name: pl.Series(getattr(found, name), dtype=pl.Int64) for name in ("start", "end", "byte")}
    return pl.DataFrame(columns)


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
