"""What a report means: stop, set aside, note; and what the gate must not do: name persons, write files, call out."""

import json
import subprocess
import sys
from datetime import timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.contracts import Contract, load_contracts
from caifeng.core.text.scrub import find_pii, scrub
from expectations.common import has_personal_data
from expectations.engine import judge
from expectations.gate import (
    QUARANTINE_ROWS,
    GateError,
    GateReport,
    RuleResult,
    check,
    judge_rules,
    quality_frame,
    quarantine,
    quarantine_frame,
)
from expectations.rule import expects, holds
from tests.expectations.frames import NOON, good, spoil

ROOT = Path(__file__).resolve().parents[2]
#: Invented; checksums hold where the kind has one.
PERSONAL = (
    "手机13812345678", "手机１３８１２３４５６７８", "138 1234 5678打给我", "身份证11010519491231002X",
    "11010519491231002X", "卡号6222 0212 3456 7890 128", "邮箱 zhang.san@example.org", "座机0558-7654321",
    "电话7654321", "皖S·12345", "微信号abc_1234", "QQ12345678", "第一行\n13812345678\n第三行",
)  # fmt: skip
IMPERSONAL = (
    "", "2026年11月22日", "索引号 11341622003178461W/202007-00056", "生产总值12345678901万元", "国办发〔2016〕61号",
    "苏GDP2024", "人口 1409670000 人", "0.1381234567", "13812345678元",
)  # fmt: skip


@cache
def contract(table: str) -> Contract:
    return load_contracts(ROOT / "sql")[table]


def posts_with(*bad_rows: int, rows: int = 10) -> pl.DataFrame:
    frame = good(contract("clean.posts"), rows)
    for row in bad_rows:
        frame = spoil(frame, row, text="打13812345678", url="mailto:a@example.org")
    return frame


def report_of(frame: pl.DataFrame, table: str = "clean.posts") -> GateReport:
    return check(table, frame, contract(table))


def test_one_bad_row_is_set_aside_and_the_day_goes_on():
    frame = posts_with(4)
    report = report_of(frame)
    assert report.failed == ()
    report.raise_if_failed()
    assert {r.rule.key for r in report.quarantined} == {"is_address: url", "no_personal_data: text"}
    kept, bad = quarantine(frame, report)
    assert kept.equals(pl.concat([frame[:4], frame[5:]]))
    assert bad["_row"].to_list() == [4]
    assert sorted(bad["_rules"].to_list()[0]) == ["is_address: url", "no_personal_data: text"]


def test_a_row_set_aside_keeps_its_content_without_personal_data():
    frame = posts_with(0)
    report = report_of(frame)
    rows = contract("clean.quarantine").conform(quarantine_frame(quarantine(frame, report)[1], report))
    assert rows.height == 1
    payload = json.loads(rows["payload"][0])
    assert set(payload) == set(contract("clean.posts").names)
    assert payload["text"] == "打〔手机号〕"
    assert payload["published_at"] == frame["published_at"][0].isoformat()
    assert payload["board"] == frame["board"][0]
    assert find_pii(rows["payload"][0] + rows["row_key"][0]) == []
    assert rows["row_key"][0] == frame["post_id"][0]


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(0, 14), max_size=15))
def test_good_and_bad_rows_are_the_frame(bad_rows):
    frame = posts_with(*bad_rows, rows=15)
    kept, bad = quarantine(frame, report_of(frame))
    assert bad["_row"].to_list() == sorted(bad_rows)
    assert pl.concat([kept, bad.select(frame.columns)]).sort("post_id").equals(frame)


def test_many_bad_rows_are_no_accident_and_stop_the_day():
    few = report_of(posts_with(*range(QUARANTINE_ROWS), rows=QUARANTINE_ROWS + 5))
    assert few.failed == ()
    many = report_of(posts_with(*range(QUARANTINE_ROWS + 1), rows=QUARANTINE_ROWS + 5))
    assert {r.rule.name for r in many.failed} == {"is_address", "no_personal_data"}
    assert many.quarantined == ()


def test_a_stop_names_table_rule_count_and_rows():
    frame = spoil(good(contract("graded.issue_grades")), 1, total=99.0)
    report = report_of(frame, "graded.issue_grades")
    with pytest.raises(
        GateError, match=r"graded\.issue_grades: rule total_re_adds.*1 of 3 rows.*YQ-2026-0002"
    ) as raised:
        report.raise_if_failed()
    assert raised.value.exit_code == 1
    kept, bad = quarantine(frame, report)
    assert (kept.height, bad.height) == (3, 0)


def test_a_warning_stops_nothing_and_sets_nothing_aside():
    frame = spoil(good(contract("marts.source_health")), 0, status="broken")
    report = report_of(frame, "marts.source_health")
    assert [r.rule.name for r in report.warned] == ["source_is_read"]
    assert report.warned[0].detail == frame["source_id"][0]
    report.raise_if_failed()
    assert quarantine(frame, report)[1].is_empty()


def test_a_share_of_a_handful_is_not_judged():
    frame = good(contract("graded.posts"), 19).with_columns(topic=pl.lit("other_stats"), topics=pl.lit(["other_stats"]))
    result = next(r for r in report_of(frame, "graded.posts").results if r.rule.name == "few_fall_back")
    assert result.success is None
    assert quality_frame([report_of(frame, "graded.posts")]).filter(rule="few_fall_back")["success"].to_list() == [None]


@pytest.mark.parametrize(("others", "success"), [(3, True), (4, False)])
def test_three_of_twenty_posts_may_fall_back_four_are_a_gap(others, success):
    frame = good(contract("graded.posts"), 20)
    for row in range(others):
        frame = spoil(frame, row, topic="other_stats", topics=["other_stats"])
    result = next(r for r in report_of(frame, "graded.posts").results if r.rule.name == "few_fall_back")
    assert (result.success, result.unexpected, result.checked) == (success, others, 20)


def test_null_is_unknown_and_passes_zero_is_judged():
    frame = good(contract("clean.post_metrics"))
    unknown = spoil(frame, 0, views=None, reposts=0, heat=None)
    report = report_of(unknown, "clean.post_metrics")
    assert [r for r in report.results if r.success is False] == []
    views = next(r for r in report.results if r.rule.key == "in_range: views")
    assert (views.checked, views.unexpected) == (2, 0)


@pytest.mark.parametrize("url", ["http://a.cn", "https://a.cn/?x=1", "inbox:hotline/0123456789abcdef"])
def test_pages_and_entries_of_the_inbox_have_addresses(url):
    assert report_of(good(contract("raw.posts")).with_columns(url=pl.lit(url)), "raw.posts").quarantined == ()


def test_an_imported_file_is_on_record_as_a_fetch():
    frame = good(contract("ops.fetches")).with_columns(url=pl.lit("file:热线 11月.xlsx"))
    assert report_of(frame, "ops.fetches").failed == ()


@pytest.mark.parametrize(
    ("overrides", "by_score", "level"),
    [
        ([], "general", "general"),
        (["O9"], "general", "larger"),
        (["O9"], "general", "major"),
        (["O2a"], "log_only", "major"),
        (["O5", "O8"], "general", "major"),
        (["O8"], "extreme", "extreme"),
        (["O10"], "major", "larger"),
        (["O5", "O12"], "general", "context"),
        (["O12", "O11"], "general", "refer_out"),
    ],
)
def test_levels_that_follow_from_score_and_overrides_pass(overrides, by_score, level):
    frame = good(contract("graded.issue_grades")).with_columns(
        overrides=pl.lit(overrides, dtype=pl.List(pl.String)),
        level_by_score=pl.lit(by_score),
        level=pl.lit(level),
        response_value=pl.lit("refer_out" if level == "refer_out" else "must"),
    )
    assert report_of(frame, "graded.issue_grades").failed == ()


@pytest.mark.parametrize(
    ("overrides", "by_score", "level"),
    [
        ([], "general", "larger"),
        (["O9"], "general", "general"),
        (["O9"], "general", "extreme"),
        (["O2a"], "log_only", "larger"),
        (["O5", "O8"], "general", "larger"),
        (["O10"], "major", "major"),
        (["O12"], "general", "general"),
        ([], "general", "context"),
        (["O12"], "general", "refer_out"),
    ],
)
def test_levels_that_do_not_follow_stop_the_day(overrides, by_score, level):
    frame = good(contract("graded.issue_grades")).with_columns(
        overrides=pl.lit(overrides, dtype=pl.List(pl.String)), level_by_score=pl.lit(by_score), level=pl.lit(level)
    )
    assert "level_follows" in {r.rule.name for r in report_of(frame, "graded.issue_grades").failed}


@pytest.mark.parametrize("explanation", ["", "较大(黄) 30.5", "内容70.0×.25 + 影响20.0×.20"])
def test_an_explanation_without_its_weights_explains_nothing(explanation):
    frame = good(contract("graded.issue_grades")).with_columns(explanation=pl.lit(explanation))
    assert "total_re_adds" in {r.rule.name for r in report_of(frame, "graded.issue_grades").failed}


@pytest.mark.parametrize("text", PERSONAL)
def test_personal_data_are_seen_and_no_longer_once_scrubbed(text):
    seen = pl.DataFrame({"text": [text, scrub(text)]}).select(has_personal_data("text"))["text"]
    assert seen.to_list() == [True, False]


@pytest.mark.parametrize("text", IMPERSONAL)
def test_figures_and_numbers_of_documents_are_no_personal_data(text):
    assert pl.DataFrame({"text": [text]}).select(has_personal_data("text"))["text"].to_list() == [False]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([*PERSONAL, *IMPERSONAL, " ", "，", "\n", "1", "-"])
        | st.text("0123456789 -Xx皖SAa@.元", max_size=25),
        max_size=5,
    )
)
def test_whatever_the_scrubber_leaves_the_gate_lets_pass(parts):
    text = scrub("".join(parts))
    assert not pl.DataFrame({"text": [text]}).select(has_personal_data("text"))["text"][0]


def test_examples_and_errors_name_nobody():
    frame = spoil(good(contract("ops.fetches")), 0, http_status=42, url="https://example.org/13812345678")
    frame = frame.with_columns(source_id=pl.lit("s"), fetched_at=NOON + timedelta(seconds=1) * pl.int_range(pl.len()))
    report = report_of(frame, "ops.fetches")
    texts = [*quality_frame([report])["detail"].drop_nulls(), *(e for r in report.failed for e in r.examples)]
    assert any("〔手机号〕" in text for text in texts)
    assert [text for text in texts if find_pii(text)] == []


def test_a_rule_that_cannot_be_judged_is_not_fulfilled():
    rule = expects("expect_column_values_to_be_between", "words", name="absurd", reason="none", min_value=0)
    results = judge_rules(pl.DataFrame({"words": ["a"]}), [rule], ("words",))
    report = GateReport("test.words", ("words",), 1, results)
    assert results[0].success is False
    assert "could not be judged" in (results[0].detail or "")
    with pytest.raises(GateError, match="absurd"):
        report.raise_if_failed()


def test_if_screen_and_expectation_disagree_the_day_stops():
    rule = expects(
        "expect_column_values_to_not_be_null", "n", name="null", reason="none", screen=pl.col("n") > 1, on_fail="log"
    )
    results = judge_rules(pl.DataFrame({"n": [1, 2]}), [rule], ("n",))
    assert [(r.rule.name, r.success) for r in results] == [("null", True), ("rows", False)]
    assert [r.rule.name for r in GateReport("t", ("n",), 2, results).failed] == ["rows"]


def test_only_the_columns_that_rules_name_are_handed_over():
    frame = pl.DataFrame({"id": [1, 1], "text": [object(), object()]})
    rules = [holds(pl.col("id") == 1, "id", name="one", reason="none")]
    assert [j.success for j in judge(frame, rules)] == [True]


def test_every_finding_is_a_row_of_ops_quality():
    tables = load_contracts(ROOT / "sql")
    frames = {table: good(c, 1 if table == "marts.daily_summary" else 3) for table, c in tables.items()}
    reports = [check(table, frames[table], tables[table]) for table in ("raw.posts", "graded.issues", "ops.topics")]
    rows = contract("ops.quality").conform(quality_frame(reports))
    assert rows.height == sum(len(report.results) for report in reports) > 50
    assert rows["success"].all()
    assert set(rows["severity"]) == {"fail", "warn"}
    assert rows.filter(pl.col("reason") == "").is_empty()
    assert contract("ops.quality").conform(quality_frame([])).is_empty()


def test_results_keep_the_order_of_the_rules():
    report = report_of(posts_with())
    assert all(isinstance(result, RuleResult) for result in report.results)
    assert [r.rule.name for r in report.results[:3]] == ["columns_and_types", "one_row_per_grain", "not_null"]


def test_importing_the_gate_does_not_import_great_expectations():
    script = "import sys, caifeng.jobs.gates; assert not {'great_expectations', 'pandas'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_a_gate_writes_no_file_and_calls_nobody(tmp_path):
    script = f"""
import socket
def refuse(*args, **kwargs): raise AssertionError(args)
socket.socket.connect = socket.getaddrinfo = refuse
import tempfile
tempfile.mkdtemp = tempfile.mkstemp = refuse
import sys; sys.path.insert(0, {str(ROOT)!r}); sys.dont_write_bytecode = True
from pathlib import Path
import polars as pl
from caifeng.core.contracts import load_contracts
from expectations.gate import check
contract = load_contracts(Path({str(ROOT)!r}) / "sql")["ops.topics"]
frame = pl.DataFrame({{"topic": ["a", "a"], "name": ["n", None], "owner_unit": ["u", "u"], "competent_body": None}},
                     schema=contract.polars_schema())
print(len([r for r in check(contract.table, frame, contract).results if r.success is False]))
"""
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    home.mkdir()
    env = {"HOME": str(home), "TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=here, env=env
    )
    assert done.stdout.strip() == "2", done.stderr
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["here", "home"]


def test_our_own_ids_are_no_telephone_numbers_and_telephone_numbers_are_none_of_ours():
    details = [f"group_id:g{digits}" for digits in ("1391234567800000", "0013912345678abc", "ab15012345678cde")]
    frame = pl.DataFrame({"detail": [*details, "联系13912345678", "g1391234567800000 13912345678", "13912345678g"]})
    assert frame.select(has_personal_data("detail")).to_series().to_list() == [False, False, False, True, True, True]
    assert frame.select(pl.col("detail").alias("title")).select(has_personal_data("title")).to_series().any()
