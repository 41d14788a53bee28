"""What every job gets and returns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
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
from caifeng.core.text.scrub import scrub
from caifeng.core.warehouse import Warehouse
from caifeng.jobs import logs
from caifeng.jobs.rules import rules_of
from caifeng.jobs.runs import Run, Watch, WatchedLake, WatchedWarehouse, add_run, forget_peak, peak_mb, watching

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
        lake = WatchedLake(settings.lake_store(), contracts)
        warehouse = WatchedWarehouse(settings.warehouse_file, contracts, settings.root / "sql")
        warehouse.lake = lake
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


#: Told what was done last, piece by piece, so that whoever waits sees how far it is.
Step = Callable[[str], object]


def nobody_waits(_: str) -> None:
    """A `Step` that tells nobody."""


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
def timed(env: Env, job: str, day: date, as_of: datetime | None = None) -> Iterator[list[Any]]:
    """Put a run on record, also when it fails: ops.runs (`caifeng.jobs.runs`), and a short line in logs/runs.jsonl.

    Args:
        env: where things are.
        job: name of the job.
        day: the day it is for.
        as_of: moment of an evaluation; the rules and decisions it goes by are recorded, too.

    Yields:
        A list, to which the caller adds the job's report.
    """
    started_at, started, reports = clock.now(), perf_counter(), list[Any]()
    run_id = f"{started_at:%Y%m%dT%H%M%S.%fZ}-{job}-{os.getpid()}"
    rules = rules_of(env.settings, job, day, as_of) if as_of else ()
    reason: str | None = "interrupted"
    forget_peak()
    watch = Watch(day, LOOKBACK)
    try:
        with logs.context(env.settings.home, run=run_id, day=day.isoformat(), stage=job), watching(env.lake, watch):
            yield reports
        reason = None
    except Exception as error:
        reason = scrub(str(error))[:500] or type(error).__name__
        raise
    finally:
        seconds = round(perf_counter() - started, 3)
        outcome = "failed" if reason else "ok"
        report = reports[0] if reports else None
        run = Run(
            run_id=run_id,
            job=job,
            as_of=as_of or getattr(report, "as_of", None),
            started_at=started_at,
            seconds=seconds,
            rows_in=watch.rows_in,
            rows_out=watch.rows_out,
            peak_mb=peak_mb(),
            outcome=outcome,  # type: ignore[arg-type]
            reason=reason,
            rules=rules,
            inputs=tuple(watch.inputs(env.lake)),
            outputs=tuple(watch.outputs()),
        )
        line = {
            "at": clock.now().astimezone(UTC).isoformat(timespec="seconds"),
            "run": run_id,
            "job": job,
            "day": day.isoformat(),
            "outcome": outcome,
            "seconds": seconds,
            "counts": report.counts if report else {},
        }
        try:
            add_run(env.settings.home, day, run)
            logs.add_line(env.settings.home, line)
        except OSError as error:  # the disk is full: what failed before is what is told
            if reason is None:
                raise UsageError(f"{env.settings.home / 'logs'}: cannot be written: {error.strerror}") from error
