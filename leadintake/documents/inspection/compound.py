"""Compound files ([MS-CFB]): a small file system in a file; old Word documents and embedded objects are such.

A reader of our own: olefile walks the tree by recursion and mends what is wrong. This one follows no chain
for longer than the file has sectors, and takes a file that contradicts itself for damaged.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO

from .findings import Refused
from .sentences import DAMAGED, FETCHES, MACROS, PACKED

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HEADER = struct.Struct("<8s18x4H10xLL4xLL4xL4x436s")  # [MS-CFB] 2.2
LISTED = struct.Struct("<64sHBx3L16s20xLQ")  # a directory entry, 2.6.1
UNUSED, STORAGE, ROOT = 0, 1, 5
LAST_SECTOR, END_OF_CHAIN, NO_ENTRY = 0xFFFFFFFA, 0xFFFFFFFE, 0xFFFFFFFF
CUTOFF, MINI_SECTOR = 4096, 64  # shorter streams share one stream, in sectors of 64 bytes
MOST_ENTRIES = 4096
MACRO_NAMES = {"macros", "vba", "_vba_project", "_vba_project_cur"}  # [MS-OVBA] 2.2.1
PACKAGE = "\x01ole10native"  # [MS-OLEDS] 2.3.6: a whole file behind an icon, programs too
LINK = bytes.fromhex("0003000000000000c000000000000046")  # StdOleLink: an object that is somewhere else


@dataclass
class Entry:
    """A storage or a stream, its name in lower case. `within` is the number of the storage it is in."""

    name: str
    kind: int
    left: int
    right: int
    child: int
    linked: bool
    start: int
    size: int
    within: int | None = None


class Compound:
    """What a compound file lists. Raises Refused when it is none, or a damaged one."""

    def __init__(self, stream: IO[bytes]) -> None:
        whole = stream.seek(0, 2)
        stream.seek(0)
        header = stream.read(HEADER.size)
        if len(header) < HEADER.size or not header.startswith(MAGIC):
            raise Refused(DAMAGED)
        _, version, order, shift, mini, tables, directory, cutoff, small, more, first = HEADER.unpack(header)
        if (version, shift) not in ((3, 9), (4, 12)) or (order, mini, cutoff) != (0xFFFE, 6, CUTOFF):
            raise Refused(DAMAGED)
        self._stream, self._sector, self._version = stream, 1 << shift, version
        self._sectors = max(0, -(-whole // self._sector) - 1)  # the last one may be cut short
        self._next = array("I")
        for table in self._tables(_numbers(first), more, tables):
            self._next.extend(_numbers(self._read(table)))
        self._small = small
        self.entries = list(self._listed(directory))
        if not self.entries or self.entries[0].kind != ROOT:
            raise Refused(DAMAGED)
        self._place()

    def at_root(self, name: str) -> Entry | None:
        """The entry of this name that is in no storage."""
        return next((entry for entry in self.inside(0) if entry.name == name.casefold()), None)

    def inside(self, number: int) -> Iterator[Entry]:
        """What the storage of this number holds; the root is 0."""
        return (entry for entry in self.entries if entry.within == number)

    def content(self, entry: Entry) -> bytes:
        """All bytes of a stream, at most as many as the file has. Raises Refused unless they are there."""
        if entry.size < CUTOFF:
            return self._short(entry)
        sectors = list(self._chain(entry.start))
        if len(sectors) * self._sector < entry.size:
            raise Refused(DAMAGED)
        content = bytearray()
        for sector in sectors:
            content += self._read(sector)
        return bytes(content[: entry.size])

    def _short(self, entry: Entry) -> bytes:
        if not entry.size:
            return b""
        following = array("I")
        for sector in self._chain(self._small):
            following.extend(_numbers(self._read(sector)))
        shared = list(self._chain(self.entries[0].start))
        content, most = b"", -(-entry.size // MINI_SECTOR)
        for number in islice(_follow(entry.start, following, len(following)), most):
            sector, offset = divmod(number * MINI_SECTOR, self._sector)
            if sector >= len(shared):
                raise Refused(DAMAGED)
            content += self._read(shared[sector])[offset : offset + MINI_SECTOR]
        if len(content) < entry.size:
            raise Refused(DAMAGED)
        return content[: entry.size]

    def refuse_hazards(self) -> None:
        """Raise Refused for macros, packaged files and links, in whatever storage they are."""
        used = [entry for entry in self.entries if entry.kind != UNUSED]
        if any(entry.name in MACRO_NAMES for entry in used):
            raise Refused(MACROS)
        if any(entry.name == PACKAGE for entry in used):
            raise Refused(PACKED)
        if any(entry.linked for entry in used):
            raise Refused(FETCHES)

    def _read(self, sector: int) -> bytes:
        self._stream.seek((sector + 1) * self._sector)
        return self._stream.read(self._sector)

    def _tables(self, first: tuple[int, ...], more: int, count: int) -> list[int]:
        """The sectors of the table that chains the others: the first 109 stand in the header, 2.5."""
        count = min(count, -(-self._sectors * 4 // self._sector))  # that many tell of the whole file
        numbers = list(first)
        while len(numbers) < count and more < self._sectors:
            *further, more = _numbers(self._read(more)) or (END_OF_CHAIN,)
            numbers += further
        return numbers[:count]

    def _chain(self, sector: int) -> Iterator[int]:
        return _follow(sector, self._next, min(self._sectors, len(self._next)))

    def _listed(self, directory: int) -> Iterator[Entry]:
        count = 0
        for sector in self._chain(directory):
            listed = self._read(sector)
            for name, length, kind, left, right, child, owner, start, size in LISTED.iter_unpack(
                listed[: len(listed) // LISTED.size * LISTED.size]
            ):
                count += 1
                if count > MOST_ENTRIES:
                    raise Refused(DAMAGED)
                called = name[: max(0, length - 2)].decode("utf-16-le", "replace").casefold()
                size = size & 0xFFFFFFFF if self._version == 3 else size  # 2.6.3
                yield Entry(called, kind, left, right, child, owner == LINK, start, size)

    def _place(self) -> None:
        """Say of each entry what it is in: storages hold their entries as a tree of siblings, 2.6.4."""
        pending = [(self.entries[0].child, 0)]
        self.entries[0].within = -1
        while pending:
            number, within = pending.pop()
            if number == NO_ENTRY:
                continue
            if number >= len(self.entries) or self.entries[number].within is not None:
                raise Refused(DAMAGED)
            entry = self.entries[number]
            entry.within = within
            pending += [(entry.left, within), (entry.right, within)]
            if entry.kind == STORAGE:
                pending.append((entry.child, number))


def _follow(sector: int, following: Sequence[int], count: int) -> Iterator[int]:
    """The chain of sectors that begins with this one; there are so many sectors."""
    for _ in range(count + 1):
        if sector == END_OF_CHAIN:
            return
        if sector >= count:
            break
        yield sector
        sector = following[sector]
    raise Refused(DAMAGED)


def _numbers(sector: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(sector) // 4}L", sector[: len(sector) // 4 * 4])
