"""References for leads without one: those before migration 0009, or written by an older process beside it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.core.database import db, reading
from leadintake.core.transaction import transaction
from leadintake.leads.reference import draw_reference, is_taken

BATCH = 500
LEADS = sa.table("leads", sa.column("id", sa.Uuid()), sa.column("reference", sa.String(9)))
WITHOUT = sa.select(LEADS.c.id).where(LEADS.c.reference.is_(None))


def give_references(connection: sa.Connection, ids: Sequence[uuid.UUID]) -> None:
    """Give these leads references, in the transaction of the connection; those that have one keep it.

    Neither version nor time of the last change moves: nobody changed the lead. When one is taken, all are
    drawn again.
    """
    some = LEADS.c.id == sa.bindparam("lead_id")
    statement = sa.update(LEADS).where(some, LEADS.c.reference.is_(None))
    statement = statement.values(reference=sa.bindparam("drawn"))
    while True:
        try:
            with connection.begin_nested():
                drawn = [{"lead_id": one, "drawn": draw_reference()} for one in ids]
                connection.execute(statement, drawn)
        except IntegrityError as error:
            if not is_taken(error):
                raise
        else:
            return


def run_worker_tick() -> None:
    """Give a reference to leads that an older process wrote: one look into an index where there are none."""
    with reading():
        ids = db.session.scalars(WITHOUT.limit(BATCH)).all()
        db.session.rollback()
    if ids:
        with transaction():
            give_references(db.session.connection(), ids)
