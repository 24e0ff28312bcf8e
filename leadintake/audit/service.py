"""Verbs on the audit trail: write down, read, publish. Whether it holds is in verifying.py."""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from sqlalchemy.exc import OperationalError

from leadintake.audit import chain, schemas
from leadintake.audit.chain import Head
from leadintake.audit.models import AuditEntry, AuditHead
from leadintake.audit.origin import place, way
from leadintake.audit.schemas import AuditFilter
from leadintake.core.chores import Stop
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.keys import keys
from leadintake.core.pages import Order, Page, all_of, page_of
from leadintake.core.transaction import before_commit, on_rollback, transaction
from leadintake.core.types import new_id
from leadintake.core.walls import outside

PURPOSE = "audit"
WAITING = "leadintake.audit"
NEWEST_FIRST = Order(AuditEntry, "created_at", descending=True)
A_HASH = re.compile(r"[0-9a-f]{64}")
log = structlog.get_logger()


class Person(Protocol):
    """Somebody with an id."""

    id: uuid.UUID


By = Person | Literal["system", "anybody"] | None
"""Who did it. None is an operator at the machine."""
About = tuple[str, uuid.UUID] | None
"""What it was done to: its kind and its id."""
Publish = Callable[[Head, datetime], None]


class Audit:
    """Who did what, when, from where."""

    def record(self, action: str, *, by: By, about: About = None, **detail: object) -> None:
        """Write down an act, as the last part of the transaction that it is in: both are kept, or none.

        `detail` holds machine words alone: ids, numbers, names of settings. Raises ValueError for others.
        """
        entry = _entry(action, by, about, detail)
        info = db.session().info
        if WAITING not in info:
            info[WAITING] = []
            before_commit(self._append_waiting)
            on_rollback(self._forget_waiting)
        info[WAITING].append(entry)

    def record_refusal(self, action: str, *, by: By, about: About = None, **detail: object) -> None:
        """Write what the caller is about to refuse: in a transaction of its own, once this is undone."""
        entry = _entry(action, by, about, detail)

        def write() -> None:
            with transaction():
                self._append([entry])

        on_rollback(write)

    def last(self, action: str) -> Mapping[str, Any] | None:
        """The detail of the last entry about this kind of act."""
        same = sa.select(AuditEntry.detail).where(AuditEntry.action == action)
        found = db.session.scalar(same.order_by(AuditEntry.number.desc()).limit(1))
        return None if found is None else schemas.read(found)

    def page(
        self, wanted: AuditFilter, *, seen_by: Person | None, limit: int, cursor: str | None
    ) -> Page[AuditEntry]:
        """Entries that `seen_by` may know of, newest first; that they were read is an entry, too."""
        self.record("audit.read", by=seen_by, filters=list(wanted.given()))
        found, bound_to = _matching(wanted, seen_by.id if seen_by else None), wanted.given()
        return page_of(found, NEWEST_FIRST, limit=limit, cursor=cursor, bound_to=bound_to)

    def every(self, wanted: AuditFilter, *, seen_by: Person | None) -> Iterator[AuditEntry]:
        """All such entries, in batches, as they are asked for; that they were exported is an entry, too."""
        self.record("audit.exported", by=seen_by, filters=list(wanted.given()))
        person = seen_by.id if seen_by else None
        return all_of(_matching(wanted, person), NEWEST_FIRST)

    def head(self) -> Head:
        """The present end of the chain."""
        row = db.session.execute(sa.select(AuditHead.number, AuditHead.hash)).one()
        return Head(row.number, row.hash)

    def when_published(self, app: Flask, action: Publish) -> None:
        """Do something with each head that is published."""
        app.extensions.setdefault("leadintake.audit.publish", []).append(action)

    def publish(self, _stop: Stop) -> Mapping[str, object]:
        """Say in the log, and wherever rooms above say it, where the chain ends: a chore."""
        with transaction():
            head, moment = self.head(), now()
            for action in current_app.extensions.get("leadintake.audit.publish", ()):
                action(head, moment)
        log.info("audit_head", number=head.number, hash=head.hash)
        return {"number": head.number}

    def _append_waiting(self) -> None:
        self._append(db.session().info.pop(WAITING))

    def _forget_waiting(self) -> None:
        db.session().info.pop(WAITING, None)

    def _append(self, entries: list[AuditEntry]) -> None:
        key, row = keys(PURPOSE)[0], _held_head()
        head = Head(row.number, row.hash)
        if not chain.is_sealed(head, row.seal, keys(PURPOSE)):
            # Going on as if nothing were wrong would hide that the end was cut off: this says so for ever.
            seal = row.seal if A_HASH.fullmatch(row.seal) else ""
            entries = [_entry(chain.DOUBTED, "system", None, {"seal": seal}), *entries]
        for entry in entries:
            entry.number, entry.key_id = head.number + 1, chain.key_id(key)
            entry.hash = chain.hash_of(entry, head.hash, key)
            head = Head(entry.number, entry.hash)
        db.session.add_all(entries)
        db.session.flush()
        moved = {"number": head.number, "hash": head.hash, "seal": chain.seal_of(head, key)}
        db.session.execute(sa.update(AuditHead).values(**moved))


def _held_head() -> Any:
    """The row of the head, locked until the transaction ends: the last lock that any takes.

    On SQLite a reader cannot turn writer once another has written; as it wrote nothing, it begins anew.
    """
    with reading(False):
        db.session.connection()
        try:
            return _lock_head()
        except OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        db.session.rollback()
        return _lock_head()


def _lock_head() -> Any:
    # First the lock, and by an UPDATE: it excludes others on every database.
    db.session.execute(sa.update(AuditHead).values(updated_at=now()))
    return db.session.execute(sa.select(AuditHead.number, AuditHead.hash, AuditHead.seal)).one()


def _entry(action: str, by: By, about: About, detail: Mapping[str, object]) -> AuditEntry:
    moment = now()
    kind, person = ("user", by.id) if by is not None and not isinstance(by, str) else (by or "operator", None)
    subject_kind, subject_id = about or ("", None)
    return AuditEntry(
        id=new_id(),
        created_at=moment,
        updated_at=moment,
        actor_kind=kind,
        actor_id=person,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        via=way(by),
        origin="" if by == "system" else place(),
        detail=schemas.write(detail),
    )


def _matching(wanted: AuditFilter, person: uuid.UUID | None) -> sa.Select[Any]:
    found: sa.Select[Any] = sa.select(AuditEntry).where(*wanted.conditions())
    return found if person is None else found.where(outside(AuditEntry.subject_id, person))


audit = Audit()
