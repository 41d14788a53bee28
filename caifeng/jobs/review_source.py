"""The legal review of a source before it is crawled: what is known of the site, and the decision on record."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from protego import Protego

from caifeng.core.errors import ConfigError, UsageError
from caifeng.core.files import replacing
from caifeng.core.model.source import Review, Source
from caifeng.core.settings import load_model

#: A robots.txt need not be read further (RFC 9309, 2.5: at least 500 KiB).
_ROBOTS_BYTES = 512_000
_HEADER = re.compile(r"^\s*\[")
_REVIEW_HEADER = re.compile(r"^\s*\[\s*review\s*\]\s*(?:#.*)?$")


@dataclass(frozen=True)
class RobotsAnswer:
    """What robots.txt says of one address."""

    url: str
    decision: str
    """allowed, denied, none (the site has no robots.txt) or not_checked."""
    reason: str = ""
    """Why it was not checked."""


@dataclass(frozen=True)
class SourceFacts:
    """What is known of a source before the review: its file, and live what robots.txt says."""

    file: Path
    source: Source
    robots: tuple[RobotsAnswer, ...]

    @property
    def suggested_robots(self) -> str | None:
        """Value for `Review.robots`: allowed, partly or none; null if any address was denied or not checked."""
        decisions = {answer.decision for answer in self.robots}
        if not decisions or decisions & {"denied", "not_checked"}:
            return None
        return "none" if decisions == {"none"} else "allowed"

    def lines(self) -> list[str]:
        """The facts for the terminal, in Chinese, one per line."""
        words = {"allowed": "允许", "denied": "禁止", "none": "该站没有 robots.txt", "not_checked": "未核对"}
        source, review = self.source, self.source.review
        robots = [f"  {a.url}  {words[a.decision]}{f'（{a.reason}）' if a.reason else ''}" for a in self.robots]
        lines = [
            f"来源　　{source.id}　{source.name}",
            f"文件　　{self.file}",
            f"启用　　{'是' if source.enabled else '否'}",
            f"间隔　　每站每 {source.min_delay_seconds:g} 秒至多一次请求",
            "robots.txt（按起始地址）" if robots else "robots.txt　不适用：不访问网站",
            *robots,
        ]
        if review is None:
            return [*lines, "审查　　未经审查"]
        decision = {"approved": "同意", "refused": "不同意"}[review.decision]
        return [*lines, f"审查　　{review.date} {review.role} {decision}，有效至 {review.next_review}"]


def source_facts(config: Path, source_id: str, contact: str, timeout: float = 10.0) -> SourceFacts:
    """Read a source's file and ask its hosts for robots.txt; a host that cannot be reached is `not_checked`.

    Args:
        config: configuration folder.
        source_id: name of the file under sources/, enabled or not.
        contact: the office's address, sent in the user agent as the crawlers do.
        timeout: seconds to wait for each host.

    Raises:
        UsageError: there is no such source.
        ConfigError: its file is not a valid source.
    """
    path = _file(config, source_id)
    source = load_model(path, Source)
    asked: dict[str, Protego | RobotsAnswer] = {}
    answers = []
    for url in source.start_urls:
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in asked:
            asked[site] = _robots(site, contact, timeout)
        rules = asked[site]
        if isinstance(rules, RobotsAnswer):
            answers.append(RobotsAnswer(url, rules.decision, rules.reason))
        else:
            answers.append(RobotsAnswer(url, "allowed" if rules.can_fetch(url, "CaifengBot") else "denied"))
    return SourceFacts(path, source, tuple(answers))


def review_source(config: Path, source_id: str, review: Review) -> Path:
    """Put a review on record: the [review] table of the source's file. Everything else stays byte for byte.

    An approval does not switch a source on; `enabled` is the office's to set.

    Args:
        config: configuration folder.
        source_id: name of the file under sources/.
        review: the assessment (网络数据安全管理条例 Art. 18, 24).

    Returns:
        The file written.

    Raises:
        UsageError: there is no such source, or the file cannot be written.
        ConfigError: the file is not a valid source, or has its review elsewhere than in a [review] table.
    """
    path = _file(config, source_id)
    load_model(path, Source)
    old = path.read_bytes().decode("utf8")
    new = _with_review(old, review)
    before, after = _parsed(path, old), _parsed(path, new)
    stated = review.model_dump()
    if before | {"review": stated} != after:
        raise ConfigError(path, "review", "cannot be replaced: write it as a table of its own, [review]")
    with replacing(path) as temporary:
        temporary.write_bytes(new.encode())
    return path


def review_toml(review: Review) -> str:
    """The [review] table, one key per line."""
    lines = ["[review]"]
    for name, value in review.model_dump().items():
        # JSON strings are TOML strings, but for one control character.
        quoted = json.dumps(value, ensure_ascii=False, default=str).replace("\x7f", "\\u007f")
        text = quoted if isinstance(value, str) else value.isoformat()
        lines.append(f"{name} = {text}")
    return "\n".join(lines) + "\n"


def _file(config: Path, source_id: str) -> Path:
    path = config / "sources" / f"{source_id}.toml"
    if not re.fullmatch(r"[a-z0-9_-]+", source_id) or not path.is_file():
        known = ", ".join(sorted(file.stem for file in (config / "sources").glob("*.toml")))
        raise UsageError(f"{source_id!r}: no such source under {config / 'sources'}; there are: {known or 'none'}")
    return path


def _with_review(text: str, review: Review) -> str:
    """Replace the lines of the [review] table, or append it. Comments after its last key belong to what follows."""
    ending = "\r\n" if "\r\n" in text else "\n"
    table = review_toml(review).replace("\n", ending)
    lines = text.splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if _REVIEW_HEADER.match(line.rstrip("\r\n"))), None)
    if start is None:
        gap = "" if not text or text.endswith(("\n\n", "\r\n\r\n")) else ending
        return f"{text}{'' if text.endswith(ending) or not text else ending}{gap}{table}"
    stop = next((i for i in range(start + 1, len(lines)) if _HEADER.match(lines[i])), len(lines))
    while stop > start + 1 and (not lines[stop - 1].strip() or lines[stop - 1].lstrip().startswith("#")):
        stop -= 1
    return "".join([*lines[:start], table, *lines[stop:]])


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, "review", f"cannot be replaced: {error}") from error


def _robots(site: str, contact: str, timeout: float) -> Protego | RobotsAnswer:
    """Rules of a site; RFC 9309: without a file everything is allowed, with a failing server nothing is known."""
    if not site.startswith(("http://", "https://")):
        return RobotsAnswer("", "not_checked", "不是网页地址")
    request = Request(f"{site}/robots.txt", headers={"User-Agent": f"CaifengBot (+{contact})"})  # noqa: S310
    try:
        with urlopen(request, timeout=timeout) as response:  # noqa: S310 - scheme checked above
            return Protego.parse(response.read(_ROBOTS_BYTES).decode("utf8", "replace"))
    except HTTPError as error:
        if 400 <= error.code < 500 and error.code != 429:
            return RobotsAnswer("", "none")
        return RobotsAnswer("", "not_checked", f"HTTP {error.code}")
    except (OSError, ValueError) as error:
        return RobotsAnswer("", "not_checked", str(getattr(error, "reason", error)) or type(error).__name__)
