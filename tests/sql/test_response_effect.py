"""marts.response_effect: figures against hand-worked counts; small numbers and open windows make none."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caifeng.core.clock import end_of_day
from expectations.gate import check
from tests.sql.review_town import Town, contracts

DAY = date(2026, 11, 26)
ISSUE = "YQ-2026-0001"
RULES = "rules-1"
USUAL: dict[str, Any] = {
    "voices_before": 10, "voices_after": 8, "judged_before": 8, "negative_before": 6, "judged_after": 5,
    "negative_after": 2, "voices_later": 12, "quoting": 3, "questions_new": 1, "peak_before": 4, "peak_after": 2,
    "least_voices": 5, "window_complete": True,
}  # fmt: skip


class Answered:
    def __init__(self, folder: Path) -> None:
        self.town = Town(folder)

    def count(self, day: date = DAY, issue_no: str = ISSUE, **values: Any) -> None:
        times = {"published_at": end_of_day(day) - timedelta(days=4), "window_ends_at": end_of_day(day)}
        row = {"event_id": f"{issue_no}#5", "kind": "final", **times, **USUAL, **values}
        self.town.add("graded.response_counts", day, issue_no=issue_no, **row)

    def rows(self, day: date = DAY) -> pl.DataFrame:
        self.town.fill()
        self.town.warehouse.build_marts(day, end_of_day(day), RULES)
        return self.town.warehouse.read("marts.response_effect", day)


@pytest.fixture
def answered(tmp_path: Path) -> Answered:
    return Answered(tmp_path)


def test_figures_are_those_worked_by_hand(answered: Answered) -> None:
    answered.town.add("graded.issues", DAY - timedelta(days=1), issue_no=ISSUE, title="旧标题", topic="income")
    answered.town.add("graded.issues", DAY, issue_no=ISSUE, title="楚村收入", topic="income")
    answered.count()
    row = answered.rows().row(0, named=True)
    # 8 in two days is 4 a day, against 10
    assert row["volume_drop"] == 0.6
    # 2 of 5 is 40 %, 6 of 8 is 75 %
    assert row["negative_change"] == -35.0
    assert row["quoting_share"] == 0.25
    assert (row["questions_new"], row["second_wave"]) == (1, False)
    assert (row["title"], row["caution"], row["rule_version"]) == ("楚村收入", "时间上的关联，不证明因果", RULES)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"voices_before": 4, "peak_before": 4}, {"volume_drop": None}),
        ({"voices_before": 5, "voices_after": 0, "judged_after": 0, "negative_after": 0, "peak_after": 0},
         {"volume_drop": 1.0, "negative_change": None}),
        ({"voices_before": 5, "voices_after": 20}, {"volume_drop": -1.0}),
        ({"voices_before": 0, "judged_before": 0, "negative_before": 0, "peak_before": 0},
         {"volume_drop": None, "negative_change": None, "second_wave": None}),
        ({"judged_after": 4}, {"negative_change": None}),
        ({"judged_before": 4, "negative_before": 4}, {"negative_change": None}),
        ({"negative_before": 0, "negative_after": 0}, {"negative_change": 0.0}),
        ({"voices_later": 4, "quoting": 4}, {"quoting_share": None, "quoting": 4}),
        ({"quoting": None}, {"quoting_share": None, "quoting": None}),
        ({"quoting": 0}, {"quoting_share": 0.0, "quoting": 0}),
        ({"peak_after": 5}, {"second_wave": True}),
        ({"peak_after": 4}, {"second_wave": False}),
        ({"window_complete": False},
         {"volume_drop": None, "negative_change": None, "second_wave": None, "quoting_share": 0.25}),
        ({"window_complete": False, "peak_after": 5}, {"second_wave": True}),
    ],
)  # fmt: skip
def test_small_numbers_and_open_windows_make_no_figure(answered: Answered, counts, expected) -> None:
    answered.count(**counts)
    row = answered.rows().row(0, named=True)
    assert {name: row[name] for name in expected} == expected


def test_one_row_per_answered_issue_of_the_day(answered: Answered) -> None:
    answered.count(DAY - timedelta(days=1))
    answered.count()
    answered.count(issue_no="YQ-2026-0002", kind="interim")
    rows = answered.rows()
    assert rows["issue_no"].to_list() == [ISSUE, "YQ-2026-0002"]
    assert rows["kind"].to_list() == ["final", "interim"]
    assert rows["title"].to_list() == [None, None]


def test_the_gate_passes_what_the_select_makes(answered: Answered) -> None:
    answered.count()
    answered.count(issue_no="YQ-2026-0002", voices_before=0, judged_before=0, negative_before=0, peak_before=0)
    contract = contracts()["marts.response_effect"]
    rows = answered.rows().drop("day").cast(dict(contract.polars_schema()))  # type: ignore[arg-type]
    assert rows.height == 2
    report = check("marts.response_effect", rows, contract)
    assert [result.rule.key for result in report.results if result.success is False] == []
