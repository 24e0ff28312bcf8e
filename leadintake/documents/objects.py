"""Files in an object storage: S3, Google Cloud Storage, Azure."""

from __future__ import annotations

import contextlib
import functools
import io
import mmap
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import IO, Any

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import from_url

from leadintake.core.errors import Unavailable
from leadintake.core.languages import phrase
from leadintake.documents.entries import TRASH, Entry, Trashed, is_batch, is_file

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

    def entries(self) -> Iterator[Entry]:
        """Every object directly below the prefix: what lies deeper may be another installation's."""
        with _as_unavailable("list"):
            for batch in obstore.list(self._store):
                for found in batch:
                    if is_file(found["path"]):
                        yield Entry(found["path"], found["last_modified"])

    def names(self) -> Iterator[str]:
        """The names of all files."""
        return (entry.key for entry in self.entries())

    def discard(self, key: str, batch: str, before: datetime, owned: Callable[[], bool]) -> bool:
        """Go by age and row: an object storage knows no locks."""
        try:
            with _as_unavailable("discard", or_missing=True):
                if obstore.head(self._store, key)["last_modified"] > before or owned():
                    return False
                self._move(key, Trashed(key, batch).path)
        except FileNotFoundError:
            return False  # its upload took it back meanwhile
        return True

    def trash(self) -> Iterator[Trashed]:
        """Every object in the trash."""
        with _as_unavailable("list"):
            for batch in obstore.list(self._store, prefix=TRASH):
                for found in batch:
                    folder, _, key = found["path"].removeprefix(f"{TRASH}/").partition("/")
                    if is_batch(folder) and is_file(key):
                        yield Trashed(key, folder)

    def restore(self, trashed: Trashed) -> bool:
        """Move it back; it is young again."""
        with _as_unavailable("restore"):
            try:
                obstore.head(self._store, trashed.key)
            except FileNotFoundError:
                self._move(trashed.path, trashed.key)
                return True
        return False

    def erase(self, trashed: Trashed) -> None:
        """Remove the object."""
        self.delete(trashed.path)

    def drop_unfinished(self, key: str) -> None:
        """There is nothing to remove: a put is whole or nothing."""

    def read_note(self, name: str) -> bytes | None:
        """The content of the hidden object."""
        try:
            with _as_unavailable("open", or_missing=True):
                return bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            return None

    def write_note(self, name: str, content: bytes) -> None:
        """Put the hidden object."""
        with _as_unavailable("mark"):
            obstore.put(self._store, name, content, use_multipart=False)

    def look(self) -> None:
        """List the first objects."""
        with _as_unavailable("check"):
            next(iter(obstore.list(self._store)), None)

    def _move(self, source: str, target: str) -> None:
        obstore.copy(self._store, source, target)
        obstore.delete(self._store, source)


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
