"""An office's old ledger of issues (舆情台账) into the register: read row by row, previewed first, then registered.

A row of the ledger becomes one event `imported` of the subject `ledger`: a case that was treated before there was this
system, with a number of its own, TZ-<year>-<place in the ledger>, and the old number beside it. It owes nothing and is
in no figure of this system; nothing graded is touched. A row with one of our numbers (YQ-…) is only compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import polars as pl

from caifeng.cases.model import LEDGER, Actor, Case, Event
from caifeng.cases.service import Step, cases_of
from caifeng.core.clock import business_day
from caifeng.core.errors import DataError, UsageError
from caifeng.core.model.office import Office
from caifeng.core.model.source import Source
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.core.text.encoding import Undecodable
from caifeng.core.text.scrub import scrub
from caifeng.core.text.urls import canonical_url, is_web_url
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_steps
from caifeng.jobs.export_cases import grades_in_force
from caifeng.jobs.import_file import return_bad_rows
from caifeng.jobs.input_file import read_input
from crawlers.pages.inbox import MissingColumn, Row, Table, read_table
from crawlers.pages.values import Unreadable

#: Name of the register's events.
IMPORTED = "imported"
#: Larger files are no ledger of an office.
MAX_BYTES = 10 * 1024 * 1024
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
_TITLE_CHARS, _TEXT_CHARS = 120, 5000
#: Rows registered in one transaction.
_BATCH = 100

#: Field -> headers under which offices keep it, the first with a value counts. Columns about persons are not read.
HEADERS: dict[str, tuple[str, ...]] = {
    "old_no": (
        "编号", "舆情编号", "事项编号", "台账编号", "原编号", "登记编号", "登记号", "工单编号", "工单号", "流水号",
    ),
    "found_on": (
        "发现时间", "发现日期", "舆情时间", "舆情日期", "监测时间", "监测日期", "收到时间", "收到日期", "受理时间",
        "受理日期", "登记时间", "登记日期", "发生时间", "发布时间", "发布日期", "时间", "日期",
    ),
    "title": ("标题", "舆情标题", "事项名称", "舆情事项", "事项", "舆情名称", "主题", "事由"),
    "content": (
        "舆情内容", "主要内容", "内容摘要", "舆情摘要", "舆情概述", "基本情况", "诉求内容", "反映问题", "反映事项",
        "反映内容", "概要", "内容",
    ),
    "source": (
        "来源", "舆情来源", "信息来源", "来源渠道", "渠道", "来源媒体", "发布平台", "平台", "媒体",
    ),
    "url": ("链接", "网址", "原文链接", "网页链接", "舆情链接", "URL", "url"),
    "level": (
        "级别", "等级", "舆情级别", "舆情等级", "预警级别", "预警等级", "研判级别", "研判等级", "确认级别",
    ),
    "unit": (
        "承办股室", "责任股室", "办理股室", "主办股室", "涉及股室", "承办单位", "责任单位", "办理单位", "承办科室",
        "责任科室", "股室", "科室", "承办部门", "责任部门",
    ),
    "closed_on": (
        "办结时间", "办结日期", "回应时间", "回应日期", "答复时间", "答复日期", "回复时间", "回复日期", "完成时间",
    ),
    "handling": (
        "处置情况", "处理情况", "办理情况", "核查情况", "处置结果", "处理结果", "办理结果", "处置措施", "处理措施",
    ),
    "answer": ("回应情况", "回应内容", "答复情况", "答复内容", "回复情况", "回复内容", "回应口径"),
    "remark": ("备注",),
}  # fmt: skip
#: Names of the fields, for faults and differences.
_NAMES = {
    "row": "整行", "old_no": "编号", "found_on": "发现日期", "title": "标题", "url": "链接", "level": "级别",
    "unit": "承办股室", "closed_on": "办结日期",
}  # fmt: skip
_WORDS = {"content": "内容", "handling": "办理情况", "answer": "回应情况", "remark": "备注"}
_NOTHING = frozenset({"", "-", "--", "—", "——", "/", "无", "暂无", "未知"})

_DAY = re.compile(
    r"(20\d\d)\s*[-/.年]\s*(1[0-2]|0?[1-9])\s*[-/.月]\s*(3[01]|[12]\d|0?[1-9])\s*[日号]?(?:[T\s]\s*\d{1,2}\s*[:时点].*)?"
)
_COMPACT_DAY = re.compile(r"(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
#: A day as Excel counts it, from the first day of 2000 on; a clock time is a fraction.
_SERIAL = re.compile(r"(3[6-9]\d{3}|[4-7]\d{4})(?:\.\d+)?")
_EXCEL_EPOCH, _FIRST_DAY = date(1899, 12, 30), date(2000, 1, 1)
_LEVEL_TOKENS: dict[str, str] = {
    **{word: code for code, names in LEVEL_NAMES.items() for word in names if word},
    **{word: code for code, words in (
        ("extreme", ("I", "一级", "1级", "特大")), ("major", ("II", "二级", "2级")), ("larger", ("III", "三级", "3级")),
        ("general", ("IV", "四级", "4级")), ("log_only", ("仅记录", "仅记日志")),
    ) for word in words},
}  # fmt: skip
_LEVEL_TOKEN = re.compile("|".join(sorted(map(re.escape, _LEVEL_TOKENS), key=len, reverse=True)))
_LEVEL_FILLERS = re.compile(r"舆情|预警|等级|级别|级|色|[\s()（）/、,，:：\-]")
#: A number that every sheet begins anew says nothing of which row it is.
_RUNNING = re.compile(r"\d{1,4}")
_OURS = re.compile(r"YQ-\d{4}-\d{4,6}")
_OWN = re.compile(r"TZ-\d{4}-\d{4,6}")


class Entry(NamedTuple):
    """A case of the old ledger, as it was registered."""

    number: str
    """TZ-2025-0012: year of finding, place in the ledger."""
    old_no: str | None
    found_on: date
    level: str | None
    """As confirmed then; null: the ledger names none."""
    title: str | None
    """Null: erased."""
    source: str | None
    url: str | None
    unit: str | None
    """Id in config/units.toml; a unit of that time that is none any more stands in `text`."""
    closed_on: date | None
    text: str | None
    event: Event


class Line(NamedTuple):
    """What becomes of one row."""

    place: int
    """Place below the headers, from 1; blank rows do not count."""
    outcome: str
    """new, repeated, ours, rejected."""
    words: str
    """Why, or what differs, in Chinese."""


@dataclass(frozen=True)
class LedgerReport:
    """What became of a ledger: rows = new + repeated + ours + rejected."""

    lines: tuple[Line, ...]
    written: bool
    """False: a preview, nothing was registered and no copy written."""
    rejected_file: Path | None = None
    """Copy of the refused rows with the column 原因; null if there is none, and in a preview."""
    counts: dict[str, int] = field(init=False)
    """Number of rows, and of each outcome."""

    def __post_init__(self) -> None:
        outcomes = [line.outcome for line in self.lines]
        counted = {name: outcomes.count(name) for name in ("new", "repeated", "ours", "rejected")}
        object.__setattr__(self, "counts", {"rows": len(outcomes), **counted})

    def words(self) -> Iterator[str]:
        """One line per row, then one with the counts, for terminals."""
        for line in self.lines:
            yield f"第{line.place}条 {_OUTCOMES[line.outcome]}  {line.words}"
        counts = " ".join(f"{name}={number}" for name, number in self.counts.items())
        done = "registered" if self.written else "preview, nothing registered (--apply does it)"
        yield f"ledger     {counts}: {done}"


_OUTCOMES = {"new": "补录", "repeated": "已补录", "ours": "本系统事项", "rejected": "退回"}


class _CellError(ValueError):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}（{_NAMES[name]}）：{reason}")


def import_old_ledger(env: Env, file: Path, *, apply: bool = False, actor: Actor | None = None) -> LedgerReport:
    """Say what an old ledger holds, and register it if asked to; the same row is registered once.

    Args:
        env: environment; its clock gives the time of registration.
        file: csv or xlsx; the header line is looked for below a caption, headers as in `HEADERS`.
        apply: register the new rows, a hundred at a time, and write refused ones to `<name>.rejected.<ending>`.
        actor: who registers; needed with `apply`.

    Returns:
        What becomes of each row. Free words are scrubbed of personal data before they are shown or kept.

    Raises:
        UsageError: no such file, an ending we do not read, a file too large, or `apply` without actor.
        DataError: the file is no table, or has no column for the day, or none for what it is about.
        RoleError: the role may not register a ledger.
    """
    if apply and actor is None:
        raise UsageError("--apply needs --role and --actor")
    table = _read(file)
    columns = _columns(file, table)
    with env.register() as register:
        known, numbers = entries(register.events(LEDGER)), set(register.issue_numbers())
    today, office = business_day(env.now()), env.settings.office()
    by_hash = {str(entry.event.idempotency_key): entry.number for entry in known}
    by_old = {(entry.found_on.year, entry.old_no): entry.number for entry in known if entry.old_no}
    by_number = {entry.number: entry for entry in known}
    ours = _Ours(env)
    lines: list[Line] = []
    bad: list[tuple[Row, str]] = []
    steps: dict[str, Step] = {}
    for place, row in enumerate(table.rows, 1):
        try:
            payload = _payload(row, columns, office, today)
            number = payload.get("old_no", "")
            if number in numbers:
                lines.append(Line(place, "ours", ours.compared(number, payload)))
                continue
            if _OURS.fullmatch(number) or (_OWN.fullmatch(number) and number not in by_number):
                raise _CellError("old_no", f"本系统没有这个编号：{number}")
            if number in by_number:
                lines.append(Line(place, "repeated", number))
                continue
            key = _key(payload)
            old = (int(payload["found_on"][:4]), "" if _RUNNING.fullmatch(number) else number)
            if key in by_hash:
                lines.append(Line(place, "repeated", by_hash[key]))
            elif old[1] and old in by_old:
                raise _CellError("old_no", f"{number} 已补录为 {by_old[old]}，内容不同；登记只增不改")
            else:
                steps[key] = Step(IMPORTED, payload, idempotency_key=key)
                by_hash[key] = f"同第{place}条"
                if old[1]:
                    by_old[old] = f"第{place}条"
                lines.append(Line(place, "new", _summary(payload)))
        except _CellError as error:
            bad.append((row, str(error)))
            lines.append(Line(place, "rejected", str(error)))
    if not apply or actor is None:
        return LedgerReport(tuple(lines), written=False)
    rejected_file = return_bad_rows(file, file.suffix.lower(), table, bad) if bad else None
    # In batches, so that nobody waits long for the register; an import that was cut off is run again.
    wishes = list(steps.values())
    for first in range(0, len(wishes), _BATCH):
        act_steps(env, None, wishes[first : first + _BATCH], actor)
    return LedgerReport(tuple(lines), written=True, rejected_file=rejected_file)


def entries(events: Iterable[Event]) -> list[Entry]:
    """The cases of the old ledger, in the order in which they were registered."""
    found = []
    for event in events:
        if event.subject != LEDGER or event.name != IMPORTED:
            continue
        said = event.payload
        found_on = date.fromisoformat(said["found_on"])
        closed_on = said.get("closed_on")
        names = ("old_no", "level", "title", "source", "url", "unit", "text")
        found.append(
            Entry(
                number=f"TZ-{found_on.year}-{event.sequence:04d}",
                found_on=found_on,
                closed_on=date.fromisoformat(closed_on) if closed_on else None,
                event=event,
                **{name: said.get(name) for name in names},
            )
        )
    return found


# --- the values of a row ---------------------------------------------------------------------------------------------


def read_day(text: str) -> date | None:
    """A day as ledgers write it: 2025-3-12, 2025年3月12日 14:30, 20250312, or as Excel counts it; null: none of these.

    A day without year is none: a ledger is read years later.
    """
    plain = normalize("NFKC", text).strip()
    if _SERIAL.fullmatch(plain):
        day = _EXCEL_EPOCH + timedelta(days=int(float(plain)))
        return day if day >= _FIRST_DAY else None
    match = _DAY.fullmatch(plain) or _COMPACT_DAY.fullmatch(plain)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def read_level(text: str) -> str | None:
    """A level by word, mark, colour or number: 较大, ◆, 黄色预警, Ⅲ级（较大）; null: none, or two that disagree."""
    plain = normalize("NFKC", text)
    codes = {_LEVEL_TOKENS[word] for word in _LEVEL_TOKEN.findall(plain)}
    rest = _LEVEL_FILLERS.sub("", _LEVEL_TOKEN.sub("", plain))
    return codes.pop() if len(codes) == 1 and not rest else None


def _payload(row: Row, columns: Mapping[str, Sequence[str]], office: Office, today: date) -> dict[str, Any]:
    if row.fault:
        raise _CellError("row", row.fault)
    given = {name: value for name, headers in columns.items() if (value := _value(row, headers))}
    found_on = _read_day("found_on", given.get("found_on"), today)
    if found_on is None:
        raise _CellError("found_on", "没有填写")
    closed_on = _read_day("closed_on", given.get("closed_on"), today)
    if closed_on and closed_on < found_on:
        raise _CellError("closed_on", f"{closed_on} 早于发现日期 {found_on}")
    level = read_level(given["level"]) if "level" in given else None
    if "level" in given and level is None:
        raise _CellError("level", f"不是级别：{scrub(given['level'])[:20]}（如 较大、◆、黄、Ⅲ级）")
    url = given.get("url")
    if url and not is_web_url(url):
        raise _CellError("url", "不是网址（须以 http:// 或 https:// 开头）")
    headline = given.get("title") or re.split(r"[。！？!?\n]", given.get("content", ""), maxsplit=1)[0]
    if not headline.strip():
        raise _CellError("title", "没有填写")
    unit = _unit(given.get("unit"), office)
    words = [f"{_WORDS[name]}：{given[name]}" for name in _WORDS if name in given]
    if "unit" in given and unit is None:
        words.append(f"原记承办：{given['unit']}")
    payload = {
        "title": _scrubbed(headline, _TITLE_CHARS),
        "found_on": found_on.isoformat(),
        "old_no": _scrubbed(given.get("old_no", ""), 60),
        "level": level,
        "source": _scrubbed(given.get("source", ""), 60),
        "url": canonical_url(url) if url else None,
        "unit": unit,
        "closed_on": closed_on.isoformat() if closed_on else None,
        "text": _scrubbed("\n".join(words), _TEXT_CHARS),
    }
    return {name: value for name, value in payload.items() if value}


def _read_day(name: str, text: str | None, today: date) -> date | None:
    if text is None:
        return None
    day = read_day(text)
    if day is None:
        raise _CellError(name, f"不是日期：{scrub(text)[:20]}（请写成 2025-03-12，须有年份）")
    if day > today:
        raise _CellError(name, f"{day} 晚于今天")
    return day


def _unit(text: str | None, office: Office) -> str | None:
    known = {name: unit.id for unit in office.units for name in (unit.id, unit.name)}
    return known.get(text or "")


def _scrubbed(text: str, limit: int) -> str:
    printable = re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", " ", text).strip()
    return scrub(printable[: 4 * limit])[:limit].strip()


def _value(row: Row, headers: Sequence[str]) -> str | None:
    for header in headers:
        value = (row.cells.get(header) or "").strip()
        if value not in _NOTHING:
            return value
    return None


def _key(payload: Mapping[str, Any]) -> str:
    """Idempotency key of a row: what it says, after personal data is gone, so that it tells nothing of it."""
    said = "\x1f".join(f"{name}={payload[name]}" for name in sorted(payload))
    return f"ledger/{sha256(said.encode()).hexdigest()[:32]}"


def _summary(payload: Mapping[str, Any]) -> str:
    level = LEVEL_NAMES[payload["level"]][0] if "level" in payload else "级别未记"
    old = f"（原编号 {payload['old_no']}）" if "old_no" in payload else ""
    return f"{payload['found_on']}  {level}  {payload['title'][:40]}{old}"


# --- rows that carry a number of ours --------------------------------------------------------------------------------


class _Ours:
    """What the system knows of its own issues; read when the first row asks for it."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._rows: dict[str, dict[str, Any]] | None = None

    def compared(self, number: str, payload: Mapping[str, Any]) -> str:
        """What a row says otherwise than the system, in words."""
        if self._rows is None:
            self._rows = self._read()
        known = self._rows.get(number, {})
        differing = [
            f"{_NAMES[name]} 台账 {_shown(name, payload[name])}，系统 {_shown(name, known.get(name))}"
            for name in ("found_on", "level", "title", "unit", "closed_on")
            if name in payload and payload[name] != known.get(name)
        ]
        return f"{number}：{'；'.join(differing) or '一致'}"

    def _read(self) -> dict[str, dict[str, Any]]:
        now = self._env.now()
        with self._env.register() as register:
            cases = cases_of(register.events(until=now))
            numbers = register.issue_numbers()
        issues = (
            self._env.lake.scan("graded.issues", date.min, business_day(now))
            .select("day", "issue_no", "title", "detected_at")
            .sort("day")
            .unique("issue_no", keep="last", maintain_order=True)
            .collect()
        )
        graded = grades_in_force(self._env, business_day(now), now).select("issue_no", pl.col("level"))
        levels = dict(graded.iter_rows())
        found = {row["issue_no"]: row for row in issues.to_dicts()}
        rows = {}
        for number in numbers:
            case, issue = cases.get(number) or Case(number), found.get(number, {})
            closed_at, detected_at = case.closed_at, issue.get("detected_at")
            rows[number] = {
                "title": issue.get("title"),
                "found_on": business_day(detected_at).isoformat() if detected_at else None,
                "level": case.level or levels.get(number),
                "unit": case.unit,
                "closed_on": business_day(closed_at).isoformat() if closed_at else None,
            }
        return rows


def _shown(name: str, value: str | None) -> str:
    if value is None:
        return "—"
    return LEVEL_NAMES[value][0] if name == "level" else value


# --- the file --------------------------------------------------------------------------------------------------------


def _read(file: Path) -> Table:
    body = read_input(file, SUFFIXES, MAX_BYTES)
    # An inbox that knows every header: read_table finds the header line by them.
    wanted = [header for headers in HEADERS.values() for header in headers]
    inbox = Source.model_validate(
        {"id": "ledger", "name": "台账", "family": "inbox", "class": "manual", "reach": "county",
         "columns": {"title": wanted}}
    )  # fmt: skip
    try:
        return read_table(body, file.suffix.lower(), inbox)
    except (Undecodable, Unreadable) as error:
        raise DataError(f"{file}: {error}") from error
    except MissingColumn as error:
        raise DataError(
            f"{file}: no line with headers of a ledger (标题、发现时间 …): {error.reason[-200:]}"
        ) from error


def _columns(file: Path, table: Table) -> dict[str, list[str]]:
    """Field -> headers of the table that hold it, in the order of `HEADERS`."""
    plain = [(_plain(header), header) for header in table.headers]
    found = {name: [own for h in headers for word, own in plain if word == h] for name, headers in HEADERS.items()}
    seen = "、".join(table.headers)
    if not found["found_on"]:
        raise DataError(f"{file}: no column for found_on ({'、'.join(HEADERS['found_on'][:6])} …); columns: {seen}")
    if not found["title"] and not found["content"]:
        raise DataError(f"{file}: no column for title ({'、'.join(HEADERS['title'][:6])} …); columns: {seen}")
    return found


def _plain(header: str) -> str:
    """A header without what stands in brackets, and without signs around it."""
    return re.sub(r"[（(][^）)]*[）)]|[*＊:：\s]", "", header)
