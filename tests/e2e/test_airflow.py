"""The demo as a user runs it: the real DAGs in Airflow, all sample days, paper at the end."""

import re
import socket
import sqlite3
import subprocess
import sys

import duckdb

from samples.town.story import load_story


def free_port(count: int) -> int:
    """First of `count` neighbouring free ports."""
    for first in range(21000, 29000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


def test_the_demo_runs_the_dags_and_leaves_paper_and_analytics(tmp_path, root):
    home = tmp_path / "demo"
    command = [
        sys.executable,
        "-m",
        "caifeng.cli",
        "demo",
        "--home",
        str(home),
        "--port",
        str(free_port(len(load_story().sites))),
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    days = load_story().days
    for day in days:
        assert len(list((home / "outputs" / str(day)).iterdir())) == 5
        lines = [line for line in done.stdout.splitlines() if f"{day} ✓" in line and "publish" not in line]
        assert len(lines) == 9, "two batches of sources and seven stages"
    assert done.stdout.count("✓ publish") == len(days)
    with duckdb.connect(str(home / "analytics.duckdb"), read_only=True) as analytics:  # noqa: TID251
        rows = analytics.execute("SELECT day, issues_new FROM marts.daily_summary ORDER BY day").fetchall()
    assert [day for day, _ in rows] == list(days)
    assert all(new > 0 for _, new in rows)

    # The last screen: what needs action is listed or counted, and is what both READMEs promise.
    promised = int(re.search(r"需要处理（.+，(\d+) 件）", done.stdout).group(1))
    listed = len(re.findall(r"(?m)^  YQ-2026-\d{4}  ", done.stdout))
    assert listed < promised
    assert f"另有 {promised - listed} 件，见当日《预警报送清单》" in done.stdout
    screen = {line.rstrip() for line in done.stdout.splitlines()}
    for readme in ("README.md", "README.zh.md"):
        block = next(part for part in (root / readme).read_text("utf8").split("```") if "涉统计" in part)
        shown = [line for line in block.splitlines() if line.strip() and line != "  …"]
        assert len(shown) > len(days)
        assert set(shown) <= screen, readme

    # Seeded private data and nicknames: not in Airflow's database (XCom), its logs, or any other plain file.
    story = load_story()
    secrets = [seed.value for seed in story.seeds] + [name for site in story.sites for name in site.authors]
    assert len(secrets) > 10
    swept = 0
    for path in home.rglob("*"):
        if path.is_file() and path.suffix != ".parquet":  # the lake's values are swept in test_town
            content = path.read_bytes()
            swept += 1
            found = [secret for secret in secrets if secret.encode() in content]
            assert not found, (path, found)
    assert swept > 50
    with sqlite3.connect(home / "airflow" / "airflow.db") as airflow:
        assert airflow.execute("SELECT count(*) FROM xcom").fetchone()[0] > 20


def test_a_folder_that_is_no_demos_is_never_wiped(tmp_path, root):
    (tmp_path / "kept.txt").write_text("real data")
    command = [sys.executable, "-m", "caifeng.cli", "demo", "--home", str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "not a demo's folder" in done.stderr
    assert (tmp_path / "kept.txt").read_text() == "real data"


def test_a_port_in_use_is_one_clear_line(tmp_path, root):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "caifeng.cli", "demo", "--home", str(tmp_path / "d"), "--port", str(port)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert re.search(rf"port {port}.*in use", done.stderr)
    assert "Traceback" not in done.stderr
