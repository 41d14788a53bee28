"""Deadlines: every row and column worked by hand, the edges of the clock, properties, and 10,000 cases twice."""

import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from caifeng.cases.deadlines import DeadlineInput, DueDates, due_dates, hours_left, warning_stage
from caifeng.cases.rules import load_calendar, load_deadline_rules, load_policy_basis
from caifeng.cases.workdays import MissingYearError
from caifeng.core.errors import ConfigError
from caifeng.core.model.deadlines import CHANNEL_NAMES, COMPUTED_DUTIES, DUE_NAMES, OWN_RULE, Channel
from caifeng.jobs.deadline_lines import deadline_lines
from tests.cases.reference_deadlines import (
    CHANNELS,
    EMERGENCY_LEVELS,
    KEYS,
    LEVELS,
    RESPONSE_VALUES,
    UnknownYearError,
    basis_holds,
    due_one,
    random_cases,
)

GOOD = {
    "issue_no": "YQ-2026-0001",
    "level": "general",
    "response_value": "should",
    "emergency_level": "none",
    "sensitive": False,
    "complex": False,
    "channel": "public",
    "detected_at": "2026-11-20T16:30:00+08:00",  # a Friday
}


@pytest.fixture(scope="module")
def rules(pytestconfig):
    return load_deadline_rules(pytestconfig.rootpath / "config")


@pytest.fixture(scope="module")
def calendar(pytestconfig):
    return load_calendar(pytestconfig.rootpath / "config")


@pytest.fixture(scope="module")
def due_of(rules, calendar):
    def compute(**changes) -> DueDates:
        return due_dates(DeadlineInput.model_validate(GOOD | changes), rules, calendar)

    return compute


def written(result: DueDates) -> dict[str, str]:
    """The duties there are, as 'MM-DD HH:MM'."""
    return {key: at.strftime("%m-%d %H:%M") for key, at in result.due.items() if at}


@pytest.mark.parametrize(
    ("changes", "want", "report_to"),
    [
        ({"level": "log_only", "response_value": "log_only"}, {}, None),
        ({"level": "context", "response_value": "log_only"}, {}, None),
        ({"level": "context", "response_value": "refer_out"}, {}, None),
        ({"level": "refer_out", "response_value": "refer_out"}, {"refer": "11-23 18:00"}, None),
        ({"level": "refer_out", "response_value": "must"}, {"refer": "11-23 18:00"}, None),
        (
            {},
            {
                "confirm": "11-20 18:00",
                "verify": "11-24 18:00",
                "respond": "11-22 16:30",
                "respond_final": "11-27 18:00",
            },
            None,
        ),
        (
            {"complex": True},
            {
                "confirm": "11-20 18:00",
                "verify": "11-27 18:00",
                "respond": "11-22 16:30",
                "respond_final": "12-11 18:00",
            },
            None,
        ),
        ({"response_value": "log_only"}, {"confirm": "11-20 18:00", "verify": "11-24 18:00"}, None),
        ({"response_value": "refer_out"}, {"confirm": "11-20 18:00", "verify": "11-24 18:00"}, None),
        (
            {"level": "larger"},
            {
                "confirm": "11-20 18:30",
                "report_inside": "11-20 18:30",
                "verify": "11-21 16:30",
                "respond": "11-22 16:30",
                "respond_final": "11-27 18:00",
            },
            "deputy",
        ),
        (
            {"level": "larger", "sensitive": True, "complex": True, "response_value": "log_only"},
            {
                "confirm": "11-20 18:30",
                "report_inside": "11-20 18:30",
                "report_up": "11-21 16:30",
                "verify": "11-27 18:00",
                "respond": "11-22 16:30",
                "respond_final": "12-11 18:00",
            },
            "deputy",
        ),
        (
            {"level": "major", "complex": True},
            {
                "confirm": "11-20 17:30",
                "report_inside": "11-20 17:30",
                "report_up": "11-20 18:30",
                "verify": "11-21 04:30",
                "respond": "11-21 16:30",
                "respond_final": "11-23 16:30",
            },
            "chief",
        ),
        (
            {"level": "extreme", "channel": "website"},
            {
                "confirm": "11-20 17:00",
                "report_inside": "11-20 17:00",
                "report_up": "11-20 17:30",
                "verify": "11-21 04:30",
                "respond": "11-21 16:30",
                "respond_final": "11-23 16:30",
            },
            "chief",
        ),
    ],
)
def test_every_level(due_of, changes, want, report_to):
    result = due_of(**changes)
    assert tuple(result.due) == COMPUTED_DUTIES
    assert written(result) == want
    assert result.report_inside_to == report_to
    assert set(result.basis) == set(want)


@pytest.mark.parametrize("level", ["log_only", "context", "general"])
@pytest.mark.parametrize(
    ("channel", "complex_", "should"),
    [
        ("public", False, "11-22 16:30"),
        ("public", True, "11-22 16:30"),
        ("website", False, "12-11 18:00"),
        ("website", True, "12-11 18:00"),
        ("hotline_question", False, "11-25 18:00"),
        ("hotline_other", False, "12-04 18:00"),
        ("suggestion", False, "12-01 18:00"),
        ("suggestion", True, "12-11 18:00"),
    ],
)
def test_channels_below_larger(due_of, level, channel, complex_, should):
    case = {"level": level, "channel": channel, "complex": complex_}
    asked = due_of(**case)
    assert written(asked)["respond"] == should
    # a must is answered within 48 hours on every channel
    must = due_of(**case, response_value="must")
    assert written(must)["respond"] == "11-22 16:30"
    assert "国办发〔2016〕61号" in must.basis["respond"]
    assert due_of(**case, response_value="log_only").due["respond"] is None
    # the final answer follows the row of the level
    assert (asked.due["respond_final"] is not None) == (level == "general")


@pytest.mark.parametrize("level", ["larger", "major", "extreme"])
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("value", RESPONSE_VALUES)
def test_larger_and_above_ignore_channel_and_response_value(due_of, level, channel, value):
    assert due_of(level=level, channel=channel, response_value=value).due == due_of(level=level).due


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("value", RESPONSE_VALUES)
@pytest.mark.parametrize("emergency", ["major", "extreme"])
def test_emergency_at_every_level(due_of, level, value, emergency):
    quiet = due_of(level=level, response_value=value)
    result = due_of(level=level, response_value=value, emergency_level=emergency, channel="website")
    got = written(result)
    assert got["respond"] == "11-20 21:30"
    assert got["press_conference"] == "11-21 16:30"
    assert "国办发〔2016〕80号" in result.basis["respond"]
    assert "国办发〔2016〕61号" in result.basis["press_conference"]
    # nothing else moves, but that a due first answer asks for a final one at 一般
    others = set(KEYS) - {"respond", "press_conference"} - ({"respond_final"} if level == "general" else set())
    assert all(result.due[key] == quiet.due[key] for key in others)
    assert (result.due["respond_final"] is None) == (level in ("log_only", "context", "refer_out"))


def test_smaller_emergencies_change_nothing(due_of):
    for emergency in ("general", "larger"):
        for level in LEVELS:
            assert due_of(level=level, emergency_level=emergency) == due_of(level=level)


@pytest.mark.parametrize(
    ("found", "confirmed"),
    [
        ("2026-11-20T16:59:59", "11-20 18:00"),
        ("2026-11-20T17:00:00", "11-23 10:00"),
        ("2026-11-20T00:00:00", "11-20 18:00"),
        ("2026-11-20T23:59:00", "11-23 10:00"),
        ("2026-11-21T10:00:00", "11-23 10:00"),
        ("2026-02-13T17:00:00", "02-14 10:00"),  # to the Saturday worked before the Spring Festival
        ("2026-02-14T12:00:00", "02-14 18:00"),
        ("2026-02-14T18:00:00", "02-24 10:00"),
        ("2026-10-03T12:00:00", "10-08 10:00"),
        ("2026-01-04T08:00:00", "01-04 18:00"),  # a Sunday worked
    ],
)
def test_confirming_an_ordinary_issue(due_of, found, confirmed):
    assert written(due_of(detected_at=f"{found}+08:00"))["confirm"] == confirmed


@pytest.mark.parametrize(
    ("found", "confirmed"),
    [
        ("2026-11-20T17:59:59", "2026-11-20T19:59:59"),
        ("2026-11-20T18:00:00", "2026-11-21T09:00:00"),
        ("2026-11-20T20:00:00", "2026-11-21T09:00:00"),
        ("2026-11-20T21:59:59", "2026-11-21T09:00:00"),
        ("2026-11-20T22:00:00", "2026-11-21T09:00:00"),
        ("2026-11-20T23:59:00", "2026-11-21T09:00:00"),
        ("2026-11-21T05:59:59", "2026-11-21T09:00:00"),
        ("2026-11-21T06:00:00", "2026-11-21T08:00:00"),
        ("2026-11-21T08:00:00", "2026-11-21T10:00:00"),
        ("2025-12-31T22:30:00", "2026-01-01T09:00:00"),
    ],
)
def test_larger_is_confirmed_by_day(due_of, found, confirmed):
    due = due_of(level="larger", detected_at=f"{found}+08:00").due
    assert due["confirm"] == due["report_inside"] == datetime.fromisoformat(f"{confirmed}+08:00")


@pytest.mark.parametrize("hour", ["00:00", "08:00", "16:30", "20:00", "23:59"])
def test_working_days_over_the_holidays(due_of, hour):
    before_spring = due_of(detected_at=f"2026-02-13T{hour}:00+08:00", complex=True)
    assert written(before_spring)["verify"] == "02-27 18:00"  # 14 (worked), 24, 25, 26, 27
    assert written(before_spring)["respond_final"] == "03-12 18:00"  # ... 28 (worked), 2-6, 9-12 March
    national = due_of(detected_at=f"2025-09-30T{hour}:00+08:00")
    assert written(national)["verify"] == "10-10 18:00"  # 9 and 10 October
    assert written(national)["respond_final"] == "10-14 18:00"  # 9, 10, 11 (Saturday, worked), 13, 14


def test_other_zones_are_read_and_beijing_time_is_kept(due_of):
    here = due_of(level="major", detected_at="2026-11-20T16:30:00+08:00")
    for same in ("2026-11-20T08:30:00Z", "2026-11-20T03:30:00-05:00", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)):
        assert due_of(level="major", detected_at=same) == here
    # 23:00 UTC on Thursday is Friday here
    assert written(due_of(detected_at="2026-11-19T23:00:00Z"))["confirm"] == "11-20 18:00"
    assert {at.isoformat()[-6:] for at in here.due.values() if at} == {"+08:00"}


def test_a_year_without_calendar(due_of):
    late = "2026-12-31T12:00:00+08:00"
    with pytest.raises(MissingYearError, match="2027"):
        due_of(detected_at=late)
    assert written(due_of(detected_at=late, level="extreme"))["respond_final"] == "01-03 12:00"
    # only what is needed is asked for: without an answer no final one (15 working days) is counted
    assert due_of(detected_at="2026-12-15T12:00:00+08:00", response_value="log_only", complex=True).due["verify"]
    assert due_of(detected_at=late, level="log_only", channel="website", emergency_level="major").due["respond"]


def test_own_limits_say_so_and_documents_are_quoted(due_of):
    result = due_of(level="major", emergency_level="none")
    assert set(result.basis.values()) == {OWN_RULE}
    public = due_of().basis["respond"]
    assert public == (
        "《国务院办公厅关于在政务公开工作中进一步做好政务舆情回应的通知》（国办发〔2016〕61号）："
        "“对其他政务舆情应在48小时内予以回应，并根据工作进展情况，持续发布权威信息”；起算点：发现时间（本单位约定）"
    )
    assert "皖政办〔2015〕12号" in due_of(channel="website").basis["respond"]
    assert "国办发〔2014〕57号" in due_of(channel="suggestion").basis["respond"]
    assert "起算点：收到时间" in due_of(channel="suggestion").basis["respond"]
    for channel in ("hotline_question", "hotline_other"):
        basis = due_of(channel=channel).basis["respond"]
        assert basis.startswith(OWN_RULE)
        assert "接热线、办实事" in basis
        assert "从其时限" in basis


# --- ten thousand cases, twice


def test_agrees_with_the_reference(rules, calendar):
    cases = random_cases(10_000, seed=20261122)
    rows, ok = deadline_lines([json.dumps(case) for case in cases], rules, calendar)
    assert len(rows) == len(cases) == 10_000
    assert not ok
    met: Counter[str] = Counter()
    for case, row in zip(cases, map(json.loads, rows), strict=True):
        try:
            want = due_one(case)
        except UnknownYearError:
            assert list(row) == ["issue_no", "error"], case
            assert row["error"].startswith("detected_at: ")
            assert "2027" in row["error"]
            met["unknown year"] += 1
            continue
        assert list(row) == ["issue_no", "due", "report_inside_to", "basis"], (case, row)
        assert row["issue_no"] == case["issue_no"]
        assert row["due"] == {key: at and at.isoformat() for key, at in want.items()}, case
        assert row["report_inside_to"] == {"larger": "deputy", "major": "chief", "extreme": "chief"}.get(case["level"])
        assert set(row["basis"]) == {key for key, at in want.items() if at}
        assert all(basis_holds(case, key, text) for key, text in row["basis"].items()), (case, row)
        met.update(key for key, at in want.items() if at)
        met.update([f"{case['level']} {case['channel']}", case["detected_at"][11:16]])
    # the sweep has met every duty, every level on every channel, and the edges of the clock
    assert all(met[key] > 100 for key in KEYS)
    assert all(met[f"{level} {channel}"] > 30 for level in LEVELS for channel in CHANNELS)
    assert all(met[edge] > 30 for edge in ("16:30", "20:00", "08:00", "23:59", "16:59", "17:00", "05:59", "06:00"))
    assert 100 < met["unknown year"] < 1000


# --- properties

CASES = st.fixed_dictionaries(
    {
        "issue_no": st.just("YQ-2026-0001"),
        "level": st.sampled_from(LEVELS),
        "response_value": st.sampled_from(RESPONSE_VALUES),
        "emergency_level": st.sampled_from(EMERGENCY_LEVELS),
        "sensitive": st.booleans(),
        "complex": st.booleans(),
        "channel": st.sampled_from(CHANNELS),
    }
)
MOMENTS = st.datetimes(
    datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2026-11-30"), timezones=st.just(UTC)
)


@given(CASES, MOMENTS)
def test_nothing_is_due_before_it_was_found(due_of, case, found):
    result = due_of(**case, detected_at=found)
    assert all(at > found for at in result.due.values() if at)
    assert all(at.utcoffset() == timedelta(hours=8) for at in result.due.values() if at)
    assert set(result.basis) == {key for key, at in result.due.items() if at}
    assert all(result.basis.values())


@given(CASES, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=12)))
def test_found_later_is_due_later_or_at_the_same_time(due_of, case, found, delay):
    early = due_of(**case, detected_at=found).due
    late = due_of(**case, detected_at=found + delay).due
    assert {key for key, at in early.items() if at} == {key for key, at in late.items() if at}
    # what is moved out of the night to 09:00 may be overtaken by what falls due at 08:00
    by_day = {"confirm", "report_inside"} if case["level"] == "larger" else set()
    assert all(early[key] <= late[key] for key in early if early[key] and key not in by_day)
    assert all(early[key] - late[key] <= timedelta(hours=1) for key in by_day)


@given(MOMENTS)
def test_larger_is_never_due_at_night(due_of, found):
    result = due_of(level="larger", detected_at=found)
    assert 8 <= result.due["confirm"].hour < 20


@given(CASES, MOMENTS)
def test_a_higher_level_is_never_answered_or_verified_later(due_of, case, found):
    rising = [due_of(**case | {"level": level}, detected_at=found).due for level in ("larger", "major", "extreme")]
    if case["channel"] == "public" or case["response_value"] == "must":
        rising.insert(0, due_of(**case | {"level": "general"}, detected_at=found).due)
    for key in ("verify", "respond", "respond_final"):
        times = [due[key] for due in rising if due[key]]
        assert len(times) >= 3
        assert times == sorted(times, reverse=True)


@given(CASES, MOMENTS)
def test_a_must_is_never_answered_later_than_a_should(due_of, case, found):
    must = due_of(**case | {"response_value": "must"}, detected_at=found).due["respond"]
    should = due_of(**case | {"response_value": "should"}, detected_at=found).due["respond"]
    assert (must is None) == (should is None) == (case["level"] == "refer_out" and not _emergency(case))
    if must:
        assert must <= should
        assert must <= found + timedelta(hours=48)


def _emergency(case):
    return case["emergency_level"] in ("major", "extreme")


# --- lists


def test_hours_left():
    due = datetime(2026, 11, 20, 18, tzinfo=UTC)
    assert hours_left(due, due - timedelta(minutes=90)) == 1.5
    assert hours_left(due, due) == 0
    assert hours_left(due, due + timedelta(minutes=6)) == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("minutes", "stage"),
    [
        (-5, "none"),
        (0, "none"),
        (49, "none"),
        (50, "half"),
        (79, "half"),
        (80, "late"),
        (100, "late"),
        (101, "overdue"),
    ],
)
def test_warning_stages(rules, minutes, stage):
    start = datetime(2026, 11, 20, 8, tzinfo=UTC)
    due, as_of = start + timedelta(minutes=100), start + timedelta(minutes=minutes)
    assert warning_stage(start, due, as_of) == stage
    # the file in force says the same
    assert warning_stage(start, due, as_of, **rules.warning.model_dump()) == stage


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=30)), st.timedeltas(timedelta(days=-1), timedelta(days=40)))
def test_overdue_is_having_less_than_nothing_left(start, span, passed):
    due, as_of = start + span, start + passed
    assert (warning_stage(start, due, as_of) == "overdue") == (hours_left(due, as_of) < 0)


# --- lines


def read(lines, rules, calendar):
    rows, ok = deadline_lines(lines, rules, calendar)
    return [json.loads(row) for row in rows], ok


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"level": "huge"}, "level"),
        ({"level": None}, "level"),
        ({"response_value": "maybe"}, "response_value"),
        ({"emergency_level": None}, "emergency_level"),
        ({"sensitive": 1}, "sensitive"),
        ({"sensitive": "true"}, "sensitive"),
        ({"complex": None}, "complex"),
        ({"channel": "radio"}, "channel"),
        ({"channel": ["public"]}, "channel"),
        ({"detected_at": "2026-11-20T16:30:00"}, "detected_at"),
        ({"detected_at": "2026-11-20"}, "detected_at"),
        ({"detected_at": "2026-02-30T16:30:00+08:00"}, "detected_at"),
        ({"detected_at": "2026-11-20T24:00:00+08:00"}, "detected_at"),
        ({"detected_at": "20.11.2026 16:30"}, "detected_at"),
        ({"detected_at": "２０２６-11-20T16:30:00+08:00"}, "detected_at"),
        ({"detected_at": "0001-01-01T00:00:00+14:00"}, "detected_at"),
        ({"detected_at": "9999-12-31T23:59:59-12:00"}, "detected_at"),
        ({"detected_at": 1763627400}, "detected_at"),
        ({"detected_at": None}, "detected_at"),
        ({"detected_at": "2026-12-31T12:00:00+08:00"}, "detected_at"),
        ({"author": "somebody"}, "author"),
    ],
)
def test_bad_value(rules, calendar, changes, field):
    (row,), ok = read([json.dumps(GOOD | changes)], rules, calendar)
    assert not ok
    assert list(row) == ["issue_no", "error"]
    assert row["issue_no"] == GOOD["issue_no"]
    assert re.match(rf"{field}: \S", row["error"])


@pytest.mark.parametrize("field", [name for name in GOOD if name != "issue_no"])
def test_missing_field(rules, calendar, field):
    line = json.dumps({name: value for name, value in GOOD.items() if name != field})
    rows, ok = read([line], rules, calendar)
    assert not ok
    assert rows == [{"issue_no": GOOD["issue_no"], "error": f"{field}: Field required"}]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "line: not valid JSON"),
        ("[" * 100_000, "line: not valid JSON"),
        ("[]", "line: not a JSON object"),
        ("{}", "issue_no: Field required"),
        (json.dumps(GOOD | {"issue_no": 7}), "issue_no: Input should be a valid string"),
        (json.dumps(GOOD | {"issue_no": "\ud800"}), "issue_no: not valid Unicode"),
    ],
)
def test_line_without_a_readable_number(rules, calendar, line, error):
    rows, ok = read([line], rules, calendar)
    assert not ok
    assert rows == [{"issue_no": None, "error": error}]


def test_field_given_twice(rules, calendar):
    rows, ok = read([json.dumps(GOOD)[:-1] + ', "level": "major"}'], rules, calendar)
    assert not ok
    assert rows == [{"issue_no": GOOD["issue_no"], "error": "level: given twice"}]


def test_the_others_go_on_in_order(rules, calendar):
    lines = [json.dumps(GOOD | {"issue_no": f"YQ-2026-{n:04d}", "sensitive": n % 3 > 0}) for n in range(30)]
    lines[4] = lines[4].replace("general", "天大")
    lines[7] = json.dumps(GOOD | {"x\ud800\n": 1})
    rows, ok = read(["\n", *lines, "  "], rules, calendar)
    assert not ok
    assert len(rows) == 30
    assert [n for n, row in enumerate(rows) if "error" in row] == [4, 7]
    assert [row["issue_no"] for row in rows if "due" in row] == [
        f"YQ-2026-{n:04d}" for n in range(30) if n not in (4, 7)
    ]
    assert deadline_lines([], rules, calendar) == ([], True)
    assert read(lines[:4], rules, calendar)[1]


# --- configuration


def test_names_cover_the_codes():
    assert COMPUTED_DUTIES == KEYS
    assert set(DUE_NAMES) == {*KEYS, "rectify"}
    assert set(CHANNEL_NAMES) == set(get_args(Channel)) == set(CHANNELS)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("public = { hours = 48,", "public = { hours = 72,", "channel.public: PB-61-48 does not set this length"),
        ("respond = { hours = 5,", "respond = { minutes = 5,", "emergency.respond: PB-80-5 does not set this length"),
        ('basis = ["PB-AH12"]', 'basis = ["PB-99"]', "channel.website: PB-99 is not in policy_basis.toml"),
        (
            "refer = { working_days = 1 }",
            "refer = { working_days = 1, hours = 3 }",
            "refer_out.refer: give exactly one",
        ),
        ("refer = { working_days = 1 }", "refer = { }", "refer_out.refer: give exactly one"),
        ("refer = { working_days = 1 }", "refer = { working_days = 0 }", "refer_out.refer.working_days"),
        ("refer = { working_days = 1 }", 'refer = { working_days = "1" }', "refer_out.refer.working_days"),
        ("refer = { working_days = 1 }", "transfer = { working_days = 1 }", "refer_out"),
        ('basis = ["PB-AH12"]', 'basis = ["PB-AH12"], note = "x"', "channel.website: modelled_on and note"),
        ("morning = 09:00:00", "morning = 07:00:00", "clock: night_to, morning and night_from"),
        ("confirm_before = 17:00:00", "confirm_before = 19:00:00", "clock: confirm_before"),
        ("half = 50", "half = 90", "warning: half must be below late"),
        ('name = "caifeng-1"', 'name = "caifeng-1"\npolicy = 1', "policy: "),
    ],
)
def test_a_wrong_file_is_named(config_copy, old, new, reason):
    path = config_copy / "deadlines.toml"
    text = path.read_text("utf8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf8")
    with pytest.raises(ConfigError) as caught:
        load_deadline_rules(config_copy)
    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)


def test_an_own_limit_may_be_any_and_makes_a_new_version(config_copy, rules, calendar):
    path = config_copy / "deadlines.toml"
    text = path.read_text("utf8").replace(
        'public = { hours = 48, basis = ["PB-61-48"] }', "public = { working_days = 1 }"
    )
    path.write_text(text, "utf8")
    changed = load_deadline_rules(config_copy)
    assert changed.rule_version != rules.rule_version
    result = due_dates(DeadlineInput.model_validate(GOOD), changed, calendar)
    assert result.due["respond"].date() == date(2026, 11, 23)
    assert result.basis["respond"] == OWN_RULE


def test_the_policy_basis_quotes_only_what_was_read(pytestconfig, config_copy):
    policy = load_policy_basis(pytestconfig.rootpath / "config")
    assert len(policy.rules) >= 48
    assert {"PB-61-48", "PB-61-24", "PB-80-5", "PB-AH12", "PB-57", "PB-AH205", "PB-ST-10", "PB-PI-24"} <= set(
        policy.by_id
    )
    for rule in policy.rules:
        assert rule.document in rule.citation
        assert rule.fixes
        assert all(word in rule.citation for word in rule.words)
    assert "三" not in policy.by_id["PB-61-48"].title
    assert policy.by_id["PB-TL-26"].title.endswith("（国务院令第711号）第二十六条")

    path = config_copy / "policy_basis.toml"
    text = path.read_text("utf8")
    for old, new, reason in (
        ('id = "PB-61-24"', 'id = "PB-61-48"', "given twice: PB-61-48"),
        ('status = "reported"', 'status = "known"', "words that were not read"),
        ('status = "reported"', 'status = "sure"', "rules.0.status"),
        ('words = ["', 'words = [1, "', "rules.0.words.0"),
    ):
        path.write_text(text.replace(old, new, 1), "utf8")
        with pytest.raises(ConfigError) as caught:
            load_policy_basis(config_copy)
        assert str(caught.value).startswith(f"{path}: ")
        assert reason in str(caught.value)


def test_input_is_strict():
    with pytest.raises(ValidationError, match="extra"):
        DeadlineInput.model_validate(GOOD | {"author": "somebody"})
    with pytest.raises(ValidationError, match="timezone"):
        DeadlineInput.model_validate(GOOD | {"detected_at": datetime.fromisoformat("2026-11-20T16:30:00")})
