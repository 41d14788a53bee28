"""Pages, feeds and sitemaps made to harm."""

import gzip
import tracemalloc
from datetime import UTC, datetime

import pytest

from crawlers.pages.sitemap import MAX_BYTES, read_sitemap
from crawlers.pages.values import MAX_UNCLOSED, Unreadable, parse_html
from crawlers.pages.xml import MAX_DEPTH, checked_xml

LAUGHS = '<!DOCTYPE a [<!ENTITY b "哈哈"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'
FILE_DTD = '<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>'
DEEP = "<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1)


@pytest.mark.parametrize("text", [LAUGHS, OUTSIDE, FILE_DTD, DEEP])
def test_entities_outside_files_and_depth_are_refused(text):
    with pytest.raises(Unreadable):
        checked_xml(text)


def test_an_honest_feed_passes():
    assert "统计".encode() in checked_xml("<rss><title>统计&nbsp;公报</title></rss>")


@pytest.mark.parametrize("tag", ["<div>", "<b><i>"])
def test_elements_that_are_never_closed_are_not_followed_down(tag):
    """All the time that the parser would take grows with the square of the depth."""
    with pytest.raises(Unreadable, match="nested too deeply"):
        parse_html(f"<body><h1>统计</h1>{tag * (MAX_UNCLOSED + 1)}")
    assert parse_html(f"<body><h1>统计</h1>{tag * 50}").css_first("h1").text() == "统计"


def test_a_sitemap_is_unpacked_only_so_far():
    packed = gzip.compress(b"<urlset>" + b" " * (4 * MAX_BYTES), 9)
    assert len(packed) < 100_000
    tracemalloc.start()
    with pytest.raises(Unreadable, match="MB unpacked"):
        read_sitemap(packed, "https://www.example.gov.cn/sitemap.xml.gz", datetime(2026, 11, 20, tzinfo=UTC))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * MAX_BYTES
