"""clean.posts of a day -> graded.posts, and the irrelevant ones as rejects with their reason."""

from typing import NamedTuple

import polars as pl

from caifeng.core.model.office import Office
from caifeng.core.model.taxonomy import Taxonomy
from transforms.understand.jurisdiction import assign_jurisdiction
from transforms.understand.relevance import classify
from transforms.understand.signals import detect_signals

_CARRIED = (
    "post_id", "source_id", "source_name", "source_class", "media_tier", "reach", "local_board", "official_channel",
    "url", "title", "text", "text_hash", "published_at", "published_precision", "first_fetched_at",
)  # fmt: skip


class Understood(NamedTuple):
    """Frames of graded.posts and of clean.rejects (stage understand); together as many rows as came in."""

    posts: pl.DataFrame
    rejects: pl.DataFrame


def understand(posts: pl.DataFrame, taxonomy: Taxonomy, office: Office) -> Understood:
    """Keep what concerns statistics work and say what it is about.

    Args:
        posts: clean.posts of one day; the text is empty where a source has titles only.
        taxonomy: the rules.
        office: whose place and names count as own.

    Returns:
        Every post once: in `posts`, or in `rejects` with one of the reasons no_term, no_context, excluded,
        foreign. Both sorted by post_id.
    """
    posts = posts.sort("post_id")
    verdicts = classify(posts.select("title", "text", "board", id="post_id"), taxonomy)
    judged = posts.with_columns(
        *verdicts.select(
            "relevant", "reason", topics=pl.col("topics").list.eval(pl.element().struct.field("topic")), why="evidence"
        )
    )
    kept = judged.filter("relevant").with_columns(topic=pl.col("topics").list.first())
    return Understood(_describe(kept, taxonomy, office), _rejects(judged.filter(~pl.col("relevant"))))


def _describe(kept: pl.DataFrame, taxonomy: Taxonomy, office: Office) -> pl.DataFrame:
    texts = kept.with_columns(id="post_id")
    place = assign_jurisdiction(texts, taxonomy, office).select("jurisdiction", "names_office", where="evidence")
    signals = detect_signals(texts, taxonomy).drop("id").rename({"evidence": "how"})
    # facts that the text cannot tell come from the source and from the place
    known = {"names_bureau": "names_office", "local_board": "local_board", "official_channel": "official_channel"}
    extra = [pl.when(column).then(pl.lit(fact)) for fact, column in known.items()]
    return kept.with_columns(*place, *signals).select(
        *_CARRIED,
        "reason",
        "topic",
        "topics",
        "jurisdiction",
        "stance",
        "tone",
        "emotive",
        "flags",
        facts=pl.concat_list("facts", *extra).list.drop_nulls().list.unique().list.sort(),
        evidence=pl.concat_list("why", "where", "how"),
    )


def _rejects(dropped: pl.DataFrame) -> pl.DataFrame:
    detail = pl.col("why").list.join(" ")
    return dropped.select(
        "source_id",
        "post_id",
        "url",
        "title",
        "reason",
        stage=pl.lit("understand"),
        observed_at="first_fetched_at",
        detail=pl.when(detail != "").then(detail),
    )
