"""What counts of a text, against the same rule in plain Python."""

import re
import unicodedata

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from caifeng.core.text.compiled import translate
from caifeng.core.text.identity import letters_and_figures

_ALPHABET = "0123456789,..--−  、。ab统计Ａ１．，－①½\u200b\n\t%٣🔥é𠀀K"


def _plain(text: str) -> str:
    wide = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x2212: "-", 0x200B: ""}
    text = text.translate(wide).lower()
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = "".join(c if unicodedata.category(c)[0] in "LN" or c in ".-" else " " for c in text)
    text = re.sub(r" +", " ", text)
    text = re.sub(r"[ .\-]+(?=[^\d .\-]|$)", "", text)  # marks and gaps that stand before no figure
    return re.sub(r"(^|[^\d .\-]) +", r"\1", text)  # gaps directly behind a letter


@settings(max_examples=500, deadline=None)
@given(st.lists(st.text(_ALPHABET, max_size=16), min_size=1, max_size=6))
def test_letters_and_figures(texts: list[str]) -> None:
    kept, ends = letters_and_figures(pl.Series(texts))
    starts = [0, *ends]
    assert [kept[start:end].decode() for start, end in zip(starts, ends, strict=False)] == [_plain(t) for t in texts]


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=10), max_size=6))
def test_translate_puts_one_character_for_another(texts: list[str | None]) -> None:
    forms = np.arange(0x10000, dtype=np.int32)
    forms[ord("a")], forms[ord("统")], forms[ord("é")] = ord("b"), ord("e"), ord("𠀀")
    kept = [t if t is None else t.encode("utf-8", "ignore").decode() for t in texts]
    expected = [t if t is None else t.translate({ord("a"): "b", ord("统"): "e", ord("é"): "𠀀"}) for t in kept]
    assert translate(pl.Series(kept, dtype=pl.String), forms).to_list() == expected
