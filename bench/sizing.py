"""What a day of any size costs: measured here up to ten million posts, fitted, reckoned beyond and played through."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np

from bench.end_to_end import STAGES
from bench.end_to_end import run as end_to_end

MEASURED = (100_000, 1_000_000, 10_000_000)
RECKONED = (100_000, 1_000_000, 10_000_000, 100_000_000)
#: A day shall be done within so many seconds (our choice: the final log is due at 07:30, the day ends at midnight).
WITHIN = 3600
#: These are carried to workers; the others stand on one machine and are what saturates.
CARRIED = ("clean", "understand")
PROCESSORS = 2
#: Seconds from one round of the crawlers to the next (dags/ingest.py).
EVERY = 900
_DAY = 86_400
MACHINES = (1, 2, 4, 8, 16)
#: A post that waits longer than so many seconds for its grade is no early warning any more (our choice).
PATIENCE = 3600

#: Stage -> start, and what each post adds; seconds, or megabytes.
Costs = Mapping[str, tuple[float, float]]


def run() -> dict[str, Any]:
    """Measure, fit `start + posts * each` by stage, reckon and play through."""
    runs = {posts: end_to_end(posts) for posts in MEASURED}

    def of(figure: str) -> dict[int, dict[str, float]]:
        return {posts: {name: found["stages"][name][figure] for name in STAGES} for posts, found in runs.items()}

    memory, wall = fit(of("peak_memory_mb")), fit(of("seconds"))
    return {
        "posts_per_second": {posts: found["posts_per_second"] for posts, found in runs.items()},
        "cpu_seconds": of("cpu_seconds"),
        "seconds": of("seconds"),
        "peak_memory_mb": of("peak_memory_mb"),
        "reckoned": {posts: reckon(fit(of("cpu_seconds")), memory, posts) for posts in RECKONED},
        "timetable_holds_up_to": {machines: holds_up_to(wall, machines) for machines in MACHINES},
        "played": {posts: {m: play(wall, posts, m) for m in MACHINES} for posts in RECKONED},
    }


def fit(measured: Mapping[int, Mapping[str, float]]) -> dict[str, tuple[float, float]]:
    """Start and rise by stage, neither below zero; sizes weigh alike, large and small.

    Args:
        measured: posts -> stage -> figure, at least two sizes.
    """
    sizes = sorted(measured)
    return {name: _line(sizes, [measured[size][name] for size in sizes]) for name in measured[sizes[0]]}


def reckon(seconds: Costs, megabytes: Costs, posts: int) -> dict[str, Any]:
    """What a day of so many posts takes when it is worked through once.

    Args:
        seconds: of a processor.
        megabytes: at most.
        posts: of the day.

    Returns:
        `cpu_seconds`; `one_machine_hours` with PROCESSORS at full use; `largest`, the stage that takes most; `workers`,
        machines of PROCESSORS that the carried stages need to be done WITHIN; `rest_hours`, what the stages take that
        stay on one machine, by which more workers do not help; `memory_gb` and `in_memory`, the stage that needs it.
    """
    costs, sizes = _at(seconds, posts), _at(megabytes, posts)
    carried = sum(costs[name] for name in CARRIED)
    rest = sum(costs.values()) - carried
    return {
        "cpu_seconds": round(sum(costs.values())),
        "one_machine_hours": round(sum(costs.values()) / PROCESSORS / 3600, 2),
        "largest": max(costs, key=costs.__getitem__),
        "workers": max(ceil(carried / PROCESSORS / WITHIN), 1),
        "rest_hours": round(rest / PROCESSORS / 3600, 2),
        "memory_gb": round(max(sizes.values()) / 1000, 1),
        "in_memory": max(sizes, key=sizes.__getitem__),
    }


def play(seconds: Costs, posts: int, machines: int) -> dict[str, Any]:
    """Play a day through: posts come evenly, and each round works through all that the day has so far.

    A round begins with the first quarter of an hour after the round before has ended, for a day has one writer. The
    carried stages are shared by the machines evenly, which is more than they can do; the others are not.

    Args:
        seconds: of the clock on one machine, by stage.
        posts: of the day.
        machines: workers that share the carried stages.

    Returns:
        `rounds` begun on the day; `last_round_minutes`; `p95_minutes` from a post's arrival to its grade in the marts;
        `in_time`, whether that is within PATIENCE; `waits_for`, whether the last round spends more on the stages that
        workers share (carried) or on those that they do not (rest).
    """
    waits, begun, before, at = [], 0, 0.0, float(EVERY)
    carried = rest = 0.0
    while at <= _DAY:
        carried, rest = _round(seconds, posts * at / _DAY, machines)
        end = at + carried + rest
        waits.append(end - np.linspace(before, at, max(round((at - before) / 10), 2)))
        begun, before = begun + 1, at
        at = max(at + EVERY, ceil(end / EVERY) * EVERY)
    return {
        "rounds": begun,
        "last_round_minutes": round((carried + rest) / 60, 1),
        "p95_minutes": round(float(np.quantile(np.concatenate(waits), 0.95)) / 60, 1),
        "in_time": bool(np.quantile(np.concatenate(waits), 0.95) <= PATIENCE),
        "waits_for": "carried" if carried > rest else "rest",
    }


def holds_up_to(seconds: Costs, machines: int) -> int:
    """Most posts a day, in steps of 10,000, of which the last round is done before the next is due."""
    low, high = 0, 100_000
    while low < high:
        middle = (low + high + 1) // 2
        fits = sum(_round(seconds, middle * 10_000, machines)) <= EVERY
        low, high = (middle, high) if fits else (low, middle - 1)
    return low * 10_000


def _round(seconds: Costs, posts: float, machines: int) -> tuple[float, float]:
    """Seconds of the clock that a round takes: carried and rest."""
    costs = _at(seconds, posts)
    carried = sum(costs[name] for name in CARRIED)
    return carried / machines, sum(costs.values()) - carried


def _at(costs: Costs, posts: float) -> dict[str, float]:
    return {name: start + posts * each for name, (start, each) in costs.items()}


def _line(sizes: list[int], figures: list[float]) -> tuple[float, float]:
    weights = 1 / np.array(sizes, dtype=float)
    each, start = np.polyfit(sizes, figures, 1, w=weights)
    return max(float(start), 0.0), max(float(each), 0.0)
