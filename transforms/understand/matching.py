"""Finding terms in many texts at once: one Aho-Corasick pass, then joins on the hits only.

A *document* is the matching form of title, line break, body. Offsets are characters of that form.
"""

from collections.abc import Iterable

import polars as pl

from caifeng.core.text.normalise import IDIOMS, fold_terms, matching_form

#: Columns of a frame of hits.
HITS = pl.Schema({"row": pl.UInt32, "term": pl.String, "start": pl.Int64, "end": pl.Int64})


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
    at_byte = pl.col("byte")
    # Eager on purpose: in a lazy plan the pattern list is broadcast and the automaton built once per row.
    # Both functions walk the text the same way, so their lists run in parallel.
    found = docs.select(
        "row",
        "doc",
        term=pl.col("doc").str.extract_many(wanted, overlapping=True),
        byte=pl.col("doc").str.find_many(wanted, overlapping=True),
    ).filter(pl.col("byte").list.len() > 0)
    hits = (
        found.lazy()
        .explode("term", "byte")
        .with_columns(before=pl.col("doc").cast(pl.Binary).bin.slice(0, at_byte).cast(pl.String))
        .with_columns(start=pl.col("before").str.len_chars().cast(pl.Int64))
        .with_columns(end=pl.col("start") + pl.col("term").str.len_chars())
        .with_columns(last=pl.col("before").str.tail(1), next=pl.col("doc").str.slice(pl.col("end"), 1))
        .filter(
            ~_same_word(pl.col("last"), pl.col("term").str.head(1))
            & ~_same_word(pl.col("term").str.tail(1), pl.col("next"))
        )
    )
    return hits.select(list(HITS)).collect().sort("row", "start", "end")


def _same_word(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    letters, figures = r"^[a-z]$", r"^[0-9]$"
    both_letters = left.str.contains(letters) & right.str.contains(letters)
    return both_letters | (left.str.contains(figures) & right.str.contains(figures))


def drop_inside(hits: pl.DataFrame, masks: pl.DataFrame, by: tuple[str, ...] = ("row",)) -> pl.DataFrame:
    """Hits that do not lie inside a longer hit of `masks` that agrees with them in `by`."""
    spans = masks.select(*by, mask_start="start", mask_end="end")
    inside = (
        hits.select(*by, "start", "end")
        .unique()
        .join(spans, on=by)
        .filter(
            (pl.col("mask_start") <= pl.col("start"))
            & (pl.col("end") <= pl.col("mask_end"))
            & (pl.col("mask_end") - pl.col("mask_start") > pl.col("end") - pl.col("start"))
        )
    )
    return hits.join(inside, on=[*by, "start", "end"], how="anti")


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
    left = others.select(*by, *(pl.col(n).alias(f"before_{n}") for n in extra), _at=pl.col("end")).sort("_at")
    right = others.select(*by, *(pl.col(n).alias(f"after_{n}") for n in extra), _at=pl.col("start")).sort("_at")
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
