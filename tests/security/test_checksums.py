"""Documents of a day can be checked without us."""

import subprocess
from pathlib import Path

import pytest

from caifeng.core.checksums import NAME, checksum_faults, write_checksums
from caifeng.core.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "政务舆情日志.docx").write_bytes(b"log")
    (tmp_path / "dashboard.html").write_bytes(b"<p>")
    write_checksums(tmp_path, ["政务舆情日志.docx", "dashboard.html", "not written.xlsx"])
    return tmp_path


def test_the_list_is_what_sha256sum_reads(folder):
    assert checksum_faults(folder) == []
    done = subprocess.run(["sha256sum", "--check", "--strict", NAME], cwd=folder, check=False)
    assert done.returncode == 0
    assert len((folder / NAME).read_text("utf8").splitlines()) == 2


def test_a_changed_a_missing_and_a_linked_file_are_told(folder):
    (folder / "dashboard.html").write_bytes(b"<q>")
    assert [fault.rpartition(": ")[2] for fault in checksum_faults(folder)] == ["not as it was written"]
    (folder / "政务舆情日志.docx").rename(folder / "elsewhere")
    (folder / "政务舆情日志.docx").symlink_to(folder / "elsewhere")
    assert sorted(fault.rpartition(": ")[2] for fault in checksum_faults(folder)) == [
        "missing",
        "not as it was written",
    ]


@pytest.mark.parametrize("line", ["x", "0" * 64 + "  ../secret", "0" * 64 + "  ..", "0" * 64 + "  /etc/passwd"])
def test_a_list_that_leads_elsewhere_is_refused(folder, line):
    (folder / NAME).write_text(line + "\n", "utf8")
    with pytest.raises(DataError, match="line 1"):
        checksum_faults(folder)


def test_no_list_is_said(tmp_path):
    with pytest.raises(DataError, match=NAME):
        checksum_faults(tmp_path)
