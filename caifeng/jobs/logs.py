"""Logs of the jobs: JSON lines that carry run, day, source and stage; plain words on a terminal; kept half a year.

网络安全法 (2025 amendment) Art. 23: logs are kept for at least six months, here 184 days.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from caifeng.core import clock
from caifeng.core.text.scrub import scrub
from caifeng.core.text.visible import visible

#: The shortest time that the law allows; config/observability.toml may say longer.
KEPT_DAYS = 184
_context: ContextVar[dict[str, str] | None] = ContextVar("caifeng_log_context", default=None)
_DATED = re.compile(r"(?:^|-)(\d{4}-\d{2}-\d{2})\.jsonl$")


class JsonFile(logging.Handler):
    """Adds each record as one line to logs/caifeng-<Shanghai day>.jsonl; never stops the job that logs."""

    def __init__(self, home: Path) -> None:
        super().__init__(logging.INFO)
        self.home = home

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a disk that is full is said on standard error, by logging itself."""
        try:
            at = clock.now()
            line = {
                "at": at.isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                **(_context.get() or {}),
                **({"source": source} if (source := getattr(record, "source", None)) else {}),
                "logger": record.name,
                "message": scrub(record.getMessage()),
            }
            _append(self.home / "logs" / f"caifeng-{clock.business_day(at)}.jsonl", line)
        except Exception:
            self.handleError(record)


class Plain(logging.Formatter):
    """Records for a terminal: one line each, whatever a page's words hold; tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The line."""
        return super().formatMessage(record).replace("\n", "\\n")

    def format(self, record: logging.LogRecord) -> str:
        """The line and what belongs to it, control characters made visible."""
        return visible(super().format(record))


@contextmanager
def context(home: Path, **names: str) -> Iterator[None]:
    """Let what is logged meanwhile go to the home's log, under these names (run, day, stage, source)."""
    root = logging.getLogger("caifeng")
    handler = next((h for h in root.handlers if isinstance(h, JsonFile) and h.home == home), None)
    added = [] if handler else [JsonFile(home)]
    if not handler and sys.stderr.isatty():  # plain for people; a service keeps the lines
        plain: Any = logging.StreamHandler()
        plain.setFormatter(Plain("%(levelname)s %(message)s"))
        added.append(plain)
    for each in added:
        root.addHandler(each)
    before = root.level
    if root.getEffectiveLevel() > logging.INFO:
        root.setLevel(logging.INFO)
    token = _context.set({**(_context.get() or {}), **names})
    try:
        yield
    finally:
        _context.reset(token)
        root.setLevel(before)
        for each in added:
            root.removeHandler(each)


def add_line(home: Path, line: dict[str, Any]) -> None:
    """Add a line to logs/runs.jsonl; what is of an earlier month is set aside as logs/runs-YYYY-MM.jsonl."""
    path = home / "logs" / "runs.jsonl"
    if path.exists() and (last := _first_month(path)) and last < str(line["at"])[:7]:
        kept = path.with_name(f"runs-{last}.jsonl")
        if not kept.exists():
            path.rename(kept)
    _append(path, line)


def remove_old(home: Path, today: date, days: int = KEPT_DAYS) -> list[Path]:
    """Remove logs of more than so many days ago: by the date in their names, of a month by its last day.

    What runs were is kept on: ops.runs has it for ten years.

    Returns:
        The files removed.
    """
    removed = []
    for path in sorted((home / "logs").glob("*.jsonl")) + sorted((home / "logs" / "runs").glob("*.jsonl")):
        if (last := _last_day(path.name)) and last < today - timedelta(days=days):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def _first_month(path: Path) -> str | None:
    """Month of its first line."""
    with path.open(encoding="utf8") as file:
        found = re.match(r'\{"at": "(\d{4}-\d{2})', file.readline())
    return found[1] if found else None


def _last_day(name: str) -> date | None:
    if found := _DATED.search(name):
        return date.fromisoformat(found[1])
    if found := re.fullmatch(r"runs-(\d{4})-(\d{2})\.jsonl", name):
        year, month = int(found[1]), int(found[2])
        return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return None


def _append(path: Path, line: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, (visible(json.dumps(line, ensure_ascii=False)) + "\n").encode())
    finally:
        os.close(descriptor)
