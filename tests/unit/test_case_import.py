"""An office's old ledger: headers, dates, levels as offices write them; previewed first, each row registered once."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from caifeng.cases.model import Actor, RoleError
from caifeng.core.errors import DataError, UsageError
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.case_actions import act_on_case, verify_register
from caifeng.jobs.case_import import HEADERS, LEDGER, entries, import_old_ledger, read_day, read_level
from tests.notify.desk import land

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
OFFICE = Actor("openness_office", "office1")
HEAD = ["编号", "发现时间", "舆情标题", "来源", "链接", "预警等级", "承办股室", "处置情况", "回应情况", "办结日期"]
ONE = [
    "蒙统舆2024-01", "2024年3月12日", "网民反映居民收入调查走过场", "县论坛", "https://bbs.example.cn/t/1", "黄色预警",
    "社会人口股", "经核查，调查记账样本轮换按制度开展", "已在论坛回帖答复", "2024-03-15",
]  # fmt: skip
TWO = [
    "蒙统舆2024-02",
    "45500",
    "有群众咨询普查登记时间",
    "12345热线",
    "",
    "蓝",
    "普查中心",
    "",
    "电话答复",
    "2024/7/29",
]


@pytest.fixture
def env(config_copy: Path, tmp_path: Path) -> Env:
    return Env.open(Settings(home=tmp_path / "home", config=config_copy, as_of=AT))


def sheet(path: Path, *rows, encoding="utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def kept(env):
    with env.register() as register:
        return entries(register.events(LEDGER))


def test_a_preview_says_what_would_be_registered_and_writes_nothing(env, tmp_path):
    file = sheet(tmp_path / "台账.csv", HEAD, ONE, TWO, ["", "", "只有标题"])
    report = import_old_ledger(env, file)
    assert report.counts == {"rows": 3, "new": 2, "repeated": 0, "ours": 0, "rejected": 1}
    assert not report.written
    words = list(report.words())
    assert words[0] == "第1条 补录  2024-03-12  较大  网民反映居民收入调查走过场（原编号 蒙统舆2024-01）"
    assert words[1].startswith("第2条 补录  2024-07-27  一般  ")
    assert words[2] == "第3条 退回  found_on（发现日期）：没有填写"
    assert "preview, nothing registered" in words[3]
    assert kept(env) == []
    assert not list(tmp_path.glob("*.rejected.*"))


def test_rows_become_cases_with_numbers_of_their_own_and_the_old_one_beside(env, tmp_path):
    report = import_old_ledger(env, sheet(tmp_path / "台账.csv", HEAD, ONE, TWO), apply=True, actor=OFFICE)
    assert report.written
    first, second = kept(env)
    assert (first.number, first.old_no, second.number) == ("TZ-2024-0001", "蒙统舆2024-01", "TZ-2024-0002")
    assert (first.found_on, first.closed_on) == (date(2024, 3, 12), date(2024, 3, 15))
    assert (first.level, first.unit, first.source) == ("larger", "social", "县论坛")
    assert first.text == "办理情况：经核查，调查记账样本轮换按制度开展\n回应情况：已在论坛回帖答复"
    assert (second.level, second.found_on, second.url) == ("general", date(2024, 7, 27), None)
    with env.register() as register:
        assert register.issue_numbers() == ()
    assert verify_register(env) == []


def test_the_same_rows_are_registered_once(env, tmp_path):
    file = sheet(tmp_path / "台账.csv", HEAD, ONE, TWO, ONE)
    assert import_old_ledger(env, file, apply=True, actor=OFFICE).counts["repeated"] == 1
    again = import_old_ledger(env, file, apply=True, actor=OFFICE)
    assert again.counts == {"rows": 3, "new": 0, "repeated": 3, "ours": 0, "rejected": 0}
    assert again.lines[0].words == "TZ-2024-0001"
    other = sheet(tmp_path / "其他.csv", HEAD[::-1], ONE[::-1])  # other columns first, the same row
    assert import_old_ledger(env, other, apply=True, actor=OFFICE).counts["repeated"] == 1
    assert len(kept(env)) == 2


def test_a_number_with_other_words_comes_back_for_nothing_is_rewritten(env, tmp_path):
    import_old_ledger(env, sheet(tmp_path / "台账.csv", HEAD, ONE), apply=True, actor=OFFICE)
    changed = [*ONE[:2], "换了标题", *ONE[3:]]
    report = import_old_ledger(env, sheet(tmp_path / "改.csv", HEAD, changed), apply=True, actor=OFFICE)
    assert "已补录为 TZ-2024-0001，内容不同" in report.lines[0].words
    assert report.counts["rejected"] == 1
    # numbers that every sheet begins anew are no such numbers
    monthly = [["1", *ONE[1:]], ["1", "2024-04-02", *TWO[2:]]]
    assert import_old_ledger(env, sheet(tmp_path / "月.csv", HEAD, *monthly)).counts["new"] == 2


def test_refused_rows_come_back_with_reasons_and_the_others_go_on(env, tmp_path):
    def row(**changes):
        return [changes.get(header, cell) for header, cell in zip(HEAD, ONE, strict=True)]

    bad = {
        "found_on": row(发现时间="3月12日", 编号="a"),
        "level": row(预警等级="黄/橙", 编号="b"),
        "url": row(链接="见附件", 编号="c"),
        "closed_on": row(办结日期="2024-01-01", 编号="d"),
        "title": row(舆情标题="—", 编号="e"),
        "old_no": row(编号="YQ-2026-0099"),
    }
    file = sheet(tmp_path / "台账.csv", HEAD, *bad.values(), ONE, row(发现时间="2027-01-01", 编号="f"))
    report = import_old_ledger(env, file, apply=True, actor=OFFICE)
    assert report.counts == {"rows": 8, "new": 1, "repeated": 0, "ours": 0, "rejected": 7}
    for line, name in zip(report.lines, bad, strict=False):
        assert line.words.startswith(f"{name}（"), line
    assert "2027-01-01 晚于今天" in report.lines[-1].words
    back = list(csv.reader(report.rejected_file.open(encoding="utf-8-sig")))
    assert back[0] == [*HEAD, "原因"]
    assert len(back) == 8
    assert len(kept(env)) == 1


def test_a_workbook_with_a_caption_dates_and_other_headers(env, tmp_path):
    path = tmp_path / "台账.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["某县统计局2025年舆情处置台账"])
        page.write_row(2, 0, ["序号", "日期", "主要内容（摘要）", "主要内容", "等级", "责任单位", "处理结果", "联系人"])
        page.write_row(3, 0, [1])
        page.write_datetime(3, 1, datetime(2025, 5, 6), book.add_format({"num_format": "yyyy-mm-dd"}))  # noqa: DTZ001
        words = ["", "群众反映农业产量数字不实。望核查。", "Ⅲ级（较大）", "城调队", "已核查", "某人"]
        page.write_row(3, 2, words)
    report = import_old_ledger(env, path, apply=True, actor=OFFICE)
    assert report.counts["new"] == 1, report.lines
    (entry,) = kept(env)
    assert (entry.number, entry.found_on, entry.level, entry.unit) == ("TZ-2025-0001", date(2025, 5, 6), "larger", None)
    assert entry.title == "群众反映农业产量数字不实"
    assert entry.text.splitlines() == [
        "内容：群众反映农业产量数字不实。望核查。", "办理情况：已核查", "原记承办：城调队",
    ]  # fmt: skip
    assert "某人" not in str(entry)


def test_gbk_files_and_tabs_are_read(env, tmp_path):
    path = tmp_path / "台账.txt"
    path.write_text("\n".join("\t".join(row) for row in (HEAD, ONE)), "gb18030")
    assert import_old_ledger(env, path).counts["new"] == 1


def test_personal_data_is_scrubbed_before_it_is_shown_or_kept(env, tmp_path):
    row = [*ONE[:2], "来电13955812345反映收入调查", *ONE[3:7], "已回电 13955812345，邮箱 a.b@qq.com", *ONE[8:]]
    report = import_old_ledger(env, sheet(tmp_path / "台账.csv", HEAD, row), apply=True, actor=OFFICE)
    assert report.counts["new"] == 1
    for words in (*report.words(), str(kept(env))):
        assert "13955812345" not in words
        assert "a.b@qq.com" not in words


def test_a_row_of_ours_is_compared_field_by_field_and_not_registered(env, tmp_path):
    found = AT - timedelta(days=2)
    land(env, found, {"issue_no": "x", "level": "larger"})
    number = "YQ-2026-0001"
    frame = env.lake.read("graded.issues", found.date()).with_columns(issue_no=pl.lit(number))
    env.lake.replace(
        "graded.issues", found.date(), frame.select(env.contracts["graded.issues"].polars_schema().names())
    )
    said = {"level": "larger", "reason": "与台账核对后确认级别"}
    act_on_case(env, number, "confirm", OFFICE, said, at=found)
    row = [number, "2026-11-19", "收入数据疑问", "", "", "一般", "", "", "", ""]
    same = [number, "2026-11-20", "收入数据疑问", "", "", "◆", "", "", "", ""]
    report = import_old_ledger(env, sheet(tmp_path / "台账.csv", HEAD, row, same), apply=True, actor=OFFICE)
    assert report.counts == {"rows": 2, "new": 0, "repeated": 0, "ours": 2, "rejected": 0}
    expected = "YQ-2026-0001：发现日期 台账 2026-11-19，系统 2026-11-20；级别 台账 一般，系统 较大"
    assert [line.words for line in report.lines] == [expected, "YQ-2026-0001：一致"]
    assert kept(env) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["甲", "乙"], ["1", "2"]], "no line with headers"),
        ([["标题", "来源"], ["某事", "某处"]], "no column for found_on"),
        ([["日期", "来源"], ["2024-01-01", "某处"]], "no column for title"),
    ],
)
def test_what_is_no_ledger_is_refused_as_a_whole(env, tmp_path, rows, said):
    with pytest.raises(DataError, match=said):
        import_old_ledger(env, sheet(tmp_path / "t.csv", *rows))


def test_whoever_registers_must_say_so_and_be_allowed_to(env, tmp_path):
    file = sheet(tmp_path / "台账.csv", HEAD, ONE)
    with pytest.raises(UsageError, match="--role"):
        import_old_ledger(env, file, apply=True)
    with pytest.raises(RoleError):
        import_old_ledger(env, file, apply=True, actor=Actor("auditor", "a"))
    assert kept(env) == []
    with pytest.raises(UsageError, match="ends in"):
        import_old_ledger(env, tmp_path / "台账.doc")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-03-12", date(2025, 3, 12)),
        ("2025/3/2", date(2025, 3, 2)),
        ("2025.3.12", date(2025, 3, 12)),
        ("2025年3月12日", date(2025, 3, 12)),
        ("２０２５年３月１２日", date(2025, 3, 12)),
        ("2025 年 3 月 12 日 14:30", date(2025, 3, 12)),
        ("2025-03-12T08:00:00", date(2025, 3, 12)),
        ("20250312", date(2025, 3, 12)),
        ("45728", date(2025, 3, 12)),
        ("45728.604", date(2025, 3, 12)),
        ("3月12日", None),
        ("25.3.12", None),
        ("2025-02-30", None),
        ("2025-03-12至2025-03-15", None),
        ("36000", None),
        ("去年", None),
        ("", None),
    ],
)
def test_days_as_ledgers_write_them(text, day):
    assert read_day(text) == day


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_every_form_of_a_day_is_the_same_day(day):
    serial = (day - date(1899, 12, 30)).days
    forms = [f"{day:%Y-%m-%d}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}", str(serial), f"{serial}.75"]
    assert {read_day(form) for form in forms} == {day}


def test_levels_by_word_mark_colour_and_number():
    for code, (name, mark, colour, numeral) in LEVEL_NAMES.items():
        for text in (name, mark, f"{mark} {name}", f"{name}（{colour or mark}）"):
            assert read_level(text) == code, text
        if colour:
            for text in (colour, f"{colour}色", f"{colour}色预警", f"{numeral}级", f"{numeral}级（{name}）"):
                assert read_level(text) == code, text
    for text in ("较大/重大", "不详", "", "重大风险", "红黄"):
        assert read_level(text) is None, text


def test_no_header_means_two_things():
    headers = [header for names in HEADERS.values() for header in names]
    assert len(headers) > 80
    assert len(headers) == len(set(headers))
