"""Start and end of a PDF (7.5.2, 7.5.4, 7.5.5), and files hidden behind."""

from __future__ import annotations

import re
import struct
from itertools import islice

from ..findings import Refused
from ..sentences import PDF_DAMAGED, PDF_TWO_FILES
from .syntax import SPACE

FARTHEST_HEADER = 1024
"""Bytes in which viewers look for the header: printers and tools write lines before it."""
MAX_BEHIND_THE_END = 2048
"""Bytes accepted after the last %%EOF: scanners add some; viewers search about that far."""
FARTHEST_SECOND_FILE = 4096
MAX_ZIP_END_LENGTH = 22 + 65535
MAX_ZIP_ENDS = 100
BLANK = b"\0\t\n\f\r "
NOT_BLANK = re.compile(rb"[^\x00\t\n\f\r ]")
CHUNK = 4096

HEADER = re.compile(rb"%PDF-\d")
PREAMBLE = re.compile(
    rb"(?:\xef\xbb\xbf)?+(?:"
    rb"[\x00\t\f\r\n ]++"
    rb"|(?:\x1b%-12345X)++(?:@PJL[^\r\n\x00]*+)?+|@PJL[^\r\n\x00]*+"  # printer job language
    rb"|\x04|\x1b[E%][^\r\n\x00]{0,20}?(?=\x1b|[\r\n]|%PDF-)"
    rb"|%(?!PDF-\d)[^\r\n\x00]*+"  # comments, also %!PS-Adobe-3.0 PDF-1.4
    rb"|HTTP/1\.[01] 200[^\r\n\x00]*+"
    rb"|(?i:content-type:[ \t]*application/(?:x-)?(?:pdf|octet-stream)[^\r\n\x00]*+"
    rb"|(?:content-(?:length|disposition|encoding|transfer-encoding|description)|date|server|connection|expires|pragma"
    rb"|cache-control|last-modified|etag|accept-ranges|vary|age|via|keep-alive|x-[a-z0-9-]++):[^\r\n\x00<>]*+)"
    rb")*+"
)
"""Lines of printers and web servers, and comments; none starts another kind of file."""
START = re.compile(rb"startxref" + SPACE + rb"*+(\d{1,12})")
TABLE = re.compile(rb"xref(?<!startxref)" + SPACE + rb"*+\d")
ANOTHER_FILE = re.compile(
    rb"\A(?:MZ|\x7fELF|#!|\xd0\xcf\x11\xe0|\{\\rtf)|PK\x03\x04|PK\x05\x06|Rar!|7z\xbc\xaf"
    rb"|<(?:!doctype|html|head|body|script|iframe|svg|\?php|\?xml)",
    re.IGNORECASE,
)


def is_pdf_start(head: bytes) -> bool:
    """Return whether a PDF starts here, after at most lines of printers or tools."""
    found = HEADER.search(head, 0, FARTHEST_HEADER + len(b"%PDF-1"))
    return found is not None and PREAMBLE.fullmatch(head, 0, found.start()) is not None


def check_end(data: bytes) -> int:
    """Return the offset of the cross-reference table, from the end of the file.

    Viewers search backwards. Raises Refused if the end is missing or another file follows.
    """
    end = data.rfind(b"%%EOF")
    first, last = _find_content(data, end + 5)
    if end >= 0:
        behind = data[first : min(last, first + FARTHEST_SECOND_FILE)]
        if ANOTHER_FILE.search(behind) or _ends_a_zip(data[-MAX_ZIP_END_LENGTH:]):
            raise Refused(PDF_TWO_FILES)
    start = START.search(data, max(0, end - 1024), max(0, end))
    if start is None or last - first > MAX_BEHIND_THE_END:
        raise Refused(PDF_DAMAGED)
    return int(start[1])


def has_table(data: bytes, start: int) -> bool:
    """Return whether there is a cross-reference table, at `start` or anywhere."""
    return TABLE.match(data, start) is not None or TABLE.search(data) is not None


def _find_content(data: bytes, start: int) -> tuple[int, int]:
    """Return start and end of what follows `start` without white space around it."""
    found = NOT_BLANK.search(data, start)
    if found is None:
        return len(data), len(data)
    last = len(data)
    while last > found.start():
        piece = data[max(found.start(), last - CHUNK) : last]
        length = len(piece.rstrip(BLANK))
        if length:
            return found.start(), last - len(piece) + length
        last -= len(piece)
    return found.start(), last


def _ends_a_zip(tail: bytes) -> bool:
    """Return whether a zip's end record (APPNOTE 4.3.16) may end the file."""
    records = [found.start() for found in islice(re.finditer(rb"PK\x05\x06", tail[:-18]), MAX_ZIP_ENDS + 1)]
    return len(records) > MAX_ZIP_ENDS or any(
        struct.unpack_from("<H", tail, at + 20)[0] == len(tail) - at - 22 for at in records
    )
