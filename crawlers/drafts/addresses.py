"""What an address tells before its page is read: a date, an account, this machine."""

import re
from urllib.parse import urlsplit

_DATED_PATHS = (
    (re.compile(r"(?<!\d)(20\d\d)-(\d\d)/(\d\d)(?!\d)"), "{day:%Y-%m/%d}"),
    (re.compile(r"(?<!\d)(20\d\d)-(\d\d)-(\d\d)(?!\d)"), "{day}"),
    (re.compile(r"(?<!\d)(20\d\d)/(\d\d)/(\d\d)(?!\d)"), "{day:%Y/%m/%d}"),
    (re.compile(r"(?<!\d)(20\d\d)(\d\d)/(\d\d)(?!\d)"), "{day:%Y%m/%d}"),
    (re.compile(r"(?<!\d)(20\d\d)(\d\d)(\d\d)(?!\d)"), "{day:%Y%m%d}"),
)
#: Pages about one account. The office watches issues, never persons (docs/privacy.md).
_PERSONAL_PAGES = (
    re.compile(r"//(?:www\.|m\.)?weibo\.(?:com|cn)/(?:u/|n/|p/|profile/|\d+/?(?:[?#]|$))", re.IGNORECASE),
    re.compile(r"//space\.bilibili\.com/|//mp\.weixin\.qq\.com/mp/profile", re.IGNORECASE),
    re.compile(
        r"[?&/](?:space-(?:uid|username)-|mod=space)|[?&](?:uid|userid|user_id|authorid|username)=", re.IGNORECASE
    ),
    re.compile(
        r"/(?:u|user|users|people|profile|space|author|member)/(?:profile/)?[\w%-]*\d[\w%-]*/?(?:[?#]|$)", re.IGNORECASE
    ),
    re.compile(
        r"//(?:www\.)?(?:zhihu\.com/people|douyin\.com/user|toutiao\.com/c/user|douban\.com/people)/|/@[\w.%-]+/?$"
    ),
)


def dated_address(url: str) -> tuple[str, bool]:
    """The address with its date as `{day…}`, and whether it has one."""
    for pattern, template in _DATED_PATHS:
        if pattern.search(url):
            return pattern.sub(template, url, count=1), True
    return url, False


def personal_page(url: str) -> str | None:
    """Why an address is refused as a page about one account, in Chinese; null if it is none."""
    if any(pattern.search(url) for pattern in _PERSONAL_PAGES):
        return "个人账号页面不作为来源：本系统只看事项，不看个人"
    return None


def is_loopback(url: str) -> bool:
    """Whether it leads to this machine, where no pause is needed."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")
