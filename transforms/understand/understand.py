"""clean.posts of a day -> graded.posts, and the irrelevant ones as rejects with their reason."""

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from caifeng.core.model.office import Office
from caifeng.core.model.stance import StanceRules
from caifeng.core.model.taxonomy import Taxonomy
from transforms.parts import in_parts
from transforms.rejects import excerpt
from transforms.understand.jurisdiction import PlaceRules, assign_jurisdiction, place_rules
from transforms.understand.matching import documents
from transforms.understand.quality import JUDGEMENTS, apply_judgements
from transforms.understand.relevance import RelevanceRules, classify, relevance_rules
from transforms.understand.signals import SignalRules, detect_signals, signal_rules

#: Relevant posts that are described at once (our choice: each has some thirty words to weigh).
_KEPT_ROWS = 20_000
_CARRIED = (
    "post_id", "source_id", "source_name", "source_class", "media_tier", "reach", "local_board", "official_channel",
    "url", "title", "text", "text_hash", "published_at", "published_precision", "first_fetched_at",
)  # fmt: skip


class Understood(NamedTuple):
    """Frames of graded.posts and of clean.rejects (stage understand); together as many rows as came in."""

    posts: pl.DataFrame
    rejects: pl.DataFrame


def understand(
    posts: pl.DataFrame | Iterable[pl.DataFrame],
    taxonomy: Taxonomy,
    office: Office,
    stance_rules: StanceRules,
    judgements: pl.DataFrame | None = None,
) -> Understood:
    """Keep what concerns statistics work and say what it is about.

    Args:
        posts: clean.posts of one day; the text is empty where a source has titles only. A large day in pieces, any
            rows in any order, so that it never stands in memory as a whole.
        taxonomy: the rules.
        office: whose place and names count as own.
        stance_rules: how stance and feeling are read.
        judgements: what people said about posts (quality.JUDGEMENTS), before which the rules give way; null: nothing.

    Returns:
        Every post once: in `posts`, or in `rejects` with one of the reasons no_term, no_context, excluded,
        foreign, judged. Both sorted by post_id.
    """
    spoken = JUDGEMENTS.to_frame() if judgements is None else judgements
    relevance = relevance_rules(taxonomy)
    places, signals = place_rules(taxonomy, office), signal_rules(taxonomy, stance_rules)

    def work(part: pl.DataFrame) -> list[pl.DataFrame]:
        kept, rejects = _select(part, relevance, spoken)
        some = [_describe(rows, places, signals) for rows in kept.iter_slices(_KEPT_ROWS)]
        return [pl.concat(some) if some else _describe(kept, places, signals), rejects]

    done = [in_parts(piece, work) for piece in ([posts] if isinstance(posts, pl.DataFrame) else posts)]
    return Understood(*(_by_post(pl.concat(frames)) for frames in zip(*done, strict=True)))


def _by_post(posts: pl.DataFrame) -> pl.DataFrame:
    return posts if posts["post_id"].is_sorted() else posts.sort("post_id")


def _select(posts: pl.DataFrame, rules: RelevanceRules, judgements: pl.DataFrame) -> list[pl.DataFrame]:
    """Relevant posts, with the document that was made of each, and rejects."""
    docs = documents(posts, rules.taxonomy.relevance.idioms, read=True)
    verdicts = classify(posts.select("title", "text", "board", id="post_id"), rules, docs)
    judged = posts.with_columns(
        *docs.select("doc", "title_end"),
        *verdicts.select(
            "relevant", "reason", topics=pl.col("topics").list.eval(pl.element().struct.field("topic")), why="evidence"
        ),
    )
    judged = apply_judgements(judged, judgements, rules.taxonomy)
    kept = judged.filter("relevant").with_columns(topic=pl.col("topics").list.first())
    return [kept, rejected(judged.filter(~pl.col("relevant")))]


def _describe(kept: pl.DataFrame, places: PlaceRules, rules: SignalRules) -> pl.DataFrame:
    texts, docs = kept.with_columns(id="post_id"), kept.select("doc", "title_end").with_row_index("row")
    place = assign_jurisdiction(texts, places, docs).select("jurisdiction", "names_office", where="evidence")
    signals = detect_signals(texts, rules, docs).drop("id").rename({"evidence": "how"})
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
        "polarity",
        "intensity",
        "emotive",
        "flags",
        facts=pl.concat_list("facts", *extra).list.drop_nulls().list.unique().list.sort(),
        evidence=pl.concat_list("why", "where", "how"),
    )


def rejected(dropped: pl.DataFrame) -> pl.DataFrame:
    """Rows of clean.rejects of posts that are no issue of ours: clean.posts with `reason` and `why` (list of words)."""
    detail = pl.col("why").list.join(" ")
    return dropped.select(
        "source_id",
        "post_id",
        "url",
        "title",
        "reason",
        excerpt=excerpt(pl.col("text")),
        stage=pl.lit("understand"),
        observed_at="first_fetched_at",
        detail=pl.when(detail != "").then(detail),
    )
