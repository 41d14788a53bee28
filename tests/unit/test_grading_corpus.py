"""The worked examples of grading_corpus.toml hold, and together they show everything that grading knows."""

import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest
from pydantic import ValidationError

from caifeng.core.model import grading
from caifeng.core.model.grading import OVERRIDE_NAMES, Measures
from caifeng.core.model.source import MediaTier, Reach
from caifeng.core.model.terms import LEVEL_NAMES, RESPONSE_NAMES
from caifeng.core.settings import Settings
from tests.unit.reference_grading import grade_one
from transforms.grade.grade import MEASURES, grade

CORPUS = tomllib.loads(Path(__file__).with_name("grading_corpus.toml").read_text("utf8"))
RULES = Settings.load().grading()
#: What an issue expects, and what it expects when it does not say so.
EXPECTED = {"level": None, "answer": None, "total": None, "overrides": [], "review": False}
WORDS = ("title", "why")
COUNTS = ("views", "reposts", "comments", "growth_24h")


def measures(issue: dict[str, Any]) -> dict[str, Any]:
    """Its measures, with the usual ones where it says nothing.

    Raises:
        ValueError: a key is neither a measure nor an expectation, or a measure is not valid.
    """
    said = {key: value for key, value in issue.items() if key not in (*WORDS, *EXPECTED)}
    row = {"issue_no": issue["title"], **CORPUS["usual"], **said}
    row |= {name: None for name in COUNTS if row[name] == "unknown"}
    try:
        Measures.model_validate(row)
    except ValidationError as error:
        raise ValueError(f"{issue['title']}: {error}") from error
    return row


ISSUES: list[dict[str, Any]] = CORPUS["issues"]
ROWS = [measures(issue) for issue in ISSUES]


@pytest.fixture(scope="module")
def grades() -> dict[str, dict[str, Any]]:
    return {row["issue_no"]: row for row in grade(pl.DataFrame(ROWS, schema=MEASURES), RULES).to_dicts()}


def outcome(row: dict[str, Any]) -> dict[str, Any]:
    """A grade in the words of the corpus."""
    return {
        "level": row["level"],
        "answer": row["response_value"],
        "overrides": row["overrides"],
        "review": row["needs_review"],
        "total": row["total"],
    }


@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: f"{ISSUES.index(issue) + 1}-{issue['topic']}")
def test_an_issue_gets_the_level_worked_out_by_hand(issue: dict[str, Any], grades: dict[str, dict[str, Any]]) -> None:
    graded = grades[issue["title"]]
    wanted = {name: issue.get(name, usual) for name, usual in EXPECTED.items()}
    found = outcome(graded)
    if wanted["total"] is None:
        wanted["total"] = found["total"]
    assert found == wanted, f"{issue['title']}\n理由：{issue['why']}\n所得：{graded['explanation']}"


def test_the_reference_agrees_with_every_example() -> None:
    differing = []
    for issue, row in zip(ISSUES, ROWS, strict=True):
        found = outcome(grade_one(row))
        wanted = {name: issue.get(name, usual) for name, usual in EXPECTED.items()}
        if found != wanted | ({"total": found["total"]} if wanted["total"] is None else {}):
            differing.append(issue["title"])
    assert differing == []


def test_every_issue_says_what_is_expected_and_why() -> None:
    assert len(ISSUES) >= 80
    assert len({issue["title"] for issue in ISSUES}) == len(ISSUES)
    assert len({str(row | {"issue_no": ""}) for row in ROWS}) == len(ROWS), "two issues are the same case"
    for issue in ISSUES:
        assert {"title", "why", "topic", "level", "answer"} <= set(issue), issue
        # the reason names an article, a document, a law, or says that the number is our own
        named = ("本单位规定", "制度第", "〔20", "统计法")
        assert any(name in issue["why"] for name in named), issue["title"]


def test_a_misspelt_measure_is_named_with_its_issue() -> None:
    with pytest.raises(ValueError, match=r"写错的例子(.|\n)*veiws"):
        measures({"title": "写错的例子", "topic": "gdp", "veiws": 5})


def values(name: str) -> Iterator[Any]:
    for row in ROWS:
        yield from row[name] if isinstance(row[name], list) else [row[name]]


@pytest.mark.parametrize(
    ("name", "all_of_them"),
    [
        ("topic", tuple(RULES.topic_base)),
        ("flags", get_args(grading.Flag)),
        ("facts", get_args(grading.Fact)),
        ("tone", get_args(grading.Tone)),
        ("geo", get_args(Reach)),
        ("media_tier", get_args(MediaTier)),
        ("emergency_level", get_args(grading.EmergencyLevel)),
        ("jurisdiction", get_args(grading.Jurisdiction)),
    ],
)
def test_the_corpus_shows_every_value(name: str, all_of_them: tuple[str, ...]) -> None:
    assert len(all_of_them) >= 4
    assert set(all_of_them) - set(values(name)) == set()


def test_the_corpus_shows_every_outcome() -> None:
    assert {issue["level"] for issue in ISSUES} == set(LEVEL_NAMES)
    assert {issue["answer"] for issue in ISSUES} == set(RESPONSE_NAMES)
    assert {issue.get("review", False) for issue in ISSUES} == {True, False}
    # both sides of every boundary of the levels
    totals = {issue["total"] for issue in ISSUES}
    for lowest in RULES.level.model_dump().values():
        assert {round(lowest - 0.1, 1), float(lowest)} <= totals, lowest


def test_the_corpus_shows_every_override_alone_and_in_pairs() -> None:
    fired = [tuple(issue.get("overrides", [])) for issue in ISSUES]
    # critical central media that name us are a strong factor as well: O2a comes with O9
    assert {names[0] for names in fired if len(names) == 1} == set(OVERRIDE_NAMES) - {"O2a"}
    assert ("O9", "O2a") in fired
    pairs = {pair for names in fired for pair in pairwise(names)}
    assert len(pairs) >= 20
    raised_again = {first for first, second in pairs if second == "O8"}
    assert raised_again >= {"O1", "O2a", "O2b", "O3", "O6", "O7", "O9"}
    outside = {(first, second) for first, second in pairs if second in ("O11", "O12")}
    assert outside >= {("O12", "O11"), ("O1", "O11"), ("O6", "O12"), ("O10", "O12"), ("O10", "O11")}
    assert () in fired


def test_the_corpus_shows_unknown_and_zero() -> None:
    for name in COUNTS:
        assert None in values(name), name
    for name in ("views", "counted_docs", "n_media"):
        assert 0 in values(name), name
    with_known = [sum(row[name] is not None for name in COUNTS[:3]) for row in ROWS]
    assert set(with_known) == {0, 1, 2, 3}
