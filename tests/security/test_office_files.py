"""Workbooks and templates that unpack without end, lead elsewhere or carry programs are not opened."""

import ast
import io
import tracemalloc
import warnings

import pytest

from caifeng.core.errors import ConfigError, DataError
from caifeng.core.office_file import DOCUMENT, WORKBOOK, Limits, UnsafeFileError, check_office_file
from caifeng.jobs.input_file import read_input
from caifeng.jobs.ledger_import import is_our_ledger
from caifeng.reports.papers.fill import check_template, placeholders
from tests.security.office_files import (
    HOSTILE_DOCUMENTS,
    HOSTILE_WORKBOOKS,
    document,
    overlapping,
    with_field,
    with_relation,
    workbook,
)


def made(build) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of names that stand twice
        return build()


@pytest.mark.parametrize("name", HOSTILE_DOCUMENTS)
def test_a_hostile_template_is_refused_in_words(tmp_path, name):
    harm, build = HOSTILE_DOCUMENTS[name]
    content = made(build)
    with pytest.raises(UnsafeFileError) as refused:
        check_office_file(content, DOCUMENT)
    assert refused.value.harm == harm
    template = tmp_path / "交办单.docx"
    template.write_bytes(content)
    with pytest.raises(ConfigError, match=r"交办单[.]docx: 模板"):
        placeholders(template)
    assert len(check_template(template, {"title"})) == 1


@pytest.mark.parametrize("name", HOSTILE_WORKBOOKS)
def test_a_hostile_workbook_is_refused_in_words(tmp_path, name):
    harm, build = HOSTILE_WORKBOOKS[name]
    content = made(build)
    with pytest.raises(UnsafeFileError) as refused:
        check_office_file(content, WORKBOOK)
    assert refused.value.harm == harm
    file = tmp_path / "来件.xlsx"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"来件[.]xlsx: "):
        read_input(file, (".xlsx",), 10**9)
    assert not is_our_ledger(file)


def test_honest_files_pass(root):
    templates = sorted((root / "config" / "templates").glob("*.docx"))
    assert len(templates) >= 13
    for template in templates:
        check_office_file(template.read_bytes(), DOCUMENT)
    check_office_file(workbook())
    linked = with_relation(document(), "word/_rels/document.xml.rels", "hyperlink", "https://www.stats.example/")
    check_office_file(linked, DOCUMENT)
    check_office_file(with_field(document(), "PAGE"), DOCUMENT)


def test_overlapping_parts_count_each():
    with pytest.raises(UnsafeFileError, match="unpacks to more"):
        check_office_file(overlapping(100), Limits(unpacked_bytes=5_000_000))


def test_a_bomb_is_never_held_as_a_whole():
    bomb = made(HOSTILE_DOCUMENTS["bomb"][1])
    tracemalloc.start()
    with pytest.raises(UnsafeFileError):
        check_office_file(bomb, DOCUMENT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000, "60 MB unpacked"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\0" * 100, workbook()[:-30], workbook()[:2000]])
def test_what_is_no_archive_is_said(content):
    with pytest.raises(UnsafeFileError, match="no office file"):
        check_office_file(content)


#: Modules that open such files, and where their bytes have been looked through.
OPENERS = {
    "caifeng/core/office_file.py": "itself",
    "caifeng/jobs/import_calendar.py": "read_input",
    "caifeng/jobs/ledger_import.py": "read_input",
    "caifeng/jobs/sheets_import.py": "read_input",
    "crawlers/pages/inbox.py": "caifeng/jobs/import_file.py and case_import.py, by read_input",
    "caifeng/reports/papers/fill.py": "placeholders",
    "caifeng/reports/review_docx.py": "placeholders",
    "caifeng/reports/layout.py": "our own documents, just written",
}
_OPENING = {"read_excel", "ZipFile", "DocxTemplate", "load_workbook"}


def test_every_module_that_opens_one_is_known(root):
    found = {}
    files = [path for name in ("caifeng", "crawlers", "plugins", "dags") for path in (root / name).rglob("*.py")]
    for path in files:
        calls = {
            getattr(node.func, "id", getattr(node.func, "attr", ""))
            for node in ast.walk(ast.parse(path.read_text("utf8")))
            if isinstance(node, ast.Call)
        }
        if calls & _OPENING:
            found[path.relative_to(root).as_posix()] = calls
    assert len(files) > 150
    assert set(found) == set(OPENERS)
    for path, how in OPENERS.items():
        if how in ("read_input", "placeholders"):
            assert how in found[path] or f"def {how}" in (root / path).read_text("utf8"), path
    for path in ("caifeng/jobs/import_file.py", "caifeng/jobs/case_import.py"):
        assert "read_input(" in (root / path).read_text("utf8")


def test_a_document_opens_after_the_check():
    from docx import Document

    check_office_file(document(), DOCUMENT)
    assert Document(io.BytesIO(document())).paragraphs[0].text == "{{ title }}"
