"""Named locks, held until their transaction ends."""

from __future__ import annotations

import hashlib
import time
from typing import cast

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core import checks
from leadintake.core.causes import is_schema_error
from leadintake.core.clock import now
from leadintake.core.db.database import Model, db, execute, read_only
from leadintake.core.db.results import affected
from leadintake.core.db.transaction import become_writer
from leadintake.core.db.writers import WAITS

NOT_MIGRATED = "The database misses what a migration makes. Run `flask db upgrade`."


class Lock(Model):
    """A row per lock; migrations create them."""

    __tablename__ = "locks"

    name: Mapped[str] = mapped_column(sa.String(40), unique=True)


LOCKS = cast(sa.Table, Lock.__table__)
_UPDATE = sa.update(LOCKS).where(LOCKS.c.name == sa.bindparam("wanted")).values(updated_at=LOCKS.c.updated_at)
_ADVISORY = sa.text(
    "SELECT locks.id FROM locks, (SELECT pg_advisory_xact_lock(:key) AS granted) AS turn"
    " WHERE locks.name = :wanted FOR UPDATE OF locks"
)
"""PostgreSQL waits in `turn` before it locks the joined row."""


def init_app(app: Flask) -> None:
    """Register the readiness check of the database."""
    checks.register(app, "database", _check, probe=_probe)


def _check() -> None:
    """Raise unless the database answers and is migrated."""
    with read_only(), db.engine.connect() as connection:
        try:
            found = connection.scalar(sa.select(Lock.id).where(Lock.name == "readiness"))
        except DBAPIError as error:
            if not is_schema_error(error):
                raise
            found = None
        if found is None:
            raise LookupError(NOT_MIGRATED)


def _probe() -> None:
    """Raise unless the database takes writes: with a full disk, or as a replica, it only reads."""
    probe = sa.update(Lock).where(Lock.name == "readiness").values(updated_at=now())
    with read_only(False), db.engine.begin() as connection:
        if affected(connection.execute(probe)) != 1:
            raise LookupError(NOT_MIGRATED)


def acquire(name: str) -> None:
    """Wait for the lock `name` and hold it until the transaction ends.

    - SQLite: no statement; beginning to write excludes all other writers.
    - PostgreSQL: an advisory lock, whose waiters queue, and in the same round trip the row, which is all that
      the previous version of the code locks.
    - MariaDB: an UPDATE of the row.
    """
    become_writer()
    dialect = db.engine.dialect.name
    if dialect == "sqlite":
        return
    start = time.perf_counter()
    if dialect == "postgresql":
        found = len(execute(_ADVISORY, [{"key": advisory_key(name), "wanted": name}]).all())
    else:
        found = affected(execute(_UPDATE, [{"wanted": name}]))
    if found != 1:
        raise LookupError(f"There is no lock {name!r} in the database. Run `flask db upgrade`.")
    WAITS.observe(time.perf_counter() - start, name)


def advisory_key(name: str) -> int:
    """Return PostgreSQL's key of a lock: 63 bits of the SHA-256 of its name."""
    digest = hashlib.sha256(f"leadintake lock {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
