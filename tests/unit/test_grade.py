"""Grading worked by hand: factors, boundaries of the levels, every override, response value, the rules."""

import copy
import tomllib
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest
from pydantic import ValidationError

from caifeng.core.errors import DataError
from caifeng.core.model import grading, terms
from caifeng.core.model.grading import GradingRules, Measures
from caifeng.core.model.source import MediaTier, Reach
from caifeng.core.settings import Settings
from transforms.grade.explain import explanation_table
from transforms.grade.grade import GRADES, MEASURES, grade
from transforms.grade.inputs import NULLABLE
from transforms.grade.rules_frame import rules_frame

CONFIG = Path(__file__).parents[2] / "config" / "grading.toml"

# C = 20. R = 0.5*20 + 0.3*20 + 0.2*20 = 20. A = 0: three zeros and one document. S = 0. M = 0.
# total = 0.25*20 + 0.20*20 = 9.0
QUIET: dict[str, Any] = {
    "issue_no": "YQ-2026-0001",
    "topic": "other_stats",
    "flags": [],
    "tone": "negative",
    "geo": "village",
    "source_classes": 1,
    "active_days": 1,
    "views": 0,
    "reposts": 0,
    "comments": 0,
    "distinct_docs": 1,
    "growth_24h": None,
    "neg_docs": 0,
    "counted_docs": 0,
    "emotive_docs": 0,
    "same_topic_issues_90d": 0,
    "media_tier": "none",
    "n_media": 0,
    "emergency_level": "none",
    "facts": [],
    "jurisdiction": "local",
}


@pytest.fixture(scope="module")
def raw() -> dict[str, Any]:
    return tomllib.loads(CONFIG.read_text("utf8"))


@pytest.fixture(scope="module")
def rules() -> GradingRules:
    return Settings(config=CONFIG.parent).grading()


def grade_one(rules: GradingRules, **changes: Any) -> dict[str, Any]:
    return grade(pl.DataFrame([QUIET | changes], schema=MEASURES), rules).row(0, named=True)


def test_an_issue_worked_by_hand(rules: GradingRules) -> None:
    graded = grade_one(
        rules,
        topic="gdp",  # C = 40 + 10 = 50
        flags=["specific_checkable"],
        geo="county",  # R = 0.5*40 + 0.3*40 + 0.2*60 = 44
        source_classes=2,
        active_days=3,
        views=5000,  # 20*log10(100) = 40
        reposts=None,
        comments=100,  # 20*log10(100) = 40
        distinct_docs=10,  # 40; A = 0.6*40 + 0.4*40 = 40
        emotive_docs=5,  # S = (0.3*50 + 0.2*50) / 0.5 = 50
        same_topic_issues_90d=2,
        media_tier="county",  # M = 40 + 4 = 44
        n_media=2,
    )
    # 12.5 + 8.8 + 10 + 7.5 + 6.6 = 45.4
    assert [graded[f] for f in ("C", "R", "A", "S", "M", "total")] == [50.0, 44.0, 40.0, 50.0, 44.0, 45.4]
    assert graded["coverage"] == 0.75
    assert graded["level"] == graded["level_by_score"] == "larger"
    assert graded["overrides"] == []
    assert graded["explanation"] == (
        "较大(黄) 45.4 = 内容50.0×.25 + 影响44.0×.20 + 关注40.0×.25 + 反响50.0×.15 + 介入44.0×.15"
        "; 按分数为较大; 数据覆盖3/4"
    )


def test_quiet_issue(rules: GradingRules) -> None:
    graded = grade_one(rules)
    assert (graded["total"], graded["level"], graded["overrides"]) == (9.0, "log_only", [])
    assert graded["explanation"].startswith("仅记 9.0 = ")


@pytest.mark.parametrize(
    ("measures", "expected"),
    [
        ({"views": 50}, 0.0),  # the zero point
        ({"views": 51}, 0.1),  # 20*log10(1.02) = 0.172; 0.6*0.172 + 0.4*0.172/4 = 0.120
        ({"views": 5_000}, 28.0),  # max 40, mean 10
        ({"views": 5_000, "reposts": None, "comments": None}, 32.0),  # max 40, mean 20: unknown is not zero
        ({"views": None, "reposts": 500, "comments": None}, 32.0),
        ({"views": None, "reposts": None, "comments": 100}, 32.0),
        ({"views": None, "reposts": None, "comments": None, "distinct_docs": 3}, 20.0),
        ({"views": None, "reposts": None, "comments": None, "distinct_docs": 30}, 60.0),
        ({"views": None, "reposts": None, "comments": None, "distinct_docs": 100}, 80.0),
        ({"views": None, "reposts": None, "comments": None, "distinct_docs": 300}, 100.0),
        ({"views": None, "reposts": None, "comments": None, "distinct_docs": 5_000}, 100.0),
        # log10(5/3) / log10(10/3) = 0.42430; 20 + 20*0.42430 = 28.486
        ({"views": None, "reposts": None, "comments": None, "distinct_docs": 5}, 28.5),
        ({"views": None, "reposts": None, "comments": None, "distinct_docs": 5, "growth_24h": 1.0}, 38.5),
        ({"views": None, "reposts": None, "comments": None, "distinct_docs": 5, "growth_24h": 0.99}, 28.5),
        # log10(4/3) / log10(10/3) = 0.23894; 24.779: four documents are too few for the bonus
        ({"views": None, "reposts": None, "comments": None, "distinct_docs": 4, "growth_24h": 9.0}, 24.8),
        # every measure at its ceiling and growth on top stays 100
        (
            {
                "views": 10**9,
                "reposts": 10**9,
                "comments": 10**9,
                "distinct_docs": 300,
                "growth_24h": 2.0,
            },
            100.0,
        ),
    ],
)
def test_attention(rules: GradingRules, measures: dict[str, Any], expected: float) -> None:
    assert grade_one(rules, **measures)["A"] == expected


@pytest.mark.parametrize(
    ("measures", "expected"),
    [
        ({}, 0.0),
        ({"emotive_docs": 1}, 60.0),  # no tone counted: 0.3/0.5 of 100
        ({"emotive_docs": 1, "counted_docs": 10}, 30.0),  # counted, none negative: bound 0
        ({"same_topic_issues_90d": 3, "counted_docs": 10}, 15.0),
        ({"same_topic_issues_90d": 9, "counted_docs": 10}, 20.0),
        # 1/1: (1 + 1.9208 - 1.96*sqrt(0.9604)) / (1 + 3.8416) = 1 / 4.8416 = 0.20654; half of it
        ({"neg_docs": 1, "counted_docs": 1}, 10.3),
        # 50/100: (0.5 + 0.019208 - 1.96*sqrt(0.0025 + 0.00009604)) / 1.038416 = 0.40383
        ({"neg_docs": 50, "counted_docs": 100}, 20.2),
    ],
)
def test_reaction(rules: GradingRules, measures: dict[str, Any], expected: float) -> None:
    assert grade_one(rules, **measures)["S"] == expected


@pytest.mark.parametrize(
    ("tier", "media", "expected"),
    [
        ("none", 0, 0.0),
        ("self", 1, 15.0),
        ("self", 6, 35.0),
        ("self", 7, 35.0),
        ("central", 3, 98.0),
        ("central", 4, 100.0),
    ],
)
def test_media(rules: GradingRules, tier: str, media: int, expected: float) -> None:
    assert grade_one(rules, media_tier=tier, n_media=media)["M"] == expected


@pytest.mark.parametrize(
    ("topic", "flags", "expected"),
    [
        ("praise_publicity", ["constructive_suggestion", "pure_question"], 0.0),  # 5 - 25
        ("data_fabrication", ["alleges_fabrication", "key_category"], 100.0),  # 130
        ("gdp", ["staff_conduct", "release_window", "pure_question"], 55.0),
    ],
)
def test_content(rules: GradingRules, topic: str, flags: list[str], expected: float) -> None:
    assert grade_one(rules, topic=topic, flags=flags)["C"] == expected


VILLAGE, CITY, NATION = ("village", 1, 1), ("city", 3, 3), ("nation", 5, 5)  # R = 20, 60, 100


@pytest.mark.parametrize(
    ("topic", "flags", "reach", "emotive", "recur", "media", "total", "level"),
    [
        # ten documents, other counts 0: A = 0.6*40 + 0.4*10 = 28; S = 6*emotive + 10*recur
        # 25*5   + 20*20  + 25*28 + 15*36  + 15*15 = 1990
        ("praise_publicity", [], VILLAGE, 6, 0, ("self", 1), 19.9, "log_only"),
        # 25*25  + 20*20  + 25*28 + 15*18  + 0     = 1995, half up
        ("consumption", ["pure_question"], VILLAGE, 3, 0, ("none", 0), 20.0, "general"),
        # 25*30  + 20*20  + 25*28 + 15*10  + 0     = 2000
        ("other_stats", ["release_window"], VILLAGE, 0, 1, ("none", 0), 20.0, "general"),
        # 25*55  + 20*20  + 25*28 + 15*46  + 15*55 = 3990
        ("pop_census", [], VILLAGE, 6, 1, ("city", 1), 39.9, "general"),
        # 25*45  + 20*20  + 25*28 + 15*78  + 15*40 = 3995
        ("wage", [], VILLAGE, 8, 3, ("county", 1), 40.0, "larger"),
        # 25*50  + 20*20  + 25*28 + 15*70  + 15*40 = 4000
        ("income", [], VILLAGE, 10, 1, ("county", 1), 40.0, "larger"),
        # 25*85  + 20*60  + 25*28 + 15*76  + 15*55 = 5990
        ("data_leak", [], CITY, 6, 4, ("city", 1), 59.9, "larger"),
        # 25*80  + 20*60  + 25*28 + 15*100 + 15*40 = 6000
        ("impostor_fraud", [], CITY, 10, 4, ("county", 1), 60.0, "major"),
        # 25*100 + 20*100 + 25*28 + 15*88  + 15*98 = 7990
        ("data_leak", ["staff_conduct"], NATION, 8, 4, ("central", 3), 79.9, "major"),
        # 25*95  + 20*100 + 25*28 + 15*100 + 15*95 = 8000
        ("data_leak", ["release_window"], NATION, 10, 4, ("province", 6), 80.0, "extreme"),
    ],
)
def test_boundaries_belong_to_the_higher_level(
    rules: GradingRules,
    topic: str,
    flags: list[str],
    reach: tuple[str, int, int],
    emotive: int,
    recur: int,
    media: tuple[str, int],
    total: float,
    level: str,
) -> None:
    graded = grade_one(
        rules,
        topic=topic,
        flags=flags,
        geo=reach[0],
        source_classes=reach[1],
        active_days=reach[2],
        distinct_docs=10,
        emotive_docs=emotive,
        same_topic_issues_90d=recur,
        media_tier=media[0],
        n_media=media[1],
    )
    assert (graded["total"], graded["level_by_score"]) == (total, level)


NAMED = {"facts": ["names_bureau"]}
CENTRAL = {"media_tier": "central", "n_media": 1}
PROVINCE = {"media_tier": "province", "n_media": 1}
UNSEEN = {"views": None, "reposts": None, "comments": None}


@pytest.mark.parametrize(
    ("measures", "overrides", "level", "review"),
    [
        # O1: an emergency
        ({"emergency_level": "larger"}, [], "log_only", False),
        ({"emergency_level": "major"}, ["O1"], "major", False),
        ({"emergency_level": "extreme"}, ["O1"], "major", False),
        # O2a, O2b: named by media; a central medium is a strong factor as well (M = 90)
        (CENTRAL | NAMED, ["O9", "O2a"], "major", False),
        (CENTRAL | NAMED | {"tone": "unknown"}, ["O9", "O2a"], "major", True),
        (CENTRAL | NAMED | {"tone": "neutral"}, [], "general", False),  # 9.0 + 13.5
        (CENTRAL | NAMED | {"tone": "positive"}, [], "general", False),
        (CENTRAL, ["O9"], "larger", False),
        (PROVINCE | NAMED, ["O2b"], "larger", False),  # M = 75 is not strong
        (PROVINCE | NAMED | {"tone": "unknown"}, ["O2b"], "larger", True),
        (PROVINCE | NAMED | {"tone": "neutral"}, [], "general", False),
        # O3 to O7
        ({"facts": ["superior_orders"]}, ["O3"], "larger", False),
        ({"facts": ["leader_instruction"]}, ["O4"], "larger", False),
        ({"flags": ["alleges_fabrication"], "facts": ["names_unit"]}, ["O5"], "larger", False),
        ({"flags": ["alleges_fabrication"]}, [], "log_only", False),
        ({"flags": ["alleges_leak"]}, ["O5"], "larger", False),
        ({"flags": ["impostor_fraud"]}, ["O6"], "larger", False),
        ({"facts": ["offline_collective"]}, ["O7"], "major", True),
        # O8: one level up, after the floors, not above the top
        ({"facts": ["second_wave"]}, ["O8"], "general", False),
        ({"facts": ["second_wave", "superior_orders"]}, ["O3", "O8"], "major", False),
        ({"facts": ["second_wave", "offline_collective"]}, ["O7", "O8"], "extreme", True),
        # O9: strong factors
        ({"geo": "nation", "source_classes": 5}, ["O9"], "larger", False),  # R = 84
        ({"topic": "data_fabrication"}, [], "general", False),  # C = 85, but nobody reads it
        ({"topic": "data_fabrication", "distinct_docs": 10}, ["O9"], "larger", False),  # A = 28
        ({"topic": "data_leak", "geo": "nation", "source_classes": 5, "views": 10**6}, ["O9"], "major", False),
        # S = 0.5*88.65 + 50 = 94.3 of 30 documents, 0.5*88.30 + 50 = 94.2 of 29
        (
            {"neg_docs": 30, "counted_docs": 30, "emotive_docs": 1, "same_topic_issues_90d": 4},
            ["O9"],
            "larger",
            False,
        ),
        (
            {"neg_docs": 29, "counted_docs": 29, "emotive_docs": 1, "same_topic_issues_90d": 4},
            [],
            "general",
            False,
        ),
        # O10: one document, hardly anything known; listed whenever it holds, a review only if it lowered
        (UNSEEN, ["O10"], "log_only", False),
        (UNSEEN | {"distinct_docs": 2}, [], "log_only", False),
        (UNSEEN | {"views": 0}, [], "log_only", False),  # coverage 0.5
        (UNSEEN | CENTRAL | {"geo": "nation", "source_classes": 5}, ["O9", "O10"], "larger", True),
        (
            UNSEEN | CENTRAL | {"geo": "nation", "source_classes": 5, "facts": ["leader_instruction"]},
            ["O9", "O4"],
            "major",
            False,
        ),
        # O12: not our duty
        ({"facts": ["official_notice"]}, ["O12"], "context", False),
        ({"jurisdiction": "city"}, ["O12"], "context", False),
        ({"jurisdiction": "province"}, ["O12"], "context", False),
        ({"jurisdiction": "national"}, ["O12"], "context", False),
        ({"jurisdiction": "unknown"}, [], "log_only", False),
        ({"jurisdiction": "national", "facts": ["local_board"]}, [], "log_only", False),
        ({"jurisdiction": "national", "facts": ["names_bureau"]}, [], "log_only", False),
        ({"jurisdiction": "national", "facts": ["superior_orders"]}, ["O3"], "larger", False),
        ({"jurisdiction": "national", "flags": ["impostor_fraud"]}, ["O6", "O12"], "context", False),
        ({"jurisdiction": "national", "emergency_level": "major"}, ["O1"], "major", False),
        # O11: others' matter, whatever else holds
        ({"jurisdiction": "other"}, ["O11"], "refer_out", False),
        ({"jurisdiction": "other", "emergency_level": "major"}, ["O1", "O11"], "refer_out", False),
        ({"jurisdiction": "other", "facts": ["official_notice"]}, ["O12", "O11"], "refer_out", False),
        (
            UNSEEN | {"jurisdiction": "other", "facts": ["offline_collective"]},
            ["O7", "O11"],
            "refer_out",
            True,
        ),
    ],
)
def test_overrides(
    rules: GradingRules, measures: dict[str, Any], overrides: list[str], level: str, review: bool
) -> None:
    graded = grade_one(rules, **measures)
    assert (graded["overrides"], graded["level"], graded["needs_review"]) == (overrides, level, review)
    assert ("需人工复核" in graded["explanation"]) == review
    assert (f"触发{'、'.join(overrides)};" in graded["explanation"]) == bool(overrides)


@pytest.mark.parametrize(
    ("measures", "level", "value"),
    [
        ({}, "log_only", "log_only"),
        ({"flags": ["specific_checkable"]}, "log_only", "log_only"),
        ({"facts": ["official_channel"]}, "log_only", "should"),
        ({"flags": ["key_category"]}, "log_only", "must"),
        ({"facts": ["second_wave"]}, "general", "log_only"),
        ({"facts": ["second_wave"], "flags": ["specific_checkable"]}, "general", "should"),
        ({"facts": ["second_wave"], "flags": ["pure_question"]}, "general", "should"),
        ({"facts": ["second_wave", "official_channel"]}, "general", "should"),
        ({"geo": "nation", "source_classes": 5}, "larger", "should"),
        ({"facts": ["superior_orders"]}, "larger", "must"),
        ({"flags": ["impostor_fraud"]}, "larger", "must"),
        (PROVINCE | NAMED, "larger", "must"),
        ({"facts": ["offline_collective"]}, "major", "must"),  # by the level
        ({"facts": ["offline_collective", "second_wave"]}, "extreme", "must"),
        ({"jurisdiction": "national"}, "context", "log_only"),
        ({"jurisdiction": "national", "flags": ["key_category"]}, "context", "log_only"),
        ({"jurisdiction": "national", "facts": ["official_channel"]}, "context", "should"),
        (
            {"jurisdiction": "national", "facts": ["official_channel"], "flags": ["key_category"]},
            "context",
            "must",
        ),
        ({"jurisdiction": "other"}, "refer_out", "refer_out"),
        ({"jurisdiction": "other", "facts": ["official_channel"]}, "refer_out", "refer_out"),
    ],
)
def test_response_value(rules: GradingRules, measures: dict[str, Any], level: str, value: str) -> None:
    graded = grade_one(rules, **measures)
    assert (graded["level"], graded["response_value"]) == (level, value)


@pytest.mark.parametrize(
    ("measures", "sensitive"),
    [
        ({}, False),
        ({"flags": ["key_category"]}, True),
        ({"flags": ["alleges_leak"]}, True),
        ({"facts": ["offline_collective"]}, True),
        ({"facts": ["second_wave"]}, False),
        ({"geo": "nation", "source_classes": 5}, False),  # O9 alone
    ],
)
def test_sensitive(rules: GradingRules, measures: dict[str, Any], sensitive: bool) -> None:
    assert grade_one(rules, **measures)["sensitive"] is sensitive


def test_every_tenth_is_written_with_one_decimal(rules: GradingRules) -> None:
    """Polars divides by a constant through its reciprocal: 931 / 10 must still be 93.1."""
    issues = [QUIET | {"distinct_docs": docs} | UNSEEN for docs in range(1, 301)]
    attention = grade(pl.DataFrame(issues, schema=MEASURES), rules)["A"].to_list()
    assert len(set(attention)) > 200
    assert [a for a in attention if a != float(f"{a:.1f}")] == []


def test_shape(rules: GradingRules) -> None:
    empty = grade(pl.DataFrame(schema=MEASURES), rules)
    assert (empty.height, empty.schema) == (0, pl.Schema({**MEASURES, **GRADES}))
    many = grade(pl.DataFrame([QUIET | {"issue_no": str(n)} for n in (3, 1, 2)], schema=MEASURES), rules)
    assert many["issue_no"].to_list() == ["3", "1", "2"]
    assert many.select(GRADES.names()).null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topic": "weather"}, "topic: unknown: weather"),
        ({"flags": ["rude"]}, "flags: unknown: rude"),
        ({"facts": ["hearsay"]}, "facts: unknown: hearsay"),
        ({"media_tier": "galactic"}, "media_tier: unknown: galactic"),
        ({"distinct_docs": None}, "distinct_docs: 1 of 1 rows are null"),
        ({"tone": None}, "tone: 1 of 1 rows are null"),
    ],
)
def test_measures_that_cannot_be_graded(rules: GradingRules, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        grade_one(rules, **changes)


def test_missing_column(rules: GradingRules) -> None:
    with pytest.raises(DataError, match="columns missing: tone"):
        grade(pl.DataFrame([QUIET], schema=MEASURES).drop("tone"), rules)


def test_explanation_table_can_be_followed(rules: GradingRules) -> None:
    graded = grade_one(
        rules,
        topic="gdp",
        flags=["key_category", "pure_question"],
        views=None,
        comments=100,
        distinct_docs=10,
        emotive_docs=5,
        growth_24h=None,
        facts=["superior_orders"],
    )
    table = {row.measure: row for row in explanation_table(graded, rules, topic_name="经济总量")}
    assert table["主题基础分"][1:4] == ("经济总量", "40.00", "")
    assert table["重点回应类别"].points == "20.00"
    assert "61号" in table["重点回应类别"].basis
    assert table["单纯咨询"].points == "-10.00"
    assert table["舆情内容 C"][2:5] == ("50.0", ".25", "12.500")
    assert table["地域"][1:5] == ("村镇", "20.00", ".50", "10.00")
    assert table["阅读数"][1:3] == ("未知", "—")
    assert "法释〔2013〕21号" in table["阅读数"].basis
    assert table["转发数"][1:3] == ("0", "0.00")
    assert table["24小时增长"].value == "未知"
    assert table["负面占比"][1:5] == ("未知", "—", "—", "—")
    assert table["情绪诉求占比"][1:5] == ("5/10", "50.00", "30/50", "30.00")
    assert table["社会反响程度 S"].points == "30.0"
    assert table["总分"].points == f"{graded['total']:.1f}"
    assert table["触发O3"].basis.startswith("上级要求回应")
    assert table["数据覆盖"].value == "3/4"
    assert table["建议等级"].value == "较大"
    assert table["回应价值"].value == "必须回应"


def test_rule_version_follows_the_values_only(raw: dict[str, Any], rules: GradingRules) -> None:
    reordered = GradingRules.model_validate(dict(reversed(raw.items())))
    as_floats = copy.deepcopy(raw)
    as_floats["geo"]["county"] = 40.0
    changed = copy.deepcopy(raw)
    changed["geo"]["county"] = 41
    assert rules.rule_version.startswith(f"{raw['name']}-")
    assert len(rules.rule_version) == len(raw["name"]) + 9
    assert reordered.rule_version == rules.rule_version
    assert GradingRules.model_validate(as_floats).rule_version == rules.rule_version
    assert GradingRules.model_validate(changed).rule_version != rules.rule_version


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("weight.C", 26, "add to 101 percent"),
        ("weight.C", 25.5, "valid integer"),
        ("reach.geo", 60, "must add to 100 percent"),
        ("attention.mean", 10, "must add to 100 percent"),
        ("reaction.recur", 10, "must add to 100 percent"),
        ("reaction", {"neg": 100, "intensity": 0, "recur": 0, "z": 1.96, "points_per_issue": 25}, "unknown"),
        ("topic_base.gdp", None, "missing: gdp"),
        ("topic_base.gdp", 101, "less than or equal to 100"),
        ("flag.pure_question", None, "missing: pure_question"),
        ("flag.rude", 5, "Input should be"),
        ("geo.city", 30, "must not fall"),
        ("media_tier.central", 10, "must not fall"),
        ("docs.1", None, "needs a value for 1 document"),
        ("docs.100", 10, "must not fall"),
        ("docs.many", 10, "pattern"),
        ("attention.zero_views", 0, "greater than 0"),
        ("attention.growth", -1.0, "greater than or equal to 0"),
        ("attention.growth", float("nan"), "finite"),
        ("level.larger", 20, "must ascend"),
        ("level.larger", 40.05, "one decimal"),
        ("level.general", -1, "greater than or equal to 0"),
        ("override.strong_for_major", 1, "must be below"),
        ("override.strong", True, "valid number"),
        ("surprise", 1, "Extra inputs"),
        ("name", "With Blanks", "pattern"),
    ],
)
def test_rules_are_refused(raw: dict[str, Any], path: str, value: Any, message: str) -> None:
    broken = copy.deepcopy(raw)
    *tables, key = path.split(".")
    table = broken
    for name in tables:
        table = table[name]
    if value is None:
        del table[key]
    else:
        table[key] = value
    with pytest.raises(ValidationError, match=message):
        GradingRules.model_validate(broken)


def test_an_office_may_add_a_topic(raw: dict[str, Any]) -> None:
    more = raw | {"topic_base": raw["topic_base"] | {"tea_census": 77}}
    rules = GradingRules.model_validate(more)
    assert grade_one(rules, topic="tea_census")["C"] == 77.0


def test_rules_frame_holds_every_number(raw: dict[str, Any], rules: GradingRules) -> None:
    frame = rules_frame(rules)
    values = dict(frame.select("parameter", "value").iter_rows())
    assert frame["rule_version"].unique().to_list() == [rules.rule_version]
    assert frame.height == len(values) == sum(len(t) for n, t in raw.items() if isinstance(t, dict) and n != "basis")
    assert values["weight.C"] == 25
    assert values["topic_base.gdp"] == 40
    assert values["flag.pure_question"] == -10
    assert values["docs.300"] == 100
    assert values["level.extreme"] == 80


def test_vocabularies_agree() -> None:
    """The types of the model, the words on paper and the columns of the frame are the same sets."""
    assert get_args(grading.Tone) == tuple(terms.TONE_NAMES)
    assert get_args(grading.Jurisdiction) == tuple(terms.JURISDICTION_NAMES)
    assert get_args(grading.EmergencyLevel) == terms.EMERGENCY_LEVELS
    assert get_args(Reach) == tuple(terms.GEO_NAMES)
    assert get_args(MediaTier) == tuple(terms.MEDIA_TIER_NAMES)
    assert get_args(grading.Flag) == tuple(grading.FLAG_NAMES)
    assert tuple(Measures.model_fields) == tuple(MEASURES.names())
    optional = [name for name, field in Measures.model_fields.items() if type(None) in get_args(field.annotation)]
    assert tuple(optional) == NULLABLE
    assert len(grading.TOPICS) == 25
