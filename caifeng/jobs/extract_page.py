"""`caifeng extract`: title, time and body of one saved page or address, without a source file."""

import socket
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from urllib.parse import urljoin, urlsplit

import httpx
from protego import Protego

from caifeng.core.clock import SHANGHAI
from caifeng.core.errors import DataError, UsageError
from caifeng.core.net import is_private
from caifeng.core.text.encoding import Undecodable, decode
from caifeng.core.text.urls import is_web_url
from caifeng.jobs.base import Env
from crawlers.extract import extract_page, own_address
from crawlers.pages.values import Unreadable
from crawlers.second_opinion import agreement

#: Bounds of one page, those of the crawlers (our choice).
MAX_BYTES = 5 * 1024 * 1024
MAX_SECONDS = 20.0
MAX_REDIRECTS = 5
_ROBOTS_BYTES = 512_000
_SUFFIXES = (".html", ".htm", ".shtml", ".xhtml", ".gz")
_MEDIA = ("text/html", "application/xhtml+xml")

Extract = dict[str, str | float | None]


@dataclass(frozen=True)
class _Page:
    body: bytes
    url: str
    charset: str | None = None


def extract_file_or_url(
    env: Env, target: str, url: str | None = None, *, check: bool = True, trusted: Collection[str] = ()
) -> Extract:
    """What a page says.

    Args:
        env: settings (the office's contact goes into the user agent) and the clock, from which relative times count.
        target: a saved page (.html, .htm, also packed as .gz) or an http(s) address. An address is asked for once, by
            our name, only if its robots.txt allows it and no private network is reached.
        url: the saved page's address; without it the one the page states for itself (canonical link, og:url).
        check: compare with the second extractor; without it `agreement` is null.
        trusted: hosts that may be private (tests, the sample town).

    Returns:
        `title`; `published_at`, ISO 8601 at +08:00 (a day is 00:00) or null; `precision` (minute, hour, day, unknown);
        `date_source` (meta, script, element, text, url or null); `body`, paragraphs joined by newlines; `encoding`,
        canonical name; `agreement`, 0..1 or null.

    Raises:
        UsageError: no such file, no page, or an address that may not be asked for.
        DataError: the page cannot be had, decoded or parsed.
    """
    if target.lower().startswith(("http://", "https://")):
        page = _fetch(target, env.settings.office().contact, frozenset(trusted))
    else:
        page = _Page(_read_file(Path(target)), "")
    try:
        decoded = decode(page.body, page.charset)
        if "<" not in decoded.text:
            raise UsageError(f"{target}: not a page: no HTML element in it")
        address = url or page.url or own_address(decoded.text)
        found = extract_page(decoded.text, address, env.now())
    except (Undecodable, Unreadable) as error:
        raise DataError(f"{target}: {error}") from error
    at = found.published.at
    likeness = agreement(decoded.text, address, found.body) if check else None
    return {
        "title": found.title,
        "published_at": None if at is None else at.astimezone(SHANGHAI).isoformat(),
        "precision": found.published.precision,
        "date_source": found.date_source,
        "body": found.body,
        "encoding": decoded.encoding,
        "agreement": None if likeness is None else round(likeness, 4),
    }


def extract_words(extract: Extract) -> list[str]:
    """The same for the terminal, in Chinese, one line each; the body follows after a blank line."""
    precision = {"minute": "到分", "hour": "到时", "day": "到日", "unknown": "未知"}[str(extract["precision"])]
    source = {"meta": "页面元数据", "script": "页面脚本", "element": "时间元素", "text": "页面文字", "url": "网址"}
    origin = source.get(str(extract["date_source"]), "—")
    likeness = extract["agreement"]
    return [
        f"标题　　{extract['title'] or '—'}",
        f"发布时间　{extract['published_at'] or '—'}（{precision}，取自{origin}）"
        if extract["published_at"]
        else "发布时间　—",
        f"编码　　{extract['encoding']}",
        f"两法一致　{'—' if likeness is None else f'{likeness:.0%}'}",
        "",
        str(extract["body"]) or "（未找到正文）",
    ]


def _read_file(path: Path) -> bytes:
    """Bytes of a saved page.

    Raises:
        UsageError: no such file, or its name is not that of a page.
        DataError: it cannot be read, or is too large.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{path}: not a page: expected {', '.join(_SUFFIXES)}")
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
        if path.suffix.lower() == ".gz" and len(body) <= MAX_BYTES:
            # Never more than one byte over the limit is unpacked.
            unpacker = zlib.decompressobj(wbits=31)
            body = unpacker.decompress(body, MAX_BYTES + 1)
            if not unpacker.eof and len(body) <= MAX_BYTES:
                raise DataError(f"{path}: cannot be unpacked: cut off")
    except (OSError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if len(body) > MAX_BYTES:
        raise DataError(f"{path}: larger than {MAX_BYTES} bytes")
    return body


def _fetch(url: str, contact: str, trusted: frozenset[str]) -> _Page:
    """Ask for one page, politely.

    Raises:
        UsageError: robots.txt or the guard forbids it, or the answer is not a page.
        DataError: the host does not answer with a page in time and size.
    """
    headers = {"User-Agent": f"CaifengBot/{version('caifeng')} (+{contact})", "Accept-Language": "zh-CN,zh;q=0.9"}
    deadline = monotonic() + MAX_SECONDS
    asked: dict[str, Protego] = {}
    # No proxy and no credentials out of the environment.
    with httpx.Client(headers=headers, timeout=MAX_SECONDS, trust_env=False) as client:
        for _ in range(MAX_REDIRECTS + 1):
            _refuse_private(url, trusted)
            site = "{0.scheme}://{0.netloc}".format(urlsplit(url))
            if site not in asked:
                asked[site] = _robots(client, site, deadline, trusted)
            if not asked[site].can_fetch(url, "CaifengBot"):
                raise UsageError(f"{url}: robots.txt does not allow it")
            answer, body = _get(client, url, MAX_BYTES, deadline, trusted)
            if answer.is_redirect:
                url = urljoin(url, answer.headers["location"])
                continue
            if answer.status_code != httpx.codes.OK:
                raise DataError(f"{url}: HTTP {answer.status_code}")
            media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if media and media not in _MEDIA:
                raise UsageError(f"{url}: not a page: {media}")
            return _Page(body, url, answer.charset_encoding)
    raise DataError(f"{url}: more than {MAX_REDIRECTS} redirects")


def _robots(client: httpx.Client, site: str, deadline: float, trusted: frozenset[str]) -> Protego:
    """Rules of a site; RFC 9309: without a file everything is allowed, with a failing server nothing."""
    url = f"{site}/robots.txt"
    for _ in range(MAX_REDIRECTS + 1):
        _refuse_private(url, trusted)
        answer, body = _get(client, url, _ROBOTS_BYTES, deadline, trusted, cut=True)
        if not answer.is_redirect:
            break
        url = urljoin(url, answer.headers["location"])
    if answer.is_success:
        return Protego.parse(body.decode("utf8", "replace"))
    if answer.is_client_error and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
        return Protego.parse("")
    raise UsageError(f"{site}: robots.txt cannot be read (HTTP {answer.status_code}), so nothing is asked for")


def _get(
    client: httpx.Client, url: str, limit: int, deadline: float, trusted: frozenset[str], cut: bool = False
) -> tuple[httpx.Response, bytes]:
    """One answer and its body; with `cut` the rest of a long one is left.

    Raises:
        UsageError: the answer comes from a private address.
        DataError: no answer, too slow, or too large.
    """
    parts: list[bytes] = []
    size = 0
    try:
        with client.stream("GET", url) as answer:
            # The name may have resolved to another address the second time (DNS rebinding).
            peer = answer.extensions["network_stream"].get_extra_info("server_addr")
            if urlsplit(url).hostname not in trusted and peer and is_private(str(peer[0])):
                raise UsageError(f"{url}: leads to a private address")
            for part in answer.iter_bytes(65_536):
                parts.append(part)
                size += len(part)
                if monotonic() > deadline:
                    raise DataError(f"{url}: not read within {MAX_SECONDS:g} s")
                if size > limit:
                    if cut:
                        break
                    raise DataError(f"{url}: larger than {limit} bytes")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DataError(f"{url}: {error or type(error).__name__}") from error
    return answer, b"".join(parts)[:limit]


def _refuse_private(url: str, trusted: frozenset[str]) -> None:
    """Keep off private networks, whoever names the address.

    Raises:
        UsageError: not an http(s) address, or its host is in a private network.
    """
    host = urlsplit(url).hostname if is_web_url(url) else None
    if not host:
        raise UsageError(f"{url}: not an http or https address")
    if host in trusted:
        return
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise DataError(f"{url}: {host} cannot be resolved") from error
    if any(map(is_private, found)):
        raise UsageError(f"{url}: leads to a private address")
