"""Verbs on contacts. The caller has read the lead for the actor, or edits it, which locks its row."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order, Page, page_of
from leadintake.leads import work
from leadintake.leads.conversation import ContactChannel, ContactOutcome, LeadContact
from leadintake.leads.models import Lead
from leadintake.leads.service import leads
from leadintake.leads.status import LeadStatus, is_pending
from leadintake.leads.texts import clean_text

NEWEST_FIRST = Order(LeadContact, "created_at", descending=True)
SAME_WITHIN = timedelta(minutes=1)
"""The same contact by the same user within this time is the same one: a second click."""


class Contacts:
    """Contacts with prospects."""

    def page(self, lead: Lead, *, limit: int, cursor: str | None) -> Page[LeadContact]:
        """Return a page of a lead's contacts, newest first."""
        contacts_query = sa.select(LeadContact).where(LeadContact.lead_id == lead.id)
        bound_to = {"contacts": str(lead.id)}
        return page_of(contacts_query, NEWEST_FIRST, limit=limit, cursor=cursor, bound_to=bound_to)

    def add(
        self, lead: Lead, channel: ContactChannel, outcome: ContactOutcome, note: str | None, *, actor: User
    ) -> LeadContact:
        """Record a contact, which marks the lead as reached out to; return the one that this repeats.

        Raises Forbidden, and UnprocessableContent for the note.
        """
        work.require_right(lead, actor)
        text = clean_text(note, "note") if note and note.strip() else None
        contact = self._find_repeated(lead, channel, outcome, text, actor)
        if contact is None:
            contact = LeadContact(lead_id=lead.id, author=actor, channel=channel, outcome=outcome, note=text)
            db.session.add(contact)
            db.session.flush()
            words = f"{channel}: {outcome}"
            work.record(
                lead, "contacted", words, actor=actor, contact=contact.id, channel=channel, outcome=outcome
            )
        if is_pending(lead.status):
            leads.change_status(lead, LeadStatus.REACHED_OUT, actor=actor)
        return contact

    def _find_repeated(
        self, lead: Lead, channel: ContactChannel, outcome: ContactOutcome, note: str | None, actor: User
    ) -> LeadContact | None:
        recent_query = sa.select(LeadContact).where(
            LeadContact.lead_id == lead.id,
            LeadContact.author_id == actor.id,
            LeadContact.channel == channel,
            LeadContact.outcome == outcome,
            LeadContact.created_at > now() - SAME_WITHIN,
        )
        recent = db.session.scalars(recent_query.order_by(LeadContact.created_at.desc()))
        return next((contact for contact in recent if contact.note == note), None)


contacts = Contacts()
