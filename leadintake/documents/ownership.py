"""Ownership of a storage: files are removed only if no other installation can own them.

A marker in the storage holds an installation's id (a row of its database) and an epoch. In this order:

1. No marker: claim the storage if it is empty, or if nine in ten of its files have a row here.
2. Marker of another installation: foreign.
3. Own marker, epoch above the row's: foreign. This database is a restored backup or a second copy; unknown
   files may belong to leads of the newer copy that wrote the marker.
4. Own marker and a note SHARED: an installation in case 2 or 3 stores files here without a row in this
   database. The marker is renewed, but nothing is removed.

Renewal, every ten minutes: raise the row's epoch, commit, write the marker. A crash before the last step
leaves a lower marker, which is valid.

An operator overrides all cases with `flask storage adopt`.
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
from leadintake.core.clock import format_local, now
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Conflict
from leadintake.documents.installation import ensure_installation, find_installation
from leadintake.documents.models import KnownStorage
from leadintake.documents.service import BATCH, documents
from leadintake.documents.storage.entries import MARKER, RETURN_NOTE, SHARED, NoteUnreadable
from leadintake.documents.storage.interface import Storage

RENEW_EVERY = timedelta(minutes=10)
LONG_ABSENCE = timedelta(days=2)
"""Time without a renewal that means the machine was off, or its clock jumped."""
MIN_KNOWN_SHARE = 0.9
"""Share of the files of an unmarked storage that must have a row before it is claimed."""
INVALID_ID = "unreadable"
"""Installation given for a marker that cannot be parsed: judged foreign."""
log = structlog.get_logger()


class Marker(msgspec.Struct, frozen=True):
    """Content of MARKER and SHARED."""

    installation: str
    epoch: int
    at: datetime


class State(StrEnum):
    """Relation of this installation to a storage."""

    OWNED = "ours"
    CLAIMABLE = "claimable"
    SHARED = "shared"
    """Own storage in which another installation stores files too."""
    UNMARKED = "unmarked"
    FOREIGN = "another's"
    UNREADABLE = "unreadable"
    """The marker is there and cannot be opened (permissions)."""


class Standing(NamedTuple):
    """State. `problem` tells operators why nothing may be removed."""

    state: State
    problem: str = ""


class Ownership:
    """Judge, claim, renew and adopt storages."""

    def judge(self, storage: Storage) -> Standing:
        """Return the state, without writing."""
        try:
            return self._judge(storage)
        except NoteUnreadable as error:
            return Standing(
                State.UNREADABLE,
                f"{error} Nothing is removed. Give it to the user that the service runs as.",
            )

    def maintain(self, stop: Stop) -> dict[str, object]:
        """Claim or renew the storage, or write SHARED to a foreign one; record any problem (a chore)."""
        storage = documents.storage
        state, problem = self.judge(storage)
        if stop():
            return {}
        if problem:
            log.error("storage_not_ours", state=state, problem=problem)
        if state is State.FOREIGN:
            storage.write_note(SHARED, msgspec.json.encode(self._make_marker()))
        elif state not in (State.UNMARKED, State.UNREADABLE):
            self.renew(storage)
        with transaction():
            ensure_installation().storage_problem = problem
        self.remember(documents.stores.url)
        return {"state": state}

    def renew(self, storage: Storage) -> None:
        """Raise the epoch if due; write the marker if the storage's is lower."""
        self._record_return()
        current = self._make_marker(raise_epoch=True)
        found = _read_marker(storage, MARKER)
        if found is None or found.epoch < current.epoch:
            storage.write_note(MARKER, msgspec.json.encode(current))

    def adopt(self, storage: Storage, *, instead_of: Collection[str] = ()) -> None:
        """Claim the storage. Raises Conflict if another user of it is not in `instead_of`."""
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
        """Record a known storage."""
        try:
            with transaction():
                if db.session.scalar(sa.select(KnownStorage.id).where(KnownStorage.url == url)) is None:
                    db.session.add(KnownStorage(url=url))
        except IntegrityError:  # another worker inserted it
            return

    def _judge(self, storage: Storage) -> Standing:
        marker = _read_marker(storage, MARKER)
        if marker is None:
            return self._judge_unmarked(storage)
        with read_only():  # after the marker: a renewal in between raises the row first
            row = find_installation()
            installation_id, epoch = (str(row.id), row.epoch) if row else ("", 0)
            db.session.rollback()
        if marker.installation != installation_id:
            return Standing(
                State.FOREIGN,
                f"The file storage belongs to another installation ({marker.installation}): nothing is "
                "removed. Check DATABASE_URL and STORAGE_URL. `flask storage adopt --instead-of "
                f"{marker.installation}` takes it over.",
            )
        if marker.epoch > epoch:
            return Standing(
                State.FOREIGN,
                f"The file storage was last used ({format_local(marker.at)}) with a newer copy of this "
                "database: nothing is removed. If this one is right, run `flask storage adopt`.",
            )
        return self._judge_shared(storage, installation_id)

    def _judge_unmarked(self, storage: Storage) -> Standing:
        number, known = _count(storage)
        if known >= number * MIN_KNOWN_SHARE:
            return Standing(State.CLAIMABLE)
        return Standing(
            State.UNMARKED,
            f"The file storage is not marked as anybody's, and this database knows {known} of its {number} "
            "files: nothing is removed. Check DATABASE_URL and STORAGE_URL. If they are right, run "
            "`flask storage adopt`.",
        )

    def _judge_shared(self, storage: Storage, installation_id: str) -> Standing:
        note = _read_marker(storage, SHARED)
        if note is None:
            return Standing(State.OWNED)
        is_foreign = note.installation != installation_id
        user = (
            f"another installation ({note.installation})" if is_foreign else "an older copy of this database"
        )
        option = f" --instead-of {note.installation}" if is_foreign else ""
        return Standing(
            State.SHARED,
            f"The file storage is used by {user}, too (last on {format_local(note.at)}): nothing is "
            f"removed. When that is so no longer, run `flask storage adopt{option}`.",
        )

    def _record_return(self) -> None:
        """Write RETURN_NOTE after LONG_ABSENCE. Call before renewing, which overwrites the time."""
        with read_only():
            row = find_installation()
            last = row.renewed_at if row else None
            db.session.rollback()
        if last is not None and now() - last > LONG_ABSENCE:
            documents.storage.write_note(RETURN_NOTE, now().isoformat().encode())

    def _make_marker(self, *, raise_epoch: bool = False) -> Marker:
        """Return this installation's marker; `raise_epoch`: first raise the row's epoch if due."""
        with transaction():
            row = ensure_installation()
            # A time in the future, from a clock since corrected, must not delay the renewal.
            recent = row.renewed_at is not None and now() - RENEW_EVERY < row.renewed_at <= now()
            if raise_epoch and not recent:
                row.epoch += 1
                row.renewed_at = now()
            return Marker(str(row.id), row.epoch, now())


def _count(storage: Storage) -> tuple[int, int]:
    """Return the number of files, and of those with a row."""
    names, number, known = storage.names(), 0, 0
    while keys := list(itertools.islice(names, BATCH)):
        number += len(keys)
        known += len(documents.find_owned_keys(keys))
    return number, known


def _read_marker(storage: Storage, name: str) -> Marker | None:
    content = storage.read_note(name)
    if content is None:
        return None
    try:
        marker = msgspec.json.decode(content, type=Marker)
        uuid.UUID(marker.installation)
    except (msgspec.DecodeError, ValueError):
        return Marker(INVALID_ID, 0, now())
    return marker


ownership = Ownership()
