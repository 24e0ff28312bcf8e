"""Storages of files. A new kind is one file like local.py and one line in `storage_at`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO, Protocol

from leadintake.documents.storage.entries import Entry, TrashEntry
from leadintake.documents.storage.local import LocalFolder


class Storage(Protocol):
    """Bytes under keys. Each method raises Unavailable (503) when it cannot do its work now."""

    def save(self, key: str, stream: IO[bytes]) -> Callable[[], None]:
        """Store the rest of the stream durably. Call the returned function when the transaction ends."""

    def open(self, key: str) -> IO[bytes]:
        """Return a seekable stream of the bytes. Raises FileNotFoundError."""

    def delete(self, key: str) -> None:
        """Remove the file, if it exists."""

    def undo_save(self, key: str) -> None:
        """Remove the remains of a save when it or its transaction failed. Gives up after a moment."""

    def entries(self) -> Iterator[Entry]:
        """Yield every file, unfinished ones included; no hidden file, folder or trash."""

    def names(self) -> Iterator[str]:
        """Yield the keys of all files."""

    def discard(self, key: str, batch: str, before: datetime, is_owned: Callable[[], bool]) -> bool:
        """Move `key` to the trash. Return whether it was moved.

        Keeps it if it was modified after `before`, if an upload locks it, or if `is_owned` returns true.
        """

    def trash(self) -> Iterator[TrashEntry]:
        """Yield every file in the trash."""

    def restore(self, trashed: TrashEntry) -> bool:
        """Move a file back. Return False if a file of that name exists again."""

    def erase(self, trashed: TrashEntry) -> None:
        """Remove a file of the trash for good."""

    def drop_unfinished(self, key: str) -> None:
        """Remove what a crashed writer of `key` left, before it is written again."""

    def read_note(self, name: str) -> bytes | None:
        """Return the content of MARKER or SHARED, None if there is none."""

    def write_note(self, name: str, content: bytes) -> None:
        """Write a note atomically: the old content stays until the new one is there."""

    def check(self) -> None:
        """Raise unless the storage seems usable. Only reads: anybody may trigger it."""


class Stores:
    """Storages of an application by URL; one of them is STORAGE_URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._storages: dict[tuple[str, bool], Storage] = {}

    def at(self, url: str | None, *, long_timeouts: bool = False) -> Storage:
        """Return the storage at `url`; None is STORAGE_URL. `long_timeouts`: for moves."""
        cache_key = (url or self.url, long_timeouts)
        if cache_key not in self._storages:
            self._storages[cache_key] = storage_at(cache_key[0], long_timeouts=long_timeouts)
        return self._storages[cache_key]


def storage_at(url: str, *, long_timeouts: bool = False) -> Storage:
    """Create the storage for a URL. `long_timeouts`: for moves."""
    scheme, _, rest = url.partition(":")
    if scheme == "file":
        return LocalFolder(rest)
    from leadintake.documents.storage.objects import DEFAULT_LIMITS, MIGRATION_LIMITS, ObjectStore

    return ObjectStore(url, MIGRATION_LIMITS if long_timeouts else DEFAULT_LIMITS)
