"""Measures of issues: what the five factors of Art. 6 are computed from (docs/grading.md, table Input)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from caifeng.core.model.grouping import GroupingRules
from caifeng.core.model.terms import GEO_NAMES, MEDIA_TIER_NAMES

_STARTED = pl.coalesce("published_at", "first_fetched_at")
_COUNTS = ("views", "reposts", "comments")


def measure_issues(
    issues: pl.DataFrame,
    links: pl.DataFrame,
    posts: pl.DataFrame,
    metrics: pl.DataFrame,
    earlier: pl.DataFrame,
    as_of: datetime,
    known: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Measures of each issue at `as_of`, ready for `grade`, with their `evidence`.

    Args:
        issues: graded.issues of the day.
        links: issue_no, post_id and group_id up to the day.
        posts: graded.posts of the linked posts.
        metrics: clean.post_metrics of these posts up to `as_of`.
        earlier: issue_no, topic and detected_at of the issues first seen in the 90 days before.
        as_of: moment of the evaluation.
        known: issue_no, `flags` and `facts` (lists) of issues about which something is known that no post says:
            a second wave (`second_waves`), the days around a release; null: nothing.

    Returns:
        One row per issue. A sum over counts that are all unknown is null, never 0.
    """
    members = links.join(issues.select("issue_no"), on="issue_no", how="semi").join(posts, on="post_id")
    measured = issues.select("issue_no", "topic", "jurisdiction")
    for part in (
        _content(members),
        _voices(members),
        _media(members),
        _reach(members, metrics),
        _attention(members, metrics),
        _growth(members, as_of),
        _recurrence(issues, earlier),
    ):
        measured = measured.join(part, on="issue_no", how="left", validate="1:1")
    if known is not None:
        measured = _with_known(measured, known)
    # Emergency level, superior orders, leader's instructions and gatherings are set by people only.
    return measured.with_columns(emergency_level=pl.lit("none")).sort("issue_no")


def _with_known(measured: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    more = known.group_by("issue_no").agg(pl.col("flags", "facts").list.explode().drop_nulls().name.prefix("more_"))
    joined = measured.join(more, on="issue_no", how="left", validate="1:1")
    return joined.with_columns(
        pl.col(name).list.set_union(pl.col(f"more_{name}").fill_null([])).list.sort() for name in ("flags", "facts")
    ).drop("more_flags", "more_facts")


def second_waves(
    links: pl.DataFrame, posts: pl.DataFrame, answers: Mapping[str, datetime], rules: GroupingRules
) -> pl.DataFrame:
    """Issues that came back after their answer (override O8): enough voices, long enough after it.

    Only what was posted after the answer and still asks or complains counts: the answer itself, reports about it,
    praise and official notices do not. A voice is a text; its copies add none.

    Args:
        links: issue_no, post_id and group_id up to the day, one row per post.
        posts: graded.posts of the linked posts.
        answers: when the latest final answer of an issue was published.
        rules: `second_wave_hours`, `second_wave_voices`.

    Returns:
        Rows for `known` of `measure_issues`, sorted by issue_no: fact `second_wave`.
    """
    answered = pl.DataFrame(
        {"issue_no": list(answers), "answered_at": list(answers.values())},
        schema={"issue_no": pl.String, "answered_at": pl.Datetime("us", "UTC")},
    )
    since = pl.col("answered_at") + timedelta(hours=rules.second_wave_hours)
    asks = pl.col("stance").is_in(["complaint", "question", "unsure"])
    voices = (
        links.join(answered, on="issue_no")
        .join(posts, on="post_id")
        .filter(since < _STARTED, asks, ~pl.col("facts").list.contains("official_notice"))
        .group_by("issue_no")
        .agg(voices=pl.col("group_id").n_unique())
    )
    return (
        voices.filter(pl.col("voices") >= rules.second_wave_voices)
        .select(
            "issue_no", flags=pl.lit([], dtype=pl.List(pl.String)), facts=pl.lit(["second_wave"], pl.List(pl.String))
        )
        .sort("issue_no")
    )


def _content(members: pl.DataFrame) -> pl.DataFrame:
    """Flags and facts that any post shows; `official_notice` only where every post is one."""
    facts = pl.concat_list(
        "facts",
        pl.when("local_board").then(pl.lit(["local_board"])).otherwise(pl.lit([], dtype=pl.List(pl.String))),
        pl.when("official_channel").then(pl.lit(["official_channel"])).otherwise(pl.lit([], dtype=pl.List(pl.String))),
    )
    only_notices = pl.col("facts").list.contains("official_notice").all()
    return (
        members.with_columns(facts=facts)
        .group_by("issue_no")
        .agg(
            *(pl.col(column).list.explode().drop_nulls().unique().sort() for column in ("flags", "facts", "evidence")),
            only_notices=only_notices,
        )
        .with_columns(
            facts=pl.when("only_notices")
            .then("facts")
            .otherwise(pl.col("facts").list.set_difference(pl.lit(["official_notice"])).list.sort())
        )
        .drop("only_notices")
    )


def _voices(members: pl.DataFrame) -> pl.DataFrame:
    """Tone over distinct documents: a repost repeats a voice, it does not add one."""
    documents = members.group_by("issue_no", "group_id").agg(
        negative=(pl.col("tone") == "negative").any(),
        positive=(pl.col("tone") == "positive").any(),
        counted=(pl.col("tone") != "unknown").any(),
        emotive=pl.col("emotive").any(),
    )
    negative, counted = pl.col("negative").sum(), pl.col("counted").sum()
    return documents.group_by("issue_no").agg(
        distinct_docs=pl.len().cast(pl.Int64),
        neg_docs=negative.cast(pl.Int64),
        counted_docs=counted.cast(pl.Int64),
        emotive_docs=pl.col("emotive").sum().cast(pl.Int64),
        tone=pl.when(counted == 0)
        .then(pl.lit("unknown"))
        .when(negative > 0)
        .then(pl.lit("negative"))
        .when(pl.col("positive").sum() == counted)
        .then(pl.lit("positive"))
        .otherwise(pl.lit("neutral")),
    )


def _media(members: pl.DataFrame) -> pl.DataFrame:
    tier = pl.col("media_tier").cast(pl.Enum(list(MEDIA_TIER_NAMES)))
    return members.group_by("issue_no").agg(
        media_tier=tier.max().cast(pl.String),
        n_media=pl.col("source_id").filter(pl.col("media_tier") != "none").n_unique().cast(pl.Int64),
    )


def _reach(members: pl.DataFrame, metrics: pl.DataFrame) -> pl.DataFrame:
    """Active days are days with posts; for a hot list every day on the list is one."""
    listed = members.filter(pl.col("source_class") == "hotlist").join(metrics, on="post_id")
    days = pl.concat(
        [
            members.select("issue_no", at=_STARTED),
            listed.select("issue_no", at="observed_at"),
        ]
    ).select("issue_no", active=pl.col("at").dt.convert_time_zone("Asia/Shanghai").dt.date())
    return (
        members.group_by("issue_no")
        .agg(
            geo=pl.col("reach").cast(pl.Enum(list(GEO_NAMES))).max().cast(pl.String),
            source_classes=pl.col("source_class").n_unique().cast(pl.Int64),
        )
        .join(
            days.group_by("issue_no").agg(active_days=pl.col("active").n_unique().cast(pl.Int64)),
            on="issue_no",
        )
    )


def _attention(members: pl.DataFrame, metrics: pl.DataFrame) -> pl.DataFrame:
    """Sums of the latest known counts of each post."""
    latest = metrics.sort("observed_at").group_by("post_id").agg(pl.col(count).drop_nulls().last() for count in _COUNTS)
    return (
        members.select("issue_no", "post_id")
        .join(latest, on="post_id", how="left")
        .group_by("issue_no")
        .agg(pl.when(pl.col(c).count() > 0).then(pl.col(c).sum()).cast(pl.Int64).alias(c) for c in _COUNTS)
    )


def _growth(members: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Growth of posts in the last 24 hours; unknown where nothing stood before."""
    before = (as_of - timedelta(hours=24) >= _STARTED).sum()
    return members.group_by("issue_no").agg(
        growth_24h=pl.when(before > 0).then((pl.len() - before) / before).cast(pl.Float64)
    )


def _recurrence(issues: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """Issues of the same topic first seen in the 90 days before this one."""
    pairs = issues.select("issue_no", "topic", "detected_at").join(
        earlier.select(pl.col("issue_no").alias("other"), "topic", pl.col("detected_at").alias("other_at")),
        on="topic",
        how="left",
    )
    lag = pl.col("detected_at") - pl.col("other_at")
    return pairs.group_by("issue_no").agg(
        same_topic_issues_90d=((lag > timedelta(0)) & (lag <= timedelta(days=90))).sum().cast(pl.Int64)
    )
