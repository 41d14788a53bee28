"""Feeling of real posts and reviews, beside snownlp, cnsenti and the majority class on the same sample.

Labels of the SMP2020 sets are emotions: angry, sad and fear count as negative, happy as positive; neutral takes part
in the figures of three classes only, surprise in none. Labels of weibo_senti come from its emoticons, so that set
is measured without them, and once with them to show how much they give away.

Each set is halved by a hash of its texts. Numbers and lists were tuned on one half; figures are of the other, but
for the thresholds called fitted, which each tool gets from the first half.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import json
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import polars as pl

from caifeng.core.settings import Settings
from transforms.understand.stance import judge_stance

SAMPLE, SEED, PRECISION = 400, 20261122, 0.9

_POLES = {
    "1": 1, "0": -1, "happy": 1, "angry": -1, "sad": -1, "fear": -1, "neutral": 0,
}  # fmt: skip
_SETS = {
    "hotel": ("chnsenticorp_hotel.csv", False),
    "smp2020_usual": ("smp2020_usual_eval_labeled.csv", False),
    "smp2020_virus": ("smp2020_virus_train.csv", False),
    "weibo_without_emoticons": ("weibo_senti_100k_subset.csv", True),
    "weibo_with_emoticons": ("weibo_senti_100k_subset.csv", False),
}
_EMOTICONS = re.compile(r"\[[^\[\]\s]{1,10}\]|[\U0001f300-\U0001faff\u2600-\u27bf\ufe0f]")


class Item(NamedTuple):
    """A text and what its label says: 1 pleased, -1 not, 0 neither."""

    text: str
    pole: int


class Scored(NamedTuple):
    """Scores of a tool, centred at 0 where it says neither, and its band of neither."""

    scores: list[float]
    band: float
    per_second: float


def run(data: Path, sample: int = SAMPLE) -> dict[str, Any]:
    """Measure all tools on the reported half of each set.

    Args:
        data: folder with `sentiment/*.csv` (label, text).
        sample: texts per set; snownlp and cnsenti take about a minute for 400 of each.

    Returns:
        By set: texts, share of classes, and by tool `accuracy`, `macro_f1` (two classes, threshold as shipped),
        `macro_f1_fitted`, `macro_f1_3` (where the set has neutral texts), `coverage` at 90 % precision, `silent`
        (share without any score), `per_second`; a tool that is not installed says so.
    """
    tools = _tools()
    figures: dict[str, Any] = {"sample": sample, "precision": PRECISION}
    for name, (file, without) in _SETS.items():
        items = read_set(data / "sentiment" / file, without_emoticons=without)
        tune, report = _draw(halves(items)[0], sample), _draw(halves(items)[1], sample)
        counts = Counter(item.pole for item in report)
        figures[name] = {
            "texts": len(report),
            "negative": counts[-1],
            "neutral": counts[0],
            "positive": counts[1],
            "majority": _majority(report),
            **{tool: _measure(score, tune, report) for tool, score in tools.items()},
        }
    return figures


def read_set(path: Path, *, without_emoticons: bool) -> list[Item]:
    """Texts of a set whose label counts, each text once, in the order of the file."""
    with path.open(encoding="utf8", newline="") as lines:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(lines)]
    cleaned = [(_EMOTICONS.sub("", text) if without_emoticons else text, label) for text, label in rows]
    return list({t: Item(t, _POLES[label]) for t, label in cleaned if label in _POLES and t.strip()}.values())


def halves(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """The half for tuning and the half for reporting; a text is always in the same one."""
    parts: tuple[list[Item], list[Item]] = ([], [])
    for item in items:
        # emoticons must not decide: both forms of a text belong to one half
        letters = "".join(re.findall(r"[\u4e00-\u9fff]", _EMOTICONS.sub("", item.text)))
        parts[hashlib.sha256(letters.encode()).digest()[0] % 2].append(item)
    return parts


def macro_f1(wanted: Sequence[int], found: Sequence[int]) -> float:
    """Mean F1 of the classes that occur in `wanted`."""
    scores = []
    for pole in sorted(set(wanted)):
        hits = sum(w == f == pole for w, f in zip(wanted, found, strict=True))
        scores.append(2 * hits / max(1, wanted.count(pole) + sum(f == pole for f in found)))
    return round(sum(scores) / len(scores), 4)


def coverage(items: Sequence[Item], scores: Sequence[float], precision: float = PRECISION) -> float:
    """Largest share of the texts, surest first, of which so many are right; equal scores stay together."""
    ranked = sorted(zip(scores, items, strict=True), key=lambda pair: -abs(pair[0]))
    right, best = 0, 0
    for number, (score, item) in enumerate(ranked, 1):
        right += score * item.pole > 0
        last_of_equals = number == len(ranked) or abs(ranked[number][0]) != abs(score)
        if last_of_equals and right >= precision * number:
            best = number
    return round(best / len(ranked), 4)


def _measure(score: Callable[[list[str]], Scored] | None, tune: list[Item], report: list[Item]) -> Any:
    if score is None:
        return "not installed"
    told = score([item.text for item in report])
    poles = [(item, s) for item, s in zip(report, told.scores, strict=True) if item.pole]
    items, scores = [item for item, _ in poles], [s for _, s in poles]
    wanted = [item.pole for item in items]
    known = [item for item in tune if item.pole]
    tie = Counter(item.pole for item in known).most_common(1)[0][0]
    fitted = _fit(known, score([item.text for item in known]).scores)
    found = _poles(scores, 0.0, tie)
    result = {
        "accuracy": round(sum(w == f for w, f in zip(wanted, found, strict=True)) / len(wanted), 4),
        "macro_f1": macro_f1(wanted, found),
        "macro_f1_fitted": macro_f1(wanted, _poles(scores, fitted, tie)),
        "coverage": coverage(items, scores),
        "silent": round(sum(s == 0 for s in scores) / len(scores), 4),
        "per_second": round(told.per_second),
    }
    if len(items) < len(report):
        three = [0 if abs(s) <= told.band else (1 if s > 0 else -1) for s in told.scores]
        result["macro_f1_3"] = macro_f1([item.pole for item in report], three)
    return result


def _majority(report: list[Item]) -> dict[str, float]:
    wanted = [item.pole for item in report if item.pole]
    [(pole, count)] = Counter(wanted).most_common(1)
    return {"accuracy": round(count / len(wanted), 4), "macro_f1": macro_f1(wanted, [pole] * len(wanted))}


def _poles(scores: Sequence[float], threshold: float, tie: int) -> list[int]:
    return [tie if s == threshold else (1 if s > threshold else -1) for s in scores]


def _fit(items: list[Item], scores: list[float]) -> float:
    wanted = [item.pole for item in items]
    # 0 first: it stays unless another threshold is better
    steps = [0.0, *(sorted(scores)[i] for i in range(0, len(scores), max(1, len(scores) // 60)))]
    return max(steps, key=lambda step: macro_f1(wanted, _poles(scores, step, 1)))


def _draw(items: list[Item], sample: int) -> list[Item]:
    rng = random.Random(SEED)  # noqa: S311 - not for secrets
    return rng.sample(items, min(sample, len(items)))


def _tools() -> dict[str, Callable[[list[str]], Scored] | None]:
    return {"caifeng": _caifeng(), "snownlp": _snownlp(), "cnsenti": _cnsenti()}


def _caifeng() -> Callable[[list[str]], Scored]:
    rules = Settings.load().stance()

    def score(texts: list[str]) -> Scored:
        started = perf_counter()
        judged = judge_stance(pl.DataFrame({"title": [""] * len(texts), "text": texts}), rules)
        scores = judged["polarity"].fill_null(0.0).to_list()
        return Scored(scores, rules.decision.positive_above, len(texts) / (perf_counter() - started))

    return score


def _snownlp() -> Callable[[list[str]], Scored] | None:
    try:
        snownlp = importlib.import_module("snownlp")
    except ImportError:
        return None

    def score(texts: list[str]) -> Scored:
        started = perf_counter()
        # its scale is 0..1; 0.4..0.6 is taken for neither
        scores = [snownlp.SnowNLP(text).sentiments - 0.5 for text in texts]
        return Scored(scores, 0.1, len(texts) / (perf_counter() - started))

    return score


def _cnsenti() -> Callable[[list[str]], Scored] | None:
    try:
        sentiment = importlib.import_module("cnsenti").Sentiment()
    except ImportError:
        return None

    def score(texts: list[str]) -> Scored:
        started = perf_counter()
        counted = [sentiment.sentiment_count(text) for text in texts]
        scores = [(c["pos"] - c["neg"]) / (c["pos"] + c["neg"] + 1) for c in counted]
        return Scored(scores, 0.0, len(texts) / (perf_counter() - started))

    return score


if __name__ == "__main__":
    where = os.environ.get("CAIFENG_EVAL_DATA")
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE
    figures_ = run(Path(where), asked) if where else {"skipped": "CAIFENG_EVAL_DATA is not set"}
    print(json.dumps({"bench": "stance", **figures_}, ensure_ascii=False))  # noqa: T201 - the benchmark's output
