"""Draft a source file from the site itself: robots.txt, the start page, one entry page."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from caifeng.core.errors import UsageError
from caifeng.core.files import replacing
from caifeng.core.text.encoding import Undecodable
from caifeng.core.text.urls import is_web_url
from caifeng.jobs.base import Env
from caifeng.jobs.visit import Visitor
from crawlers.drafts.addresses import personal_page
from crawlers.drafts.draft import Draft
from crawlers.drafts.entry import draft_entry
from crawlers.drafts.source_file import site_name, source_toml
from crawlers.drafts.start import draft_start
from crawlers.items import Page
from crawlers.pages.values import Unreadable

_ID = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
#: Parts of a host that name no site.
_COMMON = frozenset({"www", "m", "wap", "com", "cn", "net", "org", "edu", "top", "info"})


@dataclass(frozen=True)
class DraftedSource:
    """The file that was written, what was found, and what comes next; `lines()` is what the terminal shows."""

    file: Path
    source_id: str
    robots: str
    draft: Draft

    def lines(self) -> list[str]:
        """What was found and the next steps, in Chinese."""
        robots = {"allowed": "允许", "none": "该站没有 robots.txt"}[self.robots]
        checks = self.file.read_text("utf8").count("# check")
        return [
            f"robots.txt：{robots}",
            *self.draft.found,
            f"已写入：{self.file}（未启用，未审查）",
            f"下一步：1. 打开文件，核对 {checks} 处 check；2. caifeng sources review {self.source_id}；"
            f"3. caifeng sources test {self.source_id}；4. enabled = true；5. caifeng sources record {self.source_id}",
        ]


def new_source(env: Env, url: str, source_id: str | None = None, name: str | None = None) -> DraftedSource:
    """Write config/sources/<id>.toml for a site: not enabled and without a review, so that nothing crawls it yet.

    Asks for robots.txt, the page, and one page it lists, 5 s apart, each only if robots.txt allows it.

    Args:
        env: environment; the file goes to its configuration folder.
        url: a section's list page, a feed, a sitemap, a ranking's JSON, today's page of an e-paper.
        source_id: name of the file; made from the host if not given.
        name: as the log shall print it; made from the page's title if not given.

    Raises:
        UsageError: the address is a page about one account, robots.txt forbids it, it gives no page that can be
            read, or the file is there already.
    """
    if not is_web_url(url):
        raise UsageError(f"{url}: not an http or https address")
    if reason := personal_page(url):
        raise UsageError(f"{url}: {reason}")
    source_id = source_id or _id_from(url)
    if not _ID.fullmatch(source_id) or len(source_id) > 60:
        raise UsageError(f"--id {source_id}: small letters, digits, _ and - only, at most 60")
    file = env.settings.config / "sources" / f"{source_id}.toml"
    if file.exists():
        raise UsageError(f"{file}: is there already; give another --id, or delete it first")
    office = env.settings.office()
    fetched_at = env.now().replace(microsecond=0)
    with Visitor(office.contact) as visitor:
        visitor.trust(url)
        start = visitor.get(url)
        if reason := personal_page(start.url):
            raise UsageError(f"{start.url}: {reason}")
        try:
            draft = draft_start(Page(start.url, start.body, "list", fetched_at, start.charset))
        except (Unreadable, Undecodable) as error:
            raise UsageError(f"{start.url}: {error}") from error
        if draft.entry:
            draft = _with_entry(draft, visitor, fetched_at_page=Page(draft.entry, b"", draft.entry_kind, fetched_at))
    try:
        text = source_toml(draft, source_id, name or site_name(draft) or source_id, office)
    except Unreadable as error:
        raise UsageError(f"{start.url}: no source file can be drafted: {error}") from error
    with replacing(file) as temporary:
        temporary.write_text(text, "utf8")
    return DraftedSource(file, source_id, start.robots, draft)


def _with_entry(draft: Draft, visitor: Visitor, fetched_at_page: Page) -> Draft:
    """The draft with what one entry page tells; a page that cannot be had is a line, not an end."""
    try:
        entry = visitor.get(fetched_at_page.url)
        page = replace(fetched_at_page, url=entry.url, body=entry.body, charset=entry.charset)
        return draft_entry(draft, page)
    except (UsageError, Undecodable) as error:
        return replace(draft, found=(*draft.found, f"条目页没有打开：{error}"))


def _id_from(url: str) -> str:
    """mengcheng_gov from http://www.mengcheng.gov.cn/; the port for an address in figures."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if re.fullmatch(r"[\d.]+|[0-9a-f:]+", host) or host == "localhost":
        return f"site_{parts.port or 80}"
    words = [re.sub(r"[^a-z0-9]+", "_", part).strip("_") for part in host.split(".") if part not in _COMMON]
    return "_".join(filter(None, words))[:60].rstrip("_") or "source"
