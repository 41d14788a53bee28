"""The ledger (台账) with its search, the escalation list (清单), and the ledger as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from caifeng.cases.model import DONE_STATES, STATE_NAMES
from caifeng.core.clock import business_day
from caifeng.core.text.normalise import folded_form
from caifeng.jobs.ledger import quarter_days, write_ledger
from caifeng.jobs.workbench.desk import Desk, Due, Stand, dues_of, read_stand
from caifeng.reports import words

#: Cases on one page.
PAGE_LINES = 50
#: Longer than any title; a search for more is a mistake.
LONGEST_SEARCH = 100


@dataclass(frozen=True)
class LedgerQuery:
    """What is looked for; empty is everything."""

    text: str = ""
    """Words, parted by blanks; all must stand in number, title, summary, source or the posts' first words."""
    level: str = ""
    unit: str = ""
    """Id of config/units.toml."""
    topic: str = ""
    everything: bool = False
    """Also what is over."""
    page: int = 1


@dataclass(frozen=True)
class LedgerLine:
    """One case in the ledger."""

    issue_no: str
    title: str
    level: str | None
    confirmed: bool
    state: str
    state_name: str
    topic: str
    unit: str
    detected_at: datetime
    due: Due | None
    """The first open duty."""
    late: int
    """Duties that were or are late."""


@dataclass(frozen=True)
class LedgerPage:
    """Cases that were asked for, the latest number first."""

    query: LedgerQuery
    lines: tuple[LedgerLine, ...]
    found: int
    """Of all pages."""
    pages: int
    levels: tuple[tuple[str, str], ...]
    """Code and words of what can be chosen, as units and topics."""
    units: tuple[tuple[str, str], ...]
    topics: tuple[tuple[str, str], ...]
    quarters: tuple[str, ...]
    """Quarters with issues, the latest first, for the file."""


def ledger(desk: Desk, query: LedgerQuery) -> LedgerPage:
    """The cases that a query finds."""
    stand = read_stand(desk)
    units = desk.unit_names()
    about = {row["issue_no"]: row for row in stand.issues.select("issue_no", "title", "topic", "topic_name").to_dicts()}
    named = _named(desk, stand, query.text) if query.text.strip() else None
    found = []
    for number, row in sorted(stand.rows.items(), reverse=True):
        if named is not None and number not in named:
            continue
        if query.level and row["level"] != query.level:
            continue
        if query.unit and row["unit"] != query.unit:
            continue
        if query.topic and about[number]["topic"] != query.topic:
            continue
        if not query.everything and row["state"] in DONE_STATES and not _waiting(stand, number):
            continue
        found.append(number)
    pages = max(1, -(-len(found) // PAGE_LINES))
    page = min(max(1, query.page), pages)
    shown = found[(page - 1) * PAGE_LINES : page * PAGE_LINES]
    topics = {row["topic"]: words.printable(row["topic_name"]) for row in about.values()}
    days = [business_day(row["detected_at"]) for row in stand.rows.values()]
    return LedgerPage(
        query=replace(query, page=page),
        lines=tuple(_line(stand, number, about[number], units) for number in shown),
        found=len(found),
        pages=pages,
        levels=tuple((level, words.level_text(level)) for level in words.LEVELS_ON_PAPER),
        units=tuple(units.items()),
        topics=tuple(sorted(topics.items(), key=lambda topic: topic[1])),
        quarters=tuple(sorted({f"{day.year}Q{(day.month + 2) // 3}" for day in days}, reverse=True)),
    )


def ledger_file(desk: Desk, quarter: str) -> Path:
    """The ledger of a quarter (2026Q4) as xlsx, made from what was last published.

    Raises:
        UsageError: not a quarter.
        DataError: no day of it was published.
    """
    return write_ledger(replace(desk.env, warehouse=desk.analytics), *quarter_days(quarter), desk.env.now())


def escalation_list(desk: Desk) -> tuple[date | None, list[dict[str, Any]]]:
    """Latest published day and its rows of marts.escalations, in the order of the paper."""
    summary = desk.read("marts.daily_summary")
    day = summary["day"].max()
    if not isinstance(day, date):
        return None, []
    return day, desk.read("marts.escalations", day, day).sort("seq").to_dicts()


def _named(desk: Desk, stand: Stand, text: str) -> set[str]:
    """Issues in whose words every word of the search stands, however it is written (full width, traditional)."""
    said = (
        desk.read("graded.issue_posts")
        .select("issue_no", "post_id")
        .unique()
        .join(desk.read("graded.posts").select("post_id", "title", "text").unique("post_id"), on="post_id")
        .group_by("issue_no")
        .agg(posts=pl.concat_str("title", "text", separator=" ").str.join(" "))
    )
    own = ("issue_no", "title", "summary", "source_name", "topic_name", "url")
    all_words = stand.issues.join(said, on="issue_no", how="left").select(
        "issue_no", words=folded_form(pl.concat_str(*own, "posts", separator=" ", ignore_nulls=True))
    )
    return set(_having(all_words, text[:LONGEST_SEARCH].split())["issue_no"])


def _having(all_words: pl.DataFrame, searched: Sequence[str]) -> pl.DataFrame:
    folded = pl.DataFrame({"word": searched}, schema={"word": pl.String}).select(folded_form(pl.col("word")))["word"]
    for word in folded:
        all_words = all_words.filter(pl.col("words").str.contains(word, literal=True))
    return all_words


def _waiting(stand: Stand, number: str) -> list[Due]:
    return [due for due in dues_of(stand, number) if due.stage != "done"]


def _line(stand: Stand, number: str, about: dict[str, Any], units: dict[str, str]) -> LedgerLine:
    row, waiting = stand.rows[number], _waiting(stand, number)
    return LedgerLine(
        number,
        words.printable(about["title"]),
        row["level"],
        row["confirmed_level"] is not None,
        row["state"],
        STATE_NAMES[row["state"]],
        words.printable(about["topic_name"]),
        units.get(row["unit"] or "", words.UNKNOWN),
        row["detected_at"],
        waiting[0] if waiting else None,
        sum(d.due_at is not None and (d.done_at or stand.at) > d.due_at for d in dues_of(stand, number)),
    )
