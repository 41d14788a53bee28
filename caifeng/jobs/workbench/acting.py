"""What the forms do: decisions on cases, leads, and signed logs, each by an account in a role of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from caifeng.cases.machine import way_called
from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    Actor,
    ConflictError,
    Event,
    GuardError,
    OnBehalf,
    RoleError,
)
from caifeng.cases.service import Step
from caifeng.cases.ways import DECIDED
from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import CaifengError, UsageError
from caifeng.core.text.urls import canonical_url, is_web_url
from caifeng.jobs import case_actions
from caifeng.jobs.case_actions import BatchResult, act_steps
from caifeng.jobs.import_file import import_file
from caifeng.jobs.workbench.desk import Desk, read_stand, roles_of, ways_open
from caifeng.jobs.workbench.files import day_file
from caifeng.jobs.workbench.forms import payloads_of
from caifeng.jobs.workbench.issue import posts_of
from caifeng.jobs.workbench.logs import SIGNED_FILE


def do(
    desk: Desk,
    issue_no: str,
    event: str,
    user: str,
    role: str,
    payload: Mapping[str, Any],
    on_behalf: OnBehalf | None = None,
    expected: int | None = None,
) -> Event:
    """One decision on one case; arguments and errors as `service.act`, and the role must be the user's own.

    Raises:
        RoleError: the user does not hold the role.
    """
    step = Step(event, payload, on_behalf)
    return act_steps(desk.env, issue_no, [step], _actor(desk, user, role), expected=expected)[0]


def do_together(
    desk: Desk,
    issue_no: str,
    name: str,
    user: str,
    role: str,
    given: Mapping[str, str],
    on_behalf: OnBehalf | None = None,
    expected: int | None = None,
) -> list[Event]:
    """Everything that one form of several events says, or nothing of it (docs/clicks.md).

    Args:
        desk: where.
        issue_no: the issue.
        name: of the way.
        user: account.
        role: its role.
        given: inputs of the form by name.
        on_behalf: who approved on paper or by phone; the other events are the user's own.
        expected: number of events of the case that the person saw.

    Raises:
        GuardError: the way is not open now, no approval on paper is named where the way rests on one, or a guard of one
            of its events refuses.
        RoleError, ConflictError, UsageError: as `do`.
    """
    actor = _actor(desk, user, role)
    stand = read_stand(desk)
    if issue_no not in stand.rows:
        raise UsageError(f"没有这个事项：{issue_no}")
    way = way_called(name)
    left = ways_open(stand, issue_no, desk.rules()).get(name)
    if way is None or left is None:
        raise GuardError("state", f"现在不能{way.label if way else name}，请刷新后再办")
    if way.is_on_paper and on_behalf is None:
        raise GuardError(
            "on_behalf", "请填写谁在报审单上批准、何时批准，并附扫描件；没有书面批准的，用“登记结论并报审”"
        )
    steps = [
        Step(event, payload, on_behalf if event in DECIDED else None)
        for event, payload in payloads_of(way, left, given).items()
    ]
    return act_steps(desk.env, issue_no, steps, actor, expected=expected)


def do_each(desk: Desk, user: str, role: str, chosen: Iterable[tuple[str, int, Step]]) -> BatchResult:
    """The same decision on several cases; each case for itself.

    Args:
        desk: where.
        user: account.
        role: its role.
        chosen: issue number, the number of events that the person saw, and the decision.
    """
    actor = _actor(desk, user, role)
    done, refused = list[Event](), dict[str, str]()
    for number, seen, step in chosen:
        try:
            done += act_steps(desk.env, number, [step], actor, expected=seen)
        except CaifengError as error:
            refused[number] = str(error)
    return BatchResult(done, refused)


def correct(
    desk: Desk,
    issue_no: str,
    user: str,
    role: str,
    posts: Sequence[str] | None,
    topic: str = "",
    stance: str = "",
    reason: str = "",
) -> int:
    """Correct topic or stance of posts of an issue: one label for each, all of them or none.

    Args:
        desk: where.
        issue_no: the issue.
        user: account.
        role: its role.
        posts: which of its posts; null: all of them.
        topic: what they are about; empty: as it is.
        stance: how they speak; empty: as it is.
        reason: free words.

    Returns:
        Posts labelled.

    Raises:
        RoleError: the user does not hold the role, or the role may not do this.
        GuardError: neither topic nor stance is given, or no post is ticked.
        UsageError: no such topic, or a post is not one of the issue.
    """
    actor = _actor(desk, user, role)
    known = posts_of(desk, issue_no)
    chosen = list(dict.fromkeys(known if posts is None else posts))
    if not chosen:
        raise GuardError("payload", "请在“传播”表中勾选帖文，或选“整个事项的全部帖文”")
    if foreign := set(chosen) - set(known):
        raise UsageError(f"不是 {issue_no} 的帖文：{'、'.join(sorted(foreign))}")
    if topic and topic not in {known_topic.id for known_topic in desk.settings.taxonomy().topics}:
        raise UsageError(f"没有这个领域：{topic}")
    said = {name: value for name, value in (("topic", topic), ("stance", stance), ("reason", reason.strip())) if value}
    return len(act_steps(desk.env, None, [Step("label", {"post_id": post, **said}) for post in chosen], actor))


def agree(desk: Desk, user: str, role: str, chosen: Iterable[tuple[str, str, int]]) -> BatchResult:
    """Agree to suggested levels; each case for itself, so that one refusal does not hold up the others.

    Args:
        desk: where.
        user: account.
        role: its role.
        chosen: issue number, the suggested level and the number of events that the person saw.
    """
    actor = _actor(desk, user, role)
    stand = read_stand(desk)
    current, stale = list[str](), dict[str, str]()
    for number, level, seen in chosen:
        row = stand.rows.get(number)
        if row is None or row["system_level"] != level:
            stale[number] = "系统建议已更新，请重新查看"
        elif row["events"] != seen:
            stale[number] = "已由他人处理"
        else:
            current.append(number)
    result = case_actions.agree(desk.env, current, actor)
    return BatchResult(result.done, {**result.refused, **stale})


def add_lead(desk: Desk, user: str, role: str, title: str, text: str, url: str, source: str) -> str:
    """Register a lead and land it in the office's own inbox, if one is configured; says in words what became of it.

    Raises:
        GuardError: neither title, text nor link is given, or the link is none.
    """
    title, text, url = title.strip(), text.strip(), url.strip()
    if url and not is_web_url(url):
        raise GuardError("payload", "链接：须以 http:// 或 https:// 开头")
    headline = title or (text.splitlines()[0][:40] if text else "") or url
    if not headline:
        raise GuardError("payload", "请粘贴链接，或写下内容")
    payload = {"title": headline, "source": source.strip() or "其他"}
    payload |= {name: value for name, value in (("url", canonical_url(url) if url else ""), ("text", text)) if value}
    event = act_steps(desk.env, None, [Step("new_lead", payload)], _actor(desk, user, role))[0]
    inbox = next(
        (s for s in desk.settings.sources().usable if s.family == "inbox" and s.source_class == "manual"), None
    )
    if inbox is None:
        return "线索已登记。没有启用“人工登记”来源，未进入采集，请联系管理员启用。"
    columns = inbox.columns.model_dump() if inbox.columns else {}
    values = {
        "title": event.payload["title"],
        "text": event.payload.get("text") or event.payload["title"],
        "published_at": f"{desk.env.now().astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
        "url": event.payload.get("url"),
    }
    line = {}
    for name, heads in columns.items():
        if heads and values.get(name):
            line[heads if isinstance(heads, str) else heads[0]] = values[name]
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"lead-{event.position}.jsonl"
        file.write_text(json.dumps(line, ensure_ascii=False) + "\n", "utf8")
        report = import_file(desk.env, file, inbox.id)
    landed = report.posts or report.repeated
    return "线索已登记，下一次整理后列入新事项。" if landed else "线索已登记，但未能进入采集：" + report.words()


def sign_log(desk: Desk, user: str, role: str, day: str, file_hash: str) -> Event:
    """Sign the log of a day as the person saw it.

    Raises:
        ConflictError: the file was written anew since then.
        UsageError: there is no log of that day.
    """
    actor = _actor(desk, user, role)
    current = sha256(day_file(desk, day, SIGNED_FILE).read_bytes()).hexdigest()
    if current != file_hash:
        raise ConflictError("日志已重新生成，请核对新文件后再签发")
    return act_steps(desk.env, None, [Step("log_signed", {"day": day, "file_hash": file_hash})], actor)[0]


def _actor(desk: Desk, user: str, role: str) -> Actor:
    if role not in roles_of(user, desk.settings.office(), desk.env.now()):
        raise RoleError(f"账号 {user} 不能以“{CASE_ROLE_NAMES.get(role, role)}”的身份办理")
    return Actor(role, user)
