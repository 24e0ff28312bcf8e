"""The leads of the demonstration, written by the same services as all leads, at earlier times."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import current_app
from structlog.testing import capture_logs

from leadintake.core.actor import OPERATOR
from leadintake.core.clock import set_back
from leadintake.core.db.transaction import transaction
from leadintake.demo.people import Course, Prospect
from leadintake.documents.service import documents
from leadintake.leads.intake.service import Submission, intake
from leadintake.leads.intake.spam import NO_SIGNALS, TRAP_FILLED, SpamSignals
from leadintake.leads.models import Lead
from leadintake.leads.service import leads
from leadintake.leads.status import LeadStatus
from leadintake.notifications import leases
from leadintake.notifications.embedded import Stop
from leadintake.notifications.models import Notification
from leadintake.notifications.worker import Worker

DELIVERY_DELAY, ANSWER_DELAY = timedelta(seconds=4), timedelta(hours=20)
REPLY = "550 5.1.1 <{address}>: Recipient address rejected: User unknown"
SIGNALS = {Course.QUARANTINED: SpamSignals((TRAP_FILLED,))}


def create_leads(prospects: tuple[Prospect, ...]) -> None:
    """Create the leads that do not exist, from the oldest to the youngest."""
    with capture_logs():  # thirty lines about other days before the addresses
        for prospect in prospects:
            _create_lead(prospect)


def _create_lead(prospect: Prospect) -> None:
    with set_back(prospect.age):
        lead, is_replay = _submit(prospect)
    if is_replay:
        return
    with set_back(prospect.age - DELIVERY_DELAY):
        _deliver(prospect)
    if prospect.course is Course.REACHED_OUT:
        with set_back(prospect.age - ANSWER_DELAY):
            _reach_out(lead.id)


def _submit(prospect: Prospect) -> tuple[Lead, bool]:
    signals = SIGNALS.get(prospect.course, NO_SIGNALS)
    with prospect.open_resume() as file, transaction():
        resume = documents.judge(prospect.resume, file)
        return intake.submit(Submission(prospect.values, resume, prospect.key, signals=signals), file)


def _deliver(prospect: Prospect) -> None:
    """Deliver what the submission made, unless a real mail server would get it."""
    if prospect.course is Course.REFUSED:
        with transaction():
            message = leases.claim("demo", where=Notification.recipient == prospect.email)
        if message:
            with transaction():
                leases.mark_failed(message, REPLY.format(address=prospect.email))
    if not current_app.config["MAIL_SERVER"]:
        Worker(current_app._get_current_object()).deliver_due(Stop())  # type: ignore[attr-defined] # LocalProxy's own


def _reach_out(lead_id: uuid.UUID) -> None:
    with transaction():
        owner = leads.get(lead_id, reader=OPERATOR).assigned_to
        if owner:
            with leads.edit(lead_id, owner, lock_assignment=True) as lead:
                leads.change_status(lead, LeadStatus.REACHED_OUT, actor=owner)
