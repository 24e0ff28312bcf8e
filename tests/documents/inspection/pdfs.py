"""PDFs for tests, put together by hand; nothing of the package is needed but inspection."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from leadintake.documents.inspection import pdf as kind
from leadintake.documents.inspection.findings import Flag

TEN_MB = 10 * 1024 * 1024
RESUMES = Path(__file__).parents[2] / "data" / "resumes"
OTHERS = RESUMES.parent / "documents" / "pdf"


def flags(content: bytes) -> frozenset[Flag]:
    """What is warned of in this PDF."""
    return kind.inspect(io.BytesIO(content))


def real(name: str) -> bytes:
    """The bytes of a file that another program wrote."""
    return (RESUMES / name).read_bytes()


def zipped(entries: dict[str, bytes]) -> bytes:
    """A zip of these entries."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return archive.getvalue()


def pdf(*objects: bytes, trailer: bytes = b"", version: bytes = b"1.7", catalog: bytes = b"") -> bytes:
    """A PDF of one empty page, with these objects as number 4 and on, and more in its trailer or catalog."""
    body, offsets = b"%%PDF-%b\n" % version, []
    usual = (
        b"<< /Type /Catalog /Pages 2 0 R %b >>" % catalog,
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


def packed(*objects: bytes, first_number: int = 9, more: bytes = b"/Filter /FlateDecode") -> bytes:
    """An object stream of these objects (7.5.7), packed as every program does it."""
    header, body = b"", b""
    for number, content in enumerate(objects, first_number):
        header += b"%d %d " % (number, len(body))
        body += content + b"\n"
    content = header + body
    dictionary = b"/Type /ObjStm /N %d /First %d %b" % (len(objects), len(header), more)
    return pdf_stream(zlib.compress(content) if b"Flate" in more else content, dictionary)
