"""Whether the audit trail is still what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from leadintake.audit import chain
from leadintake.audit.chain import Broken, Head
from leadintake.audit.models import AuditEntry, AuditHead
from leadintake.audit.service import PURPOSE
from leadintake.core.database import db
from leadintake.core.keys import keys

BATCH = 1000


def verify(published: Head | None = None, watch: Callable[[int], None] = lambda _: None) -> Head:
    """Walk the whole chain and return its end. `watch` is told now and then how far it has come.

    Raises Broken, naming the first entry that is missing, was altered or moved; when the end was cut
    off; and when a head that was `published` is not on the chain.
    """
    newest = sa.select(sa.func.max(AuditEntry.number)).scalar_subquery()
    # One statement: the head and the last entry are of one moment, while others append.
    ends = sa.select(AuditHead.number, AuditHead.hash, AuditHead.seal, newest.label("newest"))
    here, with_keys, row = Head(0, ""), keys(PURPOSE), db.session.execute(ends).one()
    for batch in _batches_up_to(row.newest):
        if published is not None and here.number < published.number <= here.number + len(batch):
            until = published.number - here.number
            here = chain.follow(batch[:until], with_keys, here)
            if here.hash != published.hash:
                raise Broken(f"Entry {here.number} is another than the one that was published.")
            batch = batch[until:]
        here = chain.follow(batch, with_keys, here)
        db.session.rollback()
        watch(here.number)
    _judge_end(here, Head(row.number, row.hash), row.seal, with_keys, published)
    return here


def _judge_end(here: Head, end: Head, seal: str, with_keys: list[bytes], published: Head | None) -> None:
    if not chain.is_sealed(end, seal, with_keys):
        raise Broken(f"The end was altered: entries after {here.number} may have been cut off.")
    if here.number < end.number:
        raise Broken(f"Entry {here.number + 1} is missing, and so is all that followed it.")
    if here != end:
        raise Broken(f"Entry {end.number + 1} lies behind the recorded end of the trail.")
    if published is not None and published.number > here.number:
        raise Broken(f"Entry {here.number + 1} is missing: the trail was longer when published.")


def _batches_up_to(newest: int | None) -> Iterator[list[Any]]:
    """All entries up to a number. Raises Broken for one that cannot even be read: SQLite takes anything."""
    columns = [getattr(AuditEntry, name) for name in (*chain.COVERED, "hash")]
    everything = sa.select(*columns).where(AuditEntry.number <= (newest or 0)).order_by(AuditEntry.number)
    statement, size, done = everything, BATCH, 0
    while True:
        try:
            batch = list(db.session.execute(statement.limit(size)))
        except (AttributeError, TypeError, ValueError) as error:
            if size == 1:
                raise Broken(f"Entry {done + 1} was altered: it cannot be read.") from error
            size = 1
            continue
        if not batch:
            return
        yield batch
        done, statement = done + len(batch), everything.where(AuditEntry.number > batch[-1].number)
