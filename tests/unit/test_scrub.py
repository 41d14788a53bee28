import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.text.scrub import PII_PATTERNS, find_pii, scrub

ID = "34162219900307123"


def with_check_digit(number: str) -> str:
    """The 18th character of a citizen number, worked out from the standard's table of weights."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True))
    return number + "10X98765432"[total % 11]


def with_luhn(number: str) -> str:
    for last in "0123456789":
        digits = [int(digit) for digit in number + last][::-1]
        if sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0:
            return number + last
    raise AssertionError


CARD = with_luhn("622202123456789012")


@pytest.mark.parametrize(
    ("text", "clean", "kind"),
    [
        ("电话13912345678，谢谢", "电话〔手机号〕，谢谢", "mobile"),
        ("139 1234 5678", "〔手机号〕", "mobile"),
        ("联系:139-1234-5678。", "联系:〔手机号〕。", "mobile"),
        ("+86 13912345678", "〔手机号〕", "mobile"),
        ("１３９１２３４５６７８", "〔手机号〕", "mobile"),
        ("13912345678 13812345678", "〔手机号〕 〔手机号〕", "mobile"),
        ("找13912345678万先生", "找〔手机号〕万先生", "mobile"),
        ("0558-7612345", "〔电话〕", "landline"),
        ("(0558)7612345转802 找", "〔电话〕 找", "landline"),
        ("０５５８－７６１２３４５", "〔电话〕", "landline"),
        ("联系电话：7612345", "联系电话：〔电话〕", "landline"),
        (f"证件{with_check_digit(ID)}号", "证件〔身份证号〕号", "id_card"),
        ("身份证号：341622199003071239", "身份证号：〔身份证号〕", "id_card"),
        (f"打到{CARD}上", "打到〔银行卡号〕上", "bank_card"),
        ("邮箱 a.b@mail.example.com。", "邮箱 〔邮箱〕。", "email"),
        ("车牌皖S12345停在门口", "车牌〔车牌〕停在门口", "plate"),
        ("皖S·D12345", "〔车牌〕", "plate"),
        ("微信：abc_123456", "微信：〔微信号〕", "wechat"),
        ("加微信abc12345聊", "加微信〔微信号〕聊", "wechat"),
        ("QQ号:12345678", "QQ号:〔QQ号〕", "qq"),
    ],
)
def test_personal_data_is_marked(text: str, clean: str, kind: str) -> None:
    assert kind in find_pii(text)
    assert scrub(text) == clean
    assert find_pii(clean) == []


@pytest.mark.parametrize(
    "text",
    [
        "索引号：11341622003178461W/202007-00056",
        "皖统〔2020〕56号，国办发〔2016〕61号",
        "2026-11-22 09:30:15，2020/07/14，2026年11月22日",
        "生产总值340.5亿元，增长5.4%，人均可支配收入23456元",
        "全年财政收入13912345678元",
        "表：156 2345 6789 1234 5678",
        "苏GDP2024年增长，京ICP备05070218号",
        "12345热线，12340电话调查，110、120",
        "微信公众号：某县统计",
        "住户1200户，样本16800人，编码341622101001",
        "比重0.13912345678",
        "341622199003071230",
        "6222021234567890123"[:15],
        "第七次全国人口普查公报（第1号）",
    ],
)
def test_figures_dates_and_document_numbers_survive(text: str) -> None:
    assert scrub(text) == text
    assert find_pii(text) == []


PIECES = st.sampled_from(
    ["13912345678", "139 1234 5678", "0558-7612345", with_check_digit(ID), CARD, "a@b.cn", "皖S12345", "微信：",
     "QQ", "abc12345", "12345678", "电话", "，", " ", "元", "人", "统计局", "5.4%", "-", "1",
     "〔2020〕", "身份证", "卡号", "\n"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_nothing_is_left_and_twice_changes_nothing(text: str) -> None:
    clean = scrub(text)
    assert find_pii(clean) == []
    assert scrub(clean) == clean


@settings(max_examples=100)
@given(st.lists(PIECES, min_size=1, max_size=6).map("".join))
def test_polars_reads_the_patterns_alike(text: str) -> None:
    for name, pattern in PII_PATTERNS.items():
        seen = pl.Series([scrub(text)]).str.contains(pattern).item()
        assert not seen, name


def test_polars_gate_finds_what_was_not_scrubbed() -> None:
    dirty = pl.Series(
        ["电话13912345678，", "0558-7612345", "a.b@qq.com", "皖S12345", "微信：abc_123456", "QQ:12345678"]
    )
    seen = pl.DataFrame([dirty.str.contains(pattern).alias(name) for name, pattern in PII_PATTERNS.items()])
    assert seen.select(pl.any_horizontal(pl.all())).to_series().all()
    assert not pl.Series(["增长5.4%，索引号11341622003178461W/202007-00056"]).str.contains(
        "|".join(f"(?:{pattern})" for pattern in PII_PATTERNS.values())
    ).any()  # fmt: skip
