from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.text.times import UNKNOWN, Moment, date_in_url, parse_time

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
        ("2026年11月22日 星期日 21:05", local(2026, 11, 22, 21, 5), "minute"),
        ("2026/11/22 星期日 9:05:01", local(2026, 11, 22, 9, 5, 1), "minute"),
        ("2026-11-22 9:05 PM", local(2026, 11, 22, 21, 5), "minute"),
        ("2026-11-22 下午 03:05", local(2026, 11, 22, 15, 5), "minute"),
        ("2026-11-22 晚上12:05", local(2026, 11, 23, 0, 5), "minute"),
        ("2026-11-22 凌晨12:05", local(2026, 11, 22, 0, 5), "minute"),
        ("2026年11月22日上午九点半", local(2026, 11, 22, 9, 30), "minute"),
        ("二〇二六年十一月二十二日十五时", local(2026, 11, 22, 15), "hour"),
        ("二〇二六年十月廿二日", local(2026, 10, 22), "day"),
        ("2026-11-21T20:30:00.123-05:00", local(2026, 11, 22, 9, 30), "minute"),
        ("2026-11-22T09:30:00+08", local(2026, 11, 22, 9, 30), "minute"),
        ("2026-11-22 09:30 GMT+8", local(2026, 11, 22, 9, 30), "minute"),
        ("Sun Nov 22 09:30:00 CST 2026", local(2026, 11, 22, 9, 30), "minute"),
        ("Sun Nov 22 2026 09:30:00 GMT+0800 (中国标准时间)", local(2026, 11, 22, 9, 30), "minute"),
        ("1795312200.25", datetime.fromtimestamp(1795312200, UTC), "minute"),
        ("26-11-22", local(2026, 11, 22), "day"),
        ("26年11月22日 09:30", local(2026, 11, 22, 9, 30), "minute"),
        ("今天08:30", local(2026, 11, 22, 8, 30), "minute"),
        ("今早8点", local(2026, 11, 22, 8), "hour"),
        ("昨晚九点半", local(2026, 11, 21, 21, 30), "minute"),
        ("大前天 10:00", local(2026, 11, 19, 10), "minute"),
        ("3天前 10:20", local(2026, 11, 19, 10, 20), "minute"),
        ("1小时20分钟前", REFERENCE - timedelta(minutes=80), "minute"),
        ("1天2小时前", REFERENCE - timedelta(hours=26), "hour"),
        ("上周五", local(2026, 11, 13), "day"),
        ("上星期天 08:00", local(2026, 11, 15, 8), "minute"),
        ("上上周五", local(2026, 11, 6), "day"),
        ("本周一下午3点", local(2026, 11, 16, 15), "hour"),
        ("周五 21:05", local(2026, 11, 20, 21, 5), "minute"),
        ("星期日", local(2026, 11, 22), "day"),
        ("两周前", local(2026, 11, 8), "day"),
        ("3个月前", local(2026, 8, 24), "day"),
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
     "2026年11月", "123456789012345", "十十月十日", "十十时", "二十十点", "去年12月", "今年三月", "上周", "周一至周五",
     "每周三", "2026年前三季度", "26年前三季度", "3月前", "11-22-26", "99-01-02", "1795312200123456",
     "Foo, 22 Abc 2026 01:30:00 GMT"],
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


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        ("11-21", False), ("06-01", False), ("05-20", True), ("2月29日", True), ("12-31", True),
        ("05月20日 08:00", True),
        ("26-11-22", False), ("24-11-22", True), ("2020-07-14", False), ("三天前", False), ("昨天", False),
        ("上周五", False), ("周五", True), ("3周前", True), ("半年前", True), ("1795312200", False), ("统计", False),
    ],
)  # fmt: skip
def test_a_year_of_ours_far_back_and_a_bare_week_are_guesses(text: str, guessed: bool) -> None:
    assert parse_time(text, REFERENCE).guessed is guessed


def test_dates_without_year_around_new_year() -> None:
    january = local(2027, 1, 2, 9)
    assert parse_time("12-31 23:50", january) == Moment(local(2026, 12, 31, 23, 50), "minute")
    assert parse_time("01-02 08:00", january) == Moment(local(2027, 1, 2, 8), "minute")
    assert parse_time("1月3日", january) == Moment(local(2027, 1, 3), "day")
    assert parse_time("1月4日", january) == Moment(local(2026, 1, 4), "day", guessed=True)
    assert parse_time("01-01", local(2026, 12, 31, 23, 59)) == Moment(local(2027, 1, 1), "day")


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("http://example.cn/2026/11/22/a.html", (2026, 11, 22)),
        ("http://example.cn/news/20261122/a.html", (2026, 11, 22)),
        ("http://example.cn/202611/t20261122_123.html", (2026, 11, 22)),
        ("http://example.cn/html/2026-11/22/content_1.htm", (2026, 11, 22)),
        ("http://example.cn/2026-11-22/a.html", (2026, 11, 22)),
        ("http://example.cn/n1/2026/1122/c1-2.html", (2026, 11, 22)),
        ("http://example.cn/2026/1/2/a.html", (2026, 1, 2)),
        ("http://example.cn/p/20261122093015001.shtml", (2026, 11, 22)),
        ("http://example.cn/zt/20200101/2026-11/22/a.html", (2026, 11, 22)),
        ("http://example.cn/20261123/a.html", (2026, 11, 23)),
        ("/2026/11/22/a.html", (2026, 11, 22)),
    ],
)
def test_a_date_in_an_address_is_a_guess(url: str, day: tuple[int, int, int]) -> None:
    assert date_in_url(url, REFERENCE) == Moment(local(*day), "day", guessed=True)


@pytest.mark.parametrize(
    "url",
    ["", "http://example.cn/", "http://20261122.example.cn/a", "http://example.cn/2026/13/22/", "http://example.cn/2026/2/30/",
     "http://example.cn/20271122/", "http://example.cn/202611/a.html", "http://example.cn/id/120261122", "http://[",
     "http://example.cn/a?id=20269999", "http://example.cn/2026/11/223/"],
)  # fmt: skip
def test_an_address_without_a_day_is_unknown(url: str) -> None:
    assert date_in_url(url, REFERENCE) == UNKNOWN
