"""graded.posts of a day -> repost groups, issues and their numbers."""

from datetime import date, datetime, timedelta

import polars as pl

from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import load_model
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.gates import gated_replace
from transforms.understand.issues import describe_issues, link_groups, order_for_numbering
from transforms.understand.reposts import group_reposts


def cluster(env: Env, day: date, as_of: datetime) -> JobReport:
    """Group reposts, link them to issues, and get numbers for new issues from the register."""
    posts = env.lake.read("graded.posts", day)
    rules = load_model(env.settings.config / "grouping.toml", GroupingRules)
    groups = group_reposts(posts, _representatives(env, day, rules.window_days), rules)
    earlier = env.lake.read_range("graded.issue_posts", day - LOOKBACK, day - timedelta(days=1))
    known = dict(earlier.select("group_id", "issue_no").unique("group_id", keep="first").iter_rows())
    fresh = groups.filter(~pl.col("group_id").is_in(list(known)))
    founders = posts.join(fresh.filter("is_origin"), on="post_id")
    active = _active(env, day, rules.issue_window_days, known)
    joined = dict(link_groups(founders, active, rules).iter_rows())
    founding = [group for group in order_for_numbering(posts, fresh) if group not in joined]
    with env.register() as register:
        numbers = known | register.allot_numbers(founding, day.year, as_of)
    numbers |= {group: numbers[founder] for group, founder in joined.items()}
    links = groups.select(
        pl.col("group_id").replace_strict(numbers, return_dtype=pl.String).alias("issue_no"), "post_id", "group_id"
    )
    gated_replace(env, "clean.repost_groups", day, groups)
    gated_replace(env, "graded.issue_posts", day, links)
    issues = describe_issues(
        links=env.lake.read_range("graded.issue_posts", day - LOOKBACK, day),
        posts=env.lake.read_range("graded.posts", day - LOOKBACK, day),
        metrics=env.lake.read_range("clean.post_metrics", day - LOOKBACK, day),
        day=day,
    )
    gated_replace(env, "graded.issues", day, issues)
    counts = {
        "posts": posts.height,
        "groups": groups["group_id"].n_unique(),
        "issues": issues.height,
        "new": int(issues["is_new"].sum()),
    }
    return JobReport("cluster", day, as_of, counts)


def _active(env: Env, day: date, window_days: int, issue_of: dict[str, str]) -> pl.DataFrame:
    """Founding groups of the issues that moved within the window, with the posts that founded them."""
    window = env.lake.read_range("graded.issues", day - timedelta(days=window_days), day - timedelta(days=1))
    origins = window.sort("day").unique("issue_no", keep="last").select("issue_no", post_id="origin_post_id")
    posts = env.lake.read_range("graded.posts", day - LOOKBACK, day - timedelta(days=1)).drop("day")
    named = posts.with_columns(group_id=pl.lit("g") + pl.col("text_hash"))
    return named.join(origins, on="post_id").filter(pl.col("group_id").is_in(list(issue_of)))


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
