"""Plain text."""

from __future__ import annotations

import codecs
import re
from typing import IO

CHUNK = 64 * 1024
# What a browser takes for HTML (WHATWG MIME Sniffing, 7.1) and what else is no text although it looks so.
NOT_PLAIN = re.compile(
    rb"\s*(%PDF|\{\\rtf|#!|<!--|<!doctype html|<\?xml|<\?php|<svg"
    rb"|<(html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>])",
    re.IGNORECASE,
)
BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
DOS_END = b"\x1a"
"""Ctrl-Z, which old editors write at the end."""


def fits(stream: IO[bytes]) -> bool:
    """Text in UTF-8, UTF-16 with its mark, or one of the old 8-bit encodings; nothing that a program runs."""
    head = stream.read(CHUNK)
    if NOT_PLAIN.match(head.removeprefix(codecs.BOM_UTF8)):
        return False
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        start = head[:1024].decode("utf-16", "ignore").encode(errors="ignore")
        return not NOT_PLAIN.match(start) and _decodes(stream, head)
    while head:
        following = stream.read(CHUNK)
        if BINARY.search(head if following else head.removesuffix(DOS_END)):
            return False
        head = following
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
