"""Files for the tests about files: real ones, and containers packed by hand."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from leadintake.documents import verdict
from leadintake.documents.inspection import detection
from leadintake.documents.inspection.findings import Flag
from leadintake.documents.verdict import Verdict

FOLDER = Path(__file__).parents[1] / "data" / "resumes"
REAL = (
    "resume.pdf",
    "packed.pdf",
    "linearized.pdf",
    "updated.pdf",
    "restricted.pdf",
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
    "spreadsheet.doc": Flag.EMBEDDED,
    "spreadsheet.docx": Flag.EMBEDDED,
}
"""Real files that are taken, and what is warned of."""
PHOTOS = ("photo.jpg", "progressive.jpg", "photo.png")
"""Real pictures, taken where ACCEPT_PHOTOS is on."""
REFUSED = ("locked.pdf", "locked.doc", "locked.docx", "locked.odt")
EXTENSIONS = (".pdf", ".doc", ".docx", ".odt", ".rtf", ".txt")
TEN_MB = 10 * 1024 * 1024


def real(name: str) -> bytes:
    """The bytes of a file that a word processor wrote."""
    return (FOLDER / name).read_bytes()


def judged(filename: str, content: bytes, most_bytes: int = TEN_MB) -> Verdict:
    """The verdict on a file of this name and content."""
    return verdict.judge(filename, io.BytesIO(content), most_bytes=most_bytes, inspect=detection.inspect)


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
