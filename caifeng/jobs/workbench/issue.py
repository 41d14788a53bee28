"""One issue with everything a person needs to decide: facts, steps, grade, posts, duties, history and forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from caifeng.cases.corrections import facts_in_force
from caifeng.cases.machine import FIELDS, NextStep, transition
from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    LABELS,
    MEDIUM_NAMES,
    OUTCOME_NAMES,
    STATE_NAMES,
    Case,
    Event,
)
from caifeng.cases.service import REGISTRAR
from caifeng.core.errors import UsageError
from caifeng.core.model.grading import FACTOR_NAMES, OVERRIDE_NAMES
from caifeng.core.model.terms import LEVEL_NAMES, RESPONSE_NAMES, STANCE_NAMES, WHISTLE_BLOWING
from caifeng.jobs.workbench.desk import (
    Action,
    Desk,
    Due,
    action_of,
    dues_of,
    is_sample,
    next_step_of,
    read_stand,
    short_time,
)
from caifeng.jobs.workbench.evidence import MEASURE_NAMES, MeasureLine, evidence_of
from caifeng.jobs.workbench.forms import LABELS as FIELD_LABELS
from caifeng.jobs.workbench.forms import Form, forms_of, shown_value
from caifeng.jobs.workbench.levels import Levels, levels_of
from caifeng.jobs.workbench.outside import Block, Effect, FoundAnswer, beside, effect, filled_in, found_answers
from caifeng.reports import words
from transforms.grade.explain import ExplanationRow, explanation_table
from transforms.grade.factors import ATTENTION
from transforms.understand.issues import latest_links


@dataclass(frozen=True)
class FactorLine:
    """One of the five factors: points, weight, and what it adds to the total."""

    name: str
    points: float
    weight: str
    contribution: str
    why: str


@dataclass(frozen=True)
class Why:
    """The grade as it re-adds."""

    factors: tuple[FactorLine, ...]
    total: float
    by_score: str
    overrides: tuple[tuple[str, str, str], ...]
    """Number, words and basis of each that fired."""
    coverage: int
    """Known ones of the four measures of attention."""
    unknown: tuple[str, ...]
    """The others, in words."""
    needs_review: bool
    evidence: tuple[MeasureLine, ...]
    rule_version: str
    as_of: datetime
    table: tuple[ExplanationRow, ...]
    """The whole computation; empty where its rules are no longer configured."""


@dataclass(frozen=True)
class Post:
    """A post of the issue."""

    at: datetime | None
    precision: str
    source: str
    title: str
    url: str | None
    """Null unless a reader may follow it."""
    relation: str
    post_id: str
    judged: str
    """Topic and stance by the rules."""
    corrected: str
    """What a person last said of it, who and when; empty: nothing."""


@dataclass(frozen=True)
class Past:
    """One line of the history."""

    sequence: int
    """Place within the case, as evidence refers to it."""

    at: datetime
    label: str
    who: str
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class IssuePage:
    """An issue with everything a person needs to decide."""

    issue_no: str
    title: str
    level: str | None
    confirmed: bool
    state: str
    summary: str
    levels: Levels
    sequence: int
    is_open: bool
    facts: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str, str], ...]
    """Name, done|now|todo, words."""
    why: Why | None
    spread: str
    posts: tuple[Post, ...]
    dues: tuple[Due, ...]
    history: tuple[Past, ...]
    answer_text: str
    """The answer in the making, as last drafted; empty: none."""
    found: Block[tuple[FoundAnswer, ...]]
    """What was published that may be the answer."""
    effect: Block[Effect | None]
    """What changed around the first response."""
    next: Action | None
    forms: tuple[Form, ...]
    """What this user may do, the next step first."""
    advice: tuple[str, ...]
    """What the law or the office's own rules want said beside the forms."""
    is_sample: bool

    @property
    def numbers(self) -> dict[str, int]:
        """Post id -> its number in the list of posts."""
        return {post.post_id: number for number, post in enumerate(self.posts, start=1)}


def issue_page(
    desk: Desk, issue_no: str, roles: Sequence[str], wanted: str | None = None, answer: str = ""
) -> IssuePage:
    """An issue as a user sees it.

    Args:
        desk: where to read.
        issue_no: its number.
        roles: roles of the user.
        wanted: event whose form is to come first.
        answer: post that was found as the answer and fills in the form of the final answer; empty: none.

    Raises:
        UsageError: no such issue.
    """
    stand = read_stand(desk)
    row = stand.rows.get(issue_no)
    if row is None:
        raise UsageError(f"没有这个事项：{issue_no}")
    logged = stand.issues.filter(issue_no=issue_no).row(0, named=True)
    events = desk.register.events(issue_no)
    case = stand.cases.get(issue_no, Case(issue_no))
    dues = dues_of(stand, issue_no)
    rules = desk.rules()
    step = next_step_of(stand, issue_no, rules)
    if not case.is_open:
        step = next((NextStep(d.duty, REGISTRAR) for d in dues if d.duty == "refer" and d.stage != "done"), None)
    units = desk.unit_names()
    said = _facts_said(desk, issue_no, units)
    grades = desk.read("graded.issue_grades").filter(issue_no=issue_no).sort("as_of", "rule_version").to_dicts()
    known = {**_suggested(grades[-1] if grades else {}), **said}
    forms = forms_of(desk, stand, issue_no, roles, wanted or (step.event if step and not case.is_open else ""), known)
    found = beside(lambda: found_answers(desk, case, forms))
    return IssuePage(
        issue_no=issue_no,
        title=words.printable(logged["title"]),
        level=row["level"],
        confirmed=case.level is not None,
        state=STATE_NAMES[row["state"]],
        summary=words.printable(logged["summary"]) if logged["summary"] else "",
        levels=levels_of(desk, issue_no, row, grades, events),
        sequence=case.sequence,
        is_open=row["is_open"],
        facts=(*_facts(logged, row, units), *((FIELDS[name].label, words) for name, words in said.items())),
        steps=_steps(case, row, events, dues, step),
        why=_why(desk, grades[-1]) if grades else None,
        spread=words.spread(logged),
        posts=_posts(desk, issue_no),
        dues=tuple(dues),
        history=tuple(_past(event, units) for event in reversed(events)),
        answer_text=answer_text(case, events),
        found=found,
        effect=beside(lambda: effect(desk, issue_no)),
        next=action_of(step),
        forms=filled_in(forms, found.held or (), answer),
        advice=((WHISTLE_BLOWING,) if row["bureau_accused"] else ()) + rules.switched_off,
        is_sample=is_sample(desk),
    )


def _facts(logged: Mapping[str, Any], row: Mapping[str, Any], units: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = [
        ("发现", words.local_time(row["detected_at"])),
        ("首发", f"{words.printable(logged['source_name'])} {words.local_time(logged['first_published_at'])}"),
        ("领域", words.printable(logged["topic_name"])),
        ("回应", RESPONSE_NAMES.get(row["response_value"] or "", words.UNKNOWN)),
        ("承办", units.get(row["unit"] or "", "未交办") + f"（建议 {words.printable(logged['owner_unit'])}）"),
    ]
    if logged["competent_body"]:
        pairs.append(("数据归口", words.printable(logged["competent_body"])))
    if row["accused_unit"]:
        pairs.append(("被反映股室", units.get(row["accused_unit"], row["accused_unit"]) + "（回避核查）"))
    if row["outcome"]:
        pairs.append(("核查结论", OUTCOME_NAMES[row["outcome"]]))
    if row["parent"]:
        pairs.append(("并入", row["parent"]))
    return tuple(pairs)


def _steps(
    case: Case, row: Mapping[str, Any], events: Sequence[Event], dues: Sequence[Due], step: NextStep | None
) -> tuple[tuple[str, str, str], ...]:
    last = {event.name: event.decided_at for event in events}
    if row["state"] in ("logged_only", "duplicate", "out_of_scope"):
        at = short_time(case.last_event_at)
        return (("发现", "done", short_time(row["detected_at"])), (STATE_NAMES[row["state"]], "done", at))
    line = [
        ("confirm", "确认", case.confirmed_at),
        ("assign", "交办", last.get("assign") if case.unit else None),
        ("verify", "核查", case.verified_at if case.outcome else None),
        ("draft", "拟稿", last.get("draft") if case.answer != "none" or case.final_published_at else None),
        ("submit", "报审", last.get("submit") if case.answer in ("in_review", "approved") else case.final_published_at),
        ("approve", "审批", last.get("approve") if case.answer == "approved" else case.final_published_at),
        ("publish", "公开回应", case.final_published_at),
    ]
    if case.outcome in ("true", "partly_true"):
        line.append(("result_notice", "通报结果", case.result_notice_at))
    line.append(("close", "办结", case.closed_at))
    late = {due.duty: due.words for due in dues if due.stage == "overdue"}
    shown = [("发现", "done", short_time(row["detected_at"]))]
    for event, name, done_at in line:
        if done_at is not None and not (step and step.event == event):
            shown.append((name, "done", short_time(done_at)))
        else:
            now = step is not None and step.event == event
            shown.append((name, "now" if now else "todo", late.get(event, "") if now else ""))
    return tuple(shown)


def _facts_said(desk: Desk, issue_no: str, units: Mapping[str, str]) -> dict[str, str]:
    """What people registered of the facts that no post shows, in force: field -> value, role and time in words."""
    return {
        said.field: f"{shown_value(said.field, said.value, units)}（{CASE_ROLE_NAMES.get(said.role, said.role)} "
        f"{short_time(said.at)}）"
        for said in facts_in_force(desk.register.events())
        if said.issue_no == issue_no
    }


def _suggested(grade: Mapping[str, Any]) -> dict[str, str]:
    """What the rules suggest of facts that people confirm."""
    suggested = {"key_category": "key_category" in grade.get("flags", ()), "sensitive": grade.get("sensitive")}
    return {name: "规则建议为是，未确认" for name, holds in suggested.items() if holds}


def _why(desk: Desk, grade: Mapping[str, Any]) -> Why:
    rules = desk.settings.grading_version(grade["rule_version"])
    table: list[ExplanationRow] = []
    if rules:
        topic = next((t.name for t in desk.settings.taxonomy().topics if t.id == grade["topic"]), None)
        table = explanation_table(grade, rules, topic)
    basis = {row.measure: row.basis for row in table}
    unknown = tuple(MEASURE_NAMES[name] for name in ATTENTION if grade[name] is None)
    return Why(
        factors=_factors(grade, table),
        total=grade["total"],
        by_score=LEVEL_NAMES[grade["level_by_score"]][0],
        overrides=tuple(
            (o, OVERRIDE_NAMES[o], basis.get(f"触发{o}", "").removeprefix(f"{OVERRIDE_NAMES[o]}；"))
            for o in grade["overrides"]
        ),
        coverage=len(ATTENTION) - len(unknown),
        unknown=unknown,
        needs_review=grade["needs_review"],
        evidence=evidence_of(desk, grade),
        rule_version=grade["rule_version"],
        as_of=grade["as_of"],
        table=tuple(table),
    )


def _factors(grade: Mapping[str, Any], table: Sequence[ExplanationRow]) -> tuple[FactorLine, ...]:
    """The five lines that add up to the total; what each rests on is what the table lists before its sum."""
    heads = {f"{name} {factor}": factor for factor, (_, name) in FACTOR_NAMES.items()}
    found, parts = {}, list[str]()
    for line in table:
        if line.measure in heads:
            factor = heads[line.measure]
            found[factor] = FactorLine(
                FACTOR_NAMES[factor][1], grade[factor], line.weight, line.contribution, "，".join(parts)
            )
            parts = []
        else:
            value = "" if line.value in ("", "是") else f" {line.value}"
            points = f"（{float(line.points):g} 分）" if line.points[:1].isdigit() else ""
            parts.append(f"{line.measure}{value}{points}")
    return tuple(
        found.get(factor)
        or FactorLine(name, grade[factor], words.UNKNOWN, words.UNKNOWN, "" if table else "所用规则版本已不在配置中")
        for factor, (_, name) in FACTOR_NAMES.items()
    )


def posts_of(desk: Desk, issue_no: str) -> tuple[str, ...]:
    """Ids of the published posts of an issue."""
    return tuple(latest_links(desk.read("graded.issue_posts")).filter(issue_no=issue_no)["post_id"].sort())


def _posts(desk: Desk, issue_no: str) -> tuple[Post, ...]:
    links = latest_links(desk.read("graded.issue_posts")).filter(issue_no=issue_no)
    posts = (
        desk.read("graded.posts")
        .unique("post_id", keep="last")
        .join(links.select("post_id", "group_id"), on="post_id")
        .sort(pl.coalesce("published_at", "first_fetched_at"), "post_id")
    )
    topics = {topic.id: topic.name for topic in desk.settings.taxonomy().topics}
    labels = desk.register.events(LABELS)
    seen: set[str] = set()
    found = []
    for post in posts.iter_rows(named=True):
        relation = "转载" if post["group_id"] in seen else "相关" if seen else "首发"
        seen.add(post["group_id"])
        found.append(
            Post(
                post["published_at"],
                post["published_precision"],
                words.printable(post["source_name"]),
                words.printable(post["title"]),
                words.safe_url(post["url"]),
                relation,
                post["post_id"],
                f"{topics.get(post['topic'], post['topic'])}，{STANCE_NAMES[post['stance']]}",
                _corrected([e for e in labels if e.codes["post_id"] == post["post_id"]], topics),
            )
        )
    return tuple(found)


def _corrected(labels: Sequence[Event], topics: Mapping[str, str]) -> str:
    said = {name: (label.codes[name], label) for label in labels for name in ("topic", "stance") if name in label.codes}
    names: dict[str, Mapping[str, str]] = {"topic": topics, "stance": STANCE_NAMES}
    return "，".join(
        f"{names[name].get(code, code)}（{CASE_ROLE_NAMES.get(label.role, label.role)} {short_time(label.decided_at)}）"
        for name, (code, label) in said.items()
    )


def _past(event: Event, units: Mapping[str, str]) -> Past:
    row = transition(event.name, event.payload)
    details = []
    for name, value in event.payload.items():
        if name == "suggested_level":
            continue
        details.append((FIELD_LABELS.get((event.name, name), FIELDS[name].label), shown_value(name, value, units)))
    who = CASE_ROLE_NAMES.get(event.role, event.role)
    if event.on_behalf:
        medium = MEDIUM_NAMES[event.on_behalf.medium]
        who += f"（{medium}，{short_time(event.on_behalf.decided_at)} 决定，{CASE_ROLE_NAMES[event.actor_role]}代登）"
    return Past(event.sequence, event.at, row.label if row else event.name, who, tuple(details))


def answer_text(case: Case, events: Sequence[Event]) -> str:
    """The answer in the making, as last drafted; empty: none."""
    if case.answer == "none":
        return ""
    drafts = [event.payload.get("text", "") for event in events if event.name == "draft"]
    return drafts[-1] if drafts else ""
