"""config/publications.toml, calendars, pages found and the register -> ops.publications: what is owed to the public.

The day from which a limit runs, and that something was published, are said by people: events of the register's subject
`publications`. `publication_started` has item, period, started_on; `publication_noted` has item, period, published_on
(null: it was not published, whatever was found) and url. The last word on an item and period counts.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from caifeng.cases.model import Actor, Event
from caifeng.cases.rules import load_calendar, load_policy_basis
from caifeng.cases.workdays import MissingYearError, WorkCalendar
from caifeng.core.clock import SHANGHAI, business_day, end_of_day
from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.listing import Listing
from caifeng.core.model.deadlines import PolicyBasis
from caifeng.core.model.office import Office
from caifeng.core.model.publications import (
    SOURCE_NAMES,
    STATE_NAMES,
    AfterEvent,
    ByDate,
    ByRelease,
    Item,
    Period,
    Publications,
    basis_words,
    is_release,
    month_later,
)
from caifeng.core.model.release import STATUS_NAMES, ReleaseCalendar
from caifeng.core.settings import Settings, load_model
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.bursts import load_calendar as load_releases
from caifeng.jobs.case_actions import act_on_case
from transforms.duty.publications import DUE, FOUND, SAID, judge, recognise

#: Subject of the register's events about publications.
SUBJECT = "publications"
NOTED, STARTED = "publication_noted", "publication_started"

#: States that somebody must look at.
WAITING = ("overdue", "due_soon", "unknown_calendar", "unknown_start")
#: Kinds of source that hold what an office publishes itself.
_OWN_PAGES = ("portal", "disclosure")


class Rules(NamedTuple):
    """What the configuration says, read and checked."""

    publications: Publications
    policy: PolicyBasis
    """Rules of config/policy_basis.toml."""
    workdays: WorkCalendar
    releases: ReleaseCalendar


def publications(env: Env, day: date, as_of: datetime) -> JobReport:
    """Replace ops.publications of a day: what is owed, and what is known of its publication.

    Pages count that were found by the end of the day, and words of people that were registered by `as_of`.
    """
    rows = _stand(env, day, as_of)
    env.lake.replace("ops.publications", day, rows)
    states = dict(rows["state"].value_counts().sort("state").iter_rows())
    return JobReport("publications", day, as_of, {"publications": rows.height, **states})


def due_rows(env: Env, day: date, as_of: datetime | None = None) -> pl.DataFrame:
    """What somebody must see to, the most urgent first; computed anew, so that a word just registered counts.

    Args:
        env: where things are.
        day: Shanghai day.
        as_of: words registered later do not count; without it, the end of the day.

    Returns:
        Columns of ops.publications: overdue, due soon, not known by when, or found and not yet confirmed.
    """
    rows = _stand(env, day, as_of or end_of_day(day))
    return rows.filter(pl.col("state").is_in(WAITING) | (pl.col("source") == "crawled"))


def publication_listing(env: Env, day: date, *, everything: bool = False) -> Listing:
    """`caifeng publications list`: what is due or overdue on a day, the most urgent first.

    Args:
        env: where things are; words registered up to now count.
        day: Shanghai day.
        everything: also what is published or not yet due.

    Returns:
        Values: the columns of ops.publications.
    """
    as_of = max(end_of_day(day), env.now())
    rows = (_stand(env, day, as_of) if everything else due_rows(env, day, as_of)).to_dicts()
    names = {unit.id: unit.name for unit in env.settings.office().units}
    return Listing(
        "主动公开",
        ("编号", "期间", "事项", "状态", "时限", "公开", "股室", "链接"),
        [
            (
                *(row["item"], row["period"], row["name"]),
                SOURCE_NAMES["crawled"] if row["source"] == "crawled" else STATE_NAMES[row["state"]],
                _limit(row),
                row["published_on"],
                names.get(row["unit"], row["unit"]),
                row["url"],
            )
            for row in rows
        ],
        rows,
        "没有到期的主动公开事项",
    )


def _limit(row: Mapping[str, Any]) -> str | None:
    late = f"，超期 {row['overdue_days']} 天" if row["overdue_days"] and not row["published_on"] else ""
    return f"{row['due_on']} 前{late}" if row["due_on"] else row["note"]


def note_published(
    env: Env, item: str, on: date | None, url: str | None, actor: Actor, *, period: str | None = None
) -> Event:
    """Register that something was published; the same word twice is one event.

    Args:
        env: where things are; its clock gives the time of registration.
        item: id in config/publications.toml.
        on: day of publication; null: it was not published, whatever was found.
        url: where it is; null: not on the web.
        actor: who registers it.
        period: 2026-10, 2026Q3, 2026; without it the oldest of the item that waits.

    Returns:
        The event, or the one that says the same already.

    Raises:
        UsageError: there is no such item or period, nothing of the item waits, or the day is still to come.
        RoleError, GuardError: the role may not, or the address is none.
    """
    said = {
        "item": item,
        "period": _period_of(env, item, period, on),
        "published_on": on.isoformat() if on else None,
        "url": url,
    }
    return _say(env, NOTED, said, actor)


def note_started(env: Env, item: str, on: date, actor: Actor, *, period: str | None = None) -> Event:
    """Register the day from which the limit of an item runs (财政部门批复之日 …); as `note_published`.

    Raises:
        UsageError: as `note_published`, or the item's due day does not run from a day that people register.
    """
    said = {"item": item, "period": _period_of(env, item, period, on), "started_on": on.isoformat()}
    found = next(each for each in load_publications(env.settings).publications.items if each.id == item)
    if not isinstance(found.due, AfterEvent):
        raise UsageError(f"{item}: its due day does not run from a day that is registered (due.kind {found.due.kind})")
    return _say(env, STARTED, said, actor)


def _period_of(env: Env, item: str, period: str | None, on: date | None) -> str:
    """The period that is meant, checked."""
    items = {each.id: each for each in load_publications(env.settings).publications.items}
    if item not in items:
        raise UsageError(f"no publication {item!r} in config/publications.toml (known: {', '.join(items)})")
    today, kind = business_day(env.now()), items[item].period
    if on and on > today:
        raise UsageError(f"{item}: {on} is still to come")
    if period is not None:
        # every period that has begun, and the next: a budget may be approved before its year begins
        now = Period.of(kind, today)
        known = {now.code} if kind == "once" else {now.later(n).code for n in range(-60, 2)}
        if period not in known:
            raise UsageError(f"{item}: no period {period!r} (write it as {now.code})")
        return period
    rows = _stand(env, today, env.now()).filter(pl.col("item") == item, pl.col("source").ne_missing(pl.lit("person")))
    if rows.is_empty():
        raise UsageError(f"{item}: nothing waits; name the period with --period")
    return str(rows["period"].min())


def _say(env: Env, name: str, said: Mapping[str, str | None], actor: Actor) -> Event:
    with env.register() as register:
        last = _last(register.events(SUBJECT), name).get((str(said["item"]), str(said["period"])))
    payload = {field: value for field, value in said.items() if value}
    if last is not None and last.payload == payload:
        return last
    return act_on_case(env, None, name, actor, payload)


def load_publications(settings: Settings) -> Rules:
    """Read config/publications.toml and what it refers to.

    Raises:
        ConfigError: a file cannot be used, or names a unit, rule, number or release that is not there; one line per
            fault.
    """
    path = settings.config / "publications.toml"
    found = load_model(path, Publications)
    policy = load_policy_basis(settings.config)
    releases = load_releases(settings.config)
    units = {unit.id for unit in settings.office().units}
    indicators = {release.indicator for table in releases.tables for release in table.releases}
    faults = [ConfigError(path, field, reason) for field, reason in found.faults(policy, units, indicators)]
    if faults:
        first, *more = faults
        raise ConfigError(path, first.field, "\n".join([first.reason, *map(str, more)]))
    return Rules(found, policy, load_calendar(settings.config), releases)


# --- by when ---------------------------------------------------------------------------------------------------------


class Due(NamedTuple):
    """By when something is owed, or why that is not known."""

    on: date | None
    unknown: str | None = None
    """calendar: a year is not loaded; start: the day from which it runs is not registered."""
    note: str | None = None


def due_frame(
    rules: Rules, started: dict[tuple[str, str], date], known: set[tuple[str, str]], day: date
) -> pl.DataFrame:
    """Every item and period that is asked for on a day, with its due day: rows of `transforms.duty.publications.DUE`.

    Args:
        rules: configuration.
        started: (item, period) -> the day from which its limit runs, as registered.
        known: (item, period) of which people have spoken; they are asked for from then on.
        day: Shanghai day.
    """
    rows = []
    for item in rules.publications.items:
        for period in _asked(item, rules.publications.since, {code for name, code in known if name == item.id}, day):
            start = started.get((item.id, period.code))
            due = _due(item, period, start, rules)
            if due is not None:
                rows.append(_row(item, period, start, due, rules.policy))
    return pl.DataFrame(rows, schema=DUE)


def _row(item: Item, period: Period, start: date | None, due: Due, policy: PolicyBasis) -> dict[str, Any]:
    return {
        "item": item.id,
        "period": period.code,
        "name": item.name,
        "period_name": period.name,
        "unit": item.unit,
        "basis": basis_words(item, policy),
        "page": item.url,
        "started_on": start,
        "due_on": due.on,
        "unknown": due.unknown,
        "note": due.note,
    }


def _asked(item: Item, since: date, known: set[str], day: date) -> list[Period]:
    """Periods for which an item is asked on a day, oldest first."""
    if item.period == "once":
        assert isinstance(item.due, AfterEvent)
        once = Period.of("once", day)
        return [once] if known or item.due.asked_from is None or item.due.asked_from <= day else []
    # the next one too: a budget may be approved before its year begins
    period, asked = Period.of(item.period, day).later(1), []
    # Nothing is asked for more than three years after its period began (AfterEvent.asked_after_months).
    while period.first > month_later(since, -48):
        begins = _asked_from(item, period)
        if period.code in known or since <= begins <= day:
            asked.append(period)
        period = period.later(-1)
    return asked[::-1]


def _asked_from(item: Item, period: Period) -> date:
    """The first day on which an item and period is on the list."""
    if isinstance(item.due, AfterEvent) and item.due.asked_after_months is not None:
        return month_later(period.first, item.due.asked_after_months)
    return period.later(1).first


def _due(item: Item, period: Period, start: date | None, rules: Rules) -> Due | None:
    """When it is due; null where nothing is released for the period (January's figures come with February's)."""
    due = item.due
    if isinstance(due, ByDate):
        month = month_later(period.last, due.months_after)
        return Due(month.replace(day=min(due.day, monthrange(month.year, month.month)[1])))
    if isinstance(due, ByRelease):
        return _due_by_release(due, period, rules)
    if start is None:
        return Due(None, "start", f"请登记{due.event}")
    if due.days is not None:
        return Due(start + timedelta(days=due.days))
    return _after(start, due.working_days or 0, rules.workdays)


def _due_by_release(due: ByRelease, period: Period, rules: Rules) -> Due | None:
    year = period.later(1).first.year
    table = next((table for table in rules.releases.tables if table.year == year), None)
    if table is None:
        return Due(None, "calendar", f"{year}年发布日程未载入")
    named = [release for release in table.releases if is_release(release.indicator, due.release)]
    if not named:
        return Due(None, "calendar", f"{year}年发布日程中没有“{due.release}”")
    own = [release for release in named if Period.of(period.kind, release.first).later(-1) == period]
    if not own:
        return None
    note = STATUS_NAMES[table.status]
    found = _after(max(release.last for release in own), due.working_days, rules.workdays)
    return found._replace(note=f"{found.note}；发布日程{note}" if found.note else f"发布日程{note}")


def _after(day: date, working_days: int, workdays: WorkCalendar) -> Due:
    try:
        return Due(workdays.working_day_after(day, working_days) if working_days else day)
    except MissingYearError as error:
        return Due(None, "calendar", f"{error.year}年节假日安排未载入，无法计算时限")


# --- what is known ---------------------------------------------------------------------------------------------------


def _stand(env: Env, day: date, as_of: datetime) -> pl.DataFrame:
    rules, office = load_publications(env.settings), env.settings.office()
    with env.register() as register:
        events = register.events(SUBJECT, until=as_of)
    started = {key: date.fromisoformat(event.payload["started_on"]) for key, event in _last(events, STARTED).items()}
    noted = said_frame(events)
    known = {*started, *noted.select("item", "period").iter_rows()}
    return judge(
        due_frame(rules, started, known, day),
        _found(env, rules.publications.items, office, day),
        noted,
        day,
        as_of.astimezone(UTC),
        soon_days=rules.publications.soon_days,
        shown_days=rules.publications.shown_days,
    )


def said_frame(events: Iterable[Event]) -> pl.DataFrame:
    """The last word of people on each item and period; from events in their order."""
    rows = [
        {
            "item": item,
            "period": period,
            "published_on": _day(event.payload.get("published_on")),
            "url": event.payload.get("url"),
            "said_on": business_day(event.at),
        }
        for (item, period), event in _last(events, NOTED).items()
    ]
    return pl.DataFrame(rows, schema=SAID)


def noted_since(events: Iterable[Event], at: datetime) -> set[tuple[str, str]]:
    """(item, period) of which people said after a moment that they were published."""
    said = _last((event for event in events if event.subject == SUBJECT and event.at > at), NOTED)
    return {key for key, event in said.items() if event.payload.get("published_on")}


def _last(events: Iterable[Event], name: str) -> dict[tuple[str, str], Event]:
    return {(e.payload["item"], e.payload["period"]): e for e in events if e.name == name}


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _found(env: Env, items: tuple[Item, ...], office: Office, day: date) -> pl.DataFrame:
    """What was found on the office's own pages; of days whose texts are gone, what the list last said."""
    own = [
        source.id
        for source in env.settings.sources().usable
        if source.source_class in _OWN_PAGES and source.place == office.place and not source.official_channel
    ]
    posts = (
        env.lake.scan("clean.posts", day - LOOKBACK, day)
        .filter(pl.col("source_id").is_in(own))
        .select(
            "title",
            "board",
            "source_name",
            "url",
            published_on=_local_day("published_at"),
            found_on=_local_day("first_fetched_at"),
        )
        .collect()
    )
    found = recognise(posts, items, (office.name, office.short_name))
    earlier = [other for other in env.lake.days("ops.publications") if other < day]
    if earlier:
        listed = env.lake.read("ops.publications", earlier[-1]).filter(pl.col("source") == "crawled")
        found = pl.concat([found, listed.select(FOUND.names())])
    return found.sort("found_on").unique(["item", "period", "url"], keep="first", maintain_order=True)


def _local_day(column: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(SHANGHAI.key).dt.date()
