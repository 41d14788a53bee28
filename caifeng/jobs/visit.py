"""A few pages of one site, asked for as politely as the crawlers do it, without Scrapy: drafts and fixtures."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from importlib.metadata import version
from ipaddress import ip_address
from time import monotonic, sleep
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx
from protego import Protego

from caifeng.core.errors import UsageError
from caifeng.core.model.source import MIN_DELAY_SECONDS
from caifeng.core.net import is_private
from caifeng.core.text.urls import is_web_url

#: As the crawlers: larger pages are not read.
MAX_BYTES = 5 * 1024 * 1024
_REDIRECTS = 5
_ROBOT = "CaifengBot"


@dataclass(frozen=True)
class Visit:
    """A page that came; `url` is where it was in the end, `charset` the HTTP header's."""

    url: str
    body: bytes
    charset: str | None
    content_type: str
    robots: str
    """allowed, or none where the site has no robots.txt."""


@dataclass
class Visitor:
    """Asks for pages, each only if robots.txt allows it, one per host in 5 s (no pause on loopback).

    Args:
        contact: the office's address, sent in the user agent.
        timeout: seconds to wait for a host.
    """

    contact: str
    timeout: float = 20.0
    _rules: dict[str, Protego | str] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)
    _trusted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        agent = f"{_ROBOT}/{version('caifeng')} (+{self.contact})"
        headers = {"User-Agent": agent, "Accept-Language": "zh-CN,zh;q=0.9"}
        self._web = httpx.Client(headers=headers, timeout=self.timeout, follow_redirects=False)
        self._here = httpx.Client(headers=headers, timeout=self.timeout, follow_redirects=False, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._web.close()
        self._here.close()

    def trust(self, url: str) -> None:
        """A host the operator named: it may be on this machine or in the office's network."""
        self._trusted.add(urlsplit(url).hostname or "")

    def get(self, url: str) -> Visit:
        """One page.

        Raises:
            UsageError: the address may not be asked for (robots.txt, private network, no web address), or it gave no
                page (HTTP status, no answer, over 5 MB); one line with the reason.
        """
        asked = url
        for _ in range(_REDIRECTS + 1):
            decision = self._judged(url)
            response, body = self._fetch(url)
            if response.is_redirect:
                url = urljoin(url, response.headers.get("Location", ""))
                continue
            if response.status_code != 200:
                raise UsageError(f"{url}: HTTP {response.status_code}")
            kind = response.headers.get("Content-Type", "")
            return Visit(url, body, response.charset_encoding, kind, decision)
        raise UsageError(f"{asked}: more than {_REDIRECTS} redirects")

    def _judged(self, url: str) -> str:
        if not is_web_url(url):
            raise UsageError(f"{url}: not an http or https address")
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host not in self._trusted and any(map(is_private, _addresses(host))):
            raise UsageError(f"{url}: leads to a private address")
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._rules:
            self._rules[site] = self._robots(site)
        rules = self._rules[site]
        if isinstance(rules, str):
            return rules
        if not rules.can_fetch(url, _ROBOT):
            raise UsageError(f"{url}: robots.txt forbids it")
        return "allowed"

    def _robots(self, site: str) -> Protego | str:
        """RFC 9309: without a file all is allowed, with a failing server nothing."""
        url = f"{site}/robots.txt"
        for _ in range(_REDIRECTS):
            response, body = self._fetch(url)
            if not response.is_redirect:
                break
            url = urljoin(url, response.headers.get("Location", ""))
            host = urlsplit(url).hostname or ""
            if not is_web_url(url) or (host not in self._trusted and any(map(is_private, _addresses(host)))):
                raise UsageError(f"{site}/robots.txt: leads to a private address")
        if response.status_code >= 500 or response.status_code == 429:
            raise UsageError(f"{url}: HTTP {response.status_code}; without its robots.txt a site is not asked")
        return Protego.parse(body.decode("utf8", "replace")) if response.status_code == 200 else "none"

    def _fetch(self, url: str) -> tuple[httpx.Response, bytes]:
        parts = urlsplit(url)
        here = _is_here(parts.hostname or "")
        if not here and parts.netloc in self._asked:
            sleep(max(0.0, self._asked[parts.netloc] + MIN_DELAY_SECONDS - monotonic()))
        body = bytearray()
        try:
            with (self._here if here else self._web).stream("GET", url) as response:
                # The name may have resolved to another address the second time (DNS rebinding).
                peer = response.extensions["network_stream"].get_extra_info("server_addr")
                if parts.hostname not in self._trusted and peer and is_private(str(peer[0])):
                    raise UsageError(f"{url}: leads to a private address")
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > MAX_BYTES:
                        raise UsageError(f"{url}: larger than {MAX_BYTES // 1024 // 1024} MB")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UsageError(f"{url}: no answer: {error or type(error).__name__}") from error
        finally:
            self._asked[parts.netloc] = monotonic()
        return response, bytes(body)


def _addresses(host: str) -> list[str]:
    """Addresses of a host; none where it cannot be resolved, for then the request says so itself."""
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None)]
    except OSError:
        return []


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
