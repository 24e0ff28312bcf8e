"""The audit trail: record, read, publish. verification.py verifies it."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
import structlog

from leadintake.audit import chain, schemas
from leadintake.audit.chain import Head
from leadintake.audit.events import HeadPublished, head_published
from leadintake.audit.models import AuditEntry, AuditHead
from leadintake.audit.origin import name_credential, name_origin
from leadintake.audit.schemas import AuditFilter
from leadintake.core.actor import (
    SYSTEM,
    Operator,
    Person,
    PersonOrUnnamed,
    RequestActor,
    Unnamed,
    refuse_operator_in_request,
)
from leadintake.core.chores import Stop
from leadintake.core.clock import now
from leadintake.core.crypto import keys
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order, Page, iterate_all, page_of
from leadintake.core.db.transaction import become_writer, before_commit, on_rollback, transaction
from leadintake.core.db.types import new_id
from leadintake.core.visibility import not_hidden_from

PURPOSE = "audit"
WAITING = "leadintake.audit"
NEWEST_FIRST = Order(AuditEntry, "created_at", descending=True)
A_HASH = re.compile(r"[0-9a-f]{64}")
log = structlog.get_logger()


About = tuple[str, uuid.UUID] | None
"""Kind and id of the subject."""


class Audit:
    def record(self, action: str, *, actor: PersonOrUnnamed, about: About = None, **detail: object) -> None:
        """Record an act at the end of the current transaction: both commit, or neither.

        `detail` holds machine words: ids, numbers, names of settings. Raises ValueError for others,
        RuntimeError for OPERATOR in a request.
        """
        entry = _entry(action, actor, about, detail)
        info = db.session().info
        if WAITING not in info:
            info[WAITING] = []
            before_commit(self._append_waiting)
            on_rollback(self._forget_waiting)
        info[WAITING].append(entry)

    @contextlib.contextmanager
    def forget_refused(self) -> Iterator[None]:
        """Record nothing of what was recorded inside if it raises, as a savepoint does with rows."""
        number = len(db.session().info.get(WAITING, ()))
        try:
            yield
        except BaseException:
            del db.session().info.get(WAITING, [])[number:]
            raise

    def record_refusal(
        self, action: str, *, actor: RequestActor, about: About = None, **detail: object
    ) -> None:
        """Record a refusal in its own transaction, after the current one rolls back."""
        entry = _entry(action, actor, about, detail)

        def write() -> None:
            with transaction():
                self._append([entry])

        on_rollback(write)

    def last(self, action: str) -> Mapping[str, Any] | None:
        """Return the detail of the action's latest entry."""
        detail_query = sa.select(AuditEntry.detail).where(AuditEntry.action == action)
        found = db.session.scalar(detail_query.order_by(AuditEntry.number.desc()).limit(1))
        return None if found is None else schemas.read(found)

    def page(
        self, filters: AuditFilter, *, actor: Person | Operator, limit: int, cursor: str | None
    ) -> Page[Any]:
        """Return rows of the entries visible to `actor`, newest first; record the reading."""
        self.record("audit.read", actor=actor, filters=list(filters.to_dict()))
        entries_query, bound_to = _make_entries_query(filters, actor), filters.to_dict()
        return page_of(
            entries_query,
            NEWEST_FIRST,
            limit=limit,
            cursor=cursor,
            bound_to=bound_to,
            shape=schemas.select_items,
        )

    def iterate(self, filters: AuditFilter, *, actor: Person | Operator) -> Iterator[Any]:
        """Yield rows of all entries visible to `actor`, in batches; record the export."""
        self.record("audit.exported", actor=actor, filters=list(filters.to_dict()))
        return iterate_all(_make_entries_query(filters, actor), NEWEST_FIRST, shape=schemas.select_items)

    def head(self) -> Head:
        """Return the current end of the chain."""
        row = db.session.execute(sa.select(AuditHead.number, AuditHead.hash)).one()
        return Head(row.number, row.hash)

    def publish(self, _stop: Stop) -> Mapping[str, object]:
        """Log the head and send `head_published`. A chore."""
        with transaction():
            head = self.head()
            head_published.send(HeadPublished(head, now()))
        log.info("audit_head", number=head.number, hash=head.hash)
        return {"number": head.number}

    def _append_waiting(self) -> None:
        self._append(db.session().info.pop(WAITING))

    def _forget_waiting(self) -> None:
        db.session().info.pop(WAITING, None)

    def _append(self, entries: list[AuditEntry]) -> None:
        key, row = keys(PURPOSE)[0], _acquire_head()
        head = Head(row.number, row.hash)
        if not chain.is_sealed(head, row.seal, keys(PURPOSE)):
            # Record the possible truncation: continuing silently would hide it.
            seal = row.seal if A_HASH.fullmatch(row.seal) else ""
            entries = [_entry(chain.UNSEALED_HEAD, SYSTEM, None, {"seal": seal}), *entries]
        for entry in entries:
            entry.number, entry.key_id = head.number + 1, chain.key_id(key)
            entry.hash = chain.hash_of(entry, head.hash, key)
            head = Head(entry.number, entry.hash)
        db.session.add_all(entries)
        db.session.flush()
        moved = {"number": head.number, "hash": head.hash, "seal": chain.seal_of(head, key)}
        db.session.execute(sa.update(AuditHead).values(**moved))


def _acquire_head() -> Any:
    """Lock the head row until the transaction ends: the last lock of any transaction."""
    become_writer()
    # An UPDATE locks on every database.
    db.session.execute(sa.update(AuditHead).values(updated_at=now()))
    return db.session.execute(sa.select(AuditHead.number, AuditHead.hash, AuditHead.seal)).one()


def _entry(action: str, actor: PersonOrUnnamed, about: About, detail: Mapping[str, object]) -> AuditEntry:
    moment = now()
    refuse_operator_in_request(actor)
    kind, person = (actor.value, None) if isinstance(actor, Unnamed) else ("user", actor.id)
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
        via=name_credential(actor),
        origin="" if actor is SYSTEM else name_origin(),
        detail=schemas.write(detail),
    )


def _make_entries_query(filters: AuditFilter, reader: Person | Operator) -> sa.Select[Any]:
    entries_query: sa.Select[Any] = sa.select(AuditEntry).where(*filters.conditions())
    return entries_query.where(not_hidden_from(AuditEntry.subject_id, reader))


audit = Audit()
