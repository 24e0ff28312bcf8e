"""Named locks that live as long as the transaction that took them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.database import Model, db


class Lock(Model):
    """One row a lock; the migration makes them."""

    __tablename__ = "locks"

    name: Mapped[str] = mapped_column(sa.String(40), unique=True)


def hold(name: str) -> None:
    """Wait for the lock `name` and keep it until the transaction ends.

    By an UPDATE, not a SELECT … FOR UPDATE: it excludes others on SQLite too, however the transaction began.
    """
    taken = db.session.execute(sa.update(Lock).where(Lock.name == name).values(name=name))
    if taken.rowcount != 1:  # type: ignore[attr-defined] # of a CursorResult, which an UPDATE gives
        raise LookupError(f"There is no lock {name!r} in the database. Run `flask db upgrade`.")
