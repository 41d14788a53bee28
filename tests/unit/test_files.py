"""Files are replaced whole or not at all."""

import os

import pytest

from caifeng.core.errors import UsageError
from caifeng.core.files import LEFT_BEHIND, machine, replacing, sweep


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path):
    target = tmp_path / "new" / "log.docx"
    for content in ("old", "new"):
        with replacing(target) as temporary:
            temporary.write_text(content)
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_no_rubbish(tmp_path):
    target = tmp_path / "log.docx"
    target.write_text("old")

    def fail_half_way():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        fail_half_way()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match=r"file/log\.docx: cannot be written"),
        replacing(tmp_path / "file" / "log.docx"),
    ):
        pass


def test_sweeping_takes_what_belongs_to_dead_processes_also_a_side_file(tmp_path):
    dead = f".a.duckdb.{machine()}.999999999.tmp"
    leftovers = [tmp_path / dead, tmp_path / f"{dead}.wal"]
    others = [tmp_path / name for name in (".a.duckdb.tmp", "a.duckdb", f".a.duckdb.{machine()}.{os.getpid()}.tmp")]
    for path in (*leftovers, *others):
        path.touch()
    assert sorted(sweep(tmp_path, "")) == leftovers
    assert all(path.exists() for path in others)


def test_what_another_machine_writes_is_swept_when_nothing_takes_so_long(tmp_path):
    young, old = (tmp_path / f".{name}.duckdb.elsewhere.999999999.tmp" for name in ("young", "old"))
    for path in (young, old):
        path.touch()
    before = old.stat().st_mtime - 1.01 * LEFT_BEHIND.total_seconds()
    os.utime(old, (before, before))
    assert sweep(tmp_path, "") == [old]
    assert young.exists()
