"""Notices to managers that a message about a lead could not be delivered."""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.actor import SYSTEM
from leadintake.core.db.database import db
from leadintake.leads import visibility
from leadintake.leads.distribution import alerts
from leadintake.leads.distribution.alerts import FAILURE
from leadintake.leads.models import Lead
from leadintake.notifications.events import MessageFailed, MessageFailing
from leadintake.notifications.mailboxes import mailboxes
from leadintake.notifications.service import notifications

MAX_NOTICES = 5
"""An hour, to one person."""


def lock_lead(message: MessageFailing) -> None:
    """Lock the lead of a message about to fail. Lock order: lead, then message."""
    lead_query = sa.select(Lead.id).where(Lead.id == message.lead_id).with_for_update()
    db.session.scalar(lead_query.execution_options(include_deleted=True))


def report_failure(message: MessageFailed) -> None:
    """Record a failed message in its lead's history, and notify the managers, except of failed notices.

    Each gets MAX_NOTICES an hour at most, and none while one is unsent: strangers choose the addresses that
    fail, and each notice links to all failures.
    """
    lead_query = sa.select(Lead).where(Lead.id == message.lead_id).execution_options(include_deleted=True)
    lead = db.session.scalar(lead_query)
    if lead is not None:
        detail = f"{message.subject}, to {message.recipient}: {message.error}"
        alerts.record(lead, "message_failed", detail, actor=SYSTEM)
        if message.recipient == lead.email and mailboxes.has_refused(message.recipient, lead.id):
            alerts.record(lead, "email_refused", message.recipient, actor=SYSTEM)
    if message.kind == FAILURE:
        return
    for person in alerts.list_managers(visibility.screened_users(message.lead_id) if message.lead_id else ()):
        if notifications.below_hourly_limit(FAILURE, person.email, most_an_hour=MAX_NOTICES):
            notifications.enqueue(
                FAILURE,
                person.email,
                lead_id=message.lead_id,
                about=alerts.subject_of(lead) if lead is not None else "",
                manager=person.name,
                title=message.subject,
                addressee=message.recipient,
                reason=message.error[:500],
                link=alerts.link_to(lead) if lead is not None else "",
            )
