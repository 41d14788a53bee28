"""How much levels hang on single numbers: against plain arithmetic, at the edges, and when it is written."""

import math
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from caifeng.core.model.grading import FACTOR_NAMES, GradingRules
from caifeng.core.model.terms import SCALE
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.rule_sensitivity import latest_measures, rule_sensitivity, sensitivity_listing, write_rule_sensitivity
from tests.unit.grades import CONFIG, WAGE, moment, open_env, store
from tests.unit.test_explain_table import some_issues
from transforms.grade.grade import MEASURES, grade
from transforms.grade.sensitivity import SENSITIVITY, sensitivity


@pytest.fixture(scope="module")
def rules() -> GradingRules:
    return Settings(config=CONFIG).grading()


def numbered(number: int) -> pl.DataFrame:
    rows = [issue | {"issue_no": f"YQ-2026-{n:04}"} for n, issue in enumerate(some_issues(number))]
    return pl.DataFrame(rows, schema=MEASURES)


def rows_of(frame: pl.DataFrame) -> dict[tuple[str, str], dict[str, object]]:
    return {(row["parameter"], row["direction"]): row for row in frame.iter_rows(named=True)}


def test_one_issue_worked_by_hand(rules: GradingRules) -> None:
    # C 45, R 40, A 40 and M 15, S 0: total 31.5. Documents 100 and 5,000,000 views make A = 0.6*100 + 0.4*65 = 86
    # and O9, which holds at `larger` whatever the cuts are.
    loud = WAGE | {"issue_no": "YQ-2026-0002", "views": 5_000_000, "distinct_docs": 100}
    # C = 45 + 10 = 55, R = 0.5*60 + 0.3*40 + 0.2*40 = 50, A = 40, M = 40
    near = WAGE | {"issue_no": "YQ-2026-0003", "flags": ["specific_checkable"], "media_tier": "county", "geo": "city"}
    frame = pl.DataFrame([WAGE, loud, near], schema=MEASURES)
    # 0.25*55 + 0.20*50 + 0.25*40 + 0.15*0 + 0.15*40 = 13.75 + 10 + 10 + 6 = 39.75 -> 39.8
    assert grade(frame, rules)["total"].to_list()[2] == 39.8
    rows = rows_of(sensitivity(frame, rules))
    # C at 27.5: the others at 72.5/75. 15.125 + (10 + 10 + 6) * 0.96667 = 40.26 -> larger
    up = rows["weight.C", "up"]
    assert (up["value"], up["issues"], up["flipped"], up["raised"], up["lowered"]) == (27.5, 3, 1, 1, 0)
    assert up["examples"] == ["YQ-2026-0003"]
    assert up["share"] == 1 / 3
    assert rows["weight.C", "down"]["flipped"] == 0
    # larger from 36: 39.8 rises; larger from 44: the loud one has total > 44
    assert rows["level.larger", "down"]["examples"] == ["YQ-2026-0003"]
    assert rows["level.larger", "up"]["flipped"] == 0
    assert rows["level.general", "up"]["value"] == 22.0


def test_the_same_as_plain_arithmetic(rules: GradingRules) -> None:
    nothing = pl.lit([], pl.List(pl.String))
    # quiet enough that no override stands between total and level
    local = numbered(800).with_columns(
        pl.col("views", "reposts", "comments") % 3000,
        facts=nothing,
        flags=nothing,
        jurisdiction=pl.lit("local"),
        tone=pl.lit("neutral"),
        geo=pl.lit("county"),
        distinct_docs=pl.col("distinct_docs") % 20 + 2,
        emotive_docs=1,
        neg_docs=0,
    )
    inside = grade(local, rules).filter(pl.col("overrides").list.len() == 0)
    plain = inside.to_dicts()
    only_plain = rows_of(sensitivity(inside, rules))
    assert len(plain) > 100
    assert len(only_plain) == 18
    flips = 0
    weights = rules.weight.model_dump()
    for factor in FACTOR_NAMES:
        for direction, times in (("up", 1.1), ("down", 0.9)):
            moved = weights[factor] * times
            others = {f: w * (100 - moved) / (100 - weights[factor]) for f, w in weights.items()} | {factor: moved}
            changed = []
            for row in plain:
                total = math.floor(sum(w * row[f] for f, w in others.items()) / 10 + 0.5 + 1e-9)
                level = sum(total >= round(10 * cut) for _, cut in rules.level)
                if str(SCALE[level]) != row["level"]:
                    changed.append(row["issue_no"])
            assert only_plain[f"weight.{factor}", direction]["flipped"] == len(changed)
            assert only_plain[f"weight.{factor}", direction]["examples"] == sorted(changed)[:5]
            flips += len(changed)
    assert flips > 0


def test_a_cut_against_the_rules_with_that_cut(rules: GradingRules) -> None:
    """Cuts can be put into a rule file, so the grading itself is the measure."""
    issues = numbered(500)
    before = grade(issues, rules)["level"]
    found = rows_of(sensitivity(issues, rules))
    flips = 0
    for name, cut in rules.level.model_dump().items():
        for direction, times in (("up", 1.1), ("down", 0.9)):
            level = rules.level.model_copy(update={name: round(cut * times, 1)})
            after = grade(issues, rules.model_copy(update={"level": level}))["level"]
            row = found[f"level.{name}", direction]
            assert row["flipped"] == (before != after).sum(), (name, direction)
            assert row["raised" if direction == "up" else "lowered"] == 0
            flips += row["flipped"]
    assert flips > 0


def test_edges(rules: GradingRules) -> None:
    tight = rules.level.model_copy(update={"general": 39.0, "larger": 40.0, "extreme": 95.0})
    rows = rows_of(sensitivity(numbered(5), rules.model_copy(update={"level": tight})))
    assert rows["level.general", "up"]["value"] == 40.0  # stops at its neighbour
    assert rows["level.larger", "down"]["value"] == 39.0
    assert rows["level.extreme", "up"]["value"] == 100.0
    alone = rules.weight.model_copy(update={"C": 100, "R": 0, "A": 0, "S": 0, "M": 0})
    rows = rows_of(sensitivity(numbered(50), rules.model_copy(update={"weight": alone})))
    assert {rows[f"weight.{factor}", way]["flipped"] for factor in FACTOR_NAMES for way in ("up", "down")} == {0}


def test_no_issues_no_share(rules: GradingRules) -> None:
    frame = sensitivity(pl.DataFrame(schema=MEASURES), rules)
    assert frame.schema == SENSITIVITY
    assert frame.height == 18
    assert frame["issues"].to_list() == [0] * 18
    assert frame["share"].null_count() == 18


def test_the_order_of_issues_does_not_matter(rules: GradingRules) -> None:
    issues = numbered(200)
    shuffled = issues.sample(fraction=1.0, shuffle=True, seed=3)
    assert sensitivity(shuffled, rules).equals(sensitivity(issues, rules))


@pytest.fixture
def env(tmp_path: Path) -> Env:
    env = open_env(tmp_path / "home")
    store(env, moment("2026-08-01"), {"issue_no": "YQ-2026-0009"})
    store(env, moment("2026-11-20", 10), {"topic": "praise_publicity"})
    store(env, moment("2026-11-20"), {})
    store(env, moment("2026-11-21"), {}, {"issue_no": "YQ-2026-0002"})
    return env


def test_the_latest_measures_of_ninety_days(env: Env) -> None:
    day = date(2026, 11, 20)
    assert latest_measures(env, day, moment("2026-11-20", 11)).select("issue_no", "topic").rows() == [
        ("YQ-2026-0001", "praise_publicity")
    ]
    assert latest_measures(env, day, moment("2026-11-20")).select("issue_no", "topic").rows() == [
        ("YQ-2026-0001", "wage")
    ]
    assert latest_measures(env, date(2026, 11, 21), moment("2026-11-21"))["issue_no"].len() == 2
    assert latest_measures(env, date(2026, 8, 2), moment("2026-08-02"))["issue_no"].to_list() == ["YQ-2026-0009"]
    assert latest_measures(env, date(2025, 8, 2), moment("2025-08-02")).is_empty()


def test_it_is_written_with_each_new_version_once(env: Env, rules: GradingRules) -> None:
    first, second = date(2026, 11, 20), date(2026, 11, 21)
    write_rule_sensitivity(env, first, moment("2026-11-20", 10), rules)
    write_rule_sensitivity(env, first, moment("2026-11-20"), rules)  # again on its first day: replaced
    path = env.lake.files("ops.rule_sensitivity", first)[0]
    before = path.read_bytes()
    write_rule_sensitivity(env, first, moment("2026-11-20"), rules)
    assert path.read_bytes() == before
    write_rule_sensitivity(env, second, moment("2026-11-21"), rules)
    assert env.lake.files("ops.rule_sensitivity", second) == []
    other = rules.model_copy(update={"name": "other"})
    write_rule_sensitivity(env, second, moment("2026-11-21"), other)
    written = env.lake.read("ops.rule_sensitivity", second)
    assert written["rule_version"].unique().to_list() == [other.rule_version]
    assert written.height == 18
    assert written["issues"].unique().to_list() == [2]


def test_lines(env: Env, rules: GradingRules) -> None:
    frame = rule_sensitivity(env, date(2026, 11, 21), moment("2026-11-21"), rules)
    listing = sensitivity_listing(frame)
    assert listing.title == f"规则 {rules.rule_version}：近90天2件事项，单个权重或界限变动10%时改变等级的件数"
    assert listing.cells[0][:2] == ("权重C", "上调至27.5")
    assert ("起点较大", "下调至36") in {cells[:2] for cells in listing.cells}
    assert len(listing.cells) == len(listing.values) == 18
    assert listing.values[0]["parameter"] == "weight.C"
    assert set(listing.values[0]) == set(SENSITIVITY.names())
