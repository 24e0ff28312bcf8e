"""Where files live. A new kind of storage is one file like local.py and one line in `storage_at`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Protocol

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

    def names(self) -> Iterator[str]:
        """Every key there is, unfinished ones too."""

    def delete_unless(self, key: str, owned: Callable[[], bool]) -> bool:
        """Remove `key` if no upload is busy with it and `owned` says no. Tell whether it was removed."""

    def look(self) -> None:
        """Raise unless bytes can be kept here, as far as reading tells: for questions that anybody asks."""


def storage_at(url: str) -> Storage:
    """The storage a STORAGE_URL names."""
    scheme, _, rest = url.partition(":")
    return LocalFolder(rest) if scheme == "file" else ObjectStore(url)
