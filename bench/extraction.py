"""Generic extraction beside trafilatura, readability-lxml and htmldate on the same pages, in one process and thread.

F1 of a body is over the multisets of its character 4-grams (letters, digits and Han; everything else is left out), the
same measure as the second opinion's. A title is right when it equals the gold title in those characters; a time when
its minute is the gold minute, counted on pages whose gold time has minutes and is not midnight, which is a mere day.
"""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

from caifeng.core.clock import SHANGHAI
from caifeng.core.text.encoding import decode
from crawlers.extract import extract_page
from crawlers.second_opinion import likeness

#: Rounds for ours, one for the others: ours is too short to be measured once.
ROUNDS = 5
#: After all pages were published; relative times do not occur.
_REFERENCE = datetime(2026, 11, 22, tzinfo=UTC)
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Case:
    """A page and what people took from it; null where they noted nothing."""

    id: str
    html: str
    url: str
    title: str | None
    published: str | None
    body: str


def run(data: Path) -> dict[str, Any]:
    """Measure all tools.

    Args:
        data: folder of the evaluation data; holds extraction/gold.json and the pages it names.

    Returns:
        Per tool the mean F1 and pages per second (CPU time), for ours also the lowest F1 and its page, the share of
        right titles and minutes; or `skipped` with the reason where the data or a tool is missing.
    """
    gold = data / "extraction" / "gold.json"
    if not gold.is_file():
        return {"skipped": f"{gold}: no such file (set CAIFENG_EVAL_DATA)"}
    try:
        import trafilatura  # noqa: PLC0415 - only the bench pays for these imports
        from htmldate import find_date  # noqa: PLC0415
        from readability import Document  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        return {"skipped": f"{error.name} is not installed (make install has it under dev)"}
    logging.disable(logging.CRITICAL)
    cases = _cases(gold)

    def readable(case: Case) -> str:
        from selectolax.lexbor import LexborHTMLParser  # noqa: PLC0415

        return LexborHTMLParser(Document(case.html).summary()).text(separator="\n")

    ours, seconds = _timed(lambda case: extract_page(case.html, case.url, _REFERENCE), cases, ROUNDS)
    trafilated, trafilatura_seconds = _timed(lambda case: trafilatura.extract(case.html) or "", cases)
    _, dated_seconds = _timed(lambda case: trafilatura.bare_extraction(case.html, with_metadata=True), cases)
    readables, readability_seconds = _timed(readable, cases)
    dates, htmldate_seconds = _timed(lambda case: find_date(case.html, original_date=True) or "", cases)

    scores = [likeness(found.body, case.body) or 0.0 for found, case in zip(ours, cases, strict=True)]
    lowest = min(range(len(cases)), key=scores.__getitem__)
    titled = [_plain(found.title) == _plain(case.title) for found, case in zip(ours, cases, strict=True) if case.title]
    minutes = [
        _minute(found.published.at) == case.published[:16].replace("T", " ")
        for found, case in zip(ours, cases, strict=True)
        if case.published and _has_minute(case.published)
    ]
    days = [
        (_minute(found.published.at)[:10] == case.published[:10], date == case.published[:10])
        for found, case, date in zip(ours, cases, dates, strict=True)
        if case.published
    ]
    rate = len(cases) * ROUNDS / seconds
    return {
        "pages": len(cases),
        "measure": "F1 of character 4-grams over letters, digits, Han",
        "f1": _mean(scores),
        "f1_lowest": round(scores[lowest], 4),
        "f1_lowest_page": cases[lowest].id,
        "f1_trafilatura": _mean([likeness(t, c.body) or 0.0 for t, c in zip(trafilated, cases, strict=True)]),
        "f1_readability": _mean([likeness(t, c.body) or 0.0 for t, c in zip(readables, cases, strict=True)]),
        "titles": len(titled),
        "title_right": _mean(titled),
        "times_with_minute": len(minutes),
        "minute_right": _mean(minutes),
        "days": len(days),
        "day_right": _mean([ours for ours, _ in days]),
        "day_right_htmldate": _mean([theirs for _, theirs in days]),
        "pages_per_second": round(rate, 1),
        "pages_per_second_trafilatura": round(len(cases) / trafilatura_seconds, 1),
        "pages_per_second_trafilatura_with_date": round(len(cases) / dated_seconds, 1),
        "pages_per_second_readability": round(len(cases) / readability_seconds, 1),
        "pages_per_second_htmldate": round(len(cases) / htmldate_seconds, 1),
        "ratio_to_trafilatura": round(rate * trafilatura_seconds / len(cases), 1),
        "ratio_to_trafilatura_with_date": round(rate * dated_seconds / len(cases), 1),
    }


def _cases(gold: Path) -> list[Case]:
    cases = []
    for entry in json.loads(gold.read_text("utf8")):
        body = gzip.decompress((gold.parent / entry["html"]).read_bytes())
        cases.append(
            Case(
                entry["id"],
                decode(body).text,
                entry.get("url") or "",
                entry.get("title"),
                entry.get("publish_time"),
                entry["body"],
            )
        )
    return cases


def _timed(work: Callable[[Case], Any], cases: list[Case], rounds: int = 1) -> tuple[list[Any], float]:
    """Results of the last round, and the CPU seconds of all after a first page that warms up caches."""
    work(cases[0])
    results: list[Any] = []
    started = process_time()
    for _ in range(rounds):
        results = [work(case) for case in cases]
    return results, process_time() - started


def _has_minute(stated: str) -> bool:
    return len(stated) >= 16 and stated[11:16] != "00:00"


def _minute(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def _plain(text: str | None) -> str:
    return _NOT_WORD.sub("", text or "").lower()


def _mean(values: list[Any]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0
