"""Own rules of graded.issue_grades: a level that cannot be recomputed is not handed on (docs/grading.md)."""

from functools import reduce

import polars as pl

from caifeng.core.model.grading import FACTOR_NAMES, OVERRIDE_NAMES
from caifeng.core.model.terms import SCALE, Level
from expectations.rule import Rule, expects, holds

_LARGER, _MAJOR, _EXTREME = (SCALE.index(level) for level in (Level.LARGER, Level.MAJOR, Level.EXTREME))
#: Floors of the overrides as docs/grading.md states them, written a second time on purpose.
_FLOORS = {_MAJOR: ("O1", "O2a", "O7"), _LARGER: ("O2b", "O3", "O4", "O5", "O6")}


def rules() -> tuple[Rule, ...]:
    """Sums re-add, levels follow from score and overrides, parts do not exceed the whole."""
    return (
        expects(
            "expect_column_values_to_be_in_set",
            "coverage",
            name="coverage_in_quarters",
            reason="documents are always known, views, reposts and comments may be",
            value_set=[0.25, 0.5, 0.75, 1.0],
        ),
        holds(
            (pl.col("coverage") * 4).round()
            == 1 + pl.sum_horizontal(pl.col("views", "reposts", "comments").is_not_null()),
            "coverage",
            "views",
            "reposts",
            "comments",
            name="coverage_counts_known",
            reason="null is unknown and 0 is zero; only the known count",
        ),
        holds(
            _total_re_adds(),
            "total",
            "explanation",
            name="total_re_adds",
            reason="Art. 6: five factors times the weights that the explanation prints, within 0.05",
        ),
        holds(
            _level_follows(),
            "level",
            "level_by_score",
            "overrides",
            name="level_follows",
            reason="level = highest of score and overrides, then caps (docs/grading.md)",
        ),
        holds(
            (pl.col("level") == "refer_out") == (pl.col("response_value") == "refer_out"),
            "level",
            "response_value",
            name="referred_is_not_answered",
            reason="谁主管谁负责 (国办发〔2016〕61号): another's matter is referred, ours is not",
        ),
        holds(
            pl.col("neg_docs") <= pl.col("counted_docs"),
            "neg_docs",
            "counted_docs",
            name="negative_among_counted",
            reason="a part does not exceed the whole",
        ),
        holds(
            pl.col("emotive_docs") <= pl.col("distinct_docs"),
            "emotive_docs",
            "distinct_docs",
            name="emotive_among_documents",
            reason="a part does not exceed the whole",
        ),
        holds(
            (pl.col("n_media") == 0) == (pl.col("media_tier") == "none"),
            "n_media",
            "media_tier",
            name="media_fit_tier",
            reason="no medium, no tier",
        ),
        holds(
            pl.min_horizontal("distinct_docs", "source_classes", "active_days") >= 1,
            "distinct_docs",
            "source_classes",
            "active_days",
            name="rests_on_documents",
            reason="an issue has at least one document, from one class, on one day",
        ),
    )


def _total_re_adds() -> pl.Expr:
    weights = (
        pl.col("explanation")
        .str.extract_all(r"\d×1?\.\d+|\d×1\b")
        .list.eval(pl.element().str.split("×").list.last().cast(pl.Float64, strict=False))
    )
    products = [pl.col(factor) * weights.list.get(i, null_on_oob=True) for i, factor in enumerate(FACTOR_NAMES)]
    difference = (pl.sum_horizontal(products, ignore_nulls=False) - pl.col("total")).abs()
    # an explanation without five weights explains nothing: that is wrong, not unknown
    return (difference <= 0.05 + 1e-9).fill_null(value=False)


def _level_follows() -> pl.Expr:
    fired = {name: pl.col("overrides").list.contains(name) for name in OVERRIDE_NAMES}
    order = {str(level): index for index, level in enumerate(SCALE)}
    by_score = pl.col("level_by_score").replace_strict(order, default=None, return_dtype=pl.Int64)
    rank = pl.col("level").replace_strict(order, default=None, return_dtype=pl.Int64)
    floors = [
        pl.when(reduce(pl.Expr.or_, (fired[name] for name in names))).then(floor).otherwise(0)
        for floor, names in _FLOORS.items()
    ]

    def after(o9: int) -> pl.Expr:
        raised = pl.max_horizontal(by_score, *floors, pl.when(fired["O9"]).then(o9).otherwise(0))
        raised = (raised + fired["O8"].cast(pl.Int64)).clip(upper_bound=_EXTREME)
        return pl.min_horizontal(raised, pl.when(fired["O10"]).then(_LARGER).otherwise(_EXTREME))

    # O9 asks for 较大 or 重大; by how many strong factors is not stored as a number of its own
    on_scale = rank.is_between(after(_LARGER), after(_MAJOR)) & ~fired["O11"] & ~fired["O12"]
    return (
        pl.when(pl.col("level") == "refer_out")
        .then(fired["O11"])
        .when(pl.col("level") == "context")
        .then(fired["O12"] & ~fired["O11"])
        .otherwise(on_scale)
    )
