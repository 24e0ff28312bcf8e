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

    SQLite has one writer at a time already, so there the row is only read.
    """
    db.session.execute(sa.select(Lock.id).where(Lock.name == name).with_for_update()).one()
