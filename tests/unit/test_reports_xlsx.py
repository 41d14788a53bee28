"""The workbooks, read back from the file."""

from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import fastexcel
import pytest

from caifeng.reports.daily_log_xlsx import write_daily_log_xlsx
from caifeng.reports.day import DayReport
from caifeng.reports.escalations_xlsx import NOTHING_TO_DO, write_escalations_xlsx
from tests.golden import invented
from tests.golden.compare import assert_golden

Writer = Callable[[DayReport, Path], None]
WRITERS = [write_daily_log_xlsx, write_escalations_xlsx]


def cells(path: Path) -> dict[str, list[list[str | None]]]:
    """Every sheet as rows of text."""
    book = fastexcel.read_excel(path)
    return {
        name: [list(row) for row in book.load_sheet(name, header_row=None, dtypes="string").to_polars().iter_rows()]
        for name in book.sheet_names
    }


def as_text(path: Path) -> str:
    lines = []
    for name, rows in cells(path).items():
        lines.append(f"## {name}")
        lines += ["| " + " | ".join((cell or "").replace("\n", " / ") for cell in row) for row in rows]
    return "\n".join(lines) + "\n"


def test_log_of_an_ordinary_day(tmp_path: Path) -> None:
    write_daily_log_xlsx(invented.report(), tmp_path / "log.xlsx")
    assert_golden("daily_log.xlsx.txt", as_text(tmp_path / "log.xlsx"))


def test_list_of_an_ordinary_day(tmp_path: Path) -> None:
    write_escalations_xlsx(invented.report(), tmp_path / "list.xlsx")
    assert_golden("escalations.xlsx.txt", as_text(tmp_path / "list.xlsx"))


def test_the_log_has_its_sheets_and_nine_printed_columns(tmp_path: Path) -> None:
    write_daily_log_xlsx(invented.report(), tmp_path / "log.xlsx")
    sheets = cells(tmp_path / "log.xlsx")
    assert list(sheets) == ["打印页", "明细", "来源", "字段说明"]
    assert {len(row) for row in sheets["打印页"]} == {9}
    assert len(sheets["明细"]) == 1 + 8
    assert len(sheets["来源"]) == 1 + 6
    meanings = {(row[0], row[1]) for row in sheets["字段说明"]}
    for sheet in ("明细", "来源"):
        assert {(sheet, head) for head in sheets[sheet][0]} <= meanings


def test_a_day_without_any_row(tmp_path: Path) -> None:
    report = invented.report(invented.log(numbers=()), is_sample=False)
    write_daily_log_xlsx(report, tmp_path / "log.xlsx")
    write_escalations_xlsx(report, tmp_path / "list.xlsx")
    log, todo = as_text(tmp_path / "log.xlsx"), as_text(tmp_path / "list.xlsx")
    assert "当日未发现涉本单位统计工作舆情（零报告）。" in log
    assert NOTHING_TO_DO in todo
    for text in (log, todo):
        assert "5/6 个来源已巡查" in text
        assert "样例数据" not in text


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    "title",
    ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{ 7*7 }}", "+1", "@SUM(A1)", "https://evil.example/x"],
)
def test_hostile_titles_stay_text(tmp_path: Path, write: Writer, title: str) -> None:
    log = invented.log(numbers=(415,), title=title, summary=title, owner_unit=title, competent_body=title, url=title)
    write(invented.report(log), tmp_path / "out.xlsx")
    found = [cell for rows in cells(tmp_path / "out.xlsx").values() for row in rows for cell in row if cell]
    assert title in found
    assert any(cell.startswith(f"{title}\n") for cell in found)
    with ZipFile(tmp_path / "out.xlsx") as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        assert sheets
        for name in sheets:
            assert b"<f>" not in archive.read(name)
            assert b"<hyperlink" not in archive.read(name)


@pytest.mark.parametrize("write", WRITERS)
def test_same_input_same_bytes(tmp_path: Path, write: Writer) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write(invented.report(), tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_unknown_is_a_dash_and_zero_is_zero(tmp_path: Path) -> None:
    log = invented.log(numbers=(415,), views=None, reposts=0, confirmed_level=None, competent_body=None, summary="")
    write_daily_log_xlsx(invented.report(log), tmp_path / "log.xlsx")
    head, row = cells(tmp_path / "log.xlsx")["明细"]
    value = dict(zip(head, row, strict=True))
    assert (value["阅读"], value["转发"], value["确认级别"], value["数据归口单位"]) == ("—", "0", "—", "—")
    assert value["摘要"] in (None, "")


def test_printed_pages_are_a4_landscape_with_a_repeated_head(tmp_path: Path) -> None:
    write_daily_log_xlsx(invented.report(), tmp_path / "log.xlsx")
    with ZipFile(tmp_path / "log.xlsx") as archive:
        page = archive.read("xl/worksheets/sheet1.xml").decode()
        book = archive.read("xl/workbook.xml").decode()
        core = archive.read("docProps/core.xml").decode()
    assert 'paperSize="9"' in page
    assert 'orientation="landscape"' in page
    assert "第 &amp;P 页　共 &amp;N 页" in page
    assert "_xlnm.Print_Titles" in book
    assert "2026-11-22T16:00:00Z" in core  # the moment of the data, not of the writing
