"""Reading form, matching form and content hash."""

import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.text.identity import content_hash
from caifeng.core.text.normalise import matching_form, reading_form


def _apply(expression, *values):
    return pl.DataFrame({"x": values}, schema={"x": pl.String}).select(expression(pl.col("x"))).to_series().to_list()


def _hashes(*texts):
    frame = pl.DataFrame({"t": texts}, schema={"t": pl.String})
    return frame.select(content_hash(pl.lit(""), pl.col("t"))).to_series().to_list()


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("ＧＤＰ　增长５％", "GDP 增长5％"),
        ("统计&nbsp;局&amp;普查&#32479;", "统计 局&普查统"),
        ("<p>第一段</p><p>第二<b>段</b></p>", "第一段\n第二段"),
        ("a<script>alert(1)</script>b<!-- c -->", "ab"),
        ("统\u200b计\ufeff局", "统计局"),
        ("  多  个\t空 \n\n 行 ", "多 个 空\n行"),
        ("x<3 且 y>5", "x<3 且 y>5"),
        ("“引号”，（括号）！？。", "“引号”，（括号）！？。"),
        ("", ""),
        (None, None),
    ],
)
def test_reading_form(raw, read):
    assert _apply(reading_form, raw) == [read]


@pytest.mark.parametrize(
    ("raw", "matched"),
    [
        ("统 计 局 长", "统计局长"),
        ("據不完全統計，70 城 房价", ",70城房价"),
        ("CPI PPI 同比", "cpi ppi同比"),
        ("统計局", "统计局"),
        ("５％", "5%"),
        ("统\n计", "统\n计"),
        ("统.计.局", "统计局"),
        ("统-计-局的数据", "统计局的数据"),
        ("统··计··局", "统计局"),
        ("统🔥计🔥局", "统计局"),
        ("統 計 局", "统计局"),
        ("統計侷", "统计侷"),
        ("统\u0336计\u0336局", "统计局"),
        ("统\u3164计\u2060局", "统计局"),
        ("&#32479&#35745;局", "统计局"),
        ("G.D.P增长", "gdp增长"),
        ("G D P", "gdp"),
        ("ⒼⒹⓅ 𝐆𝐃𝐏 🅖🅓🅟", "gdp gdp gdp"),
        ("СРІ", "cpi"),
        ("⼈⼝普查", "人口普查"),
        ("農業產值與價格，驗證風險", "农业产值與价格,验证风险"),
        # not spelt out: words that stand apart, two characters, mixed marks, figures, lines
        ("传统-计划", "传统-计划"),
        ("统.计-局", "统.计-局"),
        ("统.计", "统.计"),
        ("统.\n计.\n局", "统.\n计.\n局"),
        ("1-2-3，3.5.7", "1-2-3,3.5.7"),
        ("a.b类，x-y图", "a.b类,x-y图"),
        ("增长5%②", "增长5%②"),
    ],
)
def test_matching_form(raw, matched):
    assert _apply(matching_form, raw) == [matched]


@settings(deadline=None)
@given(st.text(alphabet="统计局 ａＧ3５.，。\u200b\n", max_size=30))
def test_forms_are_stable(text):
    read = _apply(reading_form, text)[0]
    assert _apply(reading_form, read) == [read]
    matched = _apply(matching_form, text)[0]
    assert _apply(matching_form, matched) == [matched]


def test_hash_ignores_marks_case_and_width_but_not_figures():
    same = ["粮食产量1,234吨，GDP增长！", "粮食产量1234吨 ＧＤＰ增长", "粮食\n产量１２３４吨gdp增长。"]
    assert len(set(_hashes(*same))) == 1
    different = ["3.5", "35", "-35", "3、5", "3.6", "增长-3%", "增长3%", "12、34", "1、234", ""]
    assert len(set(_hashes(*different))) == len(different)


@settings(deadline=None)
@given(a=st.integers(-99999, 99999), b=st.integers(-99999, 99999))
def test_hash_tells_numbers_apart(a, b):
    first, second = _hashes(f"同比增长{a / 100:.2f}%，共{a}户", f"同比增长{b / 100:.2f}%，共{b}户")
    assert (first == second) == (a == b)


def test_hash_is_16_hex_digits_and_the_same_in_another_process():
    code = (
        "import polars as pl; from caifeng.core.text.identity import content_hash;"
        "print(pl.DataFrame({'a': ['标题'], 'b': ['正文5%']}).select(content_hash(pl.col('a'), pl.col('b'))).item())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    here = pl.DataFrame({"a": ["标题"], "b": ["正文5%"]}).select(content_hash(pl.col("a"), pl.col("b"))).item()
    assert here == other == "b23220c806059e6b"
    assert len(here) == 16
    assert set(here) <= set("0123456789abcdef")


def test_hash_of_nothing_is_a_hash():
    frame = pl.DataFrame({"a": [None, ""], "b": ["", None]}, schema={"a": pl.String, "b": pl.String})
    hashes = frame.select(h=content_hash(pl.col("a"), pl.col("b")))["h"].to_list()
    assert len(hashes[0]) == 16
    assert hashes[0] == hashes[1]
    assert frame.clear().select(h=content_hash(pl.col("a"), pl.col("b"))).schema == {"h": pl.String}
