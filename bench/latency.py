"""Early warning in time: seconds from a post on a site to its issue in the analysts' copy of marts.escalations.

    python -m bench.latency loop|local|celery [POSTS]

`loop` goes from the crawl to the published list again and again in one process, without a timetable (and without the
documents, which nobody waits for). `local` and `celery` are the DAGs as they are, `ingest` every minute, under that
executor of docker/cluster.sh (PostgreSQL, Redis; CLUSTER_VENV names the environment with requirements-cluster.lock).
A post appears with a source of its own, whose turn it is at once: what a source waits for its turn, fifteen minutes at
least, is its own affair and not in these figures. Run alone; two busy cores double them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

from caifeng.core import clock
from caifeng.core.errors import CaifengError, UsageError
from caifeng.core.files import replacing
from caifeng.core.settings import Settings
from caifeng.core.warehouse import Warehouse
from samples.config import write_config

ROOT = Path(__file__).resolve().parents[1]
PORT = 18600
#: Seconds between posts. Of a minute they hit another second each time.
APART = {"loop": 13, "local": 23, "celery": 23}
#: Seconds after the last post at which the rest counts as never seen.
PATIENCE = 300
PLACES = (
    *("岳坊镇", "乐土镇", "三义镇", "双涧镇", "小涧镇", "坛城镇", "许疃镇", "板桥集镇"),
    *("楚村镇", "立仓镇", "马集镇", "小辛集乡", "篱笆镇", "王集乡", "城关街道", "漆园街道"),
)
SOURCE = """
id = "{name}"
name = "{name}（样例）"
family = "feed"
class = "rss"
media_tier = "self"
reach = "county"
place = "341622"
min_delay_seconds = 0
silent_after_hours = 48

[feed]
urls = ["http://127.0.0.1:{port}/{name}.xml"]
"""
ENTRY = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>样例</title><link>/</link><description>样例</description><item>
<title>{title}</title><link>/{name}/1.html</link><guid isPermaLink="false">{name}</guid><pubDate>{at}</pubDate>
<description><![CDATA[<p>{text}</p>]]></description></item></channel></rss>
"""
LOOP = """
from pathlib import Path
from caifeng.jobs import timetable
while not Path({stop!r}).exists():
    day = timetable.day_of_run(None, [])
    batches = timetable.plan_batches()
    for ids in batches:
        timetable.crawl_batch(ids, day)
    if batches:
        for stage in ("clean", "understand", "cluster", "grade"):
            timetable.run_stage(stage, day)
        timetable.run_marts(day)
        timetable.publish_analytics()
"""


def run(how: str = "loop", posts: int = 12) -> dict[str, Any]:
    """Let posts appear one after another and wait for each.

    Args:
        how: `loop`, `local` or `celery`.
        posts: how many; at most 15, one place each.

    Returns:
        Seconds of each post in order of appearance (null: never seen), `median`, `p95` (the nearest rank) of those
        that were seen, and how many were not.

    Raises:
        UsageError: what `local` and `celery` need is missing.
    """
    folder = Path(tempfile.mkdtemp(prefix="cflatency", dir="/tmp"))
    folder.chmod(0o755)  # PostgreSQL's account must reach it
    try:
        write_config(ROOT / "config", folder / "config", {}, PORT)
        pages: dict[str, bytes] = {}
        with _site(pages) as port, _loop(folder) if how == "loop" else _cluster(folder, how):
            seconds = _measure(folder, pages, port, PLACES[: posts + 1], APART[how])
    finally:
        if not os.environ.get("LATENCY_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)
    seen = sorted(one for one in seconds if one is not None)
    return {
        "how": how,
        "posts": len(seconds),
        "never_seen": len(seconds) - len(seen),
        "median": median(seen) if seen else None,
        "p95": seen[ceil(0.95 * len(seen)) - 1] if seen else None,
        "seconds": seconds,
    }


def run_all(posts: int = 10) -> dict[str, Any]:
    """The loop, and both executors where CLUSTER_VENV names their environment."""
    ways = ("loop", "local", "celery") if os.environ.get("CLUSTER_VENV") else ("loop",)
    return {way: {name: value for name, value in run(way, posts).items() if name != "how"} for way in ways}


def _measure(
    folder: Path, pages: dict[str, bytes], port: int, places: tuple[str, ...], apart: int
) -> list[float | None]:
    """Seconds of each post; it appears when its page and its source stand. The first one warms up and is left out."""
    names = [f"wire{number}" for number in range(len(places))]
    appeared: dict[str, float] = {}
    seen: dict[str, float] = {}
    due, patience, state = monotonic(), monotonic() + PATIENCE, 0
    while len(seen) < len(names) and monotonic() < patience:
        number = len(appeared)
        if number < len(names) and monotonic() >= due and (number != 1 or names[0] in seen):
            name = names[number]
            pages[f"/{name}.xml"] = _entry(name, places[number])
            with replacing(folder / "config" / "sources" / f"{name}.toml") as temporary:
                temporary.write_text(SOURCE.format(name=name, port=port), "utf8")
            appeared[name] = monotonic()
            due, patience = appeared[name] + apart, appeared[name] + PATIENCE
        file = folder / "home" / "analytics.duckdb"
        if file.exists() and (now := file.stat().st_ino) != state:
            state = now
            moment = monotonic()
            seen |= {name: moment for name in _listed(file) if name in appeared and name not in seen}
        sleep(0.2)
    return [round(seen[name] - appeared[name], 1) if name in seen else None for name in names[1:]]


def _listed(file: Path) -> set[str]:
    """Sources of posts whose issue is on the list."""
    settings, day = Settings.load(), clock.business_day(clock.now())
    copy = Warehouse(file, settings.contracts(), settings.root / "sql")
    try:
        listed = copy.read("marts.escalations", day).select("issue_no")
        posts = copy.read("graded.issue_posts", day).join(listed, on="issue_no", how="semi")
        return set(copy.read("graded.posts", day).join(posts, on="post_id", how="semi")["source_id"])
    except CaifengError:
        return set()  # swapped while it was opened


def _entry(name: str, place: str) -> bytes:
    title = f"{place}公布的居民收入是不是编的"
    text = f"蒙城县统计局公布的居民收入是不是编的，{place}好多人说没涨，要求公开调查办法，请统计局出来说清楚。"
    at = format_datetime(clock.now())
    return ENTRY.format(title=escape(title), name=name, at=at, text=escape(text)).encode()


@contextmanager
def _site(pages: dict[str, bytes]) -> Iterator[int]:
    """A site on loopback; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/rss+xml; charset=utf-8")
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAIFENG_", "AIRFLOW_"))}
    return {**kept, "CAIFENG_CONFIG": str(folder / "config"), "CAIFENG_HOME": str(folder / "home")}


@contextmanager
def _loop(folder: Path) -> Iterator[None]:
    stop = folder / "stop"
    (folder / "home").mkdir()
    command = [sys.executable, "-c", LOOP.format(stop=str(stop))]
    with (
        (folder / "loop.log").open("w") as log,
        subprocess.Popen(command, cwd=ROOT, env=_environment(folder), stdout=log, stderr=log) as process,  # noqa: S603
    ):
        try:
            yield
            if process.poll() is not None:
                raise UsageError(f"the loop broke off: {(folder / 'loop.log').read_text()[-500:]}")
        finally:
            stop.touch()


@contextmanager
def _cluster(folder: Path, how: str) -> Iterator[None]:
    """docker/cluster.sh with the DAGs as they are, but `ingest` every minute."""
    if not (shutil.which("redis-server") and list(Path("/usr/lib/postgresql").glob("*/bin/postgres"))):
        raise UsageError("needs PostgreSQL and Redis (apt install postgresql redis-server)")
    shutil.copytree(ROOT / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    ingest = folder / "dags" / "ingest.py"
    text = ingest.read_text("utf8")
    assert '"*/15 * * * *"' in text
    ingest.write_text(text.replace('"*/15 * * * *"', '"* * * * *"'), "utf8")
    executor = {"local": "LocalExecutor", "celery": "CeleryExecutor"}[how]
    (folder / "more.env").write_text(
        f"AIRFLOW__CORE__DAGS_FOLDER={folder / 'dags'}\nAIRFLOW__CORE__EXECUTOR={executor}\n", "utf8"
    )
    environment = {
        **_environment(folder),
        "CLUSTER_HOME": str(folder),
        "CLUSTER_PORT": str(PORT),
        "CLUSTER_ENV": str(folder / "more.env"),
        "CLUSTER_VENV": os.environ.get("CLUSTER_VENV") or str(Path(sys.executable).parents[1]),
        "WORKERS": "2" if how == "celery" else "0",
    }
    script = ROOT / "docker" / "cluster.sh"
    try:
        done = subprocess.run([script, "start"], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise UsageError(f"the cluster did not start: {done.stdout}{done.stderr}")
        yield
    finally:
        subprocess.run([script, "stop"], env=environment, capture_output=True, check=False)  # noqa: S603


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], *map(int, sys.argv[2:])), ensure_ascii=False))  # noqa: T201
