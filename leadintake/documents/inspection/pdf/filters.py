"""Stream filters (7.4), except for pictures, as generators.

Each spends its output from the budget, which limits every chain.
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
"""Cost of a predicted byte in plain ones: predictors run in Python."""
COST_OF_BASE85 = 4
COST_OF_RUN = 16
MAX_ROW_LENGTH = 4096
NO_BASE85 = bytes(set(range(256)) - set(range(33, 118)) - set(b"z"))

Pieces = Iterator[bytes]


class Undecodable(Exception):
    """The bytes violate their filter's format."""


def inflate(pieces: Pieces, budget: Budget) -> Pieces:
    """Decode FlateDecode (7.4.4); a truncated stream as far as it goes."""
    unpacking = zlib.decompressobj()
    try:
        for packed in pieces:
            rest = packed
            while rest and not unpacking.eof:
                piece = unpacking.decompress(rest, CHUNK)
                rest = unpacking.unconsumed_tail
                budget.unpack(len(piece))
                yield piece
            if unpacking.eof:
                return
        while not unpacking.eof and (piece := unpacking.decompress(b"", CHUNK)):
            budget.unpack(len(piece))
            yield piece
    except zlib.error as error:
        raise Undecodable from error


def decode_hex(pieces: Pieces, budget: Budget) -> Pieces:
    """Decode ASCIIHexDecode (7.4.2)."""
    rest = b""
    for piece in pieces:
        written, end, _ = piece.partition(b">")
        digits = rest + written.translate(None, NO_HEX)
        if end and len(digits) % 2:
            digits += b"0"
        even = len(digits) & ~1
        rest = digits[even:]
        budget.unpack(even // 2)
        yield bytes.fromhex(digits[:even].decode())
        if end:
            return


def decode_base85(pieces: Pieces, budget: Budget) -> Pieces:
    """Decode ASCII85Decode (7.4.3)."""
    rest = b""
    for piece in pieces:
        written, end, _ = piece.partition(b"~")
        rest += written.translate(None, NO_BASE85).replace(b"z", b"!!!!!")
        whole = len(rest) if end else len(rest) // 5 * 5
        groups, rest = rest[:whole], rest[whole:]
        try:
            decoded = base64.a85decode(groups)
        except (ValueError, OverflowError) as error:
            raise Undecodable from error
        budget.unpack(len(decoded) * COST_OF_BASE85)
        yield decoded
        if end:
            return


def decode_run_lengths(pieces: Pieces, budget: Budget) -> Pieces:
    """Decode RunLengthDecode (7.4.5)."""
    rest = b""
    for piece in pieces:
        rest += piece
        position = 0
        found: list[bytes] = []
        while position < len(rest):
            length = rest[position]
            if length == 128:
                yield b"".join(found)
                return
            size = length + 2 if length < 128 else 2
            if position + size > len(rest):
                break
            run = rest[position + 1 : position + size]
            found.append(run if length < 128 else run * (257 - length))
            budget.unpack(len(found[-1]) + COST_OF_RUN)
            position += size
        rest = rest[position:]
        yield b"".join(found)


def undo_predictor(pieces: Pieces, budget: Budget, columns: int, size: int) -> Pieces:
    """Undo a PNG predictor (7.4.4.4); each row's first byte is its method.

    `columns`: bytes of a row; `size`: bytes of a pixel.
    """
    if not (0 < columns <= MAX_ROW_LENGTH and 0 < size <= 8):
        raise Refused(PDF_UNUSUAL)
    above, rest = bytearray(columns), b""
    for piece in pieces:
        budget.unpack(len(piece) * COST_OF_PREDICTION)
        rest += piece
        rows = len(rest) // (columns + 1)
        for at in range(rows):
            row = rest[at * (columns + 1) : (at + 1) * (columns + 1)]
            above = _restore_row(row[0], bytearray(row[1:]), above, size)
            yield bytes(above)
        rest = rest[rows * (columns + 1) :]


def _restore_row(method: int, row: bytearray, above: bytearray, size: int) -> bytearray:
    if method == 2:
        return bytearray((byte + up) & 255 for byte, up in zip(row, above, strict=True))
    if method in (1, 3, 4):
        for at, byte in enumerate(row):
            left = row[at - size] if at >= size else 0
            corner = above[at - size] if at >= size else 0
            row[at] = (byte + _predict(method, left, above[at], corner)) & 255
    elif method:
        raise Undecodable
    return row


def _predict(method: int, left: int, up: int, corner: int) -> int:
    if method == 1:
        return left
    if method == 3:
        return (left + up) // 2
    distances = (abs(up - corner), abs(left - corner), abs(left + up - 2 * corner))
    return (left, up, corner)[distances.index(min(distances))]


FILTERS: dict[str, Callable[[Pieces, Budget], Pieces]] = {
    "FlateDecode": inflate,
    "Fl": inflate,
    "ASCIIHexDecode": decode_hex,
    "AHx": decode_hex,
    "ASCII85Decode": decode_base85,
    "A85": decode_base85,
    "RunLengthDecode": decode_run_lengths,
    "RL": decode_run_lengths,
}
