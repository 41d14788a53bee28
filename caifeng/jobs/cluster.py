"""graded.posts of a day -> repost groups, issues and their numbers."""

from datetime import date, datetime, timedelta

import polars as pl

from caifeng.cases.corrections import corrections_of
from caifeng.cases.store import Register
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import load_model
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.bursts import bursts
from caifeng.jobs.gates import gated_replace
from caifeng.jobs.reposts import Share, group_day, stored_sharing
from transforms.understand.issues import (
    amend_links,
    describe_issues,
    first_linked,
    latest_links,
    link_groups,
    moved_issues,
    order_for_numbering,
)


def cluster(env: Env, day: date, as_of: datetime, share: Share = stored_sharing) -> JobReport:
    """Group reposts, link them to issues, and get numbers for new issues from the register.

    `share` is how another engine finds the stored groups that can be meant.
    """
    posts = env.lake.read("graded.posts", day)
    rules = load_model(env.settings.config / "grouping.toml", GroupingRules)
    groups = group_day(env, day, posts, rules, share)
    earlier = env.lake.read_range("graded.issue_posts", day - LOOKBACK, day - timedelta(days=1))
    with env.register() as register:
        corrections = corrections_of(register.events(until=as_of))
        founded: dict[str, str] = {}
        for key, year in corrections.founded.items():
            founded |= register.allot_numbers([key], year, as_of)
        split = _groups_of(corrections.split, pl.concat([earlier, groups], how="diagonal_relaxed"))
        moved = {group: founded.get(target := corrections.split[post], target) for group, post in split.items()}
        known = first_linked(earlier)
        fresh = groups.filter(~pl.col("group_id").is_in(list(known)))
        numbered = _numbered(register, posts, fresh)
        active = _active(env, day, rules.issue_window_days, earlier, known | moved, corrections.merged)
        linked = link_groups(posts.join(fresh.filter("is_origin"), on="post_id"), active, rules, numbered)
        joined = dict(linked.select("group_id", "founder").iter_rows())
        founding = [g for g in order_for_numbering(posts, fresh) if g not in joined and g not in numbered]
        numbers = known | numbered | register.allot_numbers(founding, day.year, as_of)
    # What was there when a founding text was split off stays; what comes later follows it.
    fetched = dict(
        fresh.join(posts, on="post_id").group_by("group_id").agg(pl.col("first_fetched_at").min()).iter_rows()
    )
    for group, founder in joined.items():
        follows = founder in moved and fetched[group] > corrections.split_at[split[founder]]
        numbers[group] = moved[founder] if follows else numbers[founder]
    ruled = pl.col("group_id").replace_strict(numbers, return_dtype=pl.String)
    links = groups.select("post_id", "group_id", issue_no=ruled)
    links = amend_links(links, earlier, moved, corrections.merged)
    gated_replace(env, "clean.repost_groups", day, groups)
    gated_replace(env, "graded.issue_posts", day, links)
    issues = _described(env, day)
    gated_replace(env, "graded.issues", day, issues)
    loud = bursts(env, day, as_of)
    counts = {
        "posts": posts.height,
        "groups": groups["group_id"].n_unique(),
        "issues": issues.height,
        "new": int(issues["is_new"].sum()),
        **loud.counts,
    }
    return JobReport("cluster", day, as_of, counts)


def _described(env: Env, day: date) -> pl.DataFrame:
    """The day's issues; of half a year behind it only what concerns them is read."""
    first = day - LOOKBACK
    links = env.lake.read_range("graded.issue_posts", first, day)
    observed = env.lake.read("clean.post_metrics", day).join(links, on="post_id", how="semi").select("post_id")
    metrics = env.lake.read_range("clean.post_metrics", first, day, among=observed)
    moved = latest_links(links).join(moved_issues(links, metrics, day), on="issue_no", how="semi").select("post_id")
    concerned = pl.concat([observed, moved]).unique()
    return describe_issues(
        links=links,
        posts=env.lake.read_range("graded.posts", first, day, among=moved),
        metrics=env.lake.read_range("clean.post_metrics", first, day, among=concerned),
        day=day,
    )


def _groups_of(split: dict[str, str], links: pl.DataFrame) -> dict[str, str]:
    """Group -> the post by which people split it off; copies of a text go with it."""
    chosen = links.filter(pl.col("post_id").is_in(list(split))).select("group_id", "post_id").unique()
    return dict(chosen.sort("post_id").iter_rows())


def _numbered(register: Register, posts: pl.DataFrame, fresh: pl.DataFrame) -> dict[str, str]:
    """Numbers that new groups were given by an earlier run of the day, also under another of their texts.

    A late post may be the earliest of its group, which then bears its name; the number stays.
    """
    named = fresh.join(posts.select("post_id", key=pl.lit("g") + pl.col("text_hash")), on="post_id")
    keys = pl.concat([named.select("group_id", "key"), fresh.select("group_id", key="group_id")]).unique()
    given = register.known_numbers(keys["key"].unique().sort().to_list())
    found = keys.filter(pl.col("key").is_in(list(given))).with_columns(
        number=pl.col("key").replace_strict(given, default=None, return_dtype=pl.String)
    )
    return dict(found.group_by("group_id").agg(pl.col("number").min()).iter_rows())


def _active(
    env: Env, day: date, window_days: int, earlier: pl.DataFrame, issue_of: dict[str, str], merged: dict[str, str]
) -> pl.DataFrame:
    """Founding posts of the issues that moved within the window; of merged ones each founder still speaks."""
    first, last = day - timedelta(days=window_days), day - timedelta(days=1)
    moved = env.lake.read_range("graded.issues", first, last, ["issue_no"])["issue_no"].unique().to_list()
    alive = {merged.get(issue, issue) for issue in moved}
    own = pl.col("group_id").replace_strict(issue_of, return_dtype=pl.String)
    part_of = pl.col("own").replace_strict(merged, default=pl.col("own"), return_dtype=pl.String)
    members = (
        earlier.sort("day")
        .unique("post_id", keep="first")
        .select("post_id", "group_id", "day", own=own)
        .filter(part_of.is_in(list(alive)))
    )
    posts = env.lake.read_range("graded.posts", day - LOOKBACK, last, among=members.select("post_id")).drop("day")
    return (
        members.join(posts, on="post_id")
        .sort("day", pl.coalesce("published_at", "first_fetched_at"), "post_id")
        .unique("own", keep="first", maintain_order=True)
        .drop("own", "day")
    )
