"""What breaks is named in one line with what to do, and the steps of docs/recovery.md bring it back."""

import errno
import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from caifeng.core import files
from caifeng.core.errors import DataError, UsageError
from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.backup import backup
from caifeng.jobs.base import Env
from caifeng.jobs.publish import publish, rebuild
from caifeng.jobs.stages import run_stages
from tests.e2e.test_lake_on_s3 import tables


@pytest.fixture
def home(town, tmp_path) -> Settings:
    """A copy of the town's home that a test may break, at the end of its last day."""
    shutil.copytree(town.home, tmp_path / "home")
    as_of = parse_as_of(f"{town.story.days[-1] + timedelta(days=1)}T00:10+08:00")
    return Settings(home=tmp_path / "home", config=town.config, as_of=as_of)


def contents(settings: Settings) -> dict[str, str]:
    return tables({name: file.read_bytes() for name, file in settings.lake_store().parts()})


def run(settings: Settings, day, *stages: str) -> None:
    list(run_stages(settings, day, stages) if stages else run_stages(settings, day))


def one_line(told: pytest.ExceptionInfo) -> str:
    assert len(str(told.value).splitlines()) == 1
    return str(told.value)


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 100)


def spoil(file: Path, at: int = -6) -> None:
    """One byte: of the length of Parquet's directory, at its end."""
    content = bytearray(file.read_bytes())
    content[at] ^= 0xFF
    file.write_bytes(content)


@pytest.mark.parametrize("harm", [truncate, spoil, lambda file: file.write_bytes(b"")])
def test_a_damaged_part_is_named_and_its_day_made_again(town, home, harm):
    day, wanted = town.story.days[-1], contents(home)
    file = home.lake_dir / "clean" / "posts" / f"day={day}" / "data.parquet"
    harm(file)
    with pytest.raises(DataError, match="run its day again") as told:
        run(home, day, "understand")
    assert str(file) in one_line(told)
    run(home, town.story.days[0], "clean")  # other days go on
    file.unlink()
    run(home, day)
    assert contents(home) == wanted


def test_a_damaged_landing_comes_back_from_a_backup(town, home, tmp_path):
    day, wanted = town.story.days[-1], contents(home)
    report = backup(Env.open(home), tmp_path / "backup")
    file = sorted((home.lake_dir / "raw" / "posts" / f"day={day}").glob("*.parquet"))[0]
    truncate(file)
    with pytest.raises(DataError, match="bring it back from a backup") as told:
        run(home, day, "clean")
    assert str(file) in one_line(told)
    name = f"lake/{file.relative_to(home.lake_dir).as_posix()}"
    entry = next(e for e in files_of(report.manifest) if e["path"] == name)
    shutil.copy(tmp_path / "backup" / "files" / entry["sha256"][:2] / entry["sha256"], file)
    run(home, day)
    assert contents(home) == wanted


def files_of(manifest: Path) -> list[dict]:
    return json.loads(manifest.read_text("utf8"))["files"]


def read_register(settings: Settings) -> None:
    with Env.open(settings).register() as register:
        register.issue_numbers()
        register.events()


@pytest.mark.parametrize("start", [0, 3])
def test_a_damaged_page_of_the_register_is_named(town, home, start):
    file = home.home / "register.db"
    content = bytearray(file.read_bytes())
    content[4096 * start : 4096 * (start + 1)] = b"\xff" * 4096
    file.write_bytes(content)
    with pytest.raises(DataError, match="bring it back from a backup") as told:
        read_register(home)
    assert "register.db" in one_line(told)


@pytest.mark.parametrize("harm", ["cut", "spoilt", "empty"])
def test_a_damaged_warehouse_is_named_and_rebuilt(town, home, harm):
    env = Env.open(home)
    marts = env.warehouse.fingerprints()
    file, shown = home.warehouse_file, home.analytics_file.read_bytes() if home.analytics_file.exists() else None
    content = bytearray(file.read_bytes())
    if harm == "cut":
        content = content[: len(content) // 3]
    elif harm == "spoilt":
        for at in range(len(content) // 10, len(content), 50_000):
            content[at] ^= 0xFF
    else:
        content = bytearray(b"no warehouse" * 1000)
    file.write_bytes(content)
    with pytest.raises((DataError, UsageError), match="caifeng rebuild") as told:
        publish(env)
    assert str(file) in one_line(told)
    assert (home.analytics_file.read_bytes() if shown else None) == shown  # analysts keep what they had
    rebuild(env)
    assert env.warehouse.fingerprints() == marts


def test_a_half_copied_analytics_file_is_replaced(town, home):
    publish(Env.open(home))
    whole = home.analytics_file.stat().st_size
    os.truncate(home.analytics_file, whole // 2)
    publish(Env.open(home))
    assert home.analytics_file.stat().st_size >= whole // 2
    with duckdb.connect(  # noqa: TID251 - as an analyst does
        str(home.analytics_file), read_only=True
    ) as connection:
        assert connection.execute("SELECT count(*) FROM marts.daily_log").fetchone()[0] > 0


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_or_read_only_disk_is_told_and_nothing_half_written_stands(town, home, monkeypatch, reason):
    day, wanted = town.story.days[-1], contents(home)

    def fails(_path: Path) -> None:
        raise OSError(reason, os.strerror(reason))

    with monkeypatch.context() as patched:
        patched.setattr(files, "_force_to_disk", fails)
        with pytest.raises(UsageError, match=os.strerror(reason)) as told:
            run(home, day, "clean")
    assert ".parquet" in one_line(told)
    assert contents(home) == wanted
    assert list(home.lake_dir.rglob("*.tmp")) == []
    run(home, day)
    assert contents(home) == wanted


def test_a_file_size_limit_ends_a_run_in_one_line(town, home):
    day, wanted = town.story.days[-1], contents(home)
    environment = os.environ | {"CAIFENG_HOME": str(home.home), "CAIFENG_CONFIG": str(home.config)}
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from caifeng.cli import main\n"
        "import polars\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        f"sys.argv = ['caifeng', 'run', '--day', '{day}', '--from', 'clean', '--to', 'grade']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode in {1, 2}, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert contents(home) == wanted


def test_a_clock_that_jumps_back_changes_no_day_that_was_run(town, home):
    day, wanted = town.story.days[-1], contents(home)
    back = home.model_copy(update={"as_of": parse_as_of(f"{town.story.days[0]}T08:00+08:00")})
    run(back, day)
    assert contents(home) == wanted


@pytest.mark.parametrize("days", [3, 400])
def test_a_clock_that_jumps_ahead_changes_no_day_that_was_run(town, home, days):
    """Beyond the life of the words a day is refused, as it is when that time has really come."""
    day, wanted = town.story.days[-1], contents(home)
    ahead = home.model_copy(update={"as_of": parse_as_of(f"{day + timedelta(days=days)}T08:00+08:00")})
    if days > 180:
        with pytest.raises(UsageError, match="never recomputed") as told:
            run(ahead, day)
        one_line(told)
    else:
        run(ahead, day)
    assert contents(home) == wanted
    run(home, day)
    assert contents(home) == wanted
