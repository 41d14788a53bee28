"""The level over time: raised at once, lowered slowly, never against a person's word; re-runs and order."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from caifeng.core.model.early_warning import EarlyWarningRules, OverTimeRules, QuietHours
from caifeng.core.model.terms import SCALE
from caifeng.core.settings import load_model
from transforms.grade.standing import CONFIRMED, ISSUE_LEVELS, standing_levels

START = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
RULES = OverTimeRules()
ISSUE = "YQ-2026-0001"
NAMES = [str(level) for level in SCALE]
OUTSIDE = ("context", "refer_out")
HOUR = timedelta(hours=1)

levels_found = st.sampled_from([*NAMES, *OUTSIDE])
gaps_in_hours = st.sampled_from([0.25, 1, 3, 6, 11.75, 12, 12.25, 24, 40])
series = st.lists(st.tuples(gaps_in_hours, levels_found), min_size=1, max_size=14)


def graded(level: str, at: datetime, issue_no: str = ISSUE, version: str = "rules-1") -> pl.DataFrame:
    return pl.DataFrame(
        [(issue_no, at, version, level)],
        schema={k: ISSUE_LEVELS[k] for k in ("issue_no", "as_of", "rule_version", "level")},
        orient="row",
    )


def said(level: str | None = None, at: datetime = START, role: str = "openness_office") -> pl.DataFrame:
    return pl.DataFrame([] if level is None else [(ISSUE, level, at, role)], schema=CONFIRMED, orient="row")


def history(*evaluations: tuple[float, str], confirmed: dict[int, str] | None = None) -> pl.DataFrame:
    """Rows of a series of (hours since the start, level); `confirmed`: place -> level known from then on."""
    rows = ISSUE_LEVELS.to_frame()
    word = said()
    for place, (hours, level) in enumerate(evaluations):
        at = START + hours * HOUR
        if confirmed and place in confirmed:
            word = said(confirmed[place], at - HOUR / 2)
        rows = pl.concat([rows, standing_levels(graded(level, at), rows, word, RULES)])
    return rows


def standing(*evaluations: tuple[float, str]) -> list[str]:
    return history(*evaluations)["standing_level"].to_list()


def test_the_first_evaluation_stands_as_it_is():
    (row,) = history((0, "larger")).to_dicts()
    assert (row["standing_level"], row["change"], row["standing_since"]) == ("larger", "new", START)
    assert (row["standing_before"], row["in_force_before"], row["lower_since"]) == (None, None, None)
    assert (row["confirmed_level"], row["level_in_force"], row["gap"], row["needs_look"]) == (
        None, "larger", None, False,
    )  # fmt: skip


def test_it_is_raised_at_once_and_lowered_after_two_evaluations_twelve_hours_apart():
    rows = history((0, "general"), (0.25, "major"), (1, "general"), (12.75, "general"), (13, "general"))
    assert rows["standing_level"].to_list() == ["general", "major", "major", "major", "general"]
    assert rows["change"].to_list() == ["new", "raised", "same", "same", "lowered"]
    assert rows["lower_since"].to_list() == [None, None, START + HOUR, START + HOUR, None]
    assert rows["lower_evaluations"].to_list() == [0, 0, 1, 2, 0]
    assert rows["standing_since"].to_list()[-1] == START + 13 * HOUR


def test_one_lower_evaluation_is_not_enough_however_long_ago():
    assert standing((0, "major"), (100, "general")) == ["major", "major"]
    assert standing((0, "major"), (100, "general"), (112, "general")) == ["major", "major", "general"]


def test_it_is_lowered_to_the_highest_that_was_found_in_the_meantime():
    assert standing((0, "extreme"), (1, "general"), (13, "larger"))[-1] == "larger"
    assert standing((0, "extreme"), (1, "larger"), (13, "general"))[-1] == "larger"
    assert standing((0, "extreme"), (1, "general"), (6, "major"), (13, "general"))[-1] == "major"


def test_after_a_step_down_what_was_found_lower_is_pending_anew():
    rows = history((0, "extreme"), (1, "larger"), (13, "general"), (24.9, "general"), (25, "general"))
    assert rows["standing_level"].to_list() == ["extreme", "extreme", "larger", "larger", "general"]
    assert rows["lower_since"].to_list()[2:] == [START + 13 * HOUR, START + 13 * HOUR, None]
    assert rows["lower_level"].to_list()[2] == "general"


@pytest.mark.parametrize("back", ["major", "extreme"])
def test_what_is_found_again_ends_the_waiting(back):
    rows = history((0, "major"), (1, "general"), (12, back), (13, "general"), (24, "general"))
    assert rows["standing_level"].to_list()[2:] == [back] * 3
    assert rows["lower_since"].to_list()[2:] == [None, START + 13 * HOUR, START + 13 * HOUR]


@pytest.mark.parametrize("outside", OUTSIDE)
def test_to_and_from_outside_the_scale_it_moves_at_once(outside):
    rows = history((0, "major"), (0.25, "general"), (0.5, outside), (0.75, "log_only"))
    assert rows["standing_level"].to_list() == ["major", "major", outside, "log_only"]
    assert rows["change"].to_list() == ["new", "same", "moved", "moved"]
    assert rows["lower_since"].to_list()[2:] == [None, None]


def test_a_confirmed_level_is_never_moved_and_the_standing_one_goes_on_beside_it():
    rows = history(
        (0, "general"), (1, "general"), (2, "major"), (3, "log_only"), (20, "log_only"), confirmed={1: "larger"}
    )
    assert rows["level_in_force"].to_list() == ["general", "larger", "larger", "larger", "larger"]
    assert rows["standing_level"].to_list() == ["general", "general", "major", "major", "log_only"]
    assert rows["gap"].to_list() == [None, -1, 1, 1, -2]
    assert rows["needs_look"].to_list() == [False, False, True, True, False]
    assert rows["in_force_before"].to_list() == [None, "general", "larger", "larger", "larger"]
    assert rows["confirmed_role"].to_list()[1:] == ["openness_office"] * 4


def test_an_issue_that_a_person_set_outside_and_the_system_brings_back_needs_a_look():
    rows = history((0, "general"), (1, "general"), (2, "context"), (3, "major"), confirmed={1: "context"})
    assert rows["needs_look"].to_list() == [False, False, False, True]
    assert rows["gap"].to_list() == [None] * 4
    assert rows["level_in_force"].to_list()[-1] == "context"


def test_an_old_evaluation_uses_only_what_was_before_it():
    rows = history((0, "general"), (1, "major"), (2, "general"), (20, "general"))
    for place, row in enumerate(rows.to_dicts()):
        again = standing_levels(graded(row["level"], row["as_of"]), rows.reverse(), said(), RULES)
        assert again.equals(rows[place : place + 1])


def test_where_one_moment_has_two_rule_versions_the_own_one_counts():
    first = standing_levels(graded("general", START), ISSUE_LEVELS.to_frame(), said(), RULES)
    other = standing_levels(graded("major", START, version="rules-2"), ISSUE_LEVELS.to_frame(), said(), RULES)
    before = pl.concat([other, first])
    for version, expected in (("rules-1", "general"), ("rules-2", "major"), ("rules-0", "major")):
        now = standing_levels(graded("general", START + HOUR, version=version), before, said(), RULES)
        assert now["standing_before"].to_list() == [expected], version


def test_issues_do_not_see_each_other_and_order_does_not_matter():
    before = pl.concat([history((0, "major")), history((0, "general")).with_columns(issue_no=pl.lit("YQ-2026-0002"))])
    now = pl.concat([graded("larger", START + HOUR, f"YQ-2026-000{n}") for n in (3, 2, 1)])
    rows = standing_levels(now, before, said(), RULES)
    assert rows["issue_no"].to_list() == [f"YQ-2026-000{n}" for n in (1, 2, 3)]
    assert rows["change"].to_list() == ["same", "raised", "new"]
    assert standing_levels(now.reverse(), before.reverse(), said(), RULES).equals(rows)


def test_nothing_graded_nothing_said():
    rows = standing_levels(graded("larger", START).clear(), history((0, "major")), said("major"), RULES)
    assert rows.is_empty()
    assert dict(rows.schema) == dict(ISSUE_LEVELS)


def reference(evaluations: list[tuple[datetime, str]]) -> list[str]:
    """The rule in plain words, over the whole series at once."""
    stand: list[str] = []
    run: list[tuple[datetime, str]] = []
    for at, level in evaluations:
        was = stand[-1] if stand else None
        if was is None or level in OUTSIDE or was in OUTSIDE or NAMES.index(level) >= NAMES.index(was):
            stand.append(level)
            run = []
            continue
        run.append((at, level))
        if len(run) >= 2 and at - run[0][0] >= 12 * HOUR:
            highest = max((found for _, found in run), key=NAMES.index)
            stand.append(highest)
            run = [(at, level)] if level != highest else []
        else:
            stand.append(was)
    return stand


@settings(max_examples=60, deadline=None)
@given(series)
def test_any_series_keeps_the_rules(steps):
    at, evaluations = START, []
    rows = last = ISSUE_LEVELS.to_frame()
    for hours, level in steps:
        at += hours * HOUR
        evaluations.append((at, level))
        # the whole history and the last row alone say the same
        now = standing_levels(graded(level, at), rows, said(), RULES)
        assert now.equals(standing_levels(graded(level, at), last, said(), RULES))
        rows, last = pl.concat([rows, now]), now
    assert rows["standing_level"].to_list() == reference(evaluations)
    downs = rows.filter(change="lowered")["as_of"].to_list()
    assert all(later - sooner >= 12 * HOUR for sooner, later in pairwise(downs))
    on_scale = rows.filter(pl.col("level").is_in(NAMES), pl.col("standing_level").is_in(NAMES))
    assert all(
        NAMES.index(stands) >= NAMES.index(found)
        for stands, found in on_scale.select("standing_level", "level").iter_rows()
    )
    changed = [old != new for old, new in rows.select("standing_before", "standing_level").iter_rows()]
    assert changed == [change != "same" for change in rows["change"]]


def test_many_random_issues_at_the_same_moments_agree_with_the_reference():
    numbers = [f"YQ-2026-{n:04d}" for n in range(1, 2001)]
    dice, at, rows = random.Random(20261122), START, ISSUE_LEVELS.to_frame()
    found: dict[str, list[tuple[datetime, str]]] = {number: [] for number in numbers}
    for hours in (0, 0.25, 3, 12, 12, 6, 5.75, 0.25, 24, 11, 1, 13, 40, 12, 12):
        at += hours * HOUR
        now = [(n, at, "rules-1", dice.choice([*NAMES * 3, *OUTSIDE])) for n in numbers if dice.random() < 0.9]
        for number, _, _, level in now:
            found[number].append((at, level))
        evaluation = pl.DataFrame(now, schema=graded("larger", at).schema, orient="row")
        rows = pl.concat([rows, standing_levels(evaluation, rows, said(), RULES)])
    told = rows.sort("issue_no", "as_of").group_by("issue_no", maintain_order=True).agg("standing_level", "change")
    assert told.height == 2000
    for number, standing_level, _ in told.iter_rows():
        assert standing_level == reference(found[number]), number
    assert rows.filter(change="lowered").height > 500


@settings(max_examples=25, deadline=None)
@given(series, levels_found, st.integers(0, 24))
def test_a_confirmed_level_stays_whatever_is_found(steps, word, place):
    at, rows = START, ISSUE_LEVELS.to_frame()
    word_at = START + HOUR * place
    for hours, level in steps:
        at += hours * HOUR
        known = said(word, word_at) if word_at <= at else said()
        rows = pl.concat([rows, standing_levels(graded(level, at), rows, known, RULES)])
    for row in rows.to_dicts():
        assert row["level_in_force"] == (word if word_at <= row["as_of"] else row["standing_level"])
        if row["gap"] is not None:
            assert row["gap"] == NAMES.index(row["standing_level"]) - NAMES.index(row["confirmed_level"])
            assert row["needs_look"] == (row["gap"] > 0)
    unconfirmed = ISSUE_LEVELS.to_frame()
    at = START
    for hours, level in steps:
        at += hours * HOUR
        unconfirmed = pl.concat([unconfirmed, standing_levels(graded(level, at), unconfirmed, said(), RULES)])
    assert rows["standing_level"].equals(unconfirmed["standing_level"])


def beijing(hour: int, minute: int = 0, day: int = 22) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - 8 * HOUR


@pytest.mark.parametrize(
    ("at", "delivered"),
    [
        (beijing(21, 59), beijing(21, 59)),
        (beijing(22), beijing(7, day=23)),
        (beijing(23, 59), beijing(7, day=23)),
        (beijing(0), beijing(7)),
        (beijing(6, 59), beijing(7)),
        (beijing(7), beijing(7)),
        (beijing(12), beijing(12)),
    ],
)
def test_quiet_hours_put_off_to_their_end(at, delivered):
    assert QuietHours().delivery(at) == delivered


def test_quiet_hours_by_day_and_none_at_all():
    noon = QuietHours(starts="12:00:00", ends="14:00:00")
    assert noon.delivery(beijing(13)) == beijing(14)
    assert noon.delivery(beijing(14)) == beijing(14)
    assert noon.delivery(beijing(23)) == beijing(23)
    none = QuietHours(starts="00:00:00", ends="00:00:00")
    assert [none.delivery(beijing(hour)) for hour in range(24)] == [beijing(hour) for hour in range(24)]


@pytest.mark.parametrize(
    "values",
    [
        {"never_muted_from": "extreme"},
        {"first_from": "context"},
        {"growth_hours": 0},
        {"over_time": {"lower_evaluations": 0}},
        {"over_time": {"lower_after_hours": -1}},
        {"over_time": {"lower_after_hours": float("nan")}},
        {"quiet": {"starts": "25:00:00"}},
        {"unknown": 1},
    ],
)
def test_rules_that_make_no_sense_are_refused(values):
    with pytest.raises(ValidationError):
        EarlyWarningRules.model_validate(values)


def test_the_file_says_what_the_defaults_say(root):
    assert load_model(root / "config" / "early_warning.toml", EarlyWarningRules) == EarlyWarningRules()
