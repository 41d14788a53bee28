"""What must be published unasked: due days, recognised titles, the word of people, and the order of the list."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.cases.model import Actor, GuardError
from caifeng.core.clock import end_of_day
from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.model.publications import STATE_NAMES, Period, Publications, basis_words
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.publications import (
    Rules,
    due_frame,
    due_rows,
    load_publications,
    note_published,
    note_started,
    publication_listing,
    publications,
)
from transforms.duty.publications import DUE, FOUND, SAID, judge, recognise

DAY = date(2026, 11, 22)
OFFICE = ("蒙城县统计局", "县统计局")
ITEM = {"id": "thing", "name": "某项", "period": "month", "unit": "general", "basis": ["ours"]}


def load(config: Path) -> Rules:
    return load_publications(Settings(config=config))


def with_items(config: Path, *items: dict[str, Any], since: date = date(2020, 1, 1)) -> Rules:
    """The shipped rules with other items."""
    shipped = load(config)
    values = {"since": since, "soon_days": 7, "shown_days": 400, "items": [{**ITEM, **item} for item in items]}
    return shipped._replace(publications=Publications.model_validate(values))


def due_on(rules: Rules, period: str, day: date, started: date | None = None) -> dict[str, Any]:
    start = {("thing", period): started} if started else {}
    rows = due_frame(rules, start, set(start), day).filter(period=period)
    assert rows.height == 1
    return rows.row(0, named=True)


# --- periods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "day", "code", "name", "last"),
    [
        ("month", date(2026, 2, 5), "2026-02", "2026年2月", date(2026, 2, 28)),
        ("quarter", date(2026, 12, 31), "2026Q4", "2026年四季度", date(2026, 12, 31)),
        ("quarter", date(2026, 8, 1), "2026Q3", "2026年三季度", date(2026, 9, 30)),
        ("year", date(2024, 2, 29), "2024", "2024年", date(2024, 12, 31)),
    ],
)
def test_periods(kind, day, code, name, last):
    period = Period.of(kind, day)
    assert (period.code, period.name, period.last) == (code, name, last)


@given(
    st.sampled_from(["month", "quarter", "year"]), st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(-30, 30)
)
def test_periods_follow_each_other_without_a_gap(kind, day, n):
    period = Period.of(kind, day)
    assert period.first <= day <= period.last
    assert period.later(n).later(-n) == period
    assert period.later(1).first == period.last + timedelta(days=1)


def test_what_does_not_recur_has_no_period():
    assert (Period.of("once", DAY).code, Period.of("once", DAY).name) == ("once", "—")


# --- due days, worked by hand ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "months_after", "day", "code", "expected"),
    [
        ("month", 1, 20, "2026-10", date(2026, 11, 20)),
        ("month", 1, 31, "2026-01", date(2026, 2, 28)),
        ("month", 2, 10, "2026-11", date(2027, 1, 10)),
        ("quarter", 1, 25, "2026Q3", date(2026, 10, 25)),
        ("year", 1, 31, "2025", date(2026, 1, 31)),
        ("year", 3, 31, "2025", date(2026, 3, 31)),
    ],
)
def test_a_day_of_a_later_month(config_copy, period, months_after, day, code, expected):
    due = {"kind": "date", "months_after": months_after, "day": day, "basis": "ours"}
    rules = with_items(config_copy, {"period": period, "due": due})
    assert due_on(rules, code, date(2027, 6, 1))["due_on"] == expected


@pytest.mark.parametrize(
    ("started", "working_days", "expected"),
    [
        # Fri 13 Feb; Sat 14 is worked (调休), the festival lasts to Mon 23, Sat 28 is worked: 14, 24, 25, 26, 27, 28
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 2, 13), 6, date(2026, 2, 28)),
        (date(2026, 2, 13), 7, date(2026, 3, 2)),
        # Wed 30 Sep; 1-7 October off, Sat 10 worked: 8, 9, 10, 12 ... 16 (8), 19 ... 23 (13), 26 ... 30 (18), 2, 3 Nov
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        (date(2026, 9, 30), 20, date(2026, 11, 3)),
        # Sat 21 Nov, a weekend day does not count itself: Mon 23 is the first
        (date(2026, 11, 21), 1, date(2026, 11, 23)),
    ],
)
def test_working_days_after_an_event(config_copy, started, working_days, expected):
    due = {"kind": "event", "event": "形成之日", "working_days": working_days, "basis": "ours"}
    rules = with_items(config_copy, {"period": "once", "due": due})
    assert due_on(rules, "once", DAY, started)["due_on"] == expected


def test_calendar_days_run_through_holidays(config_copy):
    due = {"kind": "event", "event": "批复之日", "days": 20, "asked_after_months": 0, "basis": "PB-YS-14"}
    rules = with_items(config_copy, {"period": "year", "due": due})
    assert due_on(rules, "2026", DAY, date(2026, 2, 5))["due_on"] == date(2026, 2, 25)


def test_a_year_without_holiday_notice_is_told(config_copy):
    due = {"kind": "event", "event": "形成之日", "working_days": 20, "basis": "PB-TL-26"}
    row = due_on(with_items(config_copy, {"period": "once", "due": due}), "once", DAY, date(2026, 12, 20))
    assert (row["due_on"], row["unknown"]) == (None, "calendar")
    assert "2027年节假日安排未载入" in row["note"]


def test_an_event_that_nobody_registered_is_asked_for(config_copy):
    due = {"kind": "event", "event": "批复之日", "days": 20, "asked_after_months": 1, "basis": "ours"}
    rules = with_items(config_copy, {"period": "year", "due": due}, since=date(2026, 1, 1))
    row = due_on(rules, "2026", DAY)
    assert (row["due_on"], row["unknown"], row["note"]) == (None, "start", "请登记批复之日")
    assert due_frame(rules, {}, set(), date(2026, 1, 31)).height == 0  # not before February


def test_releases_of_the_calendar(config_copy):
    due = {"kind": "release", "release": "国民经济运行情况", "working_days": 20, "basis": "PB-TL-26"}
    rules = with_items(config_copy, {"due": due}, since=date(2026, 1, 1))
    rows = {row["period"]: row for row in due_frame(rules, {}, set(), date(2026, 12, 31)).iter_rows(named=True)}
    # January's figures come with February's, in March
    assert list(rows) == ["2025-12", *(f"2026-{month:02d}" for month in range(2, 12))]
    # 20 October at the latest; then 21-23, 26-30, 2-6, 9-13 (18), 16, 17 November
    assert rows["2026-09"]["due_on"] == date(2026, 11, 17)
    assert rows["2026-09"]["note"] == "发布日程按惯例推算，待核对"
    # 20 December and 20 working days lead into a year without notice
    assert (rows["2026-11"]["due_on"], rows["2026-11"]["unknown"]) == (None, "calendar")
    later = {row["period"]: row for row in due_frame(rules, {}, set(), date(2027, 1, 2)).iter_rows(named=True)}
    assert (later["2026-12"]["unknown"], later["2026-12"]["note"]) == ("calendar", "2027年发布日程未载入")


def test_the_bulletin_of_the_year_before_comes_out_in_spring(config_copy):
    due = {"kind": "release", "release": "县国民经济和社会发展统计公报", "basis": "ours"}
    rules = with_items(config_copy, {"period": "year", "due": due}, since=date(2026, 1, 1))
    rows = due_frame(rules, {}, set(), DAY)
    assert rows.select("period", "due_on").rows() == [("2025", date(2026, 3, 31))]


# --- configuration ---------------------------------------------------------------------------------------------------


def test_the_shipped_rules_hold_and_each_says_its_source(root):
    rules = load(root / "config")
    assert len(rules.publications.items) >= 9
    words = {item.id: basis_words(item, rules.policy) for item in rules.publications.items}
    assert "《中华人民共和国预算法》第十四条第二款" in words["budget"]
    assert "20日内" in words["budget"]
    assert "本单位规定" in words["bulletin"]
    assert "起算点：本单位约定" in words["economy"]
    assert all("时限：" in text for text in words.values())


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('unit = "census"', 'unit = "zoo"', "items.agri_census.unit: 'zoo' is no unit"),
        ('basis = ["PB-TL-49"]', 'basis = ["PB-XX"]', "items.openness_report.basis: unknown basis 'PB-XX'"),
        ("day = 31", "day = 30", "items.openness_report.due.basis: PB-TL-49 does not set this length"),
        ("working_days = 20, asked_from", "working_days = 15, asked_from", "items.agri_census.due.basis: PB-TL-26"),
        ('release = "国民经济运行情况"', 'release = "国民经济"', "items.economy.due.release: no release"),
        ('kind = "date"', 'kind = "moon"', "items.7.due"),
        ("soon_days = 7 ", "soon_weeks = 1\nsoon_days = 7 ", "soon_weeks: Extra inputs"),
        ('id = "accounts"', 'id = "budget"', "given twice: budget"),
        ('titles = ["(部门|单位)预算"]', 'titles = ["(部门"]', "no expression"),
    ],
)
def test_a_fault_names_file_and_field(config_copy, old, new, fault):
    path = config_copy / "publications.toml"
    text = path.read_text("utf8")
    assert old in text
    path.write_text(text.replace(old, new), "utf8")
    with pytest.raises(ConfigError, match=r"publications\.toml") as error:
        load(config_copy)
    assert fault in str(error.value)


# --- titles ----------------------------------------------------------------------------------------------------------


def found_in(root: Path, title: str, published: date | None = date(2026, 11, 21), board: str | None = None):
    posts = pl.DataFrame(
        {
            "title": [title],
            "board": [board],
            "source_name": ["蒙城县人民政府网"],
            "url": ["https://example.org/1"],
            "published_on": [published],
            "found_on": [DAY],
        },
        schema_overrides={"board": pl.String, "published_on": pl.Date},
    )
    return recognise(posts, load(root / "config").publications.items, OFFICE).select("item", "period").rows()


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("2026年1—10月蒙城县经济运行情况", ("economy", "2026-10")),
        ("2026年1-10月份全县经济运行简况", ("economy", "2026-10")),
        ("蒙城县2026年前10个月经济运行分析", ("economy", "2026-10")),
        ("2026年10月份全县主要经济指标完成情况", ("economy", "2026-10")),
        ("2026年前三季度全县经济运行情况", ("economy", "2026-09")),
        ("2026年上半年蒙城县经济运行情况", ("economy", "2026-06")),
        ("二〇二五年全县经济运行情况", ("economy", "2025-12")),
        ("蒙城县2025年国民经济和社会发展统计公报", ("bulletin", "2025")),
        ("蒙城县统计局2026年部门预算", ("budget", "2026")),
        ("蒙城县统计局2025年度部门决算公开", ("accounts", "2025")),
        ("蒙城县统计局2025年度“三公”经费决算情况", ("three_public_accounts", "2025")),
        ("蒙城县统计局2026年“三公”经费预算", ("three_public_budget", "2026")),
        ("蒙城县统计局2025年政府信息公开工作年度报告", ("openness_report", "2025")),
        ("蒙城县统计局政务舆情回应制度", ("response_rule", "once")),
        ("县统计局主要职能", ("functions", "once")),
    ],
)
def test_titles_that_are_recognised(root, title, expected):
    assert found_in(root, title) == [expected]


@pytest.mark.parametrize(
    "title",
    [
        "2026年10月份国家统计局国民经济运行情况",  # the nation's
        "乐土镇2026年上半年经济运行情况",  # a town's
        "县政府召开2026年三季度经济运行情况调度会",  # a meeting
        "全县经济运行情况持续向好",  # no period
        "2025年决算与2026年部门预算",  # two years
        "2026年12月份全县经济运行情况",  # not over yet
        "蒙城县教育局2026年部门预算",  # another office
        "图解蒙城县2025年国民经济和社会发展统计公报",
        "关于入户调查的说明",
        "",
    ],
)
def test_titles_that_are_not(root, title):
    assert found_in(root, title) == []


def test_a_board_of_the_office_speaks_for_its_titles(root):
    assert found_in(root, "2026年部门预算公开", board="蒙城县统计局") == [("budget", "2026")]


@given(title=st.text("2026年1—10月份三季度上半二〇“”三公经费预算决算情况县统计局 ", max_size=30))
def test_no_title_breaks_it_and_every_proposal_has_a_period(title):
    rows = found_in(Path(__file__).parents[2], title)
    assert all(period and (period == "once" or period.startswith("20")) for _, period in rows)


# --- how it stands ---------------------------------------------------------------------------------------------------


def stand(
    due: date | None = date(2026, 11, 20),
    *,
    found: tuple[date | None, date] | None = None,
    said: tuple[date | None, date] | None = None,
    started: date | None = None,
    unknown: str | None = None,
    day: date = DAY,
) -> dict[str, Any]:
    key = {"item": "thing", "period": "2026-10"}
    row = {**dict.fromkeys(DUE), **key, "due_on": due, "unknown": unknown, "started_on": started}
    pages = [{**key, "url": "https://example.org/1", "published_on": found[0], "found_on": found[1]}] if found else []
    words = [{**key, "url": None, "published_on": said[0], "said_on": said[1]}] if said else []
    rows = judge(
        pl.DataFrame([row], schema=DUE),
        pl.DataFrame(pages, schema=FOUND),
        pl.DataFrame(words, schema=SAID),
        day,
        end_of_day(day),
        soon_days=7,
        shown_days=400,
    )
    assert rows.height == 1
    return rows.row(0, named=True)


NINETEENTH, TWENTIETH, LAST = date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 22)


@pytest.mark.parametrize(
    ("values", "state", "days_left", "overdue_days", "source"),
    [
        ({"due": DAY}, "due_soon", 0, 0, None),  # its last day
        ({"due": DAY + timedelta(days=7)}, "due_soon", 7, 0, None),
        ({"due": DAY + timedelta(days=8)}, "not_due", 8, 0, None),
        ({}, "overdue", None, 2, None),
        ({"due": None, "unknown": "calendar"}, "unknown_calendar", None, None, None),
        ({"due": None, "unknown": "start"}, "unknown_start", None, None, None),
        ({"found": (TWENTIETH, LAST)}, "published", None, 0, "crawled"),
        ({"found": (date(2026, 11, 21), LAST)}, "published_late", None, 1, "crawled"),
        ({"found": (None, TWENTIETH)}, "published", None, 0, "crawled"),  # seen in time
        ({"found": (None, LAST)}, "published", None, None, "crawled"),  # may have been there before
        ({"due": None, "unknown": "start", "found": (TWENTIETH, LAST)}, "published", None, None, "crawled"),
        ({"said": (NINETEENTH, LAST)}, "published", None, 0, "person"),
        ({"said": (LAST, LAST), "found": (NINETEENTH, NINETEENTH)}, "published_late", None, 2, "person"),
        ({"said": (None, LAST), "found": (NINETEENTH, NINETEENTH)}, "overdue", None, 2, None),  # it was another thing
        ({"said": (None, NINETEENTH), "found": (TWENTIETH, TWENTIETH)}, "published", None, 0, "crawled"),  # found since
        ({"started": NINETEENTH, "found": (date(2020, 7, 14), LAST)}, "overdue", None, 2, None),  # the old version
        ({"started": NINETEENTH, "said": (date(2020, 7, 14), LAST)}, "overdue", None, 2, None),
        ({"started": NINETEENTH, "found": (NINETEENTH, LAST)}, "published", None, 0, "crawled"),
    ],
)
def test_states(values, state, days_left, overdue_days, source):
    row = stand(**values)
    assert [row[name] for name in ("state", "days_left", "overdue_days", "source")] == [
        state, days_left, overdue_days, source,
    ]  # fmt: skip


def test_the_most_urgent_stands_first_and_old_news_leave_the_list():
    key = {"item": "thing"}
    days = {
        "2026-01": -30,
        "2026-02": -2,
        "2026-03": 3,
        "2026-04": 60,
        "2026-05": -10,
        "2026-06": None,
        "2024-01": -900,
    }
    rows = [
        {**dict.fromkeys(DUE), **key, "period": p, "due_on": d and DAY + timedelta(days=d), "unknown": "start"}
        for p, d in days.items()
    ]
    pages = [
        {**key, "period": period, "url": f"https://example.org/{period}", "published_on": on, "found_on": on}
        for period, on in (("2026-05", date(2026, 11, 1)), ("2024-01", date(2024, 6, 1)))
    ]
    listed = judge(
        pl.DataFrame(rows, schema=DUE),
        pl.DataFrame(pages, schema=FOUND),
        pl.DataFrame(schema=SAID),
        DAY,
        end_of_day(DAY),
        soon_days=7,
        shown_days=400,
    )
    assert listed["period"].to_list() == ["2026-01", "2026-02", "2026-03", "2026-06", "2026-04", "2026-05"]
    assert listed["position"].to_list() == [1, 2, 3, 4, 5, 6]
    assert set(listed["state"]) <= set(STATE_NAMES)


@given(
    st.none() | st.integers(-50, 50),
    st.none() | st.tuples(st.none() | st.integers(-50, 0), st.integers(-50, 0)),
    st.none() | st.tuples(st.none() | st.integers(-50, 0), st.integers(-50, 0)),
)
def test_nothing_is_overdue_by_a_guess_and_nothing_published_by_nobody(due, found, said):
    def days(pair):
        return pair and (pair[0] if pair[0] is None else DAY + timedelta(days=pair[0]), DAY + timedelta(days=pair[1]))

    due_day = None if due is None else DAY + timedelta(days=due)
    row = stand(due_day, found=days(found), said=days(said), unknown=None if due_day else "start")
    published = row["state"] in ("published", "published_late")
    assert published == (row["source"] is not None)
    assert (row["state"] == "overdue") == (not published and due_day is not None and due_day < DAY)
    assert row["days_left"] is None or (not published and row["days_left"] >= 0)
    if due_day is None:
        assert row["overdue_days"] is None


# --- the job ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def env(config_copy, tmp_path) -> Env:
    source = """
id = "open"
name = "信息公开"
family = "list_detail"
class = "disclosure"
reach = "county"
place = "341622"
min_delay_seconds = 0
[list]
urls = ["http://127.0.0.1:1/list.html"]
item = "li"
link = "a"
"""
    (config_copy / "sources" / "open.toml").write_text(source, "utf8")
    return Env.open(Settings(home=tmp_path / "home", config=config_copy))


def land(env: Env, day: date, title: str, published: datetime, source_id: str = "open") -> None:
    """One clean post."""
    usual = {"string": "x", "boolean": False, "timestamp": end_of_day(day) - timedelta(hours=1), "date": day}
    contract = env.contracts["clean.posts"]
    row = {c.name: None if c.null_means else usual[c.type] for c in contract.columns} | {
        "title": title, "source_id": source_id, "url": "https://example.org/a", "published_at": published,
        "published_precision": "day", "post_id": "00000000000000aa",
    }  # fmt: skip
    env.lake.replace("clean.posts", day, pl.DataFrame([row], schema=contract.polars_schema()))


def register(env: Env, name: str, at: datetime, **payload: Any) -> None:
    with env.register() as book, book.writing() as page:
        page.append(
            "publications", name, states=(None, None), actor=Actor("openness_office", "office"), on_behalf=None, at=at,
            codes=payload, texts={}, idempotency_key=None,
        )  # fmt: skip


def row_of(env: Env, day: date, item: str, period: str) -> dict[str, Any]:
    publications(env, day, end_of_day(day))
    return env.lake.read("ops.publications", day).row(
        by_predicate=(pl.col("item") == item) & (pl.col("period") == period), named=True
    )


def test_a_page_of_the_own_portal_is_found_and_stays_known(env):
    before = row_of(env, DAY - timedelta(days=1), "accounts", "2025")
    assert (before["state"], before["unit"]) == ("unknown_start", "openness")
    land(env, DAY, "蒙城县统计局2025年度部门决算公开", datetime(2026, 10, 8, 16, tzinfo=UTC))
    found = row_of(env, DAY, "accounts", "2025")
    assert (found["state"], found["source"], found["published_on"]) == ("published", "crawled", date(2026, 10, 9))
    # its text is gone half a year later, the list still knows
    later = row_of(env, DAY + timedelta(days=200), "accounts", "2025")
    assert (later["published_on"], later["found_on"]) == (date(2026, 10, 9), DAY)


def test_pages_of_others_do_not_count(env):
    land(env, DAY, "蒙城县统计局2025年度部门决算公开", datetime(2026, 10, 8, 16, tzinfo=UTC), source_id="forum")
    assert row_of(env, DAY, "accounts", "2025")["source"] is None


def test_people_have_the_last_word(env):
    at = end_of_day(DAY) - timedelta(hours=2)
    register(env, "publication_started", at, item="accounts", period="2025", started_on="2026-09-30")
    row = row_of(env, DAY, "accounts", "2025")
    assert (row["due_on"], row["state"], row["overdue_days"]) == (date(2026, 10, 20), "overdue", 33)
    register(
        env, "publication_noted", at, item="accounts", period="2025", published_on="2026-10-20", url="https://x.cn/1"
    )
    row = row_of(env, DAY, "accounts", "2025")
    assert (row["state"], row["source"], row["url"]) == ("published", "person", "https://x.cn/1")
    register(env, "publication_noted", at, item="accounts", period="2025", published_on=None, url=None)
    assert row_of(env, DAY, "accounts", "2025")["state"] == "overdue"
    # as of a moment before all that
    assert due_rows(env, DAY, at - timedelta(hours=1)).filter(item="accounts", period="2025")["state"].item() == (
        "unknown_start"
    )


def test_the_list_for_the_day_is_what_somebody_must_see_to(env):
    land(env, DAY, "2026年1—10月蒙城县经济运行情况", datetime(2026, 11, 20, 16, tzinfo=UTC))
    rows = due_rows(env, DAY)
    assert rows.row(0, named=True)["period"] == "2026-09"  # overdue since 17 November
    assert rows.filter(item="economy", period="2026-10")["source"].item() == "crawled"  # to be confirmed
    assert "not_due" not in set(rows["state"])


def test_a_day_run_again_is_the_same(env):
    land(env, DAY, "蒙城县统计局2025年度部门决算公开", datetime(2026, 10, 8, 16, tzinfo=UTC))
    folder = env.lake.directory("ops.publications", DAY)
    publications(env, DAY, end_of_day(DAY))
    first = (folder / "data.parquet").read_bytes()
    publications(env, DAY, end_of_day(DAY))
    assert (folder / "data.parquet").read_bytes() == first


# --- said on the command line ----------------------------------------------------------------------------------------


OFFICE_ACTOR = Actor("openness_office", "office1")


@pytest.fixture
def desk(tmp_path: Path, config_copy: Path) -> Env:
    """Two monthly items without anything found; the list begins with October."""
    path = config_copy / "publications.toml"
    items = "".join(
        f'[[items]]\nid = "{name}"\nname = "{words}"\nperiod = "{period}"\nunit = "general"\nbasis = ["ours"]\n'
        f"due = {due}\n"
        for name, words, period, due in (
            ("figures", "主要指标", "month", '{ kind = "date", months_after = 1, day = 20, basis = "ours" }'),
            ("rule", "某制度", "once", '{ kind = "event", event = "印发之日", working_days = 20, basis = "PB-TL-26" }'),
        )
    )
    path.write_text("since = 2026-10-01\nsoon_days = 7\nshown_days = 400\n" + items, "utf8")
    at = datetime(2026, 11, 22, 3, tzinfo=UTC)
    return Env.open(Settings(home=tmp_path / "home", config=config_copy, as_of=at))


def test_the_list_says_what_is_overdue_and_by_when(desk):
    listing = publication_listing(desk, DAY)
    assert listing.cells == [
        ("figures", "2026-09", "主要指标", "已超期", "2026-10-20 前，超期 33 天", None, "综合股", None),
        ("figures", "2026-10", "主要指标", "已超期", "2026-11-20 前，超期 2 天", None, "综合股", None),
        ("rule", "once", "某制度", "起算日待登记", "请登记印发之日", None, "综合股", None),
    ]
    rows = listing.values
    assert [(row["item"], row["state"]) for row in rows][-1] == ("rule", "unknown_start")


def test_done_takes_the_oldest_that_waits_and_the_same_word_counts_once(desk):
    url = "https://www.example.gov.cn/2026/10.html"
    first = note_published(desk, "figures", date(2026, 10, 19), url, OFFICE_ACTOR)
    assert first.payload == {"item": "figures", "period": "2026-09", "published_on": "2026-10-19", "url": url}
    again = note_published(desk, "figures", date(2026, 10, 19), url, OFFICE_ACTOR, period="2026-09")
    assert again.event_id == first.event_id
    second = note_published(desk, "figures", date(2026, 11, 22), None, OFFICE_ACTOR)
    assert second.payload["period"] == "2026-10"
    assert not any(row["item"] == "figures" for row in publication_listing(desk, DAY).values)
    states = {cells[1]: cells[3] for cells in publication_listing(desk, DAY, everything=True).cells}
    assert (states["2026-09"], states["2026-10"]) == ("已公开", "逾期公开")
    # taken back, and said again: the last word counts
    note_published(desk, "figures", None, None, OFFICE_ACTOR, period="2026-10")
    assert any(row["period"] == "2026-10" for row in publication_listing(desk, DAY).values)
    back = note_published(desk, "figures", date(2026, 11, 22), None, OFFICE_ACTOR, period="2026-10")
    assert back.event_id != second.event_id
    assert not any(row["period"] == "2026-10" for row in publication_listing(desk, DAY).values)


def test_a_start_makes_a_due_day(desk):
    note_started(desk, "rule", date(2026, 11, 2), OFFICE_ACTOR)
    (cells,) = [cells for cells in publication_listing(desk, DAY, everything=True).cells if cells[0] == "rule"]
    assert "2026-11-30 前" in cells
    with pytest.raises(UsageError, match="does not run from a day"):
        note_started(desk, "figures", date(2026, 11, 2), OFFICE_ACTOR, period="2026-10")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("moon", date(2026, 11, 1), None), "no publication 'moon'.*known: figures, rule"),
        (("figures", date(2026, 12, 1), None), "still to come"),
        (("figures", date(2026, 11, 1), "2026年10月"), "write it as 2026-11"),
        (("figures", date(2026, 11, 1), "2027-06"), "no period"),
        (("rule", date(2026, 11, 1), "2026"), "write it as once"),
    ],
)
def test_what_is_no_publication_is_refused(desk, given, said):
    item, on, period = given
    with pytest.raises(UsageError, match=said):
        note_published(desk, item, on, None, OFFICE_ACTOR, period=period)


def test_where_nothing_waits_the_period_must_be_named(desk):
    for month in (9, 10):
        note_published(desk, "figures", date(2026, 11, 2), None, OFFICE_ACTOR, period=f"2026-{month:02d}")
    with pytest.raises(UsageError, match="--period"):
        note_published(desk, "figures", date(2026, 11, 2), None, OFFICE_ACTOR)
    with pytest.raises(GuardError, match="链接"):
        note_published(desk, "rule", date(2026, 11, 2), "见公告栏", OFFICE_ACTOR)
