"""The vectorised grading and the plain one of tests/unit/reference_grading.py agree in every field.

Ten thousand random issues under the rules in force, and issues under hundreds of other valid rule files.
"""

import ast
import random
import re
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from caifeng.core.model.grading import OVERRIDE_NAMES, GradingRules
from caifeng.core.settings import Settings
from tests.unit import reference_grading
from tests.unit.reference_grading import FACTORS, RESULTS, RULES, SCALE, Rules, grade_one, random_issues, random_rules
from transforms.grade.grade import MEASURES, grade

IN_FORCE = Settings.load().grading()


def with_numbers(tables: Rules) -> GradingRules:
    """The rules in force with other numbers, validated as a file is."""
    return GradingRules.model_validate(IN_FORCE.model_dump() | tables)


def differences(issues: list[reference_grading.Issue], tables: Rules, rules: GradingRules) -> list[object]:
    """Issues on which the two disagree, with what each of them says."""
    graded = grade(pl.DataFrame(issues, schema=MEASURES), rules).select("issue_no", *RESULTS).to_dicts()
    assert [row.pop("issue_no") for row in graded] == [issue["issue_no"] for issue in issues]
    pairs = zip(issues, (grade_one(issue, tables) for issue in issues), graded, strict=True)
    return [(issue, want, got) for issue, want, got in pairs if want != got]


def test_the_reference_stands_alone() -> None:
    tree = ast.parse(Path(reference_grading.__file__).read_text("utf8"))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert len(modules) >= 5
    assert {module for module in modules if module.split(".")[0] not in sys.stdlib_module_names} == set()


def test_the_reference_has_the_numbers_in_force() -> None:
    """A changed number is changed in both, by hand."""
    in_force = IN_FORCE.model_dump()
    assert {table: in_force[table] for table in RULES} == RULES


def test_agrees_with_the_reference() -> None:
    issues = random_issues(10_000, seed=20261123)
    expected = [grade_one(issue) for issue in issues]

    graded = grade(pl.DataFrame(issues, schema=MEASURES), IN_FORCE).to_dicts()

    assert len(graded) == 10_000
    for issue, want, got in zip(issues, expected, graded, strict=True):
        assert {name: got[name] for name in issue} == issue
        assert {name: got[name] for name in RESULTS} == want, issue
        assert re.search(rf" {got['total']:.1f} = ", got["explanation"])
    # the sweep has met every outcome, overrides together, and each alone (a central medium is also strong)
    assert {row["level"] for row in expected} == {*SCALE, "context", "refer_out"}
    assert {row["response_value"] for row in expected} == {"must", "should", "log_only", "refer_out"}
    assert set(Counter(name for row in expected for name in row["overrides"])) == set(OVERRIDE_NAMES)
    alone = {row["overrides"][0] for row in expected if len(row["overrides"]) == 1}
    assert alone == set(OVERRIDE_NAMES) - {"O2a"}
    assert max(len(row["overrides"]) for row in expected) >= 6
    assert {row["total"] for row in expected} >= {19.9, 20.0, 39.9, 40.0, 59.9, 60.0}
    assert sum(issue["views"] == reference_grading.HUGE for issue in issues) >= 10


@pytest.mark.parametrize(("files", "issues"), [(150, 20), pytest.param(2_000, 50, marks=pytest.mark.slow, id="slow")])
def test_agrees_under_other_rules(files: int, issues: int) -> None:
    """Numbers of other offices: any weights, cuts, points and thresholds that a file may have."""
    rng = random.Random(61)
    met: Counter[str] = Counter()
    for number in range(files):
        tables = random_rules(rng)
        sample = [reference_grading.random_issue(rng, number * issues + n) for n in range(issues)]
        assert differences(sample, tables, with_numbers(tables)) == [], tables
        for issue in sample:
            row = grade_one(issue, tables)
            met.update((row["level"], row["response_value"], *row["overrides"]))
            met["issues"] += 1
    assert met["issues"] == files * issues >= 3_000
    assert set(met) >= {*SCALE, "context", "refer_out", "must", "should", *OVERRIDE_NAMES}


@pytest.mark.slow
def test_agrees_on_two_hundred_thousand_issues() -> None:
    seen = 0
    for seed in range(20):
        issues = random_issues(10_000, seed)
        assert differences(issues, RULES, IN_FORCE) == []
        seen += len(issues)
    assert seen == 200_000


def test_a_wrong_number_is_noticed() -> None:
    """The comparison has teeth: one tenth of a percent in any table shows."""
    issues = random_issues(3_000, seed=5)
    shifted = {
        "flag": {"release_window": 10.1},
        "geo": {"city": 60.2},
        "docs": {"30": 60.5},
        "reaction": {"z": 1.97},
        "media_tier": {"county": 40.1},
        "level": {"larger": 40.1},
        "override": {"strong_s_min_counted": 31},
    }
    for table, numbers in shifted.items():
        tables = RULES | {table: RULES[table] | numbers}
        assert differences(issues, tables, IN_FORCE), table
    assert tuple(RULES["weight"]) == FACTORS
