"""Which posts say the same thing."""

import random
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.contracts import load_contracts
from caifeng.core.model.grouping import GroupingRules
from tests.unit.frames import NOON, posts
from transforms.understand.reposts import group_reposts

RULES = GroupingRules(
    window_days=30,
    min_characters=20,
    min_similarity=0.7,
    min_similarity_short=0.8,
    long_passage=28,
    max_replaced=0.15,
    max_replaced_ends=0.2,
    issue_window_days=7,
    issue_similarity=0.3,
    issue_subject_similarity=0.4,
    issue_shared_terms=4,
    issue_terms=32,
    issue_text_characters=1000,
    second_wave_hours=6,
    second_wave_voices=2,
)
NOTHING_KNOWN = pl.DataFrame(
    schema={"group_id": pl.String, "title": pl.String, "text": pl.String, "first_fetched_at": pl.Datetime("us", "UTC")}
)
RUMOUR = "听说咱们镇今年公布的人均可支配收入是坐在办公室里编出来的，根本没有人上门问过，和邻镇的数字也差得太远了"


@pytest.fixture(scope="module")
def contracts(request):
    return load_contracts(request.config.rootpath / "sql")


@pytest.fixture(scope="module")
def schema(contracts):
    return contracts["graded.posts"].polars_schema()


def group(schema, *texts: str, known: pl.DataFrame = NOTHING_KNOWN) -> list[str]:
    """Groups of posts with these bodies, published in this order."""
    rows = [
        {"title": "", "text": text, "text_hash": str(hash(text)), "published_at": NOON + timedelta(minutes=i)}
        for i, text in enumerate(texts)
    ]
    groups = group_reposts(posts(schema, *rows), known, RULES)
    by_post = dict(groups.select("post_id", "group_id").iter_rows())
    return [by_post[f"p{i}"] for i in range(len(texts))]


def test_equal_texts_make_a_group_whose_earliest_post_is_the_origin(schema, contracts):
    day = posts(
        schema,
        {"text_hash": "a", "published_at": NOON + timedelta(minutes=5)},
        {"text_hash": "a", "published_at": NOON},
        {"text_hash": "b", "title": "别的", "text": "别的事"},
    )
    groups = contracts["clean.repost_groups"].conform(group_reposts(day, NOTHING_KNOWN, RULES))
    assert groups.select("post_id", "group_id", "is_origin").rows() == [
        ("p0", "ga", False),
        ("p1", "ga", True),
        ("p2", "gb", True),
    ]


@pytest.mark.parametrize(
    "edited",
    [
        "转：" + RUMOUR,
        RUMOUR.replace("，", "！"),
        RUMOUR.replace("根本没有人", "从来没人"),
        RUMOUR + "。大家怎么看",
        "【网友来信】" + RUMOUR[:-12],
        "2026年11月转发：" + RUMOUR,
    ],
)
def test_a_text_with_small_edits_joins_its_original(schema, edited):
    first, second = group(schema, RUMOUR, edited)
    assert first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RUMOUR, "晚上九点多还来敲门登记，能不能换个时间，家里有老人和孩子，普查也要讲究方法"),
        (
            "10月全国居民消费价格同比上涨0.3%，环比上涨0.2%，食品价格下降1.1%",
            "11月全国居民消费价格同比上涨0.5%，环比上涨0.1%，食品价格下降0.9%",
        ),
        ("坛城镇统计站公布居民收入", "板桥镇统计站公布居民收入"),
    ],
)
def test_other_texts_other_figures_and_short_likenesses_stay_apart(schema, one, other):
    first, second = group(schema, one, other)
    assert first != second


def test_likeness_does_not_chain(schema):
    """Each is like its neighbour; only those like the representative join it."""
    words = [RUMOUR[i : i + 5] for i in range(0, 50, 5)]
    fresh = ["春天河边", "放风筝的", "孩子们在", "跑来跑去", "一直到晚", "上才回家"]
    steps = ["".join(fresh[:n] + words[n:]) for n in (0, 1, 2, 3, 4, 5, 6)]
    groups = group(schema, *steps)
    assert groups[0] == groups[1]
    assert groups[-1] != groups[0]


def test_an_original_of_an_earlier_day_is_found_and_keeps_its_name(schema):
    known = pl.DataFrame(
        {"group_id": ["gold"], "title": [""], "text": [RUMOUR], "first_fetched_at": [NOON - timedelta(days=3)]},
        schema_overrides={"first_fetched_at": pl.Datetime("us", "UTC")},
    )
    day = posts(schema, {"title": "", "text": "转：" + RUMOUR, "text_hash": "new"})
    groups = group_reposts(day, known, RULES)
    assert groups.select("group_id", "is_origin").rows() == [("gold", False)]
    assert 0.6 <= groups["similarity"].item() < 1


def test_many_copies_of_one_text_are_one_group(schema):
    copies = [RUMOUR + "。" + "啊呀呢吧了的"[i % 6] * (i // 6 % 3) for i in range(60)]
    assert len(set(group(schema, *copies))) == 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_the_rows_does_not_matter(seed, schema):
    texts = [RUMOUR, "转：" + RUMOUR, "请问居民消费价格指数是怎么计算出来的，为什么和我的感受不一样呢", RUMOUR + "！！"]
    rows = [
        {"title": "", "text": text, "text_hash": f"h{i}", "published_at": NOON + timedelta(minutes=i)}
        for i, text in enumerate(texts)
    ]
    day = posts(schema, *rows)
    shuffled = day.sample(fraction=1, shuffle=True, seed=random.Random(seed).randrange(10**6))
    expected = group_reposts(day, NOTHING_KNOWN, RULES).sort("post_id")
    assert group_reposts(shuffled, NOTHING_KNOWN, RULES).sort("post_id").equals(expected)


def test_a_day_without_posts(schema):
    assert group_reposts(posts(schema), NOTHING_KNOWN, RULES).height == 0
