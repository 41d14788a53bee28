"""Ten thousand random issues: the vectorised grading and the plain one agree in every field."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import polars as pl

from caifeng.core.model.grading import OVERRIDE_NAMES, GradingRules
from tests.unit.reference_grading import RESULTS, SCALE, grade_one, random_issues
from transforms.grade.grade import MEASURES, grade

CONFIG = Path(__file__).parents[2] / "config" / "grading.toml"


def test_agrees_with_the_reference() -> None:
    rules = GradingRules.model_validate(tomllib.loads(CONFIG.read_text("utf8")))
    issues = random_issues(10_000, seed=20261122)
    expected = [grade_one(issue) for issue in issues]

    graded = grade(pl.DataFrame(issues, schema=MEASURES), rules).to_dicts()

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
