"""The Parquet lake: immutable partitions, each replaced as a whole or not at all.

`<root>/<schema>/<table>/day=YYYY-MM-DD/<part>.parquet`. A file is written under a temporary name, forced to
disk and renamed, so that a reader or a crash never meets half a partition; the same frame gives the same bytes.
The root is a folder or an S3 bucket; a bucket's parts are read from a local copy (caifeng.core.store).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from caifeng.core.contracts import Contract
from caifeng.core.errors import DataError
from caifeng.core.store import Folder, Store

#: Rows of a row group (our choice: a large day is read again in pieces of this size). Told, because the library would
#: else part them as the frame happens to lie in memory, and the same rows would give other bytes.
_ROW_GROUP = 100_000
#: Made by the crawl, as raw tables are: no stage makes them again.
_LANDED = ("ops.fetches", "ops.sources")
#: Entry of a part's footer: version of the contract it was written under. Absent: version 1, so that a table that never
#: changed has the bytes it always had.
_VERSION = "caifeng.contract_version"


class Lake:
    """Reads and replaces the partitions of the tables that have a contract."""

    def __init__(self, place: Path | Store, contracts: dict[str, Contract]) -> None:
        self.store: Store = Folder(place) if isinstance(place, Path) else place
        self.contracts = contracts

    @property
    def root(self) -> Path:
        """Local folder below which parts are read; of a bucket only what was asked for stands there."""
        return self.store.root

    def directory(self, table: str, day: date) -> Path:
        """Local directory of one partition with its files as they stand now; it need not exist."""
        folder = _folder(day)
        self.store.files(table, [folder])
        return self.root / table.replace(".", "/") / folder

    def replace(self, table: str, day: date, frame: pl.DataFrame, part: str = "data") -> Path:
        """Replace one file of a partition by `frame`, checked against the contract.

        Tables that several jobs add to (raw landings, rejects by stage, grades by moment) have one part each.

        Raises:
            DataError: the frame breaks its contract; nothing is written.
            UsageError: the directory cannot be written.
        """
        checked = self.contracts[table].conform(frame)
        name = f"{table.replace('.', '/')}/{_folder(day)}/{part}.parquet"
        with self.store.replacing(name) as temporary:
            version = self.contracts[table].version
            try:
                checked.write_parquet(
                    temporary,
                    compression="zstd",
                    statistics=True,
                    row_group_size=_ROW_GROUP,
                    metadata={_VERSION: str(version)} if version > 1 else None,
                )
            except pl.exceptions.ComputeError as error:  # the engine's word for a full disk or a limit on files
                raise OSError(str(error).rpartition("IO error: ")[2]) from error
        return self.root / name

    def read(self, table: str, day: date) -> pl.DataFrame:
        """All parts of one partition; empty, with the contract's columns, where there is none."""
        return self._collect(table, self.files(table, day))

    def pieces(self, table: str, day: date, rows: int) -> Iterator[pl.DataFrame]:
        """The rows of `read` in their order, at most so many at a time; one empty frame where there are none.

        For days that are too large to stand in memory together with what is made of them.
        """
        files = self.files(table, day)
        if not files:
            yield self._collect(table, files)
        for file in files:
            for first in range(0, max(self._height(table, file), 1), rows):
                yield self._collect(table, [file], rows=(first, rows))

    def read_range(
        self,
        table: str,
        first: date,
        last: date,
        columns: list[str] | None = None,
        among: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Rows of the days `first`..`last` with their `day`, in day order.

        `among` says which: those that agree with one of its rows in its columns. The others are not held in memory.
        """
        schema = self.contracts[table].polars_schema()
        frames = [
            self._collect(table, files, columns, among=among).select(pl.lit(day).alias("day"), *(columns or schema))
            for day, files in self.files_of(table, first, last).items()
        ]
        if frames:
            return pl.concat(frames)
        return pl.DataFrame(schema={"day": pl.Date, **{c: schema[c] for c in columns or schema}})

    def scan(self, table: str, first: date, last: date) -> pl.LazyFrame:
        """Rows of the days `first`..`last` with their `day`, read as far as a query needs them; in no order."""
        files = [file for found in self.files_of(table, first, last).values() for file in found]
        schema = self.contracts[table].polars_schema()
        if not files:
            return pl.LazyFrame(schema={**schema, "day": pl.Date})
        if all(pl.read_parquet_schema(file) == dict(schema) for file in files):
            return pl.scan_parquet(files, hive_partitioning=True, hive_schema={"day": pl.Date})
        parts = [
            self._as_today(table, file, pl.scan_parquet(file, hive_partitioning=False)).with_columns(
                pl.lit(date.fromisoformat(file.parent.name[4:])).alias("day")
            )
            for file in files
        ]
        return pl.concat(parts)

    def days(self, table: str) -> list[date]:
        """Days for which a partition exists, in order."""
        return sorted(date.fromisoformat(name[4:]) for name in self.store.folders(table))

    def files(self, table: str, day: date) -> list[Path]:
        """Parquet files of one partition, in name order."""
        return self.store.files(table, [_folder(day)]).get(_folder(day), [])

    def files_of(self, table: str, first: date, last: date) -> dict[date, list[Path]]:
        """Parquet files of the days `first`..`last` that have any, in day and name order."""
        days = [day for day in self.days(table) if first <= day <= last]
        found = self.store.files(table, [_folder(day) for day in days])
        return {day: found[_folder(day)] for day in days if _folder(day) in found}

    def sweep(self) -> list[Path]:
        """Delete the temporary files that killed jobs left behind."""
        return self.store.sweep()

    def _collect(
        self,
        table: str,
        files: list[Path],
        columns: list[str] | None = None,
        rows: tuple[int, int] | None = None,
        among: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Rows of files: of them only some `columns`, or only `rows` (the first one, and how many), if told."""
        schema = self.contracts[table].polars_schema()
        wanted = columns or list(schema)
        frames = [pl.DataFrame(schema={name: schema[name] for name in wanted})]
        for file in files:
            try:
                lines = self._as_today(table, file, pl.scan_parquet(file, hive_partitioning=False))
                if rows is not None:
                    lines = lines.slice(*rows)
                if among is not None:
                    lines = lines.join(among.lazy(), on=among.columns, how="semi")
                frames.append(lines.select(wanted).collect())
            except (pl.exceptions.PolarsError, OSError) as error:
                raise _unreadable(table, file, error) from error
        return pl.concat(frames[1:] or frames)

    def _as_today(self, table: str, file: Path, lines: pl.LazyFrame) -> pl.LazyFrame:
        """A part as one of today's contract, by the changes declared since it was written.

        Raises:
            DataError: it differs in a way that no declared change explains.
        """
        contract = self.contracts[table]
        stored = lines.collect_schema()
        expressions, differences = contract.reading(stored, self.version_of(table, file))
        if differences:
            found = "; ".join(f"{name} {what}" for name, what in differences)
            raise DataError(f"{file}: columns differ from the contract {table}: {found}")
        return lines if dict(stored) == dict(contract.polars_schema()) else lines.select(expressions)

    def version_of(self, table: str, file: Path) -> int:
        """Version of the contract under which a part was written; only its footer is read."""
        if self.contracts[table].version == 1:
            return 1
        return int(pl.read_parquet_metadata(file).get(_VERSION, "1"))

    def _height(self, table: str, file: Path) -> int:
        try:
            return int(pl.scan_parquet(file, hive_partitioning=False).select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(table, file, error) from error


def _folder(day: date) -> str:
    return f"day={day.isoformat()}"


def _unreadable(table: str, file: Path, error: Exception) -> DataError:
    """What is wrong with a file, and how it comes back."""
    remedy = (
        "bring it back from a backup"
        if table.startswith("raw.") or table in _LANDED
        else "delete it and run its day again, or bring it back from a backup"
    )
    reason = str(error).strip().splitlines()[0]
    return DataError(f"{file}: cannot be read: {reason}; {remedy} (docs/recovery.md)")
