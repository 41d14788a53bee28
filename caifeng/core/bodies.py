"""Pages as they came, encrypted with a key per day: what a day is read from again after a change of layout.

Stored pages hold writers' names, hence two lives (product.md, retention): `brief` takes every page that may yield
posts and ends 24 h after its day; what is relevant, or could not be read, passes to `kept`, which ends 30 days after
its day. A life ends with the key: `keys/<life>/<day>.key` is overwritten and removed, then
`bodies/<life>/day=<day>/` goes.

A part is a sequence of records: mark, length, nonce, sealed page. The address is sealed, too, for it may name a
writer. Life, day and part are authenticated with each record, so that none can be passed off as another's.
"""

from __future__ import annotations

import json
import mmap
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from struct import Struct
from typing import Any, Literal

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from caifeng.core import clock
from caifeng.core.errors import DataError
from caifeng.core.files import replacing
from caifeng.core.text.times import UNKNOWN, Moment
from caifeng.core.text.urls import post_id

Life = Literal["brief", "kept"]
#: How long after the end of its day a page is kept (product.md, retention).
LIVES: dict[Life, timedelta] = {"brief": timedelta(hours=24), "kept": timedelta(days=30)}

#: Begins each record; eight bytes that ciphertext does not hold by chance. Reading finds its way by it after damage.
_MARK = b"\xc7\x9aCFBDY\x01"
#: Mark, length of the sealed part, nonce (96 bits, as SP 800-38D recommends for GCM).
_HEAD = Struct(">8sI12s")
#: Within the sealed part: length of the description, length of the page before compression.
_SIZES = Struct(">II")
_KEY_BYTES = 32


@dataclass(frozen=True)
class Body:
    """A page that came, with all that its reader needs, and the posts that the crawl read from it.

    `charset` is the HTTP header's (null: none given), `listed` and `board` are what the list said of the page.
    """

    source_id: str
    url: str
    kind: str
    fetched_at: datetime
    body: bytes
    charset: str | None = None
    listed: Moment = UNKNOWN
    board: str | None = None
    post_ids: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Posts of the page: those read from it and, for a page that could not be read, its own address."""
        return frozenset({*self.post_ids, post_id(self.url)})


def part_name(source_id: str, fetched_at: datetime) -> str:
    """Name of what one crawl of a source stores, as that of its part of raw.posts."""
    return f"{source_id}-{fetched_at:%Y%m%dT%H%M%S}"


class BodyStore:
    """The stored pages below a home directory. Several processes may add to a day at once."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._ciphers: dict[tuple[Life, date], AESGCM] = {}

    def append(self, day: date, part: str, body: Body) -> None:
        """Add a page to a part of the brief life, in one write: a killed process leaves half a record at most.

        Raises:
            DataError: the day's key is damaged.
            OSError: the home cannot be written.
        """
        file = self._file("brief", day, part)
        record = _seal(self._cipher("brief", day), _bond("brief", day, part), body)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.write(descriptor, record) < len(record):
                raise OSError(f"{file}: the record was not written in full")
        finally:
            os.close(descriptor)

    def replace(self, day: date, part: str, bodies: Iterable[Body], life: Life = "kept") -> int:
        """Make a part hold just these pages, and return their number; no page, no part.

        Raises:
            DataError: the day's key is damaged.
            UsageError: the home cannot be written.
        """
        file, number = self._file(life, day, part), 0
        pages = iter(bodies)
        first = next(pages, None)
        if first is None:
            file.unlink(missing_ok=True)
            return 0
        with replacing(file) as temporary:
            file.parent.chmod(0o700)
            temporary.touch(mode=0o600)
            with temporary.open("wb") as target:
                for body in chain([first], pages):
                    number += 1
                    target.write(_seal(self._cipher(life, day), _bond(life, day, part), body))
        return number

    def days(self, life: Life) -> list[date]:
        """Days of which pages or a key of this life stand, in order."""
        names = [path.stem for path in (self._home / "keys" / life).glob("*.key")]
        names += [path.name[4:] for path in (self._home / "bodies" / life).glob("day=*")]
        days = set()
        for name in names:
            with suppress(ValueError):
                days.add(date.fromisoformat(name))
        return sorted(days)

    def parts(self, day: date) -> dict[str, Life]:
        """The parts of a day whose key stands, and the life to read each from: brief holds all that kept does."""
        found: dict[str, Life] = {}
        for life in ("kept", "brief"):
            if self._key_file(life, day).exists():
                found |= dict.fromkeys((file.stem for file in self._file(life, day, "").parent.glob("*.bin")), life)
        return dict(sorted(found.items()))

    def read(self, life: Life, day: date, part: str) -> Iterator[Body | None]:
        """The pages of a part in the order they came, and None for each record that is damaged, cut off or not ours.

        Raises:
            DataError: the day's key is not there (destroyed) or damaged.
        """
        key = self._key_file(life, day)
        if not key.exists():
            raise DataError(f"{key}: no such key; the pages of {day} can no longer be read")
        cipher, bond = self._cipher(life, day), _bond(life, day, part)
        with self._file(life, day, part).open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                position, lost = 0, False
                while position < len(data):
                    start = data.find(_MARK, position)
                    if start != position and not lost:
                        yield None
                    if start < 0:
                        return
                    body, end = _open(cipher, bond, data, start)
                    yield body
                    lost, position = body is None, end

    def destroy(self, now: datetime) -> dict[str, int]:
        """End the lives that are over: keys first, so that a kill in between leaves nothing readable.

        Overwriting reaches the file's blocks on ordinary disks; on copy-on-write and flash storage old blocks may
        outlive it (docs/privacy.md).

        Returns:
            Number of keys and of files destroyed, by life.
        """
        counts = {f"{life}_{what}": 0 for life in LIVES for what in ("keys", "files")}
        for life, span in LIVES.items():
            for day in self.days(life):
                if clock.end_of_day(day) + span > now:
                    continue
                self._ciphers.pop((life, day), None)
                key = self._key_file(life, day)
                # What a process left that was killed while it made the key is the same file by another name.
                for file in [key, *key.parent.glob(f".{key.name}.*.tmp")]:
                    counts[f"{life}_keys"] += _shred(file) and file == key
                folder = self._file(life, day, "").parent
                counts[f"{life}_files"] += len([*folder.glob("*.bin")])
                shutil.rmtree(folder, ignore_errors=True)
        return counts

    def _file(self, life: Life, day: date, part: str) -> Path:
        return self._home / "bodies" / life / f"day={day.isoformat()}" / f"{part}.bin"

    def _key_file(self, life: Life, day: date) -> Path:
        return self._home / "keys" / life / f"{day.isoformat()}.key"

    def _cipher(self, life: Life, day: date) -> AESGCM:
        """The day's cipher; its key is made where there is none."""
        cipher = self._ciphers.get((life, day))
        if cipher is None:
            file = self._key_file(life, day)
            if not file.exists():
                _make_key(file)
            key = file.read_bytes()
            if len(key) != _KEY_BYTES:
                raise DataError(f"{file}: {len(key)} bytes are no key of {_KEY_BYTES}")
            cipher = self._ciphers[life, day] = AESGCM(key)
        return cipher


def _bond(life: Life, day: date, part: str) -> bytes:
    return f"caifeng body 1 {life} {day.isoformat()} {part}".encode()


def _seal(cipher: AESGCM, bond: bytes, body: Body) -> bytes:
    described: dict[str, Any] = {
        field.name: getattr(body, field.name) for field in fields(Body) if field.name != "body"
    }
    described["listed"] = {field.name: getattr(body.listed, field.name) for field in fields(Moment)}
    description = json.dumps(described, ensure_ascii=False, default=datetime.isoformat).encode()
    packed = pa.Codec("zstd", compression_level=1).compress(body.body, asbytes=True)
    plain = _SIZES.pack(len(description), len(body.body)) + description + packed
    nonce = os.urandom(12)
    sealed = cipher.encrypt(nonce, plain, bond)
    return _HEAD.pack(_MARK, len(sealed), nonce) + sealed


def _open(cipher: AESGCM, bond: bytes, data: mmap.mmap, start: int) -> tuple[Body | None, int]:
    """The record at `start`, and where the next may begin."""
    after_mark = start + len(_MARK)
    if start + _HEAD.size > len(data):
        return None, after_mark
    _, length, nonce = _HEAD.unpack_from(data, start)
    end = start + _HEAD.size + length
    if end > len(data):
        return None, after_mark
    try:
        plain = cipher.decrypt(nonce, data[start + _HEAD.size : end], bond)
    except InvalidTag:
        return None, after_mark
    described_size, body_size = _SIZES.unpack_from(plain)
    packed_at = _SIZES.size + described_size
    described = json.loads(plain[_SIZES.size : packed_at])
    body = pa.Codec("zstd").decompress(plain[packed_at:], body_size, asbytes=True)
    moment = described.pop("listed")
    listed = Moment(**{**moment, "at": _time(moment["at"])})
    described |= {"fetched_at": _time(described["fetched_at"]), "post_ids": tuple(described["post_ids"])}
    return Body(**described, listed=listed, body=body), end


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _make_key(file: Path) -> None:
    """Make a key unless another process has; a key appears under its name only when it is whole."""
    file.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.parent.mkdir(exist_ok=True, mode=0o700)
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(_KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with suppress(FileExistsError):
        os.link(temporary, file)
    temporary.unlink()


def _shred(file: Path) -> bool:
    """Overwrite and remove a file; false if it was not there."""
    try:
        with file.open("r+b") as target:
            target.write(secrets.token_bytes(file.stat().st_size))
            target.flush()
            os.fsync(target.fileno())
        file.unlink()
    except FileNotFoundError:
        return False
    return True
