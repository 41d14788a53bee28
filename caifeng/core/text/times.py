"""Times as Chinese pages write them, to UTC with a precision.

An own table instead of a date library: those tried misread what Chinese sites write most (11-22 became the year
2011, Weibo's ctime and 二〇二六年 were not understood).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal
from unicodedata import normalize
from zoneinfo import ZoneInfo

Precision = Literal["minute", "hour", "day", "unknown"]

#: A year we supplied is a guess where it puts the date further back than this: a list of old entries without years
#: looks like one of new ones. Our choice.
GUESSED_AFTER = timedelta(days=180)


@dataclass(frozen=True)
class Moment:
    """A time as stated: UTC aware, or None with precision `unknown`. A day stands at 00:00 Shanghai time.

    `guessed` says that part of the day is our supposition: the year was supplied by us and the date lies more than
    `GUESSED_AFTER` back, it comes from an address, or only a weekday, a count of weeks or of months is stated.
    """

    at: datetime | None
    precision: Precision
    guessed: bool = False


UNKNOWN = Moment(None, "unknown")
SHANGHAI = ZoneInfo("Asia/Shanghai")

_CUE = re.compile(r"(?:发布|发表|发文|发稿|提交|留言|来信|刊发)(?:时间|日期|于)|(?:^|\s)(?:时间|日期)\s*:")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "O": 0, "两": 2}
_CN_DATE = re.compile(
    r"([〇○O零一二三四五六七八九]{4})\s*年\s*([一二三四五六七八九十]{1,3})\s*月\s*([一二三四五六七八九十廿卅]{1,3})\s*[日号]"
)
_SHORT_UNITS = r"秒钟?|分钟?|个?小时|天|周|个?星期"
# 3月前 is before March.
_SPAN_UNITS = rf"{_SHORT_UNITS}|个月|年"
_CN_COUNT = re.compile(
    rf"([一二两三四五六七八九十]{{1,3}}|半)(?=\s*(?:{_SPAN_UNITS})\s*(?:\d{{1,2}}\s*分钟?\s*)?(?:之前|以前|前))"
)
_CN_CLOCK = re.compile(r"([一二两三四五六七八九十]{1,3})(?=\s?[时点])")
_SPAN = re.compile(rf"(\d+)\s*({_SPAN_UNITS})")
#: Days in a unit of 3 天前 and the like, by its first character, or the last after 个.
_DAYS = {
    "秒": 1 / 86400,
    "分": 1 / 1440,
    "小": 1 / 24,
    "时": 1 / 24,
    "天": 1,
    "周": 7,
    "星": 7,
    "期": 7,
    "月": 30,
    "年": 365,
}
_WEEKDAYS = "一二三四五六日"

# A clock time after a date; the gap may hold a weekday or a separator, never a digit.
_CLOCK = (
    r"(?:[T\s,]{0,4}(?:\(?(?:星期|周|礼拜)[一二三四五六日天]\)?)?\s{0,3}"
    r"(?P<half>凌晨|清晨|早晨|早上|早|上午|中午|午后|下午|傍晚|晚上|夜间|深夜|晚|[AP]M\b)?\s{0,2}"
    r"(?P<hour>\d{1,2})\s?(?P<colon>[:时点])\s?(?:(?P<half_past>半)|(?P<minute>\d{1,2})(?!\d)\s?分?"
    # A minus is a zone only after seconds: 09:30-10:00 is a span.
    r"(?::(?P<second>\d{1,2})(?!\d)(?:\.\d+)?(?P<west>-\d{2}:?\d{2}(?!\d))?)?)?"
    r"(?:\s?(?P<zone>(?:UTC|GMT)?\+\d{1,2}(?::?\d{2})?(?!\d)|Z\b|UTC|GMT|CST)|\s?(?P<after>[AaPp][Mm])\b)?)?"
)
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^\s*(?P<epoch>\d{10}|\d{13})(?:\.\d{1,6})?\s*$"), "epoch"),
    (
        re.compile(
            r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s+(?P<mon>[A-Z][a-z]{2})\s+(?P<day>\d{1,2})\s+"
            r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})\s+(?P<zone>[+-]\d{4}|CST|GMT|UTC)\s+(?P<year>\d{4})"
        ),
        "english",
    ),
    (
        re.compile(
            r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s+(?P<mon>[A-Z][a-z]{2})\s+(?P<day>\d{1,2})\s+(?P<year>\d{4})\s+"
            r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})\s+(?P<zone>GMT(?:[+-]\d{4})?)"
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
    (re.compile(r"(?<!\d)(?P<year>\d{2})年\s?(?P<month>\d{1,2})月\s?(?P<day>\d{1,2})[日号]" + _CLOCK), "short"),
    (
        re.compile(
            r"(?<![\d./-])(?P<year>\d{2})(?P<sep>[-/])(?P<month>\d{2})(?P=sep)(?P<day>\d{2})(?![\d/%-]|\.\d)" + _CLOCK
        ),
        "short",
    ),
    (re.compile(r"刚刚|刚才"), "now"),
    (
        re.compile(rf"(?<![\d.])(?P<spans>(?:\d{{1,4}}\s*(?:{_SHORT_UNITS})\s*){{1,3}})(?:之前|以前|前)" + _CLOCK),
        "ago",
    ),
    (re.compile(r"(?P<word>今天|今日|今(?=[早晚])|昨天|昨日|昨(?=[早晚])|大前天|前天|前日)" + _CLOCK), "near"),
    (re.compile(r"(?P<week>上+|本|这)个?(?:星期|周|礼拜)(?P<weekday>[一二三四五六日天])" + _CLOCK), "weekday"),
    (re.compile(r"(?<![\d.年月-])(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?[日号]" + _CLOCK), "yearless"),
    (re.compile(r"(?<![\d./-])(?P<month>\d{1,2})[-/](?P<day>\d{1,2})(?![\d/%-]|\.\d)" + _CLOCK), "yearless"),
    (re.compile(r"(?<![上下每逢至到])(?:星期|周|礼拜)(?P<weekday>[一二三四五六日天])(?![至到、])" + _CLOCK), "weekday"),
    # 26年前三季度 is a period.
    (re.compile(r"(?<![\d.年])(?P<spans>\d{1,2}\s*(?:个月|年)\s*)(?:之前|以前|前)(?![一二三四五六七八九十\d])"), "ago"),
)
_URL_DATES = re.compile(
    # /2026/11/22/ /2026-11/22/ /2026-11-22/ /2026/1122/ /20261122/ t20261122_1.html 20261122093015001.html
    r"(?<!\d)(?P<year>(?:19|20)\d{2})(?:[/_-](?P<month>\d{1,2})[/_-](?P<day>\d{1,2})|"
    r"[/_-]?(?P<mmdd>(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])))(?!\d)|"
    r"(?<!\d)(?P<run>20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?:[01]\d|2[0-3])[0-5]\d\d*(?!\d)"
)


def parse_time(text: str, reference: datetime) -> Moment:
    """Find the time of publication in a piece of text.

    Args:
        text: the time, or a line that holds it (发布时间：2020-07-14 10:39 信息来源：…). Asia/Shanghai counts when
            no zone is given; what follows 发布时间 and the like goes before any other date in the line.
        reference: when the page was read; relative times count from it, and a date without a year gets the
            latest year that is not more than one day after it. Naive means Asia/Shanghai.

    Returns:
        The moment; `unknown` for text without a time, for impossible dates and where no day is stated (2026年11月,
        去年12月, 上周: a period somebody writes about, more often than when he wrote). Never raises.
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


def date_in_url(url: str, reference: datetime) -> Moment:
    """The day in an address (/2026/11/22/, /2026-11/22/, /20261122/, t20261122_1.html), always guessed.

    Args:
        url: the address; its host is not looked at.
        reference: when the page was read. A day after the next one is a number that looks like a date.

    Returns:
        The last day named; `unknown` where there is none. Never raises.
    """
    reference = reference if reference.tzinfo else reference.replace(tzinfo=SHANGHAI)
    _, _, rest = url[:2000].partition("://")
    _, _, path = (rest or url[:2000]).partition("/")
    last = UNKNOWN
    for found in _URL_DATES.finditer("/" + path):
        digits = found["run"] or f"{found['year']}{found['mmdd'] or found['month'].zfill(2) + found['day'].zfill(2)}"
        try:
            day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        except ValueError:
            continue
        at = _midnight(day).astimezone(UTC)
        if at - reference <= timedelta(days=1):
            last = Moment(at, "day", guessed=True)
    return last


def _parts(text: str) -> Iterator[str]:
    for cue in _CUE.finditer(text):
        yield text[cue.end() : cue.end() + 60]
    yield text


def _arabic(text: str) -> str:
    """Chinese numerals of dates, of clock times and of 三天前 to Arabic ones."""
    text = _CN_DATE.sub(
        lambda m: "".join(str(_DIGITS[c]) for c in m[1]) + f"年{_small_number(m[2])}月{_small_number(m[3])}日",
        text,
    )
    text = _CN_COUNT.sub(lambda m: "0" if m[1] == "半" else str(_small_number(m[1])), text)
    return _CN_CLOCK.sub(lambda m: str(_small_number(m[1])), text)


def _small_number(numeral: str) -> int:
    """一 .. 九十九; 0 for what is no number, which no calendar accepts."""
    tens, ten, ones = numeral.replace("廿", "二十").replace("卅", "三十").rpartition("十")
    if not ten:
        return _DIGITS[numeral] if len(numeral) == 1 else 0
    if (tens and tens not in _DIGITS) or (ones and ones not in _DIGITS):
        return 0
    return (_DIGITS[tens] if tens else 1) * 10 + (_DIGITS[ones] if ones else 0)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def _on_day(day: date, found: re.Match[str]) -> Moment:
    """The day with the clock time of the match; a clock time that cannot be is left out."""
    groups = found.groupdict()
    only_day = Moment(_midnight(day).astimezone(UTC), "day")
    if groups.get("hour") is None or (groups.get("colon") == ":" and groups["minute"] is None):
        return only_day
    half_past = groups.get("half_past") is not None
    hour, minute, second = (
        int(groups["hour"]),
        30 if half_past else int(groups["minute"] or 0),
        int(groups["second"] or 0),
    )
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        return only_day
    hour = _in_24_hours(hour, (groups.get("half") or groups.get("after") or "").upper())
    start = _midnight(day).replace(tzinfo=_zone(groups.get("west") or groups["zone"]))
    at = (start + timedelta(hours=hour, minutes=minute, seconds=second)).astimezone(UTC)
    return Moment(at, "minute" if half_past or groups["minute"] is not None else "hour")


def _in_24_hours(hour: int, half: str) -> int:
    """Hour of the day, 0..24, of an hour said with a part of the day; 晚上12点 is the end of that day."""
    if half in {"凌晨", "AM"} and hour == 12:
        return 0
    if half in {"晚上", "晚", "夜间", "深夜"} and (hour == 12 or 5 <= hour < 12):
        return hour + 12
    if (half in {"下午", "午后", "傍晚", "PM"} and 1 <= hour < 12) or (half == "中午" and hour < 3):
        return hour + 12
    return hour


def _zone(text: str | None) -> timezone | ZoneInfo:
    if not text:
        return SHANGHAI
    if text == "CST":  # what Java prints for China
        return SHANGHAI
    text = text.removeprefix("UTC").removeprefix("GMT")
    if text in {"", "Z"}:
        return UTC
    digits = text.lstrip("+-").replace(":", "")
    offset = (
        timedelta(hours=int(digits[:-2] or 0), minutes=int(digits[-2:]))
        if len(digits) > 2
        else timedelta(hours=int(digits))
    )
    return timezone(-offset if text[0] == "-" else offset)


def _read_epoch(found: re.Match[str], _: datetime) -> Moment:
    seconds = int(found["epoch"]) / (1000 if len(found["epoch"]) == 13 else 1)
    return Moment(datetime.fromtimestamp(seconds, UTC), "minute")


def _read_english(found: re.Match[str], _: datetime) -> Moment:
    month = _MONTHS.index(found["mon"].lower()) + 1
    return _on_day(date(int(found["year"]), month, int(found["day"])), found)


def _read_full(found: re.Match[str], _: datetime) -> Moment:
    return _on_day(date(int(found["year"]), int(found["month"]), int(found["day"])), found)


def _read_short(found: re.Match[str], reference: datetime) -> Moment:
    """A year of two figures; one that is still to come makes it no date (11-22-26 is none either)."""
    moment = _on_day(date(2000 + int(found["year"]), int(found["month"]), int(found["day"])), found)
    return _with_our_year(moment, reference) if _not_after(moment, reference + timedelta(days=1)) else UNKNOWN


def _read_now(_: re.Match[str], reference: datetime) -> Moment:
    return Moment(reference.astimezone(UTC), "minute")


def _read_ago(found: re.Match[str], reference: datetime) -> Moment:
    # 半小时前 arrives as 0 小时.
    spans = [(int(n) or 0.5, unit[-1] if unit[0] == "个" else unit[0]) for n, unit in _SPAN.findall(found["spans"])]
    before = sum((timedelta(days=_DAYS[unit] * n) for n, unit in spans), timedelta())
    finest = min(_DAYS[unit] for _, unit in spans)
    if finest <= _DAYS["分"]:
        return Moment((reference - before).astimezone(UTC), "minute")
    if finest < 1:
        return Moment((reference - before).astimezone(UTC), "hour")
    return replace(_on_day((reference.astimezone(SHANGHAI) - before).date(), found), guessed=finest > 1)


def _read_near(found: re.Match[str], reference: datetime) -> Moment:
    days = {"今": 0, "昨": 1, "前": 2, "大": 3}[found["word"][0]]
    return _on_day((reference.astimezone(SHANGHAI) - timedelta(days=days)).date(), found)


def _read_weekday(found: re.Match[str], reference: datetime) -> Moment:
    """上周五, 本周三; a bare 周三 is the last one, by guess. A week begins on Monday."""
    today = reference.astimezone(SHANGHAI).date()
    wanted = _WEEKDAYS.index(found["weekday"].replace("天", "日"))
    if week := found.groupdict().get("week"):
        days = today.weekday() - wanted + 7 * week.count("上")
        return _on_day(today - timedelta(days=days), found)
    return replace(_on_day(today - timedelta(days=(today.weekday() - wanted) % 7), found), guessed=True)


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
        if _not_after(moment, latest):
            return _with_our_year(moment, reference)
    return UNKNOWN


def _not_after(moment: Moment, latest: datetime) -> bool:
    return moment.at is not None and moment.at <= latest


def _with_our_year(moment: Moment, reference: datetime) -> Moment:
    return replace(moment, guessed=moment.at is not None and reference - moment.at > GUESSED_AFTER)


_READERS: dict[str, Callable[[re.Match[str], datetime], Moment]] = {
    "epoch": _read_epoch,
    "english": _read_english,
    "full": _read_full,
    "short": _read_short,
    "now": _read_now,
    "ago": _read_ago,
    "near": _read_near,
    "weekday": _read_weekday,
    "yearless": _read_yearless,
}
