import pytest

from crawlers.pages.values import Unreadable, parse_count, parse_html


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("340", 340),
        ("0", 0),
        ("1,204", 1204),
        ("1.2万", 12_000),
        ("3.5亿", 350_000_000),
        ("10万+", 100_000),
        ("浏览次数：340", 340),
        ("发布时间：2026-11-18 10:39 浏览次数：340 字体：大", 340),
        ("发布时间：2026-11-18 10:39 浏览次数：", None),
        ("阅读 1.2w", 12_000),
        ("3人回复", 3),
        (None, None),
        ("", None),
        ("--", None),
        ("浏览次数：", None),
        ("2026-11-20", None),
    ],
)
def test_counts(text: str | None, count: int | None) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("html", ["<div>" * 100_000, "<b></i>" * 100_000])
def test_page_that_would_hold_up_the_run_is_refused(html: str) -> None:
    with pytest.raises(Unreadable, match="nested too deeply"):
        parse_html(html)


def test_old_pages_without_end_tags_are_read() -> None:
    page = parse_html("<ul>" + "<li><p>条目<br>" * 20_000 + "</ul>")
    assert len(page.css("li")) == 20_000
