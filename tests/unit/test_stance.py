"""Stance, polarity, intensity: the invented examples, what language does to a feeling, and the files."""

import gzip
import tomllib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from bench.stance import Item, coverage, halves, macro_f1
from caifeng.core.model.stance import StanceRules, stance_rules_from
from caifeng.core.model.terms import STANCE_NAMES, TONE_NAMES
from caifeng.core.settings import Settings
from transforms.understand.signals import detect_signals, signal_rules
from transforms.understand.stance import judge_stance

RULES = Settings.load().stance()
FILE = tomllib.loads((Path(__file__).parent / "stance_examples.toml").read_text("utf8"))


def judge(*texts, rules=RULES):
    frame = pl.DataFrame({"title": texts, "text": [""] * len(texts)}, schema={"title": pl.String, "text": pl.String})
    return judge_stance(frame, rules)


def one(text, rules=RULES):
    return judge(text, rules=rules).row(0, named=True)


def examples():
    """(text, wanted, group) of every example, the tricky ones included."""
    groups = {stance: FILE[stance]["plain"] for stance in STANCE_NAMES}
    plain = [(text, stance, stance) for stance, texts in groups.items() for text in texts]
    extra = [(t, stance, group) for group in ("tricky", "fresh") for stance, ts in FILE[group].items() for t in ts]
    return plain + extra


def test_the_examples_are_many_and_of_every_kind():
    texts = [text for text, _, _ in examples()]
    assert len(set(texts)) == len(texts) >= 120
    sizes = {group: sum(g == group for _, _, g in examples()) for group in (*STANCE_NAMES, "tricky")}
    assert min(sizes.values()) >= 20
    assert {miss["text"] for miss in FILE["known_miss"]} <= set(texts)


def test_the_examples_hold_but_for_the_known_misses():
    wanted = {text: stance for text, stance, _ in examples()}
    found = dict(zip(wanted, judge(*wanted)["stance"].to_list(), strict=True))
    missed = {text: found[text] for text, stance in wanted.items() if found[text] != stance}
    assert missed == {miss["text"]: miss["found"] for miss in FILE["known_miss"]}
    assert len(missed) <= 0.15 * len(wanted)


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ("非常满意", "有点满意"),
        ("满意", "不满意"),
        ("没有发现造假", "发现造假"),
        ("很舒服", "不是很舒服"),
        ("服务好极了", "服务好"),
        ("虽然慢，但是很热情", "虽然热情，但是很慢"),
        ("点赞", "呵呵，点赞"),
        ("办得快👍", "办得快😡"),
        ("办得快[赞]", "办得快[怒]"),
        ("很满意", "希望能让人很满意"),
        ("好累", "好气愤"),
        ("谢谢//@甲:太气人了", "太气人了//@甲:谢谢"),
    ],
)
def test_language_changes_a_feeling(stronger, weaker):
    assert (one(stronger)["polarity"] or 0) > (one(weaker)["polarity"] or 0)


@pytest.mark.parametrize("text", ["满意度调查", "统计局", "好像好几天了", "@点赞的人: 到了", ""])
def test_nothing_felt_is_null_and_not_zero(text):
    found = one(text)
    assert found["polarity"] is None
    assert found["intensity"] == 0


def test_a_negation_does_not_leave_its_clause():
    assert one("不，满意")["polarity"] > 0 > one("不满意")["polarity"]


def test_degrees_strengthen_the_intensity():
    assert one("非常满意")["intensity"] > one("满意")["intensity"] > one("有点满意")["intensity"] > 0


def test_a_disclaimer_accuses_nobody():
    assert one("严禁造假、虚报、瞒报")["stance"] == "unsure"
    assert one("造假、虚报、瞒报")["stance"] == "complaint"


def test_hearsay_is_not_his_own_complaint():
    assert one("网上说普查信息会泄露，是真的吗？")["stance"] == "question"
    assert one("普查信息泄露了！")["stance"] == "complaint"


def test_evidence_gives_rule_term_and_place():
    assert one("不满意，请问找谁")["evidence"] == ["negative:不满意@0", "question:请问@4"]
    assert {"negative:真棒@3", "sarcasm:真棒@3"} <= set(one("呵呵，真棒")["evidence"])
    assert one("关于入户登记的通知")["evidence"][0] == "neutral:paper@0"
    long = one("，".join(f"点赞{n}号" for n in range(50)))
    assert 0 < len(long["evidence"]) <= 30


def test_offsets_point_at_the_term_in_the_matching_form():
    text = "ＡＢ 统计局😡真的，很满意"
    [found] = [e for e in one(text)["evidence"] if e.startswith("positive:很满意")]
    assert int(found.rpartition("@")[2]) == "ab统计局😡真的,很满意".index("很满意")


WORDS = [
    "投诉",
    "点赞",
    "请问",
    "建议",
    "公布",
    "造假",
    "数据",
    "没有",
    "，",
    "！",
    "//@甲:",
    "呵呵",
    "[怒]",
    "好",
    "？",
    "\n",
    "非常",
]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=8).map("".join)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(TEXTS, st.text(max_size=20)), max_size=6))
def test_a_verdict_is_in_range_and_depends_on_its_text_alone(texts):
    texts = [text.encode(errors="ignore").decode() for text in texts]
    together = judge(*texts)
    assert together.height == len(texts)
    assert set(together["stance"]) <= set(STANCE_NAMES)
    assert set(together["tone"]) <= set(TONE_NAMES)
    assert together["polarity"].drop_nulls().is_between(-1, 1).all()
    assert together["intensity"].is_between(0, 1).all()
    assert_frame_equal(judge(*reversed(texts)).reverse(), together)
    if texts:
        assert_frame_equal(judge(texts[0]), together.head(1))


def test_bad_input():
    hard = ["", "\x00", "😡" * 1000, "不" * 1000, "很满意，" * 100_000, "？！…~" * 50, "[" * 500, None]
    found = judge(*hard)
    assert found.height == len(hard)
    assert found["stance"].null_count() == found["intensity"].null_count() == 0


def test_ids_are_kept_and_no_rows_are_no_rows():
    frame = pl.DataFrame({"id": ["b", "a"], "title": ["点赞", "投诉"], "text": ["", ""]})
    assert judge_stance(frame, RULES).select("id", "stance").rows() == [("b", "praise"), ("a", "complaint")]
    assert judge_stance(frame.clear(), RULES).is_empty()
    assert judge().columns == ["stance", "tone", "polarity", "intensity", "evidence"]


def test_signals_take_their_stance_from_here():
    taxonomy = Settings.load().taxonomy()
    frame = pl.DataFrame({"id": [1, 2], "title": ["可否把历年数据放在一张表里", "普查员很耐心"], "text": ["", ""]})
    found = detect_signals(frame, signal_rules(taxonomy, RULES))
    assert found["stance"].to_list() == ["suggestion", "praise"]
    assert found["flags"].to_list()[0] == ["constructive_suggestion"]
    assert found["polarity"].is_null().to_list() == [True, False]
    assert any(entry.startswith("praise:") for entry in found["evidence"].to_list()[1])


def files():
    folder = Settings.load().config / "stance"
    return {path.stem: tomllib.loads(path.read_text("utf8")) for path in folder.glob("*.toml")}


def test_without_borrowed_words_our_own_remain():
    rules = stance_rules_from(files())
    assert rules.borrowed == ()
    assert one("很满意", rules)["stance"] == "praise"
    assert one("幸灾乐祸", rules)["polarity"] is None
    assert one("幸灾乐祸")["polarity"] < 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.pop("words"), ["words.toml", "missing"]),
        (lambda f: f["stance"]["polarity"].update(quoted=2), ["stance.toml", "polarity.quoted"]),
        (lambda f: f["stance"]["decision"].pop("margin"), ["stance.toml", "decision.margin"]),
        (lambda f: f["stance"]["cues"][0].update(stance="fury"), ["stance.toml", "cues.0.stance"]),
        (lambda f: f["stance"]["patterns"][0].update(pattern="("), ["stance.toml", "patterns.0.pattern"]),
        (lambda f: f["words"].update(negators=["不", "不"]), ["words.toml", "negators", "twice", "不"]),
        (lambda f: f["emoticons"]["feelings"][0].update(terms=[" "]), ["emoticons.toml", "empty"]),
        (lambda f: f["emoticons"].update(colour=1), ["emoticons.toml", "colour"]),
    ],
)
def test_a_wrong_file_is_named_with_its_field(change, words):
    content = files()
    change(content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words are checked below
        stance_rules_from(content)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("table", "words"),
    [(b"plain", ["not a gzipped"]), (gzip.compress("好\t1\n坏\n".encode(), mtime=0), ["line 2", "坏"])],
)
def test_a_wrong_table_is_named(table, words):
    with pytest.raises(ValueError, match=r"jionlp_words\.tsv\.gz") as caught:
        stance_rules_from(files(), table)
    assert [word for word in words if word not in str(caught.value)] == []


def test_the_borrowed_table_comes_with_its_licence():
    assert len(RULES.borrowed) > 30_000
    text = (Settings.load().config / "stance" / "jionlp.LICENSE").read_text("utf8")
    assert "Apache License" in text
    assert "Changes:" in text


def test_what_the_bench_counts():
    assert macro_f1([1, 1, -1], [1, 1, -1]) == 1
    assert macro_f1([1, -1], [1, 1]) == pytest.approx(1 / 3, abs=1e-4)
    items = [Item("a", 1), Item("b", -1), Item("c", -1)]
    assert coverage(items, [0.9, -0.5, 0.1]) == pytest.approx(2 / 3, abs=1e-4)
    assert coverage(items, [0.1, 0.1, 0.1]) == 0
    [tune, report] = halves([Item(f"{n}号店[赞]好{'很' * n}", 1) for n in range(40)])
    assert tune
    assert report
    assert halves([tune[0]._replace(text=tune[0].text.replace("[赞]", ""))]) != ([], tune[:1])


def test_rules_are_frozen():
    assert isinstance(RULES, StanceRules)
    with pytest.raises(ValueError, match="frozen"):
        RULES.decision.margin = 1
