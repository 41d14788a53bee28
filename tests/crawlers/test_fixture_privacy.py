"""Fixtures are in the repository for everybody to read: no real person stands in them."""

from pathlib import Path

from caifeng.core.text.encoding import Undecodable, decode
from caifeng.core.text.scrub import find_pii

HERE = Path(__file__).resolve().parent
#: Invented numbers that stand in pages on purpose, to prove that they never leave the parser.
SEEDS = ("13912345678", "13812345678", "15500001234", "writer@news.example", "uid@news.example")


def test_no_page_holds_personal_data_but_the_seeds() -> None:
    swept, found = 0, {}
    for body in sorted(HERE.glob("*/*/body.*")):
        try:
            text = decode(body.read_bytes()).text
        except Undecodable:
            continue
        swept += 1
        for seed in SEEDS:
            text = text.replace(seed, "")
        # Names in pages are decoys of test_pages; what could be a real person's is a number or an address.
        if kinds := [kind for kind in find_pii(text) if kind != "name"]:
            found[str(body.relative_to(HERE))] = kinds
    assert found == {}
    assert swept >= 80
