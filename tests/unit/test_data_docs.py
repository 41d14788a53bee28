"""The page of the gates: what was found, escaped, without personal data, without anything from outside."""

from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.base import Env
from caifeng.jobs.data_docs import data_docs, data_docs_html
from caifeng.jobs.gates import gated
from tests.expectations.frames import good, spoil

DAY, BEFORE = date(2026, 11, 22), date(2026, 11, 21)
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


class Tags(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def env(tmp_path: Path, root: Path) -> Env:
    return Env.open(Settings(home=tmp_path, config=root / "config", as_of=parse_as_of("2026-11-22T17:30+08:00")))


def test_the_page_shows_what_was_set_aside_warned_and_held(env):
    posts = good(env.contracts["clean.posts"])
    gated(env, "clean.posts", BEFORE, posts)
    gated(env, "clean.posts", DAY, spoil(posts, 1, text="打13812345678"))
    gated(env, "graded.issues", DAY, spoil(good(env.contracts["graded.issues"]), 0, title=""))
    page = data_docs(env)
    assert page == env.settings.home / "data-docs" / "index.html"
    text = Tags(page.read_text("utf8")).text
    assert "近 2 天各表" in text
    assert "2026-11-22 未通过的规则" in text
    assert text.index("有隔离") < text.index("2026-11-22 未通过的规则")
    assert "no_personal_data" in text
    assert "has_title" in text
    assert "1 / 3" in text
    assert "17:30" in text
    assert page.read_bytes() == data_docs(env).read_bytes()


def test_without_any_gate_the_page_says_so(env):
    assert "尚无检查记录" in data_docs(env).read_text("utf8")


def test_hostile_and_personal_values_do_no_harm(env):
    posts = good(env.contracts["clean.posts"])
    gated(env, "clean.posts", DAY, spoil(posts, 0, url="x"))
    hostile = "<script>alert(1)</script>\"' 电话13812345678 " + "长" * 500
    found = env.lake.read("ops.quality", DAY).with_columns(
        pl.lit(DAY).alias("day"), detail=pl.lit(hostile), reason=pl.lit("<img src=x onerror=y>")
    )
    page = data_docs_html("<b>某局</b>", found, NOW)
    parsed = Tags(page)
    assert {tag for tag, _ in parsed.tags}.isdisjoint({"script", "img", "b", "link", "iframe"})
    assert "<script>alert(1)</script>" in parsed.text  # as text
    assert "13812345678" not in page
    assert "长" * 201 not in page
    assert not any(set(attributes) & {"src", "href", "onclick", "onerror"} for _, attributes in parsed.tags)
    assert "default-src 'none'" in page
    assert "http:" not in page.replace("http-equiv", "")
    assert "https:" not in page
