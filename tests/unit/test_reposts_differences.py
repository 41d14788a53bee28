"""What is a copy and what is the same template again: `dedupe --json` end to end, and its parts."""

import json
import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.settings import Settings
from caifeng.jobs.dedupe_lines import dedupe_lines
from caifeng.jobs.reposts import place_names
from tests.unit.test_reposts import RULES
from transforms.understand.minhash import BANDS, read, sign
from transforms.understand.reposts import find_copies, group_reposts, repost_marks
from transforms.understand.traditional import SIMPLIFIED

PLACES = place_names(Settings.load().taxonomy())
NEWS = (
    "谯城区统计局11月20日公布，前三季度全区居民人均可支配收入27315元，同比增长5.2%，其中农村居民收入增速快于城镇居民。"
    "有网友留言说，自己的工资三年没有涨过，不知道这个数字是怎么算出来的。"
)
TALK = (
    "昨天晚上普查员又来敲门，说登记表填得不对，让重新填一遍，家里老人听不懂普通话，折腾到九点多才走，能不能提前约个时间"
)


def groups(*texts: str) -> list[int]:
    answers, ok = dedupe_lines([json.dumps({"id": i, "text": t}) for i, t in enumerate(texts)], RULES, PLACES)
    assert ok
    return [json.loads(answer)["group_id"] for answer in answers]


@pytest.mark.parametrize(
    "copy",
    [
        "【转发】" + NEWS,
        "2026-11-22讯 " + NEWS,
        "新华社合肥11月21日电 " + NEWS,
        NEWS + " 责任编辑：小周 2026-11-22 08:30",
        NEWS + " http://t.cn/a1b2c3 #收入#",
        "太敢说了！//@某网友：" + NEWS,
        NEWS[: len(NEWS) * 3 // 4],
        NEWS[20:],
        NEWS.replace("，", ", ").replace("。", "！"),
        "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in NEWS),
        NEWS.translate({ord(s): t for t, s in SIMPLIFIED.items() if t in "統計區農鎮網資這個數怎來漲過"}),
        NEWS.replace("27315", "27,315").replace("三年", "3年"),
        NEWS.replace("不知道", "不晓得").replace("有网友", "网友"),
        "。".join(reversed(NEWS.split("。"))),
        NEWS.replace("11月20日公布", "公布"),
    ],
)
def test_an_edited_copy_belongs_to_its_original(copy):
    assert groups(NEWS, TALK, copy) == [0, 1, 0]


@pytest.mark.parametrize(
    "other",
    [
        NEWS.replace("27315", "26980"),
        NEWS.replace("5.2%", "5.7%"),
        NEWS.replace("11月20日", "11月21日"),
        NEWS.replace("前三季度", "上半年"),
        NEWS.replace("谯城区", "涡阳县"),
        NEWS.replace("三年", "五年"),
        "【转发】" + NEWS.replace("27315", "26980"),
    ],
)
def test_a_template_filled_in_anew_is_another_text(other):
    assert groups(NEWS, other) == [0, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("王建国", "刘秀英"),
        ("王建国", "王秀英"),
        ("王建国", "李建国"),
    ],
)
def test_another_name_is_another_text(one, other):
    notice = "县统计局公示：拟推荐{}同志为全市统计系统先进个人，公示期为五个工作日，如有意见请向办公室反映。"
    assert groups(notice.format(one), notice.format(other)) == [0, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("坛城镇", "板桥镇"),
        ("男子", "女子"),
        ("上涨", "下跌"),
    ],
)
def test_words_that_exclude_each_other_separate(one, other):
    line = "今天上午记者从有关部门了解到，{}一处商户的登记数据被质疑有误，工作人员已经到现场核实，结果将及时公布。"
    assert groups(line.format(one), line.format(other)) == [0, 1]


def test_figures_are_compared_by_value():
    written = read(pl.Series(["05月 1,234.50 二十六届 二〇二六年 ＧＤＰ 3.0％", "5月1234.5 26届，2026年gdp 3%"]))
    first, second = (written.symbols[a:b].tolist() for a, b in zip(written.bounds, written.bounds[1:], strict=False))
    assert first == second
    assert len(first) == 11


@pytest.mark.parametrize("pair", [("三亚市", "3亚市"), ("1.5", "15"), ("1,23", "123")])
def test_other_figures_and_names_of_places_stay_apart(pair):
    symbols = read(pl.Series(pair))
    assert symbols.symbols[: symbols.bounds[1]].tolist() != symbols.symbols[symbols.bounds[1] :].tolist()


def test_a_passage_of_twenty_equal_symbols_shares_a_mark():
    signed = sign(pl.Series([TALK[10:36], NEWS * 20 + TALK + NEWS * 20]))
    short, long = (set(signed.mark[signed.text == i].tolist()) for i in (0, 1))
    assert len(short) >= BANDS
    assert short & long


def test_the_five_hundredth_version_of_a_rumour_finds_the_first():
    texts = [TALK] + [f"{TALK[:40]}{chr(0x4E00 + i)}{TALK[40:]}" for i in range(500)]
    assert set(groups(*texts)) == {0}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_neither_order_nor_company_changes_a_group(seed):
    rng = random.Random(seed)
    texts = [NEWS, "转：" + NEWS, NEWS.replace("5.2", "5.9"), TALK, TALK[:40], TALK + NEWS[:15], "短", "短", "😀", ""]
    lines = [json.dumps({"id": f"t{i}", "text": text}) for i, text in enumerate(texts)]
    expected = sorted(dedupe_lines(lines, RULES, PLACES)[0])
    rng.shuffle(lines)
    shuffled = dedupe_lines(lines, RULES, PLACES)[0]
    assert [json.loads(a)["id"] for a in shuffled] == [json.loads(line)["id"] for line in lines]
    assert sorted(shuffled) == expected


def test_the_name_of_a_group_is_its_smallest_id():
    lines = [json.dumps({"id": given, "text": NEWS}) for given in (10, 9, 100)]
    assert [json.loads(a)["group_id"] for a in dedupe_lines(lines, RULES)[0]] == [9, 9, 9]
    lines.append(json.dumps({"id": "a", "text": NEWS}))
    assert [json.loads(a)["group_id"] for a in dedupe_lines(lines, RULES)[0]] == [10, 10, 10, 10]


@pytest.mark.parametrize(
    ("bad", "given", "error"),
    [
        ("{", None, "line: not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[1]", None, "line: not a JSON object"),
        ('{"text": ""}', None, "id: missing"),
        ('{"id": true, "text": ""}', None, "id: neither a string nor an integer"),
        ('{"id": 4}', 4, "text: missing"),
        ('{"id": 4, "text": null}', 4, "text: not a string"),
        ('{"id": "x", "text": "\\ud800"}', "x", "text: not valid Unicode"),
        ('{"id": "x", "text": "", "author": "y"}', "x", "author: unknown field"),
    ],
)
def test_a_bad_line_is_named_and_the_others_go_on(bad, given, error):
    answers, ok = dedupe_lines(
        [json.dumps({"id": 1, "text": NEWS}), "", bad, json.dumps({"id": 2, "text": NEWS})], RULES
    )
    assert not ok
    read_back = [json.loads(answer) for answer in answers]
    assert read_back == [{"id": 1, "group_id": 1}, {"id": given, "error": error}, {"id": 2, "group_id": 1}]


def test_strange_texts_do_no_harm():
    long = "的" * 350_000
    texts = [
        "",
        "",
        "\x00",
        "😀😀",
        "😀😀",
        "😀",
        long,
        "转 " + long,
        "统计 局" * 90_000,
        "\u200b",
        "１２" * 30_000,
        "ab" * 30,
    ]
    assert groups(*texts)[:6] == [0, 0, 2, 3, 3, 5]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(max_size=80), max_size=8))
def test_any_text_gets_a_group(texts):
    parents = find_copies(pl.Series(texts, dtype=pl.String), 0, RULES, PLACES)["parent"].to_list()
    assert len(parents) == len(texts)
    assert all(parents[parent] == parent for parent in parents)


def test_stored_marks_bring_back_the_same_groups(request):
    from caifeng.core.contracts import load_contracts
    from tests.unit.frames import NOON, posts

    contracts = load_contracts(request.config.rootpath / "sql")
    schema = contracts["graded.posts"].polars_schema()
    day = posts(
        schema,
        {"title": "收入", "text": "转：" + NEWS, "text_hash": "a"},
        {"title": "", "text": "短", "text_hash": "b"},
        {"title": "", "text": TALK[:45], "text_hash": "c"},
    )
    old = {"gn": NEWS, "gb": "短", "gt": TALK, "gx": NEWS.replace("5.2", "6.1"), "gz": "与此事完全没有关系的一段话" * 3}
    known = pl.DataFrame({"group_id": list(old), "title": [""] * 5, "text": list(old.values())}).with_columns(
        first_fetched_at=pl.lit(NOON)
    )
    stored = contracts["clean.repost_bands"].conform(repost_marks(known))
    today = repost_marks(day.select("title", "text", group_id=pl.lit("g") + pl.col("text_hash")))
    near = known.join(stored.join(today, on="mark", how="semi"), on="group_id", how="semi")
    assert 3 <= near.height < known.height
    everything = group_reposts(day, known, RULES, PLACES)
    assert group_reposts(day, near, RULES, PLACES).equals(everything)
    assert dict(everything.select("post_id", "group_id").iter_rows()) == {"p0": "gn", "p1": "gb", "p2": "gt"}
