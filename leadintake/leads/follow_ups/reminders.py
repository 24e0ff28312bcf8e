"""Reminders of next steps, one mail each, exactly once with any number of workers.

1. Without a lock, look for leads whose next step is due and was not reminded of: one index lookup.
2. For each, in its own transaction: claim it by an UPDATE that finds it unclaimed and due at the same time,
   which locks its row. Another worker's UPDATE waits, and then finds nothing.
3. In the same transaction read the lead and enqueue the mail. A worker killed before the commit did neither.
4. When the mail is sent, check once more that it concerns its recipient.

A lead that is deleted, in quarantine, without an attorney, or with an outcome is not claimed: its reminder
comes once that changed. One whose attorney may not see it, or wants no reminders, is claimed, and nobody gets
a mail. If it goes to another attorney before the mail left, that one is reminded (ownership.set_owner).
"""

from __future__ import annotations

import uuid
from typing import cast

import sqlalchemy as sa
import structlog

from leadintake.auth.models import User
from leadintake.auth.people.preferences import wants_mail
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.db.database import db, execute, read_only
from leadintake.core.db.results import affected
from leadintake.core.db.transaction import transaction
from leadintake.leads import progress, visibility
from leadintake.leads.distribution import alerts
from leadintake.leads.fields import full_name
from leadintake.leads.models import Lead, is_listed
from leadintake.notifications.leases import SendDecision
from leadintake.notifications.models import Notification
from leadintake.notifications.service import notifications

KIND = progress.REMINDER
BATCH = 100
LEADS = cast(sa.Table, Lead.__table__)
log = structlog.get_logger()


def run_worker_tick() -> bool:
    """Enqueue the reminders that are due, BATCH at most; return whether there were any."""
    due_query = sa.select(Lead.id).where(_is_due(), is_listed()).order_by(Lead.follow_up_at, Lead.id)
    with read_only():
        due = db.session.scalars(due_query.limit(BATCH)).all()
        db.session.rollback()
    for lead_id in due:
        with transaction():
            _remind(lead_id)
    return bool(due)


def withdraw(lead: Lead) -> None:
    """Withdraw the unsent reminder of a lead."""
    if lead.assigned_to is not None:
        notifications.withdraw(lead.id, lead.assigned_to.email, kinds=(KIND,))


def check_reminder(message: Notification) -> SendDecision:
    """Send check: whether a reminder still concerns its recipient."""
    if message.kind != KIND:
        return SendDecision.SEND
    lead_query = sa.select(Lead).where(Lead.id == message.lead_id).execution_options(populate_existing=True)
    lead, person = db.session.scalar(lead_query), auth.find(message.recipient)
    if lead is None or person is None or lead.assignee_id != person.id or not _needs_reminder(lead, person):
        return SendDecision.NEVER
    return SendDecision.SEND


def _is_due() -> sa.ColumnElement[bool]:
    columns = LEADS.c
    is_unclaimed = sa.and_(columns.follow_up_at.is_not(None), columns.follow_up_reminded_at.is_(None))
    has_reader = sa.and_(columns.assignee_id.is_not(None), columns.outcome.is_(None))
    return sa.and_(is_unclaimed, has_reader, columns.follow_up_at <= now())


def _remind(lead_id: uuid.UUID) -> None:
    """Claim the reminder of a lead, and enqueue it unless nobody needs it."""
    columns = LEADS.c
    claim = sa.update(LEADS).where(columns.id == lead_id, _is_due(), columns.deleted_at.is_(None))
    # The lead's page shows nothing of it: it has the version and the time of change that it had.
    claimed = execute(claim.values(follow_up_reminded_at=now(), updated_at=columns.updated_at))
    if not affected(claimed):
        return
    lead_query = sa.select(Lead).where(Lead.id == lead_id).execution_options(populate_existing=True)
    lead = db.session.scalar(lead_query)
    if lead is None or lead.assigned_to is None or not _needs_reminder(lead, lead.assigned_to):
        return
    person = lead.assigned_to
    notifications.enqueue(
        KIND,
        person.email,
        lead_id=lead.id,
        about=alerts.subject_of(lead),
        attorney=person.name,
        prospect=full_name(lead.first_name, lead.last_name),
        reference=lead.reference,
        link=alerts.link_to(lead),
        note=lead.follow_up_note or "",
    )


def _needs_reminder(lead: Lead, person: User) -> bool:
    """Return whether the lead has no outcome, and `person` may see it and wants reminders."""
    sees_leads = person.active and person.may(Permission.READ_LEADS)
    is_wanted = sees_leads and wants_mail(person, KIND)
    return lead.outcome is None and is_wanted and person.id not in visibility.screened_users(lead.id)
