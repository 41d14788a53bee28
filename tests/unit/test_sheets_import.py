"""Training and reward-and-blame registers: units only, faults by row and field, the same row once."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caifeng.core.errors import CaifengError, DataError, UsageError
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.sheets_import import import_sheet, write_template

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
DAY = AT.date()
TRAINING = ["日期", "主题", "股室", "学时", "参训人数"]
GOOD = ["2026-03-12", "政务舆情回应与口径撰写", "综合股", "4", "12"]
ASSESSMENT = ["考核期", "股室", "类别", "事由", "依据", "分值"]
PRAISE = ["2026年三季度", "普查中心", "表扬", "核查回应及时", "本单位考核办法", "2"]


@pytest.fixture
def env(config_copy: Path, tmp_path: Path) -> Env:
    return opened(config_copy, tmp_path, AT)


def opened(config: Path, tmp_path: Path, at: datetime) -> Env:
    return Env.open(Settings(home=tmp_path / "home", config=config, as_of=at))


def sheet(path: Path, *rows: list[Any], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def workbook(path: Path, *rows: list[Any]) -> Path:
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    return path


def kept(env: Env, table: str) -> pl.DataFrame:
    return env.lake.read_range(table, date.min, date.max)


def test_good_rows_are_kept_with_ids_of_units(env, tmp_path):
    blank = ["2026/3/20", "统计法", "general", "", "0"]
    report = import_sheet(env, "training", sheet(tmp_path / "t.csv", TRAINING, GOOD, [], blank))
    assert report.counts == {"rows": 2, "new": 2, "corrected": 0, "repeated": 0, "rejected": 0}
    rows = kept(env, "ops.training").sort("held_on")
    assert rows.select("held_on", "unit", "hours", "participants").rows() == [
        (date(2026, 3, 12), "general", 4.0, 12),
        (date(2026, 3, 20), "general", None, 0),  # not stated is unknown, nobody is nobody
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_of_offices(env, tmp_path, encoding):
    assert import_sheet(env, "training", sheet(tmp_path / "t.csv", TRAINING, GOOD, encoding=encoding)).new == 1


def test_a_workbook_with_real_dates_and_numbers(env, tmp_path):
    file = workbook(tmp_path / "t.xlsx", TRAINING, [date(2026, 3, 12), "统计法", "贸易股", 3.5, 7])
    assert import_sheet(env, "training", file).new == 1
    row = kept(env, "ops.training").row(0, named=True)
    assert (row["held_on"], row["hours"], row["participants"]) == (date(2026, 3, 12), 3.5, 7)


def test_the_same_rows_again_change_nothing(env, config_copy, tmp_path):
    file = sheet(tmp_path / "t.csv", TRAINING, GOOD, GOOD)
    assert import_sheet(env, "training", file).counts == {
        "rows": 2, "new": 1, "corrected": 0, "repeated": 1, "rejected": 0,
    }  # fmt: skip
    before = kept(env, "ops.training")
    later = opened(config_copy, tmp_path, datetime(2026, 12, 1, tzinfo=UTC))
    assert import_sheet(later, "training", file).counts["repeated"] == 2
    assert kept(later, "ops.training").equals(before)


def test_other_figures_correct_an_entry_and_the_old_file_does_not_bring_it_back(env, config_copy, tmp_path):
    old = sheet(tmp_path / "old.csv", TRAINING, GOOD)
    import_sheet(env, "training", old)
    later = opened(config_copy, tmp_path, datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
    assert import_sheet(later, "training", sheet(tmp_path / "new.csv", TRAINING, [*GOOD[:4], "15"])).corrected == 1
    assert import_sheet(later, "training", old).repeated == 1
    assert kept(later, "ops.training").height == 2


def test_a_dry_run_writes_nothing(env, tmp_path):
    file = sheet(tmp_path / "t.csv", TRAINING, GOOD, ["昨天", *GOOD[1:]])
    report = import_sheet(env, "training", file, dry_run=True)
    assert (report.new, report.rejected, report.written, report.rejected_file) == (1, 1, False, None)
    assert kept(env, "ops.training").height == 0
    assert sorted(path.name for path in tmp_path.glob("t*.csv")) == ["t.csv"]


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        (0, "昨天", "held_on（日期）：不是日期"),
        (0, "2026-02-30", "held_on（日期）：不是日期"),
        (0, "", "held_on（日期）：没有填写"),
        (1, "—", "topic（主题）：没有填写"),
        (1, "长" * 201, "topic（主题）：超过200字"),
        (1, "培训，联系13812345678", "topic（主题）：含有个人信息"),
        (1, "张伟同志讲授统计法", "topic（主题）：含有个人信息"),
        (2, "教育股", "unit（股室）：不是本单位的股室：教育股"),
        (3, "半天", "hours（学时）：不是数字"),
        (3, "0", "hours（学时）：学时应在"),
        (3, "-2", "hours（学时）：学时应在"),
        (4, "3.5", "participants（参训人数）：不是人数"),
        (4, "-1", "participants（参训人数）：不是人数"),
    ],
)
def test_faults_of_training_name_row_and_field(env, tmp_path, column, value, fault):
    row = [value if at == column else cell for at, cell in enumerate(GOOD)]
    report = import_sheet(env, "training", sheet(tmp_path / "t.csv", TRAINING, GOOD, row))
    assert (report.new, report.rejected) == (1, 1)
    assert report.faults[0].startswith(f"第3行 {fault}")
    assert report.rejected_file is not None
    back = list(csv.reader(report.rejected_file.read_text("utf-8-sig").splitlines()))
    assert back[0] == [*TRAINING, "原因"]
    assert back[1][-1] in report.faults[0]


def test_the_returned_rows_can_be_mended_and_imported(env, tmp_path):
    import_sheet(env, "training", workbook(tmp_path / "t.xlsx", TRAINING, ["昨天", *GOOD[1:]]))
    back = fastexcel.read_excel(tmp_path / "t.rejected.xlsx").load_sheet(0, dtypes="string").to_polars()
    mended = back.with_columns(pl.lit("2026-03-12").alias("日期"))
    report = import_sheet(env, "training", sheet(tmp_path / "m.csv", mended.columns, *map(list, mended.rows())))
    assert (report.new, report.rejected) == (1, 0)


@pytest.mark.parametrize(
    ("period", "code"),
    [
        ("2026-10", "2026-10"), ("2026年3月", "2026-03"), ("2026年三季度", "2026Q3"), ("2026Q3", "2026Q3"),
        ("2026年第4季度", "2026Q4"), ("2026", "2026"), ("2026年", "2026"), ("2026年度", "2026"), ("２０２６年", "2026"),
    ],
)  # fmt: skip
def test_periods_of_an_assessment(env, tmp_path, period, code):
    import_sheet(env, "assessments", sheet(tmp_path / "a.csv", ASSESSMENT, [period, *PRAISE[1:]]))
    assert kept(env, "ops.assessments")["period"].to_list() == [code]


@pytest.mark.parametrize(
    ("kind", "points", "expected"),
    [
        ("表扬", "2", 2.0), ("表扬", "", None), ("表扬", "0", 0.0), ("扣分", "2", -2.0), ("扣分", "-0.5", -0.5),
        ("通报", "", None), ("通报", "1", -1.0),
    ],
)  # fmt: skip
def test_points_have_their_sign_and_none_is_not_zero(env, tmp_path, kind, points, expected):
    row = [*PRAISE[:2], kind, *PRAISE[3:5], points]
    import_sheet(env, "assessments", sheet(tmp_path / "a.csv", ASSESSMENT, row))
    assert kept(env, "ops.assessments")["points"].to_list() == [expected]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({0: "去年"}, "period（考核期）：不是考核期"),
        ({0: "2026-13"}, "period（考核期）：不是考核期"),
        ({2: "奖励"}, "kind（类别）：不是类别"),
        ({2: "扣分", 5: ""}, "points（分值）：扣分须写明分值"),
        ({2: "扣分", 5: "0"}, "points（分值）：扣分须写明分值"),
        ({5: "-1"}, "points（分值）：表扬的分值不能为负"),
        ({3: "李某某迟报"}, "reason（事由）：含有个人信息"),
    ],
)
def test_faults_of_assessments(env, tmp_path, values, fault):
    row = [values.get(at, cell) for at, cell in enumerate(PRAISE)]
    report = import_sheet(env, "assessments", sheet(tmp_path / "a.csv", ASSESSMENT, row))
    assert report.faults == (report.faults[0],)
    assert report.faults[0].startswith(f"第2行 {fault}")
    assert kept(env, "ops.assessments").height == 0


def test_two_rows_of_one_entry_that_differ_are_not_both_right(env, tmp_path):
    report = import_sheet(env, "assessments", sheet(tmp_path / "a.csv", ASSESSMENT, PRAISE, [*PRAISE[:5], "3"]))
    assert (report.new, report.rejected) == (1, 1)
    assert report.faults == ("第3行 与第2行是同一事项，内容不同",)


@pytest.mark.parametrize("header", ["姓名", "参训人员", "名单", "责任人", "联系 电话", "受表扬同志", "Name"])
def test_a_column_about_persons_is_refused(env, tmp_path, header):
    header = header.lower() if header.isascii() else header
    file = sheet(tmp_path / "t.csv", [*TRAINING, header], [*GOOD, ""])
    with pytest.raises(DataError, match="不登记个人"):
        import_sheet(env, "training", file)
    assert kept(env, "ops.training").height == 0


def test_files_that_are_no_sheet(env, tmp_path):
    for file, error, words in (
        (tmp_path / "gone.csv", UsageError, "cannot be read"),
        (sheet(tmp_path / "t.txt", TRAINING), UsageError, "can be imported"),
        (sheet(tmp_path / "no.csv", TRAINING[:3], GOOD[:3]), DataError, "no column 学时、参训人数"),
        (sheet(tmp_path / "empty.csv"), DataError, "empty"),
        (sheet(tmp_path / "twice.csv", [*TRAINING, "日期"], GOOD), DataError, "stands twice"),
        (sheet(tmp_path / "fake.xlsx", TRAINING, GOOD), DataError, "not an xlsx workbook"),
    ):
        with pytest.raises(error, match=words):
            import_sheet(env, "training", file)


@pytest.mark.parametrize("name", ["training", "assessments"])
def test_a_template_is_filled_in_and_imported(env, tmp_path, name):
    file = write_template(env.settings, name, tmp_path / "模板.xlsx")
    book = fastexcel.read_excel(file)
    assert book.sheet_names[1] == "填写说明"
    head = book.load_sheet(0, header_row=None, dtypes="string").to_polars().row(0)
    assert list(head) == (TRAINING if name == "training" else ASSESSMENT)
    row = GOOD if name == "training" else PRAISE
    assert import_sheet(env, name, workbook(tmp_path / "filled.xlsx", list(head), row)).new == 1
    with pytest.raises(UsageError, match="already"):
        write_template(env.settings, name, file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(rows=st.lists(st.lists(st.text(max_size=12), min_size=6, max_size=6), max_size=4))
def test_any_rows_are_counted_and_none_breaks_it(env, tmp_path, rows):
    file = tmp_path / "any.csv"
    with file.open("w", encoding="utf-8", newline="", errors="replace") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows([ASSESSMENT, *rows])
    try:
        report = import_sheet(env, "assessments", file, dry_run=True)
    except CaifengError:
        return
    assert (
        report.rows
        == report.new + report.corrected + report.repeated + report.rejected
        == len(report.faults) + (report.new + report.corrected + report.repeated)
    )


IMPROVEMENT = ["提出期", "举措", "责任股室", "完成时限", "状态", "完成日期"]
MEASURE = ["2026-10", "周末日志当日签发", "综合股", "2026-12-31", "推进中", ""]
PRACTICE = ["记录日期", "地区", "单位", "标题", "领域", "核查结论", "回应形式", "链接", "做法摘要", "记录岗位"]


def test_measures_move_on_with_each_import(env, config_copy, tmp_path):
    import_sheet(env, "improvements", sheet(tmp_path / "i.csv", IMPROVEMENT, MEASURE))
    later = opened(config_copy, tmp_path, datetime(2026, 12, 30, tzinfo=UTC))
    done = [*MEASURE[:4], "已完成", "2026-12-28"]
    report = import_sheet(later, "improvements", sheet(tmp_path / "j.csv", IMPROVEMENT, done))
    assert (report.new, report.corrected) == (0, 1)
    rows = kept(later, "ops.improvements").sort("imported_at")
    assert rows.select("raised_for", "unit", "state", "done_on").rows() == [
        ("2026-10", "general", "running", None),
        ("2026-10", "general", "done", date(2026, 12, 28)),
    ]


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        (0, "上月", "raised_for（提出期）：不是考核期"),
        (2, "教育股", "unit（责任股室）：不是本单位的股室"),
        (3, "年底", "due_on（完成时限）：不是日期"),
        (4, "快了", "state（状态）：不是状态"),
        (4, "已完成", "done_on（完成日期）：状态为已完成的须填写"),
        (5, "2026-12-01", "done_on（完成日期）：状态为已完成的须填写"),
    ],
)
def test_bad_measures_come_back(env, tmp_path, column, value, fault):
    row = [*MEASURE[:column], value, *MEASURE[column + 1 :]]
    report = import_sheet(env, "improvements", sheet(tmp_path / "i.csv", IMPROVEMENT, row))
    assert report.rejected == 1
    assert fault in report.faults[0]


def test_practices_of_others_are_kept_without_persons(env, tmp_path):
    role = env.settings.office().roles[0]
    good = ["2026-11-12", "邻省某县", "县统计局", "收入数据一图读懂", "", "误解", "", "https://tjj.example.gov.cn/a/1.html",
            "发布当日同步推出图解。", role.name]  # fmt: skip
    bad = [[*good[:3], "另一做法", "", "", "", "ftp://x", *good[8:]], [*good[:3], "又一做法", *good[4:9], "某人"],
           [*good[:3], "再一做法", *good[4:8], "由李明同志主讲", role.name]]  # fmt: skip
    report = import_sheet(env, "practices", sheet(tmp_path / "p.csv", PRACTICE, good, *bad))
    assert (report.new, report.rejected) == (1, 3)
    assert [fault.split("：")[0].split(" ")[1] for fault in report.faults] == [
        "url（链接）", "noted_by_role（记录岗位）", "summary（做法摘要）",
    ]  # fmt: skip
    row = kept(env, "ops.practices").row(0, named=True)
    assert (row["outcome"], row["topic"], row["noted_by_role"]) == ("misunderstanding", None, role.id)


@pytest.mark.parametrize("name", ["improvements", "practices"])
def test_templates_of_the_review_sheets_are_read_back(env, tmp_path, name):
    file = write_template(env.settings, name, tmp_path / "t.xlsx")
    report = import_sheet(env, name, file)
    assert report.counts == {"rows": 0, "new": 0, "corrected": 0, "repeated": 0, "rejected": 0}
