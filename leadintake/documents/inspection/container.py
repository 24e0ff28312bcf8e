"""Containers: the zip files that DOCX and ODT are ([APPNOTE] is PKWARE's specification of them).

A reader that goes by the list at the end and one that goes by the header before each entry must find the
same entries, or what is inspected here is not what the attorney opens. So nothing may lie before, between or
behind them.
"""

from __future__ import annotations

import re
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from .budget import Budget
from .findings import Refused
from .sentences import DAMAGED

STORED, DEFLATED = 0, 8
MAGIC = b"PK\x03\x04"
LOCAL = struct.Struct("<4s5H3L2H")  # [APPNOTE] 4.3.7
LISTED = struct.Struct("<4s6H3L5H2L")  # 4.3.12
END = struct.Struct("<4s4H2LH")  # 4.3.16
LONGEST_COMMENT = 0xFFFF
LONGEST_LIST = 512 * 1024
"""Bytes a container may use for its list; a long one is an attack on memory and time, not a letter."""
DESCRIPTORS = (0, 12, 16, 20, 24)  # bytes between an entry and the next: sizes told late, [APPNOTE] 4.3.9
LOCKED, LATE, UTF_8 = 1 << 0 | 1 << 6 | 1 << 13, 1 << 3, 1 << 11  # general purpose flags, 4.4.4
UNKNOWN = 0xFFFFFFFF
OUTSIDE = re.compile(r"/|[A-Za-z]:|(.*/)?\.\.?(/|$)")
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd]")
"""Controls, line separators, and what makes a name read as another one (Unicode Standard Annex #9)."""


@dataclass(frozen=True)
class Entry:
    """One entry as the list tells it. `packed` and `size` in bytes, `header` where its own header begins."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int


@dataclass(frozen=True)
class Container:
    """A sound container: each entry, and where its bytes begin."""

    stream: IO[bytes]
    entries: dict[Entry, int]

    @classmethod
    def of(cls, stream: IO[bytes], budget: Budget) -> Container:
        """Open it. Raises Refused."""
        whole = stream.seek(0, 2)
        listed, end = _list(stream, whole, budget)
        entries, position, late = {}, 0, False
        for entry in sorted(listed, key=lambda entry: entry.header):
            if entry.header - position not in (DESCRIPTORS if late else (0,)):
                raise Refused(DAMAGED)
            entries[entry] = start = _check_header(stream, entry)
            position, late = start + entry.packed, bool(entry.flags & LATE)
        if end - position not in (DESCRIPTORS if late else (0,)):
            raise Refused(DAMAGED)
        return cls(stream, entries)

    def find(self, name: str) -> Entry:
        """The entry of this name, in whatever case. Raises Refused."""
        for entry in self.entries:
            if entry.name.casefold() == name.casefold():
                return entry
        raise Refused(DAMAGED)


def names_in(stream: IO[bytes]) -> set[str]:
    """The names a container lists; none when it is not a sound one."""
    try:
        return {entry.name for entry in Container.of(stream, Budget()).entries}
    except Refused:
        return set()


def _list(stream: IO[bytes], whole: int, budget: Budget) -> tuple[list[Entry], int]:
    """All entries, and where their list begins."""
    stream.seek(max(0, whole - END.size - LONGEST_COMMENT))
    tail = stream.read(END.size + LONGEST_COMMENT)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < END.size:
        raise Refused(DAMAGED)
    _, disk, start_disk, here, count, size, start, comment = END.unpack_from(tail, at)
    end = whole - len(tail) + at
    if (
        (disk, start_disk, here) != (0, 0, count)
        or start + size != end
        or at + END.size + comment != len(tail)
    ):
        raise Refused(DAMAGED)
    if size > LONGEST_LIST:
        raise Refused(DAMAGED)
    budget.list(count)
    stream.seek(start)
    entries = list(_entries(stream.read(size), count))
    if len({entry.name.casefold().rstrip("/") for entry in entries}) < count:
        raise Refused(DAMAGED)
    return entries, start


def _entries(listed: bytes, count: int) -> Iterator[Entry]:
    at = 0
    for _ in range(count):
        if len(listed) - at < LISTED.size:
            raise Refused(DAMAGED)
        fields = LISTED.unpack_from(listed, at)
        magic, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, disk, _, mode, header = (
            fields
        )
        at += LISTED.size
        if magic != b"PK\x01\x02" or flags & LOCKED or method not in (STORED, DEFLATED) or disk:
            raise Refused(DAMAGED)
        if stat.S_IFMT(mode >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Refused(DAMAGED)
        called = _name(listed[at : at + name], flags)
        if called.endswith("/") and size:
            raise Refused(DAMAGED)
        yield Entry(called, flags, method, crc, packed, size, header)
        at += name + extra + comment
    if at != len(listed):
        raise Refused(DAMAGED)


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & UTF_8 else "cp437")
    except UnicodeDecodeError as error:
        raise Refused(DAMAGED) from error
    if not name or "\\" in name or UNPRINTABLE.search(name) or OUTSIDE.match(name):
        raise Refused(DAMAGED)
    return name


def _check_header(stream: IO[bytes], entry: Entry) -> int:
    """Where the entry's bytes begin, when its own header tells what the list tells."""
    stream.seek(entry.header)
    header = stream.read(LOCAL.size)
    if len(header) < LOCAL.size:
        raise Refused(DAMAGED)
    magic, _, flags, method, _, _, crc, packed, size, name, extra = LOCAL.unpack(header)
    if (magic, method, flags & LATE) != (MAGIC, entry.method, entry.flags & LATE):
        raise Refused(DAMAGED)
    if _name(stream.read(name), flags) != entry.name:
        raise Refused(DAMAGED)
    # Sizes of 64 bits stand in an extra field, [APPNOTE] 4.4.8; the list has those that count.
    told = crc, entry.packed if packed == UNKNOWN else packed, entry.size if size == UNKNOWN else size
    if not flags & LATE and told != (entry.crc, entry.packed, entry.size):
        raise Refused(DAMAGED)
    start: int = entry.header + LOCAL.size + name + extra
    return start
