"""Relevance on hand labels and on hot lists: texts from `CAIFENG_EVAL_DATA`, labels from bench/labels."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from caifeng.core.model.taxonomy import Taxonomy
from caifeng.core.settings import Settings
from transforms.understand.relevance import classify, relevance_rules

_LABELS = Path(__file__).parent / "labels"
_DAILY = "hotlists/weibo_20[0-9][0-9].jsonl.gz", "hotlists/zhihu_*.jsonl.gz"


def run(data: Path) -> dict[str, Any]:
    """Precision and recall on the labelled titles; flagged and falsely flagged titles of the hot lists.

    Rules were tuned on titles first seen in odd months; `even_months` are the others.

    Returns:
        `stat_topic` and `hot_lists`, each with counts, precision and recall for all, odd and even months;
        `stream`: distinct titles of the daily lists, flagged ones per 100,000, of these false by label
        (`unlabelled`: flagged without a label). `{"skipped": reason}` without evaluation data.
    """
    if not (data / "stat_topic" / "candidates.jsonl").is_file():
        return {"skipped": "CAIFENG_EVAL_DATA names no directory with stat_topic/candidates.jsonl"}
    taxonomy = Settings.load().taxonomy()
    candidates = _judge(_candidates(data), taxonomy).join(_labels("stat_topic"), on="hash")
    stream = _judge(_daily(data), taxonomy).join(
        pl.concat([_labels("stat_topic"), _labels("hot_lists")]), on="hash", how="left"
    )
    others = _labels("hot_lists").join(stream.drop("label"), on="hash")
    return {
        "stat_topic": _by_month(candidates),
        "stat_topic_titles_only": _scores(
            _judge(_candidates(data).with_columns(text=pl.lit("")), taxonomy).join(_labels("stat_topic"), on="hash")
        ),
        "hot_lists": _by_month(others),
        "stream": {
            "titles": stream.height,
            "flagged_per_100k": _per_100k(stream.filter("relevant").height, stream.height),
            "false_per_100k": _per_100k(
                stream.filter(pl.col("relevant") & (pl.col("label") == 0)).height, stream.height
            ),
            "unlabelled": stream.filter(pl.col("relevant") & pl.col("label").is_null()).height,
        },
    }


def _judge(titles: pl.DataFrame, taxonomy: Taxonomy) -> pl.DataFrame:
    """Add `relevant`, `hash`."""
    verdicts = classify(titles.with_row_index("id"), relevance_rules(taxonomy))
    digests = [hashlib.sha256(title.encode()).hexdigest()[:16] for title in titles["title"]]
    return titles.with_columns(verdicts["relevant"], hash=pl.Series(digests, dtype=pl.String))


def _by_month(judged: pl.DataFrame) -> dict[str, Any]:
    odd = pl.col("first").str.slice(5, 2).cast(pl.Int64) % 2 == 1
    return {
        "all": _scores(judged),
        "odd_months": _scores(judged.filter(odd)),
        "even_months": _scores(judged.filter(~odd)),
    }


def _scores(judged: pl.DataFrame) -> dict[str, Any]:
    flagged, wanted = pl.col("relevant"), pl.col("label") == 1
    hits, found, true = judged.select(hits=(flagged & wanted).sum(), found=flagged.sum(), true=wanted.sum()).row(0)
    return {
        "titles": judged.height,
        "relevant": true,
        "precision": round(hits / found, 4) if found else None,
        "recall": round(hits / true, 4) if true else None,
    }


def _labels(name: str) -> pl.DataFrame:
    return pl.read_csv(_LABELS / f"{name}.tsv", separator="\t", schema_overrides={"hash": pl.String}).select(
        "hash", "label"
    )


def _candidates(data: Path) -> pl.DataFrame:
    with (data / "stat_topic" / "candidates.jsonl").open(encoding="utf8") as lines:
        rows = [json.loads(line) for line in lines]
    return _titles([(row["title"], row["description"] or "", row["first"]) for row in rows])


def _daily(data: Path) -> pl.DataFrame:
    return _titles([(title, "", day) for day, titles in _days(data) for title in titles])


def _days(data: Path) -> Iterator[tuple[str, list[str]]]:
    for path in sorted(path for pattern in _DAILY for path in data.glob(pattern)):
        with gzip.open(path, "rt", encoding="utf8") as lines:
            for line in lines:
                day = json.loads(line)
                yield day["date"], day["titles"]


def _titles(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    """Each title once, with the text and the day of its first appearance."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("title", "text", "first"), pl.String), orient="row")
    return frame.sort("first", "title", "text").unique("title", keep="first", maintain_order=True)


def _per_100k(count: int, of: int) -> float:
    return round(100_000 * count / of, 2)
