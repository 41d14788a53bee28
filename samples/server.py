"""Serves the sample town, or recorded real input, on loopback: one site per port.

    python -m samples.server --port 8790 [--clock-file FILE] [--input DIR]

Prints one line `ready <port>` when every port is bound; ends cleanly on SIGTERM or Ctrl-C. A port in use, an
unreadable clock file or folder ends it with status 2 and one line on standard error. A site that has closed by the
day of the clock refuses connections: its port is given up a moment after the clock moves.
"""

import argparse
import errno
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from email.utils import parsedate_to_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from caifeng.core.errors import CaifengError, UsageError
from samples.page import Page, WebSite, text_page
from samples.recorded import Recordings
from samples.town.site import web_sites
from samples.town.story import load_story

HOST = "127.0.0.1"
_TICK = 0.05
"""Seconds between two looks at the clock and at what has to end."""
Today = Callable[[], date]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, site: WebSite, port: int, today: Today) -> None:
        self.site, self.today = site, today
        super().__init__((HOST, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "sample"
    sys_version = ""
    # Headers and body leave in one packet, otherwise Nagle and delayed ACK cost 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        self._send(with_body=False)

    def _send(self, *, with_body: bool) -> None:
        try:
            page = self.server.site.answer(unquote(urlsplit(self.path).path), self.server.today())
        except CaifengError as error:
            page = text_page(503, f"{error}\n")
        if page.status == 200 and self._is_known(page):
            page = Page(304, {k: v for k, v in page.headers.items() if k != "Content-Type"}, b"")
        self.send_response(page.status)
        for name, value in page.headers.items():
            self.send_header(name, value)
        if page.status != 304:
            self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(page.body)

    def _is_known(self, page: Page) -> bool:
        """Whether the client has this page already (RFC 9110, 13.2.2: If-None-Match goes first)."""
        if tags := self.headers.get("If-None-Match"):
            return page.headers.get("ETag") in [t.strip().removeprefix("W/") for t in tags.split(",")]
        since, modified = self.headers.get("If-Modified-Since"), page.headers.get("Last-Modified")
        if not since or not modified:
            return False
        try:
            return parsedate_to_datetime(modified) <= parsedate_to_datetime(since)
        except (TypeError, ValueError):
            return False

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the crawlers keep their own record of requests."""


class _Door:
    """The port of one site, open as long as the site is."""

    def __init__(self, site: WebSite, port: int, today: Today) -> None:
        self._site, self._today = site, today
        self._server: _Server | None = _bind(site, port, today)
        self.port = self._server.server_port

    def open(self) -> None:
        """Answer from now on."""
        self._server = self._server or _bind(self._site, self.port, self._today)
        threading.Thread(target=partial(self._server.serve_forever, poll_interval=_TICK), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def follow(self) -> None:
        """Be open or closed as the site is on the current day; without a day, or a free port, stay as it is."""
        with suppress(CaifengError):
            closed = self._site.closed_from is not None and self._site.closed_from <= self._today()
            if closed:
                self.close()
            elif self._server is None:
                self.open()


@contextmanager
def serving(sites: Sequence[WebSite], port: int, today: Today) -> Iterator[list[int]]:
    """Serve `sites` on `port`, `port` + 1, … until the block ends.

    Args:
        sites: what to serve.
        port: port of the first site; 0 takes any free port for each.
        today: tells the sample day, asked at every request; a CaifengError from it becomes a 503.

    Yields:
        The ports that were bound, in the order of the sites.

    Raises:
        UsageError: a port is in use, not allowed or out of range; nothing stays bound.
    """
    with ExitStack() as stack:
        doors = []
        for n, site in enumerate(sites):
            door = _Door(site, port + n if port else 0, today)
            door.open()
            stack.callback(door.close)
            doors.append(door)
        closing = [door for site, door in zip(sites, doors, strict=True) if site.closed_from is not None]
        for door in closing:
            door.follow()
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(closing, ended), daemon=True)
        watcher.start()
        stack.callback(watcher.join)
        stack.callback(ended.set)
        yield [door.port for door in doors]


def _watch(doors: Sequence[_Door], ended: threading.Event) -> None:
    while not ended.wait(_TICK):
        for door in doors:
            door.follow()


def read_clock(path: Path) -> date:
    """The day written in a clock file, one line like 2026-11-21.

    Raises:
        UsageError: the file cannot be read or its first line is no day.
    """
    try:
        return date.fromisoformat(path.read_text("utf8").split("\n", 1)[0].strip())
    except OSError as error:
        raise UsageError(f"clock file {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"clock file {path}: no day like 2026-11-21 in its first line") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m samples.server", description="Serve sample sites on loopback.")
    parser.add_argument("--port", type=int, default=8790, help="port of the first site (8790)")
    parser.add_argument("--clock-file", type=Path, help="file with the sample day; without it all is visible")
    parser.add_argument("--input", type=Path, help="folder of recordings to serve in place of the sample town")
    asked = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        recordings = Recordings(asked.input, _warn) if asked.input else None
        sites = recordings.web_sites() if recordings else web_sites(load_story())
        today: Today = partial(read_clock, asked.clock_file) if asked.clock_file else _all_told
        today()
        with serving(sites, asked.port, today) as ports:
            print(f"ready {ports[0]}", flush=True)  # noqa: T201 - what a starting script waits for
            for line in recordings.missing if recordings else ():
                _warn(line)
            stop.wait()
    except CaifengError as error:
        _warn(str(error))
        return error.exit_code
    return 0


def _all_told() -> date:
    return date.max


def _bind(site: WebSite, port: int, today: Today) -> _Server:
    try:
        return _Server(site, port, today)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be bound: {error.strerror}"
        raise UsageError(f"port {port} (site {site.name}) {why}") from error
    except OverflowError as error:
        raise UsageError(f"port {port} (site {site.name}): not between 1 and 65535") from error


def _warn(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a program's errors go to standard error


if __name__ == "__main__":
    sys.exit(main())
