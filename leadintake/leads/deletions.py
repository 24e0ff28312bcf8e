"""Deleted leads and discarded submissions, for those who may restore them. No other list has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from leadintake.audit.models import AuditEntry
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.db.pagination import Order, Page, page_of
from leadintake.leads.models import Lead
from leadintake.leads.search import readable_query

DISCARDED = "lead.discarded"
NEWEST_FIRST = Order(AuditEntry, "created_at", descending=True)


class DeletedLead(msgspec.Struct):
    """A lead, and who deleted it, or discarded it from quarantine, when."""

    id: UUID
    created_at: datetime
    action: str
    lead_id: UUID
    reference: str | None
    first_name: str
    last_name: str
    email: str | None
    deleted_by: str | None
    """None: an operator did."""

    @property
    def is_discarded(self) -> bool:
        """Whether it was discarded from quarantine, into which it can be restored."""
        return self.action == DISCARDED


def page_deleted(*, actor: User, limit: int, cursor: str | None) -> Page[Any]:
    """Return a page of DeletedLead visible to `actor`, deleted last first, and audit the listing.

    For reviewers of the quarantine also what was discarded from it. They are found by the audit trail's index
    of acts: few leads are deleted among very many.
    """
    audit.record("leads.deleted_listed", actor=actor)
    deleted = readable_query(actor).where(Lead.deleted_at.is_not(None)).subquery()
    # Of a lead that was restored and deleted again the last deletion counts.
    is_last = AuditEntry.created_at >= deleted.c.deleted_at
    statement = (
        sa.select(AuditEntry)
        .join(deleted, sa.and_(deleted.c.id == AuditEntry.subject_id, is_last))
        .where(AuditEntry.action.in_(("lead.deleted", DISCARDED)))
    )

    def select_columns(ordered: sa.Select[Any]) -> sa.Select[Any]:
        columns = (deleted.c[name] for name in ("id", "reference", "first_name", "last_name", "email"))
        person = User.__table__
        return ordered.outerjoin(person, person.c.id == AuditEntry.actor_id).with_only_columns(
            AuditEntry.id, AuditEntry.created_at, AuditEntry.action, *columns, person.c.name
        )

    page = page_of(
        statement.execution_options(include_deleted=True),
        NEWEST_FIRST,
        limit=limit,
        cursor=cursor,
        bound_to={"of": "deleted"},
        shape=select_columns,
    )
    return Page([DeletedLead(*row) for row in page.items], page.next_cursor)
