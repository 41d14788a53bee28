"""The office: config/units.toml. Roles and units, never personal names."""

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Unit(_Strict):
    """A unit of the office (股室) that can own an issue."""

    id: str
    name: str


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


class Units(_Strict):
    """The whole file."""

    office: Office
