"""Answers found by themselves: what the office published that may answer a case that is still open (Art. 11, 12).

An answer to a letter is the answer. Any other post of an own source is proposed if it is like the founding text of the
case, came after the matter, shares a topic and names no other place; words of answering speak for it. Everything is a
proposal: a person registers it, or does not.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sparse_dot_topn import sp_matmul_topn  # type: ignore[import-untyped]

from caifeng.core.model.answers import AnswerRules
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.model.taxonomy import FALLBACK_TOPIC
from transforms.understand.bursts import said_at
from transforms.understand.issues import NEIGHBOURS, rule_weights, term_weights

#: Only the answer to a letter is certain.
_MOST_LIKELY = 0.99
#: Decimals of a score: the order in which a processor adds must not decide.
_DECIMALS = 4
_UTC = pl.Datetime("us", "UTC")
#: Rows of graded.answer_proposals.
PROPOSALS = pl.Schema(
    {
        **dict.fromkeys(("issue_no", "post_id", "kind", "form", "source_name", "url", "title"), pl.String()),
        "published_at": _UTC,
        "found_at": _UTC,
        "score": pl.Float64(),
        "why": pl.String(),
        "as_of": _UTC,
    }
)
_TEXT_COLUMNS = ("title", "text", "topics", "evidence")


def propose_answers(
    cases: pl.DataFrame,
    own: pl.DataFrame,
    letters: pl.DataFrame,
    rules: AnswerRules,
    grouping: GroupingRules,
    topics: Mapping[str, str],
    as_of: datetime,
) -> pl.DataFrame:
    """Find what may answer each case.

    Args:
        cases: cases without a final answer: `issue_no`, `since` (an answer does not come before it), `reopened_at`
            (null: never reopened), and of the founding post `post_id`, `title`, `text`, `topics`, `evidence` and
            `by_office` (an own source founded it: then other own posts are no answer to it, only letters are answered).
        own: graded.posts of own sources, with `kind` (portal_article, new_media).
        letters: answered letters of these cases: `issue_no`, `post_id`, `source_name`, `url`, `title`, `answered_at`
            (null: not stated), `first_seen_at`.
        rules: when a post is proposed.
        grouping: how texts are weighed (`term_weights`).
        topics: names of the topics.
        as_of: moment of the evaluation; what was found later is left out.

    Returns:
        Rows of `PROPOSALS`, sorted by issue, best first. The order of the rows that come in does not matter.
    """
    found = [
        _letter_replies(cases, letters.filter(pl.col("first_seen_at") <= as_of)),
        _articles(
            cases.filter(~pl.col("by_office")).sort("issue_no"),
            own.filter(pl.col("first_fetched_at") <= as_of).sort("post_id").unique("post_id", maintain_order=True),
            rules,
            grouping,
            topics,
        ),
    ]
    return (
        pl.concat(found)
        .with_columns(as_of=pl.lit(as_of).dt.convert_time_zone("UTC").cast(_UTC))
        .select(pl.col(name).cast(kind) for name, kind in PROPOSALS.items())
        .sort("issue_no", "score", "found_at", "post_id", descending=[False, True, False, False])
    )


def _letter_replies(cases: pl.DataFrame, letters: pl.DataFrame) -> pl.DataFrame:
    """The first answer to each letter; of a case that was opened again only what was answered since."""
    at = pl.coalesce("answered_at", "first_seen_at")
    first = (
        letters.sort("first_seen_at", "answered_at", nulls_last=True)
        .unique(["issue_no", "post_id"], keep="first", maintain_order=True)
        .join(cases.select("issue_no", "reopened_at", founder="post_id"), on="issue_no")
        .filter(pl.col("reopened_at").is_null() | (at >= pl.col("reopened_at")))
    )
    which = pl.when(pl.col("post_id") == pl.col("founder")).then(pl.lit("首发来信")).otherwise(pl.lit("事项内的来信"))
    stated = pl.format("页面载明 {} 答复", _beijing("answered_at"))
    seen = pl.format("页面未载明答复时间，{} 首次读到", _beijing("first_seen_at"))
    return first.select(
        "issue_no",
        "post_id",
        "source_name",
        "url",
        "title",
        kind=pl.lit("letter_reply"),
        form=pl.lit("board_reply"),
        published_at="answered_at",
        found_at="first_seen_at",
        score=pl.lit(1.0),
        why=pl.format("{}已有公开答复；{}", which, pl.coalesce(stated, seen)),
    ).select(*_columns())


def _columns() -> list[str]:
    return [name for name in PROPOSALS if name != "as_of"]


def _beijing(column: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone("Asia/Shanghai").dt.strftime("%Y-%m-%d %H:%M")


def _articles(
    cases: pl.DataFrame, own: pl.DataFrame, rules: AnswerRules, grouping: GroupingRules, topics: Mapping[str, str]
) -> pl.DataFrame:
    """Posts of own sources that are like a case enough, with why."""
    pairs = (
        _like(cases, own, grouping)
        .join(cases.select("issue_no", "since", *_subject()).with_row_index("row"), on="row")
        .join(_articles_read(own, rules).with_row_index("other"), on="other", suffix="_own")
        .with_columns(
            shared_topics=pl.col("topics").list.set_intersection("topics_own"),
            shared_places=pl.col("places").list.set_intersection("places_own"),
        )
        .with_columns(likeness=_likeness(rules))
        .filter(
            pl.col("said_at") >= pl.col("since"),
            (pl.col("shared_topics").list.len() > 0) | _of_no_topic("topics") | _of_no_topic("topics_own"),
            (pl.col("shared_places").list.len() > 0)
            | (pl.col("places").list.len() == 0)
            | (pl.col("places_own").list.len() == 0),
        )
        .with_columns(score=_score(rules))
        .filter(pl.col("score") >= rules.least_score)
        .filter(
            pl.col("likeness") >= rules.beside_best * pl.col("likeness").max().over("other"),
        )
        .sort("issue_no", "score", "said_at", "post_id", descending=[False, True, False, False])
        .filter(pl.int_range(pl.len()).over("issue_no") < rules.most)
    )
    names = pl.col("shared_topics").list.eval(pl.element().replace(dict(topics))).list.sort().list.join("、")
    return pairs.with_columns(
        found_at="first_fetched_at",
        why=pl.concat_str(
            pl.format("标题有“{}”", "title_word"),
            pl.format("文中说到“{}”", "public_word"),
            pl.when(pl.col("shared_places").list.len() > 0).then(
                pl.format("同说{}", pl.col("shared_places").list.sort().list.join("、"))
            ),
            pl.when(pl.col("shared_topics").list.len() > 0).then(pl.format("同属{}", names)),
            pl.format("与首发内容相似度 {}", pl.col("likeness").round(2)),
            separator="；",
            ignore_nulls=True,
        ),
    ).select(*_columns())


def _like(cases: pl.DataFrame, own: pl.DataFrame, grouping: GroupingRules) -> pl.DataFrame:
    """`row` of a case, `other` of an own post, how like their `words` and their matched `terms` are, 0 to 1.

    How rare a word is, is counted over both together, so that the same cases and posts give the same figures. Terms of
    which too few are shared count nothing, as in the grouping of issues.
    """
    texts = pl.concat([cases.select(_TEXT_COLUMNS), own.select(_TEXT_COLUMNS)])
    weights = rule_weights(texts)
    shared = _near((weights > 0).astype(np.float64), cases.height, "shared")
    terms = _near(weights, cases.height, "terms").join(
        shared.filter(pl.col("shared") >= grouping.issue_shared_terms), on=["row", "other"], how="semi"
    )
    words = _near(term_weights(texts, grouping), cases.height, "words")
    return words.join(terms, on=["row", "other"], how="full", coalesce=True).with_columns(
        pl.col("words", "terms").fill_null(0.0)
    )


def _likeness(rules: AnswerRules) -> pl.Expr:
    """Of the words; where both name one place also of the terms, for what is told in other words.

    Without a place the terms say too little: every notice about a census has those of a census.
    """
    same_place = pl.col("shared_places").list.len() > 0
    return pl.max_horizontal("words", pl.when(same_place).then(pl.col("terms") * rules.term_weight))


def _near(weights: csr_matrix, cases: int, name: str) -> pl.DataFrame:
    """Product of the row of each case with those of the posts most like it: of unit rows the cosine."""
    schema = {"row": pl.UInt32, "other": pl.UInt32, name: pl.Float64}
    if cases in (0, weights.shape[0]) or weights.nnz == 0:
        return pl.DataFrame(schema=schema)
    like = sp_matmul_topn(weights[:cases], weights[cases:].T.tocsr(), NEIGHBOURS, threshold=0.0).tocoo()
    columns = {"row": like.row.astype(np.uint32), "other": like.col.astype(np.uint32)}
    return pl.DataFrame({**columns, name: like.data.round(_DECIMALS)}, schema=schema)


def _of_no_topic(column: str) -> pl.Expr:
    """Relevant, but none of the topics matched: that two texts share none then says nothing."""
    return pl.col(column) == [FALLBACK_TOPIC]


def _subject() -> list[pl.Expr]:
    """Topics, and the places that a text names; the first two characters: 利辛 is 利辛县."""
    place = pl.element().str.extract(r"^(?:town|town_ambiguous|sister|other):(.{2})", 1)
    return [pl.col("topics"), pl.col("evidence").list.eval(place.drop_nulls().unique()).alias("places")]


def _articles_read(own: pl.DataFrame, rules: AnswerRules) -> pl.DataFrame:
    title, start = pl.col("title").fill_null(""), pl.col("text").fill_null("").str.head(rules.public_words_within)
    return own.select(
        "post_id",
        "kind",
        "source_name",
        "url",
        "title",
        "published_at",
        "first_fetched_at",
        *_subject(),
        said_at=said_at(),
        form=_form(title),
        title_word=title.str.extract(_any_of(rules.title_words), 0),
        public_word=start.str.extract(_any_of(rules.public_words), 0),
    )


def _form(title: pl.Expr) -> pl.Expr:
    """The form that the register would have for it (Art. 12); a person may choose another."""
    return (
        pl.when(pl.col("kind") == "new_media")
        .then(pl.lit("gov_new_media"))
        .when(title.str.contains("解读"))
        .then(pl.lit("policy_interpretation"))
        .when(pl.col("source_class") == "disclosure")
        .then(pl.lit("openness_platform"))
        .otherwise(pl.lit("portal_notice"))
    )


def _any_of(words: Sequence[str]) -> str:
    """Pattern of the first of some words, the longer one first; of none a pattern that never matches."""
    return "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word)))) or r"[^\s\S]"


def _score(rules: AnswerRules) -> pl.Expr:
    points = [
        pl.when(pl.col(word).is_not_null()).then(points).otherwise(0.0)
        for word, points in (("title_word", rules.title_points), ("public_word", rules.public_points))
    ]
    return (pl.col("likeness") + pl.sum_horizontal(points)).clip(0.0, _MOST_LIKELY).round(_DECIMALS)
