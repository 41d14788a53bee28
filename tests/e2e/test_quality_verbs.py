"""The verbs of contracts, gates and lineage on a home as it stands after some days."""

import json
import shutil
from datetime import timedelta

import polars as pl
import pytest
from typer.testing import CliRunner

from caifeng.cli import app
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env


@pytest.fixture
def home(town, tmp_path, monkeypatch):
    shutil.copytree(town.home, tmp_path / "home")
    monkeypatch.setenv("CAIFENG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAIFENG_CONFIG", str(town.config))
    monkeypatch.setenv("CAIFENG_AS_OF", f"{town.story.days[-1] + timedelta(days=1)}T09:00+08:00")
    return Settings.load()


def call(*words):
    return CliRunner().invoke(app, list(words))


def test_drift_is_found_in_the_lake(home, town):
    done = call("check", "--drift")
    assert done.exit_code == 0, done.output
    assert "lake and warehouse are as their contracts say" in done.output
    env, day = Env.open(home), town.story.days[0]
    part = env.lake.files("graded.posts", day)[0]
    pl.read_parquet(part, hive_partitioning=False).drop("title").write_parquet(part)
    done = call("check", "--drift")
    assert done.exit_code == 1
    assert "graded.posts" in done.output
    assert "title" in done.output


def test_contracts_lineage_and_gates(home):
    assert call("contracts").output == "contracts are as agreed\n"
    page = call("lineage").output
    assert page == (home.root / "docs" / "lineage.md").read_text("utf8")
    assert "sql/marts/daily_log.sql" in call("lineage", "marts.daily_log").output
    assert call("lineage", "marts.nothing").exit_code != 0
    assert call("gates").output == (home.root / "docs" / "gates.md").read_text("utf8")


def test_what_was_set_aside_is_listed_shown_and_tried_again(home, town):
    assert call("quarantine", "list").stderr == "nothing is set aside\n"
    env, day = Env.open(home), town.story.days[-1]
    contract = env.contracts["clean.quarantine"]
    kinds = {"string": "x", "int64": 0, "timestamp": env.now(), "boolean": False, "float64": 0.0, "date": day}
    blank = {c.name: None if c.null_means else kinds.get(c.type) for c in contract.columns}
    row = blank | {"table_name": "clean.posts", "part": "data", "row_key": "gone", "rules": ["title_not_empty"]}
    env.lake.replace("clean.quarantine", day, pl.DataFrame([row], schema=contract.polars_schema()), "clean.posts-data")
    assert "clean.posts\tdata\ttitle_not_empty\t1" in call("quarantine", "list", "--table", "clean.posts").stdout
    assert call("quarantine", "list", "--rule", "other").stderr == "nothing is set aside\n"
    (shown,) = call("quarantine", "show", "--day", str(day)).output.splitlines()
    assert json.loads(shown)["row_key"] == "gone"
    done = call("quarantine", "replay", "--day", str(day))
    assert done.exit_code == 0
    assert "ran clean; of 1 rows set aside 0 came back, 0 are still set aside, 1 are no rows any more" in done.output
