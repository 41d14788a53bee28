"""How fast the pure functions are: grading and relevance."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import polars as pl

from bench.synthetic import random_issues, random_texts
from caifeng.core.settings import Settings
from transforms.grade.grade import grade
from transforms.understand.relevance import classify

ISSUES, TEXTS = 1_000_000, 100_000


def run_grade() -> dict[str, Any]:
    """Grade a million issues."""
    rules = Settings.load().grading()
    issues = random_issues(ISSUES)
    seconds = _seconds(lambda: grade(issues, rules))
    return {"issues": ISSUES, "seconds": seconds, "per_second": round(ISSUES / seconds)}


def run_classify() -> dict[str, Any]:
    """Judge the relevance of short posts, most of them irrelevant, beside a bare keyword scan in the same run."""
    taxonomy = Settings.load().taxonomy()
    texts = random_texts(TEXTS)
    seconds = _seconds(lambda: classify(texts, taxonomy))
    words = sorted({term for topic in taxonomy.topics for term in (*topic.strong, *topic.terms, *topic.ambiguous)})
    scan = _seconds(lambda: texts.select(pl.col("text").str.contains_any(words)))
    return {
        "texts": TEXTS,
        "seconds": seconds,
        "per_second": round(TEXTS / seconds),
        "ratio_to_keyword_scan": round(seconds / scan, 1),
    }


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return round(perf_counter() - started, 3)
