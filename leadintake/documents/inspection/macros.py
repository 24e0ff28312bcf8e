"""Detection of code in macro projects ([MS-OVBA]).

Word leaves empty projects in documents without macros. A malformed or larger one counts as code.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .compound import STORAGE, Compound, Entry
from .findings import Refused

MAX_BYTES = 256 * 1024
"""Bytes of a project's directory and sources, unpacked, and of one stream; an empty project has a few KB."""
MAX_MODULES = 64
CHUNK, SIGNATURE = 4096, 0b011  # [MS-OVBA] 2.4.1.1.5
VERSION, STREAM_NAME, STREAM_NAME_UNICODE, OFFSET, END = 0x09, 0x1A, 0x32, 0x31, 0x2B  # 2.3.4.2
# Word's header of a module, blank lines, comments of one line, and options without effect.
EMPTY_LINE = re.compile(
    r"\s*(?:Attribute VB_\w+ = (?:\"[^\"]*\"|-?\w+)|Option \w+(?: \w+)?|(?:'|Rem\b).*(?<![\s_]_)(?<!^_))?\s*",
    re.IGNORECASE,
)
HEADER_LINE = re.compile(r"\s*Attribute VB_", re.IGNORECASE)
CACHED_LINES = re.compile(rb"\xfe\xca\x01\0(..)", re.DOTALL)
"""Mark, version and number of lines in the compiled form, which precedes a module's source."""


class _MalformedError(Exception):
    """A project violates the specification."""


def find_projects(compound: Compound) -> list[int]:
    """Return the numbers of storages with a project's sources, [MS-OVBA] 2.2.1."""
    return [n for n, entry in enumerate(compound.entries) if entry.kind == STORAGE and entry.name == "vba"]


def has_code(compound: Compound) -> bool:
    """Return whether a macro project has code or cannot be read."""
    budget = _UnpackBudget(MAX_BYTES)
    try:
        return any(_has_code(compound, number, budget) for number in find_projects(compound))
    except (_MalformedError, Refused, struct.error, IndexError):
        return True


@dataclass
class _UnpackBudget:
    size: int

    def spend(self, size: int) -> None:
        self.size -= size
        if self.size < 0:
            raise _MalformedError


def _has_code(compound: Compound, project: int, budget: _UnpackBudget) -> bool:
    streams = {entry.name: entry for entry in compound.children(project)}
    modules = list(_read_modules(_decompress(_content(compound, streams.get("dir")), budget)))
    if len(modules) > MAX_MODULES:
        raise _MalformedError
    return any(
        _is_code(_content(compound, streams.get(name.casefold())), offset, budget) for name, offset in modules
    )


def _content(compound: Compound, entry: Entry | None) -> bytes:
    if entry is None or entry.size > MAX_BYTES:
        raise _MalformedError
    return compound.content(entry)


def _is_code(stream: bytes, offset: int, budget: _UnpackBudget) -> bool:
    """Return whether a module's source has code, or fewer lines than the compiled form."""
    lines = _decompress(stream[offset:], budget).decode("latin-1").splitlines()
    visible = sum(not HEADER_LINE.match(line) for line in lines)
    cached = [int.from_bytes(match[1], "little") for match in CACHED_LINES.finditer(stream[:offset])]
    return not all(map(EMPTY_LINE.fullmatch, lines)) or any(count > visible + 1 for count in cached)


def _read_modules(listed: bytes) -> Iterator[tuple[str, int]]:
    """Yield name and source offset of each module, from records of ID, size and content."""
    position, name = 0, ""
    while position < len(listed):
        kind, size = struct.unpack_from("<HL", listed, position)
        position += 6
        size = 6 if kind == VERSION else size  # its size field is specified wrong, 2.3.4.2.1.11
        content = listed[position : position + size]
        if len(content) < size:
            raise _MalformedError
        position += size
        if kind == STREAM_NAME:
            name = content.decode("latin-1")
        elif kind == STREAM_NAME_UNICODE:
            name = content.decode("utf-16-le", "replace") or name
        elif kind == OFFSET:
            yield name, struct.unpack("<L", content)[0]


def _decompress(packed: bytes, budget: _UnpackBudget) -> bytes:
    """Unpack a container of chunks, 2.4.1."""
    if packed[:1] != b"\x01":
        raise _MalformedError
    whole, position = bytearray(), 1
    while position < len(packed):
        (header,) = struct.unpack_from("<H", packed, position)
        end = position + (header & 0xFFF) + 3
        if header >> 12 & 0b111 != SIGNATURE:
            raise _MalformedError
        chunk = packed[position + 2 : end]
        budget.spend(CHUNK)
        whole += _decompress_chunk(chunk) if header >> 15 else chunk
        position = end
    return bytes(whole)


def _decompress_chunk(packed: bytes) -> bytes:
    """Unpack a chunk: each byte of flags precedes eight tokens, literals or copies."""
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
                raise _MalformedError
            piece = bytes(chunk[-back:])
            chunk += (piece * (size // back + 1))[:size]
        if len(chunk) > CHUNK:
            raise _MalformedError
    return bytes(chunk)
