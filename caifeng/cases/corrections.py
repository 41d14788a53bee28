"""What people corrected about issues: merged ones, posts split off, facts they set, and when issues were answered.

A number never changes. A merged issue keeps its number as another name (alias) of the issue it went into; reopening it
takes the merge back. Posts that are split off take the copies of their text with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from caifeng.cases.machine import FACT_FIELDS
from caifeng.cases.model import Event
from caifeng.core.clock import business_day


@dataclass(frozen=True)
class Corrections:
    """Merges and splits in force."""

    merged: dict[str, str] = field(default_factory=dict)
    """Number of a merged issue -> number of the one that it is now part of, at the end of the chain."""
    split: dict[str, str] = field(default_factory=dict)
    """Post -> number of the issue it was put into, or a key of `founded`."""
    split_at: dict[str, datetime] = field(default_factory=dict)
    """Post -> when it was split off."""
    founded: dict[str, int] = field(default_factory=dict)
    """Key of an issue founded by a split -> year of its number; in the order of the splits."""


def corrections_of(events: Iterable[Event]) -> Corrections:
    """Merges and splits in force after these events, given in their order. The last word on a post counts."""
    into: dict[str, str] = {}
    split: dict[str, str] = {}
    split_at: dict[str, datetime] = {}
    founded: dict[str, int] = {}
    for event in events:
        match event.name:
            case "merge":
                into[event.subject] = event.codes["parent"]
            case "reopen":
                into.pop(event.subject, None)
            case "split":
                target = event.codes.get("parent")
                if target is None:
                    target = f"split:{event.event_id}"
                    founded[target] = business_day(event.at).year
                split |= dict.fromkeys(event.codes["posts"], target)
                split_at |= dict.fromkeys(event.codes["posts"], event.at)
    return Corrections({issue: _end(issue, into) for issue in into}, split, split_at, founded)


def _end(issue: str, into: dict[str, str]) -> str:
    seen = {issue}
    while issue in into and into[issue] not in seen:
        issue = into[issue]
        seen.add(issue)
    return issue


def final_answers(events: Iterable[Event]) -> dict[str, datetime]:
    """When the latest final answer of each issue was published; a merged issue's answer is its parent's, too."""
    events = tuple(events)
    merged = corrections_of(events).merged
    answered: dict[str, datetime] = {}
    for event in events:
        if event.name == "publish" and event.codes.get("kind") == "final":
            given = event.codes.get("published_at")
            at = datetime.fromisoformat(given) if given else event.decided_at
            for issue in {event.subject, merged.get(event.subject, event.subject)}:
                answered[issue] = max(at, answered.get(issue, at))
    return answered


class SetFact(NamedTuple):
    """What a person set of an issue, in force: a field of `FACT_FIELDS`, by the latest event that says it."""

    issue_no: str
    field: str
    value: str | bool
    """A code, or whether it holds: false is "taken back" or "denied", which is not the same as never said."""
    role: str
    """Role that decided."""
    event_id: str
    at: datetime
    """When it was registered."""


def facts_in_force(events: Iterable[Event]) -> tuple[SetFact, ...]:
    """What people set of each issue after these events, given in their order (制度第六条、第七条).

    Any event that says a field counts: 确认级别, 调整级别, 登记事实. What was said of a merged issue holds for the
    issue it went into, where nobody said otherwise of that one.

    Returns:
        One entry per issue and field, sorted by both.
    """
    events = tuple(events)
    merged = corrections_of(events).merged
    own: dict[tuple[str, str], SetFact] = {}
    for event in events:
        if event.from_state is None:
            continue
        for name in FACT_FIELDS:
            if name in event.codes:
                own.pop((event.subject, name), None)  # its place in the order is that of the last word
                own[event.subject, name] = SetFact(
                    event.subject, name, event.codes[name], event.role, event.event_id, event.at
                )
    inherited = {
        (merged[issue], name): said._replace(issue_no=merged[issue])
        for (issue, name), said in own.items()
        if issue in merged
    }
    return tuple(sorted((inherited | own).values(), key=lambda said: said[:2]))
