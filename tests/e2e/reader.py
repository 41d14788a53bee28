"""One reader in a process of its own: `python -m tests.e2e.reader KIND SECONDS`, told where by CAIFENG_HOME.

It reads as people do: `question` opens the analysts' copy for each question, `session` keeps it open over many and
opens it again as docs/analyst.md says, `lake` reads Parquet by a pattern, `tables` through the lake of the product,
`pages` asks the pages of the plugin. It prints one JSON line: reads, what went wrong, the slowest read in seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from os import environ
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("question", "session", "lake", "tables", "pages")
QUESTIONS = (
    "SELECT day, issues_new FROM marts.daily_summary ORDER BY day",
    "SELECT level, count(*) FROM graded.issue_grades GROUP BY level ORDER BY level",
    "SELECT issue_no, title FROM marts.daily_log ORDER BY day, seq",
    "SELECT count(*) FROM graded.posts AS p JOIN graded.issue_posts AS i USING (post_id)",
)
SESSION_READS = 50


def connect(home: Path) -> Any:
    import duckdb

    return duckdb.connect(str(home / "analytics.duckdb"), read_only=True)  # noqa: TID251 - as an analyst does


def questions(home: Path) -> Iterator[Callable[[], object]]:
    def ask(sql: str) -> list[tuple[object, ...]]:
        with connect(home) as connection:
            return connection.execute(sql).fetchall()

    while True:
        yield from (lambda sql=sql: ask(sql) for sql in QUESTIONS)


def session(home: Path) -> Iterator[Callable[[], object]]:
    while True:
        with connect(home) as connection:
            for number in range(SESSION_READS):
                sql = QUESTIONS[number % len(QUESTIONS)]
                yield lambda sql=sql, at=connection: at.execute(sql).fetchall()


def lake(home: Path) -> Iterator[Callable[[], object]]:
    import polars as pl

    names = ("clean/posts", "graded/posts", "graded/issue_posts", "clean/rejects", "raw/posts")
    while True:
        for name in names:
            yield lambda name=name: pl.read_parquet(home / "lake" / name / "day=*" / "*.parquet").rows()


def tables(_: Path) -> Iterator[Callable[[], object]]:
    from caifeng.core.settings import Settings
    from caifeng.jobs.base import Env

    env = Env.open(Settings.load())
    while True:
        for table in env.contracts:
            if not table.startswith("marts."):
                for day in env.lake.days(table)[-1:]:
                    yield lambda table=table, day=day: env.lake.read(table, day).rows()


def pages(_: Path) -> Iterator[Callable[[], object]]:
    sys.path.insert(0, str(ROOT / "plugins"))
    from caifeng_web import login
    from caifeng_web.app import application
    from starlette.testclient import TestClient

    app = application()
    app.dependency_overrides[login.signed_in] = lambda: "office"
    browser = TestClient(app)

    def get(path: str) -> None:
        answer = browser.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}: {answer.text[-500:]}")

    while True:
        for path in ("/", "/issues", "/escalations", "/issues/YQ-2026-0001"):
            yield lambda path=path: get(path)


def read(reads: Iterator[Callable[[], object]], seconds: float) -> dict[str, object]:
    count, errors, slowest = 0, list[str](), 0.0
    next(reads)()  # imports, which take longer than the reading
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(errors) < 20:
        started = time.monotonic()
        try:
            next(reads)()
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}"[:500])
        count += 1
        slowest = max(slowest, time.monotonic() - started)
    return {"reads": count, "errors": errors, "slowest": round(slowest, 2)}


if __name__ == "__main__":
    kinds = {"question": questions, "session": session, "lake": lake, "tables": tables, "pages": pages}
    result = read(kinds[sys.argv[1]](Path(environ["CAIFENG_HOME"])), float(sys.argv[2]))
    sys.stdout.write(json.dumps(result) + "\n")
