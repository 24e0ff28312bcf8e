"""PNG (ISO/IEC 15948), walked from chunk to chunk without decoding."""

from __future__ import annotations

import re
import zlib
from typing import IO

from .findings import Flag, Refused
from .mapping import Bytes, map_stream
from .photos import judge_rest, require_size
from .sentences import PHOTO_DAMAGED, PHOTO_UNUSUAL

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER, DATA, END = b"IHDR", b"IDAT", b"IEND"
CRITICAL = {HEADER, b"PLTE", DATA, END}
DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
"""Bits by colour type."""
NAME = re.compile(rb"[A-Za-z]{4}")
MAX_CHUNKS = 20_000
FRAME = 12
"""Octets of a chunk besides its content."""


def fits(stream: IO[bytes]) -> bool:
    """Return whether it starts as a PNG."""
    return stream.read(len(SIGNATURE)) == SIGNATURE


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Inspect a PNG and return its flags."""
    data = map_stream(stream)
    position, has_data = len(SIGNATURE), False
    for number in range(MAX_CHUNKS):
        name, content, position = _read_chunk(data, position)
        if (number == 0) != (name == HEADER) or (name[0:1].isupper() and name not in CRITICAL):
            raise Refused(PHOTO_UNUSUAL)
        if name == HEADER:
            _judge_header(content)
        has_data = has_data or name == DATA
        if name == END:
            if content or not has_data:
                raise Refused(PHOTO_DAMAGED)
            return judge_rest(data, position)
    raise Refused(PHOTO_UNUSUAL)


def _read_chunk(data: Bytes, position: int) -> tuple[bytes, memoryview, int]:
    """Return name and content of a chunk, and where it ends. Raises Refused."""
    length = int.from_bytes(data[position : position + 4])
    end = position + FRAME + length
    name = data[position + 4 : position + 8]
    if end > len(data) or not NAME.fullmatch(name):
        raise Refused(PHOTO_DAMAGED)
    content = memoryview(data)[position + 8 : end - 4]
    if zlib.crc32(content, zlib.crc32(name)) != int.from_bytes(data[end - 4 : end]):
        raise Refused(PHOTO_DAMAGED)
    return name, content, end


def _judge_header(content: memoryview) -> None:
    if len(content) != 13:
        raise Refused(PHOTO_DAMAGED)
    require_size(int.from_bytes(content[:4]), int.from_bytes(content[4:8]))
    depth, colour, compression, filtering, interlacing = content[8:]
    if depth not in DEPTHS.get(colour, ()) or compression or filtering or interlacing > 1:
        raise Refused(PHOTO_UNUSUAL)
