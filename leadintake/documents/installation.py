"""Row of this installation, and what workers recorded in it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.core.db.database import db, read_only
from leadintake.documents.models import THIS, Installation


def ensure_installation() -> Installation:
    """Return the row, created if necessary, locked until the transaction ends."""
    row = find_installation(lock=True)
    if row is None:
        row = Installation(name=THIS)
        try:
            with db.session.begin_nested():
                db.session.add(row)
        except IntegrityError:  # another worker inserted it meanwhile
            row = find_installation(lock=True)
    if row is None:
        raise LookupError("The row of this installation vanished.")
    return row


def read_sweep_refusal() -> str:
    """Return why the last sweep was refused; empty after success."""
    return _read(Installation.sweep_refusal)


def count_refused_sweeps() -> dict[str, float]:
    """Return the number of sweeps refused so far."""
    with read_only(), db.engine.connect() as connection:
        refused = connection.scalar(sa.select(Installation.sweeps_refused).where(Installation.name == THIS))
        return {"": refused or 0}


def read_storage_problem() -> str:
    """Return why nothing may be removed from the storage, as recorded last; or empty."""
    return _read(Installation.storage_problem)


def _read(column: sa.orm.InstrumentedAttribute[str]) -> str:
    with read_only(), db.engine.connect() as connection:
        return connection.scalar(sa.select(column).where(Installation.name == THIS)) or ""


def find_installation(*, lock: bool = False) -> Installation | None:
    """Return the row, None without one. `lock`: until the transaction ends."""
    query = sa.select(Installation).where(Installation.name == THIS)
    return db.session.scalar(query.with_for_update() if lock else query)
