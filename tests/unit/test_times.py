from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.text.times import parse_time

SHANGHAI = ZoneInfo("Asia/Shanghai")
REFERENCE = datetime(2026, 11, 22, 10, 0, tzinfo=SHANGHAI)


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "at", "precision"),
    [
        ("2026-11-22 09:30", local(2026, 11, 22, 9, 30), "minute"),
        ("2026-11-22 09:30:15", local(2026, 11, 22, 9, 30, 15), "minute"),
        ("2026/11/22", local(2026, 11, 22), "day"),
        ("2026.11.22", local(2026, 11, 22), "day"),
        ("2026年11月22日", local(2026, 11, 22), "day"),
        ("2026年11月22日 9时30分", local(2026, 11, 22, 9, 30), "minute"),
        ("2026年11月22日9时", local(2026, 11, 22, 9), "hour"),
        ("2026年11月22日（星期日）下午3:20", local(2026, 11, 22, 15, 20), "minute"),
        ("２０２６－１１－２２　０９：３０", local(2026, 11, 22, 9, 30), "minute"),
        ("二〇二六年十一月二十二日", local(2026, 11, 22), "day"),
        ("二○二六年二月十日", local(2026, 2, 10), "day"),
        ("20261122", local(2026, 11, 22), "day"),
        ("11-22", local(2026, 11, 22), "day"),
        ("11月22日 09:30", local(2026, 11, 22, 9, 30), "minute"),
        ("12-31", local(2025, 12, 31), "day"),
        ("11-23 09:00", local(2026, 11, 23, 9), "minute"),
        ("2月29日", local(2024, 2, 29), "day"),
        ("刚刚", REFERENCE, "minute"),
        ("3分钟前", REFERENCE - timedelta(minutes=3), "minute"),
        ("3小时前", REFERENCE - timedelta(hours=3), "hour"),
        ("半小时前", REFERENCE - timedelta(minutes=30), "hour"),
        ("3天前", local(2026, 11, 19), "day"),
        ("三天前", local(2026, 11, 19), "day"),
        ("今天 08:00", local(2026, 11, 22, 8), "minute"),
        ("昨天 21:05", local(2026, 11, 21, 21, 5), "minute"),
        ("前天", local(2026, 11, 20), "day"),
        ("1795312200", datetime.fromtimestamp(1795312200, UTC), "minute"),
        ("1795312200000", datetime.fromtimestamp(1795312200, UTC), "minute"),
        ("2026-11-22T01:30:00Z", local(2026, 11, 22, 9, 30), "minute"),
        ("2026-11-22T09:30:00+08:00", local(2026, 11, 22, 9, 30), "minute"),
        ("2026-11-21T20:30:00-05:00", local(2026, 11, 22, 9, 30), "minute"),
        ("2026-11-22T01:30:00.123+0000", local(2026, 11, 22, 9, 30), "minute"),
        ("Sun Nov 22 09:30:00 +0800 2026", local(2026, 11, 22, 9, 30), "minute"),
        ("Sun, 22 Nov 2026 01:30:00 GMT", local(2026, 11, 22, 9, 30), "minute"),
        ("发布时间：2020-07-14 10:39 信息来源：县统计局 浏览次数：340", local(2020, 7, 14, 10, 39), "minute"),
        ("生成日期：2020-07-01 发布日期：2020-07-14", local(2020, 7, 14), "day"),
        ("会员甲 发表于 昨天 21:05", local(2026, 11, 21, 21, 5), "minute"),
        ("2026-11-22 09:30-10:00", local(2026, 11, 22, 9, 30), "minute"),
        ("2020-07-14 10 阅读", local(2020, 7, 14), "day"),
        ("2026-11-22 24:00", local(2026, 11, 23), "minute"),
        ("2026-11-22 25:00", local(2026, 11, 22), "day"),
    ],
)
def test_forms(text: str, at: datetime, precision: str) -> None:
    moment = parse_time(text, REFERENCE)
    assert (moment.at, moment.precision) == (at, precision)
    assert moment.at is not None
    assert moment.at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    ["", "统计局", "13月1日", "2026-11-32", "2026-13-01", "2026年2月30日", "2月30日", "0558-7612345", "5.4%",
     "2026年11月", "123456789012345", "十十月十日"],
)  # fmt: skip
def test_no_or_impossible_time_is_unknown(text: str) -> None:
    moment = parse_time(text, REFERENCE)
    assert (moment.at, moment.precision) == (None, "unknown")


def test_reference_without_zone_is_shanghai_time() -> None:
    assert parse_time("刚刚", REFERENCE.replace(tzinfo=None)).at == REFERENCE


def test_today_is_shanghais_day() -> None:
    assert parse_time("今天", datetime(2026, 11, 21, 17, tzinfo=UTC)).at == local(2026, 11, 22)


# From 2000 to 2037.
INSTANTS = st.integers(946_700_000, 2_140_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, SHANGHAI))


@given(INSTANTS)
def test_iso_round_trip(moment: datetime) -> None:
    at = moment.replace(second=0)
    assert parse_time(at.isoformat(), REFERENCE).at == at
    assert parse_time(f"{at:%Y年%m月%d日 %H:%M}", REFERENCE).at == at


@given(INSTANTS, INSTANTS)
def test_date_without_year_is_never_in_the_future(day: datetime, reference: datetime) -> None:
    moment = parse_time(f"{day:%m-%d}", reference)
    assert moment.at is not None
    assert moment.at <= reference + timedelta(days=1)
    assert moment.at > reference - timedelta(days=366 * 8)


@given(st.text(alphabet="0123456789-/:年月日时分秒前天小昨今刚 十二〇TZ+.上下午", max_size=40))
def test_never_raises(text: str) -> None:
    moment = parse_time(text, REFERENCE)
    assert (moment.at is None) == (moment.precision == "unknown")
