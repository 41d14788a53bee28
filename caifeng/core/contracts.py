"""Table contracts: a column is declared once, in sql/<schema>/<table>.yml; everything else is derived.

Derived here: the Polars schema, the DuckDB DDL, the check that a frame keeps its contract, and the data
dictionary (docs/data-dictionary.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from caifeng.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl

ColumnType = Literal["string", "int64", "float64", "boolean", "timestamp", "date", "list[string]"]

_DUCKDB_TYPES: dict[str, str] = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMPTZ",
    "date": "DATE",
    "list[string]": "VARCHAR[]",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column: name, type, whether null may stand there and what it then means, unit, closed values."""

    name: str = Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_]*$")
    type: ColumnType
    meaning: str
    null_means: str | None = None
    """What null means; absent: the column is never null."""
    unit: str | None = None
    values: tuple[str, ...] | None = None
    """Closed set of values, where there is one."""


class Contract(_Strict):
    """One table. `grain` names the columns that identify a row within its partition."""

    table: str
    description: str
    """What it holds, ending with the grain in words."""
    grain: tuple[str, ...]
    partition: Literal["day", "month"] = "day"
    """What one partition covers; that of a month stands under the month's last `day`."""
    retention: str
    sensitivity: Literal["restricted", "internal", "open"]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Column names in order, without the partition column `day`."""
        return [column.name for column in self.columns]

    def polars_schema(self) -> pl.Schema:
        """Schema of a partition file: the declared columns, without `day`."""
        import polars as pl  # noqa: PLC0415 - polars is imported inside tasks only (docs/decisions/0011)

        types: dict[str, Any] = {
            "string": pl.String,
            "int64": pl.Int64,
            "float64": pl.Float64,
            "boolean": pl.Boolean,
            "timestamp": pl.Datetime("us", "UTC"),
            "date": pl.Date,
            "list[string]": pl.List(pl.String),
        }
        return pl.Schema({column.name: types[column.type] for column in self.columns})

    def ddl(self) -> str:
        """CREATE TABLE statement of the warehouse, `day` first."""
        columns = ['"day" DATE NOT NULL'] + [
            f'"{c.name}" {_DUCKDB_TYPES[c.type]}{"" if c.null_means else " NOT NULL"}' for c in self.columns
        ]
        return f"CREATE TABLE IF NOT EXISTS {self.table} ({', '.join(columns)})"

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with the declared columns, types and grain order, or raise.

        Raises:
            DataError: a column is missing or surplus, a value has the wrong type, null stands where the
                contract forbids it, a value is outside its closed set, or two rows share the grain.
        """
        import polars as pl  # noqa: PLC0415 - see polars_schema

        schema = self.polars_schema()
        if surplus := set(frame.columns) - set(schema):
            raise DataError(f"{self.table}: columns not in the contract: {', '.join(sorted(surplus))}")
        if missing := set(schema) - set(frame.columns):
            raise DataError(f"{self.table}: columns missing: {', '.join(sorted(missing))}")
        try:
            frame = frame.select(self.names).cast(dict(schema))  # type: ignore[arg-type]
        except pl.exceptions.PolarsError as error:
            raise DataError(f"{self.table}: {error}") from error
        for column in self.columns:
            values = frame[column.name]
            if column.null_means is None and (nulls := values.null_count()):
                raise DataError(f"{self.table}.{column.name}: {nulls} of {len(values)} rows are null")
            if column.values:
                flat = (values.explode() if column.type == "list[string]" else values).drop_nulls()
                strange = flat.filter(~flat.is_in(column.values)).unique().sort().to_list()
                if strange:
                    raise DataError(f"{self.table}.{column.name}: not allowed: {', '.join(strange[:5])}")
        grain = frame.select(self.grain)
        if twice := frame.height - grain.unique().height:
            raise DataError(f"{self.table}: {twice} rows repeat the grain ({', '.join(self.grain)})")
        order = grain.select(pl.arg_sort_by(self.grain)).to_series()
        return frame if order.is_sorted() else frame[order]  # in order already: a large day is not copied


def load_contracts(sql_dir: Path) -> dict[str, Contract]:
    """Read every contract below `sql_dir`, keyed by schema.table.

    Raises:
        ConfigError: a file is not YAML, breaks the shape of a contract, or its grain names no column.
    """
    contracts = {}
    for path in sorted(sql_dir.glob("*/*.yml")):
        table = f"{path.parent.name}.{path.stem}"
        try:
            raw = yaml.safe_load(path.read_text("utf8"))
            contract = Contract.model_validate({**raw, "table": table})
        except yaml.YAMLError as error:
            raise ConfigError(path, "", f"not valid YAML: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigError(path, ".".join(map(str, first["loc"])), first["msg"]) from error
        if unknown := set(contract.grain) - set(contract.names):
            raise ConfigError(path, "grain", f"not a column: {', '.join(sorted(unknown))}")
        contracts[table] = contract
    return contracts


def data_dictionary(contracts: dict[str, Contract]) -> str:
    """The data dictionary in Markdown, one section per table; docs/data-dictionary.md is this text."""
    lines = [
        "# Data dictionary",
        "",
        "Made from the contracts under `sql/` by `caifeng dictionary`. Every table has `day`, its partition; "
        "where that is a month, `day` is its last one.",
        "",
    ]
    for contract in contracts.values():
        lines += [
            f"## {contract.table}",
            "",
            contract.description,
            "",
            f"Grain: {', '.join(f'`{g}`' for g in contract.grain)} within `{contract.partition}`. "
            f"Retention: {contract.retention}. Sensitivity: {contract.sensitivity}.",
            "",
            "| column | type | meaning | unit | null means | values |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| `{c.name}` | {c.type} | {c.meaning} | {c.unit or ''} | {c.null_means or 'never null'} "
            f"| {', '.join(c.values or ())} |"
            for c in contract.columns
        ]
        lines.append("")
    return "\n".join(lines)
