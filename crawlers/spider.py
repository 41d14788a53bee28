"""What all platforms share: a spider is driven wholly by source and plan, and goes; reading is in crawlers/pages."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy.http import Response
from w3lib.encoding import http_content_type_encoding

from caifeng.core.model.collection import GIVEN_UP, RESTS
from caifeng.core.model.families import TABLES, fill_day, has_day
from caifeng.core.model.source import Source
from caifeng.core.text.encoding import decode
from caifeng.core.text.times import UNKNOWN, Moment
from caifeng.core.text.urls import canonical_url
from crawlers.items import Fetch, Kind, Link, Outcome, Page, PageRead, RawPost, Read
from crawlers.plan import Plan, is_changed, validators_of
from crawlers.reading import READERS
from crawlers.second_opinion import agreement, is_sampled

#: Lists first, so that a run knows what there is before its time is up; pages nobody named come last.
_PRIORITY: Mapping[Kind, int] = {"list": 10, "snapshot": 0, "detail": 0, "robots": 0}
_UNNAMED = -10
#: Families whose lists begin with the newest entry and go on into the past.
_RUNNING = frozenset({"list_detail", "openness", "forum", "message_board", "feed"})


class SourceSpider(scrapy.Spider):
    """Base of the platforms.

    Asked for are the start pages, their next pages, every entry that is not known yet, and the pages that the plan
    calls due. Everything that is not asked for although it should be has a row that says why.

    Args:
        source: the source file.
        day: stands for `{day}` in start addresses, where the plan names no days.
        fetched_at: the one instant of the whole run, UTC aware.
        plan: what is known, due and resting.
        turns: one lock per host, shared by all spiders of the process, so that sources on the same host
            take turns and the host sees one request at a time.
    """

    name = "source"
    first_kind: Kind = "list"

    def __init__(
        self,
        source: Source,
        day: date,
        fetched_at: datetime,
        plan: Plan,
        turns: dict[str, asyncio.Lock],
    ) -> None:
        super().__init__(name=source.id)
        own = plan.of(source.id, day)
        self.source, self.day, self.fetched_at, self.plan = source, day, fetched_at, plan
        self.validators = validators_of(own)
        self._days = own.days
        self._known, self._unsettled = frozenset(own.known), frozenset(own.unsettled)
        self._pages = {page.url: page for page in own.pages}
        # Taken in order, so that two spiders never wait for each other.
        hosts = sorted({urlsplit(url).netloc.lower() for url in source.start_urls})
        self._turns = [turns.setdefault(host, asyncio.Lock()) for host in hosts]
        self._held: list[asyncio.Lock] = []
        self._asked: set[str] = set()
        self._pages_asked = 0
        self._named: dict[str, Link] = {}
        self._given: set[tuple[str, datetime]] = set()

    async def start(self) -> AsyncIterator[Any]:
        """Wait for the hosts' turn, then ask for the start pages and for what is due."""
        for turn in self._turns:
            await turn.acquire()
            self._held.append(turn)
        for day in self._days:
            for url in self.source.start_urls:
                for request in self.ask(fill_day(url, day), self.first_kind):
                    yield request
        for page in self._pages.values():
            if page.given_up is not None:
                yield self._row(page.url, page.kind, GIVEN_UP + page.given_up, page.outcome, page.http_status)
            elif page.due and not self._rests(page.url):
                # A list that failed is followed further only while nothing on it is known.
                place = {"depth": self.max_pages, "bare": self.max_pages - 1} if page.kind == "list" else {}
                for request in self.ask(page.url, page.kind, priority=_UNNAMED, board=page.board, **place):
                    yield request

    def closed(self, reason: str) -> None:
        """Give the turn to the next source of the host."""
        while self._held:
            self._held.pop().release()

    def parse(
        self,
        response: Response,
        kind: Kind,
        listed: Moment = UNKNOWN,
        board: str | None = None,
        depth: int = 1,
        bare: int = 0,
    ) -> list[Any]:
        """A page of any kind: its posts, requests for the pages it names, and what was made of it.

        Args:
            response: the page.
            kind: what it is to the source.
            listed: the time that a list says of it.
            board: the section that a list says of it.
            depth: number of the page in its list or thread.
            bare: how many pages of its list before this one, without a break, had no known entry.
        """
        assert response.request is not None
        if named := self._named.pop(canonical_url(response.request.meta.get("asked", response.url)), None):
            # A list named the page after the plan had put it in the queue; the body store reads these, too.
            listed, board = named.listed, named.board
            response.request.cb_kwargs.update(listed=listed, board=board)
        page = Page(response.url, response.body, kind, self.fetched_at, self.charset(response), listed, board)
        read = READERS[self.source.family](self.source, page)
        fresh = self._not_given(read.posts)
        out: list[Any] = [*fresh]
        for link in read.links:
            out += self._follow(link)
        if kind != "list":
            if read.next_url and depth < (self.source.thread or self).max_pages:
                out += self.ask(read.next_url, kind, listed=listed, board=board, depth=depth + 1)
            likeness = self._second_opinion(page, read)
            return [*out, PageRead(read.found, len(fresh), read.problem, layout=read.layout, agreement=likeness)]
        known, overlap = self._count_known(read)
        bare = bare + 1 if self._moves_on and _is_recent(read, self.plan.remembers_since) and not overlap else 0
        most = max(self.max_pages, self.plan.catch_up_pages) if bare else self.max_pages
        further = self.ask(read.next_url, kind, depth=depth + 1, bare=bare) if read.next_url and depth < most else ()
        # The walk ends here. With nothing known since its beginning, or at its limit, something may be missing.
        ends_bare = bare and not further and (bare == depth or depth >= self.plan.catch_up_pages)
        gap = f"gap: no known entry on {bare} pages" if ends_bare else None
        problem = "; ".join(filter(None, (read.problem, gap))) or None
        return [*out, *further, PageRead(read.found, len(fresh), problem, known=known, layout=read.layout)]

    @property
    def max_pages(self) -> int:
        """How many pages of one list are followed; 1 where a family has no next pages."""
        return getattr(getattr(self.source, TABLES[self.source.family][0]), "max_pages", 1)

    def ask(self, url: str, kind: Kind, priority: int | None = None, **arguments: Any) -> tuple[Any, ...]:
        """One request; none if the run already asked for this address, a row if the host rests."""
        address = canonical_url(url)
        if address in self._asked:
            return ()
        if kind != "list" and self.plan.most_pages is not None:
            if self._pages_asked >= self.plan.most_pages:
                return ()
            self._pages_asked += 1
        self._asked.add(address)
        if until := self._rests(address):
            return (self._row(address, kind, f"{RESTS}{until.isoformat()}"),)
        # dont_filter: two addresses may redirect to one page, and each must end in its row.
        return (
            scrapy.Request(
                url,
                self.parse,
                meta={"kind": kind},
                cb_kwargs={"kind": kind, **arguments},
                priority=_PRIORITY[kind] if priority is None else priority,
                dont_filter=True,
            ),
        )

    def _not_given(self, posts: Iterable[RawPost]) -> list[RawPost]:
        """Posts that this run has not given yet: one may stand on two list pages, or twice in a ranking."""
        fresh = {(post.post_id, post.observed_at): post for post in reversed([*posts])}
        given = self._given & fresh.keys()
        self._given |= fresh.keys()
        return [post for key, post in reversed(fresh.items()) if key not in given]

    def charset(self, response: Response) -> str | None:
        """The source's override, else the charset of the HTTP header."""
        header = response.headers.get("Content-Type")
        return self.source.encoding or (http_content_type_encoding(header.decode("latin-1")) if header else None)

    def _second_opinion(self, page: Page, read: Read) -> float | None:
        """Likeness of the body to what a second extractor reads; null where the page is no article, or not sampled."""
        article = page.kind == "detail" and len(read.posts) == 1 and not (self.source.thread or self.source.letter)
        if not article or not is_sampled(page.url, self.plan.second_opinion_share):
            return None
        return agreement(decode(page.body, page.charset).text, page.url, read.posts[0].text)

    @property
    def _moves_on(self) -> bool:
        """Whether the lists of this run must meet what is known: there is something, and they are not of one day."""
        running = self.source.family in _RUNNING and not any(map(has_day, self.source.start_urls))
        return running and len(self._known) > len(self._unsettled)

    def _follow(self, link: Link) -> tuple[Any, ...]:
        """What a link leads to: nothing where its page is known and nothing says that it changed."""
        address = canonical_url(link.url)
        page = self._pages.get(address)
        if page is not None and page.due:
            self._named[address] = link
        if link.kind == "detail" and address in self._known:
            # A sitemap says when a page was last changed; elsewhere a list's time is that of publication.
            changed_at = link.listed.at if self.source.family == "sitemap" else None
            if page is None or not is_changed(
                page, link.comments, changed_at, self.fetched_at, self.plan.revisit_seconds
            ):
                return ()
        return self.ask(link.url, link.kind, listed=link.listed, board=link.board)

    def _count_known(self, read: Read) -> tuple[int | None, bool]:
        """How many entries of a list are known, and whether they prove that nothing is missing before them."""
        entries = [canonical_url(link.url) for link in read.links if link.kind == "detail"]
        entries += [post.url for post in read.posts]
        if not entries:
            return None, True
        known = self._known.intersection(entries)
        return sum(entry in known for entry in entries), bool(known - self._unsettled)

    def _rests(self, url: str) -> datetime | None:
        until = self.plan.rests.get(urlsplit(url).netloc)
        return until if until and until > self.fetched_at else None

    def _row(
        self, url: str, kind: Kind, detail: str, outcome: Outcome = "unreachable", http_status: int | None = None
    ) -> Fetch:
        """The row of a page that is not asked for."""
        return Fetch(self.source.id, url, self.fetched_at, kind, outcome, http_status, None, None, None, 0, detail)


def _is_recent(read: Read, since: datetime | None) -> bool:
    """Whether a list has entries that would be remembered; one of old entries only proves no gap."""
    times = [link.listed.at for link in read.links] + [post.published_at for post in read.posts]
    return since is None or any(at is None or at >= since for at in times)
