"""Files that a person hands over: looked at before they are read."""

from collections.abc import Collection
from pathlib import Path

from caifeng.core.errors import DataError, UsageError
from caifeng.core.office_file import WORKBOOK, UnsafeFileError, check_office_file


def read_input(file: Path, suffixes: Collection[str], most_bytes: int) -> bytes:
    """The bytes of a file that can be imported.

    Raises:
        UsageError: it has another ending, is larger than `most_bytes`, or cannot be read.
        DataError: there is nothing in it, or it is a workbook that unpacks without end, carries programs or fetches
            from elsewhere.
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
    if file.suffix.lower() == ".xlsx":
        try:
            check_office_file(body, WORKBOOK)
        except UnsafeFileError as error:
            raise DataError(f"{file}: {'not an xlsx workbook' if error.harm == 'no_archive' else error}") from error
    return body
