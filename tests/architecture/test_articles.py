"""docs/articles.md: fifteen articles, and what proves each is there."""

import re


def test_every_article_has_a_row_and_every_named_file_exists(root):
    page = (root / "docs" / "articles.md").read_text("utf8")
    rows = re.findall(r"^\| (\d+) \|(.*)$", page, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 16))
    named = [name for _, row in rows for name in re.findall(r"`([\w/.*]+/[\w/.*]+)`", row)]
    assert len(named) > 25
    for name in named:
        assert list(root.glob(name)), name
    for _, row in rows:
        assert re.search(r"`tests/", row), row
