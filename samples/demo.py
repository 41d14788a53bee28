"""The demo: real pages over HTTP, the real DAGs, paper at the end. `python -m samples.demo [--input DIR]`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import CaifengError, UsageError
from caifeng.core.model.deadlines import DUE_NAMES
from caifeng.core.model.terms import LEVEL_NAMES, RESPONSE_NAMES, SUGGESTION_NAMES
from caifeng.core.settings import Settings
from caifeng.core.warehouse import Warehouse
from samples.config import RECORDED_SOURCES, TOWN_SOURCES, write_config
from samples.recorded import recorded_days
from samples.town.story import load_story

ROOT = Path(__file__).resolve().parents[1]
#: The week whose result the README documents, where it is among the recorded days.
DOCUMENTED_WEEK = (date(2024, 12, 23), date(2024, 12, 29))
#: Present in every home that a demo may wipe; documents made there are marked as samples.
MARKER = "SAMPLE"
LISTED_AT_MOST = 12


def main() -> None:
    """Run the demo; exit codes as the command line's."""
    parser = argparse.ArgumentParser(prog="caifeng demo", description=__doc__)
    parser.add_argument(
        "--input", type=Path, help="folder of recorded material (samples/recorded.py); default: sample town"
    )
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, metavar="YYYY-MM-DD", help="first recorded day"
    )
    parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="YYYY-MM-DD", help="last recorded day")
    parser.add_argument("--port", type=int, default=8790, help="first of the loopback ports of the sites")
    parser.add_argument("--home", type=Path, help="where to write; default var/demo, or var/demo-input with --input")
    try:
        run_demo(parser.parse_args())
    except CaifengError as error:
        print(f"caifeng: {error}", file=sys.stderr)  # noqa: T201 - the edge
        sys.exit(error.exit_code)


def run_demo(arguments: argparse.Namespace) -> None:
    """Prepare a clean home, serve the sites, run the DAGs day by day, and say what was found."""
    console = Console(highlight=False, soft_wrap=True)
    home = (arguments.home or ROOT / "var" / ("demo-input" if arguments.input else "demo")).resolve()
    days = _days(arguments)
    _wipe(home)
    config = home / "config"
    write_config(ROOT / "config", config, RECORDED_SOURCES if arguments.input else TOWN_SOURCES, arguments.port)
    clock_file = home / "clock.txt"
    clock_file.write_text(days[0].isoformat(), "utf8")
    environment = _airflow_environment(home, config)
    started = time.monotonic()
    with _server(arguments, clock_file):
        console.print(f"样例站点已启动（127.0.0.1:{arguments.port} 起）；数据目录 {_shown(home)}")
        _run(environment, home, "airflow", "db", "migrate")
        _run(environment, home, "airflow", "pools", "import", str(ROOT / "docker" / "pools.json"))
        console.print(
            f"Airflow 已就绪（{time.monotonic() - started:.0f} 秒），逐日运行 ingest → process_day → publish："
        )
        started = time.monotonic()
        command = ["-m", "samples.replay", "--days", ",".join(map(str, days)), "--clock-file", str(clock_file)]
        with (home / "logs" / "replay.log").open("w") as log:
            replay = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
            for line in _follow(home / "logs" / "runs.jsonl", replay):
                console.print(_progress(line))
        if replay.returncode:
            raise CaifengError(f"the DAGs failed, see {_shown(home / 'logs' / 'replay.log')}")
    console.print(f"流水线用时 {time.monotonic() - started:.0f} 秒\n")
    _tell(console, Settings(home=home, config=config), days)


def _days(arguments: argparse.Namespace) -> list[date]:
    """Days to run: the story's, or those asked for of the recorded ones, by default one week."""
    available = recorded_days(arguments.input) if arguments.input else list(load_story().days)
    if not available:
        raise UsageError(f"{arguments.input}: no recorded day found")
    first, last = arguments.first, arguments.last
    if arguments.input and not (first or last):
        first, last = DOCUMENTED_WEEK if DOCUMENTED_WEEK[0] in available else (available[-7:][0], available[-1])
    chosen = [day for day in available if (first or available[0]) <= day <= (last or available[-1])]
    if not chosen:
        raise UsageError(f"no day between {first} and {last}: there are {available[0]} to {available[-1]}")
    return chosen


def _wipe(home: Path) -> None:
    """Start from nothing, but never delete a folder that is not a demo's."""
    if home.exists() and any(home.iterdir()) and not (home / MARKER).exists():
        raise UsageError(f"{home}: is not empty and not a demo's folder; choose another --home")
    try:
        shutil.rmtree(home, ignore_errors=True)
        (home / "logs").mkdir(parents=True)
        (home / MARKER).write_text("Made by `caifeng demo`, wiped by the next one.\n", "utf8")
    except OSError as error:
        raise UsageError(f"{home}: cannot be written: {error.strerror}") from error


def _airflow_environment(home: Path, config: Path) -> dict[str, str]:
    lines = (ROOT / "docker" / "airflow.env").read_text("utf8").splitlines()
    fixed = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {
        **os.environ,
        **fixed,
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "CAIFENG_HOME": str(home),
        "CAIFENG_CONFIG": str(config),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


@contextmanager
def _server(arguments: argparse.Namespace, clock_file: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "samples.server", "--port", str(arguments.port), "--clock-file", str(clock_file)]
    if arguments.input:
        command += ["--input", str(arguments.input.resolve())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:  # noqa: S603
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            if not server.stdout.readline().startswith("ready"):
                raise UsageError(server.stderr.readline().strip() or "the sample server did not start")
            yield
        finally:
            server.terminate()


def _run(environment: dict[str, str], home: Path, *command: str) -> None:
    with (home / "logs" / "airflow.log").open("a") as log:
        done = subprocess.run(command, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    if done.returncode:
        raise CaifengError(f"{' '.join(command)} failed, see {_shown(home / 'logs' / 'airflow.log')}")


def _follow(file: Path, process: subprocess.Popen[bytes]) -> Iterator[dict[str, object]]:
    """Yield the lines that jobs append to logs/runs.jsonl until the process ends."""
    position = 0
    while True:
        ended = process.poll() is not None
        if file.exists():
            with file.open("rb") as lines:
                lines.seek(position)
                for line in lines:
                    if line.endswith(b"\n"):
                        position += len(line)
                        yield json.loads(line)
        if ended:
            return
        time.sleep(0.2)


def _progress(line: dict[str, object]) -> str:
    counts = line["counts"]
    assert isinstance(counts, dict)
    words = "  ".join(f"{name} {number}" for name, number in counts.items())
    mark = "✓" if line["outcome"] == "ok" else "✗"
    return f"  {line['day']} {mark} {line['job']!s:<10} {line['seconds']!s:>6} s  {words}"


def _tell(console: Console, settings: Settings, days: Sequence[date]) -> None:
    """Levels by day, what needs action, where the files are."""
    published = Warehouse(settings.analytics_file, settings.contracts(), settings.root / "sql")
    summaries = published.read("marts.daily_summary", days[0], days[-1])
    table = Table(title="每日舆情日志", title_justify="left", box=None, padding=(0, 1, 0, 0))
    levels = [name.replace("特别重大", "特重") for name, _, _, _ in LEVEL_NAMES.values()]
    for heading in ("日期", "来源", "采集", "新帖", "涉统计", "新事项", *levels):
        table.add_column(heading, justify="left" if heading == "日期" else "right", no_wrap=True)
    for row in summaries.iter_rows(named=True):
        table.add_row(
            f"{row['day']:%m-%d}",
            f"{row['sources_checked']}/{row['sources_planned']}",
            *(str(row[name]) for name in ("observations", "posts_new", "posts_relevant", "issues_new", *LEVEL_NAMES)),
        )
    console.print(table)
    escalations = published.read("marts.escalations", days[-1]).sort("seq")
    console.print(f"\n需要处理（{days[-1]}，{escalations.height} 件）：")
    for row in escalations.head(LISTED_AT_MOST).iter_rows(named=True):
        name, mark, _, _ = LEVEL_NAMES[row["level"]]
        due = f"{DUE_NAMES[row['duty']]} {row['due_at'].astimezone(SHANGHAI):%m-%d %H:%M}" if row["due_at"] else "—"
        action = (SUGGESTION_NAMES[row["suggestion"]], RESPONSE_NAMES[row["response_value"]], row["owner_unit"], due)
        console.print(f"  {row['issue_no']}  {mark} {name}  {row['title']}", markup=False)
        console.print(f"      {' · '.join(action)}", markup=False)
    if escalations.is_empty():
        console.print("  没有需要处理的事项")
    if escalations.height > LISTED_AT_MOST:
        console.print(f"  另有 {escalations.height - LISTED_AT_MOST} 件，见当日《预警报送清单》")
    console.print("\n文件：")
    for day in days:
        folder = _shown(settings.outputs_dir / day.isoformat())
        console.print(f"  {folder}/  政务舆情日志.docx .xlsx  预警报送清单.xlsx  dashboard.html")
    console.print(f"  {_shown(settings.analytics_file)}  供 SQL 查询（DuckDB，只读副本）")
    if len(days) < (days[-1] - days[0] + timedelta(days=1)).days:
        console.print("  注意：所选日期之间有未录制的日子")


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    main()
