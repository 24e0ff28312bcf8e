"""Whose a lead is: changed in one place, with its line in the history and the alert it owes."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from leadintake.assignment.service import assignment
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.leads import barred, events
from leadintake.leads.models import MANUAL, Lead


def give(
    lead: Lead, assignee: User | None, *, strategy: str, reason: str, actor: str, tell: bool = True
) -> None:
    """Give a lead to somebody, or to nobody. What its former owner was not told yet, they are not told.

    `actor`: as in the history; `tell`: whether to alert the new owner, or the managers for nobody.
    """
    if lead.assigned_to is not None:
        events.withdraw_alerts(lead, lead.assigned_to)
    lead.assigned_to, lead.assigned_at = assignee, now()
    lead.assignment_strategy, lead.assignment_reason = strategy, reason
    db.session.flush()
    announce(lead, actor=actor, tell=tell, kept_out=barred.from_lead(lead.id))


def hand(lead: Lead, assignee: User | None, reason: str, *, by: User | None, tell: bool = True) -> None:
    """Give a lead to somebody, or to nobody, as a person decided."""
    give(lead, assignee, strategy=MANUAL, reason=reason, actor=events.actor_of(by), tell=tell)
    user_id = assignee.id if assignee else None
    assignment.note_manual(lead.id, user_id, reason)
    audit.record("lead.assigned", by=by, about=("lead", lead.id), to=str(user_id) if user_id else None)


def announce(lead: Lead, *, actor: str, tell: bool = True, kept_out: Collection[uuid.UUID]) -> None:
    """Write into the history whose it is now, and tell those who must know."""
    if actor != "system":
        to = lead.assigned_to.email if lead.assigned_to else "nobody"
        events.record(lead, "assigned", f"to {to}", actor=actor)
    elif lead.assigned_to is None:
        events.record(lead, "left_unassigned", lead.assignment_reason, actor=actor)
    else:
        events.record(lead, "assigned", f"to {lead.assigned_to.email}: {lead.assignment_reason}", actor=actor)
    if tell:
        events.alert(lead, lead.assigned_to, but_not=kept_out)
