"""The twenty questions of docs/analyst.md, run as an analyst would: read only, on the published copy."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from tests.sql.review_town import LAST, ROOT, beijing, november


class Question(NamedTuple):
    """A question of the page."""

    title: str
    sql: str
    columns: list[str]


def questions() -> dict[int, Question]:
    """Title, SQL and promised columns of each, by number."""
    page = (ROOT / "docs" / "analyst.md").read_text("utf8")
    found = {}
    for number, title, body in re.findall(r"^### (\d+)\. (.*?)\n(.*?)(?=^##|\Z)", page, re.DOTALL | re.MULTILINE):
        (sql,) = re.findall(r"```sql\n(.*?)```", body, re.DOTALL)
        promised = re.search(r"^Columns: (.*?)\.(?:\s|$)", body, re.DOTALL | re.MULTILINE)
        assert promised, title
        found[int(number)] = Question(title, sql, re.findall(r"`(\w+)`", promised[1]))
    return found


QUESTIONS = questions()


def sample(folder: Path) -> Path:
    """The invented November with its ledger, grades, posts, answers and releases, published."""
    town = november(folder)
    town.review()
    levels = ("major", "larger", "general", "general", "general", "context", "refer_out")
    for number, level in enumerate(levels):
        issue_no, found = f"YQ-2026-{number + 4:04d}", beijing(3 + number, 9)
        day, answered = date(2026, 11, 3 + number), number < 5 and number != 2
        for shown in (day, LAST):
            town.add(
                "marts.ledger", shown, issue_no=issue_no, detected_at=found, title=f"事项 {number}", level=level,
                system_level="general" if number == 2 else level, confirmed_level=level if number < 5 else None,
                topic_name="居民收入", source_class="board", views=None if number % 2 else 100, comments=0,
                response_value="must" if number < 5 else "log_only", unit="social" if number < 4 else None,
                confirmed_at=found + timedelta(hours=1), assigned_at=found + timedelta(hours=2),
                first_response_at=found + timedelta(hours=10 * (number + 1)) if answered and shown == LAST else None,
                supervisions=number % 2, returns=0, reopened=0, overdue_hours=3.5 if number == 2 else None,
            )  # fmt: skip
            town.add(
                "marts.deadlines", shown, issue_no=issue_no, duty="respond", started_at=found,
                due_at=found + timedelta(hours=48), as_of=beijing(shown.day, 24),
                done_at=found + timedelta(hours=10 * (number + 1)) if answered and shown == LAST else None,
            )  # fmt: skip
            town.add(
                "graded.issue_grades", shown, issue_no=issue_no, as_of=beijing(shown.day, 24), rule_version="rules-1",
                C=80.0, R=40.0, A=20.0, S=10.0, M=0.0, total=34.5, coverage=0.5, level=level, level_by_score="general",
                distinct_docs=number + 1,
            )  # fmt: skip
            town.add(
                "marts.grade_audit", shown, issue_no=issue_no, as_of=beijing(shown.day, 24), rule_version="rules-1",
                total=34.5, total_recomputed=34.5, agrees=True,
            )  # fmt: skip
        town.add("graded.issue_posts", day, issue_no=issue_no, post_id=issue_no, group_id=issue_no)
    for day in (20, 27):
        issue_no = town.issue(beijing(day, 9), topic_name="居民收入")
        town.add("graded.issue_posts", date(2026, 11, day), issue_no=issue_no, post_id=issue_no, group_id=issue_no)
    town.add("cases.responses", date(2026, 11, 4), issue_no="YQ-2026-0004", round_no=1, event_id="YQ-2026-0004#8",
             published_at=beijing(3, 19))  # fmt: skip
    town.add("marts.response_effect", LAST, issue_no="YQ-2026-0004", responded_at=beijing(3, 19), window_complete=True)
    town.add("marts.escalations", LAST, seq=1, issue_no="YQ-2026-0006", level="general", state="verified")
    for day, in_window, issues in ((16, True, 4), (17, True, 2), (20, False, 1)):
        town.add("marts.release_calendar", date(2026, 11, day), indicator="居民收入", topic="income",
                 topic_name="居民收入", first_day=date(2026, 11, 16), in_window=in_window, issues=issues)  # fmt: skip
    town.fill()
    town.warehouse.publish(folder / "analytics.duckdb")
    return folder / "analytics.duckdb"


@pytest.fixture(scope="module")
def analytics(tmp_path_factory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = sample(tmp_path_factory.mktemp("analyst"))
    with duckdb.connect(str(path), read_only=True) as connection:  # noqa: TID251 - as an analyst does
        connection.execute("SET TimeZone = 'Asia/Shanghai'")
        yield connection


def answer(analytics: duckdb.DuckDBPyConnection, number: int) -> list[dict[str, Any]]:
    relation = analytics.sql(QUESTIONS[number].sql)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def test_there_are_twenty_in_chinese_and_english():
    assert sorted(QUESTIONS) == list(range(1, 21))
    for question in QUESTIONS.values():
        chinese, english = question.title.split(" · ")
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert re.fullmatch(r"[\x20-\x7e]+", english)


@pytest.mark.parametrize("number", sorted(QUESTIONS))
def test_every_question_has_an_answer_with_the_columns_it_promises(analytics, number):
    relation = analytics.sql(QUESTIONS[number].sql)
    assert relation.columns == QUESTIONS[number].columns
    assert relation.fetchall()


@pytest.mark.parametrize("number", sorted(QUESTIONS))
def test_the_same_question_has_the_same_answer_in_the_same_order(analytics, number):
    assert answer(analytics, number) == answer(analytics, number)


def test_an_issue_counts_once_however_many_days_it_has(analytics):
    assert sum(row["issues"] for row in answer(analytics, 15)) == 7
    assert sum(row["issues"] for row in answer(analytics, 4)) == 7
    assert sum(row["issues"] for row in answer(analytics, 18)) == 7
    assert sum(sum(value for key, value in row.items() if key != "topic_name") for row in answer(analytics, 19)) == 7


def test_time_to_the_first_answer(analytics):
    rows = {row["level"]: row for row in answer(analytics, 2)}
    assert [*rows] == ["major", "larger", "general"]
    assert rows["major"] == {"level": "major", "owed": 1, "answered": 1, "median_hours": 10.0, "p90_hours": 10.0}
    assert (rows["general"]["owed"], rows["general"]["answered"]) == (3, 2)
    assert (rows["general"]["median_hours"], rows["general"]["p90_hours"]) == (45.0, 49.0)


def test_agreement_and_duties(analytics):
    agreement = answer(analytics, 9)
    assert {row["agreement"] for row in agreement} == {1.0}
    duties = answer(analytics, 10)
    assert duties == [{"duty": "respond", "in_time": 3, "late": 1, "open_overdue": 3, "due": 7, "on_time": 0.429}]


def test_the_arithmetic_of_one_issue_adds_up(analytics):
    rows = answer(analytics, 6)
    assert len(rows) == 5
    assert round(sum(float(row["counts"]) for row in rows), 1) == rows[0]["total"]


def test_coverage_and_silence_are_of_sources(analytics):
    assert {row["name"] for row in answer(analytics, 3)} == {"-"}
    (row,) = answer(analytics, 3)
    assert (row["read"], row["broken"], row["coverage"]) == (30, 30, 0.5)
    assert {row["status"] for row in answer(analytics, 12)} == {"ok", "broken"}


def test_a_number_is_traced_to_its_posts(analytics):
    (first,) = answer(analytics, 13)
    posts = answer(analytics, 14)
    assert set(first["issues"]) == {row["issue_no"] for row in posts} == {"YQ-2026-0012"}
    assert first["counted"] == 1


def test_growth_is_this_week_against_the_week_before(analytics):
    assert answer(analytics, 1) == [{"topic_name": "居民收入", "this_week": 1, "week_before": 1, "growth": 0}]


def test_release_days_against_others(analytics):
    (row,) = answer(analytics, 8)
    assert (row["days_in"], row["issues_in"], row["days_out"], row["issues_out"]) == (2, 3.0, 1, 1.0)


def test_an_answer_marks_the_evaluation_after_it(analytics):
    rows = answer(analytics, 20)
    assert [row["answered"] for row in rows] == [1, 0]


def test_too_few_cases_make_no_rate(analytics):
    rows = answer(analytics, 17)
    few = [row for row in rows if row["denominator"] is not None and row["denominator"] < 5]
    assert few
    assert all(row["value"] is None and row["too_few"] for row in few)


def test_what_is_published_has_no_long_text_and_no_account(analytics):
    tables = analytics.sql("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
    assert {schema for schema, _ in tables} == {"marts", "graded", "cases", "ops"}
    assert [name for schema, name in tables if schema == "ops"] == ["runs"], "how often and how long; no text"
    assert analytics.sql("SELECT max(length(text)) FROM graded.posts").fetchone()[0] <= 200
    with pytest.raises(duckdb.Error, match="read-only"):
        analytics.execute("DELETE FROM marts.ledger")
