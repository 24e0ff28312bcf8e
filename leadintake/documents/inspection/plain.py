"""Plain text."""

from __future__ import annotations

import codecs
import re
from typing import IO

from .findings import Flag
from .textbuffer import MAX_TEXT_LENGTH, TextBuffer

CHUNK = 64 * 1024
# HTML to browsers (WHATWG MIME Sniffing, 7.1), kinds that Word opens whatever the name, and other files
# that look like text.
NOT_PLAIN = re.compile(
    rb"\s*(%PDF|\{\\rt|#!|<!--|<!doctype|<!entity|<\?xml|<\?php|<\?=|<%|<svg"
    rb"|<(html|head|meta|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|job|package|hta:\w+)[\s>]"
    rb"|([\w-]{1,40}:[^\n]{0,400}\n([ \t][^\n]{0,400}\n){0,5}){0,20}mime-version:)",
    re.IGNORECASE,
)
BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
NO_LETTER = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffe\uffff]")
DOS_END = b"\x1a"
"""Ctrl-Z, written at the end by old editors."""
BEGINNING = 1024
"""Bytes of UTF-16 in which a page may start."""


def inspect(_stream: IO[bytes]) -> frozenset[Flag]:
    """Return no flags: text carries no harm."""
    return frozenset()


def fits(stream: IO[bytes]) -> bool:
    """Return whether it is text in UTF-8, UTF-16 or an 8-bit encoding, and no script."""
    head = stream.read(CHUNK)
    if NOT_PLAIN.match(head.removeprefix(codecs.BOM_UTF8)):
        return False
    encoding = _wide_encoding(head)
    if encoding:
        start = head[:BEGINNING].decode(encoding, "ignore").lstrip("\ufeff").encode(errors="ignore")
        return not NOT_PLAIN.match(start) and _decodes(stream, head, encoding)
    while head:
        following = stream.read(CHUNK)
        if BINARY.search(head if following else head.removesuffix(DOS_END)):
            return False
        head = following
    return True


def extract(stream: IO[bytes], buffer: TextBuffer) -> None:
    """Take out the text."""
    content = stream.read(MAX_TEXT_LENGTH * 4)
    wide = _wide_encoding(content)
    if wide:
        buffer.add(content.decode(wide, "replace"))
        return
    try:
        # Cut inside a character perhaps: the decoder leaves it out.
        buffer.add(codecs.getincrementaldecoder("utf-8-sig")().decode(content))
    except UnicodeDecodeError:
        buffer.add(content.decode("cp1252", "replace"))


def _wide_encoding(head: bytes) -> str:
    """Return the kind of UTF-16 by byte order mark, else by null bytes of ASCII characters; or empty."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding, first, other in (("utf-16-le", 1, 0), ("utf-16-be", 0, 1)):
        nulls = head[first::2].count(0)
        if head[first : first + 1] == b"\0" and nulls > len(head) // 8 and not head[other::2].count(0):
            return encoding
    return ""


def _decodes(stream: IO[bytes], head: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while head:
            if NO_LETTER.search(decoder.decode(head)):
                return False
            head = stream.read(CHUNK)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
