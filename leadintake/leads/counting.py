"""What each change of a lead changes in the numbers of leads (assignment/counters.py).

A lead is changed as an object; its flush is heard here. Whoever inserts or updates rows of leads in another
way calls `insert` or `add_change`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import event

from leadintake.assignment import counters
from leadintake.assignment.counters import COUNTS, NUMBERS, UNASSIGNED
from leadintake.core.chores import Stop
from leadintake.core.db import rows
from leadintake.core.db.database import db, execute, read_only
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import MANUAL, Lead
from leadintake.leads.status import (
    Gate,
    LeadStatus,
    Outcome,
    is_gate_open,
    is_open,
    is_quarantined,
    where_listed,
    where_open,
    where_quarantined,
)

log = structlog.get_logger()
LEADS = Lead.__table__


@dataclass(frozen=True)
class Counted:
    """The columns of a lead that decide where it counts."""

    assignee_id: uuid.UUID | None
    status: LeadStatus
    outcome: Outcome | None
    gate: Gate
    quarantined_at: datetime | None
    assignment_strategy: str
    deleted_at: datetime | None

    @property
    def numbers(self) -> dict[str, int]:
        """Return 1 for each number that the lead counts in, as `_counts_query` does in SQL."""
        if self.deleted_at is not None:
            return dict.fromkeys(NUMBERS, 0)
        listed = is_gate_open(self.gate, self.quarantined_at)
        pending = listed and is_open(self.status, self.outcome)
        return {
            "listed": int(listed),
            "pending": int(pending),
            "waiting": int(pending and self.assignee_id is None and self.assignment_strategy != MANUAL),
            "quarantined": int(is_quarantined(self.gate, self.quarantined_at)),
        }


COLUMNS = tuple(Counted.__dataclass_fields__)


def insert(lead: Lead) -> None:
    """Insert a lead with the batch of rows, which no flush sees, and count it."""
    rows.add(lead)
    add_change(None, _read(lead))


def add_change(before: Counted | None, after: Counted | None) -> None:
    """Count what a lead changed from, and to; None: it was not there, or is not there any more."""
    if before is not None:
        counters.add(before.assignee_id, {name: -number for name, number in before.numbers.items()})
    if after is not None:
        counters.add(after.assignee_id, after.numbers)


@event.listens_for(Lead, "after_insert")
def _count_inserted(_mapper: Any, _connection: sa.Connection, lead: Lead) -> None:
    add_change(None, _read(lead))


@event.listens_for(Lead, "after_update")
def _count_updated(_mapper: Any, _connection: sa.Connection, lead: Lead) -> None:
    before, after = _before_and_after(lead)
    if before != after:
        add_change(before, after)


@event.listens_for(Lead, "after_delete")
def _count_removed(_mapper: Any, _connection: sa.Connection, lead: Lead) -> None:
    add_change(_before_and_after(lead)[0], None)


def _read(lead: Lead) -> Counted:
    """Read a new lead. What was never set is NULL."""
    values: dict[str, Any] = {name: lead.__dict__.get(name) for name in COLUMNS}
    return Counted(**values)


def _before_and_after(lead: Lead) -> tuple[Counted, Counted]:
    """Return what the flush found, and what it wrote. Columns remember what they were (active_history)."""
    after = {name: getattr(lead, name) for name in COLUMNS}
    changed = {name: sa.inspect(lead).attrs[name].history.deleted for name in COLUMNS}
    before = {name: value[0] for name, value in changed.items() if value}
    return Counted(**{**after, **before}), Counted(**after)


def find_differences() -> tuple[dict[uuid.UUID, dict[str, int]], int]:
    """Count the leads, and return by how much the numbers of each owner differ, and the corrections so far.

    One statement: the count and the numbers are of one moment.
    """
    counted = _counts_query().subquery()
    both = sa.union_all(
        sa.select(counted, sa.literal(0).label("corrections")),
        sa.select(COUNTS.c.id, *(-COUNTS.c[name] for name in NUMBERS), COUNTS.c.corrections),
    ).subquery()
    owner, *numbers = both.c
    sums = [sa.func.sum(number).label(number.name) for number in numbers]
    differences, corrections = {}, 0
    for row in execute(sa.select(owner, *sums).group_by(owner)).mappings():
        corrections = max(corrections, int(row["corrections"]))
        difference = {name: int(row[name]) for name in NUMBERS}
        if any(difference.values()):
            differences[row[owner.name]] = difference
    return differences, corrections


def correct_numbers() -> int:
    """Count the leads, and correct the numbers that differ. Return of how many owners.

    Commits. No lock is held while the leads are counted.
    """
    with read_only():
        differences, corrections = find_differences()
        db.session.rollback()
    if not differences:
        return 0
    with transaction():
        corrected = counters.correct(differences, corrections)
    if corrected:
        log.warning("lead_counts_corrected", owners=len(differences))
    return len(differences)


def check() -> None:
    """Raise RuntimeError where numbers differ from the leads."""
    with read_only():
        differences, _ = find_differences()
    if differences:
        raise RuntimeError(
            f"The numbers of leads of {len(differences)} people are wrong; a worker corrects them."
        )


def probe() -> str | None:
    """Correct the numbers that differ from the leads, and say so."""
    number = correct_numbers()
    return f"corrected the numbers of leads of {number}" if number else None


def run_chore(_stop: Stop) -> Mapping[str, object]:
    """Correct what processes of the version before did not count. A chore."""
    return {"corrected": correct_numbers()}


def _counts_query() -> sa.Select[Any]:
    """Count the leads of each assignee, and those of UNASSIGNED, as `Counted.numbers` does."""
    columns = LEADS.c
    is_listed = where_listed(columns.gate, columns.quarantined_at)
    is_pending = sa.and_(is_listed, where_open(columns.status, columns.outcome))
    conditions = {
        "listed": is_listed,
        "pending": is_pending,
        "waiting": sa.and_(is_pending, columns.assignee_id.is_(None), columns.assignment_strategy != MANUAL),
        "quarantined": where_quarantined(columns.gate, columns.quarantined_at),
    }
    one, none = sa.literal(1), sa.literal(0)
    numbers = (sa.func.sum(sa.case((conditions[name], one), else_=none)).label(name) for name in NUMBERS)
    owner = sa.func.coalesce(columns.assignee_id, sa.literal(UNASSIGNED, sa.Uuid())).label("id")
    return sa.select(owner, *numbers).where(columns.deleted_at.is_(None)).group_by(columns.assignee_id)
