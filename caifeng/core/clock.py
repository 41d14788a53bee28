"""The only place that asks what time it is. Business days are Shanghai days; stored times are UTC."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from caifeng.core.errors import UsageError

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now(as_of: datetime | None = None) -> datetime:
    """Current time in UTC, or `as_of` where the clock is fixed for replay (`CAIFENG_AS_OF`)."""
    return (as_of or datetime.now(UTC)).astimezone(UTC)


def in_utc(at: datetime) -> datetime:
    """The same moment in UTC, as it is stored.

    Raises:
        UsageError: the time has no zone, so that nobody can say which moment is meant.
    """
    if at.tzinfo is None:
        raise UsageError(f"time {at.isoformat()} has no zone; write one, such as +08:00")
    return at.astimezone(UTC)


def business_day(at: datetime) -> date:
    """Shanghai calendar day of a moment."""
    return at.astimezone(SHANGHAI).date()


def start_of_day(day: date) -> datetime:
    """00:00 Shanghai time of a day, in UTC."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """24:00 Shanghai time of a day, in UTC: the moment for which its final log is made."""
    return start_of_day(day + timedelta(days=1))
