"""The list of sources with their health."""

from __future__ import annotations

from datetime import date
from typing import Any

from caifeng.core.listing import Listing
from caifeng.core.model.terms import SOURCE_CLASS_NAMES, SOURCE_STATUS_NAMES
from caifeng.jobs.base import Env


def source_listing(env: Env, day: date | None) -> Listing:
    """`caifeng sources list`: class and name of each source, how it was on a day that was run, what is wrong with it.

    Args:
        env: where things are.
        day: day of the health; null: none is told.

    Returns:
        Values: `source_id`, `status` (as marts.source_health, `broken` where the file is no source; null: not known),
        `source_class`, `name` (both null where the file is no source), `phrase` (null: not known).
    """
    sources = env.settings.sources()
    health = {}
    if day and env.warehouse.file.exists():
        health = {row["source_id"]: row for row in env.warehouse.read("marts.source_health", day).iter_rows(named=True)}
    values: list[dict[str, Any]] = []
    for source in sources.usable:
        row = health.get(source.id, {"status": None, "phrase": None})
        of_file = {"source_id": source.id, "source_class": source.source_class, "name": source.name}
        values.append({**of_file, "status": row["status"], "phrase": row["phrase"]})
    for source_id, error in sources.errors.items():
        nothing = {"source_id": source_id, "source_class": None, "name": None}
        values.append({**nothing, "status": "broken", "phrase": str(error)})
    return Listing(
        "来源",
        ("编号", "状态", "类别", "名称", "说明"),
        [
            (
                row["source_id"],
                SOURCE_STATUS_NAMES[row["status"]] if row["status"] else None,
                SOURCE_CLASS_NAMES[row["source_class"]] if row["source_class"] else None,
                row["name"],
                row["phrase"],
            )
            for row in values
        ],
        values,
        f"no source is configured: add one file per source under {env.settings.config / 'sources'}",
    )
