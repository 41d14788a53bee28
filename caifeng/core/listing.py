"""A list as a job gives it and a verb shows it (caifeng.screen): cells in Chinese for people, values for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Cell = str | int | float | bool | date | datetime | Sequence[str] | None


@dataclass(frozen=True)
class Listing:
    """Rows in two forms of the same order."""

    title: str
    """Above the table, on a terminal only."""
    heads: tuple[str, ...]
    cells: Sequence[Sequence[Cell]]
    """One per row, as many cells as heads; null is unknown."""
    values: Sequence[Mapping[str, Any]]
    """One per row: codes, not their names; what `--json` prints. Null is null."""
    empty: str
    """What is said where there is no row."""
