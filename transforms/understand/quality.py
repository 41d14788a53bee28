"""People's word on posts: what they judged goes before the rules, and is kept beside them as labels."""

import polars as pl

from caifeng.core.model.taxonomy import FALLBACK_TOPIC, Taxonomy

#: Reason of a post that a person took in or shut out.
JUDGED = "judged"
#: The last word of a person on each post; `relevant` and `topic` null: not judged. `sequence` is the event's number.
JUDGEMENTS = pl.Schema({"post_id": pl.String, "relevant": pl.Boolean, "topic": pl.String, "sequence": pl.Int64})
#: One thing that a person said in one event, about a post or about an issue.
STATEMENTS = pl.Schema(
    {
        **dict.fromkeys(("event_id", "kind", "issue_no", "post_id", "other_issue_no"), pl.String()),
        **dict.fromkeys(("machine", "person", "role"), pl.String()),
        "position": pl.Int64(),
        "decided_at": pl.Datetime("us", "UTC"),
    }
)
_REASON_BEFORE = r"^label:(\w+)#"


def apply_judgements(judged: pl.DataFrame, judgements: pl.DataFrame, taxonomy: Taxonomy) -> pl.DataFrame:
    """Put what people judged before what the rules found.

    Args:
        judged: `post_id`, `relevant`, `reason`, `topics` (list, best first), `why` (list of evidence); other columns
            stay as they are.
        judgements: frame of JUDGEMENTS, at most one row per post; posts that are not in `judged` do not matter.
        taxonomy: a topic that it no longer has becomes the fallback topic.

    Returns:
        The rows of `judged` in their order. Where a person decided otherwise `reason` is `judged`; wherever he
        changed something, the evidence begins with label:<reason of the rules>#<number of the event>.
    """
    known = [topic.id for topic in taxonomy.topics]
    said = judgements.select("post_id", "sequence", said="relevant", into="topic")
    joined = judged.join(said, on="post_id", how="left", maintain_order="left")
    relevant = pl.coalesce("said", "relevant")
    gone = pl.col("into").is_not_null() & ~pl.col("into").is_in(known)
    into = pl.when(gone).then(pl.lit(FALLBACK_TOPIC)).otherwise("into")
    overruled = relevant != pl.col("relevant")
    first = pl.coalesce(into, pl.col("topics").list.first(), pl.lit(FALLBACK_TOPIC))
    moved = relevant & (first != pl.col("topics").list.first()).fill_null(value=True)
    others = pl.col("topics").list.set_difference(pl.concat_list(first))
    mark = pl.format("label:{}#{}", "reason", "sequence")
    return joined.with_columns(
        relevant=relevant,
        reason=pl.when(overruled).then(pl.lit(JUDGED)).otherwise("reason"),
        topics=pl.when(~relevant).then(pl.lit([], pl.List(pl.String)))
        .when(moved).then(pl.concat_list(first, others))
        .otherwise("topics"),
        why=pl.when(overruled | moved).then(pl.concat_list(mark, "why")).otherwise("why"),
    ).select(judged.columns)  # fmt: skip


def word_of_the_rules(kept: pl.DataFrame, dropped: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """What the rules said of posts, also of those of which a person said otherwise since.

    Args:
        kept: of graded.posts `day`, `post_id`, `text_hash`, `reason`, `topics`, `stance`, `evidence`.
        dropped: of clean.rejects, stage understand, `day`, `post_id`, `reason`, `detail`.
        texts: of clean.posts `post_id`, `text_hash`.

    Returns:
        One row per post, its earliest, by post_id: `post_id`, `text_hash` (null: no longer known), `relevant`,
        `reason` (a key of RELEVANCE_REASONS, null: not known), `topic` and `stance` (null: the rules held it
        irrelevant), `evidence`.
    """
    hashes = texts.select("post_id", "text_hash").unique("post_id")
    rejected = dropped.join(hashes, on="post_id", how="left").with_columns(
        held=pl.lit(False),
        topics=pl.lit([], pl.List(pl.String)),
        stance=pl.lit(None, pl.String),
        evidence=pl.col("detail").fill_null("").str.split(" ").list.filter(pl.element() != ""),
    )
    columns = ["day", "post_id", "text_hash", "held", "reason", "topics", "stance", "evidence"]
    overruled = pl.col("reason") == JUDGED
    before = pl.col("evidence").list.first().str.extract(_REASON_BEFORE, 1)
    marked = before.is_not_null()
    relevant = pl.col("held") ^ overruled
    topic = pl.col("topics").list.get(pl.when(marked).then(1).otherwise(0), null_on_oob=True)
    return (
        pl.concat([rejected.select(columns), kept.with_columns(held=pl.lit(True)).select(columns)])
        .with_columns(
            relevant=relevant,
            reason=pl.when(overruled).then(before).otherwise("reason"),
            topic=pl.when(relevant).then(topic),
            stance=pl.when(relevant).then("stance"),
            evidence=pl.when(marked).then(pl.col("evidence").list.slice(1)).otherwise("evidence"),
        )
        .sort("day", "post_id", maintain_order=True)
        .unique("post_id", keep="first", maintain_order=True)
        .select("post_id", "text_hash", "relevant", "reason", "topic", "stance", "evidence")
        .sort("post_id")
    )


def labels(statements: pl.DataFrame, issues: pl.DataFrame, posts: pl.DataFrame, rule_version: str) -> pl.DataFrame:
    """Table ops.labels: what people said, beside what the machine had said about the same text.

    Args:
        statements: frame of STATEMENTS.
        issues: `issue_no`, `origin_post_id`, one row per issue; a word about an issue is one about its origin.
        posts: as from `word_of_the_rules`; relevance, topic and stance of the machine are read from it.
        rule_version: version of the rules of relevance and topics.

    Returns:
        One row per statement, in the order of `position`. Unknown posts leave `text_hash`, `reason` and, for
        relevance, topic and stance, `machine` null.
    """
    origin = dict(zip(issues["issue_no"], issues["origin_post_id"], strict=True))

    def origin_of(column: str) -> pl.Expr:
        return pl.col(column).replace_strict(origin, default=None, return_dtype=pl.String)

    of_post = posts.with_columns(found=pl.when("relevant").then(pl.lit("relevant")).otherwise(pl.lit("irrelevant")))
    kind = pl.col("kind")
    by_rules = (
        pl.when(kind == "relevance")
        .then("found")
        .when(kind == "topic")
        .then("topic")
        .when(kind == "stance")
        .then("stance")
    )
    return (
        statements.with_columns(
            post_id=pl.coalesce("post_id", origin_of("issue_no")), other_post_id=origin_of("other_issue_no")
        )
        .join(of_post, on="post_id", how="left")
        .sort("position", "kind", "post_id")
        .select(
            "event_id", "position", "kind", "issue_no", "post_id", "other_post_id", "text_hash",
            pl.coalesce("machine", by_rules).alias("machine"),
            "person",
            reason=pl.when(kind == "relevance").then("reason"),
            evidence=pl.when(kind == "relevance").then("evidence").fill_null([]),
            role="role",
            decided_at="decided_at",
            rule_version=pl.lit(rule_version),
        )
    )  # fmt: skip
