"""DOC: a compound file ([MS-CFB]) with a Word text in it ([MS-DOC])."""

from __future__ import annotations

import struct
from typing import IO

from .compound import Compound
from .findings import Flag, Refused
from .links import FIELD_THAT_FETCHES
from .sentences import DAMAGED, FETCHES, TOO_OLD

BEGINNING = struct.Struct("<HH6xH")  # [MS-DOC] 2.5.2: magic, version and flags of the FibBase
WORD_97, WORD_95 = 0xA5EC, 0xA5DC
LOCKED, SECOND_TABLE = 1 << 8, 1 << 9


def fits(stream: IO[bytes]) -> bool:
    """Whether it is a compound file with the stream that only Word writes ([MS-DOC] 2.1)."""
    try:
        return Compound(stream).at_root("WordDocument") is not None
    except Refused:
        return False


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Flags of a whole DOC. Raises Refused."""
    found = Compound(stream)
    found.refuse_hazards()
    flags = set()
    text = _text(found)
    if _text_flags(found, text) & LOCKED:
        flags.add(Flag.ENCRYPTED)
    elif FIELD_THAT_FETCHES.search(text):
        raise Refused(FETCHES)
    pool = found.at_root("ObjectPool")
    if pool is not None and any(found.inside(found.entries.index(pool))):
        flags.add(Flag.EMBEDDED)
    return frozenset(flags)


def _text(found: Compound) -> bytes:
    text = found.at_root("WordDocument")
    return found.content(text) if text else b""


def _text_flags(found: Compound, text: bytes) -> int:
    if len(text) < BEGINNING.size:
        raise Refused(DAMAGED)
    magic, _, flags = BEGINNING.unpack_from(text)
    if magic == WORD_95:
        raise Refused(TOO_OLD)
    if magic != WORD_97 or not found.at_root("1Table" if flags & SECOND_TABLE else "0Table"):
        raise Refused(DAMAGED)
    return int(flags)
