"""What a stage goes by beside the lake: configuration files, and what people have decided. Hashes, to tell a change."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from caifeng.cases.corrections import corrections_of
from caifeng.cases.model import LABELS
from caifeng.cases.store import Register
from caifeng.core.clock import end_of_day
from caifeng.core.errors import CaifengError
from caifeng.core.settings import Settings
from caifeng.jobs.runs import digest, file_hash

#: Stage -> files of the configuration that it reads (glob below CAIFENG_CONFIG). Sources are not here: a day keeps
#: them in ops.sources. Of grading rules the version counts that is in force on the day.
FILES: dict[str, tuple[str, ...]] = {
    "clean": (),
    "understand": ("taxonomy/*.toml", "gazetteer.toml", "stance/*", "units.toml", "quality.toml", "practices.toml"),
    "cluster": ("grouping.toml", "bursts.toml", "holidays/*.toml", "release_calendar/*.toml"),
    "grade": ("grouping.toml", "early_warning.toml", "release_calendar/*.toml", "taxonomy/*.toml"),
    "load": (
        "deadlines.toml", "policy_basis.toml", "register.toml", "holidays/*.toml", "answers.toml", "publications.toml",
        "release_calendar/*.toml", "grouping.toml", "quality.toml", "units.toml", "taxonomy/*.toml",
    ),
    "marts": (),
    "outputs": ("templates/政务舆情日志.docx", "units.toml"),
}  # fmt: skip
_DECIDED = ("understand", "cluster", "grade", "load")


def rules_of(settings: Settings, job: str, day: date, as_of: datetime) -> tuple[str, ...]:
    """`name hash` of what a stage goes by on a day; empty for other jobs.

    Comments and order in a TOML file do not count, nor do yearly files (holidays, release calendar) of years that
    are not beside the day's.

    Args:
        settings: where configuration and register are.
        job: the stage.
        day: the day.
        as_of: moment of the evaluation; what people decided later does not count.
    """
    if job not in FILES:
        return ()
    found = {}
    for pattern in FILES[job]:
        files = [path for path in sorted(settings.config.glob(pattern)) if path.is_file() and _concerns(path, day)]
        lines = [f"{path.name} {content_hash(path)}" for path in files]
        found[pattern] = digest(lines) if "*" in pattern else lines[0].split()[1] if lines else "missing"
    if job == "grade":
        try:
            found["grading"] = settings.grading(day).rule_version
        except CaifengError:  # the stage itself says what is wrong
            found["grading"] = "unreadable"
    if job == "marts":
        queries = sorted((settings.root / "sql" / "marts").glob("*.sql"))
        found["sql/marts"] = digest(f"{path.name} {file_hash(path)}" for path in queries)
    if job in _DECIDED:
        found["register"] = decided(settings, job, day, as_of)
    return tuple(f"{name} {value}" for name, value in sorted(found.items()))


def decided(settings: Settings, job: str, day: date, as_of: datetime) -> str:
    """Hash of what people had decided by a moment, as far as it concerns a stage.

    `understand` obeys what was said of single posts, `cluster` merges and splits, `grade` and `load` everything.
    """
    register = Register(settings.register_url)
    try:
        if job == "understand":
            events = [e for e in register.events(LABELS) if e.at <= min(as_of, end_of_day(day))]
        else:
            events = list(register.events(until=as_of))
    finally:
        register.close()
    if job == "cluster":
        return digest([repr(corrections_of(events))])
    return digest(event.hash for event in events)


def _concerns(path: Path, day: date) -> bool:
    return not path.stem.isdigit() or abs(int(path.stem) - day.year) <= 1


def content_hash(path: Path) -> str:
    """Hash of what a file says: of a TOML file its values, of others the bytes; read once in a process."""
    return _content_hash(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1000)
def _content_hash(path: Path, _seen: int) -> str:
    if path.suffix != ".toml":
        return file_hash(path)
    try:
        values = tomllib.loads(path.read_text("utf8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return file_hash(path)
    return digest([json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)])
