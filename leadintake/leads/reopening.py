"""Reopening: taking back that the prospect of a lead was reached."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from leadintake.auth.actor import UserOrOperator
from leadintake.auth.permissions import Permission
from leadintake.core.actor import OPERATOR, SYSTEM
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.leads.models import Lead, LeadEvent

WITHIN = timedelta(hours=1)


def blocked_reason(lead: Lead, actor: UserOrOperator) -> str:
    """Return why `actor` may not reopen a lead whose status `actor` may change; empty if it may.

    Users who may change any lead may reopen at any time; the assignee WITHIN an hour of the contact, while it
    is the last entry of a person in the history.
    """
    if actor is OPERATOR or actor.may(Permission.UPDATE_ANY_LEAD):
        return ""
    if lead.reached_at is None or now() - lead.reached_at > WITHIN:
        return "This was recorded more than an hour ago. A manager can reopen the lead."
    by_people = LeadEvent.lead_id == lead.id, LeadEvent.actor != SYSTEM.value
    last_query = (
        sa.select(LeadEvent.action).where(*by_people).order_by(LeadEvent.at.desc(), LeadEvent.id.desc())
    )
    last = db.session.scalar(last_query.limit(1))
    return "" if last == "reached_out" else "Somebody changed this lead since. A manager can reopen it."
