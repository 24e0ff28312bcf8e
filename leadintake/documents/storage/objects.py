"""Storage in a bucket: S3, Google Cloud Storage, Azure."""

from __future__ import annotations

import contextlib
import functools
import io
import mmap
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import IO, Any, NamedTuple

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import from_url

from leadintake.core.errors import Unavailable
from leadintake.core.i18n.languages import N_
from leadintake.documents.storage.entries import TRASH, Entry, TrashEntry, is_batch, is_file

CHUNK = 64 * 1024
log = structlog.get_logger()


class Limits(NamedTuple):
    """Limits of a request: seconds, and number of retries."""

    seconds: int = 5
    retries: int = 1


DEFAULT_LIMITS = Limits()
MIGRATION_LIMITS = Limits(seconds=120, retries=3)
"""For `flask storage migrate`: a large file over a slow line."""
UNDO_LIMITS = Limits(seconds=2, retries=0)
"""For `undo_save`, which delays the 503."""


class ObjectStore:
    """Bucket and prefix. A put is one request, durable when answered: objects are complete or absent."""

    def __init__(self, url: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self.url, self.limits = url, limits

    # Created at first use: a client made before a fork hangs in the child.
    @functools.cached_property
    def _store(self) -> Any:
        return _client(self.url, self.limits)

    @functools.cached_property
    def _quick(self) -> Any:
        return _client(self.url, UNDO_LIMITS)

    def save(self, key: str, stream: IO[bytes]) -> Callable[[], None]:
        """Put the object in one request, memory-mapped to save memory."""
        with _translate_errors("store"), _map_stream(stream) as content:
            obstore.put(self._store, key, content, use_multipart=False)
        return lambda: None

    def open(self, key: str) -> IO[bytes]:
        """Return a reader that fetches what is read."""
        try:
            with _translate_errors("open", or_missing=True):
                return io.BufferedReader(_Raw(obstore.open_reader(self._store, key)), CHUNK)
        except FileNotFoundError as error:
            raise FileNotFoundError(key) from error

    def delete(self, key: str) -> None:
        """Remove the object."""
        with contextlib.suppress(FileNotFoundError), _translate_errors("delete", or_missing=True):
            obstore.delete(self._store, key)

    def undo_save(self, key: str) -> None:
        """Remove the object: even a failed put may have stored it. If that fails, a sweep does."""
        with contextlib.suppress(FileNotFoundError, Unavailable), _translate_errors("undo", or_missing=True):
            obstore.delete(self._quick, key)

    def entries(self) -> Iterator[Entry]:
        """Yield objects directly below the prefix: deeper ones may be another installation's."""
        with _translate_errors("list"):
            for batch in obstore.list(self._store):
                for found in batch:
                    if is_file(found["path"]):
                        key = found["path"]
                        yield Entry(key, found["last_modified"], found["size"], is_unknown=not key.isascii())

    def names(self) -> Iterator[str]:
        """Yield the names that this service may have given."""
        return (entry.key for entry in self.entries() if not entry.is_unknown)

    def discard(self, key: str, batch: str, before: datetime, is_owned: Callable[[], bool]) -> bool:
        """Move the object, judged by age and row: there are no locks."""
        try:
            with _translate_errors("discard", or_missing=True):
                if obstore.head(self._store, key)["last_modified"] > before or is_owned():
                    return False
                self._move(key, TrashEntry(key, batch).path)
        except FileNotFoundError:
            return False  # its upload was undone meanwhile
        return True

    def trash(self) -> Iterator[TrashEntry]:
        """Yield the objects in the trash."""
        with _translate_errors("list"):
            for batch in obstore.list(self._store, prefix=TRASH):
                for found in batch:
                    folder, _, key = found["path"].removeprefix(f"{TRASH}/").partition("/")
                    if is_batch(folder) and is_file(key) and key.isascii():
                        yield TrashEntry(key, folder)

    def restore(self, trashed: TrashEntry) -> bool:
        """Move the object back; its age starts again."""
        with _translate_errors("restore"):
            try:
                obstore.head(self._store, trashed.key)
            except FileNotFoundError:
                self._move(trashed.path, trashed.key)
                return True
        return False

    def erase(self, trashed: TrashEntry) -> None:
        """Remove the object."""
        self.delete(trashed.path)

    def drop_unfinished(self, key: str) -> None:
        """Do nothing: a put leaves nothing unfinished."""

    def read_note(self, name: str) -> bytes | None:
        """Return the content of the hidden object."""
        try:
            with _translate_errors("open", or_missing=True):
                return bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            return None

    def write_note(self, name: str, content: bytes) -> None:
        """Put the hidden object."""
        with _translate_errors("mark"):
            obstore.put(self._store, name, content, use_multipart=False)

    def check(self) -> None:
        """List the first objects."""
        with _translate_errors("check"):
            next(iter(obstore.list(self._store)), None)

    def _move(self, source: str, target: str) -> None:
        obstore.copy(self._store, source, target)
        obstore.delete(self._store, source)


class _Raw(io.RawIOBase):
    """Raw stream that returns bytes: WSGI servers reject obstore's buffers (PEP 3333)."""

    def __init__(self, reader: obstore.ReadableFile) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _translate_errors("read"):
            piece = memoryview(self._reader.read(len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()


def _client(url: str, limits: Limits) -> Any:
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    return from_url(
        url,
        client_options={"timeout": f"{limits.seconds}s", "connect_timeout": "2s", "allow_http": plain},
        retry_config={"max_retries": limits.retries, "retry_timeout": timedelta(seconds=2 * limits.retries)},
    )


@contextlib.contextmanager
def _map_stream(stream: IO[bytes]) -> Iterator[IO[bytes] | mmap.mmap]:
    """Yield the stream memory-mapped, or itself if it is in memory."""
    stream.seek(0)  # flushes its buffer
    try:
        number = stream.fileno()
    except OSError:
        yield stream
        return
    if not os.fstat(number).st_size:  # an empty file cannot be mapped
        yield io.BytesIO()
        return
    content = mmap.mmap(number, 0, access=mmap.ACCESS_READ)
    try:
        yield content
    finally:
        with contextlib.suppress(BufferError):  # an abandoned request still reads it and unmaps it later
            content.close()


@contextlib.contextmanager
def _translate_errors(act: str, *, or_missing: bool = False) -> Iterator[None]:
    """Raise Unavailable for storage errors, by default for a missing key too: it may be a missing bucket."""
    try:
        yield
    except (BaseError, OSError) as error:
        if or_missing and isinstance(error, FileNotFoundError):
            raise
        log.error("storage_failed", act=act, error=str(error).partition("\n")[0])  # noqa: TRY400 - the cause is in it
        raise Unavailable(N_("The file storage does not answer. Please try again soon.")) from error
