"""The forms of an issue: which ones a user gets, and what they sent as the payload of an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from caifeng.cases.machine import FIELDS, TABLE, Transition, Way, allowed, transition, way_called
from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    CLAIM_TYPES,
    FINDINGS,
    FORM_NAMES,
    HAND_OFF_MEDIUM_NAMES,
    KIND_NAMES,
    LOG_REASON_NAMES,
    OUTCOME_NAMES,
    RECIPIENT_NAMES,
    SCOPE_REASON_NAMES,
    Case,
    GuardError,
    OnBehalf,
)
from caifeng.cases.service import REGISTRAR
from caifeng.cases.ways import DECIDED
from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import UsageError
from caifeng.core.model.deadlines import CHANNEL_NAMES
from caifeng.core.model.terms import RESPONSE_NAMES, ROLE_NAMES, STANCE_NAMES
from caifeng.jobs.workbench.desk import Desk, Stand, label_of, next_step_of, short_time, ways_open
from caifeng.reports import words

#: They sit before the screen themselves; nobody registers for them.
_AT_DESK = ("monitor", "openness_office")
_CLAIM_LINES = 3
#: Registers what only a person can know of an issue.
SET_FACTS = "set_facts"
#: A form that asks more than this at once is laid out wide and in groups: our choice of layout, no rule.
_LONG_FIELDS = 8
_LABEL_FIELDS = ("topic", "stance", "reason")
#: Optional fields that are often filled in.
_IN_FRONT = ("reason", "text", "url", "place", "claims", "index_no", "published_at", "parent")
#: Words that fit better than the general ones.
LABELS = {
    ("approve", "text"): "批示意见",
    ("verify", "basis"): "依据（文件、台账、口径）",
    ("draft", "text"): "口径全文",
    ("publish", "published_at"): "发布时间（不填为现在）",
    ("verify", "suggestion"): "含意见建议（须登记采纳情况）",
    ("close", "reason"): "说明",
    ("new_lead", "text"): "内容",
}
_HINTS = {
    ("confirm", "reason"): "改动系统建议的级别时必填，不少于 10 个字",
    ("change_level", "reason"): "不少于 10 个字",
    ("reopen", "reason"): "不少于 10 个字",
    ("publish", "url"): "链接和发布渠道至少填一项",
    ("result_notice", "url"): "链接和发布渠道至少填一项",
    ("duplicate", "parent"): "并入哪个事项，如 YQ-2026-0001",
    ("merge", "parent"): "并入哪个事项，如 YQ-2026-0001；本事项编号成为其别名",
    ("split", "posts"): "在“传播”表中勾选要分出的帖文；转载随首发一同分出",
    ("split", "parent"): "不填则另立新事项",
    ("set_facts", "emergency_level"): "以应急管理部门认定为准",
    ("set_facts", "reason"): "依据什么（文件、批示、来电），不少于 10 个字",
    ("label", "topic"): "当天采集的帖文下次整理时照此归类；此前各日不改写，只记入人机一致统计",
    ("label", "stance"): "记入人机一致统计，不改写系统判定",
}


@dataclass(frozen=True)
class FormField:
    """One input of a form."""

    name: str
    label: str
    kind: str
    """As `machine.Field.kind`; `code` and some ids have options."""
    required: bool
    options: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    value: str = ""
    """Filled in beforehand."""
    empty: str = "不填"
    """Words of the choice that says nothing."""
    is_aside: bool = False
    """Behind 更多: seldom needed."""
    group: str = ""
    """Step of the duty that asks for it, in words; empty where the form is of one step."""


@dataclass(frozen=True)
class Form:
    """The form of one event, for one user."""

    event: str
    label: str
    fields: tuple[FormField, ...]
    hidden: tuple[tuple[str, str], ...]
    roles: tuple[tuple[str, str], ...]
    """Roles in which the user may do it; empty: only on behalf."""
    behalf: tuple[tuple[str, str], ...]
    """Roles whose decision the user may register; empty: none."""
    path: str = ""
    """Where it is sent, below the address of the issue."""
    is_on_paper: bool = False
    """It registers what was approved on a signed paper, which has to be named."""

    @property
    def groups(self) -> tuple[tuple[str, tuple[FormField, ...]], ...]:
        """What is asked at once (nothing behind 更多), by step, in the order of the steps."""
        shown = [field for field in self.fields if not field.is_aside]
        names = dict.fromkeys(field.group for field in shown)
        return tuple((name, tuple(field for field in shown if field.group == name)) for name in names)

    @property
    def is_long(self) -> bool:
        """It asks too much for the side of the page."""
        return sum(len(fields) for _, fields in self.groups) > _LONG_FIELDS

    @property
    def picks_posts(self) -> bool:
        """Posts of the issue are ticked for it."""
        return any(field.name == "posts" for field in self.fields)


def _options(name: str, units: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    names: dict[str, Mapping[str, str]] = {
        "level": {level: words.level_text(level) for level in words.LEVELS_ON_PAPER},
        "response_value": RESPONSE_NAMES,
        "emergency_level": {
            "none": "不是突发事件", "general": "一般", "larger": "较大", "major": "重大", "extreme": "特别重大",
        },
        "channel": CHANNEL_NAMES,
        "log_reason": LOG_REASON_NAMES,
        "scope_reason": SCOPE_REASON_NAMES,
        "outcome": OUTCOME_NAMES,
        "kind": KIND_NAMES,
        "form": FORM_NAMES,
        "recipient": RECIPIENT_NAMES,
        "report_to": ROLE_NAMES,
        "medium": HAND_OFF_MEDIUM_NAMES,
        "unit": units,
        "accused_unit": units,
        "stance": STANCE_NAMES,
    }  # fmt: skip
    known = FIELDS[name].names if name in FIELDS else {}
    return tuple(names.get(name, known).items())


def forms_of(
    desk: Desk,
    stand: Stand,
    issue_no: str,
    roles: Sequence[str],
    first: str,
    said: Mapping[str, str],
) -> tuple[Form, ...]:
    """The forms of everything that this user may do now, by own right or on behalf; the wanted one first.

    Args:
        desk: where to read.
        stand: where every issue stands.
        issue_no: the issue.
        roles: roles of the user.
        first: event or way whose form is wanted; empty: the next step, by the way that says most of it at once.
        said: what was last registered of the fields of `set_facts`, in words, to be shown beside them.
    """
    row = stand.rows[issue_no]
    case = stand.cases.get(issue_no, Case(issue_no))
    rules = desk.rules()
    units = desk.unit_names()
    likely = _likely(stand, issue_no, units)
    step = next_step_of(stand, issue_no, rules)
    ways = ways_open(stand, issue_no, rules)
    if not first and step:
        first = next((name for name in ways_for(ways, roles) if step.event in ways[name]), step.event)
    by_right = {entry: [role for role in roles if entry in allowed(case, role)] for entry in TABLE}
    found = []
    for entry in TABLE:
        decided_elsewhere: tuple[str, ...] = ()
        if REGISTRAR in roles:
            decided_elsewhere = tuple(
                role for role in entry.roles if role not in _AT_DESK and entry in allowed(case, role)
            )
        own = by_right[entry]
        if not own and not decided_elsewhere:
            continue
        hidden = []
        if entry.kind:
            hidden.append(("kind", entry.kind))
        fields = tuple(
            _field(entry, name, _options(name, units), said, likely.get((entry.event, name), ""))
            for name in _in_order(entry)
            if name not in ("suggested_level", *dict(hidden))
        )
        ordered = sorted(own, key=lambda role: role != (step.role if step and step.event == entry.event else own[0]))
        found.append(
            Form(
                entry.event,
                label_of(entry) if entry.event != "approve" else "同意",
                fields,
                tuple(hidden),
                tuple((role, CASE_ROLE_NAMES[role]) for role in ordered),
                tuple((role, CASE_ROLE_NAMES[role]) for role in decided_elsewhere),
            )
        )
    several = [_way_form(name, ways[name], roles, units, likely, row["system_level"]) for name in ways_for(ways, roles)]
    return tuple(sorted((*several, *found, *_label_forms(desk, roles)), key=lambda form: form.event != first))


def _likely(stand: Stand, issue_no: str, units: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """What is filled in beforehand, by event and field: what the rules suggest."""
    logged = stand.issues.filter(issue_no=issue_no).row(0, named=True)
    owner = next((id for id, name in units.items() if name == logged["owner_unit"]), "")
    return {
        ("confirm", "level"): stand.rows[issue_no]["system_level"] or "",
        ("assign", "unit"): owner,
        ("verify", "suggestion"): "yes" if logged["stance"] == "suggestion" else "",
    }


def ways_for(ways: Mapping[str, Sequence[str]], roles: Sequence[str]) -> tuple[str, ...]:
    """Names of the open ways (`desk.ways_open`) that an account may take, by own right or as registrar."""
    return tuple(name for name, left in ways.items() if _own_roles(name, left, roles) or _registers(left, roles))


def _own_roles(name: str, left: Sequence[str], roles: Sequence[str]) -> list[str]:
    """Roles of an account that may cause all events of a way, apart from what a leader decided on paper."""
    way = way_called(name)
    if way is None or way.is_on_paper:
        return [REGISTRAR] if _registers(left, roles) else []
    return [role for role in roles if all(role in _row(event).roles for event in left)]


def _registers(left: Sequence[str], roles: Sequence[str]) -> bool:
    """The account may register what a leader decided of these events, and cause the others itself."""
    others = [event for event in left if event not in DECIDED]
    return REGISTRAR in roles and len(others) < len(left) and all(REGISTRAR in _row(event).roles for event in others)


def _way_form(
    name: str,
    left: Sequence[str],
    roles: Sequence[str],
    units: Mapping[str, str],
    likely: Mapping[tuple[str, str], str],
    level: str | None,
) -> Form:
    """The form of a way: what its remaining events ask, one after the other."""
    way = way_called(name)
    assert way is not None
    asked = [(event, field) for event, names in way.asks if event in left for field in names]
    fields = tuple(
        replace(
            _field(_row(event), field, _options(field, units), {}, likely.get((event, field), "")),
            group=label_of(_row(event)),
        )
        for event, field in asked
    )
    hidden = (("level", level),) if level and "confirm" in left and ("confirm", "level") not in asked else ()
    deciders = _row("approve").roles if _registers(left, roles) else ()
    return Form(
        way.name,
        way.label,
        fields,
        hidden,
        tuple((role, CASE_ROLE_NAMES[role]) for role in _own_roles(name, left, roles)),
        tuple((role, CASE_ROLE_NAMES[role]) for role in deciders),
        "/together",
        way.is_on_paper,
    )


def _row(event: str) -> Transition:
    return next(row for row in TABLE if row.event == event and row.kind in (None, "final"))


def payloads_of(way: Way, left: Sequence[str], given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The payload of each remaining event of a way from the inputs of its form, in the order of the events."""
    found = {}
    for event, names in way.asks:
        if event in left:
            extra = {"confirm": ("level",), "draft": ("kind",), "publish": ("kind",)}.get(event, ())
            found[event] = _parsed((*names, *(name for name in extra if name not in names)), {**given, "kind": "final"})
    return found


def _in_order(entry: Transition) -> tuple[str, ...]:
    """Fields as a person fills them in: what is needed first, but why something was set after what was set."""
    fields = (*entry.required, *entry.optional)
    return tuple(sorted(fields, key=lambda name: name == "reason")) if entry.event == SET_FACTS else fields


def _field(
    entry: Transition, name: str, options: tuple[tuple[str, str], ...], said: Mapping[str, str], value: str = ""
) -> FormField:
    required = name in entry.required
    hint = _HINTS.get((entry.event, name), "")
    if entry.event == SET_FACTS and name != "reason":
        hint = "；".join(part for part in (f"现为：{said.get(name, '未登记')}", hint) if part)
    return FormField(
        name,
        LABELS.get((entry.event, name), FIELDS[name].label),
        FIELDS[name].kind,
        required,
        options,
        hint,
        value,
        "不变" if entry.event in (SET_FACTS, "change_level", "label") else "不填",
        not required and not value and entry.event != SET_FACTS and name not in _IN_FRONT,
    )


def _label_forms(desk: Desk, roles: Sequence[str]) -> tuple[Form, ...]:
    """更正领域、立场 of posts of the issue: events of no case, so no state of it forbids them."""
    entry = next(row for row in TABLE if row.event == "label")
    own = tuple((role, CASE_ROLE_NAMES[role]) for role in roles if role in entry.roles)
    if not own:
        return ()
    scopes = (("ticked", "勾选的帖文"), ("all", "整个事项的全部帖文"))
    names = {
        "topic": tuple((topic.id, topic.name) for topic in desk.settings.taxonomy().topics),
        "stance": tuple(STANCE_NAMES.items()),
    }
    fields = (
        FormField("posts", "更正哪些帖文", "ids", True, hint="在“传播”表中勾选"),
        FormField("whole", "范围", "code", True, scopes, value="ticked"),
        *(replace(_field(entry, name, names.get(name, ()), {}), is_aside=False) for name in _LABEL_FIELDS),
    )
    return (Form("label", "更正领域、立场", fields, (), own, (), "/labels"),)


def shown_value(name: str, value: Any, units: Mapping[str, str]) -> str:
    """A payload value in words."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if name == "claims":
        return "；".join(
            f"{claim['text']}（{CLAIM_TYPES[claim['type']]}，{FINDINGS[claim['finding']]}）" for claim in value
        )
    if FIELDS[name].kind in ("ids", "codes"):
        if name == "posts":
            return f"{len(value)} 条"
        known = dict(_options(name, units))
        return "、".join(words.printable(known.get(one, str(one))) for one in value)
    if FIELDS[name].kind == "time":
        return short_time(datetime.fromisoformat(value))
    return words.printable(dict(_options(name, units)).get(value, str(value)))


def payload_of(event: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The payload of an event from the inputs of its form; empty ones are left out.

    Args:
        event: name of the event.
        given: inputs by name; times as 2026-11-22T18:00 in Beijing time, flags as yes or no; of the n-th claim
            `claim_n_text`, `claim_n_type`, `claim_n_finding`, `claim_n_evidence`.
    """
    row = transition(event, given)
    if row is None:
        raise UsageError(f"没有这种操作：{event}")
    return _parsed((*row.required, *row.optional), given)


def _parsed(names: Sequence[str], given: Mapping[str, str]) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    for name in names:
        value = given.get(name, "").strip()
        kind = FIELDS[name].kind
        if kind == "claims":
            if claims := _claims(given):
                payload[name] = claims
        elif value:
            payload[name] = _parse_input(kind, value)
    return payload


def _parse_input(kind: str, value: str) -> Any:
    if kind == "flag":
        return value == "yes"
    if kind == "time":
        at = parse_local(value)
        return at.isoformat() if at else value
    return value.replace("\r\n", "\n")


def _claims(given: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for number in range(1, _CLAIM_LINES + 1):
        if text := given.get(f"claim_{number}_text", "").strip():
            evidence = given.get(f"claim_{number}_evidence", "").strip()
            found.append(
                {
                    "text": text,
                    "type": given.get(f"claim_{number}_type", ""),
                    "finding": given.get(f"claim_{number}_finding", ""),
                    "evidence": [evidence] if evidence else [],
                }
            )
    return found


def parse_local(value: str) -> datetime | None:
    """A time as a browser sends it, taken as Beijing time unless it says otherwise; null if it is none."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def parse_choice(value: str) -> tuple[str, str, int]:
    """A ticked box of the batch: `number|level|events seen`."""
    number, _, rest = value.partition("|")
    level, _, seen = rest.partition("|")
    return number, level, parse_seen(seen) or 0


def parse_seen(value: str | None) -> int | None:
    """Number of events that a form has seen; null where it does not say."""
    return int(value) if value and value.isdecimal() else None


def on_behalf_of(given: Mapping[str, str], scan: bytes | None) -> OnBehalf | None:
    """Who decided on paper or by phone, as filled in; null: the user decided.

    Raises:
        GuardError: the fields are incomplete.
    """
    role = given.get("behalf_role", "").strip()
    if not role:
        return None
    decided_at = parse_local(given.get("behalf_at", "").strip())
    if decided_at is None:
        raise GuardError("on_behalf", "代为登记：未填决定时间")
    return OnBehalf(role, decided_at, given.get("behalf_medium", ""), sha256(scan).hexdigest() if scan else None)
