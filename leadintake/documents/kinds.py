"""The kinds of file taken as a resume, and how each is known by its bytes."""

from __future__ import annotations

import codecs
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

CHUNK = 64 * 1024
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORD_NAME = "WordDocument".encode("utf-16-le")
# A directory entry ([MS-CFB] 2.6.1): the name in 64 bytes, its length with the end mark, 2 for a stream.
WORD_STREAM = re.compile(WORD_NAME + rb"\0\0.{38}\x1a\0\x02", re.DOTALL)
ENTRY = 128
DOCX_TEXT = re.compile(r"word/document\d*\.xml")  # some of Word's own services number it
# ODF 1.3 part 2, 3.3: the first entry is `mimetype`, stored. Templates and masters go on with a hyphen.
ODT_START = re.compile(rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis\.opendocument\.text(?!-)", re.DOTALL)
LONGEST_LIST = 256 * 1024
"""Bytes a container may use to list its files; a long list is an attack on memory and time, not a letter."""
# What a browser takes for HTML (WHATWG MIME Sniffing, 7.1) and what else is no text although it looks so.
NOT_PLAIN = re.compile(
    rb"\s*(%PDF|\{\\rtf|#!|<!--|<!doctype html|<\?xml|<\?php|<svg"
    rb"|<(html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>])",
    re.IGNORECASE,
)
BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


@dataclass(frozen=True)
class Kind:
    """One kind of file. `fits` reads the stream from its start and may leave it anywhere."""

    name: str
    extension: str
    content_type: str
    fits: Callable[[IO[bytes]], bool]


def _is_pdf(stream: IO[bytes]) -> bool:
    return stream.read(5) == b"%PDF-"


def _is_rtf(stream: IO[bytes]) -> bool:
    return stream.read(6).startswith(b"{\\rtf")


def _is_doc(stream: IO[bytes]) -> bool:
    """An OLE compound file ([MS-CFB]) with the stream that only Word writes ([MS-DOC] 2.1)."""
    tail = stream.read(8)
    if tail != OLE:
        return False
    while chunk := stream.read(CHUNK):
        if WORD_STREAM.search(tail + chunk):
            return True
        tail = chunk[-ENTRY:]
    return False


def _is_docx(stream: IO[bytes]) -> bool:
    """An OPC package with a Word text in it, and without macros: Word opens such a one only as .docm."""
    names = _zip_names(stream)
    return (
        "[Content_Types].xml" in names
        and any(DOCX_TEXT.fullmatch(name) for name in names)
        and not any(name.endswith("vbaProject.bin") for name in names)
    )


def _is_odt(stream: IO[bytes]) -> bool:
    """A container that says in its first bytes that it is an OpenDocument text."""
    if "content.xml" not in _zip_names(stream):
        return False
    stream.seek(0)
    return ODT_START.match(stream.read(128)) is not None


class _ShortReads:
    """A stream for zipfile, which reads a container's whole list at once however long it says it is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.seek, self.tell, self._read = stream.seek, stream.tell, stream.read

    def read(self, size: int = -1) -> bytes:
        """Read, or refuse to read that much."""
        if size > LONGEST_LIST:
            raise zipfile.BadZipFile("too long a list")
        return self._read(LONGEST_LIST if size < 0 else size)


def _zip_names(stream: IO[bytes]) -> set[str]:
    if stream.read(4) != b"PK\x03\x04":
        return set()
    try:
        with zipfile.ZipFile(_ShortReads(stream)) as archive:
            return set(archive.namelist())
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError):
        return set()  # not a container anybody could open


def _is_txt(stream: IO[bytes]) -> bool:
    """Text in UTF-8, UTF-16 with its mark, or one of the old 8-bit encodings; nothing that a program runs."""
    head = stream.read(CHUNK)
    if NOT_PLAIN.match(head.removeprefix(codecs.BOM_UTF8)):
        return False
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        start = head[:1024].decode("utf-16", "ignore").encode(errors="ignore")
        return not NOT_PLAIN.match(start) and _decodes(stream, head)
    while head:
        if BINARY.search(head):
            return False
        head = stream.read(CHUNK)
    return True


def _decodes(stream: IO[bytes], head: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        while head:
            if "\x00" in decoder.decode(head):
                return False
            head = stream.read(CHUNK)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


KINDS = (
    Kind("PDF", ".pdf", "application/pdf", _is_pdf),
    Kind("Word document (DOC)", ".doc", "application/msword", _is_doc),
    Kind(
        "Word document (DOCX)",
        ".docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _is_docx,
    ),
    Kind("OpenDocument text", ".odt", "application/vnd.oasis.opendocument.text", _is_odt),
    Kind("RTF document", ".rtf", "application/rtf", _is_rtf),
    Kind("plain text", ".txt", "text/plain", _is_txt),
)
BY_EXTENSION = {kind.extension: kind for kind in KINDS}


def kind_of(stream: IO[bytes]) -> Kind | None:
    """What the bytes are, whatever the name says. None when they are nothing that is taken."""
    for kind in KINDS:
        stream.seek(0)
        if kind.fits(stream):
            return kind
    return None
