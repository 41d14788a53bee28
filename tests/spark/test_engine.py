"""The second engine gives what the first one gives. Needs the extra `spark` and Java: `make test-spark`."""

import hashlib
import shutil
from datetime import UTC, date, datetime

import polars as pl
import pytest

from bench.day import raw_day, sources
from caifeng.core.clock import end_of_day
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.stages import run_stages

pytest.importorskip("pyspark", reason="the extra `spark` is not installed: make test-spark", exc_type=ImportError)
if shutil.which("java") is None:
    pytest.skip("Spark needs Java 17 or newer", allow_module_level=True)

pytestmark = [pytest.mark.spark, pytest.mark.xdist_group("spark")]
DAYS = [date(2026, 11, 21), date(2026, 11, 22)]


@pytest.fixture(scope="module")
def session():
    from caifeng.spark.session import spark_session

    with spark_session() as opened:
        yield opened


def _home(path, posts=3_000):
    settings = Settings(home=path)
    lake = Env.open(settings).lake
    for seed, day in enumerate(DAYS):
        lake.replace("ops.sources", day, sources())
        lake.replace("raw.posts", day, raw_day(posts, day, seed))
    return settings


def _hashes(settings):
    files = sorted(settings.lake_dir.rglob("*.parquet"))
    kept = [file for file in files if "ops/runs" not in str(file)]  # seconds, and moments of the clock
    return {str(file.relative_to(settings.lake_dir)): hashlib.sha256(file.read_bytes()).hexdigest() for file in kept}


def test_two_days_on_spark_leave_the_lake_of_the_local_run_byte_for_byte(session, tmp_path):
    from caifeng.spark.stages import run_on_spark

    local, carried = _home(tmp_path / "local"), _home(tmp_path / "spark")
    stages = ("clean", "understand", "cluster", "grade", "load")
    for day in DAYS:
        reports = [list(run_stages(local, day, stages)), list(run_on_spark(session, carried, day, stages))]
        assert reports[0] == reports[1]
        assert reports[0][1].counts["relevant"] > 50
    assert len(_hashes(local)) > 50
    assert _hashes(local) == _hashes(carried)


def test_the_marts_of_a_day_on_spark_are_those_of_duckdb(session, tmp_path):
    from caifeng.spark.marts import marts_on_spark

    settings = _home(tmp_path / "home", posts=1_000)
    for _ in run_stages(settings, DAYS[0], ("clean", "understand", "cluster", "grade", "load", "marts")):
        pass
    counts = marts_on_spark(session, Env.open(settings), DAYS[0], end_of_day(DAYS[0]))
    assert counts["same_on_spark"] >= 17


def test_rows_of_one_value_meet_in_one_call_and_results_are_in_order(session):
    from caifeng.spark.session import in_partitions

    frame = pl.DataFrame({"key": [f"{n % 97:03}" for n in range(2_000)], "n": range(2_000)})
    at = pl.lit(datetime(2026, 11, 22, tzinfo=UTC)).alias("at")
    pieces = [frame[:700].with_columns(at), frame[700:].with_columns(at)]
    sums, rows = in_partitions(session, pieces, "key", _sums, rows=300)
    assert sums["key"].to_list() == [f"{n:03}" for n in range(97)]
    assert sums["n"].sum() == sum(range(2_000))
    assert rows.schema == pieces[0].schema
    assert rows.height == 2_000


def test_no_rows_are_no_rows_on_spark_too(session):
    from caifeng.spark.session import in_partitions

    sums, _ = in_partitions(session, [pl.DataFrame(schema={"key": pl.String, "n": pl.Int64})], "key", _sums)
    assert sums.is_empty()


def _sums(frame):
    return [frame.group_by("key").agg(pl.sum("n")).sort("key"), frame]
