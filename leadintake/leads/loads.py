"""What the assignment counts of leads, and whom a prospect knows already."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadintake.core.database import db
from leadintake.leads.models import Decline, Lead, LeadStatus, Screen


def tally(
    users: Collection[uuid.UUID], since: datetime | None
) -> tuple[dict[uuid.UUID, int], dict[uuid.UUID, int]]:
    """Open leads of each user, and (where `since` is given) those that are theirs and came since."""
    mine = sa.select(Lead.assignee_id, sa.func.count()).where(Lead.assignee_id.in_(users))
    waiting = mine.where(Lead.status == LeadStatus.PENDING)
    return _counted(waiting), {} if since is None else _counted(mine.where(Lead.assigned_at >= since))


Some = Collection[Any] | sa.Select[Any]
"""Values, or a select of them: a database takes only so many values in one statement."""


def owners(emails: Some) -> Mapping[str, Sequence[uuid.UUID]]:
    """Who has leads with these addresses (folded), by address, whoever got one last the first."""
    latest = sa.func.max(Lead.created_at)
    known: Any = sa.select(Lead.folded_email, Lead.assignee_id).where(
        Lead.folded_email.in_(emails), Lead.assignee_id.is_not(None)
    )
    by_person = known.group_by(Lead.folded_email, Lead.assignee_id)
    found: dict[str, list[uuid.UUID]] = {}
    for email, owner in db.session.execute(by_person.order_by(latest.desc(), Lead.assignee_id)):
        found.setdefault(email, []).append(owner)
    return found


def kept_from(leads: Some, table: type[Screen | Decline]) -> Mapping[uuid.UUID, set[uuid.UUID]]:
    """Who is screened from each of these leads, or declined it."""
    pairs: Any = sa.select(table.lead_id, table.user_id).where(table.lead_id.in_(leads))
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    for lead, user in db.session.execute(pairs):
        found.setdefault(lead, set()).add(user)
    return found


def _counted(leads: Any) -> dict[uuid.UUID, int]:
    return {user: number for user, number in db.session.execute(leads.group_by(Lead.assignee_id)) if user}
