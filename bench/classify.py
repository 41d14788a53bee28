"""How fast relevance is judged."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import polars as pl

from bench.synthetic import random_texts
from caifeng.core.settings import Settings
from transforms.understand.relevance import classify, relevance_rules

TEXTS = 100_000


def run() -> dict[str, Any]:
    """Judge the relevance of short posts, most of them irrelevant, beside a bare keyword scan in the same run."""
    taxonomy = Settings.load().taxonomy()
    texts = random_texts(TEXTS)
    seconds = _seconds(lambda: classify(texts, relevance_rules(taxonomy)))
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
