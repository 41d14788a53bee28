"""A Spark session, and how a pure Polars function is carried to its workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from caifeng.core.errors import UsageError
from transforms.parts import PIECE_ROWS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: A result of a partition: which one, which of its frames, and the frame as Arrow IPC, so that no type changes.
_CARRIED = "part int, result int, rows binary"
#: Two tasks at once on this machine (our choice: the machine the house is measured on has two processors).
MASTER = "local[2]"
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    # a duplicate key or an overflow must stop the day in either engine
    "spark.sql.ansi.enabled": "true",
    "spark.driver.memory": "3g",
    "spark.driver.maxResultSize": "0",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "25000",
    # a worker has one processor: Spark is what divides the work
    "spark.executorEnv.POLARS_MAX_THREADS": "1",
    "spark.executorEnv.NUMBA_NUM_THREADS": "1",
}


@contextmanager
def spark_session(master: str = MASTER) -> Iterator[SparkSession]:
    """A session that is stopped afterwards; a local one listens on the loopback only.

    Args:
        master: a Spark master: `local[N]`, `spark://…`, `yarn`, `k8s://…`. Workers of a cluster need this package and
            the folder for temporary files in common with the driver.

    Raises:
        UsageError: pyspark is not installed.
    """
    try:
        from pyspark.sql import SparkSession as Session  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError("Spark is not installed: pip install 'caifeng[spark]', and Java 17 or newer") from error
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with TemporaryDirectory(prefix="caifeng-spark-") as folder:
        builder = Session.builder.master(master).appName("caifeng").config("spark.sql.warehouse.dir", folder)
        if master.startswith("local"):
            builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        for name, value in _SETTINGS.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        try:
            yield session
        finally:
            session.stop()


def in_partitions(
    session: SparkSession,
    frames: Iterable[pl.DataFrame],
    by: str,
    work: Callable[[pl.DataFrame], Iterable[pl.DataFrame]],
    rows: int = PIECE_ROWS,
) -> list[pl.DataFrame]:
    """`transforms.parts.in_parts`, on Spark: do `work` for the rows of each range of a column.

    Args:
        session: where.
        frames: the rows, in pieces of one schema; at least one, which may be empty.
        by: the column. Equal values meet in one call, and calls are put together in its order.
        work: pure and picklable; what it says of a row depends on no row with another value in `by`.
        rows: of a call, about. Results do not depend on it.

    Returns:
        Each result of `work`, put together.
    """
    with TemporaryDirectory(prefix="caifeng-spark-") as folder:
        height, schema = 0, pl.Schema()
        for number, frame in enumerate(frames):
            frame.write_parquet(Path(folder) / f"{number:05}.parquet", compression="lz4")
            height, schema = height + frame.height, frame.schema
        if height == 0:
            return list(work(schema.to_frame()))
        partitions = max(-(-height // rows), session.sparkContext.defaultParallelism)
        read = session.read.parquet(folder).repartitionByRange(partitions, by)
        table = read.mapInArrow(partial(_work, work=work, schema=dict(schema)), _CARRIED).toArrow()
    done = sorted(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
    count = max(result for _, result, _ in done) + 1
    return [pl.concat([pl.read_ipc(rows) for _, result, rows in done if result == n]) for n in range(count)]


def _work(
    batches: Iterable[pa.RecordBatch], work: Callable[[pl.DataFrame], Iterable[pl.DataFrame]], schema: dict[str, Any]
) -> Iterator[pa.RecordBatch]:
    """What a worker does with a partition; one that is empty has nothing to say."""
    from pyspark import TaskContext  # noqa: PLC0415 - an extra

    context = TaskContext.get()
    assert context is not None  # a worker calls it
    if not (got := [pl.from_arrow(batch) for batch in batches if batch.num_rows]):
        return
    frame = pl.concat(got).select(list(schema)).cast(schema)  # type: ignore[union-attr, type-var, arg-type]
    for number, result in enumerate(work(frame)):
        yield pa.RecordBatch.from_pydict(
            {"part": [context.partitionId()], "result": [number], "rows": [_packed(result)]},
            schema=pa.schema({"part": pa.int32(), "result": pa.int32(), "rows": pa.binary()}),
        )


def _packed(frame: pl.DataFrame) -> bytes:
    return frame.write_ipc(None, compression="zstd").getvalue()
