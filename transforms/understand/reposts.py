"""Repost groups: which relevant posts say the same thing.

A post joins the group of the earliest post that it repeats: the same text, or one with small edits. It is
compared with the group's representative only, so likeness does not chain. Texts of one template that differ
in their figures are not copies.
"""

import polars as pl

from caifeng.core.model.grouping import GroupingRules

_STARTED = pl.coalesce("published_at", "first_fetched_at")


def group_reposts(posts: pl.DataFrame, known: pl.DataFrame, rules: GroupingRules) -> pl.DataFrame:
    """Put every post of a day into a group.

    Args:
        posts: graded.posts of one day.
        known: representatives of the groups of earlier days: group_id, title, text, first_fetched_at.
        rules: how like is the same.

    Returns:
        Rows of clean.repost_groups. A group is named after its representative's text, so that it stays the
        same on later days. The origin is the earliest post of a group that no earlier day knows.
    """
    ordered = posts.sort(_STARTED, "post_id").with_columns(own=pl.lit("g") + pl.col("text_hash"))
    texts = ordered.unique("own", keep="first", maintain_order=True).select("own", "title", "text")
    new = texts.filter(~pl.col("own").is_in(known["group_id"].to_list())).with_row_index("rank")
    # Earlier days come before today: their ranks are negative.
    old = known.select(own="group_id", title="title", text="text").with_row_index("place")
    old = old.select("own", "title", "text", rank=pl.col("place").cast(pl.Int64) - old.height)
    every = pl.concat([old, new.select("own", "title", "text", pl.col("rank").cast(pl.Int64))])
    alike = _alike(every, new, rules)
    parents = settle(new["own"], old["own"], alike)
    first = pl.int_range(pl.len()).over("group_id") == 0
    return (
        ordered.join(parents, on="own", how="left", maintain_order="left")
        .with_columns(group_id=pl.coalesce("parent", "own"), similarity=pl.col("similarity").fill_null(1.0))
        .select(
            "post_id",
            "group_id",
            is_origin=first & ~pl.col("group_id").is_in(known["group_id"].to_list()),
            similarity="similarity",
        )
    )


def _alike(every: pl.DataFrame, new: pl.DataFrame, rules: GroupingRules) -> pl.DataFrame:
    """Pairs (own, other, similarity): a new text and an earlier one of which it may be an edited copy."""
    letters = pl.concat_str("title", "text").str.to_lowercase().str.replace_all(r"[^\p{Han}a-z0-9]", "")
    long = every.with_columns(letters=letters).filter(pl.col("letters").str.len_chars() >= rules.min_characters)
    chars = pl.col("letters").str.split("")
    shingles = long.select(
        "own",
        "rank",
        shingle=chars.list.eval(
            pl.concat_str(pl.element(), pl.element().shift(-1), pl.element().shift(-2)).drop_nulls().unique()
        ),
    ).with_columns(size=pl.col("shingle").list.len())
    rows = shingles.explode("shingle")
    shared = (
        rows.join(new.select("own"), on="own", how="semi")
        .join(rows, on="shingle", suffix="_other")
        .filter(pl.col("rank_other") < pl.col("rank"))
        .group_by("own", "own_other", "rank_other", "size", "size_other")
        .agg(shared=pl.len())
    )
    jaccard = pl.col("shared") / (pl.col("size") + pl.col("size_other") - pl.col("shared"))
    figures = every.select(
        "own", figures=pl.concat_str("title", "text").str.extract_all(r"\d+(?:\.\d+)?").list.unique()
    )
    only = pl.col("figures").list.set_difference("figures_other").list.len()
    only_other = pl.col("figures_other").list.set_difference("figures").list.len()
    return (
        shared.with_columns(similarity=jaccard)
        .filter(pl.col("similarity") >= rules.min_similarity)
        .join(figures, on="own")
        .join(figures.rename({"own": "own_other", "figures": "figures_other"}), on="own_other")
        # Each has a figure that the other lacks: the same sentence about another month or place.
        .filter((only == 0) | (only_other == 0))
        .select("own", "own_other", "rank_other", "similarity")
    )


def settle(new: pl.Series, known: pl.Series, alike: pl.DataFrame) -> pl.DataFrame:
    """Assign the new to representatives: own, parent, similarity; representatives themselves have no row.

    Args:
        new: ids that are to be decided.
        known: ids that are representatives already.
        alike: own, own_other, rank_other, similarity: pairs of a new id and an earlier one.

    A new text that repeats a representative is its copy; one that repeats nothing undecided is a
    representative itself. Few rounds settle a day, because every round decides all copies at once.
    """
    undecided, representatives = set(new.to_list()), set(known.to_list())
    rounds = [alike.clear().select("own", "similarity", parent="own_other")]
    while undecided:
        pairs = alike.filter(pl.col("own").is_in(undecided))
        copies = (
            pairs.filter(pl.col("own_other").is_in(representatives))
            .sort(["similarity", "rank_other"], descending=[True, False])
            .unique("own", keep="first", maintain_order=True)
            .select("own", "similarity", parent="own_other")
        )
        rounds.append(copies)
        undecided -= set(copies["own"].to_list())
        pairs = pairs.filter(pl.col("own").is_in(undecided), pl.col("own_other").is_in(undecided))
        unlike = undecided - set(pairs["own"].to_list())
        representatives |= unlike
        undecided -= unlike
    return pl.concat(rounds)
