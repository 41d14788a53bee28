"""The words all papers share."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.clock import end_of_day
from caifeng.core.model.terms import LEVEL_NAMES
from caifeng.reports import words
from caifeng.reports.day import with_level
from caifeng.reports.fields import HEALTH_FIELDS, LOG_FIELDS
from tests.golden import invented


@pytest.mark.parametrize(
    ("value", "text"), [(None, "—"), (0, "0"), (1284, "1,284"), (39.4, "39.4"), (0.0, "0.0"), (1234.56, "1,234.6")]
)
def test_unknown_is_a_dash_and_zero_is_zero(value: float | None, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("now", "before", "text"), [(37, 25, "+12"), (5, 6, "−1"), (0, 0, "持平"), (4, None, "前一日无数据")]
)
def test_change(now: int, before: int | None, text: str) -> None:
    assert words.change(now, before) == text


def test_a_level_has_word_mark_and_colour() -> None:
    assert words.level_text("larger") == "◆ 较大 Ⅲ"
    assert words.level_text("log_only") == "○ 仅记"
    assert set(words.LEVEL_COLOURS) == set(LEVEL_NAMES)
    assert len({words.level_text(level)[0] for level in LEVEL_NAMES}) == len(LEVEL_NAMES)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("level", list(LEVEL_NAMES))
def test_level_text_can_be_read_on_its_colour(level: str) -> None:
    dark, light = sorted(_luminance(colour) for colour in words.LEVEL_COLOURS[level])
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_times_are_beijing_times() -> None:
    assert words.local_time(datetime(2026, 11, 21, 16, 5, tzinfo=UTC)) == "2026-11-22 00:05"
    assert words.local_time(None) == "—"
    assert words.document_date(date(2026, 1, 2)) == "2026年1月2日"


def test_a_paper_says_whether_it_is_final() -> None:
    day = date(2026, 11, 22)
    assert words.as_of_text(end_of_day(day), day) == "2026-11-22 24:00（北京时间）"
    assert words.as_of_text(datetime(2026, 11, 22, 9, tzinfo=UTC), day) == "2026-11-22 17:00（北京时间，初稿）"
    assert words.as_of_text(datetime(2026, 11, 23, 1, tzinfo=UTC), day) == "2026-11-23 09:00（北京时间）"


@given(st.text())
def test_printable_text_is_one_line_and_legal_in_xml(text: str) -> None:
    result = words.printable(text)
    assert result
    assert len(result.splitlines()) == 1
    assert not any(ord(char) < 32 or char in "\u202e\u2066\ufffe\uffff" for char in result)


def test_printable_keeps_ordinary_text_and_marks_the_unknown() -> None:
    assert words.printable("县长信箱：CPI 怎么算？<b>") == "县长信箱：CPI 怎么算？<b>"
    assert words.printable(None) == words.printable(" \n ") == "—"


@pytest.mark.parametrize(
    ("url", "safe"),
    [("https://a.example/b", True), ("HTTP://a.example", True), ("javascript:alert(1)", False),
     ("data:text/html,x", False), (" https://a.example", False), ("https:///x", False), ("", False), (None, False)],
)  # fmt: skip
def test_only_web_addresses_may_be_followed(url: str | None, safe: bool) -> None:
    assert (words.safe_url(url) is not None) is safe


def test_coverage_names_silent_and_broken_sources() -> None:
    report = invented.report()
    assert words.coverage_statement(report.summary, report.health) == (
        "5/6 个来源已巡查；静默：县融媒体·民声；故障：样例日报数字报（连接超时×3）。"
    )


def test_coverage_is_stated_when_all_is_well_and_when_nothing_ran() -> None:
    well = invented.report(sources_checked=6, silent=[], broken=[])
    assert words.coverage_statement(well.summary, well.health) == "6/6 个来源已巡查；静默：无；故障：无。"
    none = invented.report(sources_checked=0, silent=[], broken=[], not_run=["县长信箱"])
    assert words.coverage_statement(none.summary, none.health).endswith("未采集：县长信箱。")


def test_overview_figures_re_add() -> None:
    report = invented.report()
    text = words.overview(report.summary, with_level(report.log))
    assert "新增事项 6 件，其中重大 1 件、一般 2 件、仅记 1 件；另计背景 1 件、转办 1 件" in text
    assert text.startswith("监测来源 6 个，已巡查 5 个，其中静默 1 个；故障 1 个。")


def test_overview_of_a_day_after_a_day_that_was_not_run() -> None:
    report = invented.report(previous_posts_relevant=None, previous_issues_new=None)
    assert "涉统计 前一日无数据" in words.overview(report.summary, with_level(report.log))


def test_the_level_in_force_is_the_confirmed_one() -> None:
    log = with_level(invented.log(confirmed_level="major", system_level="larger"))
    assert set(log["level"]) == {"major"}
    assert set(log["standing"]) == {"已确认"}


def test_next_step_says_what_and_to_whom() -> None:
    steps = [words.next_step(row) for row in invented.report().escalations.iter_rows(named=True)]
    assert steps == [
        "报主要领导，核查",
        "报分管领导，核查",
        "转国家统计局样例调查队；级别须人工研判",
        "核查后回应",
        "直接答复",
        "转办",
    ]


def test_every_column_of_the_contracts_has_a_chinese_head() -> None:
    contracts = invented.contracts()
    assert list(LOG_FIELDS) == contracts["marts.daily_log"].names
    assert list(HEALTH_FIELDS) == contracts["marts.source_health"].names
    for table, fields in {"marts.daily_log": LOG_FIELDS, "marts.source_health": HEALTH_FIELDS}.items():
        for column in contracts[table].columns:
            assert bool(fields[column.name].unknown) == bool(column.null_means), column.name
            assert set(column.values or ()) <= set(fields[column.name].names or column.values or ()), column.name
