"""A large day from landed posts to marts: posts a second over all, and seconds and memory of every stage."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from bench.day import raw_day, sources
from caifeng.core.clock import end_of_day
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env, timed
from caifeng.jobs.runs import forget_peak, peak_mb

POSTS = 1_000_000
STAGES = ("clean", "understand", "cluster", "grade", "load", "marts")
DAY = date(2026, 11, 22)


def run(posts: int = POSTS, home: Path | None = None) -> dict[str, Any]:
    """Run the stages of one day as the product does: with lake, gates, register and warehouse.

    Each stage is a process of its own, as Airflow's tasks are. `seconds` are those of the job once its modules are
    imported; `process_seconds` are all that the process took, start and imports included. The register starts empty.
    """
    with TemporaryDirectory() as folder:
        root = home or Path(folder)
        lands(root, DAY, posts)
        stages = {stage: one_stage(stage, root, DAY) for stage in STAGES}
    seconds = sum(stage["seconds"] for stage in stages.values())
    processes = sum(stage["process_seconds"] for stage in stages.values())
    return {
        "posts": posts,
        "posts_per_second": round(posts / seconds),
        "posts_per_second_with_starts": round(posts / processes),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(sum(stage["cpu_seconds"] for stage in stages.values()), 1),
        "peak_memory_mb": max(stage["peak_memory_mb"] for stage in stages.values()),
        "stages": stages,
    }


def lands(home: Path, day: date, posts: int, seed: int = 1) -> None:
    """Put a made-up day into the lake of a home."""
    lake = Env.open(Settings(home=home)).lake
    lake.replace("ops.sources", day, sources())
    lake.replace("raw.posts", day, raw_day(posts, day, seed))


def one_stage(stage: str, home: Path, day: date) -> dict[str, Any]:
    """Figures of one stage, run in a process of its own."""
    started = perf_counter()
    command = [sys.executable, "-m", "bench.end_to_end", stage, str(home), day.isoformat()]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - this module
    seconds = round(perf_counter() - started, 2)
    return {**json.loads(done.stdout.splitlines()[-1]), "process_seconds": seconds}


def _measure(stage: str, home: Path, day: date) -> dict[str, Any]:
    env, moment = Env.open(Settings(home=home)), end_of_day(day)
    job = getattr(import_module(f"caifeng.jobs.{stage}"), stage)
    import_module("great_expectations")  # the gates' library: seconds that belong to the start of a process
    forget_peak()
    started, worked = perf_counter(), process_time()
    with timed(env, stage, day, moment) as reports:
        reports.append(job(env, day, moment))
    return {
        "seconds": round(perf_counter() - started, 2),
        "cpu_seconds": round(process_time() - worked, 2),
        "peak_memory_mb": peak_mb(),
        "counts": reports[0].counts,
    }


if __name__ == "__main__":
    name, where, on = sys.argv[1:]
    print(json.dumps(_measure(name, Path(where), date.fromisoformat(on)), ensure_ascii=False))  # noqa: T201 - read by run()
