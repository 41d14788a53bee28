"""What the crawlers may do to a site, and what they leave: against sites on loopback that answer well and badly."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from statistics import mean
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.http import Response
from scrapy.settings import Settings

from caifeng.core.model.source import MIN_DELAY_SECONDS, Source
from caifeng.core.net import is_private
from crawlers import settings as house
from crawlers.middlewares.guard import Forbidden, GuardMiddleware
from crawlers.middlewares.pace import MAX_REST_SECONDS, retry_after
from tests.crawlers.bad_server import (
    AT,
    HTML,
    BadServer,
    Site,
    answer,
    article,
    crawl,
    free_port,
    good,
    list_rules,
    listing,
    pages_of,
    rows,
    write_config,
)

ROBOTS = "User-agent: CaifengBot\nDisallow: /secret/\n\nUser-agent: *\nDisallow: /\n"
DETAILS = ("/a/1.html", "/a/2.html", "/a/3.html", "/a/4.html", "/a/5.html")


class Polite:
    """The sites, the spool, and the seconds of one run over all of them."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.sites: dict[str, Site] = {}

    def page(self, source_id: str, path: str) -> tuple[str, int | None, str | None, str | None]:
        row = pages_of(self.spool, source_id)[path]
        return row["outcome"], row["http_status"], row["detail"], row["robots"]


@pytest.fixture(scope="module")
def polite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Polite]:
    folder = tmp_path_factory.mktemp("polite")
    polite = Polite(folder / "spool")
    with BadServer() as server:

        def once(path_of: str, status: int, retry: str) -> Site:
            """Refuses one path the first time it is asked for."""
            site = good(*DETAILS[:2])

            async def behave(site: Site, path: str, writer: asyncio.StreamWriter) -> bool:
                if path == path_of and site.paths.count(path) == 1:
                    await answer(writer, status, {"Retry-After": retry}, b"")
                    return True
                return False

            site.behave = behave
            return site

        def always(status: int, **headers: str) -> Site:
            site = good(*DETAILS)
            refusal = {name.replace("_", "-"): value for name, value in headers.items()}
            site.pages.update(dict.fromkeys(DETAILS, (status, refusal, b"")))
            return site

        async def hang(site: Site, path: str, writer: asyncio.StreamWriter) -> bool:
            if path.startswith("/a/"):
                await asyncio.sleep(30)
            return False

        async def slow_start(site: Site, path: str, writer: asyncio.StreamWriter) -> bool:
            if path == "/list.html":
                await asyncio.sleep(0.8)
            return False

        shared = server.open(good(robots="User-agent: *\nCrawl-delay: 0.4\n"))
        links = [f"{shared.base}/of/{name}.html" for name in ("x", "y")]
        shared.pages.update({f"/of/{name}.html": (200, HTML, article()) for name in ("x", "y")})
        inward = [
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://localhost/",
            "http://127.0.0.2/",
        ]
        nosy = good("/to/private.html", "/to/loopback.html")
        nosy.pages["/to/private.html"] = (302, {"Location": "http://10.0.0.1/admin"}, b"")
        nosy.pages["/to/loopback.html"] = (301, {"Location": "http://127.0.0.3:8080/"}, b"")
        polite.sites = {
            "obeying": server.open(good("/a/1.html", "/secret/2.html", robots=ROBOTS)),
            "no_robots": server.open(good("/a/1.html")),
            "robots_down": server.open(good("/a/1.html")),
            "crawl_delay": server.open(good(*DETAILS[:3], robots="User-agent: *\nCrawl-delay: 0.4\n")),
            "crawl_delay_long": server.open(good(robots="User-agent: *\nCrawl-delay: 3600\n")),
            "own_delay": server.open(good(*DETAILS[:3])),
            "sharing_1": server.open(good(links[0])),
            "sharing_2": server.open(good(links[1])),
            "throttled": server.open(good(*DETAILS[:2])),
            "short_rest": server.open(once("/a/1.html", 429, "1")),
            "rude_rest": server.open(always(429, Retry_After="1")),
            "long_rest": server.open(always(503, Retry_After="3600")),
            "date_rest": server.open(
                always(503, Date="Fri, 20 Nov 2026 07:00:00 GMT", Retry_After="Fri, 20 Nov 2026 08:20:00 GMT")
            ),
            "refusing": server.open(always(403)),
            "hanging": server.open(good(*DETAILS)),
            "nosy": server.open(nosy),
            "changing": server.open(good("/a/1.html")),
        }
        sites = polite.sites
        sites["robots_down"].pages["/robots.txt"] = (500, {}, b"")
        sites["hanging"].behave = hang
        sites["throttled"].behave = slow_start
        nosy.pages["/list.html"] = (200, HTML, listing("/to/private.html", "/to/loopback.html", *inward))
        sources = {source_id: list_rules(site) for source_id, site in sites.items()}
        sources["own_delay"] = list_rules(sites["own_delay"], "min_delay_seconds = 0.4\n")
        write_config(folder / "config", sources)
        nowhere = f"http://127.0.0.1:{free_port()}"
        environment = {"http_proxy": nowhere, "HTTP_PROXY": nowhere, "no_proxy": "", "NO_PROXY": ""}
        crawl(folder / "config", polite.spool, [*sources], environment, DOWNLOAD_TIMEOUT=1, RETRY_TIMES=0)
        polite.sites["shared"] = shared
        yield polite


def test_robots_decides_and_every_decision_is_recorded(polite: Polite) -> None:
    assert polite.page("obeying", "list.html") == ("ok", 200, None, "allowed")
    assert polite.page("obeying", "a/1.html") == ("ok", 200, None, "allowed")
    assert polite.page("obeying", "secret/2.html") == ("robots_denied", None, "Forbidden by robots.txt", "denied")
    assert polite.page("no_robots", "a/1.html") == ("ok", 200, None, "none")
    down = polite.page("robots_down", "list.html")
    assert down == ("unreachable", None, "robots.txt: HTTP 500", "unreachable")
    assert "/secret/2.html" not in polite.sites["obeying"].paths
    assert set(polite.sites["robots_down"].paths) == {"/robots.txt"}


def test_robots_txt_is_a_row_of_its_own(polite: Polite) -> None:
    asked = {}
    for source_id in ("obeying", "no_robots", "robots_down"):
        (row,) = [row for row in rows(polite.spool, source_id) if row["kind"] == "robots"]
        assert row["url"] == f"{polite.sites[source_id].base}/robots.txt"
        assert (row["robots"], row["etag"], row["found"], row["fetched_at"]) == (None, None, 0, AT)
        asked[source_id] = (row["outcome"], row["http_status"], row["layout"], row["detail"])
    assert asked == {
        "obeying": ("ok", 200, sha256(ROBOTS.encode()).hexdigest()[:8], None),
        "no_robots": ("empty", 404, None, "no robots.txt: HTTP 404"),
        "robots_down": ("http_error", 500, None, "HTTP 500"),
    }
    assert polite.sites["obeying"].paths.count("/robots.txt") == 1


def test_crawl_delay_of_robots_is_kept(polite: Polite) -> None:
    # The first pause is between robots.txt and the list: its Crawl-delay is not known before.
    pauses = polite.sites["crawl_delay"].gaps()[1:]
    assert len(pauses) == 3
    assert mean(pauses) >= 0.3
    said = polite.page("crawl_delay_long", "list.html")
    assert said == ("robots_denied", None, "robots.txt: Crawl-delay 3600 s, more than 60 s", "denied")
    assert polite.sites["crawl_delay_long"].paths == ["/robots.txt"]


def test_delay_of_the_source_is_kept_from_the_first_request_on(polite: Polite) -> None:
    pauses = polite.sites["own_delay"].gaps()
    assert len(pauses) == 4
    assert mean(pauses) >= 0.3


def test_two_sources_keep_the_pace_of_a_third_host_together(polite: Polite) -> None:
    asked = [row.at for row in polite.sites["shared"].seen if row.path != "/robots.txt"]
    assert len(asked) == 2
    assert abs(asked[1] - asked[0]) >= 0.2


def test_a_slow_host_is_asked_less_often(polite: Polite) -> None:
    _robots, first, second = polite.sites["throttled"].gaps()[:3]
    assert polite.sites["throttled"].paths[:2] == ["/robots.txt", "/list.html"]
    # The list took 0.8 s to come; afterwards the pauses shrink by halves, not at once.
    assert first >= 0.8
    assert second >= 0.2


def test_nothing_of_scrapy_runs_that_nobody_chose() -> None:
    # Its remote control is on by default: a port on which whoever has the token runs code.
    settings = Settings()
    assert "scrapy.extensions.remote_control.RemoteControl" in settings.getwithbase("EXTENSIONS")
    settings.setmodule(house)
    for table in ("EXTENSIONS", "DOWNLOADER_MIDDLEWARES"):
        chosen = getattr(house, table)
        assert len(chosen) >= 3
        assert settings.getwithbase(table).keys() == chosen.keys()
    assert not [name for name in house.EXTENSIONS if name.rpartition(".")[2] in {"RemoteControl", "TelnetConsole"}]


def test_default_is_one_request_in_five_seconds() -> None:
    assert MIN_DELAY_SECONDS == 5.0
    assert Source.model_fields["min_delay_seconds"].default == 5.0
    assert (house.DOWNLOAD_DELAY, house.CONCURRENT_REQUESTS_PER_DOMAIN, house.AUTOTHROTTLE_ENABLED) == (5.0, 1, True)


def test_short_retry_after_is_waited_for_once(polite: Polite) -> None:
    site = polite.sites["short_rest"]
    assert polite.page("short_rest", "a/1.html")[:3] == ("ok", 200, None)
    first, again = (asked.at for asked in site.seen if asked.path == "/a/1.html")
    assert again - first >= 0.99
    # Refused again after the pause that it asked for: the host is left alone.
    refused = polite.page("rude_rest", "a/1.html")
    assert refused[:2] == ("http_error", 429)
    assert polite.sites["rude_rest"].paths.count("/a/1.html") == 2
    assert len([path for path in polite.sites["rude_rest"].paths if path.startswith("/a/")]) == 2


@pytest.mark.parametrize(("source_id", "seconds"), [("long_rest", 3600), ("date_rest", 4800)])
def test_long_retry_after_ends_the_host_for_this_run(polite: Polite, source_id: str, seconds: int) -> None:
    outcome, status, detail, _ = polite.page(source_id, "a/1.html")
    assert (outcome, status) == ("http_error", 503)
    assert detail is not None
    until = datetime.fromisoformat(detail.removeprefix("retry after "))
    rest = until - datetime.fromisoformat(AT) - timedelta(seconds=seconds)
    assert timedelta() <= rest < timedelta(seconds=60)
    assert polite.page(source_id, "a/2.html")[:3] == ("unreachable", None, f"not asked: {detail}")
    assert len([path for path in polite.sites[source_id].paths if path.startswith("/a/")]) == 1


@pytest.mark.parametrize(
    ("source_id", "first", "then"),
    [
        ("refusing", ("http_error", 403, "HTTP 403"), "not asked: the host refused 3 requests running"),
        (
            "hanging",
            ("unreachable", None, "no answer in time"),
            "not asked: the host did not answer 3 requests running",
        ),
    ],
)
def test_host_that_fails_three_times_running_is_left_alone(
    polite: Polite, source_id: str, first: tuple[str, int | None, str], then: str
) -> None:
    said = [polite.page(source_id, path.removeprefix("/"))[:3] for path in DETAILS]
    assert said == [first] * 3 + [("unreachable", None, then)] * 2
    assert len([path for path in polite.sites[source_id].paths if path.startswith("/a/")]) == 3


def test_nothing_private_is_asked_for(polite: Polite) -> None:
    fetches = {row["url"]: row for row in rows(polite.spool, "nosy") if row["kind"] == "detail"}
    assert len(fetches) == 11
    assert {(row["outcome"], row["detail"]) for row in fetches.values()} == {
        ("unreachable", "leads to a private address")
    }
    assert not [row for row in rows(polite.spool, "nosy") if row["kind"] == "robots" and "127.0.0.1" not in row["url"]]


def test_requests_are_honest_and_bare(polite: Polite) -> None:
    seen = [asked for site in polite.sites.values() for asked in site.seen]
    assert len(seen) > 40
    for asked in seen:
        headers = dict(asked.headers)
        # No cookie, no referer, no invented browser; with the language and types that we can read.
        assert set(headers) == {"Host", "User-Agent", "Accept", "Accept-Language", "Accept-Encoding"}
        name, _, contact = headers["User-Agent"].partition(" ")
        assert name.startswith("CaifengBot/")
        assert contact == "(+mailto:office@example.org)"


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("10.1.2.3", True),
        ("192.168.0.1", True),
        ("100.64.0.1", True),
        ("169.254.169.254", True),
        ("0.0.0.0", True),
        ("224.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("2002:a00:1::", True),
        ("64:ff9b::a00:1", True),
        ("64:ff9b::808:808", False),
        ("2606:4700::1111", False),
        ("8.8.8.8", False),
        ("::ffff:8.8.8.8", False),
    ],
)
def test_what_a_private_address_is(address: str, private: bool) -> None:
    assert is_private(address) is private


def guard_of(*urls: str) -> GuardMiddleware:
    source = SimpleNamespace(start_urls=urls, is_loopback=all("127.0.0.1" in url for url in urls))
    settings = Settings({"RUN_SECONDS": 60})
    return GuardMiddleware(SimpleNamespace(spider=SimpleNamespace(source=source), settings=settings))  # type: ignore[arg-type]


def test_an_answer_from_a_private_address_is_refused() -> None:
    """A name may resolve to a public address when we look and to a private one when we connect."""
    guard = guard_of("http://portal.example.org/")
    request = Request("http://portal.example.org/a", meta={"kind": "detail"})
    public = Response(request.url, ip_address=ip_address("8.8.8.8"))
    assert guard.process_response(request, public) is public
    inside = Response(request.url, ip_address=ip_address("10.0.0.7"))
    with pytest.raises(Forbidden, match="private"):
        guard.process_response(request, inside)
    # The office's own gateway answers from inside.
    gateway = Request(request.url, meta={"kind": "detail", "proxy": "http://10.0.0.1:3128"})
    assert guard.process_response(gateway, inside) is inside


def test_only_loopback_may_be_private_even_if_an_operator_wrote_it() -> None:
    guard = guard_of("http://10.0.0.7/list.html")
    with pytest.raises(Forbidden, match="private"):
        asyncio.run(guard.process_request(Request("http://10.0.0.7/list.html", meta={"kind": "list"})))


def waits(retry: str, date: str | None = None) -> float | None:
    headers = {"Retry-After": retry} | ({"Date": date} if date else {})
    return retry_after(Response("http://a.example/", status=503, headers=headers), datetime.fromisoformat(AT))


def test_retry_after_in_both_forms() -> None:
    assert waits("120") == 120.0
    assert waits("Fri, 20 Nov 2026 09:40:00 GMT") == 3600.0
    assert waits("Fri, 20 Nov 2026 10:00:00 GMT", date="Fri, 20 Nov 2026 09:59:30 GMT") == 30.0
    assert waits("Fri, 20 Nov 2026 01:00:00 GMT") == 0.0
    assert waits("9" * 400) == MAX_REST_SECONDS
    assert [waits(text) for text in ("", "-5", "soon", "１２", "1.5", "Fri, 99 Nov 2026")] == [None] * 6


@given(st.one_of(st.text(max_size=60), st.from_regex(r"\w{3}, \d{1,4} Nov \d{1,9} \d\d:\d\d:\d\d ([+-]\d{4})?")))
def test_retry_after_is_within_a_week_whatever_is_said(said: str) -> None:
    response = Response("http://a.example/", status=429, headers={"Retry-After": said.encode("utf8")})
    seconds = retry_after(response, datetime(2026, 11, 20, tzinfo=UTC))
    assert seconds is None or 0 <= seconds <= MAX_REST_SECONDS
