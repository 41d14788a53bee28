"""What a day of any size costs: measured here up to a million posts, fitted, and reckoned beyond."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np

from bench.end_to_end import STAGES
from bench.end_to_end import run as end_to_end

MEASURED = (20_000, 100_000, 1_000_000)
RECKONED = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
#: A day shall be done within so many seconds (our choice: the final log is due at 07:30, the day ends at midnight).
WITHIN = 3600
#: These are carried to workers; the others stand on one machine and are what saturates.
CARRIED = ("clean", "understand")
PROCESSORS = 2


def run() -> dict[str, Any]:
    """Measure, fit `seconds = start + posts * each` by stage, and reckon."""
    runs = {posts: end_to_end(posts) for posts in MEASURED}
    seconds = {posts: {name: found["stages"][name]["cpu_seconds"] for name in STAGES} for posts, found in runs.items()}
    memory = {posts: found["peak_memory_mb"] for posts, found in runs.items()}
    return {"cpu_seconds": seconds, "peak_memory_mb": memory, "reckoned": reckon(seconds)}


def reckon(measured: Mapping[int, Mapping[str, float]]) -> dict[int, dict[str, Any]]:
    """Hours of a day's run by its number of posts.

    Args:
        measured: posts -> stage -> CPU seconds, at least two sizes.

    Returns:
        By number of posts: `cpu_seconds`; `one_machine_hours` with PROCESSORS at full use; `largest`, the stage that
        takes most; `workers`, machines of PROCESSORS that the carried stages need to be done WITHIN; `rest_hours`, what
        the stages take that stay on one machine, by which more workers do not help.
    """
    sizes = sorted(measured)
    fitted = {name: _line(sizes, [measured[size][name] for size in sizes]) for name in measured[sizes[0]]}
    found = {}
    for posts in RECKONED:
        costs = {name: start + posts * each for name, (start, each) in fitted.items()}
        carried = sum(costs[name] for name in CARRIED)
        rest = sum(costs.values()) - carried
        found[posts] = {
            "cpu_seconds": round(sum(costs.values())),
            "one_machine_hours": round(sum(costs.values()) / PROCESSORS / 3600, 2),
            "largest": max(costs, key=costs.__getitem__),
            "workers": max(ceil(carried / PROCESSORS / WITHIN), 1),
            "rest_hours": round(rest / PROCESSORS / 3600, 2),
        }
    return found


def _line(sizes: list[int], seconds: list[float]) -> tuple[float, float]:
    """Start and seconds a post, neither below zero; sizes weigh alike, large and small."""
    weights = 1 / np.array(sizes, dtype=float)
    each, start = np.polyfit(sizes, seconds, 1, w=weights)
    return (max(float(start), 0.0), max(float(each), 0.0))
