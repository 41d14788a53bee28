"""The daily logs: which days have files, and whether they are signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    DAILY_LOG,
)
from caifeng.core.clock import end_of_day
from caifeng.jobs.workbench.desk import Desk
from caifeng.jobs.workbench.files import DAY_FILES

#: The file that is signed.
SIGNED_FILE = DAY_FILES[0]


@dataclass(frozen=True)
class Log:
    """The daily log of a day and whether it is signed."""

    day: date
    file_hash: str | None
    """SHA-256 of the file; null: not written."""
    signed_by: str | None
    """Role, if this very file was signed."""
    signed_at: datetime | None
    files: tuple[str, ...]
    final: bool
    """The day is over and was evaluated at its end."""


def daily_logs(desk: Desk, days: int = 14) -> tuple[Log, ...]:
    """The latest days that have files, latest first, and whether the file that stands there is signed."""
    signed = {(event.payload["day"], event.payload["file_hash"]): event for event in desk.register.events(DAILY_LOG)}
    evaluated = dict(desk.read("marts.daily_summary").select("day", "as_of").iter_rows())
    folders = sorted((path for path in desk.settings.outputs_dir.glob("????-??-??") if path.is_dir()), reverse=True)
    found = []
    for folder in folders[:days]:
        try:
            day = date.fromisoformat(folder.name)
        except ValueError:
            continue
        files = tuple(name for name in DAY_FILES if (folder / name).is_file())
        digest = sha256((folder / SIGNED_FILE).read_bytes()).hexdigest() if SIGNED_FILE in files else None
        event = signed.get((day.isoformat(), digest or ""))
        final = evaluated.get(day) is not None and evaluated[day] >= end_of_day(day)
        role = CASE_ROLE_NAMES[event.role] if event else None
        found.append(Log(day, digest, role, event.at if event else None, files, final))
    return tuple(found)
