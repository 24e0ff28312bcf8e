"""Move documents between storages while people submit and download.

1. Copy a file under its key, read it back and compare its SHA-256 with the row's.
2. Switch the row to the new storage. The old file stays until an operator removes it.
3. `documents.open` tries the row's storage, then the other known ones: it finds the file at any moment, after
   kill -9, and with either STORAGE_URL.
4. A second run skips switched rows and reuses whole copies.

A row names its storage only if that is not STORAGE_URL: so a folder can be moved by hand.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
import structlog

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.core.errors import Conflict, Unavailable
from leadintake.documents.models import Document
from leadintake.documents.ownership import ownership
from leadintake.documents.service import BATCH, DELETED_TOO, Row, documents
from leadintake.documents.storage.interface import Storage
from leadintake.server_logs.failures import sentence_of

MAX_PARALLEL = 4
"""Files copied at once: more, sharing a slow line, would each time out."""
MAX_CONSECUTIVE_FAILURES = 8
"""Consecutive failures after which a storage counts as failed."""
PIECE = 1024 * 1024
PROBE_PREFIX = ".leadintake-same-"
"""Prefix of the note by which `is_same_storage` compares."""
log = structlog.get_logger()


class Outcome(StrEnum):
    """Result for one document."""

    COPIED = "copied"
    PRESENT = "there"
    """Copied earlier."""
    MISSING = "missing"
    DAMAGED = "damaged"
    FAILED = "failed"
    """One of the storages failed."""


SUCCESSES = (Outcome.COPIED, Outcome.PRESENT)


class Step(NamedTuple):
    """Document and its outcome."""

    document: uuid.UUID
    outcome: Outcome


@dataclass
class Transfer:
    """Move from the storage at one URL to that at another."""

    source: str
    target: str
    _source_urls: list[str] = field(default_factory=list)
    """Spellings of the source's URL in rows, also of earlier versions."""

    def prepare(self) -> int:
        """Claim the target. Return the number of documents to move. Raises Conflict."""
        if self.source == self.target:
            raise Conflict("Both are the same storage.")
        storage = documents.stores.at(self.target)
        if problem := ownership.judge(storage).problem:
            raise Conflict(f"{self.target}: {problem}")
        names = documents.stores.at(self.source).names()
        if self.target != documents.stores.url and next(names, None) is None:
            raise Conflict(f"There are no files at {self.source}.")
        if is_same_storage(documents.stores.at(self.source), storage):
            raise Conflict(f"Both are the same storage: {self.source} and {self.target}.")
        ownership.renew(storage)
        for url in (self.source, self.target):
            ownership.remember(url)
        self._source_urls = [
            url for url in documents.list_known_urls() if documents.normalize_url(url) == self.source
        ]
        query = sa.select(sa.func.count()).select_from(Document).where(self._pending_condition())
        number = db.session.scalar(query, execution_options=DELETED_TOO) or 0
        db.session.rollback()
        if not number and (other := self._find_other_url()):
            raise Conflict(
                f"Nothing to move: documents whose files are at {self.source} say that they are at {other}."
            )
        return number

    def run(self) -> Iterator[Step]:
        """Move all documents, then those submitted meanwhile. Yield each step.

        Two passes, each up to the newest document at its start: with submissions to the source, more passes
        might never end.
        """
        failed: set[uuid.UUID] = set()
        for _ in range(2):
            moved = False
            for step in self._run_pass(failed):
                if step.outcome not in SUCCESSES:
                    failed.add(step.document)
                moved |= step.outcome is Outcome.COPIED
                yield step
            if not moved:
                return

    def _run_pass(self, failed: set[uuid.UUID]) -> Iterator[Step]:
        source = documents.stores.at(self.source, long_timeouts=True)
        target = documents.stores.at(self.target, long_timeouts=True)
        newest = sa.select(Document.id).order_by(Document.id.desc()).limit(1)
        end = db.session.scalar(newest, execution_options=DELETED_TOO)
        db.session.rollback()
        if end is None:
            return
        names = set(target.names())
        failures = 0
        with ThreadPoolExecutor(MAX_PARALLEL) as threads:
            for rows in documents.iterate_batches(sa.and_(self._pending_condition(), Document.id <= end)):
                todo = [row for row in rows if row.id not in failed and not self._is_in_target(row, names)]
                for start in range(0, len(todo), MAX_PARALLEL):
                    group = todo[start : start + MAX_PARALLEL]
                    outcomes = list(threads.map(functools.partial(_try_to_copy, source, target), group))
                    steps = [Step(row.id, outcome) for row, outcome in zip(group, outcomes, strict=True)]
                    self._switch([step.document for step in steps if step.outcome in SUCCESSES])
                    yield from steps
                    for step in steps:
                        failures = failures + 1 if step.outcome is Outcome.FAILED else 0
                    if failures >= MAX_CONSECUTIVE_FAILURES:
                        raise Unavailable(
                            f"{failures} files could not be copied one after the other: the log says why. "
                            "Begun again, this goes on where it was."
                        )

    def _switch(self, ids: list[uuid.UUID]) -> None:
        """Set the rows' storage to the target: NULL if that is STORAGE_URL."""
        value = None if self.target == documents.stores.url else self.target
        statement = (
            sa.update(Document).where(Document.id.in_(ids), self._pending_condition()).values(storage=value)
        )
        with transaction():
            db.session.execute(statement, execution_options={**DELETED_TOO, "synchronize_session": False})

    def _pending_condition(self) -> sa.ColumnElement[bool]:
        """Match rows that name the source, or no storage if STORAGE_URL is source or target."""
        names_source = Document.storage.in_([self.source, *self._source_urls])
        if documents.stores.url in (self.source, self.target):
            return sa.or_(names_source, Document.storage.is_(None))
        return names_source

    def _find_other_url(self) -> str:
        """Return another storage that rows of the source's files name, or empty."""
        home = documents.stores.url
        names = documents.stores.at(self.source).names()
        while keys := list(itertools.islice(names, BATCH)):
            query = sa.select(Document.storage).where(Document.key.in_(keys)).distinct()
            found = {url or home for url in db.session.scalars(query, execution_options=DELETED_TOO)}
            db.session.rollback()
            if others := found - {self.target}:
                return min(others)
        return ""

    def _is_in_target(self, row: Row, names: set[str]) -> bool:
        """Return whether the row names no storage, the target is STORAGE_URL and has the file."""
        return row.storage is None and self.target == documents.stores.url and row.key in names


def is_same_storage(source: Storage, target: Storage) -> bool:
    """Return whether a note written to the target appears in the source.

    URLs cannot tell: a folder may be mounted twice, a bucket have two endpoints.
    """
    name = f"{PROBE_PREFIX}{new_id().hex}"
    target.write_note(name, b"")
    try:
        return source.read_note(name) is not None
    finally:
        target.delete(name)


def _try_to_copy(source: Storage, target: Storage, row: Row) -> Outcome:
    try:
        return _copy(source, target, row)
    except (Unavailable, OSError) as error:
        cause = sentence_of(error.__cause__ if isinstance(error.__cause__, Exception) else error)
        log.error("file_not_moved", document=str(row.id), error=cause)  # noqa: TRY400 - the cause is in the line
        return Outcome.FAILED


def _copy(source: Storage, target: Storage, row: Row) -> Outcome:
    """Copy a file, read it back and compare.

    Never deletes a file that was in the target before; only a whole one replaces it.
    """
    digest_before = _compute_digest(target, row.key)
    if digest_before == row.sha256:
        return Outcome.PRESENT
    if digest_before is not None and _compute_digest(source, row.key) not in (None, row.sha256):
        return _report_damage(row)
    try:
        stream = source.open(row.key)
    except FileNotFoundError:
        return Outcome.MISSING
    with stream:
        target.drop_unfinished(row.key)
        end_save = target.save(row.key, stream)
    end_save()
    if _compute_digest(target, row.key) == row.sha256:
        return Outcome.COPIED
    if digest_before is None:
        target.delete(row.key)
    return _report_damage(row)


def _report_damage(row: Row) -> Outcome:
    log.error("file_damaged", document=str(row.id))
    return Outcome.DAMAGED


def _compute_digest(storage: Storage, key: str) -> str | None:
    """Return a file's SHA-256 in hexadecimal, None without the file."""
    digest = hashlib.sha256()
    try:
        stream = storage.open(key)
    except FileNotFoundError:
        return None
    with stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
