"""Early warnings and duties -> outbox -> e-mail and group robots (Art. 5, 6, 9; docs/notifications.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from caifeng.cases.deadlines import Ladder, stage_at
from caifeng.core.clock import SHANGHAI, business_day, in_utc
from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.listing import Listing
from caifeng.core.model.deadlines import DUE_NAMES
from caifeng.core.model.early_warning import ALERT_NAMES, EarlyWarningRules
from caifeng.core.model.notify import (
    KIND_NAMES,
    OUTBOX_STATE_NAMES,
    REMIND_NAMES,
    STAGE_NAMES,
    Channel,
    NotifyRules,
)
from caifeng.core.model.office import Office
from caifeng.core.model.terms import LEVEL_NAMES, SCALE
from caifeng.core.settings import Settings, load_model
from caifeng.jobs.base import LOOKBACK, Env, JobReport
from caifeng.jobs.duty import on_duty
from caifeng.jobs.export_cases import Stand, stand_of
from caifeng.jobs.reminders import Waiting, waiting
from caifeng.jobs.standing import load_early_warning
from caifeng.notify.channels import Deliver, deliver, secrets_of
from caifeng.notify.message import Message, deadline_words, message_of, plain_title
from caifeng.notify.outbox import Notice, Outbox, OutboxRow

_FILE = "notify.toml"
_RANK = {str(level): rank for rank, level in enumerate(SCALE)}
#: What `next`, `duty` and `local` stand for: roles, and a place.
_NEXT, _ON_DUTY, _WHOLE_COUNTY = "next", "duty", "local"


def load_notify(config: Path) -> NotifyRules:
    """Read config/notify.toml; without the file there is no channel and the defaults hold.

    Raises:
        ConfigError: the file breaks the model, or a secret stands in it.
    """
    path = config / _FILE
    return load_model(path, NotifyRules) if path.exists() else NotifyRules()


def enqueue_due(env: Env, now: datetime) -> JobReport:
    """Put into the outbox what the office is to be told now, each thing once; take back what is not true any more.

    Args:
        env: where things are.
        now: moment, in any zone; duties are those of the register as it stands then.

    Returns:
        Counts `enqueued` (rows added, without channel included), `no_channel` (of these) and `withdrawn`.

    Raises:
        ConfigError: a configuration file cannot be used.
    """
    now = in_utc(now)
    rules, office = load_notify(env.settings.config), env.settings.office()
    duties = duty_notices(env, now, rules)
    counts = {"enqueued": 0, "no_channel": 0}
    with env.register() as register:
        outbox = Outbox(register.engine)
        withdrawn = outbox.withdraw({notice.key for notice in duties}, now)
        for notice in [*alert_notices(env, now, rules), *duties]:
            for channel, part in addressed(notice, rules.channel, office):
                if outbox.enqueue(part, channel, now, muted=notice.not_before > now):
                    counts["enqueued"] += 1
                    counts["no_channel"] += not channel
    return JobReport("notify", business_day(now), now, counts | {"withdrawn": withdrawn})


def send_waiting(env: Env, now: datetime, limit: int = 200, send: Deliver = deliver) -> JobReport:
    """Send what is due, the most urgent first; a channel that fails is left alone until the next call.

    Several may run at once: each row is claimed by one of them. Without a channel nothing happens.

    Args:
        env: where things are.
        now: moment of the call; the time that sending takes is added.
        limit: attempts at most.
        send: makes one attempt; never raises.

    Returns:
        Counts of attempts by what became of them, `interrupted` (claimed by a sender that was killed) and `waiting`;
        `failed`: ids of the channels on which something did not go out.

    Raises:
        UsageError: the clock is fixed for replay.
        ConfigError: config/notify.toml cannot be used. A secret that is missing stops its channel only.
    """
    _refuse_in_replay(env.settings)
    rules, clock = load_notify(env.settings.config), _running(now)
    counts = dict.fromkeys(("sent", "failed", "unclear", "given_up"), 0)
    troubled = []
    with env.register() as register:
        outbox = Outbox(register.engine)
        outbox.without_channel({"", *(channel.id for channel in rules.channel)})
        interrupted = outbox.mark_unclear(now, rules.retry)
        for channel in rules.channel:
            try:
                secrets = secrets_of(channel, env.settings.config / _FILE)
            except ConfigError as error:
                if outbox.remark(channel.id, f"渠道不能用：{error.field}: {error.reason}"):
                    troubled.append(channel.id)
                continue
            while sum(counts.values()) < limit:
                row = outbox.claim(channel.id, clock(), channel.per_minute)
                if row is None:
                    break
                outcome = send(channel, secrets, row.parcel(clock()))
                counts[outbox.note(row, outcome, clock(), rules.retry).state] += 1
                if outcome.state != "sent":
                    troubled.append(channel.id)
                    break
        waiting = len(outbox.rows(states=("waiting", "muted", "failed")))
    counts |= {"interrupted": interrupted, "waiting": waiting}
    return JobReport("notify", business_day(now), now, counts, tuple(troubled))


def outbox_rows(env: Env, limit: int = 100) -> list[OutboxRow]:
    """Messages for the 工作台, the newest first; the words of a state are in OUTBOX_STATE_NAMES."""
    with env.register() as register:
        return Outbox(register.engine).rows(limit)


def send_test(env: Env, now: datetime, channel_id: str, *, dry_run: bool = False, send: Deliver = deliver) -> OutboxRow:
    """Send a trial message on one channel to all its roles, through the outbox.

    Returns:
        The row as it stands afterwards; of a dry run as it would be written, id 0.

    Raises:
        UsageError: there is no such channel, or the clock is fixed for replay.
        ConfigError: config/notify.toml cannot be used, or a secret of the channel is missing.
    """
    rules = load_notify(env.settings.config)
    channel = next((each for each in rules.channel if each.id == channel_id), None)
    if channel is None:
        known = ", ".join(each.id for each in rules.channel) or "none"
        raise UsageError(f"no channel {channel_id!r} in {env.settings.config / _FILE} (known: {known})")
    secrets = secrets_of(channel, env.settings.config / _FILE)
    text = f"【试发】采风通知渠道 {channel.id} 可用。此条为试发，请勿处理。\n查看：{rules.base_link}/"
    key = f"test/{now.astimezone(UTC).isoformat()}"
    notice = Notice(key, "test", None, None, "test", channel.roles, Message("【试发】采风通知", text), now)
    if dry_run:
        values = {"id": 0, "channel": channel.id, "created_at": now, "state": "waiting", "attempts": 0, "repeats": 0}
        words = {"subject": notice.message.subject, "text": text, "kind": "test", "stage": "test", "not_before": now}
        empty = dict.fromkeys(("issue_no", "level", "claimed_at", "last_error", "sent_at"))
        return OutboxRow(**{**values, **words, **empty, "key": key, "roles": channel.roles})  # type: ignore[arg-type]
    _refuse_in_replay(env.settings)
    clock = _running(now)
    with env.register() as register:
        outbox = Outbox(register.engine)
        outbox.enqueue(notice, channel.id, now)
        row = outbox.by_key(key, channel.id)
        assert row is not None
        claimed = outbox.claim(channel.id, now, channel.per_minute, only=row.id)
        if claimed is None:  # the minute is full: it waits for its turn
            return row
        outcome = send(channel, secrets, claimed.parcel(clock()))
        # A trial that failed is not sent by itself some time later.
        return outbox.note(claimed, outcome, clock(), rules.retry.model_copy(update={"attempts": 1}))


def dry_run_lines(env: Env, now: datetime) -> list[str]:
    """What would go where: messages not yet in the outbox, then those in it whose turn it is. Writes no message."""
    rules, office = load_notify(env.settings.config), env.settings.office()
    notices = [*alert_notices(env, now, rules), *duty_notices(env, now, rules)]
    with env.register() as register:
        outbox = Outbox(register.engine)
        lines = [
            _line(channel or OUTBOX_STATE_NAMES["no_channel"], part.roles, part.not_before, part.message.subject)
            for notice in notices
            for channel, part in addressed(notice, rules.channel, office)
            if outbox.by_key(part.key, channel) is None
        ]
        return lines + [_line(row.channel, row.roles, row.not_before, row.subject) for row in outbox.due(now)]


def outbox_listing(rows: Sequence[OutboxRow]) -> Listing:
    """Rows of the outbox; values without the words of the messages."""
    return Listing(
        "通知",
        ("序号", "时间", "类别", "渠道", "岗位", "结果", "标题"),
        [
            (
                *(row.id, row.created_at, KIND_NAMES.get(row.kind, row.kind), row.channel or None, row.roles),
                *(_result(row), row.subject),
            )
            for row in rows
        ],
        [{name: value for name, value in asdict(row).items() if name != "text"} for row in rows],
        "没有通知",
    )


def _result(row: OutboxRow) -> str:
    tries = f"（试 {row.attempts} 次）" if row.attempts > 1 else ""
    return OUTBOX_STATE_NAMES[row.state] + tries + (f"：{row.last_error}" if row.last_error else "")


def addressed(notice: Notice, channels: Sequence[Channel], office: Office) -> list[tuple[str, Notice]]:
    """The notice for each channel with the roles that it reaches there; ("", …) for roles that no channel reaches.

    Where all accounts of a role are away when the notice is to go out, their stand-ins' role is told in its place. A
    role that no channel reaches is told through the first of its stand-ins that one does. Who is on duty is said.
    """
    reached = {role for channel in channels for role in channel.roles}
    stand_ins = {role.id: role.stand_ins for role in office.roles}
    present = [role for told in notice.roles for role in office.reached_through(told, notice.not_before)]
    roles = [
        role if role in reached else next((other for other in stand_ins.get(role, ()) if other in reached), role)
        for role in present
    ]
    wanted = [(channel.id, [role for role in roles if role in channel.roles]) for channel in channels]
    wanted.append(("", [role for role in roles if role not in reached]))
    if duty := on_duty(office, notice.not_before):
        notice = replace(notice, message=Message(notice.message.subject, f"{notice.message.text}\n{duty.words}"))
    return [(name, replace(notice, roles=tuple(dict.fromkeys(told)))) for name, told in wanted if told]


def alert_notices(env: Env, now: datetime, rules: NotifyRules) -> list[Notice]:
    """Early warnings that are still fresh (graded.alerts); none where the table does not exist."""
    if "graded.alerts" not in env.contracts:
        return []
    oldest = now - timedelta(hours=rules.alert.fresh_hours)
    alerts = (
        env.lake.scan("graded.alerts", business_day(oldest), business_day(now))
        .filter(pl.col("as_of") <= now, pl.col("deliver_at") > oldest)
        .sort("as_of", "alert_id")
        .unique("alert_id", keep="first", maintain_order=True)
        .collect()
    )
    if alerts.is_empty():
        return []
    titles = _titles(env, business_day(now), alerts["issue_no"].drop_nulls().to_list())
    topics = {topic.id: topic.name for topic in env.settings.taxonomy().topics}
    first_due = {row["issue_no"]: row for row in reversed(_open_duties(stand_of(env, business_day(now), now)))}
    office = env.settings.office()
    found = []
    for row in alerts.iter_rows(named=True):
        due = first_due.get(row["issue_no"], {})
        place = "全县" if row["key"] == _WHOLE_COUNTY else row["key"]
        title = titles.get(row["issue_no"]) or (topics.get(row["topic"] or "") if row["topic"] else place)
        message = message_of(
            level=row["level"],
            news=_alert_news(row),
            title=title or row["key"],
            issue_no=row["issue_no"],
            duty=DUE_NAMES.get(due.get("duty", "")),
            due_at=due.get("end_at"),
            at=max(now, row["deliver_at"]),
            base_link=rules.base_link,
        )
        told = rules.alert.burst if row["issue_no"] is None else getattr(rules.alert, _on_scale(row["level"]))
        found.append(
            Notice(
                key=f"alert/{row['alert_id']}",
                kind="alert",
                issue_no=row["issue_no"],
                level=row["level"],
                stage=row["kind"],
                roles=_roles(told, due.get("next_role"), office, row["deliver_at"]),
                message=message,
                not_before=row["deliver_at"],
            )
        )
    return found


def duty_notices(env: Env, now: datetime, rules: NotifyRules) -> list[Notice]:
    """The step of the ladder on which each open duty stands now, and what else waits, where anybody is to be told.

    A duty is named by its due time, too: after an extension or a reopening it is told anew.
    """
    early, office = load_early_warning(env.settings.config), env.settings.office()
    stand = stand_of(env, business_day(now), now)
    duties = [(row, stage) for row in _open_duties(stand) if _is_told(row, stage := stage_of(row, now), rules)]
    others = waiting(env, stand, now, rules.remind)
    numbers = {row["issue_no"] for row, _ in duties} | {each.issue_no for each in others if each.issue_no}
    titles = _titles(env, business_day(now), sorted(numbers))
    found = [_duty_notice(row, stage, titles, early, office, now, rules) for row, stage in duties]
    found += [_reminder(each, titles, early, office, now, rules) for each in others]
    return [notice for notice in found if notice.roles]


def _duty_notice(
    row: dict[str, Any],
    stage: str,
    titles: dict[str, str],
    early: EarlyWarningRules,
    office: Office,
    now: datetime,
    rules: NotifyRules,
) -> Notice:
    name, level, end_at = row["duty"], row["level"], row["end_at"]
    not_before = now if _is_urgent(level, row["emergency_level"], early) else early.quiet.delivery(now)
    message = message_of(
        level=level,
        news=f"{DUE_NAMES[name]}{STAGE_NAMES[stage]}",
        title=titles.get(row["issue_no"], ""),
        issue_no=row["issue_no"],
        duty=DUE_NAMES[name],
        due_at=end_at,
        at=not_before,
        base_link=rules.base_link,
    )
    return Notice(
        key=f"duty/{row['issue_no']}/{level}/{name}/{stage}/{end_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        kind="duty",
        issue_no=row["issue_no"],
        level=level,
        stage=f"{name}/{stage}",
        roles=_roles(getattr(rules.duty, stage), row["next_role"], office, not_before),
        message=message,
        not_before=not_before,
    )


def _reminder(
    each: Waiting,
    titles: dict[str, str],
    early: EarlyWarningRules,
    office: Office,
    now: datetime,
    rules: NotifyRules,
) -> Notice:
    not_before = now if _is_urgent(each.level, each.emergency_level, early) else early.quiet.delivery(now)
    news = REMIND_NAMES[each.what]
    if each.level:
        message = message_of(
            level=each.level,
            news=news,
            title=titles.get(each.issue_no or "", ""),
            issue_no=each.issue_no,
            duty=each.due,
            due_at=each.due_at,
            at=not_before,
            base_link=rules.base_link,
        )
    else:
        title = plain_title(each.title or titles.get(each.issue_no or "", ""))
        link = f"{rules.base_link}/issues/{each.issue_no}" if each.issue_no else f"{rules.base_link}/"
        words = deadline_words(each.due, each.due_at, not_before)
        message = Message(f"【提醒】{news}：{title}", f"【提醒】{news}\n事项：{title}\n时限：{words}\n查看：{link}")
    return Notice(
        key=each.key,
        kind="duty",
        issue_no=each.issue_no,
        level=each.level,
        stage=each.step,
        roles=_roles(each.told, each.next_role, office, not_before),
        message=message,
        not_before=not_before,
    )


def _roles(told: Iterable[str], next_role: str | None, office: Office, at: datetime) -> tuple[str, ...]:
    """The roles that are told: `next` and `duty` replaced by whom they stand for, left out where that is nobody."""
    duty = on_duty(office, at)
    meant = {_NEXT: next_role, _ON_DUTY: duty.roles[0] if duty else None}
    return tuple(dict.fromkeys(role for name in told if (role := meant.get(name, name))))


def stage_of(row: dict[str, Any], at: datetime) -> str:
    """Step of the ladder of an open duty: `none`, `half`, `late`, `overdue`, `supervise`, `chief`.

    Args:
        row: a row of cases.due with `due_at`, which has the moments of all steps.
        at: moment.
    """
    end_at = row["extended_to"] or row["due_at"]
    return stage_at(Ladder(row["half_at"], row["late_at"], end_at, row["supervise_at"], row["chief_at"]), at)


def _is_told(row: dict[str, Any], stage: str, rules: NotifyRules) -> bool:
    if stage in ("half", "late"):
        lowest = rules.duty.half_and_late_from
        return row["emergency_level"] != "none" or _RANK.get(row["level"], 0) >= _RANK[lowest]
    return stage != "none"


def _is_urgent(level: str | None, emergency_level: str, early: EarlyWarningRules) -> bool:
    """What is told at night, too: from 重大 on, and with an emergency behind it, as early warnings are."""
    return emergency_level != "none" or _RANK.get(level or "", -1) >= _RANK[early.never_muted_from]


def _open_duties(stand: Stand) -> list[dict[str, Any]]:
    """Open duties with a due time, the first due first: rows of cases.due with level, emergency_level and `end_at`.

    `end_at` is the due time, or the one it was extended to.
    """
    return (
        stand.due.filter(pl.col("done_at").is_null(), pl.col("due_at").is_not_null())
        .join(stand.cases.select("issue_no", "level", "emergency_level"), on="issue_no")
        .with_columns(end_at=pl.coalesce("extended_to", "due_at"))
        .sort("end_at", "issue_no", "duty")
        .to_dicts()
    )


def _titles(env: Env, day: date, numbers: Sequence[str]) -> dict[str, str]:
    """Latest title of each issue."""
    if not numbers:
        return {}
    found = (
        env.lake.scan("graded.issues", day - LOOKBACK, day)
        .filter(pl.col("issue_no").is_in(list(numbers)))
        .select("day", "issue_no", "title")
        .collect()
        .sort("day")
        .unique("issue_no", keep="last")
    )
    return dict(found.select("issue_no", "title").iter_rows())


def _alert_news(row: dict[str, Any]) -> str:
    news, before, level = ALERT_NAMES[row["kind"]], row["level_before"], row["level"]
    if row["kind"] != "level":
        return news
    return f"{news}（{LEVEL_NAMES[before][0]}→{LEVEL_NAMES[level][0]}）" if before and level else "新增事项"


def _on_scale(level: str | None) -> str:
    return level if level in _RANK else "log_only"


def _running(now: datetime) -> Callable[[], datetime]:
    """A clock that starts at `now` and goes on."""
    started = perf_counter()
    return lambda: now + timedelta(seconds=perf_counter() - started)


def _refuse_in_replay(settings: Settings) -> None:
    if settings.as_of is not None:
        raise UsageError("CAIFENG_AS_OF fixes the clock: in a replay nothing is sent")


def _line(channel: str, roles: Sequence[str], not_before: datetime, subject: str) -> str:
    return f"{channel} → {','.join(roles)}  {not_before.astimezone(SHANGHAI):%m-%d %H:%M} 起  {subject}"
