"""Measures of issues: what the five factors of Art. 6 are computed from (docs/grading.md, table Input)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from caifeng.core.model.grouping import GroupingRules
from caifeng.core.model.terms import GEO_NAMES, MEDIA_TIER_NAMES

_STARTED = pl.coalesce("published_at", "first_fetched_at")
COUNTS = ("views", "reposts", "comments")
#: What is known of issues besides their posts: a measure, its value as text, and who says so; rows of
#: graded.measure_evidence. Lists are `flags.<code>` and `facts.<code>`, `true` or `false`.
KNOWN = pl.Schema(
    dict.fromkeys(("issue_no", "measure", "value", "setter", "role", "post_id", "event_id", "detail"), pl.String)
)


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
        known: rows of `KNOWN`, what no post says: a second wave (`second_waves`), what only people set. A person's
            `false` takes away what posts or rules show; measures that grading does not have are left out. Null:
            nothing.

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
    return _with_known(measured, KNOWN.to_frame() if known is None else known).sort("issue_no")


def _with_known(measured: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    lists = ("flags", "facts")
    measure, value = pl.col("measure"), pl.col("value")

    def codes(name: str, holds: pl.Expr) -> pl.Expr:
        return measure.filter(measure.str.starts_with(f"{name}."), holds).str.strip_prefix(f"{name}.")

    said = known.group_by("issue_no").agg(
        *(codes(name, value == "true").alias(f"more_{name}") for name in lists),
        *(codes(name, (value == "false") & (pl.col("setter") == "person")).alias(f"less_{name}") for name in lists),
        emergency_level=value.filter(measure == "emergency_level").first(),
    )
    return (
        measured.join(said, on="issue_no", how="left", validate="1:1")
        .with_columns(
            *(
                pl.col(name)
                .list.set_union(pl.col(f"more_{name}").fill_null([]))
                .list.set_difference(pl.col(f"less_{name}").fill_null([]))
                .list.sort()
                for name in lists
            ),
            # that there is an emergency is for its authority to say; where nobody registered it, there is none
            pl.col("emergency_level").fill_null("none"),
        )
        .drop(f"{kind}_{name}" for kind in ("more", "less") for name in lists)
    )


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
        Rows of `KNOWN`, one for the earliest post of each voice, sorted: fact `second_wave`.
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
        .sort(_STARTED, "post_id")
        .unique(["issue_no", "group_id"], keep="first", maintain_order=True)
    )
    enough = pl.len().over("issue_no") >= rules.second_wave_voices
    fact = {
        "measure": pl.lit("facts.second_wave"),
        "value": pl.lit("true"),
        "setter": pl.lit("rule"),
        "detail": pl.format("answered@{}", moment("answered_at")),
    }
    return (
        voices.filter(enough)
        .select("issue_no", "post_id", **fact)
        .select(
            pl.col(name) if name in ("issue_no", "post_id", *fact) else pl.lit(None, pl.String).alias(name)
            for name in KNOWN
        )
        .sort("issue_no", "post_id")
    )


def moment(column: str) -> pl.Expr:
    """A moment as printed in evidence: 2026-11-22T04:00:00Z."""
    return pl.col(column).dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def _content(members: pl.DataFrame) -> pl.DataFrame:
    """Flags and facts that any post shows; `official_notice` only where every post is one."""
    only_notices = pl.col("facts").list.contains("official_notice").all()
    return (
        members.with_columns(facts=facts_of_post())
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


def facts_of_post() -> pl.Expr:
    """Facts of a post with those of its source, a list without repetition."""
    nothing = pl.lit([], dtype=pl.List(pl.String))
    of_source = (pl.when(name).then(pl.lit([name])).otherwise(nothing) for name in ("local_board", "official_channel"))
    return pl.concat_list("facts", *of_source).list.unique()


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
    return (
        members.group_by("issue_no")
        .agg(
            geo=pl.col("reach").cast(pl.Enum(list(GEO_NAMES))).max().cast(pl.String),
            source_classes=pl.col("source_class").n_unique().cast(pl.Int64),
        )
        .join(
            days_active(members, metrics)
            .group_by("issue_no")
            .agg(active_days=pl.col("active_day").n_unique().cast(pl.Int64)),
            on="issue_no",
        )
    )


def days_active(members: pl.DataFrame, metrics: pl.DataFrame) -> pl.DataFrame:
    """issue_no, post_id, active_day: Shanghai days with posts; for a hot list every day on the list is one."""
    listed = members.filter(pl.col("source_class") == "hotlist").join(metrics, on="post_id")
    return pl.concat(
        [
            members.select("issue_no", "post_id", at=_STARTED),
            listed.select("issue_no", "post_id", at="observed_at"),
        ]
    ).select("issue_no", "post_id", active_day=pl.col("at").dt.convert_time_zone("Asia/Shanghai").dt.date())


def latest_counts(metrics: pl.DataFrame) -> pl.DataFrame:
    """The latest known count of each post: post_id, measure (views, reposts, comments), shown, observed_at."""
    return (
        metrics.unpivot(COUNTS, index=["post_id", "observed_at"], variable_name="measure", value_name="shown")
        .drop_nulls("shown")
        .sort("observed_at", "shown")
        .unique(["post_id", "measure"], keep="last", maintain_order=True)
    )


def _attention(members: pl.DataFrame, metrics: pl.DataFrame) -> pl.DataFrame:
    """Sums of the latest known counts of each post; null where no post shows one."""
    counts = members.select("issue_no", "post_id").join(latest_counts(metrics), on="post_id", how="left")
    of = {count: pl.col("shown").filter(pl.col("measure") == count) for count in COUNTS}
    return counts.group_by("issue_no").agg(
        pl.when(shown.len() > 0).then(shown.sum()).cast(pl.Int64).alias(count) for count, shown in of.items()
    )


def posts_in_24h(members: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """issue_no, before, new: posts up to 24 hours before the evaluation, and those since."""
    before = (as_of - timedelta(hours=24) >= _STARTED).sum()
    return members.group_by("issue_no").agg(before=before, new=pl.len() - before)


def _growth(members: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Growth of posts in the last 24 hours; unknown where nothing stood before."""
    growth = pl.when(pl.col("before") > 0).then(pl.col("new") / pl.col("before")).cast(pl.Float64)
    return posts_in_24h(members, as_of).select("issue_no", growth_24h=growth)


def earlier_issues(issues: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """issue_no, other: issues of the same topic first seen in the 90 days before this one."""
    lag = pl.col("detected_at") - pl.col("other_at")
    return (
        issues.select("issue_no", "topic", "detected_at")
        .join(earlier.select("topic", other="issue_no", other_at="detected_at"), on="topic")
        .filter(lag > timedelta(0), lag <= timedelta(days=90))
        .select("issue_no", "other")
    )


def _recurrence(issues: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    counted = earlier_issues(issues, earlier).group_by("issue_no").agg(same_topic_issues_90d=pl.len().cast(pl.Int64))
    return issues.select("issue_no").join(counted, on="issue_no", how="left").fill_null(0)
