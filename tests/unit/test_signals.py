"""Flags, facts, stance, tone, emotive words; and the frames of the whole stage."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.model.taxonomy import Signals
from caifeng.core.model.terms import STANCE_NAMES, TONE_NAMES
from caifeng.core.settings import Settings
from transforms.understand.signals import detect_signals, signal_rules
from transforms.understand.understand import understand

SETTINGS = Settings.load()
TAXONOMY, OFFICE, CONTRACTS = SETTINGS.taxonomy(), SETTINGS.office(), SETTINGS.contracts()
STANCE_RULES = SETTINGS.stance()


def signals(title, text="", taxonomy=TAXONOMY):
    texts = pl.DataFrame({"id": [1], "title": [title], "text": [text]})
    return detect_signals(texts, signal_rules(taxonomy, STANCE_RULES)).row(0, named=True)


@pytest.mark.parametrize(
    ("title", "flag"),
    [
        ("镇里的产值数据都是编造的", "alleges_fabrication"),
        ("普查登记的信息被泄露了，天天接推销电话", "alleges_leak"),
        ("有人冒充普查员要验证码", "impostor_fraud"),
        ("统计局窗口工作人员态度恶劣", "staff_conduct"),
        ("11月20日下午，坛城镇来人登记", "specific_checkable"),
        ("关于普查的谣言满天飞", "key_category"),
        ("建议把统计年鉴放到网上", "constructive_suggestion"),
        ("请问CPI怎么算", "pure_question"),
    ],
)
def test_flags(title, flag):
    assert flag in signals(title)["flags"]


@pytest.mark.parametrize(
    ("title", "flag"),
    [
        ("严禁编造统计数据", "alleges_fabrication"),
        ("经核查没有造假，数据属实", "alleges_fabrication"),
        ("餐馆的假货造假", "alleges_fabrication"),
        ("普查登记资料不外传", "alleges_leak"),
        ("诈骗电话好多", "impostor_fraud"),
        ("快递员态度恶劣", "staff_conduct"),
        ("普查资料不作为处罚的依据，请配合统计工作人员", "staff_conduct"),
        ("坛城镇来人登记", "specific_checkable"),
        ("11月20日上午，县统计局在立仓镇开展普查宣传", "specific_checkable"),
        ("请问为什么拖欠普查员补贴，太过分了", "pure_question"),
    ],
)
def test_no_flag(title, flag):
    assert flag not in signals(title)["flags"]


@pytest.mark.parametrize(
    ("title", "stance", "tone"),
    [
        ("投诉：普查员半夜敲门扰民", "complaint", "negative"),
        ("请问人口普查什么时候开始", "question", "neutral"),
        ("建议简化报表", "suggestion", "neutral"),
        ("普查员很耐心，点赞", "praise", "positive"),
        ("一季度GDP同比增长5%", "neutral", "neutral"),
        ("警方提示：谨防骗子冒充普查员", "neutral", "neutral"),
        ("统计局", "unsure", "unknown"),
        ("态度好的也有，态度差的也有", "unsure", "unknown"),
        ("对统计局的服务不满意", "complaint", "negative"),
        ("统计局的服务令人满意", "praise", "positive"),
        ("满意度电话又来了，形式主义", "complaint", "negative"),
        ("关于答复群众反映夜间入户问题的通知", "neutral", "neutral"),
        ("关于普查员态度恶劣的通知我要投诉", "complaint", "negative"),
    ],
)
def test_stance_and_tone(title, stance, tone):
    found = signals(title)
    assert (found["stance"], found["tone"]) == (stance, tone)


def test_facts():
    assert signals("坛城镇统计站编造数据")["facts"] == ["names_unit"]
    assert signals("坛城镇统计站开门了")["facts"] == []
    assert signals("警方提示：谨防冒充普查员")["facts"] == ["official_notice"]
    assert signals("警方提示有什么用，我妈还是被冒充普查员的骗了")["facts"] == []


def test_emotive():
    assert signals("数据这么编，太过分了！！")["emotive"]
    assert not signals("一季度GDP公布")["emotive"]


def test_all_none_and_pattern_are_conditions_of_the_whole_text():
    rule = {"id": "key_category", "any": ["甲"], "all": ["乙", "丙"], "none": ["丁"], "pattern": r"\d号"}
    own = TAXONOMY.model_copy(update={"signals": Signals.model_validate({"flags": [rule]})})
    assert signals("甲乙丙3号", taxonomy=own)["flags"] == ["key_category"]
    for missing in ("甲乙3号", "乙丙3号", "甲乙丙", "甲乙丙3号丁"):
        assert signals(missing, taxonomy=own)["flags"] == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["投诉", "点赞", "请问", "建议", "公布", "造假", "数据", "没有", "，"]), max_size=6))
def test_stance_and_tone_are_of_the_closed_sets(words):
    found = signals("".join(words))
    assert found["stance"] in STANCE_NAMES
    assert found["tone"] in TONE_NAMES
    assert found["polarity"] is None or -1 <= found["polarity"] <= 1


def _clean_posts(*titles, **columns):
    at = datetime(2026, 11, 22, 4, tzinfo=UTC)
    rows = [
        {
            "post_id": f"p{i}",
            "source_id": "forum",
            "source_name": "论坛",
            "source_class": "board",
            "media_tier": "self",
            "reach": "county",
            "local_board": False,
            "official_channel": False,
            "board": None,
            "url": f"https://example.org/{i}",
            "title": title,
            "text": "",
            "text_hash": f"{i:016x}",
            "published_at": None,
            "published_precision": "unknown",
            "first_fetched_at": at,
            **columns,
        }
        for i, title in enumerate(titles)
    ]
    return pl.DataFrame(rows, schema=CONTRACTS["clean.posts"].polars_schema())


def test_the_stage_keeps_the_contracts_and_the_count():
    posts = _clean_posts("蒙城县统计局", "周末钓鱼", "美国CPI", "房价真高", "考研高数里的GDP", "CPI")
    understood = understand(posts, TAXONOMY, OFFICE, STANCE_RULES)
    kept = CONTRACTS["graded.posts"].conform(understood.posts)
    rejects = CONTRACTS["clean.rejects"].conform(understood.rejects)
    assert kept["post_id"].to_list() == ["p0", "p5"]
    reasons = dict(zip(rejects["post_id"], rejects["reason"], strict=True))
    assert reasons == {"p1": "no_term", "p2": "foreign", "p3": "no_context", "p4": "excluded"}
    assert kept.height + rejects.height == posts.height
    assert understand(posts.reverse(), TAXONOMY, OFFICE, STANCE_RULES).posts.equals(understood.posts)


def test_the_stage_on_nothing():
    understood = understand(_clean_posts(), TAXONOMY, OFFICE, STANCE_RULES)
    assert CONTRACTS["graded.posts"].conform(understood.posts).is_empty()
    assert CONTRACTS["clean.rejects"].conform(understood.rejects).is_empty()


def test_facts_of_the_source_and_the_place():
    posts = _clean_posts("县统计局的普查员", local_board=True, official_channel=True)
    [facts] = understand(posts, TAXONOMY, OFFICE, STANCE_RULES).posts["facts"].to_list()
    assert facts == ["local_board", "names_bureau", "official_channel"]
    [facts] = understand(_clean_posts("普查员"), TAXONOMY, OFFICE, STANCE_RULES).posts["facts"].to_list()
    assert facts == []
