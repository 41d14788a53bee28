"""What the papers of one day are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from caifeng.core.model.office import Office


@dataclass(frozen=True)
class DayReport:
    """One day of the marts. Frames have the columns of their contracts; times are UTC."""

    day: date
    office: Office
    summary: Mapping[str, Any]
    """The single row of marts.daily_summary."""
    log: pl.DataFrame
    """marts.daily_log."""
    escalations: pl.DataFrame
    """marts.escalations."""
    health: pl.DataFrame
    """marts.source_health."""
    is_sample: bool = False
    """Made from the sample town: every paper says so."""


def with_level(log: pl.DataFrame) -> pl.DataFrame:
    """Rows of marts.daily_log, in order of `seq`, with two columns added.

    Returns:
        `level`: the level in force, confirmed by a person or otherwise the standing one of the rules;
        `standing`: 已确认 or 建议.
    """
    return log.sort("seq").with_columns(
        pl.coalesce("level_in_force", "confirmed_level", "system_level").alias("level"),
        pl.when(pl.col("confirmed_level").is_null()).then(pl.lit("建议")).otherwise(pl.lit("已确认")).alias("standing"),
    )
