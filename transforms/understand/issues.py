"""From repost groups to issues, first form: an issue is a repost group."""

from datetime import date

import polars as pl

_STARTED = pl.coalesce("published_at", "first_fetched_at")


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
