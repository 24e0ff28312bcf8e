"""File Information Block (FIB) of a Word text ([MS-DOC] 2.5): offsets of its structures."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .compound import Compound, Content
from .findings import Refused
from .sentences import DAMAGED, LOCKED, TOO_OLD

BASE = struct.Struct("<HH4xHH")  # 2.5.2: magic, version, page of the glossary's FIB, flags
WORD_97, WORD_95, WORD_2 = 0xA5EC, 0xA5DC, 0xA59B
IS_LOCKED, USES_SECOND_TABLE = 1 << 8, 1 << 9
AFTER_BASE = 32
MAX_PAIRS = 512  # Word 2007 writes 183

# Indexes of the FIB's pairs (offset, size), 2.5.6 to 2.5.8.
FIELDS = (16, 17, 18, 19, 48, 57, 59)
"""PlcFld of text, headers, notes, comments, end notes, text boxes, their headers."""
NAMES, PIECES, DRAWINGS, FILES, CONTROLS, MERGE = 32, 33, 50, 72, 85, 127


@dataclass(frozen=True)
class Block:
    """One FIB: streams of text and tables; offset and size of each table."""

    text: Content
    tables: Content
    pairs: tuple[tuple[int, int], ...]
    following: int
    """Page (of 512 bytes) of the glossary's FIB, 0 without one."""

    def table(self, number: int, max_size: int = 1 << 32) -> bytes:
        """Return a table's bytes, empty without one. Raises Refused if cut or larger than `max_size`."""
        start, size = self.pairs[number] if number < len(self.pairs) else (0, 0)
        if not size:
            return b""
        if size > max_size or start + size > self.tables.size:
            raise Refused(DAMAGED)
        return self.tables.read(start, size)


def read_block(compound: Compound, storage: int, at: int = 0) -> Block:
    """Read the FIB at offset `at` of the text in a storage."""
    entry = compound.find(storage, "WordDocument")
    text = compound.open(entry) if entry else Content(b"", [], 0)
    base = text.read(at, AFTER_BASE)
    if len(base) < AFTER_BASE:
        raise Refused(DAMAGED)
    magic, _, following, flags = BASE.unpack_from(base)
    if magic in {WORD_95, WORD_2}:
        raise Refused(TOO_OLD)
    if magic != WORD_97:
        raise Refused(DAMAGED)
    if flags & IS_LOCKED:
        raise Refused(LOCKED)
    table = compound.find(storage, "1Table" if flags & USES_SECOND_TABLE else "0Table")
    if table is None:
        raise Refused(DAMAGED)
    return Block(text, compound.open(table), _read_pairs(text, at), following)


def _read_pairs(text: Content, at: int) -> tuple[tuple[int, int], ...]:
    position = at + AFTER_BASE
    for size in (2, 4):  # arrays of 16-bit and of 32-bit numbers, each after its length
        position += 2 + size * _read_number(text, position)
    count = _read_number(text, position)
    content = text.read(position + 2, count * 8)
    if not 0 < count <= MAX_PAIRS or len(content) < count * 8:
        raise Refused(DAMAGED)
    return tuple(struct.iter_unpack("<LL", content))


def _read_number(text: Content, position: int) -> int:
    return int.from_bytes(text.read(position, 2), "little")
