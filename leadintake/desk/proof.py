"""Proof sheet of a lead, to print, or to save as PDF through the browser."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template
from markupsafe import Markup

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.core.http.access import allow
from leadintake.desk.place import lead_address
from leadintake.desk.words import CAUSES
from leadintake.leads.proof.service import read_proof
from leadintake.leads.reference import LeadKey

bp = Blueprint("proof", __name__, url_prefix="/leads/<lead:lead_id>/proof")
READINGS = {
    "detail": "by a program",
    "explanation": "why this attorney",
    "history": "the history, by a program",
    "notifications": "the messages, by a program",
    "page": "the page",
    "proof": "this sheet",
}
"""What was read of a lead, by `what` of the audit entry."""


@bp.get("")
@allow(Permission.UPDATE_LEADS)
def show(lead_id: LeadKey) -> Response:
    """Show the sheet."""
    sheet = read_proof(lead_id, actor=current_actor())
    page = render_template(
        "desk/proof.html",
        sheet=sheet,
        lead=sheet.lead,
        back=lead_address(sheet.lead.id),
        causes=CAUSES,
        readings=READINGS,
        disclaimer=Markup(sheet.disclaimer.html).striptags() if sheet.disclaimer else "",  # noqa: S704 - into text
    )
    return make_response(page)
