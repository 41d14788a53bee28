"""Each guard of the threat model has a test that fails without it: taken out, in a copy of the code, and seen to."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUARDS = tomllib.loads((ROOT / "tests" / "security" / "without_guards.toml").read_text("utf8"))
TESTS = dict(
    re.findall(r"^\| ([^|]+) \| `[^`]+` \| `([^`]+)` \|$", (ROOT / "docs" / "threat-model.md").read_text("utf8"), re.M)
)
#: What is no code: environments, caches, data of a home.
LEFT_OUT = (".git", ".venv*", ".*_cache", "__pycache__", "var", "build", "node_modules")


def without(text: str, edits: list[list[str]]) -> str:
    """The text with each place edited; a place that is not there, or twice, is an error of the table."""
    for old, new in edits:
        assert text.count(old) == 1, f"{text.count(old)} times: {old}"
        text = text.replace(old, new)
    return text


def test_every_guard_can_be_taken_out():
    assert len(TESTS) >= 38
    assert set(GUARDS) == set(TESTS)
    for guard in GUARDS.values():
        text = (ROOT / guard["file"]).read_text("utf8")
        edited = without(text, guard["edits"])
        assert edited != text
        if guard["file"].endswith(".py"):
            compile(edited, guard["file"], "exec")


@pytest.fixture(scope="session")
def copy(tmp_path_factory):
    """The code, to be spoilt."""
    place = tmp_path_factory.mktemp("without") / "code"
    shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return place


@pytest.mark.slow
@pytest.mark.parametrize("threat", GUARDS)
def test_without_its_guard_the_test_fails(copy, threat, tmp_path):
    guard, test = GUARDS[threat], TESTS[threat]
    file = copy / guard["file"]
    whole = file.read_text("utf8")
    file.write_text(without(whole, guard["edits"]), "utf8")
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-n0", "-x", "-rf", "--basetemp", str(tmp_path / "inner"), test],
            cwd=copy, capture_output=True, text=True, timeout=600, check=False,
            env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
    finally:
        file.write_text(whole, "utf8")
    # 1: some failed. Not 2 to 5: code that cannot even be read proves nothing.
    assert ended.returncode == 1, ended.stdout[-3000:] + ended.stderr[-2000:]
    assert f"FAILED {test}" in ended.stdout, ended.stdout[-3000:]
