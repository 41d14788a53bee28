"""`caifeng grade --json`: every bad line is named, every good one is graded, the order stays."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from caifeng.core.model.grading import GradingRules
from caifeng.jobs.grade_lines import grade_lines
from tests.unit.reference_grading import RESULTS, grade_one, random_issues

GOOD: dict[str, Any] = {
    "issue_no": "YQ-2026-0001",
    "topic": "gdp",
    "flags": ["specific_checkable"],
    "tone": "negative",
    "geo": "county",
    "source_classes": 2,
    "active_days": 3,
    "views": 5000,
    "reposts": None,
    "comments": 100,
    "distinct_docs": 10,
    "growth_24h": None,
    "neg_docs": 0,
    "counted_docs": 10,
    "emotive_docs": 5,
    "same_topic_issues_90d": 2,
    "media_tier": "county",
    "n_media": 2,
    "emergency_level": "none",
    "facts": ["names_bureau"],
    "jurisdiction": "local",
}
KEYS = [
    "issue_no",
    "C",
    "R",
    "A",
    "S",
    "M",
    "total",
    "coverage",
    "level",
    "level_by_score",
    "overrides",
    "needs_review",
    "response_value",
    "explanation",
]


@pytest.fixture(scope="module")
def rules() -> GradingRules:
    config = Path(__file__).parents[2] / "config" / "grading.toml"
    return GradingRules.model_validate(tomllib.loads(config.read_text("utf8")))


def read(lines: list[str], rules: GradingRules) -> tuple[list[dict[str, Any]], bool]:
    written, ok = grade_lines(lines, rules)
    return [json.loads(line) for line in written], ok


def test_good_line(rules: GradingRules) -> None:
    (row,), ok = read([json.dumps(GOOD)], rules)
    assert ok
    assert list(row) == KEYS
    assert (row["issue_no"], row["C"], row["A"], row["M"]) == ("YQ-2026-0001", 50.0, 40.0, 44.0)


def test_whole_numbers_and_losses_are_growth(rules: GradingRules) -> None:
    lines = [json.dumps(GOOD | {"growth_24h": growth}) for growth in (1, 1.0, -1.5, 0, None)]
    rows, ok = read(lines, rules)
    assert ok
    assert [row["A"] for row in rows] == [50.0, 50.0, 40.0, 40.0, 40.0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"views": True}, "views"),
        ({"views": 3.0}, "views"),
        ({"views": "3"}, "views"),
        ({"views": -1}, "views"),
        ({"views": 10**30}, "views"),
        ({"source_classes": 0}, "source_classes"),
        ({"active_days": 0}, "active_days"),
        ({"active_days": None}, "active_days"),
        ({"distinct_docs": 0, "emotive_docs": 0}, "distinct_docs"),
        ({"growth_24h": float("nan")}, "growth_24h"),
        ({"growth_24h": float("inf")}, "growth_24h"),
        ({"growth_24h": float("-inf")}, "growth_24h"),
        ({"growth_24h": True}, "growth_24h"),
        ({"growth_24h": "1"}, "growth_24h"),
        ({"growth_24h": 10**400}, "growth_24h"),
        ({"neg_docs": 11}, "neg_docs"),
        ({"neg_docs": -1}, "neg_docs"),
        ({"emotive_docs": 11}, "emotive_docs"),
        ({"same_topic_issues_90d": None}, "same_topic_issues_90d"),
        ({"n_media": 0}, "n_media"),
        ({"media_tier": "none"}, "n_media"),
        ({"media_tier": "radio"}, "media_tier"),
        ({"topic": "weather"}, "topic"),
        ({"topic": None}, "topic"),
        ({"tone": "angry"}, "tone"),
        ({"tone": None}, "tone"),
        ({"geo": "moon"}, "geo"),
        ({"emergency_level": "huge"}, "emergency_level"),
        ({"jurisdiction": ""}, "jurisdiction"),
        ({"flags": ["rude"]}, "flags"),
        ({"flags": [1]}, "flags"),
        ({"flags": "key_category"}, "flags"),
        ({"flags": None}, "flags"),
        ({"flags": ["key_category", "key_category"]}, "flags"),
        ({"facts": ["hearsay"]}, "facts"),
        ({"facts": ["second_wave", "second_wave"]}, "facts"),
        ({"author": "somebody"}, "author"),
    ],
)
def test_bad_value(rules: GradingRules, changes: dict[str, Any], field: str) -> None:
    (row,), ok = read([json.dumps(GOOD | changes)], rules)
    assert not ok
    assert list(row) == ["issue_no", "error"]
    assert row["issue_no"] == "YQ-2026-0001"
    assert row["error"].startswith(f"{field}: ")


@pytest.mark.parametrize("field", [name for name in GOOD if name != "issue_no"])
def test_missing_field(rules: GradingRules, field: str) -> None:
    line = {name: value for name, value in GOOD.items() if name != field}
    (row,), ok = read([json.dumps(line)], rules)
    assert not ok
    assert row == {"issue_no": "YQ-2026-0001", "error": f"{field}: Field required"}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "line: not valid JSON"),
        ("YQ-2026-0001", "line: not valid JSON"),
        ("[" * 100_000, "line: not valid JSON"),
        ("9" * 5_000, "line: not valid JSON"),
        ("[]", "line: not a JSON object"),
        ("null", "line: not a JSON object"),
        ("{}", "issue_no: Field required"),
        (json.dumps(GOOD | {"issue_no": 7}), "issue_no: Input should be a valid string"),
        (json.dumps(GOOD | {"issue_no": None}), "issue_no: Input should be a valid string"),
        (json.dumps(GOOD | {"issue_no": "\ud800"}), "issue_no: not valid Unicode"),
    ],
)
def test_line_without_a_readable_number(rules: GradingRules, line: str, error: str) -> None:
    (row,), ok = read([line], rules)
    assert not ok
    assert row == {"issue_no": None, "error": error}


def test_field_given_twice(rules: GradingRules) -> None:
    line = json.dumps(GOOD)[:-1] + ', "views": 1}'
    (row,), ok = read([line], rules)
    assert not ok
    assert row == {"issue_no": "YQ-2026-0001", "error": "views: given twice"}


def test_hostile_field_name_can_be_printed(rules: GradingRules) -> None:
    written, ok = grade_lines([json.dumps(GOOD | {"x\ud800\n": 1})], rules)
    assert not ok
    assert len(written) == 1
    assert "\n" not in written[0]
    assert written[0].encode("utf8")


def test_order_stays_and_the_others_go_on(rules: GradingRules) -> None:
    issues = random_issues(300, seed=3)
    lines = [json.dumps(issue, ensure_ascii=False) + "\n" for issue in issues]
    bad = range(0, 300, 7)
    for n in bad:
        lines[n] = json.dumps(issues[n] | {"views": -1})
    rows, ok = read(["\n", *lines, "  \n", ""], rules)
    assert not ok
    assert [row["issue_no"] for row in rows] == [issue["issue_no"] for issue in issues]
    assert [n for n, row in enumerate(rows) if "error" in row] == list(bad)
    good = [(issue, row) for issue, row in zip(issues, rows, strict=True) if "error" not in row]
    assert len(good) == 257
    for issue, row in good:
        want = grade_one(issue)
        assert {name: row[name] for name in RESULTS if name != "sensitive"} == {
            name: value for name, value in want.items() if name != "sensitive"
        }


def test_nothing_in_nothing_out(rules: GradingRules) -> None:
    assert grade_lines([], rules) == ([], True)
    assert grade_lines(["", "\n"], rules) == ([], True)
