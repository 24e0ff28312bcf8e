"""Files in an object storage: S3, Google Cloud Storage, Azure."""

from __future__ import annotations

import contextlib
import functools
import io
import mmap
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import IO, Any

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import from_url

from leadintake.core.clock import now
from leadintake.core.errors import Unavailable
from leadintake.core.languages import phrase

UPLOAD_TAKES_AT_MOST = timedelta(hours=1)
CHUNK = 64 * 1024
log = structlog.get_logger()


class ObjectStore:
    """A bucket (and prefix). An object is complete or absent: a put is one request, answered when durable."""

    def __init__(self, url: str) -> None:
        self.url = url

    @functools.cached_property
    def _store(self) -> Any:
        # Made at the first use: a client made before a fork hangs in the child.
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        return from_url(
            self.url,
            client_options={"timeout": "5s", "connect_timeout": "2s", "allow_http": plain},
            retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=2)},
        )

    def save(self, key: str, stream: IO[bytes]) -> Callable[[], None]:
        """Put the object in one request, mapped and not read, so that its size costs no memory."""
        with _as_unavailable("store"), _mapped(stream) as content:
            obstore.put(self._store, key, content, use_multipart=False)
        return lambda: None

    def open(self, key: str) -> IO[bytes]:
        """A reader that fetches what is read."""
        try:
            with _as_unavailable("open", or_missing=True):
                return io.BufferedReader(_Raw(obstore.open_reader(self._store, key)), CHUNK)
        except FileNotFoundError as error:
            raise FileNotFoundError(key) from error

    def delete(self, key: str) -> None:
        """Remove the object."""
        with contextlib.suppress(FileNotFoundError), _as_unavailable("delete", or_missing=True):
            obstore.delete(self._store, key)

    def names(self) -> Iterator[str]:
        """Every key below the prefix."""
        with _as_unavailable("list"):
            for batch in obstore.list(self._store):
                yield from (entry["path"] for entry in batch)

    def delete_unless(self, key: str, owned: Callable[[], bool]) -> bool:
        """Leave young objects alone: an object storage knows no locks, and their row may be on its way."""
        try:
            with _as_unavailable("delete", or_missing=True):
                age = now() - obstore.head(self._store, key)["last_modified"]
                if age < UPLOAD_TAKES_AT_MOST or owned():
                    return False
                obstore.delete(self._store, key)
        except FileNotFoundError:
            return False  # its upload took it back meanwhile
        return True

    def look(self) -> None:
        """List the first objects."""
        with _as_unavailable("check"):
            next(iter(obstore.list(self._store)), None)


class _Raw(io.RawIOBase):
    """What obstore reads, as bytes: its own buffers are nothing a WSGI server takes (PEP 3333)."""

    def __init__(self, reader: obstore.ReadableFile) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = memoryview(self._reader.read(len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()


@contextlib.contextmanager
def _mapped(stream: IO[bytes]) -> Iterator[IO[bytes] | mmap.mmap]:
    """The stream as it lies on the disk; itself where it is in memory."""
    stream.seek(0)  # and so write what is still in its buffer
    try:
        number = stream.fileno()
    except OSError:
        yield stream
        return
    content = mmap.mmap(number, 0, access=mmap.ACCESS_READ)
    try:
        yield content
    finally:
        with contextlib.suppress(BufferError):  # a request that was given up: unmapped when it lets go
            content.close()


@contextlib.contextmanager
def _as_unavailable(act: str, *, or_missing: bool = False) -> Iterator[None]:
    """Answer a storage that fails with 503. A missing key is a failure too, as a missing bucket is."""
    try:
        yield
    except (BaseError, OSError) as error:
        if or_missing and isinstance(error, FileNotFoundError):
            raise
        log.error("storage_failed", act=act, error=str(error).partition("\n")[0])  # noqa: TRY400 - cause is in it
        raise Unavailable(phrase("The file storage does not answer. Please try again soon.")) from error
