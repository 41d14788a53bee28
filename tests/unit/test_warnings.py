"""Early warnings: each thing once, every change of level, quiet hours, merged issues, runs again."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.cases.model import Actor
from caifeng.cases.service import act
from caifeng.core.clock import start_of_day
from caifeng.core.errors import ConfigError
from caifeng.core.model.early_warning import EarlyWarningRules
from caifeng.core.model.terms import LEVEL_NAMES, SCALE
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.early_warning import early_warning
from caifeng.jobs.marts import Evaluation
from caifeng.jobs.standing import load_early_warning
from caifeng.jobs.standing import standing_levels as standing_levels_job
from tests.expectations.frames import good
from transforms.grade.standing import CONFIRMED, ISSUE_LEVELS, standing_levels
from transforms.grade.warnings import ALERTS, early_warnings
from transforms.understand.bursts import BURSTS

RULES = EarlyWarningRules()
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
NIGHT = datetime(2026, 11, 22, 15, tzinfo=UTC)  # 23:00 in Beijing
MORNING = datetime(2026, 11, 22, 23, tzinfo=UTC)  # 07:00 of the next day
ONE, TWO = "YQ-2026-0001", "YQ-2026-0002"
HOUR = timedelta(hours=1)
SCALED = [str(level) for level in SCALE]

_GRADED = {
    "issue_no": pl.String(), "as_of": ISSUE_LEVELS["as_of"], "rule_version": pl.String(), "level": pl.String(),
    "topic": pl.String(), "flags": pl.List(pl.String), "total": pl.Float64(), "distinct_docs": pl.Int64(),
    "growth_24h": pl.Float64(), "emergency_level": pl.String(),
}  # fmt: skip


class Office:
    """Evaluations one after the other, with what was said so far."""

    def __init__(self, rules: EarlyWarningRules = RULES) -> None:
        self.rules = rules
        self.levels = ISSUE_LEVELS.to_frame()
        self.alerts = ALERTS.to_frame()
        self.attention = Settings.load().grading().attention

    def evaluate(
        self,
        at: datetime,
        *issues: dict[str, Any],
        bursts: list[tuple[Any, ...]] | None = None,
        confirmed: dict[str, tuple[str, datetime]] | None = None,
        merged: dict[str, str] | None = None,
        version: str = "rules-1",
    ) -> pl.DataFrame:
        """The alerts of one evaluation; they and the levels replace those of an earlier run of the same one."""
        usual = {
            "issue_no": ONE, "as_of": at, "rule_version": version, "level": "general", "topic": "income", "flags": [],
            "total": 31.2, "distinct_docs": 3, "growth_24h": None, "emergency_level": "none",
        }  # fmt: skip
        graded = pl.DataFrame([usual | issue for issue in issues], schema=_GRADED)
        words = [(n, level, when, "deputy") for n, (level, when) in (confirmed or {}).items()]
        own = (pl.col("as_of") == at) & (pl.col("rule_version") == version)
        levels = standing_levels(
            graded,
            self.levels.filter(~own),
            pl.DataFrame(words, schema=CONFIRMED, orient="row"),
            self.rules.over_time,
        )
        alerts = early_warnings(
            levels,
            graded,
            graded.select("issue_no", first_published_at="as_of", detected_at="as_of"),
            pl.DataFrame(bursts or [], schema=BURSTS, orient="row"),
            self.alerts.filter(~own),
            merged=merged or {},
            topics={"income": "居民收入"},
            rules=self.rules,
            attention=self.attention,
            as_of=at,
            rule_version=version,
        )
        self.levels = pl.concat([self.levels.filter(~own), levels])
        self.alerts = pl.concat([self.alerts.filter(~own), alerts])
        return alerts


def burst(
    started_at: datetime, detected_at: datetime, kind: str = "topic", key: str = "income", hours: int = 3
) -> tuple[Any, ...]:
    return (kind, key, started_at, detected_at, hours, 6, 1.24, 3.4, False, ["p"])


@pytest.fixture
def office() -> Office:
    return Office()


def told(alerts: pl.DataFrame) -> list[tuple[str, str | None, str | None]]:
    return alerts.select("kind", "level_before", "level").rows()


@pytest.mark.parametrize("level", SCALED)
def test_a_new_issue_is_told_from_larger_on(office, level):
    expected = [("level", None, level)] if level in ("larger", "major", "extreme") else []
    assert told(office.evaluate(NOON, {"level": level, "total": 45.3})) == expected


def test_an_alert_says_what_why_and_on_what_ground(office):
    (row,) = office.evaluate(NOON, {"level": "larger", "total": 45.3, "distinct_docs": 4}).to_dicts()
    assert row["alert_id"] == "level/YQ-2026-0001/larger/20261122T040000Z"
    assert row["reason"] == "首次评估为较大，总分45.3，4篇。"
    assert row["basis"] == "制度第六条；数值为本单位规定"
    assert (row["alerted_at"], row["deliver_at"], row["muted"]) == (NOON, NOON, False)
    assert (row["detected_at"], row["first_published_at"], row["topic"]) == (NOON, NOON, "income")


def test_every_change_after_the_first_is_told_once(office):
    assert told(office.evaluate(NOON, {"level": "log_only"})) == []
    (up,) = office.evaluate(NOON + HOUR, {"level": "general", "total": 22.0}).to_dicts()
    assert (up["level_before"], up["level"], up["reason"]) == ("log_only", "general", "由仅记升为一般，总分22.0，3篇。")
    assert told(office.evaluate(NOON + 2 * HOUR, {"level": "general"})) == []
    assert told(office.evaluate(NOON + 3 * HOUR, {"level": "log_only"})) == []
    (down,) = office.evaluate(NOON + 15 * HOUR, {"level": "log_only"}).to_dicts()
    assert (down["level_before"], down["level"]) == ("general", "log_only")
    assert "连续2次以上评估均低于原级别，首末相隔不少于12小时" in down["reason"]
    (out,) = office.evaluate(NOON + 16 * HOUR, {"level": "context"}).to_dicts()
    assert out["reason"] == "由仅记转为背景，总分31.2。"


def test_a_person_who_confirms_what_stands_is_no_news_and_another_level_is(office):
    office.evaluate(NOON, {"level": "larger"})
    word = {ONE: ("larger", NOON + HOUR)}
    assert told(office.evaluate(NOON + 2 * HOUR, {"level": "larger"}, confirmed=word)) == []
    word = {ONE: ("major", NOON + 3 * HOUR)}
    (row,) = office.evaluate(NOON + 4 * HOUR, {"level": "larger", "total": 45.0}, confirmed=word).to_dicts()
    assert row["reason"] == "经人工确认由较大定为重大，系统建议较大，总分45.0。"
    assert (row["since"], row["basis"]) == (NOON + 3 * HOUR, "制度第六条；人工确认")
    assert told(office.evaluate(NOON + 5 * HOUR, {"level": "larger"}, confirmed=word)) == []


def test_a_level_that_rises_above_the_confirmed_one_is_told_with_it(office):
    office.evaluate(NOON, {"level": "general"})
    word = {ONE: ("general", NOON + HOUR)}
    (row,) = office.evaluate(NOON + 2 * HOUR, {"level": "major", "total": 61.0}, confirmed=word).to_dicts()
    assert row["reason"] == "由一般升为重大，总分61.0，3篇。人工确认的级别为一般。"


def test_person_and_system_at_the_same_level_in_one_evaluation_are_one_alert(office):
    office.evaluate(NOON, {"level": "general"})
    word = {ONE: ("larger", NOON + HOUR)}
    assert told(office.evaluate(NOON + 2 * HOUR, {"level": "larger"}, confirmed=word)) == [
        ("level", "general", "larger")
    ]


def test_quiet_hours_put_off_what_can_wait_and_never_major_or_an_emergency(office):
    rows = office.evaluate(
        NIGHT,
        {"level": "larger"},
        {"issue_no": TWO, "level": "major"},
        {"issue_no": "YQ-2026-0003", "level": "larger", "emergency_level": "general"},
        bursts=[burst(NIGHT - HOUR, NIGHT)],
    )
    by_key = {row["key"]: (row["deliver_at"], row["muted"]) for row in rows.to_dicts()}
    assert by_key == {
        ONE: (MORNING, True),
        TWO: (NIGHT, False),
        "YQ-2026-0003": (NIGHT, False),
        "income": (MORNING, True),
    }


def test_growth_of_what_people_hold_major_is_not_muted(office):
    office.evaluate(NIGHT - 4 * HOUR, {})
    word = {ONE: ("major", NIGHT - HOUR)}
    rows = office.evaluate(NIGHT, {"growth_24h": 2.0, "distinct_docs": 9}, confirmed=word)
    assert rows.select("kind", "muted").rows() == [("growth", False), ("level", False)]


def test_quick_growth_is_told_once_a_day_and_only_with_enough_documents(office):
    grown = {"growth_24h": 1.5, "distinct_docs": 5}
    assert told(office.evaluate(NOON, grown | {"distinct_docs": 4})) == []
    assert told(office.evaluate(NOON + HOUR, grown | {"growth_24h": 0.99})) == []
    (row,) = office.evaluate(NOON + 2 * HOUR, grown).to_dicts()
    assert (row["kind"], row["reason"]) == ("growth", "24小时内帖文增长150%，共5篇，级别一般，总分31.2。")
    assert told(office.evaluate(NOON + 3 * HOUR, grown)) == []
    assert told(office.evaluate(NOON + 25 * HOUR, grown)) == []
    assert told(office.evaluate(NOON + 26 * HOUR, grown)) == [("growth", "general", "general")]


def test_unknown_growth_is_no_growth(office):
    assert told(office.evaluate(NOON, {"growth_24h": None, "distinct_docs": 50})) == []


def test_a_key_category_is_told_once_whatever_comes_and_goes(office):
    key = {"flags": ["key_category", "specific_checkable"]}
    (row,) = office.evaluate(NOON, key).to_dicts()
    assert (row["alert_id"], row["kind"]) == ("key_category/YQ-2026-0001", "key_category")
    assert row["basis"] == "制度第六条；国办发〔2016〕61号、皖政办秘〔2016〕205号"
    assert told(office.evaluate(NOON + HOUR, {})) == []
    assert told(office.evaluate(NOON + 2 * HOUR, key)) == []


@pytest.mark.parametrize("outside", ["context", "refer_out"])
def test_outside_the_scale_neither_growth_nor_key_category_is_told(office, outside):
    loud = {"level": outside, "flags": ["key_category"], "growth_24h": 9.0, "distinct_docs": 50}
    assert told(office.evaluate(NOON, loud)) == []


def test_a_burst_is_told_once_also_when_late_posts_change_its_beginning(office):
    (row,) = office.evaluate(NOON, bursts=[burst(NOON - HOUR, NOON - HOUR / 2)]).to_dicts()
    assert row["alert_id"] == "burst/topic/income/20261122T030000Z"
    assert row["reason"] == "领域“居民收入”：3小时内出现6个声音，平时约1.2个。"
    assert (row["issue_no"], row["level"], row["first_published_at"]) == (None, None, None)
    assert row["detected_at"] == NOON - HOUR / 2
    again = burst(NOON - 2 * HOUR, NOON + HOUR / 2)
    assert told(office.evaluate(NOON + HOUR, bursts=[again])) == []
    fresh = burst(NOON + 8 * HOUR, NOON + 9 * HOUR)
    assert office.evaluate(NOON + 10 * HOUR, bursts=[again, fresh])["since"].to_list() == [NOON + 8 * HOUR]


def test_bursts_that_were_not_known_yet_are_not_told(office):
    assert told(office.evaluate(NOON, bursts=[burst(NOON, NOON + HOUR)])) == []


def test_bursts_of_places_and_issues(office):
    places = [burst(NOON, NOON, "place", "local"), burst(NOON, NOON, "place", "岳坊镇")]
    rows = office.evaluate(NOON, {"level": "general"}, bursts=[*places, burst(NOON, NOON, "issue", ONE)]).to_dicts()
    by_key = {row["key"]: row for row in rows}
    assert by_key["local"]["reason"].startswith("地点本县：")
    assert by_key["岳坊镇"]["reason"].startswith("地点“岳坊镇”：")
    assert (by_key[ONE]["issue_no"], by_key[ONE]["level"], by_key[ONE]["topic"]) == (ONE, "general", "income")


def test_merged_issues_are_not_told_again(office):
    key = {"flags": ["key_category"], "growth_24h": 2.0, "distinct_docs": 9}
    office.evaluate(NOON, {"issue_no": TWO, **key}, bursts=[burst(NOON, NOON, "issue", TWO)])
    into = {TWO: ONE}
    rows = office.evaluate(
        NOON + HOUR, {"level": "larger", **key}, {"issue_no": TWO, "level": "extreme"},
        bursts=[burst(NOON, NOON + HOUR, "issue", ONE), burst(NOON, NOON + HOUR, "issue", TWO)], merged=into,
    )  # fmt: skip
    assert rows.select("kind", "issue_no").rows() == [("level", ONE)]


def test_an_issue_that_comes_back_is_not_new_again(office):
    office.evaluate(NOON, {"level": "larger"})
    office.levels = office.levels.clear()
    assert told(office.evaluate(NOON + HOUR, {"level": "larger"})) == []


def test_another_rule_version_does_not_repeat_what_was_said(office):
    loud = {"level": "larger", "flags": ["key_category"], "growth_24h": 2.0, "distinct_docs": 9}
    bursts = [burst(NOON - HOUR, NOON)]
    assert office.evaluate(NOON, loud, bursts=bursts).height == 4
    assert told(office.evaluate(NOON, loud, bursts=bursts, version="rules-2")) == []
    assert office.alerts["alert_id"].is_unique().all()


def test_an_earlier_moment_evaluated_afterwards_does_not_repeat_a_name(office):
    office.evaluate(NOON, {"flags": ["key_category"]})
    assert told(office.evaluate(NOON - HOUR, {"flags": ["key_category"]})) == []


def random_days(dice: random.Random, issues: int, evaluations: int) -> list[tuple[datetime, list[dict[str, Any]], Any]]:
    at, days = NOON, []
    for _ in range(evaluations):
        at += dice.choice([0.25, 1, 5, 12, 24]) * HOUR
        rows = [
            {
                "issue_no": f"YQ-2026-{n:04d}",
                "level": dice.choice([*SCALED, *SCALED, "context", "refer_out"]),
                "flags": dice.choice([[], [], ["key_category"]]),
                "growth_24h": dice.choice([None, 0.2, 1.0, 3.0]),
                "distinct_docs": dice.randint(1, 12),
            }
            for n in range(1, issues + 1)
            if dice.random() < 0.8
        ]
        words = {
            f"YQ-2026-{n:04d}": (dice.choice(SCALED), at - HOUR / 8)
            for n in range(1, issues + 1)
            if dice.random() < 0.1
        }
        days.append((at, rows, words))
    return days


def check_all_told(office: Office) -> None:
    """No name twice; every change of a level is told by exactly one alert."""
    assert office.alerts["alert_id"].is_unique().all()
    by_level = office.alerts.filter(kind="level")
    standing = office.levels.filter(
        pl.col("change").is_in(["raised", "lowered", "moved"])
        | ((pl.col("change") == "new") & pl.col("standing_level").is_in(["larger", "major", "extreme"]))
    ).select("issue_no", "as_of", level="standing_level")
    was = pl.coalesce("in_force_before", "standing_level")
    known_before = pl.col("in_force_before").is_not_null() | pl.col("confirmed_level").is_in(
        ["larger", "major", "extreme"]
    )
    by_people = office.levels.filter(pl.col("confirmed_level") != was, known_before).select(
        "issue_no", "as_of", level="confirmed_level"
    )
    wanted = pl.concat([standing, by_people]).unique()
    assert by_level.select("issue_no", "as_of", "level").sort(pl.all()).equals(wanted.sort(pl.all()))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_random_days_tell_every_change_once_and_say_the_same_when_run_again(seed):
    dice, office = random.Random(seed), Office()
    days = random_days(dice, issues=4, evaluations=6)
    known: dict[str, tuple[str, datetime]] = {}
    done = []
    for at, rows, words in days:
        known = known | words
        done.append((at, rows, dict(known)))
        office.evaluate(at, *rows, confirmed=known)
    check_all_told(office)
    levels, alerts = office.levels.sort("as_of", "issue_no"), office.alerts.sort("alert_id")
    for at, rows, words_then in dice.sample(done, len(done)):
        office.evaluate(at, *rows, confirmed=words_then)
    assert office.levels.sort("as_of", "issue_no").equals(levels)
    assert office.alerts.sort("alert_id").equals(alerts)


def test_many_issues_over_many_evaluations():
    office, known = Office(), {}
    for at, rows, words in random_days(random.Random(7), issues=300, evaluations=25):
        known |= words
        office.evaluate(at, *rows, confirmed=known)
    check_all_told(office)
    assert office.alerts.height > 2_000
    assert set(office.alerts["kind"]) == {"level", "growth", "key_category"}
    high = office.alerts.filter(pl.col("level").is_in(["major", "extreme"]))
    assert high.height > 500
    assert not high["muted"].any()
    assert office.alerts["muted"].any()


def test_every_level_has_words():
    assert set(SCALED) < set(LEVEL_NAMES)


# --- in the lake -----------------------------------------------------------------------------------------------------

DAY = date(2026, 11, 20)


def evaluate(env: Env, at: datetime, level: str, day: date = DAY, **values: Any) -> Evaluation:
    """One evaluation of one issue through both jobs."""
    evaluation = Evaluation(at, "rules-1")
    row = {"issue_no": ONE, "level": level, "topic": "income", "flags": [], "total": 45.0, "distinct_docs": 3}
    graded = pl.DataFrame([row | {"growth_24h": None, "emergency_level": "none"} | values], schema_overrides=_GRADED)
    levels = standing_levels_job(env, day, evaluation, graded)
    early_warning(env, day, evaluation, env.settings.grading(), graded, levels)
    return evaluation


@pytest.fixture
def env(tmp_path: Path, root: Path) -> Env:
    env = Env.open(Settings(home=tmp_path / "home", config=root / "config"))
    issue = good(env.contracts["graded.issues"], 1).with_columns(issue_no=pl.lit(ONE))
    env.lake.replace("graded.issues", DAY, issue)
    with env.register() as register:
        register.allot_numbers(["g1"], 2026, start_of_day(DAY))
    return env


def at_hour(hour: float, day: date = DAY) -> datetime:
    return start_of_day(day) + hour * HOUR


def all_files(env: Env) -> dict[str, bytes]:
    tables = ("graded.issue_levels", "graded.alerts")
    return {
        f"{table}/{day}/{file.name}": file.read_bytes()
        for table in tables
        for day in env.lake.days(table)
        for file in env.lake.files(table, day)
    }


def test_evaluations_through_the_lake_are_immutable_and_say_each_thing_once(env):
    steps = [(9, "general"), (10, "major"), (10.25, "general"), (23, "general"), (24, "general")]
    for hour, level in steps:
        evaluate(env, at_hour(hour), level)
    evaluate(env, at_hour(33), "general", DAY + timedelta(days=1))
    levels = env.lake.read_range("graded.issue_levels", DAY, DAY + timedelta(days=1)).sort("as_of")
    assert levels["standing_level"].to_list() == ["general", "major", "major", "general", "general", "general"]
    alerts = env.lake.read("graded.alerts", DAY).sort("as_of")
    assert told(alerts) == [("level", "general", "major"), ("level", "major", "general")]
    assert alerts["muted"].to_list() == [False, True]
    files = all_files(env)
    assert len([name for name in files if name.startswith("graded.alerts")]) == 2
    for hour, level in reversed(steps):
        evaluate(env, at_hour(hour), level)
    assert all_files(env) == files


def test_what_people_registered_counts_from_its_moment_on(env):
    evaluate(env, at_hour(9), "general")
    with env.register() as register:
        actor = Actor("openness_office", "u-1")
        act(register, ONE, "confirm", actor, {"level": "larger", "reason": "网上关注度上升，影响本县"}, at_hour(10))
    evaluate(env, at_hour(9.5), "general")
    evaluate(env, at_hour(11), "general")
    rows = env.lake.read("graded.issue_levels", DAY).sort("as_of").to_dicts()
    assert [row["confirmed_level"] for row in rows] == [None, None, "larger"]
    assert (rows[2]["confirmed_role"], rows[2]["confirmed_at"], rows[2]["gap"]) == ("openness_office", at_hour(10), -1)
    (alert,) = env.lake.read("graded.alerts", DAY).to_dicts()
    assert (alert["level"], alert["basis"]) == ("larger", "制度第六条；人工确认")


def test_an_evaluation_that_has_nothing_to_say_any_more_leaves_an_empty_file(env):
    evaluate(env, at_hour(9), "larger")
    assert env.lake.read("graded.alerts", DAY).height == 1
    evaluate(env, at_hour(9), "general")
    assert env.lake.read("graded.alerts", DAY).is_empty()


def test_a_home_without_the_file_has_the_defaults_and_a_bad_one_is_named(env, config_copy):
    (config_copy / "early_warning.toml").unlink()
    assert load_early_warning(config_copy) == EarlyWarningRules()
    (config_copy / "early_warning.toml").write_text("growth_hours = 0\n", "utf8")
    with pytest.raises(ConfigError, match=r"early_warning\.toml: growth_hours"):
        load_early_warning(config_copy)
