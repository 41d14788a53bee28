"""Events: are the happenings of a gold list raised at once when nine months of hot lists are replayed?

Snapshots are taken in order; each sees only what stood in it and before it. `find_bursts` runs after every snapshot
that brought something relevant, on what was known by then. Gold: bench/labels/event_gold.tsv (hashes, no titles).

`hourly` replays the hourly lists alone. `with_daily` adds the lists of whole days (Zhihu, Weibo), which are known at
the end of their day; of these only titles with a statistics word are at hand. `simulated` is about posts of people,
which no hot list weighs: random voices with planted bursts, and with releases that are loud as ever and no bursts.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from caifeng.cases.workdays import HolidayNotice, WorkCalendar
from caifeng.core.clock import SHANGHAI, business_day
from caifeng.core.model.bursts import BurstRules
from caifeng.core.model.release import Release, ReleaseCalendar, ReleaseTable
from caifeng.core.settings import Settings, load_model
from caifeng.jobs.bursts import day_types, load_calendar
from transforms.understand.bursts import VOICES, count_voices, find_bursts
from transforms.understand.understand import understand

GOLD = Path(__file__).parent / "labels" / "event_gold.tsv"
#: Share of each hour in the posts of a day: few at night.
_RHYTHM = np.array([1.0] * 7 + [4.0] * 15 + [2.0] * 2) / 71
#: An event is raised in time if it is raised in its first snapshot or one of so many after it.
IN_TIME = 2


@dataclass(frozen=True)
class Snapshot:
    """A list at one moment: titles with the heat that it shows."""

    at: datetime
    titles: dict[str, int | None]


@dataclass(frozen=True)
class Alarm:
    """A burst as it was when it was first raised, at a snapshot."""

    snapshot: int
    kind: str
    key: str
    hashes: frozenset[str]


def run(data: Path | None = None) -> dict[str, Any]:
    """Replay, and compare what is raised with the gold list.

    Args:
        data: the evaluation data; CAIFENG_EVAL_DATA if not given.

    Returns:
        Per replay: `events` (gold events that the replayed lists show), `raised` of them, within `IN_TIME` snapshots,
        `missed` (their ids), `days` with such events and `days_raised` with one raised, `snapshots_late` (median),
        `other_per_week` (alarms for no gold event), `false_per_week`
        (those of them judged to be nothing, or not judged).
    """
    data = data or (Path(os.environ["CAIFENG_EVAL_DATA"]) if "CAIFENG_EVAL_DATA" in os.environ else None)
    if data is None or not (data / "hotlists").is_dir():
        return {"skipped": "CAIFENG_EVAL_DATA is not set or has no hotlists"}
    gold = list(read_gold())
    hourly = list(hourly_lists(data))
    first, last = business_day(hourly[0].at), business_day(hourly[-1].at)
    both = sorted([*hourly, *daily_lists(data, first, last, hourly)], key=lambda snapshot: snapshot.at)
    return {
        "event_days": len({row["day"] for row in gold if row["verdict"] in ("event", "not_ours")}),
        "days_with_an_event": len({row["day"] for row in gold if row["verdict"] == "event"}),
        "hourly": _measure(hourly, [row for row in gold if row["list"] == "hourly"]),
        "with_daily": _measure(both, gold),
        "simulated": simulate(),
    }


def simulate(topics: int = 200, days: int = 120, seed: int = 20261122) -> dict[str, Any]:
    """Random topics with a daily rhythm, releases and planted bursts, judged with and without the release calendar.

    Each topic has between 0.2 and 5 voices a day. Every 15 days there is a release with five times as many, which is
    usual; ten times a topic says something of its own, six to twelve voices within three hours, on other days.

    Returns:
        `planted`; `recall` of those planted after the first 30 days; `false_per_topic_year` and
        `on_releases_per_topic_year` of alarms elsewhere, with the calendar; `on_releases_without` it.
    """
    random = np.random.default_rng(seed)
    start = date(2026, 3, 2)
    rate = random.uniform(0.2, 5.0, topics)[:, None, None] * _RHYTHM
    release_days = np.arange(14, days, 15)
    loud = np.ones((1, days, 1))
    loud[0, release_days] = 5.0
    counts = random.poisson(rate * loud)
    plain = np.setdiff1d(np.arange(5, days - 1), (release_days[:, None] + np.arange(-1, 4)).ravel())
    planted = [(topic, int(day)) for topic in range(topics) for day in random.choice(plain, 10, replace=False)]
    for n, d in planted:
        counts[n, d, 10:13] += random.multinomial(random.integers(6, 13), [0.4, 0.3, 0.3])
    topic, day, hour = (axis.repeat(counts[counts > 0]) for axis in np.nonzero(counts))
    midnight = datetime(start.year, start.month, start.day, tzinfo=SHANGHAI).astimezone(UTC)
    at = pl.lit(midnight) + pl.duration(hours=pl.col("hours"))
    voices = (
        pl.DataFrame({"topic": topic, "hours": day * 24 + hour})
        .select(
            kind=pl.lit("topic"), key=pl.format("t{}", "topic"), topic=pl.format("t{}", "topic"), at=at, known_at=at
        )
        .with_row_index("post_id")
        .with_columns(pl.col("post_id").cast(pl.String), weight=pl.lit(1, pl.Int64))
        .select(VOICES.names())
    )
    types = day_types(start, start + timedelta(days=days - 1), WorkCalendar([]))
    rules = load_model(Settings.load().config / "bursts.toml", BurstRules)
    names = tuple(f"t{n}" for n in range(topics))
    release = [start + timedelta(days=int(n)) for n in release_days]
    table = ReleaseTable(
        year=start.year,
        status="by_custom",
        document="simulated",
        releases=tuple(Release(indicator="x", topics=names, first=day, last=day) for day in release),
    )
    settled = start + timedelta(days=30)
    wanted = {(f"t{n}", start + timedelta(days=d)) for n, d in planted if start + timedelta(days=d) >= settled}
    found = {
        with_calendar: _topic_days(find_bursts(voices, types, calendar, rules, start - timedelta(days=30)), settled)
        for with_calendar, calendar in ((True, ReleaseCalendar([table])), (False, ReleaseCalendar([])))
    }
    around = {day + timedelta(days=n) for day in release for n in range(-1, 4)}
    years = topics * (days - 30) / 365
    false = {which: [hit for hit in hits if hit not in wanted] for which, hits in found.items()}
    on_release = {which: sum(day in around for _, day in hits) for which, hits in false.items()}
    return {
        "voices": voices.height,
        "planted": len(wanted),
        "recall": round(len(wanted & set(found[True])) / len(wanted), 3),
        "false_per_topic_year": round((len(false[True]) - on_release[True]) / years, 2),
        "on_releases_per_topic_year": round(on_release[True] / years, 2),
        "on_releases_without": round(on_release[False] / years, 2),
    }


def _topic_days(bursts: pl.DataFrame, since: date) -> list[tuple[str, date]]:
    pairs = zip(bursts["key"].to_list(), bursts["detected_at"].to_list(), strict=True)
    return [(key, business_day(at)) for key, at in pairs if business_day(at) >= since]


def read_gold() -> Iterator[dict[str, str]]:
    """Rows of the gold list."""
    with GOLD.open(encoding="utf8") as file:
        yield from csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t")


def hourly_lists(data: Path) -> Iterator[Snapshot]:
    """The hourly snapshots in order."""
    for path in sorted((data / "hotlists").glob("weibo_hourly_*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf8") as file:
            for line in file:
                record = json.loads(line)
                at = datetime.fromisoformat(record["date"]).replace(hour=record["hour"], tzinfo=SHANGHAI)
                yield Snapshot(at, {item[0]: item[1] or None for item in record["items"]})


def daily_lists(data: Path, first: date, last: date, hourly: list[Snapshot]) -> Iterator[Snapshot]:
    """Titles of daily lists that no snapshot shows, each at the end of its first day."""
    shown = {title for snapshot in hourly for title in snapshot.titles}
    by_day: dict[date, dict[str, int | None]] = {}
    with (data / "stat_topic" / "candidates.jsonl").open(encoding="utf8") as file:
        for record in map(json.loads, file):
            day = date.fromisoformat(record["first"])
            if record["source"] != "weibo_hourly" and first <= day <= last and record["title"] not in shown:
                by_day.setdefault(day, {})[record["title"]] = None
    for day, titles in by_day.items():
        yield Snapshot(datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI), titles)


def replay(snapshots: list[Snapshot], settings: Settings) -> list[Alarm]:
    """Everything raised, in order."""
    rules = load_model(settings.config / "bursts.toml", BurstRules)
    posts, heat = _posts(snapshots, settings)
    own = posts.select("post_id", group_id="post_id", issue_no="post_id")
    voices = count_voices(posts, own, own, heat, rules)
    since, until = business_day(snapshots[0].at), business_day(snapshots[-1].at)
    calendar = _calendar(settings, since.year, until.year)
    notices = [load_model(path, HolidayNotice) for path in sorted((settings.config / "holidays").glob("*.toml"))]
    types = day_types(since, until, WorkCalendar(notices))
    raised: dict[tuple[Any, ...], Alarm] = {}
    arrivals = set(posts["first_fetched_at"].to_list())
    for number, snapshot in enumerate(snapshots):
        if snapshot.at not in arrivals:
            continue
        today = business_day(snapshot.at)
        known = voices.filter(pl.col("known_at") <= snapshot.at.astimezone(UTC))
        days = types.filter(pl.col("day").is_between(today - timedelta(days=rules.history_days), today))
        for row in find_bursts(known, days, calendar, rules, since).iter_rows(named=True):
            hashes = frozenset(row["evidence"])
            alarm = Alarm(number, row["kind"], row["key"], hashes)
            raised.setdefault((row["kind"], row["key"], row["started_at"]), alarm)
    return list(raised.values())


def _calendar(settings: Settings, first: int, last: int) -> ReleaseCalendar:
    """The tables at hand; a year without one gets the days of the first one, by custom."""
    loaded = load_calendar(settings.config)
    missing = [loaded.tables[0].carried_to(year) for year in range(first, last + 1) if year not in loaded.years]
    return ReleaseCalendar([*loaded.tables, *missing])


def _posts(snapshots: list[Snapshot], settings: Settings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Relevant titles as posts of a hot list, found in the first snapshot that shows them, and their first heat."""
    found: dict[str, tuple[datetime, int | None]] = {}
    for snapshot in snapshots:
        for title, heat in snapshot.titles.items():
            found.setdefault(title, (snapshot.at, heat))
    moment = pl.Datetime("us", "UTC")
    listed = pl.DataFrame(
        [(_hash(title), title, at, heat) for title, (at, heat) in found.items()],
        schema={"post_id": pl.String, "title": pl.String, "first_fetched_at": moment, "heat": pl.Int64},
        orient="row",
    )
    clean = listed.drop("heat").with_columns(
        source_id=pl.lit("hot"),
        source_name=pl.lit("hot"),
        source_class=pl.lit("hotlist"),
        media_tier=pl.lit("self"),
        reach=pl.lit("nation"),
        local_board=pl.lit(value=False),
        official_channel=pl.lit(value=False),
        board=pl.lit(None, pl.String),
        url=pl.lit("https://example.org/"),
        text=pl.lit(""),
        text_hash="post_id",
        published_at=pl.lit(None, moment),
        published_precision=pl.lit("unknown"),
    )
    posts = understand(clean, settings.taxonomy(), settings.office(), settings.stance()).posts
    return posts, listed.select("post_id", "heat", observed_at="first_fetched_at")


def _measure(snapshots: list[Snapshot], gold: list[dict[str, str]]) -> dict[str, Any]:
    started = perf_counter()
    alarms = replay(snapshots, Settings.load())
    seconds = perf_counter() - started
    places = {snapshot.at: number for number, snapshot in reversed([*enumerate(snapshots)])}
    events: dict[str, list[dict[str, str]]] = {}
    for row in gold:
        if row["verdict"] == "event":
            events.setdefault(row["event"], []).append(row)
    late: dict[str, int] = {}
    for event, rows in events.items():
        began = min(places[datetime.fromisoformat(row["first"])] for row in rows)
        hashes = {row["sha16"] for row in rows}
        delays = [alarm.snapshot - began for alarm in alarms if alarm.hashes & hashes and alarm.snapshot >= began]
        if delays:
            late[event] = min(delays)
    raised = {event for event, delay in late.items() if delay <= IN_TIME}
    days = {row["day"] for rows in events.values() for row in rows}
    of_events = {row["sha16"] for rows in events.values() for row in rows}
    news = {row["sha16"] for row in gold if row["verdict"] == "news"}
    other = [alarm for alarm in alarms if not alarm.hashes & of_events]
    false = [alarm for alarm in other if not alarm.hashes & news]
    weeks = (snapshots[-1].at - snapshots[0].at) / timedelta(weeks=1)
    return {
        "snapshots": len(snapshots),
        "events": len(events),
        "raised": len(raised),
        "missed": sorted(set(events) - raised),
        "days": len(days),
        "days_raised": len({row["day"] for event in raised for row in events[event]}),
        "snapshots_late": median(late.values()) if late else None,
        "alarms": len(alarms),
        "other_per_week": round(len(other) / weeks, 2),
        "false_per_week": round(len(false) / weeks, 2),
        "false": sorted(f"{snapshots[a.snapshot].at:%Y-%m-%dT%H} {a.kind} {a.key}" for a in false),
        "seconds": round(seconds, 1),
    }


def _hash(title: str) -> str:
    return sha256(title.encode("utf8", "replace")).hexdigest()[:16]


if __name__ == "__main__":
    print(json.dumps(run(), ensure_ascii=False))  # noqa: T201 - the benchmark's output
