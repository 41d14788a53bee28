"""graded.posts of a day -> repost groups, issues and their numbers."""

from datetime import date, datetime, timedelta

import polars as pl

from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import load_model
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from transforms.understand.issues import describe_issues, order_for_numbering
from transforms.understand.reposts import group_reposts


def cluster(env: Env, day: date, as_of: datetime) -> JobReport:
    """Group reposts, link them to issues, and get numbers for new issues from the register."""
    posts = env.lake.read("graded.posts", day)
    rules = load_model(env.settings.config / "grouping.toml", GroupingRules)
    groups = group_reposts(posts, _representatives(env, day, rules.window_days), rules)
    with env.register() as register:
        numbers = register.allot_numbers(order_for_numbering(posts, groups), day.year, as_of)
    links = groups.select(
        pl.col("group_id").replace_strict(numbers, return_dtype=pl.String).alias("issue_no"),
        "post_id",
        "group_id",
    )
    env.lake.replace("clean.repost_groups", day, groups)
    env.lake.replace("graded.issue_posts", day, links)
    issues = describe_issues(
        links=env.lake.read_range("graded.issue_posts", day - LOOKBACK, day),
        posts=env.lake.read_range("graded.posts", day - LOOKBACK, day),
        metrics=env.lake.read_range("clean.post_metrics", day - LOOKBACK, day),
        day=day,
    )
    env.lake.replace("graded.issues", day, issues)
    counts = {
        "posts": posts.height,
        "groups": groups["group_id"].n_unique(),
        "issues": issues.height,
        "new": int(issues["is_new"].sum()),
    }
    return JobReport("cluster", day, as_of, counts)


def _representatives(env: Env, day: date, window_days: int) -> pl.DataFrame:
    """Representatives of the groups of the days before: the posts after whose text a group is named."""
    first, last = day - timedelta(days=window_days), day - timedelta(days=1)
    groups = env.lake.read_range("clean.repost_groups", first, last, ["group_id"])
    posts = env.lake.read_range("graded.posts", first, last, ["title", "text", "text_hash", "first_fetched_at"])
    return (
        posts.select("title", "text", "first_fetched_at", group_id=pl.lit("g") + pl.col("text_hash"))
        .join(groups, on="group_id", how="semi")
        .sort("first_fetched_at", "group_id")
        .unique("group_id", keep="first", maintain_order=True)
    )
