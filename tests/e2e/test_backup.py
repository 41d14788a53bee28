"""What is lost can be brought back: a backup of the town, restored elsewhere, is the town."""

import json
import shutil
from typing import NamedTuple

import pytest

from caifeng.cases.service import chain_faults
from caifeng.cases.store import Register
from caifeng.core.errors import DataError, UsageError
from caifeng.core.settings import Settings
from caifeng.jobs.backup import BackupReport, backup, backups, check_backup, copy_register, restore
from caifeng.jobs.base import Env
from tests.cases.cases import Desk


class Kept(NamedTuple):
    env: Env
    report: BackupReport


@pytest.fixture(scope="module")
def kept(town, tmp_path_factory):
    """A home with decisions in its register, and a backup of it."""
    base = tmp_path_factory.mktemp("backup")
    shutil.copytree(town.home, base / "home")
    (base / "home" / "SAMPLE").write_text("", "utf8")
    env = Env.open(Settings(home=base / "home", config=town.config))
    with env.register() as register:
        desk = Desk(register)
        desk.confirm()
        desk.assign()
        desk.verify()
    report = backup(env, base / "backup", desk.at)
    return Kept(env, report)


def restored(kept, tmp_path, **options):
    settings = Settings(home=tmp_path / "home", config=tmp_path / "config")
    return settings, list(restore(settings, kept.report.manifest, **options))


def test_a_restored_home_has_the_same_lake_register_and_marts(kept, tmp_path):
    env = kept.env
    settings, said = restored(kept, tmp_path)
    assert "whole" in said[0]
    assert any("rebuilt" in line for line in said)
    copy = Env.open(settings)
    files = {path.relative_to(env.settings.home): path for path in (env.settings.home / "lake").rglob("*.parquet")}
    assert len(files) > 100
    for name, path in files.items():
        assert (settings.home / name).read_bytes() == path.read_bytes()
    with env.register() as first, copy.register() as second:
        assert second.events() == first.events()
        assert second.issue_numbers() == first.issue_numbers()
        assert chain_faults(second.events()) == []
    assert [p.name for p in sorted(settings.config.iterdir())] == [
        p.name for p in sorted(env.settings.config.iterdir())
    ]


def test_rebuilding_gives_the_same_marts_table_by_table(kept, tmp_path):
    env = kept.env
    settings, _ = restored(kept, tmp_path)
    marts = env.warehouse.fingerprints()
    assert sum(not line.startswith("0 rows") for line in marts.values()) > 10
    # The register of the copy went on after the town's marts were made; the day marts rest on the lake alone.
    assert Env.open(settings).warehouse.fingerprints() == marts


def test_a_second_backup_copies_only_what_is_new(kept, tmp_path):
    env, report = kept.env, kept.report
    folder = tmp_path / "backup"
    shutil.copytree(report.manifest.parents[1], folder)
    (env.settings.home / "outputs" / "note.txt").write_text("新的一页", "utf8")
    again = backup(env, folder, env.now())
    (env.settings.home / "outputs" / "note.txt").unlink()
    assert again.files == report.files + 1
    assert again.copied <= 2  # the note, and a register that was copied anew
    assert len(backups(folder)) == 2


def test_stored_pages_and_their_keys_are_in_no_backup(kept):
    env, report = kept.env, kept.report
    assert list((env.settings.home / "bodies").rglob("*")), "nothing that could leak"
    paths = [entry["path"] for entry in json.loads(report.manifest.read_text("utf8"))["files"]]
    assert paths
    assert [path for path in paths if path.startswith(("bodies", "keys", "analytics", "warehouse", "airflow"))] == []


@pytest.mark.parametrize("harm", ["missing", "changed", "cut"])
def test_a_harmed_backup_is_named_and_nothing_is_restored(kept, tmp_path, harm):
    report = kept.report
    folder = tmp_path / "backup"
    shutil.copytree(report.manifest.parents[1], folder)
    manifest = folder / "backups" / report.manifest.name
    victim = json.loads(manifest.read_text("utf8"))["files"][-1]
    blob = folder / "files" / victim["sha256"][:2] / victim["sha256"]
    if harm == "missing":
        blob.unlink()
    elif harm == "changed":
        content = bytearray(blob.read_bytes())
        content[len(content) // 2] ^= 1
        blob.write_bytes(content)
    else:
        blob.write_bytes(blob.read_bytes()[:-1])
    assert any(victim["path"] in fault for fault in check_backup(manifest))
    settings = Settings(home=tmp_path / "home", config=tmp_path / "config")
    with pytest.raises(DataError, match="nothing was restored"):
        list(restore(settings, manifest))
    assert not settings.home.exists()


def test_what_stands_is_not_overwritten_unless_asked_and_then_set_aside(kept, tmp_path):
    settings, _ = restored(kept, tmp_path)
    with pytest.raises(UsageError, match="stands in the way"):
        restored(kept, tmp_path)
    (settings.home / "lake" / "mine.txt").write_text("eigen", "utf8")
    _, said = restored(kept, tmp_path, force=True)
    assert any("set aside" in line for line in said)
    assert [path.read_text("utf8") for path in settings.home.glob("replaced-*/lake/mine.txt")] == ["eigen"]


def test_a_dry_run_writes_nothing(kept, tmp_path):
    settings, said = restored(kept, tmp_path, dry_run=True)
    assert "nothing was written" in said[-1]
    assert not settings.home.exists()


def test_a_list_that_names_a_place_outside_is_refused(kept, tmp_path):
    report = kept.report
    folder = tmp_path / "backup"
    shutil.copytree(report.manifest.parents[1], folder)
    manifest = folder / "backups" / report.manifest.name
    content = json.loads(manifest.read_text("utf8"))
    content["files"][0]["path"] = "outputs/../../outside.txt"
    manifest.write_text(json.dumps(content), "utf8")
    settings = Settings(home=tmp_path / "home", config=tmp_path / "config")
    with pytest.raises(DataError, match="not a place of a backup"):
        list(restore(settings, manifest))
    assert not (tmp_path / "outside.txt").exists()


def test_a_broken_register_is_not_backed_up(kept, tmp_path):
    env = kept.env
    home = tmp_path / "home"
    shutil.copytree(env.settings.home, home)
    content = bytearray((home / "register.db").read_bytes())
    place = content.rfind("查阅台账".encode())
    if place < 0:  # JSON keeps it escaped
        place = content.rfind(b"\\u67e5\\u9605")
    assert place > 0
    content[place + 3] = ord("8") if content[place + 3] != ord("8") else ord("9")
    (home / "register.db").write_bytes(content)
    broken = Env.open(Settings(home=home, config=env.settings.config))
    with pytest.raises(DataError, match="payload was changed"):
        backup(broken, tmp_path / "backup")
    assert backups(tmp_path / "backup") == []


def test_a_backup_belongs_on_another_disk(kept):
    env = kept.env
    with pytest.raises(UsageError, match="inside CAIFENG_HOME"):
        backup(env, env.settings.home / "backup")


def test_a_register_is_copied_into_an_empty_one_only(kept, tmp_path):
    env = kept.env
    target = f"sqlite:///{tmp_path / 'copy.db'}"
    assert copy_register(env.settings.register_url, target) > 0
    register = Register(target)
    try:
        assert chain_faults(register.events()) == []
        assert register.events()
    finally:
        register.close()
    with pytest.raises(UsageError, match="empty"):
        copy_register(env.settings.register_url, target)
