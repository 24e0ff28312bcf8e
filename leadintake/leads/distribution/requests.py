"""Leads to hand on or to assign, as the allocator's input."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from leadintake.assignment.allocator import LeadToAssign
from leadintake.core.db.database import db
from leadintake.leads.distribution import workload
from leadintake.leads.models import Decline, Lead, Screen, is_waiting
from leadintake.leads.status import where_open

Condition = sa.ColumnElement[bool]
COLUMNS = (
    Lead.id, Lead.practice_area, Lead.language, Lead.mailbox, Lead.folded_email, Lead.assignee_id,
)  # fmt: skip


def is_pending_with(user_id: uuid.UUID) -> Condition:
    """Match the open leads of a user."""
    return sa.and_(Lead.assignee_id == user_id, where_open(Lead.status, Lead.outcome))


def lock_leads(condition: Condition, *, limit: int) -> Sequence[Lead]:
    """Lock and return matching leads, oldest first, `limit` at most.

    Two selects: with a join MariaDB locks attorneys and documents, too.
    """
    oldest = sa.select(Lead.id).where(condition).order_by(Lead.created_at, Lead.id).limit(limit)
    ids = db.session.scalars(oldest.with_for_update()).all()
    lead_query: sa.Select[Any] = sa.select(Lead).where(Lead.id.in_(ids), condition)
    current_query = lead_query.order_by(Lead.created_at, Lead.id).execution_options(populate_existing=True)
    return db.session.scalars(current_query).all()


def list_waiting() -> Sequence[Any]:
    """Return the columns for `build_requests` of waiting leads, oldest first."""
    waiting_query = sa.select(*COLUMNS).where(is_waiting())
    return db.session.execute(waiting_query.order_by(Lead.created_at, Lead.id)).all()


def placement_key(request: LeadToAssign) -> tuple[object, ...]:
    """Return what determines whether a lead has an eligible user."""
    return request.practice_area, request.language, frozenset(request.screened), frozenset(request.declined)


def build_requests(
    leads: Sequence[Any], condition: Condition, *, returning: bool = True
) -> Iterator[LeadToAssign]:
    """Yield the allocator's input of leads that match the condition, in a constant number of statements.

    `returning`: include the prospect's earlier assignees. They do not affect eligibility.
    """
    ids, mailboxes = (
        sa.select(column).where(condition).correlate(None) for column in (Lead.id, Lead.mailbox)
    )
    screened = workload.excluded_users_by_lead(ids, Screen)
    declined = workload.excluded_users_by_lead(ids, Decline)
    owners = workload.find_owners(mailboxes) if returning else {}
    for lead in leads:
        former = [lead.assignee_id] if lead.assignee_id else []
        others = [owner for owner in owners.get(lead.mailbox, ()) if owner not in former]
        yield LeadToAssign(
            lead.id,
            lead.mailbox or lead.folded_email,
            lead.practice_area,
            lead.language,
            [*former, *others],
            screened.get(lead.id, ()),
            declined.get(lead.id, ()),
        )
