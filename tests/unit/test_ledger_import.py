"""A ledger comes back: legal changes become events, whatever else is refused, and nothing is lost."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastexcel
import pytest
import xlsxwriter

from caifeng.cases.model import Actor, OnBehalf
from caifeng.cases.service import Step, verify_chain
from caifeng.core.errors import DataError, UsageError
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_steps
from caifeng.jobs.ledger_import import ReadBack, is_our_ledger, read_back
from caifeng.reports.ledger_xlsx import BASE_SHEET, EDITABLE, FULL_SHEET, INPUTS, SHEET_FIELDS, write_ledger_xlsx
from tests.golden import ledger_rows

OFFICE = Actor("openness_office", "office1")
NOW = datetime(2026, 11, 25, 1, tzinfo=UTC)
A, B, C = "YQ-2026-0001", "YQ-2026-0002", "YQ-2026-0003"
Edits = Mapping[tuple[str, str], str]


@pytest.fixture
def env(tmp_path: Path) -> Env:
    """A register with three numbers: A untouched, B confirmed and assigned, C verified as a suggestion."""
    env = Env.open(Settings(home=tmp_path / "home", config=ledger_rows.ROOT / "config", as_of=NOW))
    at = ledger_rows.at(20, 10)
    with env.register() as register:
        register.allot_numbers(["a", "b", "c"], 2026, at)
    taken = [
        Step("confirm", {"level": "general", "reason": "按本单位规定核对后定级"}),
        Step("assign", {"unit": "social"}),
    ]
    for issue_no in (B, C):
        act_steps(env, issue_no, taken, OFFICE, at=at)
    proposed = {"outcome": "opinion_or_suggestion", "basis": "建议增设口径说明", "suggestion": True}
    act_steps(env, C, [Step("verify", proposed)], OFFICE, at=at)
    return env


@pytest.fixture
def file(env: Env, tmp_path: Path) -> Path:
    taken = {"confirmed_level": "general", "unit": "social", "events": 2, "state": "assigned"}
    rows = ledger_rows.rows({}, taken, {**taken, "events": 3, "state": "verified", "outcome": "opinion_or_suggestion"})
    write_ledger_xlsx(replace(ledger_rows.ledger(), office=env.settings.office(), rows=rows), tmp_path / "台账.xlsx")
    return tmp_path / "台账.xlsx"


def saved_again(file: Path, edits: Edits, *, drop: tuple[str, ...] = (), more: tuple[dict[str, str], ...] = ()) -> Path:
    """The file as a spreadsheet would save it: sorted the other way, one column added, cells edited by number, head."""
    book = fastexcel.read_excel(file)
    target = file.with_name("改过的台账.xlsx")
    missed = set(edits)
    with xlsxwriter.Workbook(target, {"strings_to_formulas": False}) as out:
        for name in book.sheet_names:
            frame = book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars()
            rows = [["" if cell is None else cell for cell in row] for row in frame.iter_rows()]
            if name.startswith(FULL_SHEET):
                head = rows[0]
                at = head.index("事项编号")
                rows = [head, *(row for row in reversed(rows[1:]) if row[at] not in drop)]
                rows += [[extra.get(title, "") for title in head] for extra in more]
                for row in rows:
                    row.append("")
                for (issue_no, title), value in edits.items():
                    for row in rows[1:]:
                        if row[at] == issue_no:
                            row[head.index(title) if title in head else -1] = value
                            missed.discard((issue_no, title))
                    if title not in head:
                        head[-1] = title
            if name == BASE_SHEET:
                for (issue_no, title), value in edits.items():
                    for row in rows:
                        if title == "底稿" and row[0] == issue_no:
                            row[5] = value
                            missed.discard((issue_no, title))
            page = out.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    page.write_string(number, place, cell)
    assert not missed
    return target


def back(env: Env, file: Path, edits: Edits, **options: Any) -> ReadBack:
    return read_back(env, saved_again(file, edits), OFFICE, **options)


def events(env: Env) -> list[tuple[str, str]]:
    with env.register() as register:
        assert verify_chain(register) == []
        return [(event.subject, event.name) for event in register.events()]


def test_what_was_not_touched_changes_nothing(env: Env, file: Path) -> None:
    before = events(env)
    for path in (file, saved_again(file, {})):
        assert is_our_ledger(path)
        report = read_back(env, path, OFFICE, apply=True)
        assert (report.rows, report.unchanged, report.refused, report.rejected_file) == (3, 3, (), None)
    assert events(env) == before


def test_every_column_that_may_be_changed_becomes_its_event(env: Env, file: Path) -> None:
    edits = {
        (A, "确认级别"): "较大", (A, "理由（填写）"): "媒体已经跟进，影响面较大", (A, "交办股室"): "综合股",
        (B, "核查结论"): "不属实", (B, "核查依据（填写）"): "核对原始台账", (B, "记事（填写）"): "已电话告知来信人",
        (C, "采纳情况"): "采纳", (C, "理由（填写）"): "下期公报增列口径说明",
    }  # fmt: skip
    before = events(env)
    trial = back(env, file, edits)
    assert events(env) == before
    assert (trial.changed, trial.refused, trial.applied) == (3, (), False)
    done = back(env, file, edits, apply=True)
    assert done.changes == trial.changes
    assert events(env)[len(before) :] == [(C, "adopt"), (B, "verify"), (B, "note"), (A, "confirm"), (A, "assign")]
    assert {change.head for change in done.changes} == {SHEET_FIELDS[column].head for column in (*EDITABLE, "note")}
    assert any("确认级别：（空） → 较大（确认级别）" in line for line in done.lines())


def test_applied_twice_is_applied_once(env: Env, file: Path) -> None:
    edits = {
        (B, "记事（填写）"): "已电话告知来信人",
        (C, "采纳情况"): "不采纳",
        (C, "理由（填写）"): "上级报表制度没有此项",
    }
    for _ in range(2):
        assert back(env, file, edits, apply=True).changed == 2
    assert events(env).count((B, "note")) == events(env).count((C, "adopt")) == 1


def test_a_decision_on_paper_is_registered_for_whoever_took_it(env: Env, file: Path) -> None:
    paper = OnBehalf("deputy", ledger_rows.at(24, 15), "paper", "a" * 64)
    edits = {(B, "确认级别"): "较大", (B, "理由（填写）"): "领导批示要求提级办理本事项"}
    assert back(env, file, edits, apply=True, on_behalf=paper).changed == 1
    with env.register() as register:
        last = register.events()[-1]
    assert (last.name, last.role, last.actor_role, last.on_behalf) == (
        "change_level",
        "deputy",
        "openness_office",
        paper,
    )


REFUSED: dict[str, tuple[Edits, str]] = {
    "a computed cell": ({(A, "总分"): "88"}, "总分：由系统生成，不能改（原为“28.4”，现为“88”）"),
    "a title": ({(A, "标题"): "另一个标题"}, "标题：由系统生成"),
    "a time": ({(A, "发现时间"): "2026-11-20 09:01"}, "发现时间：由系统生成"),
    "an unknown figure made zero": ({(A, "转发"): "0"}, "转发：由系统生成，不能改（原为“—”，现为“0”）"),
    "a number": ({(A, "事项编号"): "YQ-2026-0099"}, "本台账没有事项 YQ-2026-0099"),
    "no number": ({(A, "事项编号"): ""}, "没有事项编号"),
    "the same number twice": ({(A, "事项编号"): B}, f"{B} 在表中出现两次"),
    "cleared": ({(B, "交办股室"): ""}, "交办股室：已登记的不能清空"),
    "no such word": ({(A, "确认级别"): "很严重"}, "确认级别：没有“很严重”（可填 特别重大"),
    "no such unit": ({(B, "交办股室"): "保卫股"}, "交办股室：没有“保卫股”"),
    "a change without reason": ({(B, "确认级别"): "较大"}, "未填理由"),
    "an outcome without basis": ({(B, "核查结论"): "属实"}, "未填核查依据"),
    "a reason for nothing": ({(A, "理由（填写）"): "只是说明一下情况"}, "填了理由，但没有须说明理由的更改"),
    "a basis for nothing": ({(A, "核查依据（填写）"): "核对台账"}, "核查结论没有更改"),
    "a guard": ({(A, "核查结论"): "属实", (A, "核查依据（填写）"): "核对台账"}, "事项现为“待确认”，不能登记核查结论"),
    "a column of one's own": ({(A, "经办人意见"): "同意"}, "经办人意见：台账没有这一栏"),
    "the hidden sheet": ({(A, "底稿"): "改过"}, "隐藏的底稿被改动"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_row_column_and_reason_and_nothing_is_registered(env: Env, file: Path, name: str) -> None:
    edits, words = REFUSED[name]
    before = events(env)
    for apply in (False, True):
        report = back(env, file, edits, apply=apply)
        assert len(report.refused) == 1
        assert words in "；".join(report.refused[0].reasons)
        assert report.changed == 0
        assert report.rejected_file is not None
        copy = fastexcel.read_excel(report.rejected_file).load_sheet(0, header_row=None, dtypes="string").to_polars()
        assert words in "".join(cell or "" for cell in copy.row(1))
    assert events(env) == before


def test_one_refused_row_does_not_hold_up_the_others(env: Env, file: Path) -> None:
    report = back(env, file, {(A, "标题"): "另一个", (B, "记事（填写）"): "已电话告知来信人"}, apply=True)
    assert (report.rows, report.unchanged, report.changed, len(report.refused)) == (3, 1, 1, 1)
    assert events(env)[-1] == (B, "note")


def test_a_row_is_taken_whole_or_not_at_all(env: Env, file: Path) -> None:
    before = events(env)
    edits = {(A, "确认级别"): "一般", (A, "采纳情况"): "采纳", (A, "理由（填写）"): "来信人的建议可以采用"}
    assert len(back(env, file, edits, apply=True).refused) == 1
    assert events(env) == before


def test_a_case_on_which_somebody_acted_since_is_looked_at_again(env: Env, file: Path) -> None:
    act_steps(env, B, [Step("note", {"text": "来信人补充了材料"})], OFFICE, at=NOW)
    report = back(env, file, {(B, "核查结论"): "属实", (B, "核查依据（填写）"): "核对台账"}, apply=True)
    assert len(report.refused) == 1
    assert "有人先处理" in report.refused[0].reasons[0]


def test_a_row_that_is_gone_is_told_and_a_new_one_refused(env: Env, file: Path) -> None:
    report = read_back(env, saved_again(file, {}, drop=(A,), more=({"标题": "新的事项"},)), OFFICE)
    assert (report.rows, report.missing, len(report.refused)) == (3, 1, 1)
    assert "新增线索" in report.refused[0].reasons[0]


def test_files_that_are_no_ledger_of_ours(env: Env, tmp_path: Path) -> None:
    foreign = tmp_path / "旧台账.xlsx"
    with xlsxwriter.Workbook(foreign) as book:
        book.add_worksheet().write_string(0, 0, "标题")
    text = tmp_path / "text.xlsx"
    text.write_text("no workbook", "utf8")
    for path in (foreign, text):
        assert not is_our_ledger(path)
        with pytest.raises(DataError, match=r"is no|not an xlsx workbook"):
            read_back(env, path)
    assert not is_our_ledger(tmp_path / "missing.xlsx")
    with pytest.raises(UsageError, match="cannot be read"):
        read_back(env, tmp_path / "missing.xlsx")


def test_applying_needs_somebody_who_does(env: Env, file: Path) -> None:
    with pytest.raises(UsageError, match="--role"):
        read_back(env, file, apply=True)


def test_who_may_not_decide_is_refused_row_by_row(env: Env, file: Path) -> None:
    path = saved_again(file, {(B, "交办股室"): "综合股", (C, "记事（填写）"): "监测员补充了出处"})
    report = read_back(env, path, Actor("monitor", "monitor1"), apply=True)
    assert (report.changed, len(report.refused)) == (1, 1)
    assert "监测员不能交办" in report.refused[0].reasons[0]


def test_the_columns_that_come_back_are_those_said_to(file: Path) -> None:
    head = fastexcel.read_excel(file).load_sheet(FULL_SHEET, header_row=None, dtypes="string").to_polars().row(0)
    assert list(head[: 2 + len(EDITABLE) + len(INPUTS)]) == [
        SHEET_FIELDS[column].head for column in ("issue_no", "title", *EDITABLE, *INPUTS)
    ]
