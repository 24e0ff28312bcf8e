"""What happened to a lead, and who is told."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app

from leadintake.assignment.absences import absences
from leadintake.assignment.service import assignment
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.languages import ours
from leadintake.leads import barred, rights
from leadintake.leads.models import MANUAL, Lead, LeadEvent, LeadStatus, waiting
from leadintake.notifications.claims import Due
from leadintake.notifications.mailboxes import mailboxes
from leadintake.notifications.messages import greeting_name
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.service import notifications

FAILURE, MOST_NOTICES = "delivery_failed", 5
TO_THE_OWNER = ("attorney_alert", "returning_alert")
TO_MANAGERS = ("unassigned_alert", "left_to_nobody", FAILURE)
ABOUT_WHOSE_IT_IS = (*TO_THE_OWNER, *TO_MANAGERS)
REMIND_AFTER, TRY_AGAIN_AFTER = timedelta(days=1), timedelta(hours=1)


def record(lead: Lead, action: str, detail: str, *, actor: str) -> None:
    """Write a line of the lead's history, in the transaction of what happened."""
    db.session.add(LeadEvent(lead_id=lead.id, at=now(), actor=actor, action=action, detail=detail[:500]))


def actor_of(user: User | None) -> str:
    """How a user is named in the history; None is an operator at the machine."""
    return user.email if user else "operator"


def link_to(lead: Lead) -> str:
    """Where a mail leads: built from PUBLIC_URL alone."""
    return f"{current_app.config['PUBLIC_URL'].rstrip('/')}/desk/leads/{lead.id}"


def subject_of(lead: Lead) -> str:
    """What tells a lead from others in the subject of a mail: none of it was typed by a stranger."""
    area = (lead.practice_area or "").replace("-", " ")
    return ", ".join(filter(None, (area, lead.reference)))


def alert(lead: Lead, assignee: User | None, *, but_not: Collection[uuid.UUID]) -> None:
    """Tell the one who has the lead, or those who must find somebody; `but_not` are barred from it.

    Managers are told of leads that wait once a day, not of each: the alert says that there may be more.
    """
    if assignee is None:
        for person in _managers(but_not):
            if lead.assignment_strategy == MANUAL:
                _owe_alert("left_to_nobody", lead, person)
            elif not _was_told(person):
                _owe_alert("unassigned_alert", lead, person)
        return
    returning = lead.assignment_strategy == "returning"
    _owe_alert("returning_alert" if returning else "attorney_alert", lead, assignee)


def withdraw_alerts(lead: Lead, former: User) -> None:
    """Never send what somebody whose lead it was has not been told of it."""
    notifications.withdraw(lead.id, former.email, kinds=TO_THE_OWNER)


def untold() -> Iterator[tuple[User, Lead]]:
    """Managers who do not know that leads wait, for their alert failed or is a day old, and the oldest."""
    for person in auth.managers():
        oldest = _waiting_for(person).order_by(Lead.assigned_at, Lead.id).limit(1)
        lead = db.session.scalar(oldest)
        if lead is not None and person in _managers(barred.from_lead(lead.id)) and not _was_told(person):
            yield person, lead


def remind(person: User, lead: Lead) -> None:
    """Tell a manager of leads that wait, by the oldest of them."""
    _owe_alert("unassigned_alert", lead, person)


def last_look(message: Notification) -> Due:
    """Whether an alert still goes to whom it is for, before it leaves."""
    if message.kind != FAILURE and (message.lead_id is None or message.kind not in ABOUT_WHOSE_IT_IS):
        return Due.NOW
    lead, person = _now(message.lead_id), auth.find(message.recipient)
    pending = lead is not None and lead.status is LeadStatus.PENDING
    if message.kind in TO_MANAGERS:
        manages = person is not None and person.active and rights.may_assign(person)
        nobodys = lead is not None and lead.assignee_id is None
        open_still = nobodys and (pending or message.kind == "left_to_nobody")
        return Due.NOW if manages and (open_still or message.kind == FAILURE) else Due.NEVER
    if lead is None or person is None or lead.assignee_id != person.id:
        return Due.NEVER
    if assignment.may_hold_leads(person):
        return Due.NOW
    # A pending lead of somebody who left is about to go on, which withdraws this. Should they be back before
    # that, it is due after all.
    return Due.LATER if pending else Due.NEVER


def _owe_alert(kind: str, lead: Lead, person: User) -> None:
    notifications.owe(
        kind,
        person.email,
        lead_id=lead.id,
        about=subject_of(lead),
        reply_to=lead.email if current_app.config["ALERT_REPLY_TO"] == "prospect" else None,
        attorney=person.name,
        prospect=f"{lead.first_name} {lead.last_name}",
        reference=lead.reference,
        link=link_to(lead),
        reason=lead.assignment_reason,
        warnings=lead.resume.warnings,
    )


def _waiting_for(manager: User) -> sa.Select[Any]:
    """The leads that wait, as far as they exist for this manager."""
    return sa.select(Lead).where(waiting(), Lead.id.not_in(barred.hidden_from(manager.id)))


def _was_told(manager: User) -> bool:
    """Whether they were told within a day, while a lead waited that still does. A failure counts an hour."""
    since = db.session.scalar(_waiting_for(manager).with_only_columns(sa.func.min(Lead.assigned_at)))
    sent = sa.select(Notification.status, Notification.created_at).where(
        Notification.recipient == manager.email,
        Notification.kind == "unassigned_alert",
        Notification.created_at > now() - REMIND_AFTER,
    )
    return any(
        (since is None or told >= since) and (status is not Status.FAILED or told > now() - TRY_AGAIN_AFTER)
        for status, told in db.session.execute(sent)
    )


def _now(lead_id: uuid.UUID | None) -> Lead | None:
    """A lead as it is, whatever was read of it before."""
    about = sa.select(Lead).where(Lead.id == lead_id).execution_options(populate_existing=True)
    return db.session.scalar(about)


def confirm(lead: Lead) -> None:
    """Tell the prospect that we have it, unless their mailbox wants or bears no more mail.

    In the language they prefer if we speak it, else in the one of the page they wrote from.
    """
    objection = mailboxes.objection(lead.email)
    if objection:
        record(lead, "not_confirmed", objection, actor="system")
        return
    notifications.owe(
        "prospect_confirmation",
        lead.email,
        lead_id=lead.id,
        language=ours(lead.language) or lead.spoken,
        about=lead.reference or "",
        name=greeting_name(lead.first_name),
        reference=lead.reference or str(lead.id),
    )


def hold_lead(message: Notification) -> None:
    """Lock the lead of a message about to fail: whoever changes both locks the lead first."""
    about = sa.select(Lead.id).where(Lead.id == message.lead_id).with_for_update()
    db.session.scalar(about.execution_options(include_deleted=True))


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
                about=subject_of(lead) if lead is not None else "",
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
