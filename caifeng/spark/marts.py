"""The marts' SELECTs on Spark: transpiled by sqlglot, and compared with what DuckDB makes of the same lake."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlglot
from sqlglot import exp

from caifeng.core.contracts import Contract
from caifeng.core.errors import DataError
from caifeng.core.warehouse import mart_queries, tables_read
from caifeng.jobs.base import Env
from caifeng.jobs.marts import evaluations

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: So many digits of a float are compared: the engines add in another order.
_DIGITS = 9


def marts_on_spark(session: SparkSession, env: Env, day: date, as_of: datetime) -> dict[str, int]:
    """Make the day's marts by Spark, and compare each with the warehouse's.

    Returns:
        How many marts were compared.

    Raises:
        DataError: a mart cannot be made, or differs; all of them are named.
    """
    version = [e.rule_version for e in evaluations(env, day) if e.as_of == as_of][-1]
    parameters = {"day": day, "as_of": as_of, "rule_version": version}
    wrong = []
    made = 0
    with TemporaryDirectory(prefix="caifeng-spark-") as folder:
        views = Views(session, env, day, Path(folder))
        for mart, query in mart_queries(env.settings.root / "sql").items():
            contract = env.contracts[mart]
            if contract.partition != "day":
                continue
            for table in tables_read(query, Path(mart)):
                views.need(table)
            try:
                found = pl.from_arrow(session.sql(spark_query(query, parameters)).toArrow())
                assert isinstance(found, pl.DataFrame)
                frame = contract.conform(as_declared(found, contract))
            except Exception as error:  # whatever Spark says of it: the next mart is tried all the same
                wrong.append(f"{mart}: {' '.join(str(error).split())[:300]}")
                continue
            local = env.warehouse.read(mart, day).drop("day")
            if fingerprint(frame) != fingerprint(contract.conform(local)):
                wrong.append(f"{mart}: differs in {', '.join(differing(frame, contract.conform(local)))}")
            made += 1
    if wrong:
        raise DataError(f"Spark and DuckDB disagree: {'; '.join(wrong)}")
    return {"same_on_spark": made}


class Views:
    """Tables as Spark sees them: those of the lake from Parquet, marts from the warehouse."""

    def __init__(self, session: SparkSession, env: Env, day: date, folder: Path) -> None:
        self.session, self.env, self.day, self.folder = session, env, day, folder
        self.known: set[str] = set()

    def need(self, table: str) -> None:
        """Make the view of a table, once: all its days up to the day."""
        if table in self.known:
            return
        self.known.add(table)
        if table.startswith("marts."):
            days = self.env.warehouse.read(table, date(1970, 1, 1), self.day)
            files = [self._written(table, days)]
            frame = self.session.read.parquet(*files)
        else:
            schema = {**self.env.contracts[table].polars_schema(), "day": pl.Date()}
            found = self.env.lake.files_of(table, date(1970, 1, 1), self.day)
            # the view has the contract's columns also where the lake has none yet
            frame = self.session.read.parquet(self._written(table, pl.DataFrame(schema=schema)))
            root = str(self.env.lake.root / table.replace(".", "/"))
            if files := [str(file) for parts in found.values() for file in parts]:
                stored = self.session.read.option("basePath", root).option("mergeSchema", "true").parquet(*files)
                frame = frame.unionByName(stored, allowMissingColumns=True)
        frame.createOrReplaceTempView(view_name(table))

    def _written(self, table: str, frame: pl.DataFrame) -> str:
        file = self.folder / f"{table}.parquet"
        frame.write_parquet(file)
        return str(file)


def view_name(table: str) -> str:
    """`graded.issues` as the name of a view."""
    return table.replace(".", "__")


def spark_query(query: str, parameters: Mapping[str, Any]) -> str:
    """A SELECT in DuckDB's words, in Spark's; `$name` gives way to its value, and tables to their views."""
    tree = sqlglot.parse_one(query, dialect="duckdb").transform(_of_this_evaluation, parameters)
    # twice: what stands inside of what was replaced is met the second time
    said: str = tree.transform(_in_spark).transform(_in_spark).sql(dialect="spark", comments=False)
    return said


def _of_this_evaluation(node: exp.Expr, parameters: Mapping[str, Any]) -> exp.Expr:
    if isinstance(node, exp.Parameter | exp.Placeholder) and (name := node.name) in parameters:
        value = parameters[name]
        if isinstance(value, datetime):
            return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestamptz")
        if isinstance(value, date):
            return exp.cast(exp.Literal.string(value.isoformat()), "date")
        return exp.Literal.string(str(value))
    if isinstance(node, exp.Table) and node.db:
        view = exp.to_table(view_name(f"{node.db}.{node.name}"))
        return exp.alias_(view, node.alias or node.name, table=True)
    return node


def _in_spark(node: exp.Expr) -> exp.Expr:
    """What sqlglot leaves as DuckDB has it."""
    if isinstance(node, exp.Anonymous):
        name, given = node.name.lower(), node.expressions
        if name == "list_position":  # null, not 0, where it is not found
            return exp.func("nullif", exp.func("array_position", *given), exp.Literal.number(0))
        if name == "timezone":  # the session's own zone is UTC
            return exp.func("from_utc_timestamp", given[1], given[0])
    if isinstance(node, exp.SetOperation) and node.args.get("by_name"):
        node.set("by_name", None)  # the house's have the same columns in the same order; the comparison would tell
    if isinstance(node, exp.Bracket) and isinstance(part := node.expressions[0], exp.Slice):
        # of a text; of a list Spark would refuse it. sqlglot counts brackets from 0
        length = exp.Literal.number(int(part.expression.name) - int(part.this.name) + 1)
        return exp.func("substring", node.this, part.this, length)
    if isinstance(node, exp.TimeToStr) and node.args["format"].name == "%G-W%V":
        year = exp.Extract(this=exp.var("YEAROFWEEK"), expression=node.this.copy())
        week = exp.func(
            "lpad", exp.func("weekofyear", node.this.copy()), exp.Literal.number(2), exp.Literal.string("0")
        )
        return exp.func("concat", year, exp.Literal.string("-W"), week)
    if isinstance(node, exp.Qualify):  # it is to become a WHERE around the SELECT, where the tables' names are gone
        for column in node.find_all(exp.Column):
            if not column.find_ancestor(exp.Window):
                column.set("table", None)
    if isinstance(node, exp.Filter) and (some := node.this.find(exp.AnyValue)):  # no FILTER after IGNORE NULLS
        chosen = exp.Case(ifs=[exp.If(this=node.expression.this, true=some.this.copy())])
        some.set("this", chosen)
        found: exp.Expr = node.this
        return found
    if isinstance(node, exp.Filter) and isinstance(node.this, exp.ArrayAgg):
        return _ordered_list(node.this, node.expression)
    if isinstance(node, exp.ArrayAgg) and not isinstance(node.parent, exp.Filter):
        return _ordered_list(node, None)
    return node


def _ordered_list(listed: exp.ArrayAgg, where: exp.Expr | None) -> exp.Expr:
    """`list(x ORDER BY y)`: Spark's has no order, so pairs of y and x are sorted."""
    order = listed.this
    if not isinstance(order, exp.Order):
        return exp.Filter(this=listed, expression=where) if where else listed
    value = order.this
    if isinstance(value, exp.Distinct):  # DuckDB, too, orders distinct values by themselves only
        found: exp.Expr = exp.func("collect_set", value.expressions[0])
        return exp.func("sort_array", exp.Filter(this=found, expression=where) if where else found)
    fields = [*(key.this.copy() for key in order.expressions), value.copy()]
    named = [part for n, field in enumerate(fields) for part in (exp.Literal.string(f"f{n}"), field)]
    found = exp.func("collect_list", exp.func("named_struct", *named))
    pairs = exp.func("sort_array", exp.Filter(this=found, expression=where) if where else found)
    last = exp.Dot(this=exp.to_identifier("pair"), expression=exp.to_identifier(f"f{len(fields) - 1}"))
    return exp.func("transform", pairs, exp.Lambda(this=last, expressions=[exp.to_identifier("pair")]))


def as_declared(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Columns that Spark gives in other types, in those of the contract."""
    schema = contract.polars_schema()
    return frame.cast({name: kind for name, kind in schema.items() if name in frame.columns})


def fingerprint(frame: pl.DataFrame) -> str:
    """Hash over the rows of a frame in order; floats to nine significant digits."""
    floats = pl.selectors.by_dtype(pl.Float64)
    rounded = frame.with_columns(floats.round_sig_figs(_DIGITS) + 0.0)
    return hashlib.sha256(rounded.rechunk().write_ndjson().encode()).hexdigest()


def differing(one: pl.DataFrame, other: pl.DataFrame) -> list[str]:
    """Columns in which two frames of one mart differ."""
    if one.height != other.height:
        return [f"rows ({one.height}, {other.height})"]
    return [name for name in one.columns if fingerprint(one.select(name)) != fingerprint(other.select(name))]
