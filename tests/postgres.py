"""A private PostgreSQL server for tests: Debian's binaries, a folder and a port of its own, gone at the end."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

PATIENCE_SECONDS = 30
#: PostgreSQL does not run as root; then this account of Debian's package runs it.
ACCOUNT = "postgres"


def _binaries() -> Path | None:
    """Folder with initdb and postgres: Debian keeps it off the path, newest version last."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name.split(".")[0]))]
    if on_path := shutil.which("initdb"):
        found.insert(0, Path(on_path).resolve().parent)
    return next((folder for folder in reversed(found) if (folder / "postgres").exists()), None)


def why_not() -> str:
    """Why no server can be started here; empty: it can."""
    if _binaries() is None:
        return "needs PostgreSQL (apt install postgresql)"
    if os.getuid() == 0:
        if not shutil.which("setpriv"):
            return "PostgreSQL does not run as root, and there is no setpriv"
        if ACCOUNT not in {entry.pw_name for entry in pwd.getpwall()}:
            return f"PostgreSQL does not run as root, and there is no account {ACCOUNT}"
    return ""


class Server:
    """One server on loopback, owner `postgres` without a password; a database for each test that asks."""

    def __init__(self, *, durable: bool = False) -> None:
        """Make and start it.

        Args:
            durable: with fsync, for tests that kill the server itself.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="cfpg", dir="/tmp"))  # the path of a socket is short
        self._as: tuple[str, ...] = ()
        if os.getuid() == 0:
            shutil.chown(self.folder, ACCOUNT, ACCOUNT)
            self._as = ("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--init-groups", "--pdeathsig=INT")
        self.bin = _binaries() or Path()
        self.data, self.durable = self.folder / "data", durable
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self._lent: list[str] = []
        self._free: list[str] = []
        initdb = (
            self.bin / "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "trust",
            "-N",
        )
        subprocess.run([*self._as, *map(str, initdb)], check=True, capture_output=True, cwd=self.folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers; after a crash it recovers first."""
        said = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "on" if self.durable else "off",
            "max_connections": 120,
            "shared_buffers": "32MB",
            "timezone": "Asia/Shanghai",  # not UTC, so that a zone that gets lost is seen
        }
        options = [word for name, value in said.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as, str(self.bin / "postgres"), "-D", str(self.data), *options],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                psycopg.connect(self._conninfo("postgres")).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text("utf8")) from None
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT cuts connections and closes properly, SIGQUIT is a crash (immediate shutdown)."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _conninfo(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def run(self, statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Statements as the superuser; rows of the last one."""
        with psycopg.connect(self._conninfo(database), autocommit=True) as connection:
            done = connection.execute(statements.encode())
            while done.nextset():
                pass
            return done.fetchall() if done.description else []

    def database(self) -> str:
        """Name of an empty database, for this test alone."""
        if self._free:
            name = self._free.pop()
        else:
            name = f"t{next(self._names)}"
            self.run(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
        self._lent.append(name)
        return name

    def take_back(self) -> None:
        """Empty the databases that a test used; making one for each test would cost more."""
        while self._lent:
            name = self._lent.pop()
            self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            self.run(f"ALTER DATABASE {name} RESET ALL")
            self.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public", name)
            self._free.append(name)

    def url(self, database: str, user: str = "postgres") -> str:
        """Its address as CAIFENG_REGISTER_URL takes it."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server for the tests of this process; without fsync, for nobody kills the server itself."""
    if reason := why_not():
        pytest.skip(reason)
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def postgres(postgres_server: Server) -> Iterator[Server]:
    """The same server with its databases empty."""
    yield postgres_server
    postgres_server.take_back()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database of each kind, as Register takes it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'register.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.url(server.database())
