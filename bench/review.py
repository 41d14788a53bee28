"""Reviews of a month, its quarter and its year when a thousand issues were found in the month: seconds and memory.

The month is invented: every issue has a case with its duties and events, some late, some open. Measured is the whole
job: marts with those of comparison, documents, workbooks, data sets.
"""

from __future__ import annotations

import resource
import tempfile
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import polars as pl

from caifeng.core.clock import start_of_day
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.review import review_period
from tests.sql.review_town import LAST, ROOT, Town, beijing, contracts

ISSUES = 1_000


def run(issues: int = ISSUES) -> dict[str, Any]:
    """Review November, the fourth quarter and the year.

    Args:
        issues: found in November.

    Returns:
        `issues`, `seconds` and `cpu_seconds` by period, `pieces` counted in the year, `files_mb` of the month's folder,
        `peak_mb` of this process.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _fill(Town(home), issues)
        env = Env.open(Settings(home=home, config=ROOT / "config", as_of=start_of_day(date(2027, 1, 3))))
        env.lake.replace("ops.sources", LAST, pl.DataFrame(schema=contracts()["ops.sources"].polars_schema()))
        seconds, cpu = {}, {}
        for code in ("2026-11", "2026-Q4", "2026"):
            started, worked = perf_counter(), process_time()
            counts = review_period(env, code).counts
            seconds[code] = round(perf_counter() - started, 2)
            cpu[code] = round(process_time() - worked, 2)
        files = [path.stat().st_size for path in (env.settings.outputs_dir / "review/2026-11").iterdir()]
        return {
            "issues": issues,
            "seconds": seconds,
            "cpu_seconds": cpu,
            "pieces": counts["review_items"],
            "files_mb": round(sum(files) / 1e6, 2),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


def _fill(town: Town, issues: int) -> None:
    for number in range(30):
        town.run_day(date(2026, 11, 1) + timedelta(days=number), observations=3000, posts_new=900, posts_relevant=200)
    levels = ("log_only", "general", "general", "larger", "major")
    for number in range(issues):
        start, level = beijing(1 + number % 28, 1 + number % 22), levels[number % len(levels)]
        issue = town.issue(start, level=level, topic=("gdp", "income", "cpi")[number % 3])
        answered = None if number % 7 == 0 else start + timedelta(hours=5 + number % 60)
        town.case(
            issue, started_at=start, level=level, system_level=level, confirmed_level=levels[(number // 3) % 5],
            confirmed_at=start + timedelta(hours=1), verified_at=start + timedelta(hours=20), outcome="true",
            unit=("social", "census", "trade")[number % 3], first_published_at=answered, final_published_at=answered,
            state="responded" if answered else "verified",
            due={
                "confirm": (start + timedelta(hours=2), start + timedelta(hours=1 + number % 3)),
                "verify": (start + timedelta(hours=24), start + timedelta(hours=20)),
                "respond": (start + timedelta(hours=48), answered),
            },
        )  # fmt: skip
        for sequence, event in enumerate(("submit", "return", "submit", "approve", "supervise"), 1):
            moment = start + timedelta(hours=sequence)
            town.add(
                "cases.events", LAST, event_id=f"{issue}#{sequence}", issue_no=issue, sequence=sequence, event=event,
                from_state="verified", to_state="verified", at=moment, decided_at=moment,
            )  # fmt: skip
    town.fill()
