"""What each job read and wrote: ops.runs, the lineage of every part of the lake and of every mart.

A lake and a warehouse that note what is asked of them, so that no job has to say it. A run is one line of
`logs/runs/<day>.jsonl`, which is only added to; `load` makes the day's partition of ops.runs of these lines
(docs/observability.md says why it is not one file a run).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from caifeng.core.lake import Lake
from caifeng.core.warehouse import LAKE_ONLY, Warehouse, mart_queries, tables_read

#: What tells of runs and makes nothing: a change in them makes nothing out of date.
RECORDS = ("ops.runs", "ops.quality")
_DIGITS = 16


class Run(NamedTuple):
    """One run of a job, as a row of ops.runs."""

    run_id: str
    """Start (UTC), job, process: 20261120T161001.123456Z-grade-4711."""
    job: str
    as_of: datetime | None
    started_at: datetime
    seconds: float
    rows_in: int
    rows_out: int
    peak_mb: int | None
    outcome: Literal["ok", "failed"]
    reason: str | None
    rules: tuple[str, ...]
    """`name hash` of what it went by: configuration files, and `register`, what people had decided."""
    inputs: tuple[str, ...]
    """`name hash`: partitions of its own day, and of the days before one entry a table, `schema/table/D1..D2`."""
    outputs: tuple[str, ...]
    """`name hash` of the files it wrote, and of the marts, `marts/<mart>/day=D`."""


# --- hashes ----------------------------------------------------------------------------------------------------------


def digest(lines: Iterable[str]) -> str:
    """Hash over lines in their order: 16 hex digits of SHA-256."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_DIGITS]


def file_hash(path: Path) -> str:
    """Hash of a file's bytes; a file is read once in a process, because parts are replaced and never changed."""
    stat = path.stat()
    return _file_hash(path, stat.st_ino, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=100_000)
def _file_hash(path: Path, *_seen: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]


def rows_hash(frame: pl.DataFrame) -> str:
    """Hash of a mart's rows in their order."""
    return digest([frame.write_ndjson()])


def entries(found: Iterable[str]) -> dict[str, str]:
    """Name -> hash of the entries of a run."""
    return dict(entry.rsplit(" ", 1) for entry in found)


# --- watching --------------------------------------------------------------------------------------------------------


@dataclass
class Watch:
    """What one run reads and writes."""

    day: date
    lookback: timedelta
    rows_in: int = 0
    rows_out: int = 0
    files: dict[str, dict[date, dict[str, str]]] = field(default_factory=dict)
    """Table -> day -> file name -> hash, as they stood when they were read."""
    reach: dict[str, tuple[date, date]] = field(default_factory=dict)
    """Table -> first and last of the days before that were looked at, whether or not there was anything."""
    written: dict[str, str] = field(default_factory=dict)
    """Name of a file or mart -> hash."""
    marts: dict[str, str] = field(default_factory=dict)
    """Rows of marts that were read: name -> hash."""

    def inputs(self, lake: Lake) -> list[str]:
        """Entries of what was read. What the run wrote itself is none, nor is what tells of runs."""
        found = {}
        for table, days in self.files.items():
            if self.day in days and table not in RECORDS:
                name = partition_name(table, self.day)
                found[name] = digest(_without(days[self.day], name, self.written))
        for table, (first, last) in self.reach.items():
            if table not in RECORDS:
                found[f"{table.replace('.', '/')}/{first}..{last}"] = range_hash(
                    lake, table, first, last, self.files.get(table, {})
                )
        found |= {name: value for name, value in self.marts.items() if name not in self.written}
        return [f"{name} {value}" for name, value in sorted(found.items())]

    def outputs(self) -> list[str]:
        """Entries of what was written."""
        return [f"{name} {value}" for name, value in sorted(self.written.items())]

    def look(self, lake: Lake, table: str, first: date, last: date) -> None:
        """Note that days are about to be read; later days than the run's own are no input of it."""
        known = self.files.setdefault(table, {})
        if first < self.day:
            before = min(last, self.day - timedelta(days=1))
            seen = self.reach.get(table, (first, before))
            self.reach[table] = (min(seen[0], first), max(seen[1], before))
        for day in Lake.days(lake, table):
            if first <= day <= min(last, self.day) and day not in known:
                known[day] = _hashes(lake, table, day)
        if first <= self.day <= last:
            known.setdefault(self.day, {})


def partition_name(table: str, day: date) -> str:
    """As in the entries of a run: graded/posts/day=2026-11-20."""
    return f"{table.replace('.', '/')}/day={day}"


def partition_hash(lake: Lake, table: str, day: date, own: Iterable[str] = ()) -> str:
    """Hash of a partition's files without those of the names `own`, as a run's entry of its own day has it."""
    return digest(_without(_hashes(lake, table, day), partition_name(table, day), own))


def range_hash(lake: Lake, table: str, first: date, last: date, known: dict[date, dict[str, str]] | None = None) -> str:
    """Hash of the partitions of a range of days, as a run's entry of the days before has it."""
    lines = []
    for day in Lake.days(lake, table):
        if first <= day <= last:
            files = (known or {}).get(day) or _hashes(lake, table, day)
            lines += [f"{day}/{name} {value}" for name, value in files.items()]
    return digest(lines)


def part_hash(lake: Lake, path: Path) -> str:
    """Hash of a part as the job that wrote it left it: words whose life has ended since are no change of the part."""
    before, found = purged(lake), file_hash(path)
    while found in before:
        found = before[found]
    return found


def purged(lake: Lake) -> dict[str, str]:
    """Hash of each part that lost words to `purge` -> its hash before (ops.purges)."""
    files = [file for day in Lake.days(lake, "ops.purges") for file in Lake.files(lake, "ops.purges", day)]
    return _purged(tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=4)
def _purged(files: tuple[tuple[Path, int], ...]) -> dict[str, str]:
    columns = ["what", "hash_before", "hash_after"]
    frames = [pl.read_parquet(file, columns=columns, hive_partitioning=False) for file, _ in files]
    rows = [row for frame in frames for row in frame.iter_rows() if row[0] == "words" and row[1] and row[2]]
    return {after[:_DIGITS]: before[:_DIGITS] for _, before, after in rows}


def _hashes(lake: Lake, table: str, day: date) -> dict[str, str]:
    return {path.name: part_hash(lake, path) for path in Lake.files(lake, table, day)}


def _without(files: dict[str, str], partition: str, own: Iterable[str]) -> list[str]:
    mine = set(own)
    return [f"{name} {value}" for name, value in files.items() if f"{partition}/{name}" not in mine]


class WatchedLake(Lake):
    """A lake that notes what a run reads and writes, while one is watched."""

    watch: Watch | None = None

    def replace(self, table: str, day: date, frame: pl.DataFrame, part: str = "data") -> Path:
        """As `Lake.replace`."""
        path = super().replace(table, day, frame, part)
        if self.watch:
            self.watch.written[f"{partition_name(table, day)}/{path.name}"] = file_hash(path)
            self.watch.rows_out += frame.height
        return path

    def read(self, table: str, day: date) -> pl.DataFrame:
        """As `Lake.read`."""
        frame = super().read(table, day)
        self._count(frame)
        return frame

    def pieces(self, table: str, day: date, rows: int) -> Iterator[pl.DataFrame]:
        """As `Lake.pieces`."""
        for frame in super().pieces(table, day, rows):
            self._count(frame)
            yield frame

    def read_range(
        self,
        table: str,
        first: date,
        last: date,
        columns: list[str] | None = None,
        among: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """As `Lake.read_range`."""
        with self._looking(table, first, last):
            frame = super().read_range(table, first, last, columns, among)
        self._count(frame)
        return frame

    def scan(self, table: str, first: date, last: date) -> pl.LazyFrame:
        """As `Lake.scan`; its rows are not counted."""
        with self._looking(table, first, last):
            return super().scan(table, first, last)

    def days(self, table: str) -> list[date]:
        """As `Lake.days`; whoever asks depends on the days before, within the life of their text."""
        if self.watch:
            self.watch.look(self, table, self.watch.day - self.watch.lookback, self.watch.day - timedelta(days=1))
        return super().days(table)

    def files(self, table: str, day: date) -> list[Path]:
        """As `Lake.files`."""
        if self.watch:
            self.watch.look(self, table, day, day)
        return super().files(table, day)

    def files_of(self, table: str, first: date, last: date) -> dict[date, list[Path]]:
        """As `Lake.files_of`."""
        with self._looking(table, first, last):
            return super().files_of(table, first, last)

    def _count(self, frame: pl.DataFrame) -> None:
        if self.watch:
            self.watch.rows_in += frame.height

    @contextmanager
    def _looking(self, table: str, first: date, last: date) -> Iterator[None]:
        """What is read in between is noted as this range, no more."""
        if self.watch:
            self.watch.look(self, table, first, last)
        with unwatched(self):
            yield


class WatchedWarehouse(Warehouse):
    """A warehouse that notes of which parts of the lake marts are made, and which marts are read."""

    lake: WatchedLake | None = None

    def build_marts(self, day: date, as_of: datetime, rule_version: str, partition: Any = "day") -> dict[str, int]:
        """As `Warehouse.build_marts`."""
        watch = self.lake and self.lake.watch
        if watch and self.lake:
            for table in lake_tables_of_marts(self.sql_dir):
                watch.look(self.lake, table, day - watch.lookback, day)
        built = super().build_marts(day, as_of, rule_version, partition)
        if watch:
            with self.reading():
                for mart, rows in built.items():
                    watch.written[partition_name(mart, day)] = rows_hash(super().read(mart, day))
                    watch.rows_out += rows
        return built

    def read(self, table: str, first: date, last: date | None = None) -> pl.DataFrame:
        """As `Warehouse.read`."""
        frame = super().read(table, first, last)
        watch = self.lake and self.lake.watch
        if watch and self.lake and not table.startswith("marts."):  # as loaded from there
            watch.rows_in += frame.height
            watch.look(self.lake, table, first, last or first)
        elif watch:
            watch.rows_in += frame.height
            watch.marts[_rows_name(table, first, last or first)] = rows_hash(frame)
        return frame


def lake_tables_of_marts(sql_dir: Path) -> list[str]:
    """Tables of the lake that the marts read, those that tell of runs left out."""
    return list(_lake_tables_of_marts(sql_dir))


@lru_cache
def _lake_tables_of_marts(sql_dir: Path) -> tuple[str, ...]:
    read = {
        table
        for mart, query in mart_queries(sql_dir).items()
        for table in tables_read(query, sql_dir / "marts" / f"{mart.split('.')[1]}.sql")
    }
    return tuple(sorted(t for t in read if not t.startswith("marts.") and t not in (*RECORDS, *LAKE_ONLY)))


def _rows_name(table: str, first: date, last: date) -> str:
    return partition_name(table, first) if first == last else f"{table.replace('.', '/')}/{first}..{last}"


@contextmanager
def watching(lake: Lake, watch: Watch) -> Iterator[Watch]:
    """Note what is read and written until the end; a lake that cannot be watched notes nothing."""
    if isinstance(lake, WatchedLake):
        lake.watch = watch
    try:
        yield watch
    finally:
        if isinstance(lake, WatchedLake):
            lake.watch = None


@contextmanager
def unwatched(lake: Lake) -> Iterator[None]:
    """Note nothing meanwhile."""
    if not isinstance(lake, WatchedLake):
        yield
        return
    watch, lake.watch = lake.watch, None
    try:
        yield
    finally:
        lake.watch = watch


# --- memory ----------------------------------------------------------------------------------------------------------


def forget_peak() -> None:
    """Let the peak of this process's memory begin anew (Linux; elsewhere it stays that of the process)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_mb() -> int | None:
    """Greatest resident memory since `forget_peak`, in MB; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None


# --- the lines -------------------------------------------------------------------------------------------------------


def folder(home: Path) -> Path:
    """Where the lines of the runs stand."""
    return home / "logs" / "runs"


def add_run(home: Path, day: date, run: Run) -> None:
    """Add a line; written in one piece, so that several jobs may do so at once."""
    line = json.dumps({**run._asdict(), "as_of": _text(run.as_of), "started_at": _text(run.started_at)})
    folder(home).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder(home) / f"{day}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_runs(home: Path, lake: Lake, day: date) -> list[Run]:
    """Runs for a day in the order of their start: its lines, and what ops.runs has of older ones.

    A line that a crash cut off is passed over: that run has left no other trace.
    """
    found = {row["run_id"]: _run(row) for row in Lake.read(lake, "ops.runs", day).iter_rows(named=True)}
    path = folder(home) / f"{day}.jsonl"
    for line in path.read_text("utf8").splitlines() if path.exists() else ():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        times = {name: row[name] and datetime.fromisoformat(row[name]) for name in ("as_of", "started_at")}
        found[row["run_id"]] = _run({**row, **times})
    return sorted(found.values(), key=lambda run: (run.started_at, run.run_id))


def store_runs(home: Path, lake: Lake, day: date) -> int:
    """Make the day's partition of ops.runs of its lines.

    Returns:
        Number of runs.
    """
    runs = read_runs(home, lake, day)
    schema = lake.contracts["ops.runs"].polars_schema()
    # how long things took is in it, so it differs from run to run and is no output of any
    Lake.replace(lake, "ops.runs", day, pl.DataFrame([run._asdict() for run in runs], schema=schema))
    return len(runs)


def _run(row: dict[str, Any]) -> Run:
    lists = {name: tuple(row[name] or ()) for name in ("rules", "inputs", "outputs")}
    return Run(**{**{name: row[name] for name in Run._fields}, **lists})


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
