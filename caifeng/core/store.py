"""Where the parts of the lake stand: a folder, or an S3 bucket (caifeng.core.bucket).

Only the lake and its backup know which. A part is named `<schema>/<table>/day=YYYY-MM-DD/<part>.parquet`, is replaced
whole or not at all, and is always read from a local file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from caifeng.core.errors import UsageError
from caifeng.core.files import replacing, sweep

#: Where temporary names stand below the root.
DAY_FOLDERS = "*/*/day=*/"


class Store(Protocol):
    """What the lake asks of a place. `table` is `schema.table`, a folder is `day=YYYY-MM-DD`."""

    root: Path
    """Local folder below which parts are read."""

    def folders(self, table: str) -> list[str]:
        """Folders of a table, in order."""

    def files(self, table: str, folders: Collection[str]) -> dict[str, list[Path]]:
        """Files of each of these folders that has any, in name order: whole, local, and as they stand now."""

    def replacing(self, name: str) -> AbstractContextManager[Path]:
        """Give a temporary path to write to; on success it takes the place of the part."""

    def parts(self) -> Iterator[tuple[str, Path]]:
        """Every part: name and local file, in name order."""

    def sweep(self) -> list[Path]:
        """Delete the temporary files that killed jobs left behind."""

    def faults(self) -> list[str]:
        """What the place lacks that the lake relies on, one line each."""


class Folder:
    """Parts in a local folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def folders(self, table: str) -> list[str]:
        """As `Store.folders`."""
        return sorted(path.name for path in (self.root / table.replace(".", "/")).glob("day=*"))

    def files(self, table: str, folders: Collection[str]) -> dict[str, list[Path]]:
        """As `Store.files`."""
        above = self.root / table.replace(".", "/")
        found = {folder: sorted((above / folder).glob("*.parquet")) for folder in folders}
        return {folder: files for folder, files in found.items() if files}

    def replacing(self, name: str) -> AbstractContextManager[Path]:
        """As `Store.replacing`."""
        return replacing(self.root / name)

    def parts(self) -> Iterator[tuple[str, Path]]:
        """As `Store.parts`."""
        for file in sorted(self.root.glob(f"{DAY_FOLDERS}*.parquet")):
            yield file.relative_to(self.root).as_posix(), file

    def sweep(self) -> list[Path]:
        """As `Store.sweep`."""
        return sweep(self.root, DAY_FOLDERS)

    def faults(self) -> list[str]:
        """As `Store.faults`: a folder that cannot be written says so itself."""
        return []


class Access(NamedTuple):
    """How a bucket is reached: the usual AWS_* variables."""

    key_id: str
    secret: str
    token: str | None = None
    region: str = "us-east-1"
    endpoint: str | None = None
    """Address of the server; null: Amazon's."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Access:
        """Read the variables, each also as a file (`AWS_SECRET_ACCESS_KEY_FILE`), as containers are given secrets.

        Raises:
            UsageError: a key is missing, given twice, or its file cannot be read.
        """

        def value(name: str) -> str | None:
            text, file = environment.get(name), environment.get(f"{name}_FILE")
            if text and file:
                raise UsageError(f"{name} and {name}_FILE are both set; set one")
            try:
                return Path(file).read_text("utf8").strip() if file else text
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"{name}_FILE: {file}: cannot be read") from error

        def needed(name: str) -> str:
            if found := value(name):
                return found
            raise UsageError(f"{name}: not set, though CAIFENG_LAKE is a bucket (or name a file in {name}_FILE)")

        return cls(
            needed("AWS_ACCESS_KEY_ID"),
            needed("AWS_SECRET_ACCESS_KEY"),
            value("AWS_SESSION_TOKEN"),
            value("AWS_REGION") or value("AWS_DEFAULT_REGION") or "us-east-1",
            value("AWS_ENDPOINT_URL"),
        )
