"""Writing a paper: whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from caifeng.core.errors import UsageError


def write_whole(path: Path, content: bytes) -> None:
    """Write under a temporary name and rename, so that nobody opens half a paper.

    Raises:
        UsageError: the place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
