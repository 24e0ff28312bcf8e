"""Files for the tests about files: real ones, and containers packed by hand."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from leadintake.documents import verdict
from leadintake.documents.inspection.findings import Flag
from leadintake.documents.verdict import Verdict

FOLDER = Path(__file__).parents[1] / "data" / "resumes"
REAL = (
    "resume.pdf",
    "packed.pdf",
    "linearized.pdf",
    "updated.pdf",
    "resume.doc",
    "illustrated.doc",
    "resume.docx",
    "illustrated.docx",
    "resume.odt",
    "illustrated.odt",
    "resume.rtf",
    "illustrated.rtf",
    "utf-8.txt",
    "utf-16.txt",
    "latin-1.txt",
)
MARKED = {
    "scripted.pdf": Flag.JAVASCRIPT,
    "attachment.pdf": Flag.EMBEDDED,
    "locked.pdf": Flag.ENCRYPTED,
    "restricted.pdf": Flag.ENCRYPTED,
    "spreadsheet.doc": Flag.EMBEDDED,
    "spreadsheet.docx": Flag.EMBEDDED,
}
"""Real files that are taken, and what is warned of."""
REFUSED = ("locked.doc", "locked.docx", "locked.odt")
EXTENSIONS = (".pdf", ".doc", ".docx", ".odt", ".rtf", ".txt")
TEN_MB = 10 * 1024 * 1024


def real(name: str) -> bytes:
    """The bytes of a file that a word processor wrote."""
    return (FOLDER / name).read_bytes()


def judged(filename: str, content: bytes, most_bytes: int = TEN_MB) -> Verdict:
    """The verdict on a file of this name and content."""
    return verdict.judge(filename, io.BytesIO(content), most_bytes=most_bytes)


def pdf(*objects: bytes, trailer: bytes = b"", version: bytes = b"1.7") -> bytes:
    """A PDF of one empty page, with these objects as number 4 and on, and more in its trailer."""
    body, offsets = b"%%PDF-%b\n" % version, []
    usual = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>",
    )
    for number, content in enumerate((*usual, *objects), 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
    table += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer\n<< /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF\n"
    return body + table + end % (len(offsets) + 1, trailer, len(body))


def pdf_stream(content: bytes, more: bytes = b"") -> bytes:
    """A stream of a PDF, with more in its dictionary."""
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), more, content)


def container(entries: dict[str, bytes], begin: bytes = b"") -> bytes:
    """A zip of these entries, stored, after whatever it begins with."""
    packed = io.BytesIO()
    packed.write(begin)
    with zipfile.ZipFile(packed, "a") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def repacked(container_bytes: bytes, **more: bytes) -> bytes:
    """The container with more entries, or others in place of its own."""
    return container(entries_of(container_bytes) | more)


def entries_of(container_bytes: bytes) -> dict[str, bytes]:
    """What a container holds, in its order."""
    with zipfile.ZipFile(io.BytesIO(container_bytes)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
