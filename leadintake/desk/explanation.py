"""Why a lead went to its attorney."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from leadintake.assignment.service import assignment
from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.http.access import allow
from leadintake.desk.place import lead_address
from leadintake.desk.words import CAUSES
from leadintake.leads.reference import LeadKey
from leadintake.leads.reports.explanation import list_candidates, summarize_decision
from leadintake.leads.service import leads

bp = Blueprint("explanation", __name__, url_prefix="/leads/<lead:lead_id>/explanation")


@bp.get("")
@allow(Permission.ASSIGN_LEADS)
def show(lead_id: LeadKey) -> Response:
    """Show every decision, latest first, and everybody it was between."""
    lead = leads.read(lead_id, "explanation", reader=current_actor(), actor=current_actor())
    names = {user.id: user.name for user in auth.everyone()}
    decisions = [
        (summarize_decision(decision, names), list_candidates(decision))
        for decision in reversed(assignment.of_lead(lead.id))
    ]
    page = render_template(
        "desk/explanation.html", lead=lead, back=lead_address(lead.id), decisions=decisions, causes=CAUSES
    )
    return make_response(page)
