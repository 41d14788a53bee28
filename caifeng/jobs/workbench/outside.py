"""What waits outside the desk: answers found and their effect, messages that reached nobody, publications owed.

Read beside the work: a block that cannot be read says so and never takes the page with it. Nothing here opens the posts
of many days; what needs them was written down by the daily run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

import polars as pl
from sqlalchemy import Engine

from caifeng.cases.machine import row_fits, transition
from caifeng.cases.model import DONE_STATES, FORM_NAMES, KIND_NAMES, Case
from caifeng.core.clock import SHANGHAI, business_day
from caifeng.core.model.notify import OUTBOX_STATE_NAMES
from caifeng.core.model.publications import SOURCE_NAMES, STATE_NAMES
from caifeng.jobs.answers import effect_of, proposals
from caifeng.jobs.publications import SUBJECT, WAITING
from caifeng.jobs.workbench.desk import Desk, Stand, short_time
from caifeng.jobs.workbench.forms import Form
from caifeng.notify.outbox import Outbox
from caifeng.reports import words

#: Lines of a block at the side.
SHOWN = 8
#: States of a message that nobody will change but a person.
STUCK = ("given_up", "unclear", "no_channel")
#: Newest messages among which those of matters still open are looked for.
_LOOKED_AT = 200

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Block(Generic[T]):
    """A block of a page."""

    held: T | None
    """What it shows; null: there is nothing, or it could not be read."""
    failed: bool = False
    """It could not be read; the log says why."""


def beside(read: Callable[[], T]) -> Block[T]:
    """What a block shows; whatever goes wrong with it must not keep people from deciding."""
    try:
        return Block(read())
    except Exception:
        _log.exception("a block of the page cannot be read")
        return Block(None, failed=True)


# --- an issue --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FoundAnswer:
    """Something published that may be the answer; a person registers it, or does not."""

    post_id: str
    title: str
    source: str
    url: str | None
    """Null unless a reader may follow it."""
    published_at: datetime | None
    form: str
    """Form of response that it would be, in words."""
    why: str
    blocked: str
    """Why it cannot be registered now, in Chinese; empty: the form is open to this user."""
    values: Mapping[str, str]
    """Inputs of the form that it fills in."""


def found_answers(desk: Desk, case: Case, forms: Sequence[Form]) -> tuple[FoundAnswer, ...]:
    """What is proposed as the answer to a case, the best first.

    Args:
        desk: where to read.
        case: the case.
        forms: what the user may do now.
    """
    blocked = "" if _final_form(forms) else _why_not(case)
    return tuple(
        FoundAnswer(
            post_id=row["post_id"],
            title=words.printable(row["title"]),
            source=words.printable(row["source_name"]),
            url=words.safe_url(row["url"]),
            published_at=row["published_at"],
            form=FORM_NAMES[row["form"]],
            why=words.printable(row["why"]),
            blocked=blocked,
            values={
                "url": words.safe_url(row["url"]) or "",
                "form": row["form"],
                "published_at": f"{row['published_at'].astimezone(SHANGHAI):%Y-%m-%dT%H:%M}"
                if row["published_at"]
                else "",
            },
        )
        for row in proposals(desk.env, case.issue_no)
    )


def filled_in(forms: Sequence[Form], found: Sequence[FoundAnswer], post_id: str) -> tuple[Form, ...]:
    """The forms with that of the final answer first, filled in by one of `found`; as they are if either is missing."""
    form = _final_form(forms)
    answer = next((each for each in found if each.post_id == post_id), None)
    if form is None or answer is None:
        return tuple(forms)
    fields = tuple(replace(field, value=answer.values.get(field.name, field.value)) for field in form.fields)
    return (replace(form, fields=fields), *(other for other in forms if other is not form))


def _final_form(forms: Sequence[Form]) -> Form | None:
    return next((form for form in forms if form.event == "publish" and ("kind", "final") in form.hidden), None)


def _why_not(case: Case) -> str:
    row = transition("publish", {"kind": "final"})
    return (row_fits(row, case) if row else None) or "您的角色不能登记发布"


@dataclass(frozen=True)
class Figure:
    """One figure of the effect with what it was counted from."""

    name: str
    value: str
    n: str


@dataclass(frozen=True)
class Effect:
    """What changed around the first response: association in time."""

    kind: str
    responded_at: datetime
    window_ends_at: datetime
    window_complete: bool
    figures: tuple[Figure, ...]
    least_voices: int
    caution: str


def effect(desk: Desk, issue_no: str) -> Effect | None:
    """What changed around the first response to an issue (docs/answers.md); null: none, or nothing published yet."""
    row = effect_of(desk.env, issue_no)
    if row is None:
        return None
    n = {name: words.number(row[name]) for name in row if isinstance(row[name], int | None)}
    change = row["negative_change"]
    figures = (
        Figure("声量降幅", _percent(row["volume_drop"]),
               f"前 24 小时 n={n['voices_before']}，后 24 至 72 小时两天共 n={n['voices_after']}"),
        Figure("负面占比变化", words.UNKNOWN if change is None else f"{change:+.1f} 个百分点".replace("-", "−"),
               f"前 n={n['judged_before']}，后 n={n['judged_after']}"),
        Figure("引用率", _percent(row["quoting_share"]), f"后 72 小时 n={n['voices_later']}，其中引用 {n['quoting']}"),
        Figure("新增提问", n["questions_new"], f"后 72 小时 n={n['voices_later']}"),
        Figure("二次舆情", {True: "有", False: "无", None: words.UNKNOWN}[row["second_wave"]],
               f"6 小时最多：前 {n['peak_before']}，后 {n['peak_after']}"),
    )  # fmt: skip
    return Effect(
        kind=KIND_NAMES.get(row["kind"], "回应"),
        responded_at=row["responded_at"],
        window_ends_at=row["window_ends_at"],
        window_complete=row["window_complete"],
        figures=figures,
        least_voices=row["least_voices"],
        caution=row["caution"],
    )


def _percent(share: float | None) -> str:
    return words.UNKNOWN if share is None else f"{100 * share:.0f}%".replace("-", "−")


# --- the 工作台 ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unsent:
    """A message that needs a person."""

    issue_no: str | None
    subject: str
    roles: str
    channel: str
    """Id; empty: none reaches these roles."""
    state: str
    """In words."""
    remark: str
    """What the server said last, or what happened; empty: nothing."""
    at: datetime


def unsent(desk: Desk, stand: Stand, role_names: Mapping[str, str]) -> tuple[Unsent, ...]:
    """Messages that reached nobody, or perhaps nobody, the newest first; those of matters that are done left out.

    Args:
        desk: where to read.
        stand: where every issue stands.
        role_names: role -> its name on screen.
    """
    done = {number for number, row in stand.rows.items() if row["state"] in DONE_STATES}
    rows = _outbox(desk.register.engine).rows(_LOOKED_AT, STUCK)
    return tuple(
        Unsent(
            issue_no=row.issue_no if row.issue_no in stand.rows else None,
            subject=words.printable(row.subject),
            roles="、".join(role_names.get(role, role) for role in row.roles),
            channel=row.channel,
            state=OUTBOX_STATE_NAMES[row.state],
            remark=words.printable(row.last_error) if row.last_error else "",
            at=row.created_at,
        )
        for row in [row for row in rows if row.issue_no not in done][:SHOWN]
    )


@lru_cache(maxsize=2)
def _outbox(engine: Engine) -> Outbox:
    """Opening it looks whether the table is up to date: once per process is enough."""
    return Outbox(engine)


@dataclass(frozen=True)
class Owed:
    """A publication that somebody must see to (Art. 14.5)."""

    name: str
    unit: str
    stage: str
    """overdue, late or none: how it is marked."""
    words: str
    """How it stands."""
    note: str
    """When it was published, by when it is owed, and what that rests on."""
    url: str | None
    """Where it was found, or else where it should appear; null: not known, or no reader may follow it."""


@dataclass(frozen=True)
class OwedList:
    """What must be published, as last listed."""

    day: date
    lines: tuple[Owed, ...]
    more: int
    """Lines left out."""


def owed(desk: Desk, at: datetime) -> OwedList | None:
    """The first publications that need somebody, the most urgent first; null before they were listed.

    From the latest list of the daily run (ops.publications), because finding pages anew reads the posts of half a year;
    what people registered since then is said beside it.
    """
    today = business_day(at)
    days = [day for day in desk.env.lake.days("ops.publications") if day <= today]
    if not days:
        return None
    listed = desk.env.lake.read("ops.publications", days[-1])
    waiting = listed.filter(pl.col("state").is_in(WAITING) | (pl.col("source") == "crawled")).sort("position")
    events = desk.register.events(SUBJECT)
    said = {(event.payload.get("item"), event.payload.get("period")): event.at for event in events}
    units = desk.unit_names()
    lines = tuple(_owed(row, said, units, today) for row in waiting.head(SHOWN).iter_rows(named=True))
    return OwedList(days[-1], lines, waiting.height - len(lines))


def _owed(
    row: Mapping[str, Any], said: Mapping[tuple[Any, Any], datetime], units: Mapping[str, str], today: date
) -> Owed:
    said_at, due_on, open_ = said.get((row["item"], row["period"])), row["due_on"], row["state"] in WAITING
    days = (due_on - today).days if due_on else None
    stage = "none"
    if said_at is not None and said_at.astimezone(UTC) > row["as_of"]:
        text = f"{short_time(said_at)} 有新登记，下次整理后更新"
    elif row["source"] == "crawled":
        text = SOURCE_NAMES["crawled"]
    elif open_ and days is not None and days < 0:
        stage, text = "overdue", f"超期 {-days} 天"
    elif open_ and days is not None:
        stage, text = "late", f"剩 {days} 天" if days else "今天到期"
    else:
        text = STATE_NAMES[row["state"]]
    on = row["published_on"]
    by_when = [
        f"公开于 {on.month}月{on.day}日" if on else "",
        f"至迟 {due_on.month}月{due_on.day}日" if due_on else "",
        words.printable(row["note"] or ""),
    ]
    return Owed(
        name=row["name"] + (f" {row['period_name']}" if row["period"] != "once" else ""),
        unit=units.get(row["unit"], row["unit"]),
        stage=stage,
        words=text,
        note="；".join(part for part in by_when if part),
        url=words.safe_url(row["url"] or row["page"]),
    )
