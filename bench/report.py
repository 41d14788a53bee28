"""`caifeng bench report`: docs/benchmarks.md from bench/results/*.jsonl, so that no figure is unmeasured."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
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
        figures = {name: value for name, value in run.items() if name not in _MADE}
        head = f"## {run['bench']}\n\n`{run['command']}` · {run['date']} · {run['machine']}\n"
        parts += [head, *tables(figures)]
    return "\n".join(parts)


def tables(figures: Mapping[str, Any], above: str = "") -> list[str]:
    """Figures as tables: single ones in one; what has the same figures (peers, sizes, sets) side by side in another."""
    nested = {name: _counted(value) for name, value in figures.items() if isinstance(_counted(value), Mapping)}
    single = {name: value for name, value in figures.items() if name not in nested}
    found = [_table(["figure", above or "value"], flat(single))] if single else []
    groups: list[dict[str, Mapping[str, Any]]] = []
    for name, value in nested.items():
        alike = (group for group in groups if _alike(value, next(iter(group.values()))))
        if (group := next(alike, None)) is None:
            groups.append(group := {})
        group[name] = value
    for group in groups:
        if len(group) == 1:
            ((name, value),) = group.items()
            found += tables(value, f"{above} › {name}" if above else name)
            continue
        sides = [dict(flat(value)) for value in group.values()]
        rows = [
            (row, *(side.get(row, "") for side in sides)) for row in dict.fromkeys(r for side in sides for r in side)
        ]
        found.append(_table([above or "figure", *group], rows))
    return found


def _alike(one: Any, other: Any) -> bool:
    """Whether two figures are of one kind: single ones, or of records half of the names of the smaller."""
    one, other = _counted(one), _counted(other)
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return not isinstance(one, Mapping) and not isinstance(other, Mapping)
    same = sum(_alike(one[name], other[name]) for name in set(one) & set(other))
    return 2 * same >= min(len(one), len(other)) > 0


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _said(value: Any) -> str:
    match value:
        case None:
            return "—"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
    return str(value)


def _counted(value: Any) -> Any:
    """A list of records by their number; anything else as it is."""
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return {str(number): item for number, item in enumerate(value, 1)}
    return value


def flat(figures: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Every figure with the names that lead to it; a list of plain values is one figure, null is —."""
    found = []
    for name, given in figures.items():
        value = _counted(given)
        path = f"{above}{name}".replace("|", "\\|")
        if isinstance(value, Mapping):
            found += flat(value, f"{path} › ")
        else:
            found.append((path, _said(value)))
    return [(name, value.replace("|", "\\|")) for name, value in found] if not above else found


def write(results: Path = RESULTS, target: Path = PAGE) -> None:
    """Write the page."""
    target.write_text(page(results), "utf8")


if __name__ == "__main__":
    write()
