"""Overrides, level, review mark and response value, from the factors and what is known of the issue."""

import polars as pl

from caifeng.core.model.grading import OVERRIDE_NAMES, GradingRules
from caifeng.core.model.terms import SCALE, Level

#: Lowest level that an override asks for, as an index of SCALE (O9 depends on how many factors are strong).
_LARGER, _MAJOR, _EXTREME = SCALE.index(Level.LARGER), SCALE.index(Level.MAJOR), SCALE.index(Level.EXTREME)
_FLOORS = {
    "O1": _MAJOR,
    "O2a": _MAJOR,
    "O2b": _LARGER,
    "O3": _LARGER,
    "O4": _LARGER,
    "O5": _LARGER,
    "O6": _LARGER,
    "O7": _MAJOR,
}
#: Overrides that make an answer a must; sensitive are these and O7.
_ANSWER = ("O1", "O2a", "O2b", "O3", "O4", "O5", "O6")


def strong_factors(rules: GradingRules) -> dict[str, pl.Expr]:
    """Factor -> whether it is strong (O9). Needs the factors in tenths."""
    override = rules.override

    def reaches(factor: str, value: float) -> pl.Expr:
        return pl.col(f"{factor}10") >= round(10 * value, 6)

    return {
        # a grave accusation that nobody has read is not yet a strong factor
        "C": reaches("C", override.strong) & reaches("A", override.strong_c_min_a),
        "R": reaches("R", override.strong),
        "A": reaches("A", override.strong),
        "S": reaches("S", override.strong) & (pl.col("counted_docs") >= override.strong_s_min_counted),
        # media that praise or merely report do not raise the level
        "M": reaches("M", override.strong) & _critical(),
    }


def fired(rules: GradingRules) -> list[pl.Expr]:
    """Whether each override's condition holds: boolean columns O1 to O11, in the order of their listing.

    Needs `strong` (number of strong factors) and `coverage`.
    """
    override = rules.override
    central = (pl.col("media_tier") == "central") & _fact("names_bureau") & _critical()
    provincial = (pl.col("media_tier") == "province") & _fact("names_bureau") & _critical()
    accused = (_flag("alleges_fabrication") & _fact("names_unit")) | _flag("alleges_leak")
    o1 = pl.col("emergency_level").is_in(["major", "extreme"])
    before_o10 = {
        "O1": o1,
        "O2a": central,
        "O2b": provincial,
        "O3": _fact("superior_orders"),
        "O4": _fact("leader_instruction"),
        "O5": accused,
        "O6": _flag("impostor_fraud"),
        "O7": _fact("offline_collective"),
        "O8": _fact("second_wave"),
    }
    thin = (pl.col("coverage") < override.thin_coverage) & (pl.col("distinct_docs") <= override.thin_docs)
    concerns_us = _fact("names_bureau") | _fact("local_board") | _fact("superior_orders")
    above_us = pl.col("jurisdiction").is_in(["city", "province", "national"])
    conditions = {
        "O9": pl.col("strong") >= override.strong_for_larger,
        **before_o10,
        "O10": thin & ~pl.any_horizontal(before_o10.values()),
        "O12": (_fact("official_notice") | (above_us & ~concerns_us)) & ~o1,
        "O11": pl.col("jurisdiction") == "other",
    }
    assert list(conditions) == list(OVERRIDE_NAMES)
    return [condition.alias(name) for name, condition in conditions.items()]


def overrides_list() -> pl.Expr:
    """Names of the overrides that fired, in the order of their listing; an empty list if none did."""
    names = [pl.when(pl.col(name)).then(pl.lit(name)).otherwise(pl.lit("")) for name in OVERRIDE_NAMES]
    # twelve times as fast as concat_list and drop_nulls
    return pl.concat_str(names).str.extract_all(r"O\d+[ab]?").alias("overrides")


def rank_by_score(rules: GradingRules) -> pl.Expr:
    """Level by the total alone, as an index of SCALE; a boundary belongs to the higher level."""
    lowest = rules.level.model_dump().values()
    reached = [(pl.col("total10") >= round(10 * value)).cast(pl.Int64) for value in lowest]
    return pl.sum_horizontal(reached).alias("rank_by_score")


def rank_raised(rules: GradingRules) -> pl.Expr:
    """Index of SCALE after O9, the floors O1 to O7, and O8, in this order."""
    by_strength = (
        pl.when(pl.col("strong") >= rules.override.strong_for_major)
        .then(_MAJOR)
        .when(pl.col("strong") >= rules.override.strong_for_larger)
        .then(_LARGER)
        .otherwise(0)
    )
    floors = [pl.when(pl.col(name)).then(floor).otherwise(0) for name, floor in _FLOORS.items()]
    raised = pl.max_horizontal(pl.col("rank_by_score"), by_strength, *floors)
    up = (raised + pl.col("O8").cast(pl.Int64)).clip(upper_bound=_EXTREME)
    return up.cast(pl.Int64).alias("rank_raised")


def rank_capped() -> pl.Expr:
    """Index of SCALE after O10: thin data carry at most `larger`."""
    cap = pl.when(pl.col("O10")).then(_LARGER).otherwise(_EXTREME)
    return pl.min_horizontal(pl.col("rank_raised"), cap).alias("rank")


def level() -> pl.Expr:
    """Name of the level: the scale, or outside it `context` (O12) and, before that, `refer_out` (O11)."""
    return (
        pl.when(pl.col("O11"))
        .then(pl.lit(Level.REFER_OUT.value))
        .when(pl.col("O12"))
        .then(pl.lit(Level.CONTEXT.value))
        .otherwise(level_name("rank"))
        .alias("level")
    )


def level_name(rank: str) -> pl.Expr:
    """Name of the level at an index of SCALE."""
    return pl.col(rank).replace_strict(dict(enumerate(map(str, SCALE))), return_dtype=pl.String)


def needs_review() -> pl.Expr:
    """Whether a person must look: named by media in an unknown tone, a gathering, or lowered by O10."""
    doubtful = (pl.col("O2a") | pl.col("O2b")) & (pl.col("tone") == "unknown")
    return (doubtful | pl.col("O7") | (pl.col("rank") < pl.col("rank_raised"))).alias("needs_review")


def response_value() -> pl.Expr:
    """Whether the office owes an answer: refer_out, log_only, must, should. Needs `level`.

    A person who asked the office directly is answered whatever the level is.
    """
    level = pl.col("level")
    asked = _fact("official_channel")
    must = _flag("key_category") | pl.any_horizontal(_ANSWER) | level.is_in(["major", "extreme"])
    answerable = _flag("specific_checkable") | _flag("pure_question")
    should = (level == "larger") | ((level == "general") & answerable) | asked
    return (
        pl.when(level == "refer_out")
        .then(pl.lit("refer_out"))
        .when((level == "context") & ~asked)
        .then(pl.lit("log_only"))
        .when(must)
        .then(pl.lit("must"))
        .when(should)
        .then(pl.lit("should"))
        .otherwise(pl.lit("log_only"))
        .alias("response_value")
    )


def sensitive() -> pl.Expr:
    """Whether the issue is suggested as sensitive (Art. 7); a person confirms."""
    return pl.any_horizontal(*_ANSWER, "O7", _flag("key_category")).alias("sensitive")


def _critical() -> pl.Expr:
    # an unknown tone counts as critical until a person has read the piece
    return ~pl.col("tone").is_in(["positive", "neutral"])


def _flag(name: str) -> pl.Expr:
    return pl.col("flags").list.contains(name)


def _fact(name: str) -> pl.Expr:
    return pl.col("facts").list.contains(name)
