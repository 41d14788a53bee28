"""The time of publication: what the page shows, states in its data, or has in its address."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from selectolax.lexbor import LexborHTMLParser

from caifeng.core.text.times import SHANGHAI, UNKNOWN, Moment, parse_time
from crawlers.extract.lines import DATE_LINE, FULL_DATE, Line

_META_TIMES = (
    "pubdate",
    "publishdate",
    "publish-date",
    "publish_time",
    "article:published_time",
    "og:published_time",
    "og:release_date",
    "bytedance:published_time",
    "datepublished",
    "parsely-pub-date",
    "weibo:article:create_at",
)
_JSON_TIME = re.compile(
    r"[pP]ub(?:lished|lish_?(?:[tT]ime|[dD]ate)|lishedAt|_?[dD]ate|Time)\\?[\"']?\s*[:=]\s*"
    r"\\?[\"']?([\d][^\"',}\\]{7,40})"
)
_TIME_NODES = "time[datetime],[class*=time],[class*=Time],[class*=date],[class*=Date],[id*=time],[id*=date]"
_DIGIT = re.compile(r"[\d〇一二三]")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_URL_DATE = re.compile(
    r"(?<!\d)(?P<year>20\d{2})(?:[-/_]?(?P<month>0[1-9]|1[0-2])[-/_]?(?P<day>0[1-9]|[12]\d|3[01]))(?!\d)"
)
#: Times that say when a page was changed or printed, not when it was published.
_OTHER_TIME = re.compile(r"更新|修改|成文|打印|截至|有效|今天是|当前时间")
_PUBLISHED = re.compile(r"(?:发布|发表|发文|发稿|刊发)\s*(?:时间|日期|于)|(?:^|\s)(?:时间|日期)\s*[:：]")
_UNTIDY = (
    (re.compile(r"(\d{4}[-/.年]\d{2}[-/.月]\d{2}日?)(\d{2}:\d{2})"), r"\1 \2"),
    (re.compile(r"(20\d{2})\s+(\d{1,2}\s?/\s?\d{1,2})(?!\d)"), r"\1/\2"),
    (re.compile(r"(?<![\d-])([12]\d-[01]\d-[0-3]\d)(\s?\d{2}:\d{2})"), r"20\1 \2"),
)


def stated_time(metas: Mapping[str, str], html: str, reference: datetime) -> tuple[Moment, str | None]:
    """The first time that meta elements or script data state, and which of them; midnight is a day."""
    named = (metas[name] for name in _META_TIMES if name in metas)
    scripts = (found[1] for found in _JSON_TIME.finditer(html))
    for source, texts in (("meta", named), ("script", scripts)):
        for text in texts:
            moment = parse_time(text, reference)
            if moment.at is not None and moment.at <= reference + timedelta(days=1):
                midnight = moment.at.astimezone(SHANGHAI).strftime("%H%M%S") == "000000"
                return (Moment(moment.at, "day") if midnight else moment), source
    return UNKNOWN, None


def time_elements(page: LexborHTMLParser) -> Iterator[str]:
    """Texts with a full date in elements that are named after time."""
    for node in page.css(_TIME_NODES):
        text = node.attributes.get("datetime") or node.text(separator=" ", strip=True)
        # Relative times are left to the lines near the headline: elsewhere they belong to other entries.
        if text and len(text) < 120 and FULL_DATE.search(text):
            yield text


def shown_time(lines: list[Line], headline: int | None, first: int, reference: datetime) -> Moment:
    """Time in the lines between headline and body; then in any line that calls it the time of publication."""
    start = max(0, first - 12) if headline is None or headline > first else headline
    zone = range(max(0, start - 6), min(first + 4, len(lines)))
    texts = {i: text for i in zone if _may_hold_time(text := _tidy(lines[i].text))}
    order = sorted(texts, key=lambda i: (i < start, _PUBLISHED.search(texts[i]) is None, lines[i].linked > 0))
    labelled = [i for i in range(len(lines)) if i not in texts and _PUBLISHED.search(lines[i].text)][:3]
    found = UNKNOWN
    for i in (*order, *labelled):
        text = texts.get(i) or _tidy(lines[i].text[:200])
        following = lines[i + 1].text[:60] if i + 1 < len(lines) else ""
        # 发布日期 in one cell, the day in the next one, the clock in a third.
        if _CLOCK.fullmatch(following) or not _DIGIT.search(text):
            text = f"{text} {following}"
        moment = parse_time(text, reference)
        if moment.at is None or moment.at > reference + timedelta(days=1):
            continue
        if to_the_minute(moment):
            return moment
        # A lone date over the headline may be the site's calendar.
        if found.at is None and (i >= start or i not in texts):
            found = moment
    return found


def signed_day(body: str, reference: datetime) -> Moment:
    """The date under a notice."""
    for line in reversed(body.split("\n")[-3:]):
        if len(line) < 30 and DATE_LINE.search(line):
            moment = parse_time(line, reference)
            if moment.at is not None and moment.at <= reference:
                return moment
    return UNKNOWN


def day_in(url: str) -> datetime | None:
    """The day written in an address (/2026/11/22/, t20261122_1.html), 00:00 Shanghai time."""
    for found in _URL_DATE.finditer(url):
        try:
            return datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=SHANGHAI)
        except ValueError:
            continue
    return None


def settle(
    shown: Moment, stated: tuple[Moment, str | None], elements: list[Moment], day: datetime | None, reference: datetime
) -> tuple[Moment, str | None]:
    """The time to believe, and where it stands."""
    candidates: list[tuple[Moment, str | None]] = [(shown, "text"), stated]
    candidates += [
        (moment, "element") for moment in elements if moment.at and moment.at <= reference + timedelta(days=1)
    ]
    candidates = [(moment, source) for moment, source in candidates if moment.at is not None]
    if not candidates:
        return (Moment(day, "day"), "url") if day is not None and day <= reference else (UNKNOWN, None)
    best = candidates[0]
    if best[1] == "text" and len(candidates) > 1 and candidates[1][1] != "element":
        # Shown and stated disagree: the address decides, then what is stated.
        apart = _apart(best[0], candidates[1][0])
        if apart > timedelta(days=1) and (day is None or _apart(best[0], Moment(day, "day")) > timedelta(days=1)):
            best = candidates[1]
    if not to_the_minute(best[0]):
        finer = (c for c in candidates if to_the_minute(c[0]) and _same_day(c[0], best[0]))
        best = next(finer, best)
    return best


def to_the_minute(moment: Moment) -> bool:
    """Whether nothing finer needs to be looked for."""
    return moment.precision == "minute"


def _tidy(text: str) -> str:
    """A line with its date and clock apart, the year with its day, and two-digit years made full."""
    for pattern, replacement in _UNTIDY:
        text = pattern.sub(replacement, text)
    return text


def _may_hold_time(text: str) -> bool:
    if len(text) > 200 or not DATE_LINE.search(text):
        return False
    return bool(_PUBLISHED.search(text)) or not ("。" in text or "，" in text or _OTHER_TIME.search(text))


def _apart(one: Moment, other: Moment) -> timedelta:
    return abs(one.at - other.at) if one.at and other.at else timedelta()


def _same_day(one: Moment, other: Moment) -> bool:
    return bool(one.at and other.at) and one.at.astimezone(SHANGHAI).date() == other.at.astimezone(SHANGHAI).date()  # type: ignore[union-attr]
