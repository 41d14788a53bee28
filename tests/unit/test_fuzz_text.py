"""Whatever a page holds, the text kernel answers, in bounded time, and keeps its promises."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caifeng.core.text.encoding import Undecodable, decode
from caifeng.core.text.scrub import find_pii, scrub
from caifeng.core.text.times import Moment, date_in_url, parse_time
from caifeng.core.text.urls import canonical_url, is_web_url, post_id

REFERENCES = st.datetimes(datetime(1995, 1, 2), datetime(2090, 1, 1), timezones=st.just(ZoneInfo("Asia/Shanghai")))  # noqa: DTZ001 - hypothesis adds the zone

TIME_PIECES = st.sampled_from(
    ["2026", "26", "1999", "11", "22", "0", "99", "一", "二〇二六", "十", "廿", "半", "年", "月", "日", "号", "时",
     "点", "分", "-", "/", ".", ":", "：", " ", "T", "Z", "+08:00", "-05:00", "+99:99", "UTC", "CST", "GMT+8",
     "刚刚", "小时", "分钟", "个月", "天", "周", "星期", "前", "之前", "今天", "昨", "晚", "前天", "上", "上午",
     "下午", "PM", "发布时间", "Nov", "Sun", "1795312200", "9999999999999", "至", "每"]
)  # fmt: skip
TIMES = st.lists(TIME_PIECES, max_size=12).map("".join) | st.text(max_size=60)
ADDRESSES = st.lists(
    st.sampled_from(
        ["http://", "HTTPS://", "example.cn", "weibo.com", "/", "//", "2026", "11", "22", "20261122", "t", "_",
         "-", "?", "&", "=", "#", "%", "%2f", "uid", "spm", ";jsessionid=", ":80", "@", "[", "]", "中", " ",
         "space-uid-7", "u", "."]
    ),
    max_size=14,
).map("".join) | st.text(max_size=60)  # fmt: skip
WORDS = st.lists(
    st.sampled_from(
        ["局长", "张", "三", "王小燕", "某", "记者", "电话", "139", "12345678", "0558-", "a@b.cn", "皖S", "12345",
         "身份证", "〔姓名〕", "〔", "〕", "（男，", "、", "，", "和", "的", " ", "\n", "微信", "QQ", "６", "x",
         "老师", "于", "高"]
    ),
    max_size=16,
).map("".join) | st.text(max_size=80)  # fmt: skip
CODECS = ("utf-8", "gb18030", "big5", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "shift_jis")
BODIES = st.binary(max_size=400) | st.builds(
    lambda text, codec, cut, noise: text.encode(codec, "ignore")[:cut] + noise,
    st.text(st.characters(max_codepoint=0x9FFF), max_size=120),
    st.sampled_from(CODECS),
    st.integers(0, 400),
    st.binary(max_size=4),
)
DECLARED = st.sampled_from(
    [None, "", "utf-8", "gb2312", "big5", "iso-8859-1", "utf-16", "utf-7", "hz", "idna", "zip", "x"]
)


def check_moment(moment: Moment) -> None:
    assert (moment.at is None) == (moment.precision == "unknown")
    if moment.at is None:
        assert not moment.guessed
        return
    assert moment.at.utcoffset() == timedelta(0)
    assert moment.at.tzinfo is UTC
    if moment.precision == "day":
        assert moment.at.astimezone(ZoneInfo("Asia/Shanghai")).hour == 0


def check_time(text: str, reference: datetime) -> Moment:
    moment = parse_time(text, reference)
    check_moment(moment)
    return moment


def check_date_in_url(url: str, reference: datetime) -> Moment:
    moment = date_in_url(url, reference)
    check_moment(moment)
    assert moment.at is None or (moment.guessed and moment.at - reference <= timedelta(days=1))
    return moment


def check_decode(body: bytes, declared: str | None) -> str | None:
    """The encoding; None where it is no text."""
    try:
        found = decode(body, declared)
    except Undecodable:
        return None
    assert found.text.count("\ufffd") <= 0.01 * len(found.text)
    assert len(found.text) <= len(body)
    assert decode(body, declared) == found
    return found.encoding


def check_scrub(text: str) -> str:
    clean = scrub(text)
    assert scrub(clean) == clean
    assert find_pii(clean) == []
    if not find_pii(text):
        assert clean == text
    return clean


def check_url(url: str) -> str:
    once = canonical_url(url)
    assert canonical_url(once) == once
    assert post_id(once) == post_id(url)
    if is_web_url(url):
        assert is_web_url(once)
    return once


CHECKS: dict[str, tuple[Callable[..., object], tuple[st.SearchStrategy[object], ...]]] = {
    "parse_time": (check_time, (TIMES, REFERENCES)),
    "date_in_url": (check_date_in_url, (ADDRESSES, REFERENCES)),
    "decode": (check_decode, (BODIES, DECLARED)),
    "scrub": (check_scrub, (WORDS,)),
    "canonical_url": (check_url, (ADDRESSES,)),
}


def fuzz(name: str, examples: int) -> int:
    """Run one check on so many examples; how many ran."""
    check, strategies = CHECKS[name]
    ran = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.tuples(*strategies))
    def one(arguments: tuple[object, ...]) -> None:
        nonlocal ran
        ran += 1
        check(*arguments)

    one()
    return ran


@pytest.mark.parametrize("name", CHECKS)
def test_a_few_hundred_examples(name: str) -> None:
    assert fuzz(name, 200) >= 200


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_two_thousand_examples_each(name: str) -> None:
    assert fuzz(name, 2_000) >= 2_000


@pytest.mark.parametrize(
    "piece",
    ["1", "年", "2026-", "1天", " ", "〔", "局长", "张三、", "局长张", "某", "、李四", "a@", "1 ", "http:", "2026/1/",
     "%", "上"],
)  # fmt: skip
def test_long_repetitions_come_to_an_end(piece: str) -> None:
    """Without a stopwatch: a pattern that explodes on 100,000 characters does not come back."""
    text = piece * (100_000 // len(piece))
    reference = datetime(2026, 11, 22, tzinfo=UTC)
    # A time stands near the beginning; what follows decides nothing.
    assert check_time(text, reference) == check_time(text[:2000], reference)
    assert check_date_in_url(f"http://example.cn/{text}", reference) == date_in_url(
        "http://example.cn/" + text[:2000], reference
    )
    assert check_url(f"http://example.cn/{text}").startswith("http://example.cn/")
    assert find_pii(check_scrub(text)) == []


@pytest.mark.parametrize(
    ("piece", "encoding"),
    [
        (b"\xff", None),
        (b"a\xff", "utf-16-be"),
        (b"\x81", "gb18030"),
        (b"\x00", None),
        (b"<meta ", "utf-8"),
        (b"a" * 17 + b"\xe9", "cp1252"),
        ("统计，".encode("gbk"), "gb18030"),
        ("統計".encode("big5"), "big5"),
    ],
)
def test_five_megabytes_come_to_an_end(piece: bytes, encoding: str | None) -> None:
    body = (piece * (5_000_000 // len(piece) + 1))[:5_000_000]
    assert check_decode(body, None) == encoding
