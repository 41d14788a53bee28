"""A lake in an S3 bucket (`Store` in caifeng.core.store). The only module that speaks S3.

A bucket is read through a cache below the home: what is listed is fetched where the cached copy is not of the listed
version (ETag), so a part that does not change crosses the network once.

Nothing can be renamed in a bucket. A part is sent in one conditional request instead: it is written only if the
version that stood when the writing began still stands. Of two writers of one part the second is refused, unless both
wrote the same bytes; its job is run again and then rests on what the first one wrote. So nothing is lost unseen.
The server must know If-Match and If-None-Match on PUT, and list what was written (`Bucket.faults` tries both).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from caifeng.core.errors import DataError, UsageError
from caifeng.core.files import replacing, sweep
from caifeng.core.store import DAY_FOLDERS, Access

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import S3Config

#: What a part is called; no other object is fetched, so that no name leads out of the cache.
_PART = re.compile(r"[a-z_]+/[a-z_]+/day=\d{4}-\d\d-\d\d/[^/\\]+\.parquet")
#: Requests at a time while parts are fetched.
_AT_ONCE = 8
#: How often a part is sent whose answer did not come; each time the library itself tries again after server errors.
_SENDINGS = 3


class Bucket:
    """Parts in an S3 bucket, read through a local cache."""

    def __init__(
        self,
        url: str,
        cache: Path,
        access: Access,
        *,
        patience: timedelta = timedelta(minutes=2),
        timeout: timedelta = timedelta(seconds=60),
    ) -> None:
        """Open a bucket; nothing is asked of the server yet.

        Args:
            url: s3://bucket or s3://bucket/prefix.
            cache: local folder of fetched parts; may be deleted at any time when no job runs.
            access: address and keys.
            patience: how long a request is tried again after server errors.
            timeout: how long one answer may take.

        Raises:
            UsageError: the address is none.
        """
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
            raise UsageError(f"CAIFENG_LAKE: {url!r} is no s3://bucket/prefix")
        self.root = cache
        self._url = url.rstrip("/")
        self._written: dict[str, str | None] = {}
        config: S3Config = {
            "access_key_id": access.key_id,
            "secret_access_key": access.secret,
            "region": access.region,
        }
        if access.token:
            config["session_token"] = access.token
        if access.endpoint:
            config["endpoint"] = access.endpoint
        self._server: S3Store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options={
                "timeout": timeout,
                "connect_timeout": min(timeout, timedelta(seconds=10)),
                "allow_http": (access.endpoint or "").startswith("http://"),
            },
            retry_config={"max_retries": 8, "retry_timeout": patience},
        )

    def __str__(self) -> str:
        return self._url

    def folders(self, table: str) -> list[str]:
        """As `Store.folders`. Cached days that the bucket has no more go."""
        above = table.replace(".", "/")
        with self._asking(above):
            prefixes = obstore.list_with_delimiter(self._server, above)["common_prefixes"]
        found = {PurePosixPath(prefix).name for prefix in prefixes}
        found |= {PurePosixPath(name).parts[-2] for name in self._written if name.startswith(f"{above}/")}
        for kept in (self.root / above).glob("day=*"):
            if kept.name not in found:
                self._forget_folder(kept)
        return sorted(name for name in found if name.startswith("day="))

    def files(self, table: str, folders: Collection[str]) -> dict[str, list[Path]]:
        """As `Store.files`. Cached parts that the bucket has no more go.

        Raises:
            UsageError: the server does not answer, or refuses.
        """
        if not folders:
            return {}
        above = table.replace(".", "/")
        wanted = set(folders)
        listed = self._listed(f"{above}/{next(iter(wanted))}" if len(wanted) == 1 else above)
        names = {name: etag for name, etag in listed.items() if PurePosixPath(name).parent.name in wanted}
        here = self._fetched(names)
        found: dict[str, list[Path]] = {}
        for file in here:
            found.setdefault(file.parent.name, []).append(file)
        for folder in wanted:
            known = set(found.get(folder, ()))
            for kept in (self.root / above / folder).glob("*.parquet"):
                if kept not in known:
                    _forget(kept)
        return found

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """As `Store.replacing`.

        Raises:
            DataError: another process has replaced the part meanwhile, by other bytes.
            UsageError: the server does not answer or refuses; the part is as it was, or whole and new.
        """
        before = self._etag(name)
        local = self.root / name
        with replacing(local) as temporary:
            yield temporary
            etag = self._send(name, temporary, before)
            seen = _identity(temporary)
        _remember(local, etag, seen)
        self._written[name] = etag

    def parts(self) -> Iterator[tuple[str, Path]]:
        """As `Store.parts`; fetched as they are asked for."""
        for name, etag in sorted(self._listed("").items()):
            for file in self._fetched({name: etag}):
                yield name, file

    def sweep(self) -> list[Path]:
        """As `Store.sweep`; in the cache, for a bucket never holds half a part."""
        return sweep(self.root, DAY_FOLDERS)

    def faults(self) -> list[str]:
        """As `Store.faults`: tried with an object of this process, which goes again.

        Raises:
            UsageError: the server does not answer, or refuses.
        """
        probe = f"_probe/{os.getpid()}-{os.urandom(4).hex()}"
        lacks = f"{self._url}: the server does not heed"
        faults = []
        with self._asking("_probe"):
            first = obstore.put(self._server, probe, b"first", mode="create", use_multipart=False)["e_tag"]
            try:
                for header, mode in (("If-None-Match", "create"), ("If-Match", {"e_tag": f'"{"0" * 32}"'})):
                    try:
                        obstore.put(self._server, probe, b"other", mode=mode, use_multipart=False)  # type: ignore[arg-type]
                    except (AlreadyExistsError, PreconditionError):
                        continue
                    faults.append(f"{lacks} {header} on PUT; two writers of one part would overwrite each other unseen")
                listed = [item for chunk in obstore.list(self._server, "_probe") for item in chunk]
                mine = [item["e_tag"] for item in listed if item["path"] == probe]
                if not mine or (not faults and mine != [first]):
                    faults.append(f"{self._url}: the server lists objects late; workers would miss each other's parts")
            finally:
                obstore.delete(self._server, probe)
        return faults

    def _listed(self, prefix: str) -> dict[str, str | None]:
        """Names of parts and their versions. What this process wrote is in it even where a listing lags behind."""
        found: dict[str, str | None] = {}
        with self._asking(prefix):
            for chunk in obstore.list(self._server, prefix or None):
                found |= {item["path"]: item["e_tag"] for item in chunk if _PART.fullmatch(item["path"])}
        for name, etag in list(self._written.items()):
            if name.startswith(f"{prefix}/" if prefix else "") and found.get(name) != etag:
                found[name] = self._etag(name)
                if found[name] is None:
                    del found[name], self._written[name]
        return found

    def _etag(self, name: str) -> str | None:
        """Version of an object; None if there is none."""
        with self._asking(name):
            try:
                return obstore.head(self._server, name)["e_tag"]
            except FileNotFoundError:
                return None

    def _fetched(self, names: Mapping[str, str | None]) -> list[Path]:
        """Local copies of parts, in name order; one that was deleted meanwhile is left out."""
        late = [name for name, etag in names.items() if not _is_current(self.root / name, etag)]
        if late:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                missing = {name for name, is_here in zip(late, pool.map(self._fetch, late), strict=True) if not is_here}
        else:
            missing = set()
        return [self.root / name for name in sorted(names) if name not in missing]

    def _fetch(self, name: str) -> bool:
        found = self._content(name)
        if found is None:
            return False
        content, etag = found
        local = self.root / name
        with replacing(local, own=os.urandom(4).hex()) as temporary:
            temporary.write_bytes(content)
            seen = _identity(temporary)
        _remember(local, etag, seen)
        return True

    def _content(self, name: str) -> tuple[bytes, str | None] | None:
        with self._asking(name):
            try:
                answer = obstore.get(self._server, name)
                return bytes(answer.bytes()), answer.meta["e_tag"]
            except FileNotFoundError:
                return None

    def _send(self, name: str, file: Path, before: str | None) -> str | None:
        """Write an object if its version is still `before`; its new version."""
        mode: PutMode = "create" if before is None else {"e_tag": before}
        for sending in range(_SENDINGS):
            with self._asking(name):
                try:
                    return obstore.put(self._server, name, file, mode=mode, use_multipart=False)["e_tag"]
                except (AlreadyExistsError, PreconditionError, FileNotFoundError) as error:
                    # Also where an earlier sending of ours arrived and only its answer was lost.
                    now = self._content(name)
                    if now and _sha256(now[0]) == _sha256(file.read_bytes()):
                        return now[1]
                    raise DataError(
                        f"{self._url}/{name}: another process replaced it meanwhile; nothing was overwritten, "
                        "run the stage again"
                    ) from error
                except BaseError:
                    if sending == _SENDINGS - 1:
                        raise
        raise AssertionError  # pragma: no cover

    @contextmanager
    def _asking(self, name: str) -> Iterator[None]:
        """The library's errors as one line."""
        try:
            yield
        except BaseError as error:
            reason = str(error).strip().splitlines()[0][:300]
            raise UsageError(f"{self._url}/{name}: cannot be reached: {reason}") from error

    def _forget_folder(self, folder: Path) -> None:
        for file in folder.glob("*.parquet"):
            _forget(file)
        for note in folder.glob(".*.etag"):
            note.unlink(missing_ok=True)
        try:
            folder.rmdir()
        except OSError:
            return


# --- the notes beside cached parts: which version a file is ----------------------------------------------------------


def _note(file: Path) -> Path:
    return file.with_name(f".{file.name}.etag")


def _identity(file: Path) -> str:
    """What tells a file from any other that ever bears its name; a rename keeps it."""
    stat = file.stat()
    return f"{stat.st_ino} {stat.st_mtime_ns} {stat.st_size}"


def _remember(file: Path, etag: str | None, seen: str) -> None:
    """Note the version of a file. The note names the file itself, so that one of another file is no mistake."""
    with replacing(_note(file), own=os.urandom(4).hex()) as temporary:
        temporary.write_text(f"{etag}\n{seen}\n", "utf8")


def _is_current(file: Path, etag: str | None) -> bool:
    try:
        return etag is not None and _note(file).read_text("utf8") == f"{etag}\n{_identity(file)}\n"
    except (OSError, UnicodeDecodeError):
        return False


def _forget(file: Path) -> None:
    file.unlink(missing_ok=True)
    _note(file).unlink(missing_ok=True)


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
