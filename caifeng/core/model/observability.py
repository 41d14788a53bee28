"""When the system says that it is not well itself: config/observability.toml. All numbers are our choice."""

from __future__ import annotations

from datetime import time

from pydantic import BaseModel, ConfigDict, Field

from caifeng.core.model.office import RoleId


class ObservabilityRules(BaseModel):
    """Limits of `caifeng status` and `caifeng watchdog`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    log_by: time = time(17, 30)
    """When the day's preliminary log must be there, Beijing time."""
    crawl_within_minutes: int = Field(default=90, ge=15)
    """Longest time without a crawl."""
    publish_within_minutes: int = Field(default=180, ge=15)
    """Longest time without a fresh analytics.duckdb."""
    outbox_within_minutes: int = Field(default=60, ge=5)
    """Longest time that a message that is due may wait."""
    free_disk_gb: float = Field(default=5, gt=0)
    """Less room than this on the disk of CAIFENG_HOME is an alarm."""
    logs_days: int = Field(default=184, ge=184)
    """Logs are kept for so many days; the law asks for six months."""
    told: tuple[RoleId, ...] = ("openness_office",)
    """Roles that the watchdog tells."""
