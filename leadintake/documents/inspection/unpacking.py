"""Unpacking of zip entries, measured on the way: the directory's sizes may be false."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from .budget import MB, Budget
from .container import STORED, Container, Entry
from .findings import Refused
from .sentences import DAMAGED, TOO_MUCH

CHUNK = 64 * 1024
MAX_RATIO = 200
"""Unpacked bytes per packed one. Word stays below 50; a bomb is near deflate's limit, 1032."""
FREE_SIZE = 1 * MB  # bytes without a limit on the ratio


def unpack(container: Container, entry: Entry, budget: Budget) -> Iterator[bytes]:
    """Yield an entry's bytes. Raises Refused if size or checksum differ from the directory's."""
    size = crc = 0
    max_size = max(FREE_SIZE, MAX_RATIO * entry.packed)
    for piece in _read_stored(container, entry) if entry.method == STORED else _inflate(container, entry):
        budget.unpack(len(piece))
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        if size > max_size:
            raise Refused(TOO_MUCH)
        yield piece
    if (size, crc) != (entry.size, entry.crc):
        raise Refused(DAMAGED)


def _read_stored(container: Container, entry: Entry) -> Iterator[bytes]:
    start = container.entries[entry]
    for position in range(start, start + entry.packed, CHUNK):
        # Seek each time: others may have moved the stream between two pieces.
        container.stream.seek(position)
        yield container.stream.read(min(CHUNK, start + entry.packed - position))


def _inflate(container: Container, entry: Entry) -> Iterator[bytes]:
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for packed in _read_stored(container, entry):
            if inflating.eof:
                raise Refused(DAMAGED)
            rest = packed
            while rest and not inflating.eof:
                piece = inflating.decompress(rest, CHUNK)
                rest = inflating.unconsumed_tail
                if piece:
                    yield piece
            if inflating.unused_data:
                raise Refused(DAMAGED)
        while not inflating.eof and (piece := inflating.decompress(b"", CHUNK)):
            yield piece
    except zlib.error as error:
        raise Refused(DAMAGED) from error
    if not inflating.eof:
        raise Refused(DAMAGED)
