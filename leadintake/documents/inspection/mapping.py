"""The bytes of an upload where they lie: a file is mapped, so that only what is looked at is read."""

from __future__ import annotations

import mmap
from io import UnsupportedOperation
from typing import IO

Bytes = bytes | mmap.mmap
SMALL = 1024 * 1024
"""Bytes up to which reading is cheaper than mapping, and moves no file in memory to the disk."""


def mapped(stream: IO[bytes] | Bytes) -> Bytes:
    """All bytes of a stream, or those that are mapped already."""
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
