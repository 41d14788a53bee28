"""`python -m bench.public_sets`: write the tasks of the public benchmark (bench/public) from our own worked examples.

Texts are those of this repository: the taxonomy's examples, the hand-worked grades, invented sentences with their
stance, invented copies. Deadlines come from the second reckoning of the tests, which shares nothing with the product.
Tasks whose name begins with `titles_` are about titles of others: their ids are the first 16 hex digits of SHA-256 of
the title in UTF-8, and there are no texts.
"""

from __future__ import annotations

import csv
import json
import random
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.score import PUBLIC
from caifeng.core.model.taxonomy import Taxonomy
from caifeng.core.settings import Settings
from tests.cases.reference_deadlines import UnknownYearError, due_one, random_cases
from tests.unit.test_grading_corpus import ISSUES, ROWS

ROOT = Path(__file__).parents[1]
LABELS = Path(__file__).parent / "labels"
#: Reasons by which a text passes the relevance gate.
_PASSING = frozenset({"strong_term", "indicator_term", "context_term", "source_board"})
_CASES, _STORIES, _SEED = 200, 40, 20261122

Item = tuple[dict[str, Any], dict[str, Any]]
"""What is given of an item (empty: a text of others), and its labels by id."""


def tasks() -> dict[str, list[Item]]:
    """Every task with its items; the same at every call."""
    taxonomy = Settings().taxonomy()
    stances = tomllib.loads((ROOT / "tests/unit/stance_examples.toml").read_text("utf8"))
    return {
        "relevance": _numbered("relevance", _relevance(taxonomy)),
        "topics": _numbered("topics", ((text, topic.id) for topic in taxonomy.topics for text in topic.examples)),
        "stance": _numbered("stance", _sentences(stances)),
        "reposts": _numbered("reposts", _stories(taxonomy)),
        "grading": [
            ({"id": name, "text": issue["title"], "measures": row}, {name: issue["level"]})
            for name, issue, row in zip(_names("grading"), ISSUES, _measures(), strict=False)
        ],
        "deadlines": list(_deadlines()),
        "titles_relevance": [({}, {row["hash"]: row["label"] == "1"}) for row in _rows("stat_topic.tsv")],
        "titles_reposts": [({}, {f"{row['left']}-{row['right']}": row["copy"] == "1"}) for row in _rows("reposts.tsv")],
        "titles_events": [
            ({}, {row["hash"]: row["hash"] if row["event"] == "-" else row["event"]})
            for row in _rows("events.tsv", ("hash", "event"))
        ],
    }


def write(folder: Path = PUBLIC) -> None:
    """Write `<task>/texts.jsonl` (of our own texts) and `<task>/gold.jsonl`."""
    for task, items in tasks().items():
        (folder / task).mkdir(parents=True, exist_ok=True)
        given = [text for text, _ in items if text]
        labels = [{"id": name, "label": label} for _, gold in items for name, label in gold.items()]
        for file, lines in (("texts.jsonl", given), ("gold.jsonl", labels)):
            if lines:
                written = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
                (folder / task / file).write_text(written, "utf8")


def _relevance(taxonomy: Taxonomy) -> Iterator[tuple[str, bool]]:
    for topic in taxonomy.topics:
        yield from ((text, True) for text in topic.examples)
    yield from ((example.text, example.reason in _PASSING) for example in taxonomy.relevance.examples)


def _sentences(stances: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Those that our own rules get wrong, too."""
    for part, groups in stances.items():
        if part != "known_miss":  # these stand in a group, too
            for group, texts in groups.items():
                yield from ((text, part if group == "plain" else group) for text in texts)


def _stories(taxonomy: Taxonomy) -> Iterator[tuple[str, str]]:
    """Invented texts, each with copies (same label) and with one that says another figure (a label of its own)."""
    chance = random.Random(_SEED)  # noqa: S311 - no secret
    known = [text for topic in taxonomy.topics for text in topic.examples]
    for number in range(_STORIES):
        figure = f"{chance.randint(11, 98) / 10}"
        said = "。".join(chance.sample(known, 4))
        text = f"青禾县{number + 1}号通报：同比增长{figure}%。{said}。"
        yield text, f"story-{number}"
        yield f"【转】{text}（来源：县融媒体）", f"story-{number}"
        yield text.replace("，", ",").replace("。", "  "), f"story-{number}"
        yield text[: len(text) * 4 // 5], f"story-{number}"
        yield text.replace(f"{figure}%", f"{float(figure) + 1:.1f}%"), f"other-{number}"


def _measures() -> Iterator[dict[str, Any]]:
    return ({name: value for name, value in row.items() if name != "issue_no"} for row in ROWS)


def _deadlines() -> Iterator[Item]:
    """A case a line; its labels are its eight times, `none` where there is no duty."""
    for case in random_cases(_CASES, _SEED):
        try:
            due = due_one(case)
        except UnknownYearError:  # it runs into a year without a notice
            continue
        name = f"deadlines-{case.pop('issue_no')[-3:]}"
        yield {"id": name, **case}, {f"{name}/{key}": at.isoformat() if at else "none" for key, at in due.items()}


def _numbered(task: str, labelled: Iterable[tuple[str, Any]]) -> list[Item]:
    once = dict(labelled)  # a sentence may be an example of two things
    return [
        ({"id": name, "text": text}, {name: label})
        for name, (text, label) in zip(_names(task), once.items(), strict=False)
    ]


def _names(task: str) -> Iterator[str]:
    return (f"{task}-{number:03d}" for number in range(1, 1000))


def _rows(file: str, columns: tuple[str, ...] | None = None) -> Iterator[dict[str, str]]:
    lines = (line for line in (LABELS / file).read_text("utf8").splitlines() if not line.startswith("#"))
    yield from csv.DictReader(lines, columns, delimiter="\t")


if __name__ == "__main__":
    write()
