"""Find documents whose file is not where their row says."""

from __future__ import annotations

import contextlib
import itertools
import time
import uuid
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from leadintake.core.chores import Stop
from leadintake.core.db.database import db
from leadintake.core.errors import Unavailable
from leadintake.documents.models import Document
from leadintake.documents.service import Row, documents

Listed = TypeVar("Listed")
IN_TRASH = "in the trash"
DAMAGED = "damaged: it is there, with another size"


def never_stop() -> bool:
    """Return False: the default Stop."""
    return False


class Missing(NamedTuple):
    """Document without its file. `location`: where the file is now, empty if unknown; or DAMAGED."""

    document: uuid.UUID
    location: str


class Search:
    """One iteration over all documents, oldest first, for at most `seconds`.

    1. List the storage: far fewer requests than one per file. Stop after half the time left, so that some
       documents are checked however large the bucket is.
    2. Request each unlisted file: it may be newer than the listing, or the listing was cut.
    3. Yield a document if its file has another size or is not found.
    """

    def __init__(self, stop: Stop = never_stop, *, seconds: float | None = None) -> None:
        self.looked = 0
        """Number of documents checked."""
        self.ended_early = False
        """Whether documents were left unchecked."""
        self._stop = stop
        self._end = float("inf") if seconds is None else time.monotonic() + seconds
        self._listings: dict[str, dict[str, int]] = {}
        self._trash: set[str] | None = None

    def __iter__(self) -> Iterator[Missing]:
        for row in itertools.chain.from_iterable(documents.iterate_batches()):
            if self._is_over(self._end):
                self.ended_early = True
                return
            url = row.storage or documents.stores.url
            size = self._list_storage(url).get(row.key)
            if size is not None and size != row.size:
                yield Missing(row.id, DAMAGED)
            elif size is None and not _is_there(url, row.key):
                yield Missing(row.id, IN_TRASH if self._is_in_trash(row.key) else _find_elsewhere(row, url))
            self.looked += 1

    def _list_storage(self, url: str) -> dict[str, int]:
        if url not in self._listings:
            half = time.monotonic() + (self._end - time.monotonic()) / 2
            entries = self._take_until(half, documents.stores.at(url).entries())
            self._listings[url] = {entry.key: entry.size for entry in entries if not entry.is_unknown}
        return self._listings[url]

    def _is_in_trash(self, key: str) -> bool:
        if self._trash is None:
            found = self._take_until(self._end, documents.storage.trash())
            self._trash = {trashed.key for trashed in found}
        return key in self._trash

    def _take_until(self, end: float, listed: Iterable[Listed]) -> Iterator[Listed]:
        return itertools.takewhile(lambda _: not self._is_over(end), listed)

    def _is_over(self, end: float) -> bool:
        return time.monotonic() > end or self._stop()


def is_stored(document: Document) -> bool | None:
    """Return whether a known storage has the file, reading none of it; None if one cannot tell now."""
    answers: list[bool | None] = []
    for url in documents.candidate_urls(document):
        try:
            answers.append(_is_there(url, document.key))
        except Unavailable:
            answers.append(None)
        if answers[-1]:
            return True
    return None if None in answers else False


def _is_there(url: str, key: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        documents.stores.at(url).open(key).close()
        return True
    return False


def _find_elsewhere(row: Row, url: str) -> str:
    others = [other for other in documents.list_known_urls() if other != url]
    db.session.rollback()
    for other in others:
        with contextlib.suppress(Unavailable):  # an old storage may no longer exist
            if _is_there(other, row.key):
                return other
    return ""
