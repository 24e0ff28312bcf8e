"""The only place that changes the assignee of a lead, with history and alerts."""

from __future__ import annotations

import uuid
from collections.abc import Collection

import sqlalchemy as sa

from leadintake.assignment.service import assignment
from leadintake.audit.service import audit
from leadintake.auth.actor import Actor, UserOrOperator
from leadintake.auth.models import User
from leadintake.core.actor import SYSTEM
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.leads import visibility
from leadintake.leads.distribution import alerts, transfers
from leadintake.leads.events import LeadAssigned, lead_assigned
from leadintake.leads.models import MANUAL, Lead
from leadintake.leads.progress import REMINDER
from leadintake.notifications.models import Notification, Status


def set_owner(
    lead: Lead, assignee: User | None, *, strategy: str, reason: str, actor: Actor, alert_owner: bool = True
) -> None:
    """Assign the lead to a user or to none, and withdraw unsent alerts to the former assignee.

    Its next step is kept, and a reminder of it that did not leave yet goes to the new assignee.
    `alert_owner`: alert the new assignee, or without one the managers.
    """
    former = lead.assigned_to
    if former is not None:
        alerts.withdraw_alerts(lead, former)
    if lead.follow_up_reminded_at is not None and not _was_reminded(lead):
        lead.follow_up_reminded_at = None
    lead.assigned_to, lead.assigned_at = assignee, now()
    lead.assignment_strategy, lead.assignment_reason = strategy, reason
    db.session.flush()
    screened = visibility.screened_users(lead.id)
    announce_owner(lead, assignee, former, actor=actor, alert_owner=alert_owner, screened=screened)


def _was_reminded(lead: Lead) -> bool:
    """Return whether the reminder of the present next step was sent."""
    reminder_query = sa.select(Notification.id).where(
        Notification.lead_id == lead.id,
        Notification.kind == REMINDER,
        Notification.status == Status.SENT,
        Notification.created_at >= lead.follow_up_reminded_at,
    )
    return db.session.scalar(reminder_query.limit(1)) is not None


def set_owner_manually(
    lead: Lead,
    assignee: User | None,
    reason: str,
    *,
    actor: UserOrOperator,
    alert_owner: bool = True,
    tell_former: bool = True,
) -> None:
    """Assign the lead by a person's decision, audit it, and tell the former assignee."""
    former = lead.assigned_to
    set_owner(lead, assignee, strategy=MANUAL, reason=reason, actor=actor, alert_owner=alert_owner)
    user_id = assignee.id if assignee else None
    assignment.note_manual(lead.id, user_id, reason)
    audit.record("lead.assigned", actor=actor, about=("lead", lead.id), to=str(user_id) if user_id else None)
    if tell_former:
        transfers.tell_former_owners([(former, lead)], reason, actor=actor)


def announce_owner(
    lead: Lead,
    assignee: alerts.Recipient | None,
    former: User | None,
    *,
    actor: Actor,
    alert_owner: bool = True,
    screened: Collection[uuid.UUID],
) -> None:
    """Record the assignee in the history, enqueue alerts, and send `lead_assigned`."""
    if actor is not SYSTEM:
        to = assignee.email if assignee else "nobody"
        alerts.record(lead, "assigned", f"to {to}", actor=actor)
    elif assignee is None:
        alerts.record(lead, "left_unassigned", lead.assignment_reason, actor=actor)
    else:
        alerts.record(lead, "assigned", f"to {assignee.email}: {lead.assignment_reason}", actor=actor)
    if alert_owner:
        alerts.enqueue_alerts(lead, assignee, excluded=screened)
    former_id = former.id if former else None
    lead_assigned.send(
        LeadAssigned(lead.id, lead.assignee_id, former_id, lead.assignment_strategy, alerts.name_of(actor))
    )
