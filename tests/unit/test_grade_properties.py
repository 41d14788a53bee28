"""What holds for every issue: more noise never lowers the total, overrides are ordered, printed sums re-add.

Hypothesis hunts for odd issues one by one and shrinks what it finds; the sweeps below try ten thousand random issues
per property, boundaries and extremes among them, in one frame.
"""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.model.grading import FACTOR_NAMES, FLAG_NAMES, OVERRIDE_NAMES, TOPICS
from caifeng.core.model.terms import EMERGENCY_LEVELS, GEO_NAMES, JURISDICTION_NAMES, MEDIA_TIER_NAMES, SCALE
from caifeng.core.settings import Settings
from tests.unit.reference_grading import FACTS, HUGE, RESULTS, Issue, grade_one, random_issues
from transforms.grade.explain import explanation_table
from transforms.grade.grade import GRADES, MEASURES, grade

RULES = Settings.load().grading()
COUNTS = st.integers(0, HUGE) | st.integers(0, 10_000)
MORE = st.integers(1, 10_000)


@st.composite
def issues(draw: st.DrawFn) -> Issue:
    docs, counted = draw(st.integers(1, 2_000) | st.just(HUGE)), draw(st.integers(0, 2_000) | st.just(HUGE))
    tier = draw(st.sampled_from(tuple(MEDIA_TIER_NAMES)))
    return {
        "issue_no": "YQ-2026-0001",
        "topic": draw(st.sampled_from(TOPICS)),
        "flags": draw(st.lists(st.sampled_from(tuple(FLAG_NAMES)), unique=True)),
        "tone": draw(st.sampled_from(("negative", "neutral", "positive", "unknown"))),
        "geo": draw(st.sampled_from(tuple(GEO_NAMES))),
        "source_classes": draw(st.integers(1, 12) | st.just(HUGE)),
        "active_days": draw(st.integers(1, 400)),
        "views": draw(st.none() | COUNTS),
        "reposts": draw(st.none() | COUNTS),
        "comments": draw(st.none() | COUNTS),
        "distinct_docs": docs,
        "growth_24h": draw(st.none() | st.floats(allow_nan=False, allow_infinity=False)),
        "neg_docs": draw(st.integers(0, counted)),
        "counted_docs": counted,
        "emotive_docs": draw(st.integers(0, docs)),
        "same_topic_issues_90d": draw(st.integers(0, 10) | st.just(HUGE)),
        "media_tier": tier,
        "n_media": 0 if tier == "none" else draw(st.integers(1, 40)),
        "emergency_level": draw(st.sampled_from(EMERGENCY_LEVELS)),
        "facts": draw(st.lists(st.sampled_from(FACTS), unique=True)),
        "jurisdiction": draw(st.sampled_from(tuple(JURISDICTION_NAMES))),
    }


def graded(*rows: Issue) -> list[dict[str, Any]]:
    return grade(pl.DataFrame(rows, schema=MEASURES), RULES).to_dicts()


def louder(issue: Issue, name: str, more: int) -> Issue:
    """The issue with a higher value of one measure, still valid."""
    value = issue[name]
    if value is None:
        return issue
    if name in ("geo", "media_tier"):
        scale = tuple(GEO_NAMES if name == "geo" else MEDIA_TIER_NAMES)
        higher = scale[min(scale.index(value) + 1 + more % len(scale), len(scale) - 1)]
        return issue | {name: higher} | ({"n_media": max(1, issue["n_media"])} if name == "media_tier" else {})
    if name == "n_media" and issue["media_tier"] == "none":
        return issue
    ceiling = {"neg_docs": issue["counted_docs"], "emotive_docs": issue["distinct_docs"]}.get(name, HUGE)
    return issue | {name: value + more / 1000 if name == "growth_24h" else min(value + more, ceiling)}


MONOTONE = (
    "views",
    "reposts",
    "comments",
    "growth_24h",
    "source_classes",
    "active_days",
    "geo",
    "media_tier",
    "n_media",
    "same_topic_issues_90d",
    "neg_docs",
    "emotive_docs",
)


@settings(max_examples=80, deadline=None)
@given(issue=issues(), more=MORE)
def test_more_noise_never_lowers_the_total(issue: Issue, more: int) -> None:
    quiet, *loud = graded(issue, *(louder(issue, name, more) for name in MONOTONE))
    assert len(loud) == 12
    for name, row in zip(MONOTONE, loud, strict=True):
        assert row["total"] >= quiet["total"], name


@settings(max_examples=80, deadline=None)
@given(issue=issues())
def test_agrees_with_the_reference(issue: Issue) -> None:
    (row,) = graded(issue)
    assert {name: row[name] for name in RESULTS} == grade_one(issue)


@settings(max_examples=80, deadline=None)
@given(issue=issues())
def test_level_and_overrides_fit_together(issue: Issue) -> None:
    (row,) = graded(issue)
    order = list(OVERRIDE_NAMES)
    assert row["overrides"] == sorted(set(row["overrides"]), key=order.index)
    if row["level"] in SCALE:
        raised = SCALE.index(row["level"]) > SCALE.index(row["level_by_score"])
        lowered = SCALE.index(row["level"]) < SCALE.index(row["level_by_score"])
        assert not raised or set(row["overrides"]) - {"O10", "O11", "O12"}
        assert not lowered or "O10" in row["overrides"]
    else:
        assert set(row["overrides"]) & {"O11", "O12"}
    if "O10" in row["overrides"]:
        assert not set(row["overrides"]) & {"O1", "O2a", "O2b", "O3", "O4", "O5", "O6", "O7", "O8"}


PRINTED = re.compile(r"(?:内容|影响|关注|反响|介入)(\d+\.\d)×(\.\d\d)")


@settings(max_examples=80, deadline=None)
@given(issue=issues())
def test_printed_sums_re_add(issue: Issue) -> None:
    (row,) = graded(issue)
    terms = PRINTED.findall(row["explanation"])
    assert len(terms) == 5
    total = sum((Decimal(points) * Decimal(weight) for points, weight in terms), Decimal(0))
    printed = re.search(r"^\S+ (\d+\.\d) = ", row["explanation"])
    assert printed
    assert total.quantize(Decimal("0.1"), ROUND_HALF_UP) == Decimal(printed[1]) == Decimal(str(row["total"]))

    table = explanation_table(row, RULES)
    factors = [Decimal(line.contribution) for line in table if line.measure[-2:-1] == " "]
    assert len(factors) == 5
    assert sum(factors, Decimal(0)) == total


@settings(max_examples=80, deadline=None)
@given(issue=issues(), name=st.sampled_from(("views", "reposts", "comments")))
def test_unknown_is_not_zero(issue: Issue, name: str) -> None:
    unknown, zero = graded(issue | {name: None}, issue | {name: 0})
    assert unknown["coverage"] == zero["coverage"] - 0.25
    # a known zero lowers the mean, an unknown count leaves it alone
    assert unknown["A"] >= zero["A"]


# --- Sweeps: ten thousand random issues per property

SWEPT = 10_000
SHOWN = ("views", "reposts", "comments")
FACTORS = tuple(FACTOR_NAMES)
ANSWERS = ("log_only", "should", "must")


@pytest.fixture(scope="module")
def issues_swept() -> pl.DataFrame:
    """Random issues, each with a step `more` from 1 to 10^7."""
    frame = pl.DataFrame(random_issues(SWEPT, seed=6), schema=MEASURES)
    steps = np.floor(10 ** np.random.default_rng(6).uniform(0, 7, SWEPT)).astype(np.int64)
    return frame.with_columns(more=pl.Series(steps))


@pytest.fixture(scope="module")
def swept(issues_swept: pl.DataFrame) -> pl.DataFrame:
    graded = grade(issues_swept, RULES)
    assert graded.height == SWEPT
    return graded


def raised(name: str) -> pl.Expr:
    """A higher value of a count, at most as high as an issue may have."""
    ceiling = {"neg_docs": pl.col("counted_docs"), "emotive_docs": pl.col("distinct_docs")}.get(name, pl.lit(HUGE))
    room = ceiling - pl.col(name)
    return (pl.col(name) + pl.min_horizontal("more", room)).alias(name)


def next_step(name: str, scale: tuple[str, ...]) -> pl.Expr:
    """One to three steps up a scale."""
    place = pl.col(name).replace_strict({code: i for i, code in enumerate(scale)}, return_dtype=pl.Int64)
    higher = (place + 1 + pl.col("more") % 3).clip(upper_bound=len(scale) - 1)
    return higher.replace_strict(dict(enumerate(scale)), return_dtype=pl.String).alias(name)


#: Measure -> the same issues with a higher value of it, still valid (grading.md, "Monotone").
LOUDER: dict[str, list[pl.Expr]] = {
    **{name: [raised(name)] for name in MONOTONE if name not in ("growth_24h", "geo", "media_tier", "n_media")},
    "growth_24h": [pl.col("growth_24h") + pl.col("more") / 1000],
    "geo": [next_step("geo", tuple(GEO_NAMES))],
    "media_tier": [next_step("media_tier", tuple(MEDIA_TIER_NAMES)), pl.col("n_media").clip(lower_bound=1)],
    "n_media": [pl.when(pl.col("media_tier") == "none").then(0).otherwise(raised("n_media")).alias("n_media")],
}


def rank(column: str, scale: tuple[str, ...]) -> pl.Expr:
    """Place on a scale; null outside it."""
    codes = {str(code): place for place, code in enumerate(scale)}
    return pl.col(column).replace_strict(codes, default=None, return_dtype=pl.Int64).alias(column)


def places(graded: pl.DataFrame) -> pl.DataFrame:
    return graded.select("total", rank("level", SCALE), rank("level_by_score", SCALE), rank("response_value", ANSWERS))


def assert_nowhere_lower(loud: pl.DataFrame, quiet: pl.DataFrame) -> None:
    """Neither total nor, within the scale, level and answer fall; what is background stays background."""
    assert loud.height == quiet.height == SWEPT
    before, after = places(quiet), places(loud)
    for name in before.columns:
        assert (after[name] < before[name]).sum() == 0, name
        assert (after[name].is_null() != before[name].is_null()).sum() == 0, name


@pytest.mark.parametrize("name", MONOTONE)
def test_a_louder_measure_lowers_nothing(issues_swept: pl.DataFrame, swept: pl.DataFrame, name: str) -> None:
    louder_ones = issues_swept.with_columns(LOUDER[name])
    assert (louder_ones[name] != swept[name]).sum() > SWEPT / 4
    graded = grade(louder_ones, RULES)
    assert_nowhere_lower(graded, swept)
    assert (graded["total"] > swept["total"]).sum() > 100


def test_everything_louder_at_once_lowers_nothing(issues_swept: pl.DataFrame, swept: pl.DataFrame) -> None:
    louder_ones = issues_swept
    for changes in LOUDER.values():
        louder_ones = louder_ones.with_columns(changes)
    assert set(LOUDER) == set(MONOTONE)
    graded = grade(louder_ones, RULES)
    assert_nowhere_lower(graded, swept)
    assert (graded["total"] > swept["total"]).sum() > SWEPT * 0.9


def test_every_step_of_a_count_is_monotone() -> None:
    """One measure from nothing to everything, ten thousand values each: no rounding lets the total dip."""
    values = np.unique(np.floor(10 ** np.linspace(0, 18.9, SWEPT)).astype(np.int64))
    values = np.unique(np.concatenate([np.arange(SWEPT), values, [HUGE - 1, HUGE]]))
    usual = random_issues(400, seed=8)[333] | {"distinct_docs": HUGE, "counted_docs": HUGE, "media_tier": "county"}
    base = pl.DataFrame([usual | {"n_media": 1, "neg_docs": 0, "emotive_docs": 0}], schema=MEASURES)
    assert len(values) >= SWEPT
    for name in MONOTONE:
        if name in ("geo", "media_tier"):
            continue
        first = 1 if name in ("source_classes", "active_days", "n_media") else 0
        line = pl.DataFrame({name: values[first:]}).join(base.drop(name), how="cross")
        totals = grade(line, RULES)["total"]
        assert len(totals) >= SWEPT
        assert totals.diff().min() == 0, name
        assert totals[-1] > totals[0], name


def test_bounds(swept: pl.DataFrame) -> None:
    for name in (*FACTORS, "total"):
        values = swept[name]
        assert values.is_between(0, 100).all(), name
        assert (values == values.round(1)).all(), name
        assert values.n_unique() > 20, name
    lowest, highest = pl.min_horizontal(FACTORS), pl.max_horizontal(FACTORS)
    # a mean of factors lies among them, but for the rounding of the total
    assert swept.select((pl.col("total") >= lowest) & (pl.col("total") <= highest)).to_series().all()
    known = 1 + pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int64) for name in SHOWN)
    assert swept.select((pl.col("coverage") * 4 == known).all()).item()
    assert swept["coverage"].unique().sort().to_list() == [0.25, 0.5, 0.75, 1.0]
    assert swept.select(GRADES.names()).null_count().sum_horizontal().item() == 0


def test_tenths_re_add(swept: pl.DataFrame) -> None:
    """The total and the level by score from the stored numbers alone, in whole tenths, no issue left out."""
    weights = RULES.weight.model_dump()
    tenths = {name: (swept[name] * 10).round().cast(pl.Int64) for name in (*FACTORS, "total")}
    for name, whole in tenths.items():
        assert [value / 10 for value in whole] == swept[name].to_list(), name
    summed = (sum((tenths[name] * weights[name] for name in FACTORS), pl.Series([0] * SWEPT)) + 50) // 100
    assert (summed == tenths["total"]).all()
    cuts = [round(10 * cut) for cut in RULES.level.model_dump().values()]
    by_score = [SCALE[sum(total >= cut for cut in cuts)] for total in tenths["total"]]
    assert by_score == swept["level_by_score"].to_list()
    assert len(set(by_score)) == 5


def test_printed_numbers_are_the_stored_ones(swept: pl.DataFrame) -> None:
    printed = swept["explanation"].str.extract_all(r"\d+\.\d(?:[×; ])").list.eval(pl.element().str.head(-1))
    numbers = pl.DataFrame(printed.list.to_array(6).arr.to_struct().struct.unnest()).cast(pl.Float64)
    assert numbers.height == SWEPT
    for column, name in zip(numbers.columns, ("total", *FACTORS), strict=True):
        assert (numbers[column] == swept[name]).all(), name


def test_overrides_are_in_order_and_explain_the_level(swept: pl.DataFrame) -> None:
    order = {name: place for place, name in enumerate(OVERRIDE_NAMES)}
    listed = swept["overrides"].list.eval(pl.element().replace_strict(order, return_dtype=pl.Int64))
    assert (listed.list.eval(pl.element().diff().drop_nulls()).list.min().fill_null(1) > 0).all()
    fired = {name: swept["overrides"].list.contains(name) for name in order}
    assert all(hits.any() for hits in fired.values())
    level, by_score = (swept.select(rank(name, SCALE)).to_series() for name in ("level", "level_by_score"))
    pushes = pl.Series([False] * SWEPT)
    for name in set(order) - {"O10", "O11", "O12"}:
        pushes |= fired[name]
    assert ((level > by_score).fill_null(False) & ~pushes).sum() == 0
    assert ((level < by_score).fill_null(False) & ~fired["O10"]).sum() == 0
    assert (level.is_null() == (fired["O11"] | fired["O12"])).all()
    assert (swept.filter(fired["O11"])["level"] == "refer_out").all()
    assert (swept.filter(fired["O12"] & ~fired["O11"])["level"] == "context").all()


def test_the_order_of_flags_and_facts_does_not_matter(swept: pl.DataFrame) -> None:
    turned = swept.select(MEASURES.names()).with_columns(pl.col("flags", "facts").list.reverse())
    assert (turned["flags"] != swept["flags"]).sum() > 500
    assert grade(turned, RULES).select(GRADES.names()).equals(swept.select(GRADES.names()))


def test_grading_again_changes_nothing(issues_swept: pl.DataFrame, swept: pl.DataFrame) -> None:
    assert grade(swept, RULES).equals(swept)
    assert grade(issues_swept, RULES).equals(swept)


def test_neighbours_do_not_matter(issues_swept: pl.DataFrame, swept: pl.DataFrame) -> None:
    """The same grade alone, in any order, in any batch, beside copies of itself."""
    assert grade(issues_swept.reverse(), RULES).equals(swept.reverse())
    shuffled = issues_swept.with_row_index().sample(fraction=1, shuffle=True, seed=1)
    assert grade(shuffled, RULES).equals(swept[shuffled["index"].to_list()])
    sizes = (1, 2, 3, 994, 3_000, 6_000)
    starts = np.cumsum((0, *sizes[:-1])).tolist()
    batches = [grade(issues_swept.slice(start, size), RULES) for start, size in zip(starts, sizes, strict=True)]
    assert sum(sizes) == SWEPT
    assert pl.concat(batches).equals(swept)
    assert grade(pl.concat([issues_swept, issues_swept]), RULES).tail(SWEPT).equals(swept)


@pytest.mark.parametrize("name", SHOWN)
def test_an_unknown_count_is_left_out_not_zero(issues_swept: pl.DataFrame, swept: pl.DataFrame, name: str) -> None:
    unknown = grade(issues_swept.with_columns(pl.lit(None, pl.Int64).alias(name)), RULES)
    zero = grade(issues_swept.with_columns(pl.lit(0, pl.Int64).alias(name)), RULES)
    assert (unknown["coverage"] == zero["coverage"] - 0.25).all()
    assert (unknown["A"] >= zero["A"]).all()
    # wherever anything else is above zero, a known zero pulls the mean down
    assert (unknown["A"] > zero["A"]).sum() > SWEPT / 2
    assert (unknown["A"] == zero["A"]).sum() > 0
    assert unknown.select("C", "R", "S", "M").equals(zero.select("C", "R", "S", "M"))
    # only that count was unknown: the grade of an issue that did not show it is untouched
    untouched = issues_swept[name].is_null()
    assert untouched.sum() > 1_000
    assert unknown.filter(untouched).equals(swept.filter(untouched))


def test_an_unknown_tone_share_is_left_out_not_zero(issues_swept: pl.DataFrame) -> None:
    nothing = pl.lit(0, pl.Int64)
    unknown = grade(issues_swept.with_columns(counted_docs=nothing, neg_docs=nothing), RULES)
    zero = grade(issues_swept.with_columns(counted_docs=pl.lit(40), neg_docs=nothing), RULES)
    assert unknown.height == SWEPT
    assert (unknown["S"] >= zero["S"]).all()
    shows = zero["S"] >= 1  # below, both may round to the same tenth
    assert shows.sum() > SWEPT / 2
    assert (unknown.filter(shows)["S"] > zero.filter(shows)["S"]).all()


def test_unknown_growth_earns_nothing_and_costs_nothing(issues_swept: pl.DataFrame) -> None:
    unknown = grade(issues_swept.with_columns(growth_24h=pl.lit(None, pl.Float64)), RULES)
    still = grade(issues_swept.with_columns(growth_24h=pl.lit(0.0)), RULES)
    assert unknown.height == SWEPT
    assert unknown.select(GRADES.names()).equals(still.select(GRADES.names()))
