import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.text.encoding import Decoded, Undecodable, decode

SIMPLE = "前三季度，全县生产总值同比增长百分之五，统计局的调查员上门登记。"
TRADITIONAL = "統計局說明，這個季度的數據是經過調查之後發布的，沒有問題。"


@pytest.mark.parametrize(
    ("body", "declared", "encoding"),
    [
        (SIMPLE.encode("utf-8"), None, "utf-8"),
        (SIMPLE.encode("gbk"), None, "gb18030"),
        (TRADITIONAL.encode("big5"), None, "big5"),
        (SIMPLE.encode("gbk"), "gb2312", "gb18030"),
        (SIMPLE.encode("gbk"), "GBK", "gb18030"),
        (TRADITIONAL.encode("big5"), "Big5", "big5"),
        (SIMPLE.encode("utf-16"), None, "utf-16"),
        (b"\xef\xbb\xbf" + SIMPLE.encode("utf-8"), "gbk", "utf-8"),
        # Wrong declarations fall through.
        (SIMPLE.encode("utf-8"), "gb2312", "utf-8"),
        (SIMPLE.encode("gbk"), "utf-8", "gb18030"),
        (SIMPLE.encode("gbk"), "iso-8859-1", "gb18030"),
        (SIMPLE.encode("gbk"), "x-unknown", "gb18030"),
        (SIMPLE.encode("gbk"), "rot13", "gb18030"),
        (b'<meta charset="utf-8">' + SIMPLE.encode("gbk"), None, "gb18030"),
        (b'<meta charset="big5">' + TRADITIONAL.encode("big5"), None, "big5"),
        (
            b'<meta http-equiv="Content-Type" content="text/html; charset=gb2312">' + "联通".encode("gbk"),
            None,
            "gb18030",
        ),
        (b'<?xml version="1.0" encoding="GBK"?>' + SIMPLE.encode("gbk"), None, "gb18030"),
        (b"plain", "ascii", "utf-8"),
        (b"", None, "utf-8"),
    ],
)
def test_encoding_is_found(body: bytes, declared: str | None, encoding: str) -> None:
    found = decode(body, declared)
    assert found.encoding == encoding
    assert "\ufffd" not in found.text
    assert not found.text.startswith("\ufeff")


def test_characters_outside_gb2312_survive_that_label() -> None:
    assert decode("朱镕基堃".encode("gb18030"), "gb2312").text == "朱镕基堃"


def test_a_little_damage_is_tolerated() -> None:
    found = decode((SIMPLE * 20).encode("gbk")[:-1], "gbk")
    assert found.encoding == "gb18030"
    assert found.text.startswith(SIMPLE)


@pytest.mark.parametrize("body", [bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n" + b"\x00\x01\xff" * 300, b"\x00" * 50])
def test_noise_is_refused(body: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(body, "utf-8")


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\ufffd")))
def test_utf8_round_trip(text: str) -> None:
    assert decode(text.encode("utf-8")) == Decoded(text, "utf-8")


@given(st.binary(max_size=300), st.sampled_from([None, "utf-8", "gbk", "big5", "utf-16", "shift_jis", "nonsense", ""]))
def test_any_bytes_decode_or_are_refused(body: bytes, declared: str | None) -> None:
    try:
        found = decode(body, declared)
    except Undecodable:
        return
    assert found.text.count("\ufffd") <= 0.01 * len(found.text)
    assert found.encoding
