"""Whose a storage is. Nothing is removed from one that is not ours for certain.

A marker in the storage names an installation (a row of its database) and an epoch:

1. No marker: the storage is claimed if it is empty, or if nine in ten of its files have a row here.
2. Another installation's marker: it is not ours.
3. Our marker with a higher epoch than the row's: a newer copy of this database was here. This one was
   restored from a backup, or is a copy beside the one in use; files it does not know may belong to leads.
4. Our marker, and the note of an installation that 2 or 3 are true of: it stores files here, too, of which
   this database knows nothing. Its workers write that note.
5. Every ten minutes a worker raises the row's epoch, commits, and then writes the marker. One that dies in
   between leaves a marker that is lower, which is ours still.

`flask storage adopt` settles 1 to 4 by an operator's word.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError

from leadintake.core.chores import Stop
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.errors import Conflict
from leadintake.core.transaction import transaction
from leadintake.documents.entries import MARKER, SHARED
from leadintake.documents.models import THIS, Installation, KnownStorage
from leadintake.documents.service import BATCH, documents
from leadintake.documents.storage import Storage

RENEW_EVERY = timedelta(minutes=10)
KNOWN_AT_LEAST = 0.9
"""The share of an unmarked storage's files that must have a row for it to be ours."""
NOT_READABLE = "unreadable"
log = structlog.get_logger()


class Marker(msgspec.Struct, frozen=True):
    """What a storage says of its owner, or of another installation that uses it."""

    installation: str
    epoch: int
    at: datetime


class State(StrEnum):
    """How we stand to a storage."""

    OURS = "ours"
    CLAIMABLE = "claimable"
    SHARED = "shared"
    """Ours, but another installation stores files there, too."""
    UNMARKED = "unmarked"
    ANOTHERS = "another's"


class Standing(NamedTuple):
    """How we stand to a storage, and the sentence for an operator where nothing may be removed."""

    state: State
    problem: str = ""


class Ownership:
    """Judge, claim, renew, adopt."""

    def judge(self, storage: Storage) -> Standing:
        """Compare the storage's marker with our row, or its files with our documents. Writes nothing."""
        marker = _read_marker(storage, MARKER)
        if marker is None:
            return self._judge_unmarked(storage)
        with reading():  # after the marker: the row is raised before it
            row = _installation()
            ours, epoch = (str(row.id), row.epoch) if row else ("", 0)
            db.session.rollback()
        if marker.installation != ours:
            return Standing(
                State.ANOTHERS,
                f"The file storage belongs to another installation ({marker.installation}): nothing is "
                "removed. Check DATABASE_URL and STORAGE_URL. `flask storage adopt --instead-of "
                f"{marker.installation}` takes it over.",
            )
        if marker.epoch > epoch:
            return Standing(
                State.ANOTHERS,
                f"The file storage was last used ({marker.at:%Y-%m-%d %H:%M} UTC) with a newer copy of this "
                "database: nothing is removed. If this one is right, run `flask storage adopt`.",
            )
        return self._judge_shared(storage, ours)

    def keep(self, stop: Stop) -> dict[str, object]:
        """Claim or renew what is ours, as a chore; write down, and say, when it is not ours alone."""
        storage = documents.storage
        state, problem = self.judge(storage)
        if stop():
            return {}
        if problem:
            log.error("storage_not_ours", state=state, problem=problem)
        if state is State.ANOTHERS:
            storage.write_note(SHARED, msgspec.json.encode(self._current()))
        elif state is not State.UNMARKED:
            self.renew(storage)
        with transaction():
            ensure_installation().storage_problem = problem
        self.remember(documents.stores.url)
        return {"state": state}

    def renew(self, storage: Storage) -> None:
        """Raise the epoch where it is due, and write it to a storage of ours that has a lower one."""
        current = self._current(raise_epoch=True)
        found = _read_marker(storage, MARKER)
        if found is None or found.epoch < current.epoch:
            storage.write_note(MARKER, msgspec.json.encode(current))

    def adopt(self, storage: Storage, *, instead_of: Collection[str] = ()) -> None:
        """Make the storage ours by an operator's word. Raises Conflict when another's id is not named."""
        notes = [note for name in (MARKER, SHARED) if (note := _read_marker(storage, name))]
        with transaction():
            row = ensure_installation()
            others = {note.installation for note in notes} - {str(row.id), *instead_of}
            if others:
                options = " ".join(f"--instead-of {other}" for other in sorted(others))
                raise Conflict(
                    f"The storage is used by another installation ({', '.join(sorted(others))}). When "
                    f"that is so no longer, run `flask storage adopt {options}`."
                )
            row.epoch = max(row.epoch, *(note.epoch for note in notes), 0) + 1
            row.renewed_at = now()
            row.storage_problem = row.sweep_refusal = ""
            marker = Marker(str(row.id), row.epoch, row.renewed_at)
        storage.write_note(MARKER, msgspec.json.encode(marker))
        storage.delete(SHARED)

    def remember(self, url: str) -> None:
        """Note a storage as one that is used."""
        try:
            with transaction():
                if db.session.scalar(sa.select(KnownStorage.id).where(KnownStorage.url == url)) is None:
                    db.session.add(KnownStorage(url=url))
        except IntegrityError:  # another worker did
            return

    def _judge_unmarked(self, storage: Storage) -> Standing:
        number, known = _count(storage)
        if known >= number * KNOWN_AT_LEAST:
            return Standing(State.CLAIMABLE)
        return Standing(
            State.UNMARKED,
            f"The file storage is not marked as anybody's, and this database knows {known} of its {number} "
            "files: nothing is removed. Check DATABASE_URL and STORAGE_URL. If they are right, run "
            "`flask storage adopt`.",
        )

    def _judge_shared(self, storage: Storage, ours: str) -> Standing:
        note = _read_marker(storage, SHARED)
        if note is None:
            return Standing(State.OURS)
        another = note.installation != ours
        who = f"another installation ({note.installation})" if another else "an older copy of this database"
        option = f" --instead-of {note.installation}" if another else ""
        return Standing(
            State.SHARED,
            f"The file storage is used by {who}, too (last on {note.at:%Y-%m-%d %H:%M} UTC): nothing is "
            f"removed. When that is so no longer, run `flask storage adopt{option}`.",
        )

    def _current(self, *, raise_epoch: bool = False) -> Marker:
        with transaction():
            row = ensure_installation()
            if raise_epoch and (row.renewed_at is None or row.renewed_at <= now() - RENEW_EVERY):
                row.epoch += 1
                row.renewed_at = now()
            return Marker(str(row.id), row.epoch, now())


def ensure_installation() -> Installation:
    """The row of this installation, locked until the transaction ends; made where there is none."""
    row = _installation(lock=True)
    if row is None:
        row = Installation(name=THIS)
        try:
            with db.session.begin_nested():
                db.session.add(row)
        except IntegrityError:  # another worker made it meanwhile
            row = _installation(lock=True)
    if row is None:
        raise LookupError("The row of this installation vanished.")
    return row


def refusal_of_sweep() -> str:
    """Why the last sweep was refused; empty where it did its work. Read from the database."""
    return _read(Installation.sweep_refusal)


def count_refused_sweeps() -> dict[str, float]:
    """How many sweeps were refused since the beginning."""
    with reading(), db.engine.connect() as connection:
        refused = connection.scalar(sa.select(Installation.sweeps_refused).where(Installation.name == THIS))
        return {"": refused or 0}


def recorded_problem() -> str:
    """Why nothing may be removed from the storage, as a worker found it last."""
    return _read(Installation.storage_problem)


def _read(column: sa.orm.InstrumentedAttribute[str]) -> str:
    with reading(), db.engine.connect() as connection:
        return connection.scalar(sa.select(column).where(Installation.name == THIS)) or ""


def _installation(*, lock: bool = False) -> Installation | None:
    query = sa.select(Installation).where(Installation.name == THIS)
    return db.session.scalar(query.with_for_update() if lock else query)


def _count(storage: Storage) -> tuple[int, int]:
    """How many files there are, and how many of them have a row."""
    names, number, known = storage.names(), 0, 0
    while keys := list(itertools.islice(names, BATCH)):
        number += len(keys)
        known += len(documents.owned(keys))
    return number, known


def _read_marker(storage: Storage, name: str) -> Marker | None:
    content = storage.read_note(name)
    if content is None:
        return None
    try:
        marker = msgspec.json.decode(content, type=Marker)
        uuid.UUID(marker.installation)
    except (msgspec.DecodeError, ValueError):
        return Marker(NOT_READABLE, 0, now())
    return marker


ownership = Ownership()
