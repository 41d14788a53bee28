"""Addresses: one spelling per page, no user ids, and the post id made from it."""

import re
from hashlib import sha256
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

#: Characters of the longest address that is taken for one (our choice; most servers refuse more than 8,000).
MAX_ADDRESS = 4_000
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Parameters that say how a reader came, or who somebody is, and not which page it is.
_DROPPED = re.compile(
    r"^(?:utm_.*|spm|from|share.*|isappinstalled|scene|wxshare.*|timestamp|jsessionid|sessionid|phpsessid|sid|"
    r"uid|authorid|userid|user_id|username|author)$",
    re.IGNORECASE,
)
_SESSION = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_WEIBO_POST = re.compile(r"^/\d+/([A-Za-z0-9]+)/?$")
_USER_IN_PATH = (
    # Discuz: space-uid-123.html, space-username-….html
    (re.compile(r"/space-(?:uid|username)-[^/]*$"), "/space"),
    (re.compile(r"/(u|user|space|people|profile)/\d+(?=/|$)"), r"/\1"),
)


def is_web_url(url: str) -> bool:
    """Whether this is an http or https address with a host, of a usual length; nothing else is ever requested."""
    if len(url) > MAX_ADDRESS:
        return False
    parts = _split(url)
    return parts is not None and parts.scheme in _DEFAULT_PORTS and bool(_host(parts))


def canonical_url(url: str) -> str:
    """One spelling of an address.

    Scheme and host in lower case; credentials, default port, fragment, session and tracking parameters dropped;
    query sorted; user ids stripped (weibo.com/<uid>/<mid> becomes weibo.com/status/<mid>, Discuz space-uid-NNN,
    `uid` and `authorid` go). What is no http(s) address is returned stripped of blanks, otherwise unchanged.
    """
    parts = _split(url)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not _host(parts):
        return url.strip()
    host = _host(parts)
    netloc = f"[{host}]" if ":" in host else host
    if parts.port is not None and parts.port != _DEFAULT_PORTS[parts.scheme]:
        netloc += f":{parts.port}"
    path = _escape(_SESSION.sub("", parts.path) or "/")
    if host in {"weibo.com", "www.weibo.com", "m.weibo.cn"}:
        path = _WEIBO_POST.sub(r"/status/\1", path)
        netloc = netloc.removeprefix("www.")
    for pattern, replacement in _USER_IN_PATH:
        path = pattern.sub(replacement, path)
    # Taken apart by hand: a decoder would have to know whether %XX is GBK or UTF-8.
    pairs = [pair for pair in parts.query.split("&") if pair and not _DROPPED.match(pair.partition("=")[0])]
    return urlunsplit((parts.scheme, netloc, path, "&".join(sorted(map(_escape, pairs))), ""))


def post_id(url: str) -> str:
    """First 16 hex digits of the SHA-256 of the canonical address."""
    return sha256(canonical_url(url).encode("utf8")).hexdigest()[:16]


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        return None
    return parts


def _host(parts: SplitResult) -> str:
    """Host without the dot of the root; empty where there is none."""
    return (parts.hostname or "").rstrip(".")


def _escape(text: str) -> str:
    """Percent-encode what must be, upper-case the codes already there."""
    escaped = quote(text, safe="/%:@!$&'()*+,;=~?-._")
    return re.sub(r"%[0-9a-fA-F]{2}", lambda m: m[0].upper(), escaped)
