"""Move documents from one storage to another, while people submit and download.

1. A file is copied under its own key; the copy is read back and its SHA-256 compared with the row's.
2. Then the row is switched to the new storage. The file in the old one stays until an operator removes it.
3. Whoever reads looks where the row says, then in every other known storage. So at each moment, also after
   kill -9 and for a program that was started with either STORAGE_URL, a download finds the file.
4. Begun again, a copy that is there and whole is not made again; rows that are switched are not looked at.

The row names its storage only where that is not the one of STORAGE_URL: so a folder may be moved by hand.
"""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
import structlog

from leadintake.core.database import db
from leadintake.core.errors import Conflict
from leadintake.core.transaction import transaction
from leadintake.documents.models import Document
from leadintake.documents.ownership import ownership
from leadintake.documents.service import DELETED_TOO, Row, documents
from leadintake.documents.storage import Storage

AT_ONCE = 8
"""Files that are copied at the same time."""
PIECE = 1024 * 1024
log = structlog.get_logger()


class Outcome(StrEnum):
    """What became of a document."""

    COPIED = "copied"
    THERE = "there"
    """It was copied before."""
    MISSING = "missing"
    DAMAGED = "damaged"


WHOLE = (Outcome.COPIED, Outcome.THERE)


class Step(NamedTuple):
    """One document and what became of it."""

    document: uuid.UUID
    outcome: Outcome


@dataclass
class Transfer:
    """A move from the storage at one URL to that at another."""

    source: str
    target: str

    def prepare(self) -> int:
        """Claim the target, and count the documents to go through. Raises Conflict when it is another's."""
        if self.source == self.target:
            raise Conflict("Both are the same storage.")
        storage = documents.stores.at(self.target)
        if problem := ownership.judge(storage).problem:
            raise Conflict(f"{self.target}: {problem}")
        names = documents.stores.at(self.source).names()
        if self.target != documents.stores.url and next(names, None) is None:
            raise Conflict(f"There are no files at {self.source}.")
        ownership.renew(storage)
        for url in (self.source, self.target):
            ownership.remember(url)
        query = sa.select(sa.func.count()).select_from(Document).where(self._waiting())
        number = db.session.scalar(query, execution_options=DELETED_TOO) or 0
        db.session.rollback()
        return number

    def run(self) -> Iterator[Step]:
        """Move all documents, again until nothing new has come. Yield each when it is done."""
        failed: set[uuid.UUID] = set()
        moved = True
        while moved:
            moved = False
            for step in self._pass(failed):
                if step.outcome in (Outcome.MISSING, Outcome.DAMAGED):
                    failed.add(step.document)
                else:
                    moved = True
                yield step

    def _pass(self, failed: set[uuid.UUID]) -> Iterator[Step]:
        source, target = documents.stores.at(self.source), documents.stores.at(self.target)
        names = set(target.names())
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for rows in documents.batches(self._waiting()):
                todo = [row for row in rows if row.id not in failed and not self._is_home(row, names)]
                for start in range(0, len(todo), AT_ONCE):
                    some = todo[start : start + AT_ONCE]
                    outcomes = list(threads.map(functools.partial(_copy, source, target, names), some))
                    steps = [Step(row.id, outcome) for row, outcome in zip(some, outcomes, strict=True)]
                    self._switch([step.document for step in steps if step.outcome in WHOLE])
                    yield from steps

    def _switch(self, ids: list[uuid.UUID]) -> None:
        """Have the rows name the target: not at all where it is the one that STORAGE_URL names."""
        value = None if self.target == documents.stores.url else self.target
        statement = sa.update(Document).where(Document.id.in_(ids), self._waiting()).values(storage=value)
        with transaction():
            db.session.execute(statement, execution_options={**DELETED_TOO, "synchronize_session": False})

    def _waiting(self) -> sa.ColumnElement[bool]:
        """Rows whose file may be in the source: those that say so, and those that name no storage."""
        says_so = Document.storage == self.source
        if documents.stores.url in (self.source, self.target):
            return sa.or_(says_so, Document.storage.is_(None))
        return says_so

    def _is_home(self, row: Row, names: set[str]) -> bool:
        """Whether a row that names no storage has its file in the target, which is the one it means."""
        return row.storage is None and self.target == documents.stores.url and row.key in names


def _copy(source: Storage, target: Storage, names: set[str], row: Row) -> Outcome:
    """Copy one file, unless it is among `names` of the target and whole; read the copy back."""
    if row.key in names and _is_whole(target, row):
        return Outcome.THERE
    try:
        stream = source.open(row.key)
    except FileNotFoundError:
        return Outcome.THERE if _is_whole(target, row) else Outcome.MISSING
    with stream:
        target.drop_unfinished(row.key)
        end = target.save(row.key, stream)
    end()
    if _is_whole(target, row):
        return Outcome.COPIED
    target.delete(row.key)
    log.error("file_damaged", document=str(row.id))
    return Outcome.DAMAGED


def _is_whole(storage: Storage, row: Row) -> bool:
    digest = hashlib.sha256()
    try:
        stream = storage.open(row.key)
    except FileNotFoundError:
        return False
    with stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
    return digest.hexdigest() == row.sha256
