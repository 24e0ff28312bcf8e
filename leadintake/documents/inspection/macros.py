"""Macro projects ([MS-OVBA]): whether there is any code in one.

Word leaves an empty project behind in documents that never had a macro. Everything that is odd about a
project, or larger than an empty one ever is, counts as code.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .compound import STORAGE, Compound, Entry
from .findings import Refused

LARGEST = 256 * 1024
"""Bytes of a project's list and sources, unpacked, and of one stream of it; empty ones have a few KB."""
MOST_MODULES = 64
CHUNK, SIGNATURE = 4096, 0b011  # [MS-OVBA] 2.4.1.1.5
VERSION, STREAM_NAME, STREAM_NAME_UNICODE, OFFSET, END = 0x09, 0x1A, 0x32, 0x31, 0x2B  # 2.3.4.2
# Word's own header of a module, blank lines, comments that end with their line, and options without effect.
EMPTY_LINE = re.compile(
    r"\s*(?:Attribute VB_\w+ = (?:\"[^\"]*\"|-?\w+)|Option \w+(?: \w+)?|(?:'|Rem\b).*(?<![\s_]_)(?<!^_))?\s*",
    re.IGNORECASE,
)
HEADER_LINE = re.compile(r"\s*Attribute VB_", re.IGNORECASE)
CACHED_LINES = re.compile(rb"\xfe\xca\x01\0(..)", re.DOTALL)
"""Before a module's source stands what was made of it: a mark, a version, the number of lines."""


class _OddError(Exception):
    """Something in a project is not as the specification says."""


def projects(found: Compound) -> list[int]:
    """The numbers of the storages that hold a project's sources, [MS-OVBA] 2.2.1."""
    return [n for n, entry in enumerate(found.entries) if entry.kind == STORAGE and entry.name == "vba"]


def has_code(found: Compound) -> bool:
    """Whether one of the macro projects in a compound file has a line of code, or cannot be read."""
    left = _Left(LARGEST)
    try:
        return any(_has_code(found, number, left) for number in projects(found))
    except (_OddError, Refused, struct.error, IndexError):
        return True


@dataclass
class _Left:
    """Bytes that may still be unpacked."""

    size: int

    def spend(self, size: int) -> None:
        self.size -= size
        if self.size < 0:
            raise _OddError


def _has_code(found: Compound, project: int, left: _Left) -> bool:
    streams = {entry.name: entry for entry in found.inside(project)}
    modules = list(_modules(_unpacked(_content(found, streams.get("dir")), left)))
    if len(modules) > MOST_MODULES:
        raise _OddError
    return any(
        _is_code(_content(found, streams.get(name.casefold())), offset, left) for name, offset in modules
    )


def _content(found: Compound, entry: Entry | None) -> bytes:
    if entry is None or entry.size > LARGEST:
        raise _OddError
    return found.content(entry)


def _is_code(stream: bytes, offset: int, left: _Left) -> bool:
    """Whether a module's stream has code in its source, or more lines made of it than the source has."""
    lines = _unpacked(stream[offset:], left).decode("latin-1").splitlines()
    seen = sum(not HEADER_LINE.match(line) for line in lines)
    cached = [int.from_bytes(match[1], "little") for match in CACHED_LINES.finditer(stream[:offset])]
    return not all(map(EMPTY_LINE.fullmatch, lines)) or any(count > seen + 1 for count in cached)


def _modules(listed: bytes) -> Iterator[tuple[str, int]]:
    """Name and offset of each module's source: records of an id, a size and as many bytes."""
    position, name = 0, ""
    while position < len(listed):
        kind, size = struct.unpack_from("<HL", listed, position)
        position += 6
        size = 6 if kind == VERSION else size  # which tells another one, 2.3.4.2.1.11
        content = listed[position : position + size]
        if len(content) < size:
            raise _OddError
        position += size
        if kind == STREAM_NAME:
            name = content.decode("latin-1")
        elif kind == STREAM_NAME_UNICODE:
            name = content.decode("utf-16-le", "replace") or name
        elif kind == OFFSET:
            yield name, struct.unpack("<L", content)[0]


def _unpacked(packed: bytes, left: _Left) -> bytes:
    """What a container of chunks unpacks to, 2.4.1."""
    if packed[:1] != b"\x01":
        raise _OddError
    whole, position = bytearray(), 1
    while position < len(packed):
        (header,) = struct.unpack_from("<H", packed, position)
        end = position + (header & 0xFFF) + 3
        if header >> 12 & 0b111 != SIGNATURE:
            raise _OddError
        chunk = packed[position + 2 : end]
        left.spend(CHUNK)
        whole += _chunk(chunk) if header >> 15 else chunk
        position = end
    return bytes(whole)


def _chunk(packed: bytes) -> bytes:
    """One chunk: behind each byte of flags eight tokens, a letter or what to copy from where."""
    chunk, position = bytearray(), 0
    while position < len(packed):
        flags = packed[position]
        position += 1
        for bit in range(8):
            if position >= len(packed):
                break
            if not flags >> bit & 1:
                chunk.append(packed[position])
                position += 1
                continue
            (token,) = struct.unpack_from("<H", packed, position)
            position += 2
            lengths = 16 - max(4, (len(chunk) - 1).bit_length())  # bits for the length, 2.4.1.3.19.1
            back, size = (token >> lengths) + 1, (token & (1 << lengths) - 1) + 3
            if back > len(chunk):
                raise _OddError
            piece = bytes(chunk[-back:])
            chunk += (piece * (size // back + 1))[:size]
        if len(chunk) > CHUNK:
            raise _OddError
    return bytes(chunk)
