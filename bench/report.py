"""`caifeng bench report`: docs/benchmarks.md from bench/results/*.jsonl, so that no figure is unmeasured."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caifeng.core import clock

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
_MADE = ("bench", "cores", "date", "machine", "command")
_HEAD = """# Benchmarks

Made by `caifeng bench report` from `bench/results/*.jsonl`; do not edit. `caifeng bench --save` runs all benchmarks
and keeps their figures; only the latest run of each is shown, older ones stay in the files. What is compared ran side
by side in one run: compare within a table, never between tables or machines. What has no table here was not kept.
"""


def save(figures: Mapping[str, Any], results: Path = RESULTS) -> None:
    """Append one run to bench/results/<name>.jsonl with date, machine and command; skipped ones are not kept."""
    if "skipped" in figures:
        return
    results.mkdir(parents=True, exist_ok=True)
    data = "CAIFENG_EVAL_DATA=… " if os.environ.get("CAIFENG_EVAL_DATA") else ""
    line = {
        **figures,
        "date": clock.now().astimezone(clock.SHANGHAI).date().isoformat(),
        "machine": f"{platform.machine()}, {figures.get('cores')} cores, Python {platform.python_version()}",
        "command": f"{data}caifeng bench --save {figures['bench']}",
    }
    with (results / f"{figures['bench']}.jsonl").open("a", encoding="utf8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def page(results: Path = RESULTS) -> str:
    """The text of docs/benchmarks.md."""
    parts = [_HEAD]
    for path in sorted(results.glob("*.jsonl")):
        run: dict[str, Any] = json.loads(path.read_text("utf8").splitlines()[-1])
        rows = "\n".join(f"| {name} | {value} |" for name, value in flat(run) if name not in _MADE)
        parts.append(
            f"## {run['bench']}\n\n`{run['command']}` · {run['date']} · {run['machine']}\n\n"
            f"| figure | value |\n|---|---|\n{rows}\n"
        )
    return "\n".join(parts)


def flat(figures: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Every figure with the names that lead to it; a list of plain values is one figure, null is —."""
    found = []
    for name, given in figures.items():
        value = given
        path = f"{above}{name}".replace("|", "\\|")
        if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            value = {str(number): item for number, item in enumerate(value, 1)}
        if isinstance(value, Mapping):
            found += flat(value, f"{path} › ")
        else:
            found.append((path, "—" if value is None else f"{value:,}" if isinstance(value, int) else str(value)))
    return [(name, value.replace("|", "\\|")) for name, value in found] if not above else found


def write(results: Path = RESULTS, target: Path = PAGE) -> None:
    """Write the page."""
    target.write_text(page(results), "utf8")


if __name__ == "__main__":
    write()
