"""stub"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
import polars as pl
from caifeng.core.model.office import Office


@dataclass(frozen=True)
class DashboardData:
    day: date
    office: Office
    summaries: pl.DataFrame
    log: pl.DataFrame
    health: pl.DataFrame
    weights: Mapping[str, int]
    is_sample: bool = False
