"""Points of the single measures, and the five factors made of them (Art. 6).

All functions return named expressions over a frame of `MEASURES`; the frame is extended in three steps:
measures -> points of each measure (`points_*`) -> factors in integer tenths (`C10` ...).
"""

import math
from itertools import pairwise

import polars as pl

from caifeng.core.model.grading import GradingRules

#: The measures of attention that may each be known or unknown.
ATTENTION = ("views", "reposts", "comments", "distinct_docs")


def points(rules: GradingRules) -> list[pl.Expr]:
    """Points of each measure, 0 to 100 (flags: any sum), as columns `points_<measure>`; unknown is null."""
    attention, reaction, reach = rules.attention, rules.reaction, rules.reach

    def capped(name: str, per_one: float) -> pl.Expr:
        return (pl.col(name) * per_one).clip(upper_bound=100.0)

    def per_decade(name: str, zero: float) -> pl.Expr:
        # log10(0) is -inf, which the clip turns into 0 points, as for every value at or below the zero point
        return ((pl.col(name) / zero).log10() * attention.points_per_decade).clip(0.0, 100.0)

    flags = [
        pl.when(pl.col("flags").list.contains(flag)).then(value).otherwise(0.0) for flag, value in rules.flag.items()
    ]
    extra = ((pl.col("n_media") - 1) * rules.media.points_per_medium).clip(upper_bound=rules.media.most_extra)
    grows = (pl.col("growth_24h") >= attention.growth) & (pl.col("distinct_docs") >= attention.growth_docs)
    columns = {
        "topic": _lookup("topic", rules.topic_base),
        "flags": pl.sum_horizontal(flags),
        "geo": _lookup("geo", rules.geo),  # type: ignore[arg-type]
        "spread": capped("source_classes", reach.points_per_class),
        "persist": capped("active_days", reach.points_per_day),
        "views": per_decade("views", attention.zero_views),
        "reposts": per_decade("reposts", attention.zero_reposts),
        "comments": per_decade("comments", attention.zero_comments),
        "distinct_docs": _docs_points(rules.docs_anchors),
        # unknown growth earns no bonus
        "growth": pl.when(grows.fill_null(False)).then(attention.growth_bonus).otherwise(0.0),
        "neg": 100 * _wilson_lower_bound(pl.col("neg_docs"), pl.col("counted_docs"), reaction.z),
        "intensity": 100.0 * pl.col("emotive_docs") / pl.col("distinct_docs"),
        "recur": capped("same_topic_issues_90d", reaction.points_per_issue),
        "media_tier": _lookup("media_tier", rules.media_tier),  # type: ignore[arg-type]
        "extra_media": pl.when(pl.col("n_media") >= 1).then(extra).otherwise(0.0),
    }
    return [expression.alias(f"points_{name}") for name, expression in columns.items()]


def factors(rules: GradingRules) -> list[pl.Expr]:
    """The five factors in integer tenths, 0 to 1000, as columns `C10` to `M10`, and `coverage`, 0.25 to 1.

    Needs the columns of `points`.
    """
    attention, reaction, reach = rules.attention, rules.reaction, rules.reach
    known = [_points(name) for name in ATTENTION]
    available = pl.sum_horizontal(measure.is_not_null().cast(pl.Int64) for measure in known)
    mixed = (
        attention.highest * pl.max_horizontal(known) + attention.mean * pl.sum_horizontal(known) / available
    ) / 100 + _points("growth")
    # An unknown share of negative voices is left out and the other weights share its place.
    calm = reaction.intensity * _points("intensity") + reaction.recur * _points("recur")
    reacted = (
        pl.when(_points("neg").is_null())
        .then(calm / (reaction.intensity + reaction.recur))
        .otherwise((reaction.neg * _points("neg") + calm) / 100)
    )
    reached = (reach.geo * _points("geo") + reach.spread * _points("spread") + reach.persist * _points("persist")) / 100
    return [
        _tenths((_points("topic") + _points("flags")).clip(0.0, 100.0)).alias("C10"),
        _tenths(reached).alias("R10"),
        _tenths(mixed.clip(upper_bound=100.0)).alias("A10"),
        _tenths(reacted).alias("S10"),
        _tenths((_points("media_tier") + _points("extra_media")).clip(upper_bound=100.0)).alias("M10"),
        (available / len(ATTENTION)).alias("coverage"),
    ]


def total(rules: GradingRules) -> pl.Expr:
    """The total in integer tenths, half up, from the rounded factors: the printed sum re-adds exactly."""
    weights = rules.weight.model_dump()
    return ((pl.sum_horizontal(pl.col(f"{f}10") * w for f, w in weights.items()) + 50) // 100).alias("total10")


def _points(name: str) -> pl.Expr:
    return pl.col(f"points_{name}")


def _tenths(x: pl.Expr) -> pl.Expr:
    """Half up to whole tenths; the small term keeps a half a half whatever float64 did on the way."""
    return (x * 10 + 0.5 + 1e-9).floor().cast(pl.Int64)


def _lookup(name: str, values: dict[str, float]) -> pl.Expr:
    return pl.col(name).replace_strict(values, return_dtype=pl.Float64)


def _docs_points(anchors: tuple[tuple[int, float], ...]) -> pl.Expr:
    """Linear in log10 between the anchors, constant above the last."""
    x = pl.col("distinct_docs").log10()
    line = pl.lit(anchors[-1][1])
    for (low, at_low), (high, at_high) in reversed(list(pairwise(anchors))):
        slope = (at_high - at_low) / (math.log10(high) - math.log10(low))
        line = pl.when(pl.col("distinct_docs") < high).then((x - math.log10(low)) * slope + at_low).otherwise(line)
    return line


def _wilson_lower_bound(hits: pl.Expr, n: pl.Expr, z: float) -> pl.Expr:
    """Lower end of the score interval of a share (Wilson, 1927), 0 to 1; null for n = 0."""
    n = n.cast(pl.Float64)  # 4 * n * n would overflow an integer
    share = hits / n
    spread = z * (share * (1 - share) / n + z * z / (4 * n * n)).sqrt()
    low = (share + z * z / (2 * n) - spread) / (1 + z * z / n)
    return pl.when(n > 0).then(low.clip(0.0, 1.0))
