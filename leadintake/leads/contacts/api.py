"""JSON API of contacts. Readers of a lead may read them."""

from __future__ import annotations

from flask import Blueprint, Response

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, if_match, respond
from leadintake.leads.contacts.schemas import Contact, ContactPage, ContactQuery, NewContact
from leadintake.leads.contacts.service import contacts
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads

bp = Blueprint("contacts", __name__, url_prefix="/leads/<lead:lead_id>/contacts")


@bp.get("")
@allow(Permission.READ_LEADS)
@api({200: ContactPage}, query=ContactQuery, refuses=(404,))
def read(lead_id: LeadKey, query: ContactQuery) -> Response:
    """List the contacts with the prospect, newest first."""
    lead = leads.read(lead_id, "contacts", reader=current_actor(), actor=current_actor())
    page = contacts.page(lead, limit=query.limit, cursor=query.cursor)
    return respond(ContactPage([Contact.of(contact) for contact in page.items], page.next_cursor))


@bp.post("")
@allow(Permission.UPDATE_LEADS)
@api({201: Contact}, json=NewContact, headers=("If-Match",), refuses=(404, 409, 412))
def add(lead_id: LeadKey, json: NewContact) -> Response:
    """Record a contact; the lead is reached out to then. The same again within a minute is the same."""
    with leads.edit(lead_id, current_actor(), if_version=if_match()) as lead:
        contact = contacts.add(lead, json.channel, json.outcome, json.note, actor=current_actor())
    return respond(Contact.of(contact), 201)
