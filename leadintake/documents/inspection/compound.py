"""Compound files ([MS-CFB]): a small file system in a file; old Word documents and embedded objects are such.

A reader of our own: olefile walks the tree by recursion and mends what is wrong. This one follows no chain
for longer than the file has sectors, gives no sector out twice, and takes a file that contradicts itself for
damaged. The file is mapped: only what is asked for is read.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO

from .findings import Refused
from .mapping import Bytes, mapped
from .sentences import DAMAGED

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HEADER = struct.Struct("<8s18x4H10xLL4xLL4xL4x436s")  # [MS-CFB] 2.2
LISTED = struct.Struct("<64sHBx3L16s20xLQ")  # a directory entry, 2.6.1
UNUSED, STORAGE, STREAM, ROOT = 0, 1, 2, 5
END_OF_CHAIN, NO_ENTRY = 0xFFFFFFFE, 0xFFFFFFFF
CUTOFF, MINI_SECTOR = 4096, 64  # shorter streams share one stream, in sectors of 64 bytes
MOST_ENTRIES = 4096
CHUNK = 64 * 1024


@dataclass
class Entry:
    """A storage or a stream, its name in lower case. `within` is the number of the storage it is in."""

    number: int
    name: str
    kind: int
    left: int
    right: int
    child: int
    clsid: bytes
    start: int
    size: int
    within: int | None = None


class Content:
    """The bytes of a stream, which lie in the file in runs."""

    def __init__(self, data: Bytes, runs: list[tuple[int, int]], size: int) -> None:
        self._data, self._runs, self.size = data, runs, size
        self._starts = [0]
        for _, length in runs:
            self._starts.append(self._starts[-1] + length)

    def read(self, start: int, size: int) -> bytes:
        """So many bytes from there, or as many as there are."""
        end = min(start + size, self.size)
        if not 0 <= start < end:
            return b""
        pieces = []
        for number in range(bisect_right(self._starts, start) - 1, len(self._runs)):
            position, length = self._runs[number]
            skipped = max(0, start - self._starts[number])
            taken = min(length, end - self._starts[number])
            if taken <= skipped:
                break
            pieces.append(self._data[position + skipped : position + taken])
        return b"".join(pieces)

    def all(self) -> bytes:
        """Every byte."""
        return self.read(0, self.size)


class Compound:
    """What a compound file lists. Raises Refused when it is none, or a damaged one."""

    def __init__(self, stream: IO[bytes] | Bytes) -> None:
        self._data = mapped(stream)
        header = self._data[: HEADER.size]
        if len(header) < HEADER.size or not header.startswith(MAGIC):
            raise Refused(DAMAGED)
        _, version, order, shift, mini, tables, directory, cutoff, small, more, first = HEADER.unpack(header)
        if (version, shift) not in ((3, 9), (4, 12)) or (order, mini, cutoff) != (0xFFFE, 6, CUTOFF):
            raise Refused(DAMAGED)
        self._sector, self._version = 1 << shift, version
        self._sectors = max(0, -(-len(self._data) // self._sector) - 1)  # the last one may be cut short
        self._next = array("I")
        for table in self._tables(_numbers(first), more, tables):
            self._next.extend(_numbers(self._read(table)))
        self._left = self._sectors
        self._small, self._mini, self._mini_next = small, Content(b"", [], 0), array("I")
        self._mini_left = -1
        self._contents: dict[int, Content] = {}
        self.entries = list(self._listed(directory))
        if not self.entries or self.entries[0].kind != ROOT:
            raise Refused(DAMAGED)
        self._place()
        self._inside: dict[int | None, list[Entry]] = {}
        for entry in self.entries:
            if entry.kind != UNUSED:
                self._inside.setdefault(entry.within, []).append(entry)

    def at_root(self, name: str) -> Entry | None:
        """The entry of this name that is in no storage."""
        return self.find(0, name)

    def find(self, number: int, name: str) -> Entry | None:
        """The entry of this name in the storage of this number. Raises Refused when there are two."""
        found = [entry for entry in self.inside(number) if entry.name == name.casefold()]
        if len(found) > 1:
            raise Refused(DAMAGED)
        return found[0] if found else None

    def inside(self, number: int) -> Sequence[Entry]:
        """What the storage of this number holds; the root is 0."""
        return self._inside.get(number, ())

    def hidden(self) -> Sequence[Entry]:
        """What no storage holds."""
        return self._inside.get(None, ())

    def open(self, entry: Entry) -> Content:
        """The bytes of a stream. Raises Refused unless they are there, and no other stream's."""
        if entry.number not in self._contents:
            self._contents[entry.number] = self._open(entry)
        return self._contents[entry.number]

    def content(self, entry: Entry) -> bytes:
        """All bytes of a stream. Raises Refused unless they are there."""
        return self.open(entry).all()

    def _open(self, entry: Entry) -> Content:
        if not entry.size:
            return Content(b"", [], 0)
        if entry.size < CUTOFF and entry.kind != ROOT:
            return self._open_short(entry)
        most = -(-entry.size // self._sector)
        runs = list(_runs(islice(self._chain(entry.start), most), self._sector, first=1))
        count = sum(length for _, length in runs) // self._sector
        self._left -= count
        if count < most or self._left < 0:
            raise Refused(DAMAGED)
        return Content(self._data, runs, entry.size)

    def _open_short(self, entry: Entry) -> Content:
        if self._mini_left < 0:
            self._mini = self.open(self.entries[0])
            for sector in self._chain(self._small):
                self._mini_next.extend(_numbers(self._read(sector)))
            self._mini_left = -(-self._mini.size // MINI_SECTOR)
        most = -(-entry.size // MINI_SECTOR)
        chain = islice(_follow(entry.start, self._mini_next, len(self._mini_next)), most)
        self._mini_left -= most
        if self._mini_left < 0:
            raise Refused(DAMAGED)
        content = b"".join(self._mini.read(start, length) for start, length in _runs(chain, MINI_SECTOR))
        if len(content) < entry.size:
            raise Refused(DAMAGED)
        return Content(content, [(0, entry.size)], entry.size)

    def _read(self, sector: int) -> bytes:
        start = (sector + 1) * self._sector
        return self._data[start : start + self._sector]

    def _tables(self, first: Sequence[int], more: int, count: int) -> list[int]:
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
        number = 0
        for sector in self._chain(directory):
            listed = self._read(sector)
            for name, length, kind, left, right, child, clsid, start, size in LISTED.iter_unpack(
                listed[: len(listed) // LISTED.size * LISTED.size]
            ):
                if number >= MOST_ENTRIES:
                    raise Refused(DAMAGED)
                called = name[: max(0, length - 2)].decode("utf-16-le", "replace").casefold()
                size = size & 0xFFFFFFFF if self._version == 3 else size  # 2.6.3
                yield Entry(number, called, kind, left, right, child, clsid, start, size)
                number += 1

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


def _runs(chain: Iterator[int], size: int, first: int = 0) -> Iterator[tuple[int, int]]:
    """Where sectors that follow each other lie, as start and length in bytes."""
    start = length = 0
    for sector in chain:
        position = (sector + first) * size
        if length and position == start + length:
            length += size
        else:
            if length:
                yield start, length
            start, length = position, size
    if length:
        yield start, length


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


def _numbers(sector: bytes) -> array[int]:
    numbers = array("I")
    numbers.frombytes(sector[: len(sector) // 4 * 4])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
