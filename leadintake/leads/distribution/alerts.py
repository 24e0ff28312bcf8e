"""The history of a lead, and messages about it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from flask import current_app

from leadintake.assignment.absences import absences
from leadintake.assignment.service import assignment
from leadintake.auth.actor import Actor
from leadintake.auth.models import User
from leadintake.auth.people.preferences import wants_mail
from leadintake.auth.service import auth
from leadintake.core.actor import ANONYMOUS, SYSTEM
from leadintake.core.clock import now
from leadintake.core.db import rows
from leadintake.core.db.database import db
from leadintake.core.i18n.languages import supported_language
from leadintake.leads import permissions, visibility
from leadintake.leads.distribution import workload
from leadintake.leads.fields import full_name
from leadintake.leads.models import MANUAL, Lead, LeadEvent, is_waiting
from leadintake.leads.progress import REMINDER
from leadintake.leads.redaction import without_screened
from leadintake.leads.status import Source, is_open
from leadintake.notifications.leases import SendDecision
from leadintake.notifications.mailboxes import mailboxes
from leadintake.notifications.messages import clean_greeting_name
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.service import notifications

FAILURE = "delivery_failed"
OWNER_ALERTS = ("attorney_alert", "returning_alert", "email_corrected")
MANAGER_ALERTS = ("unassigned_alert", "left_to_nobody", FAILURE)
OWNERSHIP_ALERTS = (*OWNER_ALERTS, *MANAGER_ALERTS)
REMIND_AFTER, TRY_AGAIN_AFTER = timedelta(days=1), timedelta(hours=1)


class Recipient(Protocol):
    """A user, or a row of one."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...


def record(lead: Lead, action: str, detail: str, *, actor: Actor) -> None:
    """Add an entry to the lead's history."""
    rows.insert(
        LeadEvent, lead_id=lead.id, at=now(), actor=name_of(actor), action=action, detail=detail[:500]
    )


def name_of(actor: Actor) -> str:
    """Return the actor's name in the history. ANONYMOUS is always the prospect."""
    if actor is ANONYMOUS:
        return "prospect"
    return actor.email if isinstance(actor, User) else actor.value


def link_to(lead: Lead) -> str:
    """Return the link to a lead for mails."""
    return f"{current_app.config['PUBLIC_URL'].rstrip('/')}/desk/leads/{lead.id}"


def subject_of(lead: Lead) -> str:
    """Return the part of a subject that identifies the lead, without text of the prospect."""
    area = (lead.practice_area or "").replace("-", " ")
    return ", ".join(filter(None, (area, lead.reference)))


def enqueue_alerts(lead: Lead, assignee: Recipient | None, *, excluded: Collection[uuid.UUID]) -> None:
    """Enqueue an alert for the assignee, or without one for the managers not in `excluded`.

    A manager gets one alert a day about waiting leads. It says that there may be more.
    """
    if assignee is None:
        for person in list_managers(excluded):
            if lead.assignment_strategy == MANUAL:
                _enqueue_alert("left_to_nobody", lead, person)
            elif not _has_recent_alert(person):
                _enqueue_alert("unassigned_alert", lead, person)
        return
    returning = lead.assignment_strategy == "returning" and lead.source is Source.FORM
    _enqueue_alert("returning_alert" if returning else "attorney_alert", lead, assignee)


def withdraw_alerts(lead: Lead, former: User) -> None:
    """Withdraw unsent alerts and reminders to the former assignee."""
    notifications.withdraw(lead.id, former.email, kinds=(*OWNER_ALERTS, REMINDER))


def find_overdue_reminders() -> Iterator[tuple[User, Lead]]:
    """Yield each manager without a recent alert, with the oldest waiting lead visible to them."""
    for person in auth.managers():
        oldest = _waiting_query(person).order_by(*workload.oldest_first()).limit(1)
        lead = db.session.scalar(oldest)
        if (
            lead is not None
            and person in list_managers(visibility.screened_users(lead.id))
            and not _has_recent_alert(person)
        ):
            yield person, lead


def enqueue_reminder(person: User, lead: Lead) -> None:
    """Enqueue an alert to a manager about waiting leads, naming the oldest."""
    _enqueue_alert("unassigned_alert", lead, person)


def check_alert(message: Notification) -> SendDecision:
    """Send check: whether an alert still concerns its recipient."""
    if message.kind != FAILURE and (message.lead_id is None or message.kind not in OWNERSHIP_ALERTS):
        return SendDecision.SEND
    lead, person = _fetch_current(message.lead_id), auth.find(message.recipient)
    pending = lead is not None and is_open(lead.status, lead.outcome)
    if message.kind == FAILURE and lead and person and permissions.may_change_status(person, lead):
        return SendDecision.SEND if person.active else SendDecision.NEVER  # the author of a reply, perhaps
    if message.kind in MANAGER_ALERTS:
        manages = person is not None and person.active and permissions.may_assign(person)
        unassigned = lead is not None and lead.assignee_id is None
        is_due = unassigned and (pending or message.kind == "left_to_nobody")
        return SendDecision.SEND if manages and (is_due or message.kind == FAILURE) else SendDecision.NEVER
    if lead is None or person is None or lead.assignee_id != person.id:
        return SendDecision.NEVER
    if assignment.may_hold_leads(person):
        return SendDecision.SEND
    # The next worker tick reassigns the lead and withdraws this alert, unless the assignee is back before.
    return SendDecision.LATER if pending else SendDecision.NEVER


def _enqueue_alert(kind: str, lead: Lead, person: Recipient) -> None:
    notifications.enqueue(
        kind,
        person.email,
        lead_id=lead.id,
        about=subject_of(lead),
        reply_to=lead.email if current_app.config["ALERT_REPLY_TO"] == "prospect" else None,
        attorney=person.name,
        prospect=full_name(lead.first_name, lead.last_name),
        reference=lead.reference,
        link=link_to(lead),
        reason=lead.assignment_reason if kind in MANAGER_ALERTS else without_screened(lead.assignment_reason),
        warnings=lead.resume.warnings if lead.resume else [],
        by_staff=lead.source is Source.STAFF,
        is_open=is_open(lead.status, lead.outcome),
    )


def _waiting_query(manager: User) -> sa.Select[Any]:
    return sa.select(Lead).where(is_waiting(), Lead.id.not_in(visibility.screened_leads(manager.id)))


def _has_recent_alert(manager: User) -> bool:
    """Return whether the manager had an alert within REMIND_AFTER and since the oldest waiting lead.

    A failed alert counts only for TRY_AGAIN_AFTER.
    """
    waiting = _waiting_query(manager).with_only_columns(Lead.assigned_at, maintain_column_froms=True)
    oldest = db.session.scalar(waiting.order_by(*workload.oldest_first()).limit(1))
    alert_query = sa.select(Notification.status, Notification.created_at).where(
        Notification.recipient == manager.email,
        Notification.kind == "unassigned_alert",
        Notification.created_at > now() - REMIND_AFTER,
    )
    return any(
        (oldest is None or created_at >= oldest)
        and (status is not Status.FAILED or created_at > now() - TRY_AGAIN_AFTER)
        for status, created_at in db.session.execute(alert_query)
    )


def _fetch_current(lead_id: uuid.UUID | None) -> Lead | None:
    """Return the lead from the database, not from the session."""
    lead_query = sa.select(Lead).where(Lead.id == lead_id).execution_options(populate_existing=True)
    return db.session.scalar(lead_query)


def enqueue_confirmation(lead: Lead) -> None:
    """Enqueue the confirmation to the prospect, unless mail to the address is blocked.

    Language: the preferred one if supported, else that of the page.
    """
    if lead.email is None:
        return
    blocked = mailboxes.blocked_reason(lead.email)
    if blocked:
        record(lead, "not_confirmed", blocked, actor=SYSTEM)
        return
    notifications.enqueue(
        "prospect_confirmation",
        lead.email,
        lead_id=lead.id,
        language=supported_language(lead.language) or lead.page_language,
        about=lead.reference or "",
        name=clean_greeting_name(lead.first_name),
        reference=lead.reference or str(lead.id),
    )


def enqueue_correction(lead: Lead) -> None:
    """Tell the assignee, who may have written to the former address, that the prospect corrected it."""
    if lead.assigned_to is not None and wants_mail(lead.assigned_to, "email_corrected"):
        _enqueue_alert("email_corrected", lead, lead.assigned_to)


def list_managers(excluded: Collection[uuid.UUID]) -> list[User]:
    """Return the managers not excluded; those away only if all are."""
    managers = [user for user in auth.managers() if user.id not in excluded]
    away = absences.on(absences.today())
    return [user for user in managers if user.id not in away] or managers
