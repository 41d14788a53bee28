"""Runs verbs of the command line in processes that die: at a moment, or at the n-th of their own steps.

`python -m tests.e2e.sabotage` imports everything once and forks a process for each line of its standard input, because
importing takes longer than most jobs. Product code knows nothing of it: the steps are found by standing in front of
what the system is asked for (rename, force to disk, delete, a statement of DuckDB, a statement or commit of the
register).
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: What can be aimed at; each step counts twice, before it and after it.
AIMS = ("rename", "sync", "delete", "warehouse", "register")


@dataclass(frozen=True)
class Order:
    """One verb to run, and when it is to die: after `moment` seconds, or at step `at` of `aim`; else never."""

    args: tuple[str, ...]
    env: dict[str, str]
    moment: float | None = None
    aim: str | None = None
    at: int = 0


@dataclass(frozen=True)
class Outcome:
    """How it ended: `code` is the exit code, or -9; `steps` only of one that was left to live."""

    code: int
    seconds: float
    output: str
    steps: dict[str, int] = field(default_factory=dict)


class Forge:
    """The forking process, started once and asked many times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CAIFENG_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.sabotage", str(folder)],
            cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, order: Order) -> Outcome:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return Outcome(**answer)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


class _Steps:
    """Counts steps; at the appointed one the process ends as if the power had gone."""

    def __init__(self, aim: str | None, at: int) -> None:
        self.aim, self.at, self.seen = aim, at, Counter[str]()

    def step(self, aim: str) -> None:
        self.seen[aim] += 1
        if aim == self.aim and self.seen[aim] == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, aim: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **named: Any) -> Any:
            self.step(aim)
            result = call(*args, **named)
            self.step(aim)
            return result

        return wrapped

    def arm(self) -> None:
        import duckdb
        from sqlalchemy import Engine, event
        from sqlalchemy.engine.default import DefaultDialect

        for name, aim in (("replace", "rename"), ("rename", "rename"), ("fsync", "sync")):
            setattr(os, name, self.around(aim, getattr(os, name)))
        for name in ("unlink", "remove", "rmdir"):
            setattr(os, name, self.around("delete", getattr(os, name)))
        DefaultDialect.do_commit = self.around("register", DefaultDialect.do_commit)  # type: ignore[method-assign]
        for when in ("before_cursor_execute", "after_cursor_execute"):
            event.listen(Engine, when, lambda *_: self.step("register"))
        connect = duckdb.connect  # noqa: TID251 - stands in front of it
        setattr(duckdb, "connect", lambda *args, **named: _Statements(connect(*args, **named), self))  # noqa: B010


class _Statements:
    """A connection to DuckDB, whose own methods cannot be replaced."""

    def __init__(self, connection: Any, steps: _Steps) -> None:
        self._connection, self._steps = connection, steps

    def execute(self, *args: Any, **named: Any) -> Any:
        return self._steps.around("warehouse", self._connection.execute)(*args, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _child(order: dict[str, Any], folder: Path) -> None:
    """What the forked process does; it never returns."""
    from caifeng.cli import main

    os.setsid()
    out = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.update(order["env"])
    sys.argv = ["caifeng", *order["args"]]
    steps = _Steps(order["aim"], order["at"])
    steps.arm()
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    (folder / "steps").write_text(json.dumps(steps.seen), "utf8")
    os._exit(code)


def _serve(folder: Path) -> None:
    import caifeng.cli
    import caifeng.jobs

    for module in pkgutil.iter_modules(caifeng.jobs.__path__):
        importlib.import_module(f"caifeng.jobs.{module.name}")
    importlib.import_module("great_expectations")
    for line in sys.stdin:
        order = json.loads(line)
        (folder / "steps").unlink(missing_ok=True)
        started, code = time.monotonic(), None
        pid = os.fork()
        if pid == 0:
            _child(order, folder)
        while code is None:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
            elif order["moment"] is not None and time.monotonic() - started >= order["moment"]:
                os.kill(pid, signal.SIGKILL)
                order["moment"] = None
            else:
                time.sleep(0.005)
        steps = folder / "steps"
        outcome = Outcome(
            code=code,
            seconds=time.monotonic() - started,
            output=(folder / "output").read_text("utf8", "replace") if (folder / "output").exists() else "",
            steps=json.loads(steps.read_text("utf8")) if steps.exists() else {},
        )
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
