"""Whether the storage keeps files: one is put, read back and deleted, and the operator is told the cause."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from leadintake.core.types import new_id
from leadintake.documents.storage import Storage

BYTES = 64 * 1024
"""More than a file system keeps beside its blocks."""
SAID = re.compile("<(?:Code|Message)>([^<]+)<")


class StorageBroken(Exception):
    """The storage does not do one of the things a document needs."""


def probe(storage: Storage, url: str) -> None:
    """Put a file, read it and delete it. Raises StorageBroken with the cause and what to do."""
    key, content, place = f".probe-{new_id().hex}", os.urandom(BYTES), _without_account(url)
    with _named("store", place):
        let_go = storage.save(key, io.BytesIO(content))
    try:
        with _named("read back", place), storage.open(key) as stream:
            if stream.read() != content:
                raise OSError("other bytes came back than were stored")
    finally:
        let_go()
        with _named("delete", place):
            storage.delete(key)


@contextmanager
def _named(act: str, place: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # What a storage raises is made for prospects; what it is raised from is what happened.
        cause = _cause(str(error.__cause__ or error))
        raise StorageBroken(
            f"Cannot {act} a file at {place}: {cause}. Mend that, or LEADINTAKE_STORAGE_URL and its "
            "credentials; until then submissions are answered with 503."
        ) from error


def _cause(text: str) -> str:
    """One line: what an object storage says in its XML, else the first line."""
    return (": ".join(SAID.findall(text)) or text.strip().partition("\n")[0]).rstrip(".")


def _without_account(url: str) -> str:
    parts = urlsplit(url)
    return url if parts.scheme == "file" else f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
