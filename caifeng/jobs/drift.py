"""Where contract, lake and warehouse differ, and whether a contract changed its columns without saying so.

A change of columns is a migration: the contract's `version` grows and `changes` says what becomes of older parts
(caifeng.core.contracts). `sql/fingerprints.toml` holds the columns of every contract as they were last agreed; it is
made by `stamp`, which refuses a change that no entry explains.
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from caifeng.core.contracts import Contract, load_contracts
from caifeng.core.errors import CaifengError, ConfigError
from caifeng.core.files import replacing
from caifeng.jobs.base import Env

FINGERPRINTS = "fingerprints.toml"


def drift(env: Env) -> list[str]:
    """Columns that are not as their contract says, one line each, naming table, place and column.

    Of the lake only the footers of the parts are read. A part of an earlier version is in order if the declared changes
    lead from it to today's contract.

    Returns:
        Missing and surplus columns, other types, nulls (lake) or allowed nulls (warehouse) where the contract forbids
        them, tables without a contract, files that cannot be read; empty if all is in order.
    """
    return [*undeclared(env.settings.root / "sql"), *_lake_drift(env), *_warehouse_drift(env)]


def undeclared(sql_dir: Path) -> list[str]:
    """Changes of columns since `stamp` that no entry of `changes` explains, and contracts it has not seen yet.

    Returns:
        One line per table; empty if the fingerprints are current.

    Raises:
        ConfigError: a contract or the file of fingerprints is broken.
    """
    contracts, agreed = load_contracts(sql_dir), _fingerprints(sql_dir)
    faults = [fault for table, contract in contracts.items() if (fault := _undeclared(contract, agreed.get(table)))]
    faults += [
        f"{table}: {FINGERPRINTS} knows it, but it has no contract" for table in agreed if table not in contracts
    ]
    return faults


def stamp(sql_dir: Path) -> list[str]:
    """Note the columns of all contracts in `sql/fingerprints.toml`; run after a change of contracts.

    Returns:
        Tables that are new, changed or gone.

    Raises:
        ConfigError: a contract changed its columns without an entry in `changes`; nothing is written.
    """
    contracts, agreed = load_contracts(sql_dir), _fingerprints(sql_dir)
    for table, contract in contracts.items():
        if table in agreed and (fault := _unexplained(contract, agreed[table])):
            path = sql_dir / f"{table.replace('.', '/')}.yml"
            raise ConfigError(path, "changes", fault)
    made = {table: {"version": contract.version, "columns": contract.shape()} for table, contract in contracts.items()}
    lines = [
        "# Columns of every table as last agreed; a ? where null is allowed. Made by `caifeng contracts --stamp`,",
        "# never by hand: a contract that changes its columns needs a new version with an entry in `changes`",
        "# (docs/add-a-table.md).",
        *(
            f'"{table}" = {{version = {entry["version"]}, columns = {json.dumps(entry["columns"])}}}'
            for table, entry in sorted(made.items())
        ),
    ]
    with replacing(sql_dir / FINGERPRINTS) as temporary:
        temporary.write_text("\n".join(lines) + "\n", "utf8")
    return sorted(table for table in {*made, *agreed} if made.get(table) != agreed.get(table))


def _undeclared(contract: Contract, agreed: dict[str, Any] | None) -> str | None:
    if agreed is None:
        return f"{contract.table}: new, not in {FINGERPRINTS} yet; run `caifeng contracts --stamp`"
    if fault := _unexplained(contract, agreed):
        return f"{contract.table}: {fault}"
    if contract.version != agreed["version"]:
        return f"{contract.table}: version {contract.version} is not in {FINGERPRINTS}; run `caifeng contracts --stamp`"
    return None


def _unexplained(contract: Contract, agreed: dict[str, Any]) -> str | None:
    """What of a contract's columns does not follow from those agreed before and the changes declared since."""
    if contract.version < agreed["version"]:
        return f"version {contract.version} is lower than the one agreed before, {agreed['version']}"
    before: dict[str, str] = dict(column.split(" ", 1) for column in agreed["columns"])
    today: dict[str, str] = dict(column.split(" ", 1) for column in contract.shape())
    for change in contract.changes:
        if change.version <= agreed["version"]:
            continue
        name, was = change.column, change.was or ""
        if change.kind == "add":
            before[name] = today.get(name, "")
        elif change.kind == "drop":
            before.pop(name, None)
        elif change.kind == "rename" and was in before:
            before[name] = before.pop(was)
        elif change.kind == "retype" and before.get(name) == was:
            before[name] = today.get(name, "")
    gone, new = sorted(set(before) - set(today)), sorted(set(today) - set(before))
    other = [
        f"{name} is {today[name]}, was {before[name]}" for name in today if before.get(name, today[name]) != today[name]
    ]
    found = [f"{name} is gone" for name in gone] + [f"{name} is new" for name in new] + other
    if not found:
        return None
    return (
        f"columns changed without an entry in `changes`: {'; '.join(found)} (docs/add-a-table.md, Changing a contract)"
    )


def _fingerprints(sql_dir: Path) -> dict[str, dict[str, Any]]:
    path = sql_dir / FINGERPRINTS
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, "", f"not valid TOML: {error}") from error


def _lake_drift(env: Env) -> list[str]:
    lines = []
    for table, contract in env.contracts.items():
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for day in env.lake.days(table):
            for file in env.lake.files(table, day):
                for name, what in _part_drift(env, contract, file):
                    found[name, what].append(f"day={day}/{file.name}")
        for (name, what), parts in found.items():
            others = f" and {len(parts) - 1} more parts" if len(parts) > 1 else ""
            lines.append(f"{table}: lake {parts[-1]}{others}: {name} {what}")
    return lines


def _part_drift(env: Env, contract: Contract, file: Path) -> list[tuple[str, str]]:
    try:
        footer = pq.read_metadata(file)
        stored = pl.read_parquet_schema(file)
        version = env.lake.version_of(contract.table, file)
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:  # pyarrow raises ValueErrors of its own
        return [("*", f"cannot be read: {str(error).splitlines()[0]}")]
    if version > contract.version:
        return [("*", f"was written under version {version}, the contract has {contract.version}")]
    differences = contract.reading(stored, version)[1]
    forbidden = {c.name for c in contract.columns if c.null_means is None}
    nulls = [
        (name, f"holds {count} nulls, which the contract forbids")
        for name, count in _nulls(footer).items()
        if name in forbidden and count
    ]
    return [*differences, *nulls]


def _nulls(footer: Any) -> dict[str, int]:
    """Nulls by column, from the statistics of a footer; a list has none, its elements have."""
    found: dict[str, int] = defaultdict(int)
    for group in range(footer.num_row_groups):
        for position in range(footer.num_columns):
            column = footer.row_group(group).column(position)
            if column.statistics is not None and column.statistics.has_null_count:
                found[column.path_in_schema] += column.statistics.null_count
    return found


def _warehouse_drift(env: Env) -> list[str]:
    if not env.warehouse.file.exists():
        return []
    try:
        found = env.warehouse.differences()
    except CaifengError as error:
        return [str(error)]
    return [
        f"{table}: {env.warehouse.file.name}: {name} {what}"
        for table, differences in found.items()
        for name, what in differences
    ]
