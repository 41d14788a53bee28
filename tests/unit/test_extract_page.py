"""`caifeng extract`: saved pages and addresses, good and bad."""

import gzip
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path

import pytest

from caifeng.core.errors import DataError, UsageError
from caifeng.core.settings import Settings
from caifeng.jobs import extract_page as job
from caifeng.jobs.base import Env
from caifeng.jobs.extract_page import MAX_BYTES, extract_file_or_url, extract_words

FIELDS = ["title", "published_at", "precision", "date_source", "body", "encoding", "agreement"]
PARAGRAPHS = (
    "11月20日，青禾县统计局召开座谈会，听取十二家企业对统计报表的意见，并逐条作了说明。",
    "与会人员反映，部分报表指标重复，报送时间较紧。统计局表示，将合并重复指标，月底前给出答复。",
)
HTML = (
    "<html><head><title>县统计局听取企业意见_青禾县人民政府</title></head><body><h1>县统计局听取企业意见</h1>"
    "<div>发布时间：2026-11-20 16:40　来源：县统计局</div><div>"
    + "".join(f"<p>{text}</p>" for text in PARAGRAPHS)
    + "</div></body></html>"
)


@pytest.fixture
def env() -> Env:
    return Env.open(Settings.load())


@pytest.fixture
def site():
    """A site on loopback: `site.pages` maps a path to (status, headers, body); `site.asked` are the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.asked.append((self.path, self.headers["User-Agent"]))
            status, headers, body = self.server.pages.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.pages, server.asked = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def save(tmp_path: Path, body: bytes, name: str = "page.html") -> str:
    (tmp_path / name).write_bytes(body)
    return str(tmp_path / name)


def ask(env: Env, site, path: str = "/a.html"):
    return extract_file_or_url(env, site.url + path, check=False, trusted={"127.0.0.1"})


@pytest.mark.parametrize(("charset", "name"), [("utf-8", "utf-8"), ("gbk", "gb18030")])
@pytest.mark.parametrize("packed", [False, True])
def test_saved_page(env: Env, tmp_path: Path, charset: str, name: str, packed: bool) -> None:
    body = HTML.encode(charset)
    path = save(tmp_path, gzip.compress(body, mtime=0) if packed else body, "page.html.gz" if packed else "page.htm")
    found = extract_file_or_url(env, path)
    assert list(found) == FIELDS
    assert 0.7 < found["agreement"] <= 1
    assert found | {"agreement": None} == {
        "title": "县统计局听取企业意见",
        "published_at": "2026-11-20T16:40:00+08:00",
        "precision": "minute",
        "date_source": "text",
        "body": "\n".join(PARAGRAPHS),
        "encoding": name,
        "agreement": None,
    }


def test_without_the_second_opinion(env: Env, tmp_path: Path) -> None:
    assert extract_file_or_url(env, save(tmp_path, HTML.encode()), check=False)["agreement"] is None


def test_a_day_is_midnight_in_beijing_and_no_time_is_null(env: Env, tmp_path: Path) -> None:
    day = extract_file_or_url(env, save(tmp_path, HTML.replace(" 16:40", "").encode()), check=False)
    assert (day["published_at"], day["precision"]) == ("2026-11-20T00:00:00+08:00", "day")
    bare = HTML.replace("发布时间：2026-11-20 16:40", "").encode()
    none = extract_file_or_url(env, save(tmp_path, bare), check=False)
    assert (none["published_at"], none["precision"], none["date_source"]) == (None, "unknown", None)
    address = "http://www.example.invalid/art/2026/11/20/art_1.html"
    told = extract_file_or_url(env, save(tmp_path, bare), address, check=False)
    assert (told["published_at"], told["date_source"]) == ("2026-11-20T00:00:00+08:00", "url")
    stated = bare.replace(b"<title>", f"<link rel='canonical' href='{address}'><title>".encode())
    assert extract_file_or_url(env, save(tmp_path, stated), check=False) == told


def test_relative_times_count_from_the_fixed_clock(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAIFENG_AS_OF", "2026-11-20T18:00+08:00")
    path = save(tmp_path, HTML.replace("发布时间：2026-11-20 16:40", "20分钟前").encode())
    found = extract_file_or_url(Env.open(Settings.load()), path, check=False)
    assert datetime.fromisoformat(found["published_at"]) == datetime.fromisoformat("2026-11-20T17:40+08:00")


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        ("page.html", "只有文字".encode(), UsageError),
        ("page.pdf", HTML.encode(), UsageError),
        ("page.gz", b"not gzip", DataError),
        ("page.gz", gzip.compress(HTML.encode(), mtime=0)[:60], DataError),
        ("page.gz", gzip.compress(b"<p>" + b" " * MAX_BYTES, mtime=0), DataError),
        ("page.html", b"<" + b" " * MAX_BYTES, DataError),
        ("page.html", bytes(range(256)) * 40, DataError),
        ("page.html", b"<div>" * 6_000, DataError),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_file(env: Env, tmp_path: Path, name: str, body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error, match="page"):
        extract_file_or_url(env, save(tmp_path, body, name), check=False)


def test_no_such_file(env: Env, tmp_path: Path) -> None:
    for target in (tmp_path / "none.html", tmp_path, "ftp://example.invalid/a.html"):
        with pytest.raises(UsageError, match="no such file"):
            extract_file_or_url(env, str(target))


def test_address(env: Env, site) -> None:
    site.pages["/a.html"] = (200, {"Content-Type": "text/html; charset=gbk"}, HTML.encode("gbk"))
    found = ask(env, site)
    assert (found["title"], found["encoding"]) == ("县统计局听取企业意见", "gb18030")
    assert [path for path, _ in site.asked] == ["/robots.txt", "/a.html"]
    assert all(agent.startswith("CaifengBot/") and "(+" in agent for _, agent in site.asked)


def test_robots_is_obeyed_before_anything_is_asked(env: Env, site) -> None:
    site.pages["/robots.txt"] = (200, {}, b"User-agent: CaifengBot\nDisallow: /a")
    with pytest.raises(UsageError, match=r"robots\.txt"):
        ask(env, site)
    site.pages["/robots.txt"] = (503, {}, b"")
    with pytest.raises(UsageError, match=r"robots\.txt"):
        ask(env, site)
    assert {path for path, _ in site.asked} == {"/robots.txt"}


def test_private_addresses_are_refused_also_after_a_redirect(env: Env, site) -> None:
    with pytest.raises(UsageError, match="private"):
        extract_file_or_url(env, site.url + "/a.html")
    assert site.asked == []
    site.pages["/a.html"] = (302, {"Location": "http://169.254.169.254/latest"}, b"")
    with pytest.raises(UsageError, match="private"):
        ask(env, site)


def test_redirects_are_followed_and_end(env: Env, site) -> None:
    site.pages["/a.html"] = (301, {"Location": "/b.html"}, b"")
    site.pages["/b.html"] = (200, {"Content-Type": "text/html"}, HTML.encode())
    assert ask(env, site)["title"] == "县统计局听取企业意见"
    site.pages["/b.html"] = (301, {"Location": "/a.html"}, b"")
    with pytest.raises(DataError, match="redirects"):
        ask(env, site)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((500, {}, b""), DataError),
        ((404, {"Content-Type": "text/html"}, HTML.encode()), DataError),
        ((200, {"Content-Type": "application/pdf"}, b"%PDF"), UsageError),
        ((200, {"Content-Type": "text/html"}, b"<p>" + b" " * MAX_BYTES), DataError),
        (
            (
                200,
                {"Content-Type": "text/html", "Content-Encoding": "gzip"},
                gzip.compress(b" " * 9 * MAX_BYTES),
            ),
            DataError,
        ),
    ],
)
def test_bad_answers(env: Env, site, answer, error: type[Exception]) -> None:
    site.pages["/a.html"] = answer
    with pytest.raises(error, match="127"):
        ask(env, site)


def test_too_slow(env: Env, site, monkeypatch) -> None:
    site.pages["/a.html"] = (200, {"Content-Type": "text/html"}, HTML.encode())
    ticks = count(0, 30)
    monkeypatch.setattr(job, "monotonic", lambda: next(ticks))
    with pytest.raises(DataError, match="within 20 s"):
        ask(env, site)


def test_words(env: Env, tmp_path: Path) -> None:
    lines = extract_words(extract_file_or_url(env, save(tmp_path, HTML.encode())))
    text = "\n".join(lines)
    assert "县统计局听取企业意见" in lines[0]
    assert "2026-11-20T16:40:00+08:00（到分，取自页面文字）" in text
    assert PARAGRAPHS[0] in text
    empty = extract_file_or_url(env, save(tmp_path, b"<html></html>"), check=False)
    assert "（未找到正文）" in extract_words(empty)
