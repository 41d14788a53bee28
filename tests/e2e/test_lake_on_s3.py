"""A day of the town on S3 is that day in a folder, whichever worker runs which stage."""

import hashlib
import shutil
from datetime import timedelta

import pytest

from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.backup import backup, check_backup, restore
from caifeng.jobs.base import Env
from caifeng.jobs.stages import STAGES, run_stages
from tests.s3_server import s3_server

pytest.importorskip("obstore")


def tables(parts: dict[str, bytes]) -> dict[str, str]:
    """One hash per table; ops.runs says how long each run took."""
    found = {}
    for name, content in sorted(parts.items()):
        table = "/".join(name.split("/")[:2])
        if table != "ops/runs":
            found.setdefault(table, hashlib.sha256()).update(name.encode() + content)
    return {table: digest.hexdigest() for table, digest in found.items()}


@pytest.fixture
def bucket(monkeypatch):
    with s3_server() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


def test_workers_in_different_directories_make_the_lake_that_one_makes(town, bucket, tmp_path):
    day = town.story.days[-1]
    here = Settings(home=town.home, config=town.config)
    whole = {name: file.read_bytes() for name, file in here.lake_store().parts()}
    made = ("raw/", "ops/fetches/", "ops/sources/")
    landed = {name: b for name, b in whole.items() if f"day={day}" not in name or name.startswith(made)}
    assert len(landed) < len(whole)
    bucket.objects |= {f"county/{name}": content for name, content in landed.items()}
    homes = [tmp_path / f"worker{n}" for n in range(2)]
    register = tmp_path / "register.db"
    shutil.copy(town.home / "register.db", register)
    # The warehouse stands on one disk (architecture.md) and has the days before; the other stages run anywhere.
    homes[0].mkdir()
    shutil.copy(here.warehouse_file, Settings(home=homes[0]).warehouse_file)
    as_of = parse_as_of(f"{day + timedelta(days=1)}T00:10+08:00")
    for number, stage in enumerate(STAGES):
        home = homes[number % 2] if stage in {"clean", "understand", "cluster", "grade"} else homes[0]
        settings = Settings(home=home, config=town.config, as_of=as_of, lake="s3://lake/county")
        settings = settings.model_copy(update={"register_address": f"sqlite:///{register}"})
        assert len(list(run_stages(settings, day, (stage,)))) == 1
    found = bucket.lake("county")
    assert len(tables(found)) > 15
    assert tables(found) == tables(whole)
    one, other = Env.open(settings).warehouse.fingerprints(), Env.open(here).warehouse.fingerprints()
    assert {table: one[table] for table in one if table != "ops.runs"} == {
        table: other[table] for table in other if table != "ops.runs"
    }
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_lake_on_s3_is_backed_up_and_restored_there(town, bucket, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(town.home, home, ignore=shutil.ignore_patterns("lake", "cache"))
    local = Settings(home=town.home, config=town.config)
    whole = {name: file.read_bytes() for name, file in local.lake_store().parts()}
    bucket.objects |= {f"old/{name}": content for name, content in whole.items()}
    env = Env.open(Settings(home=home, config=town.config, lake="s3://lake/old"))
    report = backup(env, tmp_path / "backup", town.env().now())
    assert check_backup(report.manifest) == []
    target = Settings(home=tmp_path / "new", config=tmp_path / "config", lake="s3://lake/new")
    list(restore(target, report.manifest))
    assert bucket.lake("new") == whole
    assert Env.open(target).warehouse.fingerprints() == Env.open(local).warehouse.fingerprints()
    with pytest.raises(UsageError, match="holds parts"):
        list(restore(target, report.manifest, force=True))
    assert bucket.lake("new") == whole
