"""Repost groups: which relevant posts say the same thing.

A post joins the group of the earliest post that it repeats: the same text, one with small edits, or an excerpt. It is
compared with the group's representative only, so likeness does not chain. Texts of one template that differ in their
figures, places or names are not copies (`transforms.understand.differences`). Candidates are found by the bands and
anchors of their signatures, so that a day is compared with a month of earlier posts by one join.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from caifeng.core.model.grouping import GroupingRules
from caifeng.core.text.compiled import compiled
from transforms.understand.differences import compare, likeness, make_lexicon
from transforms.understand.minhash import read, sign

#: Characters of a text that are compared, from its beginning: an edit further down does not make another text.
_LONGEST = 20_000
#: A text is compared with so many texts for each mark, the earliest: a rumour's original is among them, and a template
#: that is filled in ten thousand times does not cost ten thousand comparisons each.
_EARLIEST = 16
#: And with so many in all, those with the most marks in common.
_MOST = 64
#: Pairs that are compared before it is settled which texts are copies (our choice: enough to keep all processors busy).
_PAIRS = 8192

_STARTED = pl.coalesce("published_at", "first_fetched_at")


def group_reposts(
    posts: pl.DataFrame, known: pl.DataFrame, rules: GroupingRules, places: Sequence[str] = ()
) -> pl.DataFrame:
    """Put every post of a day into a group.

    Args:
        posts: graded.posts of one day.
        known: representatives of the groups of earlier days: group_id, title, text, first_fetched_at; all of them, or
            those only that share a mark with a post of the day (`repost_marks`): the result is the same.
        rules: how like is the same.
        places: names of places; two texts that name different ones at the same point are two.

    Returns:
        Rows of clean.repost_groups, in the order of publication. A group is named after its representative's text, so
        that it stays the same on later days. The origin is the earliest post of a group that no earlier day knows.
    """
    ordered = posts.sort(_STARTED, "post_id").with_columns(own=pl.lit("g") + pl.col("text_hash"))
    old = known.sort("first_fetched_at", "group_id").unique("group_id", keep="first", maintain_order=True)
    fresh = ordered.unique("own", keep="first", maintain_order=True).join(
        old, left_on="own", right_on="group_id", how="anti", maintain_order="left"
    )
    texts = pl.concat([old.select("title", "text", own="group_id"), fresh.select("title", "text", "own")])
    found = find_copies(texts.select(_matter())["matter"], old.height, rules, places)
    parents = texts.select("own", parent=texts["own"].gather(found["parent"]), similarity=found["similarity"])
    first = pl.int_range(pl.len()).over("group_id") == 0
    return (
        ordered.join(parents, on="own", how="left", maintain_order="left")
        .with_columns(group_id="parent")
        .select(
            "post_id",
            "group_id",
            is_origin=first & ~pl.col("group_id").is_in(old["group_id"].to_list()),
            similarity="similarity",
        )
    )


def repost_marks(groups: pl.DataFrame) -> pl.DataFrame:
    """Rows of clean.repost_bands: what the representatives of groups are found by on later days.

    Args:
        groups: group_id (g and the 16 hex digits of the text's hash), title, text; one row per group.

    Returns:
        `group_id`, `mark`, each pair once: the bands and anchors of the text, and a mark of the whole text, which also
        the shortest has.
    """
    groups = groups.sort("group_id")
    signed = sign(groups.select(_matter())["matter"])
    every = np.concatenate([np.arange(groups.height), signed.text])
    marks = pl.DataFrame({"text": every, "mark": np.concatenate([_whole_marks(groups["group_id"]), signed.mark])})
    # numbers are sorted, not names: that is several times as fast
    marks = marks.unique().sort("text", "mark")
    return marks.select(groups["group_id"].gather(marks["text"]), "mark")


def _whole_marks(groups: pl.Series) -> NDArray[np.int64]:
    return np.frombuffer(b"".join(hashlib.sha256(group.encode()).digest()[:8] for group in groups), "<i8")


def find_copies(texts: pl.Series, known: int, rules: GroupingRules, places: Sequence[str] = ()) -> pl.DataFrame:
    """Say of each text which earlier one it repeats.

    Args:
        texts: different texts in the order of their rank; the first `known` are representatives already.
        known: how many.
        rules: how like is the same.
        places: names of places.

    Returns:
        `parent` (position of the representative, its own for one) and `similarity` to it (Jaccard of the character
        3-grams; 1 for itself), a row per text.
    """
    signed = sign(texts)
    pairs = _candidates(signed.text, signed.mark, signed.lengths, known, rules)
    needed = pl.concat([pairs["text"], pairs["other"]]).unique().sort()
    symbols = read(texts.gather(needed))
    place = {"text": pairs["text"], "other": pairs["other"]}
    one, two = (needed.search_sorted(place[name]).to_numpy().astype(np.int64) for name in ("other", "text"))
    lexicon, parents, similarity = make_lexicon(places), np.arange(len(texts), dtype=np.int64), np.ones(len(texts))
    others = pairs["other"].to_numpy()
    least = min(rules.min_similarity, rules.min_similarity_short)
    for start, end in _batches(pairs["text"].to_numpy()):
        # What has turned out to be a copy is compared with no more: of a rumour's many copies that is most of them.
        rows = start + np.flatnonzero(parents[others[start:end]] == others[start:end])
        judged = pairs[rows].hstack(compare(symbols, one[rows], two[rows], lexicon, least))
        copied = judged.select(_is_copy(rules)).to_series()
        kept = rows[copied.to_numpy()]
        copies = (
            judged.filter(copied)
            .with_columns(similarity=likeness(symbols, one[kept], two[kept]))
            .sort("text", "similarity", "other", descending=[False, True, False])
        )
        text, other, alike = (copies[name].to_numpy() for name in ("text", "other", "similarity"))
        _settle(text, other, alike, parents, similarity)
    return pl.DataFrame({"parent": parents, "similarity": similarity})


def _batches(texts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of some `_PAIRS` pairs, all pairs of a text in the same one; `texts` ascend."""
    start = 0
    while start < len(texts):
        last = texts[min(start + _PAIRS, len(texts)) - 1]
        end = int(np.searchsorted(texts, last, side="right"))
        yield start, end
        start = end


def _matter() -> pl.Expr:
    """What is compared: title and text, without addresses; a title that only repeats the text's beginning goes."""
    title, text = pl.col("title").fill_null(""), pl.col("text").fill_null("")
    whole = pl.when(text.str.starts_with(title)).then(text).otherwise(pl.concat_str(title, pl.lit("\n"), text))
    return clip(whole).alias("matter")


def clip(text: pl.Expr) -> pl.Expr:
    """The part of a text that is compared: its beginning, without addresses."""
    return text.str.head(_LONGEST).str.replace_all(r"(?i)(?:https?://|www\.)[!-~]+", " ")


def _candidates(
    text: NDArray[np.int64], mark: NDArray[np.int64], lengths: NDArray[np.int64], known: int, rules: GroupingRules
) -> pl.DataFrame:
    """Pairs (text, other) of a new text and an earlier one that share a mark; both long enough to be alike."""
    long = lengths >= rules.min_characters
    kept = long[text]
    marks = pl.DataFrame({"text": text[kept], "mark": mark[kept]})
    shared = marks.lazy().filter(pl.len().over("mark") > 1).unique().sort("mark", "text")
    earliest = shared.filter(pl.int_range(pl.len()).over("mark") < _EARLIEST)
    return (
        shared.filter(pl.col("text") >= known)
        .join(earliest.rename({"text": "other"}), on="mark")
        .filter(pl.col("other") < pl.col("text"))
        .group_by("text", "other")
        .agg(shared=pl.len())
        .sort("text", "shared", "other", descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("text") < _MOST)
        .select("text", "other")
        .collect()
    )


def _is_copy(rules: GroupingRules) -> pl.Expr:
    """Nothing speaks against it, and enough of the shorter text stands in the other, more of a short passage."""
    length, shared = pl.col("length"), pl.col("passages")
    enough = pl.when(shared >= rules.long_passage).then(rules.min_similarity).otherwise(rules.min_similarity_short)
    return (
        (pl.col("conflict") == 0)
        & (shared >= enough * length)
        & (pl.col("between") <= rules.max_replaced * length)
        & (pl.col("outside") <= rules.max_replaced_ends * length)
    )


@compiled
def _settle(texts: Any, others: Any, alike: Any, parents: Any, similarity: Any) -> None:
    """Take the texts by rank: one that repeats a representative is its copy, any other is a representative itself."""
    for row in range(len(texts)):
        text, other = texts[row], others[row]
        if parents[text] == text and parents[other] == other:
            parents[text] = other
            similarity[text] = alike[row]
