"""Killed at any moment, a day is either as before or done; run again, it is what it always was."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta

import polars as pl
import pytest

from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.marts import evaluations


def run_day(home, config, day, as_of) -> subprocess.Popen:
    environment = os.environ | {"CAIFENG_HOME": str(home), "CAIFENG_CONFIG": str(config), "CAIFENG_AS_OF": as_of}
    command = [sys.executable, "-m", "caifeng.cli", "run", "--day", day.isoformat()]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True
    )


def parts(home):
    """Every part of the lake but ops.runs, which says how long each run took."""
    files = (path for path in (home / "lake").rglob("*.parquet") if "ops/runs/" not in path.as_posix())
    return {path: path.read_bytes() for path in files}


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_kill_9_at_random_moments_loses_and_changes_nothing(town, tmp_path, kills):
    home = tmp_path / "home"
    shutil.copytree(town.home, home)
    day = town.story.days[-1]
    as_of = f"{day + timedelta(days=1)}T00:10+08:00"
    env = Env.open(Settings(home=home, config=town.config))
    wanted = parts(home)
    log = env.warehouse.read("marts.daily_log", day)
    # The day is to be made from nothing: only what was landed, and the register, stand.
    for table in env.contracts:
        if not table.startswith(("raw.", "marts.")) and table not in {"ops.fetches", "ops.sources"}:
            shutil.rmtree(env.lake.directory(table, day), ignore_errors=True)
    env.warehouse.file.unlink()
    for earlier in town.story.days[:-1]:
        env.warehouse.load(env.lake, earlier)
        evaluation = evaluations(env, earlier)[-1]
        env.warehouse.build_marts(earlier, evaluation.as_of, evaluation.rule_version)

    started = time.monotonic()
    done = run_day(home, town.config, day, as_of)
    output, _ = done.communicate(timeout=300)
    assert done.returncode == 0, output
    whole = time.monotonic() - started

    moments = random.Random(7)
    killed = 0
    for _ in range(kills):
        victim = run_day(home, town.config, day, as_of)
        time.sleep(moments.uniform(0.1, 1.0) * whole)
        if victim.poll() is None:
            os.killpg(victim.pid, signal.SIGKILL)
            killed += 1
        victim.communicate()
        for table in env.contracts:
            if not table.startswith("marts."):
                assert isinstance(env.lake.read(table, day), pl.DataFrame)
    assert killed >= kills // 2

    done = run_day(home, town.config, day, as_of)
    output, _ = done.communicate(timeout=300)
    assert done.returncode == 0, output
    found = parts(home)
    assert sorted(found) == sorted(wanted)
    assert [path for path, content in found.items() if content != wanted[path]] == []
    assert list((home / "lake").rglob("*.tmp")) == []
    assert env.warehouse.read("marts.daily_log", day).equals(log)
