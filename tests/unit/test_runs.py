"""A run says what it read and wrote, whether it ends well or not, and nothing of another run."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from caifeng.core.errors import DataError
from caifeng.core.settings import Settings
from caifeng.jobs.base import LOOKBACK, Env, timed
from caifeng.jobs.runs import entries, folder, read_runs, store_runs

DAY = date(2026, 11, 20)
BEFORE = DAY - timedelta(days=3)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def env(tmp_path) -> Env:
    return Env.open(Settings(home=tmp_path, config=ROOT / "config"))


def rules(value: float) -> pl.DataFrame:
    return pl.DataFrame({"parameter": ["p"], "value": [value]})


def last(env: Env):
    return read_runs(env.settings.home, env.lake, DAY)[-1]


def test_parts_of_the_day_and_ranges_before_are_inputs_and_what_is_written_is_output(env):
    env.lake.replace("ops.quality_rules", DAY, rules(1))
    with timed(env, "try", DAY):
        assert env.lake.read("ops.quality_rules", DAY).height == 1
        assert env.lake.read_range("ops.quality_rules", DAY - LOOKBACK, DAY).height == 1
        env.lake.replace("ops.quality_rules", DAY, rules(2), "own")
        assert env.lake.read("ops.quality_rules", DAY).height == 2
    run = last(env)
    ranged = f"ops/quality_rules/{DAY - LOOKBACK}..{DAY - timedelta(days=1)}"
    assert set(entries(run.inputs)) == {ranged, f"ops/quality_rules/day={DAY}"}
    assert set(entries(run.outputs)) == {f"ops/quality_rules/day={DAY}/own.parquet"}
    assert (run.rows_in, run.rows_out, run.outcome, run.reason) == (4, 1, "ok", None)
    assert run.peak_mb is None or run.peak_mb > 10


def test_a_part_that_comes_later_changes_the_entry_and_the_runs_own_part_does_not(env):
    def look() -> dict[str, str]:
        with timed(env, "try", DAY):
            env.lake.read_range("ops.quality_rules", BEFORE - timedelta(days=9), DAY)
            env.lake.replace("ops.quality_rules", DAY, rules(2), "own")
        return entries(last(env).inputs)

    first, again = look(), look()
    assert first == again
    env.lake.replace("ops.quality_rules", BEFORE, rules(3))
    assert {name for name, value in look().items() if first[name] != value} == {
        f"ops/quality_rules/{BEFORE - timedelta(days=9)}..{DAY - timedelta(days=1)}"
    }


def test_a_run_that_fails_says_why_without_personal_data(env):
    with pytest.raises(DataError), timed(env, "try", DAY):
        raise DataError("row 3: 联系电话13800138000")
    run = last(env)
    assert run.outcome == "failed"
    assert run.reason.startswith("row 3")
    assert "13800138000" not in run.reason
    env.lake.replace("ops.quality_rules", DAY, rules(1))
    assert last(env).outputs == (), "what is written outside a run is not noted"


def test_lines_become_the_partition_and_a_line_cut_off_by_a_crash_is_passed_over(env):
    for _ in range(3):
        with timed(env, "try", DAY):
            pass
    path = folder(env.settings.home) / f"{DAY}.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert store_runs(env.settings.home, env.lake, DAY) == 2
    path.write_bytes(whole)
    assert store_runs(env.settings.home, env.lake, DAY) == 3
    path.unlink()  # after half a year
    assert store_runs(env.settings.home, env.lake, DAY) == 3, "ops.runs keeps what it has"
    short = [json.loads(line) for line in (env.settings.home / "logs" / "runs.jsonl").open()]
    assert [line["run"] for line in short] == [r.run_id for r in read_runs(env.settings.home, env.lake, DAY)]
