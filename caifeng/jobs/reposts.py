"""Repost groups of a day: which representatives of the window before it can be meant, and what each post repeats."""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from caifeng.core.lake import Lake
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.model.taxonomy import Taxonomy
from caifeng.jobs.base import Env
from transforms.understand.reposts import group_reposts, repost_marks


def sharing_marks(stored: pl.LazyFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """Groups of the window (`day`, `group_id`, each once) with one of the marks; in no order."""
    hits = stored.join(wanted.lazy(), on="mark", how="semi").select("day", "group_id").unique()
    return hits.collect(engine="streaming")


def stored_sharing(lake: Lake, first: date, last: date, wanted: pl.DataFrame) -> pl.DataFrame:
    """`sharing_marks` of the days `first`..`last` of the lake."""
    return sharing_marks(lake.scan("clean.repost_bands", first, last), wanted)


#: How the groups of stored days are found; another engine has its own.
Share = Callable[[Lake, date, date, pl.DataFrame], pl.DataFrame]


def group_day(
    env: Env, day: date, posts: pl.DataFrame, rules: GroupingRules, share: Share = stored_sharing
) -> pl.DataFrame:
    """Put every post of a day into a group, and keep what its representatives are found by (clean.repost_bands).

    Args:
        env: environment.
        day: the day.
        posts: graded.posts of the day.
        rules: how like is the same, and how far back an original is looked for.
        share: which stored groups share a mark with the day.

    Returns:
        Rows of clean.repost_groups.
    """
    texts = posts.select("title", "text", group_id=pl.lit("g") + pl.col("text_hash"))
    marks = repost_marks(texts.unique("group_id", keep="first"))
    groups = group_reposts(
        posts, _earlier(env, day, marks, rules.window_days, share), rules, place_names(env.settings.taxonomy())
    )
    represented = marks.join(groups.select("group_id").unique(), on="group_id", how="semi")
    env.lake.replace("clean.repost_bands", day, represented)
    return groups


def place_names(taxonomy: Taxonomy) -> list[str]:
    """Names by which two texts of one template differ: areas and towns of the country, other countries."""
    gazetteer = taxonomy.gazetteer
    areas = (name for area in taxonomy.areas for name in (area.name, area.short))
    near = (*gazetteer.towns, *gazetteer.towns_ambiguous, *gazetteer.sisters, *gazetteer.neighbours)
    return sorted({*areas, *near, *taxonomy.relevance.foreign} - {""})


def _earlier(env: Env, day: date, marks: pl.DataFrame, window_days: int, share: Share) -> pl.DataFrame:
    """Representatives of earlier days that share a mark with a post of the day: group_id, title, text, first seen."""
    wanted = marks.select("mark").unique()
    found = [pl.DataFrame(schema={"group_id": pl.String, "title": pl.String, "text": pl.String,
                                  "first_fetched_at": pl.Datetime("us", "UTC")})]  # fmt: skip
    alike = share(env.lake, day - timedelta(days=window_days), day - timedelta(days=1), wanted)
    for before in alike["day"].unique().sort():
        posts = env.lake.read("graded.posts", before)
        named = posts.select("title", "text", "first_fetched_at", group_id=pl.lit("g") + pl.col("text_hash"))
        found.append(named.join(alike.filter(day=before), on="group_id", how="semi").select(found[0].columns))
    return pl.concat(found).sort("first_fetched_at", "group_id").unique("group_id", keep="first", maintain_order=True)
