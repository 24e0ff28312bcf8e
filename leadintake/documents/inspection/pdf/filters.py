"""The filters of streams (7.4) that say nothing of pictures, piece by piece.

Each step spends what it hands on, so that no chain of them makes much out of little.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator

from ..findings import Refused
from ..sentences import PDF_UNUSUAL
from .limits import Budget
from .values import NO_HEX

CHUNK = 4096
COST_OF_PREDICTION = 12
"""Times the price of a byte that a predictor's byte has: it is worked out in Python."""
COST_OF_BASE85 = 4
COST_OF_RUN = 16
LONGEST_ROW = 4096
NO_BASE85 = bytes(set(range(256)) - set(range(33, 118)) - set(b"z"))

Pieces = Iterator[bytes]


class Undecodable(Exception):
    """The bytes are not as their filter asks for."""


def inflated(pieces: Pieces, budget: Budget) -> Pieces:
    """FlateDecode (7.4.4). A stream that is cut off gives what there is of it."""
    unpacking = zlib.decompressobj()
    try:
        for packed in pieces:
            left = packed
            while left and not unpacking.eof:
                piece = unpacking.decompress(left, CHUNK)
                left = unpacking.unconsumed_tail
                budget.unpack(len(piece))
                yield piece
            if unpacking.eof:
                return
        while not unpacking.eof and (piece := unpacking.decompress(b"", CHUNK)):
            budget.unpack(len(piece))
            yield piece
    except zlib.error as error:
        raise Undecodable from error


def from_hex(pieces: Pieces, budget: Budget) -> Pieces:
    """ASCIIHexDecode (7.4.2)."""
    kept = b""
    for piece in pieces:
        written, end, _ = piece.partition(b">")
        digits = kept + written.translate(None, NO_HEX)
        if end and len(digits) % 2:
            digits += b"0"
        even = len(digits) & ~1
        kept = digits[even:]
        budget.unpack(even // 2)
        yield bytes.fromhex(digits[:even].decode())
        if end:
            return


def from_base85(pieces: Pieces, budget: Budget) -> Pieces:
    """ASCII85Decode (7.4.3)."""
    kept = b""
    for piece in pieces:
        written, end, _ = piece.partition(b"~")
        kept += written.translate(None, NO_BASE85).replace(b"z", b"!!!!!")
        whole = len(kept) if end else len(kept) // 5 * 5
        groups, kept = kept[:whole], kept[whole:]
        try:
            decoded = base64.a85decode(groups)
        except (ValueError, OverflowError) as error:
            raise Undecodable from error
        budget.unpack(len(decoded) * COST_OF_BASE85)
        yield decoded
        if end:
            return


def run_lengths(pieces: Pieces, budget: Budget) -> Pieces:
    """RunLengthDecode (7.4.5)."""
    left = b""
    for piece in pieces:
        left += piece
        position = 0
        found: list[bytes] = []
        while position < len(left):
            length = left[position]
            if length == 128:
                yield b"".join(found)
                return
            size = length + 2 if length < 128 else 2
            if position + size > len(left):
                break
            run = left[position + 1 : position + size]
            found.append(run if length < 128 else run * (257 - length))
            budget.unpack(len(found[-1]) + COST_OF_RUN)
            position += size
        left = left[position:]
        yield b"".join(found)


def unpredicted(pieces: Pieces, budget: Budget, columns: int, size: int) -> Pieces:
    """The predictors of PNG (7.4.4.4): each row begins with the way in which it is told from that above.

    `columns` in bytes, `size` of a pixel in bytes.
    """
    if not (0 < columns <= LONGEST_ROW and 0 < size <= 8):
        raise Refused(PDF_UNUSUAL)
    above, left = bytearray(columns), b""
    for piece in pieces:
        budget.unpack(len(piece) * COST_OF_PREDICTION)
        left += piece
        rows = len(left) // (columns + 1)
        for at in range(rows):
            row = left[at * (columns + 1) : (at + 1) * (columns + 1)]
            above = _row(row[0], bytearray(row[1:]), above, size)
            yield bytes(above)
        left = left[rows * (columns + 1) :]


def _row(way: int, row: bytearray, above: bytearray, size: int) -> bytearray:
    if way == 2:
        return bytearray((now + up) & 255 for now, up in zip(row, above, strict=True))
    if way in (1, 3, 4):
        for at, now in enumerate(row):
            before = row[at - size] if at >= size else 0
            corner = above[at - size] if at >= size else 0
            row[at] = (now + _guess(way, before, above[at], corner)) & 255
    elif way:
        raise Undecodable
    return row


def _guess(way: int, left: int, up: int, corner: int) -> int:
    if way == 1:
        return left
    if way == 3:
        return (left + up) // 2
    distances = (abs(up - corner), abs(left - corner), abs(left + up - 2 * corner))
    return (left, up, corner)[distances.index(min(distances))]


FILTERS: dict[str, Callable[[Pieces, Budget], Pieces]] = {
    "FlateDecode": inflated,
    "Fl": inflated,
    "ASCIIHexDecode": from_hex,
    "AHx": from_hex,
    "ASCII85Decode": from_base85,
    "A85": from_base85,
    "RunLengthDecode": run_lengths,
    "RL": run_lengths,
}
