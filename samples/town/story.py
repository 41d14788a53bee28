"""The story of the sample town: the shape of its TOML files, and the reader that checks them."""

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from caifeng.core.errors import ConfigError

HERE = Path(__file__).parent

Layout = Literal["portal", "board", "hotlist", "epaper", "feed", "mailbox", "disclosure"]
Fault = Literal["soft_404", "not_found", "robots"]
_Model = TypeVar("_Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Post(_Strict):
    """A notice, an article or a thread. Its address is made from the number at the end of `id`."""

    id: str = Field(pattern=r"^[a-z]+-\d+$")
    day: date
    """First day on which the site shows it."""
    time: datetime | date
    """Time of publication in Asia/Shanghai as the page states it; a date where it states the day only."""
    title: str
    body: str = ""
    source: str = ""
    column: str = ""
    views: tuple[int, ...] = ()
    """Page views on `day`, on the next sample day, …; the last holds on. Empty: the page shows none."""
    replies: tuple[int, ...] = ()
    answers: tuple[str, ...] = ()
    """Replies of others shown below a thread."""
    answer: str = ""
    """What the office answers to a letter, shown from the day of `answered` on."""
    answered: datetime | None = None
    index_no: str = ""
    """索引号 of a disclosed document."""
    fault: Fault | None = None

    @property
    def number(self) -> int:
        """The number in the address of the page."""
        return int(self.id.rsplit("-", 1)[1])

    @model_validator(mode="after")
    def _published_before_shown(self) -> Self:
        stated = self.time.date() if isinstance(self.time, datetime) else self.time
        if stated > self.day:
            raise ValueError(f"{self.id}: published {stated}, after the day {self.day} on which it is shown")
        if bool(self.answer) != bool(self.answered):
            raise ValueError(f"{self.id}: answer and answered belong together")
        return self


class Topic(_Strict):
    """A topic on the hot list. A measure is (value in the first hour, change per hour); None: null there."""

    id: str = Field(pattern=r"^[a-z]+-\d+$")
    title: str
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    """Last hour on the list, included."""
    heat: tuple[int, int] | None = None
    views: tuple[int, int] | None = None
    comments: tuple[int, int] | None = None
    originals: tuple[int, int] | None = None

    @property
    def day(self) -> date:
        """First day on which the list shows it."""
        return self.start.date()


class Site(_Strict):
    """One site with everything it ever shows."""

    id: str
    layout: Layout
    name: str
    notice: str
    """Printed at the foot of every page: the text is invented."""
    days: tuple[date, ...]
    """The sample days, ascending."""
    encoding: str = "utf-8"
    declared: str = "utf-8"
    """Charset the page claims, which need not be true."""
    disallow: tuple[str, ...] = ()
    page_size: int = 10
    board: str = ""
    authors: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    posts: tuple[Post, ...] = ()
    topics: tuple[Topic, ...] = ()
    every_hours: int = 1
    """Hours between two snapshots of the hot list."""
    missing: frozenset[datetime] = frozenset()
    """Hours of which the hot list has no snapshot."""
    closed_from: date | None = None
    """First day on which the site refuses connections; what it shows after is seen by nobody."""
    redesigned_from: date | None = None
    """First day of a new layout, which selectors for the old one do not fit."""

    @property
    def items(self) -> dict[str, Post | Topic]:
        """Posts and topics by id."""
        every: list[Post | Topic] = [*self.posts, *self.topics]
        return {item.id: item for item in every}

    @model_validator(mode="after")
    def _can_be_written_in_its_encoding(self) -> Self:
        for post in self.posts:
            for text in (post.title, post.body, post.source, post.column, post.answer):
                try:
                    text.encode(self.encoding)
                except UnicodeEncodeError as error:
                    raise ValueError(f"{post.id}: {error}") from error
        return self


class Seed(_Strict):
    """Invented private data sown into an item; after scrubbing it must be found nowhere."""

    kind: Literal["mobile", "landline", "id_card", "bank_card", "email", "wechat", "qq", "plate"]
    """As caifeng.core.text.scrub.find_pii names it."""
    value: str
    """As written in the text, full-width figures and dashes included."""
    item: str


class Story(_Strict):
    """The whole town, sites in the order of their ports."""

    days: tuple[date, ...] = Field(min_length=1)
    sites: tuple[Site, ...] = Field(min_length=1)
    seeds: tuple[Seed, ...] = ()

    @property
    def items(self) -> dict[str, Post | Topic]:
        """Everything that is told, by id."""
        return {key: item for site in self.sites for key, item in site.items.items()}

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if list(self.days) != sorted(set(self.days)):
            raise ValueError("days: not ascending")
        ids = [post.id for site in self.sites for post in site.posts]
        ids += [topic.id for site in self.sites for topic in site.topics]
        if twice := {i for i in ids if ids.count(i) > 1}:
            raise ValueError(f"ids used twice: {', '.join(sorted(twice))}")
        if lost := [i.id for i in self.items.values() if i.day not in self.days]:
            raise ValueError(f"items on a day that is not told: {', '.join(lost)}")
        if lost := [s.item for s in self.seeds if s.item not in self.items]:
            raise ValueError(f"seeds in unknown items: {', '.join(lost)}")
        return self

    def site(self, site_id: str) -> Site:
        """The site with this id.

        Raises:
            KeyError: there is none.
        """
        return {site.id: site for site in self.sites}[site_id]


class Relevant(_Strict):
    """Items a person would enter in the log, as one issue."""

    items: tuple[str, ...] = Field(min_length=1)
    issue: str
    topic: str | None = None
    """Id of the taxonomy; None: a person would hesitate, likewise `stance`."""
    jurisdiction: Literal["local", "city", "province", "national", "other", "unknown"]
    stance: Literal["complaint", "question", "suggestion", "praise", "neutral"] | None = None
    official_notice: bool = False
    why: str


class Rejected(_Strict):
    """Items that are dropped, with the reasons (codes of clean.rejects) any of which is right."""

    items: tuple[str, ...] = Field(min_length=1)
    reasons: tuple[str, ...] = Field(min_length=1)
    why: str


class NotLanded(_Strict):
    """Items whose page is never read, with the outcome of the request (code of ops.fetches)."""

    items: tuple[str, ...] = Field(min_length=1)
    outcome: Literal["http_error", "robots_denied", "unreadable", "not_asked"]
    """not_asked: the list that leads there could not be read, so nobody knew of it."""
    why: str


class SourceDays(_Strict):
    """How a source did on each of the days, in order (codes of marts.source_health)."""

    source: str
    status: tuple[Literal["ok", "silent", "broken"], ...]
    why: str


class LogDay(_Strict):
    """Issues in the log of one day: new ones, and older ones that moved (a new post or a changed figure)."""

    day: date
    new: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()


class Expected(_Strict):
    """What a person would expect of the logs of all days."""

    relevant: tuple[Relevant, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    not_landed: tuple[NotLanded, ...] = ()
    sources: tuple[SourceDays, ...] = ()
    log: tuple[LogDay, ...] = ()


def load_story(folder: Path = HERE) -> Story:
    """Read story.toml and one <site id>.toml per site.

    Raises:
        ConfigError: a file is missing, is not TOML or breaks the shape of the story.
    """
    path = folder / "story.toml"
    raw = _read_toml(path)
    shared = {"notice": raw.pop("notice", ""), "days": raw.get("days", [])}
    sites = []
    for head in raw.pop("site", []):
        site_path = folder / f"{head.get('id', '')}.toml"
        tables = _read_toml(site_path)
        told = {"posts": tables.pop("post", []), "topics": tables.pop("topic", [])}
        sites.append(_checked(Site, {**shared, **head, **tables, **told}, site_path))
    seeds = raw.pop("seed", [])
    return _checked(Story, {**raw, "sites": sites, "seeds": seeds}, path)


def load_expected(folder: Path = HERE) -> Expected:
    """Read expected.toml.

    Raises:
        ConfigError: the file is missing, is not TOML or breaks its shape.
    """
    path = folder / "expected.toml"
    return _checked(Expected, _read_toml(path), path)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf8"))
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"not valid TOML: {error}") from error


def _checked(model: type[_Model], raw: dict[str, Any], path: Path) -> _Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(path, ".".join(map(str, first["loc"])), first["msg"]) from error
