"""What one run is to do, as the job tells the crawlers: made from ops.fetches, handed over as one JSON file."""

from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from caifeng.core.errors import UsageError

#: What `--plan` leaves unsaid.
RUN_SECONDS = 20 * 60
CATCH_UP_PAGES = 20


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedPage(_Strict):
    """A page of which there is more to say than that it is known."""

    url: str = Field(min_length=1)
    """Canonical address asked for."""
    kind: Literal["list", "detail", "snapshot"] = "detail"
    due: bool = False
    """Ask for it, whether or not a list names it."""
    read_at: AwareDatetime | None = None
    """Last reading; null: never."""
    comments: int | None = None
    """Replies when last read (a letter: 1 answered, 0 not); a list that counts more makes the page due."""
    board: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    given_up: str | None = None
    """Why nobody will ask for it again: becomes the row that says so."""
    outcome: Literal["http_error", "unreachable", "too_large", "undecodable", "unreadable"] = "unreachable"
    http_status: int | None = None


class SourcePlan(_Strict):
    """One source's part."""

    days: tuple[date, ...] = Field(min_length=1)
    """What `{day}` stands for, one edition after the other."""
    known: tuple[str, ...] = ()
    """Canonical addresses that were asked for before."""
    unsettled: tuple[str, ...] = ()
    """Those of them that prove no overlap with what was known before: the run that found them was killed."""
    pages: tuple[PlannedPage, ...] = ()


class Plan(_Strict):
    """A run."""

    run_seconds: int = Field(default=RUN_SECONDS, ge=1)
    """After this nothing more is asked for."""
    catch_up_pages: int = Field(default=CATCH_UP_PAGES, ge=1)
    """Page to which a list is followed while nothing on it is known."""
    revisit_seconds: int = Field(default=1800, ge=0)
    """A list's higher count makes a page due no earlier than this after its last reading."""
    most_pages: int | None = Field(default=None, ge=1)
    """Details and snapshots that a source is asked for at most; null: as many as there are. For trials."""
    second_opinion_share: float = Field(default=0, ge=0, le=1)
    """Share of the articles that a second extractor reads, too."""
    remembers_since: AwareDatetime | None = None
    """Older entries may have been known and forgotten: they prove no gap."""
    rests: dict[str, AwareDatetime] = Field(default_factory=dict)
    """Host with port -> until when it is left alone."""
    sources: dict[str, SourcePlan] = Field(default_factory=dict)

    def of(self, source_id: str, day: date) -> SourcePlan:
        """A source's part; a source that the plan does not name is new."""
        return self.sources.get(source_id) or SourcePlan(days=(day,))


def load_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        UsageError: the file cannot be read or is no plan; names field and reason in one line.
    """
    try:
        return Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"--plan: {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(f"--plan: {path}: {field + ': ' if field else ''}{first['msg']}") from error


def validators_of(plan: SourcePlan) -> dict[str, dict[str, str | None]]:
    """Canonical address -> etag and last_modified, where the site sent any."""
    return {
        page.url: {"etag": page.etag, "last_modified": page.last_modified}
        for page in plan.pages
        if page.etag or page.last_modified
    }


def is_changed(page: PlannedPage, comments: int | None, since: datetime | None, at: datetime, pause: float) -> bool:
    """Whether what a list says of a known page makes it due: more replies than it had, or a later change.

    Args:
        page: what is known.
        comments: replies as the list counts them.
        since: when the page was last changed, where the list says so (lastmod of a sitemap).
        at: the moment of the run.
        pause: seconds since the last reading below which a count is not followed: some lists count otherwise than
            their pages and would make every thread due in every run.
    """
    if page.read_at is None:
        return False
    if since is not None and since > page.read_at:
        return True
    risen = comments is not None and page.comments is not None and comments > page.comments
    return risen and (at - page.read_at).total_seconds() >= pause
