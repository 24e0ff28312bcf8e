"""Counters of leads by assignee, updated with each change: reading them costs the same with any number.

1. Whoever changes leads adds what it changes, for one assignee (leads/counting.py). Nothing is written yet.
2. Before the commit the sums are written: one statement, the rows in the order of their ids. Only the head of
   the audit trail is locked later. So no two transactions wait for each other.
3. A row and the leads it counts change in the same transaction. So in one snapshot they agree, and how far
   they differ (a process of the version before writes no numbers) does not depend on who is changing leads.
4. `correct` adds the difference that one snapshot showed, unless another process did since. So it needs
   no lock while leads are counted.
"""

from __future__ import annotations

import functools
import uuid
import weakref
from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from leadintake.assignment.models import LeadCounts
from leadintake.core.clock import now
from leadintake.core.db.database import db, execute
from leadintake.core.db.results import affected
from leadintake.core.db.transaction import before_commit
from leadintake.core.db.upserts import make_upsert

UNASSIGNED = uuid.UUID(int=0)
"""Stands for the assignee of leads without one. The lowest id, so its row is locked first."""
NUMBERS = ("listed", "pending", "waiting", "quarantined")
COUNTS = cast(sa.Table, LeadCounts.__table__)
UNWRITTEN = "lead_counts_unwritten"
Changes = dict[tuple[uuid.UUID, str], int]
_saved: weakref.WeakKeyDictionary[SessionTransaction, Changes] = weakref.WeakKeyDictionary()
"""What was unwritten when a savepoint began."""
_COUNT_CORRECTION = (
    sa.update(COUNTS)
    .where(COUNTS.c.id == UNASSIGNED, COUNTS.c.corrections == sa.bindparam("seen"))
    .values(corrections=COUNTS.c.corrections + 1)
)


def add(assignee_id: uuid.UUID | None, numbers: Mapping[str, int]) -> None:
    """Add to the numbers of a user, or of leads without assignee, when this transaction commits."""
    changes: Changes = db.session().info.setdefault(UNWRITTEN, {})
    if not changes:
        before_commit(_write, first=True)
    owner = assignee_id or UNASSIGNED
    for name, number in numbers.items():
        changes[owner, name] = changes.get((owner, name), 0) + number


def get_unwritten() -> Mapping[tuple[uuid.UUID, str], int]:
    """Return by how much this transaction has changed numbers so far, by owner and number."""
    changes: Changes = db.session().info.get(UNWRITTEN, {})
    return changes


def read_totals() -> dict[str, int]:
    """Return the numbers of all leads."""
    sums = (sa.func.coalesce(sa.func.sum(COUNTS.c[name]), 0) for name in NUMBERS)
    return {name: int(number) for name, number in zip(NUMBERS, execute(sa.select(*sums)).one(), strict=True)}


def read_shares(user_id: uuid.UUID, *, alone: bool) -> dict[str, int]:
    """Return the numbers of listed leads, of open ones, and of those the user's own and without assignee.

    With `alone`, none of leads that are not the user's count.
    """
    is_own, is_unassigned = COUNTS.c.id == user_id, COUNTS.c.id == UNASSIGNED
    sums = {
        "listed": COUNTS.c.listed,
        "open": COUNTS.c.pending,
        "own": sa.case((is_own, COUNTS.c.pending), else_=0),
        "unassigned": sa.case((is_unassigned, COUNTS.c.pending), else_=0),
    }
    shares = sa.select(
        *(sa.func.coalesce(sa.func.sum(number), 0).label(name) for name, number in sums.items())
    )
    row = execute(shares.where(is_own) if alone else shares).mappings().one()
    return {name: int(row[name]) for name in sums}


def list_owners(limit: int, *, but: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of users with open leads, but one; `limit` at most."""
    owners = sa.select(COUNTS.c.id).where(COUNTS.c.pending > 0, COUNTS.c.id.not_in([UNASSIGNED, but]))
    return [row.id for row in execute(owners.order_by(COUNTS.c.id).limit(limit))]


def correct(differences: Mapping[uuid.UUID, Mapping[str, int]], seen: int) -> bool:
    """Add these differences, unless numbers were corrected since there had been `seen` corrections.

    Return whether they were added. The caller commits.
    """
    upsert = _make_upsert(db.session.get_bind().dialect.name)
    execute(upsert, [_make_row(UNASSIGNED, dict.fromkeys(NUMBERS, 0))])
    if affected(execute(_COUNT_CORRECTION, [{"seen": seen}])) != 1:
        return False
    for owner, numbers in differences.items():
        add(owner, numbers)
    return True


def _write() -> None:
    session = db.session()
    changes: Changes = session.info.pop(UNWRITTEN, {})
    owners = sorted({owner for (owner, _), number in changes.items() if number})
    if owners:
        connection = session.connection()
        rows = [
            _make_row(owner, {name: changes.get((owner, name), 0) for name in NUMBERS}) for owner in owners
        ]
        connection.execute(_make_upsert(connection.dialect.name), rows)


def _make_row(owner: uuid.UUID, numbers: Mapping[str, int]) -> dict[str, object]:
    """Make a whole row, for a default costs calls in each submission."""
    moment = now()
    return {"id": owner, "created_at": moment, "updated_at": moment, "corrections": 0, **numbers}


@functools.cache
def _make_upsert(dialect: str) -> sa.Insert:
    """Make an INSERT that adds to the row if there is one."""
    return make_upsert(COUNTS, dialect, key=["id"], change=_sums)


def _sums(new: Any) -> dict[str, sa.ColumnElement[Any]]:
    return {"updated_at": new.updated_at, **{name: COUNTS.c[name] + new[name] for name in NUMBERS}}


@event.listens_for(db.session, "after_transaction_create")
def _save_at_savepoint(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        _saved[transaction] = dict(session.info.get(UNWRITTEN, {}))


@event.listens_for(db.session, "after_soft_rollback")
def _forget_what_was_undone(session: Session, transaction: SessionTransaction) -> None:
    session.info[UNWRITTEN] = _saved.pop(transaction) if transaction.nested else {}
