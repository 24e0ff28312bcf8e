"""Zip containers of DOCX and ODT ([APPNOTE] is PKWARE's specification).

Some programs read the central directory, others the local headers. Both must find the same entries, or the
attorney may open what was not inspected. So no bytes may lie before, between or after the entries.
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
LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # [APPNOTE] 4.3.7
CENTRAL_HEADER = struct.Struct("<4s6H3L5H2L")  # 4.3.12
END_RECORD = struct.Struct("<4s4H2LH")  # 4.3.16
END_RECORD_64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14, written by tools that stream
END_LOCATOR_64 = struct.Struct("<4sLQL")  # 4.3.15
MAX_COMMENT_LENGTH = 0xFFFF
MAX_DIRECTORY_BYTES = 512 * 1024
"""Bytes of a central directory; longer ones cost memory and time."""
DESCRIPTOR_SIZES = (0, 12, 16, 20, 24)  # bytes of data descriptors, [APPNOTE] 4.3.9
UNSUPPORTED_FLAGS, HAS_DESCRIPTOR, UTF_8 = 1 << 0 | 1 << 6 | 1 << 13, 1 << 3, 1 << 11  # flags, 4.4.4
UNKNOWN, MANY = 0xFFFFFFFF, 0xFFFF
ZIP64_FIELD = 0x0001  # extra field with 64-bit sizes, 4.5.3
UNSAFE_PATH = re.compile(r"/|[A-Za-z]:|(.*/)?\.\.?(/|$)")
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd]")
"""Controls, line separators, and bidirectional controls, which disguise a name (Unicode Annex #9)."""


@dataclass(frozen=True)
class Entry:
    """Entry of the central directory. `packed` and `size` in bytes; `header`: offset of the local header."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int


@dataclass(frozen=True)
class Container:
    """Valid container. `entries` map to the offsets of their data."""

    stream: IO[bytes]
    entries: dict[Entry, int]

    @classmethod
    def of(cls, stream: IO[bytes], budget: Budget) -> Container:
        """Read and check a container."""
        file_size = stream.seek(0, 2)
        listed, end = _read_directory(stream, file_size, budget)
        entries, position, has_descriptor = {}, 0, False
        for entry in sorted(listed, key=lambda entry: entry.header):
            if entry.header - position not in (DESCRIPTOR_SIZES if has_descriptor else (0,)):
                raise Refused(DAMAGED)
            entries[entry] = start = _check_header(stream, entry)
            position, has_descriptor = start + entry.packed, bool(entry.flags & HAS_DESCRIPTOR)
        if end - position not in (DESCRIPTOR_SIZES if has_descriptor else (0,)):
            raise Refused(DAMAGED)
        return cls(stream, entries)

    def find(self, name: str) -> Entry:
        """Return an entry by name, ignoring case. Raises Refused without it."""
        for entry in self.entries:
            if entry.name.casefold() == name.casefold():
                return entry
        raise Refused(DAMAGED)


def list_names(stream: IO[bytes]) -> set[str]:
    """Return the names of the entries, none if the container is invalid."""
    try:
        return {entry.name for entry in Container.of(stream, Budget()).entries}
    except Refused:
        return set()


def _read_directory(stream: IO[bytes], file_size: int, budget: Budget) -> tuple[list[Entry], int]:
    """Return the entries and the offset of the central directory."""
    stream.seek(max(0, file_size - END_RECORD.size - MAX_COMMENT_LENGTH))
    tail = stream.read(END_RECORD.size + MAX_COMMENT_LENGTH)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < END_RECORD.size:
        raise Refused(DAMAGED)
    _, *disks, disk_count, count, size, start, comment = END_RECORD.unpack_from(tail, at)
    end = file_size - len(tail) + at
    if any(disks) or at + END_RECORD.size + comment != len(tail):
        raise Refused(DAMAGED)
    disk_count, count, size, start, end = _read_end_64(stream, (disk_count, count, size, start), end)
    if disk_count != count or start + size != end:
        raise Refused(DAMAGED)
    if size > MAX_DIRECTORY_BYTES:
        raise Refused(DAMAGED)
    budget.list(count)
    stream.seek(start)
    entries = list(_parse_entries(stream.read(size), count))
    if len({entry.name.casefold().rstrip("/") for entry in entries}) < count:
        raise Refused(DAMAGED)
    return entries, start


def _read_end_64(stream: IO[bytes], short_values: tuple[int, int, int, int], end: int) -> tuple[int, ...]:
    """Return the directory's counts, size, offset and end, from the Zip64 end record if present.

    Raises Refused if the end records disagree or do not adjoin.
    """
    position = end - END_LOCATOR_64.size - END_RECORD_64.size
    stream.seek(max(0, position))
    records = stream.read(end - max(0, position))
    if position < 0 or records[END_RECORD_64.size :][:4] != b"PK\x06\x07":
        return *short_values, end
    _, disk, offset, disks = END_LOCATOR_64.unpack_from(records, END_RECORD_64.size)
    magic, length, _, _, disk_64, start_disk, *long_values = END_RECORD_64.unpack_from(records)
    if (magic, length, offset) != (b"PK\x06\x06", END_RECORD_64.size - 12, position):
        raise Refused(DAMAGED)
    if any((disk, disk_64, start_disk)) or disks > 1:
        raise Refused(DAMAGED)
    for short_value, long_value, unknown in zip(
        short_values, long_values, (MANY, MANY, UNKNOWN, UNKNOWN), strict=True
    ):
        if short_value not in (long_value, unknown):
            raise Refused(DAMAGED)
    return *long_values, position


def _parse_entries(listed: bytes, count: int) -> Iterator[Entry]:
    at = 0
    for _ in range(count):
        if len(listed) - at < CENTRAL_HEADER.size:
            raise Refused(DAMAGED)
        fields = CENTRAL_HEADER.unpack_from(listed, at)
        magic, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, disk, _, mode, header = (
            fields
        )
        at += CENTRAL_HEADER.size
        if magic != b"PK\x01\x02" or flags & UNSUPPORTED_FLAGS or method not in (STORED, DEFLATED) or disk:
            raise Refused(DAMAGED)
        if stat.S_IFMT(mode >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Refused(DAMAGED)
        entry_name = _decode_name(listed[at : at + name], flags)
        size, packed, header = _resolve_sizes(listed[at + name : at + name + extra], (size, packed, header))
        if entry_name.endswith("/") and size:
            raise Refused(DAMAGED)
        yield Entry(entry_name, flags, method, crc, packed, size, header)
        at += name + extra + comment
    if at != len(listed):
        raise Refused(DAMAGED)


def _resolve_sizes(extra: bytes, values: tuple[int, ...]) -> tuple[int, ...]:
    """Take unknown sizes and offsets from the Zip64 field."""
    if UNKNOWN not in values:
        return values
    field = _find_extra_field(extra, ZIP64_FIELD)
    missing = values.count(UNKNOWN)
    if len(field) < 8 * missing:
        raise Refused(DAMAGED)
    further = iter(struct.unpack_from(f"<{missing}Q", field))
    return tuple(next(further) if number == UNKNOWN else number for number in values)


def _find_extra_field(extra: bytes, header_id: int) -> bytes:
    """Return the extra field with this ID, 4.5.1. Raises Refused unless there is exactly one."""
    found, at = list[bytes](), 0
    while len(extra) - at >= 4:
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == header_id:
            found.append(extra[at + 4 : at + 4 + size])
        at += 4 + size
    if len(found) != 1:
        raise Refused(DAMAGED)
    return found[0]


def _decode_name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & UTF_8 else "cp437")
    except UnicodeDecodeError as error:
        raise Refused(DAMAGED) from error
    if not name or "\\" in name or UNPRINTABLE.search(name) or UNSAFE_PATH.match(name):
        raise Refused(DAMAGED)
    return name


def _check_header(stream: IO[bytes], entry: Entry) -> int:
    """Return the data's offset. Raises Refused if local header and directory disagree."""
    stream.seek(entry.header)
    header = stream.read(LOCAL_HEADER.size)
    if len(header) < LOCAL_HEADER.size:
        raise Refused(DAMAGED)
    magic, _, flags, method, _, _, crc, packed, size, name, extra = LOCAL_HEADER.unpack(header)
    if (magic, method, flags & HAS_DESCRIPTOR) != (MAGIC, entry.method, entry.flags & HAS_DESCRIPTOR):
        raise Refused(DAMAGED)
    if _decode_name(stream.read(name), flags) != entry.name:
        raise Refused(DAMAGED)
    if not flags & HAS_DESCRIPTOR:
        size, packed = _resolve_sizes(stream.read(extra), (size, packed))
        if (crc, packed, size) != (entry.crc, entry.packed, entry.size):
            raise Refused(DAMAGED)
    start: int = entry.header + LOCAL_HEADER.size + name + extra
    return start
