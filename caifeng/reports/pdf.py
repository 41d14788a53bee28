"""A PDF copy of a document, by LibreOffice where it is installed; without it there is none, and a line says so."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from caifeng.core.files import replacing

#: Seconds after which a conversion is given up (our choice); a first start takes some ten of them.
TIMEOUT = 120.0


class PdfCopy(NamedTuple):
    """What became of a copy."""

    path: Path | None
    """Null: there is none, `words` says why."""
    words: str


def office_program() -> str | None:
    """LibreOffice on this machine; null: not installed."""
    return shutil.which("soffice") or shutil.which("libreoffice")


def pdf_copy(document: Path, program: str | None = None, timeout: float = TIMEOUT) -> PdfCopy:
    """Write a PDF beside a document, in a profile of its own, so that an open LibreOffice is not disturbed.

    Args:
        document: a .docx or .xlsx.
        program: LibreOffice; null: the one of this machine.
        timeout: seconds to wait.

    Raises:
        UsageError: the PDF cannot be written.
    """
    program = program or office_program()
    if program is None:
        return PdfCopy(None, f"{document.name}：未安装 LibreOffice，没有 PDF 副本")
    with TemporaryDirectory(prefix="caifeng-pdf-") as folder:
        command = [
            program,
            f"-env:UserInstallation={(Path(folder) / 'profile').as_uri()}",
            *("--headless", "--convert-to", "pdf", "--outdir", folder, str(document.resolve())),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=timeout)  # noqa: S603 - own words
        except subprocess.TimeoutExpired:
            return PdfCopy(None, f"{document.name}：转换 PDF 超过 {timeout:g} 秒，已放弃")
        except (OSError, subprocess.CalledProcessError):
            return PdfCopy(None, f"{document.name}：LibreOffice 不能转换这个文件")
        made = Path(folder) / f"{document.stem}.pdf"
        if not made.exists():
            return PdfCopy(None, f"{document.name}：LibreOffice 没有写出 PDF")
        target = document.with_suffix(".pdf")
        with replacing(target) as temporary:
            shutil.copyfile(made, temporary)
    return PdfCopy(target, str(target))
