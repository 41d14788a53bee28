"""Relevance: which texts concern Chinese official statistics, and which topic. Sentences are invented."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.model.terms import RELEVANCE_REASONS
from caifeng.core.settings import Settings
from transforms.understand.matching import documents, find_terms
from transforms.understand.relevance import classify, term_coverage

TAXONOMY = Settings.load().taxonomy()


def judge(title, text="", **columns):
    frame = pl.DataFrame({"id": ["x"], "title": [title], "text": [text], **{k: [v] for k, v in columns.items()}})
    return classify(frame, TAXONOMY).row(0, named=True)


@pytest.mark.parametrize(
    ("title", "reason", "topic"),
    [
        ("统计局的电话打不通", "strong_term", "staff_conduct"),
        ("统计局搬到哪里了", "strong_term", "other_stats"),
        ("前三季度GDP同比增长", "indicator_term", "gdp"),
        ("ＧＤＰ 又涨了", "indicator_term", "gdp"),
        ("ＣＰＩ怎么算", "indicator_term", "price"),
        ("城镇调查失业率公布", "strong_term", "employment"),
        ("我的可支配收入呢", "indicator_term", "income"),
        ("社平工资又涨", "indicator_term", "wage"),
        ("人 口 普 查要带户口本吗", "strong_term", "pop_census"),
        ("農業普查什麼時候開始", "strong_term", "agri_census"),
        ("联网直报平台登不上去", "strong_term", "econ_census"),
        ("固定资产投资增速回落", "strong_term", "investment"),
        ("70城房价出炉", "indicator_term", "housing"),
        ("170城房价同比下降", "context_term", "housing"),
        ("本地房价和统计数据对不上", "context_term", "housing"),
        ("北京人均可支配收入超过韩国", "indicator_term", "income"),
    ],
)
def test_relevant(title, reason, topic):
    verdict = judge(title)
    assert (verdict["relevant"], verdict["reason"]) == (True, reason)
    assert verdict["topics"][0]["topic"] == topic
    assert verdict["evidence"]


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("今天去河边钓鱼", "no_term"),
        ("据不完全统计已有二百人报名", "no_term"),
        ("外来入侵物种普查启动", "no_term"),
        ("新款GPMI接口发布", "no_term"),
        ("收入统一上缴财务", "no_term"),
        ("小区房价谈不拢", "no_context"),
        ("找工作好难，就业压力大", "no_context"),
        ("用SPSS做GDP回归分析的毕业论文", "excluded"),
        ("球员平均工资和场均助攻", "excluded"),
        ("上市公司财报：营收和GDP一起涨", "excluded"),
        ("美国CPI同比上涨", "foreign"),
        ("日本出生人口再创新低", "foreign"),
        ("CPI破9之后，美联储怎么办", "foreign"),
        ("法国国家统计局公布经济增速", "foreign"),
        ("美国2020年人口普查", "foreign"),
        ("香港人均GDP公布", "excluded"),
    ],
)
def test_irrelevant(title, reason):
    verdict = judge(title)
    assert (verdict["relevant"], verdict["reason"]) == (False, reason)
    assert verdict["topics"] == []


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("国家统计局回应美国加征关税", ""),
        ("人在国外怎么参加人口普查", ""),
        ("统计局招人，考研四三二统计也能报", "用SPSS吗"),
        ("我国GDP增速高于美国", ""),
        ("", "美国CPI不关心。我县居民消费价格同比上涨，和买菜的感受不一样。"),
    ],
)
def test_a_strong_or_domestic_mention_outweighs(title, text):
    assert judge(title, text)["relevant"]


def test_context_must_be_near():
    near = "房价" + "呀" * 50 + "统计数据"
    far = "房价" + "呀" * 70 + "统计数据"
    assert judge("", near)["reason"] == "context_term"
    assert judge("", far)["reason"] == "no_context"


def test_a_board_of_the_statistics_office_is_context_enough():
    assert judge("房价怎么来的", board="统计局回音壁")["relevant"]
    assert not judge("房价怎么来的", board="庄周茶馆")["relevant"]
    assert not judge("房价怎么来的", board=None)["relevant"]


def test_title_weighs_more_and_topics_are_ordered():
    verdict = judge("CPI的数字", "顺便问一句GDP")
    assert [topic["topic"] for topic in verdict["topics"]] == ["price", "gdp"]
    scores = [topic["score"] for topic in verdict["topics"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[1]


def test_what_happened_outranks_the_census_in_which_it_happened():
    verdict = judge("农业普查登记的信息被倒卖")
    assert [topic["topic"] for topic in verdict["topics"]] == ["data_leak", "agri_census"]
    assert judge("农业普查登记的信息")["topics"][0]["topic"] == "agri_census"


def test_everyday_words_of_strict_topics_count_only_beside_words_of_ours():
    words = [term for topic in TAXONOMY.topics if topic.strict for term in topic.ambiguous]
    assert len(words) > 300
    frame = pl.DataFrame({"id": range(len(words)), "title": words, "text": [""] * len(words)})
    alone = classify(frame, TAXONOMY)
    assert alone.filter("relevant").rows() == []
    strict = "|".join(f"^{topic.id}:" for topic in TAXONOMY.topics if topic.strict)
    said = alone.explode("evidence").filter(pl.col("evidence").str.contains(strict))
    assert said.rows() == []
    assert judge("敲门的", "普查员")["topics"][0]["topic"] == "household_visit"


def test_what_a_mask_hides_is_hidden_in_longer_terms_too():
    assert judge("文物普查办挂牌")["reason"] == "no_term"
    assert judge("土壤普查员补贴")["reason"] == "no_term"
    assert judge("县普查办挂牌")["reason"] == "strong_term"
    assert judge("文物普查办旁边是县普查办")["reason"] == "strong_term"


def test_an_everyday_word_inside_a_term_of_another_topic_says_nothing():
    topics = [topic["topic"] for topic in judge("统计局公布采购经理指数")["topics"]]
    assert topics == ["industry_energy"]
    assert judge("统计局的采购")["topics"][0]["topic"] == "three_public"


def test_an_exclusion_around_a_term_takes_its_force():
    assert "impostor_fraud" in {t["topic"] for t in judge("普查员收费")["topics"]}
    assert "impostor_fraud" not in {t["topic"] for t in judge("普查员不收费")["topics"]}


def test_coverage_counts_texts_per_term():
    texts = pl.DataFrame(
        {"id": [1, 2, 3], "title": ["GDP和GDP", "美国GDP", "房价"], "text": ["", "", "统计数据"]},
    )
    coverage = term_coverage(texts, TAXONOMY)
    counts = {(r["topic"], r["term"]): (r["found"], r["counted"]) for r in coverage.iter_rows(named=True)}
    assert counts["gdp", "gdp"] == (2, 1)
    assert counts["housing", "房价"] == (1, 1)
    assert counts["", "统计局"] == (0, 0)
    assert coverage["term"][0] == "gdp"
    listed = {topic.id for topic in TAXONOMY.topics} | {""}
    assert set(coverage["topic"]) == listed
    assert coverage.select("topic", "kind", "term").is_duplicated().sum() == 0


def test_evidence_points_at_the_term():
    verdict = judge("县里公布", "今年的GDP")
    doc = documents(pl.DataFrame({"title": ["县里公布"], "text": ["今年的GDP"]}))["doc"].item()
    [line] = verdict["evidence"]
    rule, _, rest = line.partition(":")
    term, offset = rest.rsplit("@", 1)
    assert rule == "gdp"
    assert doc[int(offset) :].startswith(term)


def test_frames_keep_order_ids_and_schema():
    frame = pl.DataFrame({"id": [3, 1, 2], "title": ["GDP", None, "钓鱼"], "text": [None, "普查员来了", ""]})
    verdicts = classify(frame, TAXONOMY)
    assert verdicts["id"].to_list() == [3, 1, 2]
    assert verdicts["relevant"].to_list() == [True, True, False]
    assert classify(frame.clear(), TAXONOMY).schema == verdicts.schema
    assert classify(frame.tail(1), TAXONOMY).schema == verdicts.schema


def test_terms_are_found_overlapping_at_character_offsets():
    docs = pl.DataFrame({"row": [7], "doc": ["访国家统计局gdp，gdpx"]}, schema={"row": pl.UInt32, "doc": pl.String})
    hits = find_terms(docs, pl.Series(["统计局", "国家统计局", "gdp"]))
    assert hits.rows() == [(7, "国家统计局", 1, 6), (7, "统计局", 3, 6), (7, "gdp", 6, 9)]


_PIECES = st.lists(
    st.sampled_from(
        ["统计局", "GDP", "房价", "公布", "美国", "我国", "SPSS", "普查", "物种普查", "，", "\n", "x", "呀" * 30]
    ),
    max_size=8,
).map("".join)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(_PIECES, _PIECES), min_size=1, max_size=3))
def test_a_verdict_does_not_depend_on_the_neighbours(texts):
    frame = pl.DataFrame(
        {"id": range(len(texts)), "title": [t for t, _ in texts], "text": [b for _, b in texts]},
        schema={"id": pl.Int64, "title": pl.String, "text": pl.String},
    )
    together = classify(frame, TAXONOMY)
    alone = pl.concat([classify(frame[i], TAXONOMY) for i in range(frame.height)])
    assert together.equals(alone)
    assert set(together["reason"]) <= set(RELEVANCE_REASONS)
    positive = pl.col("reason").is_in(["strong_term", "indicator_term", "context_term"])
    assert together.select((positive == pl.col("relevant")).all()).item()
    assert together.select((pl.col("relevant") == (pl.col("topics").list.len() > 0)).all()).item()
