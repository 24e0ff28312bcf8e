"""The numbers of leads, as they are kept and as they are counted."""

from __future__ import annotations

import uuid
from collections import Counter

import sqlalchemy as sa

from leadintake.assignment.counters import COUNTS, UNASSIGNED
from leadintake.core.db.database import db
from leadintake.leads import counting
from leadintake.leads.models import Lead, is_in_quarantine, is_listed, is_waiting
from leadintake.leads.status import where_open

STORED = {"listed": is_listed(), "pending": sa.and_(is_listed(), where_open(Lead.status, Lead.outcome)),
          "waiting": is_waiting(), "quarantined": is_in_quarantine()}  # fmt: skip


def stored() -> dict[tuple[uuid.UUID, str], int]:
    """The numbers that are kept, without zeros."""
    found = db.session.execute(sa.select(COUNTS)).mappings().all()
    db.session.rollback()
    return {(row["id"], name): row[name] for row in found for name in STORED if row[name]}


def counted() -> dict[tuple[uuid.UUID, str], int]:
    """The same, counted one by one."""
    found: Counter[tuple[uuid.UUID, str]] = Counter()
    for name, condition in STORED.items():
        for assignee in db.session.scalars(sa.select(Lead.assignee_id).where(condition)):
            found[assignee or UNASSIGNED, name] += 1
    db.session.rollback()
    return dict(found)


def numbers_are_right() -> bool:
    """Whether the numbers are those of the leads, and the doctor would find nothing."""
    right = stored() == counted()
    assert right == (counting.find_differences()[0] == {})
    db.session.rollback()
    return right
