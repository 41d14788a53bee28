"""The office: config/units.toml. Posts and units, never personal names."""

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: An account of Airflow: a pseudonym such as `office1`. Who holds it is on paper in the office, not here.
UserId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,30}$")]
RoleId = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,30}$")]


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


class Duty(_Strict):
    """Duty roster: accounts take turns, each for the same number of days."""

    first: date
    """First day of the first turn."""
    days: int = Field(default=7, ge=1)
    users: tuple[UserId, ...] = Field(min_length=1)


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
        if self.duty and (unknown := sorted(set(self.duty.users) - accounts)):
            raise ValueError(f"duty: no role has these users: {', '.join(unknown)}")
        return self

    def users_of(self, role_id: str) -> tuple[str, ...]:
        """Accounts that may act in a role: its own first, then those of its stand-ins. Unknown role: nobody."""
        roles = {role.id: role for role in self.roles}
        if role_id not in roles:
            return ()
        acting = (role_id, *roles[role_id].stand_ins)
        return tuple(dict.fromkeys(user for each in acting for user in roles[each].users))

    def on_duty(self, day: date) -> str | None:
        """Account whose turn a day is; null without a roster, or before its first day."""
        if self.duty is None or day < self.duty.first:
            return None
        turn = (day - self.duty.first).days // self.duty.days
        return self.duty.users[turn % len(self.duty.users)]


class Units(_Strict):
    """The whole file."""

    office: Office
