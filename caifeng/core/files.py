"""Files that are replaced whole or not at all.

Written under a temporary name that carries the process id, forced to disk, renamed. A killed process leaves
`.<name>.<pid>.tmp` behind, which is swept by the next one; readers never see it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caifeng.core.errors import UsageError


@contextmanager
def replacing(target: Path, own: str = "") -> Iterator[Path]:
    """Give a temporary path to write to; on success it takes the place of `target`.

    Args:
        target: the file.
        own: makes the temporary name one's own where threads of a process may write the same target.

    Raises:
        UsageError: the place cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{own and f'{own}.'}{os.getpid()}.tmp")
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

    Args:
        root: directory to search.
        pattern: glob below it that ends where the temporary names stand, such as `*/day=*/`.
    """
    swept = []
    for path in root.glob(f"{pattern}.*.tmp*"):
        pid = path.name.partition(".tmp")[0].rpartition(".")[2]
        if pid.isdigit() and not _is_running(int(pid)):
            path.unlink(missing_ok=True)
            swept.append(path)
    return swept


def _is_running(pid: int) -> bool:
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
