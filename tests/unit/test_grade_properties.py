"""What holds for every issue: more noise never lowers the total, overrides are ordered, printed sums re-add."""

import re
import tomllib
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.model.grading import FLAG_NAMES, OVERRIDE_NAMES, TOPICS, GradingRules
from caifeng.core.model.terms import EMERGENCY_LEVELS, GEO_NAMES, JURISDICTION_NAMES, MEDIA_TIER_NAMES, SCALE
from tests.unit.reference_grading import FACTS, RESULTS, Issue, grade_one
from transforms.grade.explain import explanation_table
from transforms.grade.grade import MEASURES, grade

RULES = GradingRules.model_validate(
    tomllib.loads((Path(__file__).parents[2] / "config" / "grading.toml").read_text("utf8"))
)
HUGE = 2**63 - 1
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


@settings(max_examples=200, deadline=None)
@given(issue=issues(), more=MORE)
def test_more_noise_never_lowers_the_total(issue: Issue, more: int) -> None:
    quiet, *loud = graded(issue, *(louder(issue, name, more) for name in MONOTONE))
    assert len(loud) == 12
    for name, row in zip(MONOTONE, loud, strict=True):
        assert row["total"] >= quiet["total"], name


@settings(max_examples=200, deadline=None)
@given(issue=issues())
def test_agrees_with_the_reference(issue: Issue) -> None:
    (row,) = graded(issue)
    assert {name: row[name] for name in RESULTS} == grade_one(issue)


@settings(max_examples=100, deadline=None)
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


@settings(max_examples=100, deadline=None)
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


@settings(max_examples=100, deadline=None)
@given(issue=issues(), name=st.sampled_from(("views", "reposts", "comments")))
def test_unknown_is_not_zero(issue: Issue, name: str) -> None:
    unknown, zero = graded(issue | {name: None}, issue | {name: 0})
    assert unknown["coverage"] == zero["coverage"] - 0.25
    # a known zero lowers the mean, an unknown count leaves it alone
    assert unknown["A"] >= zero["A"]
