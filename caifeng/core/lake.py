"""The Parquet lake: immutable partitions, each replaced as a whole or not at all.

`<root>/<schema>/<table>/day=YYYY-MM-DD/<part>.parquet`. A file is written under a temporary name, forced to
disk and renamed, so that a reader or a crash never meets half a partition; the same frame gives the same bytes.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from caifeng.core.contracts import Contract
from caifeng.core.errors import DataError
from caifeng.core.files import replacing, sweep


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
            checked.write_parquet(temporary, compression="zstd", statistics=True)
        return target

    def read(self, table: str, day: date) -> pl.DataFrame:
        """All parts of one partition; empty, with the contract's columns, where there is none."""
        return self._collect(table, self.files(table, day))

    def read_range(self, table: str, first: date, last: date, columns: list[str] | None = None) -> pl.DataFrame:
        """Rows of the days `first`..`last` with their `day`, in day order."""
        schema = self.contracts[table].polars_schema()
        frames = [
            self._collect(table, files).select(pl.lit(day).alias("day"), *(columns or schema))
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

    def _collect(self, table: str, files: list[Path]) -> pl.DataFrame:
        schema = self.contracts[table].polars_schema()
        if not files:
            return pl.DataFrame(schema=schema)
        frames = []
        for file in files:
            try:
                frames.append(pl.read_parquet(file, hive_partitioning=False))
            except (pl.exceptions.PolarsError, OSError) as error:
                raise DataError(f"{file}: cannot be read: {error}") from error
            frames[-1] = self._as_today(table, frames[-1])
            if dict(frames[-1].schema) != dict(schema):
                raise DataError(f"{file}: columns differ from the contract {table}")
        return pl.concat(frames)

    def _as_today(self, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Columns that a contract gained later are unknown in older partitions, where it allows unknown."""
        contract = self.contracts[table]
        late = [
            pl.lit(None, contract.polars_schema()[column.name]).alias(column.name)
            for column in contract.columns
            if column.null_means is not None and column.name not in frame.columns
        ]
        whole = {*frame.columns, *(column.meta.output_name() for column in late)} == {*contract.names}
        return frame.with_columns(late).select(contract.names) if late and whole else frame
