"""Registers that offices keep as sheets (Art. 13, 14.3, 14.4).

Training, reward and blame of units, improvement measures, and what others did well.

Units only, never persons: a sheet with a column for names is refused, a row in which a person is named comes back. The
same row imported again is the same; of an entry imported with other figures the last import counts.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import fastexcel
import polars as pl
import xlsxwriter

from caifeng.cases.model import FORM_NAMES, OUTCOME_NAMES
from caifeng.core import clock
from caifeng.core.errors import DataError, UsageError
from caifeng.core.files import replacing
from caifeng.core.model.publications import Period, PeriodKind
from caifeng.core.settings import Settings
from caifeng.core.text.encoding import Undecodable, decode
from caifeng.core.text.scrub import find_pii
from caifeng.core.text.urls import canonical_url, is_web_url
from caifeng.jobs.base import Env
from caifeng.jobs.input_file import read_input
from crawlers.pages.inbox import REASON, guarded

SheetName = Literal["training", "assessments", "improvements", "practices"]

#: Larger files are no register of an office.
MAX_BYTES = 5 * 1024 * 1024
#: Longer words are no topic and no reason.
MAX_LENGTH = 200
MAX_URL = 500
KIND_NAMES: dict[str, str] = {"praise": "表扬", "notice": "通报", "deduction": "扣分"}
#: How an improvement measure stands.
STATE_NAMES: dict[str, str] = {"planned": "未启动", "running": "推进中", "done": "已完成", "dropped": "已取消"}

#: Headers of columns about persons. Numbers of people (参训人数) are none.
_PERSONAL = re.compile(
    r"姓名|名单|人员|员工|职工|同志|学员|讲师|教师|授课人|主讲|联系人|责任人|经办人|记录人|填表人|签名|签字|"
    r"电话|手机|身份证|工号|账号|邮箱|^name$|^phone$"
)
_COUNTS = re.compile(r"(人数|数|数量|人次)$")
_COMRADE = re.compile(r"同志(?!们)")
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y-%m-%d %H:%M:%S")
_PERIOD = re.compile(
    r"(20\d\d)(?:[-年./]?(?:(?P<month>1[0-2]|0?[1-9])月?(?:份)?|第?(?P<quarter>[一二三四1-4])季度|[Qq](?P<q>[1-4]))|年(?:度|全年)?|)"
)
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4}
_NOTHING = frozenset({"", "-", "--", "—", "——", "/", "无", "未知"})


class _CellError(ValueError):
    """In Chinese: what is wrong with a value."""


@dataclass(frozen=True)
class _Column:
    """A field of a register and the column of the sheet that holds it."""

    name: str
    header: str
    read: Callable[[str, Settings], Any]
    hint: str
    required: bool = True


@dataclass(frozen=True)
class SheetReport:
    """What became of a sheet: rows = new + corrected + repeated + rejected."""

    sheet: SheetName
    rows: int
    new: int
    corrected: int
    """Rows that give an entry known before other figures."""
    repeated: int
    """Rows imported before as they are."""
    rejected: int
    faults: tuple[str, ...]
    """`第n行 field（header）：reason`, one for each rejected row."""
    written: bool
    rejected_file: Path | None = None
    """Copy of the bad rows with the column 原因; null if there is none, and in a dry run."""
    counts: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        names = ("rows", "new", "corrected", "repeated", "rejected")
        object.__setattr__(self, "counts", {name: getattr(self, name) for name in names})

    def words(self) -> str:
        """One line for terminals."""
        counts = " ".join(f"{name}={number}" for name, number in self.counts.items())
        return f"sheet      {self.sheet} {counts}: {'written' if self.written else 'dry run, nothing written'}"


def import_sheet(env: Env, sheet: SheetName, file: Path, *, dry_run: bool = False) -> SheetReport:
    """Add the rows of a sheet that are not in the register yet, as a part of ops.<sheet> under today.

    Args:
        env: environment; its clock gives the time of the import.
        sheet: which register.
        file: csv or xlsx with the columns of the template; its first line that is not blank has the headers, further
            columns are not looked at.
        dry_run: only say what would be done.

    Returns:
        What became of the rows. Bad ones are written to `<name>.rejected.<ending>` beside the file, with reasons.

    Raises:
        UsageError: no such file, an ending we do not read, a file too large, or the bad rows cannot be written.
        DataError: the file is no table, lacks a column, or has one about persons; nothing is written.
    """
    columns = _SHEETS[sheet]
    headers, rows = _read(file)
    if personal := [header for header in headers if _PERSONAL.search(header) and not _COUNTS.search(header)]:
        raise DataError(f"{file}: column {'、'.join(personal)}: 本表只登记单位，不登记个人；请删去该列后再导入")
    if missing := [column.header for column in columns if column.header not in headers]:
        raise DataError(f"{file}: no column {'、'.join(missing)}; columns found: {'、'.join(headers) or 'none'}")
    table = f"ops.{sheet}"
    contract = env.contracts[table]
    key = [name for name in env.contracts[_MARTS.get(sheet, f"marts.{sheet}")].grain if name in contract.names]
    before = env.lake.read_range(table, date.min, date.max, ["row_id", *key])
    known, entries = set(before["row_id"]), set(before.select(key).iter_rows())
    now = env.now().replace(microsecond=0)

    good: dict[str, dict[str, Any]] = {}
    first: dict[tuple[Any, ...], tuple[int, str]] = {}
    bad: list[tuple[dict[str, str], str]] = []
    faults, corrected, repeated = [], 0, 0
    for number, cells in rows:
        try:
            values = _values(cells, columns, env.settings)
            row_id = sha256("\x1f".join([sheet, *map(str, values.values())]).encode()).hexdigest()[:16]
            entry = tuple(values[name] for name in key)
            at, same_id = first.setdefault(entry, (number, row_id))
            if row_id != same_id:
                raise _CellError(f"与第{at}行是同一事项，内容不同")
        except _CellError as error:
            faults.append(f"第{number}行 {error}")
            bad.append((cells, str(error)))
            continue
        if row_id in known or row_id in good:
            repeated += 1
            continue
        corrected += entry in entries
        good[row_id] = {"row_id": row_id, **values, "imported_at": now}

    rejected_file = None
    if not dry_run:
        rejected_file = _return_bad_rows(file, headers, bad) if bad else None
        if good:
            frame = pl.DataFrame(list(good.values()), schema=contract.polars_schema())
            part = sha256("".join(good).encode()).hexdigest()[:16]
            env.lake.replace(table, clock.business_day(now), frame, part)
    return SheetReport(
        sheet,
        len(rows),
        len(good) - corrected,
        corrected,
        repeated,
        len(bad),
        tuple(faults),
        not dry_run,
        rejected_file,
    )


def write_template(settings: Settings, sheet: SheetName, file: Path) -> Path:
    """Write an empty sheet with its headers, the choices of its columns, and a page that explains them.

    Raises:
        UsageError: the file does not end in .xlsx, is there already, or cannot be written.
    """
    if file.suffix.lower() != ".xlsx":
        raise UsageError(f"{file}: a template ends in .xlsx")
    if file.exists():
        raise UsageError(f"{file}: is there already")
    columns = _SHEETS[sheet]
    choices = {
        "unit": [unit.name for unit in settings.office().units],
        "kind": list(KIND_NAMES.values()),
        "state": list(STATE_NAMES.values()),
        "topic": [topic.name for topic in settings.taxonomy().topics] if sheet == "practices" else [],
        "outcome": list(OUTCOME_NAMES.values()),
        "form": list(FORM_NAMES.values()),
        "noted_by_role": [role.name for role in settings.office().roles],
    }
    with (
        replacing(file) as temporary,
        xlsxwriter.Workbook(temporary, {"strings_to_formulas": False, "strings_to_urls": False}) as book,
    ):
        bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        page = book.add_worksheet(SHEET_NAMES[sheet])
        page.freeze_panes(1, 0)
        for at, column in enumerate(columns):
            page.write_string(0, at, column.header, bold)
            page.set_column(at, at, 18, text)
            if column.read is not _read_words and sum(map(len, choices.get(column.name, ()))) in range(1, 200):
                # A list in a cell holds 255 characters; longer ones are in the notes only.
                page.data_validation(1, at, 1000, at, {"validate": "list", "source": choices[column.name]})
        notes = book.add_worksheet("填写说明")
        notes.set_column(0, 0, 14)
        notes.set_column(1, 1, 80)
        lines = [(column.header, f"{'必填' if column.required else '可不填'}。{column.hint}") for column in columns]
        lines += [
            (f"{column.header}可填", "、".join(choices[column.name]))
            for column in columns
            if column.read is not _read_words and choices.get(column.name)
        ]
        lines.append(("注意", "只登记单位，不登记个人：不得增加姓名、名单、电话等列，文字中也不得出现姓名。"))
        for number, line in enumerate(lines):
            notes.write_row(number, 0, line)
    return file


# --- the values of a row ---------------------------------------------------------------------------------------------


def _values(cells: dict[str, str], columns: Iterable[_Column], settings: Settings) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in columns:
        text = cells.get(column.header, "").strip()
        try:
            if text in _NOTHING:
                if column.required:
                    raise _CellError("没有填写")
                values[column.name] = None
            else:
                values[column.name] = column.read(text, settings)
        except _CellError as error:
            raise _CellError(f"{column.name}（{column.header}）：{error}") from None
    if "points" in values:
        values["points"] = _signed(values["kind"], values["points"])
    if "state" in values and (values["state"] == "done") != (values["done_on"] is not None):
        raise _CellError("done_on（完成日期）：状态为已完成的须填写，其他状态不填")
    return values


def _signed(kind: str, points: float | None) -> float | None:
    """Points with their sign: praise gives, all else takes, however it was written."""
    if kind == "deduction" and not points:
        raise _CellError("points（分值）：扣分须写明分值")
    if kind == "praise":
        if points is not None and points < 0:
            raise _CellError("points（分值）：表扬的分值不能为负")
        return points
    return -abs(points) if points else points


def _read_words(text: str, _: Settings) -> str:
    words = " ".join(unicodedata.normalize("NFC", text).split())
    if len(words) > MAX_LENGTH:
        raise _CellError(f"超过{MAX_LENGTH}字")
    if find_pii(words) or _COMRADE.search(words):
        raise _CellError("含有个人信息，请改写为单位")
    return words


def _read_day(text: str, _: Settings) -> date:
    for form in _DATES:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day, Beijing's
        except ValueError:
            continue
    raise _CellError(f"不是日期：{text}（请写成 2026-03-12）")


def _read_unit(text: str, settings: Settings) -> str:
    units = {name: unit.id for unit in settings.office().units for name in (unit.id, unit.name)}
    if text not in units:
        known = "、".join(unit.name for unit in settings.office().units)
        raise _CellError(f"不是本单位的股室：{text}（有：{known}）")
    return units[text]


def _read_number(text: str, _: Settings) -> float:
    plain = unicodedata.normalize("NFKC", text)
    if not re.fullmatch(r"[+-]?\d{1,6}(\.\d{1,2})?", plain):
        raise _CellError(f"不是数字：{text}")
    return float(plain)


def _read_hours(text: str, settings: Settings) -> float:
    hours = _read_number(re.sub(r"(个)?(小时|学时)$", "", text), settings)
    if not 0 < hours <= 1000:
        raise _CellError(f"学时应在0到1000之间：{text}")
    return hours


def _read_people(text: str, settings: Settings) -> int:
    people = _read_number(re.sub(r"人次?$", "", text), settings)
    if people < 0 or people != int(people):
        raise _CellError(f"不是人数：{text}")
    return int(people)


def _code(text: str, names: Mapping[str, str], what: str) -> str:
    codes = {name: code for code, chinese in names.items() for name in (code, chinese)}
    if text not in codes:
        raise _CellError(f"不是{what}：{text}（有：{'、'.join(names.values())}）")
    return codes[text]


def _read_kind(text: str, _: Settings) -> str:
    return _code(text, KIND_NAMES, "类别")


def _read_state(text: str, _: Settings) -> str:
    return _code(text, STATE_NAMES, "状态")


def _read_topic(text: str, settings: Settings) -> str:
    return _code(text, {topic.id: topic.name for topic in settings.taxonomy().topics}, "领域")


def _read_outcome(text: str, _: Settings) -> str:
    return _code(text, OUTCOME_NAMES, "核查结论")


def _read_form(text: str, _: Settings) -> str:
    return _code(text, FORM_NAMES, "回应形式")


def _read_role(text: str, settings: Settings) -> str:
    return _code(text, {role.id: role.name for role in settings.office().roles}, "岗位")


def _read_url(text: str, _: Settings) -> str:
    if not is_web_url(text) or len(text) > MAX_URL:
        raise _CellError(f"不是链接：{text[:40]}（须以 http:// 或 https:// 开头）")
    if find_pii(text):
        raise _CellError("链接中含有个人信息")
    return canonical_url(text)


def _read_period(text: str, _: Settings) -> str:
    found = _PERIOD.fullmatch("".join(unicodedata.normalize("NFKC", text).split()))
    if not found:
        raise _CellError(f"不是考核期：{text}（请写成 2026-10、2026年三季度 或 2026年）")
    kind: PeriodKind = "year"
    month, quarter = 1, found["quarter"] or found["q"]
    if found["month"]:
        kind, month = "month", int(found["month"])
    elif quarter:
        kind, month = "quarter", 3 * int(_QUARTERS.get(quarter, quarter)) - 2
    return Period.of(kind, date(int(found[1]), month, 1)).code


#: What the sheets are called on paper.
SHEET_NAMES: dict[str, str] = {
    "training": "培训登记",
    "assessments": "考核奖惩登记",
    "improvements": "整改举措登记",
    "practices": "借鉴做法登记",
}
#: Marts that are not named like their sheet; their grain tells entries apart.
_MARTS = {"practices": "marts.practice_library"}
_SHEETS: dict[str, tuple[_Column, ...]] = {
    "training": (
        _Column("held_on", "日期", _read_day, "举办之日，如 2026-03-12。"),
        _Column("topic", "主题", _read_words, "培训内容。"),
        _Column("unit", "股室", _read_unit, "参训的股室，一行一个。"),
        _Column("hours", "学时", _read_hours, "小时数。", required=False),
        _Column("participants", "参训人数", _read_people, "只写人数。", required=False),
    ),
    "assessments": (
        _Column("period", "考核期", _read_period, "如 2026-10、2026年三季度、2026年。"),
        _Column("unit", "股室", _read_unit, "受奖惩的股室；不登记个人。"),
        _Column("kind", "类别", _read_kind, "表扬、通报或扣分。"),
        _Column("reason", "事由", _read_words, "为何奖惩。"),
        _Column("basis", "依据", _read_words, "所依据的文件、条款。", required=False),
        _Column("points", "分值", _read_number, "加分或扣分的数；扣分必填，正负号均可。", required=False),
    ),
    "improvements": (
        _Column("raised_for", "提出期", _read_period, "哪一期总结提出的，如 2026-10、2026年三季度、2026年。"),
        _Column("measure", "举措", _read_words, "要改进什么，怎样改进。"),
        _Column("unit", "责任股室", _read_unit, "负责的股室，一条举措一个。"),
        _Column("due_on", "完成时限", _read_day, "最迟完成之日，如 2026-12-31。"),
        _Column("state", "状态", _read_state, "未启动、推进中、已完成或已取消；有变化时改后重新导入。"),
        _Column("done_on", "完成日期", _read_day, "已完成的必填。", required=False),
    ),
    "practices": (
        _Column("noted_on", "记录日期", _read_day, "记录之日，如 2026-11-12。"),
        _Column("region", "地区", _read_words, "如 某省某市。"),
        _Column("body", "单位", _read_words, "哪个单位的做法；不写个人。"),
        _Column("title", "标题", _read_words, "做法的名称。"),
        _Column("topic", "领域", _read_topic, "涉及的统计领域，写名称或代码。", required=False),
        _Column("outcome", "核查结论", _read_outcome, "当地核查的结论。", required=False),
        _Column("form", "回应形式", _read_form, "当地怎样回应。", required=False),
        _Column("url", "链接", _read_url, "公开页面的网址。", required=False),
        _Column("summary", "做法摘要", _read_words, "好在哪里，不超过200字。"),
        _Column("noted_by_role", "记录岗位", _read_role, "由哪个岗位记录，不写姓名。"),
    ),
}


# --- the file --------------------------------------------------------------------------------------------------------


def _read(file: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Headers, and the rows below them that are not blank with their number in the file."""
    body = read_input(file, (".csv", ".xlsx"), MAX_BYTES)
    lines = _workbook_lines(file, body) if file.suffix.lower() == ".xlsx" else _csv_lines(file, body)
    filled = [(number, line) for number, line in enumerate(lines, 1) if any(cell.strip() for cell in line)]
    if not filled:
        raise DataError(f"{file}: the table is empty")
    (_, head), *below = filled
    headers = ["".join(cell.replace("\ufeff", "").split()) for cell in head]
    if twice := sorted({header for header in headers if header and headers.count(header) > 1}):
        raise DataError(f"{file}: column {'、'.join(twice)} stands twice")
    return [h for h in headers if h], [
        (number, {header: cell for header, cell in zip(headers, line, strict=False) if header})
        for number, line in below
    ]


def _csv_lines(file: Path, body: bytes) -> list[list[str]]:
    try:
        text = decode(body).text
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (Undecodable, csv.Error) as error:
        raise DataError(f"{file}: is no csv table: {error}") from error
    # the guard of a cell that a spreadsheet would run (`guarded`) comes off again
    return [[re.sub(r"^'(?=[=+\-@])", "", cell) for cell in line] for line in lines]


def _workbook_lines(file: Path, body: bytes) -> list[list[str]]:
    try:
        book = fastexcel.read_excel(body)
        # blank lines at the head are kept, so that row numbers are those of the sheet
        frame = book.load_sheet(0, header_row=None, skip_rows=0, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise DataError(f"{file}: is no workbook: {str(error).splitlines()[0]}") from error
    return [["" if cell is None else str(cell) for cell in row] for row in frame.iter_rows()]


def _return_bad_rows(file: Path, headers: list[str], bad: list[tuple[dict[str, str], str]]) -> Path:
    """Write the bad rows beside the file, in its format, with the column 原因 at the end."""
    target = file.with_name(f"{file.stem}.rejected{file.suffix}")
    names = [header for header in headers if header != REASON]
    lines = [[*names, REASON], *([*(cells.get(name, "") for name in names), reason] for cells, reason in bad)]
    with replacing(target) as temporary:
        if file.suffix.lower() == ".xlsx":
            options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
            with xlsxwriter.Workbook(temporary, options) as book:
                page = book.add_worksheet()
                for number, line in enumerate(lines):
                    page.write_row(number, 0, line)
        else:
            text = io.StringIO()
            csv.writer(text).writerows([guarded(cell) for cell in line] for line in lines)
            # with a byte order mark, for spreadsheets take anything else for the local charset
            temporary.write_bytes(text.getvalue().encode("utf-8-sig"))
    return target
