"""Contacts with a prospect: record one."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.db.transaction import rollback
from leadintake.core.errors import Conflict, Forbidden, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_form, redirect_with_reasons
from leadintake.desk.place import lead_address
from leadintake.leads.contacts.schemas import NewContact
from leadintake.leads.contacts.service import contacts
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads

bp = Blueprint("contacts", __name__, url_prefix="/leads/<lead:lead_id>/contacts")
CHOOSE = {"channel": "Choose how you contacted them.", "outcome": "Choose what came of it."}


@bp.post("")
@allow(Permission.UPDATE_LEADS)
def add(lead_id: LeadKey) -> AnyResponse:
    """Record a contact; the lead is reached out to then."""
    try:
        contact = parse_form(NewContact)
        with leads.edit(lead_id, current_actor()) as lead:
            contacts.add(lead, contact.channel, contact.outcome, contact.note, actor=current_actor())
    except (Conflict, Forbidden, UnprocessableContent) as refusal:
        return _show_refusal(lead_id, refusal)
    flash("Recorded: you reached out.")
    return redirect(lead_address(lead_id), 303)


@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why the role does not include this, on the lead's page."""
    return redirect_with_reasons(refusal, lead_address((request.view_args or {})["lead_id"]))


def _show_refusal(lead_id: LeadKey, refusal: Refusal) -> Response:
    """Show the form again with what was typed, and why it was refused."""
    rollback()
    errors = {
        field: [CHOOSE[field]] if field in CHOOSE and not request.form.get(field) else reasons
        for field, reasons in (refusal.errors or {}).items()
    }
    lead = leads.get(lead_id, reader=current_actor())
    page = render_template(
        "desk/contact.html",
        lead=lead,
        problem="" if errors else refusal.detail,
        errors=errors,
        typed=request.form,
        back=lead_address(lead.id),
        list=request.args.get("list"),
    )
    return make_response(page, refusal.status)
