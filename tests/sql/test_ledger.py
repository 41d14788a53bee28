"""marts.ledger: one row per issue as it stood last, from log and register."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caifeng.core.clock import end_of_day
from caifeng.core.errors import DataError, UsageError
from caifeng.core.settings import Settings
from caifeng.jobs.base import Env
from caifeng.jobs.ledger import period_code, quarter_days, read_ledger, write_ledger
from tests.sql.review_town import LAST, ROOT, RULES, Town, beijing, contracts

DAY = date(2026, 11, 12)


class Ledger(Town):
    """A town with its ledger of a day."""

    def build(self, day: date = DAY, **moment: Any) -> pl.DataFrame:
        self.fill()
        self.warehouse.build_marts(day, moment.get("as_of", end_of_day(day)), RULES)
        return self.warehouse.read("marts.ledger", day)

    def row(self, issue_no: str, day: date = DAY) -> dict[str, Any]:
        return self.build(day).row(by_predicate=pl.col("issue_no") == issue_no, named=True)

    def event(self, issue_no: str, sequence: int, event: str, day: int, hour: float, **values: Any) -> None:
        at = beijing(day, hour)
        self.add(
            "cases.events", date(2026, 11, day),
            **{"issue_no": issue_no, "event_id": f"{issue_no}#{sequence}", "sequence": sequence, "event": event,
               "at": at, "decided_at": at, "role": "openness_office", "registered_by": "openness_office", **values},
        )  # fmt: skip


@pytest.fixture
def town(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_an_issue_nobody_touched(town: Ledger) -> None:
    issue = town.issue(beijing(10, 9), views=120)
    town.case(issue, DAY, is_open=True, detected_at=beijing(10, 9), started_at=beijing(10, 9),
              due={"confirm": (beijing(10, 18), None), "respond": (beijing(14, 9), None)})  # fmt: skip
    row = town.row(issue)
    assert (row["title"] is None, row["views"], row["reposts"]) == (False, 120, None)
    assert (row["confirm_on_time"], row["respond_on_time"], row["verify_on_time"]) == (False, None, None)
    assert (row["next_duty"], row["next_due_at"], row["respond_due_at"]) == ("confirm", beijing(10, 18), beijing(14, 9))
    assert row["overdue_hours"] == 54.0
    assert (row["supervisions"], row["returns"], row["events"], row["recorder_role"]) == (0, 0, 0, None)
    assert (row["response_urls"], row["reported_to"], row["remedy"]) == ([], [], None)
    assert row["as_of"] == end_of_day(DAY)


def test_an_issue_from_confirming_to_closing(town: Ledger) -> None:
    issue = town.issue(beijing(10, 9))
    steps = [
        ("confirm", 10, 10, {"registered_by": "monitor"}), ("assign", 10, 11, {}), ("submit", 11, 9, {}),
        ("return", 11, 10, {"role": "deputy"}), ("submit", 11, 11, {}), ("approve", 11, 12, {"role": "deputy"}),
        ("supervise", 11, 13, {}), ("close", 12, 9, {}),
    ]  # fmt: skip
    for sequence, (event, day, hour, values) in enumerate(steps, 1):
        town.event(issue, sequence, event, day, hour, **values)
    town.add("cases.responses", DAY - timedelta(days=1), issue_no=issue, round_no=1, form="board_reply",
             registered_at=beijing(11, 14))  # fmt: skip
    town.add("cases.responses", DAY, issue_no=issue, round_no=2, form="portal_notice", url="https://a.example/1",
             registered_at=beijing(12, 8))  # fmt: skip
    town.add("cases.hand_offs", DAY, issue_no=issue, event_id="h", recipient="city_stats", sent_at=beijing(12, 8))
    for day, duties in ((11, {"verify": (beijing(11, 9), None)}), (12, {"respond": (beijing(12, 9), beijing(11, 14))})):
        over = {"state": "closed", "closed_at": beijing(12, 9)} if day == 12 else {"state": "assigned"}
        town.case(issue, date(2026, 11, day), due=duties, outcome="false", events=8, **over)
    row = town.row(issue)
    assert (row["assigned_at"], row["submitted_at"], row["approved_at"]) == (
        beijing(10, 11), beijing(11, 11), beijing(11, 12),
    )  # fmt: skip
    assert (row["supervisions"], row["returns"], row["events"]) == (1, 1, 8)
    assert (row["recorder_role"], row["reviewer_role"], row["remedy"]) == ("monitor", "deputy", "clarify")
    assert (row["response_forms"], row["response_urls"]) == (["board_reply", "portal_notice"], ["https://a.example/1"])
    assert row["reported_to"] == ["city_stats"]
    # Closed without the duty that had been missed by then: it stays missed.
    assert (row["respond_on_time"], row["verify_on_time"], row["overdue_hours"]) == (True, False, 24.0)
    assert (row["next_duty"], row["next_due_at"]) == (None, None)


def test_a_case_that_was_opened_again_starts_anew_but_keeps_its_counts(town: Ledger) -> None:
    issue = town.issue(beijing(9, 9))
    town.event(issue, 1, "assign", 9, 10)
    town.event(issue, 2, "return", 9, 12)
    town.event(issue, 3, "reopen", 12, 9)
    town.case(issue, date(2026, 11, 9), started_at=beijing(9, 9), due={"verify": (beijing(9, 18), None)})
    town.case(issue, DAY, started_at=beijing(12, 9), reopened=1, is_open=True,
              due={"confirm": (beijing(13, 9), None)})  # fmt: skip
    row = town.row(issue)
    assert (row["assigned_at"], row["returns"], row["reopened"]) == (None, 1, 1)
    assert (row["verify_on_time"], row["overdue_hours"]) == (None, None)


def test_a_duty_that_a_lower_level_no_longer_asks_for_is_not_owed(town: Ledger) -> None:
    issue = town.issue(beijing(10, 9))
    town.case(issue, date(2026, 11, 11), due={"report_up": (beijing(11, 9), None)})
    town.case(issue, DAY, is_open=True, state="confirmed", due={"respond": (beijing(14, 9), None)})
    assert town.row(issue)["report_up_on_time"] is None


def test_what_happened_later_is_left_out(town: Ledger) -> None:
    issue = town.issue(beijing(10, 9))
    town.case(issue, DAY)
    town.event(issue, 1, "supervise", 12, 20)
    assert town.build(as_of=beijing(12, 17))["supervisions"].to_list() == [0]
    assert town.build(as_of=beijing(12, 21))["supervisions"].to_list() == [1]


def test_an_issue_without_a_log_is_in_the_ledger_all_the_same(town: Ledger) -> None:
    town.case("YQ-2026-0999", DAY)
    row = town.row("YQ-2026-0999")
    assert (row["title"], row["posts"], row["overrides"]) == (None, None, [])


@pytest.fixture
def env(tmp_path: Path) -> Env:
    """Two days: one issue that is over after the first, one that goes on, one of October."""
    settings = Settings(home=tmp_path / "home", config=ROOT / "config", as_of=end_of_day(LAST))
    env = Env.open(settings)
    town = Ledger(settings.home)
    found = {"over": beijing(10, 9), "going_on": beijing(10, 10), "october": beijing(20, 9, month=10)}
    for issue_no, at in found.items():
        town.issue(at)
        for day in (date(2026, 11, 11), DAY):
            if issue_no != "over" or day != DAY:
                town.case(issue_no, day, detected_at=at, state="assigned" if day == DAY else "confirmed")
    for day in (date(2026, 11, 11), DAY):
        town.build(day)
        town.run_day(day)
    town.fill()
    return env


def test_a_ledger_has_the_issues_of_its_period_each_as_it_stood_last(env: Env) -> None:
    first, last = date(2026, 11, 1), LAST
    now = read_ledger(env, first, last).rows
    assert dict(now.select("issue_no", "state").iter_rows()) == {"going_on": "assigned", "over": "confirmed"}
    before = read_ledger(env, first, last, end_of_day(DAY) - timedelta(hours=1)).rows
    assert dict(before.select("issue_no", "state").iter_rows()) == {"going_on": "confirmed", "over": "confirmed"}


def test_a_ledger_is_written_twice_alike_and_named_by_its_period(env: Env) -> None:
    path = write_ledger(env, *quarter_days("2026-Q4"))
    first = path.read_bytes()
    assert path == env.settings.outputs_dir / "ledger" / "政务舆情台账_2026Q4.xlsx"
    assert write_ledger(env, *quarter_days("2026q4")).read_bytes() == first


def test_a_period_that_was_not_run_is_no_empty_ledger(env: Env) -> None:
    with pytest.raises(DataError, match="no day from 2025-01-01"):
        write_ledger(env, date(2025, 1, 1), date(2025, 1, 31))
    with pytest.raises(UsageError, match="comes after"):
        write_ledger(env, LAST, DAY)
    assert not (env.settings.outputs_dir / "ledger").exists()


@pytest.mark.parametrize("text", ["2026-Q5", "2026", "Q4", "26Q4", "2026-11"])
def test_what_is_no_quarter(text: str) -> None:
    with pytest.raises(UsageError, match="not a quarter"):
        quarter_days(text)


def test_names_of_periods() -> None:
    assert period_code(date(2026, 11, 1), LAST) == "2026-11"
    assert period_code(*quarter_days("2026-Q1")) == "2026Q1"
    assert period_code(date(2026, 1, 1), date(2026, 12, 31)) == "2026"
    assert period_code(DAY, LAST) == "2026-11-12_2026-11-30"
    assert "marts.ledger" in contracts()
