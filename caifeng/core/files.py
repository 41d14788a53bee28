"""Files that are replaced whole or not at all.

Written under a temporary name that carries machine and process id, forced to disk, renamed. A killed process leaves
`.<name>.<machine>.<pid>.tmp` behind, which is swept by the next one; readers never see it.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from caifeng.core import clock
from caifeng.core.errors import UsageError

#: Age after which a temporary file of another machine counts as left behind; nothing takes so long to write.
LEFT_BEHIND = timedelta(days=1)


@contextmanager
def replacing(target: Path, own: str = "") -> Iterator[Path]:
    """Give a temporary path to write to; on success it takes the place of `target`.

    Args:
        target: the file.
        own: makes the temporary name one's own where threads of a process may write the same target.

    Raises:
        UsageError: the place cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{own and f'{own}.'}{machine()}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        try:
            yield temporary
            _force_to_disk(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _force_to_disk(target.parent)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror or error}") from error


def sweep(root: Path, pattern: str) -> list[Path]:
    """Delete the temporary files that dead processes left behind; those of living ones stay.

    Of another machine, or another container on the same folder, nobody here knows what lives: its files go after a day.

    Args:
        root: directory to search.
        pattern: glob below it that ends where the temporary names stand, such as `*/day=*/`.
    """
    swept = []
    for path in root.glob(f"{pattern}.*.tmp*"):
        above, _, pid = path.name.partition(".tmp")[0].rpartition(".")
        if pid.isdigit() and _is_left_behind(path, above.rpartition(".")[2], int(pid)):
            path.unlink(missing_ok=True)
            swept.append(path)
    return swept


def machine() -> str:
    """This machine or container, as letters, digits and `_`."""
    return re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname()) or "here"


def _is_left_behind(path: Path, of: str, pid: int) -> bool:
    if of == machine():
        return not is_running(pid)
    try:
        return clock.now().timestamp() - path.stat().st_mtime > LEFT_BEHIND.total_seconds()
    except FileNotFoundError:
        return False


def is_running(pid: int) -> bool:
    """Whether a process of this machine lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _force_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
