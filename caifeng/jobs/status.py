"""Is the system well? One screen: crawl, runs, publication, log, accounts, disk, register, outbox, sources."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

from caifeng.cases.service import verify_chain
from caifeng.core.clock import SHANGHAI, business_day
from caifeng.core.errors import CaifengError
from caifeng.core.listing import Listing
from caifeng.core.model.observability import ObservabilityRules
from caifeng.core.settings import load_model
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.base import Env
from caifeng.jobs.runs import Run, folder, read_runs
from caifeng.notify.outbox import Outbox

LOG_NAME = "政务舆情日志.docx"
_SOON = timedelta(days=1)


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    ok: bool
    words: str
    """In Chinese, for the screen."""


def load_observability(config: Path) -> ObservabilityRules:
    """Read config/observability.toml; without the file, as in a home made before there was one, the defaults hold.

    Raises:
        ConfigError: the file breaks the model.
    """
    path = config / "observability.toml"
    return load_model(path, ObservabilityRules) if path.exists() else ObservabilityRules()


def status(env: Env, now: datetime) -> list[Check]:
    """Everything, in the order of the day's work. A check that cannot be made is not well, and says why."""
    looks: dict[str, Look] = {
        **VITAL,
        "runs": _runs,
        "reconciliation": _reconciliation,
        "register": _register,
        "outbox": _outbox,
        "sources": _sources,
    }
    return checks(env, now, looks)


def checks(env: Env, now: datetime, looks: dict[str, Look]) -> list[Check]:
    """Make some checks; each stands for itself, so that what is broken hides nothing else.

    Raises:
        ConfigError: config/observability.toml breaks the model.
    """
    rules = load_observability(env.settings.config)
    found = []
    for name, look in looks.items():
        try:
            ok, words = look(env, now, rules)
        except (CaifengError, OSError) as error:
            ok, words = False, f"无法检查：{error}"
        found.append(Check(name, ok, words))
    return found


def status_json(found: Sequence[Check]) -> str:
    """All checks as one JSON object."""
    answer = {"ok": all(check.ok for check in found), "checks": [check._asdict() for check in found]}
    return json.dumps(answer, ensure_ascii=False)


def status_listing(found: Sequence[Check]) -> Listing:
    """`caifeng status` for people: what was looked at, and whether it is well."""
    cells = [("正常" if check.ok else "异常", NAMES[check.name], check.words) for check in found]
    return Listing("运行状况", ("结果", "项目", "说明"), cells, [check._asdict() for check in found], "正常")


NAMES = {
    "crawl": "采集",
    "publish": "发布",
    "log": "日志",
    "disk": "磁盘",
    "runs": "运行",
    "reconciliation": "对账",
    "register": "登记簿",
    "outbox": "通知",
    "sources": "来源",
}


def _crawl(env: Env, now: datetime, rules: ObservabilityRules) -> tuple[bool, str]:
    done = [run for run in recent_runs(env, now) if run.job == "crawl" and run.outcome == "ok"]
    if not done:
        return False, "一天内没有采集"
    ended = done[-1].started_at + timedelta(seconds=done[-1].seconds)
    return now - ended <= timedelta(minutes=rules.crawl_within_minutes), f"最近 {_at(ended)}"


def _publish(env: Env, now: datetime, rules: ObservabilityRules) -> tuple[bool, str]:
    file = env.settings.analytics_file
    if not file.exists():
        return False, "尚未发布"
    at = datetime.fromtimestamp(file.stat().st_mtime, SHANGHAI)
    return now - at <= timedelta(minutes=rules.publish_within_minutes), f"最近 {_at(at)}"


def _log(env: Env, now: datetime, rules: ObservabilityRules) -> tuple[bool, str]:
    day = business_day(now)
    due = datetime.combine(day, rules.log_by, SHANGHAI)
    file = env.settings.outputs_dir / day.isoformat() / LOG_NAME
    if file.exists():
        return True, f"{day} 已生成，{_at(datetime.fromtimestamp(file.stat().st_mtime, SHANGHAI))}"
    late = now >= due
    return not late, f"{day} {'至' if late else '尚未生成，应于'}{rules.log_by:%H:%M}{'仍未生成' if late else '前生成'}"


def _disk(env: Env, _now: datetime, rules: ObservabilityRules) -> tuple[bool, str]:
    free = shutil.disk_usage(env.settings.home).free / 1e9
    return free >= rules.free_disk_gb, f"剩余 {free:.1f} GB"


def _runs(env: Env, now: datetime, _rules: ObservabilityRules) -> tuple[bool, str]:
    """The last run of each job of the last two days."""
    runs = recent_runs(env, now)
    if not runs:
        return False, "两日内没有运行"
    failed = [run for run in {run.job: run for run in runs}.values() if run.outcome == "failed"]
    words = [f"{run.job}（{_at(run.started_at)}）：{(run.reason or '').splitlines()[0]}" for run in failed]
    return not failed, "；".join(words) or f"最近 {runs[-1].job} {_at(runs[-1].started_at)}，共 {len(runs)} 次"


def _reconciliation(env: Env, _now: datetime, _rules: ObservabilityRules) -> tuple[bool, str]:
    days = env.lake.days("ops.reconciliation")
    if not days:
        return True, "尚无"
    steps = env.lake.read("ops.reconciliation", days[-1])
    gaps = steps.filter(pl.col("gap") != 0)
    named = [f"{step}/{source} 差 {gap}" for step, source, gap in gaps.select("step", "source_id", "gap").iter_rows()]
    return gaps.is_empty(), f"{days[-1]} " + ("；".join(named) or f"{steps.height} 项全部相符")


def _register(env: Env, _now: datetime, _rules: ObservabilityRules) -> tuple[bool, str]:
    with env.register() as register:
        events, faults = len(register.events()), verify_chain(register)
    return not faults, "；".join(faults[:3]) or f"{events} 条记录，哈希链完整"


def _outbox(env: Env, now: datetime, rules: ObservabilityRules) -> tuple[bool, str]:
    with env.register() as register:
        rows = Outbox(register.engine).rows(states=("waiting", "failed", "unclear", "given_up", "no_channel"))
    limit = now - timedelta(minutes=rules.outbox_within_minutes)
    late = [row for row in rows if row.state in ("waiting", "failed", "unclear") and row.not_before <= limit]
    lost = [row for row in rows if row.state == "given_up" and row.created_at > now - _SOON]
    unsent = sum(row.state == "no_channel" for row in rows)
    words = f"待发 {sum(row.state in ('waiting', 'failed', 'unclear') for row in rows)} 条，逾时 {len(late)} 条"
    words += f"，一天内放弃 {len(lost)} 条" if lost else ""
    return not (late or lost), words + (f"，无渠道 {unsent} 条" if unsent else "")


def _sources(env: Env, _now: datetime, _rules: ObservabilityRules) -> tuple[bool, str]:
    """As last published; the warehouse itself may be in use by its writer."""
    days = env.lake.days("ops.sources")
    if not days or not env.settings.analytics_file.exists():
        return False, "尚未发布"
    published = Warehouse(env.settings.analytics_file, env.contracts, env.settings.root / "sql")
    health = published.read("marts.source_health", days[0], days[-1])
    health = health.filter(pl.col("day") == pl.col("day").max())
    unwell = health.filter(pl.col("status") != "ok").select("source_id", "phrase").rows()
    return not unwell, "；".join(f"{source}（{phrase}）" for source, phrase in unwell) or f"{health.height} 个全部正常"


def recent_runs(env: Env, now: datetime) -> list[Run]:
    """Runs for today and yesterday, and what was done meanwhile for older days, by their start."""
    home, today = env.settings.home, business_day(now)
    lines = folder(home)
    older = {day for day in env.lake.days("ops.sources") if _written_since(lines / f"{day}.jsonl", now - _SOON)}
    named = {today, today - _SOON} | older
    runs = [run for day in sorted(named) for run in read_runs(home, env.lake, day) if run.started_at > now - 2 * _SOON]
    return sorted(runs, key=lambda run: run.started_at)


def _written_since(path: Path, at: datetime) -> bool:
    return path.exists() and path.stat().st_mtime > at.timestamp()


def _at(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%m-%d %H:%M}"


Look = Callable[[Env, datetime, ObservabilityRules], tuple[bool, str]]
#: What the watchdog looks at: files and the disk, nothing that the pipeline must be alive for.
VITAL: dict[str, Look] = {"crawl": _crawl, "publish": _publish, "log": _log, "disk": _disk}
