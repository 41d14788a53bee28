"""The Parquet lake: immutable partitions, each replaced as a whole or not at all.

`<root>/<schema>/<table>/day=YYYY-MM-DD/<part>.parquet`. A file is written under a temporary name, forced to
disk and renamed, so that a reader or a crash never meets half a partition; the same frame gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from caifeng.core.contracts import Contract
from caifeng.core.errors import DataError
from caifeng.core.files import replacing, sweep

#: Rows of a row group (our choice: a large day is read again in pieces of this size). Told, because the library would
#: else part them as the frame happens to lie in memory, and the same rows would give other bytes.
_ROW_GROUP = 100_000


class Lake:
    """Reads and replaces the partitions of the tables that have a contract."""

    def __init__(self, root: Path, contracts: dict[str, Contract]) -> None:
        self.root = root
        self.contracts = contracts

    def directory(self, table: str, day: date) -> Path:
        """Directory of one partition; it need not exist."""
        schema, name = table.split(".")
        return self.root / schema / name / f"day={day.isoformat()}"

    def replace(self, table: str, day: date, frame: pl.DataFrame, part: str = "data") -> Path:
        """Replace one file of a partition by `frame`, checked against the contract.

        Tables that several jobs add to (raw landings, rejects by stage, grades by moment) have one part each.

        Raises:
            DataError: the frame breaks its contract; nothing is written.
            UsageError: the directory cannot be written.
        """
        checked = self.contracts[table].conform(frame)
        target = self.directory(table, day) / f"{part}.parquet"
        with replacing(target) as temporary:
            checked.write_parquet(temporary, compression="zstd", statistics=True, row_group_size=_ROW_GROUP)
        return target

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
            for first in range(0, max(self._height(file), 1), rows):
                yield self._collect(table, [file], rows=(first, rows))

    def read_range(self, table: str, first: date, last: date, columns: list[str] | None = None) -> pl.DataFrame:
        """Rows of the days `first`..`last` with their `day`, in day order."""
        schema = self.contracts[table].polars_schema()
        frames = [
            self._collect(table, files, columns).select(pl.lit(day).alias("day"), *(columns or schema))
            for day in self.days(table)
            if first <= day <= last and (files := self.files(table, day))
        ]
        if frames:
            return pl.concat(frames)
        return pl.DataFrame(schema={"day": pl.Date, **{c: schema[c] for c in columns or schema}})

    def scan(self, table: str, first: date, last: date) -> pl.LazyFrame:
        """Rows of the days `first`..`last` with their `day`, read as far as a query needs them; in no order."""
        files = [file for day in self.days(table) if first <= day <= last for file in self.files(table, day)]
        if not files:
            return pl.LazyFrame(schema={**self.contracts[table].polars_schema(), "day": pl.Date})
        return pl.scan_parquet(files, hive_partitioning=True, hive_schema={"day": pl.Date})

    def days(self, table: str) -> list[date]:
        """Days for which a partition exists, in order."""
        schema, name = table.split(".")
        return sorted(date.fromisoformat(path.name[4:]) for path in (self.root / schema / name).glob("day=*"))

    def files(self, table: str, day: date) -> list[Path]:
        """Parquet files of one partition, in name order."""
        return sorted(self.directory(table, day).glob("*.parquet"))

    def sweep(self) -> list[Path]:
        """Delete the temporary files that killed jobs left behind."""
        return sweep(self.root, "*/*/day=*/")

    def _collect(
        self, table: str, files: list[Path], columns: list[str] | None = None, rows: tuple[int, int] | None = None
    ) -> pl.DataFrame:
        """Rows of files: of them only some `columns`, or only `rows` (the first one, and how many), if told."""
        schema = self.contracts[table].polars_schema()
        wanted = columns or list(schema)
        frames = [pl.DataFrame(schema={name: schema[name] for name in wanted})]
        for file in files:
            try:
                lines = pl.scan_parquet(file, hive_partitioning=False)
                stored = lines.collect_schema()
                late = self._late(table, stored)
                if {**stored, **late} != dict(schema):
                    raise DataError(f"{file}: columns differ from the contract {table}")
                if rows is not None:
                    lines = lines.slice(*rows)
                unknown = [pl.lit(None, kind).alias(name) for name, kind in late.items()]
                frames.append(lines.with_columns(unknown).select(wanted).collect())
            except (pl.exceptions.PolarsError, OSError) as error:
                raise DataError(f"{file}: cannot be read: {error}") from error
        return pl.concat(frames[1:] or frames)

    def _late(self, table: str, stored: pl.Schema) -> dict[str, pl.DataType]:
        """Columns that a contract gained later: they are unknown in older partitions, where it allows unknown."""
        contract = self.contracts[table]
        schema = contract.polars_schema()
        return {c.name: schema[c.name] for c in contract.columns if c.null_means is not None and c.name not in stored}

    def _height(self, file: Path) -> int:
        try:
            return int(pl.scan_parquet(file, hive_partitioning=False).select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{file}: cannot be read: {error}") from error
