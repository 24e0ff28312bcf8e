"""Object streams (7.5.7)."""

from __future__ import annotations

import re
from itertools import islice

from ..budget import MB
from ..findings import Refused
from ..sentences import PDF_DAMAGED, PDF_TOO_MUCH, PDF_UNUSUAL
from .filters import Undecodable
from .limits import Budget
from .objects import Objects, Stream
from .spans import TOKENS_OF_OBJECT, read_end
from .streams import Decrypt, resolve_single, unpack
from .syntax import END_OF_NAME, SPACE, TOKEN, match_names
from .values import DIGITS, Ambiguous, find_string_end

MAX_UNPACKED = 8 * MB
MAY_BE_PACKED = re.compile(rb"/(?:" + match_names("ObjStm", "First") + b")" + END_OF_NAME)
"""/First counts: viewers need no /Type, and no other stream has it."""
NUMBERS = re.compile(rb"(?:" + SPACE + rb"*+\d{1,10}(?!\d))*+")
MIN_PAIR_LENGTH = 4  # bytes
TOKENS_OF_PAIR = 4


def read_packed(objects: Objects, at: int, decrypt: Decrypt | None) -> tuple[bytes, list[tuple[int, int]]]:
    """Return an object stream's content, and each object's start and number; nothing for other objects."""
    try:
        stream = objects.read(at)
    except Ambiguous as error:
        raise Refused(PDF_UNUSUAL) from error
    if not isinstance(stream, Stream) or not {"First", "N"} & stream.dictionary.keys():
        return b"", []
    first, count = (resolve_single(objects, stream.dictionary.get(key)) for key in ("First", "N"))
    if not isinstance(first, int) or not isinstance(count, int):
        raise Refused(PDF_UNUSUAL)
    content = bytearray()
    try:
        for piece in unpack(objects, stream, decrypt):
            content += piece
            if len(content) > MAX_UNPACKED:
                raise Refused(PDF_TOO_MUCH)
    except Undecodable as error:
        raise Refused(PDF_DAMAGED) from error
    whole = bytes(content)
    del content
    return whole, _parse_pairs(whole, first, count, objects)


def _parse_pairs(content: bytes, first: int, count: int, objects: Objects) -> list[tuple[int, int]]:
    """Return starts and numbers from the pairs at the start of the stream."""
    header = NUMBERS.match(content)
    written = header[0] if header else b""
    objects.budget.scan(min(max(count, 0), len(written) // MIN_PAIR_LENGTH) * TOKENS_OF_PAIR)
    numbers = [int(found[0]) for found in islice(DIGITS.finditer(written), 2 * max(count, 0))]
    if len(numbers) < 2 * count:
        raise Refused(PDF_UNUSUAL)
    pairs = zip((first + offset for offset in numbers[1::2]), numbers[0::2], strict=False)
    return sorted(pair for pair in pairs if 0 <= pair[0] < len(content))


def find_packed_end(content: bytes, start: int, budget: Budget) -> int:
    """Return the end of an object in an object stream: no keyword marks it."""
    token = TOKEN.match(content, start)
    if token is None:
        return start
    if token.lastgroup == "opening":
        return read_end(content, start, budget)[0]
    budget.scan(TOKENS_OF_OBJECT)
    if token.lastgroup == "string":
        return find_string_end(content, token.end(), budget) or len(content)
    return token.end()
