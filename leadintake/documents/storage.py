"""Where files live. A new kind of storage is one file like local.py and one line in `storage_at`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from leadintake.documents.entries import Entry, Trashed
from leadintake.documents.local import LocalFolder
from leadintake.documents.objects import ObjectStore


class Storage(Protocol):
    """Keeps bytes under a key. What cannot be done now raises Unavailable (503)."""

    def save(self, key: str, stream: IO[bytes]) -> Callable[[], None]:
        """Keep the rest of the stream durably. The returned function tells that its transaction has ended."""

    def open(self, key: str) -> IO[bytes]:
        """A seekable stream of the bytes. Raises FileNotFoundError."""

    def delete(self, key: str) -> None:
        """Remove it; one that is not there is no error."""

    def entries(self) -> Iterator[Entry]:
        """Every file there is, unfinished ones too; nothing hidden, nothing in folders, not the trash."""

    def names(self) -> Iterator[str]:
        """The keys of all files."""

    def discard(self, key: str, batch: str, before: datetime, owned: Callable[[], bool]) -> bool:
        """Move `key` to the trash. Tell whether it was moved.

        It stays if it was modified after `before`, if an upload is busy with it, or if `owned` says yes.
        """

    def trash(self) -> Iterator[Trashed]:
        """Every file in the trash."""

    def restore(self, trashed: Trashed) -> bool:
        """Move it back. Tell whether it was: a file of that name that is there again stays."""

    def erase(self, trashed: Trashed) -> None:
        """Remove it for good."""

    def drop_unfinished(self, key: str) -> None:
        """Remove what a writer of `key` left that died, before it is written again."""

    def read_note(self, name: str) -> bytes | None:
        """The content of MARKER or SHARED, if it is there."""

    def write_note(self, name: str, content: bytes) -> None:
        """Write it. The former content is there until the new one is."""

    def look(self) -> None:
        """Raise unless bytes can be kept here, as far as reading tells: for questions that anybody asks."""


class Stores:
    """The storages an application reads from: the one it was set up with, others by their URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: dict[str, Storage] = {}

    def at(self, url: str | None) -> Storage:
        """The storage at `url`; None is the one STORAGE_URL names."""
        url = url or self.url
        if url not in self._made:
            self._made[url] = storage_at(url)
        return self._made[url]


def storage_at(url: str) -> Storage:
    """The storage a STORAGE_URL names."""
    scheme, _, rest = url.partition(":")
    return LocalFolder(rest) if scheme == "file" else ObjectStore(url)


def whole_url(url: str) -> str:
    """The URL with the path of a folder from its root, so that it means the same everywhere."""
    scheme, _, rest = url.partition(":")
    if scheme != "file":
        return url.rstrip("/")
    path = Path(rest.removeprefix("//") if rest.startswith("///") else rest)
    return f"file:{path.absolute()}"
