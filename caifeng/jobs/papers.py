"""Register (live) + marts -> the papers about one issue, in outputs/papers/<issue_no>/. Each file is replaced whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from caifeng.cases.fields import FIELDS
from caifeng.cases.guards import CHIEF_LEVELS
from caifeng.cases.model import (
    CASE_ROLE_NAMES,
    CHECK_ANSWER_NAMES,
    CHECK_NAMES,
    CLAIM_TYPES,
    FINDINGS,
    FORM_NAMES,
    HAND_OFF_MEDIUM_NAMES,
    HAND_OFFS,
    KIND_NAMES,
    MEDIUM_NAMES,
    OUTCOME_NAMES,
    RECIPIENT_NAMES,
    ROUND_NAMES,
    STATE_NAMES,
    Case,
    Event,
)
from caifeng.core.clock import business_day
from caifeng.core.errors import ConfigError
from caifeng.core.files import replacing
from caifeng.core.listing import Listing
from caifeng.core.model.deadlines import DUE_NAMES
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.core.settings import Settings
from caifeng.core.warehouse import EXCERPT_CHARACTERS, Warehouse
from caifeng.jobs.base import LOOKBACK, Env
from caifeng.jobs.case_list import EVENT_NAMES, CaseFile, case_file
from caifeng.reports.daily_log_docx import DAILY_LOG_FIELDS
from caifeng.reports.papers import (
    PAPERS,
    file_name,
    fill_paper,
    paper_of,
    paper_values,
    place_of,
    template_faults,
)
from caifeng.reports.papers.issue import Act, Claim, Duty, HandOff, IssueFile, Published, empty_fields
from caifeng.reports.pdf import pdf_copy
from caifeng.reports.review import PERIOD_WORDS
from caifeng.reports.review_docx import REVIEW_FIELDS
from caifeng.reports.words import UNKNOWN
from transforms.grade.explain import explanation_table
from transforms.understand.issues import latest_links

#: Interpretations of the same topic that a release can point to; the latest ones (our choice).
_EXPLAINED = 5
_POST_COLUMNS = (
    "post_id", "source_name", "source_class", "media_tier", "url", "title", "text", "published_at",
    "published_precision", "first_fetched_at", "stance", "tone",
)  # fmt: skip


class PaperState(NamedTuple):
    """Whether a paper about an issue can be written, and what would still be empty in it."""

    kind: str
    name: str
    why_not: str | None
    """Null: it can."""
    round: int
    empty: tuple[str, ...]
    """Placeholders without a value: unknown, or to be filled in by hand."""


def write_paper(
    env: Env,
    kind: str,
    issue_no: str,
    as_of: datetime | None = None,
    folder: Path | None = None,
    params: Mapping[str, str] | None = None,
) -> Path:
    """Write one paper about an issue; the same input gives the same bytes under the same name.

    Args:
        env: where things are.
        kind: id or name of the paper (`PAPERS`).
        issue_no: the issue.
        as_of: moment; now if not given.
        folder: where to write; outputs/papers/<issue_no> if not given.
        params: `round` (a number), and what the paper takes: `recipient` (code or name), `final`, `duty`, `form`, `at`.

    Returns:
        The file, named after kind, recipient or duty, and round: 归口报送单-县委宣传部-01.docx.

    Raises:
        UsageError: no such paper, issue or param; or it cannot be written now.
        ConfigError: its template is missing or broken; names file and placeholder.
    """
    paper = paper_of(kind)
    file = issue_file(env, issue_no, as_of)
    wishes = params or {}
    paper_values(paper, file, wishes)  # what cannot be written leaves no file, and is said before the template is read
    place = folder or env.settings.outputs_dir / "papers" / issue_no
    target = place / file_name(paper, file, wishes)
    with replacing(target) as temporary:
        fill_paper(paper, file, wishes, env.settings.config / "templates", temporary)
    return target


def write_papers(env: Env, issue_no: str, as_of: datetime | None = None) -> tuple[list[Path], list[str]]:
    """Write every paper that can be written now.

    Returns:
        The files, and what went wrong with the others, one line each: a broken template stops only its own paper.

    Raises:
        UsageError: no such issue.
    """
    written, faults = list[Path](), list[str]()
    for state in paper_states(env, issue_no, as_of):
        if state.why_not is None:
            try:
                written.append(write_paper(env, state.kind, issue_no, as_of))
            except ConfigError as error:
                faults.append(str(error))
    return written, faults


def paper_states(env: Env, issue_no: str, as_of: datetime | None = None) -> list[PaperState]:
    """Which papers about an issue can be written, and which of their fields are still empty.

    Raises:
        UsageError: no such issue.
    """
    file = issue_file(env, issue_no, as_of)
    states = []
    for kind, paper in PAPERS.items():
        why_not = paper.needs(file, {})
        empty = () if why_not else tuple(empty_fields(paper_values(paper, file, {})))
        states.append(PaperState(kind, paper.name, why_not, place_of(paper, file, {}), empty))
    return states


def paper_listing(env: Env, issue_no: str, as_of: datetime | None = None) -> Listing:
    """`caifeng report papers`: which can be written, and what would still be empty; values as `PaperState`.

    Raises:
        UsageError: no such issue.
    """
    states = paper_states(env, issue_no, as_of)
    return Listing(
        f"{issue_no} 可出具的文书",
        ("文书", "代号", "第几号", "尚空", "不能出具"),
        [(x.name, x.kind, None if x.why_not else x.round, None if x.why_not else x.empty, x.why_not) for x in states],
        [state._asdict() for state in states],
        "没有文书",
    )


def paper_lines(
    env: Env,
    kind: str,
    issue_no: str,
    as_of: datetime | None = None,
    params: Mapping[str, str] | None = None,
    pdf: bool = False,
) -> Iterator[str]:
    """`caifeng report paper`: the file that was written, and with `pdf` its copy or why there is none.

    Raises:
        UsageError, ConfigError: as `write_paper`.
    """
    path = write_paper(env, kind, issue_no, as_of, params=params)
    yield str(path)
    if pdf:
        yield pdf_copy(path).words


def check_templates(config: Path, more: Mapping[str, frozenset[str]] | None = None) -> list[str]:
    """What is wrong with the templates of documents, one line each in Chinese, naming file and placeholder.

    Args:
        config: folder of the configuration.
        more: further templates by file name, with what they may use.
    """
    fields = {"政务舆情日志.docx": DAILY_LOG_FIELDS}
    fields |= {paper.template: paper.fields for paper in PAPERS.values()}
    reviews = {f"{words.title}.docx": REVIEW_FIELDS for words in PERIOD_WORDS.values()}
    return [
        *template_faults(config / "templates", fields | dict(more or {})),
        *template_faults(config / "templates", reviews, whole=False),  # a month needs not what a year shows
    ]


def produce(folder: Path, writers: Mapping[str, Callable[[Path], object]]) -> int:
    """Write files one by one; one that cannot be written does not keep the others back.

    Args:
        folder: where to write.
        writers: file name -> what writes it.

    Returns:
        Number of files.

    Raises:
        ConfigError: some could not be written, after all the others were; one line each.
    """
    faults: list[ConfigError] = []
    for name, write in writers.items():
        try:
            with replacing(folder / name) as temporary:
                write(temporary)
        except ConfigError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        lines = "\n".join(str(error) for error in faults)
        raise ConfigError(
            faults[0].path, "、".join(f.field for f in faults if f.field), f"{len(faults)} 个文件未写出\n{lines}"
        )
    return len(writers)


def issue_file(env: Env, issue_no: str, as_of: datetime | None = None) -> IssueFile:
    """Everything a paper about an issue may say: the register as it stands, marts as of the latest run before.

    Raises:
        UsageError: there is no such issue at that moment.
    """
    moment = (as_of or env.now()).astimezone(UTC)
    stand = case_file(env, issue_no, moment)
    line, case = stand.line, stand.case
    first, last = business_day(line.detected_at), business_day(moment)
    office = env.settings.office()
    units = {unit.id: unit.name for unit in office.units}
    marts = _marts(env)
    history = _rows(marts, "marts.daily_log", first, last, moment, issue_no)
    grade = _latest_grade(env, issue_no, first, last, moment)
    log = history[-1] if history else None
    topic = grade["topic"] if grade else log["topic"] if log else None
    effects = _rows(marts, "marts.response_effect", first, last, moment, issue_no)
    return IssueFile(
        issue_no=issue_no,
        office=office,
        as_of=moment,
        title=line.title,
        state=STATE_NAMES[line.state],
        detected_at=line.detected_at,
        is_open=line.is_open,
        level=line.level,
        confirmed=line.confirmed_level is not None,
        outcome=OUTCOME_NAMES[case.outcome] if case.outcome else None,
        outcome_code=case.outcome,
        unit=units.get(case.unit, case.unit) if case.unit else None,
        accused_unit=units.get(case.accused_unit, case.accused_unit) if case.accused_unit else None,
        answer=case.answer,
        approver="chief" if line.level in CHIEF_LEVELS else "deputy",
        next_step=_next_step(stand),
        log=log,
        history=history,
        grade=grade,
        computation=_computation(env.settings, grade),
        posts=_posts(env, issue_no, first, last, moment),
        effect=effects[-1] if effects else None,
        acts=tuple(_act(event, units) for event in stand.events if event.from_state is not None),
        duties=tuple(_duties(stand)),
        hand_offs=tuple(_hand_offs(stand.events)),
        published=tuple(_published(issue_no, stand.events)),
        explained=_explained(env, topic, moment),
        releases=_releases(marts, topic, last),
        recipients=RECIPIENT_NAMES,
        checks=_checks(case, stand.events),
        is_sample=(env.settings.home / "SAMPLE").exists(),
    )


def _marts(env: Env) -> Warehouse | None:
    """The published copy, which nobody writes to; before it exists the warehouse; null: nothing was run yet."""
    if env.settings.analytics_file.exists():
        return Warehouse(env.settings.analytics_file, env.contracts, env.settings.root / "sql")
    return env.warehouse if env.settings.warehouse_file.exists() else None


def _rows(
    marts: Warehouse | None, table: str, first: date, last: date, moment: datetime, issue_no: str
) -> list[dict[str, Any]]:
    """Rows of an issue made for a moment not after the one asked for, in day order."""
    if marts is None:
        return []
    rows = marts.read(table, first, last).filter(pl.col("issue_no") == issue_no, pl.col("as_of") <= moment)
    return rows.sort("day", "as_of").to_dicts()


def _latest_grade(env: Env, issue_no: str, first: date, last: date, moment: datetime) -> dict[str, Any] | None:
    rows = env.lake.scan("graded.issue_grades", first, last).filter(
        pl.col("issue_no") == issue_no, pl.col("as_of") <= moment
    )
    found = rows.sort("as_of", "rule_version").collect().to_dicts()
    return found[-1] if found else None


def _computation(settings: Settings, grade: dict[str, Any] | None) -> list[dict[str, str]]:
    rules = settings.grading_version(grade["rule_version"]) if grade else None
    if grade is None or rules is None:
        return []
    topic = next((t.name for t in settings.taxonomy().topics if t.id == grade["topic"]), None)
    return [row._asdict() for row in explanation_table(grade, rules, topic)]


def _posts(env: Env, issue_no: str, first: date, last: date, moment: datetime) -> pl.DataFrame:
    """Posts of an issue by time; merged ones may be older than its own."""
    links = env.lake.scan("graded.issue_posts", first - LOOKBACK, last)
    own = links.filter(pl.col("issue_no") == issue_no).select("post_id").unique().collect()["post_id"]
    now = latest_links(links.filter(pl.col("post_id").is_in(own.implode())).collect()).filter(
        pl.col("issue_no") == issue_no
    )
    posts = (
        env.lake.scan("graded.posts", first - LOOKBACK, last)
        .filter(pl.col("post_id").is_in(now["post_id"].implode()), pl.col("first_fetched_at") <= moment)
        .select(*_POST_COLUMNS)
        .with_columns(pl.col("text").str.slice(0, EXCERPT_CHARACTERS))
        .collect()
        .unique("post_id", keep="last", maintain_order=True)
    )
    return posts.join(now.select("post_id", "group_id"), on="post_id", how="left", maintain_order="left").sort(
        pl.coalesce("published_at", "first_fetched_at"), "post_id"
    )


def _next_step(stand: CaseFile) -> str:
    line = stand.line
    if line.next_event is None or line.next_role is None:
        return UNKNOWN
    return f"{CASE_ROLE_NAMES[line.next_role]}{_STEP_NAMES.get(line.next_event, line.next_event)}"


_STEP_NAMES = EVENT_NAMES | {"verify": "核查", "approve": "审批", "draft": "拟稿"}


def _act(event: Event, units: Mapping[str, str]) -> Act:
    who = CASE_ROLE_NAMES.get(event.role, event.role)
    if event.on_behalf:
        who += f"（{MEDIUM_NAMES[event.on_behalf.medium]}）"
    said = {name: _shown(name, value, units) for name, value in event.payload.items() if name != "claims"}
    claims = (
        Claim(one["text"], CLAIM_TYPES[one["type"]], FINDINGS[one["finding"]], tuple(one["evidence"]))
        for one in event.payload.get("claims", ())
    )
    label = EVENT_NAMES.get(event.name, event.name)
    return Act(event.name, event.sequence, event.decided_at, label, event.role, who, said, event.codes, tuple(claims))


def _shown(name: str, value: Any, units: Mapping[str, str]) -> str:
    """A payload value in words; free words as they are, lines kept."""
    if isinstance(value, bool):
        return "是" if value else "否"
    names: Mapping[str, str] = units if name in _UNIT_FIELDS else FIELDS[name].names
    if name in _LEVEL_FIELDS:
        names = {level: words[0] for level, words in LEVEL_NAMES.items()}
    if isinstance(value, list):
        return "、".join(names.get(one, str(one)) for one in value)
    return names.get(value, str(value))


_UNIT_FIELDS = ("unit", "accused_unit", "joint_units")
_LEVEL_FIELDS = ("level", "suggested_level", "concluded_level")


def _duties(stand: CaseFile) -> Iterator[Duty]:
    for due in stand.line.due:
        who = CASE_ROLE_NAMES.get(due.next_role or "", UNKNOWN)
        name = DUE_NAMES.get(due.duty, "时限未定")
        yield Duty(
            due.duty, name, due.due_at, due.extended_to, due.done_at, due.hours_left, due.stage, due.basis or "", who
        )


def _hand_offs(events: tuple[Event, ...]) -> Iterator[HandOff]:
    receipts = {event.codes["hand_off"]: event for event in events if event.name == "receipt"}
    told: set[tuple[str, str]] = set()
    for event in events:
        if event.name not in HAND_OFFS:
            continue
        towards = (event.name, event.codes["recipient"])
        round_code = event.codes.get("round") or ("follow_up" if towards in told else "first")
        told.add(towards)
        receipt = receipts.get(event.sequence)
        proof = {**event.payload, **(receipt.payload if receipt else {})}
        at = proof.get("receipt_at")
        yield HandOff(
            event.sequence,
            event.name,
            RECIPIENT_NAMES[event.codes["recipient"]],
            HAND_OFF_MEDIUM_NAMES[event.codes["medium"]],
            ROUND_NAMES[round_code],
            event.decided_at,
            datetime.fromisoformat(at) if at else None,
            proof.get("receipt_role"),
            event.payload.get("text"),
        )


def _published(issue_no: str, events: tuple[Event, ...]) -> Iterator[Published]:
    shown = (event for event in events if event.name in ("publish", "result_notice"))
    for place, event in enumerate(shown, 1):
        payload = event.payload
        at = payload.get("published_at")
        yield Published(
            issue_no,
            place,
            KIND_NAMES[payload["kind"]] if event.name == "publish" else "办理结果",
            FORM_NAMES[payload["form"]],
            payload.get("url"),
            payload.get("place"),
            datetime.fromisoformat(at) if at else event.decided_at,
        )


def _explained(env: Env, topic: str | None, moment: datetime) -> tuple[Published, ...]:
    """Interpretations published for issues of a topic, the latest first."""
    if topic is None:
        return ()
    with env.register() as register:
        events = register.events(until=moment)
    found = [
        (event.subject, event)
        for event in events
        if event.name in ("publish", "result_notice") and event.codes.get("form") == "policy_interpretation"
    ]
    if not found:
        return ()
    last = business_day(moment)
    issues = env.lake.read_range("graded.issues", last - LOOKBACK, last, ["issue_no", "topic"])
    of_topic = set(issues.filter(pl.col("topic") == topic)["issue_no"])
    shown = [one for number, event in found if number in of_topic for one in _published(number, (event,))]
    return tuple(sorted(shown, key=lambda one: (one.published_at, one.issue_no), reverse=True)[:_EXPLAINED])


def _releases(marts: Warehouse | None, topic: str | None, last: date) -> list[dict[str, Any]]:
    """Releases of a topic that are near, as the latest day of the last week has them."""
    if marts is None or topic is None:
        return []
    rows = marts.read("marts.release_calendar", last - timedelta(days=7), last).filter(pl.col("topic") == topic)
    return rows.filter(pl.col("day") == pl.col("day").max()).sort("first_day", "indicator").to_dicts()


def _checks(case: Case, events: tuple[Event, ...]) -> tuple[tuple[str, str], ...]:
    """The release check with its answers, as far as one holds for what is to be published next."""
    checked = [event for event in events if event.name == "check_release"] if case.checked_by else []
    answers = checked[-1].codes if checked else {}
    return tuple((words, CHECK_ANSWER_NAMES.get(answers.get(name, ""), "")) for name, words in CHECK_NAMES.items())
