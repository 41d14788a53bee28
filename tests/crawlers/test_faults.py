"""The fault matrix: one crawl over sites that fail in every way we know of, and one that does not."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crawlers.bad_server import (
    DETAIL,
    HTML,
    BadServer,
    Site,
    answer,
    article,
    bomb,
    crawl,
    free_port,
    good,
    list_rules,
    listing,
    pages_of,
    reset,
    rows,
    write_config,
)

DETAILS = tuple(f"/a/{n}.html" for n in range(8))
TIMEOUT = 1
SHARE = 12
Said = dict[str, tuple[str, str | None]]


async def break_off(site: Site, path: str, writer: asyncio.StreamWriter) -> bool:
    """Half of the body, then RST."""
    if path.startswith("/a/"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\n" + article())
        await writer.drain()
        await asyncio.sleep(0.05)
        reset(writer)
        await asyncio.sleep(1)
        return True
    return False


async def drip(site: Site, path: str, writer: asyncio.StreamWriter) -> bool:
    """A byte now and then: no single wait is long."""
    if path.startswith("/a/"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        for _ in range(600):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)
        return True
    return False


async def pour(site: Site, path: str, writer: asyncio.StreamWriter) -> bool:
    """50 MB whose size nobody was told."""
    if path == "/a/untold.html":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")
        for _ in range(800):
            writer.write(b"<p>" + b"x" * 65_533)
            await writer.drain()
        writer.close()
        return True
    return False


async def turn_pages(site: Site, path: str, writer: asyncio.StreamWriter) -> bool:
    """Every list page has a next one."""
    if path.startswith("/list"):
        number = int(path.removeprefix("/list").removesuffix(".html") or 0)
        body = listing(f"/a/{number}.html", next_url=f"/list{number + 1}.html")
        await answer(writer, 200, HTML, body)
        return True
    if path.startswith("/a/"):
        await answer(writer, 200, HTML, article(f"第{path}页"))
        return True
    return False


async def go_through_the_calendar(site: Site, path: str, writer: asyncio.StreamWriter) -> bool:
    """Every day names a month of days that are lists again."""
    if path.startswith("/list"):
        days = [f"{site.base}{path.removesuffix('.html')}-{n}.html" for n in range(30)]
        entries = "".join(f"<sitemap><loc>{day}</loc></sitemap>" for day in days)
        body = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</sitemapindex>'
        await answer(writer, 200, {"Content-Type": "text/xml"}, body.encode())
        return True
    return False


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, float, dict[str, Site]]]:
    folder = tmp_path_factory.mktemp("faults")
    with BadServer() as server:

        def at(site: Site, behave: Callable[..., object] | None = None) -> Site:
            site.behave = behave  # type: ignore[assignment]
            return server.open(site)

        html = "text/html"
        big = (200, {"Content-Type": html}, b"<p>" + b"x" * 50_000_000)
        packed = (200, {"Content-Type": html, "Content-Encoding": "gzip"}, bomb(20_000_000))
        torn = (200, {"Content-Type": html, "Content-Encoding": "gzip"}, b"\x1f\x8b\x08 this is no gzip")
        sorry = "<title>系统提示</title><h1>出错了</h1><div class='body'>您访问的页面不存在</div>".encode()
        gbk = article("普查登记", "普查员今天入户登记，请居民配合。").replace(b'<meta charset="utf-8">', b"")
        cut = article("收入", "居民收入调查" * 50)[:300]
        entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
        laughs = f'<!DOCTYPE r [<!ENTITY e0 "哈">{entities}]><rss version="2.0"><channel>&e9;</channel></rss>'
        sites = {
            "healthy": at(good(*DETAILS)),
            "broken_off": at(good(*DETAILS), break_off),
            "dripping": at(good(*DETAILS), drip),
            "going_round": at(good("/a/x.html")),
            "saying_sorry": at(good("/a/sorry.html")),
            "bombing": at(good("/a/bomb.html", "/a/torn.html")),
            "endless": at(Site(), turn_pages),
            "calendar": at(Site(), go_through_the_calendar),
            "wrong_charset": at(good("/a/gbk.html")),
            "cut_off": at(good("/a/cut.html")),
            "huge": at(good("/a/told.html", "/a/untold.html"), pour),
            "robots_down": at(good(*DETAILS)),
            "laughing": at(Site()),
        }
        sites["going_round"].pages |= {
            "/a/x.html": (302, {"Location": "/a/y.html"}, b""),
            "/a/y.html": (302, {"Location": "/a/x.html"}, b""),
        }
        sites["saying_sorry"].pages["/a/sorry.html"] = (200, HTML, sorry)
        sites["bombing"].pages |= {"/a/bomb.html": packed, "/a/torn.html": torn}
        sites["wrong_charset"].pages["/a/gbk.html"] = (200, HTML, gbk.decode().encode("gbk"))
        sites["cut_off"].pages["/a/cut.html"] = (200, HTML, cut)
        sites["huge"].pages["/a/told.html"] = big
        sites["robots_down"].pages["/robots.txt"] = (502, {}, b"")
        sites["laughing"].pages["/feed.xml"] = (200, {"Content-Type": "text/xml"}, laughs.encode())
        sources = {source_id: list_rules(site) for source_id, site in sites.items()}
        sources["dead"] = f'[list]\nurls = ["http://127.0.0.1:{free_port()}/list.html"]\nitem = "li"\n{DETAIL}'
        sources["endless"] = list_rules(sites["endless"], next="a.next", max_pages=50)
        sources["calendar"] = f'family = "sitemap"\n[sitemap]\nurls = ["{sites["calendar"].base}/list.html"]\n'
        sources["laughing"] = f'family = "feed"\n[feed]\nurls = ["{sites["laughing"].base}/feed.xml"]\n'
        write_config(folder / "config", sources)
        seconds = crawl(folder / "config", folder / "spool", [*sources], DOWNLOAD_TIMEOUT=TIMEOUT, MAX_REQUESTS=SHARE)
        yield folder / "spool", seconds, sites


def test_the_run_ends_in_time(faults: tuple[Path, float, dict[str, Site]]) -> None:
    # Three pages that drip, each asked for twice, are the longest chain; one after another all faults took longer.
    assert faults[1] < 3 * 2 * TIMEOUT + 15


def test_the_healthy_source_is_complete_and_not_held_up(faults: tuple[Path, float, dict[str, Site]]) -> None:
    spool, _, sites = faults
    pages = pages_of(spool, "healthy")
    assert {path: page["outcome"] for path, page in pages.items()} == {
        path.removeprefix("/"): "ok" for path in ("/list.html", *DETAILS)
    }
    posts = rows(spool, "healthy", "posts")
    assert len(posts) == len(DETAILS)
    assert len({post["title"] for post in posts}) == len(DETAILS)
    # It was done while the slow one had not got beyond its first page.
    slow = [asked.at for asked in sites["dripping"].seen if asked.path in DETAILS]
    assert sites["healthy"].seen[-1].at < slow[0] + 2 * TIMEOUT


@pytest.mark.parametrize(
    ("source_id", "expected"),
    [
        ("dead", {"list.html": ("unreachable", "robots.txt: connection refused")}),
        ("going_round", {"a/x.html": ("unreachable", "max redirections reached")}),
        ("saying_sorry", {"a/sorry.html": ("unreadable", "soft 404")}),
        (
            "bombing",
            {
                "a/bomb.html": ("too_large", "body larger than the limit"),
                "a/torn.html": ("undecodable", "body not compressed as its header says"),
            },
        ),
        ("wrong_charset", {"a/gbk.html": ("ok", None)}),
        ("cut_off", {"a/cut.html": ("ok", None)}),
        (
            "huge",
            {
                "a/told.html": ("too_large", "body larger than the limit"),
                "a/untold.html": ("too_large", "body larger than the limit"),
            },
        ),
        ("robots_down", {"list.html": ("unreachable", "robots.txt: HTTP 502")}),
        ("laughing", {"feed.xml": ("unreadable", "XML document type with declarations is refused")}),
    ],
)
def test_a_fault_has_a_row_with_its_reason(
    faults: tuple[Path, float, dict[str, Site]], source_id: str, expected: Said
) -> None:
    pages = pages_of(faults[0], source_id)
    said = {path: (page["outcome"], page["detail"]) for path, page in pages.items() if page["outcome"] != "ok"}
    right = {path: outcome for path, outcome in expected.items() if outcome[0] != "ok"}
    assert said == right
    assert {path for path, page in pages.items() if page["outcome"] == "ok"} >= expected.keys() - right.keys()


@pytest.mark.parametrize(
    ("source_id", "reason"), [("broken_off", "connection lost in mid-body"), ("dripping", "no answer in time")]
)
def test_a_host_that_breaks_every_page_off_is_given_up(
    faults: tuple[Path, float, dict[str, Site]], source_id: str, reason: str
) -> None:
    spool, _, sites = faults
    pages = pages_of(spool, source_id)
    said = [(pages[path.removeprefix("/")]["outcome"], pages[path.removeprefix("/")]["detail"]) for path in DETAILS]
    given_up = ("unreachable", "not asked: the host did not answer 3 requests running")
    assert said == [("unreachable", reason)] * 3 + [given_up] * 5
    # Each of the three was tried twice.
    assert sum(path in DETAILS for path in sites[source_id].paths) == 6


@pytest.mark.parametrize("source_id", ["endless", "calendar"])
def test_a_site_without_end_gets_its_share(faults: tuple[Path, float, dict[str, Site]], source_id: str) -> None:
    spool, _, sites = faults
    pages = pages_of(spool, source_id)
    assert len(pages) == SHARE
    assert len(sites[source_id].seen) == SHARE + 1
    said = [page["detail"] for page in pages.values() if "not asked" in (page["detail"] or "")]
    assert said
    assert all(f"addresses not asked: {SHARE} requests are a source's share" in words for words in said)


def test_the_days_of_a_calendar_are_not_gone_through(faults: tuple[Path, float, dict[str, Site]]) -> None:
    pages = pages_of(faults[0], "calendar")
    assert pages.pop("list.html")["outcome"] == "ok"
    assert {(page["outcome"], page["detail"]) for page in pages.values()} == {
        ("unreadable", "a sitemap index within an index is not followed")
    }


def test_wrong_charset_and_cut_html_are_still_read(faults: tuple[Path, float, dict[str, Site]]) -> None:
    (post,) = rows(faults[0], "wrong_charset", "posts")
    assert (post["title"], post["encoding"]) == ("普查登记", "gb18030")
    assert post["text"] == "普查员今天入户登记，请居民配合。"
    (post,) = rows(faults[0], "cut_off", "posts")
    assert post["title"] == "收入"
    assert post["text"].startswith("居民收入调查居民")
