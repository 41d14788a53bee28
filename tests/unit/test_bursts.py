"""Bursts and the release calendar: what is raised, when, and what is not."""

from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from caifeng.cases.workdays import Holiday, HolidayNotice, WorkCalendar
from caifeng.core.contracts import load_contracts
from caifeng.core.errors import ConfigError, DataError, UsageError
from caifeng.core.model.bursts import BurstRules
from caifeng.core.model.release import Release, ReleaseCalendar, ReleaseTable
from caifeng.core.settings import Settings, load_model
from caifeng.jobs.base import Env
from caifeng.jobs.bursts import bursts, day_types, load_calendar, releases_frame
from caifeng.jobs.import_calendar import import_calendar
from tests.unit.frames import posts as post_rows
from transforms.understand.bursts import (
    BURSTS,
    VOICES,
    count_voices,
    find_bursts,
    in_release_window,
    said_at,
    with_release_flag,
)

START = date(2026, 3, 2)  # a Monday
LONG_AGO = date(2025, 3, 1)
NO_RELEASES = ReleaseCalendar([])
WEEKDAYS = WorkCalendar([])
TYPES = day_types(START, START + timedelta(days=99), WEEKDAYS)


@pytest.fixture(scope="module")
def root(request):
    return request.config.rootpath


@pytest.fixture(scope="module")
def contracts(root):
    return load_contracts(root / "sql")


@pytest.fixture(scope="module")
def rules(root):
    return load_model(root / "config" / "bursts.toml", BurstRules)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Beijing time of a day after START, in UTC."""
    midnight = datetime(START.year, START.month, START.day, tzinfo=UTC) - timedelta(hours=8)
    return midnight + timedelta(days=day, hours=hour, minutes=minute)


def voices(*moments: datetime, kind: str = "topic", key: str = "gdp", topic: str | None = "gdp", weight: int = 1):
    rows = [
        {"kind": kind, "key": key, "topic": topic, "at": m, "known_at": m, "post_id": f"{key}{i:03}", "weight": weight}
        for i, m in enumerate(moments)
    ]
    return pl.DataFrame(rows, schema=VOICES)


def table(*days: date, topics: tuple[str, ...] = ("gdp",)) -> ReleaseCalendar:
    releases = tuple(Release(indicator="国民经济运行", topics=topics, first=day, last=day) for day in days)
    return ReleaseCalendar([ReleaseTable(year=2026, status="published", document="表", releases=releases)])


def found(given: pl.DataFrame, rules: BurstRules, calendar=NO_RELEASES, since=LONG_AGO) -> pl.DataFrame:
    return find_bursts(given, TYPES, calendar, rules, since)


# --- what is raised


def test_many_voices_in_a_quiet_topic_are_raised_when_the_last_one_needed_was_found(rules):
    spoken = [at(40, 10, minute) for minute in range(0, 60, 10)]
    burst = found(voices(*spoken), rules).row(0, named=True)
    assert (burst["kind"], burst["key"], burst["started_at"]) == ("topic", "gdp", spoken[0])
    assert burst["detected_at"] == spoken[4]  # five voices, where about none is usual
    assert burst["count"] == 6
    assert burst["z"] >= rules.alarm_z
    assert burst["evidence"] == [f"gdp{i:03}" for i in range(5)]
    assert burst["release_window"] is None  # no calendar: not known


def test_a_burst_that_builds_up_over_a_day_is_raised_too(rules):
    spoken = [at(40, hour) for hour in range(8, 23, 2)]
    burst = found(voices(*spoken), rules).row(0, named=True)
    assert burst["hours"] == 24
    assert burst["started_at"] == spoken[0]


def test_what_is_usual_is_no_burst(rules):
    daily = [at(day, hour) for day in range(60) for hour in (9, 10, 11, 15, 16)]
    assert found(voices(*daily), rules).filter(pl.col("detected_at") > at(10, 0)).is_empty()
    more = [at(60, 10, minute) for minute in range(0, 48, 4)]
    assert found(voices(*daily, *more), rules)["detected_at"].dt.date().to_list()[-1] == at(60, 10).date()


@settings(max_examples=25, deadline=None)
@given(days=st.sets(st.integers(0, 49), max_size=40))
def test_one_post_of_a_person_never_raises_anything(days):
    rules = load_model(Settings().config / "bursts.toml", BurstRules)
    assert found(voices(*(at(2 * day, 9) for day in days), kind="issue"), rules).is_empty()


def test_one_entry_of_a_hot_list_raises_its_issue_but_not_its_topic(rules):
    entry = at(40, 10)
    both = pl.concat(
        [
            voices(entry, kind="issue", key="2026-001", weight=rules.hot_list_voices),
            voices(entry, weight=rules.hot_list_voices),
        ]
    )
    assert found(both, rules).select("kind", "key", "count").rows() == [("issue", "2026-001", rules.hot_list_voices)]


def test_a_series_is_raised_once_until_it_has_calmed(rules):
    first = [at(40, 9 + n // 10, n % 10 * 5) for n in range(60)]
    assert found(voices(*first), rules).height == 1
    again = [at(50, 9, minute) for minute in range(0, 60, 4)]
    assert found(voices(*first, *again), rules)["started_at"].to_list() == [first[0], again[0]]


def test_more_series_than_are_held_in_memory_at_once_give_the_same(rules, monkeypatch):
    spoken = [at(40, 10, minute) for minute in range(6)]
    issues = [voices(*spoken[: 3 + n % 4], kind="issue", key=f"2026-{n:03}") for n in range(30)]
    every = pl.concat([voices(*spoken), *issues])
    whole = found(every, rules)
    monkeypatch.setattr("transforms.understand.bursts._BLOCK", 7)
    assert found(every, rules).equals(whole)
    assert whole.height == 1 + 14  # two of each four have five voices or six


def test_series_are_kept_apart(rules):
    spoken = [at(40, 10, minute) for minute in range(3)]
    apart = pl.concat([voices(*spoken, key=key, topic=key) for key in ("gdp", "price", "wage")])
    assert found(apart, rules).is_empty()


# --- release days


def test_a_release_as_loud_as_ever_is_no_burst_and_a_louder_one_is(rules):
    release_days = list(range(5, 96, 10))

    def loud(last: int) -> pl.DataFrame:
        usual = [at(day, 10, n * 2) for day in release_days[:-1] for n in range(14)]
        return voices(*usual, *(at(95, 10, n) for n in range(last)))

    calendar = table(*(START + timedelta(days=day) for day in release_days))
    assert found(loud(14), rules, calendar).filter(pl.col("detected_at") >= at(95, 0)).is_empty()
    raised = found(loud(50), rules, calendar).filter(pl.col("detected_at") >= at(95, 0))
    assert raised["release_window"].to_list() == [True]
    without = found(loud(14), rules).filter(pl.col("detected_at") >= at(95, 0))
    assert without.height == 1


def test_an_issue_on_a_release_day_is_measured_against_the_releases_of_its_topic(rules):
    release_days = list(range(5, 96, 10))
    usual = voices(*(at(day, 10, n * 2) for day in release_days[:-1] for n in range(14)))
    calendar = table(*(START + timedelta(days=day) for day in release_days))
    issue = voices(*(at(95, 10, n) for n in range(6)), kind="issue", key="2026-009")
    both = pl.concat([usual, issue])
    assert found(both, rules, calendar).filter(pl.col("kind") == "issue").is_empty()
    elsewhere = voices(*(at(90, 10, n) for n in range(6)), kind="issue", key="2026-009")
    assert found(pl.concat([usual, elsewhere]), rules, calendar).filter(pl.col("kind") == "issue").height == 1


# --- a new installation


def test_the_first_day_raises_nothing_and_the_first_weeks_take_more(rules):
    def raised(day: int, count: int) -> int:
        return found(voices(*(at(day, 10, n) for n in range(count))), rules, since=START).height

    assert raised(0, 40) == 0
    assert raised(5, rules.cold_min_count - 1) == 0
    assert raised(5, rules.cold_min_count + 1) == 1
    assert raised(rules.cold_days + 1, rules.cold_min_count - 1) == 1


def test_nothing_to_look_at_gives_an_empty_frame(rules, contracts):
    nothing = pl.DataFrame(schema=VOICES)
    for types in (TYPES, TYPES.clear()):
        empty = find_bursts(nothing, types, NO_RELEASES, rules, START)
        assert empty.schema == BURSTS
        assert contracts["graded.bursts"].conform(empty).is_empty()


# --- nothing looks ahead, order does not matter

_moments = st.lists(st.integers(0, 99 * 24 - 1), min_size=0, max_size=120)


@settings(max_examples=25, deadline=None)
@given(hours=_moments, burst_at=st.integers(24, 98 * 24), cut=st.integers(24, 99 * 24), seed=st.integers(0, 99))
def test_what_is_known_later_changes_no_earlier_burst_and_order_nothing(hours, burst_at, cut, seed):
    rules = load_model(Settings().config / "bursts.toml", BurstRules)
    moments = [*(at(0, h) for h in hours), *(at(0, burst_at, n) for n in range(12))]
    given_voices = voices(*moments)
    whole = found(given_voices, rules)
    assert found(given_voices.sample(fraction=1.0, shuffle=True, seed=seed), rules).equals(whole)
    moment = at(0, cut)
    before = find_bursts(given_voices.filter(pl.col("known_at") < moment), TYPES, NO_RELEASES, rules, LONG_AGO)
    assert before.equals(whole.filter(pl.col("detected_at") < moment))


# --- from posts to voices


def _series_of(contracts, rules, rows, groups=None, heat=()):
    frame = post_rows(contracts["graded.posts"].polars_schema(), *rows)
    names = groups or frame["post_id"].to_list()
    ids = pl.DataFrame({"post_id": frame["post_id"], "group_id": names, "issue_no": ["2026-001"] * frame.height})
    heats = pl.DataFrame(
        list(heat),
        schema={"post_id": pl.String, "observed_at": pl.Datetime("us", "UTC"), "heat": pl.Int64},
        orient="row",
    )
    return count_voices(frame, ids, ids, heats, rules)


def test_copies_are_one_voice_and_the_one_found_first_counts(contracts, rules):
    rows = [{"published_at": at(3, 9), "first_fetched_at": at(3, hour)} for hour in (12, 11, 13)]
    series = _series_of(contracts, rules, rows, groups=["g1", "g1", "g2"])
    topic = series.filter(pl.col("kind") == "topic")
    assert topic.select("post_id", "known_at").rows() == [("p1", at(3, 11)), ("p2", at(3, 13))]


def test_a_local_post_speaks_for_the_county_and_each_town_once(contracts, rules):
    rows = [
        {"evidence": ["gdp:GDP@0", "town:乐土镇@3", "town:乐土镇@30", "town:立仓镇@9"]},
        {"jurisdiction": "national", "evidence": ["town:立仓镇@1"]},
    ]
    places = _series_of(contracts, rules, rows).filter(pl.col("kind") == "place")
    assert sorted(places["key"].to_list()) == ["local", "乐土镇", "立仓镇"]
    assert places["topic"].null_count() == places.height


def test_a_hot_list_counts_for_more_the_hotter_and_beside_the_group_it_repeats(contracts, rules):
    rows = [{}, *({"source_class": "hotlist"} for _ in range(3))]
    heat = [
        ("p1", at(0, 9), None),
        ("p1", at(0, 10), rules.hot_list_heat * 10),
        ("p1", at(0, 11), 10**12),
        ("p2", at(0, 9), 5),
    ]
    series = _series_of(contracts, rules, rows, ["g", "g", "h", "i"], heat).filter(pl.col("kind") == "topic")
    base = rules.hot_list_voices
    assert dict(series.select("post_id", "weight").iter_rows()) == {"p0": 1, "p1": base + 1, "p2": base, "p3": base}


@pytest.mark.parametrize(
    ("published", "precision", "fetched", "said"),
    [
        (at(3, 9, 7), "minute", at(3, 12), at(3, 9, 7)),
        (at(3, 0), "day", at(3, 12), at(3, 12)),
        (at(3, 0), "day", at(5, 12), at(3, 23)),
        (None, "unknown", at(3, 12), at(3, 12)),
        (at(9, 9), "minute", at(3, 12), at(3, 12)),
    ],
)
def test_when_a_post_was_said(contracts, published, precision, fetched, said):
    row = {"published_at": published, "published_precision": precision, "first_fetched_at": fetched}
    frame = post_rows(contracts["graded.posts"].polars_schema(), row)
    assert frame.select(said_at()).item() == said


# --- the release calendar


def test_posts_from_the_day_before_to_three_days_after_a_release_of_their_topic_are_in_its_window(contracts):
    release = START + timedelta(days=10)
    rows = [{"published_at": at(day, 9), "topic": "gdp"} for day in range(8, 16)]
    rows += [{"published_at": at(10, 9), "topic": "wage"}, {"published_at": at(400, 9), "topic": "gdp"}]
    rows = [{**row, "first_fetched_at": row["published_at"]} for row in rows]
    frame = post_rows(contracts["graded.posts"].polars_schema(), *rows)
    inside = in_release_window(frame, table(release))
    assert inside.to_list() == [False, True, True, True, True, True, False, False, False, None]
    flags = with_release_flag(frame, table(release))["flags"].to_list()
    assert [bool(flag) for flag in flags] == [value is True for value in inside.to_list()]
    assert flags[2] == ["release_window"]


def test_the_tables_shipped_can_be_read_and_name_topics_of_the_taxonomy(root):
    calendar, topics = load_calendar(root / "config"), {t.id for t in Settings().taxonomy().topics}
    assert {2023, 2026} <= calendar.years
    named = {topic for one in calendar.tables for release in one.releases for topic in release.topics}
    assert len(named) >= 8
    assert named <= topics
    assert all("待核对" in one.document for one in calendar.tables if one.year == 2026)
    for one in calendar.tables:
        february = [r.indicator for r in one.releases if r.first.month == 2 and "国民经济运行" in r.indicator]
        assert february == []  # none in February
        assert sum("国内生产总值）" in r.indicator for r in one.releases) == 4


def test_an_entry_of_a_whole_month_opens_no_window():
    month = Release(indicator="夏粮", topics=("agri_census",), first=date(2026, 7, 1), last=date(2026, 7, 31))
    calendar = ReleaseCalendar([ReleaseTable(year=2026, status="by_custom", document="x", releases=(month,))])
    assert calendar.topic_days() == []
    assert calendar.rows()[0]["opens_on"] is None


def test_the_day_of_a_release_outranks_a_day_near_another():
    days = {d.day.day: d.phase for d in table(date(2026, 3, 10), date(2026, 3, 12)).topic_days()}
    assert days == {9: "near", 10: "release", 11: "near", 12: "release", 13: "near", 14: "near", 15: "near"}


def test_a_table_carried_to_a_leap_year_and_back_keeps_its_days():
    leap = ReleaseTable(
        year=2024,
        status="published",
        document="x",
        releases=(Release(indicator="PMI", topics=("gdp",), first=date(2024, 2, 29), last=date(2024, 2, 29)),),
    )
    moved = leap.carried_to(2026)
    assert (moved.releases[0].first, moved.status) == (date(2026, 2, 28), "by_custom")


@pytest.mark.parametrize("change", [{"year": 2025}, {"releases": ()}, {"status": "guessed"}, {"surplus": 1}])
def test_a_table_that_cannot_be_is_refused(change):
    good = {
        "year": 2026,
        "status": "published",
        "document": "x",
        "releases": [{"indicator": "CPI", "topics": ["price"], "first": date(2026, 1, 9), "last": date(2026, 1, 9)}],
    }
    assert ReleaseTable.model_validate(good).releases[0].opens_window
    with pytest.raises(ValidationError):
        ReleaseTable.model_validate({**good, **change})


def test_types_of_days_follow_the_holiday_notice_and_without_one_the_week():
    notice = HolidayNotice(
        year=2026,
        document="x",
        number="x",
        issued=date(2025, 11, 1),
        holidays=(Holiday(name="劳动节", first=date(2026, 5, 1), last=date(2026, 5, 5)),),
        working_weekends=(date(2026, 5, 9),),
    )
    types = dict(day_types(date(2026, 4, 30), date(2026, 5, 10), WorkCalendar([notice])).iter_rows())
    assert [types[date(2026, 5, day)] for day in (1, 2, 6, 9, 10)] == [
        "holiday",
        "weekend",
        "working",
        "working",
        "weekend",
    ]
    assert day_types(date(2026, 5, 1), date(2026, 5, 2), WEEKDAYS)["day_type"].to_list() == ["working", "weekend"]


# --- the yearly table, loaded by hand


def _settings(root, tmp_path) -> Settings:
    config = tmp_path / "config"
    config.mkdir()
    (config / "taxonomy").symlink_to(root / "config" / "taxonomy")
    (config / "gazetteer.toml").symlink_to(root / "config" / "gazetteer.toml")
    return Settings(home=tmp_path / "var", config=config)


ROWS = [
    ("日期", "时间", "指标", "主题"),
    ("2027-01-09", "09:30", '居民消费价格 "CPI"', "price"),
    ("2027年1月18日", "10:00", "国民经济运行情况", "经济总量、employment"),
    ("", "", "", ""),
    ("2027/01/18", "10:00", "国民经济运行情况", "income"),
]


def _csv(path, rows):
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    path.write_text("\ufeff" + "\n".join(quoted) + "\n", "utf8")
    return path


def _xlsx(path, rows):
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        sheet.write_datetime(1, 0, datetime(2027, 1, 9), book.add_format({"num_format": "yyyy-mm-dd"}))  # noqa: DTZ001
    return path


@pytest.mark.parametrize(("write_file", "name"), [(_csv, "t.csv"), (_xlsx, "t.xlsx")])
def test_a_published_table_is_shown_first_and_written_when_told_to(root, tmp_path, write_file, name):
    settings = _settings(root, tmp_path)
    file = write_file(tmp_path / name, ROWS)
    dry = import_calendar(settings, file, "2027年发布日程")
    assert not dry.written
    assert not dry.file.exists()
    assert "dry run" in dry.words()
    written = import_calendar(settings, file, "2027年发布日程", write=True)
    assert written.text == dry.text == written.file.read_text("utf8")
    loaded = load_calendar(settings.config).tables[0]
    assert (loaded.year, loaded.status, written.releases) == (2027, "published", 2)
    assert [(r.first.day, r.at, r.indicator, r.topics) for r in loaded.releases] == [
        (9, time(9, 30), '居民消费价格 "CPI"', ("price",)),
        (18, time(10), "国民经济运行情况", ("gdp", "employment", "income")),
    ]
    assert import_calendar(settings, file, "2027年发布日程").replaces


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (("9. Januar", "09:30", "CPI", "price"), "row 6: date"),
        (("2027-01-10", "half nine", "CPI", "price"), "row 6: time"),
        (("2027-01-10", "", "", "price"), "row 6: indicator"),
        (("2027-01-10", "", "CPI", ""), "row 6: topic: empty"),
        (("2027-01-10", "", "CPI", "weather"), "weather"),
        (("2026-12-31", "", "CPI", "price"), "not in the year"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_written(root, tmp_path, row, complaint):
    settings = _settings(root, tmp_path)
    with pytest.raises(DataError, match=complaint):
        import_calendar(settings, _csv(tmp_path / "t.csv", [*ROWS, row]), "x", write=True)
    assert not (settings.config / "release_calendar").exists()


def test_files_that_are_no_table_are_refused(root, tmp_path):
    settings = _settings(root, tmp_path)
    (tmp_path / "t.xlsx").write_bytes(b"no workbook")
    (tmp_path / "t.csv").write_bytes("日期,指标,主题\n".encode("gb18030"))
    for name, error in (("t.pdf", UsageError), ("none.csv", UsageError), ("t.xlsx", DataError), ("t.csv", DataError)):
        with pytest.raises(error):
            import_calendar(settings, tmp_path / name, "x")
    with pytest.raises(DataError, match="no column topic"):
        import_calendar(settings, _csv(tmp_path / "u.csv", [("date", "indicator"), ("2027-01-09", "CPI")]), "x")
    with pytest.raises(DataError, match="no rows"):
        import_calendar(settings, _csv(tmp_path / "v.csv", ROWS[:1]), "x")


def test_a_table_under_the_name_of_another_year_is_refused(tmp_path):
    (tmp_path / "release_calendar").mkdir()
    (tmp_path / "release_calendar" / "2025.toml").write_text(
        'year = 2026\nstatus = "published"\ndocument = "x"\n'
        'releases = [{ first = 2026-01-09, last = 2026-01-09, indicator = "CPI", topics = ["price"] }]\n',
        "utf8",
    )
    with pytest.raises(ConfigError, match="the file name says 2025"):
        load_calendar(tmp_path)


# --- the job


def test_the_job_writes_the_bursts_of_its_day_and_the_calendar(root, tmp_path, contracts, monkeypatch):
    monkeypatch.chdir(root)
    env = Env.open(Settings(home=tmp_path, config=root / "config"))
    day, schema = date(2026, 11, 20), contracts["graded.posts"].polars_schema()
    noon = datetime(2026, 11, 20, 4, tzinfo=UTC)
    earlier = date(2026, 9, 1)
    for when, count in ((earlier, 1), (day, 9)):
        moment = noon - (day - when)
        rows = [
            {"post_id": f"{when}-{n}", "published_at": moment + timedelta(minutes=n), "topic": "household_visit"}
            for n in range(count)
        ]
        rows = [
            {**row, "first_fetched_at": row["published_at"], "url": f"https://example.org/{row['post_id']}"}
            for row in rows
        ]
        frame = post_rows(schema, *rows)
        ids = frame.select("post_id", group_id=pl.lit("g") + pl.col("post_id"), issue_no=pl.lit(f"I{when}"))
        env.lake.replace("graded.posts", when, frame)
        env.lake.replace("graded.issue_posts", when, ids.with_columns(moved_from=pl.lit(None, pl.String)))
        env.lake.replace(
            "clean.repost_groups",
            when,
            ids.select("post_id", "group_id", is_origin=pl.lit(value=True), similarity=pl.lit(1.0)),
        )
        env.lake.directory("clean.posts", when).mkdir(parents=True)
    report = bursts(env, day, noon)
    raised = env.lake.read("graded.bursts", day)
    assert raised.select("kind", "key", "release_window").rows() == [
        ("issue", "I2026-11-20", False),
        ("place", "local", None),
        ("topic", "household_visit", False),
    ]
    assert report.counts["bursts"] == 3
    assert env.lake.read("ops.releases", day).height == releases_frame(load_calendar(root / "config"), day).height > 50
    before = (env.lake.directory("graded.bursts", day) / "data.parquet").read_bytes()
    bursts(env, day, noon)
    assert (env.lake.directory("graded.bursts", day) / "data.parquet").read_bytes() == before
    assert bursts(env, date(2026, 11, 21), noon).counts["bursts"] == 0


def test_the_mart_shows_open_windows_and_what_was_said_of_their_topics(root, tmp_path, contracts, monkeypatch):
    monkeypatch.chdir(root)
    env = Env.open(Settings(home=tmp_path, config=root / "config"))
    day = date(2026, 11, 20)
    noon = datetime(2026, 11, 20, 4, tzinfo=UTC)
    known = [date(2026, 11, 18), date(2026, 11, 10), date(2026, 12, 15), date(2027, 1, 15)]
    windows = [(first, first, first - timedelta(days=1), first + timedelta(days=3)) for first in known]
    windows += [(date(2026, 11, 1), date(2026, 11, 30), None, None)]
    rows = [
        {
            "indicator": name,
            "topic": "gdp",
            "first_day": first,
            "last_day": last,
            "at": "10:00",
            "opens_on": opens,
            "closes_on": closes,
            "status": "by_custom",
        }
        for name, (first, last, opens, closes) in zip(("开着", "过去", "将来", "远了", "月内"), windows, strict=True)
    ]
    env.lake.replace("ops.releases", day, pl.DataFrame(rows, schema=contracts["ops.releases"].polars_schema()))
    burst = {"started_at": noon, "detected_at": noon, "hours": 3, "count": 5, "expected": 0.1, "z": 3.2}
    raised = [{**burst, "kind": kind, "key": "gdp", "evidence": ["p"]} for kind in ("topic", "place")]
    env.lake.replace("graded.bursts", day, pl.DataFrame(raised, schema=contracts["graded.bursts"].polars_schema()))
    env.warehouse.load(env.lake, day)
    env.warehouse.build_marts(day, noon, "v")
    mart = env.warehouse.read("marts.release_calendar", day).sort("first_day")
    assert mart.select("indicator", "days_until", "in_window", "issues", "bursts").rows() == [
        ("月内", -19, None, 0, 1),
        ("开着", -2, True, 0, 1),
        ("将来", 25, False, 0, 1),
    ]
