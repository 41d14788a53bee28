"""marts.grade_audit: SQL recomputes every grade from what is stored, and notices a tampered one."""

import random
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
import sqlglot

from caifeng.core.contracts import Contract, load_contracts
from caifeng.core.model.grading import GradingRules
from tests.unit.reference_grading import FACTORS, RESULTS, random_issues, random_rules
from transforms.grade.grade import MEASURES, grade
from transforms.grade.rules_frame import rules_frame

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 22)
AS_OF = datetime(2026, 11, 22, 16, tzinfo=UTC)
ISSUES = 10_000
Warehouse = duckdb.DuckDBPyConnection
TAMPERED = ("YQ-2026-00042", "YQ-2026-00061")
QUERY = (ROOT / "sql/marts/grade_audit.sql").read_text("utf8")


def load_rules() -> GradingRules:
    return GradingRules.model_validate(tomllib.loads((ROOT / "config/grading.toml").read_text("utf8")))


def other_rules() -> GradingRules:
    """Every number moved a little, so that the query cannot lean on a default."""
    raw = tomllib.loads((ROOT / "config/grading.toml").read_text("utf8"))
    raw["name"] = "other"
    raw["weight"] = {"C": 30, "R": 15, "A": 20, "S": 20, "M": 15}
    raw["topic_base"] = {topic: value * 0.9 for topic, value in raw["topic_base"].items()}
    raw["flag"] = {flag: value * 0.7 for flag, value in raw["flag"].items()}
    raw["geo"] = {geo: value * 0.85 for geo, value in raw["geo"].items()}
    raw["reach"] = {"geo": 40, "spread": 35, "persist": 25, "points_per_class": 17, "points_per_day": 13}
    raw["attention"] = {
        "highest": 55,
        "mean": 45,
        "points_per_decade": 19.5,
        "zero_views": 40,
        "zero_reposts": 4,
        "zero_comments": 2,
        "growth": 0.9,
        "growth_docs": 4,
        "growth_bonus": 8,
    }
    raw["docs"] = {"1": 5, "4": 30, "50": 70}
    raw["reaction"] = {"neg": 45, "intensity": 25, "recur": 30, "z": 1.64, "points_per_issue": 21}
    raw["media"] = {"points_per_medium": 3, "most_extra": 15}
    raw["media_tier"] = {tier: value * 0.95 for tier, value in raw["media_tier"].items()}
    raw["level"] = {"general": 18.5, "larger": 36.6, "major": 55.5, "extreme": 77.7}
    raw["override"] = {
        "strong": 72.3,
        "strong_c_min_a": 15.5,
        "strong_s_min_counted": 20,
        "strong_for_larger": 2,
        "strong_for_major": 3,
        "thin_coverage": 0.6,
        "thin_docs": 2,
    }
    return GradingRules.model_validate(raw)


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    return load_contracts(ROOT / "sql")


def graded_in(contracts: dict[str, Contract], sample: Iterable[tuple[GradingRules, int, int]]) -> Warehouse:
    """A database with the grades of one day, in the tables of the contracts.

    Args:
        contracts: those of sql/.
        sample: rule version, number of random issues, their seed.
    """
    connection = duckdb.connect()  # noqa: TID251 - in memory, no file to share
    connection.execute("SET TimeZone = 'UTC'; SET threads = 1; CREATE SCHEMA graded; CREATE SCHEMA ops")
    for table in ("graded.issue_grades", "ops.grading_rules"):
        connection.execute(contracts[table].ddl())
    for rules, number, seed in sample:
        graded = grade(pl.DataFrame(random_issues(number, seed), schema=MEASURES), rules).with_columns(
            as_of=pl.lit(AS_OF), rule_version=pl.lit(rules.rule_version), evidence=pl.lit(["flag:造假@3"])
        )
        fill(connection, contracts["graded.issue_grades"], graded)
        fill(connection, contracts["ops.grading_rules"], rules_frame(rules))
    return connection


@pytest.fixture(scope="module")
def loaded(contracts: dict[str, Contract]) -> Iterator[Warehouse]:
    """Grades of one day under two rule versions."""
    connection = graded_in(contracts, [(load_rules(), ISSUES, 7), (other_rules(), ISSUES, 7)])
    yield connection
    connection.close()


@pytest.fixture
def warehouse(loaded: Warehouse) -> Iterator[Warehouse]:
    """The same, for a test that changes it: nothing of the change stays."""
    loaded.execute("BEGIN")
    yield loaded
    loaded.execute("ROLLBACK")


def fill(connection: Warehouse, contract: Contract, frame: pl.DataFrame) -> None:
    rows = contract.conform(frame).to_arrow()
    connection.register("incoming", rows)
    connection.execute(f"INSERT INTO {contract.table} BY NAME SELECT DATE '{DAY}' AS day, * FROM incoming")
    connection.unregister("incoming")


def audit(connection: Warehouse, contracts: dict[str, Contract]) -> pl.DataFrame:
    rows = connection.execute(QUERY, {"day": DAY}).pl()
    return contracts["marts.grade_audit"].conform(rows)


def test_every_grade_is_recomputed(loaded: Warehouse, contracts: dict[str, Contract]) -> None:
    rows = audit(loaded, contracts)
    assert rows.height == 2 * ISSUES >= 20_000
    assert rows.group_by("rule_version").len()["len"].to_list() == [ISSUES, ISSUES]
    assert rows.filter(~pl.col("agrees")).head(5).to_dicts() == []
    assert rows["level"].n_unique() == 7
    assert (rows["total"] - rows["total_recomputed"]).abs().max() == 0
    assert rows.filter(pl.col("level") != pl.col("level_recomputed")).is_empty()


#: Every output of a grade -> a change of it that the recomputation must notice.
TAMPERINGS = {
    **{factor: f"{factor} = {factor} + CASE WHEN {factor} > 50 THEN -0.1 ELSE 0.1 END" for factor in FACTORS},
    "total": "total = total + 0.1",
    "coverage": "coverage = CASE WHEN coverage = 1 THEN 0.75 ELSE 1 END",
    "level": "level = CASE WHEN level = 'major' THEN 'larger' ELSE 'major' END",
    "level_by_score": "level_by_score = CASE WHEN level_by_score = 'major' THEN 'larger' ELSE 'major' END",
    "overrides": "overrides = CASE WHEN len(overrides) > 0 THEN overrides[2:] ELSE ['O3'] END",
    "needs_review": "needs_review = NOT needs_review",
    "response_value": "response_value = CASE WHEN response_value = 'must' THEN 'log_only' ELSE 'must' END",
    "sensitive": "sensitive = NOT sensitive",
}


def test_every_output_is_tampered_with() -> None:
    assert set(TAMPERINGS) == set(RESULTS)


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=list(TAMPERINGS))
def test_a_tampered_grade_is_noticed(warehouse: Warehouse, contracts: dict[str, Contract], tampering: str) -> None:
    warehouse.execute(
        f"UPDATE graded.issue_grades SET {tampering} WHERE issue_no IN ('{TAMPERED[0]}', '{TAMPERED[1]}')"
    )
    wrong = audit(warehouse, contracts).filter(~pl.col("agrees"))
    assert sorted(wrong["issue_no"].unique()) == list(TAMPERED)
    assert wrong.height == 4  # once per rule version


def test_grades_by_many_rule_versions_are_recomputed(contracts: dict[str, Contract]) -> None:
    """Twenty rule files of other offices beside each other in one day."""
    rng = random.Random(205)
    files = [GradingRules.model_validate(load_rules().model_dump() | random_rules(rng)) for _ in range(20)]
    connection = graded_in(contracts, [(rules, 200, seed) for seed, rules in enumerate(files)])
    rows = audit(connection, contracts)
    connection.close()
    assert rows.height == 20 * 200
    assert rows["rule_version"].n_unique() == 20
    assert rows.filter(~pl.col("agrees")).head(5).to_dicts() == []


def test_a_changed_rule_is_noticed(warehouse: Warehouse, contracts: dict[str, Contract]) -> None:
    """Every grade rests on the stored numbers of its own version, and on no others."""
    version = load_rules().rule_version
    warehouse.execute(
        "UPDATE ops.grading_rules SET value = value + 1 WHERE parameter = 'geo.county' AND rule_version = ?", [version]
    )
    wrong = audit(warehouse, contracts).filter(~pl.col("agrees"))
    assert wrong["rule_version"].unique().to_list() == [version]
    assert wrong.height > 500


def test_a_grade_without_its_rules_does_not_agree(warehouse: Warehouse, contracts: dict[str, Contract]) -> None:
    lost = other_rules().rule_version
    warehouse.execute("DELETE FROM ops.grading_rules WHERE rule_version = ?", [lost])
    rows = audit(warehouse, contracts)
    assert rows.height == 2 * ISSUES
    assert rows.filter(~pl.col("agrees"))["rule_version"].unique().to_list() == [lost]
    assert rows.filter(pl.col("rule_version") == lost)["total_recomputed"].null_count() == ISSUES


def test_other_days_are_not_touched(warehouse: Warehouse, contracts: dict[str, Contract]) -> None:
    warehouse.execute("UPDATE graded.issue_grades SET day = DATE '2026-11-21' WHERE issue_no > 'YQ-2026-00099'")
    assert audit(warehouse, contracts).height == 200


def test_one_select_that_transpiles() -> None:
    statements = sqlglot.parse(QUERY, read="duckdb")
    assert [type(statement).__name__ for statement in statements] == ["Select"]
    spark = statements[0].sql(dialect="spark") if statements[0] else ""
    assert "ARRAY_CONTAINS(facts, 'names_bureau')" in spark
    assert "ARRAY_JOIN(grades.overrides, ',')" in spark
