"""What each measure of a grade rests on: the posts that show it, or the event by which a person set it.

A leader who asks "why 较大" gets from the total to its measures, and from each measure to the pages (Art. 6).
"""

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from transforms.grade.inputs import MEASURES
from transforms.grade.measure import (
    COUNTS,
    KNOWN,
    days_active,
    earlier_issues,
    facts_of_post,
    latest_counts,
    moment,
    posts_in_24h,
)

#: A page shows so many posts for a measure; a choice of display, no rule.
MOST_POSTS = 5
#: Rows of graded.measure_evidence without the evaluation they belong to.
EVIDENCE = pl.Schema({**KNOWN, "shown": pl.Int64()})

_LISTS = ("flags", "facts")
_ISSUE = ["issue_no", "measure"]
#: Measures whose value is that of some of its posts -> the column of the post.
_OF_A_POST = {
    "topic": "topic",
    "jurisdiction": "jurisdiction",
    "tone": "tone",
    "geo": "reach",
    "media_tier": "media_tier",
}
#: Kinds of names (transforms/understand/jurisdiction.py) by which the office is named, and a place at all.
_OFFICE = ("county", "county_short", "own")
_PLACE = (
    "source", *_OFFICE, "town", "town_ambiguous", "city", "province", "sister", "other", "city_wide", "nation_wide",
    "nation", "foreign", "false_friend",
)  # fmt: skip
#: Codes that rest on terms of another rule.
_RULE_OF = {"pure_question": "question", "constructive_suggestion": "suggestion", "names_bureau": "_office"}


def measure_evidence(
    measures: pl.DataFrame,
    issues: pl.DataFrame,
    links: pl.DataFrame,
    posts: pl.DataFrame,
    metrics: pl.DataFrame,
    earlier: pl.DataFrame,
    as_of: datetime,
    known: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Say for each measure of each issue who set it and what shows it.

    Args:
        measures: what `measure_issues` made of the other arguments, which are the same.
        issues: graded.issues that are evaluated.
        links: issue_no, post_id and group_id up to the day.
        posts: graded.posts of the linked posts.
        metrics: clean.post_metrics of these posts up to `as_of`.
        earlier: issue_no, topic and detected_at of the issues first seen in the 90 days before.
        as_of: moment of the evaluation.
        known: rows of `KNOWN`.

    Returns:
        Rows of `EVIDENCE`, sorted; at least one per issue and measure, at most `MOST_POSTS` with a post: those that
        show most, then by post_id. `value` is the measure in force, the same in all rows of a measure; of a list
        each code that holds is `flags.<code>` or `facts.<code>` with `true`, an empty one `flags` or `facts` with
        `none`; null is unknown. `shown` is how much of a count the post shows (null: no count): where all posts
        are there, they add up to the value. A person's row (`event_id`, `role`) outweighs those of rules; what a
        person denied has that row alone, with `false`.
    """
    known = KNOWN.to_frame() if known is None else known
    known = known.join(issues, on="issue_no", how="semi")
    by_person = known.filter(pl.col("setter") == "person")
    members = links.join(issues.select("issue_no", "origin_post_id"), on="issue_no").join(posts, on="post_id")
    found = pl.concat(
        [
            *_posts_that_agree(members, measures),
            *_codes(members),
            *_parts(members, metrics),
            _counts(members, metrics),
            *_without_post(members, measures, issues, earlier, as_of),
            known.filter(pl.col("setter") == "rule").select(*_ISSUE, "post_id", "detail", rule=pl.lit(None, pl.String)),
        ],
        how="diagonal_relaxed",
    )
    shown = (
        found.join(_terms(members), on=["post_id", "rule"], how="left")
        .with_columns(detail=pl.coalesce("detail", "term"))
        .unique([*_ISSUE, "post_id"], keep="first", maintain_order=True)
        .sort(*_ISSUE, pl.col("shown").neg(), "post_id", nulls_last=True)
        .group_by(_ISSUE, maintain_order=True)
        .head(MOST_POSTS)
        .select(*_ISSUE, "post_id", "shown", "detail")
    )
    by_rule = _values(measures).join(shown, on=_ISSUE, how="left").with_columns(setter=pl.lit("rule"))
    # nobody needs to be told that no post shows what a person set
    told = by_person.select(_ISSUE).with_columns(told=pl.lit(value=True))
    by_rule = by_rule.join(told, on=_ISSUE, how="left").filter(
        pl.col("told").is_null() | pl.col("post_id").is_not_null()
    )
    return (
        pl.concat([EVIDENCE.to_frame(), by_rule.drop("told"), by_person], how="diagonal_relaxed")
        .select(EVIDENCE.names())
        .sort(*_ISSUE, "setter", "post_id")
    )


def _values(measures: pl.DataFrame) -> pl.DataFrame:
    """issue_no, measure, value: the measures in long form, as text."""
    single = [name for name in MEASURES if name not in ("issue_no", *_LISTS)]
    texts = measures.select("issue_no", pl.col(single).cast(pl.String))
    parts = [texts.unpivot(single, index="issue_no", variable_name="measure", value_name="value")]
    for name in _LISTS:
        codes = measures.select("issue_no", code=pl.col(name)).explode("code", empty_as_null=True)
        empty = pl.col("code").is_null()
        parts.append(
            codes.select(
                "issue_no",
                measure=pl.when(empty).then(pl.lit(name)).otherwise(pl.format(f"{name}.{{}}", pl.col("code"))),
                value=pl.when(empty).then(pl.lit("none")).otherwise(pl.lit("true")),
            )
        )
    return pl.concat(parts)


def _terms(members: pl.DataFrame) -> pl.DataFrame:
    """post_id, rule, term: the first match of each rule in a post, as rule:term@offset."""
    lines = members.select("post_id", term="evidence").explode("term")
    lines = lines.with_columns(rule=pl.col("term").str.extract(r"^([^:]+):"))
    kinds = {"_office": _OFFICE, "_place": _PLACE}
    groups = [
        lines.filter(pl.col("rule").is_in(names)).with_columns(rule=pl.lit(kind)) for kind, names in kinds.items()
    ]
    return pl.concat([lines, *groups]).unique(["post_id", "rule"], keep="first", maintain_order=True)


def _posts_that_agree(members: pl.DataFrame, measures: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Posts that have the value of their issue; of the topic only its origin, which sets it."""
    of_source = pl.format("source:{}", "source_id")
    nothing = pl.lit(None, pl.String)
    rules = {"topic": pl.col("topic"), "jurisdiction": pl.lit("_place"), "tone": pl.col("stance")}
    for measure, column in _OF_A_POST.items():
        value = measures.select("issue_no", value=measure)
        agree = members.join(value, on="issue_no").filter(pl.col(column) == pl.col("value"))
        if measure == "topic":
            agree = agree.filter(pl.col("post_id") == pl.col("origin_post_id"))
        yield agree.select(
            "issue_no",
            "post_id",
            measure=pl.lit(measure),
            rule=rules.get(measure, nothing),
            detail=nothing if measure in rules else of_source,
        )


def _codes(members: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Flags and facts of the posts; what an issue does not have in the end is left out later."""
    of_source = pl.col("code").is_in(["local_board", "official_channel"])
    for name, codes in (("flags", pl.col("flags")), ("facts", facts_of_post())):
        yield (
            members.select("issue_no", "post_id", "source_id", code=codes)
            .explode("code")
            .select(
                "issue_no",
                "post_id",
                measure=pl.format(f"{name}.{{}}", pl.col("code")),
                rule=pl.col("code").replace(_RULE_OF),
                detail=pl.when(of_source).then(pl.format("source:{}", "source_id")),
            )
        )


def _parts(members: pl.DataFrame, metrics: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Counts of distinct things: each thing counts for the post with the smallest id among those that show it."""
    media = members.filter(pl.col("media_tier") != "none")
    yield _distinct(members, "source_classes", "source_class")
    yield _distinct(days_active(members, metrics), "active_days", "active_day")
    yield _distinct(media, "n_media", "source_id")
    yield _distinct(members, "distinct_docs", "group_id")
    yield _distinct(members.filter(pl.col("tone") == "negative"), "neg_docs", "group_id", pl.col("stance"))
    yield _distinct(members.filter(pl.col("tone") != "unknown"), "counted_docs", "group_id", pl.col("stance"))
    yield _distinct(members.filter("emotive"), "emotive_docs", "group_id", pl.lit("emotive"))


def _distinct(shows: pl.DataFrame, measure: str, thing: str, rule: pl.Expr | None = None) -> pl.DataFrame:
    """Shares of a count, a row per post; `detail` names its first and last thing unless a rule's term will."""
    first, last = pl.format(f"{thing}:{{}}", pl.col(thing).min()), pl.col(thing).max()
    named = pl.when(pl.len() == 1).then(first).otherwise(pl.format("{}..{}", first, last))
    return (
        shows.with_columns(rule=pl.lit(None, pl.String) if rule is None else rule)
        .sort("issue_no", thing, "post_id")
        .unique(["issue_no", thing], keep="first", maintain_order=True)
        .group_by("issue_no", "post_id", maintain_order=True)
        .agg(
            pl.col("rule").first(),
            shown=pl.len().cast(pl.Int64),
            detail=named if rule is None else pl.lit(None, pl.String),
        )
        .with_columns(measure=pl.lit(measure))
    )


def _counts(members: pl.DataFrame, metrics: pl.DataFrame) -> pl.DataFrame:
    """Views, reposts and comments of each post, with the moment for which they hold."""
    return (
        members.select("issue_no", "post_id")
        .join(latest_counts(metrics), on="post_id")
        .select(*_ISSUE, "post_id", "shown", detail=pl.format("{}@{}", "shown", moment("observed_at")))
    )


def _without_post(
    members: pl.DataFrame, measures: pl.DataFrame, issues: pl.DataFrame, earlier: pl.DataFrame, as_of: datetime
) -> Iterator[pl.DataFrame]:
    """What no single post shows: sources without a count, growth, earlier issues of the topic."""
    sources = members.group_by("issue_no").agg(sources=pl.col("source_id").unique().sort().str.join(","))
    for count in COUNTS:
        unknown = measures.filter(pl.col(count).is_null()).select("issue_no")
        yield unknown.join(sources, on="issue_no").select(
            "issue_no", measure=pl.lit(count), detail=pl.format("not_shown:{}", "sources")
        )
    yield posts_in_24h(members, as_of).select(
        "issue_no", measure=pl.lit("growth_24h"), detail=pl.format("new:{},before:{}", "new", "before")
    )
    yield (
        earlier_issues(issues, earlier)
        .group_by("issue_no")
        .agg(shown=pl.len().cast(pl.Int64), others=pl.col("other").sort(descending=True).head(MOST_POSTS).str.join(","))
        .select("issue_no", "shown", measure=pl.lit("same_topic_issues_90d"), detail=pl.format("issues:{}", "others"))
    )
