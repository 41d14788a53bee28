"""An issue with other measures: assignments, what moves, what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from caifeng.core.errors import UsageError
from caifeng.core.model.grading import Measures
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.what_if import parse_assignments, what_if, what_if_json, what_if_tables, what_if_words
from tests.unit.grades import CONFIG, WAGE, moment, open_env, store

NUMBER = "YQ-2026-0001"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    env = open_env(tmp_path / "home")
    store(env, moment("2026-11-20"), {"views": 0})
    store(env, moment("2026-11-21"), {"flags": ["pure_question", "specific_checkable"]})
    return env


def after(env: Env, assignments: str) -> dict[str, Any]:
    return what_if(env, NUMBER, assignments).after


def test_the_latest_measures_are_changed(env: Env) -> None:
    found = what_if(env, NUMBER, "views=50000,media_tier=province")
    assert found.before["views"] == 5000
    assert found.changes == {"views": (5000, 50000), "media_tier": ("self", "province")}
    # A = 0.6*60 + 0.4*45 = 54: 0.25*54 = 13.5. M = 75: 11.25
    assert found.moved == ("A 10.000 -> 13.500", "M 2.250 -> 11.250")
    assert found.before["level"] == "general"
    assert (found.after["total"], found.after["level"]) == (44.0, "larger")


def test_nothing_is_written(env: Env) -> None:
    before = {path: path.read_bytes() for path in env.settings.home.rglob("*.parquet")}
    what_if(env, NUMBER, "views=1")
    assert before
    assert {path: path.read_bytes() for path in env.settings.home.rglob("*.parquet")} == before


@pytest.mark.parametrize(
    ("assignments", "field", "value"),
    [
        ("views=null", "views", None),
        ("views=0", "views", 0),
        ("growth_24h=1.5", "growth_24h", 1.5),
        ("growth_24h=null", "growth_24h", None),
        ("tone=negative", "tone", "negative"),
        ("flags=key_category", "flags", ["key_category"]),
        ("flags=key_category|alleges_leak", "flags", ["key_category", "alleges_leak"]),
        ("flags=", "flags", []),
        ("flags=+key_category|-pure_question", "flags", ["specific_checkable", "key_category"]),
        ("flags=+pure_question", "flags", ["pure_question", "specific_checkable"]),
        ("facts=+second_wave", "facts", ["second_wave"]),
        (" topic = gdp , geo = city ", "geo", "city"),
        ("media_tier=none", "n_media", 0),
        ("media_tier=central", "n_media", 1),
        ("media_tier=central,n_media=3", "n_media", 3),
    ],
)
def test_values_are_read_by_field(env: Env, assignments: str, field: str, value: Any) -> None:
    assert after(env, assignments)[field] == value


def test_a_first_medium_is_one_medium(tmp_path: Path) -> None:
    env = open_env(tmp_path / "home")
    store(env, moment("2026-11-20"), {"media_tier": "none", "n_media": 0})
    found = what_if(env, NUMBER, "media_tier=province")
    assert found.changes == {"media_tier": ("none", "province"), "n_media": (0, 1)}


@pytest.mark.parametrize(
    ("assignments", "reason"),
    [
        ("", "not field=value"),
        ("views", "'views': not field=value"),
        ("views=1,views=2", "views: given twice"),
        ("readers=5", "readers: unknown field"),
        ("issue_no=YQ-2026-0009", "issue_no: unknown field"),
        ("views=many", "views: 'many' is not a whole number, nor null"),
        ("views=1.5", "views: '1.5' is not a whole number"),
        ("views=-1", "views: Input should be greater than or equal to 0"),
        ("distinct_docs=null", "distinct_docs: must be known"),
        ("distinct_docs=0", "distinct_docs: Input should be greater than or equal to 1"),
        ("distinct_docs=many", "distinct_docs: 'many' is not a whole number$"),
        ("growth_24h=fast", "growth_24h: 'fast' is not a number"),
        ("growth_24h=nan", "growth_24h: .*finite"),
        ("media_tier=galactic", "media_tier: Input should be"),
        ("media_tier=none,n_media=2", "n_media: must be 0 exactly when"),
        ("topic=weather", "topic: not a topic of the rules"),
        ("flags=rude", r"flags: Input should be"),
        ("flags=+key_category|pure_question", "flags: either a whole list or only"),
        ("flags=+key_category|-key_category", "flags: repeated"),
        ("flags=-alleges_leak", "flags: alleges_leak is not set"),
        ("flags=key_category|key_category", "flags: repeated"),
        ("neg_docs=11", "neg_docs: more than counted_docs"),
    ],
)
def test_bad_assignments_are_refused_with_field_and_reason(env: Env, assignments: str, reason: str) -> None:
    with pytest.raises(UsageError, match=f"--what-if {reason}" if assignments and "=" in assignments else reason):
        what_if(env, NUMBER, assignments)


def test_every_field_can_be_assigned(env: Env) -> None:
    fields = [field for field in Measures.model_fields if field != "issue_no"]
    assert len(fields) == 20
    for field in fields:
        now = what_if(env, NUMBER, "views=5000").before[field]
        text = "|".join(now) if isinstance(now, list) else "null" if now is None else str(now)
        assert what_if(env, NUMBER, f"{field}={text}").changes == {}, field


def test_an_unknown_issue(env: Env) -> None:
    with pytest.raises(UsageError, match="no such issue: YQ-1999-0001"):
        what_if(env, "YQ-1999-0001", "views=1")


def test_words_and_tables(env: Env) -> None:
    found = what_if(env, NUMBER, "views=null,facts=+superior_orders")
    words = what_if_words(found)
    assert words[0].startswith("YQ-2026-0001  假设：views 5000 → 未知，facts 无 → superior_orders（规则 caifeng-1-")
    assert words[1].startswith("现在：一般(蓝) ")
    assert words[3] == "等级：一般 → 较大"
    assert words[4] == "变动：+O3"
    before, after = what_if_tables(found, {"wage": "工资"})
    values = [{row.measure: row.value for row in table} for table in (before, after)]
    assert [v["阅读数"] for v in values] == ["5000", "未知"]
    assert [v["主题基础分"] for v in values] == ["工资", "工资"]
    assert "等级不变：一般" in what_if_words(what_if(env, NUMBER, "views=4999"))


def test_json_lines() -> None:
    rules = Settings(config=CONFIG).grading()
    lines = [json.dumps(WAGE), "nonsense", "", json.dumps(WAGE | {"issue_no": "T-2", "flags": ["pure_question"]})]
    answers, all_good = what_if_json(lines, "flags=-pure_question", rules)
    first, second, third = (json.loads(answer) for answer in answers)
    assert not all_good
    assert first == {"issue_no": NUMBER, "error": "flags: pure_question is not set, so it cannot be taken away"}
    assert second == {"issue_no": None, "error": "line: not valid JSON"}
    assert third["changes"] == {"flags": [["pure_question"], []]}
    assert third["before"]["C"] == 35.0
    assert third["after"]["C"] == 45.0
    assert third["moved"] == ["C 8.750 -> 11.250"]
    with pytest.raises(UsageError, match="readers: unknown field"):
        what_if_json([], "readers=5", rules)
    assert parse_assignments("views=1") == {"views": "1"}
