"""Memory mapping of uploads: only the parts used are read."""

from __future__ import annotations

import mmap
from io import UnsupportedOperation
from typing import IO

Bytes = bytes | mmap.mmap
SMALL = 1024 * 1024
"""Bytes up to which reading is cheaper than mapping, and keeps an upload off the disk."""


def map_stream(stream: IO[bytes] | Bytes) -> Bytes:
    """Return the bytes of a stream, mapped if large; bytes unchanged."""
    if isinstance(stream, bytes | mmap.mmap):
        return stream
    size = stream.seek(0, 2)
    stream.seek(0)
    if size > SMALL:
        try:
            return mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_READ)
        except (AttributeError, UnsupportedOperation, OSError):
            stream.seek(0)  # it is in memory
    return stream.read()
