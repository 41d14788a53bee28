"""Repost groups and issues, first form."""

from datetime import timedelta

import polars as pl
import pytest

from caifeng.core.contracts import load_contracts
from tests.unit.frames import DAY, NOON, links, metrics, posts
from tests.unit.test_reposts import NOTHING_KNOWN, RULES
from transforms.understand.issues import describe_issues, link_groups, order_for_numbering
from transforms.understand.reposts import group_reposts

YESTERDAY = DAY - timedelta(days=1)


@pytest.fixture(scope="module")
def contracts(request):
    return load_contracts(request.config.rootpath / "sql")


@pytest.fixture(scope="module")
def schema(contracts):
    return contracts["graded.posts"].polars_schema()


def test_numbers_are_given_by_time_of_publication_then_post_id_unknown_times_last(schema):
    day = posts(
        schema,
        {"text_hash": "late", "published_at": NOON},
        {"text_hash": "unknown", "published_at": None, "published_precision": "unknown"},
        {"text_hash": "z", "published_at": NOON - timedelta(hours=1)},
        {"text_hash": "a", "published_at": NOON - timedelta(hours=1)},
    )
    assert order_for_numbering(day, group_reposts(day, NOTHING_KNOWN, RULES)) == ["gz", "ga", "glate", "gunknown"]


def test_an_issue_is_described_by_its_origin_and_local_if_any_post_is(schema, contracts):
    day = posts(
        schema,
        {"title": "原帖", "published_at": NOON, "jurisdiction": "unknown", "topic": "income", "stance": "complaint"},
        {"title": "转帖", "published_at": NOON + timedelta(hours=2), "jurisdiction": "local"},
    ).with_columns(day=pl.lit(DAY))
    of_day = links(("YQ-1", "p0", "g", DAY), ("YQ-1", "p1", "g", DAY))
    issues = describe_issues(of_day, day, metrics(), DAY)
    row = contracts["graded.issues"].conform(issues).row(0, named=True)
    assert (row["title"], row["topic"], row["stance"], row["origin_post_id"]) == ("原帖", "income", "complaint", "p0")
    assert row["jurisdiction"] == "local"
    assert row["posts"] == 2
    assert row["is_new"] is True
    assert row["first_published_at"] == NOON
    assert row["last_post_at"] == NOON + timedelta(hours=2)


def test_an_old_issue_moves_when_a_measure_changes_also_from_unknown_but_not_when_it_is_seen_again(schema):
    known = posts(schema, {}, {}, {}).with_columns(day=pl.lit(YESTERDAY))
    old = links(*[(f"YQ-{i}", f"p{i}", f"g{i}", YESTERDAY) for i in range(3)])
    before, now = NOON - timedelta(days=1), NOON
    seen = metrics(
        ("p0", before, 5, None, 0),
        ("p0", now, 5, None, 0),
        ("p1", before, 5, None, 0),
        ("p1", now, 6, None, 0),
        ("p2", before, 5, None, 0),
        ("p2", now, 5, 0, 0),
    )
    issues = describe_issues(old, known, seen, DAY)
    assert issues.select("issue_no", "is_new").rows() == [("YQ-1", False), ("YQ-2", False)]


def test_a_day_with_nothing_gives_no_issues(schema, contracts):
    empty = posts(schema).with_columns(day=pl.lit(DAY))
    groups = group_reposts(empty, NOTHING_KNOWN, RULES)
    assert order_for_numbering(empty, groups) == []
    assert contracts["graded.issues"].conform(describe_issues(links(), empty, metrics(), DAY)).height == 0


def founders(schema, *rows):
    """New groups: their origins with a group of their own."""
    return posts(schema, *rows).with_columns(group_id=pl.lit("g") + pl.col("post_id"))


TERMS = ["town:坛城镇@3", "income:人均可支配@9", "strong:统计站@20", "complaint:编的@30"]


@pytest.mark.parametrize(
    ("change", "joins"),
    [
        ({}, True),
        ({"evidence": ["town:坛城镇@1", "income:人均可支配@50", "strong:统计站@70", "complaint:编的@90"]}, True),
        ({"evidence": [*TERMS[1:], "emotive:气人@40"]}, False),
        ({"evidence": TERMS[:3]}, False),
        ({"evidence": ["town:许疃镇@3", *TERMS[1:]]}, False),
        ({"topic": "gdp"}, False),
        ({"stance": "question"}, False),
    ],
)
def test_a_group_joins_an_issue_of_the_same_subject_at_the_same_place(schema, change, joins):
    first = {"topic": "income", "stance": "complaint", "evidence": TERMS}
    active = founders(schema, first).with_columns(group_id=pl.lit("gold"))
    new = founders(schema, first | {"published_at": NOON + timedelta(hours=5)} | change)
    assert link_groups(new, active, RULES).rows() == ([("gp0", "gold")] if joins else [])


def test_of_two_new_groups_the_later_joins_the_earlier(schema):
    first = {"topic": "income", "stance": "complaint", "evidence": TERMS}
    new = founders(schema, first | {"published_at": NOON + timedelta(hours=1)}, first)
    assert link_groups(new, founders(schema), RULES).rows() == [("gp0", "gp1")]
