"""Other rules over stored measures: what would change, and that nothing is written."""

import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from caifeng.core.errors import ConfigError, DataError, UsageError
from caifeng.jobs.base import Env
from caifeng.jobs.regrade import dry_run, regrade, regrade_lines
from tests.unit.grades import CONFIG, moment, open_env, store

FIRST, LAST = date(2026, 11, 20), date(2026, 11, 22)
LOUD = {"issue_no": "YQ-2026-0002", "views": 5_000_000, "neg_docs": 0}  # A = 0.6*100 + 0.4*55 = 82: O9


@pytest.fixture
def env(tmp_path: Path) -> Env:
    env = open_env(tmp_path / "home")
    store(env, moment("2026-11-20", 10), {}, LOUD)
    store(env, moment("2026-11-20"), {}, LOUD)
    store(env, moment("2026-11-21"), {"topic": "praise_publicity"}, LOUD)
    return env


def rules_file(tmp_path: Path, *pairs: tuple[str, str]) -> Path:
    text = (CONFIG / "grading.toml").read_text("utf8").replace('name = "caifeng-1"', 'name = "trial"')
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "trial.toml"
    path.write_text(text, "utf8")
    return path


def files(env: Env) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(env.settings.home.rglob("*")) if path.is_file()}


def test_the_same_rules_change_nothing(env: Env, tmp_path: Path) -> None:
    found = dry_run(env, FIRST, LAST, rules_file(tmp_path), really_dry=True)
    assert found.grades == 6
    assert found.transitions == {}
    assert found.changes == ()
    assert found.rule_version.startswith("trial-")


def test_a_topic_that_weighs_more_names_its_factor(env: Env, tmp_path: Path) -> None:
    # C 45 -> 80: 31.5 + 0.25*35 = 40.3 (40.25), and C is strong with A = 40: O9
    found = dry_run(env, FIRST, LAST, rules_file(tmp_path, ("wage = 45", "wage = 80")), really_dry=True)
    # the loud issue of C = 80 has two strong factors: major; praise stays
    assert found.transitions == {("general", "larger"): 2, ("larger", "major"): 3}
    change, loud, *_ = found.changes
    assert (change.issue_no, change.day, change.evaluations) == ("YQ-2026-0001", FIRST, 2)
    assert change.as_of == moment("2026-11-20", 10)
    assert (change.level_before, change.level_after) == ("general", "larger")
    assert (change.total_before, change.total_after) == (31.5, 40.3)
    assert change.moved == ("C 11.250 -> 20.000", "+O9")
    assert loud.issue_no == "YQ-2026-0002"
    assert [c.issue_no for c in found.changes] == ["YQ-2026-0001", "YQ-2026-0002", "YQ-2026-0002"]


def test_weights_and_cuts_and_thresholds_are_named(env: Env, tmp_path: Path) -> None:
    weights = rules_file(tmp_path, ("C = 25", "C = 15"), ("S = 15", "S = 25"), ("general = 20 ", "general = 30 "))
    found = dry_run(env, FIRST, FIRST, weights, really_dry=True)
    # 31.5 - 4.5 = 27.0: below the new cut
    assert found.changes[0].moved == ("C 11.250 -> 6.750", "level.general 20 -> 30")
    cut = rules_file(tmp_path, ("general = 20 ", "general = 32 "))
    assert dry_run(env, FIRST, FIRST, cut, really_dry=True).changes[0].moved == ("level.general 20 -> 32",)
    # one strong factor is enough for major: the override holds both times, its threshold moved
    fewer = rules_file(
        tmp_path,
        ("strong_for_larger = 1 ", "strong_for_larger = 0 # "),
    )
    with pytest.raises(ConfigError, match="strong_for_larger"):
        dry_run(env, FIRST, FIRST, fewer, really_dry=True)
    higher = rules_file(tmp_path, ("strong = 80 ", "strong = 95 "), ("larger = 40   ", "larger = 45   "))
    lost = dry_run(env, FIRST, FIRST, higher, really_dry=True).changes
    assert [(change.issue_no, change.moved) for change in lost] == [("YQ-2026-0002", ("-O9", "level.larger 40 -> 45"))]


def test_nothing_is_written(env: Env, tmp_path: Path) -> None:
    before = files(env)
    dry_run(env, FIRST, LAST, rules_file(tmp_path, ("wage = 45", "wage = 80")), really_dry=True)
    assert len(before) >= 5
    assert files(env) == before


def test_without_dry_run_it_says_how_rules_come_into_force(env: Env, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"add --dry-run.*config/grading/<name>\.toml.*effective_from"):
        dry_run(env, FIRST, LAST, rules_file(tmp_path), really_dry=False)


def test_a_bad_file_is_refused_before_anything_is_read(env: Env, tmp_path: Path) -> None:
    path = rules_file(tmp_path, ("C = 25", "C = 26"), ("gdp = 40", "gdp = -1"))
    with pytest.raises(ConfigError) as caught:
        dry_run(env, FIRST, LAST, path, really_dry=True)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["weight", "topic_base.gdp"]


def test_days_that_cannot_be_graded_again(env: Env, tmp_path: Path) -> None:
    path = rules_file(tmp_path)
    with pytest.raises(UsageError, match="comes after"):
        dry_run(env, LAST, FIRST, path, really_dry=True)
    with pytest.raises(DataError, match="nothing was graded from 2025-01-01 to 2025-01-02"):
        dry_run(env, date(2025, 1, 1), date(2025, 1, 2), path, really_dry=True)
    assert dry_run(env, FIRST, None, path, really_dry=True).grades == 6


def test_of_two_grades_of_one_moment_the_one_in_force_counts(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path / "config")
    env = open_env(tmp_path / "home", tmp_path / "config")
    ours = env.settings.grading()
    other = env.settings.read_grading(rules_file(tmp_path, ("wage = 45", "wage = 80")))
    store(env, moment("2026-11-20"), {}, rules=other)
    store(env, moment("2026-11-20"), {}, rules=ours)
    assert other.rule_version > ours.rule_version  # by name it would be the other
    found = regrade(env, FIRST, FIRST, other)
    assert found.grades == 1
    assert [(change.rule_version, change.level_before) for change in found.changes] == [(ours.rule_version, "general")]


def test_lines(env: Env, tmp_path: Path) -> None:
    found = dry_run(env, FIRST, LAST, rules_file(tmp_path, ("wage = 45", "wage = 80")), really_dry=True)
    words = regrade_lines(found, as_json=False)
    assert words[0] == f"按规则 {found.rule_version} 重算6次定级，5次改变；已定等级不改"
    assert words[1:3] == ["  较大 → 重大：3次", "  一般 → 较大：2次"]
    assert words[3].startswith("2026-11-20 YQ-2026-0001 一般 → 较大，总分 31.5 → 40.3，C 11.250 -> 20.000，+O9（2次")
    *changes, total = [json.loads(line) for line in regrade_lines(found, as_json=True)]
    assert changes[0]["day"] == "2026-11-20"
    assert changes[0]["moved"] == ["C 11.250 -> 20.000", "+O9"]
    assert total["grades"] == 6
    assert sum(row["grades"] for row in total["transitions"]) == sum(row["evaluations"] for row in changes) == 5
