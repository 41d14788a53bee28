"""JSON lines in, verdicts out: `caifeng classify --json`."""

import json
from collections.abc import Iterable
from typing import Any

import polars as pl

from caifeng.core.model.office import Office
from caifeng.core.model.taxonomy import Taxonomy
from transforms.understand.jurisdiction import assign_jurisdiction
from transforms.understand.relevance import classify
from transforms.understand.signals import detect_signals

_FIELDS = ("id", "title", "text")


def classify_lines(lines: Iterable[str], taxonomy: Taxonomy, office: Office) -> tuple[list[str], bool]:
    """Judge one text per line.

    Args:
        lines: JSON objects `{id, title, text}`; the id is a string or an integer and is echoed; blank lines are
            passed over.
        taxonomy: the rules.
        office: whose place counts as own.

    Returns:
        One JSON line per input line, in input order, and whether every line could be read. A good line gives
        `id, relevant, reason, topics, jurisdiction, stance, evidence`; a bad one `{"id", "error"}` with
        "field: reason" (id null where it cannot be read), and the others go on.
    """
    parsed = [_parse(line) for line in lines if line.strip()]
    good = [entry for entry in parsed if "error" not in entry]
    texts = pl.DataFrame(
        {"id": range(len(good)), "title": [e["title"] for e in good], "text": [e["text"] for e in good]},
        schema={"id": pl.Int64, "title": pl.String, "text": pl.String},
    )
    verdicts = iter(_verdicts(texts, taxonomy, office))
    answers = [e if "error" in e else {"id": e["id"], **next(verdicts)} for e in parsed]
    return [json.dumps(answer, ensure_ascii=False) for answer in answers], len(good) == len(parsed)


def _parse(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "error": f"line: not JSON: {error}"}
    if not isinstance(entry, dict):
        return {"id": None, "error": "line: not a JSON object"}
    given = entry.get("id")
    id_ok = isinstance(given, str | int) and not isinstance(given, bool) and _encodable(given)
    if problem := _problem(entry, id_ok):
        return {"id": given if id_ok else None, "error": problem}
    return entry


def _problem(entry: dict[str, Any], id_ok: bool) -> str | None:
    for field in _FIELDS:
        if field not in entry:
            return f"{field}: missing"
    if not id_ok:
        return "id: neither a string nor an integer"
    for field in ("title", "text"):
        if not isinstance(entry[field], str):
            return f"{field}: not a string"
        if not _encodable(entry[field]):
            return f"{field}: not valid Unicode"
    for field in entry:
        if field not in _FIELDS:
            return f"{field if _encodable(field) else 'field'}: unknown field"
    return None


def _encodable(value: str | int) -> bool:
    try:
        str(value).encode()
    except (UnicodeEncodeError, ValueError):
        return False
    return True


def _verdicts(texts: pl.DataFrame, taxonomy: Taxonomy, office: Office) -> list[dict[str, Any]]:
    relevance = classify(texts, taxonomy)
    texts = texts.with_columns(topic=relevance["topics"].list.first().struct.field("topic"))
    place = assign_jurisdiction(texts, taxonomy, office)
    signals = detect_signals(texts, taxonomy)
    frame = relevance.select("relevant", "reason", "topics", why="evidence").with_columns(
        place["jurisdiction"], signals["stance"], evidence=pl.concat_list(pl.col("why"), place["evidence"])
    )
    return [
        {
            "relevant": row["relevant"],
            "reason": row["reason"],
            "topics": [{"id": topic["topic"], "score": topic["score"]} for topic in row["topics"]],
            "jurisdiction": row["jurisdiction"],
            "stance": row["stance"],
            "evidence": row["evidence"],
        }
        for row in frame.iter_rows(named=True)
    ]
