"""Crawler processes that start at once: forked from one that has imported everything.

Most of a short crawl's time goes into imports. Each run is still a process of its own, with
the arguments the job gave it. Runs that are killed, hang or cannot start are tested with real processes
(test_faults.py, test_run.py, tests/e2e).
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace, TracebackType
from typing import IO

import pytest

COMMAND = [sys.executable, "-m", "crawlers.run"]

#: Reads arguments line by line, answers each with the process id, then with the exit code.
_PARENT = """
import json, os, sys, tempfile
from scrapy.settings import Settings
from scrapy.utils.misc import load_object
from crawlers import settings as house
from crawlers.run import main
settings = Settings()
settings.setmodule(house)
for table in ("DOWNLOAD_HANDLERS", "DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "ITEM_PIPELINES", "EXTENSIONS"):
    for key, value in settings.getwithbase(table).items():
        if value is not None:
            load_object(value if isinstance(value, str) else key)
answers = os.fdopen(os.dup(1), "w", buffering=1)
for line in sys.stdin:
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(0, 1)
            os.dup2(said.fileno(), 2)
            code = 1
            try:
                code = main(json.loads(line))
            except SystemExit as error:
                code = error.code
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(child, file=answers)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        print(json.dumps([os.waitstatus_to_exitcode(status), said.read().decode()]), file=answers)
"""


class _Run:
    """As much of subprocess.Popen as the job needs."""

    def __init__(self, parent: subprocess.Popen[str], arguments: list[str]) -> None:
        assert parent.stdin
        assert parent.stdout
        self._answers: IO[str] = parent.stdout
        parent.stdin.write(json.dumps(arguments) + "\n")
        parent.stdin.flush()
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def __enter__(self) -> "_Run":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        assert self.returncode is not None

    def communicate(self, timeout: float) -> tuple[None, str]:
        """What it said on standard error, when it has ended."""
        self.returncode, said = json.loads(self._answers.readline())
        return None, said


@contextmanager
def warm_crawlers() -> Iterator[None]:
    """Crawl jobs of this process start their crawlers warm."""
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(command: list[str], **_: object) -> _Run:
        assert command[:3] == COMMAND
        return _Run(parent, command[3:])

    warm = SimpleNamespace(**{**vars(subprocess), "Popen": start})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("caifeng.jobs.crawl.subprocess", warm)
        yield
    assert parent.stdin
    parent.stdin.close()
    assert parent.wait(10) == 0
