"""What has changed is found, and exactly what rests on it is made anew."""

import hashlib
import shutil
from datetime import timedelta

import polars as pl
import pytest

from caifeng.cases.model import Actor
from caifeng.core import clock
from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.base import Env
from caifeng.jobs.purge import purge
from caifeng.jobs.runs import entries, read_runs
from caifeng.jobs.stages import STAGES, run_stages
from caifeng.jobs.stale import refresh, stale


@pytest.fixture
def home(town, tmp_path):
    """A copy of the town to change: home and configuration, a day after its last."""
    shutil.copytree(town.home, tmp_path / "home")
    shutil.copytree(town.config, tmp_path / "config")
    return Settings(home=tmp_path / "home", config=tmp_path / "config", as_of=clock.end_of_day(town.story.days[-1]))


def parts(env: Env) -> dict[str, str]:
    """Hash of every part but those that tell of runs, and of every paper."""
    places = (env.settings.lake_dir, env.settings.outputs_dir)
    return {
        str(path.relative_to(env.settings.home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for place in places
        for path in place.rglob("*.*")
        if path.is_file() and "ops/runs/" not in path.as_posix()
    }


def found(env: Env):
    """Stages with a reason, and those that may follow."""
    all_of = stale(env)
    return {(s.day, s.stage) for s in all_of if s.reasons}, {(s.day, s.stage) for s in all_of if not s.reasons}


def test_every_run_is_on_record_with_what_it_read_and_wrote(town):
    env = town.env()
    for day in town.story.days:
        runs = read_runs(town.home, env.lake, day)
        assert {run.job for run in runs} >= set(STAGES)
        written = {name for run in runs for name in entries(run.outputs)}
        of_day = env.lake.root.glob(f"*/*/day={day}/*.parquet")
        names = {path.relative_to(env.lake.root).as_posix() for path in of_day}
        landed = {n for n in names if n.startswith(("raw/", "ops/fetches/", "ops/sources/", "ops/runs/"))}
        assert names - landed
        assert names - landed <= written, "each part was written by a run"
        for run in runs:
            assert run.outcome == "ok"
            assert run.seconds > 0
        stages = {run.job: run for run in runs}
        assert f"raw/posts/day={day}" in entries(stages["clean"].inputs)
        assert stages["clean"].rows_in > 0
        assert stages["clean"].rows_out > 0
        assert env.warehouse.read("ops.runs", day).height >= 4, "what was run before the last load is in the warehouse"


def test_nothing_is_stale_that_nothing_has_changed_for(town, home):
    env = Env.open(home)
    assert stale(env) == []
    before = parts(env)
    assert list(refresh(env)) == []
    assert parts(env) == before


def test_a_day_run_again_makes_nothing_stale(town, home):
    assert len(list(run_stages(home, town.story.days[1]))) == len(STAGES)
    assert stale(Env.open(home)) == []


@pytest.mark.parametrize("days", [20, 100])
def test_words_that_end_their_life_make_nothing_stale(town, home, days):
    later = home.model_copy(update={"as_of": home.as_of + timedelta(days=days)})
    env = Env.open(later)
    before = {(each.day, each.stage) for each in stale(env)}
    assert purge(env).counts["words"] > 5
    assert {(each.day, each.stage) for each in stale(Env.open(later))} == before == set()


def test_a_post_that_came_late_changes_its_day_and_what_follows(town, home):
    """A post is added to the third day; the days before keep every byte, and the result is that of a full backfill."""
    env, days = Env.open(home), town.story.days
    day = days[2]
    file = env.lake.files("raw.posts", day)[0]
    rows = pl.read_parquet(file, hive_partitioning=False)
    new = rows.filter(pl.col("text").str.len_chars() > 40).head(1).with_columns(
        post_id=pl.lit("f" * 32), title=pl.lit("统计局人口抽查数据与村里实际人数不符，请县统计局核实"),
        text=pl.lit("蒙城县统计局的入户调查没有到我们村，公布的人口数据却说都核实过，村里好多人不在家。" * 3),
        url=pl.lit("https://town.example/late/1.html"),
    )  # fmt: skip
    env.lake.replace("raw.posts", day, new.with_columns(read_at=pl.col("fetched_at")), "late")
    certain, possible = found(env)
    assert certain == {(day, "clean"), (day, "load")}, "load accounts for what was landed"
    assert possible == {(d, stage) for d in days if d >= day for stage in STAGES} - certain
    before = parts(env)
    reports = list(refresh(env))
    after = parts(env)
    assert stale(env) == []
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed
    for name in changed:
        assert any(str(d) in name for d in days if d >= day), name
    assert {r.day for r in reports} <= {d for d in days if d >= day}
    for d in days:
        list(run_stages(home, d))
    lake_only = {name: value for name, value in after.items() if name.startswith("lake")}
    again = parts(env)
    assert {name: again[name] for name in lake_only} == lake_only, "as if everything had been run again"


def test_a_changed_rule_reaches_what_goes_by_it(town, home):
    env = Env.open(home)
    path = home.config / "early_warning.toml"
    path.write_text(path.read_text("utf8") + "\n# a comment is no change\n", "utf8")
    assert stale(env) == []
    taxonomy = sorted((home.config / "taxonomy").glob("*.toml"))[-1]
    text = taxonomy.read_text("utf8")
    taxonomy.write_text(text + '\n[[added]]\nnothing = "x"\n', "utf8")
    certain, _ = found(env)
    assert certain == {(d, s) for d in town.story.days for s in ("understand", "grade", "load")}
    taxonomy.write_text(text, "utf8")
    assert stale(env) == []


def test_a_spoilt_part_is_made_anew_byte_by_byte(town, home):
    env, day = Env.open(home), town.story.days[-1]
    before = parts(env)
    (file,) = env.lake.files("graded.issues", day)
    pl.read_parquet(file, hive_partitioning=False).head(1).write_parquet(file)
    certain, _ = found(env)
    assert (day, "cluster") in certain
    assert {r.job for r in refresh(env)} <= {"cluster", "grade", "load", "marts", "outputs"}
    assert {n: h for n, h in parts(env).items() if n.startswith("lake")} == {
        n: h for n, h in before.items() if n.startswith("lake")
    }
    assert stale(env) == []


def test_what_people_decide_while_the_day_runs_makes_its_levels_stale(town, home):
    """Decided within the last day, after its evaluation; what they decide later does not concern it."""
    day = town.story.days[-1]
    running = home.model_copy(update={"as_of": parse_as_of(f"{day}T18:00+08:00")})
    list(run_stages(running, day, as_of=parse_as_of(f"{day}T17:00+08:00")))
    assert found(Env.open(running))[0] == set()
    env = Env.open(running)
    with env.register() as register, register.writing() as writer:
        writer.append(
            "leads", "lead", states=(None, None), actor=Actor("monitor", "office"), on_behalf=None,
            at=parse_as_of(f"{day}T17:30+08:00"), codes={"kind": "phone"}, texts={}, idempotency_key=None,
        )  # fmt: skip
    assert {stage for _, stage in found(env)[0]} == {"grade", "load"}
    # once the day is over, it must be evaluated as of its end in any case
    assert (day, "clean") in found(Env.open(home))[0]
