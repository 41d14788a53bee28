import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.encoding import blobs
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


PARAGRAPH = f"<p>{SIMPLE}</p>\n"


@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [
        ("物價", "big5", "big5"),
        ("統計局說明", "cp950", "big5"),
        ("CPI上漲，物價怎麼看", "big5", "big5"),
        ("物价", "gbk", "gb18030"),
        ("联通", "gbk", "gb18030"),
        ("朱镕基堃䶮", "gb18030", "gb18030"),
        ("統計局說明，這個季度沒有問題", "gbk", "gb18030"),
        ("x" * 20_000 + "统计" + "y" * 30_000 + "公报", "gbk", "gb18030"),
        ("统计", "utf-16-le", "utf-16-le"),
        ("统计", "utf-16-be", "utf-16-be"),
        ("<html><title>公报</title>" + SIMPLE, "utf-16-le", "utf-16-le"),
        ("plain", "utf-16-be", "utf-16-be"),
        ("Les données du café, déjà publiées à Genève", "cp1252", "cp1252"),
        ("Die Zahlen für März, geprüft in Köln.", "latin-1", "cp1252"),
    ],
)
def test_undeclared_text_short_or_mixed(text: str, codec: str, encoding: str) -> None:
    assert decode(text.encode(codec)) == Decoded(text, encoding)


@pytest.mark.parametrize(
    ("codec", "declared"),
    [
        ("utf-8", "gb2312"), ("utf-8", "big5"), ("utf-8", "iso-8859-1"), ("gbk", "utf-8"), ("gbk", "big5"),
        ("gbk", "iso-8859-1"), ("gbk", "windows-1252"), ("utf-16-le", "utf-8"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_gives_way(codec: str, declared: str) -> None:
    inside = f'<meta charset="{declared}">' + PARAGRAPH
    assert decode(inside.encode(codec)).text == inside
    assert decode(inside.encode(codec), declared).text == inside


def test_the_servers_charset_stands_before_the_pages_own_and_a_right_one_before_both() -> None:
    page = '<meta charset="gbk">' + SIMPLE
    assert decode(page.encode("utf-8"), "utf-8").text == page
    assert decode(("<meta charset='big5'>" + SIMPLE).encode("gbk"), "utf-8").encoding == "gb18030"
    assert decode(b"<p>caf\xe9</p>", "iso-8859-1") == Decoded("<p>café</p>", "cp1252")


@pytest.mark.parametrize("codec", ["utf-8", "gbk", "gb18030", "big5", "utf-16-le"])
def test_a_cut_page_keeps_its_encoding(codec: str) -> None:
    text = TRADITIONAL * 3
    body = text.encode(codec)
    whole = decode(body).encoding
    for end in range(len(body) - 7, len(body)):
        found = decode(body[:end])
        assert found.encoding == whole
        assert text.startswith(found.text)


@pytest.mark.parametrize("bad", [b"\xff", b"\x80", b"?", b"", b"\xb5", b"\xff\xff"])
@pytest.mark.parametrize("declared", [None, "gb2312", "utf-8", "big5"])
def test_a_broken_byte_spoils_its_paragraph_and_no_other(bad: bytes, declared: str | None) -> None:
    body = (PARAGRAPH * 50).encode("gbk")
    found = decode(body[:1000] + bad + body[1001:], declared)
    assert found.encoding == "gb18030"
    assert found.text.count(PARAGRAPH) >= 48
    utf8 = (PARAGRAPH * 50).encode()
    found = decode(utf8[:1000] + bad + utf8[1001:], "gbk")
    assert (found.encoding, found.text.count(PARAGRAPH) >= 48) == ("utf-8", True)


def test_half_a_page_in_another_encoding_is_no_reason_for_latin_letters() -> None:
    body = (PARAGRAPH * 40).encode("gbk") + PARAGRAPH.encode()
    assert decode(body).text.startswith(PARAGRAPH * 40)


def test_the_benchmarks_blobs_keep_the_target() -> None:
    pool = blobs(600)
    assert {blob.family for blob in pool} == {"utf-8", "gb", "big5", "utf-16"}
    assert sum(decode(blob.body).encoding.startswith(blob.family) for blob in pool) >= 0.985 * len(pool)
