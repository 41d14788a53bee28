"""The measures of an issue, as a frame: the input of grading and the check that it can be graded."""

from typing import get_args

import polars as pl

from caifeng.core.errors import DataError
from caifeng.core.model.grading import (
    EmergencyLevel,
    Fact,
    Flag,
    GradingRules,
    Jurisdiction,
    Tone,
)
from caifeng.core.model.source import MediaTier, Reach

#: One row per issue; fields and ranges as in `caifeng.core.model.grading.Measures`.
MEASURES = pl.Schema(
    {
        "issue_no": pl.String(),
        "topic": pl.String(),
        "flags": pl.List(pl.String()),
        "tone": pl.String(),
        "geo": pl.String(),
        "source_classes": pl.Int64(),
        "active_days": pl.Int64(),
        "views": pl.Int64(),
        "reposts": pl.Int64(),
        "comments": pl.Int64(),
        "distinct_docs": pl.Int64(),
        "growth_24h": pl.Float64(),
        "neg_docs": pl.Int64(),
        "counted_docs": pl.Int64(),
        "emotive_docs": pl.Int64(),
        "same_topic_issues_90d": pl.Int64(),
        "media_tier": pl.String(),
        "n_media": pl.Int64(),
        "emergency_level": pl.String(),
        "facts": pl.List(pl.String()),
        "jurisdiction": pl.String(),
    }
)

#: Measures that may be null, and then are unknown.
NULLABLE = ("views", "reposts", "comments", "growth_24h")


def check_measures(issues: pl.DataFrame, rules: GradingRules) -> pl.DataFrame:
    """Return the columns of `MEASURES` with their types.

    Ranges of numbers are not checked here: a table's contract or `grade_lines` has done that.

    Raises:
        DataError: a column is missing or of the wrong type, null stands where the value must be known, or a
            value is outside its closed set (topics: those that the rules value).
    """
    if missing := [name for name in MEASURES if name not in issues.columns]:
        raise DataError(f"grade: columns missing: {', '.join(missing)}")
    try:
        issues = issues.select(MEASURES.names()).cast(dict(MEASURES)).rechunk()  # type: ignore[arg-type]
    except pl.exceptions.PolarsError as error:
        raise DataError(f"grade: {error}") from error
    for name in MEASURES:
        if name not in NULLABLE and (nulls := issues[name].null_count()):
            raise DataError(f"grade: {name}: {nulls} of {issues.height} rows are null")
    if nans := int(issues["growth_24h"].is_nan().sum()):  # greater than any number to Polars: it would earn the bonus
        raise DataError(f"grade: growth_24h: {nans} of {issues.height} rows are no number")
    closed = {
        "topic": tuple(rules.topic_base),
        "flags": get_args(Flag),
        "tone": get_args(Tone),
        "geo": get_args(Reach),
        "media_tier": get_args(MediaTier),
        "emergency_level": get_args(EmergencyLevel),
        "facts": get_args(Fact),
        "jurisdiction": get_args(Jurisdiction),
    }
    for name, allowed in closed.items():
        values = issues[name].explode() if MEASURES[name] == pl.List(pl.String) else issues[name]
        if strange := sorted(set(values.drop_nulls().unique()) - set(allowed)):
            raise DataError(f"grade: {name}: unknown: {', '.join(strange[:5])}")
    return issues
