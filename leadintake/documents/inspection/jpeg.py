"""JPEG (ITU T.81, JFIF), walked from segment to segment without decoding."""

from __future__ import annotations

import re
from typing import IO

from .findings import Flag, Refused
from .mapping import Bytes, map_stream
from .photos import judge_rest, require_size
from .sentences import PHOTO_DAMAGED, PHOTO_UNUSUAL

START, END, SCAN = 0xD8, 0xD9, 0xDA
FRAMES = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive: what browsers show."""
OTHER_FRAMES = {0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
FILL = re.compile(rb"\xff+")
MARKER_BEHIND_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
MAX_SEGMENTS, MAX_SCANS, MAX_PICTURES = 5_000, 64, 8
"""Of all pictures in a file: telephones put smaller ones, and maps of depth and light, behind the first."""
SIGNATURE = b"\xff\xd8\xff"


def fits(stream: IO[bytes]) -> bool:
    """Return whether it starts as a JPEG."""
    return stream.read(3) == SIGNATURE


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Inspect a JPEG and return its flags."""
    data = map_stream(stream)
    walk = _Walk(data)
    end = walk.read_picture(0)
    for _ in range(MAX_PICTURES - 1):
        start = data.find(SIGNATURE, end)
        if start < 0 or data[end:start].strip(b"\0"):
            break
        end = walk.read_picture(start)
    return judge_rest(data, end)


class _Walk:
    def __init__(self, data: Bytes) -> None:
        self._data, self._segments, self._scans = data, 0, 0

    def read_picture(self, start: int) -> int:
        """Read the picture at `start`; return where it ends. Raises Refused."""
        position, has_frame, has_scan = start + 2, False, False
        while True:
            position = self._skip_fill(position)
            marker = self._data[position]
            if marker == END:
                if not (has_frame and has_scan):
                    raise Refused(PHOTO_DAMAGED)
                return position + 1
            length = self._read_number(position + 1)
            if length < 2:
                raise Refused(PHOTO_DAMAGED)
            if marker in FRAMES:
                if has_frame or length < 8:
                    raise Refused(PHOTO_UNUSUAL)
                require_size(self._read_number(position + 6), self._read_number(position + 4))
                has_frame = True
            elif marker in OTHER_FRAMES or 0xD0 <= marker <= START or marker <= 0x01:
                raise Refused(PHOTO_UNUSUAL)
            position += 1 + length
            if marker == SCAN:
                has_scan = True
                position = self._skip_scan(position)

    def _skip_fill(self, position: int) -> int:
        """Return the place of the marker's code, behind 0xFF once or more often."""
        self._segments += 1
        if self._segments > MAX_SEGMENTS:
            raise Refused(PHOTO_UNUSUAL)
        found = FILL.match(self._data, position)
        if found is None or found.end() == len(self._data):
            raise Refused(PHOTO_DAMAGED)
        return found.end()

    def _skip_scan(self, position: int) -> int:
        self._scans += 1
        if self._scans > MAX_SCANS:
            raise Refused(PHOTO_UNUSUAL)
        found = MARKER_BEHIND_SCAN.search(self._data, position)
        if found is None:
            raise Refused(PHOTO_DAMAGED)
        return found.start()

    def _read_number(self, position: int) -> int:
        octets = self._data[position : position + 2]
        if len(octets) < 2:
            raise Refused(PHOTO_DAMAGED)
        return int.from_bytes(octets)
