"""Probe of the storage, with errors worded for operators."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from leadintake.core.db.types import new_id
from leadintake.documents.storage.interface import Storage

BYTES = 64 * 1024
"""More than a file system stores without a data block."""
ERROR_TEXT = re.compile("<(?:Code|Message)>([^<]+)<")


class StorageBroken(Exception):
    """The storage cannot store, return or delete a file."""


def probe(storage: Storage, url: str) -> None:
    """Store a file, read it back and delete it. Raises StorageBroken with cause and advice."""
    key, content, place = f".probe-{new_id().hex}", os.urandom(BYTES), _strip_account(url)
    with _report_failure("store", place):
        end_save = storage.save(key, io.BytesIO(content))
    try:
        with _report_failure("read back", place), storage.open(key) as stream:
            if stream.read() != content:
                raise OSError("other bytes came back than were stored")
    finally:
        end_save()
        with _report_failure("delete", place):
            storage.delete(key)


@contextmanager
def _report_failure(act: str, place: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Storage errors are worded for prospects; operators need the cause.
        cause = _extract_cause(str(error.__cause__ or error))
        raise StorageBroken(
            f"Cannot {act} a file at {place}: {cause}. Mend that, or LEADINTAKE_STORAGE_URL and its "
            "credentials; until then submissions are answered with 503."
        ) from error


def _extract_cause(text: str) -> str:
    """Return code and message of an object storage's XML, else the first line."""
    return (": ".join(ERROR_TEXT.findall(text)) or text.strip().partition("\n")[0]).rstrip(".")


def _strip_account(url: str) -> str:
    parts = urlsplit(url)
    return url if parts.scheme == "file" else f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
