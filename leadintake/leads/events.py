"""What happened to a lead, and who is told."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app

from leadintake.assignment.absences import absences
from leadintake.assignment.service import assignment
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.leads import barred
from leadintake.leads.models import MANUAL, Lead, LeadEvent, waiting
from leadintake.notifications.mailboxes import mailboxes
from leadintake.notifications.messages import greeting_name
from leadintake.notifications.models import Notification
from leadintake.notifications.service import notifications

FAILURE, MOST_NOTICES = "delivery_failed", 5
TO_THE_OWNER = ("attorney_alert", "returning_alert")
REMIND_AFTER = timedelta(days=1)


def record(lead: Lead, action: str, detail: str, *, actor: str) -> None:
    """Write a line of the lead's history, in the transaction of what happened."""
    db.session.add(LeadEvent(lead_id=lead.id, at=now(), actor=actor, action=action, detail=detail[:500]))


def actor_of(user: User | None) -> str:
    """How a user is named in the history; None is an operator at the machine."""
    return user.email if user else "operator"


def touch_duplicates(lead: Lead) -> None:
    """Raise the version of the other leads with this address: their `duplicates` changed."""
    others = sa.update(Lead).where(Lead.email == lead.email, Lead.id != lead.id)
    changed = others.values(version=Lead.version + 1, updated_at=now())
    db.session.execute(changed.execution_options(synchronize_session=False))


def link_to(lead: Lead) -> str:
    """Where a mail leads: built from PUBLIC_URL alone."""
    return f"{current_app.config['PUBLIC_URL'].rstrip('/')}/internal/leads/{lead.id}"


def alert(lead: Lead, assignee: User | None, *, but_not: Collection[uuid.UUID]) -> None:
    """Tell the one who has the lead, or those who must find somebody; `but_not` are barred from it.

    Managers are told of leads that wait once a day, not of each: the alert says that there may be more.
    """
    if assignee is None:
        left_by_a_person = lead.assignment_strategy == MANUAL
        told = frozenset() if left_by_a_person else _told_of_waiting_leads()
        for person in _managers(but_not):
            if person.email not in told:
                _owe_alert("unassigned_alert", lead, person)
        return
    returning = lead.assignment_strategy == "returning"
    _owe_alert("returning_alert" if returning else "attorney_alert", lead, assignee)


def withdraw_alerts(lead: Lead, former: User) -> None:
    """Never send what somebody whose lead it was has not been told of it."""
    notifications.withdraw(lead.id, former.email, kinds=TO_THE_OWNER)


def is_due(message: Notification) -> bool:
    """Whether an alert still goes to whom it is for: a last look before it leaves."""
    if message.kind not in TO_THE_OWNER or message.lead_id is None:
        return True
    owned = sa.select(Lead).where(Lead.id == message.lead_id)
    lead = db.session.scalar(owned.execution_options(populate_existing=True))
    owner = lead.assigned_to if lead else None
    return owner is not None and owner.email == message.recipient and assignment.may_hold_leads(owner)


def _owe_alert(kind: str, lead: Lead, person: User) -> None:
    notifications.owe(
        kind,
        person.email,
        lead_id=lead.id,
        attorney=person.name,
        prospect=f"{lead.first_name} {lead.last_name}",
        link=link_to(lead),
        reason=lead.assignment_reason,
        warnings=lead.resume.warnings,
    )


def _told_of_waiting_leads() -> Collection[str]:
    """Addresses told within a day of a lead that waits still."""
    told = sa.select(Notification.recipient).join(Lead, Lead.id == Notification.lead_id)
    lately = Notification.created_at > now() - REMIND_AFTER
    return frozenset(
        db.session.scalars(told.where(Notification.kind == "unassigned_alert", lately, waiting()))
    )


def confirm(lead: Lead) -> None:
    """Tell the prospect that we have it, unless their mailbox wants or bears no more mail."""
    objection = mailboxes.objection(lead.email)
    if objection:
        record(lead, "not_confirmed", objection, actor="system")
        return
    notifications.owe(
        "prospect_confirmation",
        lead.email,
        lead_id=lead.id,
        name=greeting_name(lead.first_name),
        reference=str(lead.id),
    )


def failed(message: Notification, error: str) -> None:
    """Tell the managers that a message will never arrive, and write it into its lead's history.

    Nobody is told of such a notice itself, nor while an earlier one is on its way to them, nor more often
    than bearable: each says where to find all that failed, and strangers choose the addresses that fail.
    """
    about = sa.select(Lead).where(Lead.id == message.lead_id).execution_options(include_deleted=True)
    lead = db.session.scalar(about)
    if lead is not None:
        detail = f"{message.subject}, to {message.recipient}: {error}"
        record(lead, "message_failed", detail, actor="system")
    if message.kind == FAILURE:
        return
    for person in _managers(barred.from_lead(message.lead_id) if message.lead_id else ()):
        if notifications.bears_another(FAILURE, person.email, most_an_hour=MOST_NOTICES):
            notifications.owe(
                FAILURE,
                person.email,
                lead_id=message.lead_id,
                manager=person.name,
                title=message.subject,
                addressee=message.recipient,
                reason=error[:500],
                link=link_to(lead) if lead is not None else "",
            )


def _managers(but_not: Collection[uuid.UUID]) -> list[User]:
    """Those who look after the distribution. Who is away is told only if nobody else is here."""
    found, away = [one for one in auth.managers() if one.id not in but_not], absences.on(absences.today())
    return [one for one in found if one.id not in away] or found
