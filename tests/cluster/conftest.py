"""A cluster of this machine (docker/cluster.sh), the sample town beside it, and a clock that tests set."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from samples.config import TOWN_SOURCES, write_config

ROOT = Path(__file__).resolve().parents[2]
PORT = 18500
TOWN_PORT = 18540
#: A DAG run here takes about 20 s on two idle cores; a lost worker adds the heartbeat's time-out.
PATIENCE_SECONDS = 420


def why_not() -> str:
    """Why no cluster can be started here; empty: it can."""
    if not (shutil.which("redis-server") and list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))):
        return "needs PostgreSQL and Redis (apt install postgresql redis-server)"
    if not (venv() / "bin" / "celery").exists():
        return "needs an environment with requirements-cluster.lock (CLUSTER_VENV=DIR)"
    return ""


def venv() -> Path:
    """Where the cluster's packages are."""
    return Path(os.environ.get("CLUSTER_VENV") or Path(sys.executable).parents[1])


class Cluster:
    """What tests do with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.config = folder / "config"
        self.clock = folder / "clock"
        self.town_day = folder / "town-day"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CAIFENG_", "AIRFLOW_"))},
            "CLUSTER_HOME": str(folder),
            "CLUSTER_PORT": str(PORT),
            "CLUSTER_VENV": str(venv()),
            "CLUSTER_ENV": str(folder / "test.env"),
            "CAIFENG_CONFIG": str(self.config),
        }
        self._token = ""

    def call(self, *words: str) -> str:
        """docker/cluster.sh; fails with what it said."""
        done = subprocess.run(
            [ROOT / "docker" / "cluster.sh", *words],
            env=self.environment, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def at(self, moment: str) -> None:
        """Set the clock of every task that starts from now on, and the day of the town."""
        self.clock.write_text(moment)
        self.town_day.write_text(moment[:10])

    def password(self, account: str) -> str:
        """First password of an account."""
        return str(json.loads((self.folder / "accounts" / "passwords.json").read_text())[account])

    def token(self, account: str = "admin") -> str:
        """Log in."""
        said = {"username": account, "password": self.password(account)}
        reply = httpx.post(f"http://127.0.0.1:{PORT}/auth/token", json=said, timeout=60)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["access_token"])

    def api(self, method: str, path: str, body: Any = None, account: str = "admin") -> httpx.Response:
        """Airflow's interface, as an account."""
        if account != "admin" or not self._token:
            token = self.token(account)
            if account == "admin":
                self._token = token
        else:
            token = self._token
        header = {"Authorization": f"Bearer {token}"}
        return httpx.request(method, f"http://127.0.0.1:{PORT}{path}", json=body, headers=header, timeout=60)

    def trigger(self, dag: str, run_id: str, **conf: object) -> None:
        """Start a run by hand."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (reply := self.api("POST", f"/api/v2/dags/{dag}/dagRuns", body)).status_code == 404:
            assert time.monotonic() < deadline, reply.text
            time.sleep(1)  # the dag-processor has not read it yet
        assert reply.status_code == 200, reply.text

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask Airflow's database."""
        password = (self.folder / "secrets" / "airflow_db_password").read_text()
        where = f"host=127.0.0.1 port={PORT + 1} dbname=airflow user=airflow password={password}"
        with psycopg.connect(where) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def wait(self, dag: str, since: int) -> list[tuple[Any, ...]]:
        """Wait until a run of the DAG newer than `since` has ended well; its tasks: id, state, tries, worker's pid."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            states = self.sql("SELECT id, run_id, state FROM dag_run WHERE dag_id = %s AND id > %s", dag, since)
            if states and all(state in ("success", "failed") for _, _, state in states):
                break
            assert time.monotonic() < deadline, f"{dag}: {states}\n{self.tasks(dag, since)}"
            time.sleep(1)
        assert {state for *_, state in states} == {"success"}, self.tasks(dag, since)
        return self.tasks(dag, since)

    def tasks(self, dag: str, since: int) -> list[tuple[Any, ...]]:
        """Task instances of runs newer than `since`: id, index, state, tries."""
        return self.sql(
            "SELECT ti.task_id, ti.map_index, ti.state, ti.try_number FROM task_instance ti JOIN dag_run r "
            "ON r.dag_id = ti.dag_id AND r.run_id = ti.run_id WHERE r.dag_id = %s AND r.id > %s ORDER BY 1, 2",
            dag, since,
        )  # fmt: skip

    def last_run(self) -> int:
        """Number of the newest run of all."""
        return int(self.sql("SELECT coalesce(max(id), 0) FROM dag_run")[0][0])

    def kill_worker_in(self, dag: str, since: int, task_ids: tuple[str, ...]) -> tuple[str, str]:
        """Kill -9 the worker, with all its children, that runs a task of a new run; the task and the worker."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            running = self.sql(
                "SELECT ti.task_id, ti.pid FROM task_instance ti JOIN dag_run r ON r.dag_id = ti.dag_id AND "
                "r.run_id = ti.run_id WHERE r.dag_id = %s AND r.id > %s AND ti.state = 'running' AND ti.pid > 0",
                dag, since,
            )  # fmt: skip
            for task_id, pid in running:
                worker = self._worker_of(pid) if task_id in task_ids else None
                if worker:
                    _kill_tree(self.pid(worker))
                    return task_id, worker
            time.sleep(0.02)
        raise AssertionError(f"{dag}: none of {task_ids} was seen running")

    def pid(self, name: str) -> int:
        """Process of a service."""
        return int((self.folder / "run" / f"{name}.pid").read_text())

    def _worker_of(self, pid: int) -> str | None:
        roots = {self.pid(name): name for name in ("worker1", "worker2")}
        while pid > 1:
            if pid in roots:
                return roots[pid]
            pid = _parent(pid)
        return None


def _parent(pid: int) -> int:
    with suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _kill_tree(root: int) -> None:
    """As if the machine went away: nobody below is asked."""
    parents = {int(path.name): _parent(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()}
    found, more = {root}, {root}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more} - found
        found |= more
    for stop in (signal.SIGSTOP, signal.SIGKILL):  # frozen first, so that no parent sees its child die
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, stop)


def dags_without_clock(target: Path) -> None:
    """Our DAGs, started by tests only; tried again after seconds, not minutes."""
    shutil.copytree(ROOT / "dags", target, ignore=shutil.ignore_patterns("__pycache__"))
    changed = 0
    for file in target.glob("*.py"):
        text = re.sub(
            r"sdk\.AssetOrTimeSchedule\(.*?assets=(\[\w+\])\s*\)", r"\1", file.read_text("utf8"), flags=re.DOTALL
        )
        text, schedules = re.subn(r'schedule=("[^"]+"|CronTriggerTimetable\([^)]*\))', "schedule=None", text)
        text, delays = re.subn(r'"retry_delay": timedelta\(\w+=\d+\)', '"retry_delay": timedelta(seconds=5)', text)
        file.write_text(text, "utf8")
        changed += schedules + delays
        assert "TriggerTimetable(" not in text, file.name
    assert changed >= 8


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Started once: CeleryExecutor, two workers, the town on loopback."""
    if reason := why_not():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="cfcluster", dir="/tmp"))  # PostgreSQL's account must reach it
    folder.chmod(0o755)
    this = Cluster(folder)
    write_config(ROOT / "config", this.config, TOWN_SOURCES, TOWN_PORT)
    dags_without_clock(folder / "dags")
    shutil.copytree(ROOT / "plugins", folder / "plugins")
    shutil.copy(ROOT / "tests" / "cluster" / "plugins" / "replay_clock.py", folder / "plugins")
    (folder / "test.env").write_text(
        f"CLUSTER_CLOCK={this.clock}\n"
        f"AIRFLOW__CORE__DAGS_FOLDER={folder / 'dags'}\n"
        f"AIRFLOW__CORE__PLUGINS_FOLDER={folder / 'plugins'}\n"
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT=30\n"
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT=90\n"
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL=10\n"
    )
    this.at("2026-11-19T23:50:00+08:00")
    command = [sys.executable, "-m", "samples.server", "--port", str(TOWN_PORT), "--clock-file", str(this.town_day)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as town:
        try:
            assert town.stdout is not None
            assert town.stdout.readline().startswith("ready")
            this.call("start")
            yield this
        finally:
            subprocess.run([ROOT / "docker" / "cluster.sh", "stop"], env=this.environment, check=False)
            town.terminate()
            if not os.environ.get("CLUSTER_KEEP"):
                shutil.rmtree(folder, ignore_errors=True)
