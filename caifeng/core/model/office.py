"""The office: config/units.toml. Posts and units, never personal names."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: An account of Airflow: a pseudonym such as `office1`. Who holds it is on paper in the office, not here.
UserId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,30}$")]
RoleId = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,30}$")]


#: China has one zone and no summer time.
_BEIJING = timezone(timedelta(hours=8))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Unit(_Strict):
    """A unit of the office (股室) that can own an issue."""

    id: str
    name: str


class Role(_Strict):
    """What a post may decide (Art. 7, 14); its holders are accounts, its stand-ins other roles."""

    id: RoleId
    name: str = Field(min_length=1)
    """Name of the post, as printed: 分管领导."""
    users: tuple[UserId, ...] = ()
    stand_ins: tuple[RoleId, ...] = ()
    """Roles that act for it, in this order, when it cannot."""


class _Days(_Strict):
    """Some days in a row, Beijing time, both included."""

    first: date
    last: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"ends on {self.last}, before it begins on {self.first}")
        return self

    def has(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last


class Turn(_Days):
    """Days on which one account is on duty, whoever's turn it would be."""

    user: UserId


class Absence(_Days):
    """Days on which an account is away, and the account that acts for it."""

    user: UserId
    stand_in: UserId

    @model_validator(mode="after")
    def _is_another(self) -> Self:
        if self.user == self.stand_in:
            raise ValueError(f"{self.user} stands in for itself")
        return self


class Duty(_Strict):
    """Duty roster (值班): who looks after warnings, nights, weekends and holidays included.

    Accounts take turns of so many days, dated turns go before; or, without `users`, dated turns follow one another.
    """

    first: date
    """First day of the roster."""
    days: int = Field(default=7, ge=1)
    """Length of a turn."""
    users: tuple[UserId, ...] = ()
    changes_at: time = time(0)
    """Beijing time at which a turn begins; the night before it belongs to the turn before. Our choice."""
    turns: tuple[Turn, ...] = ()

    @model_validator(mode="after")
    def _every_day_has_one(self) -> Self:
        turns = sorted(self.turns, key=lambda turn: turn.first)
        if not turns and not self.users:
            raise ValueError("duty: nobody takes turns; name users, or dated turns")
        for turn in turns:
            if turn.first < self.first:
                raise ValueError(f"duty: {turn.first}: a turn before the roster begins on {self.first}")
        if twice := _twice(turns):
            raise ValueError(f"duty: {twice}: two turns on this day")
        if not self.users:
            ends = [self.first, *(turn.last + timedelta(days=1) for turn in turns)]
            for expected, turn in zip(ends, turns, strict=False):
                if turn.first > expected:
                    raise ValueError(f"duty: {expected}: nobody is on duty")
        return self

    @property
    def last(self) -> date | None:
        """Last day of a roster of dated turns; null: it goes on."""
        return None if self.users else max(turn.last for turn in self.turns)

    def user_of(self, day: date) -> str | None:
        """Account whose turn begins or goes on on a day; null before the roster begins and after its end."""
        if day < self.first:
            return None
        dated = next((turn.user for turn in self.turns if turn.has(day)), None)
        if dated or not self.users:
            return dated
        return self.users[(day - self.first).days // self.days % len(self.users)]


class Office(_Strict):
    """Who runs the system, and for which place."""

    name: str
    """Full name, as printed in the head of documents."""
    short_name: str
    county: str
    county_short: str
    city: str
    city_short: str
    province: str
    province_short: str
    place: str = Field(pattern=r"^\d{6}$")
    aliases: tuple[str, ...] = ()
    """Other names of the county that are unambiguous."""
    openness_office: str = "政务公开办"
    contact: str = Field(pattern=r"^[\x21-\x7e]+$")
    """Address printed in the crawler's user agent, so that a site can reach us."""
    units: tuple[Unit, ...] = ()
    roles: tuple[Role, ...] = ()
    duty: Duty | None = None
    absences: tuple[Absence, ...] = ()
    """Periods in which an account acts for another; beside the stand-ins of roles, which may act at any time."""

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        for field, ids in (("units", [u.id for u in self.units]), ("roles", [r.id for r in self.roles])):
            if twice := sorted({name for name in ids if ids.count(name) > 1}):
                raise ValueError(f"{field}: listed twice: {', '.join(twice)}")
        known = {role.id for role in self.roles}
        for role in self.roles:
            if role.id in role.stand_ins:
                raise ValueError(f"roles: {role.id} stands in for itself")
            if unknown := sorted(set(role.stand_ins) - known):
                raise ValueError(f"roles: stand-in of {role.id} is no role: {', '.join(unknown)}")
        accounts = {user for role in self.roles for user in role.users}
        if self.duty:
            named = {*self.duty.users, *(turn.user for turn in self.duty.turns)}
            if unknown := sorted(named - accounts):
                raise ValueError(f"duty: no role has these users: {', '.join(unknown)}")
        named = {user for away in self.absences for user in (away.user, away.stand_in)}
        if unknown := sorted(named - accounts):
            raise ValueError(f"absences: no role has these users: {', '.join(unknown)}")
        for user in sorted({away.user for away in self.absences}):
            own = [away for away in self.absences if away.user == user]
            if twice_on := _twice(own):
                raise ValueError(f"absences: {twice_on}: {user} is away twice")
            for_others = [away for away in self.absences if away.stand_in == user]
            for away in own:
                if clash := next((o for o in for_others if o.first <= away.last and away.first <= o.last), None):
                    day = max(away.first, clash.first)
                    raise ValueError(f"absences: {day}: {user} stands in for {clash.user} and is away")
        return self

    def users_of(self, role_id: str, at: datetime | None = None) -> tuple[str, ...]:
        """Accounts that may act in a role: its own first, then those of its stand-ins. Unknown role: nobody.

        Args:
            role_id: the role.
            at: moment; whoever acts then for one of its own accounts that is away follows that account. An absent
                account may still act.
        """
        roles = {role.id: role for role in self.roles}
        if role_id not in roles:
            return ()
        own = [a for user in roles[role_id].users for a in (user, self.acting_for(user, at) if at else user)]
        others = [user for other in roles[role_id].stand_ins for user in roles[other].users]
        return tuple(dict.fromkeys((*own, *others)))

    def roles_of(self, user: str, at: datetime) -> tuple[str, ...]:
        """Roles in which an account may act at a moment, its own before those it stands in for; empty: a stranger."""
        own = [role.id for role in self.roles if user in role.users]
        standing_in = [role.id for role in self.roles if user in self.users_of(role.id, at)] if own else []
        return tuple(dict.fromkeys((*own, *standing_in)))

    def acting_for(self, user: str, at: datetime) -> str:
        """Who acts for an account at a moment: its stand-in on a day on which it is away, otherwise itself."""
        day = at.astimezone(_BEIJING).date()
        return next((away.stand_in for away in self.absences if away.user == user and away.has(day)), user)

    def reached_through(self, role_id: str, at: datetime) -> tuple[str, ...]:
        """Roles to be told in place of a role: itself; where all its accounts are away, those of their stand-ins.

        Of a stand-in's roles the first that may stand in for the role counts, otherwise its first one.
        """
        role = next((role for role in self.roles if role.id == role_id), None)
        if role is None or not role.users or any(self.acting_for(user, at) == user for user in role.users):
            return (role_id,)
        found = []
        for user in role.users:
            own = [other.id for other in self.roles if self.acting_for(user, at) in other.users]
            found.append(next((other for other in (role_id, *role.stand_ins) if other in own), own[0]))
        return tuple(dict.fromkeys(found))

    def on_duty(self, day: date) -> str | None:
        """Account whose turn a day is, stand-ins not yet counted (`caifeng.jobs.duty.on_duty`); null: nobody's."""
        return self.duty.user_of(day) if self.duty else None

    def turn_day(self, at: datetime) -> date:
        """The day whose turn a moment belongs to: before the hour of change it is the day before."""
        local = at.astimezone(_BEIJING)
        early = self.duty is not None and local.time() < self.duty.changes_at
        return local.date() - timedelta(days=1) if early else local.date()


def _twice(days: Iterable[_Days]) -> date | None:
    """The first day that belongs to two of these spans."""
    spans = sorted(days, key=lambda span: span.first)
    return next((later.first for earlier, later in pairwise(spans) if later.first <= earlier.last), None)


class Units(_Strict):
    """The whole file."""

    office: Office
