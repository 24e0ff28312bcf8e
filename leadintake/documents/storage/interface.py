"""Storages of files. A new kind is one file like local.py and one line in `storage_at`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO, Protocol

from leadintake.documents.storage.entries import Entry, TrashEntry
from leadintake.documents.storage.local import LocalFolder


class Storage(Protocol):
    """Files by key. Each method raises Unavailable (503) when the storage fails."""

    def save(self, key: str, stream: IO[bytes]) -> Callable[[], None]:
        """Store the rest of the stream durably. Call the result when the transaction ends."""

    def open(self, key: str) -> IO[bytes]:
        """Return a seekable stream. Raises FileNotFoundError."""

    def delete(self, key: str) -> None:
        """Remove the file if it exists."""

    def undo_save(self, key: str) -> None:
        """Remove what a failed save or transaction left. Gives up after a moment."""

    def entries(self) -> Iterator[Entry]:
        """Yield every file, unfinished ones too; no hidden files, folders or trash."""

    def names(self) -> Iterator[str]:
        """Yield the keys of files that this service may have made."""

    def discard(self, key: str, batch: str, before: datetime, is_owned: Callable[[], bool]) -> bool:
        """Move a file to the trash. Return whether it was moved.

        Keeps it if modified after `before`, locked by an upload, or, asked last, if `is_owned()`.
        """

    def trash(self) -> Iterator[TrashEntry]:
        """Yield the files in the trash."""

    def restore(self, trashed: TrashEntry) -> bool:
        """Move a file back. Return False if its key is taken again."""

    def erase(self, trashed: TrashEntry) -> None:
        """Delete a file in the trash."""

    def drop_unfinished(self, key: str) -> None:
        """Remove what a crashed writer of `key` left."""

    def read_note(self, name: str) -> bytes | None:
        """Return a note's content, None without one."""

    def write_note(self, name: str, content: bytes) -> None:
        """Write a note atomically."""

    def check(self) -> None:
        """Raise unless the storage seems usable. Read-only: anybody may trigger it."""


class Stores:
    """Storages of an application by URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._storages: dict[tuple[str, bool], Storage] = {}

    def at(self, url: str | None, *, long_timeouts: bool = False) -> Storage:
        """Return the storage at `url`, None for STORAGE_URL. `long_timeouts`: for moves."""
        cache_key = (url or self.url, long_timeouts)
        if cache_key not in self._storages:
            self._storages[cache_key] = storage_at(cache_key[0], long_timeouts=long_timeouts)
        return self._storages[cache_key]


def storage_at(url: str, *, long_timeouts: bool = False) -> Storage:
    """Create the storage for a URL."""
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        return LocalFolder(rest)
    from leadintake.documents.storage.objects import DEFAULT_LIMITS, MIGRATION_LIMITS, ObjectStore

    return ObjectStore(url, MIGRATION_LIMITS if long_timeouts else DEFAULT_LIMITS)
