"""The list of sources with their health, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from caifeng.core.model.terms import SOURCE_CLASS_NAMES, SOURCE_STATUS_NAMES
from caifeng.jobs.base import Env


def source_lines(env: Env, day: date | None) -> Iterator[str]:
    """One line per source: id, status of the day if it was run, class, name, its state in words."""
    sources = env.settings.sources()
    health = {}
    if day and env.warehouse.file.exists():
        health = {row["source_id"]: row for row in env.warehouse.read("marts.source_health", day).iter_rows(named=True)}
    if not sources.usable and not sources.errors:
        yield f"no source is configured: add one file per source under {env.settings.config / 'sources'}"
    for source in sources.usable:
        row = health.get(source.id)
        status = SOURCE_STATUS_NAMES[row["status"]] if row else "—"
        phrase = f"  {row['phrase']}" if row else ""
        yield f"{source.id:<20} {status}  {SOURCE_CLASS_NAMES[source.source_class]}  {source.name}{phrase}"
    for source_id, error in sources.errors.items():
        yield f"{source_id:<20} {SOURCE_STATUS_NAMES['broken']}  {error}"
