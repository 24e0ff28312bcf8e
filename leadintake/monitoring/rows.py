"""Incidents as rows of the database: the Store of incidents.py.

All but `read_separately` commit or roll back the session: call them outside of transactions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.db.database import db, read_only
from leadintake.core.db.results import affected
from leadintake.core.db.transaction import transaction
from leadintake.monitoring.incidents import LEASE, Record, decode, encode
from leadintake.monitoring.models import Incident

FINDING_COLUMNS = ("opened_at", "resolved_at", "severity", "sentence", "changes")
Outcome = TypeVar("Outcome")


class Rows:
    """Records shared by all watchdogs; see Store."""

    def records(self) -> list[Record]:
        with read_only():
            found = [_record(row) for row in db.session.scalars(sa.select(Incident).order_by(Incident.id))]
            db.session.rollback()
        return found

    def read_separately(self) -> list[Record]:
        """Return all records over another connection: the caller may be in a transaction."""
        with read_only(), db.engine.connect() as connection:
            return [_record(row) for row in connection.execute(sa.select(Incident.__table__))]

    def open(self, cause: str, problem: Problem, watchdog: str) -> str:
        if self._find(cause) is None and self._add(cause, problem, watchdog):
            return "opened"
        return self._change(cause, lambda record: record.record_problem(problem, watchdog)) or ""

    def resolve(self, cause: str, watchdog: str) -> bool:
        seen = self._find(cause)
        if seen is None or seen.resolved_at is not None:
            return False
        return self._change(cause, lambda record: record.record_recovery(watchdog)) or False

    def lease(self, cause: str) -> Record | None:
        until = Incident.leased_until
        # The last: set by a wrong clock.
        free = sa.or_(until.is_(None), until < now(), until > now() + 2 * LEASE)
        with transaction():
            is_leased = _update(Incident.cause == cause, free, leased_until=now() + LEASE)
            row = db.session.scalar(sa.select(Incident).where(Incident.cause == cause)) if is_leased else None
            return None if row is None else _record(row)

    def release(self, record: Record) -> None:
        with transaction():
            _update(Incident.cause == record.cause, told=encode(record.told), leased_until=None)

    def remove(self, record: Record) -> None:
        same = sa.and_(Incident.cause == record.cause, Incident.changes == record.changes)
        with transaction():
            db.session.execute(sa.delete(Incident).where(same).execution_options(synchronize_session=False))

    def _find(self, cause: str) -> Record | None:
        return next((record for record in self.records() if record.cause == cause), None)

    def _add(self, cause: str, problem: Problem, watchdog: str) -> bool:
        record = Record("", cause, now(), problem.severity, str(problem))
        record.record_problem(problem, watchdog)
        try:
            with transaction():
                db.session.add(Incident(cause=cause, told="{}", **_values(record)))
        except IntegrityError:  # another watchdog was first
            return False
        return True

    def _change(self, cause: str, change: Callable[[Record], Outcome]) -> Outcome | None:
        """Change a locked record; None if it is gone."""
        with transaction():
            row = db.session.scalar(sa.select(Incident).where(Incident.cause == cause).with_for_update())
            if row is None:
                return None
            record = _record(row)
            outcome = change(record)
            for name, value in _values(record).items():
                setattr(row, name, value)
            return outcome


def _update(*conditions: sa.ColumnElement[bool], **values: object) -> bool:
    result = db.session.execute(
        sa.update(Incident).where(*conditions).values(**values).execution_options(synchronize_session=False)
    )
    return bool(affected(result))


def _values(record: Record) -> dict[str, object]:
    """Return the columns of a finding."""
    return {**{name: getattr(record, name) for name in FINDING_COLUMNS}, "wrong_by": encode(record.wrong_by)}


def _record(row: Incident | sa.Row[Any]) -> Record:
    return Record(
        str(row.id),
        row.cause,
        row.opened_at,
        row.severity,
        row.sentence,
        row.resolved_at,
        row.changes,
        decode(row.told),
        decode(row.wrong_by or "{}"),
    )
