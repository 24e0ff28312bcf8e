"""Incidents as rows of the database."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.transaction import transaction
from leadintake.monitoring.incidents import LEASE, Record, decode
from leadintake.monitoring.models import Incident


class Rows:
    """The records that all watchdogs share."""

    def records(self) -> list[Record]:
        """All of them."""
        with reading():
            found = [_record(row) for row in db.session.scalars(sa.select(Incident).order_by(Incident.id))]
            db.session.rollback()
        return found

    def open(self, cause: str, problem: Problem) -> bool:
        """Note that a cause is wrong; return whether that is new."""
        if self._known(cause, resolved=False):
            return False
        words = {"severity": problem.severity, "sentence": str(problem), "opened_at": now()}
        if self._change(cause, Incident.resolved_at.is_not(None), **words, resolved_at=None):
            return True
        try:
            with transaction():
                db.session.add(Incident(cause=cause, changes=1, told="{}", **words))
        except IntegrityError:  # another watchdog was first
            return False
        return True

    def resolve(self, cause: str) -> bool:
        """Note that a cause is right; return whether that is new."""
        known = self._known(cause, resolved=False)
        return known and self._change(cause, Incident.resolved_at.is_(None), resolved_at=now())

    def lease(self, cause: str) -> Record | None:
        """The record as it is now, for this watchdog alone; None where another has it."""
        until = Incident.leased_until
        free = sa.or_(until.is_(None), until < now(), until > now() + 2 * LEASE)  # dated by a wrong clock
        with transaction():
            taken = _update(Incident.cause == cause, free, leased_until=now() + LEASE)
            row = db.session.scalar(sa.select(Incident).where(Incident.cause == cause)) if taken else None
            return None if row is None else _record(row)

    def give_back(self, record: Record) -> None:
        """Keep who was told, unless the record changed meanwhile, and end the lease."""
        told = msgspec.json.encode(record.told).decode()
        with transaction():
            _update(Incident.cause == record.cause, told=told, leased_until=None)

    def remove(self, record: Record) -> None:
        """Forget a record, unless it changed meanwhile."""
        same = sa.and_(Incident.cause == record.cause, Incident.changes == record.changes)
        with transaction():
            db.session.execute(sa.delete(Incident).where(same).execution_options(synchronize_session=False))

    def _known(self, cause: str, *, resolved: bool) -> bool:
        return any(one.cause == cause and (one.resolved_at is not None) is resolved for one in self.records())

    def _change(self, cause: str, *which: sa.ColumnElement[bool], **values: object) -> bool:
        with transaction():
            return _update(Incident.cause == cause, *which, changes=Incident.changes + 1, **values)


def _update(*which: sa.ColumnElement[bool], **values: object) -> bool:
    changed: Any = db.session.execute(
        sa.update(Incident).where(*which).values(**values).execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount)


def _record(row: Incident) -> Record:
    told = decode(row.told)
    return Record(
        str(row.id), row.cause, row.opened_at, row.severity, row.sentence, row.resolved_at, row.changes, told
    )
