"""Several crawls of one site at different moments: nothing is missed, and nothing is asked for without a reason."""

import hashlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from caifeng.core.files import machine
from caifeng.core.settings import Settings, parse_as_of
from caifeng.jobs.base import Env, JobReport
from caifeng.jobs.crawl import crawl
from tests.crawlers.warm import warm_crawlers

NOON = parse_as_of("2026-11-16T12:00+08:00")  # a Monday
HEAD = '[list]\nurls = ["{base}{path}"]\nitem = "li"\nnext = "a.next"\n'
DETAIL = '[detail]\ntitle = "h1"\nbody = "div"\n'


@dataclass
class Site:
    """A list of numbered articles, newest first, ten on a page; and a paper with an edition per day."""

    last: int = 30
    views: int = 7
    pause: float = 0
    broken: Callable[[str], bool] = lambda path: False
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def answer(self, path: str) -> bytes | None:
        if found := re.fullmatch(r"/list(\d+)\.html", path):
            page = int(found[1])
            numbers = range(self.last - 10 * (page - 1), max(self.last - 10 * page, 0), -1)
            entries = "".join(f'<li><a href="/a/{number}.html">条目</a></li>' for number in numbers)
            more = f'<a class="next" href="/list{page + 1}.html">下一页</a>' if numbers and numbers[-1] > 1 else ""
            return f"<ul>{entries}</ul>{more}".encode()
        if found := re.fullmatch(r"/a/(\d+)\.html", path):
            if int(found[1]) > self.last:
                return None
            return f"<h1>公告{found[1]}号</h1><div>正文{found[1]}。</div><p class=v>{self.views}</p>".encode()
        if found := re.fullmatch(r"/paper/(\d{4}-\d\d-\d\d)/node_1\.htm", path):
            return "".join(f'<li><a href="content_{n}.htm">文章</a></li>' for n in (1, 2)).encode()
        if found := re.fullmatch(r"/paper/(\S+)/content_(\d)\.htm", path):
            return f"<h1>{found[1]}第{found[2]}篇</h1><div>文章正文。</div>".encode()
        return None


@pytest.fixture(scope="module", autouse=True)
def _warm() -> Iterator[None]:
    with warm_crawlers():
        yield


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/robots.txt":
                site.asked.append(self.path)
                time.sleep(site.pause)
            body = None if self.path == "/robots.txt" else site.answer(self.path)
            broken = self.path != "/robots.txt" and site.broken(self.path)
            self.send_response(503 if broken else 404 if body is None else 200)
            body = b"" if broken or body is None else b"<meta charset=utf-8>" + body
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join(5)


@dataclass
class Office:
    """A home whose clock is moved by hand."""

    site: Site
    home: Path
    config: Path
    now: datetime = NOON

    def source(self, source_id: str, path: str, more: str = DETAIL) -> None:
        head = f'id = "{source_id}"\nname = "样例"\nfamily = "list_detail"\nclass = "portal"\nreach = "county"\n'
        rules = HEAD.replace("{base}", f"http://127.0.0.1:{self.site.port}").replace("{path}", path)
        text = f"{head}min_delay_seconds = 0\n{rules}{more}"
        (self.config / "sources" / f"{source_id}.toml").write_text(text, "utf8")

    def env(self) -> Env:
        return Env.open(Settings(home=self.home, config=self.config, as_of=self.now))

    def crawl(self, *names: str, **later: float) -> JobReport:
        """Crawl after some time; the addresses asked for are in site.asked."""
        self.now += timedelta(**later)
        self.site.asked.clear()
        return crawl(self.env(), names)

    def rows(self, table: str) -> pl.DataFrame:
        env = self.env()
        days = env.lake.days(table)
        return env.lake.read_range(table, days[0], days[-1])

    def fetches(self) -> dict[str, dict[str, object]]:
        """What the last run wrote, by path."""
        rows = self.rows("ops.fetches").filter(pl.col("fetched_at") == self.now, pl.col("kind") != "robots")
        return {str(row["url"]).split(str(self.site.port))[1]: row for row in rows.iter_rows(named=True)}

    def titles(self) -> set[str]:
        return set(self.rows("raw.posts")["title"])


@pytest.fixture
def office(site: Site, tmp_path: Path) -> Office:
    config = tmp_path / "config"
    (config / "sources").mkdir(parents=True)
    (config / "units.toml").write_text(
        '[office]\nname = "某县统计局"\nshort_name = "县统计局"\ncounty = "某县"\ncounty_short = "某"\ncity = "某市"\n'
        'city_short = "某"\nprovince = "某省"\nprovince_short = "某"\nplace = "341622"\n'
        'contact = "mailto:office@example.org"\n',
        "utf8",
    )
    return Office(site, tmp_path / "home", config)


def test_a_list_that_moved_on_is_followed_until_it_is_known_again(site: Site, office: Office) -> None:
    office.source("busy", "/list1.html")
    office.crawl()
    assert len(site.asked) == 3 + 30
    # Nothing new: the lists, and no page behind them.
    office.crawl(hours=2)
    assert site.asked == ["/list1.html", "/list2.html", "/list3.html"]
    assert [row["known"] for row in office.fetches().values()] == [10, 10, 10]
    # Sixty entries in one night, twice as many as the three pages hold.
    site.last += 60
    office.crawl(hours=8)
    assert office.titles() == {f"公告{number}号" for number in range(1, 91)}
    lists = {path: row for path, row in office.fetches().items() if "list" in path}
    assert [row["known"] for row in lists.values()] == [0, 0, 0, 0, 0, 0, 10]
    assert [row["detail"] for row in lists.values()] == [None] * 7
    assert len(site.asked) == 7 + 60
    # More than it is followed: the row says so.
    (office.config / "collection.toml").write_text("catch_up_pages = 5", "utf8")
    site.last += 70
    office.crawl(hours=8)
    rows = office.fetches()
    assert rows["/list5.html"]["detail"] == "gap: no known entry on 5 pages"
    assert "/list6.html" not in rows


def test_counters_are_visited_at_their_steps_also_off_the_list(site: Site, office: Office) -> None:
    site.last = 12
    office.source("plain", "/list1.html", f"max_pages = 1\n{DETAIL}")
    office.source("counted", "/list1.html", f'max_pages = 1\n{DETAIL}views = ".v"\n')
    office.crawl()
    assert len([path for path in site.asked if path.startswith("/a/")]) == 20
    site.last, site.views = 30, 8
    office.crawl("counted", hours=1)
    pages = [path for path in site.asked if path.startswith("/a/")]
    # The new ones, and those that are due, though the list has forgotten them; each once.
    assert sorted(pages) == sorted(f"/a/{number}.html" for number in range(3, 31))
    views = office.rows("raw.posts").filter(pl.col("title") == "公告5号", pl.col("source_id") == "counted")
    assert views["views"].to_list() == [7, 8]
    office.crawl("counted", minutes=5)
    assert site.asked == ["/list1.html"]
    office.crawl("plain", hours=1)
    assert "/a/12.html" not in site.asked


def test_missed_editions_are_caught_up_after_an_outage(site: Site, office: Office) -> None:
    office.source("paper", "/paper/{day}/node_1.htm")
    office.crawl()
    assert len(site.asked) == 3
    office.crawl(hours=3)
    # Its cadence asks for today's edition again, but for none of its articles.
    assert site.asked == ["/paper/2026-11-16/node_1.htm"]
    # The site is down on Tuesday, our machine on Wednesday and Thursday.
    site.broken = lambda path: True
    report = office.crawl(days=1)
    assert report.failed == ("paper",)
    site.broken = lambda path: False
    office.crawl(days=3)
    nodes = [path for path in site.asked if "node" in path]
    assert nodes == [f"/paper/2026-11-{day}/node_1.htm" for day in (17, 18, 19, 20)]
    assert office.titles() == {f"2026-11-{day}第{n}篇" for day in range(16, 21) for n in (1, 2)}
    office.crawl(hours=2)
    assert site.asked == ["/paper/2026-11-20/node_1.htm"]


def test_a_page_that_failed_is_tried_again_when_no_list_names_it(site: Site, office: Office) -> None:
    site.last = 10
    office.source("portal", "/list1.html", f"max_pages = 1\n{DETAIL}")
    (office.config / "collection.toml").write_text("retry_hours = [1, 2]", "utf8")
    site.broken = lambda path: path in {"/a/3.html", "/a/4.html"}
    office.crawl()
    site.last = 20
    office.crawl(minutes=30)
    assert "/a/3.html" not in site.asked
    site.broken = lambda path: path == "/a/3.html"
    office.crawl(minutes=30)
    assert {"/a/3.html", "/a/4.html"} <= {*site.asked}
    assert "公告4号" in office.titles()
    office.crawl(hours=2)
    assert "/a/3.html" in site.asked
    office.crawl(hours=2)
    assert office.fetches()["/a/3.html"]["detail"] == "not asked: given up after 3 tries"
    assert "/a/3.html" not in site.asked
    office.crawl(hours=40)
    assert "/a/3.html" not in office.fetches()


def test_a_run_at_the_same_moment_does_the_same_again(site: Site, office: Office) -> None:
    office.source("busy", "/list1.html", f'{DETAIL}views = ".v"\n')
    office.crawl()

    def hashes() -> dict[str, str]:
        files = (office.home / "lake").rglob("*.parquet")
        return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    first = hashes()
    assert len(first) >= 3
    report = office.crawl()
    assert report.counts["posts"] == 30
    assert hashes() == first
    # And if the site is gone by then, what was landed stays.
    site.broken = lambda path: True
    office.crawl()
    assert len(office.titles()) == 30


def test_what_a_killed_run_left_is_landed_and_the_walk_goes_on(site: Site, office: Office) -> None:
    office.source("busy", "/list1.html")
    office.crawl()
    site.last += 100
    # A run of 20 pages dies after two lists and some pages: half a line, and a fetch whose post was not written.
    office.now += timedelta(hours=4)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    utc = office.now.astimezone(UTC)
    spool = office.home / "spool" / f"{utc:%Y%m%dT%H%M%S}-{machine()}-{ended.pid}"
    spool.mkdir(parents=True)
    command = [sys.executable, "-m", "crawlers.run", "--config", str(office.config), "--sources", "busy"]
    command += ["--day", "2026-11-16", "--fetched-at", utc.isoformat(), "--spool", str(spool)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    posts = spool / "busy.posts.jsonl"
    lines = posts.read_text("utf8").splitlines(keepends=True)
    assert len(lines) == 30
    posts.write_text("".join(lines[:20]) + lines[20][:50], "utf8")
    report = office.crawl("busy", hours=1)
    assert report.counts["recovered"] > 20
    assert not [*(office.home / "spool").iterdir()]
    assert office.titles() == {f"公告{number}号" for number in range(1, 131)}
    landed = office.rows("ops.fetches").filter(pl.col("fetched_at") == utc, pl.col("kind") == "list")
    assert landed["detail"].to_list() == ["broken off"] * 3
    # What the dead run had landed was not asked for again, and now the list meets what is known.
    assert len([path for path in site.asked if path.startswith("/a/")]) == 80
    office.crawl("busy", hours=1)
    assert site.asked == ["/list1.html", "/list2.html", "/list3.html"]


def test_a_run_ends_in_time_and_the_next_one_goes_on(site: Site, office: Office) -> None:
    office.source("busy", "/list1.html")
    (office.config / "collection.toml").write_text("run_minutes = 0.05", "utf8")
    site.pause = 0.2
    office.crawl()
    rows = office.fetches()
    left = [path for path, row in rows.items() if str(row["detail"]).startswith("not asked: ")]
    assert len(rows) == 33
    assert 5 < len(left) < 33
    assert not {*left} & {*site.asked}
    site.pause = 0
    site.last += 100
    office.crawl(hours=4)
    # The pages that were left over are asked for although the list has moved past them.
    assert {path for path in left if path.startswith("/a/")} <= {*site.asked}
    assert {f"公告{number}号" for number in range(1, 31)} <= office.titles()


def test_only_sources_whose_turn_it_is_are_asked(site: Site, office: Office) -> None:
    site.last = 3
    office.source("hourly", "/list1.html")
    office.source("quick", "/list1.html")
    quick = office.config / "sources" / "quick.toml"
    quick.write_text(quick.read_text("utf8").replace("min_delay", "every_minutes = 15\nmin_delay"), "utf8")
    assert office.crawl().counts["sources"] == 2
    assert office.crawl(minutes=10).counts["sources"] == 0
    assert site.asked == []
    assert office.crawl(minutes=4).counts["sources"] == 1
    assert office.crawl("hourly").counts["sources"] == 1
    assert office.crawl(minutes=30).counts["sources"] == 1


def test_a_host_that_is_down_rests_and_the_log_says_so(site: Site, office: Office) -> None:
    site.last = 3
    office.source("portal", "/list1.html")
    site.broken = lambda path: True
    for _ in range(3):
        report = office.crawl(hours=1)
        assert site.asked
        assert report.failed == ("portal",)
    (office.config / "collection.toml").write_text("rest_minutes = 90", "utf8")
    report = office.crawl(hours=1)
    assert site.asked == []
    assert report.failed == ("portal",)
    (row,) = office.fetches().values()
    assert (row["outcome"], row["http_status"]) == ("unreachable", None)
    assert str(row["detail"]).startswith("not asked: host rests until 2026-11-16T")
    # A person may insist; after the rest it is asked again.
    site.broken = lambda path: False
    assert office.crawl("portal").failed == ()
    assert len(office.titles()) == 3
