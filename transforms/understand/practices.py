"""Pages of other regions -> what they did well, for the practice library (Art. 13), and none of them an issue."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from caifeng.core.model.practices import PracticeForm, PracticeOutcome, PracticeRules, Words
from caifeng.core.model.taxonomy import FALLBACK_TOPIC, Taxonomy
from transforms.understand.relevance import classify, relevance_rules
from transforms.understand.understand import rejected

#: As much as a sheet may say of an entry.
SUMMARY_CHARACTERS = 200


class Practices(NamedTuple):
    """Frames of ops.practices and of clean.rejects (stage understand, reason peer)."""

    noted: pl.DataFrame
    rejects: pl.DataFrame


def note_practices(
    posts: pl.DataFrame, sources: pl.DataFrame, taxonomy: Taxonomy, rules: PracticeRules, day: date, as_of: datetime
) -> Practices:
    """Note the pages that concern statistics work and show an answer or its outcome.

    Args:
        posts: clean.posts of the sources that belong to other regions.
        sources: their rows of ops.sources.
        taxonomy: what concerns statistics work, and which topic it is of.
        rules: words that show an answer.
        day: day under which they are noted.
        as_of: moment of the evaluation, for `imported_at`.

    Returns:
        `noted`: one row per region, unit and title, `row_id` being the post's id, sorted by it; outcome and form null
        where no word tells them, topic null where none is named. `rejects`: every post.
    """
    verdicts = classify(posts.select("title", "text", "board", id="post_id"), relevance_rules(taxonomy))
    title = pl.col("title")
    judged = posts.with_columns(
        verdicts["relevant"],
        topic=verdicts["topics"].list.eval(pl.element().struct.field("topic")).list.first(),
        form=_first(title, rules.forms),
        outcome=_first(title + "\n" + pl.col("text").str.slice(0, rules.lead), rules.outcomes),
        told=_has(title, rules.words),
        why=pl.lit([], pl.List(pl.String)),
        reason=pl.lit("peer"),
    )
    shown = pl.col("told") | pl.col("form").is_not_null() | pl.col("outcome").is_not_null()
    noted = (
        judged.filter("relevant", shown)
        .join(sources.select("source_id", region="peer_region", body="peer_body"), on="source_id")
        .sort("post_id")
        .unique(["region", "body", "title"], keep="first", maintain_order=True)
        .select(
            pl.lit(day).alias("noted_on"),
            "region",
            "body",
            "title",
            "outcome",
            "form",
            "url",
            row_id="post_id",
            topic=pl.when(pl.col("topic") != FALLBACK_TOPIC).then("topic"),
            # a page that is its headline says no more than that
            summary=pl.coalesce(_not_blank(pl.col("text").str.slice(0, SUMMARY_CHARACTERS)), "title"),
            noted_by_role=pl.lit(None, pl.String),
            imported_at=pl.lit(as_of),
        )
    )
    return Practices(noted, rejected(judged))


def _not_blank(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(r"\S")).then(text)


def _has(text: pl.Expr, words: Words) -> pl.Expr:
    return text.str.contains_any(list(words)) if words else pl.lit(False)


def _first(text: pl.Expr, rules: Mapping[PracticeForm, Words] | Mapping[PracticeOutcome, Words]) -> pl.Expr:
    """The first key whose words stand in the text; null: none."""
    fits = [pl.when(_has(text, words)).then(pl.lit(key)) for key, words in rules.items()]
    return pl.coalesce(*fits, pl.lit(None, pl.String)) if fits else pl.lit(None, pl.String)
