"""The bytes of a container's entries: measured while they are unpacked, whatever the list says of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from .budget import MB, Budget
from .container import STORED, Container, Entry
from .findings import Refused
from .sentences import DAMAGED, TOO_MUCH

CHUNK = 64 * 1024
HIGHEST_RATIO = 200
"""Unpacked bytes for a packed one: what Word writes stays below 50, a bomb is near deflate's limit, 1032."""
UNMEASURED = 1 * MB  # below this an entry may be as dense as it likes


def unpacked(container: Container, entry: Entry, budget: Budget) -> Iterator[bytes]:
    """The entry's bytes, piece by piece. Raises Refused when they are not as the list says."""
    size = crc = 0
    densest = max(UNMEASURED, HIGHEST_RATIO * entry.packed)
    for piece in _stored(container, entry) if entry.method == STORED else _inflated(container, entry):
        budget.unpack(len(piece))
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        if size > densest:
            raise Refused(TOO_MUCH)
        yield piece
    if (size, crc) != (entry.size, entry.crc):
        raise Refused(DAMAGED)


def _stored(container: Container, entry: Entry) -> Iterator[bytes]:
    start = container.entries[entry]
    for position in range(start, start + entry.packed, CHUNK):
        # Each time anew: somebody else may have read the stream between two pieces.
        container.stream.seek(position)
        yield container.stream.read(min(CHUNK, start + entry.packed - position))


def _inflated(container: Container, entry: Entry) -> Iterator[bytes]:
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for packed in _stored(container, entry):
            if inflating.eof:
                raise Refused(DAMAGED)
            left = packed
            while left and not inflating.eof:
                piece = inflating.decompress(left, CHUNK)
                left = inflating.unconsumed_tail
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
