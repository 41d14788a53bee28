"""Workbooks and documents that somebody hands us (.xlsx, .docx): looked through before anything opens them.

Both are zip archives of XML parts (ECMA-376). Whatever opens one, here or in an office program, believes what the
archive says of itself: how large its parts are, what they are called, what else to fetch, which code to run. So every
part is unpacked once, in small pieces and up to a limit, and only what is plain data passes.
"""

from __future__ import annotations

import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Literal
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

Harm = Literal["no_archive", "size", "members", "path", "locked", "markup", "macro", "link"]


@dataclass(frozen=True)
class Limits:
    """What an honest file stays below (our choice)."""

    unpacked_bytes: int = 500 * 1024 * 1024
    members: int = 2_000
    ratio: int = 400
    """Unpacked bytes per packed byte, of parts above `small_bytes`. Rows that are all alike reach about 100 (measured
    on 200,000 of them), a bomb about 1,000."""
    small_bytes: int = 1024 * 1024
    fields: bool = False
    """Whether an office program will open it, and with it run the fields of its text."""


WORKBOOK = Limits()
#: A template of pages of words; pictures included.
DOCUMENT = Limits(unpacked_bytes=50 * 1024 * 1024, fields=True)


_WORDS: dict[Harm, str] = {
    "no_archive": "is no office file",
    "size": "unpacks to more than it may",
    "members": "has too many parts",
    "path": "has a part that leads out of it",
    "locked": "is locked with a password or packed in an unknown way",
    "markup": "declares XML entities or is broken XML",
    "macro": "carries macros or other programs; save it without them (.xlsx, .docx)",
    "link": "fetches from elsewhere; break the links to other files and save it again",
}


class UnsafeFileError(Exception):
    """A file that is not opened; `harm` says why, `detail` where."""

    def __init__(self, harm: Harm, detail: str) -> None:
        self.harm, self.detail = harm, detail
        super().__init__(f"{_WORDS[harm]}: {detail}")


_PIECE = 64 * 1024
#: In UTF-8 and in either UTF-16. Office files have no document type; entities that multiply need one.
_DOCTYPE = (b"<!DOCTYPE", "<!DOCTYPE".encode("utf-16-le").rstrip(b"\0"))
_BEFORE_XML = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
_PROGRAM = re.compile(
    r"(?i)(^|/)(vba[^/]*\.bin|vbadata\.xml|macrosheets/.*|activex/.*|oleobject[^/]*\.bin|[^/]*\.(?:exe|dll))$"
)
_ELSEWHERE = re.compile(r"(?i)^xl/(externallinks/|connections\.xml$|querytables/)")
#: Kinds of relations to the same, for a part may be called anything.
_PROGRAMS = frozenset(
    ["vbaproject", "wordvbadata", "control", "activexcontrolbinary", "xlmacrosheet", "xlintlmacrosheet", "oleobject"]
)
_FETCHED = frozenset({"externallink", "externallinkpath", "connections", "querytable"})
#: Fields of a document that read another file, or start another program, when it is opened.
_FETCHING_FIELD = re.compile(r"(?i)^\s*(DDE|DDEAUTO|INCLUDETEXT|INCLUDEPICTURE|INCLUDE|IMPORT|LINK|RD|DATABASE)\b")
_PLAIN_LINK = re.compile(r"(?i)^(https?://|mailto:|#)")


def check_office_file(content: bytes, limits: Limits = WORKBOOK) -> None:
    """Refuse an .xlsx or .docx that is more than data.

    Args:
        content: the whole file.
        limits: sizes; `DOCUMENT` for templates.

    Raises:
        UnsafeFileError: no zip archive; more parts or bytes than the limits allow, whatever its directory says; a part
            named outside of it (`../x`, `/x`, `C:x`), named twice, or a symbolic link; a password; a document type
            declaration; macros, controls, embedded programs; parts, relations or fields that are fetched from
            elsewhere. Hyperlinks stay: nobody follows them but by a click.
    """
    try:
        with ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
    except (BadZipFile, ValueError, OSError, NotImplementedError, OverflowError) as error:
        raise UnsafeFileError("no_archive", str(error) or "cannot be read") from error
    if len(entries) > limits.members:
        raise UnsafeFileError("members", f"{len(entries)}, more than {limits.members}")
    _check_names(entries)
    left = limits.unpacked_bytes
    for entry in entries:
        left -= _check_part(content, entry, limits, left)


def _check_names(entries: list[ZipInfo]) -> None:
    seen = set[str]()
    for entry in entries:
        # orig_filename, because zipfile cuts a name at its first NUL and other readers do not
        name = entry.orig_filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        link = stat.S_ISLNK(entry.external_attr >> 16)
        if "\0" in name or ":" in name or name.startswith(("/", "\\")) or ".." in parts or link:
            raise UnsafeFileError("path", repr(name))
        if name.lower() in seen:
            raise UnsafeFileError("path", f"{name!r} stands twice")
        seen.add(name.lower())
        if _PROGRAM.search(name):
            raise UnsafeFileError("macro", name)
        if _ELSEWHERE.search(name):
            raise UnsafeFileError("link", name)


def _check_part(content: bytes, entry: ZipInfo, limits: Limits, left: int) -> int:
    """Unpack one part and look at it; its real size in bytes."""
    name = entry.filename
    reader: _Reader | None = None
    size, before = 0, b""
    for piece in _pieces(content, entry):
        if not size:
            # by what it is, for a part may be called anything
            reader = _Reader(name, limits) if piece.lstrip(_BEFORE_XML)[:1] == b"<" else None
        size += len(piece)
        if size > left:
            raise UnsafeFileError("size", f"{name}: {limits.unpacked_bytes} bytes are the limit")
        if size > max(limits.small_bytes, limits.ratio * max(entry.compress_size, 1)):
            raise UnsafeFileError("size", f"{name}: grows to more than {limits.ratio} times its size")
        if reader:
            if any(mark in before + piece for mark in _DOCTYPE):
                raise UnsafeFileError("markup", name)
            before = piece[-20:]
            reader.feed(piece)
    if size != entry.file_size:
        raise UnsafeFileError("size", f"{name}: is {size} bytes and says {entry.file_size}")
    if reader:
        reader.close()
    return size


def _pieces(content: bytes, entry: ZipInfo) -> Iterator[bytes]:
    """The part as it really is. zipfile stops at the size that the directory states; other readers do not."""
    if entry.flag_bits & 0x1 or entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise UnsafeFileError("locked", entry.filename)
    head = content[entry.header_offset : entry.header_offset + 30]
    if len(head) < 30 or head[:4] != b"PK\x03\x04":
        raise UnsafeFileError("no_archive", f"{entry.filename}: no such part")
    start = entry.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    packed = memoryview(content)[start : start + entry.compress_size]
    if entry.compress_type == ZIP_STORED:
        for at in range(0, len(packed), _PIECE):
            yield bytes(packed[at : at + _PIECE])
        return
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    rest: bytes | memoryview = packed
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(rest, _PIECE)
            rest = unpacker.unconsumed_tail
            if not piece and not rest:
                raise UnsafeFileError("no_archive", f"{entry.filename}: cut off")
            yield piece
    except zlib.error as error:
        raise UnsafeFileError("no_archive", f"{entry.filename}: {error}") from error


class _Reader:
    """Reads the parts that name programs and places: relations, content types, fields of a document."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name, self._limits = name, limits
        self._parser: expat.XMLParserType | None = None
        # The sheets of a workbook may be large, and name nothing: how one is read here, a formula is not run.
        if limits.fields or name.lower().endswith(".rels") or name.lower() == "[content_types].xml":
            self._parser = expat.ParserCreate(namespace_separator=" ")
            self._parser.StartElementHandler = self._opened
            self._parser.EndElementHandler = self._closed
            self._parser.CharacterDataHandler = self._said
        self._fields: list[str] = []
        self._in_field = False

    def feed(self, piece: bytes) -> None:
        self._parse(piece, last=False)

    def close(self) -> None:
        self._parse(b"", last=True)
        for field in self._fields:
            if _FETCHING_FIELD.search(field):
                raise UnsafeFileError("link", f"{self.name}: field {field.split()[0]}")

    def _parse(self, piece: bytes, *, last: bool) -> None:
        if self._parser is None:
            return
        try:
            self._parser.Parse(piece, last)
        except (expat.ExpatError, LookupError) as error:
            raise UnsafeFileError("markup", f"{self.name}: {error}") from error

    def _opened(self, element: str, given: dict[str, str]) -> None:
        match element.rpartition(" ")[2]:
            case "Relationship":
                self._check_relation(given)
            case "Default" | "Override":
                if "macroenabled" in (kind := given.get("ContentType", "")).lower() or "vbaproject" in kind.lower():
                    raise UnsafeFileError("macro", f"{self.name}: {kind}")
            case "fldChar":
                self._fields.append("")
            case "fldSimple":
                self._fields.append(next((text for key, text in given.items() if key.endswith(" instr")), ""))
            case "instrText":
                self._in_field = True

    def _closed(self, element: str) -> None:
        if element.endswith(" instrText"):
            self._in_field = False

    def _said(self, text: str) -> None:
        # A field may be spread over several runs; `fldChar` begins and ends it.
        if self._in_field and self._fields:
            self._fields[-1] += text
        elif self._in_field:
            self._fields.append(text)

    def _check_relation(self, given: dict[str, str]) -> None:
        kind, target = given.get("Type", "").rpartition("/")[2].lower(), given.get("Target", "")
        if kind in _PROGRAMS:
            raise UnsafeFileError("macro", f"{self.name}: {kind}")
        outside = given.get("TargetMode", "").lower() == "external"
        fetched = outside and (kind != "hyperlink" or (self._limits.fields and not _PLAIN_LINK.match(target)))
        if fetched or kind in _FETCHED:
            raise UnsafeFileError("link", f"{self.name}: {kind} {target[:80]!r}")
        if not outside and ("\\" in target or target.count("..") > 2 or "://" in target):
            raise UnsafeFileError("path", f"{self.name}: {target[:80]!r}")
