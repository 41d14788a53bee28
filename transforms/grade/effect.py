"""What was said of an issue before and after the office first answered (Art. 11, 13). Association, not proof.

The window is 24 hours before the first response to 72 hours after it; the first 24 hours after it are left to the
answer to spread. These hours define the figures and are our own choice, shown as 本单位规定. A voice is a repost group,
counted once in each stretch of time in which anybody posts it: of 24 hours for volumes, of 6 hours for peaks.
"""

from datetime import datetime, timedelta

import polars as pl

from caifeng.core.model.answers import EffectRules
from caifeng.core.text.normalise import matching_form
from transforms.understand.bursts import said_at

BEFORE_HOURS, SETTLE_HOURS, AFTER_HOURS, BUCKET_HOURS = 24, 24, 72, 6
_DAY_HOURS = 24
_UTC = pl.Datetime("us", "UTC")
_CLAUSE = r"[^，,。；;！!？?：:、\n]+"
_NOT_A_LETTER = r"[^\p{Han}a-z0-9]+"
_COUNTS = (
    "voices_before", "voices_after", "judged_before", "negative_before", "judged_after", "negative_after",
    "voices_later", "questions_new", "peak_before", "peak_after",
)  # fmt: skip
#: Rows of graded.response_counts.
RESPONSE_COUNTS = pl.Schema(
    {
        **dict.fromkeys(("issue_no", "event_id", "kind", "url"), pl.String()),
        "published_at": _UTC,
        "window_ends_at": _UTC,
        "window_complete": pl.Boolean(),
        **dict.fromkeys(_COUNTS, pl.Int64()),
        "quoting": pl.Int64(),
        "least_voices": pl.Int64(),
        "as_of": _UTC,
    }
)


def first_responses(responses: pl.DataFrame, as_of: datetime, rules: EffectRules) -> pl.DataFrame:
    """The first response to each issue, interim notices included, as long as it is watched.

    Args:
        responses: rows of cases.responses.
        as_of: moment of the evaluation; what was registered later is left out.
        rules: `watched_days`, from publication or registration.
    """
    since = as_of - timedelta(days=rules.watched_days)
    return (
        responses.filter(pl.col("registered_at") <= as_of, pl.col("published_at") <= as_of)
        .sort("published_at", "round_no")
        .unique("issue_no", keep="first", maintain_order=True)
        .filter((pl.col("published_at") >= since) | (pl.col("registered_at") >= since))
        .select("issue_no", "event_id", "kind", "url", "published_at")
        .sort("issue_no")
    )


def count_around(
    responses: pl.DataFrame,
    links: pl.DataFrame,
    posts: pl.DataFrame,
    answers: pl.DataFrame,
    rules: EffectRules,
    as_of: datetime,
) -> pl.DataFrame:
    """Count the voices around each response.

    The office's own posts, the answer itself and official notices are no voices.

    Args:
        responses: `first_responses`.
        links: issue_no, post_id and group_id, one row per post.
        posts: graded.posts of the linked posts, with `own` (whether the office speaks).
        answers: `issue_no` and `answer`, the words published; an issue of which they are not known has no row, or null.
        rules: what makes a quotation; the least voices, which are carried along for marts.response_effect.
        as_of: moment of the evaluation; what was found or said later is left out.

    Returns:
        Rows of `RESPONSE_COUNTS`, one per response, sorted by issue. Counts are 0 where nothing was said; `quoting` is
        null where the words of the answer are not known, or too few to be quoted.
    """
    heard = _heard(responses, links, posts, as_of)
    hours, group, tone = pl.col("hours"), pl.col("group_id"), pl.col("tone")
    before = hours.is_between(-BEFORE_HOURS, 0, closed="left")
    after = hours.is_between(SETTLE_HOURS, AFTER_HOURS, closed="left")
    later = hours.is_between(0, AFTER_HOURS, closed="left")

    def voices(*where: pl.Expr) -> pl.Expr:
        return group.filter(*where).n_unique().cast(pl.Int64)

    daily = [
        voices(hours.is_between(start, start + _DAY_HOURS, closed="left"))
        for start in range(SETTLE_HOURS, AFTER_HOURS, _DAY_HOURS)
    ]
    known, negative = tone != "unknown", tone == "negative"
    counted = heard.group_by("issue_no").agg(
        voices_before=voices(before),
        voices_after=pl.sum_horizontal(daily),
        judged_before=voices(before, known),
        negative_before=voices(before, negative),
        judged_after=voices(after, known),
        negative_after=voices(after, negative),
        voices_later=voices(later),
        questions_new=voices(later, pl.col("stance") == "question", pl.col("first_heard") >= 0),
    )
    ends = pl.col("published_at") + pl.duration(hours=AFTER_HOURS)
    moment = pl.lit(as_of).dt.convert_time_zone("UTC").cast(_UTC)
    return (
        responses.join(counted, on="issue_no", how="left")
        .join(_peaks(heard), on="issue_no", how="left")
        .with_columns(pl.col(_COUNTS).fill_null(0))
        .join(_quoting(heard.filter(later), heard.filter(hours < 0), answers, rules), on="issue_no", how="left")
        .with_columns(
            window_ends_at=ends,
            window_complete=ends <= moment,
            least_voices=pl.lit(rules.least_voices),
            as_of=moment,
        )
        .select(pl.col(name).cast(kind) for name, kind in RESPONSE_COUNTS.items())
        .sort("issue_no")
    )


def _heard(responses: pl.DataFrame, links: pl.DataFrame, posts: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Voices of the answered issues with their `hours` from the response, before it below 0."""
    is_answer = (pl.col("url") == pl.col("answer_url")).fill_null(value=False) & (pl.col("hours") >= 0)
    since = (pl.col("said_at") - pl.col("answered_at")).dt.total_microseconds() / 3.6e9
    return (
        links.select("issue_no", "post_id", "group_id")
        .join(responses.select("issue_no", answered_at="published_at", answer_url="url"), on="issue_no")
        .join(posts.with_columns(said_at=said_at()), on="post_id")
        .filter(pl.col("first_fetched_at") <= as_of)
        .with_columns(hours=since)
        .filter(~pl.col("own"), ~is_answer, ~pl.col("facts").list.contains("official_notice"))
        .with_columns(first_heard=pl.col("hours").min().over("issue_no", "group_id"))
    )


def _peaks(heard: pl.DataFrame) -> pl.DataFrame:
    """The most voices in any 6 hours: of the 24 before the response, and of those from 24 to 72 after it."""
    bucket = pl.col("bucket")
    settle, last = SETTLE_HOURS // BUCKET_HOURS, AFTER_HOURS // BUCKET_HOURS
    return (
        heard.with_columns(bucket=(pl.col("hours") / BUCKET_HOURS).floor().cast(pl.Int64))
        .group_by("issue_no", "bucket")
        .agg(voices=pl.col("group_id").n_unique().cast(pl.Int64))
        .group_by("issue_no")
        .agg(
            peak_before=pl.col("voices").filter(bucket.is_between(-(BEFORE_HOURS // BUCKET_HOURS), -1)).max(),
            peak_after=pl.col("voices").filter(bucket.is_between(settle, last, closed="left")).max(),
        )
    )


def _quoting(later: pl.DataFrame, earlier: pl.DataFrame, answers: pl.DataFrame, rules: EffectRules) -> pl.DataFrame:
    """How many later voices have a whole clause of the answer in them; what stood in earlier posts is no quotation."""
    clauses = (
        answers.select("issue_no", clause=matching_form(pl.col("answer").fill_null("")).str.extract_all(_CLAUSE))
        .explode("clause", keep_nulls=False, empty_as_null=False)
        .with_columns(pl.col("clause").str.replace_all(_NOT_A_LETTER, ""))
        .filter(pl.col("clause").str.len_chars() >= rules.quote_characters)
        .unique()
    )
    own_words = clauses.join(_holding(earlier, clauses), on=["issue_no", "clause"], how="anti")
    quoted = _holding(later, own_words).group_by("issue_no").agg(quoting=pl.col("group_id").n_unique().cast(pl.Int64))
    return (
        own_words.select("issue_no")
        .unique()
        .join(quoted, on="issue_no", how="left")
        .with_columns(pl.col("quoting").fill_null(0))
    )


def _holding(posts: pl.DataFrame, clauses: pl.DataFrame) -> pl.DataFrame:
    """Posts and the clauses of the answer to their issue that stand in them: issue_no, group_id, clause."""
    told = pl.concat_str(pl.col("title", "text").fill_null(""), separator="\n")
    return (
        posts.select("issue_no", "group_id", told=matching_form(told).str.replace_all(_NOT_A_LETTER, ""))
        .join(clauses, on="issue_no")
        .filter(pl.col("told").str.contains(pl.col("clause"), literal=True))
        .select("issue_no", "group_id", "clause")
    )
