"""Relevance: which texts concern Chinese official statistics, and which topic. Sentences are invented."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.model.taxonomy import Rule
from caifeng.core.model.terms import RELEVANCE_REASONS
from caifeng.core.settings import Settings
from transforms.understand.matching import documents, find_terms
from transforms.understand.relevance import classify, relevance_rules, term_coverage
from transforms.understand.trie import trie_of

TAXONOMY = Settings.load().taxonomy()


def judge(title, text="", **columns):
    frame = pl.DataFrame({"id": ["x"], "title": [title], "text": [text], **{k: [v] for k, v in columns.items()}})
    return classify(frame, relevance_rules(TAXONOMY)).row(0, named=True)


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
    alone = classify(frame, relevance_rules(TAXONOMY))
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
    verdicts = classify(frame, relevance_rules(TAXONOMY))
    assert verdicts["id"].to_list() == [3, 1, 2]
    assert verdicts["relevant"].to_list() == [True, True, False]
    assert classify(frame.clear(), relevance_rules(TAXONOMY)).schema == verdicts.schema
    assert classify(frame.tail(1), relevance_rules(TAXONOMY)).schema == verdicts.schema


def test_terms_are_found_overlapping_at_character_offsets():
    docs = pl.DataFrame({"row": [7], "doc": ["访国家统计局gdp，gdpx"]}, schema={"row": pl.UInt32, "doc": pl.String})
    hits = find_terms(docs, trie_of(pl.Series(["统计局", "国家统计局", "gdp"])))
    assert hits.rows() == [(7, "国家统计局", 1, 6, 3), (7, "统计局", 3, 6, 9), (7, "gdp", 6, 9, 18)]


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
    together = classify(frame, relevance_rules(TAXONOMY))
    alone = pl.concat([classify(frame[i], relevance_rules(TAXONOMY)) for i in range(frame.height)])
    assert together.equals(alone)
    assert set(together["reason"]) <= set(RELEVANCE_REASONS)
    positive = pl.col("reason").is_in(["strong_term", "indicator_term", "context_term"])
    assert together.select((positive == pl.col("relevant")).all()).item()
    assert together.select((pl.col("relevant") == (pl.col("topics").list.len() > 0)).all()).item()


@pytest.mark.parametrize(
    "title",
    [
        "统 计 局在哪",
        "统.计.局在哪",
        "统-计-局在哪",
        "统\u200b计\u200b局在哪",
        "统\0计\0局在哪",
        "統計局在哪",
        "&#32479;&#35745;&#23616;在哪",
        "统<b>计</b>局在哪",
        "人*口*普*查开始了",
        "ＧＤＰ又涨",
        "G.D.P又涨",
        "ⒸⓅⒾ又涨",
        "人｜口｜普｜查开始了",
    ],
)
def test_disguised_terms_are_found(title):
    assert judge(title)["relevant"]


@pytest.mark.parametrize(
    "title",
    [
        "操作系统 计划局部更新",
        "传统-计-谋",
        "健康科普查看详情",
        "健康科普 查一查",
        "县、市、区三级",
        "G弦上的DP咏叹调",
        "A.B.C三组",
        "入.冬.了.普.洱.茶",
    ],
)
def test_marks_make_no_terms(title):
    assert not judge(title)["relevant"]


def with_rule(**fields):
    """The taxonomy with one compound rule, for the topic gdp, and no other rule."""
    rule = Rule.model_validate({"id": "r", **fields})
    topics = tuple(t.model_copy(update={"rule": (rule,) if t.id == "gdp" else ()}) for t in TAXONOMY.topics)
    return TAXONOMY.model_copy(update={"topics": topics})


def fires(taxonomy, title, text="", **columns):
    frame = pl.DataFrame({"id": [1], "title": [title], "text": [text], **{k: [v] for k, v in columns.items()}})
    return classify(frame, relevance_rules(taxonomy)).row(0, named=True)


def test_a_compound_rule_needs_every_word_near_the_anchor():
    taxonomy = with_rule(all=["账本", "晒出|公开", "{places}"], within=5)
    assert fires(taxonomy, "合肥晒出账本")["evidence"] == ["gdp/r:账本@4", "gdp/r:晒出@2", "gdp/r:合肥@0"]
    assert fires(taxonomy, "我国账本公开")["reason"] == "indicator_term"
    assert fires(taxonomy, "合肥晒出账本")["topics"] == [{"topic": "gdp", "score": 4.0}]
    assert not fires(taxonomy, "晒出账本")["relevant"]
    assert not fires(taxonomy, "合肥的账本")["relevant"]
    assert not fires(taxonomy, "合肥晒出了好大的一个账本")["relevant"]
    assert not fires(taxonomy, "美国晒出账本")["relevant"]


def test_any_none_and_the_title_of_a_compound_rule():
    taxonomy = with_rule(all=["账本"], any=["全县", "全市"], none=["家庭"], in_title=True)
    assert fires(taxonomy, "全县账本")["relevant"]
    assert fires(taxonomy, "全市的账本")["relevant"]
    assert not fires(taxonomy, "账本")["relevant"]
    assert not fires(taxonomy, "全县家庭账本")["relevant"]
    assert fires(taxonomy, "全县账本" + "呀" * 30 + "家庭")["relevant"]
    assert not fires(taxonomy, "看看", "全县账本")["relevant"]


def test_a_compound_rule_of_certain_boards():
    taxonomy = with_rule(all=["账本"], boards=["回音壁"])
    assert fires(taxonomy, "账本", board="县长回音壁")["relevant"]
    assert not fires(taxonomy, "账本", board="庄周茶馆")["relevant"]
    assert not fires(taxonomy, "账本", board=None)["relevant"]
    assert not fires(taxonomy, "账本")["relevant"]


def test_exclusions_silence_a_rule_unless_it_is_strong():
    words = {"all": ["账本", "全县"]}
    assert fires(with_rule(**words), "球员看全县账本")["reason"] == "excluded"
    assert fires(with_rule(**words, strong=True), "球员看全县账本")["reason"] == "strong_term"


def test_an_anchor_inside_a_firm_term_of_the_topic_counts_once():
    taxonomy = with_rule(all=["生产总值", "全县"])
    assert fires(taxonomy, "全县地区生产总值")["evidence"] == ["gdp:地区生产总值@2"]


def test_coverage_lists_compound_rules():
    texts = pl.DataFrame({"id": [1, 2], "title": ["全县账本", "账本"], "text": ["", ""]})
    coverage = term_coverage(texts, with_rule(all=["账本", "全县"]))
    assert coverage.filter(kind="rule").rows() == [("gdp", "rule", "gdp/r", 1, 1)]


def test_the_title_weight_and_the_boards_are_configuration():
    relevance = TAXONOMY.relevance.model_copy(update={"title_weight": 5.0, "boards": ("回音壁",)})
    taxonomy = TAXONOMY.model_copy(update={"relevance": relevance})
    assert fires(taxonomy, "GDP")["topics"] == [{"topic": "gdp", "score": 10.0}]
    assert fires(taxonomy, "房价怎么来的", board="县长回音壁")["relevant"]
    assert not fires(taxonomy, "房价怎么来的", board="统计局")["relevant"]


@pytest.mark.parametrize(
    ("title", "relevant"),
    [
        ("某省常住人口中老龄化进入中度，全国人口减少三百人", True),
        ("我国人口规模又变了", True),
        ("多少省份进入深度老龄化", True),
        ("研究机构预计今年中国经济将增长百分之五，即5%", True),
        ("人口贩卖团伙在广东落网，人数达三十", False),
        ("广东千万人口达标核酸检测", False),
        ("小区电梯老龄化严重", False),
        ("夜间经济增长30%，烧烤店忙坏了", False),
        ("越南人口减少，日本人口负增长", False),
        ("每年浪费的粮食有七百亿斤", False),
    ],
)
def test_shipped_compound_rules(title, relevant):
    assert judge(title)["relevant"] is relevant


@pytest.mark.parametrize(
    ("text", "relevant"),
    [
        ("", False),
        ("😀" * 100_000, False),
        ("\0" * 100_000, False),
        ("GDP，" * 200_000, True),
        ("统计局GDP美国人口普查房价同比，" * 10_000, True),
        ("我国人口减少。" * 50_000, True),
        ("统.计." * 100_000, False),
        ("呀" * 300_000 + "统计局", True),
        ("<script>" * 50_000, False),
        ("&#55357;" * 1_000 + "统计局", True),  # half a surrogate pair as an entity
    ],
)
def test_bad_input_is_judged_all_the_same(text, relevant):
    verdict = judge("", text)
    assert verdict["relevant"] is relevant
    assert verdict["reason"] in RELEVANCE_REASONS
    assert len(verdict["evidence"]) <= 30
