"""Files that a person hands over: looked at before they are read."""

from collections.abc import Collection
from pathlib import Path

from caifeng.core.errors import DataError, UsageError


def read_input(file: Path, suffixes: Collection[str], most_bytes: int) -> bytes:
    """The bytes of a file that can be imported.

    Raises:
        UsageError: it has another ending, is larger than `most_bytes`, or cannot be read.
        DataError: there is nothing in it.
    """
    if file.suffix.lower() not in suffixes:
        raise UsageError(f"{file}: ends in {file.suffix or 'nothing'}; can be imported: {', '.join(suffixes)}")
    try:
        if (size := file.stat().st_size) > most_bytes:
            raise UsageError(f"{file}: {size} bytes are more than {most_bytes}")
        body = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    if not body.strip():
        raise DataError(f"{file}: the file is empty")
    return body
