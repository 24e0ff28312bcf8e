"""Reopening: taking back that the prospect of a lead was reached."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask, current_app

from leadintake.auth.actor import UserOrOperator
from leadintake.auth.permissions import Permission
from leadintake.core.actor import OPERATOR, SYSTEM
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.progress import ACTS

WITHIN = timedelta(hours=1)
Check = Callable[[Lead], str]
"""Returns why a lead cannot be reopened; empty if it can."""
CHECKS = "leadintake.reopening_checks"
REMARKS = ("noted", "note_changed", "note_deleted", "reply_taken_back")
"""Entries that change nothing of the lead."""
CONTACTS = ("reached_out", "contacted", "replied")
"""Entries of a contact with the prospect."""


def add_check(app: Flask, check: Check) -> None:
    """Register a check of every reopening, also by managers and commands."""
    app.extensions.setdefault(CHECKS, []).append(check)


def blocked_reason(lead: Lead, actor: UserOrOperator) -> str:
    """Return why `actor` may not reopen a lead whose status `actor` may change; empty if it may.

    Users who may change any lead may reopen at any time; the assignee WITHIN an hour of the contact, while no
    person has changed the lead since, as the history says.
    """
    for check in current_app.extensions.get(CHECKS, ()):
        reason: str = check(lead)
        if reason:
            return reason
    if actor is OPERATOR or actor.may(Permission.UPDATE_ANY_LEAD):
        return ""
    if lead.reached_at is None or now() - lead.reached_at > WITHIN:
        return "This was recorded more than an hour ago. A manager can reopen the lead."
    is_contact = find_last_act(lead) in CONTACTS
    return "" if is_contact else "Somebody changed this lead since. A manager can reopen it."


def find_last_act(lead: Lead, *, without: Collection[str] = ()) -> str | None:
    """Return the last entry of a person in the history that says that they changed the lead.

    `without`: further actions that do not count.
    """
    by_people = LeadEvent.actor != SYSTEM.value, LeadEvent.action.not_in((*REMARKS, *ACTS, *without))
    last_query = (
        sa.select(LeadEvent.action)
        .where(LeadEvent.lead_id == lead.id, *by_people)
        .order_by(LeadEvent.at.desc(), LeadEvent.id.desc())
    )
    found: str | None = db.session.scalar(last_query.limit(1))
    return found
