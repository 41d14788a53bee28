"""Whose matter is it: local, city, province, national, other, unknown."""

import polars as pl
import pytest

from caifeng.core.model.terms import JURISDICTION_NAMES
from caifeng.core.settings import Settings
from transforms.understand.jurisdiction import assign_jurisdiction, place_rules

SETTINGS = Settings.load()
TAXONOMY, OFFICE = SETTINGS.taxonomy(), SETTINGS.office()


def place(title, text="", **columns):
    frame = pl.DataFrame({"id": [1], "title": [title], "text": [text], **{k: [v] for k, v in columns.items()}})
    return assign_jurisdiction(frame, place_rules(TAXONOMY, OFFICE)).row(0, named=True)


@pytest.mark.parametrize(
    ("title", "jurisdiction"),
    [
        ("蒙城县统计局电话打不通", "local"),
        ("蒙城的GDP排第几", "local"),
        ("坛城镇统计站编数据，亳州管不管", "local"),
        ("坛城镇统计站编数据", "unknown"),
        ("马集镇的普查员", "unknown"),
        ("亳州各县区GDP出炉，蒙城第二", "city"),
        ("谯城、涡阳、利辛、蒙城，亳州哪里人口多", "city"),
        ("亳州市常住人口公布", "city"),
        ("安徽出生人口下降", "province"),
        ("怀远县统计造假", "other"),
        ("合肥GDP破万亿", "other"),
        ("美国CPI", "other"),
        ("全国居民收入数据公布", "national"),
        ("31省份GDP出炉，安徽第十", "national"),
        ("广东、江苏、山东人口数据", "national"),
        ("普查员上门登记", "unknown"),
    ],
)
def test_places(title, jurisdiction):
    assert place(title)["jurisdiction"] == jurisdiction


@pytest.mark.parametrize(
    "title",
    [
        "在蒙城过冬，魁北克的人口普查",
        "蒙城华人看麦吉尔的统计",
        "合肥蒙城路的房价数据",
        "蒙城路堵车统计",
        "蒙城高速口车流数据",
        "内蒙城镇化率",
    ],
)
def test_false_friends_of_the_county_are_not_local(title):
    found = place(title)
    assert found["jurisdiction"] != "local"
    assert not found["names_office"]


def test_every_listed_false_friend_hides_the_county():
    words = TAXONOMY.gazetteer.false_friends
    assert len(words) >= 10
    assert [word for word in words if place(f"{word}的普查宣传")["jurisdiction"] == "local"] == []
    assert [word for word in words if place(f"{word}的普查宣传")["names_office"]] == []


def test_every_word_of_montreal_makes_it_another_city():
    words = TAXONOMY.gazetteer.false_friend_context
    assert len(words) >= 10
    found = {word: place(f"蒙城的人口普查，{word}")["jurisdiction"] for word in words}
    assert set(found.values()) == {"other"}


def test_a_false_friend_does_not_hide_the_county_named_beside_it():
    assert place("合肥蒙城路上，蒙城县的普查员")["names_office"]
    assert place("蒙城高速口，蒙城的统计局在哪")["jurisdiction"] == "local"


def test_a_county_named_in_full_is_ours_even_beside_montreal():
    assert place("蒙城县出国到加拿大的人，普查怎么登记")["jurisdiction"] == "local"


def test_a_local_board_makes_local_but_not_what_happens_elsewhere():
    assert place("普查员上门登记", local_board=True)["jurisdiction"] == "local"
    assert place("社平工资又涨", local_board=True)["jurisdiction"] == "local"
    assert place("涡阳县的普查员上门", local_board=True)["jurisdiction"] == "other"
    assert place("普查员上门", "隔壁涡阳也这样", local_board=True)["jurisdiction"] == "local"


def test_our_county_counts_only_in_sources_of_small_reach():
    assert place("我县举办培训", reach="county")["jurisdiction"] == "local"
    assert place("我县举办培训", reach="nation")["jurisdiction"] == "national"
    assert place("我县举办培训")["jurisdiction"] == "unknown"


def test_national_topics_without_a_place_are_national():
    assert place("又涨了", topic="wage")["jurisdiction"] == "national"
    assert place("又涨了", topic="pop_census")["jurisdiction"] == "unknown"
    assert place("又涨了", topic=None)["jurisdiction"] == "unknown"


def test_evidence_and_names_office():
    found = place("蒙城县统计局", "坛城镇")
    assert found["names_office"]
    assert found["evidence"] == ["county:蒙城县统计局@0", "town:坛城镇@7"]
    assert place("普查", local_board=True)["evidence"] == ["source:local_board"]
    assert not place("普查", local_board=True)["names_office"]


def test_order_and_schema():
    frame = pl.DataFrame({"id": ["b", "a"], "title": ["蒙城县", ""], "text": [None, "合肥"]})
    found = assign_jurisdiction(frame, place_rules(TAXONOMY, OFFICE))
    assert found["id"].to_list() == ["b", "a"]
    assert found["jurisdiction"].to_list() == ["local", "other"]
    assert set(found["jurisdiction"]) <= set(JURISDICTION_NAMES)
    assert assign_jurisdiction(frame.clear(), place_rules(TAXONOMY, OFFICE)).schema == found.schema
