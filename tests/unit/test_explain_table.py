"""The table that a person checks by hand: it re-adds, names its sources, and says what is unknown."""

import math
import random
import shutil
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

from caifeng.core.model.deadlines import OWN_RULE
from caifeng.core.model.grading import FACTOR_NAMES, OVERRIDE_NAMES, TOPICS, Fact, Flag, GradingRules, Tone
from caifeng.core.model.source import MediaTier, Reach
from caifeng.core.settings import Settings
from caifeng.jobs.explain import explain
from tests.unit.grades import CONFIG, WAGE, moment, open_env, store
from transforms.grade.explain import ExplanationRow, explanation_table
from transforms.grade.grade import MEASURES, grade

OUTCOME = ("数据覆盖", "建议等级", "回应价值", "需人工复核", "总分")


@pytest.fixture(scope="module")
def rules() -> GradingRules:
    return Settings(config=CONFIG).grading()


def table_of(rules: GradingRules, **changes: Any) -> dict[str, ExplanationRow]:
    graded = grade(pl.DataFrame([WAGE | changes], schema=MEASURES), rules).row(0, named=True)
    return {row.measure: row for row in explanation_table(graded, rules)}


def some_issues(number: int) -> list[dict[str, Any]]:
    rng = random.Random(6)

    def maybe(value: Any) -> Any:
        return rng.choice([None, value, value])

    issues = []
    for _ in range(number):
        counted, docs = rng.randint(0, 40), rng.randint(1, 400)
        tier = rng.choice(get_args(MediaTier))
        changes = {
            "topic": rng.choice(TOPICS),
            "flags": rng.sample(get_args(Flag), rng.randint(0, 4)),
            "facts": rng.sample(get_args(Fact), rng.randint(0, 4)),
            "tone": rng.choice(get_args(Tone)),
            "geo": rng.choice(get_args(Reach)),
            "source_classes": rng.randint(1, 7),
            "active_days": rng.randint(1, 9),
            "views": maybe(rng.randint(0, 10**7)),
            "reposts": maybe(rng.randint(0, 10**5)),
            "comments": maybe(rng.randint(0, 10**5)),
            "distinct_docs": docs,
            "growth_24h": maybe(rng.uniform(-1, 3)),
            "counted_docs": counted,
            "neg_docs": rng.randint(0, counted),
            "emotive_docs": rng.randint(0, docs),
            "same_topic_issues_90d": rng.randint(0, 6),
            "media_tier": tier,
            "n_media": 0 if tier == "none" else rng.randint(1, 9),
            "jurisdiction": rng.choice(["local", "city", "other", "unknown"]),
        }
        issues.append(WAGE | changes)
    return issues


def test_contributions_re_add_and_every_number_has_its_source(rules: GradingRules) -> None:
    graded = grade(pl.DataFrame(some_issues(300), schema=MEASURES), rules).to_dicts()
    sources = {rules.basis_words(parameter) for parameter in rules.numbers}
    sources |= {rules.basis_words(f"override.{name}") for name in OVERRIDE_NAMES}
    seen: set[str] = set()
    for issue in graded:
        rows = explanation_table(issue, rules)
        parts: dict[str, list[float]] = {factor: [] for factor in FACTOR_NAMES}
        order, factor_at = list(FACTOR_NAMES), 0
        total = 0.0
        for row in rows:
            seen.add(row.measure)
            if row.measure not in OUTCOME:
                assert any(source in row.basis for source in sources), row
                assert OWN_RULE in row.basis, row
            if row.measure[-1:] in order and row.measure[-2:-1] == " ":
                factor = order[factor_at]
                assert row.measure.endswith(f" {factor}")
                added = min(100, max(0, sum(parts[factor])))
                assert math.isclose(added, float(row.points), abs_tol=0.07), (row, parts)
                assert math.isclose(float(row.points) * float(row.weight), float(row.contribution), abs_tol=1e-9)
                total += float(row.contribution)
                factor_at += 1
            elif factor_at < len(order):
                # content and media add points as they are, attention its last three rows
                plain = row.points if order[factor_at] in "CM" else row.contribution
                parts[order[factor_at]] += [float(plain)] if plain not in ("", "—") else []
        assert factor_at == len(order)
        # half up: the sum has at most three decimals, the total one
        assert math.floor(total * 10 + 0.5 + 1e-6) == round(issue["total"] * 10)
    assert len(graded) == 300
    assert {f"触发{name}" for name in OVERRIDE_NAMES} - seen == {"触发O1", "触发O10"}  # no emergency, no single piece
    assert {"重点回应类别", "负面占比", "需人工复核"} <= seen


def test_sources_are_named_beside_the_numbers(rules: GradingRules) -> None:
    table = table_of(rules, topic="data_fabrication", flags=["key_category"], facts=["superior_orders"])
    assert (
        table["主题基础分"].basis
        == f"{OWN_RULE}（参照《中华人民共和国统计法》第七条第二款，第三十二条；数据真实是首要职责）"
    )
    assert "国办发〔2016〕61号、皖政办秘〔2016〕205号" in table["重点回应类别"].basis
    assert table["地域"].basis == OWN_RULE
    assert "法释〔2013〕21号第二条" in table["阅读数"].basis
    assert "法释〔2013〕21号" not in table["评论数"].basis
    assert "《蒙城县统计局政务舆情回应制度》第六条" in table["舆情内容 C"].basis
    assert "《中华人民共和国突发事件应对法》第六十三条" in table["按分数定级"].basis
    assert table["触发O3"].basis.startswith("上级要求回应，不低于较大；本单位规定（参照国办发〔2016〕61号；")
    assert table["触发O9"].basis.endswith(f"；{OWN_RULE}")


def test_unknown_is_said_with_what_it_means(rules: GradingRules) -> None:
    known = table_of(rules)
    assert known["数据覆盖"].value == "4/4"
    assert known["数据覆盖"].basis == "阅读、转发、评论、篇数全部已知"
    thin = table_of(rules, views=None, reposts=None, comments=None, distinct_docs=1)
    assert [thin[name][1:5] for name in ("阅读数", "转发数", "评论数")] == [("未知", "—", "", "")] * 3
    assert thin["数据覆盖"].value == "1/4"
    assert thin["数据覆盖"].basis.startswith("未知：阅读数、转发数、评论数；未知不当作0")
    assert thin["数据覆盖"].basis.endswith("不高于较大（O10）")
    assert "O10" not in table_of(rules, views=None)["数据覆盖"].basis
    zero = table_of(rules, views=0)
    assert zero["阅读数"][1:3] == ("0", "0.00")
    assert table_of(rules, growth_24h=0.0)["24小时增长"].value == "+0%"
    assert table_of(rules, growth_24h=None)["24小时增长"].basis.startswith("100%以上且不少于5篇加10分，未知不加分")
    uncounted = table_of(rules, counted_docs=0)
    assert uncounted["负面占比"][1:5] == ("未知", "—", "—", "—")
    assert uncounted["情绪诉求占比"].weight == "30/50"


def test_an_old_grade_is_explained_by_its_own_rules(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path / "config")
    env = open_env(tmp_path / "home", tmp_path / "config")
    old = env.settings.grading()
    store(env, moment("2026-11-20"), {})
    at = moment("2026-11-20")
    issue = {
        "issue_no": "YQ-2026-0001",
        "title": "工资涨了没有",
        "topic": "wage",
        "jurisdiction": "local",
        "stance": "question",
        "origin_post_id": "p1",
        "first_published_at": None,
        "detected_at": at,
        "last_post_at": at,
        "is_new": True,
        "posts": 1,
    }
    schema = env.contracts["graded.issues"].polars_schema()
    env.lake.replace("graded.issues", at.date(), pl.DataFrame([issue], schema=schema))
    text = (
        (CONFIG / "grading.toml").read_text("utf8").replace("caifeng-1", "second").replace("2020-07-14", "2026-12-01")
    )
    (tmp_path / "config" / "grading").mkdir(exist_ok=True)
    (tmp_path / "config" / "grading" / "second.toml").write_text(text.replace("wage = 45", "wage = 90"), "utf8")
    explanation = explain(env, "YQ-2026-0001")
    assert env.settings.grading().name == "second"
    assert explanation.grade["rule_version"] == old.rule_version
    assert explanation.table[0].points == "45.00"
