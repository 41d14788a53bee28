"""Measures and grades keep every number and every null: Parquet, Arrow, DuckDB, and the types that Spark knows.

Spark itself is not needed here: it reads Parquet files and Arrow batches, and whether it can is a matter of their
types. It knows no unsigned integers, no nanoseconds, and no large or view forms of strings and lists.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caifeng.core.contracts import Contract, load_contracts
from caifeng.core.lake import Lake
from caifeng.core.settings import Settings
from caifeng.core.warehouse import Warehouse
from tests.unit.reference_grading import HUGE, random_issues
from transforms.grade.grade import MEASURES, grade

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 22)
TABLE = "graded.issue_grades"
ISSUES = 10_000

#: Types of the contracts -> the Arrow types that Spark maps to its own (string, long, double, boolean, timestamp,
#: date, array<string>), each without loss.
SPARK = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "list[string]": pa.list_(pa.string()),
}
#: The same in a Parquet file: physical type, logical type of the leaf.
PARQUET = {
    "string": ("BYTE_ARRAY", "String"),
    "int64": ("INT64", "None"),
    "float64": ("DOUBLE", "None"),
    "boolean": ("BOOLEAN", "None"),
    "timestamp": ("INT64", "Timestamp(isAdjustedToUTC=true, timeUnit=microseconds"),
    "date": ("INT32", "Date"),
    "list[string]": ("BYTE_ARRAY", "String"),
}
#: What a careless step loses: integers beyond float64, the smallest float, negative zero, neighbours of one.
ODD = {
    "views": [HUGE, 2**53 + 1, 0, None],
    "reposts": [None, HUGE - 1, 2**53 + 3, 0],
    "comments": [0, None, None, 2**62 + 1],
    "growth_24h": [5e-324, -0.0, None, 1 + 2**-52],
}


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return load_contracts(ROOT / "sql")


@pytest.fixture(scope="module")
def graded(contracts: dict[str, Contract]) -> pl.DataFrame:
    """Ten thousand grades as the lake holds them, odd numbers and every kind of null among them."""
    issues = pl.DataFrame(random_issues(ISSUES, seed=3), schema=MEASURES)
    odd = pl.DataFrame({"issue_no": issues["issue_no"].head(4), **ODD}, schema_overrides=MEASURES)
    rules = Settings.load().grading()
    frame = grade(issues.update(odd, on="issue_no", include_nulls=True), rules)
    given = {
        "as_of": pl.lit(datetime(2026, 11, 22, 16, 0, 0, 123_457, tzinfo=UTC)),
        "rule_version": pl.lit(rules.rule_version),
        "evidence": pl.lit(["flag:造假@3", "𠮷😀\u200b"]),
    }
    frame = contracts[TABLE].conform(frame.with_columns(**given))
    assert frame.height == ISSUES
    for name in ("views", "reposts", "comments", "growth_24h"):
        assert frame[name].null_count() > 500, name
        assert (frame[name] == 0).sum() > 50, name
    assert (frame["flags"].list.len() == 0).sum() > 500
    assert frame["views"].max() == HUGE
    return frame


def assert_same(back: pl.DataFrame, frame: pl.DataFrame) -> None:
    """Equal to the last bit: types, nulls, empty lists, and the sign of zero."""
    back = back.select(frame.columns).sort("issue_no")
    assert dict(back.schema) == dict(frame.schema)
    assert back.equals(frame.sort("issue_no"), null_equal=True)
    for name, dtype in frame.schema.items():
        assert back[name].null_count() == frame[name].null_count(), name
        if dtype == pl.Float64:
            bits = [column.reinterpret(signed=True) for column in (back[name], frame.sort("issue_no")[name])]
            assert (bits[0].fill_null(0) == bits[1].fill_null(0)).all(), name


def as_spark_reads(table: pa.Table, contract: Contract) -> pa.Table:
    """The table in Spark's types; a cast that would lose something raises."""
    wanted = pa.schema([(column.name, SPARK[column.type]) for column in contract.columns])
    return table.select(contract.names).cast(wanted, safe=True)


@pytest.mark.parametrize("writer", ["polars", "pyarrow"])
@pytest.mark.parametrize("reader", ["polars", "pyarrow", "duckdb"])
def test_parquet(graded: pl.DataFrame, tmp_path: Path, writer: str, reader: str) -> None:
    file = tmp_path / "grades.parquet"
    if writer == "polars":
        graded.write_parquet(file)
    else:
        pq.write_table(graded.to_arrow(), file)
    if reader == "polars":
        assert_same(pl.read_parquet(file), graded)
    elif reader == "pyarrow":
        assert_same(_frame(pq.read_table(file)), graded)
    else:
        with duckdb.connect() as connection:  # noqa: TID251 - in memory, no file to share
            connection.execute("SET TimeZone = 'UTC'")
            assert_same(_frame(connection.execute("FROM read_parquet(?)", [str(file)]).to_arrow_table()), graded)


def test_lake_warehouse_and_the_analysts_copy(
    graded: pl.DataFrame, contracts: dict[str, Contract], tmp_path: Path
) -> None:
    """The whole way of a grade: partition, warehouse.duckdb, analytics.duckdb in the old storage format."""
    lake = Lake(tmp_path / "lake", contracts)
    lake.replace(TABLE, DAY, graded, "part")
    assert_same(lake.read(TABLE, DAY), graded)

    warehouse = Warehouse(tmp_path / "warehouse.duckdb", contracts, ROOT / "sql")
    assert warehouse.load(lake, DAY)[TABLE] == ISSUES
    assert_same(warehouse.read(TABLE, DAY).drop("day"), graded)

    copy = tmp_path / "analytics.duckdb"
    warehouse.publish(copy)
    with duckdb.connect(str(copy), read_only=True) as connection:  # noqa: TID251 - as an analyst does
        connection.execute("SET TimeZone = 'UTC'")
        assert_same(connection.execute(f"FROM {TABLE}").pl(), graded)
        tags = dict(connection.execute("SELECT database_name, tags FROM duckdb_databases()").fetchall())
        assert "v1.0" in str(tags["analytics"])


def test_spark_types_lose_nothing(graded: pl.DataFrame, contracts: dict[str, Contract], tmp_path: Path) -> None:
    """There and back through the Arrow types of Spark, from memory and from the lake's own file."""
    file = Lake(tmp_path / "lake", contracts).replace(TABLE, DAY, graded)
    for table in (graded.to_arrow(), pq.ParquetFile(file).read()):
        spark = as_spark_reads(table, contracts[TABLE])
        assert spark.num_rows == ISSUES
        assert set(spark.schema.types) <= set(SPARK.values())
        assert_same(_frame(spark), graded)
        # and once more as the batches in which mapInArrow hands rows over
        batches = spark.to_batches(max_chunksize=777)
        assert len(batches) > 10
        assert_same(_frame(pa.Table.from_batches(batches)), graded)


def test_grades_are_the_same_when_measures_came_from_spark(
    graded: pl.DataFrame, contracts: dict[str, Contract]
) -> None:
    spark = as_spark_reads(graded.to_arrow(), contracts[TABLE])
    again = grade(_frame(spark), Settings.load().grading())
    assert again.equals(graded.select(again.columns))


def test_spark_can_read_a_file_of_every_table(contracts: dict[str, Contract], tmp_path: Path) -> None:
    """Every column of every contract is written as a Parquet type that Spark reads as the type meant."""
    seen = set()
    for table, contract in contracts.items():
        file = tmp_path / f"{table}.parquet"
        pl.DataFrame(schema=contract.polars_schema()).write_parquet(file, compression="zstd")
        leaves = pq.ParquetFile(file).schema
        by_name = {leaves.column(i).path.split(".")[0]: leaves.column(i) for i in range(len(leaves))}
        assert list(by_name) == contract.names, table
        for column in contract.columns:
            leaf = by_name[column.name]
            physical, logical = PARQUET[column.type]
            assert leaf.physical_type == physical, f"{table}.{column.name}"
            assert str(leaf.logical_type).startswith(logical), f"{table}.{column.name}: {leaf.logical_type}"
            # three levels, nullable element: what Spark calls array<string>
            assert leaf.path == (f"{column.name}.list.element" if column.type == "list[string]" else column.name)
            seen.add(column.type)
    assert seen == set(SPARK)


def test_a_type_that_spark_lacks_is_noticed(graded: pl.DataFrame, contracts: dict[str, Contract]) -> None:
    """The cast is a check: what does not fit raises instead of wrapping round."""
    unsigned = graded.with_columns(views=pl.lit(2**63, pl.UInt64)).to_arrow()
    with pytest.raises(pa.ArrowInvalid, match="not in range"):
        as_spark_reads(unsigned, contracts[TABLE])


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
