"""Several events said in one form, as data: the short ways of an office of two (docs/clicks.md).

A way adds nothing to the table of transitions and takes no guard away: its events are registered one after the other,
each with its own guards, all of them or none (`service.act_all`). A way may be entered in the middle: what was already
done is left out.
"""

from __future__ import annotations

from typing import NamedTuple

from caifeng.cases.model import CHECK_NAMES, Case

#: Decided by a leader: these are registered on behalf where the decision was taken on paper or by phone.
DECIDED = ("approve", "check_release")


class Way(NamedTuple):
    """One form for several events of a case."""

    name: str
    label: str
    asks: tuple[tuple[str, tuple[str, ...]], ...]
    """Its events in their order, each with the fields that the form asks for it."""
    is_on_paper: bool = False
    """`DECIDED` happened on a signed paper (报审单), which has to be named."""
    is_ordinary: bool = False
    """Only for the ordinary levels of config/register.toml."""

    @property
    def events(self) -> tuple[str, ...]:
        """Events in their order."""
        return tuple(event for event, _ in self.asks)


_ACCUSED = ("accused_unit", "bureau_accused")
_FOUND_OUT = (
    ("verify", ("outcome", "basis", "suggestion", "claims")),
    ("draft", ("text",)),
    ("submit", ()),
)
_TAKEN_ON = (("confirm", ()), ("assign", ("unit", *_ACCUSED)))
_CHECKED = ("check_release", tuple(CHECK_NAMES))
_SHOWN = ("publish", ("form", "url", "place", "published_at"))

WAYS: tuple[Way, ...] = (
    Way("take_on", "确认并交办", (("confirm", ("level", "reason")), ("assign", ("unit", *_ACCUSED)))),
    Way(
        "register_answer", "登记答复", (*_TAKEN_ON, *_FOUND_OUT, ("approve", ()), _CHECKED, _SHOWN),
        is_on_paper=True, is_ordinary=True,
    ),
    Way("conclude", "登记结论并报审", (*_TAKEN_ON, *_FOUND_OUT)),
    Way("approve_release", "批准并发布审查", (("approve", ("text",)), _CHECKED)),
)  # fmt: skip


def way_called(name: str) -> Way | None:
    """The way of this name; null: there is none."""
    return next((way for way in WAYS if way.name == name), None)


def events_left(way: Way, case: Case) -> tuple[str, ...]:
    """Events of a way that are still to be registered; empty where it does not lead on from how the case stands.

    One event alone has its own form, so that at least two are left. A final answer that was published, and an interim
    notice in the making, have their own forms, too.
    """
    done = {
        "confirm": case.state != "detected",
        "assign": case.unit is not None or case.state in ("verified", "responded"),
        "verify": case.outcome is not None,
        "draft": case.answer != "none",
        "submit": case.answer in ("in_review", "approved"),
        "approve": case.answer == "approved",
        "check_release": case.checked_by is not None,
        "publish": False,
    }
    if not case.is_open or done[way.events[-1]]:
        return ()
    if "draft" in way.events:
        answered = case.final_published_at is not None and case.correcting is None
        if answered or case.draft_kind not in (None, "final"):
            return ()
    elif "approve" in way.events and case.answer != "in_review":
        return ()
    left = tuple(event for event in way.events if not done[event])
    return left if len(left) > 1 else ()
