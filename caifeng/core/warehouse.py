"""The DuckDB warehouse: loaded from the lake by one writer, rebuilt at any time. The only module that opens DuckDB.

Marts are filled by the SELECTs under sql/marts, one per file, in the order of their lineage. Readers never open
this file: they get `analytics.duckdb`, a copy that is swapped in whole.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import polars as pl
import sqlglot
from sqlglot import exp

from caifeng.core.contracts import Contract, Difference
from caifeng.core.errors import ConfigError, DataError, UsageError
from caifeng.core.files import replacing, sweep
from caifeng.core.lake import Lake

#: Analysts get an excerpt instead of the text (product.md, privacy).
EXCERPT_CHARACTERS = 200
#: An index of the lake that no SELECT reads.
LAKE_ONLY = ("clean.repost_bands",)
PUBLISHED_TABLES = ("graded.issues", "graded.issue_grades", "graded.issue_posts", "graded.posts", "ops.runs")


class Span(NamedTuple):
    """A partition of marts that covers more than a day."""

    kind: Literal["month", "quarter", "year"]
    code: str
    """`period` of the rows that stand beside those of other spans with the same last day."""
    parameters: Mapping[str, Any]
    """What the SELECTs ask for besides day, as_of, rule_version and period."""


class Warehouse:
    """The warehouse file and the contracts of its tables."""

    def __init__(self, file: Path, contracts: dict[str, Contract], sql_dir: Path) -> None:
        self.file = file
        self.contracts = contracts
        self.sql_dir = sql_dir
        self._open: duckdb.DuckDBPyConnection | None = None

    def load(self, lake: Lake, day: date, only: Collection[str] = ()) -> dict[str, int]:
        """Replace one day of every lake table that marts or analysts read; raw stays in the lake.

        Args:
            lake: where the tables are.
            day: the partition.
            only: the tables to load; all of them if none is named.

        Returns:
            Rows loaded, by table.
        """
        loaded = {}
        with self._writing() as connection:
            for table, contract in self.contracts.items():
                if table.startswith(("raw.", "marts.")) or table in LAKE_ONLY or (only and table not in only):
                    continue
                columns = [name for name in contract.names if name not in contract.lake_only]
                frame = lake.read_range(table, day, day, columns).drop("day")
                _replace_day(connection, table, day, frame)
                loaded[table] = frame.height
        return loaded

    def build_marts(
        self, day: date, as_of: datetime, rule_version: str, partition: Literal["day"] | Span = "day"
    ) -> dict[str, int]:
        """Replace one partition of every mart of a kind, in lineage order, in one transaction.

        Args:
            day: the day; of a longer span its last one.
            as_of: moment for which the marts are made.
            rule_version: grading rules they rest on.
            partition: which marts: those of a day, or those that review a month, quarter or year.

        Raises:
            DataError: a SELECT fails or its rows break the mart's contract; nothing is changed.
        """
        built = {}
        span = None if partition == "day" else partition
        kinds = {span.kind, "period"} if span else {"day"}
        parameters = {"day": day, "as_of": as_of, "rule_version": rule_version}
        parameters |= {**span.parameters, "period": span.code} if span else {}
        with self._writing() as connection:
            for mart, query in mart_queries(self.sql_dir).items():
                contract = self.contracts[mart]
                if contract.partition not in kinds:
                    continue
                used = {name: value for name, value in parameters.items() if re.search(rf"\${name}\b", query)}
                try:
                    rows = connection.execute(query, used).pl()
                except duckdb.Error as error:
                    raise DataError(f"{mart}: {error}") from error
                code = span.code if span and contract.partition == "period" else None
                _replace_day(connection, mart, day, contract.conform(rows), code)
                built[mart] = rows.height
        return built

    def read(self, table: str, first: date, last: date | None = None) -> pl.DataFrame:
        """Rows of a table for one day, or the days `first`..`last`, with their `day`, in grain order."""
        with self.reading() as connection:
            return connection.execute(
                f"SELECT * FROM {table} WHERE day BETWEEN ? AND ? ORDER BY {self._order(table)}",  # noqa: S608
                [first, last or first],
            ).pl()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Keep the file open for several reads; opening it takes longer than most of them. Nothing may write to it."""
        if self._open:
            yield self._open
            return
        with _connection(self.file, read_only=True) as connection:
            self._open = connection
            try:
                yield connection
            finally:
                self._open = None

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
        with replacing(target) as temporary, _connection(":memory:", name=self.file) as connection:
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
            self._shape(connection)
            yield connection
            connection.execute("COMMIT")

    def _shape(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the tables that are not there, and give those of an earlier contract the columns they lack.

        A table is altered only where that loses nothing and invents nothing: a column is added that may be unknown, or
        null is allowed where it was not, a column goes that the lake keeps. Everything else is made anew from the lake.

        Raises:
            DataError: a table has another form; nothing is changed.
        """
        standing = _columns(connection)
        for table, contract in self.contracts.items():
            found = standing.get(table)
            if found is None:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.split('.')[0]}")
                connection.execute(contract.ddl())
                continue
            for name, (kind, nullable) in contract.warehouse_columns().items():
                if name not in found and nullable:
                    connection.execute(f'ALTER TABLE {table} ADD COLUMN "{name}" {kind}')
                    found[name] = (kind, nullable)
                elif nullable and found.get(name) == (kind, False):
                    connection.execute(f'ALTER TABLE {table} ALTER COLUMN "{name}" DROP NOT NULL')
                    found[name] = (kind, nullable)
            for name in found.keys() & set(contract.lake_only):
                connection.execute(f'ALTER TABLE {table} DROP COLUMN "{name}"')
                del found[name]
            if differences := _differences(contract, found):
                words = "; ".join(f"{name} {what}" for name, what in differences)
                raise DataError(
                    f"{self.file}: {table} has the form of an earlier contract: {words}; run `caifeng rebuild`"
                )

    def differences(self) -> dict[str, list[Difference]]:
        """What the tables of the file have that their contracts do not say, by table; one without contract as such.

        A table that is not there yet is none: the next load makes it.
        """
        with _connection(self.file, read_only=True) as connection:
            standing = _columns(connection)
        found = {
            table: _differences(self.contracts[table], columns)
            if table in self.contracts
            else [Difference("*", "table without a contract")]
            for table, columns in standing.items()
        }
        return {table: differences for table, differences in found.items() if differences}

    def _order(self, table: str) -> str:
        return ", ".join(f'"{column}"' for column in ("day", *self.contracts[table].grain))


@contextmanager
def _connection(
    file: Path | str, read_only: bool = False, name: Path | str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection; `name` is the file that errors tell of, where it is attached later."""
    name = name or file
    try:
        connection = duckdb.connect(str(file), read_only=read_only)
    except duckdb.Error as error:
        locked = "lock" in str(error)  # another process writes; the file is whole
        hint = "" if locked else "; `caifeng rebuild` makes it anew from the lake"
        raise UsageError(f"{file}: cannot be opened: {str(error).splitlines()[0]}{hint}") from error
    try:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        yield connection
    except duckdb.Error as error:  # damaged, of an older version, or no room left
        reason = str(error).strip().splitlines()[0][:300]
        raise DataError(f"{name}: {reason}; `caifeng rebuild` makes it anew from the lake") from error
    finally:
        connection.close()


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, tuple[str, bool]]]:
    """Table -> column -> type, and whether null may stand there."""
    rows = connection.execute(
        "SELECT table_schema || '.' || table_name, column_name, data_type, is_nullable = 'YES' "
        "FROM information_schema.columns WHERE table_catalog = current_database() ORDER BY 1, ordinal_position"
    ).fetchall()
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for table, name, kind, nullable in rows:
        # the contracts say TIMESTAMPTZ, which is the same type
        found.setdefault(table, {})[name] = (kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"), nullable)
    return found


def _differences(contract: Contract, found: Mapping[str, tuple[str, bool]]) -> list[Difference]:
    wanted = contract.warehouse_columns()
    differences = [Difference(name, "not in the contract") for name in found if name not in wanted]
    for name, (kind, nullable) in wanted.items():
        if name not in found:
            differences.append(Difference(name, "missing"))
        elif found[name][0] != kind:
            differences.append(Difference(name, f"{found[name][0]}, not {kind}"))
        elif found[name][1] != nullable:
            says = "allows null, which the contract forbids" if found[name][1] else "forbids null"
            differences.append(Difference(name, says))
    return differences


def mart_queries(sql_dir: Path) -> dict[str, str]:
    """The marts' SELECTs in the order of their lineage.

    Raises:
        ConfigError: a file is not exactly one SELECT, or marts read each other in a circle.
    """
    folder = sql_dir / "marts"
    files = {f"marts.{path.stem}": path for path in sorted(folder.glob("*.sql"))}
    for path in sorted(folder.glob("*.yml")):
        if like := re.search(r"^like: (\w+)$", path.read_text("utf8"), re.MULTILINE):
            files[f"marts.{path.stem}"] = folder / f"{like[1]}.sql"
    queries = {mart: file.read_text("utf8") for mart, file in files.items()}
    reads = {mart: tables_read(query, files[mart]) & set(queries) for mart, query in queries.items()}
    return {mart: queries[mart] for mart in TopologicalSorter(reads).static_order()}


@lru_cache(maxsize=256)
def tables_read(query: str, file: Path) -> frozenset[str]:
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
    return frozenset(f"{table.db}.{table.name}" for table in statements[0].find_all(exp.Table) if table.db)


def _replace_day(
    connection: duckdb.DuckDBPyConnection, table: str, day: date, frame: pl.DataFrame, period: str | None = None
) -> None:
    """Replace a partition: the rows of a day, of those that end with it only the ones of `period` if it is given."""
    where, values = ("day = ?", [day]) if period is None else ("day = ? AND period = ?", [day, period])
    connection.execute(f"DELETE FROM {table} WHERE {where}", values)  # noqa: S608 - table is a contract's name
    if frame.height:
        rows: Any = frame.with_columns(pl.lit(day).alias("day")).to_arrow()
        connection.register("rows_of_day", rows)
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_of_day")  # noqa: S608
        connection.unregister("rows_of_day")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
