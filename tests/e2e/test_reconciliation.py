"""Every row of every day is accounted for, and a row lost anywhere is noticed before anything is published."""

import shutil

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caifeng.core import clock
from caifeng.core.errors import DataError
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.load import load
from caifeng.jobs.reconcile import account, reconcile

#: What a lost row breaks.
STEP = {
    "raw.posts": ("landed", "cleaned"),
    "clean.posts": ("judged",),
    "clean.post_metrics": ("cleaned",),
    "clean.rejects": ("cleaned", "judged"),
    "graded.posts": ("judged", "grouped", "linked"),
    "clean.repost_groups": ("grouped",),
    "graded.issue_posts": ("linked",),
    "graded.issues": ("graded",),
    "graded.issue_grades": ("graded",),
}
STEPS = {"landed", "cleaned", "judged", "grouped", "linked", "graded"}


@pytest.fixture(scope="module")
def copy(town, tmp_path_factory):
    """A home of our own to lose rows in."""
    home = tmp_path_factory.mktemp("reconciliation") / "home"
    shutil.copytree(town.home, home)
    return Env.open(Settings(home=home, config=town.config))


def test_every_step_of_every_day_closes(town):
    env = town.env()
    seen = set()
    for day in town.story.days:
        steps = env.lake.read("ops.reconciliation", day)
        assert steps.filter(pl.col("gap") != 0).is_empty(), day
        assert steps.filter(step="landed")["source_id"].n_unique() > 5
        seen |= set(steps["step"])
    assert seen == STEPS


@pytest.mark.parametrize("table", STEP)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_lost_row_is_named(town, copy, table, data):
    assert table in copy.contracts
    day = data.draw(st.sampled_from(town.story.days))
    as_of = clock.end_of_day(day)
    files = [file for file in copy.lake.files(table, day) if pl.read_parquet(file, hive_partitioning=False).height]
    file = data.draw(st.sampled_from(files))
    rows = pl.read_parquet(file, hive_partitioning=False)
    lost = data.draw(st.integers(0, rows.height - 1))
    whole = file.read_bytes()
    try:
        rows.with_row_index("row").filter(pl.col("row") != lost).drop("row").write_parquet(file)
        with pytest.raises(DataError, match="not accounted for") as error:
            reconcile(copy, day, as_of)
        assert any(f"{step} of " in str(error.value) for step in STEP[table])
        assert (copy.lake.read("ops.reconciliation", day)["gap"] != 0).any()
    finally:
        file.write_bytes(whole)
    assert reconcile(copy, day, as_of)["gap"].to_list().count(0) > 0


def test_a_gap_stops_the_day_before_the_warehouse(town, copy):
    day = town.story.days[-1]
    (file,) = copy.lake.files("graded.issue_posts", day)
    whole, before = file.read_bytes(), copy.warehouse.file.read_bytes()
    try:
        pl.read_parquet(file, hive_partitioning=False).tail(-1).write_parquet(file)
        with pytest.raises(DataError, match="nothing is published"):
            load(copy, day, clock.end_of_day(day))
    finally:
        file.write_bytes(whole)
    assert copy.warehouse.file.read_bytes() == before


def test_what_was_fetched_before_pages_were_counted_is_left_out(town, copy):
    day = town.story.days[0]
    files = copy.lake.files("ops.fetches", day)
    kept = {file: file.read_bytes() for file in files}
    try:
        for file in files:
            pl.read_parquet(file, hive_partitioning=False).drop("posts").write_parquet(file)
        steps = account(copy, day, clock.end_of_day(day))
    finally:
        for file, content in kept.items():
            file.write_bytes(content)
    assert steps.filter(step="landed").is_empty()
    assert (steps["gap"] == 0).all()
