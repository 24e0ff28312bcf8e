"""Named locks that live as long as the transaction that took them."""

from __future__ import annotations

import time

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core import checks, measures
from leadintake.core.causes import is_schema_error
from leadintake.core.clock import now
from leadintake.core.database import Model, db, reading

WAITS = measures.Histogram("leadintake_lock_wait_seconds", "Time until a lock was granted", "lock")
NOT_MIGRATED = "The database misses what a migration makes. Run `flask db upgrade`."


class Lock(Model):
    """One row a lock; the migration makes them."""

    __tablename__ = "locks"

    name: Mapped[str] = mapped_column(sa.String(40), unique=True)


def init_app(app: Flask) -> None:
    """Have readiness ask whether the database answers, and takes anything."""
    checks.register(app, "database", _look, probe=_probe)


def _look() -> None:
    """Raise unless the database answers and was migrated."""
    with reading(), db.engine.connect() as connection:
        try:
            found = connection.scalar(sa.select(Lock.id).where(Lock.name == "readiness"))
        except DBAPIError as error:
            if not is_schema_error(error):
                raise
            found = None
        if found is None:
            raise LookupError(NOT_MIGRATED)


def _probe() -> None:
    """Raise unless the database takes writes: one on a full disk, or one that follows another, only reads."""
    probe = sa.update(Lock).where(Lock.name == "readiness").values(updated_at=now())
    with reading(False), db.engine.begin() as connection:
        if connection.execute(probe).rowcount != 1:
            raise LookupError(NOT_MIGRATED)


def hold(name: str) -> None:
    """Wait for the lock `name` and keep it until the transaction ends.

    By an UPDATE, not a SELECT … FOR UPDATE: it excludes others on SQLite too, however the transaction began.
    """
    begun = time.perf_counter()
    taken = db.session.execute(sa.update(Lock).where(Lock.name == name).values(name=name))
    if taken.rowcount != 1:  # type: ignore[attr-defined] # of a CursorResult, which an UPDATE gives
        raise LookupError(f"There is no lock {name!r} in the database. Run `flask db upgrade`.")
    WAITS.observe(time.perf_counter() - begun, name)
