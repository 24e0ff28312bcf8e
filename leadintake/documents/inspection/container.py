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
END_64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14, written by tools that do not know sizes beforehand
WAY_TO_END_64 = struct.Struct("<4sLQL")  # 4.3.15
LONGEST_COMMENT = 0xFFFF
LONGEST_LIST = 512 * 1024
"""Bytes a container may use for its list; a long one is an attack on memory and time, not a letter."""
DESCRIPTORS = (0, 12, 16, 20, 24)  # bytes between an entry and the next: sizes told late, [APPNOTE] 4.3.9
LOCKED, LATE, UTF_8 = 1 << 0 | 1 << 6 | 1 << 13, 1 << 3, 1 << 11  # general purpose flags, 4.4.4
UNKNOWN, MANY = 0xFFFFFFFF, 0xFFFF
SIZES_64 = 0x0001  # the extra field that tells what does not fit into 32 bits, 4.5.3
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
    _, *disks, here, count, size, start, comment = END.unpack_from(tail, at)
    end = whole - len(tail) + at
    if any(disks) or at + END.size + comment != len(tail):
        raise Refused(DAMAGED)
    here, count, size, start, end = _end_64(stream, (here, count, size, start), end)
    if here != count or start + size != end:
        raise Refused(DAMAGED)
    if size > LONGEST_LIST:
        raise Refused(DAMAGED)
    budget.list(count)
    stream.seek(start)
    entries = list(_entries(stream.read(size), count))
    if len({entry.name.casefold().rstrip("/") for entry in entries}) < count:
        raise Refused(DAMAGED)
    return entries, start


def _end_64(stream: IO[bytes], told: tuple[int, int, int, int], end: int) -> tuple[int, ...]:
    """Counts, size and start of the list, and where it ends: as told, or as a record before the end says it.

    Raises Refused when the two disagree, or when that record is not where every reader looks for it.
    """
    position = end - WAY_TO_END_64.size - END_64.size
    stream.seek(max(0, position))
    records = stream.read(end - max(0, position))
    if position < 0 or records[END_64.size :][:4] != b"PK\x06\x07":
        return *told, end
    _, disk, offset, disks = WAY_TO_END_64.unpack_from(records, END_64.size)
    magic, length, _, _, disk_64, start_disk, *true = END_64.unpack_from(records)
    if (magic, length, offset) != (b"PK\x06\x06", END_64.size - 12, position):
        raise Refused(DAMAGED)
    if any((disk, disk_64, start_disk)) or disks > 1:
        raise Refused(DAMAGED)
    for short, long, unknown in zip(told, true, (MANY, MANY, UNKNOWN, UNKNOWN), strict=True):
        if short not in (long, unknown):
            raise Refused(DAMAGED)
    return *true, position


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
        size, packed, header = _sizes_64(listed[at + name : at + name + extra], (size, packed, header))
        if called.endswith("/") and size:
            raise Refused(DAMAGED)
        yield Entry(called, flags, method, crc, packed, size, header)
        at += name + extra + comment
    if at != len(listed):
        raise Refused(DAMAGED)


def _sizes_64(extra: bytes, told: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes and offsets, those that are unknown as an extra field tells them. Raises Refused."""
    if UNKNOWN not in told:
        return told
    true = _extra(extra, SIZES_64)
    missing = told.count(UNKNOWN)
    if len(true) < 8 * missing:
        raise Refused(DAMAGED)
    further = iter(struct.unpack_from(f"<{missing}Q", true))
    return tuple(next(further) if number == UNKNOWN else number for number in told)


def _extra(extra: bytes, wanted: int) -> bytes:
    """The one extra field of this kind, 4.5.1. Raises Refused when there are two, or none."""
    found, at = list[bytes](), 0
    while len(extra) - at >= 4:
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == wanted:
            found.append(extra[at + 4 : at + 4 + size])
        at += 4 + size
    if len(found) != 1:
        raise Refused(DAMAGED)
    return found[0]


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
    if not flags & LATE:
        size, packed = _sizes_64(stream.read(extra), (size, packed))
        if (crc, packed, size) != (entry.crc, entry.packed, entry.size):
            raise Refused(DAMAGED)
    start: int = entry.header + LOCAL.size + name + extra
    return start
