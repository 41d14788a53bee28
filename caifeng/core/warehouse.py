"""The DuckDB warehouse: loaded from the lake by one writer, rebuilt at any time. The only module that opens DuckDB.

Marts are filled by the SELECTs under sql/marts, one per file, in the order of their lineage. Readers never open
this file: they get `analytics.duckdb`, a copy that is swapped in whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

import duckdb
import polars as pl
import sqlglot
from sqlglot import exp

from caifeng.core.contracts import Contract
from caifeng.core.errors import ConfigError, DataError, UsageError
from caifeng.core.files import replacing, sweep
from caifeng.core.lake import Lake

#: Analysts get an excerpt instead of the text (product.md, privacy).
EXCERPT_CHARACTERS = 200
#: An index of the lake that no SELECT reads.
LAKE_ONLY = ("clean.repost_bands",)
PUBLISHED_TABLES = ("graded.issues", "graded.issue_grades", "graded.issue_posts", "graded.posts")


class Warehouse:
    """The warehouse file and the contracts of its tables."""

    def __init__(self, file: Path, contracts: dict[str, Contract], sql_dir: Path) -> None:
        self.file = file
        self.contracts = contracts
        self.sql_dir = sql_dir

    def load(self, lake: Lake, day: date) -> dict[str, int]:
        """Replace one day of every lake table that marts or analysts read; raw stays in the lake.

        Returns:
            Rows loaded, by table.
        """
        loaded = {}
        with self._writing() as connection:
            for table in self.contracts:
                if table.startswith(("raw.", "marts.")) or table in LAKE_ONLY:
                    continue
                frame = lake.read(table, day)
                _replace_day(connection, table, day, frame)
                loaded[table] = frame.height
        return loaded

    def build_marts(
        self, day: date, as_of: datetime, rule_version: str, partition: Literal["day", "month"] = "day"
    ) -> dict[str, int]:
        """Replace one partition of every mart of a kind, in lineage order, in one transaction.

        Args:
            day: the day; of a month its last one.
            as_of: moment for which the marts are made.
            rule_version: grading rules they rest on.
            partition: which marts: those of a day, or those that review a month.

        Raises:
            DataError: a SELECT fails or its rows break the mart's contract; nothing is changed.
        """
        built = {}
        parameters = {"day": day, "as_of": as_of, "rule_version": rule_version}
        with self._writing() as connection:
            for mart, query in mart_queries(self.sql_dir).items():
                if self.contracts[mart].partition != partition:
                    continue
                used = {name: value for name, value in parameters.items() if re.search(rf"\${name}\b", query)}
                try:
                    rows = connection.execute(query, used).pl()
                except duckdb.Error as error:
                    raise DataError(f"{mart}: {error}") from error
                _replace_day(connection, mart, day, self.contracts[mart].conform(rows))
                built[mart] = rows.height
        return built

    def read(self, table: str, first: date, last: date | None = None) -> pl.DataFrame:
        """Rows of a table for one day, or the days `first`..`last`, with their `day`, in grain order."""
        with _connection(self.file, read_only=True) as connection:
            return connection.execute(
                f"SELECT * FROM {table} WHERE day BETWEEN ? AND ? ORDER BY {self._order(table)}",  # noqa: S608
                [first, last or first],
            ).pl()

    def fingerprints(self) -> dict[str, str]:
        """Number of rows and a hash over them, of every mart, in no order of rows; comparable within one DuckDB."""
        with _connection(self.file, read_only=True) as connection:
            found = {}
            for table in (t for t in self.contracts if t.startswith("marts.")):
                query = f"SELECT count(*), coalesce(bit_xor(hash(t)), 0) FROM {table} AS t"  # noqa: S608 - own names
                rows, digest = connection.execute(query).fetchone() or (0, 0)
                found[table] = f"{rows} rows {digest:016x}"
            return found

    def publish(self, target: Path) -> None:
        """Write the analysts' copy beside `target` and swap it in; readers see the old or the new one whole."""
        tables = (*(t for t in self.contracts if t.startswith(("marts.", "cases."))), *PUBLISHED_TABLES)
        with replacing(target) as temporary, _connection(":memory:") as connection:
            connection.execute(f"ATTACH '{_quoted(self.file)}' AS warehouse (READ_ONLY)")
            # Storage v1.0.0: also older DuckDB clients and BI drivers can read it.
            connection.execute(f"ATTACH '{_quoted(temporary)}' AS published (STORAGE_VERSION 'v1.0.0')")
            for table in tables:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS published.{table.split('.')[0]}")
                excerpt = f"* REPLACE (left(text, {EXCERPT_CHARACTERS}) AS text)"
                connection.execute(
                    f"CREATE TABLE published.{table} AS "  # noqa: S608 - own names
                    f"SELECT {excerpt if table == 'graded.posts' else '*'} FROM warehouse.{table} "
                    f"ORDER BY {self._order(table)}"
                )
            connection.execute("DETACH published")

    def sweep(self) -> list[Path]:
        """Delete half-written copies that killed jobs left behind."""
        return sweep(self.file.parent, "")

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with _connection(self.file) as connection:
            connection.execute("BEGIN")
            for table, contract in self.contracts.items():
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.split('.')[0]}")
                connection.execute(contract.ddl())
            yield connection
            connection.execute("COMMIT")

    def _order(self, table: str) -> str:
        return ", ".join(f'"{column}"' for column in ("day", *self.contracts[table].grain))


@contextmanager
def _connection(file: Path | str, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        connection = duckdb.connect(str(file), read_only=read_only)
    except duckdb.Error as error:
        raise UsageError(f"{file}: cannot be opened: {str(error).splitlines()[0]}") from error
    try:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def mart_queries(sql_dir: Path) -> dict[str, str]:
    """The marts' SELECTs in the order of their lineage.

    Raises:
        ConfigError: a file is not exactly one SELECT, or marts read each other in a circle.
    """
    queries = {f"marts.{path.stem}": path.read_text("utf8") for path in sorted((sql_dir / "marts").glob("*.sql"))}
    reads = {}
    for mart, query in queries.items():
        file = sql_dir / "marts" / f"{mart.split('.')[1]}.sql"
        reads[mart] = tables_read(query, file) & set(queries)
    return {mart: queries[mart] for mart in TopologicalSorter(reads).static_order()}


def tables_read(query: str, file: Path) -> set[str]:
    """Names schema.table that a SELECT reads (its lineage).

    Raises:
        ConfigError: the text is not exactly one SELECT.
    """
    try:
        statements = [s for s in sqlglot.parse(query, dialect="duckdb") if s is not None]
    except sqlglot.ParseError as error:
        raise ConfigError(file, "", f"cannot be parsed: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ConfigError(file, "", "must be exactly one SELECT")
    return {f"{table.db}.{table.name}" for table in statements[0].find_all(exp.Table) if table.db}


def _replace_day(connection: duckdb.DuckDBPyConnection, table: str, day: date, frame: pl.DataFrame) -> None:
    connection.execute(f"DELETE FROM {table} WHERE day = ?", [day])  # noqa: S608 - table is a contract's name
    if frame.height:
        rows: Any = frame.with_columns(pl.lit(day).alias("day")).to_arrow()
        connection.register("rows_of_day", rows)
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_of_day")  # noqa: S608
        connection.unregister("rows_of_day")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
