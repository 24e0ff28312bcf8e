"""Withdraw unsent replies when the prospect corrects their address: they would go to the former one."""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.actor import SYSTEM
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.leads import work
from leadintake.leads.events import LeadEmailCorrected
from leadintake.leads.models import Lead
from leadintake.leads.replies.models import Reply
from leadintake.notifications import personal


def withdraw_replies(event: LeadEmailCorrected) -> None:
    """Withdraw the unsent replies of a lead, and their copies; the history names each for the attorney.

    One that left, or is leaving, stays.
    """
    lead = db.session.get_one(Lead, event.lead_id)
    for reply in db.session.scalars(sa.select(Reply).where(Reply.lead_id == lead.id)).all():
        if not personal.take_back(reply.message_id, reply.copy_id):
            continue
        reply.deleted_at = now()
        words = f"{reply.subject} (not sent: the address was corrected)"
        work.record(lead, "reply_taken_back", words, actor=SYSTEM, reply=str(reply.id))
    db.session.flush()
