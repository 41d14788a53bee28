"""crawlers.run as the jobs call it: a subprocess against a small site on loopback."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from crawlers.items import Fetch, RawPost

ROOT = Path(__file__).resolve().parents[2]
AT = "2026-11-20T08:40:00+00:00"
AUTHOR = "发帖会员丙丁"
PHONE = "13912345678"


def article(title: str, text: str) -> bytes:
    return (
        f'<html><head><meta charset="utf-8"></head><body><h1>{title}</h1>'
        f'<p class="info">作者：{AUTHOR} <time>2026-11-20 09:30</time> 浏览次数：340</p>'
        f'<div class="body"><span class="username">{AUTHOR}</span><p>{text}</p></div></body></html>'
    ).encode()


def listing(*links: str, more: str = "") -> bytes:
    items = "".join(f'<li><a href="{link}">条目</a></li>' for link in links)
    return f"<html><body><ul>{items}</ul>{more}</body></html>".encode()


def rss(*entries: str) -> bytes:
    return f'<rss version="2.0"><channel><title>要闻</title>{"".join(entries)}</channel></rss>'.encode("gb18030")


def entry(title: str, link: str, text: str = "") -> str:
    return (
        f"<item><title>{title}</title><link>{link}</link><author>{AUTHOR}</author>"
        f"<pubDate>Fri, 20 Nov 2026 07:00:00 +0800</pubDate><description>{text}</description></item>"
    )


@dataclass
class Site:
    """Paths to (status, headers, body), and what came in."""

    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]


@pytest.fixture(scope="module")
def refused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def site(refused_port: int) -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.seen.append((self.path, dict(self.headers)))
            status, headers, body = site.pages.get(self.path, (404, {}, b"none"))
            if "ETag" in headers and self.headers.get("If-None-Match") == headers["ETag"]:
                status, body = 304, b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                # The crawler hangs up on a page that is too large.
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    html = {"Content-Type": "text/html"}
    page = {
        "/robots.txt": (200, {}, b"User-agent: CaifengBot\nDisallow: /secret/\n"),
        "/list1.html": (
            200,
            {**html, "ETag": '"l1"'},
            listing(
                "/a/1.html",
                "/a/2.html#top",
                "/secret/3.html",
                "/a/big.html",
                "/a/noise.html",
                "/a/500.html",
                "/a/gone.html",
                "/a/soft.html",
                "/a/moved.html",
                "/a/escape.html",
                "/a/inward.html",
                f"http://127.0.0.1:{refused_port}/x.html",
                "http://localhost:1/x.html",
                "file:///etc/hostname",
                more='<a class="next" href="/list2.html">下一页</a>',
            ),
        ),
        "/list2.html": (200, html, listing("/a/1.html", "/a/2.html?utm_source=x", "/a/4.html")),
        "/a/1.html": (200, {**html, "ETag": '"a1"'}, article("劳动力调查", f"请拨打{PHONE}咨询。")),
        "/a/2.html": (200, {**html, "Last-Modified": "Fri, 20 Nov 2026 01:00:00 GMT"}, article("收入", "正文")),
        "/a/4.html": (
            200,
            {"Content-Type": "text/html; charset=gb2312"},
            article("普查登记", "正文").replace(b'<meta charset="utf-8">', b"").decode().encode("gbk"),
        ),
        "/secret/3.html": (200, html, article("不该看到", "正文")),
        "/a/big.html": (200, html, b"<p>" + b"x" * 10_000_000),
        "/a/noise.html": (200, html, bytes(range(256)) * 50),
        "/a/500.html": (500, {}, b"broken"),
        "/a/soft.html": (200, html, "<title>404</title><h1>404</h1><p>您访问的页面不存在</p>".encode()),
        "/a/moved.html": (302, {"Location": "/a/4.html"}, b""),
        "/a/escape.html": (302, {"Location": "file:///etc/hostname"}, b""),
        "/a/inward.html": (302, {"Location": "http://10.0.0.1/admin"}, b""),
        "/empty.html": (200, {**html, "ETag": '"e"'}, listing()),
        "/five.html": (200, html, listing(*(f"/no/{n}.html" for n in range(5)))),
        **{f"/no/{n}.html": (403, {}, b"") for n in range(5)},
        "/feed.xml": (
            200,
            {"Content-Type": "text/xml; charset=gb2312", "ETag": '"f1"'},
            rss(
                entry("入户调查", "/a/1.html#rss", f"来电{PHONE}"),
                entry("不该看到", "/secret/3.html"),
                entry("没有了", "/a/gone.html"),
                entry("没有链接", ""),
            ),
        ),
        "/bomb.xml": (200, {}, b'<!DOCTYPE r [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><rss version="2.0">&b;</rss>'),
        "/bad.json": (200, {}, b'{"data": ['),
        "/shape.json": (200, {}, b'{"data": {"list": 3}}'),
        "/index.json": (200, {}, json.dumps({"files": ["s1.json", "s2.json"]}).encode()),
        "/2026-11-20.json": (200, {}, json.dumps({"t": "2026-11-20 16:00", "list": [{"w": "甲"}]}).encode()),
    }
    for hour in (1, 2):
        ranking = [{"w": "前三季度 GDP", "n": 9, "r": "1.2万"}, {"w": "前三季度 GDP"}, {"w": f"第{hour}条"}]
        page[f"/s{hour}.json"] = (200, {}, json.dumps({"t": f"2026-11-20 0{hour}:00", "list": ranking}).encode())
    site.pages = page
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(scope="module")
def config(site: Site, refused_port: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = tmp_path_factory.mktemp("config")
    (config / "sources").mkdir()
    (config / "units.toml").write_text(
        '[office]\nname = "某县统计局"\nshort_name = "县统计局"\ncounty = "某县"\ncounty_short = "某"\ncity = "某市"\n'
        'city_short = "某"\nprovince = "某省"\nprovince_short = "某"\nplace = "341622"\n'
        'contact = "mailto:office@example.org"\n',
        "utf8",
    )
    base = f"http://127.0.0.1:{site.port}"

    def source(source_id: str, rules: str, family: str = "list_detail") -> None:
        (config / "sources" / f"{source_id}.toml").write_text(
            f'id = "{source_id}"\nname = "测试"\nfamily = "{family}"\nclass = "portal"\nreach = "county"\n'
            f'board = "公告"\nmin_delay_seconds = 0\n{rules}',
            "utf8",
        )

    detail = '[detail]\ntitle = "h1"\nbody = ".body"\ntime = "time"\nviews = ".info"\n'
    items = (
        'items = "list"\ntitle = "w"\nlink = "http://hot.example/q?t={title}"\ntime = "t"\nheat = "n"\nviews = "r"\n'
    )
    source("portal", f'[list]\nurls = ["{base}/list1.html"]\nitem = "li"\nnext = "a.next"\n{detail}')
    source("refusing", f'[list]\nurls = ["{base}/five.html"]\nitem = "li"\n{detail}')
    source("quiet", f'[list]\nurls = ["{base}/empty.html"]\nitem = "li"\n{detail}')
    source("refused", f'[list]\nurls = ["http://127.0.0.1:{refused_port}/"]\nitem = "li"\n{detail}')
    source("badcss", f'[list]\nurls = ["{base}/list2.html"]\nitem = "li["\n{detail}')
    source("hot", f'[hot_list]\nurls = ["{base}/index.json"]\nsnapshots = "files"\n{items}', "hot_list")
    source("feed", f'[feed]\nurls = ["{base}/feed.xml"]\n', "feed")
    source("feed_detail", f'[feed]\nurls = ["{base}/feed.xml"]\n{detail}', "feed")
    source("feed_broken", f'[feed]\nurls = ["{base}/bomb.xml", "{base}/a/1.html"]\n', "feed")
    source("inbox", '[columns]\ntitle = "标题"\n', "inbox")
    broken = f'[hot_list]\nurls = ["{base}/bad.json", "{base}/shape.json", "{base}/{{day}}.json"]\n{items}'
    source("hot_broken", broken, "hot_list")
    return config


def run(config: Path, spool: Path, sources: str, plan: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crawlers.run", "--config", str(config), "--sources", sources]
    command += ["--day", "2026-11-20", "--fetched-at", AT, "--spool", str(spool)]
    command += ["--plan", str(plan)] if plan else []
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)


def rows(spool: Path, source_id: str, kind: str) -> list[dict[str, Any]]:
    lines = (spool / f"{source_id}.{kind}.jsonl").read_text("utf8").splitlines()
    # The rows of robots.txt are tested in test_politeness.py.
    return [row for row in map(json.loads, lines) if row.get("kind") != "robots"]


ALL = "portal,quiet,refused,badcss,hot,hot_broken"


@pytest.fixture(scope="module")
def spool(site: Site, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    spool = tmp_path_factory.mktemp("spool")
    done = run(config, spool, ALL)
    assert done.returncode == 0, done.stderr
    # Failures of sites are rows, not noise on the console.
    assert done.stderr == ""
    return spool


@pytest.mark.parametrize(("row", "table"), [(RawPost, "raw/posts"), (Fetch, "ops/fetches")])
def test_items_are_the_columns(row: type, table: str) -> None:
    contract = yaml.safe_load((ROOT / "sql" / f"{table}.yml").read_text("utf8"))
    assert [column.name for column in fields(row)] == [column["name"] for column in contract["columns"]]


def test_every_request_has_one_row(site: Site, spool: Path) -> None:
    fetches = rows(spool, "portal", "fetches")
    base = f"http://127.0.0.1:{site.port}"
    got = {row["url"].removeprefix(base): (row["outcome"], row["http_status"], row["found"]) for row in fetches}
    assert len(got) == len(fetches)
    refused = next(url for url in got if url.startswith("http://127.0.0.1"))
    assert got == {
        "/list1.html": ("ok", 200, 13),
        "/list2.html": ("ok", 200, 3),
        "/a/1.html": ("ok", 200, 1),
        "/a/2.html": ("ok", 200, 1),
        "/a/4.html": ("ok", 200, 1),
        "/secret/3.html": ("robots_denied", None, 0),
        "/a/big.html": ("too_large", None, 0),
        "/a/noise.html": ("undecodable", 200, 0),
        "/a/500.html": ("http_error", 500, 0),
        "/a/gone.html": ("http_error", 404, 0),
        "/a/soft.html": ("unreadable", 200, 0),
        "/a/moved.html": ("ok", 200, 1),
        "/a/escape.html": ("http_error", 302, 0),
        "/a/inward.html": ("unreachable", None, 0),
        refused: ("unreachable", None, 0),
        "http://localhost:1/x.html": ("unreachable", None, 0),
    }
    words = {row["url"].removeprefix(base): row["detail"] for row in fetches}
    assert words["/secret/3.html"] == "Forbidden by robots.txt"
    assert words["/a/soft.html"] == "soft 404"
    assert words["/a/500.html"] == "HTTP 500"
    assert words["/a/inward.html"] == "leads to a private address"
    assert words["http://localhost:1/x.html"] == "leads to a private address"
    assert words[refused] == "robots.txt: connection refused"
    assert all(row["detail"] for row in fetches if row["outcome"] != "ok")
    assert {row["fetched_at"] for row in fetches} == {AT}


def test_denied_path_is_never_asked_for(site: Site, spool: Path) -> None:
    assert "/robots.txt" in site.paths
    assert "/secret/3.html" not in site.paths


def test_honest_and_lean_requests(site: Site, spool: Path) -> None:
    assert len(site.seen) > 15
    for _, headers in site.seen:
        assert headers["User-Agent"].startswith("CaifengBot/")
        assert "(+mailto:office@example.org)" in headers["User-Agent"]
        assert not {"Cookie", "Referer"} & set(headers)


def test_posts_once_scrubbed_and_without_author(spool: Path) -> None:
    posts = rows(spool, "portal", "posts")
    assert sorted(post["title"] for post in posts) == ["劳动力调查", "收入", "普查登记"]
    first = next(post for post in posts if post["title"] == "劳动力调查")
    assert first["text"] == "请拨打〔手机号〕咨询。"
    assert (first["views"], first["reposts"], first["comments"], first["heat"]) == (340, None, None, None)
    assert (first["published_at"], first["published_precision"]) == ("2026-11-20T01:30:00+00:00", "minute")
    assert (first["fetched_at"], first["observed_at"], first["board"]) == (AT, AT, "公告")
    assert {post["encoding"] for post in posts} == {"utf-8", "gb18030"}
    files = list(spool.iterdir())
    assert len(files) == 12
    for file in files:
        text = file.read_text("utf8")
        assert AUTHOR not in text
        assert PHONE not in text


def test_hot_list_snapshots(spool: Path) -> None:
    posts = rows(spool, "hot", "posts")
    seen = {(post["title"], post["observed_at"]) for post in posts}
    one, two = "2026-11-19T17:00:00+00:00", "2026-11-19T18:00:00+00:00"
    assert seen == {("前三季度 GDP", one), ("前三季度 GDP", two), ("第1条", one), ("第2条", two)}
    assert len(posts) == 4
    top = next(post for post in posts if post["title"] == "前三季度 GDP")
    assert top["url"] == "http://hot.example/q?t=%E5%89%8D%E4%B8%89%E5%AD%A3%E5%BA%A6%20GDP"
    assert (top["text"], top["heat"], top["views"], top["comments"]) == ("", 9, 12000, None)
    assert (top["published_at"], top["published_precision"]) == (top["observed_at"], "hour")
    fetches = rows(spool, "hot", "fetches")
    assert [(row["kind"], row["outcome"]) for row in fetches] == [
        ("list", "ok"),
        ("snapshot", "ok"),
        ("snapshot", "ok"),
    ]


def test_broken_sources_say_so_and_stop_nobody(spool: Path) -> None:
    outcomes = {
        source_id: [(row["outcome"], row["detail"]) for row in rows(spool, source_id, "fetches")]
        for source_id in ("quiet", "refused", "badcss", "hot_broken")
    }
    assert outcomes["quiet"] == [("empty", None)]
    assert outcomes["refused"] == [("unreachable", "robots.txt: connection refused")]
    assert outcomes["badcss"] == [("unreadable", "list.item: not a CSS selector: li[")]
    assert sorted(outcomes["hot_broken"], key=str) == [
        ("ok", None),
        ("unreadable", "hot_list.time: t gives nothing, a time is expected"),
        ("unreadable", "not JSON at line 1"),
    ]
    assert [post["title"] for post in rows(spool, "hot_broken", "posts")] == ["甲"]
    assert rows(spool, "quiet", "posts") == []


def test_second_run_is_conditional(site: Site, config: Path, spool: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    kept = [row for row in rows(spool, "portal", "fetches") if row["etag"] or row["last_modified"]]
    assert {row["url"].rpartition("/")[2] for row in kept} == {"list1.html", "1.html", "2.html"}
    pages = [
        {"url": row["url"], "etag": row["etag"], "last_modified": row["last_modified"], "due": True}
        for row in kept
        if "list" not in row["url"]
    ]
    known = [page["url"] for page in pages]
    source = {"days": ["2026-11-20"], "known": known, "pages": pages}
    plan.write_text(json.dumps({"sources": {"portal": source}}), "utf8")
    before = len(site.seen)
    done = run(config, tmp_path / "again", "portal,quiet", plan)
    assert done.returncode == 0, done.stderr
    sent = dict(site.seen[before:])
    assert sent["/a/1.html"]["If-None-Match"] == '"a1"'
    assert sent["/a/2.html"]["If-Modified-Since"] == "Fri, 20 Nov 2026 01:00:00 GMT"
    fetches = {row["url"].rpartition("/")[2]: row for row in rows(tmp_path / "again", "portal", "fetches")}
    assert (fetches["1.html"]["outcome"], fetches["1.html"]["http_status"]) == ("not_modified", 304)
    assert (fetches["1.html"]["etag"], fetches["1.html"]["found"]) == ('"a1"', 0)
    assert "劳动力调查" not in {post["title"] for post in rows(tmp_path / "again", "portal", "posts")}
    # A list without entries is asked for in full again.
    assert [row["outcome"] for row in rows(tmp_path / "again", "quiet", "fetches")] == ["empty"]


def test_entries_of_a_feed_are_posts(site: Site, config: Path, tmp_path: Path) -> None:
    before = len(site.seen)
    done = run(config, tmp_path, "feed,feed_broken")
    assert (done.returncode, done.stderr) == (0, "")
    posts = {post["title"]: post for post in rows(tmp_path, "feed", "posts")}
    assert list(posts) == ["入户调查", "不该看到", "没有了"]
    first, base = posts["入户调查"], f"http://127.0.0.1:{site.port}"
    assert (first["url"], first["text"]) == (f"{base}/a/1.html", "来电〔手机号〕")
    assert (first["published_at"], first["published_precision"]) == ("2026-11-19T23:00:00+00:00", "minute")
    assert (first["fetched_at"], first["observed_at"], first["board"]) == (AT, AT, "公告")
    assert (first["encoding"], first["views"], first["heat"]) == ("gb18030", None, None)
    (fetch,) = rows(tmp_path, "feed", "fetches")
    assert (fetch["kind"], fetch["outcome"], fetch["found"], fetch["etag"]) == ("list", "ok", 3, '"f1"')
    assert fetch["detail"] == "1 of 4 entries left out: 1 without link"
    # The feed says it all: no page of it was asked for.
    assert [path for path in site.paths[before:] if path.startswith(("/a/", "/secret/"))] == ["/a/1.html"]
    assert {(row["outcome"], row["detail"]) for row in rows(tmp_path, "feed_broken", "fetches")} == {
        ("unreadable", "XML document type with declarations is refused"),
        ("unreadable", "not XML at line 1: mismatched tag"),
    }
    assert rows(tmp_path, "feed_broken", "posts") == []
    assert AUTHOR not in "".join(file.read_text("utf8") for file in tmp_path.iterdir())


def test_pages_of_a_feed_are_followed_where_detail_rules_are_given(config: Path, tmp_path: Path) -> None:
    assert run(config, tmp_path, "feed_detail").returncode == 0
    fetches = {
        row["url"].rpartition("/")[2]: (row["kind"], row["outcome"]) for row in rows(tmp_path, "feed_detail", "fetches")
    }
    assert fetches == {
        "feed.xml": ("list", "ok"),
        "1.html": ("detail", "ok"),
        "3.html": ("detail", "robots_denied"),
        "gone.html": ("detail", "http_error"),
    }
    (post,) = rows(tmp_path, "feed_detail", "posts")
    assert (post["title"], post["text"], post["views"]) == ("劳动力调查", "请拨打〔手机号〕咨询。", 340)
    assert post["published_at"] == "2026-11-20T01:30:00+00:00"


def test_a_feed_that_has_not_changed_is_not_sent_again(site: Site, config: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    page = {"url": f"http://127.0.0.1:{site.port}/feed.xml", "kind": "list", "etag": '"f1"'}
    plan.write_text(json.dumps({"sources": {"feed": {"days": ["2026-11-20"], "pages": [page]}}}), "utf8")
    assert run(config, tmp_path / "spool", "feed", plan).returncode == 0
    (fetch,) = rows(tmp_path / "spool", "feed", "fetches")
    assert (fetch["kind"], fetch["outcome"], fetch["http_status"]) == ("list", "not_modified", 304)
    assert (fetch["etag"], fetch["found"]) == ('"f1"', 0)
    assert rows(tmp_path / "spool", "feed", "posts") == []


def test_robots_out_of_order_forbids_the_host(site: Site, config: Path, tmp_path: Path) -> None:
    robots = site.pages["/robots.txt"]
    before = len(site.seen)
    site.pages["/robots.txt"] = (503, {}, b"")
    try:
        assert run(config, tmp_path, "quiet").returncode == 0
    finally:
        site.pages["/robots.txt"] = robots
    (row,) = rows(tmp_path, "quiet", "fetches")
    assert (row["outcome"], row["detail"]) == ("unreachable", "robots.txt: HTTP 503")
    assert set(site.paths[before:]) == {"/robots.txt"}


def test_host_that_refuses_is_left_alone(site: Site, config: Path, tmp_path: Path) -> None:
    assert run(config, tmp_path, "refusing").returncode == 0
    outcomes = [row["outcome"] for row in rows(tmp_path, "refusing", "fetches")]
    assert sorted(outcomes) == ["http_error"] * 3 + ["ok"] + ["unreachable"] * 2
    assert sum(path.startswith("/no/") for path in site.paths) == 3


@pytest.mark.parametrize(
    ("sources", "plan", "said"),
    [
        ("nowhere", None, "nowhere.toml: no such file"),
        ("../units", None, "units.toml: "),
        (" , ", None, "--sources: no source named"),
        ("quiet,inbox", None, "inbox: the family inbox is not crawled"),
        ("quiet", "not json\n", "--plan: "),
        ("quiet", '{"sources": {"quiet": {"days": []}}}', "sources.quiet.days: "),
    ],
)
def test_bad_arguments_end_with_one_line(
    config: Path, tmp_path: Path, sources: str, plan: str | None, said: str
) -> None:
    plan_file = tmp_path / "plan.json"
    plan_file.write_text(plan or "{}", "utf8")
    done = run(config, tmp_path / "spool", sources, plan_file)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
