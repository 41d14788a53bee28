"""How a level holds over time, and when the office is warned: config/early_warning.toml. All numbers are our choice."""

from datetime import datetime, time, timedelta, timezone
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

AlertKind = Literal["level", "burst", "growth", "key_category"]
#: Kind of alert -> its name on screens.
ALERT_NAMES: dict[str, str] = {
    "level": "级别变化",
    "burst": "声量突增",
    "growth": "快速增长",
    "key_category": "重点回应类别",
}

#: How a level compares with the one before -> its name on screens.
CHANGE_NAMES: dict[str, str] = {
    "new": "首次评估",
    "raised": "升级",
    "lowered": "降级",
    "moved": "转入或转出分级范围",
    "same": "未变",
}

ScaleLevel = Literal["log_only", "general", "larger", "major", "extreme"]

#: China has one zone and no summer time.
_BEIJING = timezone(timedelta(hours=8))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OverTimeRules(_Strict):
    """When a level that is no longer found is lowered."""

    lower_evaluations: int = Field(default=2, ge=1)
    """Evaluations in a row that must find a lower level."""
    lower_after_hours: float = Field(default=12, ge=0, le=720, allow_inf_nan=False)
    """Clock hours that must lie between the first and the last of them."""


class QuietHours(_Strict):
    """Hours of the night, Beijing time, in which nobody is disturbed by what can wait; `starts` inclusive."""

    starts: time = time(22)
    ends: time = time(7)

    def delivery(self, at: datetime) -> datetime:
        """`at` itself; within the quiet hours, their end, in the zone of `at`."""
        local = at.astimezone(_BEIJING)
        clock, past_midnight = local.time(), self.starts > self.ends
        late, early = clock >= self.starts, clock < self.ends
        if not ((late or early) if past_midnight else (late and early)):
            return at
        end = datetime.combine(local.date(), self.ends, _BEIJING)
        return (end + timedelta(days=1) if past_midnight and late else end).astimezone(at.tzinfo)


class EarlyWarningRules(_Strict):
    """What is alerted, and when it is delivered."""

    first_from: ScaleLevel = "larger"
    """A new issue is alerted from this level on."""
    never_muted_from: Literal["log_only", "general", "larger", "major"] = "major"
    """From this level on quiet hours do not count; 重大 is never muted."""
    growth_hours: int = Field(default=24, ge=1, le=720)
    """Quick growth of an issue is said once in so many hours."""
    over_time: OverTimeRules = OverTimeRules()
    quiet: QuietHours = QuietHours()
