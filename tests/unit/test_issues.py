"""Issues by subject: which groups are one matter, what an issue looks like, what people correct."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.contracts import load_contracts
from caifeng.core.model.grouping import GroupingRules
from caifeng.core.settings import load_model
from tests.unit.frames import DAY, NOON, links, metrics, posts
from transforms.understand.issues import (
    amend_links,
    describe_issues,
    first_linked,
    latest_links,
    link_groups,
    order_for_numbering,
    term_weights,
)

ROOT = Path(__file__).resolve().parents[2]
RULES = load_model(ROOT / "config" / "grouping.toml", GroupingRules)
YESTERDAY = DAY - timedelta(days=1)

#: One matter told in four ways, then others of the same topic and place.
METER = {
    "title": "抽样调查户的记账本三个月没人来收",
    "text": "我家被抽中当住户调查的记账户，每天记账，可辅助调查员三个月没来收记账本，补贴也没有发。记账户不是白干的。",
}
RETOLD = [
    {
        "title": "记账户的补贴去哪了",
        "text": "邻居家是住户调查记账户，记账本放了三个月没有人收，问辅助调查员说等通知，补贴一分没发。",
    },
    {
        "title": "辅助调查员三个月不来收记账本",
        "text": "住户调查的记账户反映，辅助调查员已经三个月没有上门收记账本，说好的记账补贴没有兑现。",
    },
    {"title": "住户调查记账补贴三个月没发，记账本也没人收", "text": ""},
]
OTHERS = [
    {
        "title": "粮食产量抽样调查什么时候开始",
        "text": "种了三十亩玉米，听说今年要实割实测，想问一下抽样调查什么时候进村。",
    },
    {
        "title": "企业联网直报平台登录不上去",
        "text": "月底要报表，联网直报平台一直转圈，打电话也没人接，会不会算我们迟报。",
    },
    {"title": "统计年鉴在哪里能看到", "text": "写论文要用近十年的统计年鉴，县图书馆只有旧的，能不能放到网站上。"},
]
SAME = {"topic": "income", "topics": ["income"], "stance": "complaint"}


@pytest.fixture(scope="module")
def contracts():
    return load_contracts(ROOT / "sql")


@pytest.fixture(scope="module")
def schema(contracts):
    return contracts["graded.posts"].polars_schema()


def groups(schema, *rows, start=0):
    """New groups, an hour apart: their origins with a group of their own."""
    timed = [
        {"post_id": f"p{i}", "published_at": NOON + timedelta(hours=i), **SAME, **row}
        for i, row in enumerate(rows, start)
    ]
    return posts(schema, *timed).with_columns(group_id=pl.lit("g") + pl.col("post_id"))


def founder_of(founders, active, numbered=()):
    return dict(link_groups(founders, active, RULES, numbered).select("group_id", "founder").iter_rows())


# --- which groups are one matter --------------------------------------------------------------------------------------


def test_a_story_told_in_other_words_is_one_issue_and_other_matters_are_not(schema):
    new = groups(schema, METER, *OTHERS, *RETOLD)
    assert founder_of(new, groups(schema)) == {"gp4": "gp0", "gp5": "gp0", "gp6": "gp0"}


def test_a_new_group_joins_an_active_issue(schema):
    found = link_groups(groups(schema, RETOLD[0], OTHERS[0], start=1), groups(schema, METER), RULES)
    assert found.select("group_id", "founder").rows() == [("gp1", "gp0")]
    assert RULES.issue_similarity <= found["similarity"][0] < 1


@pytest.mark.parametrize(
    ("change", "joins"),
    [
        ({}, True),
        ({"topics": ["wage", "income"]}, True),
        ({"topics": ["wage"]}, False),
        ({"jurisdiction": "city"}, False),
        ({"jurisdiction": "unknown"}, True),
        ({"facts": ["official_notice"]}, False),
        ({"evidence": ["town:许疃镇@3"]}, False),
        ({"evidence": ["town:坛城镇@9"]}, True),
        ({"evidence": ["town:坛城镇@9"], "jurisdiction": "other"}, True),
        ({"stance": "question"}, True),
    ],
)
def test_topic_and_place_must_agree(schema, change, joins):
    active = groups(schema, METER | {"evidence": ["town:坛城镇@3"]})
    new = groups(schema, RETOLD[1] | change, start=1)
    assert founder_of(new, active) == ({"gp1": "gp0"} if joins else {})


TERMS = ["town:坛城镇@3", "income:人均可支配@9", "strong:统计站@20", "complaint:编的@30"]
TOLD = {"title": "饭桌上听来的一件怪事", "text": "大家都说不对劲。", "evidence": TERMS}


@pytest.mark.parametrize(
    ("change", "joins"),
    [
        ({}, True),
        ({"evidence": [term.split("@")[0] + "@77" for term in TERMS]}, True),
        ({"evidence": [*TERMS[1:], "emotive:气人@40"]}, False),
        ({"evidence": TERMS[:3]}, False),
        ({"evidence": ["town:许疃镇@3", *TERMS[1:]]}, False),
        ({"topics": ["gdp"]}, False),
        ({"stance": "question"}, False),
    ],
)
def test_in_quite_other_words_the_same_subject_at_the_same_town_is_one_issue(schema, change, joins):
    new = groups(schema, {"title": "到底谁写错了那份材料", "text": "要个说法", "evidence": TERMS} | change, start=1)
    assert founder_of(new, groups(schema, TOLD)) == ({"gp1": "gp0"} if joins else {})


def test_likeness_does_not_chain(schema):
    half = len(METER["text"]) // 2
    other = OTHERS[1]["text"]
    middle = {"title": "两件事", "text": METER["text"][:half] + other}
    new = groups(schema, METER, middle, OTHERS[1])
    found = founder_of(new, groups(schema))
    assert found.get("gp1") in ("gp0", None)
    assert "gp2" not in found or found["gp2"] != "gp0"
    assert found.get("gp2") != "gp1" or "gp1" not in found


def test_a_numbered_group_founds_an_issue_and_late_posts_join_it(schema):
    new = groups(schema, RETOLD[1], METER)
    assert founder_of(new, groups(schema)) == {"gp1": "gp0"}
    assert founder_of(new, groups(schema), {"gp1"}) == {"gp0": "gp1"}
    assert founder_of(new, groups(schema), {"gp0", "gp1"}) == {}


def test_a_run_with_the_numbers_it_gave_changes_nothing(schema):
    new = groups(schema, METER, *OTHERS, *RETOLD, {"title": "两件事", "text": METER["text"][:30] + OTHERS[1]["text"]})
    first = founder_of(new, groups(schema))
    again = founder_of(new, groups(schema), set(new["group_id"]) - set(first))
    assert len(first) >= 3
    assert again == first


@given(st.randoms(use_true_random=False))
@settings(max_examples=12, deadline=None)
def test_the_order_of_rows_does_not_matter(dice):
    schema = load_contracts(ROOT / "sql")["graded.posts"].polars_schema()
    rows = [METER, *OTHERS, *RETOLD, TOLD]
    new, active = groups(schema, *rows), groups(schema, *RETOLD[::-1], start=20)
    expected = link_groups(new, active, RULES).rows()
    order = list(range(new.height))
    dice.shuffle(order)
    assert link_groups(new[order], active[::-1], RULES).rows() == expected
    assert len(expected) >= 3


@pytest.mark.parametrize("title", ["", "？！", "😀😀😀", "a", "统", "1 2 3"])
def test_texts_with_nothing_to_compare_stay_alone(schema, title):
    bare = {"title": title, "text": "", "published_at": None, "evidence": []}
    new = groups(schema, bare, METER, bare | {"title": title + title})
    found = founder_of(new, groups(schema, bare, start=9))
    assert "gp1" not in found
    assert term_weights(new, RULES).shape[0] == 3


def test_an_empty_day_and_a_single_post(schema):
    assert link_groups(groups(schema), groups(schema, METER), RULES).is_empty()
    assert link_groups(groups(schema), groups(schema), RULES).is_empty()
    assert founder_of(groups(schema, METER), groups(schema)) == {}


def test_null_titles_and_texts_are_empty_ones(schema):
    new = groups(schema, METER, RETOLD[0]).with_columns(title=pl.lit(None, pl.String))
    assert founder_of(new.with_columns(text=pl.lit(None, pl.String)), groups(schema)) == {}
    assert term_weights(new, RULES).nnz > 0


# --- what an issue looks like -----------------------------------------------------------------------------------------


def test_numbers_are_given_by_time_of_publication_then_post_id_unknown_times_last(schema):
    day = posts(
        schema,
        {"published_at": NOON},
        {"published_at": None, "published_precision": "unknown"},
        {"post_id": "z", "published_at": NOON - timedelta(hours=1)},
        {"post_id": "a", "published_at": NOON - timedelta(hours=1)},
    )
    own = day.select("post_id", group_id=pl.lit("g") + pl.col("post_id"))
    assert order_for_numbering(day, own) == ["ga", "gz", "gp0", "gp1"]
    assert order_for_numbering(day.clear(), own.clear()) == []


def described(schema, contracts, day, of_day):
    issues = describe_issues(of_day, day.with_columns(day=pl.lit(DAY)), metrics(), DAY)
    return contracts["graded.issues"].conform(issues)


def test_an_issue_is_described_by_its_origin_and_local_if_any_post_is(schema, contracts):
    day = posts(
        schema,
        {"title": "原帖", "published_at": NOON, "jurisdiction": "unknown", "topic": "income", "stance": "complaint"},
        {"title": "转帖", "published_at": NOON + timedelta(hours=2), "jurisdiction": "local"},
    )
    row = described(schema, contracts, day, links(("YQ-1", "p0", "g", DAY), ("YQ-1", "p1", "g", DAY))).row(
        0, named=True
    )
    assert (row["title"], row["topic"], row["stance"], row["origin_post_id"]) == ("原帖", "income", "complaint", "p0")
    assert row["jurisdiction"] == "local"
    assert row["posts"] == 2
    assert row["is_new"] is True
    assert row["first_published_at"] == NOON
    assert row["last_post_at"] == NOON + timedelta(hours=2)


GOOD = {"title": "记账户三个月没领到住户调查补贴", "evidence": ["income:住户调查@8"]}


@pytest.mark.parametrize(
    ("worse", "shown"),
    [
        ({"title": "转发：" + GOOD["title"]}, GOOD["title"]),
        ({"title": "【转】" + GOOD["title"]}, GOOD["title"]),
        ({"title": GOOD["title"] + "！！！"}, GOOD["title"]),
        ({"title": "大家评评理"}, GOOD["title"]),
        ({"title": "有件事憋在心里很久了今天说一说", "evidence": ["income:住户调查@40"]}, GOOD["title"]),
        ({"title": "住户调查记账补贴拖欠引发议论", "evidence": ["income:住户调查@0"]}, "住户调查记账补贴拖欠引发议论"),
        ({"title": "转发", "media_tier": "central"}, GOOD["title"]),
    ],
)
def test_the_title_is_the_best_headline_the_origin_first(schema, contracts, worse, shown):
    later = GOOD | {"published_at": NOON + timedelta(hours=3)}
    day = posts(schema, worse | {"published_at": NOON}, later)
    of_day = links(("YQ-1", "p0", "g0", DAY), ("YQ-1", "p1", "g1", DAY))
    assert described(schema, contracts, day, of_day)["title"].to_list() == [shown]


def test_among_good_headlines_the_highest_medium_speaks_and_where_there_is_none_the_text_begins(schema, contracts):
    press = {"title": "住户调查记账补贴何时到位", "evidence": ["income:住户调查@0"], "media_tier": "city"}
    day = posts(
        schema, GOOD, press | {"published_at": NOON + timedelta(hours=3)}, {"title": " ", "text": "记账本没人收"}
    )
    of_day = links(("YQ-1", "p0", "g0", DAY), ("YQ-1", "p1", "g1", DAY), ("YQ-2", "p2", "g2", DAY))
    assert described(schema, contracts, day, of_day)["title"].to_list() == [press["title"], "记账本没人收"]


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
    assert contracts["graded.issues"].conform(describe_issues(links(), empty, metrics(), DAY)).height == 0


# --- what people correct ----------------------------------------------------------------------------------------------


def linked(*rows):
    """graded.issue_posts of yesterday: issue, post, group."""
    frame = links(*[(*row[:3], YESTERDAY) for row in rows])
    return frame.with_columns(moved_from=pl.lit(None, pl.String))


EARLIER = linked(("A", "p0", "g0"), ("A", "p1", "g1"), ("B", "p2", "g2"), ("B", "p3", "g2"))
TODAY = links(("B", "p4", "g2", DAY)).drop("day")


def rows_of(frame):
    return sorted(frame.select("issue_no", "post_id", "moved_from").rows())


def test_without_corrections_the_rules_stand():
    assert rows_of(amend_links(TODAY, EARLIER, {}, {})) == [("B", "p4", None)]
    assert amend_links(TODAY.clear(), EARLIER.clear(), {}, {}).is_empty()


def test_a_merge_takes_all_posts_along_and_is_written_once():
    merged = amend_links(TODAY, EARLIER, {}, {"B": "A"})
    assert rows_of(merged) == [("A", "p2", "B"), ("A", "p3", "B"), ("A", "p4", "B")]
    history = pl.concat([EARLIER, merged.with_columns(day=pl.lit(DAY)).select(EARLIER.columns)])
    assert amend_links(TODAY.clear(), history, {}, {"B": "A"}).is_empty()
    assert first_linked(history) == {"g0": "A", "g1": "A", "g2": "B"}


def test_a_merge_taken_back_gives_the_posts_back():
    merged = amend_links(TODAY, EARLIER, {}, {"B": "A"}).with_columns(day=pl.lit(DAY))
    history = pl.concat([EARLIER, merged.select(EARLIER.columns)])
    back = amend_links(TODAY.clear(), history, {}, {})
    assert rows_of(back) == [("B", "p2", None), ("B", "p3", None), ("B", "p4", None)]


def test_a_split_takes_the_group_and_a_later_merge_takes_it_on():
    assert rows_of(amend_links(TODAY.clear(), EARLIER, {"g1": "C"}, {})) == [("C", "p1", "A")]
    chained = amend_links(TODAY, EARLIER, {"g1": "C"}, {"C": "D"})
    assert rows_of(chained) == [("B", "p4", None), ("D", "p1", "A")]


def test_the_description_follows_the_latest_link_and_what_was_left_is_described_again(schema, contracts):
    day = posts(schema, {}, {}, {}, {}).with_columns(day=pl.lit(YESTERDAY))
    moved = amend_links(TODAY.clear(), EARLIER, {"g1": "C"}, {}).with_columns(day=pl.lit(DAY))
    history = pl.concat([EARLIER, moved.select(EARLIER.columns)])
    issues = contracts["graded.issues"].conform(describe_issues(history, day, metrics(), DAY))
    assert issues.select("issue_no", "posts", "is_new").rows() == [("A", 1, False), ("C", 1, True)]
    merged = amend_links(TODAY.clear(), EARLIER, {}, {"B": "A"}).with_columns(day=pl.lit(DAY))
    history = pl.concat([EARLIER, merged.select(EARLIER.columns)])
    issues = contracts["graded.issues"].conform(describe_issues(history, day, metrics(), DAY))
    assert issues.select("issue_no", "posts", "is_new").rows() == [("A", 4, False)]
    assert latest_links(history)["issue_no"].to_list() == ["A"] * 4
