"""Three write, five read, and no reader ever gets an error or half of anything."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from caifeng.cases.service import chain_faults
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from tests.e2e.reader import KINDS
from tests.e2e.sabotage import ROOT, Forge, Order

#: Seconds of the long form, which `make test-all` runs.
LONG = float(os.environ.get("CAIFENG_READERS_SECONDS", "600"))


@pytest.mark.parametrize("seconds", [15.0, pytest.param(LONG, marks=pytest.mark.slow)])
def test_three_writers_and_five_readers_and_no_error(town, tmp_path, seconds):
    home, day = tmp_path / "home", town.story.days[-1]
    shutil.copytree(town.home, home)
    environment = {
        "CAIFENG_HOME": str(home),
        "CAIFENG_CONFIG": str(town.config),
        "CAIFENG_AS_OF": f"{day + timedelta(days=1)}T00:10+08:00",
    }

    def note(number: int) -> tuple[str, ...]:
        words = ("text=已电话核实", "--role", "monitor", "--actor", "office", "--key", f"n{number}")
        return ("case", "act", "YQ-2026-0001", "note", *words)

    def stage(name: str) -> tuple[str, ...]:
        return ("run", "--day", str(day), "--from", name, "--to", name)

    # One loads and publishes, as the pool of one place has it, each time in a new process; one decides; one grades.
    turns = {
        "publisher": lambda number: (("publish",), stage("load"), stage("marts"))[number % 3],
        "registrar": note,
        "grader": lambda number: stage(("clean", "understand", "cluster", "grade")[number % 4]),
    }
    forges = {name: Forge(_folder(tmp_path, name)) for name in turns}
    try:
        first = forges["publisher"].run(Order(("publish",), environment))
        assert first.code == 0, first.output
        assert {forge.run(Order(("--help",), environment)).code for forge in forges.values()} == {0}  # all imported
        done, failed, end = Counter[str](), list[str](), time.monotonic() + seconds + 120

        def write(name: str) -> None:
            while time.monotonic() < end and any(reader.poll() is None for reader in readers):
                ended = forges[name].run(Order(turns[name](done[name]), environment))
                done[name] += 1
                if ended.code:
                    failed.append(f"{name} {done[name]}: {ended.code} {ended.output[-500:]}")

        readers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.reader", kind, str(seconds)],
                cwd=ROOT, env=os.environ | environment | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for kind in KINDS
        ]  # fmt: skip
        writers = [threading.Thread(target=write, args=(name,)) for name in turns]
        for writer in writers:
            writer.start()
        told = {kind: reader.communicate(timeout=seconds + 180) for kind, reader in zip(KINDS, readers, strict=True)}
        for writer in writers:
            writer.join(120)
    finally:
        for forge in forges.values():
            forge.close()

    results = {kind: json.loads(out) if out else {"errors": [said], "reads": 0} for kind, (out, said) in told.items()}
    sys.stdout.write(f"\nreaders {results}; writers {dict(done)}\n")
    assert {kind: result["errors"] for kind, result in results.items()} == {kind: [] for kind in KINDS}
    assert failed == []
    assert all(result["reads"] > 1 for result in results.values())
    assert all(done[name] > 1 for name in turns)
    with Env.open(Settings(home=home, config=town.config)).register() as register:
        events = register.events()
    assert chain_faults(events) == []
    assert sum(event.name == "note" for event in events) == done["registrar"]


def _folder(base: Path, name: str) -> Path:
    (base / name).mkdir()
    return base / name
