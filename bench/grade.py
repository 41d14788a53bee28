"""Grading a million issues, beside the reference implementation of the tests, and where the time goes.

The reference (tests/unit/reference_grading.py) is plain Python with exact decimals, one issue at a time. Both grade
issues of the same sample in one process, and where they differ the benchmark fails: a wrong grade has no speed.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import polars as pl

from bench.synthetic import random_issues
from caifeng.core.model.grading import FACTOR_NAMES, GradingRules
from caifeng.core.settings import Settings
from tests.unit.reference_grading import RESULTS, RULES, grade_one
from transforms.grade import factors, overrides
from transforms.grade.explain import explanation
from transforms.grade.grade import grade
from transforms.grade.inputs import check_measures

ISSUES, REFERENCE_ISSUES, REPEATS = 1_000_000, 10_000, 3


def run(issues: int = ISSUES, reference_issues: int = REFERENCE_ISSUES) -> dict[str, Any]:
    """Grade, compare, and take the steps apart.

    Args:
        issues: size of the frame that is graded at once.
        reference_issues: how many of them the reference grades, too.

    Returns:
        `seconds` (median of three), `per_second`, `reference_per_second`, `ratio_to_reference`, and `step_seconds`:
        each step run alone on what the ones before it gave. Their sum is above `seconds`, as the steps of a grade
        share a plan.

    Raises:
        AssertionError: grades differ from the reference's.
    """
    rules = Settings.load().grading()
    frame = random_issues(issues)
    sample = frame.head(reference_issues)
    plain = sample.to_dicts()
    started = perf_counter()
    expected = [grade_one(issue, RULES) for issue in plain]
    by_reference = len(plain) / (perf_counter() - started)
    if grade(sample, rules).select(RESULTS).to_dicts() != expected:
        raise AssertionError("grades differ from the reference's")

    seconds = sorted(_seconds(lambda: grade(frame, rules)) for _ in range(REPEATS))[REPEATS // 2]
    return {
        "issues": issues,
        "seconds": round(seconds, 2),
        "per_second": round(issues / seconds),
        "reference_per_second": round(by_reference),
        "ratio_to_reference": round(issues / seconds / by_reference, 1),
        "step_seconds": _steps(frame, rules),
    }


def _steps(frame: pl.DataFrame, rules: GradingRules) -> dict[str, float]:
    """Seconds of each step of `transforms.grade.grade.grade`, in its order."""
    strong = pl.sum_horizontal(factor.cast(pl.Int64) for factor in overrides.strong_factors(rules).values())
    by_score = overrides.level_name("rank_by_score").alias("level_by_score")
    decimals = [(pl.col(f"{name}10") / 10).round(1).alias(name) for name in (*FACTOR_NAMES, "total")]
    steps: dict[str, list[list[pl.Expr]]] = {
        "points": [factors.points(rules)],
        "factors": [factors.factors(rules), [factors.total(rules)]],
        "fired": [[overrides.rank_by_score(rules), strong.alias("strong")], overrides.fired(rules)],
        "overrides_list": [[overrides.overrides_list()]],
        "level": [
            [overrides.rank_raised(rules)],
            [overrides.rank_capped()],
            [overrides.level(), by_score, overrides.needs_review(), overrides.sensitive(), *decimals],
        ],
        "response_value": [[overrides.response_value()]],
        "explanation": [[explanation(rules)]],
    }
    seconds = {"check": _seconds(lambda: check_measures(frame, rules))}
    current = check_measures(frame, rules)
    for name, parts in steps.items():
        started = perf_counter()
        for part in parts:
            current = current.lazy().with_columns(part).collect()
        seconds[name] = perf_counter() - started
    return {name: round(value, 2) for name, value in seconds.items()}


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
