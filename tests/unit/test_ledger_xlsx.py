"""The 台账 as a file: what is printed, what is worked with, what stays text."""

from datetime import date
from pathlib import Path
from zipfile import ZipFile

import fastexcel
import pytest

from caifeng.jobs.ledger import REGISTER_WORDS
from caifeng.reports.ledger_xlsx import (
    BASE_SHEET,
    CHOICE_SHEET,
    EDITABLE,
    INPUTS,
    LEDGER_FIELDS,
    SHEET_FIELDS,
    sheet_fields,
    write_ledger_xlsx,
)
from tests.golden import ledger_rows
from tests.golden.compare import assert_golden

Cells = dict[str, list[list[str]]]


def cells(path: Path) -> Cells:
    """Every sheet as rows of text."""
    book = fastexcel.read_excel(path)
    frames = {name: book.load_sheet(name, header_row=None, dtypes="string").to_polars() for name in book.sheet_names}
    return {name: [[cell or "" for cell in row] for row in frame.iter_rows()] for name, frame in frames.items()}


def part(path: Path, name: str) -> str:
    with ZipFile(path) as archive:
        return archive.read(name).decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_ledger_xlsx(ledger_rows.usual(), tmp_path / "ledger.xlsx")
    return tmp_path / "ledger.xlsx"


def test_a_ledger_of_four_issues(path: Path) -> None:
    lines = []
    for name, rows in cells(path).items():
        lines.append(f"## {name}")
        lines += ["| " + " | ".join(cell.replace("\n", " / ") for cell in row) for row in rows]
    assert_golden("ledger.xlsx.txt", "\n".join(lines) + "\n")


def test_its_columns_are_those_of_the_mart_each_with_its_meaning(path: Path) -> None:
    assert list(LEDGER_FIELDS) == [column.name for column in ledger_rows.CONTRACT.columns]
    assert set(SHEET_FIELDS) == set(LEDGER_FIELDS) | set(INPUTS)
    sheets = cells(path)
    assert list(sheets) == ["打印", "全表", "字段说明", CHOICE_SHEET, BASE_SHEET]
    assert sheets["全表"][0] == [field.head for field in SHEET_FIELDS.values()]
    assert len({field.head for field in SHEET_FIELDS.values()}) == len(SHEET_FIELDS)
    meanings = {row[0]: row for row in sheets["字段说明"]}
    swept = [column for column in ledger_rows.CONTRACT.columns if column.null_means]
    assert len(swept) > 40
    for column in swept:
        if column.name not in EDITABLE:
            assert meanings[LEDGER_FIELDS[column.name].head][3] != "不会出现", column.name


def test_codes_are_in_words() -> None:
    lists = [c for c in ledger_rows.CONTRACT.columns if c.values]
    assert len(lists) > 12
    fields = sheet_fields(REGISTER_WORDS)
    for column in lists:
        assert set(column.values) <= set(fields[column.name].names or {}), column.name


def test_the_printed_page_is_a4_landscape_nine_columns_one_page_wide_with_a_line_to_sign(path: Path) -> None:
    sheet, book = part(path, "xl/worksheets/sheet1.xml"), part(path, "xl/workbook.xml")
    assert 'paperSize="9"' in sheet
    assert 'orientation="landscape"' in sheet
    assert 'fitToHeight="0"' in sheet
    assert "第 &amp;P 页　共 &amp;N 页" in sheet
    assert "打印!$4:$4" in book
    printed = cells(path)["打印"]
    assert {len(row) for row in printed} == {9}
    assert "签批岗位" in printed[-1][0]
    assert len(printed) == 4 + 4 + 1


def test_the_full_sheet_has_a_frozen_head_filters_lists_and_numbers_as_text(path: Path) -> None:
    sheet, book = part(path, "xl/worksheets/sheet2.xml"), part(path, "xl/workbook.xml")
    assert '<pane xSplit="2" ySplit="1"' in sheet
    assert "<autoFilter" in sheet
    assert sheet.count("<dataValidation ") >= len(EDITABLE) + 10
    assert f"<formula1>{CHOICE_SHEET}!$A$1:$A$7</formula1>" in sheet
    assert book.count('state="veryHidden"') == 2
    assert 'numFmtId="49"' in part(path, "xl/styles.xml")


def test_a_longer_period_has_sheets_for_each_quarter(tmp_path: Path) -> None:
    rows = [{"detected_at": ledger_rows.at(30, 23.9, month=9)}, {"detected_at": ledger_rows.at(1, 0, month=10)}]
    write_ledger_xlsx(ledger_rows.ledger(*rows, first=date(2026, 7, 1), last=date(2026, 12, 31)), tmp_path / "l.xlsx")
    sheets = cells(tmp_path / "l.xlsx")
    assert list(sheets)[:4] == ["打印 2026Q3", "打印 2026Q4", "全表 2026Q3", "全表 2026Q4"]
    assert [row[0] for row in sheets["全表 2026Q3"][1:]] == ["YQ-2026-0001"]
    assert [row[0] for row in sheets["全表 2026Q4"][1:]] == ["YQ-2026-0002"]
    assert len(sheets[BASE_SHEET]) == 2 + 2


def test_nothing_found_is_a_ledger_too(tmp_path: Path) -> None:
    write_ledger_xlsx(ledger_rows.ledger(), tmp_path / "l.xlsx")
    sheets = cells(tmp_path / "l.xlsx")
    assert "：0 件，其中待办 0 件" in sheets["打印"][2][0]
    assert len(sheets["全表"]) == 1


@pytest.mark.parametrize("title", ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "+1", "@SUM(A1)", "-2+3"])
def test_hostile_words_stay_text(tmp_path: Path, title: str) -> None:
    row = dict.fromkeys(
        ("title", "summary", "url", "owner_unit", "competent_body", "source_name", "explanation"), title
    )
    write_ledger_xlsx(ledger_rows.ledger({**row, "response_urls": [title]}), tmp_path / "l.xlsx")
    assert title in cells(tmp_path / "l.xlsx")["全表"][1]
    with ZipFile(tmp_path / "l.xlsx") as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 5
        for name in sheets:
            assert b"<f>" not in archive.read(name)
            assert b"<hyperlink" not in archive.read(name)


def test_same_rows_same_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_ledger_xlsx(ledger_rows.usual(), tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_unknown_is_a_dash_zero_is_zero_and_what_may_be_filled_in_is_empty(path: Path) -> None:
    head, *rows = cells(path)["全表"]
    first = dict(zip(head, rows[0], strict=True))
    assert (first["转发"], first["评论"], first["确认级别"], first["理由（填写）"]) == ("—", "0", "", "")
    third = dict(zip(head, rows[2], strict=True))
    assert (third["阅读"], third["整改期限"], third["首次回应按时"]) == ("—", "2026-12-10", "否")
