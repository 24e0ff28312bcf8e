"""Tell former assignees that leads they were alerted of are somebody else's now."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from leadintake.auth.actor import Actor
from leadintake.auth.models import User
from leadintake.auth.people.preferences import wants_mail
from leadintake.auth.service import auth
from leadintake.core.addresses import normalize_mailbox
from leadintake.core.db.database import db
from leadintake.leads import visibility
from leadintake.leads.distribution import workload
from leadintake.leads.distribution.alerts import OWNER_ALERTS, subject_of
from leadintake.leads.models import Lead, Screen, is_listed
from leadintake.leads.status import is_open
from leadintake.notifications.leases import SendDecision
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.service import notifications

KIND = "leads_moved"
YOURS_OPEN = "These are yours now. Please reach out, then mark them as reached out:"
YOURS_MIXED = "These are yours now. Please reach out to those that wait for it:"
YOURS_DONE = "These are yours now. None waits for a first contact:"
YOURS_AGAIN = "This is yours again:"
YOURS = (YOURS_OPEN, YOURS_MIXED, YOURS_DONE, YOURS_AGAIN)
"""Consequences for who has the leads now."""
MAX_LINES = 30
"""Leads named in one message."""


class Cause(msgspec.Struct):
    """Payload of a message about leads: which, its sentences, and whether they are its recipient's now."""

    leads: list[uuid.UUID]
    why: str
    consequence: str
    is_theirs: bool


def tell_former_owners(moves: Sequence[tuple[User | None, Lead]], why: str, *, actor: Actor) -> None:
    """Enqueue one message for each former assignee of these leads, of the leads that they were alerted of.

    Not for who did it, who left, or about leads that they are screened from. `why`: a sentence.
    """
    for former, told in find_told(moves, actor=actor):
        enqueue(former, told, why, "You need not do anything about this any more:")


def find_told(
    moves: Sequence[tuple[User | None, Lead]], *, actor: Actor
) -> Iterator[tuple[User, Sequence[Lead]]]:
    """Yield each former assignee whom `tell_former_owners` tells, with the leads."""
    moved: dict[User, list[Lead]] = {}
    for former, lead in moves:
        if former is not None and former is not actor and former.is_here and lead.assignee_id != former.id:
            moved.setdefault(former, []).append(lead)
    for former, leads in moved.items():
        ids = [lead.id for lead in leads]
        screened = workload.excluded_users_by_lead(ids, Screen)
        alerted = _find_alerted(leads, former)
        told = [lead for lead in leads if lead.id in alerted and former.id not in screened.get(lead.id, ())]
        if told:
            yield former, told


class MovedLead(NamedTuple):
    """A lead in a message: what identifies it, without text of the prospect, and the name of its assignee."""

    id: uuid.UUID
    subject: str
    owner: str
    is_open: bool

    @classmethod
    def of(cls, lead: Lead) -> MovedLead:
        """Convert a lead."""
        return cls(lead.id, subject_of(lead), _name_owner(lead), is_open(lead.status, lead.outcome))


def enqueue(person: User, leads: Sequence[Lead], why: str, consequence: str) -> None:
    """Enqueue a message about leads that went from or to a person, unless they switched these off."""
    if wants_mail(person, KIND):
        enqueue_moved(person.email, person.name, [MovedLead.of(lead) for lead in leads], why, consequence)


def enqueue_moved(
    email: str,
    name: str,
    leads: Sequence[MovedLead],
    why: str,
    consequence: str,
    *,
    reserved_until: datetime | None = None,
) -> uuid.UUID:
    """Enqueue a message about leads: a line each, no word of a prospect; return its id."""
    lines = [f"{lead.subject}: {lead.owner}" for lead in leads[:MAX_LINES]]
    if len(leads) > MAX_LINES:
        lines.append(f"and {len(leads) - MAX_LINES} more")
    cause = Cause([lead.id for lead in leads], why, consequence, is_theirs=consequence in YOURS)
    return notifications.enqueue(
        KIND,
        email,
        lead_id=leads[0].id if len(leads) == 1 else None,
        about=leads[0].subject if len(leads) == 1 else f"{len(leads)} leads",
        payload=msgspec.json.encode(cause).decode(),
        reserved_until=reserved_until,
        attorney=name,
        why=why,
        consequence=consequence,
        lines=lines,
    )


def check_leads(message: Notification) -> SendDecision:
    """Send check: replace a message about leads if one was hidden from its recipient or deleted.

    Also if it says that they are the recipient's, and one went to somebody else meanwhile.
    """
    if message.kind != KIND or message.payload is None:
        return SendDecision.SEND
    cause, person = msgspec.json.decode(message.payload, type=Cause), auth.find(message.recipient)
    if person is None:
        return SendDecision.NEVER
    lead_query = sa.select(Lead).where(
        Lead.id.in_(cause.leads), is_listed(), Lead.id.not_in(visibility.screened_leads(person.id))
    )
    if cause.is_theirs:
        lead_query = lead_query.where(Lead.assignee_id == person.id)
    found = {lead.id: lead for lead in db.session.scalars(lead_query)}
    if len(found) == len(cause.leads):
        return SendDecision.SEND
    leads = [MovedLead.of(found[lead_id]) for lead_id in cause.leads if lead_id in found]
    if leads:
        enqueue_moved(person.email, person.name, leads, cause.why, cause.consequence)
    return SendDecision.NEVER


def _name_owner(lead: Lead) -> str:
    return lead.assigned_to.name if lead.assigned_to is not None else "nobody yet"


def _find_alerted(leads: Sequence[Lead], person: User) -> Collection[uuid.UUID | None]:
    """Return which of these leads the person got an alert about, or a message that they are theirs."""
    ids = {lead.id for lead in leads}
    alert_query = sa.select(Notification.lead_id).where(
        Notification.lead_id.in_(ids),
        Notification.recipient == person.email,
        Notification.kind.in_(OWNER_ALERTS),
        Notification.status == Status.SENT,
    )
    alerted = set(db.session.scalars(alert_query))
    if ids <= alerted:
        return alerted
    payload_query = sa.select(Notification.payload).where(
        Notification.mailbox == normalize_mailbox(person.email),
        Notification.created_at >= min(lead.created_at for lead in leads),
        Notification.kind == KIND,
        Notification.status == Status.SENT,
    )
    causes = [msgspec.json.decode(found, type=Cause) for found in db.session.scalars(payload_query) if found]
    return alerted.union(*(cause.leads for cause in causes if cause.is_theirs))
