"""Verification of the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from leadintake.audit import chain
from leadintake.audit.chain import Broken, Head
from leadintake.audit.models import AuditEntry, AuditHead
from leadintake.audit.service import PURPOSE
from leadintake.core.chores import Watch, watch_nothing
from leadintake.core.crypto import keys
from leadintake.core.db.database import db

BATCH = 1000


def verify(published: Head | None = None, watch: Watch = watch_nothing) -> Head:
    """Verify the whole chain and return its end. `watch` gets the length of each batch.

    Raises Broken for the first entry that is missing, altered or moved; for a truncated end; and for a
    `published` head that is not on the chain.
    """
    newest = sa.select(sa.func.max(AuditEntry.number)).scalar_subquery()
    # One statement, so that head and last entry match despite concurrent appends.
    ends_query = sa.select(AuditHead.number, AuditHead.hash, AuditHead.seal, newest.label("newest"))
    position, with_keys, row = Head(0, ""), keys(PURPOSE), db.session.execute(ends_query).one()
    for batch in _batches_up_to(row.newest):
        length = len(batch)
        if published is not None and position.number < published.number <= position.number + len(batch):
            until = published.number - position.number
            position = chain.follow(batch[:until], with_keys, position)
            if position.hash != published.hash:
                raise Broken(f"Entry {position.number} is another than the one that was published.")
            batch = batch[until:]
        position = chain.follow(batch, with_keys, position)
        db.session.rollback()
        watch(length)
    _check_end(position, Head(row.number, row.hash), row.seal, with_keys, published)
    return position


def find_head(entry_hash: str) -> Head:
    """Return the entry with this hash as a head. Raises Broken if there is none."""
    number = db.session.scalar(sa.select(AuditEntry.number).where(AuditEntry.hash == entry_hash))
    if number is None:
        raise Broken("No entry has the hash that was published: it was altered or taken away.")
    return Head(number, entry_hash)


def _check_end(position: Head, end: Head, seal: str, with_keys: list[bytes], published: Head | None) -> None:
    if not chain.is_sealed(end, seal, with_keys):
        raise Broken(f"The end was altered: entries after {position.number} may have been cut off.")
    if position.number < end.number:
        raise Broken(f"Entry {position.number + 1} is missing, and so is all that followed it.")
    if position != end:
        raise Broken(f"Entry {end.number + 1} lies behind the recorded end of the trail.")
    if published is not None and published.number > position.number:
        raise Broken(f"Entry {position.number + 1} is missing: the trail was longer when published.")


def _batches_up_to(newest: int | None) -> Iterator[list[Any]]:
    """Yield entries up to a number. Raises Broken for undecodable ones: SQLite stores any type."""
    columns = [getattr(AuditEntry, name) for name in (*chain.COVERED, "hash")]
    entries_query = sa.select(*columns).where(AuditEntry.number <= (newest or 0)).order_by(AuditEntry.number)
    batch_query, size, done = entries_query, BATCH, 0
    while True:
        try:
            batch = list(db.session.execute(batch_query.limit(size)))
        except (AttributeError, TypeError, ValueError) as error:
            if size == 1:
                raise Broken(f"Entry {done + 1} was altered: it cannot be read.") from error
            size = 1
            continue
        if not batch:
            return
        yield batch
        done, batch_query = done + len(batch), entries_query.where(AuditEntry.number > batch[-1].number)
