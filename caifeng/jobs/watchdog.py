"""Says that the system is silent: no log by 17:30, no crawl, no publication, no room. Rests on none of them.

Run by the DAG `notify` and, because a dead Airflow cannot say that it is dead, by cron. What it finds is in its answer
even where the outbox cannot be reached, so that cron's own mail tells of it.
"""

from __future__ import annotations

import logging
from datetime import datetime

from caifeng.core.clock import SHANGHAI, business_day
from caifeng.core.errors import CaifengError
from caifeng.jobs import logs
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.notify import addressed, load_notify
from caifeng.jobs.status import NAMES, VITAL, Check, checks, load_observability
from caifeng.notify.message import Message
from caifeng.notify.outbox import Notice, Outbox

_log = logging.getLogger("caifeng.watchdog")
#: Kind of its messages in the outbox.
KIND = "watchdog"


def watchdog(env: Env, now: datetime) -> tuple[JobReport, list[Check]]:
    """Look at what must be alive, and put what is not into the outbox: each thing once a day. Removes old logs, too.

    Args:
        env: where things are.
        now: moment; with a clock fixed for replay nothing is enqueued.

    Returns:
        Counts `alarms` and `enqueued`, and what is not well.

    Raises:
        ConfigError: a configuration file cannot be used.
    """
    rules = load_observability(env.settings.config)
    logs.remove_old(env.settings.home, business_day(now), rules.logs_days)
    unwell = [check for check in checks(env, now, VITAL) if not check.ok]
    enqueued = 0
    if env.settings.as_of is None:
        for check in unwell:
            enqueued += tell(env, now, check.name, f"{NAMES[check.name]}异常", check.words)
    return JobReport("watchdog", business_day(now), now, {"alarms": len(unwell), "enqueued": enqueued}), unwell


def tell(env: Env, now: datetime, name: str, subject: str, words: str) -> int:
    """Put an alarm into the outbox, by its name once a day.

    Returns:
        Messages added; 0 also where the outbox cannot be reached, which is logged.
    """
    rules, office = load_notify(env.settings.config), env.settings.office()
    told = load_observability(env.settings.config).told
    title, at = f"【系统】{subject}", now.astimezone(SHANGHAI)
    message = Message(title, f"{title}：{words}\n时间：{at:%Y-%m-%d %H:%M}\n请运行 caifeng status 查看，并告知运维。")
    notice = Notice(f"{KIND}/{name}/{business_day(now)}", KIND, None, None, name, told, message, now)
    try:
        with env.register() as register:
            outbox = Outbox(register.engine)
            parts = addressed(notice, rules.channel, office)
            return sum(outbox.enqueue(part, channel, now) for channel, part in parts)
    except (CaifengError, OSError) as error:
        _log.error("%s: %s; cannot be told: %s", subject, words, error)
        return 0


def late(env: Env, now: datetime, dag: str, minutes: int) -> int:
    """Tell that a run of a DAG has not ended in time: an alarm, once a day a DAG.

    Returns:
        Messages added; with a clock fixed for replay none.
    """
    with logs.context(env.settings.home, stage=dag):
        _log.warning("DAG %s has run for more than %d minutes", dag, minutes)
        if env.settings.as_of is not None:
            return 0
        return tell(env, now, f"late-{dag}", f"任务 {dag} 超时", f"运行超过 {minutes} 分钟仍未结束")
