"""`python -m bench.score TASK predictions.jsonl`: score anybody's predictions on a task of the public benchmark.

A task is bench/public/<task>/gold.jsonl, one `{"id", "label"}` a line. Predictions have the same form; an id that is
missing counts as wrong, one that is unknown or repeated is an error, so that nobody can gain by leaving out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caifeng.core.errors import CaifengError, DataError, UsageError

PUBLIC = Path(__file__).parent / "public"
#: Tasks whose labels are groups: only which ids share one matters.
GROUPED = frozenset({"reposts", "titles_events"})


def read(path: Path) -> dict[str, Any]:
    """Labels by id.

    Raises:
        DataError: a line is not `{"id", "label"}`, or an id stands twice; named by file and line.
    """
    labels: dict[str, Any] = {}
    try:
        lines = path.read_text("utf8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            key, label = str(row["id"]), row["label"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: line {number}: expected an object with id and label") from error
        if not isinstance(label, str | int | bool) or key in labels:
            raise DataError(f"{path}: line {number}: {'id stands twice' if key in labels else 'label is not plain'}")
        labels[key] = label
    return labels


def score(task: str, gold: Mapping[str, Any], predicted: Mapping[str, Any]) -> dict[str, Any]:
    """Accuracy and macro F1 over the gold labels; for grouped tasks pairwise precision, recall and F1.

    Raises:
        DataError: a prediction for an unknown id.
    """
    if unknown := sorted(predicted.keys() - gold.keys()):
        raise DataError(f"{task}: no such id: {unknown[0]}")
    base = {"task": task, "items": len(gold), "missing": len(gold.keys() - predicted.keys())}
    if task in GROUPED:
        true, said = _pairs(gold), _pairs(predicted)
        return base | dict(
            zip(("precision", "recall", "f1"), _prf(len(true & said), len(said), len(true)), strict=True)
        )
    right = sum(predicted.get(key) == label for key, label in gold.items())
    f1 = []
    for label in sorted(set(gold.values()), key=str):
        having = {key for key, value in gold.items() if value == label}
        claimed = {key for key, value in predicted.items() if value == label}
        f1.append(_prf(len(having & claimed), len(claimed), len(having))[2])
    return base | {"accuracy": round(right / len(gold), 4), "macro_f1": round(sum(f1) / len(f1), 4)}


def _pairs(labels: Mapping[str, Any]) -> set[tuple[str, str]]:
    ids = sorted(labels)
    return {(a, b) for i, a in enumerate(ids) for b in ids[i + 1 :] if labels[a] == labels[b]}


def _prf(hits: int, said: int, true: int) -> tuple[float, float, float]:
    precision, recall = hits / said if said else 0.0, hits / true if true else 0.0
    both = precision + recall
    return round(precision, 4), round(recall, 4), round(2 * precision * recall / both if both else 0.0, 4)


def main(arguments: list[str]) -> None:
    """Print the score as one JSON line.

    Raises:
        UsageError: not two arguments, or no such task.
    """
    tasks = sorted(path.parent.name for path in PUBLIC.glob("*/gold.jsonl"))
    if len(arguments) != 2 or arguments[0] not in tasks:
        raise UsageError(f"python -m bench.score TASK predictions.jsonl; tasks: {', '.join(tasks)}")
    task, file = arguments
    found = score(task, read(PUBLIC / task / "gold.jsonl"), read(Path(file)))
    print(json.dumps(found, ensure_ascii=False))  # noqa: T201 - the answer


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CaifengError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
