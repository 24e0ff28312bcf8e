"""Compound files ([MS-CFB]): a file system in a file, used by DOC and by embedded objects.

Replaces olefile, which walks the tree recursively and repairs errors. Here, no chain has more sectors than
the file, no sector belongs to two streams, and contradictions are refused. Only the parts used are read.
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
from .mapping import Bytes, map_stream
from .sentences import DAMAGED

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HEADER = struct.Struct("<8s18x4H10xLL4xLL4xL4x436s")  # [MS-CFB] 2.2
DIRECTORY = struct.Struct("<64sHBx3L16s20xLQ")  # a directory entry, 2.6.1
UNUSED, STORAGE, STREAM, ROOT = 0, 1, 2, 5
END_OF_CHAIN, NO_ENTRY = 0xFFFFFFFE, 0xFFFFFFFF
CUTOFF, MINI_SECTOR = 4096, 64  # shorter streams share the mini stream, in sectors of 64 bytes
MAX_ENTRIES = 4096
CHUNK = 64 * 1024


@dataclass
class Entry:
    """Storage or stream. `name` in lower case; `parent`: number of its storage."""

    number: int
    name: str
    kind: int
    left_sibling: int
    right_sibling: int
    child: int
    clsid: bytes
    start: int
    size: int
    parent: int | None = None


class Content:
    """Bytes of a stream, as runs (start, length) of the file."""

    def __init__(self, data: Bytes, runs: list[tuple[int, int]], size: int) -> None:
        self._data, self._runs, self.size = data, runs, size
        self._starts = [0]
        for _, length in runs:
            self._starts.append(self._starts[-1] + length)

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from `start`."""
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
        """Return all bytes."""
        return self.read(0, self.size)


class Compound:
    """Directory of a compound file."""

    def __init__(self, stream: IO[bytes] | Bytes) -> None:
        self._data = map_stream(stream)
        header = self._data[: HEADER.size]
        if len(header) < HEADER.size or not header.startswith(MAGIC):
            raise Refused(DAMAGED)
        _, version, order, shift, mini, tables, directory, cutoff, small, more, first = HEADER.unpack(header)
        if (version, shift) not in ((3, 9), (4, 12)) or (order, mini, cutoff) != (0xFFFE, 6, CUTOFF):
            raise Refused(DAMAGED)
        self._sector, self._version = 1 << shift, version
        self._sectors = max(0, -(-len(self._data) // self._sector) - 1)  # the last sector may be short
        self._next = array("I")
        for table in self._tables(_read_numbers(first), more, tables):
            self._next.extend(_read_numbers(self._read(table)))
        self._sectors_left = self._sectors
        self._small, self._mini, self._mini_next = small, Content(b"", [], 0), array("I")
        self._mini_sectors_left = -1
        self._contents: dict[int, Content] = {}
        self.entries = list(self._read_directory(directory))
        if not self.entries or self.entries[0].kind != ROOT:
            raise Refused(DAMAGED)
        self._set_parents()
        self._children: dict[int | None, list[Entry]] = {}
        for entry in self.entries:
            if entry.kind != UNUSED:
                self._children.setdefault(entry.parent, []).append(entry)

    def at_root(self, name: str) -> Entry | None:
        """Return the entry `name` in the root storage."""
        return self.find(0, name)

    def find(self, number: int, name: str) -> Entry | None:
        """Return the entry `name` in the storage `number`. Raises Refused if there are two."""
        found = [entry for entry in self.children(number) if entry.name == name.casefold()]
        if len(found) > 1:
            raise Refused(DAMAGED)
        return found[0] if found else None

    def children(self, number: int) -> Sequence[Entry]:
        """Return the entries of the storage `number`; the root is 0."""
        return self._children.get(number, ())

    def open(self, entry: Entry) -> Content:
        """Return a stream's content. Raises Refused if it is cut or shares sectors."""
        if entry.number not in self._contents:
            self._contents[entry.number] = self._open(entry)
        return self._contents[entry.number]

    def content(self, entry: Entry) -> bytes:
        """Return all bytes of a stream."""
        return self.open(entry).all()

    def _open(self, entry: Entry) -> Content:
        if not entry.size:
            return Content(b"", [], 0)
        if entry.size < CUTOFF and entry.kind != ROOT:
            return self._open_short(entry)
        needed = -(-entry.size // self._sector)
        runs = list(_merge_runs(islice(self._chain(entry.start), needed), self._sector, first=1))
        count = sum(length for _, length in runs) // self._sector
        self._sectors_left -= count
        if count < needed or self._sectors_left < 0:
            raise Refused(DAMAGED)
        return Content(self._data, runs, entry.size)

    def _open_short(self, entry: Entry) -> Content:
        if self._mini_sectors_left < 0:
            self._mini = self.open(self.entries[0])
            for sector in self._chain(self._small):
                self._mini_next.extend(_read_numbers(self._read(sector)))
            self._mini_sectors_left = -(-self._mini.size // MINI_SECTOR)
        needed = -(-entry.size // MINI_SECTOR)
        chain = islice(_follow_chain(entry.start, self._mini_next, len(self._mini_next)), needed)
        self._mini_sectors_left -= needed
        if self._mini_sectors_left < 0:
            raise Refused(DAMAGED)
        runs = _merge_runs(chain, MINI_SECTOR)
        content = b"".join(self._mini.read(start, length) for start, length in runs)
        if len(content) < entry.size:
            raise Refused(DAMAGED)
        return Content(content, [(0, entry.size)], entry.size)

    def _read(self, sector: int) -> bytes:
        start = (sector + 1) * self._sector
        return self._data[start : start + self._sector]

    def _tables(self, first: Sequence[int], more: int, count: int) -> list[int]:
        """Return the sectors of the allocation table; the header lists 109, 2.5."""
        count = min(count, -(-self._sectors * 4 // self._sector))  # enough for the whole file
        numbers = list(first)
        while len(numbers) < count and more < self._sectors:
            *further, more = _read_numbers(self._read(more)) or (END_OF_CHAIN,)
            numbers += further
        return numbers[:count]

    def _chain(self, sector: int) -> Iterator[int]:
        return _follow_chain(sector, self._next, min(self._sectors, len(self._next)))

    def _read_directory(self, directory: int) -> Iterator[Entry]:
        number = 0
        for sector in self._chain(directory):
            listed = self._read(sector)
            for name, length, kind, left, right, child, clsid, start, size in DIRECTORY.iter_unpack(
                listed[: len(listed) // DIRECTORY.size * DIRECTORY.size]
            ):
                if number >= MAX_ENTRIES:
                    raise Refused(DAMAGED)
                entry_name = name[: max(0, length - 2)].decode("utf-16-le", "replace").casefold()
                size = size & 0xFFFFFFFF if self._version == 3 else size  # 2.6.3
                yield Entry(number, entry_name, kind, left, right, child, clsid, start, size)
                number += 1

    def _set_parents(self) -> None:
        """Set each entry's parent: a storage's entries form a tree of siblings, 2.6.4."""
        pending = [(self.entries[0].child, 0)]
        self.entries[0].parent = -1
        while pending:
            number, parent = pending.pop()
            if number == NO_ENTRY:
                continue
            if number >= len(self.entries) or self.entries[number].parent is not None:
                raise Refused(DAMAGED)
            entry = self.entries[number]
            entry.parent = parent
            pending += [(entry.left_sibling, parent), (entry.right_sibling, parent)]
            if entry.kind == STORAGE:
                pending.append((entry.child, number))


def _merge_runs(chain: Iterator[int], size: int, first: int = 0) -> Iterator[tuple[int, int]]:
    """Yield runs of adjacent sectors: start and length in bytes."""
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


def _follow_chain(sector: int, following: Sequence[int], count: int) -> Iterator[int]:
    """Yield the chain that starts with `sector`, of `count` sectors at most."""
    for _ in range(count + 1):
        if sector == END_OF_CHAIN:
            return
        if sector >= count:
            break
        yield sector
        sector = following[sector]
    raise Refused(DAMAGED)


def _read_numbers(sector: bytes) -> array[int]:
    numbers = array("I")
    numbers.frombytes(sector[: len(sector) // 4 * 4])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
