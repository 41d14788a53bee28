"""Feeds and sitemaps made to harm."""

import pytest

from crawlers.pages.values import Unreadable
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
