import pytest
from hypothesis import given
from hypothesis import strategies as st

from caifeng.core.text.urls import canonical_url, is_web_url, post_id


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://WWW.Example.CN:80/A/b.html#top", "http://www.example.cn/A/b.html"),
        ("https://example.cn:443", "https://example.cn/"),
        ("http://example.cn:8080/a", "http://example.cn:8080/a"),
        ("http://user:secret@example.cn/a", "http://example.cn/a"),
        ("http://example.cn/a?utm_source=x&b=2&spm=1.2&a=1&from=app&share_token=9", "http://example.cn/a?a=1&b=2"),
        ("http://example.cn/a;jsessionid=AB12?id=7", "http://example.cn/a?id=7"),
        ("http://example.cn/s?q=%d6%d0", "http://example.cn/s?q=%D6%D0"),
        ("http://example.cn/统计?q=中", "http://example.cn/%E7%BB%9F%E8%AE%A1?q=%E4%B8%AD"),
        ("https://weibo.com/1234567890/Nabc12?refer_flag=1", "https://weibo.com/status/Nabc12?refer_flag=1"),
        ("https://weibo.com/u/1234567890", "https://weibo.com/u"),
        ("http://bbs.example/space-uid-77.html", "http://bbs.example/space"),
        ("http://bbs.example/home.php?mod=space&uid=77", "http://bbs.example/home.php?mod=space"),
        (
            "http://bbs.example/forum.php?tid=9&mod=viewthread&authorid=77",
            "http://bbs.example/forum.php?mod=viewthread&tid=9",
        ),
        ("http://example.cn/user/77/post/8", "http://example.cn/user/post/8"),
        (" http://example.cn/a ", "http://example.cn/a"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
        ("mailto:a", "mailto:a"),
        ("http://example.cn:port/", "http://example.cn:port/"),
    ],
)
def test_canonical(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


def test_post_id_is_the_pages_not_the_spellings() -> None:
    assert post_id("http://example.cn/a?x=1&utm_source=q") == post_id("HTTP://example.cn:80/a?x=1#c")
    assert post_id("http://example.cn/a?x=1") != post_id("http://example.cn/a?x=2")
    # printf %s http://example.cn/ | sha256sum | cut -c1-16
    assert post_id("http://example.cn") == "804b46bbb12c395a"


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://a/b", "javascript:void(0)", "//a/b", "http://", "", "http://[", "http://."]
)
def test_only_web_addresses_are_asked_for(url: str) -> None:
    assert not is_web_url(url)
    assert is_web_url("https://example.cn/")


@given(st.text(alphabet="ab/?&=#%2f:@;中 .-_", max_size=40))
def test_idempotent(tail: str) -> None:
    once = canonical_url("http://example.cn/" + tail)
    assert canonical_url(once) == once
    assert "#" not in once


def test_an_address_of_megabytes_is_none():
    assert is_web_url("http://a.example/" + "a" * 3_000)
    assert not is_web_url("http://a.example/" + "a" * 4_000)
