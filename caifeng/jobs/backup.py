"""Backup and restore: lake, register, outbox, documents, logs and configuration; never stored pages nor their keys.

A backup folder holds every file once, under its SHA-256, and one list per backup that names files and hashes. So a
second backup copies only what is new, every file can be checked, and a list without its files is noticed. Warehouse
and `analytics.duckdb` are left out, because they are made from the lake (architecture.md, decision 1). Pages and
keys are left out by rule: destroying a key must end every copy (product.md, privacy).

The register is copied after the lake. The lake names issue numbers, so a register older than the lake could give a
number twice; a newer one holds more than the lake needs, and nothing else.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, insert, select, text

from caifeng.cases.service import chain_faults
from caifeng.cases.store import Register
from caifeng.cases.store import metadata as register_tables
from caifeng.core.errors import DataError, UsageError
from caifeng.core.files import replacing
from caifeng.core.listing import Listing
from caifeng.core.settings import Settings
from caifeng.core.store import Folder
from caifeng.jobs.base import Env
from caifeng.jobs.publish import rebuild
from caifeng.notify.outbox import Outbox
from caifeng.notify.outbox import metadata as outbox_tables

#: Folders of the home that a backup holds beside the lake; the rest is made from them, or must not outlive its key.
TREES = ("outputs", "logs")
LAKE = "lake"
CONFIG = "config"
#: Says that a home holds invented data; every paper of it then says so, too.
SAMPLE = "SAMPLE"
REGISTER = "register.db"
_ROWS = 5000
_BLOCK = 1 << 20


class Entry(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    """Where it stood: below the home, or `config/…`."""
    sha256: str
    bytes: int


class Manifest(BaseModel):
    """The list of one backup; written last, so that a list stands for a whole backup."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    made_at: AwareDatetime
    events: int
    """Events in the register."""
    head: str | None
    """Hash of the last one."""
    files: tuple[Entry, ...]


@dataclass(frozen=True)
class BackupReport:
    """What a backup did."""

    manifest: Path
    files: int
    copied: int
    bytes_copied: int

    def words(self) -> str:
        """One line for logs and terminals."""
        return f"{self.manifest}: {self.files} files, {self.copied} new ({self.bytes_copied / 1e6:.1f} MB)"


def backup(env: Env, folder: Path, now: datetime | None = None) -> BackupReport:
    """Add a backup to a folder; files that it holds already are not copied again.

    Jobs may run meanwhile: every file is whole, and a day that was half done is run again after a restore.

    Raises:
        UsageError: the folder lies inside the home, or cannot be written.
        DataError: the register's chain is broken: a broken register must not be the one that is kept.
    """
    made_at, settings = now or env.now(), env.settings
    if folder.resolve().is_relative_to(settings.home.resolve()):
        raise UsageError(f"{folder}: lies inside CAIFENG_HOME; a backup belongs on another disk")
    entries, copied = [], [0, 0]

    def keep(file: Path, path: str) -> None:
        entry, is_new = _store(folder, file, path)
        entries.append(entry)
        copied[0] += is_new
        copied[1] += entry.bytes * is_new

    for file, path in _files(settings):
        keep(file, path)
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / REGISTER
        copy_register(settings.register_url, f"sqlite:///{copy}")
        events, head = _whole_register(copy)
        keep(copy, REGISTER)
    manifest = Manifest(made_at=made_at, events=events, head=head, files=tuple(sorted(entries, key=lambda e: e.path)))
    target = folder / "backups" / f"{made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"
    with replacing(target) as unfinished:
        unfinished.write_text(manifest.model_dump_json(indent=1), "utf8")
    return BackupReport(target, len(entries), *copied)


def backups(folder: Path) -> list[Path]:
    """Lists of the backups in a folder, oldest first."""
    return sorted((folder / "backups").glob("*.json"))


def backup_listing(found: Sequence[Path]) -> Listing:
    """`caifeng backup --list`: moment (UTC) and list of each backup."""
    cells = [(path.stem, str(path)) for path in found]
    return Listing("备份", ("时间", "清单"), cells, [{"at": at, "file": file} for at, file in cells], "no backup")


def check_backup(manifest_file: Path) -> list[str]:
    """What is wrong with a backup, one line each: files missing or changed, a broken register; empty if it is whole."""
    manifest, folder = _read_manifest(manifest_file), manifest_file.parents[1]
    faults = []
    for entry in manifest.files:
        blob = _blob(folder, entry.sha256)
        if not blob.exists():
            faults.append(f"{entry.path}: missing from the backup ({blob})")
        elif _sha256(blob) != entry.sha256:
            faults.append(f"{entry.path}: was changed in the backup ({blob})")
    if not faults:
        with tempfile.TemporaryDirectory() as temporary:
            copy = Path(temporary) / REGISTER
            shutil.copyfile(_register_blob(manifest, folder), copy)
            try:
                found = _whole_register(copy)
            except DataError as error:
                return [str(error)]
            if found != (manifest.events, manifest.head):
                faults.append(f"{REGISTER}: has {found[0]} events, the list says {manifest.events}")
    return faults


def restore(settings: Settings, manifest_file: Path, *, dry_run: bool = False, force: bool = False) -> Iterator[str]:
    """Bring a backup back into the home, register and configuration, and rebuild the warehouse from it.

    Everything is checked before anything is written. What stands in the home is kept beside it under
    `replaced-<time>`, never deleted.

    Args:
        settings: where to; CAIFENG_HOME, CAIFENG_CONFIG and CAIFENG_REGISTER_URL of the new place.
        manifest_file: list of the backup.
        dry_run: only say what would be done.
        force: also where a lake or a register stands; not into a bucket that holds parts.

    Yields:
        What was done, one line each.

    Raises:
        DataError: the backup is not whole.
        UsageError: something stands in the home or in the register, and `force` was not given.
    """
    if faults := check_backup(manifest_file):
        raise DataError("\n".join([f"{manifest_file}: not whole, nothing was restored", *faults]))
    manifest, folder = _read_manifest(manifest_file), manifest_file.parents[1]
    yield f"backup of {manifest.made_at.isoformat()}: {len(manifest.files)} files, {manifest.events} events, whole"
    store = settings.lake_store()
    places = {entry.path: _place(settings, entry.path) for entry in manifest.files if entry.path != REGISTER}
    standing = [settings.home / name for name in (*TREES, REGISTER) if (settings.home / name).exists()]
    standing += [path for path in (settings.lake_dir, settings.config) if path.exists()]
    if standing and not force:
        names = ", ".join(map(str, standing))
        raise UsageError(f"stands in the way: {names}; choose an empty CAIFENG_HOME and CAIFENG_CONFIG, or --force")
    if settings.register_address and _event_count(settings.register_address):
        raise UsageError("CAIFENG_REGISTER_URL: that register holds events; a register is restored into an empty one")
    if not isinstance(store, Folder) and next(store.parts(), None):
        raise UsageError(f"CAIFENG_LAKE {store}: holds parts; a lake is restored into an empty bucket or prefix only")
    if dry_run:
        yield f"would restore to {settings.home} and {settings.config}; nothing was written"
        return
    if standing:
        aside = settings.home / f"replaced-{manifest.made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        aside.mkdir(parents=True)
        for path in [*standing, *settings.home.glob(f"{REGISTER}-*")]:
            shutil.move(path, aside / path.name)
        yield f"set aside what stood there: {aside}"
    for entry in manifest.files:
        if entry.path != REGISTER:
            tree, _, name = entry.path.partition("/")
            with store.replacing(name) if tree == LAKE else replacing(places[entry.path]) as unfinished:
                shutil.copyfile(_blob(folder, entry.sha256), unfinished)
    if settings.register_address:
        with tempfile.TemporaryDirectory() as temporary:  # opening it would touch the file in the backup
            copy = shutil.copy(_register_blob(manifest, folder), Path(temporary) / REGISTER)
            copy_register(f"sqlite:///{copy}", settings.register_address)
    else:
        with replacing(settings.home / REGISTER) as unfinished:
            shutil.copyfile(_register_blob(manifest, folder), unfinished)
    yield f"restored {len(manifest.files)} files"
    yield f"rebuilt {rebuild(Env.open(settings))} days of the warehouse"


def copy_register(source: str, target: str) -> int:
    """Copy register and outbox into an empty database, row by row as they are: numbers, events, words, messages.

    Also the way from SQLite to PostgreSQL and back.

    Args:
        source: SQLAlchemy address.
        target: SQLAlchemy address; its tables are made.

    Returns:
        Rows copied.

    Raises:
        UsageError: the target holds rows.
    """
    origin, copy = Register(source), Register(target)
    try:
        Outbox(origin.engine), Outbox(copy.engine)
        rows = 0
        tables = [*register_tables.sorted_tables, *outbox_tables.sorted_tables]
        with origin.engine.connect() as reading, copy.engine.begin() as writing:
            if any(writing.execute(select(table).limit(1)).first() for table in tables):
                raise UsageError(
                    f"register {copy.engine.url.render_as_string()}: holds rows; it is copied into an empty one only"
                )
            for table in tables:
                found = reading.execution_options(yield_per=_ROWS).execute(select(table).order_by(*table.primary_key))
                for part in found.mappings().partitions(_ROWS):
                    writing.execute(insert(table), [dict(row) for row in part])
                    rows += len(part)
            _continue_counting(writing)
        return rows
    finally:
        origin.close()
        copy.close()


def _continue_counting(connection: Connection) -> None:
    """PostgreSQL counts apart from the table; rows that came with their number must move it on."""
    if connection.dialect.name == "postgresql":
        following = "SELECT coalesce(max(id), 0) + 1 FROM outbox"
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('outbox', 'id'), ({following}), false)"))


def _files(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Files of a backup with their path in it; unfinished ones (`.…tmp`) are somebody else's."""
    for name, file in settings.lake_store().parts():
        yield file, f"{LAKE}/{name}"
    for root, name in [*((settings.home / tree, tree) for tree in TREES), (settings.config, CONFIG)]:
        for file in sorted(root.rglob("*")):
            if file.is_file() and not file.is_symlink() and not (file.name.startswith(".") and ".tmp" in file.name):
                yield file, f"{name}/{file.relative_to(root).as_posix()}"

    if (settings.home / SAMPLE).exists():
        yield settings.home / SAMPLE, SAMPLE


def _store(folder: Path, file: Path, path: str) -> tuple[Entry, bool]:
    digest = _sha256(file)
    blob = _blob(folder, digest)
    is_new = not blob.exists()
    if is_new:
        with replacing(blob) as unfinished:
            shutil.copyfile(file, unfinished)
            if _sha256(unfinished) != digest:  # a log that grew meanwhile
                return _store(folder, file, path)
    return Entry(path=path, sha256=digest, bytes=blob.stat().st_size), is_new


def _blob(folder: Path, digest: str) -> Path:
    return folder / "files" / digest[:2] / digest


def _register_blob(manifest: Manifest, folder: Path) -> Path:
    return next(_blob(folder, entry.sha256) for entry in manifest.files if entry.path == REGISTER)


def _place(settings: Settings, path: str) -> Path:
    """Where a file of a backup belongs; a list that names a place outside is refused."""
    if path == SAMPLE:
        return settings.home / SAMPLE
    tree, _, rest = path.partition("/")
    root = {CONFIG: settings.config, LAKE: settings.lake_dir}.get(tree, settings.home / tree)
    target = root / rest
    if tree not in (*TREES, CONFIG, LAKE) or not target.resolve().is_relative_to(root.resolve()):
        raise DataError(f"{path}: not a place of a backup")
    return target


def _whole_register(file: Path) -> tuple[int, str | None]:
    """Number of events and hash of the last one.

    Raises:
        DataError: the chain is broken.
    """
    register = Register(f"sqlite:///{file}")
    try:
        events = register.events()
    finally:
        register.close()  # the last connection leaves one file, nothing beside it
    if faults := chain_faults(events):
        raise DataError("\n".join(["the register is not whole (caifeng case verify)", *faults]))
    return len(events), events[-1].hash if events else None


def _event_count(address: str) -> int:
    register = Register(address)
    try:
        return len(register.events())
    finally:
        register.close()


def _read_manifest(file: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(file.read_text("utf8"))
    except FileNotFoundError as error:
        raise UsageError(f"{file}: no such backup; `caifeng backup --list DIR` names them") from error
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise DataError(f"{file}: not the list of a backup: {str(error).splitlines()[0]}") from error
    if sum(entry.path == REGISTER for entry in manifest.files) != 1:
        raise DataError(f"{file}: names no register")
    return manifest


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
