"""The duty roster (值班) of config/units.toml: who is on duty at a moment, and until when. Accounts, never names."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from caifeng.core.clock import SHANGHAI
from caifeng.core.listing import Listing
from caifeng.core.model.office import Office

#: A roster that ends within so many days is said by `caifeng check`. Our choice.
ENDS_SOON = timedelta(days=14)
_NOBODY = ("无人", None, None)


class OnDuty(NamedTuple):
    """Who is on duty at a moment."""

    user: str
    """Account; who holds it is on paper in the office."""
    roles: tuple[str, ...]
    """Ids of its own roles, in the order of config/units.toml; never empty."""
    role_name: str
    """Name of the first, as shown: 政务公开办."""
    stands_in_for: str | None
    """Account whose turn it is and that is away; null: it is its own turn."""
    until: datetime | None
    """End of the turn, Beijing time; null: nobody else takes turns."""

    @property
    def words(self) -> str:
        """值班：office1（政务公开办）, as shown on pages and in messages."""
        behalf = f"，代 {self.stands_in_for}" if self.stands_in_for else ""
        return f"值班：{self.user}（{self.role_name}{behalf}）"


def on_duty(office: Office, moment: datetime) -> OnDuty | None:
    """Who is on duty at a moment, a stand-in where that account is away.

    Args:
        office: with its roster, config/units.toml.
        moment: any moment with a zone; nights, weekends and holidays have somebody on duty, too.

    Returns:
        Null where there is no roster, before its first turn and after its last.
    """
    day = office.turn_day(moment)
    whose = office.on_duty(day)
    if whose is None:
        return None
    user = office.acting_for(whose, moment)
    own = [role for role in office.roles if user in role.users]
    return OnDuty(
        user, tuple(role.id for role in own), own[0].name, whose if user != whose else None, _until(office, day)
    )


def roster_listing(office: Office, first: date, days: int) -> Listing:
    """`caifeng duty`: day by day who is on duty in the turn that begins on it.

    Returns:
        Values: `day`, `user`, `roles`, `stands_in_for`, `until`; the last four null where nobody is on duty.
    """
    changes_at = office.duty.changes_at if office.duty else time(0)
    dates = [first + timedelta(days=number) for number in range(days)]
    found = {day: on_duty(office, datetime.combine(day, changes_at, SHANGHAI)) for day in dates}
    nobody = dict.fromkeys(("user", "roles", "stands_in_for", "until"))
    return Listing(
        "值班",
        ("日期", "星期", "值班", "岗位", "代"),
        [
            (
                day,
                "周" + "一二三四五六日"[day.weekday()],
                *((on.user, on.role_name, on.stands_in_for) if on else _NOBODY),
            )
            for day, on in found.items()
        ],
        [{"day": day, **({name: getattr(on, name) for name in nobody} if on else nobody)} for day, on in found.items()],
        "没有值班",
    )


def _weekday(day: date) -> str:
    return "周" + "一二三四五六日"[day.weekday()]


def roster_warnings(office: Office, day: date) -> list[str]:
    """What will be wrong soon: the roster ends, or has ended. Nothing without a roster; an office need not have one."""
    last = office.duty.last if office.duty else None
    if last is None or last - day > ENDS_SOON:
        return []
    return [f"config/units.toml: office.duty.turns: the duty roster ends on {last}; nobody is on duty afterwards"]


def _until(office: Office, day: date) -> datetime | None:
    assert office.duty is not None
    whose = office.on_duty(day)
    for number in range(1, 400):
        later = day + timedelta(days=number)
        if office.on_duty(later) != whose:
            return datetime.combine(later, office.duty.changes_at, SHANGHAI)
    return None
