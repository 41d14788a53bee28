"""Table contracts: a column is declared once, in sql/<schema>/<table>.yml; everything else is derived.

Derived here: the Polars schema, the DuckDB DDL, the check that a frame keeps its contract, how a part that was written
under an earlier version is read, and the data dictionary (docs/data-dictionary.md).
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from caifeng.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

#: Of libyaml where PyYAML was built with it: eight times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

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


Span = Annotated[str, Field(pattern=r"^[1-9]\d*[dy]$")]


def span_end(span: str, day: date) -> date:
    """The day with whose end a span ends: `14d` days or `10y` years after `day`; 29 February ends on the 28th."""
    number = int(span[:-1])
    if span[-1] == "d":
        return day + timedelta(days=number)
    try:
        return day.replace(year=day.year + number)
    except ValueError:
        return day.replace(year=day.year + number, day=28)


class Life(_Strict):
    """How long rows and their words live, counted from the end of their day (product.md, privacy); done by purge.

    Words end before their row: they become null, or where the contract forbids null empty, and an address becomes
    `inbox:removed/<post_id>`, which is neither empty nor readable and still tells rows apart.
    """

    row: Span = "10y"
    """After it the whole partition goes."""
    words: Span | None = None
    """After it the `columns` are emptied; absent: the table holds no words of others."""
    irrelevant: Span | None = None
    """The same for posts that were judged and are not relevant."""
    columns: tuple[str, ...] = ()
    case_keeps: bool = False
    """Words of an issue that people acted on stay as long as the row: they are the file of the case."""


class Change(_Strict):
    """One change of a column: what a part of an earlier version needs so that it is read as one of today's.

    A part that was written before the change knows nothing of it. A column added is unknown there, one dropped is left
    out, a renamed one is found under its old name, a retyped one is converted; what cannot be converted is an error.
    """

    version: int = Field(ge=2)
    """Version of the contract that the change makes; several changes may make one."""
    date: date
    kind: Literal["add", "rename", "retype", "drop"]
    column: str
    """The column under the name it has after the change; of a drop the one that goes."""
    was: str | None = None
    """Of a rename the old name, of a retype the old type with a ? where null was allowed: `int64?`."""
    what: str
    """What changed and why, for whoever reads an old number."""
    decision: str | None = None
    """Decision note (docs/decisions) that says more."""

    @model_validator(mode="after")
    def _says_what_was(self) -> Change:
        if (self.was is not None) != (self.kind in ("rename", "retype")):
            raise ValueError(f"{self.kind} {'needs' if self.was is None else 'takes no'} `was`")
        if self.kind == "retype" and (self.was or "").removesuffix("?") not in _DUCKDB_TYPES:
            raise ValueError(f"was: {self.was!r} is no type")
        return self


class Difference(NamedTuple):
    """A column that is not as the contract says, in some place where the table stands."""

    column: str
    what: str
    """`missing`, `not in the contract`, `VARCHAR, not BIGINT`, `holds nulls, which the contract forbids`."""


class Contract(_Strict):
    """One table. `grain` names the columns that identify a row within its partition."""

    table: str
    description: str
    """What it holds, ending with the grain in words."""
    grain: tuple[str, ...]
    partition: Literal["day", "month", "quarter", "year", "period"] = "day"
    """What one partition covers; that of a month, quarter or year stands under its last `day`. `period`: any of these
    three, told apart by the column `period`."""
    like: str | None = None
    """Table of the same schema whose columns, grain and SELECT it shares, with partitions of its own."""
    retention: str
    """How long it is kept, in words."""
    life: Life = Life()
    """The same for the machine."""
    sensitivity: Literal["restricted", "internal", "open"]
    version: int = Field(default=1, ge=1)
    """Grows with every change of columns; a part of the lake says which one it was written under."""
    changes: tuple[Change, ...] = ()
    """What changed from version 1 to this one, oldest first."""
    columns: tuple[Column, ...]
    lake_only: tuple[str, ...] = ()
    """Columns that no mart reads: they stay in the lake, and the warehouse does not hold them a second time."""

    @model_validator(mode="after")
    def _changes_lead_here(self) -> Contract:
        versions = [change.version for change in self.changes]
        if versions != sorted(versions) or set(versions) != set(range(2, self.version + 1)):
            raise ValueError(f"changes must lead from version 2 to {self.version}, each with at least one entry")
        added = {change.column for change in self.changes if change.kind == "add"}
        if never_null := [c.name for c in self.columns if c.name in added and c.null_means is None]:
            raise ValueError(f"added, so unknown in older parts, but without null_means: {', '.join(never_null)}")
        return self

    @property
    def names(self) -> list[str]:
        """Column names in order, without the partition column `day`."""
        return [column.name for column in self.columns]

    def polars_schema(self) -> pl.Schema:
        """Schema of a partition file: the declared columns, without `day`."""
        import polars as pl  # noqa: PLC0415 - polars is imported inside tasks only (docs/decisions/0011)

        types = _polars_types()
        return pl.Schema({column.name: types[column.type] for column in self.columns})

    def shape(self) -> list[str]:
        """Columns in order as `name type`, with a ? where null is allowed: what a change of must be declared."""
        return [f"{c.name} {c.type}{'?' if c.null_means else ''}" for c in self.columns]

    def reading(self, stored: Mapping[str, Any], version: int) -> tuple[list[pl.Expr], list[Difference]]:
        """How a part is read as one of today's.

        Args:
            stored: its columns with their Polars types.
            version: version of the contract under which it was written.

        Returns:
            One expression per declared column, in their order; and what the declared changes do not explain. Where
            there is such a difference the expressions must not be used. A column that may be unknown and is not there
            is unknown, also without a declared change.
        """
        import polars as pl  # noqa: PLC0415 - see polars_schema

        types, schema = _polars_types(), self.polars_schema()
        found: dict[str, tuple[pl.Expr, Any]] = {name: (pl.col(name), kind) for name, kind in stored.items()}
        for change in self.changes:
            if change.version <= version:
                continue
            if change.kind == "drop":
                found.pop(change.column, None)
            elif change.kind == "rename" and change.was in found:
                found[change.column] = found.pop(change.was)
            elif change.kind == "retype" and change.column in found:
                value, kind = found[change.column]
                if kind == types[(change.was or "").removesuffix("?")]:
                    after = self._next_type(change)
                    found[change.column] = value.cast(after), after
        differences = [Difference(name, "not in the contract") for name in found if name not in schema]
        expressions = []
        for column in self.columns:
            wanted = schema[column.name]
            if column.name not in found:
                if column.null_means is None:
                    differences.append(Difference(column.name, "missing"))
                expressions.append(pl.lit(None, wanted).alias(column.name))
                continue
            value, kind = found[column.name]
            if kind != wanted:
                differences.append(Difference(column.name, f"{kind}, not {wanted}"))
            expressions.append(value.alias(column.name))
        return expressions, differences

    def _next_type(self, change: Change) -> Any:
        """Polars type that a retyped column got: what the next retype says it then was, or today's."""
        name = change.column
        for later in self.changes[self.changes.index(change) + 1 :]:
            if later.kind == "rename" and later.was == name:
                name = later.column
            elif later.kind == "retype" and later.column == name:
                return _polars_types()[(later.was or "").removesuffix("?")]
        return self.polars_schema().get(name, _polars_types()[(change.was or "").removesuffix("?")])

    def warehouse_columns(self) -> dict[str, tuple[str, bool]]:
        """Columns of the warehouse's table with their DuckDB type and whether null may stand there, `day` first."""
        loaded = (column for column in self.columns if column.name not in self.lake_only)
        return {"day": ("DATE", False)} | {c.name: (_DUCKDB_TYPES[c.type], bool(c.null_means)) for c in loaded}

    def ddl(self) -> str:
        """CREATE TABLE statement of the warehouse, `day` first."""
        columns = [
            f'"{name}" {kind}{"" if nullable else " NOT NULL"}'
            for name, (kind, nullable) in self.warehouse_columns().items()
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
        grain = frame.select(self.grain).rechunk()  # pieces of a large day sort four times as slowly
        order = grain.select(pl.struct(self.grain).arg_sort()).to_series()
        ordered = order.is_sorted()
        as_before = (pl.col(column).eq_missing(pl.col(column).shift()) for column in self.grain)
        grain = grain if ordered else grain[order]
        if twice := grain.select(pl.all_horizontal(as_before).slice(1).sum()).item():
            raise DataError(f"{self.table}: {twice} rows repeat the grain ({', '.join(self.grain)})")
        if ordered:  # a large day is not copied
            return frame
        return pl.DataFrame([frame[name].rechunk().gather(order) for name in frame.columns])


def _polars_types() -> dict[str, Any]:
    import polars as pl  # noqa: PLC0415 - polars is imported inside tasks only (docs/decisions/0011)

    return {
        "string": pl.String(),
        "int64": pl.Int64(),
        "float64": pl.Float64(),
        "boolean": pl.Boolean(),
        "timestamp": pl.Datetime("us", "UTC"),
        "date": pl.Date(),
        "list[string]": pl.List(pl.String),
    }


def load_contracts(sql_dir: Path) -> dict[str, Contract]:
    """Read every contract below `sql_dir`, keyed by schema.table.

    Raises:
        ConfigError: a file is not YAML, breaks the shape of a contract, or its grain names no column.
    """
    contracts = {}
    for path in sorted(sql_dir.glob("*/*.yml")):
        table = f"{path.parent.name}.{path.stem}"
        try:
            raw = yaml.load(path.read_text("utf8"), _LOADER)  # noqa: S506 - a safe one
            if like := raw.get("like"):
                shared = yaml.load((path.parent / f"{like}.yml").read_text("utf8"), _LOADER)  # noqa: S506
                same = {name: shared[name] for name in ("grain", "columns", "version", "changes") if name in shared}
                raw = {**same, **raw}
            contract = Contract.model_validate({**raw, "table": table})
        except yaml.YAMLError as error:
            raise ConfigError(path, "", f"not valid YAML: {error}") from error
        except FileNotFoundError as error:
            raise ConfigError(path, "like", f"no contract {error.filename}") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigError(path, ".".join(map(str, first["loc"])), first["msg"]) from error
        if unknown := set(contract.grain) - set(contract.names):
            raise ConfigError(path, "grain", f"not a column: {', '.join(sorted(unknown))}")
        if unknown := set(contract.life.columns) - set(contract.names):
            raise ConfigError(path, "life.columns", f"not a column: {', '.join(sorted(unknown))}")
        if unknown := set(contract.lake_only) - set(contract.names) | set(contract.lake_only) & set(contract.grain):
            raise ConfigError(path, "lake_only", f"not a column, or one of the grain: {', '.join(sorted(unknown))}")
        if bool(contract.life.columns) != bool(contract.life.words):
            raise ConfigError(path, "life", "words and columns go together")
        contracts[table] = contract
    return contracts


def data_dictionary(contracts: dict[str, Contract]) -> str:
    """The data dictionary in Markdown, one section per table; docs/data-dictionary.md is this text."""
    lines = [
        "# Data dictionary",
        "",
        "Made from the contracts under `sql/` by `caifeng dictionary`. Every table has `day`, its partition; "
        "where that is a month, quarter or year, `day` is its last one.",
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
        if contract.lake_only:
            lines += ["", f"In the lake only: {', '.join(f'`{name}`' for name in contract.lake_only)}."]
        lines += ["", *(_change_in_words(change) for change in contract.changes)] if contract.changes else []
        lines.append("")
    return "\n".join(lines)


def _change_in_words(change: Change) -> str:
    was = f" (was `{change.was}`)" if change.was else ""
    more = f" [decision]({change.decision})" if change.decision else ""
    return f"- version {change.version}, {change.date}: {change.kind} `{change.column}`{was}. {change.what}{more}"
