"""Every suite lets a good frame pass, and every rule of it finds the one row that breaks it, and nothing else."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caifeng.cases.table import TABLE
from caifeng.core.contracts import Column, Contract, load_contracts
from expectations.cases_events import STEPS
from expectations.common import common_rules
from expectations.gate import GateReport, check
from expectations.page import INVARIANTS, gates_page, rules_by_table
from expectations.suite import own_rules, suite
from tests.expectations.frames import NOON, good, spoil

ROOT = Path(__file__).resolve().parents[2]
LATE = NOON + timedelta(minutes=11)

_EXPLAINED = "较大(黄) 30.5 = 内容70.0×.25 + 影响20.0×.20 + 关注30.0×.25 + 反响0.0×.15 + 介入10.0×.15"

#: Table -> rule -> what one of three rows becomes; for rules about shares: what 21 rows are.
BAD: dict[str, dict[str, dict[str, Any]]] = {
    "raw.posts": {
        "is_post_id: post_id": {"post_id": "p1"},
        "is_address: url": {"url": "javascript:alert(1)"},
        "no_personal_data: title": {"title": "请拨打13812345678"},
        "no_personal_data: text": {"text": "身份证11010519491231002X"},
        "precision_fits_time: published_at, published_precision": {"published_at": None},
        "day_means_midnight: published_at, published_precision": {"published_precision": "day"},
        "no_user_id: url": {"url": "https://weibo.com/1234567/Abc"},
        "observed_before_fetched: observed_at, fetched_at": {"observed_at": LATE},
        "heat_not_negative: heat": {"heat": -1},
        "published_before_fetched: published_at, fetched_at": {"published_at": LATE},
        "says_something: title, text": {"title": "", "text": ""},
    },
    "clean.posts": {
        "is_post_id: post_id": {"post_id": "000000000000000G"},
        "is_hash: text_hash": {"text_hash": "aa"},
        "is_address: url": {"url": "/thread-1.html"},
        "no_personal_data: title": {"title": "联系 zhang@example.org"},
        "no_personal_data: text": {"text": "车牌皖S12345，请查"},
        "published_before_found: published_at, first_fetched_at": {"published_at": LATE},
        "precision_fits_time: published_at, published_precision": {"published_precision": "unknown"},
        "day_means_midnight: published_at, published_precision": {"published_precision": "day"},
        "says_something: title, text": {"title": "", "text": ""},
        "times_mostly_known: published_at": {"published_at": None, "published_precision": "unknown"},
    },
    "clean.post_metrics": {
        "is_post_id: post_id": {"post_id": ""},
        "heat_not_negative: heat": {"heat": -5},
    },
    "clean.rejects": {
        "is_post_id: post_id": {"post_id": "x"},
        "is_address: url": {"url": "ftp://example.org/"},
        "no_personal_data: title": {"title": "QQ群123456789"},
        "no_personal_data: detail": {"detail": "卡号6222021234567890128"},
        "no_personal_data: excerpt": {"excerpt": "请回电13812345678"},
        "reason_fits_stage: stage, reason": {"reason": "no_term"},
    },
    "clean.repost_groups": {
        "is_post_id: post_id": {"post_id": "x"},
        "similarity_is_a_share: similarity": {"similarity": 1.5},
        "one_origin: group_id, is_origin": {"group_id": "g2"},
    },
    "graded.posts": {
        "is_post_id: post_id": {"post_id": "x"},
        "is_hash: text_hash": {"text_hash": "x"},
        "is_address: url": {"url": "https://"},
        "no_personal_data: title": {"title": "微信号abc_1234"},
        "no_personal_data: text": {"text": "电话：0558-7654321"},
        "published_before_found: published_at, first_fetched_at": {"published_at": LATE},
        "precision_fits_time: published_at, published_precision": {"published_at": None},
        "day_means_midnight: published_at, published_precision": {"published_precision": "day"},
        "best_topic_first: topic, topics": {"topic": "wage"},
        "has_evidence: evidence": {"evidence": []},
        "few_fall_back: topic": {"topic": "other_stats", "topics": ["other_stats"]},
    },
    "graded.issues": {
        "is_issue_number: issue_no": {"issue_no": "YQ-26-1"},
        "is_post_id: origin_post_id": {"origin_post_id": "x"},
        "no_personal_data: title": {"title": "打13812345678举报"},
        "published_before_found: first_published_at, detected_at": {
            "first_published_at": LATE, "last_post_at": LATE,
        },
        "has_title: title": {"title": ""},
        "has_posts: posts": {"posts": 0},
        "last_not_before_first: last_post_at, first_published_at": {"last_post_at": NOON - timedelta(days=2)},
    },
    "graded.issue_posts": {
        "is_post_id: post_id": {"post_id": "x"},
        "is_issue_number: issue_no": {"issue_no": "YQ-2026-1"},
        "one_issue_per_group: group_id, issue_no": {"group_id": "g2"},
    },
    "graded.issue_grades": {
        "no_personal_data: explanation": {"explanation": _EXPLAINED + "，电话13812345678"},
        "is_issue_number: issue_no": {"issue_no": "1"},
        "coverage_in_quarters: coverage": {"coverage": 0.55},
        "coverage_counts_known: coverage, views, reposts, comments": {"views": None},
        "total_re_adds: total, explanation": {"total": 30.6},
        "level_follows: level, level_by_score, overrides": {"level": "general"},
        "referred_is_not_answered: level, response_value": {"response_value": "refer_out"},
        "negative_among_counted: neg_docs, counted_docs": {"neg_docs": 2},
        "emotive_among_documents: emotive_docs, distinct_docs": {"emotive_docs": 2},
        "media_fit_tier: n_media, media_tier": {"n_media": 0},
        "rests_on_documents: distinct_docs, source_classes, active_days": {"active_days": 0},
    },
    "graded.measure_evidence": {
        "is_issue_number: issue_no": {"issue_no": "YQ-1"},
        "is_post_id: post_id": {"post_id": "p0"},
        "no_personal_data: detail": {"detail": "source:13812345678"},
        "person_has_event: setter, event_id, role": {"role": "deputy"},
        "unknown_is_said: value, measure, post_id, shown, detail": {"value": None},
        "one_value: issue_no, as_of, rule_version, measure, value": {
            "issue_no": "YQ-2026-0001", "value": "30", "shown": None,
        },
        "shown_within_value: issue_no, as_of, rule_version, measure, value, shown": {"shown": 11},
    },
    "graded.issue_levels": {
        "is_issue_number: issue_no": {"issue_no": "1"},
        "raised_at_once: standing_level, level": {"level": "major"},
        "people_go_first: level_in_force, confirmed_level, standing_level": {"level_in_force": "larger"},
        "pending_is_whole: lower_since, lower_level, lower_evaluations": {"lower_since": None},
        "pending_is_lower: lower_level, standing_level": {"lower_level": "larger"},
        "confirmed_is_whole: confirmed_level, confirmed_at, confirmed_role": {"confirmed_role": None},
        "gap_follows: gap, standing_level, confirmed_level": {"gap": 2},
        "above_needs_look: gap, needs_look": {"needs_look": False},
        "change_follows: change, standing_level, standing_before, standing_since": {"change": "lowered"},
    },
    "graded.alerts": {
        "no_personal_data: reason": {"reason": "打13812345678"},
        "is_issue_number: issue_no": {"issue_no": "1"},
        "named_by_kind: alert_id, kind": {"kind": "growth"},
        "about_an_issue: kind, issue_no": {"issue_no": None},
        "level_changed: kind, level, level_before": {"level_before": "larger"},
        "muted_is_late: deliver_at, alerted_at, muted": {"deliver_at": NOON},
        "high_is_not_muted: level, muted": {"level": "major"},
    },
    "graded.answer_proposals": {
        "is_issue_number: issue_no": {"issue_no": "1"},
        "is_post_id: post_id": {"post_id": "x"},
        "is_address: url": {"url": "x"},
        "no_personal_data: title": {"title": "联系13812345678"},
        "only_letters_are_certain: score, kind": {"kind": "portal_article"},
        "score_in_range: score": {"kind": "new_media", "score": 1.2},
        "says_why: why": {"why": ""},
        "found_by_then: found_at, as_of": {"found_at": LATE},
    },
    "graded.response_counts": {
        "is_issue_number: issue_no": {"issue_no": "1"},
        "is_address: url": {"url": "x"},
        "negative_before_within: negative_before, judged_before": {"negative_before": 2},
        "judged_before_within: judged_before, voices_before": {"judged_before": 2},
        "negative_after_within: negative_after, judged_after": {"negative_after": 2},
        "judged_after_within: judged_after, voices_after": {"judged_after": 2},
        "quoting_within: quoting, voices_later": {"quoting": 2},
        "questions_new_within: questions_new, voices_later": {"questions_new": 2},
        "peak_before_within: peak_before, voices_before": {"peak_before": 2},
        "peak_after_within: peak_after, voices_after": {"peak_after": 2},
        "complete_when_over: window_complete, window_ends_at, as_of": {"window_complete": False},
    },
    "marts.response_effect": {
        "is_issue_number: issue_no": {"issue_no": "1"},
        "is_address: url": {"url": "x"},
        "no_personal_data: title": {"title": "联系13812345678"},
        "drop_rests_on_voices: volume_drop, window_complete, voices_before, least_voices": {"voices_before": 0},
        "drop_at_most_all: volume_drop": {"volume_drop": 1.5},
        "change_rests_on_voices: negative_change, window_complete, judged_before, judged_after, least_voices": {
            "judged_after": 0,
        },
        "share_rests_on_voices: quoting_share, voices_later, least_voices": {"voices_later": 0},
    },
    "marts.early_warning": {
        "no_personal_data: reason": {"reason": "打13812345678"},
        "is_issue_number: issue_no": {"issue_no": "x"},
        "no_personal_data: title": {"title": "联系13812345678"},
        "numbered_once: seq": {"seq": 2},
        "delivered_after_given: deliver_at, alerted_at": {"deliver_at": NOON - timedelta(seconds=1)},
    },
    "marts.daily_log": {
        "no_personal_data: explanation": {"explanation": "电话13812345678"},
        "level_change_follows: level_change, level_in_force, level_yesterday": {"level_change": "same"},
        "is_issue_number: issue_no": {"issue_no": "x"},
        "is_address: url": {"url": "about:blank"},
        "no_personal_data: title": {"title": "加V信 abc12345"},
        "no_personal_data: summary": {"summary": "回电 13812345678。"},
        "published_before_found: first_published_at, detected_at": {"first_published_at": LATE},
        "numbered_once: seq": {"seq": 2},
        "numbered_without_gap: seq": {"seq": 4},
        "summary_is_short: summary": {"summary": "字" * 121},
        "referrals_are_referred: system_level, suggestion": {"system_level": "refer_out"},
        "confirmed_referrals_are_referred: confirmed_level, suggestion": {"confirmed_level": "refer_out"},
    },
    "marts.daily_summary": {
        "medians_rest_on_issues: found_hours, found_issues, report_hours, report_issues, answered_hours, "
        "answered_issues": {"found_hours": None},
        "one_row_a_day: *": {},
        "levels_add_up: extreme, major, larger, general, log_only, context, refer_out": {"major": 1},
        "sources_add_up: sources_planned": {"sources_planned": 3},
        "checked_are_reached: sources_checked": {"sources_checked": 3},
        "posts_add_up: posts_new": {"posts_new": 4},
        "half_the_sources_checked: sources_checked": {"sources_planned": 5, "broken": ["乙", "丁"]},
    },
    "marts.escalations": {
        "no_personal_data: explanation": {"explanation": "电话13812345678"},
        "is_issue_number: issue_no": {"issue_no": "x"},
        "is_address: url": {"url": "x"},
        "no_personal_data: title": {"title": "请加微信：abcdef1"},
        "numbered_once: seq": {"seq": 2},
        "told_by_level: level, report_to": {"report_to": None},
        "due_after_start: due_at, detected_at": {"due_at": NOON - timedelta(seconds=1)},
    },
    "marts.publications_due": {
        "no_personal_data: note": {"note": "联系 zhang@example.org"},
        "is_address: url": {"url": "/xxgk/1.html"},
        "numbered_once: position": {"position": 1},
        "published_by_somebody: state, source": {"source": None},
        "judged_by_a_day: state, due_on": {"state": "published_late", "due_on": None},
    },
    "marts.source_health": {
        "no_personal_data: reason": {"reason": "见 a@example.org"},
        "outcomes_among_fetches: fetches": {"fetches_failed": 2},
        "relevant_among_new: posts_relevant, posts_new": {"posts_relevant": 2},
        "source_is_read: status": {"status": "broken"},
    },
    "marts.grade_audit": {
        "is_issue_number: issue_no": {"issue_no": "x"},
        "sql_agrees: agrees": {"agrees": False},
    },
    "cases.cases": {
        "is_issue_number: issue_no": {"issue_no": "1"},
        "answered_means_published: state, first_published_at": {"state": "responded", "first_published_at": None},
        "published_is_counted: rounds, first_published_at": {"rounds": 0},
        "closed_means_when: state, closed_at": {"state": "closed", "closed_at": None},
        "people_go_first: level, confirmed_level, system_level": {"confirmed_level": "major"},
    },
    "cases.events": {
        "is_issue_number: issue_no": {"issue_no": "1"},
        "legal_step: from_state, to_state": {"to_state": "closed"},
        "states_in_order: issue_no, sequence, from_state, to_state": {
            "issue_no": "YQ-2026-0002", "sequence": 2, "from_state": "confirmed", "to_state": "confirmed",
        },
        "changed_to_a_level: event, level": {"event": "change_level", "level": None},
    },
    "cases.responses": {
        "is_issue_number: issue_no": {"issue_no": "1"},
        "is_address: url": {"url": "x"},
        "has_address: url, form": {"url": None},
        "approved_before_published: approved_at, published_at": {"approved_at": LATE},
        "corrects_an_earlier_one: supersedes, round_no": {"supersedes": 1},
    },
    "ops.fetches": {
        "robots_decided: robots, kind, url": {"robots": None},
        "is_address: url": {"url": "x"},
        "no_personal_data: detail": {"detail": "见 a@example.org"},
        "is_http_status: http_status": {"http_status": 999},
        "denied_is_not_asked: outcome, http_status": {"outcome": "robots_denied", "found": 0},
        "nothing_read_nothing_found: outcome, found": {"outcome": "unreadable"},
    },
}  # fmt: skip


@cache
def contracts() -> dict[str, Contract]:
    return load_contracts(ROOT / "sql")


def broken(report: GateReport) -> list[str]:
    return [result.rule.key for result in report.results if result.success is False]


def bad_frame(table: str, rule: str, values: dict[str, Any]) -> pl.DataFrame:
    frame = good(contracts()[table], 1 if table == "marts.daily_summary" else 3)
    if rule == "one_row_a_day: *":
        return frame.clear()
    about_shares = next(r.min_rows for r in suite(contracts()[table]) if r.key == rule)
    if about_shares:
        rows = good(contracts()[table], 21).to_dicts()
        return pl.DataFrame([row | values for row in rows], schema=frame.schema)
    if "seq" in values and values["seq"] == 2:
        return spoil(frame, 0, **values)
    return spoil(frame, -1, **values)


def test_every_rule_of_every_suite_has_a_bad_frame():
    wanted = {
        table: {rule.key for rule in (*common_rules(contract), *own_rules(table))}
        for table, contract in contracts().items()
        if own_rules(table)
    }
    assert len(wanted) >= 15
    assert {table: set(rules) for table, rules in BAD.items()} == wanted


def test_the_steps_of_a_case_are_those_of_the_register():
    steps = {(state, row.to_state or state) for row in TABLE for state in row.states}
    assert {(a, b) for a, b in steps if a != b} == {(a, b) for a, others in STEPS.items() for b in others}


def test_every_invariant_is_held_by_rules_that_exist():
    tables = rules_by_table(contracts())
    swept = 0
    for words, named in INVARIANTS:
        assert named, words
        for table, name in named:
            owners = tables if table == "*" else {table: tables[table]}
            assert any(rule.name == name for rules in owners.values() for rule in rules), (words, table, name)
            swept += 1
    assert swept >= 20
    assert len(INVARIANTS) == 13


def test_every_published_column_of_words_is_watched_for_personal_data():
    words = ("title", "text", "summary", "excerpt", "detail", "note", "reason", "explanation")
    swept = 0
    for table, contract in contracts().items():
        watched = {rule.column_name for rule in suite(contract) if rule.name == "no_personal_data"}
        wanted = {c.name for c in contract.columns if c.name in words and c.values is None}
        assert watched == wanted, table
        swept += len(wanted)
    assert swept > 30


def test_the_page_of_gates_in_docs_is_current():
    made = gates_page(contracts())
    assert (ROOT / "docs" / "gates.md").read_text("utf8") == made, "run: caifeng gates > docs/gates.md"
    assert made.count("\n| `") > 150


def test_every_module_of_rules_belongs_to_a_table():
    names = {path.stem for path in (ROOT / "expectations").glob("*_*.py")} - {
        "source_profile",
        "log_calendar",
        "__init__",
    }
    assert len(names) >= 15
    assert names <= {table.replace(".", "_") for table in contracts()}


@pytest.mark.parametrize("table", sorted(BAD))
def test_a_good_frame_passes_and_each_bad_one_fails_exactly_its_rule(table):
    rows = 1 if table == "marts.daily_summary" else 3
    report = check(table, good(contracts()[table], rows), contracts()[table])
    assert broken(report) == []
    assert len(report.results) == len(suite(contracts()[table])) + 1
    swept = 0
    for rule, values in BAD[table].items():
        frame = bad_frame(table, rule, values)
        assert broken(check(table, frame, contracts()[table])) == [rule], (table, rule)
        swept += 1
    assert swept == len(BAD[table]) > 0


@pytest.mark.parametrize("table", sorted(contracts()))
def test_every_table_has_a_suite_that_a_good_frame_passes(table):
    rows = 1 if table == "marts.daily_summary" else 3
    report = check(table, good(contracts()[table], rows), contracts()[table])
    assert broken(report) == []
    assert len(report.results) >= 2


SYNTHETIC = Contract(
    table="test.synthetic",
    description="One row per key and part.",
    grain=("key", "part"),
    retention="none",
    sensitivity="open",
    columns=(
        Column(name="key", type="string", meaning="key"),
        Column(name="part", type="int64", meaning="part"),
        Column(name="kind", type="string", meaning="kind", values=("a", "b"), null_means="unknown"),
        Column(name="tags", type="list[string]", meaning="tags", values=("x", "y")),
        Column(name="views", type="int64", meaning="views", unit="times", null_means="unknown"),
        Column(name="change", type="int64", meaning="change", unit="issues, signed"),
        Column(name="score", type="float64", meaning="score", unit="points 0-100"),
        Column(name="coverage", type="float64", meaning="coverage", unit="share"),
        Column(name="on", type="date", meaning="day"),
        Column(name="detected_at", type="timestamp", meaning="when"),
        Column(name="answer_due_at", type="timestamp", meaning="until when", null_means="no limit"),
    ),
)


def synthetic(**values: Any) -> pl.DataFrame:
    row = {
        "key": "k", "part": 0, "kind": "a", "tags": ["x"], "views": 0, "change": -3, "score": 100.0, "coverage": 1.0,
        "on": NOON.date(), "detected_at": NOON, "answer_due_at": NOON,
    }  # fmt: skip
    return pl.DataFrame([row, {**row, "part": 1}, {**row, "part": 2, **values}], schema=SYNTHETIC.polars_schema())


@pytest.mark.parametrize("values", [{}, {"kind": None}, {"views": None}, {"tags": []}, {"answer_due_at": None}])
def test_what_the_contract_allows_passes(values):
    assert broken(check(SYNTHETIC.table, synthetic(**values), SYNTHETIC)) == []


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"key": None}, "not_null: key"),
        ({"tags": None}, "not_null: tags"),
        ({"on": None}, "not_null: on"),
        ({"score": None}, "not_null: score"),
        ({"score": float("nan")}, "not_null: score"),
        ({"detected_at": None}, "not_null: detected_at"),
        ({"part": 0}, "one_row_per_grain: key, part"),
        ({"kind": "c"}, "known_values: kind"),
        ({"tags": ["x", "z"]}, "known_values: tags"),
        ({"views": -1}, "in_range: views"),
        ({"score": 100.1}, "in_range: score"),
        ({"score": -0.1}, "in_range: score"),
        ({"coverage": 1.01}, "in_range: coverage"),
        ({"answer_due_at": NOON - timedelta(seconds=1)}, "due_after_start: answer_due_at, detected_at"),
    ],
)
def test_what_the_contract_forbids_fails_exactly_its_rule(values, rule):
    report = check(SYNTHETIC.table, synthetic(**values), SYNTHETIC)
    assert set(broken(report)) - {"in_range: score"} == {rule} - {"in_range: score"}
    assert rule in broken(report)
    result = next(r for r in report.results if r.rule.key == rule)
    expected = 2 if rule.startswith("one_row") else 1
    assert result.unexpected == expected
    assert result.rows[-1] == 2


def test_every_column_that_may_not_be_null_is_watched():
    swept = 0
    for table, contract in contracts().items():
        needed = [c.name for c in contract.columns if c.null_means is None]
        frame = good(contract, 1)
        empty = frame.select(pl.lit(None, kind).alias(name) for name, kind in frame.schema.items())
        report = check(table, empty, contract)
        nulls = {r.rule.column_name for r in report.results if r.rule.name == "not_null" and r.unexpected == 1}
        assert nulls == set(needed), table
        swept += len(nulls)
    assert swept > 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop("kind"), "declared but not there: kind String"),
        (lambda f: f.with_columns(author=pl.lit("x")), "there but not declared: author String"),
        (lambda f: f.with_columns(pl.col("views").cast(pl.String)), "there but not declared: views String"),
    ],
)
def test_wrong_columns_or_types_are_the_only_finding(change, words):
    report = check(SYNTHETIC.table, change(synthetic()), SYNTHETIC)
    assert [r.rule.name for r in report.results] == ["columns_and_types"]
    assert len(report.failed) == 1
    assert words in (report.failed[0].detail or "")


def test_an_empty_table_passes_and_says_that_nothing_was_checked():
    report = check("clean.posts", good(contracts()["clean.posts"]).clear(), contracts()["clean.posts"])
    assert broken(report) == []
    assert {r.checked for r in report.results if r.rule.name == "not_null"} == {0}
