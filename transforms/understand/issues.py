"""From repost groups to issues, first form.

A group joins an active issue if it is about the same: same topic and stance, at the same place, in the same
terms. Otherwise it founds an issue of its own.
"""

from datetime import date

import polars as pl

from caifeng.core.model.grouping import GroupingRules
from transforms.understand.reposts import settle

_STARTED = pl.coalesce("published_at", "first_fetched_at")


def link_groups(founders: pl.DataFrame, active: pl.DataFrame, rules: GroupingRules) -> pl.DataFrame:
    """Say which new groups belong to an issue that is already there, or to another new group.

    Args:
        founders: origins of the new groups, with `group_id` and the columns of graded.posts.
        active: the same of the groups that founded the issues that are still active.
        rules: how much must be shared.

    Returns:
        `group_id`, `founder` (the group whose issue it joins), one row per group that joins; in no order.
    """
    order = ("published_at", "post_id")
    ranked = pl.concat(
        [
            _subject(active.sort(*order, nulls_last=True))
            .with_row_index("rank")
            .with_columns(pl.col("rank").cast(pl.Int64) - active.height),
            _subject(founders.sort(*order, nulls_last=True))
            .with_row_index("rank")
            .with_columns(pl.col("rank").cast(pl.Int64)),
        ]
    )
    pairs = ranked.filter(pl.col("rank") >= 0).join(ranked, on=["topic", "stance"], suffix="_other")
    shared = pl.col("terms").list.set_intersection("terms_other")
    alike = (
        pairs.filter(pl.col("rank_other") < pl.col("rank"))
        .with_columns(shared=shared)
        .filter(
            pl.col("shared").list.len() >= rules.issue_shared_terms,
            pl.col("shared").list.eval(pl.element().str.starts_with("town:")).list.any(),
        )
        .select(
            own="group_id",
            own_other="group_id_other",
            rank_other="rank_other",
            similarity=pl.col("shared").list.len().cast(pl.Float64),
        )
    )
    settled = settle(founders["group_id"], active["group_id"], alike)
    return settled.select(group_id="own", founder="parent")


def _subject(groups: pl.DataFrame) -> pl.DataFrame:
    """What a group is about: topic, stance and the terms that matched, without their places in the text."""
    return groups.select(
        "group_id",
        "topic",
        "stance",
        terms=pl.col("evidence").list.eval(pl.element().str.replace(r"@\d+$", "")).list.unique(),
    )


def order_for_numbering(posts: pl.DataFrame, groups: pl.DataFrame) -> list[str]:
    """Group ids of a day in the order in which issue numbers are given: published_at, then post_id."""
    return (
        posts.join(groups, on="post_id")
        .sort("published_at", "post_id", nulls_last=True)
        .unique("group_id", keep="first", maintain_order=True)["group_id"]
        .to_list()
    )


def describe_issues(links: pl.DataFrame, posts: pl.DataFrame, metrics: pl.DataFrame, day: date) -> pl.DataFrame:
    """Issues that got a post on the day, or whose measures changed, as they stand at its end.

    Args:
        links: issue_no, post_id, group_id and `day` of all links up to the day.
        posts: graded.posts up to the day.
        metrics: clean.post_metrics up to the day, with `day`.
        day: the day that is described.

    Returns:
        Rows of graded.issues. Title, topic, jurisdiction and stance are the origin's; an issue of which any
        post is local is local.
    """
    got_post = links.filter(pl.col("day") == day).select("issue_no")
    moved = pl.concat([got_post, _changed(links, metrics, day)]).unique()
    members = links.join(moved, on="issue_no", how="semi").join(posts.drop("day"), on="post_id")
    seen = metrics.group_by("post_id").agg(last_observed_at=pl.col("observed_at").max())
    members = members.join(seen, on="post_id", how="left").sort(_STARTED, "post_id")
    return (
        members.group_by("issue_no", maintain_order=True)
        .agg(
            pl.col("title", "topic", "stance").first(),
            jurisdiction=pl.when((pl.col("jurisdiction") == "local").any())
            .then(pl.lit("local"))
            .otherwise(pl.col("jurisdiction").first()),
            origin_post_id=pl.col("post_id").first(),
            first_published_at=pl.col("published_at").min(),
            detected_at=pl.col("first_fetched_at").min(),
            last_post_at=pl.max_horizontal(_STARTED.max(), pl.col("last_observed_at").max()),
            is_new=pl.col("day").min() == day,
            posts=pl.len(),
        )
        .sort("issue_no")
    )


def _changed(links: pl.DataFrame, metrics: pl.DataFrame, day: date) -> pl.DataFrame:
    """Issues with a post whose latest measures of the day differ from its latest earlier ones."""
    measures = ("views", "reposts", "comments")
    ordered = metrics.sort("observed_at")
    latest = ordered.filter(pl.col("day") == day).group_by("post_id").agg(pl.col(measures).last())
    before = ordered.filter(pl.col("day") < day).group_by("post_id").agg(pl.col(measures).last())
    differs = pl.any_horizontal(pl.col(m).ne_missing(pl.col(f"{m}_before")) for m in measures)
    return (
        latest.join(before, on="post_id", suffix="_before").filter(differs).join(links, on="post_id").select("issue_no")
    )
