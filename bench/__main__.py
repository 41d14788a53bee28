"""`caifeng bench [NAME …]`: run all benchmarks, or those named; one JSON line each, several in a process each.

What is compared with others runs side by side in one process or one run, so the ratios mean something on a noisy
machine. Benchmarks on real pages and titles need CAIFENG_EVAL_DATA; without it they say so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from bench.report import save, write
from caifeng.core.errors import UsageError


class Benchmark(NamedTuple):
    """Where a benchmark is, and whether it needs real data."""

    module: str
    function: str = "run"
    on_data: bool = False


BENCHMARKS = {
    "grade": Benchmark("grade"),
    "classify": Benchmark("classify"),
    "stage": Benchmark("stage"),
    "extraction": Benchmark("extraction", on_data=True),
    "encoding": Benchmark("encoding"),
    "relevance": Benchmark("relevance", on_data=True),
    "reposts": Benchmark("reposts", on_data=True),
    "repost_window": Benchmark("reposts", "run_window"),
    "issues": Benchmark("issues", on_data=True),
    "stance": Benchmark("stance", on_data=True),
    "events": Benchmark("events", on_data=True),
    "early_warning": Benchmark("early_warning"),
    "crawl": Benchmark("crawl"),
    "end_to_end": Benchmark("end_to_end"),
    "history": Benchmark("history"),
    "sizing": Benchmark("sizing"),
    "review": Benchmark("review"),
    "dashboard": Benchmark("dashboard"),
    "latency": Benchmark("latency", "run_all"),
}


def measure(name: str) -> dict[str, Any]:
    """Run one benchmark.

    Returns:
        Its figures, or `skipped` with the reason.
    """
    benchmark = BENCHMARKS[name]
    data = os.environ.get("CAIFENG_EVAL_DATA")
    if benchmark.on_data and not data:
        return {"bench": name, "skipped": "CAIFENG_EVAL_DATA is not set"}
    function = getattr(import_module(f"bench.{benchmark.module}"), benchmark.function)
    figures: dict[str, Any] = function(Path(str(data))) if benchmark.on_data else function()
    return {"bench": name, **figures, "cores": os.cpu_count()}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all of them (`all`); `--save` keeps the figures, `report` writes the page of them.

    Raises:
        UsageError: there is no such benchmark.
    """
    keep = "--save" in names
    names = [name for name in names if name not in {"--save", "all"}]
    if names == ["report"]:
        write()
        return
    if unknown := set(names) - set(BENCHMARKS):
        raise UsageError(f"no such benchmark: {', '.join(sorted(unknown))} (there are {', '.join(BENCHMARKS)})")
    names = names or [*BENCHMARKS]
    if len(names) > 1:  # each in a process of its own: the memory of one is not that of the next
        failed = [name for name in names if subprocess.run(_alone(name, keep), check=False).returncode]  # noqa: S603 - ourselves
        if failed:
            raise UsageError(f"failed: {', '.join(failed)}")
        return
    for name in names:
        figures = measure(name)
        print(json.dumps(figures, ensure_ascii=False), flush=True)  # noqa: T201 - the benchmark's output
        if keep:
            save(figures)


def _alone(name: str, keep: bool) -> list[str]:
    return [sys.executable, "-m", "bench", name, *(["--save"] if keep else [])]


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UsageError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
