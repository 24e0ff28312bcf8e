"""The bytes of a file, mapped into memory where there is a file, so that its size costs none."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast


@contextmanager
def mapped(stream: IO[bytes]) -> Iterator[bytes]:
    """All bytes of the stream, as something that is searched and sliced like bytes; not empty.

    A spooled file that is still in memory has no name, and is not put on the disk for this.
    """
    if isinstance(stream, io.BytesIO) or getattr(stream, "name", None) is None:
        stream.seek(0)
        yield stream.getvalue() if isinstance(stream, io.BytesIO) else stream.read()
        return
    stream.flush()
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield cast("bytes", content)
