"""marts.reject_sample and marts.quality_week: what is drawn for people, and what their answers say of the machine."""

import random
from datetime import date, datetime, timedelta
from math import sqrt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from caifeng.core.clock import end_of_day, start_of_day
from expectations.gate import check
from tests.sql.review_town import Town, contracts

MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 22)
NEXT = SUNDAY + timedelta(days=3)
VERSION = "rules-1"


class Week:
    """Rejects, labels and what comes of them."""

    def __init__(self, folder: Path, size: float = 20) -> None:
        self.town = Town(folder)
        self.position = 0
        for back in range(10):
            day = NEXT - timedelta(days=back)
            self.town.add("ops.quality_rules", day, parameter="sample_size", value=size)
            self.town.add("ops.quality_rules", day, parameter="z", value=1.96)
            self.town.add("ops.topics", day, topic="income", name="居民收入")
            self.town.add("ops.sources", day, source_id="s", name="甲报")

    def reject(self, post_id: str, reason: str = "no_term", day: date = MONDAY, **values: Any) -> None:
        row = {"stage": "understand", "source_id": "s", "post_id": post_id, "reason": reason, **values}
        self.town.add("clean.rejects", day, **row)

    def label(
        self, person: str, day: date = SUNDAY, *, kind: str = "relevance", machine: str | None = None, **of: Any
    ) -> None:
        self.position += 1
        moment: datetime = start_of_day(day) + timedelta(hours=9)
        row = {"position": self.position, "event_id": f"labels#{self.position}", "decided_at": moment, **of}
        machine = machine or {"relevance": "irrelevant", "level": "general"}.get(kind)
        self.town.add("ops.labels", day, kind=kind, machine=machine, person=person, **row)

    def build(self, *days: date) -> None:
        self.town.fill()
        for day in days:
            self.town.warehouse.build_marts(day, end_of_day(day), VERSION)

    def sample(self, day: date = SUNDAY) -> pl.DataFrame:
        self.build(day)
        return self.town.warehouse.read("marts.reject_sample", day).sort("place")

    def figures(self, day: date = SUNDAY, week: str = "2026-W47") -> dict[tuple[str, str], dict[str, Any]]:
        rows = self.town.warehouse.read("marts.quality_week", day).filter(week=week)
        return {(row["figure"], row["item"]): row for row in rows.iter_rows(named=True)}


@pytest.fixture
def week(tmp_path: Path) -> Week:
    return Week(tmp_path)


def ids(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{place:03}" for place in range(number)]


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """As in the books: Wilson 1927."""
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def kappa(pairs: list[tuple[int, int]], grades: int = 5) -> float:
    """Cohen's kappa with quadratic weights, from the whole table of observed and expected pairs."""
    n = len(pairs)
    rows, columns = ([sum(pair[side] == grade for pair in pairs) for grade in range(grades)] for side in (0, 1))
    observed = sum((a - b) ** 2 for a, b in pairs) / n
    expected = sum((a - b) ** 2 * rows[a] * columns[b] / n / n for a in range(grades) for b in range(grades))
    return 1 - observed / expected


# --- the sample ------------------------------------------------------------------------------------------------------


def test_reasons_take_turns_and_rare_ones_are_all_there(week: Week) -> None:
    for reason, number in (("no_term", 200), ("no_context", 40), ("excluded", 3), ("foreign", 0)):
        for post_id in ids(reason, number):
            week.reject(post_id, reason)
    found = week.sample()
    assert found.height == 20
    assert found["place"].to_list() == list(range(1, 21))
    counts = dict(found.group_by("reason").len().iter_rows())
    assert counts == {"excluded": 3, "no_context": 9, "no_term": 8}
    assert dict(found.select("reason", "of_reason").unique().iter_rows()) == {
        "no_term": 200, "no_context": 40, "excluded": 3,
    }  # fmt: skip
    assert found["source_name"].unique().to_list() == ["甲报"]
    assert found["week"].unique().to_list() == ["2026-W47"]


def test_the_same_week_gives_the_same_sample_in_whatever_order_it_came(tmp_path: Path) -> None:
    drawn = []
    posts = ids("p", 100)
    for seed in range(3):
        week = Week(tmp_path / str(seed))
        (tmp_path / str(seed)).mkdir()
        random.Random(seed).shuffle(posts)
        for post_id in posts:
            week.reject(post_id)
        drawn.append(week.sample().drop("as_of"))
    assert drawn[0].equals(drawn[1])
    assert drawn[0].equals(drawn[2])
    other = Week(tmp_path)
    for post_id in posts:
        other.reject(post_id, day=NEXT)
    assert set(other.sample(NEXT)["post_id"]) != set(drawn[0]["post_id"])


def test_every_post_is_as_likely_as_any_other(tmp_path: Path) -> None:
    week = Week(tmp_path, size=200)
    for post_id in ids("p", 1000):
        week.reject(post_id)
    found = week.sample()
    assert found.height == 200
    in_first_half = sum(post_id < "p500" for post_id in found["post_id"])
    assert 72 <= in_first_half <= 128  # four standard deviations


def test_a_week_begins_on_monday_and_other_rejects_are_left_out(week: Week) -> None:
    week.reject("sunday_before", day=MONDAY - timedelta(days=1))
    week.reject("monday")
    week.reject("unreadable", "soft_404", stage="clean")
    week.reject("shut_out", "judged")
    assert week.sample(MONDAY)["post_id"].to_list() == ["monday"]
    assert week.sample(SUNDAY)["post_id"].to_list() == ["monday"]
    assert week.sample(NEXT).is_empty()


def test_a_post_taken_in_on_its_day_stays_in_the_sample(week: Week) -> None:
    week.reject("left")
    taken = {"reason": "judged", "evidence": ["label:no_context#1"], "source_id": "s"}
    week.town.add("graded.posts", SUNDAY, post_id="today", first_fetched_at=start_of_day(SUNDAY), **taken)
    week.town.add("graded.posts", NEXT, post_id="later", first_fetched_at=start_of_day(SUNDAY), **taken)
    assert dict(week.sample().select("post_id", "reason").iter_rows()) == {"left": "no_term", "today": "no_context"}
    assert week.sample(NEXT).is_empty()


def test_a_day_without_rules_draws_nothing(tmp_path: Path) -> None:
    week = Week(tmp_path)
    week.reject("p", day=date(2026, 1, 5))
    week.build(date(2026, 1, 5))
    assert week.town.warehouse.read("marts.reject_sample", date(2026, 1, 5)).is_empty()


# --- the figures -----------------------------------------------------------------------------------------------------


def test_missed_posts_are_estimated_by_reason_and_together(week: Week) -> None:
    for post_id in ids("t", 90):
        week.reject(post_id)
    for post_id in ids("x", 10):
        week.reject(post_id, "excluded")
    drawn = week.sample()
    assert dict(drawn.group_by("reason").len().iter_rows()) == {"no_term": 10, "excluded": 10}
    by_reason = drawn.partition_by("reason", as_dict=True)
    for place, post_id in enumerate(by_reason[("no_term",)]["post_id"]):
        week.label("relevant" if place < 1 else "irrelevant", post_id=post_id)
    for place, post_id in enumerate(by_reason[("excluded",)]["post_id"]):
        week.label("relevant" if place < 4 else "irrelevant", post_id=post_id)
    week.label("relevant", post_id="not_drawn")
    week.build(SUNDAY)
    found = week.figures()
    no_term, excluded, all_ = (found["miss_rate", item] for item in ("no_term", "excluded", "all"))
    assert (no_term["population"], no_term["checked"], no_term["hits"]) == (90, 10, 1)
    assert (no_term["low"], no_term["high"]) == pytest.approx(wilson(1, 10))
    assert (excluded["low"], excluded["high"]) == pytest.approx(wilson(4, 10))
    # each reason weighs as much as it rejected
    assert all_["value"] == pytest.approx(0.9 * 0.1 + 0.1 * 0.4)
    low = all_["value"] - sqrt((0.9 * (0.1 - wilson(1, 10)[0])) ** 2 + (0.1 * (0.4 - wilson(4, 10)[0])) ** 2)
    high = all_["value"] + sqrt((0.9 * (wilson(1, 10)[1] - 0.1)) ** 2 + (0.1 * (wilson(4, 10)[1] - 0.4)) ** 2)
    assert (all_["low"], all_["high"]) == pytest.approx((low, high))
    assert (all_["population"], all_["checked"], all_["hits"]) == (100, 20, 5)
    assert all_["rule_version"] == VERSION


def test_nothing_judged_is_unknown_and_none_missed_is_zero(week: Week) -> None:
    week.reject("a")
    week.reject("b", "excluded")
    week.label("irrelevant", post_id="a")
    week.build(SUNDAY)
    found = week.figures()
    assert (found["miss_rate", "no_term"]["value"], found["miss_rate", "no_term"]["low"]) == (0, 0)
    assert found["miss_rate", "no_term"]["high"] == pytest.approx(wilson(0, 1)[1])
    for item in ("excluded", "all"):
        row = found["miss_rate", item]
        assert (row["value"], row["low"], row["high"]) == (None, None, None)
    assert found["miss_rate", "excluded"]["checked"] == 0


def test_last_week_is_judged_in_the_next(week: Week) -> None:
    week.reject("a")
    week.build(MONDAY, SUNDAY)
    week.label("relevant", NEXT, post_id="a")
    week.build(NEXT)
    assert week.figures(SUNDAY)["miss_rate", "all"]["value"] is None
    assert week.figures(NEXT)["miss_rate", "all"]["value"] == 1
    # a correction counts in the week in which it was made
    assert ("corrections", "relevance") not in week.figures(NEXT)
    assert week.figures(NEXT, "2026-W48")["corrections", "relevance"]["hits"] == 1


def test_the_last_word_counts(week: Week) -> None:
    week.reject("a")
    week.label("relevant", post_id="a")
    week.label("irrelevant", post_id="a")
    week.build(SUNDAY)
    found = week.figures()
    assert (found["miss_rate", "all"]["checked"], found["miss_rate", "all"]["hits"]) == (1, 0)
    assert (found["corrections", "relevance"]["checked"], found["corrections", "relevance"]["hits"]) == (1, 0)


def test_precision_by_rule_and_term(week: Week) -> None:
    for number, (person, evidence) in enumerate(
        [
            ("relevant", ["income:可支配收入@2", "income:可支配收入@40", "strong:统计局@0", "local:蒙城@9"]),
            ("irrelevant", ["income:可支配收入@3"]),
            ("relevant", ["income/talk:收入 统计@3", "complaint:糊弄@5"]),
            ("irrelevant", []),
        ]
    ):
        week.label(person, machine="relevant", post_id=f"p{number}", issue_no=f"YQ-{number}", evidence=evidence)
    week.label("relevant", post_id="rejected", evidence=["income:可支配收入@2"])
    week.build(SUNDAY)
    found = {item: row for (figure, item), row in week.figures().items() if figure == "precision"}
    assert {item: (row["hits"], row["checked"]) for item, row in found.items()} == {
        "all": (2, 4), "income": (1, 2), "income:可支配收入": (1, 2), "strong": (1, 1), "strong:统计局": (1, 1),
        "income/talk": (1, 1), "income/talk:收入 统计": (1, 1),
    }  # fmt: skip
    assert (found["all"]["low"], found["all"]["high"]) == pytest.approx(wilson(2, 4))
    assert found["all"]["population"] is None


SCALE = ("log_only", "general", "larger", "major", "extreme")


def test_levels_agree_beyond_chance(week: Week) -> None:
    pairs = [(0, 0), (1, 1), (1, 1), (1, 2), (2, 1), (3, 3), (4, 2), (0, 1)]
    for number, (suggested, confirmed) in enumerate(pairs):
        week.label(SCALE[confirmed], kind="level", machine=SCALE[suggested], issue_no=f"YQ-{number}")
    week.label("refer_out", kind="level", machine="general", issue_no="YQ-9")
    week.build(SUNDAY)
    found = week.figures()
    assert (found["level_same", "all"]["hits"], found["level_same", "all"]["checked"]) == (4, 9)
    assert found["level_kappa", "all"]["value"] == pytest.approx(kappa(pairs))
    assert (found["level_kappa", "all"]["checked"], found["level_kappa", "all"]["low"]) == (8, None)


def test_all_levels_the_same_tell_nothing_beyond_chance(week: Week) -> None:
    week.label("general", kind="level", issue_no="YQ-1")
    week.label("general", kind="level", issue_no="YQ-2")
    week.build(SUNDAY)
    assert week.figures()["level_kappa", "all"]["value"] is None
    assert week.figures()["level_same", "all"]["value"] == 1


def test_corrections_by_kind(week: Week) -> None:
    week.label("wage", kind="topic", machine="income", post_id="p1")
    week.label("income", kind="topic", machine="income", post_id="p2")
    week.label("income", kind="topic", machine=None, post_id="p3")
    for other in ("p4", "p5"):
        week.label("together", kind="duplicate", machine="apart", post_id="p1", other_post_id=other)
    week.build(SUNDAY)
    found = week.figures()
    assert (found["corrections", "topic"]["checked"], found["corrections", "topic"]["hits"]) == (2, 1)
    assert (found["corrections", "duplicate"]["checked"], found["corrections", "duplicate"]["hits"]) == (2, 2)
    assert not any(figure == "level_kappa" for figure, _ in found)


def test_the_figures_pass_the_gate(week: Week) -> None:
    week.reject("a" * 16)
    week.label("relevant", post_id="a" * 16)
    week.label("extreme", kind="level", machine="log_only", issue_no="YQ-1")
    week.label("log_only", kind="level", machine="extreme", issue_no="YQ-2")
    week.build(SUNDAY)
    assert week.figures()["level_kappa", "all"]["value"] == pytest.approx(-1)
    for table in ("marts.reject_sample", "marts.quality_week"):
        frame = week.town.warehouse.read(table, SUNDAY).drop("day")
        frame = frame.cast(dict(contracts()[table].polars_schema()))  # type: ignore[arg-type]
        report = check(table, frame, contracts()[table])
        assert frame.height > 0
        assert [result.rule.key for result in (*report.failed, *report.warned)] == [], table
