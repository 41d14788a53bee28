"""From repost groups to issues: which texts, told in different words, are about one matter.

A new group joins the issue whose founding text it is most like, if topic and place agree; otherwise it founds an
issue of its own. Likeness is the cosine of the heaviest character pairs (TF-IDF), always with the founding text only,
so that it does not chain. What people merged and split afterwards stands above it (`amend_links`).
"""

from collections.abc import Collection, Mapping
from datetime import date

import numba
import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sparse_dot_topn import sp_matmul_topn  # type: ignore[import-untyped]

from caifeng.core.model.grouping import GroupingRules
from caifeng.core.model.terms import MEDIA_TIER_NAMES
from caifeng.core.text.normalise import matching_form

#: Earlier texts that are looked at for one new text, the likest first: bounds memory when a whole town talks of one
#: matter (our choice).
NEIGHBOURS = 512
#: Decimals of a similarity: the order in which a processor adds must not decide.
_DECIMALS = 5
#: Characters of a headline that names a matter and fits a line of the log (our choice).
_TITLE_LENGTH = (10, 40)
_SHOUTS = r"[!！?？]{2,}|震惊|速看|紧急扩散|重磅|曝光"
_PASSED_ON = r"(?i)^[\[【(（]?(?:转|转发|转载|转自|回复|re|fw)[\]】)）]?\s*[:：]|^(?:转发|转载|【转)|//@"

#: Rules of evidence that do not say what a text is about (transforms/understand/stance.py).
_NOT_THE_MATTER = r"^(?:source|positive|negative|negated|sarcasm):"
_STARTED = pl.coalesce("published_at", "first_fetched_at")

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def link_groups(
    founders: pl.DataFrame, active: pl.DataFrame, rules: GroupingRules, numbered: Collection[str] = ()
) -> pl.DataFrame:
    """Say which new groups belong to an issue that is already there, or to another new group.

    Args:
        founders: origins of the new groups, one row each: `group_id` and the columns of graded.posts.
        active: the same of the groups that founded the issues that are still active.
        rules: how much must be shared.
        numbered: new groups that have an issue number already: they found issues whatever they are like. Late
            posts can join them; they are asked after the issues of earlier posts.

    Returns:
        `group_id`, `founder` (the group whose issue it joins), `similarity` (0 to 1); one row per group that
        joins, sorted by `group_id`. The order of the rows that come in does not matter.
    """
    order = (pl.col("published_at"), pl.col("post_id"))
    groups = pl.concat([frame.sort(*order, nulls_last=True) for frame in _same_columns(active, founders)])
    pairs = _like(groups, active.height, rules)
    new = np.arange(groups.height) >= active.height
    fixed = ~new | groups["group_id"].is_in(list(numbered)).to_numpy()
    parents, similarity = _settle(
        pairs["row"].to_numpy(), pairs["other"].to_numpy(), pairs["similarity"].to_numpy(), fixed
    )
    ids = groups["group_id"]
    joined = parents >= 0
    return pl.DataFrame(
        {
            "group_id": ids.filter(pl.Series(joined)),
            "founder": ids.gather(parents[joined]),
            "similarity": similarity[joined],
        },
        schema={"group_id": pl.String, "founder": pl.String, "similarity": pl.Float64},
    ).sort("group_id")


def _same_columns(*frames: pl.DataFrame) -> list[pl.DataFrame]:
    needed = (
        "group_id", "post_id", "published_at", "title", "text", "topics", "jurisdiction", "stance", "facts", "evidence",
    )  # fmt: skip
    return [frame.select(needed) for frame in frames]


def _like(groups: pl.DataFrame, known: int, rules: GroupingRules) -> pl.DataFrame:
    """Pairs of a new text and any other that are about the same matter.

    Two ways lead there: the same words, or, told in other words, the same subject: a town in common, the same
    stance, and the matched terms of the rules much the same.

    Args:
        groups: known texts first, then new ones.
        known: how many are known.
        rules: how much must be shared.

    Returns:
        `row`, `other` (places in `groups`), `similarity`; sorted by row, likest first, then by `other`.
    """
    words = _near(term_weights(groups, rules), known, rules.issue_similarity)
    subjects = _near(rule_weights(groups), known, rules.issue_subject_similarity)
    return (
        pl.concat(
            [
                _of_one_matter(words, groups).select("row", "other", "similarity"),
                _of_one_matter(subjects, groups)
                .filter(
                    pl.col("town").list.set_intersection("town_other").list.len() > 0,
                    pl.col("stance") == pl.col("stance_other"),
                    pl.col("terms").list.set_intersection("terms_other").list.len() >= rules.issue_shared_terms,
                )
                .select("row", "other", "similarity"),
            ]
        )
        .group_by("row", "other")
        .agg(pl.col("similarity").max())
        .sort("row", "similarity", "other", descending=[False, True, False])
    )


def _near(weights: csr_matrix, known: int, least: float) -> pl.DataFrame:
    """Pairs of a new text and any other whose cosine is at least `least`: row, other, similarity."""
    schema = {"row": pl.Int64, "other": pl.Int64, "similarity": pl.Float64}
    if known == weights.shape[0] or weights.nnz == 0:
        return pl.DataFrame(schema=schema)
    like = sp_matmul_topn(weights[known:], weights.T.tocsr(), NEIGHBOURS, threshold=least - 0.1**_DECIMALS).tocoo()
    columns = {"row": like.row.astype(np.int64) + known, "other": like.col.astype(np.int64)}
    pairs = pl.DataFrame({**columns, "similarity": like.data.round(_DECIMALS)}, schema=schema)
    return pairs.filter(pl.col("row") != pl.col("other"), pl.col("similarity") >= least)


def _of_one_matter(pairs: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The pairs that share a topic, whose place is the same as far as it is known, and that are both voices.

    A notice of an office and the talk it answers use the same words and are two issues (grading: background).
    """
    subject = groups.select(
        "topics",
        "stance",
        jurisdiction=pl.when(pl.col("jurisdiction") != "unknown").then("jurisdiction"),
        places=_named(r"^(?:town|town_ambiguous|sister|other):(.{2})"),
        town=_named(r"^(town:.+)@"),
        terms=_terms(),
        notice=pl.col("facts").list.contains("official_notice"),
    ).with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
    both = pairs.join(subject, on="row").join(subject.rename({"row": "other"}), on="other", suffix="_other")
    same_place = pl.col("places").list.set_intersection("places_other").list.len() > 0
    nowhere = (pl.col("places").list.len() == 0) | (pl.col("places_other").list.len() == 0)
    return both.filter(
        pl.col("topics").list.set_intersection("topics_other").list.len() > 0,
        nowhere | same_place,
        same_place | (pl.col("jurisdiction") == pl.col("jurisdiction_other")).fill_null(value=True),
        pl.col("notice") == pl.col("notice_other"),
    )


def _named(rule: str) -> pl.Expr:
    """Places that a text names, out of its evidence; the first two characters where asked for: 利辛 is 利辛县."""
    return pl.col("evidence").list.eval(pl.element().str.extract(rule, 1).drop_nulls().unique())


def _terms() -> pl.Expr:
    """Matched terms with their rules, without their offsets.

    What is known of the source is no term, and words of feeling say how, not what.
    """
    term = pl.element().str.replace(r"@\d+$", "")
    other = pl.element().str.contains(_NOT_THE_MATTER)
    return pl.col("evidence").list.eval(term.filter(~other).drop_nulls().unique())


def rule_weights(texts: pl.DataFrame) -> csr_matrix:
    """One row of unit length per text: the terms that its rules matched, rare ones heavier (`evidence`)."""
    rows = texts.select(row=pl.int_range(pl.len(), dtype=pl.Int64), pair=_terms())
    return _unit_rows(
        rows.explode("pair", keep_nulls=False, empty_as_null=False).with_columns(n=pl.lit(1, pl.Int64)), texts.height
    )


def term_weights(texts: pl.DataFrame, rules: GroupingRules) -> csr_matrix:
    """One row of unit length per text: its heaviest character pairs by TF-IDF.

    How rare a pair is, is counted over these texts only, so that the same window gives the same weights, in
    whatever order or batches it came.

    Args:
        texts: `title`, `text`; null or empty where there is none.
        rules: `issue_terms` and `issue_text_characters`.
    """
    told = pl.concat_str(pl.col("title", "text").fill_null(""), separator="\n")
    folded = texts.select(matching_form(told.str.slice(0, rules.issue_text_characters))).to_series()
    return _unit_rows(_pairs(folded), texts.height, rules.issue_terms)


def _unit_rows(counts: pl.DataFrame, texts: int, most: int | None = None) -> csr_matrix:
    """TF-IDF rows of unit length out of `row`, `pair`, `n`; of each row the `most` heaviest, ties by `pair`."""
    weighed = (
        counts.join(counts.group_by("pair").agg(df=pl.len()), on="pair")
        .with_columns(weight=(1 + pl.col("n").log()) * (1 + texts / pl.col("df")).log())
        .sort("row", "weight", "pair", descending=[False, True, False])
    )
    if most is not None:
        weighed = weighed.filter(pl.int_range(pl.len()).over("row") < most)
    columns = weighed.select("pair").unique().sort("pair").with_row_index("column")
    weighed = weighed.join(columns, on="pair").sort("row", "column")
    weights, rows = weighed["weight"].to_numpy(), weighed["row"].to_numpy()
    starts = np.searchsorted(rows, np.arange(texts + 1))
    length = np.sqrt(np.add.reduceat(np.append(np.square(weights), 0.0), starts[:-1])) if texts else np.zeros(0)
    return csr_matrix(
        (weights / length[rows], weighed["column"].to_numpy().astype(np.int32), starts.astype(np.int32)),
        shape=(texts, columns.height),
    )


def _pairs(folded: pl.Series) -> pl.DataFrame:
    """How often each pair of neighbouring letters, figures or Han characters stands in each text: row, pair, n."""
    codes = np.frombuffer("".join(folded).encode("utf-32-le"), dtype=np.uint32).astype(np.int64)
    rows = np.repeat(np.arange(len(folded)), folded.str.len_chars().to_numpy())
    word = (codes >= 0x3400) & (codes < 0xA000) | (codes >= 0x20000) & (codes < 0x32000)
    word |= (codes >= 0x30) & (codes < 0x3A) | (codes >= 0x61) & (codes < 0x7B)
    good = word[:-1] & word[1:] & (rows[:-1] == rows[1:])
    frame = pl.DataFrame({"row": rows[:-1][good], "pair": (codes[:-1] << 21 | codes[1:])[good]})
    return frame.group_by("row", "pair").agg(n=pl.len().cast(pl.Int64))


@numba.njit(cache=True)
def _settle(row: Ints, other: Ints, similarity: Floats, fixed: npt.NDArray[np.bool_]) -> tuple[Ints, Floats]:
    """Parent (-1: founds an issue itself) and similarity of each text, in the order of their places.

    A text joins the likest founder among the texts before it; where there is none, among those after it that are
    `fixed`. Pairs come sorted by row, likest first.
    """
    parents = np.full(len(fixed), -1, dtype=np.int64)
    found = np.zeros(len(fixed), dtype=np.float64)
    end = 0
    while end < len(row):
        start, text = end, row[end]
        while end < len(row) and row[end] == text:
            end += 1
        if fixed[text]:
            continue
        for later in (False, True):
            for at in range(start, end):
                candidate = other[at]
                open_yet = parents[text] < 0 and parents[candidate] < 0
                if open_yet and (candidate > text) == later and (fixed[candidate] or not later):
                    parents[text], found[text] = candidate, similarity[at]
    return parents, found


def order_for_numbering(posts: pl.DataFrame, groups: pl.DataFrame) -> list[str]:
    """Group ids of a day in the order in which issue numbers are given: published_at, then post_id."""
    return (
        posts.join(groups, on="post_id")
        .sort("published_at", "post_id", nulls_last=True)
        .unique("group_id", keep="first", maintain_order=True)["group_id"]
        .to_list()
    )


def first_linked(links: pl.DataFrame) -> dict[str, str]:
    """Issue of each group as the rules had it, whatever people corrected later.

    Args:
        links: rows of graded.issue_posts with `day`.
    """
    ruled = pl.coalesce("moved_from", "issue_no")
    return dict(links.sort("day", "post_id").group_by("group_id").agg(ruled.first()).iter_rows())


def latest_links(links: pl.DataFrame) -> pl.DataFrame:
    """One row per post: where it belongs now; columns as they come, in the order of `post_id`."""
    return links.sort("day").unique("post_id", keep="last", maintain_order=True).sort("post_id")


def amend_links(
    links: pl.DataFrame, earlier: pl.DataFrame, moved: Mapping[str, str], merged: Mapping[str, str]
) -> pl.DataFrame:
    """Put above what the rules linked what people corrected.

    Args:
        links: `issue_no`, `post_id`, `group_id` of a day, as the rules have it.
        earlier: rows of graded.issue_posts of the days before, with `day`.
        moved: group -> issue that people put it into.
        merged: issue -> issue that it is part of now.

    Returns:
        Rows of graded.issue_posts of the day: its own posts, and those of earlier days that are elsewhere than
        their latest row says. `moved_from` is where the rules had put them.
    """
    known = first_linked(earlier)
    before = latest_links(earlier).select(
        "post_id", "group_id", stood="issue_no", issue_no=pl.col("group_id").replace_strict(known, default=None)
    )
    every = pl.concat([links.select("post_id", "group_id", "issue_no"), before], how="diagonal_relaxed")
    put = pl.col("group_id").replace_strict(dict(moved), default=pl.col("issue_no"), return_dtype=pl.String)
    now = every.with_columns(ruled="issue_no").with_columns(
        issue_no=put.replace_strict(dict(merged), default=put, return_dtype=pl.String)
    )
    return now.filter(pl.col("stood").is_null() | (pl.col("stood") != pl.col("issue_no"))).select(
        "issue_no",
        "post_id",
        "group_id",
        moved_from=pl.when(pl.col("ruled") != pl.col("issue_no")).then("ruled"),
    )


def moved_issues(links: pl.DataFrame, metrics: pl.DataFrame, day: date) -> pl.DataFrame:
    """`issue_no` of the issues that got or lost a post on the day, or whose measures changed.

    Args:
        links: issue_no, post_id and `day` of all links up to the day.
        metrics: clean.post_metrics up to the day, with `day`, at least of linked posts that were seen on the day.
        day: the day.
    """
    relinked = links.filter(pl.col("day") == day)
    left = links.filter(pl.col("day") < day).join(relinked, on="post_id", how="semi")
    changed = _changed(latest_links(links), metrics, day)
    return pl.concat([relinked.select("issue_no"), left.select("issue_no"), changed]).unique()


def describe_issues(links: pl.DataFrame, posts: pl.DataFrame, metrics: pl.DataFrame, day: date) -> pl.DataFrame:
    """Issues that got or lost a post on the day, or whose measures changed, as they stand at its end.

    Args:
        links: issue_no, post_id, group_id and `day` of all links up to the day.
        posts: graded.posts up to the day, at least those of the issues that moved.
        metrics: clean.post_metrics up to the day, with `day`, of these posts and of linked posts seen on the day.
        day: the day that is described.

    Returns:
        Rows of graded.issues. Topic, jurisdiction and stance are the origin's; an issue of which any post is local
        is local; the title is the best headline among its posts (`_headline`).
    """
    moved = moved_issues(links, metrics, day)
    members = latest_links(links).join(moved, on="issue_no", how="semi")
    members = members.drop("day").join(posts.drop("day"), on="post_id")
    seen = metrics.group_by("post_id").agg(last_observed_at=pl.col("observed_at").max())
    members = members.join(seen, on="post_id", how="left").sort(_STARTED, "post_id")
    known = links.filter(pl.col("day") < day).select("issue_no").unique().with_columns(known=True)
    return (
        members.with_columns(shown=_shown_title(), headline=_headline())
        .group_by("issue_no", maintain_order=True)
        .agg(
            title=pl.col("shown").sort_by("headline", maintain_order=True).first(),
            topic=pl.col("topic").first(),
            stance=pl.col("stance").first(),
            jurisdiction=pl.when((pl.col("jurisdiction") == "local").any())
            .then(pl.lit("local"))
            .otherwise(pl.col("jurisdiction").first()),
            origin_post_id=pl.col("post_id").first(),
            first_published_at=pl.col("published_at").min(),
            detected_at=pl.col("first_fetched_at").min(),
            last_post_at=pl.max_horizontal(_STARTED.max(), pl.col("last_observed_at").max()),
            posts=pl.len(),
        )
        .join(known, on="issue_no", how="left")
        .with_columns(is_new=pl.col("known").is_null())
        .drop("known")
        .sort("issue_no")
    )


def _shown_title() -> pl.Expr:
    """The headline; where a post has none, the beginning of its text."""
    start = pl.col("text").fill_null("").str.strip_chars().str.slice(0, _TITLE_LENGTH[1])
    title = pl.col("title").fill_null("").str.strip_chars()
    return pl.when(title != "").then(title).otherwise(start)


def _headline() -> pl.Expr:
    """How well a headline stands for its issue, the least best: readable, names the matter, from the highest medium.

    Readable: of a length that fits a line of the log, not shouting, not passed on. Names the matter: a rule matched in
    it. Among equals the earliest post speaks; the origin, unless its headline is worse.
    """
    title = _shown_title()
    length = title.str.len_chars()
    readable = length.is_between(*_TITLE_LENGTH) & ~title.str.contains(_SHOUTS) & ~title.str.contains(_PASSED_ON)
    places = pl.col("evidence").list.eval(
        pl.element().filter(~pl.element().str.starts_with("source:")).str.extract(r"@(\d+)$", 1).cast(pl.Int64)
    )
    named = (places.list.min() < length).fill_null(value=False)
    tier = pl.col("media_tier").replace_strict(
        {tier: rank for rank, tier in enumerate(MEDIA_TIER_NAMES)}, default=0, return_dtype=pl.Int64
    )
    return pl.when(readable).then(0).otherwise(100) + pl.when(named).then(0).otherwise(10) - tier


def _changed(links: pl.DataFrame, metrics: pl.DataFrame, day: date) -> pl.DataFrame:
    """Issues with a post whose latest measures of the day differ from its latest earlier ones."""
    measures = ("views", "reposts", "comments")
    ordered = metrics.sort("observed_at")
    latest = ordered.filter(pl.col("day") == day).group_by("post_id").agg(pl.col(measures).last())
    before = ordered.filter(pl.col("day") < day).group_by("post_id").agg(pl.col(measures).last())
    differs = pl.any_horizontal(pl.col(m).ne_missing(pl.col(f"{m}_before")) for m in measures)
    return (
        latest.join(before, on="post_id", suffix="_before").filter(differs).join(links, on="post_id").select("issue_no")
    )
