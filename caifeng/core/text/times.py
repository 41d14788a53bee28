"""Times as Chinese pages write them, to UTC with a precision.

An own table instead of a date library: those tried misread what Chinese sites write most (11-22 became the year
2011, Weibo's ctime and 二〇二六年 were not understood).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal
from unicodedata import normalize
from zoneinfo import ZoneInfo

Precision = Literal["minute", "hour", "day", "unknown"]


@dataclass(frozen=True)
class Moment:
    """A time as stated: UTC aware, or None with precision `unknown`. A day stands at 00:00 Shanghai time."""

    at: datetime | None
    precision: Precision


UNKNOWN = Moment(None, "unknown")
SHANGHAI = ZoneInfo("Asia/Shanghai")

_CUE = re.compile(r"(?:发布|发表|发文|发稿|提交|留言|来信|刊发)(?:时间|日期|于)|(?:^|\s)(?:时间|日期)\s*:")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "O": 0, "两": 2}
_CN_DATE = re.compile(
    r"([〇○O零一二三四五六七八九]{4})\s*年\s*([一二三四五六七八九十]{1,3})\s*月\s*([一二三四五六七八九十]{1,3})\s*[日号]"
)
_CN_COUNT = re.compile(r"([一二两三四五六七八九十]{1,3}|半)(?=\s*(?:分钟|个?小时|天|周|个?星期)\s*前)")

# A clock time after a date; the gap may hold a weekday or a separator, never a digit.
_CLOCK = (
    r"(?:[T\s,]{0,4}(?:\(?(?:星期|周|礼拜)[一二三四五六日天]\)?)?\s{0,3}"
    r"(?P<half>凌晨|早上|上午|中午|下午|晚上)?\s{0,2}"
    r"(?P<hour>\d{1,2})\s?(?P<colon>[:时点])\s?(?:(?P<minute>\d{1,2})(?!\d)\s?分?"
    r"(?::(?P<second>\d{1,2})(?!\d)(?:\.\d+)?)?)?"
    # A minus is a zone only after seconds: 09:30-10:00 is a span.
    r"(?:\s?(?P<zone>Z|UTC|GMT|\+\d{2}:?\d{2}|(?<=:\d\d:\d\d)-\d{2}:?\d{2}))?)?"
)
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^\s*(?P<epoch>\d{10}|\d{13})\s*$"), "epoch"),
    (
        re.compile(
            r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s+(?P<mon>[A-Z][a-z]{2})\s+(?P<day>\d{1,2})\s+"
            r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})\s+(?P<zone>[+-]\d{4})\s+(?P<year>\d{4})"
        ),
        "english",
    ),
    (
        re.compile(
            r"(?P<day>\d{1,2})\s+(?P<mon>[A-Z][a-z]{2})\s+(?P<year>\d{4})\s+"
            r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?\s*(?P<zone>GMT|UTC|Z|[+-]\d{4})"
        ),
        "english",
    ),
    (
        re.compile(
            r"(?<!\d)(?P<year>(?:19|20)\d{2})\s?(?P<sep>[-/.年])\s?(?P<month>\d{1,2})\s?(?:(?P=sep)|月)\s?"
            r"(?P<day>\d{1,2})(?!\d)\s?[日号]?" + _CLOCK
        ),
        "full",
    ),
    (re.compile(r"(?<!\d)(?P<year>20\d{2})(?P<month>\d{2})(?P<day>\d{2})(?!\d)"), "full"),
    (re.compile(r"刚刚|刚才"), "now"),
    (re.compile(r"(?<!\d)(?P<n>\d{1,4})\s*(?P<unit>秒钟?|分钟?|个?小时|天|周|个?星期)\s*(?:之前|以前|前)"), "ago"),
    (re.compile(r"(?P<word>今天|今日|昨天|昨日|前天|前日)" + _CLOCK), "near"),
    (re.compile(r"(?<![\d.年月-])(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?[日号]" + _CLOCK), "yearless"),
    (re.compile(r"(?<![\d./-])(?P<month>\d{1,2})[-/](?P<day>\d{1,2})(?![\d/%-]|\.\d)" + _CLOCK), "yearless"),
)


def parse_time(text: str, reference: datetime) -> Moment:
    """Find the time of publication in a piece of text.

    Args:
        text: the time, or a line that holds it (发布时间：2020-07-14 10:39 信息来源：…). Asia/Shanghai counts when
            no zone is given; what follows 发布时间 and the like goes before any other date in the line.
        reference: when the page was read; relative times count from it, and a date without a year gets the
            latest year that is not more than one day after it. Naive means Asia/Shanghai.

    Returns:
        The moment; `unknown` for text without a time and for impossible dates. Never raises.
    """
    reference = reference if reference.tzinfo else reference.replace(tzinfo=SHANGHAI)
    plain = _arabic(normalize("NFKC", text[:2000]))
    for part in _parts(plain):
        for pattern, kind in _FORMS:
            if found := pattern.search(part):
                try:
                    return _READERS[kind](found, reference)
                except (ValueError, OverflowError):
                    return UNKNOWN
    return UNKNOWN


def _parts(text: str) -> Iterator[str]:
    for cue in _CUE.finditer(text):
        yield text[cue.end() : cue.end() + 60]
    yield text


def _arabic(text: str) -> str:
    """Chinese numerals of dates and of 三天前 to Arabic ones."""
    text = _CN_DATE.sub(
        lambda m: "".join(str(_DIGITS[c]) for c in m[1]) + f"年{_small_number(m[2])}月{_small_number(m[3])}日",
        text,
    )
    return _CN_COUNT.sub(lambda m: "0" if m[1] == "半" else str(_small_number(m[1])), text)


def _small_number(numeral: str) -> int:
    """一 .. 九十九; 0 for what is no number, which no calendar accepts."""
    tens, ten, ones = numeral.rpartition("十")
    if not ten:
        return _DIGITS[numeral] if len(numeral) == 1 else 0
    if len(tens) > 1 or len(ones) > 1:
        return 0
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)


def _on_day(day: date, found: re.Match[str]) -> Moment:
    """The day with the clock time of the match; a clock time that cannot be is left out."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    if found.groupdict().get("hour") is None:
        return Moment(midnight.astimezone(UTC), "day")
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    half = found.groupdict().get("half")
    if (half in {"下午", "晚上"} and 1 <= hour < 12) or (half == "中午" and hour < 3):
        hour += 12
    if found.groupdict().get("colon") == ":" and found["minute"] is None:
        return Moment(midnight.astimezone(UTC), "day")
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        return Moment(midnight.astimezone(UTC), "day")
    start = midnight.replace(tzinfo=_zone(found["zone"]))
    at = (start + timedelta(hours=hour, minutes=minute, seconds=second)).astimezone(UTC)
    return Moment(at, "minute" if found["minute"] is not None else "hour")


def _zone(text: str | None) -> timezone | ZoneInfo:
    if not text:
        return SHANGHAI
    if text in {"Z", "UTC", "GMT"}:
        return UTC
    digits = text.lstrip("+-").replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _read_epoch(found: re.Match[str], _: datetime) -> Moment:
    seconds = int(found["epoch"]) / (1000 if len(found["epoch"]) == 13 else 1)
    return Moment(datetime.fromtimestamp(seconds, UTC), "minute")


def _read_english(found: re.Match[str], _: datetime) -> Moment:
    month = _MONTHS.index(found["mon"].lower()) + 1
    return _on_day(date(int(found["year"]), month, int(found["day"])), found)


def _read_full(found: re.Match[str], _: datetime) -> Moment:
    return _on_day(date(int(found["year"]), int(found["month"]), int(found["day"])), found)


def _read_now(_: re.Match[str], reference: datetime) -> Moment:
    return Moment(reference.astimezone(UTC), "minute")


def _read_ago(found: re.Match[str], reference: datetime) -> Moment:
    n, unit = int(found["n"]), found["unit"]
    if unit.startswith("秒"):
        return Moment((reference - timedelta(seconds=n)).astimezone(UTC), "minute")
    if unit.startswith("分"):
        return Moment((reference - timedelta(minutes=n)).astimezone(UTC), "minute")
    if unit.endswith("小时"):
        # 半小时前 arrives as 0.
        return Moment((reference - timedelta(hours=n or 0.5)).astimezone(UTC), "hour")
    days = n if unit == "天" else 7 * n
    return _on_day((reference.astimezone(SHANGHAI) - timedelta(days=days)).date(), found)


def _read_near(found: re.Match[str], reference: datetime) -> Moment:
    days = {"今": 0, "昨": 1, "前": 2}[found["word"][0]]
    return _on_day((reference.astimezone(SHANGHAI) - timedelta(days=days)).date(), found)


def _read_yearless(found: re.Match[str], reference: datetime) -> Moment:
    month, day = int(found["month"]), int(found["day"])
    latest = reference + timedelta(days=1)
    this_year = latest.astimezone(SHANGHAI).year
    # Nine years back reach a 29 February in any case.
    for year in range(this_year, this_year - 9, -1):
        try:
            moment = _on_day(date(year, month, day), found)
        except ValueError:
            continue
        if moment.at is not None and moment.at <= latest:
            return moment
    return UNKNOWN


_READERS: dict[str, Callable[[re.Match[str], datetime], Moment]] = {
    "epoch": _read_epoch,
    "english": _read_english,
    "full": _read_full,
    "now": _read_now,
    "ago": _read_ago,
    "near": _read_near,
    "yearless": _read_yearless,
}
