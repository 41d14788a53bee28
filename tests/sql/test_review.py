"""The month's review: formulas, and the cases at their edges."""

import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlglot

from tests.sql.review_town import FIRST, LAST, OCTOBER, Town, beijing, contracts

ROOT = Path(__file__).parents[2]
MONTHLY = sorted(table for table, contract in contracts().items() if contract.partition in ("month", "period"))
TOLD = "self_found", "missed", "missed_major"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_month_without_any_run_is_unknown_not_zero(town: Town) -> None:
    town.review()
    rows = town.read("review_month")
    assert rows.height > 30
    assert rows["value"].null_count() == rows.height
    assert set(rows["missing"]) == {"not_run", "not_recorded"}
    for mart in ("review_issues", "review_items", "review_breakdown", "kpi_unit"):
        assert town.read(mart).is_empty()


def test_a_month_with_days_but_nothing_found(town: Town) -> None:
    for day in range(1, 31):
        town.run_day(date(2026, 11, day), zero_report=True, observations=10)
    town.review()
    assert town.rate("issues") == (0, None, 0.0)
    assert town.rate("observations") == (300, None, 300.0)
    assert town.rate("zero_report_days") == (30, None, 30.0)
    assert town.rate("days_run") == (30, 30, 1.0)
    assert town.rate("sources_checked") == (30, 60, 0.5)
    assert town.rate("found_in_time") == (0, 0, None)
    assert town.figure("found_in_time")["missing"] == "no_case"
    # Nobody exported the register: nothing is known of duties, which is not 100 %.
    assert town.figure("respond_on_time")["missing"] == "no_register"
    assert town.rate("respond_on_time") == (None, None, None)


def test_days_that_were_not_run_are_missed_but_not_before_the_first(town: Town) -> None:
    for day in (11, 12, 15):
        town.run_day(date(2026, 11, day))
    town.review()
    assert town.rate("days_run") == (3, 20, 0.15)


def test_open_overdue_duties_stand_in_the_denominator(town: Town) -> None:
    town.run_day(LAST)
    due, later = beijing(12), beijing(12, month=12)
    town.case("A", due={"respond": (due, beijing(11)), "verify": (due, due)}, unit="social")
    town.case("B", due={"respond": (due, None), "verify": (due, beijing(12, 0.01))}, unit="social")
    town.case("C", due={"respond": (due, None)})
    town.case("D", due={"respond": (later, None)}, unit="social")  # not due in this month
    town.case("E", due={"respond": (later, beijing(20))}, unit="social")  # answered early; December counts it
    town.review()
    assert town.rate("respond_on_time") == (1, 3, 0.3333)
    assert town.rate("verify_on_time") == (1, 2, 0.5)
    assert town.rate("open_overdue") == (2, None, 2.0)
    assert town.unit("social", "respond_on_time")["denominator"] == 2
    assert town.unit("unassigned", "respond_on_time")["value"] == 0.0
    assert town.unit("social", "open_overdue")["value"] == 1.0
    assert town.unit("unassigned", "verify_on_time")["denominator"] == 0
    assert town.unit("unassigned", "verify_on_time")["value"] is None


def test_a_duty_counts_in_the_month_in_which_it_falls_due_and_in_no_other(town: Town) -> None:
    for last in (OCTOBER, LAST):
        town.run_day(last)
    at_midnight = beijing(1)  # 24:00 of 31 October
    town.case("A", OCTOBER, due={"verify": (at_midnight, None)}, started_at=beijing(20, month=10))
    town.case("A", LAST, due={"verify": (at_midnight, None)}, started_at=beijing(20, month=10))
    town.case("B", LAST, due={"verify": (at_midnight + timedelta(seconds=1), None)}, started_at=beijing(20, month=10))
    town.review(OCTOBER)
    town.review(LAST)
    assert town.rate("verify_on_time", OCTOBER) == (0, 1, 0.0)
    assert town.rate("verify_on_time") == (0, 1, 0.0)
    assert town.rate("open_overdue") == (2, None, 2.0)  # both are still open


def test_a_snapshot_from_before_the_due_time_says_nothing(town: Town) -> None:
    town.run_day(LAST)
    town.case("A", date(2026, 11, 11), due={"verify": (beijing(13), None), "respond": (beijing(12), beijing(11))})
    town.review()
    assert town.rate("verify_on_time") == (0, 0, None)
    assert town.rate("respond_on_time") == (1, 1, 1.0)


def test_a_case_that_was_opened_again_counts_once_for_each_time(town: Town) -> None:
    town.run_day(LAST)
    town.case("A", date(2026, 11, 12), due={"verify": (beijing(12), beijing(11))}, reopened=0)
    town.case("A", LAST, due={"verify": (beijing(22), None)}, started_at=beijing(20), reopened=1)
    town.review()
    assert town.rate("verify_on_time") == (1, 2, 0.5)


def test_answers_are_held_against_their_own_limit(town: Town) -> None:
    town.run_day(LAST)
    for number, (hours, done) in enumerate([(5, 4), (24, 25), (48, 40), (48, None), (72, 1)]):
        done_at = None if done is None else beijing(10, done)
        town.case(f"C{number}", due={"respond": (beijing(10, hours), done_at)}, first_published_at=done_at)
    town.review()
    assert town.rate("respond_5h") == (1, 1, 1.0)
    assert town.rate("respond_24h") == (0, 1, 0.0)
    assert town.rate("respond_48h") == (1, 2, 0.5)
    assert town.rate("respond_on_time") == (3, 5, 0.6)
    assert town.figure("first_response_median")["value"] == 14.5  # of 1, 4, 25, 40
    assert town.figure("first_response_median")["denominator"] == 4
    assert town.figure("first_response_p90")["value"] == 35.5


@pytest.mark.parametrize(
    ("hours", "level", "precision", "verdict"),
    [
        (24, "general", "minute", True),
        (24.01, "general", "minute", False),
        (2, "major", "minute", True),
        (2.01, "major", "minute", False),
        (30, "general", "day", None),
        (48.01, "general", "day", False),
        (10, "general", "day", True),
        (None, "general", "unknown", None),
    ],
)
def test_found_in_time(town: Town, hours: float | None, level: str, precision: str, verdict: bool | None) -> None:
    town.run_day(LAST)
    town.issue(beijing(10), level=level, hours_before=hours, precision=precision)
    town.issue(beijing(10), level="context", hours_before=500)  # national news is not the office's to find
    town.review()
    assert town.rate("found_in_time")[:2] == ((0, 0) if verdict is None else (int(verdict), 1))


def test_an_issue_belongs_to_its_month_by_shanghai_time(town: Town) -> None:
    town.run_day(LAST)
    before, inside, after = beijing(1, -0.01), beijing(30, 23.99), beijing(31, 0.01)
    assert (before.month, inside.month, after.month) == (10, 11, 11)  # by UTC
    for moment in (before, inside, after):
        town.issue(moment)
    town.review()
    assert town.read("review_issues")["detected_at"].to_list() == [inside]
    assert town.rate("issues") == (1, None, 1.0)


def test_logs_are_due_on_the_next_weekday_and_the_rest_of_the_month_counts_as_missing(town: Town) -> None:
    for day in range(1, 31):
        town.run_day(date(2026, 11, day))
        town.case("A", date(2026, 11, day))
    for day in range(1, 29):  # 28 and 29 November are a weekend, due on Monday the 30th
        town.add(
            "cases.events", date(2026, 11, day), event_id=f"daily_log#{day}", event="log_signed",
            log_day=date(2026, 11, day), at=beijing(day, 33), decided_at=beijing(day, 33),
        )  # fmt: skip
    town.review()
    # The log of the 30th is due on 1 December.
    assert town.rate("log_signed") == (28, 29, 0.9655)
    missed = town.read("review_items").filter(pl.col("figure") == "log_signed", ~pl.col("hit"))
    assert missed["item"].to_list() == ["2026-11-29"]


def test_agreement_closing_results_and_clarification(town: Town) -> None:
    town.run_day(LAST)
    common = {"confirmed_at": beijing(11), "verified_at": beijing(12), "system_level": "general"}
    town.case("A", **common, confirmed_level="general", outcome="true", state="closed", closed_at=beijing(14),
              result_notice_at=beijing(13), due={"verify": (beijing(13), beijing(12))})  # fmt: skip
    town.case("B", **common, confirmed_level="larger", outcome="partly_true", state="verified",
              due={"verify": (beijing(13), beijing(12)), "respond_final": (beijing(15), None)})  # fmt: skip
    town.case("C", **common, confirmed_level="general", outcome="misunderstanding", final_published_at=beijing(13))
    town.case("D", state="logged_only", reason_code="agreed", due={"confirm": (beijing(11), beijing(11))})
    town.review()
    assert town.rate("level_agreed") == (2, 3, 0.6667)
    assert town.rate("closed") == (1, 2, 0.5)
    assert town.rate("result_told") == (1, 2, 0.5)
    assert town.rate("clarified") == (1, 1, 1.0)
    assert town.rate("confirm_on_time") == (1, 1, 1.0)


def test_returned_and_reopened_follow_the_order_of_the_events(town: Town) -> None:
    town.run_day(LAST)
    town.case("A", unit="social")
    for sequence, event in enumerate(["submit", "return", "submit", "approve", "close", "reopen", "close"], 1):
        moment = beijing(11, sequence)
        town.add("cases.events", date(2026, 11, 11), event_id=f"A#{sequence}", issue_no="A", sequence=sequence,
                 event=event, from_state="assigned", to_state="assigned", at=moment, decided_at=moment)  # fmt: skip
    town.review()
    assert town.rate("returned") == (1, 2, 0.5)
    assert town.rate("reopened") == (1, 2, 0.5)
    assert town.unit("social", "returned")["numerator"] == 1


def test_comparison_with_the_month_before_and_the_year_before(town: Town) -> None:
    for last, posts in ((date(2025, 11, 30), 0), (OCTOBER, 8), (LAST, 10)):
        town.run_day(last, posts_relevant=posts)
        town.review(last)
    row = town.figure("posts_relevant")
    assert (row["value"], row["previous_value"], row["change"]) == (10.0, 8.0, 0.25)
    assert (row["last_year_value"], row["change_on_year"]) == (0.0, None)  # no ratio on a base of 0
    days = town.figure("days_run")
    assert days["change"] == round(days["value"] - days["previous_value"], 4)  # percentage points for rates
    assert town.figure("posts_relevant", OCTOBER)["previous_value"] is None


def test_breakdown_re_adds_and_knows_the_month_before(town: Town) -> None:
    for day in (OCTOBER, LAST):
        town.run_day(day)
    town.issue(beijing(10, month=10), level="larger")
    for level, topic in (("larger", "gdp"), ("general", "gdp"), ("general", "price")):
        town.issue(beijing(10), level=level, topic=topic)
    town.review(OCTOBER)
    town.review()
    rows = town.read("review_breakdown")
    assert rows.group_by("dimension").agg(pl.col("issues").sum()).get_column("issues").to_list() == [3, 3, 3]
    levels = {row["item"]: row for row in rows.filter(dimension="level").iter_rows(named=True)}
    assert (levels["larger"]["issues"], levels["larger"]["previous_issues"], levels["larger"]["change"]) == (1, 1, 0.0)
    assert (levels["general"]["previous_issues"], levels["general"]["change"]) == (0, None)
    assert levels["general"]["share"] == 0.6667


def test_a_confirmed_level_wins_and_duplicates_are_not_the_offices_own(town: Town) -> None:
    town.run_day(LAST)
    first, second = town.issue(beijing(10)), town.issue(beijing(10))
    town.case(first, confirmed_level="major", level="major")
    town.case(second, state="duplicate", parent=first)
    town.review()
    assert town.read("review_issues")["level"].to_list() == ["major", "general"]
    assert (town.rate("issues")[0], town.rate("issues_own")[0]) == (2, 1)


def test_reviewing_again_gives_the_same_and_leaves_other_months_alone(town: Town) -> None:
    for last in (OCTOBER, LAST):
        town.run_day(last)
        town.issue(beijing(9, month=last.month))
        town.case(f"C{last.month}", last, due={"verify": (beijing(20, month=last.month), None)},
                  started_at=beijing(10, month=last.month))  # fmt: skip
        town.review(last)
    before = {(mart, last): town.warehouse.read(mart, last) for mart in MONTHLY for last in (OCTOBER, LAST)}
    assert sum(frame.height > 0 for frame in before.values()) >= 12
    town.review(OCTOBER)
    town.review(LAST)
    for (mart, last), frame in before.items():
        assert town.warehouse.read(mart, last).equals(frame), mart


def test_every_rate_can_be_recomputed_from_its_items(town: Town) -> None:
    town.run_day(LAST)
    for number in range(7):
        done = beijing(11) if number % 3 else None
        town.case(f"C{number}", due={"respond": (beijing(12), done), "verify": (beijing(12), done)})
        town.issue(beijing(10), hours_before=number * 10)
    town.review()
    items = (
        town.read("review_items").group_by("figure").agg(pl.col("hit").sum().cast(pl.Int64), pl.len().cast(pl.Int64))
    )
    swept = 0
    for figure, hits, pieces in items.iter_rows():
        if figure in ("first_response", "open_overdue", "duties_unknown"):
            continue
        swept += 1
        assert town.rate(figure) == (hits, pieces, round(hits / pieces, 4))
    assert swept >= 5


def test_units_are_never_measured_by_how_much_was_complained_about() -> None:
    text = " ".join(c.name + " " + " ".join(c.values or ()) for c in contracts()["marts.kpi_unit"].columns)
    assert "respond_on_time" in text
    assert not re.search(r"complaint|negative|issues|posts|stance|tone|views", text)


@pytest.mark.parametrize("mart", MONTHLY)
def test_one_select_that_transpiles(mart: str) -> None:
    query = (ROOT / f"sql/marts/{mart.removeprefix('marts.')}.sql").read_text("utf8")
    (statement,) = sqlglot.parse(query, read="duckdb")
    assert statement is not None
    assert statement.sql(dialect="spark")
    assert {"period", "as_of", "rule_version"} <= set(contracts()[mart].names)


def test_months_and_days_are_built_apart(town: Town) -> None:
    town.run_day(FIRST)
    assert sorted(town.review()) == MONTHLY
    assert len(MONTHLY) == 9


def test_what_a_person_noted_goes_before_what_was_found_on_the_page(town: Town) -> None:
    town.run_day(LAST)
    same = {"noted_on": date(2026, 11, 16), "region": "邻省某县", "body": "县统计局", "form": "policy_interpretation"}
    entries = (
        ("found", "一图读懂", "页面开头", None, beijing(20)),
        ("noted", "一图读懂", "同步推出图解", "openness_office", beijing(18)),
        ("alone", "情况说明", "页面开头", None, beijing(19)),
    )
    for row_id, title, summary, role, at in entries:
        town.add(
            "ops.practices", LAST, row_id=row_id, title=title, summary=summary, noted_by_role=role, imported_at=at,
            **same,
        )  # fmt: skip
    town.review()
    rows = town.read("practice_library").sort("title")
    assert rows.select("title", "summary", "noted_by_role").rows() == [
        ("一图读懂", "同步推出图解", "openness_office"),
        ("情况说明", "页面开头", None),
    ]
