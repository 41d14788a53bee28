"""The 政务舆情台账 (Art. 13) as a workbook: pages to print, all columns to work with, and what the columns mean.

A ledger comes back with changes (caifeng.jobs.ledger_import): a hidden sheet keeps what stood in each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from caifeng.core.clock import business_day, end_of_day
from caifeng.core.model.deadlines import CHANNEL_NAMES, DUE_NAMES
from caifeng.core.model.office import Office
from caifeng.core.model.publications import Period
from caifeng.core.model.terms import LEVEL_NAMES, MEDIA_TIER_NAMES, RESPONSE_NAMES
from caifeng.reports.fields import LOG_FIELDS, Field
from caifeng.reports.sheets import Column, Styles, printed_page, table_sheet, workbook
from caifeng.reports.words import (
    INTERNAL,
    SAMPLE_NOTICE,
    UNKNOWN,
    as_of_text,
    document_date,
    level_text,
    local_time,
    number,
    printable,
)

_LEVELS = {level: names[0] for level, names in LEVEL_NAMES.items()}
_DUTIES = {**DUE_NAMES, "unknown": "未定"}
_NO_LOG = "没有编入日志"
_NOT_GRADED = "尚未评级"
_AT = 17
#: Number of the built-in format that leaves what somebody types as text (@).
_AS_TEXT = 49


def _logged(column: str, unknown: str = _NO_LOG) -> Field:
    return LOG_FIELDS[column]._replace(unknown=unknown)


def _done(head: str, meaning: str, unknown: str = "尚未办理") -> Field:
    return Field(head, meaning + "（北京时间）", unknown, width=_AT)


def _on_time(duty: str) -> Field:
    name = DUE_NAMES[duty]
    return Field(f"{name}按时", f"{name}是否在时限内办理；已超期而未办的为“否”", "没有此项时限，或时限未到", width=12)


#: Columns of marts.ledger in the order of its contract; words of the register's codes come with the ledger.
LEDGER_FIELDS: dict[str, Field] = {
    "issue_no": LOG_FIELDS["issue_no"],
    "detected_at": LOG_FIELDS["detected_at"],
    "title": _logged("title"),
    "summary": _logged("summary"),
    "source_name": _logged("source_name"),
    "source_class": _logged("source_class"),
    "media_tier": _logged("media_tier")._replace(names=MEDIA_TIER_NAMES),
    "url": _logged("url"),
    "first_published_at": LOG_FIELDS["first_published_at"],
    "topic": _logged("topic"),
    "topic_name": _logged("topic_name"),
    "jurisdiction": _logged("jurisdiction"),
    "stance": _logged("stance"),
    "tone": _logged("tone"),
    "posts": _logged("posts"),
    "views": LOG_FIELDS["views"],
    "reposts": LOG_FIELDS["reposts"],
    "comments": LOG_FIELDS["comments"],
    "system_level": Field("系统级别", "系统综合前后评估建议的级别", _NOT_GRADED, _LEVELS, 9),
    "confirmed_level": Field("确认级别", "人工确认的级别", "尚未确认", _LEVELS, 9),
    "level": Field("现行级别", "确认级别，未确认的为系统级别", _NOT_GRADED, _LEVELS, 9),
    "total": _logged("total"),
    "overrides": _logged("overrides", ""),
    "explanation": _logged("explanation"),
    "key_category": _logged("key_category"),
    "response_value": Field("回应价值", "必须回应、应当回应、仅记录或转办", _NOT_GRADED, RESPONSE_NAMES, 10),
    "sensitive": Field("敏感", "按敏感舆情处理（制度第七条）；人工登记的优先，其余为规则建议", width=6),
    "owner_unit": Field("领域承办", "负责该领域的股室", _NO_LOG, width=12),
    "competent_body": _logged("competent_body", "本单位，或" + _NO_LOG),
    "suggestion": _logged("suggestion"),
    "channel": Field("来件渠道", "从何处来", names=CHANNEL_NAMES),
    "state": Field("状态", "办理到哪一步", width=9),
    "is_open": Field("待办", "还有人须办理", width=6),
    "unit": Field("交办股室", "核查的股室", "未交办", width=14),
    "accused_unit": Field("被反映股室", "被反映的股室，不参与核查", "无", width=14),
    "parent": Field("并入事项", "并案后归入的事项", "未并案", width=15),
    "reason_code": Field("仅记或转出原因", "仅记日志或转出的原因", "未仅记，未转出", width=16),
    "outcome": Field("核查结论", "核查的结论（制度第九条）", "未核查", width=16),
    "remedy": Field(
        "澄清或整改", "按核查结论应澄清还是整改", "未核查，或都不需要", {"clarify": "澄清", "rectify": "整改"}, 12
    ),
    "adoption": Field("采纳情况", "对意见建议是否采纳", "未登记，或没有建议", width=10),
    "opinions": Field("会商意见", "收到的会商意见数", width=9),
    "confirmed_at": _done("确认时间", "确认级别或作仅记、并案、转出处理"),
    "reported_inside_at": _done("内部报告时间", "向领导报告"),
    "reported_up_at": _done("归口报送时间", "首次归口报送"),
    "assigned_at": _done("交办时间", "本轮最近一次交办", "未交办"),
    "verified_at": _done("核查完成时间", "首次登记核查结论"),
    "submitted_at": _done("报审时间", "本轮最近一次报审"),
    "approved_at": _done("批准时间", "本轮最近一次同意"),
    "first_response_at": _done("首次回应时间", "首次公开回应，含关注通报"),
    "final_response_at": _done("正式回应时间", "首次正式回应"),
    "plan_due": Field("整改期限", "最近一次整改方案的完成期限", "没有整改方案", width=11),
    "plan_done_at": _done("整改验收时间", "该方案通过验收", "尚未验收，或没有整改方案"),
    "result_notice_at": _done("结果通报时间", "通报办理结果（制度第九条）", "尚未通报，或无须通报"),
    "closed_at": _done("办结时间", "办结", "未办结"),
    "last_event_at": _done("最近办理时间", "登记簿最近一步", "尚无办理"),
    "response_forms": Field("回应形式", "已发布回应的形式（制度第十二条）", width=18),
    "response_urls": Field("回应链接", "已发布回应的网址（纯文本，不设跳转）", width=36),
    "reported_to": Field("报送去向", "已归口报送、转办、共享的单位", width=20),
    "awaiting_receipt": Field("待回执", "尚无回执的报送、转办、共享", width=7),
    "respond_due_at": _done("回应时限", "首次公开回应的时限", "无须回应，或无法计算"),
    "next_duty": Field("最近时限事项", "未办事项中最先到期的", "没有未办事项", _DUTIES, 12),
    "next_due_at": _done("最近时限", "该事项的时限，已延期的为延期后", "没有未办事项，或无法计算"),
    **{
        f"{duty}_on_time": _on_time(duty)
        for duty in (
            "confirm", "report_inside", "report_up", "refer", "verify", "respond", "respond_final", "rectify",
        )
    },
    "overdue_hours": Field("超期小时", "各项时限中超期最多的小时数", "没有超期", width=9),
    "supervisions": Field("督办次数", "发出督办单的次数", width=9),
    "returns": Field("退回次数", "报审被退回的次数", width=9),
    "reopened": Field("重开次数", "重新办理的次数", width=9),
    "rounds": Field("发布次数", "已发布的次数，含结果通报", width=9),
    "recorder_role": Field("记录岗位", "登记第一步的岗位", "尚无办理", width=12),
    "reviewer_role": Field("审核岗位", "同意最近一次回应的岗位", "没有同意的回应", width=12),
    "events": Field("登记步数", "登记簿中的步数", width=9),
    "as_of": Field("数据截至", "该行所依据的时点（北京时间）", width=_AT),
    "rule_version": Field("规则版本", "现行评级所用规则的版本", _NOT_GRADED, width=14),
}  # fmt: skip

#: Columns that come back changed: each change is one legal action of the register (caifeng.jobs.ledger_import).
EDITABLE: dict[str, str] = {
    "confirmed_level": "可改，作为“确认级别”或“调整级别”登记；调整须填理由",
    "unit": "可改，作为“交办”登记",
    "outcome": "可改，作为“登记核查结论”登记；须填核查依据",
    "adoption": "可改，作为“登记采纳情况”登记；须填理由",
}
#: Columns of no table: empty, to be filled in.
INPUTS: dict[str, Field] = {
    "reason": Field("理由（填写）", "调整级别、交办、采纳的理由", "没有填写", width=30),
    "basis": Field("核查依据（填写）", "登记或更改核查结论的依据", "没有填写", width=30),
    "note": Field("记事（填写）", "作为“记事”登记", "没有填写", width=30),
}
_FIRST = ("issue_no", "title")
#: The full sheet: what may be changed stands beside the title, so that nobody has to search for it.
SHEET_FIELDS: dict[str, Field] = {
    **{column: LEDGER_FIELDS[column] for column in (*_FIRST, *EDITABLE)},
    **INPUTS,
    **{column: field for column, field in LEDGER_FIELDS.items() if column not in (*_FIRST, *EDITABLE)},
}
FULL_SHEET, PRINTED_SHEET, BASE_SHEET, CHOICE_SHEET = "全表", "打印", "_底稿", "_选项"
#: First cells of the hidden sheet: whose it is, and its format.
BASE_MARK = ("采风台账", "1")
BASE_KEYS = ("issue_no", "events", "hash")

_SIGN_LINE = (
    "制表岗位：　　　　　　　　审核岗位：　　　　　　　　签批岗位：　　　　　　　　日期：　　　　年　　月　　日"
)
_MEANING_FIELDS = {
    "head": Field("栏目", "", width=20),
    "column": Field("字段", "", width=22),
    "meaning": Field("含义", "", width=56),
    "unknown": Field("“—”或空白表示", "", width=24),
    "edit": Field("能否更改", "", width=46),
}


@dataclass(frozen=True)
class Ledger:
    """What a ledger is made from."""

    first: date
    last: date
    as_of: datetime
    office: Office
    rows: pl.DataFrame
    """Rows of marts.ledger, one per issue that was found from `first` to `last`, by number."""
    words: Mapping[str, Mapping[str, str]]
    """Column -> code -> word, of the columns whose codes are the register's."""
    is_sample: bool = False


def write_ledger_xlsx(ledger: Ledger, path: Path) -> None:
    """Write sheets 打印 and 全表, one each per quarter, and 字段说明; the same input gives the same bytes.

    Raises:
        OSError: `path` cannot be written.
    """
    units = {unit.id: unit.name for unit in ledger.office.units}
    rows = ledger.rows.with_columns(
        pl.col("unit", "accused_unit").replace(units),
        pl.col("plan_due").dt.to_string("%Y-%m-%d"),
        *(pl.lit("").alias(column) for column in INPUTS),
    )
    quarters, fields = _quarters(ledger, rows), sheet_fields(ledger.words)
    listed = choices(fields, list(units.values()))
    with workbook(path, f"政务舆情台账 {ledger.first}—{ledger.last}", ledger.as_of) as (book, styles):
        for name, part in quarters.items():
            _printed(book, styles, f"{PRINTED_SHEET}{name}", ledger, part)
        for name, part in quarters.items():
            _full(book, styles, f"{FULL_SHEET}{name}", part, fields, listed)
        table_sheet(book, styles, "字段说明", _meanings(), _MEANING_FIELDS)
        _choices(book, listed)
        _base(book, rows, fields)


def sheet_fields(words: Mapping[str, Mapping[str, str]]) -> dict[str, Field]:
    """`SHEET_FIELDS` with the words of the register's codes."""
    return {
        column: field._replace(names=dict(words[column])) if column in words else field
        for column, field in SHEET_FIELDS.items()
    }


def choices(fields: Mapping[str, Field], units: Sequence[str]) -> dict[str, list[str]]:
    """What may be chosen in each column that may be changed.

    Args:
        fields: as `sheet_fields` gives them.
        units: names of the office's units.
    """
    return {
        column: list(units) if column == "unit" else list((fields[column].names or {}).values()) for column in EDITABLE
    }


def row_hash(values: Sequence[str]) -> str:
    """Sixteen hexadecimal digits over what stood in a row."""
    return sha256("\x1f".join(values).encode()).hexdigest()[:16]


def _shown(column: str, field: Field, raw: Any) -> str:
    """What a cell of the full sheet says, as one text: the hidden sheet keeps it, the import compares with it."""
    value = field.value(raw)
    if value is None:
        return "" if column in EDITABLE else UNKNOWN
    if isinstance(value, datetime):
        return local_time(value)
    if isinstance(value, list):
        return "、".join(value)
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return printable(value) if value else ""


def _quarters(ledger: Ledger, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """End of the sheets' names -> rows; one quarter needs no name."""
    quarter = Period.of("quarter", ledger.first)
    found: dict[str, pl.DataFrame] = {}
    day = pl.col("detected_at").dt.convert_time_zone("Asia/Shanghai").dt.date()
    while quarter.first <= ledger.last:
        found[f" {quarter.code}"] = rows.filter(day.is_between(quarter.first, quarter.last))
        quarter = quarter.later(1)
    return found if len(found) > 1 else {"": rows}


def _printed(book: Any, styles: Styles, name: str, ledger: Ledger, frame: pl.DataFrame) -> None:
    rows = [_worded(row, ledger.words) for row in frame.iter_rows(named=True)]
    columns = [
        Column("序号", 6, list(range(1, len(rows) + 1)), "centred"),
        Column("级别", 13, [_level_words(row) for row in rows], "level"),
        Column("编号和发现时间", 18, [_number_words(row) for row in rows], "centred"),
        Column("事项", 42, [_issue_words(row) for row in rows]),
        Column("承办", 14, [_unit_words(row) for row in rows], "centred"),
        Column("办理情况", 20, [_treatment_words(row) for row in rows]),
        Column("首次回应", 22, [_response_words(row) for row in rows]),
        Column("时限", 22, [_due_words(row) for row in rows]),
        Column("备注", 18, [_remark_words(row) for row in rows]),
    ]
    parts = [INTERNAL, f"{ledger.office.name}{ledger.office.openness_office}"]
    parts.append(f"数据截至 {_moment(ledger.as_of)}")
    if ledger.is_sample:
        parts.append(SAMPLE_NOTICE)
    found = f"{document_date(ledger.first)}至{document_date(ledger.last)}发现的事项{name.removeprefix(PRINTED_SHEET)}"
    done = sum(not row["is_open"] for row in rows)
    notes = f"{found.strip()}：{len(rows)} 件，其中待办 {len(rows) - done} 件。“—”表示未知或尚无。"
    sheet = printed_page(
        book,
        styles,
        name,
        ["政务舆情台账", "　　".join(parts), notes],
        columns,
        [row["level"] or "log_only" for row in rows],
    )
    end = 4 + len(rows)
    sheet.merge_range(end, 0, end, len(columns) - 1, "", styles.note)
    sheet.write_string(end, 0, _SIGN_LINE, styles.note)
    sheet.set_row(end, 36)


def _moment(as_of: datetime) -> str:
    day = business_day(as_of - timedelta(seconds=1))
    return as_of_text(as_of, day) if as_of == end_of_day(day) else f"{local_time(as_of)}（北京时间）"


def _number_words(row: Mapping[str, Any]) -> str:
    return f"{row['issue_no']}\n{local_time(row['detected_at'])}"


def _unit_words(row: Mapping[str, Any]) -> str:
    return printable(row["unit"]) if row["unit"] else f"{printable(row['owner_unit'])}\n（未交办）"


def _worded(row: Mapping[str, Any], words: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """A row with the register's codes in words."""
    return {**row, **{column: Field("", "", names=dict(names)).value(row[column]) for column, names in words.items()}}


def _level_words(row: Mapping[str, Any]) -> str:
    if row["level"] is None:
        return "未评级"
    return f"{level_text(row['level'])}\n{'已确认' if row['confirmed_level'] else '建议'}"


def _issue_words(row: Mapping[str, Any]) -> str:
    return f"{printable(row['title'])}\n{printable(row['topic_name'])}｜{printable(row['source_name'])}"


def _treatment_words(row: Mapping[str, Any]) -> str:
    words: str = row["state"]
    if row["outcome"]:
        words += f"\n核查：{row['outcome']}"
    return words + (f"\n并入 {row['parent']}" if row["parent"] else "")


def _response_words(row: Mapping[str, Any]) -> str:
    if row["first_response_at"] is None:
        return UNKNOWN
    forms = "、".join(row["response_forms"])
    return local_time(row["first_response_at"]) + (f"\n{forms}" if forms else "")


def _due_words(row: Mapping[str, Any]) -> str:
    words = []
    if row["next_duty"]:
        when = f"{local_time(row['next_due_at'])} 前" if row["next_due_at"] else "无法计算"
        words.append(f"{_DUTIES[row['next_duty']]}\n{when}")
    if row["respond_on_time"] is not None:
        words.append("首次回应按时" if row["respond_on_time"] else "首次回应超期")
    if row["overdue_hours"] is not None:
        words.append(f"最多超期 {number(row['overdue_hours'])} 小时")
    return "\n".join(words) or UNKNOWN


def _remark_words(row: Mapping[str, Any]) -> str:
    counted = (("supervisions", "督办"), ("returns", "退回"), ("reopened", "重开"))
    words = [f"{name} {row[column]} 次" for column, name in counted if row[column]]
    if row["reported_to"]:
        words.append("报送" + "、".join(row["reported_to"]))
    return "；".join(words) or UNKNOWN


def _full(
    book: Any,
    styles: Styles,
    name: str,
    frame: pl.DataFrame,
    fields: Mapping[str, Field],
    listed: Mapping[str, Sequence[str]],
) -> None:
    sheet = table_sheet(book, styles, name, frame, fields)
    cell = {"font_name": "仿宋_GB2312", "font_size": 11, "border": 1, "valign": "vcenter", "num_format": _AS_TEXT}
    text = book.add_format({**cell, "text_wrap": True})
    head = book.add_format({**cell, "font_name": "黑体", "align": "center", "bg_color": "#FFF3BF"})
    last = max(frame.height, 1)
    sources = {
        column: f"={CHOICE_SHEET}!${chr(65 + place)}$1:${chr(65 + place)}${len(values)}"
        for place, (column, values) in enumerate(listed.items())
        if values
    }
    for place, (column, field) in enumerate(fields.items()):
        is_filled_in = column in EDITABLE or column in INPUTS
        if is_filled_in:
            sheet.write_string(0, place, field.head, head)
        if is_filled_in or column in ("issue_no", "parent"):
            for row, raw in enumerate(frame[column].to_list(), 1):
                # As text: a spreadsheet must not read a number or a date into what somebody types.
                sheet.write_string(row, place, _shown(column, field, raw), text)
        if column in sources:
            warning = {"error_title": "请从列表中选择", "error_message": "此栏只能填列表中的内容"}
            sheet.data_validation(1, place, last, place, {"validate": "list", "source": sources[column], **warning})
        elif field.names and frame.schema[column] == pl.String:
            words = [*dict.fromkeys(field.names.values()), UNKNOWN]
            if len(",".join(words)) <= 255:  # what the format allows in a cell's own list
                sheet.data_validation(1, place, last, place, {"validate": "list", "source": words})


def _choices(book: Any, listed: Mapping[str, Sequence[str]]) -> None:
    sheet = book.add_worksheet(CHOICE_SHEET)
    for place, values in enumerate(listed.values()):
        for row, value in enumerate(values):
            sheet.write_string(row, place, value)
    sheet.very_hidden()


def _base(book: Any, rows: pl.DataFrame, fields: Mapping[str, Field]) -> None:
    """What stood in each row, as text, with a hash over it: a change is seen cell by cell, wherever the row went."""
    sheet = book.add_worksheet(BASE_SHEET)
    for place, word in enumerate(BASE_MARK):
        sheet.write_string(0, place, word)
    for place, column in enumerate((*BASE_KEYS, *LEDGER_FIELDS)):
        sheet.write_string(1, place, column)
    for at, row in enumerate(rows.iter_rows(named=True), 2):
        values = [_shown(column, fields[column], row[column]) for column in LEDGER_FIELDS]
        for place, value in enumerate((row["issue_no"], str(row["events"]), row_hash(values), *values)):
            sheet.write_string(at, place, value)
    sheet.very_hidden()


def _meanings() -> pl.DataFrame:
    by_hand = {**dict.fromkeys(INPUTS, "空白栏，随更改一并填写"), "note": "空白栏，可单独填写"}
    rows = [
        (
            field.head,
            "" if column in INPUTS else column,
            field.meaning,
            field.unknown or "不会出现",
            EDITABLE.get(column) or by_hand.get(column) or "系统生成，改动会被退回",
        )
        for column, field in SHEET_FIELDS.items()
    ]
    marks = "；".join(f"{mark} {name} {roman}".rstrip() for name, mark, _, roman in LEVEL_NAMES.values())
    rows.append(("级别（打印）", "level", f"现行级别。{marks}。阈值和权重为本单位规定", "不会出现", "见“确认级别”"))
    return pl.DataFrame(rows, schema=list(_MEANING_FIELDS), orient="row")
