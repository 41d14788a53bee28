"""A small hand-made warehouse for the tests of the month's review: only what a test says differs from the usual."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from caifeng.core.clock import end_of_day
from caifeng.core.contracts import Contract, load_contracts
from caifeng.core.model.publications import Period
from caifeng.core.model.review import ReviewRules
from caifeng.core.warehouse import Warehouse
from caifeng.jobs.review import span_of

ROOT = Path(__file__).parents[2]
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
OCTOBER = date(2026, 10, 31)
RULES = "rules-1"
_USUAL: dict[str, Any] = {"string": "-", "int64": 0, "float64": 0.0, "boolean": False, "list[string]": []}


@cache
def contracts() -> dict[str, Contract]:
    return load_contracts(ROOT / "sql")


def beijing(day: int, hour: float = 0, month: int = 11) -> datetime:
    """A moment of November 2026, or of another month, in Beijing time."""
    return datetime(2026, month, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=hour - 8)


class Town:
    """Tables to fill, and the review of a month."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = Warehouse(folder / "warehouse.duckdb", contracts(), ROOT / "sql")
        self._number = 0
        self._waiting: dict[str, list[dict[str, Any]]] = {}

    def add(self, table: str, day: date, **values: Any) -> None:
        """One row; columns that are not named are null where they may be, else the usual."""
        contract = contracts()[table]
        moment = {"timestamp": end_of_day(day), "date": day}
        row = {
            c.name: values.pop(c.name)
            if c.name in values
            else None
            if c.null_means
            else c.values[0]
            if c.values and c.type == "string"
            else {**_USUAL, **moment}[c.type]
            for c in contract.columns
        }
        assert not values, f"{table} has no column {sorted(values)}"
        self._waiting.setdefault(table, []).append({"day": day, **row})

    def fill(self) -> None:
        """Write the rows added so far."""
        with duckdb.connect(str(self.warehouse.file)) as connection:  # noqa: TID251 - hand-made
            connection.execute("SET TimeZone = 'UTC'")
            for table, rows in self._waiting.items():
                left_out = contracts()[table].lake_only
                schema = {"day": pl.Date, **contracts()[table].polars_schema()}
                schema = {name: kind for name, kind in schema.items() if name not in left_out}
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.split('.')[0]}")
                connection.execute(contracts()[table].ddl())
                loaded = [{name: row[name] for name in schema} for row in rows]
                connection.register("incoming", pl.DataFrame(loaded, schema=schema).to_arrow())
                connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")
                connection.unregister("incoming")
        self._waiting.clear()

    def run_day(self, day: date, **values: Any) -> None:
        """A day that was run, with one source in order and one broken."""
        self.add("marts.daily_summary", day, **values)
        for source, status in (("portal", "ok"), ("paper", "broken")):
            self.add("marts.source_health", day, source_id=source, status=status)

    def issue(
        self, detected_at: datetime, *, level: str = "general", hours_before: float | None = 1, **log: Any
    ) -> str:
        """An issue found at a moment, with the log of its day; returns its number."""
        self._number += 1
        issue_no = f"YQ-2026-{self._number:04d}"
        day = (detected_at + timedelta(hours=8)).date()
        published = None if hours_before is None else detected_at - timedelta(hours=hours_before)
        precision, source = log.pop("precision", "minute"), log.pop("source_id", "-")
        self.add(
            "graded.issues", day, issue_no=issue_no, detected_at=detected_at, first_published_at=published,
            is_new=True, origin_post_id=issue_no, topic=log.get("topic", "gdp"), title=f"事项 {self._number}",
        )  # fmt: skip
        self.add("graded.posts", day, post_id=issue_no, published_precision=precision, source_id=source)
        self.add(
            "marts.daily_log", day,
            **{"issue_no": issue_no, "system_level": level, "level_by_score": level, "topic": "gdp",
               "topic_name": "生产总值", "source_class": "board", "owner_unit": "综合股", **log},
        )  # fmt: skip
        return issue_no

    def case(
        self, issue_no: str, day: date = LAST, *, due: dict[str, tuple[Any, Any]] | None = None, **case: Any
    ) -> None:
        """How a case stood at the end of a day; `due`: duty -> (due at, done at)."""
        started = case.setdefault("started_at", beijing(10))
        self.add("cases.cases", day, **{"issue_no": issue_no, "level": "general", "as_of": end_of_day(day), **case})
        for duty, (due_at, done_at) in (due or {}).items():
            self.add(
                "cases.due", day, issue_no=issue_no, duty=duty, started_at=started, due_at=due_at, done_at=done_at,
                as_of=end_of_day(day),
            )  # fmt: skip

    def review(self, last: date = LAST, as_of: datetime | None = None) -> dict[str, int]:
        return self.review_period(Period.of("month", last), as_of)

    def review_period(
        self, period: Period, as_of: datetime | None = None, rules: ReviewRules | None = None
    ) -> dict[str, int]:
        """Build the marts of a month, quarter or year."""
        self.fill()
        last = period.last
        return self.warehouse.build_marts(
            last, as_of or end_of_day(last), RULES, span_of(period, rules or ReviewRules())
        )

    def read(self, mart: str, last: date = LAST) -> pl.DataFrame:
        return self.warehouse.read(f"marts.{mart}", last)

    def figure(self, name: str, last: date = LAST) -> dict[str, Any]:
        """One row of marts.review_month."""
        return self.read("review_month", last).row(by_predicate=pl.col("figure") == name, named=True)

    def rate(self, name: str, last: date = LAST) -> tuple[int | None, int | None, float | None]:
        row = self.figure(name, last)
        return row["numerator"], row["denominator"], row["value"]

    def unit(self, unit: str, name: str) -> dict[str, Any]:
        """One row of marts.kpi_unit."""
        return self.read("kpi_unit").row(
            by_predicate=(pl.col("owner_unit") == unit) & (pl.col("figure") == name), named=True
        )


def november(folder: Path) -> Town:
    """An invented November: 30 days, seven issues, duties kept and missed, after an October with three."""
    town = Town(folder)
    for month, last in ((10, 31), (11, 30)):
        for day in range(1, last + 1):
            today = date(2026, month, day)
            if (month, day) != (11, 7):
                town.run_day(
                    today, observations=100, posts_new=20, posts_relevant=month - 9, zero_report=day > 20,
                )  # fmt: skip
            if (month, day) not in ((11, 28), (11, 29)):
                town.add(
                    "cases.events", today, event_id=f"daily_log#{month}.{day}", event="log_signed", log_day=today,
                    at=beijing(day, 33, month), decided_at=beijing(day, 33, month),
                )  # fmt: skip
    for _ in range(3):
        issue = town.issue(beijing(9, 9, month=10))
        due = {"verify": (beijing(13, 18, 10), beijing(12, 10, 10)), "respond": (beijing(11, 9, 10), None)}
        town.case(issue, OCTOBER, unit="social", started_at=beijing(9, 9, 10), due=due)
    levels = ("major", "larger", "general", "general", "general", "context", "refer_out")
    for number, level in enumerate(levels):
        town.issue(
            beijing(3 + number, 9), level=level, hours_before=None if number == 6 else 3 * number + 1,
            topic="gdp" if number % 2 else "income", topic_name="生产总值" if number % 2 else "居民收入",
            source_class="message_board" if number > 3 else "board",
        )  # fmt: skip
        if level in ("context", "refer_out"):
            continue
        start = beijing(3 + number, 9)
        answered = None if number == 2 else start + timedelta(hours=10 * (number + 1))
        over = {"state": "closed", "closed_at": beijing(20)} if number > 0 else {"state": "verified"}
        town.case(
            f"YQ-2026-{number + 4:04d}", started_at=start, level=level, system_level=level,
            confirmed_level="larger" if number == 2 else level, confirmed_at=start + timedelta(hours=1),
            verified_at=start + timedelta(hours=20), outcome="misunderstanding" if number == 1 else "true",
            result_notice_at=beijing(15) if number > 2 else None, final_published_at=answered,
            first_published_at=answered, unit="social" if number < 4 else "census", **over,
            due={
                "confirm": (start + timedelta(hours=2), start + timedelta(hours=1)),
                "verify": (start + timedelta(hours=24), start + timedelta(hours=20)),
                "respond": (start + timedelta(hours=24 if level == "major" else 48), answered),
            },
        )  # fmt: skip
    _sheets(town)
    town.fill()
    return town


def _sheets(town: Town) -> None:
    """What the office of the invented November keeps in sheets, and what was tried with its rules."""
    imported = {"imported_at": beijing(28, 10)}
    town.add("ops.training", LAST, row_id="t1", held_on=date(2026, 11, 12), topic="口径撰写", unit="social", **imported)
    town.add(
        "ops.assessments",
        LAST,
        row_id="a1",
        period="2026-11",
        unit="census",
        kind="praise",
        reason="核查及时",
        **imported,
    )
    for number, (raised, measure, due, state, done) in enumerate((
        ("2026-09", "补充常见疑问的口径", date(2026, 11, 15), "running", None),
        ("2026-10", "每周核对一次来源", date(2026, 11, 20), "done", date(2026, 11, 18)),
        ("2026-11", "周末日志当日签发", date(2026, 12, 31), "planned", None),
    )):  # fmt: skip
        town.add(
            "ops.improvements", LAST, row_id=f"i{number}", raised_for=raised, measure=measure, unit="social",
            due_on=due, state=state, done_on=done, **imported,
        )  # fmt: skip
    town.add(
        "ops.practices", LAST, row_id="p1", noted_on=date(2026, 11, 16), region="邻省某县", body="县统计局",
        title="收入数据一图读懂", topic="income", outcome="misunderstanding", form="policy_interpretation",
        url="https://tjj.example.gov.cn/jd/1.html", summary="发布当日同步推出图解和常见疑问，误解明显减少。",
        noted_by_role="openness_office", **imported,
    )  # fmt: skip
    for direction, flipped in (("up", 2), ("down", 0)):
        town.add(
            "ops.rule_sensitivity", FIRST, rule_version="rules-1", parameter="weight.C", direction=direction,
            value=27.5, issues=40, flipped=flipped, share=flipped / 40,
        )  # fmt: skip
    town.add(
        "marts.release_calendar", FIRST, indicator="income", topic="income", first_day=date(2026, 11, 5),
        last_day=date(2026, 11, 5),
    )  # fmt: skip
