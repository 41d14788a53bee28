"""Frames -> compact columns of the page: one list per column, codes instead of words, minutes instead of times.

Ten thousand issues must stay small to send and quick to filter. Unknown is null. Minutes count from 1970 in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from caifeng.core.errors import DataError
from caifeng.core.model.deadlines import DUE_NAMES, MISSED_STAGES
from caifeng.core.model.grading import FACTOR_NAMES, OVERRIDE_NAMES
from caifeng.core.model.terms import RESPONSE_NAMES, SOURCE_CLASS_NAMES, SUGGESTION_NAMES
from caifeng.reports.dashboard.data import DashboardData
from caifeng.reports.fields import HEALTH_FIELDS
from caifeng.reports.review import FIGURES, fraction_text, unit_name, value_text
from caifeng.reports.words import LEVELS_ON_PAPER, UNKNOWN, hours_words, local_time, number, printable, safe_url

Columns = dict[str, list[Any]]

#: Steps that an issue takes: column of marts.ledger, and the one that says whether it was in time ("": no limit).
STEPS = {
    "confirmed_at": ("确认", "confirm_on_time"),
    "assigned_at": ("交办", ""),
    "verified_at": ("核查", "verify_on_time"),
    "first_response_at": ("回应", "respond_on_time"),
    "closed_at": ("办结", ""),
}
#: No matter how often a thing was posted, so many posts of an issue are listed: the first ones and the last.
POSTS_LISTED = 8


class Words:
    """Words that columns refer to by number, in the order in which they were met."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def codes(self, values: list[str]) -> list[int]:
        """Number of each word."""
        return [self._places.setdefault(value, len(self._places)) for value in values]

    def listed(self) -> list[str]:
        """The words by number."""
        return list(self._places)


def issue_columns(data: DashboardData, addresses: Words) -> dict[str, Any]:
    """The issues in their order on the page, with the words that their codes stand for.

    Raises:
        DataError: the factors of an issue graded by the rules of the day do not re-add to its total.
    """
    issues = data.issues
    _check_totals(data)
    topics, classes, sources, units, states, bodies = Words(), Words(), Words(), Words(), Words(), Words()
    owner = issues.select(pl.struct("unit", "owner_unit"))["unit"].to_list()
    unit_words = [unit_name(row["unit"], data.office) if row["unit"] else printable(row["owner_unit"]) for row in owner]
    overrides = list(dict.fromkeys(code for codes in issues["overrides"].to_list() for code in codes))
    columns: dict[str, Any] = {
        "no": issues["issue_no"].to_list(),
        "title": _printable(issues["title"]),
        "level": _places(issues["level"], LEVELS_ON_PAPER),
        "confirmed": issues["is_confirmed"].cast(pl.Int8).to_list(),
        "byScore": _places(issues["level_by_score"], LEVELS_ON_PAPER),
        "topic": topics.codes(_printable(issues["topic_name"])),
        "cls": classes.codes([SOURCE_CLASS_NAMES.get(code, code) for code in _printable(issues["source_class"])]),
        "source": sources.codes(_printable(issues["source_name"])),
        "unit": units.codes(unit_words),
        "state": states.codes([data.states.get(code, code) for code in _printable(issues["state"])]),
        "body": bodies.codes(_printable(issues["competent_body"])),
        "suggestion": _places(issues["suggestion"], tuple(SUGGESTION_NAMES)),
        "response": _places(issues["response_value"], tuple(RESPONSE_NAMES)),
        "total": _tenths(issues["total"]),
        **{factor: _tenths(issues[factor]) for factor in FACTOR_NAMES},
        "byDay": (issues["rule_version"] == data.shown_summaries["rule_version"][-1]).cast(pl.Int8).to_list(),
        "overrides": [[overrides.index(code) for code in codes] for codes in issues["overrides"].to_list()],
        "detected": _minutes(issues["detected_at"]),
        "published": _minutes(issues["first_published_at"]),
        "posts": issues["posts"].to_list(),
        "views": issues["views"].to_list(),
        "reposts": issues["reposts"].to_list(),
        "comments": issues["comments"].to_list(),
        "steps": [_minutes(issues[column]) for column in STEPS],
        "onTime": [issues[mark].cast(pl.Int8).to_list() if mark else [] for _, mark in STEPS.values()],
        "nextDuty": [DUE_NAMES.get(duty) if duty else None for duty in issues["next_duty"].to_list()],
        "nextDue": _minutes(issues["next_due_at"]),
        **_addresses(issues["url"], addresses),
    }
    return {
        "columns": columns,
        "topics": topics.listed(),
        "classes": classes.listed(),
        "sources": sources.listed(),
        "units": units.listed(),
        "states": states.listed(),
        "bodies": bodies.listed(),
        "overrides": [[code, OVERRIDE_NAMES.get(code, "触发规则")] for code in overrides],
        "suggestions": list(SUGGESTION_NAMES.values()),
        "responses": list(RESPONSE_NAMES.values()),
        "steps": [[name, bool(mark)] for name, mark in STEPS.values()],
        "factors": [[factor, name, data.weights[factor]] for factor, (_, name) in FACTOR_NAMES.items()],
    }


def log_columns(data: DashboardData) -> Columns:
    """The log of every day shown, by issue and day: issue, day, level, new."""
    rows = data.placed(data.rows.select("issue_no", "day", "in_force", "change")).sort("index", "day")
    return {
        "i": rows["index"].to_list(),
        "d": _days(rows["day"], data),
        "l": _places(rows["in_force"], LEVELS_ON_PAPER),
        "n": (rows["change"] == "new").cast(pl.Int8).to_list(),
    }


def heat_columns(data: DashboardData) -> Columns:
    """marts.issue_daily by issue and day: issue, day, new posts, views so far, reposts so far."""
    found = data.placed(data.shown(data.heat))
    if found.is_empty():
        return {"i": [], "d": [], "p": [], "v": [], "r": []}
    rows = found.sort("index", "day")
    return {
        "i": rows["index"].to_list(),
        "d": _days(rows["day"], data),
        "p": rows["posts_new"].to_list(),
        "v": rows["views"].to_list(),
        "r": rows["reposts"].to_list(),
    }


def post_columns(data: DashboardData, addresses: Words, sources: list[str]) -> dict[str, Any]:
    """Posts to follow, of each issue the first ones and the last; `more` is how many are not listed, by issue."""
    found = data.placed(data.posts)
    if found.is_empty():
        return {"columns": {"i": []}, "more": {}, "sources": sources}
    place, size = pl.int_range(pl.len()).over("index"), pl.len().over("index")
    listed = found.sort("index", maintain_order=True).filter((place < POSTS_LISTED - 1) | (place == size - 1))
    more = found.group_by("index").len().filter(pl.col("len") > POSTS_LISTED).sort("index")
    titles = data.issues["title"].to_list()
    words = Words()
    words.codes(sources)
    columns = {
        "i": listed["index"].to_list(),
        # Most posts have the title of their issue.
        "title": [
            None if title == titles[index] else printable(title)
            for index, title in zip(listed["index"].to_list(), listed["title"].to_list(), strict=True)
        ],
        "source": words.codes(_printable(listed["source_name"])),
        "at": _minutes(listed["published_at"]),
        **_addresses(listed["url"], addresses),
    }
    hidden = {str(index): count - POSTS_LISTED for index, count in more.iter_rows()}
    return {"columns": columns, "more": hidden, "sources": words.listed()}


def answer_columns(data: DashboardData) -> Columns:
    """Answers published, by issue and time: issue, minute, kind, address."""
    found = data.placed(data.answers)
    if found.is_empty():
        return {"i": [], "at": [], "kind": [], "url": []}
    rows = found.sort("index", "published_at", "round_no")
    return {
        "i": rows["index"].to_list(),
        "at": _minutes(rows["published_at"]),
        "kind": [data.kinds.get(kind, kind) for kind in rows["kind"].to_list()],
        "url": [safe_url(url) for url in rows["url"].to_list()],
    }


def axis(data: DashboardData) -> dict[str, Any]:
    """Days and their places on the axis; figures of a day that was not run are null."""
    run = {day: (posts, issues) for day, posts, issues in data.shown_summaries.select(
        "day", "posts_relevant", "issues_new").iter_rows()}  # fmt: skip
    return {
        "days": [day.isoformat() for day in data.days],
        "buckets": data.buckets,
        "byWeek": len(data.buckets) < len(data.days),
        "posts": [run.get(day, (None, None))[0] for day in data.days],
        "issues": [run.get(day, (None, None))[1] for day in data.days],
    }


def topic_posts(data: DashboardData) -> dict[str, list[int]]:
    """Topic on paper -> posts and, of these, reposts over the days shown (marts.topic_daily)."""
    rows = data.shown(data.topics)
    if rows.is_empty():
        return {}
    sums = rows.group_by("topic_name").agg(pl.col("posts", "reposts").sum()).sort("topic_name")
    return {printable(name): [posts, reposts] for name, posts, reposts in sums.iter_rows()}


def release_rows(data: DashboardData) -> list[list[Any]]:
    """Releases of the days on the axis: day, indicator, topics, whether the day is only usual."""
    rows = data.latest(data.releases, "indicator", "topic", "first_day")
    if rows.is_empty():
        return []
    place = {day: index for index, day in enumerate(data.days)}
    grouped = (
        rows.filter(pl.col("first_day").is_in(data.days))
        .group_by("first_day", "indicator", "status")
        .agg(pl.col("topic_name").drop_nulls().unique().sort())
        .sort("first_day", "indicator")
    )
    return [
        [place[day], printable(indicator), "、".join(map(printable, topics)), int(status == "by_custom")]
        for day, indicator, status, topics in grouped.iter_rows()
    ]


def overdue_rows(data: DashboardData) -> list[list[Any]]:
    """Duties that are overdue: issue (place or null), number, title, level, duty, due, how long, unit, role."""
    if data.deadlines.is_empty():
        return []
    rows = data.deadlines.filter(pl.col("stage").is_in(MISSED_STAGES)).sort("due_at", "issue_no", "duty")
    index = dict(data.index_of.iter_rows())
    return [
        [
            index.get(row["issue_no"]),
            row["issue_no"],
            printable(row["title"]),
            LEVELS_ON_PAPER.index(row["level"]) if row["level"] else None,
            DUE_NAMES.get(row["duty"], row["duty"]),
            local_time(row["extended_to"] or row["due_at"]),
            hours_words(row["hours_left"]) if row["hours_left"] is not None else UNKNOWN,
            unit_name(row["unit"], data.office) if row["unit"] else printable(row["owner_unit"]),
            data.roles.get(row["who"], row["who"]) or UNKNOWN,
        ]
        for row in rows.iter_rows(named=True)
    ]


def unit_table(data: DashboardData) -> dict[str, Any]:
    """marts.kpi_unit: figures of the review in columns, a row per unit, as printed."""
    if data.units.is_empty():
        return {"period": data.review, "heads": [], "rows": []}
    rows = data.units.sort("seq", "owner_unit")
    names = list(dict.fromkeys(rows["figure"].to_list()))
    cells = {(row["owner_unit"], row["figure"]): row for row in rows.iter_rows(named=True)}
    units = sorted({unit for unit, _ in cells})

    def cell(row: Mapping[str, Any]) -> list[str]:
        return [value_text(row, data.small_number), fraction_text(row) if row["denominator"] is not None else ""]

    return {
        "period": data.review,
        "heads": [FIGURES[name].name for name in names],
        "formulas": [FIGURES[name].formula for name in names],
        "rows": [[unit_name(unit, data.office), *(cell(cells[unit, name]) for name in names)] for unit in units],
    }


def effect_rows(data: DashboardData) -> list[list[Any]]:
    """What changed around the first answer: issue, number, title, then figures as printed, and the caution."""
    rows = data.latest(data.effects, "issue_no")
    if rows.is_empty():
        return []
    index = dict(data.index_of.iter_rows())

    def share(value: float | None) -> str:
        return UNKNOWN if value is None else f"{value:.1%}".replace("-", "−")

    def points(value: float | None) -> str:
        return UNKNOWN if value is None else f"{value:+.1f} 个百分点".replace("-", "−")

    wave = {True: "有", False: "无", None: UNKNOWN}
    return [
        [
            index.get(row["issue_no"]),
            row["issue_no"],
            printable(row["title"]),
            local_time(row["responded_at"]),
            "是" if row["window_complete"] else "观察中",
            f"{number(row['voices_before'])} → {number(row['voices_after'])}",
            share(row["volume_drop"]),
            points(row["negative_change"]),
            share(row["quoting_share"]),
            number(row["questions_new"]),
            wave[row["second_wave"]],
            row["caution"],
        ]
        for row in rows.sort("responded_at", "issue_no").iter_rows(named=True)
    ]


def source_rows(data: DashboardData) -> list[dict[str, Any]]:
    """Each source: how it stands, on how many days it was checked, and what it brought (of a day's page that day)."""
    rows = data.shown(data.health).sort("source_id", "day")
    if rows.is_empty():
        return []
    latest = rows.unique("source_id", keep="last", maintain_order=True)
    counted = rows if data.is_period else latest
    sums = counted.group_by("source_id").agg(
        pl.col("fetches", "fetches_failed", "observations", "posts_new", "posts_relevant").sum()
    )
    days = rows.group_by("source_id").agg(
        checked=pl.col("status").is_in(["ok", "silent"]).sum(),
        silent=(pl.col("status") == "silent").sum(),
        broken=(pl.col("status") == "broken").sum(),
        days=pl.len(),
    )
    what = latest.select("source_id", "name", "source_class", "status", "last_new_post_at", "reason")
    shown = what.join(sums, on="source_id").join(days, on="source_id").sort("source_id")
    return [
        {
            "name": printable(row["name"]),
            "kind": HEALTH_FIELDS["source_class"].value(row["source_class"]) or UNKNOWN,
            "status": row["status"],
            "statusText": HEALTH_FIELDS["status"].value(row["status"]),
            "days": f"{row['checked']}/{row['days']}",
            "silent": row["silent"],
            "broken": row["broken"],
            "fetches": number(row["fetches"]),
            "failed": number(row["fetches_failed"]),
            "observations": number(row["observations"]),
            "postsNew": number(row["posts_new"]),
            "postsRelevant": number(row["posts_relevant"]),
            "lastNew": local_time(row["last_new_post_at"]),
            "reason": printable(row["reason"]),
        }
        for row in shown.iter_rows(named=True)
    ]


def _check_totals(data: DashboardData) -> None:
    """In integers, as the total was computed (tenths of a point times percent): the table must re-add exactly."""
    added = sum((data.weights[f] * (10 * pl.col(f)).round().cast(pl.Int64) for f in FACTOR_NAMES), start=pl.lit(0))
    rules = data.shown_summaries["rule_version"][-1]
    wrong = data.issues.filter(
        (pl.col("rule_version") == rules) & ((added + 50) // 100 != (10 * pl.col("total")).round().cast(pl.Int64))
    ).with_columns(added.alias("added"))
    if not wrong.is_empty():
        row = wrong.row(0, named=True)
        raise DataError(
            f"marts.daily_log: {row['issue_no']}: factors add to {row['added'] / 1000:.3f}, not to {row['total']}"
        )


def _printable(column: pl.Series) -> list[str]:
    return [printable(text) for text in column.to_list()]


def _places(column: pl.Series, words: tuple[str, ...]) -> list[int]:
    places: list[int] = column.replace_strict(
        {word: n for n, word in enumerate(words)}, return_dtype=pl.Int64
    ).to_list()
    return places


def _tenths(column: pl.Series) -> list[int]:
    tenths: list[int] = (10 * column).round().cast(pl.Int64).to_list()
    return tenths


def _minutes(column: pl.Series) -> list[int | None]:
    minutes: list[int | None] = (column.dt.epoch("s") // 60).to_list()
    return minutes


def _days(column: pl.Series, data: DashboardData) -> list[int]:
    days: list[int] = (column - data.days[0]).dt.total_days().to_list()
    return days


def _addresses(column: pl.Series, addresses: Words) -> Columns:
    """Addresses as number of their beginning, up to the last slash, and rest; null where they must not be followed."""
    safe = [safe_url(url) for url in column.to_list()]
    starts = ["" if url is None else url[: url.rindex("/") + 1] for url in safe]
    return {
        "at0": addresses.codes(starts),
        "at1": [None if url is None else url[len(start) :] for url, start in zip(safe, starts, strict=True)],
    }
