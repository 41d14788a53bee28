"""A name that resolves to a public address when we look and to a private one when we connect."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from caifeng.core.errors import UsageError
from caifeng.core.settings import Settings
from caifeng.jobs import extract_page, visit
from caifeng.jobs.base import Env

SECRET = "<html><title>内部页面</title><p>只有本机能看到的内容，不应被读走。</p></html>".encode()


@pytest.fixture
def inside():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"" if self.path == "/robots.txt" else SECRET
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def rebound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked up first is public; the connection then goes to loopback."""
    monkeypatch.setattr(extract_page, "_refuse_private", lambda url, trusted: None)


def test_extract_looks_at_the_address_that_answered(inside, monkeypatch):
    rebound(monkeypatch)
    with pytest.raises(UsageError, match="private"):
        extract_page.extract_file_or_url(Env.open(Settings.load()), inside + "/a.html")


def test_without_the_guard_the_page_inside_is_read(inside, monkeypatch):
    rebound(monkeypatch)
    monkeypatch.setattr(extract_page, "is_private", lambda address: False)
    found = extract_page.extract_file_or_url(Env.open(Settings.load()), inside + "/a.html")
    assert found["title"] == "内部页面"


@pytest.mark.parametrize("module", [extract_page, visit])
def test_both_readers_go_by_the_same_rule(module):
    assert module.is_private("64:ff9b::a9fe:a9fe")
    assert module.is_private("::ffff:10.0.0.1")
