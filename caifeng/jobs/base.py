"""What every job gets and returns."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Any

from caifeng.cases.store import Register
from caifeng.core import clock
from caifeng.core.contracts import Contract
from caifeng.core.errors import UsageError
from caifeng.core.lake import Lake
from caifeng.core.settings import Settings
from caifeng.core.warehouse import Warehouse

#: How far back posts and issues are looked up: the life of their text (product.md, retention).
LOOKBACK = timedelta(days=180)


@dataclass(frozen=True)
class Env:
    """Everything outside a job: made once at the edge (command line, task, test fixture)."""

    settings: Settings
    contracts: dict[str, Contract]
    lake: Lake
    warehouse: Warehouse

    @classmethod
    def open(cls, settings: Settings) -> Env:
        """Make the environment and sweep what killed jobs left behind.

        Raises:
            UsageError: the home directory cannot be written.
        """
        try:
            settings.lake_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"CAIFENG_HOME {settings.home}: cannot be written: {error.strerror}") from error
        if not os.access(settings.home, os.W_OK):
            raise UsageError(f"CAIFENG_HOME {settings.home}: cannot be written")
        contracts = settings.contracts()
        lake = Lake(settings.lake_dir, contracts)
        warehouse = Warehouse(settings.warehouse_file, contracts, settings.root / "sql")
        lake.sweep()
        warehouse.sweep()
        return cls(settings, contracts, lake, warehouse)

    def now(self) -> datetime:
        """Current time, or the fixed one."""
        return clock.now(self.settings.as_of)

    @contextmanager
    def register(self) -> Iterator[Register]:
        """The case register, closed afterwards."""
        register = Register(self.settings.register_url)
        try:
            yield register
        finally:
            register.close()


@dataclass(frozen=True)
class JobReport:
    """What a job did: small, printable, fit for XCom."""

    job: str
    day: date
    as_of: datetime
    counts: dict[str, int] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    """Sources that could not be read; the others were."""

    def words(self) -> str:
        """One line for logs and terminals."""
        counts = " ".join(f"{name}={number}" for name, number in self.counts.items())
        return f"{self.job:<10} {self.day} {counts}"


@contextmanager
def timed(env: Env, job: str, day: date) -> Iterator[list[Any]]:
    """Append one line with duration and `counts` of the report to logs/runs.jsonl, also when the job fails."""
    started, reports = perf_counter(), list[Any]()
    outcome = "failed"
    try:
        yield reports
        outcome = "ok"
    finally:
        line = {
            "at": clock.now().astimezone(UTC).isoformat(timespec="seconds"),
            "job": job,
            "day": day.isoformat(),
            "outcome": outcome,
            "seconds": round(perf_counter() - started, 3),
            "counts": reports[0].counts if reports else {},
        }
        logs = env.settings.home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / "runs.jsonl").open("a", encoding="utf8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
