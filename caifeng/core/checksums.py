"""Checksums of a folder's documents, in the form `sha256sum -c` reads, so that anyone can check a copy without us.

They tell damage and a careless edit. Who may write the folder may write the list too: what is beyond doubt is the hash
of the signed log, which stands in the register's append-only events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import file_digest
from pathlib import Path

from caifeng.core.errors import DataError
from caifeng.core.files import replacing

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\\\n]+)")


def write_checksums(folder: Path, names: Iterable[str]) -> Path:
    """List the files of these names that are there, by name; a link is not followed."""
    there = [folder / name for name in sorted(names)]
    text = "".join(f"{_hash(file)}  {file.name}\n" for file in there if file.is_file() and not file.is_symlink())
    with replacing(folder / NAME) as temporary:
        temporary.write_text(text, "utf8")
    return folder / NAME


def checksum_faults(folder: Path) -> list[str]:
    """One line for each file that is missing, a link, or not what was written; empty if all is in order.

    Raises:
        DataError: there is no list, or a line of it is not `<sha256>  <name>` (a path in it is refused, not followed).
    """
    path = folder / NAME
    try:
        lines = path.read_text("utf8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    faults = []
    for number, line in enumerate(lines, 1):
        if not (found := _LINE.fullmatch(line)) or found[2] in {".", ".."}:
            raise DataError(f"{path}: line {number}: expected a SHA-256, two spaces and a file name")
        file = folder / found[2]
        if file.is_symlink() or not file.is_file():
            faults.append(f"{file}: missing")
        elif _hash(file) != found[1]:
            faults.append(f"{file}: not as it was written")
    return faults


def _hash(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
