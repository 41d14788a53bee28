"""A ledger that we wrote and that came back with changes -> actions of the register, row by row.

What people may decide comes back as a legal action, under the guards of the register; whatever else was changed is
refused, with row, column and reason. An office's old ledger is read by another job.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import fastexcel
import polars as pl
import xlsxwriter

from caifeng.cases.model import Actor, OnBehalf
from caifeng.cases.service import Step
from caifeng.cases.store import Book, Register
from caifeng.core.errors import CaifengError, DataError, UsageError
from caifeng.core.files import replacing
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_steps
from caifeng.jobs.case_list import EVENT_NAMES
from caifeng.jobs.input_file import read_input
from caifeng.jobs.ledger import REGISTER_WORDS
from caifeng.reports.ledger_xlsx import (
    BASE_KEYS,
    BASE_MARK,
    BASE_SHEET,
    EDITABLE,
    FULL_SHEET,
    INPUTS,
    LEDGER_FIELDS,
    row_hash,
    sheet_fields,
)
from caifeng.reports.words import UNKNOWN

#: A ledger of 10,000 issues has about 10 MB.
MAX_BYTES = 50 * 1024 * 1024
#: Head of the column that says why a row was refused.
REASON = "退回原因"
#: Who acts in a trial; the guards of a real role are asked when it is applied.
_TRIAL_ACTOR = Actor("openness_office", "ledger-trial")
_FIELDS = sheet_fields(REGISTER_WORDS)
_HEADS = {"".join(field.head.split()): column for column, field in _FIELDS.items()}


class Change(NamedTuple):
    """One cell that people changed."""

    sheet: str
    row: int
    """Row of the sheet, from 1."""
    issue_no: str
    head: str
    """Head of its column."""
    before: str
    after: str
    action: str
    """What it is registered as, in the words of the register."""


class Refusal(NamedTuple):
    """One row that is not taken, and why."""

    sheet: str
    row: int
    issue_no: str
    reasons: tuple[str, ...]


class ReadBack(NamedTuple):
    """What became of a ledger: rows = unchanged + changed + refused."""

    rows: int
    unchanged: int
    changed: int
    missing: int
    """Issues of the ledger as written whose row is gone; nothing is done about them."""
    changes: tuple[Change, ...]
    refused: tuple[Refusal, ...]
    applied: bool
    rejected_file: Path | None
    """Copy of the refused rows with their reasons; null if there is none."""

    def lines(self) -> Iterator[str]:
        """For terminals."""
        for change in self.changes:
            place = f"{change.sheet} 第{change.row}行 {change.issue_no}"
            yield f"{place} {change.head}：{change.before or '（空）'} → {change.after}（{change.action}）"
        for refusal in self.refused:
            yield f"{refusal.sheet} 第{refusal.row}行 {refusal.issue_no} 退回：{'；'.join(refusal.reasons)}"
        done = "已登记" if self.applied else "试读，未登记"
        words = f"{self.rows} 行：未改 {self.unchanged}，更改 {self.changed}，退回 {len(self.refused)}（{done}）"
        yield words + (f"；原表另有 {self.missing} 行已被删去，不作处理" if self.missing else "")


class _Row(NamedTuple):
    sheet: str
    number: int
    cells: dict[str, str]
    """By head."""

    @property
    def issue_no(self) -> str:
        return self.cells.get(LEDGER_FIELDS["issue_no"].head, "")


class _Base(NamedTuple):
    """What stood in a row when the ledger was written."""

    events: int
    hash: str
    values: Mapping[str, str]


class _UndoError(Exception):
    """Ends a trial."""


class _TrialRegister(Register):
    """The register, in which everything is tried and nothing kept."""

    @contextmanager
    def writing(self) -> Iterator[Book]:
        try:
            with super().writing() as book:
                yield book
                raise _UndoError
        except _UndoError:
            return


class _TrialEnv(Env):
    @contextmanager
    def register(self) -> Iterator[Register]:
        register = _TrialRegister(self.settings.register_url)
        try:
            yield register
        finally:
            register.close()


def is_our_ledger(path: Path) -> bool:
    """Whether a file is a ledger that `caifeng report ledger` wrote, also after a spreadsheet saved it again."""
    try:
        body = read_input(path, (".xlsx",), MAX_BYTES)
        with ZipFile(BytesIO(body)) as archive:
            return f'name="{BASE_SHEET}"'.encode() in archive.read("xl/workbook.xml")
    except (UsageError, DataError, KeyError):
        return False  # whoever reads it as an old ledger says what is wrong with it


def read_back(
    env: Env,
    file: Path,
    actor: Actor | None = None,
    *,
    apply: bool = False,
    on_behalf: OnBehalf | None = None,
    at: datetime | None = None,
) -> ReadBack:
    """Say row by row what an edited ledger changes, and with `apply` register it.

    A row is taken whole or not at all. Confirmed level, unit, outcome and adoption become events of the register, a
    note one more; whatever else differs from what was written, is cleared, or is no longer legal, is refused. A file
    that is applied twice changes nothing the second time.

    Args:
        env: environment.
        file: xlsx that `write_ledger` wrote.
        actor: who registers it; without one the trial is made for the openness office.
        apply: register the changes; without it, everything is tried and nothing kept.
        on_behalf: who decided, where that was on paper or by phone; holds for every row.
        at: moment of the registration; now if not given.

    Raises:
        UsageError: the file cannot be read, or `apply` without `actor`.
        DataError: it is no ledger of ours, or a sheet lacks its heads; nothing is registered.
    """
    if apply and actor is None:
        raise UsageError("applying a ledger needs a role and an account (--role, --actor)")
    base, rows = _read(file)
    names = {unit.name: unit.id for unit in env.settings.office().units}
    trial = env if apply else _TrialEnv(env.settings, env.contracts, env.lake, env.warehouse)
    moment = at or env.now()
    seen: set[str] = set()
    changes: list[Change] = []
    refused: list[tuple[_Row, tuple[str, ...]]] = []
    unchanged = changed = 0
    for row in rows:
        stood = base.get(row.issue_no)
        faults = _faults(row, stood, seen)
        seen.add(row.issue_no)
        steps, found = ([], []) if faults or stood is None else _wishes(row, stood, names, on_behalf, faults)
        if not faults and steps and stood is not None:
            try:
                act_steps(trial, row.issue_no, steps, actor or _TRIAL_ACTOR, at=moment, expected=stood.events)
            except CaifengError as error:
                faults.append(str(error))
        if faults:
            refused.append((row, tuple(faults)))
        elif steps:
            changed += 1
            changes += found
        else:
            unchanged += 1
    return ReadBack(
        rows=len(rows),
        unchanged=unchanged,
        changed=changed,
        missing=len(set(base) - seen),
        changes=tuple(changes),
        refused=tuple(Refusal(row.sheet, row.number, row.issue_no, reasons) for row, reasons in refused),
        applied=apply,
        rejected_file=_return_refused(file, refused) if refused else None,
    )


def _faults(row: _Row, stood: _Base | None, seen: set[str]) -> list[str]:
    """Why a row cannot be taken, whatever it asks for."""
    if not row.issue_no:
        return ["没有事项编号；新事项请在工作台用“新增线索”登记"]
    if stood is None:
        return [f"本台账没有事项 {row.issue_no}；编号不能更改，新事项请在工作台用“新增线索”登记"]
    if row.issue_no in seen:
        return [f"{row.issue_no} 在表中出现两次，只取第一行"]
    if stood.hash != row_hash(list(stood.values.values())):
        return ["隐藏的底稿被改动，无法比对；请重新导出台账"]
    faults = []
    for head, cell in row.cells.items():
        column = _HEADS.get(head)
        if column is None:
            if cell:
                faults.append(f"{head or '无栏名的一栏'}：台账没有这一栏")
        elif column in INPUTS:
            continue
        elif column in EDITABLE:
            if stood.values[column] and not cell:
                faults.append(f"{head}：已登记的不能清空")
        elif not _same(stood.values[column], cell):
            faults.append(f"{head}：由系统生成，不能改（原为“{stood.values[column]}”，现为“{cell}”）")
    return faults


def _wishes(
    row: _Row, stood: _Base, units: Mapping[str, str], on_behalf: OnBehalf | None, faults: list[str]
) -> tuple[list[Step], list[Change]]:
    """The events that a row asks for, in the order of the treatment; what it asks for in vain goes to `faults`."""
    heads = {column: "".join(_FIELDS[column].head.split()) for column in (*EDITABLE, *INPUTS)}
    said = {column: row.cells.get(head, "") for column, head in heads.items()}
    reason, basis, note = (said[column] for column in INPUTS)
    edited = {
        column: said[column]
        for column in EDITABLE
        if heads[column] in row.cells and said[column] and not _same(stood.values[column], said[column])
    }
    codes = {}
    for column, word in edited.items():
        known = units if column == "unit" else {name: code for code, name in (_FIELDS[column].names or {}).items()}
        if word not in known:
            faults.append(f"{heads[column]}：没有“{word}”（可填 {'、'.join(known)}）")
        codes[column] = known.get(word)
    event = {
        "confirmed_level": "change_level" if stood.values["confirmed_level"] else "confirm",
        "unit": "assign",
        "outcome": "verify",
        "adoption": "adopt",
    }
    payloads: dict[str, dict[str, Any]] = {
        "confirmed_level": {"level": codes.get("confirmed_level"), "reason": reason},
        "unit": {"unit": codes.get("unit"), "reason": reason},
        "outcome": {"outcome": codes.get("outcome"), "basis": basis},
        "adoption": {"adoption": codes.get("adoption"), "reason": reason},
    }
    wished = [(event[column], payloads[column], column, word) for column, word in edited.items()]
    if note:
        wished.append(("note", {"text": note}, "note", note))
    if reason and not set(edited) - {"outcome"}:
        faults.append(f"{heads['reason']}：填了理由，但没有须说明理由的更改；一般情况请填“{heads['note']}”")
    if basis and "outcome" not in edited:
        faults.append(f"{heads['basis']}：填了核查依据，但核查结论没有更改")
    steps = [Step(name, payload, on_behalf, _key(row.issue_no, stood, name, payload)) for name, payload, _, _ in wished]
    changes = [
        Change(
            row.sheet,
            row.number,
            row.issue_no,
            heads[column],
            stood.values.get(column, ""),
            after,
            EVENT_NAMES[name],
        )
        for name, _, column, after in wished
    ]
    return steps, changes


def _key(issue_no: str, stood: _Base, event: str, payload: Mapping[str, Any]) -> str:
    """The same change of the same row again is the same event."""
    said = json.dumps([issue_no, stood.hash, event, payload], ensure_ascii=False, sort_keys=True)
    return f"ledger-{sha256(said.encode()).hexdigest()[:24]}"


def _same(before: str, now: str) -> bool:
    """Whether a cell says what was written, however a spreadsheet saved it: 12 is 12.0, 09:00 is 09:00:00."""
    now = "".join(now.split())
    before = "".join(before.split())
    if before == now or (before in ("", UNKNOWN) and now in ("", UNKNOWN)):
        return True
    try:
        return abs(float(before) - float(now.replace(",", ""))) < 0.005
    except ValueError:
        return len(before) == len("2026-11-2409:00") and before[4] == "-" and now[: len(before)] == before


def _read(file: Path) -> tuple[dict[str, _Base], list[_Row]]:
    body = read_input(file, (".xlsx",), MAX_BYTES)
    try:
        book = fastexcel.read_excel(body)
        names = [name for name in book.sheet_names if name.startswith(FULL_SHEET)]
        if BASE_SHEET not in book.sheet_names or not names:
            raise DataError(f"{file}: is no ledger written by `caifeng report ledger`")
        base = _base(file, _cells(book, BASE_SHEET))
        return base, [row for name in names for row in _rows(file, name, _cells(book, name))]
    except fastexcel.FastExcelError as error:
        raise DataError(f"{file}: is no workbook: {str(error).splitlines()[0]}") from error


def _base(file: Path, lines: Sequence[Sequence[str]]) -> dict[str, _Base]:
    if len(lines) < 2 or tuple(lines[0][:2]) != BASE_MARK or tuple(lines[1][: len(BASE_KEYS)]) != BASE_KEYS:
        raise DataError(f"{file}: sheet {BASE_SHEET}: of another version; export the ledger again")
    columns = [column for column in lines[1][len(BASE_KEYS) :] if column]
    if missing := sorted(set(LEDGER_FIELDS) - set(columns)):
        raise DataError(f"{file}: sheet {BASE_SHEET}: no column {', '.join(missing)}; export the ledger again")
    found = {}
    for issue_no, events, digest, *values in lines[2:]:
        stood = dict(zip(columns, values, strict=False))
        found[issue_no] = _Base(int(events) if events.isdigit() else 0, digest, stood)
    return found


def _rows(file: Path, sheet: str, lines: Sequence[Sequence[str]]) -> list[_Row]:
    heads = ["".join(cell.split()) for cell in lines[0]] if lines else []
    if LEDGER_FIELDS["issue_no"].head not in heads:
        raise DataError(f"{file}: sheet {sheet}: no column {LEDGER_FIELDS['issue_no'].head} in its first row")
    if twice := sorted({before for before, after in pairwise(sorted(filter(None, heads))) if before == after}):
        raise DataError(f"{file}: sheet {sheet}: column {'、'.join(twice)} stands twice")
    return [
        _Row(sheet, number, {head: cell.strip() for head, cell in zip(heads, line, strict=True)})
        for number, line in enumerate(lines[1:], 2)
        if any(cell.strip() for cell in line)
    ]


def _cells(book: fastexcel.ExcelReader, sheet: str) -> list[list[str]]:
    frame = pl.DataFrame(book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars())
    return [["" if cell is None else str(cell) for cell in row] for row in frame.iter_rows()]


def _return_refused(file: Path, refused: Sequence[tuple[_Row, tuple[str, ...]]]) -> Path:
    """Write the refused rows beside the file, with the column 退回原因 in front."""
    target = file.with_name(f"{file.stem}.rejected.xlsx")
    heads = list(dict.fromkeys(head for row, _ in refused for head in row.cells))
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with replacing(target) as temporary, xlsxwriter.Workbook(temporary, options) as book:
        page = book.add_worksheet("退回")
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        page.set_column(0, 1, 12)
        page.set_column(2, 2, 60, wrapped)
        page.freeze_panes(1, 3)
        lines = [["工作表", "行", REASON, *heads]]
        for row, reasons in refused:
            lines.append([row.sheet, str(row.number), "\n".join(reasons), *(row.cells.get(head, "") for head in heads)])
        for number, line in enumerate(lines):
            for place, cell in enumerate(line):
                page.write_string(number, place, cell)
    return target
