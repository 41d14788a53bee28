"""A moment written in Beijing time is the same moment."""

from datetime import UTC, datetime, timedelta

import pytest

from caifeng.core.clock import SHANGHAI, in_utc
from caifeng.core.errors import UsageError


def test_beijing_time_is_stored_in_utc() -> None:
    at = in_utc(datetime(2026, 11, 23, 7, 30, tzinfo=SHANGHAI))
    assert at == datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert at.utcoffset() == timedelta(0)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="no zone"):
        in_utc(datetime.fromisoformat("2026-11-23T07:30"))
