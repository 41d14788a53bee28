"""Killed at any moment of any job, what stands is as before or done; run again, it is what it always was."""

import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caifeng.cases.service import chain_faults
from caifeng.core.settings import Settings, parse_as_of
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.backup import backups, check_backup
from caifeng.jobs.base import Env
from tests.e2e.sabotage import AIMS, Forge, Order, Outcome

#: Kills of the long form, which `make test-all` runs (`pytest -m slow`).
KILLS = int(os.environ.get("CAIFENG_CHAOS_KILLS", "200"))
STAGES = ("clean", "understand", "cluster", "grade", "load", "marts", "outputs")
#: They write the warehouse or the analysts' copy.
WAREHOUSE = ("load", "marts", "day", "rebuild", "publish")
#: Jobs of the short form: one that writes the lake, the register, the warehouse, the copy of it, and another disk.
FEW = ("cluster", "load", "publish", "note", "backup")
ALL = (*STAGES, "publish", "note", "backup", "day", "report", "rebuild", "note", "publish", "load")
ISSUE = "YQ-2026-0001"


class Day:
    """The last day of a copy of the town, with every job that may be killed, and what must be true at any moment."""

    def __init__(self, town: Any, base: Path, forge: Forge) -> None:
        self.forge, self.day, self.home, self.config = forge, town.story.days[-1], base / "home", town.config
        shutil.copytree(town.home, self.home)
        self.as_of = f"{self.day + timedelta(days=1)}T00:10+08:00"
        self.env = Env.open(Settings(home=self.home, config=town.config, as_of=parse_as_of(self.as_of)))
        self.backups = base / "backup"
        self.asked: list[str] = []
        assert self.do("publish").code == 0
        self.parts, self.marts = parts(self.home), self.env.warehouse.fingerprints()
        self.numbers = self.issue_numbers()

    def order(self, job: str, **when: Any) -> Order:
        day = self.day.isoformat()
        verbs = {stage: ("run", "--day", day, "--from", stage, "--to", stage) for stage in STAGES} | {
            "day": ("run", "--day", day),
            "report": ("report", "daily", "--day", day),
            "backup": ("backup", str(self.backups)),
            "publish": ("publish",),
            "rebuild": ("rebuild",),
        }
        if job == "note":
            key = f"note-{len(self.asked)}"
            self.asked.append(key)
            words = ("text=已电话核实情况", "--role", "monitor", "--actor", "office", "--key", key)
            verbs["note"] = ("case", "act", ISSUE, "note", *words)
        env = {"CAIFENG_HOME": str(self.home), "CAIFENG_CONFIG": str(self.config), "CAIFENG_AS_OF": self.as_of}
        return Order(verbs[job], env, **when)

    def do(self, job: str, **when: Any) -> Outcome:
        return self.forge.run(self.order(job, **when))

    def unmake(self) -> None:
        """Leave of the day what was landed: the next run makes it from nothing."""
        for table in self.env.contracts:
            if not table.startswith(("raw.", "marts.")) and table not in {"ops.fetches", "ops.sources"}:
                shutil.rmtree(self.env.lake.directory(table, self.day), ignore_errors=True)

    def issue_numbers(self) -> Any:
        with self.env.register() as register:
            return register.issue_numbers()

    def check(self, job: str, told: list[str]) -> None:
        """What holds whenever somebody looks: all that can be seen is whole and what an undisturbed run gives.

        `told`: keys of the events whose writer ended well.
        """
        for path, content in parts(self.home).items():
            assert self.parts.get(path) == content, path
        for table in self.env.contracts:
            if not table.startswith("marts."):
                assert isinstance(self.env.lake.read(table, self.day), pl.DataFrame)
        copy = Warehouse(self.env.settings.analytics_file, self.env.contracts, self.env.warehouse.sql_dir)
        assert copy.fingerprints() == self.marts  # what was published is readable, and never half of it
        if job in WAREHOUSE:
            assert self.env.warehouse.fingerprints() == self.marts
        with self.env.register() as register:
            events = register.events()
            assert chain_faults(events) == []
            kept = Counter(event.idempotency_key for event in events if event.name == "note")
        assert [key for key in told if kept[key] != 1] == []
        assert max(kept.values(), default=1) == 1
        assert self.issue_numbers() == self.numbers
        for manifest in backups(self.backups)[-1:]:
            assert check_backup(manifest) == []
        papers = [path for path in (self.home / "outputs").rglob("*.???x") if not path.name.startswith(".")]
        assert papers
        assert [path for path in papers if zipfile.ZipFile(path).testzip()] == []


def parts(home: Path) -> dict[Path, bytes]:
    """Every part of the lake but ops.runs, which says how long each run took."""
    files = (path for path in (home / "lake").rglob("*.parquet") if "ops/runs/" not in path.as_posix())
    return {path: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def forge(tmp_path_factory) -> Iterator[Forge]:
    forge = Forge(tmp_path_factory.mktemp("forge"))
    yield forge
    forge.close()


def when(chance: random.Random, usual: Outcome) -> dict[str, Any]:
    """Half of the kills at any moment, half at a step: one of those that the job takes when it is left to live."""
    aims = [aim for aim in AIMS if usual.steps.get(aim)]
    if chance.random() < 0.5 or not aims:
        return {"moment": chance.uniform(0.0, 1.0) * usual.seconds}
    aim = chance.choice(aims)
    return {"aim": aim, "at": chance.randint(1, usual.steps[aim])}


@pytest.mark.parametrize(("jobs", "kills"), [(FEW, 8), pytest.param(ALL, KILLS, marks=pytest.mark.slow)])
def test_kill_9_in_any_job_loses_and_changes_nothing(town, tmp_path, forge, jobs, kills):
    day, chance = Day(town, tmp_path, forge), random.Random(20261124)
    usual, told = {}, []
    for job in dict.fromkeys(jobs):
        usual[job] = day.do(job)
        assert usual[job].code == 0, usual[job].output
        if job == "note":
            told.append(day.asked[-1])
    day.check("day", told)

    killed, turns = Counter[str](), 0
    while killed.total() < kills:
        job = jobs[turns % len(jobs)]
        turns += 1
        assert turns < 3 * kills
        if job == "day":
            day.unmake()
        moment = when(chance, usual[job])
        ended = day.do(job, **moment)
        assert ended.code in {0, -9}, (job, moment, ended.output)
        if ended.code == -9:
            killed[f"{job} {moment.get('aim', 'moment')}"] += 1
            sys.stdout.write(f"kill {killed.total()}: {job} {moment}\n")
            sys.stdout.flush()
        elif job == "note":
            told.append(day.asked[-1])
        day.check(job, told)
        if job == "note" and ended.code == -9:  # whoever heard no answer asks again, under the same key
            key = day.asked.pop()
            again = day.do(job)
            assert (again.code, day.asked[-1]) == (0, key), again.output
            told.append(key)
        if job == "day":
            made = day.do("day")
            assert made.code == 0, made.output
            assert parts(day.home) == day.parts

    for job in ("day", "publish", "backup"):
        done = day.do(job)
        assert done.code == 0, done.output
    day.check("day", told)
    assert parts(day.home) == day.parts
    assert list((day.home / "lake").rglob("*.tmp*")) == list(day.home.glob("*.tmp*")) == []
    assert (day.env.lake.read("ops.reconciliation", day.day)["gap"] == 0).all()
    assert backups(day.backups)
    aims = Counter(name.split()[1] for name in killed.elements())
    sys.stdout.write(f"\n{killed.total()} kills in {turns} runs: {dict(aims)}; {dict(sorted(killed.items()))}\n")


def certified(env: Env) -> set[tuple[Any, ...]]:
    """What certificates say was destroyed."""
    rows = env.lake.read_range("ops.purges", date.min, date.max)
    return set(rows.select("what", "place", "rule").iter_rows())


@pytest.mark.slow
@pytest.mark.parametrize("kills", [max(KILLS // 10, 1)])
def test_kill_9_while_words_end_leaves_the_same_and_certifies_it_all(town, tmp_path, forge, kills):
    chance = random.Random(20261214)
    at = f"{town.story.days[-1] + timedelta(days=20)}T00:20+08:00"

    def purge(home: Path, **when: Any) -> Outcome:
        env = {"CAIFENG_HOME": str(home), "CAIFENG_CONFIG": str(town.config), "CAIFENG_AS_OF": at}
        return forge.run(Order(("purge", "--as-of", at), env, **when))

    def home(name: str) -> tuple[Path, Env]:
        place = Path(shutil.copytree(town.home, tmp_path / name))
        return place, Env.open(Settings(home=place, config=town.config, as_of=parse_as_of(at)))

    def rest(place: Path) -> dict[str, bytes]:
        """The lake but for certificates and runs, which name moments."""
        found = {path.relative_to(place).as_posix(): content for path, content in parts(place).items()}
        return {name: content for name, content in found.items() if "ops/purges/" not in name}

    whole, untouched = home("whole")
    usual = purge(whole)
    assert usual.code == 0, usual.output
    assert rest(whole) != rest(town.home), "nothing was due"
    wanted, done = rest(whole), certified(untouched)
    assert done

    killed, homes = 0, 0
    while killed < kills:
        homes += 1
        assert homes <= 2 * kills
        place, env = home(f"home-{homes}")
        for _ in range(min(4, kills - killed)):
            ended = purge(place, **when(chance, usual))
            assert ended.code in {0, -9}, ended.output
            killed += ended.code == -9
            sys.stdout.write(f"kill {killed}: purge\n")
            sys.stdout.flush()
            if ended.code == 0:
                break
        again = purge(place)
        assert again.code == 0, again.output
        assert rest(place) == wanted
        assert certified(env) == done
        assert env.warehouse.fingerprints() == untouched.warehouse.fingerprints()
        assert not (place / "purge.jsonl").exists()
        assert list(place.rglob("*.tmp*")) == []
        shutil.rmtree(place)
    sys.stdout.write(f"\n{killed} kills of purge in {homes} homes\n")


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A small disk of our own, where this machine lets us have one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "caifeng", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def one_line(ended: Outcome) -> bool:
    """Whether a failure was told as the operator should read it."""
    said = [line for line in ended.output.splitlines() if line.startswith("caifeng: ")]
    return ended.code in {1, 2} and len(said) == 1 and "Traceback" not in ended.output


def fill(place: Path, room: int) -> Path:
    """Leave so many bytes on a disk."""
    filler = place / "filler"
    with filler.open("wb") as file:
        left = shutil.disk_usage(place).free - room
        while left > 0:
            left -= file.write(b"\0" * min(left, 1 << 20))
    return filler


@pytest.mark.parametrize(
    ("jobs", "rooms"), [(FEW[:-1], 1), pytest.param(tuple(dict.fromkeys(ALL[:-1])), 8, marks=pytest.mark.slow)]
)
def test_a_full_disk_ends_any_job_in_one_line_and_harms_nothing(town, disk, forge, jobs, rooms):
    day, chance, told, refused = Day(town, disk, forge), random.Random(5), [], 0
    assert day.do("backup").code == 0
    for job in jobs:
        for room in (0, *(int(10 ** chance.uniform(3, 6.5)) for _ in range(rooms))):
            filler = fill(disk, room)
            ended = day.do(job)
            filler.unlink()
            assert ended.code == 0 or one_line(ended), (job, room, ended.output[-2000:])
            refused += ended.code != 0
            if job == "note" and ended.code == 0:
                told.append(day.asked[-1])
            day.check("day", told)
    assert refused >= len(jobs) // 2
    for job in ("day", "publish"):
        ended = day.do(job)
        assert ended.code == 0, ended.output
    assert parts(day.home) == day.parts
    day.check("day", told)


@pytest.mark.parametrize("jobs", [FEW, pytest.param(tuple(dict.fromkeys(ALL)), marks=pytest.mark.slow)])
def test_a_disk_that_turns_read_only_ends_any_job_in_one_line_and_can_be_read(town, disk, forge, jobs):
    day = Day(town, disk, forge)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        for job in jobs:
            ended = day.do(job)
            assert one_line(ended), (job, ended.output[-2000:])
        assert parts(day.home) == day.parts
        with_copy = Warehouse(day.env.settings.analytics_file, day.env.contracts, day.env.warehouse.sql_dir)
        assert with_copy.fingerprints() == day.marts
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert day.do("day").code == 0
    day.check("day", [])
