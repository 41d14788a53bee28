"""The pages on loopback, in a thread of the test; the cookie of the session names the account."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request

from tests.browser.chromium import PATIENCE_SECONDS


@contextmanager
def pages_of(settings, root, monkeypatch, at: str) -> Iterator[tuple[str, list[Any]]]:
    """Serve the pages of a home, the clock at `at`; their address, and what was asked of Airflow's approval form."""
    monkeypatch.syspath_prepend(str(root / "plugins"))
    monkeypatch.setenv("CAIFENG_HOME", str(settings.home))
    monkeypatch.setenv("CAIFENG_CONFIG", str(settings.config))
    monkeypatch.setenv("CAIFENG_AS_OF", at)
    from caifeng_web import approvals, login
    from caifeng_web.app import application

    asked: list[Any] = []
    monkeypatch.setattr(approvals, "start", lambda token, request: asked.append(request) or True)
    monkeypatch.setattr(approvals, "answer", lambda *answer: asked.append(answer) or True)
    pages, root_app = application(), FastAPI()

    def account(request: Request) -> str:
        return request.cookies["_token"]

    pages.dependency_overrides[login.signed_in] = account
    root_app.mount("/caifeng", pages)
    server = uvicorn.Server(uvicorn.Config(root_app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        for _ in range(PATIENCE_SECONDS * 10):
            if server.started:
                break
            time.sleep(0.1)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/caifeng", asked
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        pages.dependency_overrides.clear()
    assert not thread.is_alive()
