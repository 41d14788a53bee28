"""Sites on loopback, one port each, that answer well or badly; and a crawl of sources that point at them."""

import asyncio
import contextlib
import gzip
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
AT = "2026-11-20T08:40:00+00:00"
UNITS = (
    '[office]\nname = "某县统计局"\nshort_name = "县统计局"\ncounty = "某县"\ncounty_short = "某"\ncity = "某市"\n'
    'city_short = "某"\nprovince = "某省"\nprovince_short = "某"\nplace = "341622"\n'
    'contact = "mailto:office@example.org"\n'
)
DETAIL = '[detail]\ntitle = "h1"\nbody = ".body"\ntime = "time"\n'
HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class Asked:
    """A request that came in: when (monotonic clock), for what, with which headers."""

    at: float
    path: str
    headers: tuple[tuple[str, str], ...]


@dataclass
class Site:
    """One port: `pages` answers a path with status, headers, body; what is not there is 404."""

    pages: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    behave: "Behaviour | None" = None
    seen: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.seen]

    def gaps(self) -> list[float]:
        """Seconds between one request and the next."""
        times = [asked.at for asked in self.seen]
        return [later - earlier for earlier, later in itertools.pairwise(times)]


#: Writes the answer to a path; true if it did, false to leave it to the pages.
Behaviour = Callable[[Site, str, asyncio.StreamWriter], Awaitable[bool]]


class BadServer:
    """Runs the sites in a thread of its own; a context manager."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def open(self, site: Site) -> Site:
        """Give the site a port."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                    path = head[0].split(" ")[1]
                    headers = tuple((line.partition(": ")[0], line.partition(": ")[2]) for line in head[1:] if line)
                    site.seen.append(Asked(monotonic(), path, headers))
                    if site.behave is None or not await site.behave(site, path, writer):
                        status, extra, body = site.pages.get(path, (404, {}, b"none"))
                        await answer(writer, status, extra, body)
            writer.close()

        async def begin() -> int:
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            return int(server.sockets[0].getsockname()[1])

        site.port = asyncio.run_coroutine_threadsafe(begin(), self._loop).result(10)
        return site


async def answer(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """A whole, honest answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    await writer.drain()


def article(title: str = "收入调查", text: str = "住户收支调查今天开始入户登记。") -> bytes:
    return (
        f'<html><head><meta charset="utf-8"></head><body><h1>{title}</h1><time>2026-11-20 09:30</time>'
        f'<div class="body"><p>{text}</p></div></body></html>'
    ).encode()


def listing(*links: str, next_url: str | None = None) -> bytes:
    items = "".join(f'<li><a href="{link}">条目</a></li>' for link in links)
    more = f'<a class="next" href="{next_url}">下一页</a>' if next_url else ""
    return f"<html><body><ul>{items}</ul>{more}</body></html>".encode()


def good(*details: str, robots: str | None = None, **pages: tuple[int, Mapping[str, str], bytes]) -> Site:
    """A site whose list.html names the details; those not given among `pages` are articles."""
    site = Site({"/list.html": (200, HTML, listing(*details))})
    if robots is not None:
        site.pages["/robots.txt"] = (200, {"Content-Type": "text/plain"}, robots.encode())
    site.pages.update({link: (200, HTML, article(f"收入调查{link}")) for link in details})
    site.pages.update({f"/{name}.html": page for name, page in pages.items()})
    return site


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection off with RST."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def bomb(size: int) -> bytes:
    """So many zeros, packed a thousand to one."""
    return gzip.compress(bytes(size))


def write_config(config: Path, sources: Mapping[str, str]) -> None:
    """A configuration with these sources: id -> rules, which may begin with `family = …`."""
    (config / "sources").mkdir(parents=True)
    (config / "units.toml").write_text(UNITS, "utf8")
    for source_id, rules in sources.items():
        family = "" if rules.startswith("family") else 'family = "list_detail"\n'
        delay = "" if "min_delay_seconds" in rules else "min_delay_seconds = 0\n"
        (config / "sources" / f"{source_id}.toml").write_text(
            f'id = "{source_id}"\nname = "测试"\nclass = "portal"\nreach = "county"\n{family}{delay}{rules}', "utf8"
        )


def list_rules(site: Site, before: str = "", **more: str | int) -> str:
    """Rules of a source that starts at the site's list.html."""
    extra = "".join(f"{name} = {json.dumps(value)}\n" for name, value in more.items())
    return f'{before}[list]\nurls = ["{site.base}/list.html"]\nitem = "li"\n{extra}{DETAIL}'


def crawl(
    config: Path, spool: Path, sources: Sequence[str], env: Mapping[str, str] | None = None, **settings: Any
) -> float:
    """Crawl in a process of its own, some of the house settings changed; returns the seconds it took.

    Raises:
        AssertionError: the process failed or said something on standard error.
    """
    began = monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-c", _CRAWL, json.dumps(settings), "--config", str(config)),
            *("--sources", ",".join(sources), "--day", "2026-11-20", "--fetched-at", AT, "--spool", str(spool)),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return monotonic() - began


#: House settings are constants of a module, so they are changed there before the crawl begins.
_CRAWL = """
import json, sys
from crawlers import run, settings
vars(settings).update(json.loads(sys.argv[1]))
sys.exit(run.main(sys.argv[2:]))
"""


def rows(spool: Path, source_id: str, table: str = "fetches") -> list[dict[str, Any]]:
    """What the crawl wrote of a source."""
    return [json.loads(line) for line in (spool / f"{source_id}.{table}.jsonl").read_text("utf8").splitlines()]


def pages_of(spool: Path, source_id: str) -> dict[str, dict[str, Any]]:
    """Its fetches by path, without robots.txt."""
    fetches = [row for row in rows(spool, source_id) if row["kind"] != "robots"]
    by_path = {row["url"].split("/", 3)[3]: row for row in fetches}
    assert len(by_path) == len(fetches)
    return by_path
