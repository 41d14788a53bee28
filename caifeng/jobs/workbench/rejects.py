"""抽查: posts that the rules held irrelevant, for a person to look at, and how often people agree with the machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from caifeng.cases.model import CASE_ROLE_NAMES, LABELS, Actor, Event, GuardError, RoleError
from caifeng.cases.service import Step
from caifeng.core.clock import business_day
from caifeng.core.errors import UsageError
from caifeng.core.model.terms import RELEVANCE_REASONS
from caifeng.jobs.case_actions import act_steps
from caifeng.jobs.quality import (
    FIGURE_NAMES,
    basis_words,
    document_week,
    item_words,
    latest_figures,
    load_quality,
    monday_of,
    value_words,
    week_of,
)
from caifeng.jobs.workbench.desk import Desk, is_sample, roles_of, short_time
from caifeng.reports import words

#: Weeks whose figures the page shows.
WEEKS_SHOWN = 4


@dataclass(frozen=True)
class Sampled:
    """One post of the sample."""

    post_id: str
    place: int
    title: str
    excerpt: str
    """Beginning of the body; empty: it has none, or it is no longer kept."""
    source: str
    url: str | None
    """Null unless a reader may follow it."""
    why: str
    """Why the rules held it irrelevant, in words."""
    evidence: str
    """Terms that spoke against it; empty: none."""
    answer: str
    """What a person said last: relevant, irrelevant, or empty."""
    answered: str
    """Who said so and when; empty: nobody."""


@dataclass(frozen=True)
class FigureLine:
    """One figure of a week in words."""

    name: str
    item: str
    value: str
    basis: str


@dataclass(frozen=True)
class WeekFigures:
    """The figures of a week: first those of all, then what they consist of."""

    week: str
    span: str
    totals: tuple[FigureLine, ...]
    details: tuple[FigureLine, ...]


@dataclass(frozen=True)
class RejectsPage:
    """The page 抽查."""

    week: str
    span: str
    final: bool
    """The week is over: its sample does not change any more."""
    weeks: tuple[tuple[str, str], ...]
    """Week and words of those that can be chosen."""
    sampled: tuple[Sampled, ...]
    left: int
    """Posts that nobody has judged."""
    topics: tuple[tuple[str, str], ...]
    figures: tuple[WeekFigures, ...]
    is_sample: bool


def rejects_page(desk: Desk, week: str | None = None) -> RejectsPage:
    """The sample of a week with what was answered, live, and the latest figures.

    Args:
        desk: where to read.
        week: ISO week; null is last week while something of it is open, then the current one.

    Raises:
        UsageError: no such week.
    """
    today = business_day(desk.env.now())
    current, last = week_of(today), week_of(today - timedelta(days=7))
    said = {event.codes["post_id"]: event for event in desk.register.events(LABELS) if "relevant" in event.codes}
    if week is None:
        open_ones = [post for post in _sample(desk, last)["post_id"] if post not in said]
        week = last if open_ones else current
    monday = monday_of(week)
    rows = _sample(desk, week)
    texts = _texts(desk, rows["post_id"].to_list(), monday)
    sampled = tuple(_sampled(row, texts, said) for row in rows.iter_rows(named=True))
    return RejectsPage(
        week=week,
        span=document_week(week),
        final=week_of(today) > week,
        weeks=((last, "上周"), (current, "本周")),
        sampled=sampled,
        left=sum(not one.answer for one in sampled),
        topics=tuple((topic.id, topic.name) for topic in desk.settings.taxonomy().topics),
        figures=_figures(desk, today),
        is_sample=is_sample(desk),
    )


def answer(desk: Desk, user: str, role: str, post_id: str, relevant: bool, topic: str = "", reason: str = "") -> Event:
    """Say whether a post that the rules held irrelevant is; one that is taken in appears with the next run of today.

    Args:
        desk: where.
        user: account.
        role: its role.
        post_id: a post in clean.rejects.
        relevant: take it in.
        topic: the topic it is about; needed where it is taken in.
        reason: free words.

    Raises:
        RoleError: the user does not hold the role, or the role may not do this.
        GuardError: it is to be taken in and no topic is given.
        UsageError: no such post or topic, or its text is no longer kept.
    """
    if role not in roles_of(user, desk.settings.office(), desk.env.now()):
        raise RoleError(f"账号 {user} 不能以“{CASE_ROLE_NAMES.get(role, role)}”的身份办理")
    today = business_day(desk.env.now())
    first = today - timedelta(days=load_quality(desk.settings.config).text_days)
    known = desk.env.lake.read_range("clean.posts", first, today, ["post_id"])
    if post_id not in known["post_id"]:
        raise UsageError("没有这条帖文，或原文已过保存期")
    payload = {"post_id": post_id, "relevant": relevant} | ({"reason": reason.strip()} if reason.strip() else {})
    if relevant:
        if not topic:
            raise GuardError("topic", "应当收录的，请选择领域")
        if topic not in {known_topic.id for known_topic in desk.settings.taxonomy().topics}:
            raise UsageError(f"没有这个领域：{topic}")
        payload["topic"] = topic
    return act_steps(desk.env, None, [Step("label", payload)], Actor(role, user))[0]


def _sample(desk: Desk, week: str) -> pl.DataFrame:
    """The week's sample as last drawn."""
    monday = monday_of(week)
    drawn = desk.read("marts.reject_sample", monday, monday + timedelta(days=6))
    return drawn.filter(pl.col("day") == pl.col("day").max()).sort("place")


def _texts(desk: Desk, post_ids: list[str], monday: date) -> dict[str, dict[str, str | None]]:
    """Title, excerpt, address and evidence of posts of a week, while they are kept; by post.

    Published marts hold no text of rejected posts; the page reads it where it stands, as long as it stands there.
    """
    found: dict[str, dict[str, str | None]] = {}
    columns = ["post_id", "title", "excerpt", "url", "detail"]
    lake, sunday = desk.env.lake, monday + timedelta(days=6)
    taken_in = lake.read_range("graded.posts", monday, sunday, ["post_id", "title", "text", "url"]).with_columns(
        excerpt=pl.col("text").str.slice(0, 120), detail=pl.lit(None, pl.String)
    )
    for frame in (taken_in, lake.read_range("clean.rejects", monday, sunday, columns)):
        rows = frame.filter(pl.col("post_id").is_in(post_ids)).select(columns)
        found |= {row["post_id"]: row for row in rows.iter_rows(named=True)}
    return found


def _sampled(row: dict[str, object], texts: dict[str, dict[str, str | None]], said: dict[str, Event]) -> Sampled:
    post_id = str(row["post_id"])
    text = texts.get(post_id, {})
    event = said.get(post_id)
    return Sampled(
        post_id=post_id,
        place=int(str(row["place"])),
        title=words.printable(text.get("title")) if text.get("title") else "（原文已过保存期）",
        excerpt=words.printable(text.get("excerpt")) if text.get("excerpt") else "",
        source=words.printable(str(row["source_name"] or row["source_id"])),
        url=words.safe_url(text.get("url")),
        why=RELEVANCE_REASONS[str(row["reason"])],
        evidence=words.printable(text.get("detail")) if text.get("detail") else "",
        answer="" if event is None else "relevant" if event.codes["relevant"] else "irrelevant",
        answered="" if event is None else f"{CASE_ROLE_NAMES[event.role]} {short_time(event.decided_at)}",
    )


def _figures(desk: Desk, today: date) -> tuple[WeekFigures, ...]:
    rows = latest_figures(desk.read("marts.quality_week", today - timedelta(days=7 * WEEKS_SHOWN + 14), today))
    rank = {figure: place for place, figure in enumerate(FIGURE_NAMES)}
    found = []
    for week in rows["week"].unique(maintain_order=True).to_list()[:WEEKS_SHOWN]:
        lines = sorted(rows.filter(week=week).to_dicts(), key=lambda row: (rank[row["figure"]], row["item"]))
        totals, details = list[FigureLine](), list[FigureLine]()
        for row in lines:
            total = row["item"] == "all" or row["figure"] == "corrections"
            line = FigureLine(
                FIGURE_NAMES[row["figure"]], item_words(row["figure"], row["item"]), value_words(row), basis_words(row)
            )
            (totals if total else details).append(line)
        found.append(WeekFigures(week, document_week(week), tuple(totals), tuple(details)))
    return tuple(found)
