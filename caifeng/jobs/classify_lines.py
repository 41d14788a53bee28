"""JSON lines in, verdicts out: `caifeng classify --json`."""

import json
from collections.abc import Iterable
from typing import Any

import polars as pl

from caifeng.core.model.office import Office
from caifeng.core.model.stance import StanceRules
from caifeng.core.model.taxonomy import Taxonomy
from caifeng.jobs.json_lines import read_texts
from transforms.understand.jurisdiction import assign_jurisdiction, place_rules
from transforms.understand.relevance import classify, relevance_rules
from transforms.understand.signals import detect_signals, signal_rules

_TEXTS = ("title", "text")


def classify_lines(
    lines: Iterable[str], taxonomy: Taxonomy, office: Office, stance_rules: StanceRules
) -> tuple[list[str], bool]:
    """Judge one text per line.

    Args:
        lines: JSON objects `{id, title, text}`; the id is a string or an integer and is echoed; blank lines are
            passed over.
        taxonomy: the rules.
        office: whose place counts as own.
        stance_rules: how stance and feeling are read.

    Returns:
        One JSON line per input line, in input order, and whether every line could be read. A good line gives
        `id, relevant, reason, topics, jurisdiction, stance, polarity, intensity, evidence`; a bad one
        `{"id", "error"}` with "field: reason" (id null where it cannot be read), and the others go on.
    """
    parsed = read_texts(lines, _TEXTS)
    good = [entry for entry in parsed if "error" not in entry]
    texts = pl.DataFrame(
        {"id": range(len(good)), "title": [e["title"] for e in good], "text": [e["text"] for e in good]},
        schema={"id": pl.Int64, "title": pl.String, "text": pl.String},
    )
    verdicts = iter(_verdicts(texts, taxonomy, office, stance_rules))
    answers = [e if "error" in e else {"id": e["id"], **next(verdicts)} for e in parsed]
    return [json.dumps(answer, ensure_ascii=False) for answer in answers], len(good) == len(parsed)


def _verdicts(
    texts: pl.DataFrame, taxonomy: Taxonomy, office: Office, stance_rules: StanceRules
) -> list[dict[str, Any]]:
    relevance = classify(texts, relevance_rules(taxonomy))
    texts = texts.with_columns(topic=relevance["topics"].list.first().struct.field("topic"))
    place = assign_jurisdiction(texts, place_rules(taxonomy, office))
    signals = detect_signals(texts, signal_rules(taxonomy, stance_rules))
    frame = relevance.select("relevant", "reason", "topics", why="evidence").with_columns(
        place["jurisdiction"],
        signals["stance"],
        signals["polarity"],
        signals["intensity"],
        evidence=pl.concat_list(pl.col("why"), place["evidence"]),
    )
    return [
        {
            "relevant": row["relevant"],
            "reason": row["reason"],
            "topics": [{"id": topic["topic"], "score": topic["score"]} for topic in row["topics"]],
            "jurisdiction": row["jurisdiction"],
            "stance": row["stance"],
            "polarity": row["polarity"],
            "intensity": row["intensity"],
            "evidence": row["evidence"],
        }
        for row in frame.iter_rows(named=True)
    ]
