"""The level of an issue over time: raised at once, lowered only when it stays low, never against a person's word.

A single grade knows no yesterday (docs/grading.md). Here each evaluation is put beside the one before: the *standing
level* is what the system suggests in view of both. What a person confirmed stands beside it; only people move it.
"""

import polars as pl

from caifeng.core.model.early_warning import OverTimeRules
from caifeng.core.model.terms import SCALE

_UTC = pl.Datetime("us", "UTC")
#: Rows of graded.issue_levels.
ISSUE_LEVELS = pl.Schema(
    {
        "issue_no": pl.String(),
        "as_of": _UTC,
        "rule_version": pl.String(),
        "level": pl.String(),
        "standing_level": pl.String(),
        "standing_since": _UTC,
        "standing_before": pl.String(),
        "change": pl.String(),
        "lower_since": _UTC,
        "lower_level": pl.String(),
        "lower_evaluations": pl.Int64(),
        "confirmed_level": pl.String(),
        "confirmed_at": _UTC,
        "confirmed_role": pl.String(),
        "level_in_force": pl.String(),
        "in_force_before": pl.String(),
        "gap": pl.Int64(),
        "needs_look": pl.Boolean(),
    }
)
#: Levels that people confirmed, at most one row per issue.
CONFIRMED = pl.Schema(
    {"issue_no": pl.String(), "confirmed_level": pl.String(), "confirmed_at": _UTC, "confirmed_role": pl.String()}
)

_RANK = {str(level): place for place, level in enumerate(SCALE)}
_LEVEL = {place: level for level, place in _RANK.items()}


def level_rank(level: str | pl.Expr) -> pl.Expr:
    """Place of a level on the scale, 0 for log_only; null for none, and for context and refer_out, outside it."""
    column = pl.col(level) if isinstance(level, str) else level
    return column.replace_strict(_RANK, default=None, return_dtype=pl.Int64)


def standing_levels(
    graded: pl.DataFrame, before: pl.DataFrame, confirmed: pl.DataFrame, rules: OverTimeRules
) -> pl.DataFrame:
    """Put an evaluation beside the ones before it.

    The system raises at once. It lowers after `rules.lower_evaluations` evaluations in a row that all found a lower
    level and of which the first and the last are `rules.lower_after_hours` apart, to the highest level that they found.
    To and from context and refer_out, which are outside the scale, it moves at once.

    Args:
        graded: issue_no, as_of, rule_version, level of one evaluation.
        before: rows of `ISSUE_LEVELS`; of each issue the last one that is earlier than the evaluation counts, and where
            one moment has several, the one by the same rules. Further rows, and their order, do not matter.
        confirmed: rows of `CONFIRMED`, as the register had it at the moment of the evaluation.
        rules: how long a level must stay low.

    Returns:
        Rows of `ISSUE_LEVELS`, one per row of `graded`, by issue_no. `lower_since`, `lower_level` (the highest found
        since) and `lower_evaluations` (0: none) say what is pending. `gap` is null where nobody confirmed a level, or
        one of the two levels is outside the scale.
    """
    last = _last(graded, before).select(
        "issue_no",
        standing_before="standing_level",
        since_before="standing_since",
        pending_since="lower_since",
        pending_level="lower_level",
        pending="lower_evaluations",
        in_force_before="level_in_force",
    )
    rank, was = level_rank("level"), level_rank("standing_before")
    outside = rank.is_null() | was.is_null()
    hours = pl.duration(seconds=round(rules.lower_after_hours * 3600))
    settled = (
        pl.col("lower")
        & (pl.col("lower_evaluations") >= rules.lower_evaluations)
        & (pl.col("as_of") - pl.col("lower_since") >= hours)
    )
    held = pl.col("lower") & ~pl.col("settled")
    # lowered to the highest that was found: if less was found now, that is pending from now on
    lower_still = pl.col("settled") & (rank < pl.col("highest"))
    gap = level_rank("standing_level") - level_rank("confirmed_level")
    # a person put it outside the scale, and afterwards the system moved it onto, or up on, the scale
    came_back = (
        pl.col("confirmed_level").is_not_null()
        & level_rank("confirmed_level").is_null()
        & level_rank("standing_level").is_not_null()
        & (pl.col("standing_since") > pl.col("confirmed_at"))
    )
    return (
        graded.select("issue_no", "as_of", "rule_version", "level")
        .join(last, on="issue_no", how="left", validate="1:1")
        .with_columns(lower=(rank < was).fill_null(value=False))
        .with_columns(
            lower_since=pl.when("lower").then(pl.coalesce("pending_since", "as_of")),
            highest=pl.when("lower").then(pl.max_horizontal(level_rank("pending_level"), rank)),
            lower_evaluations=pl.when("lower").then(pl.col("pending").fill_null(0) + 1).otherwise(0),
        )
        .with_columns(settled=settled.fill_null(value=False))
        .with_columns(
            standing_level=pl.when(held)
            .then("standing_before")
            .when("settled")
            .then(_level("highest"))
            .otherwise("level"),
            change=pl.when(pl.col("standing_before").is_null())
            .then(pl.lit("new"))
            .when(held | (pl.col("level") == pl.col("standing_before")))
            .then(pl.lit("same"))
            .when(outside)
            .then(pl.lit("moved"))
            .when("settled")
            .then(pl.lit("lowered"))
            .otherwise(pl.lit("raised")),
            lower_since=pl.when(held).then("lower_since").when(lower_still).then("as_of"),
            lower_level=pl.when(held).then(_level("highest")).when(lower_still).then("level"),
            lower_evaluations=pl.when(held).then("lower_evaluations").when(lower_still).then(1).otherwise(0),
        )
        .with_columns(standing_since=pl.when(pl.col("change") == "same").then("since_before").otherwise("as_of"))
        .join(confirmed.select(CONFIRMED.names()), on="issue_no", how="left", validate="1:1")
        .with_columns(
            level_in_force=pl.coalesce("confirmed_level", "standing_level"),
            gap=gap,
            needs_look=(gap > 0).fill_null(value=False) | came_back.fill_null(value=False),
        )
        .select(ISSUE_LEVELS.names())
        .cast(dict(ISSUE_LEVELS))  # type: ignore[arg-type]
        .sort("issue_no")
    )


def _last(graded: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Of each issue the last row before its evaluation."""
    now = graded.select("issue_no", now="as_of", by="rule_version")
    return (
        before.join(now, on="issue_no")
        .filter(pl.col("as_of") < pl.col("now"))
        .sort("as_of", pl.col("rule_version") == pl.col("by"), "rule_version")
        .unique("issue_no", keep="last", maintain_order=True)
    )


def _level(rank: str) -> pl.Expr:
    return pl.col(rank).replace_strict(_LEVEL, default=None, return_dtype=pl.String)
