"""Deadlines a second time: plain Python, one case at a time, the default numbers written out.

It shares no code, configuration or calendar with caifeng (working days come from `chinesecalendar`), so that the two
can only agree by being right. Also a seeded generator of cases that seeks boundaries.
"""

import random
from datetime import date, datetime, timedelta, timezone
from typing import Any

import chinese_calendar

Case = dict[str, Any]

CHINA = timezone(timedelta(hours=8))
KEYS = ("confirm", "report_inside", "report_up", "refer", "verify", "respond", "respond_final", "press_conference")
LEVELS = ("log_only", "context", "general", "larger", "major", "extreme", "refer_out")
RESPONSE_VALUES = ("must", "should", "log_only", "refer_out")
EMERGENCY_LEVELS = ("none", "general", "larger", "major", "extreme")
CHANNELS = ("public", "website", "hotline_question", "hotline_other", "suggestion")
OURS = "本单位规定"


class UnknownYearError(Exception):
    """A working day of this year is asked for, and there is no notice."""


def works(day: date) -> bool:
    if day.year not in (2025, 2026):
        raise UnknownYearError(day.year)
    return bool(chinese_calendar.is_workday(day))


def wd(at: datetime, n: int) -> datetime:
    day = at.date()
    while n > 0:
        day = day + timedelta(days=1)
        if works(day):
            n -= 1
    return datetime(day.year, day.month, day.day, 18, 0, tzinfo=CHINA)


def d(at: datetime) -> datetime:
    if at.hour >= 20:
        at = at + timedelta(days=1)
        return at.replace(hour=9, minute=0, second=0, microsecond=0)
    if at.hour < 8:
        return at.replace(hour=9, minute=0, second=0, microsecond=0)
    return at


def w(at: datetime) -> datetime:
    if at.hour <= 16 and works(at.date()):
        return at.replace(hour=18, minute=0, second=0, microsecond=0)
    return wd(at, 1).replace(hour=10)


def due_one(case: Case) -> dict[str, datetime | None]:
    """All eight times."""
    t = datetime.fromisoformat(case["detected_at"]).astimezone(CHINA)
    level, value, complex_ = case["level"], case["response_value"], case["complex"]
    due: dict[str, datetime | None] = dict.fromkeys(KEYS)
    emergency = case["emergency_level"] == "major" or case["emergency_level"] == "extreme"

    # respond
    if emergency:
        due["respond"] = t + timedelta(hours=5)
        due["press_conference"] = t + timedelta(days=1)
    elif level in ("major", "extreme"):
        due["respond"] = t + timedelta(days=1)
    elif level == "larger":
        due["respond"] = t + timedelta(days=2)
    elif level != "refer_out" and value in ("must", "should"):
        two_days = t + timedelta(days=2)
        if case["channel"] == "public":
            due["respond"] = two_days
        else:
            days = {"website": 15, "hotline_question": 3, "hotline_other": 10, "suggestion": 15 if complex_ else 7}
            limit = wd(t, days[case["channel"]])
            due["respond"] = min(limit, two_days) if value == "must" else limit

    # the rest, level by level
    if level == "refer_out":
        due["refer"] = wd(t, 1)
    if level == "general":
        due["confirm"] = w(t)
        due["verify"] = wd(t, 5) if complex_ else wd(t, 2)
        if due["respond"] is not None:
            due["respond_final"] = wd(t, 15) if complex_ else wd(t, 5)
    if level == "larger":
        due["confirm"] = due["report_inside"] = d(t + timedelta(hours=2))
        if case["sensitive"]:
            due["report_up"] = t + timedelta(hours=24)
        due["verify"] = wd(t, 5) if complex_ else t + timedelta(hours=24)
        due["respond_final"] = wd(t, 15) if complex_ else wd(t, 5)
    if level == "major":
        due["confirm"] = due["report_inside"] = t + timedelta(minutes=60)
        due["report_up"] = t + timedelta(minutes=120)
    if level == "extreme":
        due["confirm"] = due["report_inside"] = t + timedelta(minutes=30)
        due["report_up"] = t + timedelta(minutes=60)
    if level in ("major", "extreme"):
        due["verify"] = t + timedelta(hours=12)
        due["respond_final"] = t + timedelta(hours=72)
    return due


def basis_holds(case: Case, key: str, basis: str) -> bool:
    """Whether the basis names what the page says: the document for a few limits, else our own rule."""
    emergency = case["emergency_level"] in ("major", "extreme")
    if key == "press_conference":
        return "国办发〔2016〕80号" in basis and "国办发〔2016〕61号" in basis
    if key != "respond":
        return basis == OURS
    if emergency:
        return "国办发〔2016〕80号" in basis and "5小时" in basis
    if case["level"] in ("major", "extreme"):
        return basis == OURS
    if case["level"] == "larger" or case["channel"] == "public" or case["response_value"] == "must":
        return "国办发〔2016〕61号" in basis and "48小时" in basis
    if case["channel"] == "website":
        return "皖政办〔2015〕12号" in basis
    if case["channel"] == "suggestion":
        return "国办发〔2014〕57号" in basis
    return basis.startswith(OURS) and "109号" not in basis


#: Days around which rules change their mind: holidays, working weekends, plain Fridays and weekends, ends of year.
EDGE_DAYS = [
    date(year, int(day[:2]), int(day[3:]))
    for year, days in (
        (2025, ("01-01", "01-24", "01-26", "01-27", "02-04", "02-08", "04-03", "04-27", "04-30", "05-30", "06-02")),
        (2025, ("09-28", "09-30", "10-08", "10-11", "11-14", "11-15", "12-31")),
        (2026, ("01-03", "01-04", "02-13", "02-14", "02-23", "02-28", "04-03", "05-05", "05-09", "06-18", "09-20")),
        (2026, ("09-24", "09-30", "10-07", "10-10", "11-20", "11-21", "12-09", "12-24", "12-29", "12-30", "12-31")),
    )
    for day in days
]
#: Times of day at the edges of W, D, and the ends of days; each also a second before.
EDGE_TIMES = (
    "00:00:00",
    "06:00:00",
    "08:00:00",
    "09:00:00",
    "16:30:00",
    "17:00:00",
    "18:00:00",
    "20:00:00",
    "22:00:00",
)


def random_cases(n: int, seed: int) -> list[Case]:
    """Valid cases found in 2025 and 2026; half of the days and half of the times stand at an edge."""
    rng = random.Random(seed)
    cases = []
    for number in range(n):
        if rng.random() < 0.5:
            day = rng.choice(EDGE_DAYS) + timedelta(days=rng.choice((-1, 0, 0, 1)))
            day = min(max(day, date(2025, 1, 1)), date(2026, 12, 31))
        else:
            day = date(2025, 1, 1) + timedelta(days=rng.randrange(730))
        if rng.random() < 0.5:
            at = datetime.fromisoformat(f"{day}T{rng.choice(EDGE_TIMES)}+08:00")
            before = at - timedelta(seconds=1)
            at = before if rng.random() < 0.4 and before.year >= 2025 else at
        else:
            at = datetime(day.year, day.month, day.day, tzinfo=CHINA) + timedelta(seconds=rng.randrange(86400))
        cases.append(
            {
                "issue_no": f"YQ-{day.year}-{number:05d}",
                "level": rng.choice(LEVELS),
                "response_value": rng.choice(RESPONSE_VALUES),
                "emergency_level": rng.choice(("none", "none", "none", *EMERGENCY_LEVELS)),
                "sensitive": rng.random() < 0.5,
                "complex": rng.random() < 0.5,
                "channel": rng.choice(("public", *CHANNELS)),
                "detected_at": at.isoformat(),
            }
        )
    return cases
