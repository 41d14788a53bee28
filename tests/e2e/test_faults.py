"""Bad input and faults, as a user meets them: one clear line, the exit code, and the rest goes on."""

import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta

import pytest

from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.stages import run_stages


def caifeng(home, config, *words, **environment) -> subprocess.CompletedProcess:
    variables = os.environ | {"CAIFENG_HOME": str(home), "CAIFENG_CONFIG": str(config)} | environment
    return subprocess.run(
        [sys.executable, "-m", "caifeng.cli", *words], env=variables, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def config(town, tmp_path):
    """The town's configuration; its server is gone, so every site refuses connections."""
    return shutil.copytree(town.config, tmp_path / "config")


def one_line(done: subprocess.CompletedProcess) -> str:
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_malformed_source_and_dead_sites_are_named_and_the_log_is_written(town, config, tmp_path):
    broken = config / "sources" / "portal.toml"
    broken.write_text(broken.read_text("utf8") + "\nsurplus = = 1\n", "utf8")
    home, day = tmp_path / "home", town.story.days[0]
    done = caifeng(home, config, "crawl", CAIFENG_AS_OF=f"{day}T23:50+08:00")
    assert done.returncode == 3
    assert "portal" in one_line(done)
    settings = Settings(home=home, config=config)
    assert len(list(run_stages(settings, day))) == 7
    env = Env.open(settings)
    health = {row["source_id"]: row for row in env.warehouse.read("marts.source_health", day).iter_rows(named=True)}
    assert {row["status"] for row in health.values()} == {"broken"}
    assert "配置文件有误" in health["portal"]["reason"]
    assert "无法连接" in health["forum"]["reason"]
    summary = env.warehouse.read("marts.daily_summary", day).row(0, named=True)
    assert summary["zero_report"] is True
    assert summary["sources_checked"] == 0
    assert len(summary["broken"]) == summary["sources_planned"] == len(health)
    assert len(list((home / "outputs" / str(day)).iterdir())) == 5


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["crawl", "--source", "nowhere"], r"sources/nowhere\.toml: source file not found"),
        (["run", "--day", "2026-13-01"], "not a day: '2026-13-01'"),
        (["run", "--day", "2026-11-20", "--from", "polish"], "unknown stage 'polish'"),
        (["run", "--day", "2026-11-20", "--as-of", "noon"], "not a time: 'noon'"),
        (["backfill", "--from", "2026-11-22", "--to", "2026-11-20"], "comes after"),
        (["grade", "--explain", "YQ-1999-0001"], "no such issue: YQ-1999-0001"),
        (["publish"], "no warehouse yet"),
    ],
)
def test_a_call_that_cannot_be_carried_out(config, tmp_path, words, says):
    done = caifeng(tmp_path / "home", config, *words)
    assert done.returncode == 2
    assert re.search(says, one_line(done))


@pytest.mark.parametrize(
    ("file", "addition", "says"),
    [
        ("grading.toml", "surplus = 1", r"grading\.toml: .*surplus"),
        ("units.toml", "broken", r"units\.toml: not valid TOML"),
        ("taxonomy/gdp.toml", "surplus = 1", r"gdp\.toml: .*surplus"),
        ("sources/forum.toml", "surplus = 1", r"sources/forum\.toml: .*surplus"),
    ],
)
def test_check_names_file_and_key(config, tmp_path, file, addition, says):
    path = config / file
    path.write_text(f"{path.read_text('utf8')}\n{addition}\n", "utf8")
    # Before November, when next year's holidays are not yet asked for.
    done = caifeng(tmp_path / "home", config, "check", CAIFENG_AS_OF="2026-06-01T09:00+08:00")
    assert done.returncode == 2
    assert re.search(says, one_line(done))


def test_a_home_that_cannot_be_written(config, tmp_path):
    (tmp_path / "home").write_text("a file")
    done = caifeng(tmp_path / "home", config, "run", "--day", "2026-11-20")
    assert done.returncode == 2
    assert "cannot be written" in one_line(done)


def test_a_day_that_was_never_landed_has_a_log_too(town, config, tmp_path):
    """Nothing was fetched: the log says so instead of being missing."""
    day = town.story.days[-1] + timedelta(days=30)
    done = caifeng(tmp_path / "home", config, "run", "--day", str(day))
    assert done.returncode == 0, done.stderr
    env = Env.open(Settings(home=tmp_path / "home", config=config))
    statuses = env.warehouse.read("marts.source_health", day)["status"].unique().to_list()
    assert statuses == ["not_run"]


def test_marts_of_a_moment_that_was_not_graded_are_refused(town, tmp_path):
    shutil.copytree(town.home, tmp_path / "home")  # the refused run is on record there
    done = caifeng(
        tmp_path / "home",
        town.config,
        *("run", "--day", str(town.story.days[0]), "--from", "marts", "--as-of", "2026-11-20T09:00+08:00"),
    )
    assert done.returncode == 1
    assert "was not graded as of" in one_line(done)


def test_bad_lines_are_answered_and_the_others_go_on(config, tmp_path):
    lines = '{"id": 1, "title": "统计局公布数据", "text": ""}\nnot json\n{"id": 2, "title": "天气", "text": "晴"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "caifeng.cli", "classify", "--json"],
        env=os.environ | {"CAIFENG_HOME": str(tmp_path / "home"), "CAIFENG_CONFIG": str(config)},
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    answers = done.stdout.splitlines()
    assert len(answers) == 3
    assert '"relevant": true' in answers[0]
    assert '"error"' in answers[1]
    assert '"relevant": false' in answers[2]
